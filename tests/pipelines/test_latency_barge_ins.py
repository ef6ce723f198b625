from pipelines.latency import BARGE_IN_SPANS, fold_barge_ins, fold_turns
from pipelines.turn_taking import commands as c
from pipelines.turn_taking import events as e
from pipelines.turn_taking.journal import Issued
from tests.decided import agent_done, overlap
from tests.pipelines.test_latency import OneTurn, issued, ms


def judged(at, *, interrupts=True, onset=2640, reply=2):
    facts = {"onset": ms(onset), "detected": ms(2730), "text": "no wait"}
    return Issued(ms(at), overlap(interrupts=interrupts, reply=reply, **facts))


def barge_in(*between, interrupts=True):
    entries = [
        e.PlayoutStarted(ms(2000), 3, ms(40)),
        *between,
        judged(3000, interrupts=interrupts),
    ]
    return OneTurn(playout=2000).journal()[:-3] + entries


def test_an_interruption_is_split_from_onset_to_silence_at_the_ear():
    journal = barge_in()
    journal += [
        issued(3000, c.ClearPlayout),
        e.PlayoutCleared(ms(3010), 3, ms(400)),
        Issued(ms(3010), agent_done(2, "Sure,", "Sure, x")),
    ]
    turns = fold_turns(journal)
    (found,) = fold_barge_ins(journal)
    assert {name: span / 1e6 for name, span in found.spans.items()} == {
        "detected": 130,
        "judged": 270,
        "cleared": 10,
        "silent": 40,
    }
    assert tuple(found.spans) == BARGE_IN_SPANS
    assert found.silent_at_ear == ms(3050)
    assert (found.turn, found.verdict, found.text) == (1, "interrupts", "no wait")
    assert (found.written, found.heard) == ("Sure, x", "Sure,")
    assert turns[0].interrupted


def test_silence_begins_when_playout_is_paused_to_judge_the_speech():
    journal = barge_in(issued(2820, c.PausePlayout))
    journal += [e.PlayoutCleared(ms(3010), 3, ms(400))]
    (found,) = fold_barge_ins(journal)
    assert found.silent_at_ear == ms(2860)
    assert sum(found.spans.values()) == ms(2860 - 2600)
    assert found.spans["judged"] == ms(2820 - 2730)
    assert found.spans["cleared"] == 0


def test_the_frame_already_sent_when_playout_stops_is_still_heard():
    journal = barge_in(issued(2812, c.PausePlayout))
    journal += [e.PlayoutCleared(ms(3010), 3, ms(820))]
    (found,) = fold_barge_ins(journal)
    assert found.silent_at_ear == ms(2000 + 820 + 40)
    assert sum(found.spans.values()) == found.silent_at_ear - found.onset


def test_a_pause_that_was_resumed_before_the_verdict_is_no_silence():
    journal = barge_in(issued(2820, c.PausePlayout), issued(2900, c.ResumePlayout))
    journal += [e.PlayoutCleared(ms(3010), 3, ms(400))]
    (found,) = fold_barge_ins(journal)
    assert found.silent_at_ear == ms(3050)


def test_a_backchannel_shows_how_long_the_agent_held_its_breath():
    journal = barge_in(issued(2820, c.PausePlayout), interrupts=False)
    journal += [issued(3000, c.ResumePlayout), e.MarkReached(ms(3500), 3)]
    (found,) = fold_barge_ins(journal)
    assert found.verdict == "ignored"
    assert found.paused == ms(180)
    assert found.silent_at_ear is None
    assert found.spans == {}
    assert found.heard == "Sure, for two?"


def test_the_clearing_of_a_later_interruption_is_not_counted_for_an_earlier_one():
    journal = barge_in()
    journal += [
        judged(4000, onset=3800),
        e.PlayoutCleared(ms(4005), 3, ms(400)),
    ]
    first, second = fold_barge_ins(journal)
    assert first.cleared is None
    assert second.cleared == ms(4005)


def test_speech_before_anything_of_the_reply_was_audible_is_no_barge_in():
    journal = [*OneTurn().journal(), judged(5000, reply=9)]
    assert fold_barge_ins(journal) == []


def test_speech_over_the_greeting_belongs_to_no_turn():
    journal = [
        issued(0, c.SynthesizeClause, 1, 7, "Hello there."),
        e.PlayoutStarted(ms(10), 1),
        judged(500, interrupts=False, reply=7),
    ]
    (found,) = fold_barge_ins(journal)
    assert found.turn is None
    assert found.written == "Hello there."
