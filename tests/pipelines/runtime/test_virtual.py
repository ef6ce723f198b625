"""The virtual-clock shell: whole calls through real plumbing, in no time."""

import hashlib
import os
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pipelines.engines.llm import scripted
from pipelines.engines.protocols import Transcript
from pipelines.engines.registry import Context
from pipelines.engines.remarks import remark
from pipelines.engines.restarting import restarting
from pipelines.engines.simulated_time import spend
from pipelines.engines.tools import Tool
from pipelines.latency import fold_turns
from pipelines.runtime.recorded_answers import recorded_answers_from
from pipelines.runtime.virtual import run_virtual
from pipelines.turn_taking.commands import FinishTranscription, GenerateReply, StartTranscription
from pipelines.turn_taking.events import (
    CallEnded,
    EngineFailed,
    EngineRemarked,
    FinalTranscript,
    FrameScored,
    PlayoutStarted,
    ReplyTextReceived,
)
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.policy import Policy, SpeculationPolicy
from pipelines.turn_taking.time import from_ms, to_ms

from .calls import POLICY, RATE, Caller, Llm, ScriptedEngines, verdicts

ONE_TURN = [(3000, 4000)]


def played(caller: Caller, policy: Policy = POLICY, **engines: object) -> list[Entry]:
    entries: list[Entry] = []
    run_virtual(policy, ScriptedEngines(**engines), caller, entries.append)
    return entries


def test_a_caller_is_greeted_heard_and_answered():
    caller = Caller(ONE_TURN, until_ms=9000)
    entries = played(caller)
    assert len(verdicts(entries, "turn_ended")) == 1
    assert isinstance(entries[-1], CallEnded)
    starts = [entry for entry in entries if isinstance(entry, PlayoutStarted)]
    assert starts[0].at < from_ms(100)  # the greeting
    assert starts[1].at > from_ms(4000)
    talking = [now for now, sound in caller.heard if sound]
    assert talking[0] == starts[0].at


def test_moments_never_run_backwards_and_frames_cover_the_call():
    entries = played(Caller(ONE_TURN, until_ms=6000))
    moments = [entry.at for entry in entries]
    assert moments == sorted(moments)
    frames = [entry for entry in entries if isinstance(entry, FrameScored)]
    assert all(a.end == b.start for a, b in pairwise(frames))


def test_only_gated_audio_reaches_the_recogniser():
    given: list[int] = []

    class Listening:
        sample_rate = RATE
        simulated_time = True

        def __init__(self) -> None:
            self._inner = ScriptedEngines().asr

        def __getattr__(self, name: str):
            return getattr(self._inner, name)

        def feed(self, pcm):
            given.append(len(pcm))
            return self._inner.feed(pcm)

    entries = played(Caller(ONE_TURN, until_ms=9000), asr=Listening())
    start = next(e.command for e in entries if isinstance(getattr(e, "command", None),
                                                          StartTranscription))  # fmt: skip
    finish = next(e.command for e in entries if isinstance(getattr(e, "command", None),
                                                           FinishTranscription))  # fmt: skip
    assert to_ms(finish.until - start.start) == pytest.approx(sum(given) * 1000 / RATE, abs=100)
    assert sum(given) < 1.6 * RATE  # of nine seconds


def test_the_line_s_delay_is_told_with_every_frame():
    entries = played(Caller(ONE_TURN, until_ms=6000, ingress=from_ms(60)))
    frames = [entry for entry in entries if isinstance(entry, FrameScored)]
    assert {frame.ingress for frame in frames} == {from_ms(60)}
    [turn] = fold_turns(entries)
    assert turn.spans["ingress"] == from_ms(60)


def test_an_engine_that_raises_ends_its_job_and_not_the_call():
    def burst() -> None:
        raise RuntimeError("out of memory")

    entries = played(Caller([(3000, 4000), (9000, 10000)], until_ms=16000), llm=Llm(["x"], burst))
    failures = [entry for entry in entries if isinstance(entry, EngineFailed)]
    assert {failure.message for failure in failures} == {"RuntimeError: out of memory"}
    assert len(verdicts(entries, "turn_ended")) == 2


def test_what_an_engine_remarks_stands_in_the_journal_before_its_result_or_failure():
    def lost() -> None:
        remark("the first server is down")
        raise TimeoutError("so is the second")

    entries = played(Caller(ONE_TURN, until_ms=9000), llm=Llm(["x"], lost))
    told = [e for e in entries if isinstance(e, EngineRemarked | EngineFailed)]
    assert isinstance(told[0], EngineRemarked)
    assert isinstance(told[1], EngineFailed)
    assert told[0].job == told[1].job
    remarked = verdicts(entries, "engine_remarked")[0].command.reason
    assert str(remarked) == "llm: the first server is down"


def test_a_cancelled_reply_is_not_generated_further():
    made: list[int] = []

    def piece() -> None:
        made.append(1)
        spend(from_ms(20))

    talkative = Llm(["Well, "] * 5000, each=piece)
    entries = played(Caller([(3000, 4000), (4800, 6800)], until_ms=7000), llm=talkative)
    assert verdicts(entries, "overlap_interrupts")
    assert len(made) < 2500 / 20  # it would have gone on to the end of the call and beyond


def test_a_slow_recogniser_gets_all_the_audio_since_and_its_queue_never_grows():
    fed: list[float] = []

    class Slow:
        sample_rate = RATE
        simulated_time = True

        def reset(self) -> None:
            fed.clear()

        def feed(self, pcm):
            fed.append(len(pcm) / RATE)
            spend(from_ms(500))

        def finish(self):
            return ScriptedEngines().asr.finish()

    entries = played(Caller([(3000, 5500)], until_ms=9000), asr=Slow())
    assert len(fed) <= 7
    assert sum(fed) == pytest.approx(2.9, abs=0.2)
    final = next(entry for entry in entries if isinstance(entry, FinalTranscript))
    assert to_ms(final.at) < 5500 + 140 + 2 * 500 + 50  # one decode behind at most


def test_measured_engines_charge_the_time_they_took():
    measured = Llm(["One ", "two."], simulated_time=False)
    entries = played(Caller(ONE_TURN, until_ms=9000), llm=measured)
    asked = next(e for e in entries if isinstance(getattr(e, "command", None), GenerateReply))
    first = next(entry for entry in entries if isinstance(entry, ReplyTextReceived))
    assert first.at > asked.at


def test_with_the_recorded_answers_the_same_policy_makes_the_same_call():
    caller = Caller([(3000, 4000), (7000, 8200)], until_ms=14000)
    recorded = played(caller)
    recorded_answers = recorded_answers_from(recorded, agent=np.zeros(0, np.int16), rate=RATE)
    again: list[Entry] = []

    class Unused:
        def __getattr__(self, name: str):
            raise AssertionError(f"the {name} engine was asked")

    same = Caller([(3000, 4000), (7000, 8200)], until_ms=14000)
    run_virtual(POLICY, Unused(), same, again.append, recorded_answers=recorded_answers)
    commands = [entry for entry in recorded if isinstance(entry, Issued)]
    assert [entry for entry in again if isinstance(entry, Issued)] == commands
    assert recorded_answers.missed == 0


@pytest.mark.parametrize("seed", range(20))
def test_a_recording_whose_answers_belong_to_no_question_or_another_gives_what_fits(seed):
    draw = np.random.default_rng(seed)
    recorded = played(Caller([(3000, 4000), (7000, 8200)], until_ms=14000))
    jobs = [entry.job for entry in recorded if hasattr(entry, "job")]
    jobs = draw.permutation(jobs).tolist()
    swapped = [
        replace(entry, job=jobs.pop()) if hasattr(entry, "job") else entry for entry in recorded
    ]
    if seed % 2:
        draw.shuffle(swapped)
    recorded_answers = recorded_answers_from(swapped, agent=np.zeros(0, np.int16), rate=RATE)
    run_virtual(
        POLICY,
        ScriptedEngines(),
        Caller(ONE_TURN, until_ms=9000),
        [].append,
        recorded_answers=recorded_answers,
    )


_SCRIPT = """
import hashlib
from tests.pipelines.runtime.test_virtual import ONE_TURN, Caller, played
print(hashlib.sha256(repr(played(Caller(ONE_TURN, until_ms=9000))).encode()).hexdigest())
"""


def test_scripted_calls_do_not_depend_on_the_hash_seed():
    hashes = {
        subprocess.run(
            [sys.executable, "-c", _SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[3],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "77")
    }
    here = repr(played(Caller(ONE_TURN, until_ms=9000))).encode()
    assert hashes == {hashlib.sha256(here).hexdigest() + "\n"}


TOOL = Tool(
    "now", "The time.", {}, lambda _: spend(from_ms(900)) or "noon", "reads", simulated_time=True
)
ASKING = '<tool_call>{"name": "now", "arguments": {}}</tool_call> It is {result}, as far as I know.'


def test_scripted_calls_do_not_depend_on_any_clock(monkeypatch):
    """Neither their engines nor their tools, not even when an engine crashes and is built anew."""

    def journal():
        llm = scripted.build(scripted.Settings(replies=(ASKING,)), Context(pytest.fail))
        crashing = Breaking(after_chunks=2)
        engines = {"llm": llm, "tts": restarting(crashing, lambda: crashing)}
        caller = Caller([(3000, 4000), (9000, 9600)], until_ms=16_000)
        return played(caller, **engines, tools={"now": TOOL})

    first = journal()
    assert {"ToolFinished", "EngineFailed"} <= {type(entry).__name__ for entry in first}
    leaps = np.random.default_rng(3)
    wild = [0]

    def leaping() -> int:
        wild[0] += int(leaps.integers(0, 3_000_000_000))
        return wild[0]

    for name in ("perf_counter_ns", "monotonic_ns", "time_ns"):
        monkeypatch.setattr(time, name, leaping)
    assert journal() == first


class Breaking:
    """A voice that breaks down in every second clause, after so much of it."""

    sample_rate = 16_000
    simulated_time = True

    def __init__(self, after_chunks: int) -> None:
        self._after = after_chunks
        self._clauses = 0

    def synthesize(self, text, stop):
        del text, stop
        self._clauses += 1
        for _ in range(self._after):
            spend(from_ms(20))
            yield np.full(3200, 0.1, np.float32)
        if self._clauses % 2 == 0:
            raise ConnectionError("broken")


def test_a_voice_that_breaks_down_in_mid_clause_does_not_leave_a_silence():
    caller = Caller(ONE_TURN, until_ms=12_000)
    nothing_ahead = replace(POLICY, speculation=SpeculationPolicy(preemptive_reply_above=2))
    entries = played(
        caller,
        nothing_ahead,
        tts=Breaking(after_chunks=2),
        llm=Llm(("One, two. ", "Three, four. ", "Five, six.")),
    )
    assert any(isinstance(entry, EngineFailed) for entry in entries)
    assert verdicts(entries, "marks_assumed") == []
    (done,) = [e for e in verdicts(entries, "agent_done") if e.at > from_ms(4000)]
    starts = [e.at for e in entries if isinstance(e, PlayoutStarted) and e.at > from_ms(4000)]
    assert len(starts) == 4  # the last one broke as well: an apology
    assert all(to_ms(b - a) <= 420 for a, b in pairwise([*starts, done.at]))


class Deaf:
    """A recogniser that makes no words of anything."""

    sample_rate = 16_000
    simulated_time = True

    def feed(self, pcm):
        return None

    def finish(self):
        return Transcript("")

    def reset(self):
        pass


@pytest.mark.parametrize("cough_ms", range(100, 1300, 150))
def test_a_cough_over_the_end_of_an_utterance_does_not_silence_the_next_one(cough_ms):
    """The end is on its way to the ear when playout pauses: nothing is left to be resumed."""
    caller = Caller([(cough_ms, cough_ms + 400)], until_ms=16_000, egress=400_000_000)
    entries: list[Entry] = []
    run_virtual(POLICY, ScriptedEngines(asr=Deaf()), caller, entries.append)
    assert verdicts(entries, "marks_assumed") == []
    asked = next(e.at for e in verdicts(entries, "agent_speaks") if e.at > 5_000_000_000)
    assert any(audible for at, audible in caller.heard if at > asked)
