"""Who waits for whom where engines share the machine's cores."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest

from pipelines.engines.protocols import Hypothesis, Transcript
from pipelines.engines.simulated_time import spend
from pipelines.runtime.transcriber import PUT_OFF, STEP
from pipelines.runtime.virtual import run_virtual
from pipelines.turn_taking.events import (
    ClauseSynthesized,
    EndOfTurnScored,
    FinalTranscript,
    ReplyPrepared,
    ReplyTextReceived,
)
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.policy import SpeculationPolicy
from pipelines.turn_taking.time import from_ms, to_ms

from .calls import POLICY, Caller, Llm, ScriptedEngines

READING_ALONG = replace(
    POLICY,
    endpointing=replace(POLICY.endpointing, text_detectors=("scripted",)),
    speculation=SpeculationPolicy(eager_eot_threshold=0.6),
)


@dataclass
class Reader(Llm):
    """An LLM that takes its time to read, and the detector that works on it."""

    read: list[str] = field(default_factory=list)
    """What was read in advance, and `?` with what was judged, in the order of the work."""
    p: float = 0.3
    reading_ms: int = 60
    sample_rate: int = 16000
    audio_seconds: float = 0.0
    needs_text: bool = True
    uses_llm: bool = True

    def prepare(self, history) -> None:
        spend(from_ms(self.reading_ms))
        self.read.append(history[-1].text)

    def end_of_turn(self, history, text, audio) -> float:
        del history, audio
        spend(from_ms(self.reading_ms))
        self.read.append("? " + text)
        return self.p


def played(caller: Caller, policy=READING_ALONG, **engines) -> list[Entry]:
    entries: list[Entry] = []
    run_virtual(policy, ScriptedEngines(**engines), caller, entries.append)
    return entries


def test_words_are_judged_before_the_prompt_is_read_in_advance():
    reader = Reader(["Yes."])
    entries = played(Caller([(3000, 5000)], until_ms=9000), llm=reader, turn_detector=reader)
    first = reader.read[0].removeprefix("? ")
    assert reader.read[:2] == ["? " + first, first]
    told = [e for e in entries if isinstance(e, EndOfTurnScored | ReplyPrepared)]
    assert isinstance(told[0], EndOfTurnScored)
    assert isinstance(told[1], ReplyPrepared)


def test_a_prompt_is_not_read_in_advance_for_words_that_have_changed_since():
    reader = Reader(["Yes."], reading_ms=700)
    played(Caller([(3000, 5000)], until_ms=12000), llm=reader, turn_detector=reader)
    stale = [
        (before, read)
        for before, read in pairwise(reader.read)
        if not read.startswith("? ") and before != "? " + read
    ]
    assert stale == []
    judged = [text for text in reader.read if text.startswith("? ")]
    read = [text for text in reader.read if not text.startswith("? ")]
    assert len(read) < len(judged)


def test_the_llm_writes_on_when_the_first_clause_can_be_heard():
    pieces = ["Of course we can. ", "Which day ", "would be ", "best for you?"]
    tts = ScriptedEngines().tts
    tts = type(tts)(replace(tts._settings, first_audio_ms=200.0))
    entries = played(Caller([(3000, 4000)], until_ms=9000), POLICY, llm=Llm(pieces), tts=tts)
    said = [e for e in entries if isinstance(e, ReplyTextReceived)]
    sound = next(e for e in entries if isinstance(e, ClauseSynthesized) and e.at > said[0].at)
    asked = next(
        e.at for e in entries if isinstance(e, Issued) and getattr(e.command, "job", 0) == sound.job
    )
    assert to_ms(sound.at - asked) == pytest.approx(200, abs=1)
    later = [e.at for e in said if e.at > asked]
    assert len(later) >= 2
    assert all(0 <= to_ms(at - sound.at) <= 10 for at in later)


@dataclass
class Hearing:
    """A recogniser that is given other words each time, until it has no more."""

    local: bool
    """Whether it computes on this machine."""
    words: Sequence[str] = ("I would like to",)
    sample_rate: int = 16000
    simulated_time: bool = True
    given_ms: list[float] = field(default_factory=list)

    def feed(self, pcm) -> Hypothesis:
        self.given_ms.append(len(pcm) / 16)
        return Hypothesis(self.words[min(len(self.given_ms), len(self.words)) - 1], "")

    def finish(self) -> Transcript:
        return Transcript(self.words[-1])

    def reset(self) -> None:
        pass


def slow_writer() -> Reader:
    return Reader(["Yes."], lambda: spend(from_ms(1500)), p=0.95, reading_ms=10)


@pytest.mark.parametrize(("local", "longest_ms"), [(True, to_ms(PUT_OFF)), (False, to_ms(STEP))])
def test_partial_transcripts_wait_for_a_first_clause_but_not_for_long(local, longest_ms):
    reader, ears = slow_writer(), Hearing(local)
    caller = Caller([(3000, 7000)], until_ms=14000)
    entries = played(caller, llm=reader, turn_detector=reader, asr=ears)
    _pre_roll, *rest = ears.given_ms
    assert max(rest) == pytest.approx(longest_ms, abs=40)
    final = next(e for e in entries if isinstance(e, FinalTranscript))
    assert to_ms(final.at) < 7250  # not put off: it is what decides


def test_a_reply_given_up_holds_no_transcript_back():
    reader, ears = slow_writer(), Hearing(local=True, words=("I", "I would", "I would go on"))
    caller = Caller([(3000, 5000)], until_ms=6000)
    played(caller, llm=reader, turn_detector=reader, asr=ears)
    _pre_roll, first, second, *_rest = ears.given_ms
    assert first == pytest.approx(to_ms(PUT_OFF), abs=40)  # a reply to "I" was being made
    assert second == pytest.approx(to_ms(STEP), abs=40)
