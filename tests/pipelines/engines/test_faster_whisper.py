"""Streaming over Whisper, and the network itself on a tiny model."""

import socket

import numpy as np
import pytest

from pipelines.engines.asr import _whisper_model, faster_whisper
from pipelines.engines.asr._whisper_model import Decoded, Segment, input_seconds
from pipelines.engines.protocols import Word
from pipelines.engines.registry import Context
from pipelines.engines.remarks import collected

from .made_whisper import TEXT, make_whisper

RATE = 16000


class HearingModel:
    """Hears a word in each half second, told by its level, and a phrase in every two seconds."""

    def __init__(self):
        self.asked = []

    def transcribe(self, audio, seconds, prompt, *, beam_size=1, words=False):
        self.asked.append((len(audio) / RATE, seconds, prompt))
        halves = [audio[start : start + 8000] for start in range(0, len(audio) - 7999, 8000)]
        said = [f"w{round(float(half[0]) * 1000)}" for half in halves]
        segments = tuple(
            Segment(" ".join(said[at : at + 4]), min(at + 4, len(said)) / 2, len(said) >= at + 4)
            for at in range(0, len(said), 4)
        )
        times = tuple(Word(word, at / 2, at / 2 + 0.4) for at, word in enumerate(said))
        return Decoded(segments, -0.1, 0.0, times if words else ())


def speech_of(words):
    """Half a second of audio for each word."""
    return np.repeat(np.arange(1, words + 1, dtype=np.float32) / 1000, 8000)


def spoken(words):
    return " ".join(f"w{number}" for number in range(1, words + 1))


def streaming(model, **settings):
    return faster_whisper.WhisperAsr(faster_whisper.Settings(**settings), model)


def stream(asr, audio, size=1600):
    fed = [asr.feed(audio[start : start + size]) for start in range(0, len(audio), size)]
    return [hypothesis for hypothesis in fed if hypothesis]


def test_finish_decodes_only_what_is_new():
    model = HearingModel()
    asr = streaming(model, first_ms=1000)
    asr.feed(speech_of(2))
    assert asr.finish().text == spoken(2)
    assert len(model.asked) == 1
    asr.feed(speech_of(1)[:1600])
    asr.finish()
    assert len(model.asked) == 2


def test_a_slow_decode_makes_hypotheses_rarer_and_leaves_none_owing(monkeypatch):
    monkeypatch.setattr(faster_whisper, "stopwatch", lambda: lambda: 2_000_000_000)
    model = HearingModel()
    stream(streaming(model, first_ms=500, step_ms=300), speech_of(16))
    assert [length for length, *_ in model.asked] == [0.5, 3.5, 6.5]


def test_however_much_audio_comes_at_once_it_is_decoded_once():
    model = HearingModel()
    streaming(model).feed(speech_of(10))
    assert len(model.asked) == 1


@pytest.mark.parametrize("trim_seconds", [2.0, 3.0, 8.0, 28.0])
def test_what_leaves_the_window_stays_in_the_transcript(trim_seconds):
    model = HearingModel()
    asr = streaming(model, trim_seconds=trim_seconds)
    hypotheses = stream(asr, speech_of(24))
    assert asr.finish().text == spoken(24)
    assert all(spoken(24).startswith(hypothesis.stable) for hypothesis in hypotheses)
    assert max(length for length, *_ in model.asked) <= max(trim_seconds + 3.0, 5.0)


def test_what_left_the_window_is_the_prompt_for_what_follows():
    model = HearingModel()
    asr = streaming(model, trim_seconds=2.0, vocabulary="Wim, Anouk")
    stream(asr, speech_of(16))
    assert model.asked[0][2] == "Wim, Anouk "
    assert model.asked[-1][2].startswith("Wim, Anouk w1 w2 w3 w4")
    longest = max(len(prompt) for *_, prompt in model.asked)
    assert longest <= len("Wim, Anouk ") + faster_whisper.PROMPT_CHARS


def test_an_utterance_without_end_is_cut_before_the_model_runs_out_of_input():
    model = HearingModel()
    model_once = model.transcribe
    # One single phrase that never ends: nothing can leave at the end of a phrase.
    model.transcribe = lambda *args, **kwargs: Decoded(
        (Segment(model_once(*args, **kwargs).text, 30.0, complete=False),), -0.1, 0.0
    )
    asr = streaming(model, chunk_length_s="auto")
    stream(asr, speech_of(100), size=8000)
    assert max(length for length, *_ in model.asked) <= faster_whisper.WINDOW_S
    assert max(seconds for _, seconds, _ in model.asked) <= 30
    assert len(asr.finish().text.split()) >= 95


def test_words_keep_their_times_when_what_was_before_them_leaves_the_window():
    asr = streaming(HearingModel(), trim_seconds=2.0, word_timestamps=True)
    stream(asr, speech_of(20))
    transcript = asr.finish()
    assert [word.text for word in transcript.words] == transcript.text.split()
    assert [word.start for word in transcript.words] == pytest.approx(np.arange(20) / 2)


def test_the_encoders_input_is_as_long_as_asked():
    assert input_seconds(0.4, "auto") == 10  # below that real models loop
    assert input_seconds(3.2, "auto") == 10
    assert input_seconds(7.0, "auto") == 14
    assert input_seconds(29.5, "auto") == 30
    assert input_seconds(3.2, 10.0) == 10
    assert input_seconds(12.0, 10.0) == 13
    assert input_seconds(3.2, 30.0) == 30


class LoopingModel(HearingModel):
    """Falls into a loop on any input that is shorter than the full one."""

    def transcribe(self, audio, seconds, prompt, *, beam_size=1, words=False):
        decoded = super().transcribe(audio, seconds, prompt)
        if seconds == 30:
            return decoded
        return Decoded((Segment("ask not what you " + "you can " * 20, 3.0, True),), -0.1, 0.0)


def test_what_a_shortened_input_made_up_is_asked_again_at_full_length_before_it_is_dropped():
    model, told = LoopingModel(), []
    asr = streaming(model, chunk_length_s="auto", first_ms=60_000)
    with collected(told.append):
        asr.feed(speech_of(4))
        assert asr.finish().text == spoken(4)
    assert [seconds for _, seconds, _ in model.asked] == [10, 30]
    assert told == []
    assert asr.finish().text == spoken(4)  # and not a third time
    assert len(model.asked) == 2


def test_a_partial_hypothesis_waits_for_no_second_decode():
    model = LoopingModel()
    stream(streaming(model, chunk_length_s="auto", first_ms=500), speech_of(4))
    assert {seconds for _, seconds, _ in model.asked} == {10}


# --- the network --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_whisper(tmp_path_factory.mktemp("whisper") / "tiny")


def load(folder, **changes):
    options = {"device": "cpu", "compute_type": "auto", "threads": 1, "language": "en", **changes}
    return _whisper_model.WhisperModel(folder, **options)


@pytest.fixture(scope="module")
def tiny(folder):
    return load(folder)


def test_the_text_is_cut_into_phrases_by_the_models_own_timestamps(tiny, noise):
    decoded = tiny.transcribe(noise(6 * RATE), 8, "")
    assert decoded.text == TEXT
    assert [segment.end for segment in decoded.segments] == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert all(segment.complete for segment in decoded.segments)
    assert decoded.log_probability == pytest.approx(0.0, abs=0.01)


def test_no_more_is_written_than_the_audio_can_hold(tiny, noise):
    short = tiny.transcribe(noise(RATE // 2), 30, "")
    assert TEXT.startswith(short.text)
    assert len(short.text.split()) < 0.5 * 12 + 12
    assert not short.segments[-1].complete


def test_a_long_prompt_takes_no_room_from_the_text(tiny, noise):
    assert tiny.transcribe(noise(6 * RATE), 8, "any words at all " * 40).text == TEXT


def test_only_as_many_frames_are_encoded_as_asked_and_the_rest_is_real_silence(tiny, noise):
    features = tiny._features(noise(3 * RATE), 5)
    assert features.shape == (80, 500)
    assert np.all(features[:, 310:] == features.min())
    # What faster-whisper computes of the same audio followed by digital silence.
    silence = np.zeros(2 * RATE, np.float32)
    whole = tiny._whisper.feature_extractor(np.concatenate((noise(3 * RATE), silence)), padding=0)
    assert np.allclose(features, whole, atol=1e-5)


def test_audio_of_any_length_is_transcribed(tiny, noise):
    for samples in (0, 1, 159, 160, 161, 30 * RATE):
        assert isinstance(tiny.transcribe(noise(samples), 30, "").text, str)


def test_words_are_aligned_in_order(tiny, noise):
    decoded = tiny.transcribe(noise(3 * RATE), 5, "", words=True)
    assert " ".join(word.text for word in decoded.words) == decoded.text
    starts = [word.start for word in decoded.words]
    assert starts == sorted(starts)
    assert all(0.0 <= word.start <= word.end <= 3.1 for word in decoded.words)


def test_each_drop_is_remarked_with_its_reason(tmp_path, noise):
    phantom = make_whisper(tmp_path / "phantom", ["Thanks for watching!"])
    engine = faster_whisper.build(faster_whisper.Settings(), Context(lambda _: phantom))
    remarks = []
    with collected(remarks.append):
        engine.feed(noise(RATE))
        assert engine.finish().text == ""
    assert remarks == ['dropped of "Thanks for watching!" all but "": a known phantom phrase']


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["model.bin", "config.json", "tokenizer.json"])
def test_a_folder_without_one_of_its_files_is_refused_and_nothing_is_downloaded(
    folder, tmp_path, monkeypatch, missing
):
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("went to the network"))
    for file in folder.iterdir():
        if file.name != missing:
            (tmp_path / file.name).symlink_to(file)
    with pytest.raises(ValueError, match=f"no {missing}"):
        load(tmp_path)


def test_a_truncated_model_is_refused(folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    model = tmp_path / "model.bin"
    model.write_bytes(model.read_bytes()[: model.stat().st_size // 2])
    with pytest.raises(ValueError, match="cannot be loaded as a Whisper model"):
        load(tmp_path)


def test_cuda_asked_for_and_absent_is_refused_and_auto_takes_the_cpu(folder, monkeypatch):
    monkeypatch.setattr("ctranslate2.get_cuda_device_count", lambda: 0)
    with pytest.raises(ValueError, match="no CUDA device"):
        load(folder, device="cuda")
    assert load(folder, device="auto").device == "cpu"


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"language": "de"}, "only English"),
        ({"compute_type": "int3"}, "cannot be loaded"),
    ],
)
def test_what_the_model_cannot_do_is_refused(folder, change, match):
    with pytest.raises(ValueError, match=match):
        load(folder, **change)


@pytest.mark.parametrize(
    "settings",
    [{"step_ms": 10}, {"chunk_length_s": 31.0}, {"trim_seconds": 1.0}, {"beam_size": 0}],
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        faster_whisper.build(faster_whisper.Settings(**settings), Context(pytest.fail))
