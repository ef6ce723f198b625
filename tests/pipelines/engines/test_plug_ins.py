"""Engines that other installed packages add by entry points."""

import sys
import threading

import numpy as np
import pytest

from pipelines.engines.registry import (
    BrokenPlugInError,
    Context,
    build_engine,
    engine_module,
    engine_names,
    provider,
)

BUZZ = """
from dataclasses import dataclass
import numpy as np

@dataclass(frozen=True, slots=True)
class Settings:
    level: float = 0.5

class Buzz:
    sample_rate = 8000
    def __init__(self, level):
        self._level = level
    def synthesize(self, text, stop):
        yield np.full(len(text), self._level, np.float32)

def build(settings, context):
    return Buzz(settings.level)
"""
CONTEXT = Context(locate=pytest.fail)


def test_an_engine_of_another_package_is_found_by_name_beside_those_that_are_here(install):
    install("buzz-voice", {"voicecli.engines.tts": {"buzz": "buzz_voice"}}, {"buzz_voice": BUZZ})
    assert {"buzz", "piper"} <= set(engine_names("tts"))
    assert "buzz" not in engine_names("asr")
    settings = engine_module("tts", "buzz").Settings(level=0.25)
    engine = build_engine("tts", "buzz", settings, CONTEXT)
    assert np.concatenate([*engine.synthesize("hello", threading.Event())]).tolist() == [0.25] * 5
    assert provider("tts", "buzz") == "buzz-voice 1.0"
    assert provider("tts", "piper") == ""


def test_nothing_of_another_package_is_loaded_before_its_engine_is_named(install):
    install("buzz-voice", {"voicecli.engines.tts": {"buzz": "buzz_voice"}}, {"buzz_voice": BUZZ})
    engine_names("tts")
    engine_module("tts", "espeak")
    assert "buzz_voice" not in sys.modules


def test_an_entry_point_may_name_an_object_within_a_module(install):
    source = f"class engine:\n    {BUZZ.strip().replace(chr(10), chr(10) + '    ')}\n"
    source = source.replace("    def build(", "    @staticmethod\n    def build(").replace(
        "return Buzz(", "return engine.Buzz("
    )
    install("boxed", {"voicecli.engines.tts": {"boxed": "boxed_tts:engine"}}, {"boxed_tts": source})
    module = engine_module("tts", "boxed")
    assert build_engine("tts", "boxed", module.Settings(), CONTEXT).sample_rate == 8000


def test_the_name_of_an_engine_that_is_here_stays_its_own(install):
    install(
        "thief", {"voicecli.engines.tts": {"espeak": "thief"}}, {"thief": "raise SystemExit(3)"}
    )
    assert engine_module("tts", "espeak").__name__ == "pipelines.engines.tts.espeak"
    assert engine_names("tts").count("espeak") == 1
    assert provider("tts", "espeak") == ""


def test_two_packages_with_an_engine_of_one_name_are_both_named(install):
    for name in ("one", "two"):
        install(name, {"voicecli.engines.tts": {"buzz": f"buzz_{name}"}}, {f"buzz_{name}": BUZZ})
    with pytest.raises(BrokenPlugInError, match=r"(one 1\.0 and two|two 1\.0 and one) 1\.0"):
        engine_module("tts", "buzz")


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("raise SystemExit('bye')", "SystemExit: bye"),
        ("1 / 0", "ZeroDivisionError"),
        ("def f(:", "SyntaxError"),
        ("", "AttributeError: .*Settings"),
        (BUZZ.replace("def build", "def make"), "AttributeError: .*build"),
        ("Settings = dict\ndef build(s, c): ...", "TypeError: Settings must be a dataclass"),
        (BUZZ.replace("level: float", "level: 'Flaot'"), "NameError: .*Flaot"),
        ("raise ValueError('two\\nlines')", "ValueError: two$"),
    ],
)
def test_a_broken_engine_costs_one_sentence_that_names_its_package(install, source, why):
    install("broken", {"voicecli.engines.tts": {"buzz": "broken_tts"}}, {"broken_tts": source})
    with pytest.raises(BrokenPlugInError, match=rf'^the tts engine "buzz" .* broken 1\.0 .*{why}'):
        engine_module("tts", "buzz")
    assert "buzz" in engine_names("tts")
    assert engine_module("tts", "espeak")


def test_a_turn_detector_must_say_whether_it_needs_text(install):
    groups = {"voicecli.engines.turn_detector": {"coin": "coin_detector"}}
    install("coin", groups, {"coin_detector": BUZZ})
    with pytest.raises(BrokenPlugInError, match="NEEDS_TEXT"):
        engine_module("turn_detector", "coin")


def test_what_is_built_must_be_an_engine_of_its_kind(install):
    install("deaf", {"voicecli.engines.asr": {"deaf": "deaf_asr"}}, {"deaf_asr": BUZZ})
    with pytest.raises(TypeError, match="no StreamingAsr"):
        build_engine("asr", "deaf", engine_module("asr", "deaf").Settings(), CONTEXT)
