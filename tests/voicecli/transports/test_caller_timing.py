"""The caller of a recording waits, answers and is cut into as the pacing rules say."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicecli.recording.labels import Cue, Turn
from voicecli.transports.file_caller import FileCaller

TWO = (Turn(0.5, 1.0), Turn(3.0, 3.5))


@pytest.fixture
def play(line):
    """Plays turns to an agent that speaks at the given spans; returns the caller."""

    def run(turns, *spans, seconds=5.0, **arguments):
        caller = FileCaller(line.recording(turns, seconds), turns, **arguments)
        line.drive(caller, line.speaks(*spans))
        return caller

    return run


def starts(caller):
    return [segment.start / 1e9 for segment in caller.played]


def test_to_a_silent_agent_everything_is_said_at_its_recorded_time(play):
    caller = play(TWO)
    assert [(p.index, p.start / 1e9, p.end / 1e9, p.cut_in) for p in caller.played] == [
        (0, 0.5, 1.0, False),
        (1, 3.0, 3.5, False),
    ]


def test_recorded_pace_waits_for_nobody(play):
    assert starts(play(TWO, (1.4, 9.0), pace="recorded")) == [0.5, 3.0]


def test_the_caller_waits_for_the_agent_and_then_the_rest_of_the_gap(play):
    # The agent starts 1.2 s before the recorded turn, and so that is what is left of the gap.
    assert starts(play(TWO, (1.8, 4.8))) == [0.5, pytest.approx(4.8 + 1.2)]


def test_a_long_recorded_gap_is_shortened_once_the_agent_has_answered(play):
    turns = (Turn(0.5, 1.0), Turn(9.0, 9.5))
    assert starts(play(turns, (2.0, 4.0), seconds=10)) == [0.5, pytest.approx(4.0 + 1.5)]


def test_a_short_gap_lasts_until_it_is_clear_that_the_agent_has_finished(play):
    # 0.4 s are left, but silence of the agent is the end of its speech only after 0.5 s.
    assert starts(play(TWO, (2.6, 4.0))) == [0.5, pytest.approx(4.0 + 0.5)]


@pytest.mark.parametrize("start_s", [2.7, 2.8, 2.98])
def test_an_agent_that_starts_300_ms_before_the_caller_or_later_cuts_in(play, start_s):
    caller = play(TWO, (start_s, 6.0), seconds=3.6)
    assert starts(caller) == [0.5, 3.0]
    assert [p.cut_in for p in caller.played] == [False, True]
    assert caller.cut_ins == 1


def test_an_agent_that_starts_earlier_than_that_does_not(play):
    caller = play(TWO, (2.68, 4.0))
    assert caller.cut_ins == 0
    assert starts(caller)[1] > 4.0


def test_an_agent_that_starts_inside_speech_cuts_in_and_is_spoken_over(play):
    caller = play(TWO, (0.8, 0.9))
    assert [p.cut_in for p in caller.played] == [True, False]
    assert caller.played[0].end / 1e9 == 1.0


def test_having_cut_in_the_agent_is_listened_to_in_the_next_silence(play):
    caller = play(TWO, (0.8, 5.0))
    assert caller.cut_ins == 1
    assert starts(caller)[1] == pytest.approx(5.0 + 1.5)


def test_one_stretch_of_agent_speech_is_one_cut_in(play):
    turns = (Turn(0.5, 1.0), Turn(1.2, 2.0), Turn(2.2, 3.0))
    caller = play(turns, (0.7, 0.9), (1.2, 1.6), (2.0, 2.5))  # gaps of 0.3 and 0.4 s
    assert [p.cut_in for p in caller.played] == [True, False, False]


def test_a_gap_between_the_agents_clauses_is_not_its_end(play):
    caller = play(TWO, (1.5, 2.2), (2.6, 3.4), (3.8, 4.4))
    assert starts(caller)[1] == pytest.approx(4.4 + 1.5)


def test_silent_frames_are_not_speech(line):
    caller = FileCaller(line.recording(TWO, 5.0), TWO)
    line.drive(caller, lambda _: line.tone * 0)
    assert starts(caller) == [0.5, 3.0]


def test_while_the_caller_waits_the_noise_of_their_room_goes_on(line):
    audio = line.recording(TWO, 5)
    noise = np.random.default_rng(1).normal(0, 40, len(audio.caller)).astype(np.int16)
    caller = FileCaller(replace(audio, caller=audio.caller + noise), TWO, opening_s=1)
    line.drive(caller, line.speaks((2.8, 8.0)))
    said = caller.stereo()[:, 0].astype(float)
    pieces = [said[at : at + 800] for at in range(0, len(said) - 799, 800)]
    assert min(np.std(piece) for piece in pieces) > 30
    assert np.std(said[3 * 8000 : 8 * 8000]) < 50


def test_what_may_be_no_silence_is_not_played_while_the_caller_waits(line):
    audio = line.recording(TWO, 5)
    music = (3000 * np.sin(np.arange(len(audio.caller)) * 0.2)).astype(np.int16)
    caller = FileCaller(replace(audio, caller=music), TWO)
    line.drive(caller, line.speaks((1.8, 8.0)))
    assert not caller.stereo()[3 * 8000 : 8 * 8000, 0].any()


def test_an_agent_that_never_stops_is_spoken_over_after_a_minute(play):
    assert starts(play(TWO, (1.4, 1000.0))) == [0.5, pytest.approx(1.4 + 60 + 1.6)]


def test_the_opening_leaves_time_for_a_greeting(play):
    turns = (Turn(0.0, 1.0),)
    assert starts(play(turns, opening_s=1.0)) == [1.0]
    caller = play(turns, (0.2, 3.0), opening_s=1.0)
    assert starts(caller) == [pytest.approx(3.0 + 0.8)]
    assert caller.cut_ins == 0


CUED = (
    Turn(0.5, 1.0, "one", "end_of_turn"),
    Turn(2.0, 2.5, "uh-huh", "backchannel", Cue(700)),
    Turn(5.0, 5.5, "wait", "interruption", Cue(2000)),
    Turn(9.0, 9.5, "two", "end_of_turn"),
)


def test_turns_with_a_cue_are_played_that_long_after_the_agent_starts(play):
    caller = play(CUED, (1.4, 3.6), (5.0, 6.0), seconds=10)
    assert starts(caller) == [0.5, pytest.approx(2.1), pytest.approx(3.4), pytest.approx(6.0 + 1.5)]
    assert caller.cut_ins == 0


def test_an_agent_that_falls_silent_when_interrupted_is_given_the_recorded_gap_to_answer(play):
    turns = (*CUED[:1], Turn(2.0, 2.5, "wait", "interruption", Cue(900)), Turn(6.0, 6.5))
    assert starts(play(turns, (1.4, 2.6), seconds=7))[2] == pytest.approx(2.3 + 0.5 + 3.5)


def test_a_cued_turn_waits_for_an_agent_that_is_slow_to_start(play):
    assert starts(play(CUED, (4.0, 9.0), seconds=10))[1:3] == [4.7, 6.0]


def test_a_cue_that_never_comes_is_waited_for_for_eight_seconds(play):
    assert starts(play(CUED, seconds=10)) == [
        0.5,
        1.0 + 8,
        9.5 + 8,
        pytest.approx(17.5 + 0.5 + 3.5),
    ]


def test_after_an_interruption_a_cue_counts_from_the_next_reply(play):
    turns = (
        Turn(0.5, 1.0, "one", "end_of_turn"),
        Turn(2.0, 2.5, "wait", "interruption", Cue(500)),
        Turn(4.0, 4.5, "uh-huh", "backchannel", Cue(600)),
    )
    assert starts(play(turns, (1.4, 2.2), (3.2, 6.0)))[2] == pytest.approx(3.2 + 0.6)


def test_recorded_pace_does_not_know_of_cues(play):
    assert starts(play(CUED, (1.4, 3.6), seconds=10, pace="recorded")) == [0.5, 2.0, 5.0, 9.0]


def test_an_agent_that_starts_during_a_backchannel_does_not_cut_in(play):
    turns = (Turn(0.5, 1.0, "uh-huh", "backchannel"), Turn(3.0, 3.5, "cough", "noise"))
    assert play(turns, (0.7, 0.8), (2.9, 3.2)).cut_ins == 0


@st.composite
def calls(draw):
    """Turns in tenths of seconds from 0 on, and when the agent speaks."""
    edges = sorted(draw(st.sets(st.integers(0, 60), min_size=2, max_size=10)))
    pairs = zip(edges[::2], edges[1::2], strict=False)
    cue = st.none() | st.builds(Cue, st.integers(0, 3000))
    intent = st.sampled_from(["end_of_turn", "hold", "backchannel", "interruption", "noise", None])
    turns = tuple(Turn(a / 10, b / 10, "", draw(intent), draw(cue)) for a, b in pairs)
    times = sorted(draw(st.lists(st.floats(0, 15), max_size=8)))
    spans = list(zip(times[::2], times[1::2], strict=False))
    return turns, spans, draw(st.sampled_from(["responsive", "recorded"]))


@settings(max_examples=50, deadline=None)
@given(call=calls(), opening=st.sampled_from([0.0, 0.33]))
def test_all_speech_is_played_once_whole_and_in_order_whatever_the_agent_does(line, call, opening):
    turns, spans, pace = call
    audio = line.recording(turns, 6.5)
    caller = FileCaller(audio, turns, pace, opening_s=opening, max_wait_s=3)
    line.drive(caller, line.speaks(*spans))
    said = caller.stereo()[:, 0]
    assert said[said != 0].tolist() == audio.caller[audio.caller != 0].tolist()
    assert [p.index for p in caller.played] == list(range(len(turns)))
    for segment, turn in zip(caller.played, turns, strict=True):
        where = slice(round(segment.start * 8e-6), round(segment.end * 8e-6))
        recorded = slice(round(turn.start_s * 8000), round(turn.end_s * 8000))
        assert said[where].tolist() == audio.caller[recorded].tolist()
