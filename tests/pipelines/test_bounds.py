"""Bounds declared beside the defaults are kept, and the defaults are within them."""

import dataclasses

import pytest

from pipelines.engines.registry import KINDS, engine_module, engine_names
from pipelines.turn_taking.bounds import bounded, check_bounds


@dataclasses.dataclass(frozen=True)
class Settings:
    rate: float = bounded(1.0, 0.5, 2)
    threads: int = bounded(1, 1)
    length: str | float = bounded("auto", 1, 30)
    name: str = ""


@pytest.mark.parametrize("good", [{}, {"rate": 0.5}, {"rate": 2}, {"length": 30.0}])
def test_what_is_within_is_taken(good):
    check_bounds(Settings(**good))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"rate": 0.4}, "rate must be at least 0.5, not 0.4"),
        ({"rate": 2.1}, "rate must be at most 2, not 2.1"),
        ({"rate": float("nan")}, "rate must be at least"),
        ({"threads": 0}, "threads must be at least 1, not 0"),
        ({"length": 31.0}, "length must be at most 30"),
    ],
)
def test_what_is_not_is_named(bad, message):
    with pytest.raises(ValueError, match=message):
        check_bounds(Settings(**bad))


@pytest.mark.parametrize(("kind", "name"), [(k, n) for k in KINDS for n in engine_names(k)])
def test_every_engines_defaults_are_within_its_bounds(kind, name):
    settings = engine_module(kind, name).Settings
    needed = {
        f.name: "x"
        for f in dataclasses.fields(settings)
        if f.default is f.default_factory is dataclasses.MISSING
    }
    check_bounds(settings(**needed))
