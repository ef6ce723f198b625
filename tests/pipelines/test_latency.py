from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from pipelines.latency import (
    SPANS,
    fold_decisions,
    fold_turns,
)
from pipelines.turn_taking import commands as c
from pipelines.turn_taking import events as e
from pipelines.turn_taking.decisions import RecordDecision, TurnEnded
from pipelines.turn_taking.journal import Issued
from pipelines.turn_taking.reasons import because
from pipelines.turn_taking.time import from_ms
from tests.decided import agent_done, overlap, turn_ended


def ms(value):
    return from_ms(value)


def decided(at, verdict, rule="turn_over", **numbers):
    return Issued(ms(at), RecordDecision(verdict, because(rule, **numbers)))


def ended(at, *args, **spoken):
    return Issued(ms(at), turn_ended(*args, **spoken))


def issued(at, command, *args):
    return Issued(ms(at), command(*args, because("turn_over")))


@dataclass
class OneTurn:
    """A turn in ms: the caller has spoken by 1000 and nothing is done ahead, unless overridden."""

    end: float = 1000
    ingress: float = 40
    paused: float = 1130
    asked: float = 1340
    final: float = 1440
    commit: float = 1440
    wait: float = 300
    requested: float = 1440
    text: float = 1640
    synthesize: float = 1700
    audio: float = 1760
    playout: float = 1780
    egress: float = 40
    p: float | None = 0.9

    def journal(self):
        arrived = ms(self.end + self.ingress)
        entries = [
            e.FrameScored(arrived, ms(0), arrived, 0.9, ms(self.ingress)),
            issued(self.asked, c.FinishTranscription, 1, arrived),
            e.FinalTranscript(ms(self.final), 1, arrived, "Book a table."),
            Issued(
                ms(self.requested),
                c.GenerateReply(2, (), speculative=False, reason=because("turn_committed")),
            ),
            ended(
                self.commit,
                2,
                "Book a table.",
                transcription=1,
                start=ms(100 + self.ingress),
                end=arrived,
                paused_at=ms(self.paused),
                due=arrived + ms(self.wait),
                silence_ms=300.0,
                p=self.p,
            ),
            e.ReplyTextReceived(ms(self.text), 2, "Sure, "),
            e.ReplyTextReceived(ms(self.synthesize), 2, "for two?"),
            issued(self.synthesize, c.SynthesizeClause, 3, 2, "Sure, for two?"),
            e.ClauseSynthesized(ms(self.audio), 3, ms(500), complete=True),
            e.PlayoutStarted(ms(self.playout), 3, ms(self.egress)),
            e.MarkReached(ms(self.playout + 500), 3),
            Issued(ms(self.playout + 500), agent_done(2, "Sure, for two?")),
        ]
        return sorted(entries, key=lambda entry: entry.at)  # stable: causes stay before effects


def spans_ms(turn):
    return {name: span / 1e6 for name, span in turn.spans.items()}


def test_a_turn_done_in_sequence_is_split_at_every_milestone():
    (turn,) = fold_turns(OneTurn().journal())
    assert spans_ms(turn) == {
        "ingress": 40,
        "vad_hangover": 90,
        "endpoint_wait": 210,
        "asr_final": 100,
        "tools": 0,
        "llm_ttft": 200,
        "first_clause": 60,
        "tts_ttfb": 60,
        "pacing": 20,
        "egress": 40,
    }
    assert tuple(turn.spans) == SPANS
    assert turn.voice_to_voice == ms(1780 + 40 - 1000)
    assert turn.saved == 0


def test_what_was_done_ahead_of_the_commit_costs_nothing_and_shows_as_saved():
    ahead = OneTurn(
        asked=1130, final=1200, requested=1200, text=1250, synthesize=1260, audio=1300,
        commit=1340, playout=1345,
    )  # fmt: skip
    (turn,) = fold_turns(ahead.journal())
    assert spans_ms(turn) == {
        "ingress": 40,
        "vad_hangover": 90,
        "endpoint_wait": 210,
        "asr_final": 0,
        "tools": 0,
        "llm_ttft": 0,
        "first_clause": 0,
        "tts_ttfb": 0,
        "pacing": 5,
        "egress": 40,
    }
    assert turn.saved == ms(70 + 60 + 40)


def test_work_overlapped_in_part_saves_the_part_that_was_not_waited_for():
    (turn,) = fold_turns(
        OneTurn(asked=1130, final=1200, requested=1200, text=1400, commit=1340).journal()
    )
    assert spans_ms(turn)["llm_ttft"] == 60
    assert turn.saved == ms(70 + (1700 - 1200) + 60 - (60 + 300 + 60))


def test_reading_the_prompt_in_advance_counts_as_saved_if_it_was_done_in_time():
    def saved(*, began, done):
        journal = OneTurn().journal()
        journal += [issued(began, c.PrepareReply, 77, ()), e.ReplyPrepared(ms(done), 77)]
        (turn,) = fold_turns(journal)
        return turn.saved

    assert saved(began=1200, done=1290) == ms(90)
    assert saved(began=1000, done=1090) == 0  # of an earlier pause
    assert saved(began=1400, done=1490) == 0  # not before the turn was over


def test_waiting_for_a_late_transcript_is_not_blamed_on_the_endpoint():
    (turn,) = fold_turns(OneTurn(asked=1130, final=1600, commit=1600, requested=1600).journal())
    assert spans_ms(turn)["endpoint_wait"] == 210  # until the 300 ms of silence were seen
    assert spans_ms(turn)["asr_final"] == 260


def test_waiting_for_a_detector_after_the_transcript_is_blamed_on_the_endpoint():
    (turn,) = fold_turns(OneTurn(asked=1130, final=1200, commit=1440).journal())
    assert spans_ms(turn)["endpoint_wait"] == 310
    assert spans_ms(turn)["asr_final"] == 0


def test_figures_of_the_decision_and_texts_are_those_of_the_journal():
    (turn,) = fold_turns(OneTurn().journal())
    assert (turn.start, turn.end) == (ms(100), ms(1000))
    assert turn.text == "Book a table."
    assert (turn.p_end_of_turn, turn.silence_ms) == (0.9, 300)
    assert (turn.written, turn.heard) == ("Sure, for two?", "Sure, for two?")
    assert not turn.interrupted


def test_a_turn_that_no_detector_scored_has_no_probability():
    (turn,) = fold_turns(OneTurn(p=None).journal())
    assert turn.p_end_of_turn is None


def test_a_turn_without_a_reply_has_no_latency():
    journal = [entry for entry in OneTurn().journal() if not isinstance(entry, e.PlayoutStarted)]
    (turn,) = fold_turns(journal)
    assert turn.voice_to_voice is None
    assert turn.spans == {}
    assert turn.playout is None


def test_a_turn_that_was_typed_began_and_ended_when_it_was_sent():
    reason = because("end_by_typing", text="two please")
    (turn,) = fold_turns([Issued(ms(500), TurnEnded("two please", 1, None, reason))])
    assert (turn.start, turn.end, turn.text) == (ms(500), ms(500), "two please")
    assert (turn.p_end_of_turn, turn.silence_ms, turn.spent) == (None, None, 0)


def test_a_reply_broken_off_by_the_end_of_the_call_was_heard_up_to_its_last_mark():
    journal = [
        *OneTurn().journal()[:-1],
        issued(2400, c.SynthesizeClause, 4, 2, "Or three?"),
        e.PlayoutStarted(ms(2410), 4),
        e.CallEnded(ms(2500), "hangup"),
    ]
    (turn,) = fold_turns(journal)
    assert turn.heard == "Sure, for two?"


def test_text_that_arrives_after_a_reply_was_cancelled_was_never_written():
    journal = OneTurn().journal()[:-1]
    journal += [issued(2400, c.CancelReply, 2), e.ReplyTextReceived(ms(2401), 2, " Bye.")]
    assert fold_turns(journal)[0].written == "Sure, for two?"


def test_a_turn_that_the_caller_reopened_is_one_turn_with_both_decisions():
    journal = [
        ended(900, 99, start=ms(100), end=ms(700)),
        decided(950, "turn_reopened", "reopened"),
        *OneTurn().journal(),
    ]
    (turn,) = fold_turns(journal)
    assert turn.index == 1
    assert [d.verdict for d in turn.decisions] == [
        "turn_ended",
        "turn_reopened",
        "turn_ended",
        "agent_done",
    ]


def test_decisions_go_to_the_turn_they_are_about():
    journal = [
        decided(10, "agent_speaks", "greeting"),
        decided(300, "turn_held", wait_ms=1),
        ended(400, 1, start=ms(100), end=ms(200)),
        decided(450, "result_dropped", "stale", event="x", job=1),
        Issued(ms(600), overlap(interrupts=True, onset=ms(500), reply=1)),
        Issued(ms(620), agent_done(1, "Of", "Of course.")),
        decided(700, "turn_held"),
        ended(800, 2, start=ms(500), end=ms(650)),
        decided(900, "speculation_dropped"),
    ]
    first, second = fold_turns(journal)
    assert [d.at / 1e6 for d in first.decisions] == [300, 400, 450, 600, 620]
    assert [d.at / 1e6 for d in second.decisions] == [700, 800, 900]
    assert (first.interrupted, second.interrupted) == (True, False)
    assert second.speculations_dropped == 1
    assert len(fold_decisions(journal)) == len(journal)


def test_an_interruption_of_a_reply_never_heard_belongs_to_the_turn_it_reopened():
    journal = [
        ended(400, 1, start=ms(100), end=ms(200)),
        ended(900, 2, start=ms(600), end=ms(700)),
        Issued(ms(950), overlap(interrupts=True, reply=2)),
        decided(950, "turn_reopened", "reopened"),
        ended(1400, 3, start=ms(600), end=ms(1200)),
        Issued(ms(1500), agent_done(1)),
    ]
    first, second = fold_turns(journal)
    assert [d.at / 1e6 for d in first.decisions] == [400, 1500]
    assert [d.at / 1e6 for d in second.decisions] == [900, 950, 950, 1400]


def test_a_rule_unknown_here_is_shown_by_name_and_numbers():
    journal = [
        decided(1, "turn_held", "made_up", p=0.5),
        decided(2, "turn_held", "made_up"),
        decided(3, "turn_held", "speculate"),  # lacks the numbers of its sentence
        decided(4, "turn_held", "idle_too_long", prompts=2),
    ]
    assert [d.sentence for d in fold_decisions(journal)] == [
        "made_up (p 0.5)",
        "made_up",
        "speculate",
        "nobody answered 2 question(s): hang up",
    ]


moments = st.one_of(st.integers(0, 4000), st.floats(0, 4000, allow_nan=False))


@given(
    st.builds(
        OneTurn,
        paused=moments, asked=moments, final=moments, commit=moments, wait=moments,
        requested=moments, text=moments, synthesize=moments, audio=moments,
        playout=st.integers(1000, 4000), egress=moments, ingress=moments,
    )
)  # fmt: skip
def test_whatever_the_order_of_milestones_spans_are_not_negative_and_add_up_exactly(times):
    (turn,) = fold_turns(times.journal())
    assert all(span >= 0 for span in turn.spans.values())
    assert turn.voice_to_voice == ms(times.playout) + ms(times.egress) - ms(times.end)
    assert turn.saved >= 0
