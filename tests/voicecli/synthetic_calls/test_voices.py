"""Who speaks the calls that are made up."""

import os
import shutil
import stat

import numpy as np
import pytest

from voicecli.errors import InputError, WeightsError
from voicecli.synthetic_calls.voices import open_voice

needs_flite = pytest.mark.skipif(shutil.which("flite") is None, reason="Flite is not installed")


needs_piper = pytest.mark.weights
JOE = "piper:en-us-joe-medium"


@pytest.mark.parametrize(
    "voice",
    ["en-us", pytest.param(JOE, marks=needs_piper), pytest.param("flite:rms", marks=needs_flite)],
)
def test_a_voice_says_the_same_thing_the_same_way_and_a_quicker_one_is_done_sooner(voice):
    slow, rate = open_voice(voice)("I would like to book a table.", 120)
    again, _ = open_voice(voice)("I would like to book a table.", 120)
    quick, _ = open_voice(voice)("I would like to book a table.", 190)
    assert slow.dtype == np.float32
    assert np.array_equal(slow, again)
    assert 1.0 < len(quick) / rate < len(slow) / rate < 5.0


@needs_piper
def test_another_seed_is_another_melody_of_piper():
    once, _ = open_voice(JOE, seed=1)("A table for two.", 150)
    other, _ = open_voice(JOE, seed=2)("A table for two.", 150)
    assert not np.array_equal(once, other)


@needs_piper
def test_a_higher_pitch_of_piper_is_as_quick():
    """The centre of its spectrum moves up by five semitones; it takes as long."""
    low, high = (open_voice(JOE, pitch)("I would like to book a table.", 150) for pitch in (50, 75))

    def centre(pcm, rate):
        power = np.abs(np.fft.rfft(pcm)) ** 2
        return np.sum(power * np.fft.rfftfreq(len(pcm), 1 / rate)) / np.sum(power)

    assert centre(*high) / centre(*low) == pytest.approx(2 ** (5 / 12), rel=0.15)
    assert len(high[0]) / high[1] == pytest.approx(len(low[0]) / low[1], rel=0.1)


def test_a_voice_of_piper_that_does_not_exist_is_refused_with_a_name_that_does():
    with pytest.raises(WeightsError, match="piper-en-us-joe-medium"):
        open_voice("piper:en-us-jo-medium")("Hello.", 150)


@needs_flite
@pytest.mark.parametrize("text", ["-o /tmp/elsewhere.wav", 'it\'s "50 %"; echo $HOME', "- no"])
def test_a_text_is_said_and_never_taken_for_an_option(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pcm, _ = open_voice("flite:slt")(text, 150)
    assert np.any(pcm)
    assert not list(tmp_path.iterdir())


@needs_flite
@pytest.mark.parametrize("voice", ["flite:nobody", "flite:", "flite:/etc/passwd"])
def test_a_voice_that_flite_does_not_have_is_refused_with_those_it_has(voice):
    with pytest.raises(InputError, match=r"it has .*slt"):
        open_voice(voice)("Hello.", 150)


def test_without_flite_it_is_said_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="apt-get install flite"):
        open_voice("flite:slt")("Hello.", 150)


def test_a_flite_that_fails_is_no_sound(tmp_path, monkeypatch):
    broken = tmp_path / "flite"
    broken.write_text('#!/bin/sh\n[ "$1" = -lv ] && echo "Voices available: slt" && exit\nexit 1\n')
    broken.chmod(broken.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(InputError, match="cannot say 'Hello'"):
        open_voice("flite:slt")("Hello", 150)


def test_a_voice_that_espeak_does_not_have_is_refused():
    with pytest.raises(InputError, match="voice"):
        open_voice("xx-nowhere")("Hello.", 150)
