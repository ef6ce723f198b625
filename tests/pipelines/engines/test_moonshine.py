"""Streaming over Moonshine."""

import jiwer
import numpy as np
import pytest

from pipelines.engines.asr import _moonshine_model, moonshine
from pipelines.engines.registry import Context

BECKETT = "ever tried ever failed no matter try again fail again fail better"


def bare(text):
    return "".join(char for char in text.lower() if char.isalnum() or char == " ")


def stream(asr, audio, size=320):
    """Feeds audio in 20 ms pieces; what came out and the audio fed until then."""
    asr.reset()
    starts = range(0, len(audio), size)
    fed = ((start + size, asr.feed(audio[start : start + size])) for start in starts)
    return [(position, hypothesis) for position, hypothesis in fed if hypothesis]


class CountingModel:
    """Says a word for each half second, and takes note of what it was asked."""

    def __init__(self, say="word{}", log_probability=-0.1):
        self.say, self.log_probability, self.asked = say, log_probability, []

    def transcribe(self, audio, draft=()):
        self.asked.append((len(audio), tuple(draft)))
        count = len(audio) // 8000
        text = " ".join(self.say.format(index) for index in range(count))
        return _moonshine_model.Decoded(tuple(range(count)), text, self.log_probability)


def fake(model, **settings):
    return moonshine.MoonshineAsr(moonshine.Settings(**settings), model)


def quiet(seconds):
    return np.zeros(int(seconds * 16000), np.float32)


def test_decodes_after_the_first_stretch_and_then_after_every_step():
    model = CountingModel()
    positions = [at for at, _ in stream(fake(model, first_ms=500, step_ms=300), quiet(1.5))]
    assert positions == [8000, 12800, 17600, 22400]


def test_a_slow_decode_stretches_the_step(monkeypatch):
    monkeypatch.setattr(moonshine, "stopwatch", lambda: lambda: 400_000_000)
    positions = [at for at, _ in stream(fake(CountingModel(), first_ms=500, step_ms=300), quiet(2))]
    assert positions == [8000, 17600, 27200]


def test_however_much_audio_comes_at_once_it_is_decoded_once():
    model = CountingModel()
    asr = fake(model)
    asr.feed(quiet(5))
    assert len(model.asked) == 1


def test_each_hypothesis_is_the_draft_of_the_next():
    model = CountingModel()
    stream(fake(model, first_ms=1000, step_ms=500), quiet(2))
    assert [draft for _, draft in model.asked] == [(), (0, 1), (0, 1, 2)]


def test_finish_decodes_only_what_is_new():
    model = CountingModel()
    asr = fake(model, first_ms=1000)
    asr.feed(quiet(1))
    asr.finish()
    assert len(model.asked) == 1
    asr.feed(quiet(0.1))
    asr.finish()
    asr.finish()
    assert len(model.asked) == 2


def test_a_long_utterance_is_settled_piece_by_piece_at_its_quietest_moments(noise):
    audio = noise(16000 * 14, dbfs=-20)
    audio[16000 * 8 : 16000 * 8 + 640] = 0.0
    model = CountingModel()
    asr = fake(model, window_seconds=10, step_ms=5000)
    stream(asr, audio)
    settled = [length for length, _ in model.asked if 16000 * 8 <= length < 16000 * 8 + 640]
    assert len(settled) == 1
    assert max(length for length, _ in model.asked) <= 160000
    # 16 words of the settled 8 s, then those of the other 6 s.
    assert asr.finish().text.split() == [f"word{i}" for i in (*range(16), *range(12))]


def test_text_of_which_the_model_is_unsure_is_noise():
    asr = fake(CountingModel(log_probability=-1.2))
    asr.feed(quiet(2))
    assert asr.finish().text == ""


@pytest.mark.parametrize(
    "settings", [{"step_ms": 5}, {"first_ms": -1}, {"threads": 0}, {"window_seconds": 2}]
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        moonshine.build(moonshine.Settings(**settings), Context(locate=pytest.fail))


def test_the_vocabulary_is_read_with_short_and_long_tokens():
    long = b"x" * 300
    data = b"\x02hi" + b"\x00" + bytes([128 + 300 % 128, 300 // 128]) + long
    assert _moonshine_model.read_vocabulary(data) == [b"hi", b"", long]


@pytest.mark.parametrize("data", [b"\x05hi", b"\x80"])
def test_a_cut_off_vocabulary_is_refused(data):
    with pytest.raises(ValueError, match="vocabulary ends"):
        _moonshine_model.read_vocabulary(data)


# --- with the real model ------------------------------------------------------------------------


@pytest.fixture
def recogniser(engine_of):
    return engine_of("asr", "moonshine")


@pytest.mark.weights
def test_human_speech_is_transcribed(recogniser, human_speech):
    stream(recogniser, human_speech)
    assert jiwer.wer(BECKETT, bare(recogniser.finish().text)) <= 0.1


@pytest.mark.weights
def test_partials_follow_the_speaker(recogniser, human_speech):
    hypotheses = stream(recogniser, human_speech)
    assert len(hypotheses) >= 15
    first_stable = next(at for at, hypothesis in hypotheses if hypothesis.stable)
    assert first_stable < 2.5 * 16000


@pytest.mark.weights
@pytest.mark.parametrize("text", ["Can you help me?", "Five people.", "Tomorrow morning."])
def test_the_first_word_survives_with_pre_roll(recogniser, speech, text):
    audio = speech(text)[int(0.05 * 16000) :]  # 200 ms before the first sound, as the gate gives
    stream(recogniser, audio)
    assert bare(recogniser.finish().text).split()[0] == bare(text).split()[0]


@pytest.mark.weights
def test_the_first_word_of_a_human_survives_with_pre_roll(recogniser, human_speech):
    onset = 0.3  # seconds, of "Ever"
    for pre_roll in (0.3, 0.2, 0.1):
        clip = human_speech[int((onset - pre_roll) * 16000) : int(1.5 * 16000)]
        stream(recogniser, clip)
        assert bare(recogniser.finish().text) == "ever tried"


@pytest.mark.weights
def test_silence_and_noise_are_no_words(recogniser, noise):
    for audio in (quiet(2), noise(32000, dbfs=-40), noise(32000, dbfs=-20)):
        stream(recogniser, audio)
        assert recogniser.finish().text == ""


@pytest.mark.weights
def test_noise_cannot_make_the_decoder_run_away(recogniser, noise):
    decoded = recogniser._model.transcribe(noise(16000, dbfs=-10))
    assert len(decoded.tokens) <= 2 + _moonshine_model.TOKENS_PER_SECOND * 1.3


@pytest.mark.weights
def test_a_draft_right_or_wrong_or_too_long_gives_a_sound_transcript(recogniser, human_speech):
    clip = human_speech[: int(3.2 * 16000)]
    alone = recogniser._model.transcribe(clip)
    for draft in (alone.tokens, alone.tokens[:3], (5000, 6000), (*alone.tokens, 700, 701)):
        drafted = recogniser._model.transcribe(clip, draft)
        assert jiwer.wer(bare(alone.text), bare(drafted.text)) <= 0.25
