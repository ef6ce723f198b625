"""Calls made by hand for the screen: every moment of them is written down here."""

from pipelines.turn_taking.commands import (
    CancelReply,
    ClearPlayout,
    FinishTranscription,
    GenerateReply,
    PausePlayout,
    PlayClause,
    ScoreEndOfTurn,
    StartTranscription,
    SynthesizeClause,
)
from pipelines.turn_taking.decisions import RecordDecision
from pipelines.turn_taking.events import (
    CallStarted,
    ClauseSynthesized,
    EndOfTurnScored,
    FinalTranscript,
    FrameScored,
    MarkReached,
    PartialTranscript,
    PlayoutCleared,
    PlayoutStarted,
    ReplyCompleted,
    ReplyTextReceived,
)
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.reasons import because
from pipelines.turn_taking.time import from_ms
from tests.decided import agent_done, overlap, turn_ended


def frames(start_ms: int, end_ms: int, speech: float, ingress_ms: int = 20) -> list[Entry]:
    """The VAD's judgements, one every 32 ms; the stretch of sound that they judge ends with it."""
    ends = range(start_ms + 32, end_ms + 1, 32)
    until = {at: at for at in ends} | {ends[-1]: end_ms} if speech >= 0.5 and ends else {}
    return [
        FrameScored(
            from_ms(at + 2), from_ms(at - 32), from_ms(at), speech, from_ms(ingress_ms),
            from_ms(until[at]) if at in until else None,
        )
        for at in ends
    ]  # fmt: skip


def greeting() -> list[Entry]:
    """The agent greets from 0.1 s to 1.6 s."""
    clause = "Hello, how can I help?"
    return [
        CallStarted(0),
        Issued(0, RecordDecision("agent_speaks", because("greeting"))),
        Issued(0, SynthesizeClause(2, 1, clause, because("first_clause", words=5, clause=1))),
        ClauseSynthesized(from_ms(60), 2, from_ms(1500), True),
        Issued(from_ms(60), PlayClause(2, because("clause_ready", audio_ms=1500))),
        PlayoutStarted(from_ms(100), 2, from_ms(40)),
        *frames(0, 1600, 0.02),
        MarkReached(from_ms(1640), 2),
        Issued(from_ms(1640), agent_done(1, clause)),
    ]


def question(at_ms: int = 2000, job: int = 10) -> list[Entry]:
    """The caller asks for 1.2 s; 90 ms later that is a pause and its end is looked for."""
    confirmed, end, pause = at_ms + 90, at_ms + 1200, at_ms + 1310
    why = because("pause_detected", silence_ms=110.0)
    started = because("speech_confirmed", speech_ms=90)
    return [
        *frames(at_ms - 350, at_ms, 0.02),
        *frames(at_ms, confirmed, 0.97),
        Issued(from_ms(confirmed), StartTranscription(job, from_ms(at_ms - 300), started)),
        *frames(confirmed, end, 0.98),
        PartialTranscript(from_ms(end), job, from_ms(end), "do you have a table", "for to"),
        *frames(end, pause, 0.03),
        Issued(from_ms(pause), FinishTranscription(job, from_ms(end + 60), why)),
        Issued(
            from_ms(pause),
            ScoreEndOfTurn(job + 1, ("scripted",), from_ms(at_ms), from_ms(end), "", (), why),
        ),
        EndOfTurnScored(from_ms(pause + 20), job + 1, "scripted", 0.86),
        FinalTranscript(from_ms(pause + 90), job, from_ms(end + 60), "do you have a table for two"),
    ]


def answer(at_ms: int = 3460, job: int = 10, heard: bool = False) -> list[Entry]:
    """260 ms after the caller's last sound the turn is over; the reply is heard 450 ms later."""
    reply, clause = job + 2, job + 3
    text = "Yes, we have one at seven by the window."
    why = {"silence_ms": 260, "p": 0.86, "scores": "", "wait_ms": 260, "backstop_left_ms": 2740}
    ended = turn_ended(
        reply, "do you have a table for two", "end_by_score", why,
        transcription=job, start=from_ms(at_ms - 1460), end=from_ms(at_ms - 260),
        paused_at=from_ms(at_ms - 150), due=from_ms(at_ms), silence_ms=260.0, p=0.86,
    )  # fmt: skip
    entries: list[Entry] = [
        Issued(from_ms(at_ms), GenerateReply(reply, (), False, because("turn_committed"))),
        Issued(from_ms(at_ms), ended),
        ReplyTextReceived(from_ms(at_ms + 200), reply, text),
        Issued(
            from_ms(at_ms + 300),
            SynthesizeClause(clause, reply, text, because("first_clause", words=9, clause=1)),
        ),
        ReplyCompleted(from_ms(at_ms + 310), reply),
        ClauseSynthesized(from_ms(at_ms + 340), clause, from_ms(2700), True),
        PlayoutStarted(from_ms(at_ms + 360), clause, from_ms(90)),
        *frames(at_ms, at_ms + 1800, 0.02),
    ]
    if heard:
        entries += [
            *frames(at_ms + 1800, at_ms + 3150, 0.02),
            MarkReached(from_ms(at_ms + 3160), clause),
            Issued(from_ms(at_ms + 3160), agent_done(reply, text)),
        ]
    return entries


def interruption(at_ms: int = 5260, job: int = 10) -> list[Entry]:
    """The caller stops that reply after its first five words."""
    reply, clause = job + 2, job + 3
    text = "Yes, we have one at seven by the window."
    judged = overlap(
        interrupts=True, reply=reply, onset=from_ms(at_ms), detected=from_ms(at_ms + 90),
        text="no wait", rule="interrupted_by_words", words=2,
    )  # fmt: skip
    why = judged.reason
    return [
        *frames(at_ms, at_ms + 96, 0.95),
        Issued(
            from_ms(at_ms + 98),
            StartTranscription(
                20, from_ms(at_ms), because("speech_over_agent", speech_ms=90, agent="speaking")
            ),
        ),
        PartialTranscript(from_ms(at_ms + 300), 20, from_ms(at_ms + 300), "no wait", ""),
        Issued(from_ms(at_ms + 300), judged),
        Issued(from_ms(at_ms + 300), PausePlayout(why)),
        Issued(from_ms(at_ms + 300), CancelReply(reply, why)),
        Issued(from_ms(at_ms + 300), ClearPlayout(why)),
        PlayoutCleared(from_ms(at_ms + 300), clause, from_ms(1640)),
        Issued(from_ms(at_ms + 300), agent_done(reply, "Yes, we have one at", text)),
    ]


def in_order(*parts: list[Entry]) -> list[Entry]:
    """The parts as one journal."""
    return sorted((entry for part in parts for entry in part), key=lambda entry: entry.at)
