"""What the core promises, one behaviour a test."""

from dataclasses import replace

import pytest

from pipelines.turn_taking.commands import (
    CancelReply,
    ClearPlayout,
    EndCall,
    GenerateReply,
    Message,
    PausePlayout,
    PlayClause,
    PrepareReply,
    ResumePlayout,
    ScoreEndOfTurn,
    StartTranscription,
    SynthesizeClause,
)
from pipelines.turn_taking.conversation import Conversation
from pipelines.turn_taking.events import (
    CallerTyping,
    CallStarted,
    DeadlineReached,
    DtmfReceived,
    EndOfTurnScored,
    EngineFailed,
    Event,
    FinalTranscript,
    FrameScored,
    MarkReached,
    PartialTranscript,
    PlayoutCleared,
    PlayoutStarted,
    ReplyTextReceived,
)
from pipelines.turn_taking.policy import (
    AgentPolicy,
    BargeInPolicy,
    EndpointingPolicy,
    Policy,
    SpeculationPolicy,
)
from pipelines.turn_taking.time import from_ms, to_ms
from pipelines.turn_taking.transitions import Agent, Caller

from .world import Delays, Speech, World, breaks_once, failed

POLICY = Policy(
    agent=AgentPolicy(system_prompt="Be brief."),
    endpointing=EndpointingPolicy(
        weights=(("words", 1.0),),
        text_detectors=("words",),
        delays_ms=((0.0, 2200), (0.2, 1600), (0.5, 900), (0.8, 300), (0.95, 200)),
    ),
)
"""With a curve of its own, so that the default may be tuned."""
AT_PAUSES = replace(POLICY, speculation=SpeculationPolicy(prefill_partials=False))
"""Nothing is done while the caller speaks."""
QUESTION = Speech(1000, 2000, "what time do you open")


def answer_time(world: World) -> float:
    """When the reply became audible, in ms."""
    return next(to_ms(e.at) for e in world.journal if isinstance(e, PlayoutStarted))


def test_a_question_is_answered_after_the_silence_that_its_score_asks_for():
    world = World(POLICY, [QUESTION])
    world.run()
    [ended] = world.verdicts("turn_ended")
    assert ended.command.reason.rule == "end_by_score"
    assert ended.command.text == QUESTION.text
    # P = 0.9 lies two thirds of the way from 0.8 (300 ms) to 0.95 (200 ms).
    assert to_ms(ended.at) == pytest.approx(2016 + 233.3, abs=2)
    assert world.core.history == (
        Message("system", "Be brief."),
        Message("caller", "what time do you open"),
        Message("agent", "Of course. What time would you like?"),
    )
    assert (world.core.caller, world.core.agent) == (Caller.SILENT, Agent.LISTENING)


def test_only_confirmed_speech_is_transcribed_and_from_before_its_onset():
    world = World(POLICY, [Speech(500, 540), QUESTION])
    world.run()
    [start] = world.commands(StartTranscription)
    assert to_ms(start.start) == pytest.approx(992 - 300)


def test_a_low_score_waits_longer_and_the_journal_says_so():
    world = World(POLICY, [QUESTION], p_end=lambda text: 0.05)
    world.run()
    [held] = world.verdicts("turn_held")
    assert held.command.reason.numbers["wait_ms"] == pytest.approx(2050)
    assert to_ms(world.verdicts("turn_ended")[0].at) == pytest.approx(2016 + 2050, abs=40)


def test_the_backstop_ends_a_turn_whatever_the_detectors_say():
    policy = replace(POLICY, endpointing=replace(POLICY.endpointing, backstop_ms=700))
    world = World(policy, [QUESTION], p_end=lambda text: 0.01)
    world.run()
    [ended] = world.verdicts("turn_ended")
    assert ended.command.reason.rule == "end_by_backstop"
    assert to_ms(ended.at) == pytest.approx(2016 + 700, abs=2)


def test_without_detectors_the_silence_timer_decides():
    policy = replace(POLICY, endpointing=EndpointingPolicy(unscored_ms=600))
    world = World(policy, [QUESTION])
    world.run()
    [ended] = world.verdicts("turn_ended")
    assert ended.command.reason.rule == "end_by_timer"
    assert to_ms(ended.at) == pytest.approx(2016 + 600, abs=2)


def test_a_pause_within_the_turn_is_no_end_and_speculation_on_it_is_silent():
    halves = [Speech(1000, 1600, "i would like"), Speech(1800, 2600, "a table for two")]
    world = World(AT_PAUSES, halves)
    world.run()
    [ended] = world.verdicts("turn_ended")
    assert ended.command.text == "i would like a table for two"
    assert len(world.verdicts("turn_resumed")) == 1
    assert len(world.verdicts("speculation_dropped")) == 1
    played_by = {command.job for command in world.commands(PlayClause)}
    dropped = world.commands(CancelReply)[0].job
    made = {c.job for c in world.commands(SynthesizeClause) if c.reply == dropped}
    assert not played_by & made


def test_speculation_makes_the_first_clause_before_the_turn_is_over_and_keeps_it():
    slow = World(
        replace(
            POLICY, speculation=SpeculationPolicy(preemptive_reply_above=2, prefill_partials=False)
        ),
        [QUESTION],
        p_end=lambda text: 0.7,
    )
    fast = World(AT_PAUSES, [QUESTION], p_end=lambda text: 0.7)
    slow.run()
    fast.run()
    assert fast.verdicts("turn_ended")[0].at == slow.verdicts("turn_ended")[0].at
    assert len(fast.verdicts("speculation_kept")) == 1
    # first token, first clause and first audio were all made during the wait
    assert answer_time(slow) - answer_time(fast) >= 130
    assert len(slow.commands(PrepareReply)) == 1
    assert [g.speculative for g in fast.commands(GenerateReply)] == [True]


def test_nothing_of_a_speculative_reply_is_played_before_the_turn_has_ended():
    world = World(POLICY, [QUESTION], p_end=lambda text: 0.6)
    world.run()
    ended = world.verdicts("turn_ended")[0].at
    first = next(e for e in world.journal if isinstance(getattr(e, "command", None), PlayClause))
    assert first.at >= ended


def test_a_sound_just_before_the_end_of_the_turn_postpones_it_until_it_is_clear_what_it_is():
    cough = Speech(2224, 2264)
    world = World(POLICY, [QUESTION, cough])
    world.run()
    [ended] = world.verdicts("turn_ended")
    assert to_ms(ended.at) > 2264


def test_a_sound_without_words_is_not_answered():
    world = World(POLICY, [Speech(1000, 1400)])
    world.run()
    assert len(world.verdicts("turn_dropped")) == 1
    assert not world.commands(GenerateReply)
    assert world.core.caller is Caller.SILENT


def test_a_long_turn_is_transcribed_in_pieces_split_at_its_pauses():
    policy = replace(POLICY, endpointing=replace(POLICY.endpointing, carry_over_ms=2000))
    halves = [Speech(1000, 4000, "one two three"), Speech(4300, 5000, "four five")]
    world = World(policy, halves, p_end=lambda text: 0.3)
    world.run()
    first, second = world.commands(StartTranscription)
    assert second.start > first.start
    [ended] = world.verdicts("turn_ended")
    assert ended.command.text == "one two three four five"


class TestBargeIn:
    """Speech while the agent speaks, which is from about 2,400 ms to 4,200 ms."""

    def test_words_interrupt_and_the_order_is_playout_generation_far_buffer(self):
        world = World(AT_PAUSES, [QUESTION, Speech(3000, 4600, "no wait i meant the shop")])
        world.run()
        [interrupt] = world.verdicts("overlap_interrupts")
        # The second turn's own speculation is paused for too; look at the interruption alone.
        names = [
            type(entry.command)
            for entry in world.journal
            if getattr(entry, "command", None) is not None and entry.at <= interrupt.at
        ]
        stops = [n for n in names if n in {PausePlayout, CancelReply, ClearPlayout}]
        assert stops == [PausePlayout, CancelReply, ClearPlayout]
        assert world.core.history[-2].text == "no wait i meant the shop"

    def test_history_keeps_only_what_was_heard(self):
        world = World(
            POLICY,
            [QUESTION, Speech(3000, 4600, "no wait i meant the shop")],
            replies=["We are open all day and all night and on every holiday of the year."],
        )
        world.run()
        agent = [m.text for m in world.core.history if m.role == "agent"]
        assert agent[0].startswith("We are")
        assert "holiday" not in agent[0]
        done = world.verdicts("agent_done")[0].command
        assert done.interrupted
        assert done.heard == agent[0]

    @pytest.mark.parametrize("text", ["uh huh", "Mm-hmm.", "yeah, okay", "Right!"])
    def test_a_backchannel_does_not_take_the_floor(self, text: str):
        world = World(POLICY, [QUESTION, Speech(3000, 3400, text)])
        world.run()
        assert len(world.verdicts("overlap_ignored")) == 1
        assert not world.commands(ClearPlayout)
        assert len(world.commands(PausePlayout)) == len(world.commands(ResumePlayout)) <= 1
        assert world.core.history[-1].text == "Of course. What time would you like?"

    def test_a_cough_does_not_take_the_floor(self):
        world = World(POLICY, [QUESTION, Speech(3000, 3300)])
        world.run()
        assert world.verdicts("overlap_ignored")[0].command.reason.rule == "overlap_without_words"
        assert not world.commands(ClearPlayout)

    def test_the_agent_falls_silent_within_a_syllable_while_speech_over_it_is_judged(self):
        world = World(POLICY, [QUESTION, Speech(3000, 3800, "no wait i meant the shop")])
        world.run()
        [pause] = world.commands(PausePlayout)
        assert pause.reason.numbers["speech_ms"] <= 128

    def test_a_brief_sound_silences_the_agent_only_for_as_long_as_it_lasts(self):
        world = World(POLICY, [QUESTION, Speech(3000, 3150)], delays=Delays(asr_final=600))
        world.run()
        [resume] = [
            e for e in world.journal if isinstance(getattr(e, "command", None), ResumePlayout)
        ]
        assert resume.command.reason.rule == "resume_brief"
        assert to_ms(resume.at) < 3150 + 150
        assert world.verdicts("overlap_ignored")[0].at > resume.at

    def test_brief_sounds_one_after_the_other_do_not_add_up_to_an_interruption(self):
        coughs = [Speech(start, start + 150) for start in range(2600, 4200, 400)]
        world = World(POLICY, [QUESTION, *coughs], delays=Delays(asr_final=600))
        world.run()
        assert not world.verdicts("overlap_interrupts")

    def test_a_brief_word_still_interrupts(self):
        world = World(POLICY, [QUESTION, Speech(3000, 3150, "stop")])
        world.run()
        assert len(world.verdicts("overlap_interrupts")) == 1

    def test_long_speech_interrupts_whatever_the_words(self):
        world = World(POLICY, [QUESTION, Speech(2800, 5000)])
        world.run()
        [interrupt] = world.verdicts("overlap_interrupts")
        assert interrupt.command.reason.rule == "interrupted_by_duration"
        assert to_ms(interrupt.at) == pytest.approx(2784 + 700, abs=40)

    def test_a_false_interruption_goes_on_even_when_the_recogniser_is_slow(self):
        world = World(POLICY, [QUESTION, Speech(4500, 4900)], delays=Delays(asr_final=1500))
        world.run()
        resume = next(
            e for e in world.journal if isinstance(getattr(e, "command", None), ResumePlayout)
        )
        assert resume.command.reason.rule == "resume_unjudged"
        assert to_ms(resume.at) == pytest.approx(4928 + 350, abs=2)

    def test_speech_before_the_reply_is_heard_withdraws_it_and_reopens_the_turn(self):
        more = Speech(2300, 3400, "on sunday i mean")
        world = World(POLICY, [QUESTION, more], delays=Delays(first_token=900))
        world.run()
        assert len(world.verdicts("turn_reopened")) == 1
        last = world.verdicts("turn_ended")[-1].command
        assert last.text == "what time do you open on sunday i mean"
        callers = [m.text for m in world.core.history if m.role == "caller"]
        assert callers == ["what time do you open on sunday i mean"]

    def test_an_uninterruptible_greeting_is_heard_to_its_end_and_the_caller_answered_then(self):
        policy = replace(
            POLICY,
            agent=replace(POLICY.agent, greeting="This call is recorded for your own good."),
            barge_in=BargeInPolicy(greeting_interruptible=False),
        )
        world = World(policy, [Speech(600, 1400, "are you open")])
        world.run()
        assert not world.commands(PausePlayout)
        [done, _] = world.verdicts("agent_done")
        assert world.verdicts("turn_ended")[0].at >= done.at
        assert [m.role for m in world.core.history] == ["system", "agent", "caller", "agent"]


class TestKeypad:
    """DTMF."""

    def test_digits_up_to_the_terminator_are_a_turn(self):
        keys = [DtmfReceived(from_ms(1000 + 200 * i), d) for i, d in enumerate("407#")]
        world = World(POLICY, extra=keys)
        world.run()
        assert Message("caller", "[keypad 407]") in world.core.history

    def test_digits_without_terminator_end_after_a_pause(self):
        world = World(POLICY, extra=[DtmfReceived(from_ms(1000), "5")])
        world.run()
        assert to_ms(world.verdicts("turn_ended")[0].at) == pytest.approx(3000)

    def test_a_key_stops_the_agent(self):
        world = World(POLICY, [QUESTION], extra=[DtmfReceived(from_ms(3000), "1")])
        world.run()
        interrupt = world.verdicts("overlap_interrupts")[0]
        assert interrupt.command.reason.rule == "interrupted_by_keypad"
        assert to_ms(interrupt.at) == 3000


class TestFailure:
    """Engines that break down, stay silent or answer too late."""

    def test_a_broken_llm_is_apologised_for_and_the_call_goes_on(self):
        speech = [QUESTION, Speech(7000, 8000, "are you there")]
        world = World(AT_PAUSES, speech, fault=breaks_once([]))
        world.delays = Delays(first_token=300)  # in the midst of the turn it would be asked again
        world.until_ms = 12_000
        world.run()
        agent = [m.text for m in world.core.history if m.role == "agent"]
        assert agent == [POLICY.agent.apology, "Of course. What time would you like?"]

    def test_after_too_many_failures_the_agent_says_goodbye_and_hangs_up(self):
        def fault(event: Event) -> list[Event]:
            return [failed(event, "llm")] if isinstance(event, ReplyTextReceived) else [event]

        turns = [Speech(at, at + 800, "hello there friend") for at in range(1000, 24000, 6000)]
        world = World(POLICY, turns, fault=fault, until_ms=30_000)
        world.run()
        assert world.core.history[-1] == Message("agent", POLICY.agent.goodbye)
        assert len(world.commands(EndCall)) == 1

    def test_a_lost_transcript_falls_back_to_the_partial_words(self):
        def fault(event: Event) -> list[Event]:
            return [] if isinstance(event, FinalTranscript) else [event]

        world = World(POLICY, [QUESTION], fault=fault)
        world.run()
        [ended] = world.verdicts("turn_ended")
        partial = [e for e in world.journal if isinstance(e, PartialTranscript)][-1]
        assert ended.command.text == f"{partial.stable} {partial.unstable}"

    def test_a_recogniser_that_fails_after_its_final_transcript_takes_no_word_back(self):
        def fault(event: Event) -> list[Event]:
            if isinstance(event, PartialTranscript):
                return [replace(event, stable="what time", unstable="")]
            if isinstance(event, FinalTranscript):
                return [event, failed(replace(event, at=event.at + from_ms(5)), "asr")]
            return [event]

        world = World(AT_PAUSES, [QUESTION], fault=fault)
        world.run()
        [ended] = world.verdicts("turn_ended")
        assert ended.command.text == QUESTION.text
        assert [g.history[-1].text for g in world.commands(GenerateReply)] == [QUESTION.text]

    def test_no_detector_is_waited_for_that_was_not_asked_as_the_recogniser_had_looped(self):
        def fault(event: Event) -> list[Event]:
            return [replace(event, looped=True)] if isinstance(event, FinalTranscript) else [event]

        patient = replace(
            AT_PAUSES.endpointing,
            weights=(("words", 1.0), ("voice", 1.0)),
            text_detectors=("words",),
            score_timeout_ms=2000,
        )
        world = World(
            replace(AT_PAUSES, endpointing=patient), [QUESTION], p_end=lambda _: 0.9, fault=fault
        )
        world.run()
        asked = {name for question in world.commands(ScoreEndOfTurn) for name in question.detectors}
        assert asked == {"voice"}
        [ended] = world.verdicts("turn_ended")
        assert to_ms(ended.at) - QUESTION.end_ms < 300

    def test_lost_marks_do_not_hold_the_floor_for_ever(self):
        def fault(event: Event) -> list[Event]:
            return [] if isinstance(event, MarkReached) else [event]

        world = World(POLICY, [QUESTION], fault=fault, until_ms=20_000)
        world.run()
        assert world.verdicts("marks_assumed")
        assert Message("agent", "Of course. What time would you like?") in world.core.history

    def test_a_silent_llm_times_out(self):
        def fault(event: Event) -> list[Event]:
            return [] if isinstance(event, ReplyTextReceived) else [event]

        policy = replace(POLICY, agent=replace(POLICY.agent, reply_timeout_ms=2000))
        world = World(policy, [QUESTION], fault=fault)
        world.run()
        assert Message("agent", POLICY.agent.apology) in world.core.history

    def test_a_broken_detector_leaves_the_timer(self):
        def fault(event: Event) -> list[Event]:
            if isinstance(event, EndOfTurnScored):
                return [failed(event, "turn_detector")]
            return [event]

        world = World(POLICY, [QUESTION], fault=fault)
        world.run()
        assert world.verdicts("turn_ended")[0].command.reason.rule == "end_by_timer"

    def test_a_broken_recogniser_says_that_it_did_not_hear(self):
        def fault(event: Event) -> list[Event]:
            if isinstance(event, PartialTranscript | FinalTranscript):
                return [failed(event, "asr")]
            return [event]

        policy = replace(POLICY, endpointing=EndpointingPolicy())
        world = World(policy, [Speech(1000, 1090, ""), QUESTION], fault=fault)
        world.run()
        assert Message("agent", POLICY.agent.not_heard) in world.core.history

    def test_a_recogniser_that_never_answers_is_a_failure_like_one_that_breaks(self):
        def fault(event: Event) -> list[Event]:
            return [] if isinstance(event, PartialTranscript | FinalTranscript) else [event]

        turns = [Speech(at, at + 700, "a table for two") for at in (1000, 6000, 11_000)]
        world = World(POLICY, turns, fault=fault, until_ms=20_000)
        world.run()
        said = [message.text for message in world.core.history if message.role == "agent"]
        assert said == [POLICY.agent.not_heard, POLICY.agent.not_heard, POLICY.agent.goodbye]

    def test_long_speech_without_words_is_asked_about_once(self):
        mumbling = [Speech(at, at + 1200) for at in (1000, 6000, 11_000)]
        world = World(POLICY, mumbling, until_ms=16_000)
        world.run()
        assert [each.command.reason.rule for each in world.verdicts("turn_dropped")] == [
            "no_words"
        ] * 3
        assert world.core.history.count(Message("agent", POLICY.agent.not_heard)) == 1

    def test_after_an_answer_it_may_be_asked_about_again(self):
        speech = [Speech(1000, 2200), Speech(6000, 7000, "a table for two"), Speech(12_000, 13_200)]
        world = World(POLICY, speech, until_ms=18_000)
        world.run()
        assert world.core.history.count(Message("agent", POLICY.agent.not_heard)) == 2

    def test_a_short_noise_is_not_asked_about(self):
        world = World(POLICY, [Speech(1000, 1500)])
        world.run()
        assert world.verdicts("turn_dropped")
        assert not world.verdicts("agent_speaks")

    def test_a_deaf_agent_hangs_up(self):
        world = World(POLICY, extra=[EngineFailed(from_ms(500), 0, "vad", "broken")])
        world.run()
        assert world.core.agent is Agent.ENDED

    def test_results_of_a_cancelled_reply_are_dropped_and_noted(self):
        halves = [Speech(1000, 1600, "i would like"), Speech(1800, 2600, "a table for two")]
        world = World(AT_PAUSES, halves)
        world.run()
        assert world.verdicts("result_dropped")


class TestIdle:
    """A caller who says nothing."""

    def test_the_agent_asks_and_in_the_end_hangs_up(self):
        policy = replace(POLICY, agent=AgentPolicy(greeting="Hello!", idle_ms=3000))
        world = World(policy, until_ms=30_000)
        world.run()
        said = [message.text for message in world.core.history]
        asked = ["Are you still there?", "I can't hear you. Is there anything else?"]
        assert said == ["Hello!", *asked, policy.agent.goodbye]
        assert len(world.commands(EndCall)) == 1

    def test_a_caller_who_was_understood_before_is_not_told_that_they_cannot_be_heard(self):
        policy = replace(POLICY, agent=AgentPolicy(greeting="Hello!", idle_ms=3000))
        world = World(policy, [Speech(2000, 2800, "i am here")], until_ms=30_000)
        world.run()
        said = [message.text for message in world.core.history]
        assert said[-2:] == ["Is there anything else?", policy.agent.goodbye]
        assert not world.verdicts("caller_unheard")

    def test_a_caller_who_types_is_not_told_that_they_cannot_be_heard(self):
        agent = AgentPolicy(greeting="", idle_ms=3000, idle_prompts=("Are you still there?",))
        core = Conversation(replace(POLICY, agent=agent))
        core.handle(CallStarted(0))
        core.handle(CallerTyping(1))
        assert core.deadline is not None
        [asked] = [each for each in core.handle(DeadlineReached(core.deadline))
                   if isinstance(each, SynthesizeClause)]  # fmt: skip
        assert asked.text == "Are you still there?"

    def test_hanging_up_on_a_caller_who_was_never_understood_is_told_as_such(self):
        world = World(POLICY, until_ms=60_000)
        world.run()
        [told] = world.verdicts("caller_unheard")
        assert "not one word of the caller's was understood" in str(told.command.reason)

    @pytest.mark.parametrize(("sound_ms", "asked_ms"), [(12_000, 15_000), (40_000, 30_000)])
    def test_nobody_is_asked_or_hung_up_on_while_there_is_sound_on_the_line(
        self, sound_ms: int, asked_ms: int
    ):
        """But what makes sound for ever is a noise."""
        agent = AgentPolicy(greeting="", idle_ms=3000, idle_sound_ms=30_000)
        core = Conversation(replace(POLICY, agent=agent))
        core.handle(CallStarted(0))
        said: list[tuple[int, str]] = []
        for index in range(int(32_000 / 32)):
            start, end = from_ms(32 * index), from_ms(32 * index + 32)
            sound = end if index * 32 < sound_ms else None  # a caller whom the detector misses
            commands = core.handle(FrameScored(end, start, end, 0.02, 0, sound))
            if core.deadline is not None and core.deadline <= end:
                commands = core.handle(DeadlineReached(end))
            said += [(end, c.text) for c in commands if isinstance(c, SynthesizeClause)]
        at, text = said[0]
        assert text == "Are you still there?"
        assert from_ms(asked_ms) <= at <= from_ms(asked_ms + 100)

    def test_the_llm_is_not_told_of_questions_to_a_silent_caller(self):
        """A small model learns to say them."""
        policy = replace(POLICY, agent=AgentPolicy(greeting="Hello!", idle_ms=3000))
        world = World(policy, [Speech(5000, 5800, "i am here")], until_ms=9000)
        world.run()
        told = [message.text for message in world.commands(GenerateReply)[-1].history]
        assert told == ["Hello!", "i am here"]
        assert "Are you still there?" in [message.text for message in world.core.history]

    def test_an_answer_starts_the_questions_over(self):
        policy = replace(POLICY, agent=AgentPolicy(greeting="Hello!", idle_ms=3000))
        world = World(policy, [Speech(5000, 5800, "i am here")], until_ms=12_500)
        world.run()
        assert [m.text for m in world.core.history if m.role == "agent"].count(
            "Are you still there?"
        ) == 2


def test_the_prompt_of_a_score_ends_before_the_present_turn():
    world = World(POLICY, [QUESTION, Speech(6000, 7000, "and on sunday")])
    world.run()
    second = world.commands(ScoreEndOfTurn)[-1]
    assert second.text == "and on sunday"
    assert second.history[-1] == Message("agent", "Of course. What time would you like?")


def test_playout_cleared_late_still_corrects_the_history():
    def fault(event: Event) -> list[Event]:
        if isinstance(event, PlayoutCleared):
            return [replace(event, at=event.at + from_ms(300))]
        return [event]

    world = World(POLICY, [QUESTION, Speech(3000, 4600, "no wait i meant the shop")], fault=fault)
    world.run()
    roles = [message.role for message in world.core.history]
    assert roles == ["system", "caller", "agent", "caller", "agent"]
