"""The server's small parts: queue, wire, redaction, live figures, signature, settings, log."""

import json
import logging
import stat
from dataclasses import replace
from urllib.parse import quote, quote_plus

import numpy as np
import pytest

from pipelines.latency import LatencyFold
from pipelines.turn_taking.commands import Message, PausePlayout, ResumePlayout, SynthesizeClause
from pipelines.turn_taking.decisions import TurnEnded
from pipelines.turn_taking.events import (
    CallEnded,
    DtmfReceived,
    EngineFailed,
    EngineRemarked,
    FinalTranscript,
    FrameScored,
    PlayoutCleared,
    PlayoutStarted,
    ReplyTextReceived,
)
from pipelines.turn_taking.journal import Issued
from pipelines.turn_taking.policy import Policy
from pipelines.turn_taking.reasons import because
from pipelines.turn_taking.time import MILLISECOND, to_ms
from tests.decided import overlap, turn_ended
from tests.pipelines.turn_taking.world import Speech, World
from voicecli.carriers.leg import AudioOut, Clear, Mark
from voicecli.profile import load_profile
from voicecli.recording.bundle import read_bundle
from voicecli.redaction.journal import redact
from voicecli.redaction.text import redact_text
from voicecli.serve.logs import few_lines, set_up_logs
from voicecli.serve.outbox import MAX_AUDIO, MAX_MESSAGES, Outbox
from voicecli.serve.progress import ProgressFold
from voicecli.serve.record import record_call
from voicecli.transports.capture import Capture


def drained(outbox):
    return list(iter(outbox.take, None))


def test_a_caller_who_does_not_read_loses_the_oldest_audio():
    outbox = Outbox()
    outbox.put(Mark("first"))
    for number in range(MAX_AUDIO + 5):
        outbox.put(AudioOut(bytes([number])))
    assert outbox.dropped == 5
    assert drained(outbox)[:2] == [Mark("first"), AudioOut(b"\x05")]


def test_clear_overtakes_the_audio_it_makes_pointless_but_not_the_marks():
    outbox = Outbox()
    for message in (AudioOut(b"1"), Mark("a"), AudioOut(b"2"), Clear(), AudioOut(b"3")):
        outbox.put(message)
    assert drained(outbox) == [Mark("a"), Clear(), AudioOut(b"3")]


def test_what_waits_is_bounded_whatever_it_is():
    outbox = Outbox()
    for number in range(10_000):
        outbox.put(Mark(str(number)))
    assert len(drained(outbox)) == MAX_MESSAGES


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("call 555 0199 now", "call ### #### now"),
        ("it's four, five six", "it's #, # #"),
        ("a table for two please", "a table for two please"),
        ("mail jane.doe@example.com today", "mail [e-mail] today"),
        ("jane at example dot com", "[e-mail]"),
        ("look at the door", "look at the door"),
    ],
)
def test_numbers_and_addresses_are_redacted_and_words_are_not(text, kept):
    assert redact_text(text) == kept


def test_every_text_of_an_entry_is_redacted_and_its_times_are_not():
    history = (Message("caller", "my pin is 4711"),)
    reason = because("end_by_keypad", digits="4711")
    entries = [
        FinalTranscript(4711, 1, 4711, "4711"),
        DtmfReceived(4711, "4"),
        ReplyTextReceived(4711, 2, " 47"),
        Issued(4711, TurnEnded("[keypad 4711]", 3, None, reason)),
        Issued(4711, SynthesizeClause(4711, 3, "4711", reason)),
    ]
    kept = [redact(entry) for entry in entries]
    assert [entry.at for entry in kept] == [4711] * 5
    shown = repr(kept).replace("at=4711", "").replace("until=4711", "").replace("job=4711", "")
    assert "47" not in shown
    assert redact(Issued(0, history[0])).command.text == "my pin is ####"


def test_latency_of_a_turn_and_of_a_barge_in_are_told_once():
    fold, ms = ProgressFold(), MILLISECOND
    reason = because("first_clause", words=1, clause=1)
    for entry in (
        PlayoutStarted(120 * ms, 1),
        FrameScored(980 * ms, 940 * ms, 970 * ms, 0.9, 30 * ms),
        Issued(0, SynthesizeClause(6, 5, "Yes.", reason)),
        Issued(0, turn_ended(5, end=1000 * ms)),
        PlayoutStarted(1400 * ms, 6, 20 * ms),
        PlayoutStarted(1900 * ms, 7),
        Issued(2200 * ms, overlap(interrupts=True, reply=5, onset=2000 * ms)),
        PlayoutCleared(2300 * ms, 6, 0),
        CallEnded(2400 * ms, "hangup"),
    ):
        fold.record(entry)
    told = fold.take(dropped=0, missing=0, underruns=0)
    assert (told.greeting_ms, told.turn) == (120.0, 1)
    # The onset was uttered 30 ms before it arrived.
    assert (told.voice_to_voice_ms, told.barge_in_ms) == ([450.0], [350.0])
    again = fold.take(dropped=0, missing=0, underruns=0)
    assert (again.voice_to_voice_ms, again.greeting_ms) == ([], None)


@pytest.mark.parametrize(
    ("sounds_ms", "latency_ms"), [((), 900), ((1200,), 700), ((1200, 1800), 700)]
)
def test_latency_counts_from_the_last_sound_of_the_turn_as_in_the_report(sounds_ms, latency_ms):
    """A breath after the words ends the silence; what comes much later is another sound."""
    fold, ms = ProgressFold(), MILLISECOND
    reason = because("first_clause", words=1, clause=1)
    for entry in (
        Issued(1050 * ms, SynthesizeClause(6, 5, "Yes.", reason)),
        Issued(1050 * ms, turn_ended(5, end=1000 * ms)),
        *(FrameScored(at * ms, at * ms, at * ms, 0.1, 0, at * ms) for at in sounds_ms),
        PlayoutStarted(1900 * ms, 6),
        CallEnded(2400 * ms, "hangup"),
    ):
        fold.record(entry)
    assert fold.take(dropped=0, missing=0, underruns=0).voice_to_voice_ms == [latency_ms]


def test_an_engine_for_which_another_steps_in_has_failed_once():
    fold = ProgressFold()
    for entry in (
        EngineRemarked(1, 4, "llm", "dropped a phrase"),
        EngineRemarked(2, 5, "llm", "far failed; near stands in", failed=True),
        EngineFailed(3, 5, "llm", "timed out"),
        EngineFailed(4, 6, "tts", "out of memory"),
    ):
        fold.record(entry)
    assert fold.take(dropped=0, missing=0, underruns=0).failures == ["llm", "tts"]


def test_a_barge_in_counts_until_the_callers_ear_has_silence():
    """That is when the agent fell silent to judge it, and the way to the ear besides."""
    fold, ms, why = ProgressFold(), MILLISECOND, because("interrupted_by_request")
    for entry in (
        Issued(1900 * ms, SynthesizeClause(7, 5, "Yes.", why)),
        PlayoutStarted(1900 * ms, 7, 60 * ms),
        Issued(2050 * ms, PausePlayout(why)),
        Issued(2100 * ms, ResumePlayout(why)),  # it went on, and stopped again
        Issued(2200 * ms, PausePlayout(why)),
        Issued(2600 * ms, overlap(interrupts=True, reply=5, onset=2000 * ms)),
        PlayoutCleared(2610 * ms, 7, 0),
    ):
        fold.record(entry)
    assert fold.take(dropped=0, missing=0, underruns=0).barge_in_ms == [260.0]


@pytest.mark.parametrize("seed", range(4))
def test_a_server_tells_the_times_that_the_report_of_the_same_call_has(seed):
    """However the delay of the line jumps about, and whatever is heard after a turn's last word."""
    random = np.random.default_rng(seed)
    asked = [Speech(2000 + at, 3000 + at, "i would like a table") for at in (0, 7000)]
    call = World(Policy(), [*asked, Speech(4600, 5600, "no wait stop")], until_ms=16_000)
    entries = [
        replace(
            entry, ingress=int(random.integers(200)) * MILLISECOND,
            sound_until=entry.end if entry.speech > 0.5 or random.random() < 0.2 else None,
        )
        if isinstance(entry, FrameScored) else entry
        for entry in call.run()
    ]  # fmt: skip
    fold, report = ProgressFold(), LatencyFold(entries)
    for entry in entries:
        fold.record(entry)
    told = fold.take(dropped=0, missing=0, underruns=0)
    assert told.voice_to_voice_ms == [round(to_ms(turn.voice_to_voice), 1) for turn in report.turns]
    [stopped] = [b.silent_at_ear - b.onset for b in report.barge_ins]
    assert told.barge_in_ms == [round(to_ms(stopped), 1)]
    assert told.turn == 3


@pytest.mark.parametrize("as_json", [False, True])
def test_secrets_never_reach_the_log(monkeypatch, as_json):
    monkeypatch.setenv("NGROK_AUTHTOKEN", "hush-hush")
    lines = []
    set_up_logs(lines.append, as_json=as_json)
    logging.getLogger("voicecli.serve").info("token hush-hush", extra={"why": "hush-hush"})
    assert "hush" not in lines[0]
    assert "[NGROK_AUTHTOKEN]" in lines[0]
    assert not as_json or json.loads(lines[0])["why"] == "[NGROK_AUTHTOKEN]"


def test_warnings_of_a_kind_are_twenty_a_minute_and_the_rest_is_counted():
    left_out, lines = [], []
    set_up_logs(lines.append, as_json=True)
    logger = logging.getLogger("voicecli.serve")

    def warn(created, place=7, level=logging.WARNING):
        logger.handle(
            logging.makeLogRecord(
                {"name": logger.name, "levelno": level, "created": created, "lineno": place,
                 "msg": f"from outside, {created}", "levelname": "WARNING"}
            )
        )  # fmt: skip

    with few_lines(lambda: left_out.append(1)):
        for number in range(100):
            warn(1000 + number / 10)
        assert (len(lines), len(left_out)) == (20, 80)  # whatever the text says
        warn(1001, place=8)
        warn(1002, level=logging.INFO)
        assert (len(lines), len(left_out)) == (22, 80)
        warn(1060)
        assert json.loads(lines[-1])["unlogged_before"] == 80
        warn(1061)
        assert "unlogged_before" not in json.loads(lines[-1])
    for _ in range(100):
        warn(1062)
    assert len(lines) == 124


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("secret", [" hush-token\n", "hush hush+/=%", 'hush"\\hush', "hüsh-hüsh"])
def test_no_way_to_write_a_secret_escapes(monkeypatch, secret, as_json):
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", secret)
    lines, bare = [], secret.strip()
    set_up_logs(lines.append, as_json=as_json)
    log = logging.getLogger("voicecli.serve")
    for form in (bare, quote(bare), quote(bare, safe=""), quote(bare, safe="").lower(),
                 quote_plus(bare), repr(bare), json.dumps(bare)):  # fmt: skip
        log.info("at https://u:%s@host/?x=%s", form, form, extra={"why": form})
    for line in lines:
        assert line.count("[TWILIO_AUTH_TOKEN]") == 3
        assert "sh" not in line.replace("https", "")


def test_a_kept_call_can_be_read_back_redacted(tmp_path):
    profile = load_profile("scripted")
    recorder = record_call(tmp_path / "one", "CA1", Capture(), profile, print, redacted=True)
    recorder.record(FinalTranscript(5, 1, 5, "seven seven 42"))
    assert recorder.close()
    bundle = read_bundle(tmp_path / "one")
    assert bundle.entries[0].text == "# # ##"
    assert bundle.header.metadata["redacted"] is True
    assert stat.S_ISDIR((tmp_path / "one").stat().st_mode)
