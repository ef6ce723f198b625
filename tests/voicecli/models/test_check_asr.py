"""`voicecli models check asr`."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from tests.pipelines.engines.made_whisper import TEXT, make_whisper
from voicecli.commands.models import app
from voicecli.errors import EngineError, InputError, UsageError, WeightsError
from voicecli.models.check_asr import Comparison, Outcome, read_clips

ENGINES = """
[vad]
engine = "scripted"
[llm]
engine = "scripted"
[tts]
engine = "scripted"
[asr]
engine = "{engine}"
"""


@pytest.fixture
def check():
    def check(*words: str) -> str:
        result = CliRunner().invoke(app, ["check", "asr", *words])
        if result.exception is not None:
            raise result.exception
        return " ".join(result.output.split())

    return check


@pytest.fixture
def profile(tmp_path):
    def write(engine="faster_whisper", rest=""):
        path = tmp_path / "mine.toml"
        path.write_text(ENGINES.format(engine=engine) + rest, "utf-8")
        return str(path)

    return write


@pytest.fixture
def speech(tmp_path):
    """Two stretches of sound with silence around them."""
    random = np.random.default_rng(3)
    sound, silence = random.normal(0, 0.1, 16000), np.zeros(8000)
    path = tmp_path / "speech.wav"
    soundfile.write(path, np.concatenate((silence, sound, silence, sound, silence)), 8000)
    return path


def test_both_settings_are_timed_on_the_users_own_audio(check, profile, speech, tmp_path):
    model = make_whisper(tmp_path / "tiny")
    told = check("--profile", profile(rest=f'weights = "{model}"'), "--audio", str(speech))
    assert f"{model}: 2 utterances, 2.4 s on average" in told
    assert "auto" in told
    assert "The two transcripts differ in 0.0% of the words." in told
    assert 'chunk_length_s = "auto" is safe here' in told


def test_a_model_that_is_not_here_is_told_with_the_command_that_gets_it(
    check, profile, speech, home
):
    with pytest.raises(WeightsError, match=r"voicecli models pull whisper-base\.en"):
        check("--profile", profile(), "--audio", str(speech))


def test_another_recogniser_has_no_inputs_to_compare(check, profile, speech):
    with pytest.raises(UsageError, match="recognises speech with moonshine"):
        check("--profile", profile("moonshine"), "--audio", str(speech))


def test_a_recogniser_that_loses_its_head_at_some_length_fails_the_check(check, profile, tmp_path):
    model = make_whisper(tmp_path / "tiny")  # writes the same words whatever it hears
    with pytest.raises(
        EngineError, match=r"at 2\.1 s of speech .*WER .*heard .*chunk_length_s = 30"
    ):
        check("--profile", profile(rest=f'weights = "{model}"\nchunk_length_s = 1'))


def test_audio_without_speech_is_refused(check, profile, tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(16000), 8000)
    with pytest.raises(InputError, match="no speech"):
        check("--profile", profile(), "--audio", str(tmp_path / "silence.wav"))


def test_labelled_calls_are_cut_into_their_turns_with_what_was_said():
    clips = read_clips([Path(__file__).parents[3] / "recordings" / "plain_turns"])
    assert len(clips) == 8
    assert all(clip.said and 0.4 < len(clip.pcm) / 16000 < 30 for clip in clips)


def outcome(seconds):
    return Outcome((TEXT,), seconds)


def test_the_verdict_weighs_words_lost_against_what_was_said():
    worse = Comparison(3, 2.0, outcome(0.1), outcome(0.5), 0.04, 0.10, 0.06)
    assert worse.verdict == (
        "Put chunk_length_s = 30 into the profile: the shortened input gets 4.0% more of the "
        "words wrong."
    )
    same = Comparison(3, 2.0, outcome(0.1), outcome(0.5), 0.04, 0.06, 0.06)
    assert same.verdict == 'chunk_length_s = "auto" is safe here and 5.0 times as fast.'


def test_without_known_words_the_full_input_is_what_counts():
    unknown = Comparison(3, 2.0, outcome(0.1), outcome(0.5), 0.04, None, None)
    assert unknown.verdict.startswith("Put chunk_length_s = 30")
