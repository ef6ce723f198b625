"""One hand-written call of three turns: answered at once, interrupted, never answered."""

import numpy as np
import pytest

from pipelines.turn_taking import commands as c
from pipelines.turn_taking import events as e
from pipelines.turn_taking.decisions import RecordDecision
from pipelines.turn_taking.journal import Issued
from pipelines.turn_taking.reasons import because
from pipelines.turn_taking.time import MILLISECOND, from_ms
from tests.decided import agent_done, overlap, turn_ended
from voicecli.recording.journal import JournalHeader
from voicecli.recording.labels import Labels, Turn
from voicecli.report.call_report import build_call_report

RATE = 8000
INGRESS = EGRESS = 40
WHY = because("turn_over")


def ms(value):
    return from_ms(value)


def decided(at, verdict, rule, **numbers):
    return Issued(ms(at), RecordDecision(verdict, because(rule, **numbers)))


def spoken(
    at, *, start, end, text, rule, paused, job, reply, wait_ms, p=None, wasted_ms=None, **numbers
):
    if p is not None:
        numbers["p"] = p
    ended = turn_ended(
        reply, text, rule, {"wait_ms": wait_ms, **numbers},
        transcription=job, start=ms(start + INGRESS), end=ms(end + INGRESS), paused_at=ms(paused),
        due=ms(end + INGRESS + wait_ms), silence_ms=numbers["silence_ms"], p=p,
        wasted_ms=wasted_ms,
    )  # fmt: skip
    return Issued(ms(at), ended)


def generated(at, job, *, speculative=False):
    return Issued(ms(at), c.GenerateReply(job, (), speculative, WHY))


def clause(at, job, reply, text, *, audio, first, heard_ms):
    return [
        Issued(ms(at), c.SynthesizeClause(job, reply, text, WHY)),
        e.ClauseSynthesized(ms(audio), job, ms(heard_ms), complete=True),
        Issued(ms(first - 1), c.PlayClause(job, WHY)),
        e.PlayoutStarted(ms(first), job, ms(EGRESS)),
    ]


def finished(at, job, until):
    return Issued(ms(at), c.FinishTranscription(job, ms(until), WHY))


def greeting():
    return [
        e.CallStarted(0),
        decided(0, "agent_speaks", "greeting"),
        *clause(0, 2, 1, "Hello, Trattoria Roma.", audio=15, first=20, heard_ms=1200),
        e.MarkReached(ms(1260), 2),
        Issued(ms(1260), agent_done(1)),
    ]


def first_turn():
    """Prepared ahead: the caller ends at 3000 ms and is answered after 270 ms."""
    scores = {"p": 0.93, "scores": " (llm 0.95, smart_turn 0.88)"}
    return [
        Issued(ms(2090), c.StartTranscription(3, ms(1700), WHY)),
        e.PartialTranscript(ms(2600), 3, ms(2500), "I'd like", "to boo"),
        finished(3130, 3, 3060),
        Issued(ms(3130), c.ScoreEndOfTurn(4, ("llm", "smart_turn"), 0, 1, "I'd like", (), WHY)),
        e.EndOfTurnScored(ms(3150), 4, "llm", 0.95),
        e.EndOfTurnScored(ms(3170), 4, "smart_turn", 0.88),
        decided(3170, "turn_held", "hold_by_score", wait_ms=213, left_ms=83, **scores),
        e.FinalTranscript(ms(3180), 3, ms(3060), "I'd like to book a table for two."),
        generated(3180, 5, speculative=True),
        e.ReplyTextReceived(ms(3195), 5, "Certainly, "),
        e.ReplyTextReceived(ms(3210), 5, "for which evening?"),
        *clause(3210, 6, 5, "Certainly, for which evening?", audio=3222, first=3255, heard_ms=1900),
        spoken(
            3253, start=2000, end=3000, text="I'd like to book a table for two.", paused=3130,
            rule="end_by_score", job=3, reply=5, silence_ms=213, wait_ms=213,
            backstop_left_ms=2787, **scores,
        ),
        decided(3253, "speculation_kept", "speculation_paid", lead_ms=73, clauses=1),
        e.ReplyCompleted(ms(3300), 5),
        e.MarkReached(ms(5195), 6),
        Issued(ms(5195), agent_done(5, "Certainly, for which evening?")),
    ]  # fmt: skip


def second_turn():
    """In sequence: the caller ends at 7000 ms, is answered after 1,480 ms, and interrupts."""
    return [
        Issued(ms(6090), c.StartTranscription(7, ms(5700), WHY)),
        decided(6480, "turn_resumed", "speech_went_on", silence_ms=240),
        finished(7840, 7, 7060),
        e.FinalTranscript(ms(7990), 7, ms(7060), "Tomorrow, um, at eight."),
        spoken(
            7990, start=6000, end=7000, text="Tomorrow, um, at eight.", paused=7130,
            rule="end_by_timer", job=7, reply=8, silence_ms=950, wait_ms=800,
            wasted_ms=310.5,
        ),
        generated(7990, 8),
        e.ReplyTextReceived(ms(8240), 8, "I have a table at eight, "),
        e.ReplyTextReceived(ms(8330), 8, "or one at nine by the window."),
        *clause(8330, 9, 8, "I have a table at eight,", audio=8420, first=8440, heard_ms=1500),
        *clause(8400, 10, 8, "or one at nine by the window.", audio=8500, first=9940,
                heard_ms=1800),
        e.MarkReached(ms(9940), 9),
        Issued(ms(10_360), c.PausePlayout(WHY)),
        Issued(ms(10_420), overlap(
            interrupts=True, reply=8, onset=ms(10_100 + INGRESS), detected=ms(10_230),
            text="No, eight.", rule="interrupted_by_words", words=2,
        )),
        Issued(ms(10_420), c.CancelReply(8, WHY)),
        Issued(ms(10_420), c.ClearPlayout(WHY)),
        e.PlayoutCleared(ms(10_425), 10, ms(420)),
        Issued(ms(10_425), agent_done(
            8, "I have a table at eight, or",
            "I have a table at eight, or one at nine by the window.",
        )),
    ]  # fmt: skip


def third_turn():
    """The LLM fails: nothing is heard."""
    return [
        finished(10_850, 11, 10_760),
        e.FinalTranscript(ms(10_930), 11, ms(10_760), "No, eight."),
        spoken(
            10_930, start=10_100, end=10_700, text="No, eight.", paused=10_830,
            rule="end_by_score", job=11, reply=12, silence_ms=190, wait_ms=190, p=0.99,
            scores="", backstop_left_ms=2810,
        ),
        generated(10_930, 12),
        e.EngineFailed(ms(11_000), 12, "llm", "out of memory"),
        decided(11_000, "engine_failed", "engine_failed", kind="llm", message="out of memory"),
        e.CallEnded(ms(12_000), "hangup"),
    ]  # fmt: skip


@pytest.fixture
def entries():
    frames = [
        e.FrameScored(ms(t + 32), ms(t), ms(t + 32), 0.9, ms(INGRESS)) for t in range(0, 11_900, 32)
    ]
    told = greeting() + first_turn() + second_turn() + third_turn()
    return sorted(frames + told, key=lambda entry: entry.at)  # stable: causes before effects


@pytest.fixture
def header():
    return JournalHeader("demo", RATE, {"line": "pstn"})


@pytest.fixture
def stereo():
    """Noise-like speech in both channels where the journal has it, over faint line noise."""
    random = np.random.default_rng(1)
    audio = random.normal(0, 20, (12 * RATE, 2))
    caller = [(2000, 3000), (6000, 7000), (10_100, 10_700)]
    agent = [(60, 1260), (3295, 5195), (8480, 9980), (9980, 10_400)]
    for channel, stretches in enumerate((caller, agent)):
        for start, end in stretches:
            first, last = start * RATE // 1000, end * RATE // 1000
            audio[first:last, channel] += random.normal(0, 3000, last - first)
    return np.clip(audio, -32768, 32767).astype(np.int16)


@pytest.fixture
def labels():
    return Labels(
        (
            Turn(2.0, 3.0, "I'd like to book a table for 2.", "end_of_turn"),
            Turn(6.0, 6.3, "Tomorrow, um", "hold"),
            Turn(6.5, 7.0, "at nine.", "end_of_turn"),
            Turn(9.0, 9.2, "uh-huh", "backchannel"),
            Turn(10.1, 10.7, "No, eight.", "interruption"),
        )
    )


@pytest.fixture
def call(entries, header, stereo, labels):
    cut_into = [(7500 * MILLISECOND, 8600 * MILLISECOND)]
    return build_call_report(
        "booking", header, entries, stereo, labels, wall_s=1.5, cut_ins=cut_into
    )
