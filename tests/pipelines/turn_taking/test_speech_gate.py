"""From probabilities and sound to speech and silence: when it begins, and when it was over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.turn_taking.events import FrameScored
from pipelines.turn_taking.policy import GatePolicy
from pipelines.turn_taking.speech_gate import (
    SpeechConfirmed,
    SpeechGate,
    SpeechPaused,
    SpeechPausing,
)
from pipelines.turn_taking.time import from_ms, to_ms

CHUNK_MS = 32
POLICY = GatePolicy(soft_end_ms=100)


def run(speech, sound_ms=None, *, policy=POLICY, masked=False, trust_energy=True):
    """Changes of a gate that is given these probabilities, and sound up to `sound_ms`."""
    gate, changes = SpeechGate(policy), []
    for index, p in enumerate(speech):
        start, end = index * CHUNK_MS, (index + 1) * CHUNK_MS
        heard = None if sound_ms is None or sound_ms <= start else from_ms(min(sound_ms, end))
        frame = FrameScored(from_ms(end), from_ms(start), from_ms(end), p, 0, heard, masked)
        change = gate.handle(frame, trust_energy=trust_energy)
        if change is not None:
            changes.append(change)
    return gate, changes


SPOKEN = [0.9] * 20 + [0.01] * 20
"""The detector fades after 640 ms."""


@pytest.mark.parametrize(
    ("sound_ms", "end_ms"),
    [
        (560, 560),  # the sound was over before the model had faded, as it mostly is
        (640, 640),
        (720, 720),  # a soft last word, which the model dropped
        (1000, 740),  # more than that is not the caller's speech
        (250, 640),  # energy heard far less than the model did: the model is right
        (None, 640),  # a journal of before there was energy
    ],
)
def test_silence_is_counted_from_the_last_sound_of_speech(sound_ms, end_ms):
    gate, changes = run(SPOKEN, sound_ms)
    assert [type(change) for change in changes] == [SpeechConfirmed, SpeechPausing, SpeechPaused]
    assert to_ms(changes[-1].faded) == 640
    assert to_ms(gate.silent_since) == end_ms


def test_a_listener_hears_a_breath_after_it_as_well():
    gate, _ = run(SPOKEN, 1000)
    assert to_ms(gate.last_sound) == 1000
    much_later, _ = run([*SPOKEN, *[0.01] * 40], 2400)
    assert to_ms(much_later.last_sound) <= 640 + 500


def test_where_noise_hides_how_a_voice_fades_the_detector_says_when():
    gate, _ = run(SPOKEN, 560, masked=True)
    assert gate.silent_since == gate.last_sound == from_ms(640)


def test_sound_that_the_detector_doubts_for_long_is_speech_since_the_doubts_began():
    _, changes = run([0.01] * 10 + [0.15] * 50 + [0.01] * 10, 1920)
    confirmed, _lull, paused = changes
    assert confirmed == SpeechConfirmed(from_ms(320), by_energy=True)
    assert to_ms(paused.end) == 1920


def test_a_sentence_that_is_heard_after_all_is_spoken_once():
    _, changes = run([0.15] * 30 + [0.9] * 10 + [0.15] * 20 + [0.01] * 20, 1920)
    assert [type(change) for change in changes] == [SpeechConfirmed, SpeechPausing, SpeechPaused]


@pytest.mark.parametrize(
    ("p", "sound_ms", "changed"),
    [
        (0.03, 1920, {}),  # it is sure that this is none
        (0.15, 500, {}),  # not long enough
        (0.15, 1920, {"trust_energy": False}),  # may be the agent's echo
        (0.15, 1920, {"policy": GatePolicy(doubt_ms=0)}),
        (0.15, None, {}),  # nothing is heard
    ],
)
def test_other_sound_is_none(p, sound_ms, changed):
    assert run([p] * 60, sound_ms, **changed)[1] == []


@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.none() | st.integers(0, 40), st.booleans()), max_size=200
    )
)
def test_changes_alternate_and_lie_in_order_whatever_is_heard(chunks):
    gate, last, speaking = SpeechGate(GatePolicy()), 0, False
    for index, (p, lag, masked) in enumerate(chunks):
        start, end = from_ms(index * CHUNK_MS), from_ms((index + 1) * CHUNK_MS)
        sound = None if lag is None else max(0, end - from_ms(lag))
        change = gate.handle(FrameScored(end, start, end, p, 0, sound, masked))
        if isinstance(change, SpeechConfirmed):
            assert not speaking
            assert 0 <= change.onset < end
            speaking, last = True, change.onset
        elif isinstance(change, SpeechPaused):
            assert speaking
            assert last <= change.end <= end
            assert change.faded < end
            speaking = False
        assert gate.speaking is speaking
