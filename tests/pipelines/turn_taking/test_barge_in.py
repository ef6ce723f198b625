"""Who gets to stop the agent: misheard backchannels, cues, clauses that must be heard."""

from dataclasses import replace

import pytest

from pipelines.turn_taking.barge_in import (
    BackchannelList,
    OverlapEvidence,
    OverlapVerdict,
    classify,
    judge_overlap,
)
from pipelines.turn_taking.commands import ClearPlayout, Message, PausePlayout, ResumePlayout
from pipelines.turn_taking.events import CallerTyped, MarkReached
from pipelines.turn_taking.policy import (
    AgentPolicy,
    BargeInPolicy,
    ClausePolicy,
    EndpointingPolicy,
    InterruptAfter,
    Policy,
)
from pipelines.turn_taking.time import from_ms, to_ms

from .world import Speech, World

POLICY = Policy(
    agent=AgentPolicy(idle_ms=60_000),
    endpointing=EndpointingPolicy(weights=(("words", 1.0),), text_detectors=("words",)),
)
QUESTION = Speech(1000, 2000, "what time do you open")
ANSWER = "We open at nine in the morning, and we close at eight in the evening on every day."
LONG = (ANSWER, "Alright.")
BARGE_IN = BargeInPolicy()
BELIEVED_MS = BARGE_IN.interrupt_after_ms.word
"""From here on even a single word is."""


def overlap(*speech: Speech, policy: Policy = POLICY, replies: tuple[str, ...] = LONG) -> World:
    world = World(policy, [QUESTION, *speech], replies=replies, until_ms=20_000)
    world.run()
    return world


def rules(world: World, verdict: str) -> list[str]:
    return [entry.command.reason.rule for entry in world.verdicts(verdict)]


def judged(speech_ms: int, text: str, *, whole: bool = True, settled: bool = True,
           audible: bool = True, unsettled: str = "", policy: BargeInPolicy = BARGE_IN,
           ) -> OverlapVerdict | None:  # fmt: skip
    phrases = BackchannelList(policy.backchannels, policy.interruption_phrases)
    evidence = OverlapEvidence(
        from_ms(speech_ms), text, unsettled or text, whole=whole, over=settled, audible=audible
    )
    return judge_overlap(evidence, phrases, policy)


class TestBackchannelsOnTheirWay:
    """The beginning of one is no word of its own, and a drawn-out one is no interruption."""

    @pytest.mark.parametrize("begun", ["I", "okay got", "of", "That's", "yeah thank"])
    def test_the_beginning_of_a_backchannel_is_no_word_until_the_text_is_whole(self, begun):
        assert judged(BELIEVED_MS, begun, whole=False) is None
        verdict = judged(BELIEVED_MS, begun, whole=True)
        assert verdict is not None
        assert verdict.rule == "interrupted_by_words"

    @pytest.mark.parametrize("words", ["I want", "see", "of course not", "no", "I see no"])
    def test_other_words_interrupt_as_before(self, words):
        verdict = judged(BELIEVED_MS, words, whole=False)
        assert verdict is not None
        assert verdict.rule == "interrupted_by_words"

    def test_a_drawn_out_okay_may_last_twice_as_long_as_sounds_that_are_not_understood(self):
        limit = BargeInPolicy().interrupt_after_ms.sound
        for unsettled, ms, interrupts in (
            ("", limit, True), ("wh", limit, True), ("Okay.", limit, False),
            ("Okay, I", 2 * limit - 1, False), ("Okay.", 2 * limit, True),
        ):  # fmt: skip
            verdict = judged(ms, "", whole=False, unsettled=unsettled)
            assert (verdict is not None) == interrupts, (unsettled, ms)


class TestMisheardBackchannels:
    """A listener's "uh-huh" comes out of a recogniser as anything."""

    def test_short_speech_with_nothing_after_it_does_not_stop_the_agent_whatever_was_heard(self):
        world = overlap(Speech(3400, 3800, "that hurts"))
        assert rules(world, "overlap_ignored") == ["overlap_too_short"]
        assert not world.commands(ClearPlayout)
        assert world.core.history[-1] == Message("agent", ANSWER)
        [paused, resumed] = [
            entry for entry in world.journal
            if isinstance(getattr(entry, "command", None), PausePlayout | ResumePlayout)
        ]  # fmt: skip
        assert to_ms(resumed.at - paused.at) < 800

    def test_it_does_when_the_caller_keeps_the_floor(self):
        world = overlap(Speech(3400, 3700, "that hurts"), Speech(3950, 4600, "my ears so much"))
        assert rules(world, "overlap_interrupts") == ["interrupted_by_words"]
        callers = [m.text for m in world.core.history if m.role == "caller"]
        assert callers[-1] == "that hurts my ears so much"

    @pytest.mark.parametrize(("ms", "heard", "believed"), [
        (672, "Bright.", False), (512, "You laugh.", False), (640, "Cheddar-blown.", True),
        (700, "Cheddar.", True),
    ])  # fmt: skip
    def test_a_single_word_is_believed_later_than_several(self, ms, heard, believed):
        """As Moonshine heard "Right", "Yeah" and "A cheddar block"."""
        rule = "interrupted_by_words" if believed else "overlap_too_short"
        verdict = judged(ms, heard)
        assert verdict is not None
        assert verdict.rule == rule

    @pytest.mark.parametrize(("kind", "heard"), [
        ("phrase", "no"), ("words", "that hurts"), ("word", "cheddar"), ("sound", ""),
        ("backchannel", "okay"),
    ])  # fmt: skip
    def test_each_kind_of_speech_has_a_time_of_its_own(self, kind, heard):
        after = InterruptAfter(**dict.fromkeys(InterruptAfter.__slots__, 5000) | {kind: 300})
        policy = BargeInPolicy(interrupt_after_ms=after)
        evidence = OverlapEvidence(from_ms(300), heard, heard)
        phrases = BackchannelList(policy.backchannels, policy.interruption_phrases)
        assert classify(evidence, phrases, policy)[0] == kind
        assert judged(299, heard, whole=False, policy=policy) is None
        verdict = judged(300, heard, whole=False, policy=policy)
        assert verdict is not None
        assert verdict.kind == "interrupts"

    def test_an_echo_never_interrupts(self):
        policy = BargeInPolicy(interrupt_after_ms=InterruptAfter(sound=0, backchannel=0, words=0))
        phrases = BackchannelList(policy.backchannels, policy.interruption_phrases)
        own = OverlapEvidence(from_ms(9000), "open at nine", "open at nine", said="we open at nine")
        sound = OverlapEvidence(from_ms(9000), "", "", line_echoes=True)
        for evidence in (own, sound):
            assert classify(evidence, phrases, policy) == ("echo", 0)
            assert judge_overlap(evidence, phrases, policy) is None

    @pytest.mark.parametrize("words", ["stop", "no no", "hang on", "sorry what"])
    def test_a_cue_stops_it_however_short(self, words: str):
        world = overlap(Speech(3400, 3750, words))
        assert rules(world, "overlap_interrupts") == ["interrupted_by_words"]

    def test_it_falls_silent_as_soon_as_for_any_interruption(self):
        long = overlap(Speech(3400, 4800, "that is not what i asked for"))
        short = overlap(Speech(3400, 3800, "that hurts"))
        silent = [
            next(e.at for e in world.journal if isinstance(getattr(e, "command", 0), PausePlayout))
            for world in (long, short)
        ]
        assert silent[0] == silent[1]

    def test_a_short_answer_over_the_last_clause_is_answered_after_it(self):
        world = overlap(Speech(3200, 3580, "friday"), replies=("Which day would suit you?",))
        assert rules(world, "overlap_ignored") == ["overlap_kept"]
        said = [(m.role, m.text) for m in world.core.history]
        assert said[1:3] == [("agent", "Which day would suit you?"), ("caller", "friday")]
        assert len(said) == 4  # it was answered

    def test_before_the_agent_is_heard_words_go_on_with_the_turn(self):
        assert judged(300, "on sunday", audible=False) == OverlapVerdict(
            "interrupts", "interrupted_by_words", 2
        )

    def test_while_more_may_come_nothing_is_decided(self):
        assert judged(400, "that hurts", whole=False) is None
        assert judged(400, "that hurts", settled=False) is None


class TestUninterruptibleClauses:
    """What must be heard, such as that the call is recorded."""

    NOTICE = "This call is recorded for training. Now tell me, what can I do for you this morning?"

    def policy(self) -> Policy:
        return replace(
            POLICY,
            agent=replace(POLICY.agent, greeting=self.NOTICE),
            barge_in=BargeInPolicy(protected_phrases=("call is recorded",)),
            clauses=ClausePolicy(first_max_words=30),
        )

    def test_it_is_heard_to_its_end_and_what_was_said_over_it_stops_the_next_clause(self):
        world = World(self.policy(), [Speech(300, 1200, "i want a table for two")],
                      until_ms=20_000)  # fmt: skip
        world.run()
        first_heard = next(e.at for e in world.journal if isinstance(e, MarkReached))
        [stopped] = world.verdicts("overlap_interrupts")
        assert stopped.at == first_heard
        assert not any(
            entry.at < first_heard
            for entry in world.journal
            if isinstance(getattr(entry, "command", None), PausePlayout | ClearPlayout)
        )
        heard, caller, *_ = world.core.history
        assert heard.text.startswith("This call is recorded for training.")
        assert "morning" not in heard.text
        assert caller == Message("caller", "i want a table for two")

    def test_a_backchannel_over_it_is_forgotten(self):
        world = World(self.policy(), [Speech(300, 700, "uh huh")], until_ms=20_000)
        world.run()
        assert rules(world, "overlap_ignored") == ["overlap_backchannel"]
        assert world.core.history == (Message("agent", self.NOTICE),)

    def test_typing_does_not_cut_it_off_either(self):
        typed = CallerTyped(from_ms(500), "hello")
        world = World(self.policy(), extra=[typed], until_ms=20_000)
        world.run()
        assert world.core.history[:2] == (Message("agent", self.NOTICE), Message("caller", "hello"))

    def test_other_clauses_can_be_interrupted_as_ever(self):
        world = World(self.policy(), [Speech(2600, 4000, "stop i know all that")], until_ms=20_000)
        world.run()
        [stopped] = world.verdicts("overlap_interrupts")
        assert to_ms(stopped.at) < 4000


def test_double_talk_is_transcribed_from_its_first_word():
    world = overlap(Speech(3400, 5200, "no wait i meant the shop in town"))
    last = [m.text for m in world.core.history if m.role == "caller"][-1]
    assert last == "no wait i meant the shop in town"


def test_the_history_keeps_only_what_was_heard_before_the_interruption():
    world = overlap(Speech(3400, 5200, "no wait i meant the shop in town"))
    agents = [m.text for m in world.core.history if m.role == "agent"]
    assert ANSWER.startswith(agents[0])
    assert 0 < len(agents[0].split()) < 6


def test_words_over_the_last_that_must_be_heard_do_not_bring_back_a_call_that_has_ended():
    protected = replace(POLICY, barge_in=BargeInPolicy(protected_phrases=("goodbye",)))
    over = Speech(2250, 3300, "wait i have one more question")
    world = overlap(over, policy=protected, replies=("Goodbye and take care. @ends_call:end",))
    [done] = world.verdicts("agent_done")
    assert done.command.heard == "Goodbye and take care."
    assert not world.verdicts("overlap_interrupts")
    assert len(world.verdicts("turn_ended")) == 1
