import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.turn_taking.time import from_ms
from voicecli.report.bars import BARGE_IN, VOICE_TO_VOICE, Axis
from voicecli.report.screen import Screen, clock, milliseconds

SCREEN = Screen(width=80, unicode=True, styled=True)


def axis(longest_ms, bands=VOICE_TO_VOICE):
    return Axis(from_ms(longest_ms), bands, SCREEN)


@pytest.mark.parametrize(
    ("longest_ms", "full_ms"), [(0, 250), (300, 600), (601, 1000), (1480, 1600), (9000, 9000)]
)
def test_few_scales_make_turns_comparable(longest_ms, full_ms):
    assert axis(longest_ms).full == from_ms(full_ms)


@given(st.integers(1, 20_000), st.data())
def test_every_row_fills_the_width_and_every_duration_above_zero_shows(longest_ms, data):
    scale = axis(longest_ms)
    start = data.draw(st.integers(0, longest_ms))
    end = data.draw(st.integers(start, longest_ms))
    row = scale.row("label", from_ms(start), from_ms(end)).plain
    assert len(row) == SCREEN.width
    assert any(block in row for block in "█▌▐") == (end > start)


def test_the_ruler_names_the_limits_that_fit():
    assert axis(400).ruler().plain.split() == ["ms", "0", "500"]
    assert axis(1400).ruler().plain.split() == ["ms", "0", "500", "800", "1500"]
    assert axis(150, BARGE_IN).ruler().plain.split() == ["ms", "0", "200"]


@pytest.mark.parametrize(
    ("nanos", "text"),
    [(0, "0 ms"), (400_000, "0.4 ms"), (2_000_000, "2 ms"), (9_960_000, "10 ms"),
     (1_480_400_000, "1,480 ms")],
)  # fmt: skip
def test_durations_are_as_exact_as_is_readable(nanos, text):
    assert milliseconds(nanos) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00.0"), (59.96, "1:00.0"), (125.34, "2:05.3")]
)
def test_moments_are_minutes_and_seconds(seconds, text):
    assert clock(round(seconds * 1e9)) == text
