"""Playout: frames of 20 ms, in order, stopped at the sample and resumed at the word."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.runtime.playout import FRAME, Playout
from pipelines.turn_taking.events import Event, MarkReached, PlayoutStarted
from pipelines.turn_taking.time import from_ms

RATE = 8000


def audio(ms: int, value: int = 1) -> np.ndarray:
    return np.full(RATE * ms // 1000, value, np.int16)


def run(
    playout: Playout, ticks: int, since: int = 0
) -> tuple[list[np.ndarray | None], list[Event]]:
    frames, events = [], []
    for tick in range(since, since + ticks):
        frame, happened = playout.tick(tick * FRAME, from_ms(30))
        frames.append(frame)
        events += happened
    return frames, events


def test_a_clause_is_played_and_marked_when_its_last_sample_is_at_the_ear():
    playout = Playout(RATE)
    assert playout.add(7, audio(50), complete=True) == from_ms(50)
    playout.play(7)
    frames, events = run(playout, 6)
    assert [frame is None for frame in frames] == [False, False, False, True, True, True]
    assert events == [
        PlayoutStarted(0, 7, from_ms(30)),
        MarkReached(from_ms(80), 7),  # 50 ms of audio and 30 ms on the way
    ]
    assert not playout.busy


def test_clauses_follow_one_another_without_a_gap():
    playout = Playout(RATE)
    for job in (1, 2):
        playout.add(job, audio(30, job), complete=True)
        playout.play(job)
    frames, _ = run(playout, 3)
    heard = np.concatenate([frame for frame in frames if frame is not None])
    assert heard.tolist() == [1] * 240 + [2] * 240


def test_a_clause_does_not_begin_before_enough_of_it_is_there():
    playout = Playout(RATE, prebuffer_ms=40)
    playout.add(1, audio(20), complete=False)
    playout.play(1)
    assert run(playout, 2)[0] == [None, None]
    playout.add(1, audio(20), complete=False)
    assert run(playout, 1, since=2)[0][0] is not None


def test_audio_that_is_late_is_an_underrun_and_the_rest_is_played():
    playout = Playout(RATE)
    playout.add(1, audio(50), complete=False)
    playout.play(1)
    frames, _ = run(playout, 4)
    assert frames[2] is not None
    assert np.count_nonzero(frames[2]) == 80
    assert playout.underruns == 2
    playout.add(1, audio(20), complete=True)
    frames, events = run(playout, 4, since=4)
    assert np.count_nonzero(frames[0]) == 160
    assert isinstance(events[-1], MarkReached)


def ramp(milliseconds: int) -> np.ndarray:
    """Steady sound without gaps in which every sample is another."""
    return np.arange(8000, 8000 + RATE * milliseconds // 1000, dtype=np.int16)


def resumed(pcm: np.ndarray, ticks: int) -> tuple[Playout, list[int]]:
    """Played for some ticks, paused, resumed and played on for one: all that was heard."""
    playout = Playout(RATE)
    playout.add(1, pcm, complete=True)
    playout.play(1)
    before, _ = run(playout, ticks)
    playout.pause()
    assert run(playout, 5, since=ticks)[0] == [None] * 5
    playout.resume()
    after, events = run(playout, 1, since=ticks + 5)
    assert not any(isinstance(event, PlayoutStarted) for event in events)
    return playout, np.concatenate([*before, *after]).tolist()


def test_resume_goes_on_at_the_sample_where_no_word_can_be_told_from_another():
    _, heard = resumed(ramp(400), 5)
    assert heard == ramp(400)[: 6 * 160].tolist()


def test_resume_goes_on_at_the_beginning_of_the_word_that_was_cut_off():
    word, gap = ramp(110), audio(30, 0)
    speech = np.concatenate((word, gap, word, gap, word))
    _, heard = resumed(speech, 10)  # 60 ms into the second word
    began = len(word) + len(gap)
    assert heard[:1600] == speech[:1600].tolist()
    assert heard[1600:] == speech[began : began + 160].tolist()


def test_resume_between_words_repeats_nothing():
    speech = np.concatenate((ramp(120), audio(60, 0), ramp(120)))
    _, heard = resumed(speech, 8)  # 40 ms into the gap
    assert heard == speech[: 9 * 160].tolist()


def test_what_was_heard_before_going_back_stays_heard():
    speech = np.concatenate((ramp(110), audio(30, 0), ramp(400)))
    playout, heard = resumed(speech, 10)
    assert heard[1600:] == ramp(20).tolist()
    assert playout.clear(from_ms(400)).position == from_ms(200)


def test_nothing_is_gone_back_to_over_the_beginning_of_a_clause():
    playout = Playout(RATE)
    for job in (1, 2):
        playout.add(job, ramp(40), complete=True)
        playout.play(job)
    first, _ = run(playout, 2)
    playout.pause()
    playout.resume()
    second, events = run(playout, 2, since=2)
    assert np.concatenate([*first, *second]).tolist() == ramp(40).tolist() * 2
    assert [type(e).__name__ for e in events].count("PlayoutStarted") == 1


@given(st.binary(max_size=4000), st.integers(2, 12))
def test_going_back_never_loses_or_invents_a_sample(noise: bytes, ticks: int):
    pcm = np.frombuffer(noise[: len(noise) // 2 * 2], np.int16)
    playout = Playout(RATE)
    playout.add(1, pcm, complete=True)
    playout.play(1)
    before = np.concatenate([f for f in run(playout, ticks)[0] if f is not None] or [pcm[:0]])
    playout.pause()
    playout.resume()
    after = np.concatenate([f for f in run(playout, 40, since=ticks)[0] if f is not None]
                           or [pcm[:0]])  # fmt: skip
    if len(before) < len(pcm):
        assert any(
            np.array_equal(after[: len(pcm) - start], pcm[start:])
            for start in range(max(0, len(before) - 3200), len(before) + 1)
        )


def test_clear_tells_how_much_was_sent_and_forgets_the_rest():
    playout = Playout(RATE)
    for job in (1, 2):
        playout.add(job, audio(100), complete=True)
        playout.play(job)
    run(playout, 2)
    cleared = playout.clear(from_ms(45))
    assert (cleared.at, cleared.job, cleared.position) == (from_ms(45), 1, from_ms(40))
    assert run(playout, 3, since=3) == ([None] * 3, [])
    assert playout.clear(from_ms(99)).job is None


def test_what_the_far_side_has_not_played_is_taken_from_the_last_clauses_first():
    playout = Playout(RATE)
    for job in (1, 2):
        playout.add(job, audio(40), complete=True)
        playout.play(job)
    run(playout, 3)
    cleared = playout.clear(from_ms(60), unheard=from_ms(30))
    assert (cleared.job, cleared.position) == (1, from_ms(30))


def test_a_frame_is_there_when_no_silence_would_have_to_fill_it_up():
    playout = Playout(RATE, prebuffer_ms=40)
    playout.play(1)
    playout.add(1, audio(30), complete=False)
    assert not playout.has_frame
    assert not playout.starved  # it has not begun
    playout.add(1, audio(20), complete=False)
    assert playout.has_frame
    run(playout, 2)
    assert playout.starved
    playout.pause()
    assert not playout.starved
    playout.resume()
    playout.add(1, audio(0), complete=True)
    assert playout.has_frame


def test_a_forgotten_clause_is_not_played():
    playout = Playout(RATE)
    playout.add(1, audio(40), complete=True)
    playout.play(1)
    playout.forget(1)
    assert run(playout, 2) == ([None, None], [])


@given(st.lists(st.lists(st.integers(0, 900), max_size=5), min_size=1, max_size=5))
def test_every_sample_is_played_once_and_in_order(clauses: list[list[int]]):
    playout = Playout(RATE)
    count = 0
    for job, chunks in enumerate(clauses, start=1):
        for size in chunks:
            numbers = np.arange(count + 1, count + size + 1).astype(np.int16)
            playout.add(job, numbers, complete=False)
            count += size
        playout.add(job, np.zeros(0, np.int16), complete=True)
        playout.play(job)
    frames, events = run(playout, count // 160 + 10)
    heard = np.concatenate([frame for frame in frames if frame is not None] or [np.zeros(0)])
    assert heard[heard != 0].tolist() == list(range(1, count + 1))
    marked = [event.job for event in events if isinstance(event, MarkReached)]
    assert marked == list(range(1, len(clauses) + 1))
