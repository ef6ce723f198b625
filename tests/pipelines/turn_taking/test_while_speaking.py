"""What is made ready before the caller has fallen silent, and in gaps too short for a pause."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.turn_taking.commands import (
    CallTool,
    CancelReply,
    FinishTranscription,
    GenerateReply,
    PlayClause,
    PrepareReply,
    StartTranscription,
    SynthesizeClause,
)
from pipelines.turn_taking.events import Event, FrameScored, PlayoutStarted
from pipelines.turn_taking.journal import Issued
from pipelines.turn_taking.policy import (
    AgentPolicy,
    EndpointingPolicy,
    GatePolicy,
    Policy,
    SpeculationPolicy,
)
from pipelines.turn_taking.speech_gate import (
    SpeechConfirmed,
    SpeechGate,
    SpeechPaused,
    SpeechPausing,
)
from pipelines.turn_taking.time import from_ms, to_ms

from .world import CHUNK, Delays, Speech, World, breaks_once, failed

POLICY = Policy(
    agent=AgentPolicy(idle_ms=60_000),
    endpointing=EndpointingPolicy(weights=(("words", 1.0),), text_detectors=("words",)),
)
WHOLE = "what time do you open"
QUESTION = Speech(1000, 2000, WHOLE)
"""Its last word begins at 1,800 ms, so a partial transcript has it before its end."""


def run(
    policy: Policy = POLICY, speech: tuple[Speech, ...] = (QUESTION,), **settings: object
) -> World:
    """The words are an end only when they are `WHOLE`."""
    world = World(policy, speech, p_end=lambda text: 0.95 if text.endswith("open") else 0.1)
    for name, value in settings.items():
        setattr(world, name, value)
    world.run()
    return world


def speculating(**settings: float) -> Policy:
    return replace(POLICY, speculation=SpeculationPolicy(**settings))  # type: ignore[arg-type]


def asked_at(world: World, kind: type) -> list[float]:
    issued = [entry for entry in world.journal if isinstance(entry, Issued)]
    return [to_ms(entry.at) for entry in issued if isinstance(entry.command, kind)]


def heard_at(world: World) -> float:
    return next(to_ms(e.at) for e in world.journal if isinstance(e, PlayoutStarted))


class TestWordsThatAreWhole:
    """Answered while the voice has yet to fade."""

    def test_the_reply_is_begun_before_the_silence_and_heard_as_soon_as_the_turn_is_over(self):
        early, late = run(), run(speculating(eager_eot_threshold=2))
        [begun] = asked_at(early, GenerateReply)
        assert begun < QUESTION.end_ms < asked_at(late, GenerateReply)[0]
        ended = to_ms(early.verdicts("turn_ended")[0].at)
        assert heard_at(early) - ended <= 20  # the next frame
        assert heard_at(late) - heard_at(early) >= 40
        assert len(early.verdicts("speculation_kept")) == 1

    def test_nothing_of_it_is_heard_before_the_turn_is_over(self):
        world = run()
        assert asked_at(world, PlayClause)[0] >= to_ms(world.verdicts("turn_ended")[0].at)

    def test_the_detectors_are_not_asked_again_about_the_same_words(self):
        asked = [
            entry.command.text
            for entry in run().journal
            if isinstance(entry, Issued) and hasattr(entry.command, "detectors")
        ]
        assert asked.count(WHOLE) == 1

    def test_with_other_words_it_is_cancelled_and_never_heard(self):
        longer = Speech(1000, 3000, f"{WHOLE} on sundays and what about mondays do you open")
        world = run(speech=(longer,))
        first, last = world.commands(GenerateReply)
        assert [c.job for c in world.commands(CancelReply)] == [first.job]
        made_first = {c.job for c in world.commands(SynthesizeClause) if c.reply == first.job}
        assert not made_first & {clause.job for clause in world.commands(PlayClause)}
        assert last.history[-1].text == longer.text

    def test_a_reply_in_vain_counts_against_the_budget(self):
        longer = Speech(1000, 3000, f"{WHOLE} on sundays and what about mondays do you open")
        world = run(speech=(longer,), cost_ms={"llm": 200})
        [ended] = world.verdicts("turn_ended")
        assert ended.command.speech.wasted_ms == 200
        poor = run(speculating(budget_ms_per_turn=100), (longer,), cost_ms={"llm": 200})
        assert len(poor.commands(GenerateReply)) == 2  # and the last one at the end of the turn
        assert not poor.verdicts("speculation_kept")

    def test_no_tool_is_called_for_it_before_a_pause(self):
        world = run(replies=["@reads:slots We open at nine."])
        [called] = asked_at(world, CallTool)
        assert asked_at(world, GenerateReply)[0] < QUESTION.end_ms < called
        assert called < to_ms(world.verdicts("turn_ended")[0].at)

    def test_one_that_fails_is_asked_for_again_and_nobody_apologises(self):
        broken: list[Event] = []
        world = run(fault=breaks_once(broken))
        assert to_ms(broken[0].at) < to_ms(world.verdicts("turn_ended")[0].at)
        said = [m.text for m in world.core.history if m.role == "agent"]
        assert said == ["Of course. What time would you like?"]

    @pytest.mark.parametrize(
        "off", [{"eager_eot_threshold": 2}, {"preemptive_reply_above": 2},
        {"prefill_partials": False}, {"prefill_above": 2},
                {"budget_ms_per_turn": 0}],
    )  # fmt: skip
    def test_it_can_be_switched_off(self, off: dict[str, float]):
        assert all(at > QUESTION.end_ms for at in asked_at(run(speculating(**off)), GenerateReply))

    def test_speech_over_the_agent_is_judged_and_not_answered_early(self):
        over = Speech(2600, 3000, "uh huh")
        world = run(speech=(QUESTION, over), replies=["We are open all day and all night long."])
        assert world.verdicts("overlap_ignored")
        assert len(world.commands(GenerateReply)) == 1


class TestReadingAlong:
    """The LLM reads the words while they are spoken."""

    def test_it_reads_each_new_wording_and_has_nothing_left_to_read_at_the_pause(self):
        world = run()
        texts = [c.history[-1].text for c in world.commands(PrepareReply)]
        assert texts == sorted(set(texts), key=len)
        assert texts[-1] == WHOLE
        assert asked_at(world, PrepareReply)[-1] < QUESTION.end_ms

    def test_a_slow_model_reads_one_wording_at_a_time(self):
        world = run(delays=Delays(prepare=5000))
        assert [at for at in asked_at(world, PrepareReply) if at < QUESTION.end_ms][1:] == []

    @pytest.mark.parametrize("off", [{"prefill_partials": False}, {"prefill_above": 2}])
    def test_it_can_be_switched_off(self, off: dict[str, float]):
        world = run(speculating(**off))
        assert all(at > QUESTION.end_ms for at in asked_at(world, PrepareReply))


def changes(loud: str, policy: GatePolicy) -> list[tuple[int, object]]:
    """What a gate says of 32 ms chunks, `x` loud and `.` silent: where, and what changed."""
    gate = SpeechGate(policy)
    found: list[tuple[int, object]] = []
    for place, mark in enumerate(loud):
        start, end = place * CHUNK, (place + 1) * CHUNK
        change = gate.handle(FrameScored(end, start, end, 0.9 if mark == "x" else 0.1, 0))
        if change is not None:
            found.append((place, change))
    return found


class TestLulls:
    """Silence that is too short for a pause."""

    def test_the_words_are_asked_for_in_a_lull_so_that_they_are_there_at_the_pause(self):
        [asked] = asked_at(run(), FinishTranscription)
        assert asked - QUESTION.end_ms < POLICY.gate.pause_ms

    def test_a_gap_within_a_word_changes_nothing_but_that_the_recogniser_goes_on(self):
        gap = (Speech(1000, 1600, "what time do"), Speech(1664, 2200, "you open"))
        world = run(speech=gap)
        assert len(asked_at(world, FinishTranscription)) == 2
        first, again = world.commands(StartTranscription)
        assert (first.start, again.reason.rule) == (again.start, "lull_over")
        assert not world.verdicts("turn_resumed")
        [ended] = world.verdicts("turn_ended")
        assert ended.command.text == WHOLE

    def test_no_turn_ends_in_a_lull_however_sure_the_detectors_are(self):
        hasty = replace(POLICY.endpointing, delays_ms=((0.0, 0), (1.0, 0)))
        world = run(replace(POLICY, endpointing=hasty), delays=Delays(asr_final=1, detector=1))
        [ended] = world.verdicts("turn_ended")
        assert to_ms(ended.at) - QUESTION.end_ms >= POLICY.gate.pause_ms

    def test_a_recogniser_that_breaks_in_a_lull_is_started_again(self):
        broken: list[Event] = []

        def fault(event: Event) -> list[Event]:
            if type(event).__name__ == "FinalTranscript" and not broken:
                broken.append(event)
                return [failed(replace(event, at=event.at - from_ms(80)), "asr")]
            return [event]

        world = run(fault=fault, delays=Delays(asr_final=85))
        assert broken
        [ended] = world.verdicts("turn_ended")
        assert ended.command.text == WHOLE
        assert not world.verdicts("agent_speaks")

    def test_the_gate_tells_each_lull_once_and_then_the_pause(self):
        policy = GatePolicy(confirm_ms=60, early_silence_ms=30, pause_ms=90)
        found = changes("xxx..xx....", policy)
        assert [(place, type(change)) for place, change in found] == [
            (1, SpeechConfirmed), (3, SpeechPausing), (7, SpeechPausing), (9, SpeechPaused),
        ]  # fmt: skip

    def test_without_a_time_of_its_own_there_is_no_lull(self):
        found = changes("xxx..xx....", GatePolicy(confirm_ms=60, early_silence_ms=90, pause_ms=90))
        assert [type(change) for _, change in found] == [SpeechConfirmed, SpeechPaused]

    @given(st.text("x.", max_size=60), st.integers(0, 200), st.integers(0, 200))
    def test_lulls_never_change_when_speech_begins_or_pauses(
        self, loud: str, early_silence_ms: int, pause_ms: int
    ):
        without = changes(loud, GatePolicy(early_silence_ms=60_000, pause_ms=pause_ms))
        found = changes(loud, GatePolicy(early_silence_ms=early_silence_ms, pause_ms=pause_ms))
        assert [c for c in found if not isinstance(c[1], SpeechPausing)] == without


def test_a_reading_whose_end_is_lost_does_not_end_reading_along_for_the_rest_of_the_call():
    def lost(event: Event) -> list[Event]:
        return (
            [] if type(event).__name__ == "ReplyPrepared" and event.at < from_ms(2500) else [event]
        )

    later = Speech(9000, 10_000, WHOLE)
    world = run(speech=(QUESTION, later), fault=lost, until_ms=16_000)
    [first, second] = world.verdicts("turn_ended")
    assert [at for at in asked_at(world, PrepareReply) if to_ms(first.at) < at < later.end_ms]
    assert second.command.text == WHOLE
