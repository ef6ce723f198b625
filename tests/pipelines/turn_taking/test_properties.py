"""What holds for every call, however late, lost, repeated or failed the results."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.turn_taking.commands import (
    CallTool,
    CancelReply,
    CancelTool,
    ClearPlayout,
    ContinueReply,
    EndCall,
    GenerateReply,
    Message,
    PausePlayout,
    PlayClause,
    ResumePlayout,
    SynthesizeClause,
)
from pipelines.turn_taking.conversation import Conversation
from pipelines.turn_taking.decisions import Decision, TurnEnded
from pipelines.turn_taking.events import (
    CallerTyped,
    CallerTyping,
    CallStarted,
    DtmfReceived,
    EngineKind,
    Event,
    InterruptRequested,
    MarkReached,
    ToolFailed,
    ToolFinished,
    ToolRequested,
)
from pipelines.turn_taking.journal import Issued
from pipelines.turn_taking.policy import AgentPolicy, EndpointingPolicy, Policy, ToolPolicy
from pipelines.turn_taking.time import Nanos, from_ms
from pipelines.turn_taking.transitions import Agent, Caller

from .world import Delays, Speech, World, failed

POLICY = Policy(
    agent=AgentPolicy(system_prompt="Be brief.", greeting="Hello, how can I help?", idle_ms=60_000,
                      filler_after_ms=400),
    endpointing=EndpointingPolicy(weights=(("words", 1.0), ("sound", 1.0)),
                                  text_detectors=("words",)),
    tools=ToolPolicy(timeout_ms=3000),
)  # fmt: skip
LAST_SPEECH_MS = 12_000
SETTLED_MS = 55_000

_KINDS: dict[str, EngineKind] = {
    "PartialTranscript": "asr", "FinalTranscript": "asr", "EndOfTurnScored": "turn_detector",
    "ReplyPrepared": "llm", "ReplyTextReceived": "llm", "ReplyCompleted": "llm",
    "ClauseSynthesized": "tts", "ToolRequested": "llm",
}  # fmt: skip
_PHRASES = st.sampled_from(
    ["", "uh huh", "yes", "no wait stop", "i would like a table", "my number is four two"]
)
_REPLIES = st.sampled_from([
    "Of course. What time would you like?",
    "Let me see. @reads:slots Monday is free. @acts:book It is booked.",
    "@acts:book @reads:slots Done, and Monday is free.",
    "@acts:broken That did not work, sorry.",
    "I'll put you through. @transfers:desk Nobody is there, sorry.",
    "@sends_keys:keys The keys were sent.",
    "Goodbye then. @ends_call:end_call",
    "@reads:a @reads:b @reads:c",
])  # fmt: skip
_FAULTS = st.sampled_from(["fine"] * 12 + ["lost", "twice", "late", "much later", "failed"])


@st.composite
def _worlds(draw: st.DrawFn) -> World:
    speech: list[Speech] = []
    at = draw(st.integers(0, 2500))
    while at < LAST_SPEECH_MS and len(speech) < 8:
        length = draw(st.integers(60, 2000))
        speech.append(Speech(at, at + length, draw(_PHRASES)))
        at += length + draw(st.integers(60, 3000))
    faults = draw(st.lists(_FAULTS, min_size=1, max_size=60))
    scores = draw(st.lists(st.floats(0, 1), min_size=1, max_size=6))
    keys = draw(st.lists(st.tuples(st.integers(0, LAST_SPEECH_MS), st.sampled_from("12#t!w")),
                         max_size=3))  # fmt: skip
    told = [0]

    def fault(event: Event) -> list[Event]:
        told[0] += 1
        what = faults[told[0] % len(faults)]
        kind = _KINDS.get(type(event).__name__)
        if what == "lost":
            return []
        if what == "twice":
            return [event, replace(event, at=event.at + from_ms(35))]
        if what in {"late", "much later"}:
            delay = 300 if what == "late" else 4000
            return [replace(event, at=event.at + from_ms(delay))]
        if what == "failed" and isinstance(event, ToolFinished):
            return [ToolFailed(event.at, event.job, "broken")]
        return [failed(event, kind)] if what == "failed" and kind is not None else [event]

    return World(
        POLICY,
        speech,
        replies=draw(st.lists(_REPLIES, min_size=1, max_size=3)),
        p_end=lambda text: scores[len(text) % len(scores)],
        delays=Delays(
            asr_final=draw(st.integers(5, 600)),
            detector=draw(st.integers(1, 300)),
            first_token=draw(st.integers(5, 800)),
            tool=draw(st.integers(1, 4000)),
        ),
        fault=fault,
        extra=[_by_hand(from_ms(at), key) for at, key in keys],
        until_ms=SETTLED_MS,
    )


def _by_hand(at: Nanos, key: str) -> Event:
    """A key of the phone, words typed, or the wish that the agent stop."""
    match key:
        case "t":
            return CallerTyped(at, "words typed")
        case "w":
            return CallerTyping(at)
        case "!":
            return InterruptRequested(at)
        case _:
            return DtmfReceived(at, key)


_SLOW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@_SLOW
@given(_worlds())
def test_every_call_comes_to_rest(world: World):
    world.run()
    ended = world.core.agent is Agent.ENDED
    assert ended or (world.core.caller, world.core.agent) == (Caller.SILENT, Agent.LISTENING)


@_SLOW
@given(_worlds())
def test_nothing_is_decided_once_the_agent_has_hung_up(world: World):
    commands = [entry for entry in world.run() if isinstance(entry, Issued)]
    ends = [at for at, entry in enumerate(commands) if isinstance(entry.command, EndCall)]
    assert ends in ([], [len(commands) - 1])


@_SLOW
@given(_worlds())
def test_no_answer_begins_while_playout_is_silent_for_what_was_said_over_the_last(world: World):
    world.run()
    paused = False
    for command in world.commands(object):
        match command:
            case PausePlayout():
                paused = True
            case ResumePlayout() | ClearPlayout():
                paused = False
            case TurnEnded():
                assert not paused
            case _:
                pass
    assert not paused or world.core.agent is Agent.ENDED


@_SLOW
@given(_worlds())
def test_no_fragment_of_an_abandoned_reply_is_ever_played(world: World):
    world.run()
    reply_of: dict[int, int] = {}
    cancelled: set[int] = set()
    played: list[int] = []
    for entry in world.journal:
        command: Any = getattr(entry, "command", None)
        if isinstance(command, SynthesizeClause):
            reply_of[command.job] = command.reply
        elif isinstance(command, CancelReply):
            cancelled.add(command.job)
        elif isinstance(command, PlayClause):
            assert reply_of[command.job] not in cancelled
            played.append(command.job)
    assert len(played) == len(set(played))
    assert played == sorted(played)


@_SLOW
@given(_worlds())
def test_tools_run_once_and_what_acts_only_when_its_turn_is_over(world: World):
    world.run()
    asked: dict[tuple[int, int], ToolRequested] = {}
    committed: set[object] = set()
    called: list[tuple[int, str]] = []
    for entry in world.journal:
        command: Any = getattr(entry, "command", None)
        if isinstance(entry, ToolRequested):
            asked[entry.job, entry.index] = entry
        elif isinstance(command, TurnEnded):
            committed.add(command.reply)
        elif isinstance(command, CallTool):
            called.append((command.reply, command.name))
            if command.name not in {"slots", "a", "b", "c"}:  # those only read
                assert command.reply in committed
    assert len(called) == len({command.job for command in world.commands(CallTool)})
    assert len(called) <= len(asked)
    for name in ("book", "broken", "desk"):
        assert name not in {
            call.name
            for call in world.commands(CallTool)
            if call.job in {cancelled.job for cancelled in world.commands(CancelTool)}
        }


@_SLOW
@given(_worlds())
def test_every_tool_call_in_a_history_is_followed_by_its_result(world: World):
    world.run()
    histories = [world.core.history, *(c.history for c in world.commands(ContinueReply))]
    for history in (*histories, *(c.history for c in world.commands(GenerateReply))):
        for message, following in pairwise((*history, Message("caller", ""))):
            assert (message.role == "tool_call") == (following.role == "tool_result")


@_SLOW
@given(_worlds())
def test_the_history_holds_nothing_that_the_agent_did_not_write(world: World):
    world.run()
    clauses = [clause.text for clause in world.commands(SynthesizeClause)]
    for message in world.core.history:
        if message.role == "agent":
            assert any(message.text.startswith(clause.split()[0]) for clause in clauses)
            assert message.text.split()[-1] in " ".join(clauses).split()


@_SLOW
@given(_worlds())
def test_only_turns_with_words_are_answered_and_never_two_at_once(world: World):
    world.run()
    floor_taken = False
    for entry in world.journal:
        command: Any = getattr(entry, "command", None)
        if isinstance(command, CancelReply):  # a sentence that failed ends without a verdict
            floor_taken = False
        if isinstance(command, Decision):
            if isinstance(command, TurnEnded):
                assert command.text.strip()
                assert not floor_taken
            if command.verdict in {"turn_ended", "agent_speaks"}:
                floor_taken = True
            elif command.verdict in {"agent_done", "overlap_interrupts", "engine_failed"}:
                floor_taken = False
    for reply in world.commands(GenerateReply):
        assert reply.history[-1].role == "caller"


@_SLOW
@given(_worlds())
def test_the_same_events_give_the_same_commands(world: World):
    journal = world.run()
    again = Conversation(POLICY)
    commands: list[object] = []
    for entry in journal:
        if not isinstance(entry, Issued):
            commands += again.handle(entry)
    assert commands == [entry.command for entry in journal if isinstance(entry, Issued)]


@_SLOW
@given(_worlds())
def test_every_command_explains_itself(world: World):
    world.run()
    for entry in world.journal:
        if isinstance(entry, Issued):
            assert str(entry.command.reason)


@given(st.integers(0, 50), st.integers(1, 99))
def test_results_never_asked_for_are_dropped(at: int, job: int):
    core = Conversation(POLICY)
    core.handle(CallStarted(0))
    before = core.history
    commands = core.handle(MarkReached(at, job + 1000))
    assert [getattr(c, "verdict", None) for c in commands] == ["result_dropped"]
    assert core.history == before
