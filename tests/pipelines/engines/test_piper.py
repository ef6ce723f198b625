"""Speech from Piper's voices, on one that hums."""

import json

import numpy as np
import pytest

from pipelines.engines.onnx import open_session
from pipelines.engines.registry import Context
from pipelines.engines.tts import piper

from .made_voice import make_voice

TWO_SENTENCES = "Good morning. This is the dentist."


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_voice(tmp_path_factory.mktemp("hum") / "en" / "en_US")


@pytest.fixture(scope="module")
def choir(tmp_path_factory):
    return make_voice(tmp_path_factory.mktemp("piper") / "choir", speakers=3)


def voice(path, **settings):
    return piper.build(piper.Settings(**settings), Context(lambda _: path))


def say(tts, text, stop):
    return np.concatenate(list(tts.synthesize(text, stop)))


def test_a_voice_is_found_by_its_file_its_folder_and_a_folder_above_that(folder, go_on):
    paths = (folder, folder / "voice.onnx", folder.parent)
    said = [say(voice(path), "Hello.", go_on) for path in paths]
    assert all(np.array_equal(each, said[0]) for each in said)


def test_the_first_sentence_can_be_heard_before_the_second_is_made(folder, go_on, monkeypatch):
    tts = voice(folder)
    made = runs(tts, monkeypatch)
    chunks = tts.synthesize(TWO_SENTENCES, go_on)
    next(chunks)
    assert len(made) == 1
    list(chunks)
    assert len(made) == 2


def runs(tts, monkeypatch):
    """What the network is asked from here on."""
    asked = []
    sounds = tts._network.sounds
    monkeypatch.setattr(
        tts._network, "sounds", lambda inputs: asked.append(inputs) or sounds(inputs)
    )
    return asked


def test_chunks_are_short_enough_to_stop_between(folder, go_on):
    chunks = list(voice(folder, end_pause_ms=0).synthesize(TWO_SENTENCES, go_on))
    assert max(len(chunk) for chunk in chunks) <= 22050 * 0.06


def test_speaking_twice_as_fast_takes_half_the_time(folder, go_on):
    usual, fast = (
        len(say(voice(folder, speaking_rate=rate, end_pause_ms=0), TWO_SENTENCES, go_on))
        for rate in (1.0, 2.0)
    )
    assert fast / usual == pytest.approx(0.5, abs=0.05)


def test_volume_is_the_peak(folder, go_on):
    assert np.abs(say(voice(folder, volume=0.4), "Hello.", go_on)).max() == pytest.approx(0.4)


def test_the_text_is_followed_by_as_much_silence_as_asked(folder, go_on):
    audio = say(voice(folder, end_pause_ms=200), "Hello.", go_on)
    tail = audio[-22050 // 5 :]
    assert np.all(tail == 0.0)
    assert np.any(audio[-22050 // 5 - 20 :] != 0.0)


def test_a_speaker_is_chosen_by_name_or_number(choir, go_on, monkeypatch):
    for speaker, number in (("speaker2", 2), ("2", 2), ("", 0)):
        tts = voice(choir, speaker=speaker)
        asked = runs(tts, monkeypatch)
        say(tts, "Hello.", go_on)
        assert [each["sid"].tolist() for each in asked] == [[number]]


def test_what_is_louder_than_usual_is_bent_and_not_cut_off():
    sound = np.linspace(-3, 3, 601, dtype=np.float32)
    bent = piper._softly_clipped(sound, 0.8)
    quiet = np.abs(sound) <= 0.8
    assert np.array_equal(bent[quiet], sound[quiet])
    assert np.abs(bent).max() <= 1
    assert np.all(np.diff(bent) >= 0)


@pytest.mark.weights
@pytest.mark.parametrize("text", ["Yes.", "Sure, I can help you with that, of course.", "M"])
def test_a_real_voice_sounds_the_same_in_pieces_as_whole(text, locate, monkeypatch):
    real_voice = locate("piper-en-us-joe-medium")
    tts = voice(real_voice)
    asked = runs(tts, monkeypatch)
    pieces = list(tts._sounds(text, (0.0, 0.0)))
    session = open_session(next(real_voice.rglob("*.onnx")))
    whole = np.asarray(session.run(None, asked[0])[0]).reshape(-1)
    assert len(pieces) > 1
    assert np.abs(np.concatenate(pieces) - whole).max() < 1e-4


@pytest.mark.parametrize("speaker", ["speaker9", "3", "-1"])
def test_an_unknown_speaker_is_refused_with_those_there_are(choir, speaker):
    with pytest.raises(ValueError, match=r"no speaker .*; there are: speaker0, speaker1, speaker2"):
        voice(choir, speaker=speaker)


def test_what_looks_like_phonemes_or_control_characters_is_read_as_text(folder, go_on):
    plain = say(voice(folder), "good day", go_on)
    for odd in ("[[good day]]", "good\x00day", "good\nday", "good\ud800day"):
        assert len(say(voice(folder), odd, go_on)) == pytest.approx(len(plain), rel=0.1)


# --- what is refused ----------------------------------------------------------------------------


def copy(folder, to):
    to.mkdir(exist_ok=True)
    for file in folder.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    return to


def test_a_voice_without_its_description_is_refused(folder, tmp_path):
    copy(folder, tmp_path)
    (tmp_path / "voice.onnx.json").unlink()
    with pytest.raises(ValueError, match=r"voice\.onnx\.json is missing"):
        voice(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"audio": 3}', "not json"])
def test_a_description_of_something_else_is_refused(folder, tmp_path, text):
    copy(folder, tmp_path)
    (tmp_path / "voice.onnx.json").write_text(text)
    with pytest.raises(ValueError, match=r"voice\.onnx\.json does not describe a Piper voice"):
        voice(tmp_path)


def test_a_truncated_network_is_refused(folder, tmp_path):
    copy(folder, tmp_path)
    network = tmp_path / "voice.onnx"
    network.write_bytes(network.read_bytes()[:500])
    with pytest.raises(ValueError, match=r"voice\.onnx cannot be loaded as an ONNX model"):
        voice(tmp_path)


def test_a_network_of_another_shape_is_refused(choir, tmp_path):
    copy(choir, tmp_path)
    description = tmp_path / "voice.onnx.json"
    config = json.loads(description.read_text("utf-8"))
    description.write_text(json.dumps({**config, "num_speakers": 1}))
    with pytest.raises(ValueError, match="cannot speak"):
        voice(tmp_path)


def test_a_folder_of_several_voices_is_refused(folder, tmp_path):
    copy(folder, tmp_path)
    (tmp_path / "other.onnx").write_bytes(b"")
    with pytest.raises(ValueError, match="must hold one Piper voice"):
        voice(tmp_path)


@pytest.mark.parametrize(
    "settings", [{"speaking_rate": 0.1}, {"volume": 0.0}, {"variation": 1.5}, {"end_pause_ms": -1}]
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        piper.build(piper.Settings(**settings), Context(pytest.fail))
