"""Who speaks the calls that are made up."""

import os
import shutil
import stat

import numpy as np
import pytest

from voicecli.errors import InputError
from voicecli.recording.voices import speak

needs_flite = pytest.mark.skipif(shutil.which("flite") is None, reason="Flite is not installed")


@pytest.mark.parametrize("voice", ["en-us", pytest.param("flite:rms", marks=needs_flite)])
def test_a_voice_says_the_same_thing_the_same_way_and_a_quicker_one_is_done_sooner(voice):
    slow, rate = speak("I would like to book a table.", voice, 120, 50)
    again, _ = speak("I would like to book a table.", voice, 120, 50)
    quick, _ = speak("I would like to book a table.", voice, 190, 50)
    assert slow.dtype == np.float32
    assert np.array_equal(slow, again)
    assert 1.0 < len(quick) / rate < len(slow) / rate < 5.0


@needs_flite
@pytest.mark.parametrize("text", ["-o /tmp/elsewhere.wav", 'it\'s "50 %"; echo $HOME', "- no"])
def test_a_text_is_said_and_never_taken_for_an_option(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pcm, _ = speak(text, "flite:slt", 150, 50)
    assert np.any(pcm)
    assert not list(tmp_path.iterdir())


@needs_flite
@pytest.mark.parametrize("voice", ["flite:nobody", "flite:", "flite:/etc/passwd"])
def test_a_voice_that_flite_does_not_have_is_refused_with_those_it_has(voice):
    with pytest.raises(InputError, match=r"it has .*slt"):
        speak("Hello.", voice, 150, 50)


def test_without_flite_it_is_said_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="apt-get install flite"):
        speak("Hello.", "flite:slt", 150, 50)


def test_a_flite_that_fails_is_no_sound(tmp_path, monkeypatch):
    broken = tmp_path / "flite"
    broken.write_text('#!/bin/sh\n[ "$1" = -lv ] && echo "Voices available: slt" && exit\nexit 1\n')
    broken.chmod(broken.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(InputError, match="cannot say 'Hello'"):
        speak("Hello", "flite:slt", 150, 50)


def test_a_voice_that_espeak_does_not_have_is_refused():
    with pytest.raises(InputError, match="voice"):
        speak("Hello.", "xx-nowhere", 150, 50)
