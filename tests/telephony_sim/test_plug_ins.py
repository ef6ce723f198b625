"""Degradations that other installed packages add by entry points."""

from __future__ import annotations

import numpy as np
import pytest

from telephony_sim import parts
from telephony_sim.errors import LineError, UnknownNameError
from telephony_sim.line import Line
from telephony_sim.spec import load_line

GROUP = "voicecli.degradations"
INVERT = """
from dataclasses import dataclass
from typing import Annotated
from telephony_sim.settings import Range, check

@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    by: Annotated[float, Range(0, 1)] = 1
    __post_init__ = check

class Invert:
    def __init__(self, by):
        self._by = by
    def process(self, pcm, far):
        return -self._by * pcm

def build(settings, rng):
    return Invert(settings.by)
"""


def line(tmp_path, table: str) -> Line:
    path = tmp_path / "mine.toml"
    path.write_text(f"[[uplink.chain]]\n{table}")
    return Line(load_line(path), seed=1, direction="uplink")


def test_a_degradation_of_another_package_stands_in_a_line_beside_those_that_are_here(
    install, tmp_path
):
    install("invert", {GROUP: {"invert": "invert_line"}}, {"invert_line": INVERT})
    assert {"invert", "hum"} <= set(parts.names("degradations"))
    module = parts.load("degradations", "invert")
    built = parts.build("degradations", "invert", module.Settings(by=0.5), np.random.default_rng(1))
    assert built.process(np.ones(160), np.zeros(160)).tolist() == [-0.5] * 160
    assert line(tmp_path, 'use = "invert"')


def test_its_settings_are_checked_like_any_others(install, tmp_path):
    install("invert", {GROUP: {"invert": "invert_line"}}, {"invert_line": INVERT})
    with pytest.raises(LineError, match=r"mine\.toml .*by is 2; it must be between 0 and 1"):
        line(tmp_path, 'use = "invert"\nby = 2')


def test_only_degradations_can_be_added(install):
    groups = {"voicecli.codecs": {"invert": "invert_line"}, GROUP: {}}
    install("invert", groups, {"invert_line": INVERT})
    assert "invert" not in {name for kind in parts.KINDS for name in parts.names(kind)}


def test_the_name_of_a_degradation_that_is_here_stays_its_own(install):
    install("thief", {GROUP: {"hum": "thief_line"}}, {"thief_line": "raise SystemExit(3)"})
    assert parts.load("degradations", "hum").__name__ == "telephony_sim.degradations.hum"
    (found,) = parts.plug_ins("degradations")
    assert "never used" in parts.examine_plug_in("degradations", found)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import no_such_library", "No module named 'no_such_library'"),
        ("raise SystemExit(3)", "SystemExit"),
        ("", "has no attribute 'Settings'"),
        (INVERT.replace("def build", "def make"), "has no attribute 'build'"),
        ("Settings = int\ndef build(s, r): ...", "Settings must be a dataclass"),
        (INVERT.replace("return Invert(settings.by)", "return 1 / 0"), "ZeroDivisionError"),
    ],
)
def test_a_broken_degradation_costs_one_sentence(install, tmp_path, source, why):
    install("broken", {GROUP: {"invert": "broken_line"}}, {"broken_line": source})
    with pytest.raises(LineError, match=why) as caught:
        line(tmp_path, 'use = "invert"')
    assert "invert" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert parts.load("degradations", "hum")


def test_two_packages_with_a_degradation_of_one_name_are_both_named(install):
    for name in ("one", "two"):
        install(name, {GROUP: {"invert": f"invert_{name}"}}, {f"invert_{name}": INVERT})
    with pytest.raises(UnknownNameError, match=r"one 1\.0.*two 1\.0|two 1\.0.*one 1\.0"):
        parts.load("degradations", "invert")
