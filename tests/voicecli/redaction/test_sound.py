"""Whose words may not be stored is not heard in the stored sound either, not even as an echo."""

import json
import zipfile

import numpy as np
import pytest
import soundfile
import soxr
from typer.testing import CliRunner

from pipelines.turn_taking.commands import PlayClause, StartTranscription, SynthesizeClause
from pipelines.turn_taking.events import (
    CallEnded,
    CallStarted,
    DtmfReceived,
    FinalTranscript,
    FrameScored,
    MarkReached,
    PartialTranscript,
    PlayoutCleared,
    PlayoutStarted,
)
from pipelines.turn_taking.journal import Issued
from pipelines.turn_taking.reasons import because
from pipelines.turn_taking.time import SECOND
from voicecli.cli import app
from voicecli.engines import build_engines
from voicecli.profile import SHIPPED, load_profile
from voicecli.recording.bundle import read_bundle, write_bundle
from voicecli.recording.journal import JournalHeader
from voicecli.recording.labels import Labels, Turn
from voicecli.recording.recorder import CallRecorder
from voicecli.redaction.journal import Redactor
from voicecli.redaction.sound import SoundRedactor
from voicecli.transports.capture import Capture

RATE = 8000
WHY = because("first_clause")
CALLER, AGENT = 0, 1
NOTHING, TONE = 0, 330


class Call:
    """A call of 20 s that is put together piece by piece; both tracks hold a faint background."""

    def __init__(self, seconds=20):
        self.entries = [CallStarted(0)]
        self.stereo = np.random.default_rng(1).integers(-3, 4, (seconds * RATE, 2), np.int16)
        self._job = 1

    def sound(self, track, start, end, peak=6000):
        span = slice(round(start * RATE), round(end * RATE))
        voice = np.random.default_rng(int(1000 * start)).normal(
            0, peak / 4, self.stereo[span, 0].shape
        )
        self.stereo[span, track] = voice.astype(np.int16)

    def caller(self, text, start, end, ingress=0.0, *, partials=(), final=True):
        """Speech from `start` to `end`, as it was uttered."""
        self.sound(CALLER, start, end)
        self._job += 1
        job, late = self._job, round(ingress * SECOND)
        begin, until = (
            round((start - 0.3 + ingress) * SECOND),
            round((end + 0.2 + ingress) * SECOND),
        )
        self.entries += [
            FrameScored(begin, begin - 1, begin, 0.9, late),
            Issued(begin, StartTranscription(job, begin, WHY)),
            *(PartialTranscript(until, job, until, words, "") for words in partials),
        ]
        if final:
            self.entries.append(FinalTranscript(until + 1, job, until, text))
        return self

    def agent(self, text, start, end, reply=1, *, over="mark"):
        self.sound(AGENT, start, end)
        self._job += 1
        job, at, done = self._job, round(start * SECOND), round(end * SECOND)
        self.entries += [
            Issued(at, SynthesizeClause(job, reply, text, WHY)),
            Issued(at, PlayClause(job, WHY)),
            PlayoutStarted(at, job),
        ]
        if over == "mark":
            self.entries.append(MarkReached(done, job))
        if over == "cleared":
            self.entries.append(PlayoutCleared(done, job, done - at))
        return self

    def redacted(self, labels=None):
        sound = SoundRedactor()
        for entry in self.entries:
            sound.record(entry)
        if labels is not None:
            sound.label(labels)
        return sound.redacted(self.stereo, RATE)


def peak(stereo, track, start, end):
    return int(np.abs(stereo[round(start * RATE) : round(end * RATE), track].astype(int)).max())


def test_an_utterance_with_a_secret_is_a_tone_and_what_is_none_stays_to_the_bit():
    call = Call().caller("a table for two please", 1, 3).caller("my pin is 4711", 5, 7)
    kept = call.redacted()
    assert np.array_equal(kept[RATE : 3 * RATE, CALLER], call.stereo[RATE : 3 * RATE, CALLER])
    assert peak(kept, CALLER, 5, 7) == TONE
    assert peak(kept, AGENT, 5, 7) == NOTHING  # a line's echo


def test_a_clause_that_reads_a_secret_back_is_a_tone_and_its_echo_is_gone():
    call = Call().caller("it is late", 8, 9)
    call.agent("Good morning.", 1, 2).agent("I heard 555 0199.", 4, 6, 2)
    call.sound(CALLER, 4.3, 6.4, peak=800)
    call.caller("is that you", 6.2, 7)
    kept = call.redacted()
    assert np.array_equal(kept[RATE : 2 * RATE, AGENT], call.stereo[RATE : 2 * RATE, AGENT])
    assert peak(kept, AGENT, 4, 6) == TONE
    assert peak(kept, CALLER, 4, 6.5) == NOTHING


def test_it_goes_from_the_pause_before_to_the_pause_after():
    call = Call().caller("my pin is 4711", 5, 7)
    call.sound(CALLER, 4.4, 7.6)  # more than the recogniser was given
    kept = call.redacted()
    assert peak(kept, CALLER, 4.4, 7.6) == TONE
    assert peak(kept, CALLER, 0, 4.2) == NOTHING


def test_the_delay_of_the_line_is_reckoned_with():
    call = Call().caller("my pin is 4711", 5, 7, ingress=0.8)
    call.agent("Good.", 7.5, 8, 2).caller("in the morning", 9, 10, ingress=0.8)
    kept = call.redacted()
    assert peak(kept, CALLER, 5, 7) == TONE
    assert peak(kept, CALLER, 9, 10) > 3000


@pytest.mark.parametrize("words", ["wear Seven", ""])
def test_the_answer_goes_if_a_secret_was_asked_for_however_it_was_understood(words):
    call = Call().agent("And what is your code?", 1, 2).caller(words, 3, 4)
    call.agent("Thank you. When would you come?", 5, 6, 2).caller("in the morning", 7, 8)
    kept = call.redacted()
    assert peak(kept, CALLER, 3, 4) <= TONE
    assert peak(kept, CALLER, 7, 8) > 3000


def test_what_follows_an_announcement_goes_until_the_agent_has_replied():
    call = Call().caller("My customer number is,", 1, 2).caller("wear Seven", 3, 4)
    call.agent("Good. What is it about?", 5, 6, 2).caller("it is about tomorrow", 7, 8)
    kept = call.redacted()
    assert peak(kept, CALLER, 1, 4) == TONE
    assert peak(kept, CALLER, 7, 8) > 3000


def test_what_was_misheard_goes_if_the_agent_reads_a_secret_back():
    call = Call().agent("Tell me.", 1, 2).caller("wear Seven", 3, 4)
    call.agent("I heard 471 99.", 5, 6, 2)
    assert peak(call.redacted(), CALLER, 3, 4) == TONE


def test_a_number_in_two_utterances_goes_from_its_first_figure():
    call = Call().caller("five", 1, 2).caller("five five one two", 4, 6)
    assert peak(call.redacted(), CALLER, 0, 20) == TONE


@pytest.mark.parametrize("partials", [(), ("my pin is",), ("my pin is four seven",)])
def test_speech_of_which_no_last_transcript_came_goes(partials):
    call = Call().caller("", 3, 5, partials=partials, final=False)
    assert peak(call.redacted(), CALLER, 0, 20) <= TONE


def test_a_secret_of_a_partial_transcript_alone_is_one():
    call = Call().caller("for Seven", 3, 5, partials=("four seven one",))
    assert peak(call.redacted(), CALLER, 3, 5) == TONE


def test_sound_that_nobody_transcribed_goes():
    call = Call().caller("good morning", 1, 2)
    call.sound(CALLER, 4, 6)
    call.sound(AGENT, 4, 6)
    kept = call.redacted()
    assert peak(kept, CALLER, 3, 20) == peak(kept, AGENT, 0, 20) == NOTHING


def test_the_tone_of_a_key_goes_even_amid_words():
    call = Call().caller("here it comes", 3, 6)
    call.entries.append(DtmfReceived(4 * SECOND, "7"))
    assert peak(call.redacted(), CALLER, 3.2, 4) == TONE


@pytest.mark.parametrize("over", ["mark", "cleared", "never"])
def test_a_clause_goes_however_it_ends(over):
    call = Call().agent("Your number is 555 0199, and", 4, 6, over=over)
    kept = call.redacted()
    assert peak(kept, AGENT, 4, 6) == TONE
    assert peak(Call().agent("Good morning", 4, 6, over=over).redacted(), AGENT, 4, 6) > 3000


def test_a_journal_that_is_redacted_already_still_tells_where_they_were():
    call = Call().caller("my pin is 4711", 5, 7).agent("555 0199, right?", 9, 11, 2)
    call.entries = [*map(Redactor(), call.entries)]
    kept = call.redacted()
    assert peak(kept, CALLER, 5, 7) == peak(kept, AGENT, 9, 11) == TONE


def test_labels_know_better_than_the_recogniser():
    call = Call().caller("wear Seven", 3, 5)
    kept = call.redacted(Labels((Turn(3.0, 5.0, "four seven one"),)))
    assert peak(kept, CALLER, 3, 5) == TONE


@pytest.mark.parametrize("seconds", [0, 1])
def test_a_call_that_is_shorter_than_its_journal_is_no_trouble(seconds):
    call = Call(seconds)
    call.entries += Call().caller("my pin is 4711", 5, 7).agent("555 0199.", 9, 11).entries
    assert len(call.redacted()) == seconds * RATE


def test_a_recorder_writes_no_sound_before_it_is_known_what_was_said(tmp_path):
    call, tracks = Call().caller("my pin is 4711", 1, 3), Capture()
    tracks.caller(call.stereo[:, CALLER], 0)
    recorder = CallRecorder(
        tmp_path / "one", JournalHeader("p", RATE), tracks,
        profile="", notify=print, alter=Redactor(), sound=SoundRedactor(),
    )  # fmt: skip
    for entry in call.entries[:-1]:
        recorder.record(entry)
    recorder._write()
    assert len(read_bundle(tmp_path / "one").stereo) == 0
    recorder.record(call.entries[-1])
    assert recorder.close()
    stored = read_bundle(tmp_path / "one").stereo
    assert len(stored) == len(call.stereo)
    assert peak(stored, CALLER, 0, 20) == TONE


def test_an_exported_call_holds_a_secret_in_none_of_its_parts(tmp_path):
    call = Call().caller("my pin is 4711", 5, 7, partials=("my pin is four seven",))
    call.agent("4711, thank you.", 9, 11, 2)
    call.entries.append(CallEnded(12 * SECOND, "the caller hung up"))
    labels = Labels((Turn(5.0, 7.0, "my pin is four seven one one", keys="4711"),))
    write_bundle(
        tmp_path / "calls" / "one", JournalHeader("scripted", RATE, {"line": "pstn"}), call.entries,
        call.stereo, profile=(SHIPPED / "scripted.toml").read_text(), policy="", labels=labels,
    )  # fmt: skip
    before = (tmp_path / "calls" / "one" / "journal.jsonl").read_bytes()
    archive = tmp_path / "one.zip"
    command = ["recordings", "export", str(tmp_path / "calls" / "one"), str(archive)]
    result = CliRunner().invoke(app, [*command, "--redact-audio"])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "calls" / "one" / "journal.jsonl").read_bytes() == before
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(tmp_path)
        parts = {name: packed.read(name) for name in packed.namelist()}
    assert len(parts) == 5
    for name, content in parts.items():
        if not name.endswith((".wav", ".toml")):
            assert b"4711" not in content, name
            assert b"four" not in content, name
    bundle = read_bundle(tmp_path / "one")
    assert bundle.header.metadata == {"line": "pstn", "redacted": True, "redacted_audio": True}
    assert peak(bundle.stereo, CALLER, 0, 20) == peak(bundle.stereo, AGENT, 0, 20) == TONE
    replayed = CliRunner().invoke(app, ["replay", str(tmp_path / "one"), "-q"])
    assert "words were redacted" in replayed.output
    assert replayed.exit_code == 0
    assert CliRunner().invoke(app, [*command, "--redact"]).exit_code == 0
    with zipfile.ZipFile(archive) as packed, packed.open("one/call.wav") as file:
        assert np.array_equal(soundfile.read(file, dtype="int16")[0], call.stereo)
    first = json.loads(zipfile.ZipFile(archive).read("one/journal.jsonl").splitlines()[0])
    assert first["redacted"] is True
    assert "redacted_audio" not in first


@pytest.mark.weights
def test_a_recogniser_finds_no_figure_in_what_is_left():
    engines = build_engines(load_profile("embedded"))

    def spoken(text):
        pcm = np.concatenate(list(engines.tts.synthesize(text, _Never())))
        return soxr.resample(pcm, engines.tts.sample_rate, RATE)

    def heard(pcm):
        engines.asr.reset()
        engines.asr.feed(
            soxr.resample(pcm / 32768, RATE, engines.asr.sample_rate).astype(np.float32)
        )
        return engines.asr.finish().text.lower()

    call = Call(24)
    texts = "What are your opening hours?", "My number is four seven one nine nine."
    for text, start in zip(texts, (1, 6), strict=True):
        pcm = spoken(text)
        call.caller(text, start, start + len(pcm) / RATE)
        call.stereo[start * RATE : start * RATE + len(pcm), CALLER] = pcm * 20_000
    for text, start in (("Thank you.", 12), ("Your number is four seven one nine nine.", 14)):
        pcm = spoken(text)
        call.agent(text, start, start + len(pcm) / RATE, start)
        call.stereo[start * RATE : start * RATE + len(pcm), AGENT] = pcm * 20_000
    kept = call.redacted()
    figures = ["four", "seven", "one", "nine", "4", "7", "1", "9"]
    for track, start, end in ((CALLER, 5, 12), (AGENT, 13, 20)):
        span = slice(start * RATE, end * RATE)
        assert sum(word in heard(call.stereo[span, track]) for word in figures) > 1
        assert not any(word in heard(kept[span, track]) for word in figures)
    assert "opening" in heard(kept[: 5 * RATE, CALLER])


class _Never:
    def is_set(self):
        return False
