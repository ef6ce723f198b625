"""What every degradation must do, checked for each file in the folder on arrival."""

from __future__ import annotations

import math
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from telephony_sim import parts, settings
from telephony_sim.degradations import PacketDegradation, SignalDegradation
from telephony_sim.errors import LineError, SettingError
from telephony_sim.transit import Transit

NAMES = parts.names("degradations")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    soundfile.write(folder / "noise.wav", np.sin(np.arange(8000) / 5) / 2, 8000)
    rows = [f"{n},{n * 20 + n % 7}" for n in range(100) if n % 9]
    (folder / "trace.csv").write_text("sequence,arrival_ms\n" + "\n".join(rows), "utf-8")
    return [folder / "noise.wav", folder / "trace.csv"]


def typical(hint: settings.Hint, file: Path):
    """A value a tenth of the way into the allowed range."""
    if hint.kind is Path:
        return file
    low, high = hint.limit.low, hint.limit.high
    return hint.kind(low + 1 if high == math.inf else low + (high - low) / 10)


def candidates(name: str, files: list[Path]):
    cls = parts.load("degradations", name).Settings
    hints = settings.hints(cls)
    required = [field.name for field in fields(cls) if field.default is MISSING]
    for file in files:
        yield {key: typical(hints[key], file) for key in required}


def build(name: str, files: list[Path], seed: int = 1):
    module = parts.load("degradations", name)
    for values in candidates(name, files):
        try:
            return module.build(module.Settings(**values), np.random.default_rng(seed))
        except LineError:
            continue
    raise AssertionError(f"no file fits {name}")


def speech(frames: int) -> np.ndarray:
    rng = np.random.default_rng(3)
    loud = np.repeat(rng.choice([0.0, 30.0, 3000.0], frames), 160)
    return np.rint(rng.standard_normal(160 * frames) * loud)


def fates(part: PacketDegradation, cuts: list[int]) -> tuple[np.ndarray, ...]:
    """Everything drawn and applied over consecutive blocks of packets."""
    rows, first = [], 0
    for count in cuts:
        nothing = np.zeros(count, bool)
        transit = Transit(first, np.full(count, 30.0), nothing, np.full(count, np.nan))
        drawn = part.draw(count)
        part.apply(transit, drawn)
        rows.append((drawn, transit.delay_ms, transit.lost, transit.copy_ms))
        first += count
    return tuple(np.concatenate(column) for column in zip(*rows, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_it_offers_frozen_documented_settings_and_works_on_audio_or_on_packets(name, files):
    module = parts.load("degradations", name)
    assert is_dataclass(module.Settings)
    assert module.Settings.__dataclass_params__.frozen
    assert module.Settings.__doc__
    assert module.__doc__.partition("\n")[0].endswith(".")
    part = build(name, files)
    assert isinstance(part, SignalDegradation) != isinstance(part, PacketDegradation)


@pytest.mark.parametrize("name", NAMES)
def test_it_gives_the_same_bits_however_the_call_is_cut(name, files):
    if isinstance(build(name, files), PacketDegradation):
        whole = fates(build(name, files), [100])
        cut = fates(build(name, files), [1, 9, 50, 40])
        for one, other in zip(whole, cut, strict=True):
            np.testing.assert_array_equal(one, other)
        return
    near, far = speech(40), speech(40)[::-1].copy()
    whole = build(name, files).process(near, far)
    part = build(name, files)
    cuts = [(0, 160), (160, 1600), (1600, 6400)]
    pieces = [part.process(near[start:end], far[start:end]) for start, end in cuts]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


@pytest.mark.parametrize("name", NAMES)
def test_one_seed_gives_one_call(name, files):
    if isinstance(build(name, files), PacketDegradation):
        calls = [fates(build(name, files, seed=7), [200]) for _ in range(2)]
        for one, other in zip(*calls, strict=True):
            np.testing.assert_array_equal(one, other)
        return
    calls = [build(name, files, seed=7).process(speech(20), speech(20)) for _ in range(2)]
    np.testing.assert_array_equal(*calls)


@pytest.mark.parametrize("name", NAMES)
def test_it_gives_finite_results_of_the_right_shape_and_leaves_its_input_alone(name, files):
    part = build(name, files)
    if isinstance(part, PacketDegradation):
        drawn, delay_ms, lost, copy_ms = fates(part, [50, 50])
        assert drawn.shape == delay_ms.shape == lost.shape == copy_ms.shape == (100,)
        assert np.isfinite(delay_ms).all()
        return
    near = speech(20)
    before = near.copy()
    result = part.process(near, speech(20))
    assert result.shape == near.shape
    assert result.dtype == np.float64
    assert np.isfinite(result).all()
    np.testing.assert_array_equal(near, before)


LIMITED = [
    (name, key)
    for name in NAMES
    for key, hint in settings.hints(parts.load("degradations", name).Settings).items()
    if isinstance(hint.limit, settings.Range)
]


@pytest.mark.parametrize(("name", "key"), LIMITED)
def test_a_value_out_of_range_is_refused_with_the_key_and_the_range(name, key, files):
    cls = parts.load("degradations", name).Settings
    hint = settings.hints(cls)[key]
    for bad in (hint.limit.low - 1, math.nan, "much", True):
        with pytest.raises(SettingError) as caught:
            cls(**{**next(candidates(name, files)), key: bad})
        assert caught.value.key == key
    with pytest.raises(SettingError, match=f"{hint.limit}$"):
        cls(**{**next(candidates(name, files)), key: hint.kind(hint.limit.low - 1)})
