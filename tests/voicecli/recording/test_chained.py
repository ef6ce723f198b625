"""Files that hold several recordings one after the other: all of them are heard, or it is said."""

import io

import numpy as np
import pytest
import soundfile

from voicecli.recording.audio_file import read_call_audio

PCM = np.random.default_rng(1).integers(-9000, 9000, 40_000).astype(np.int16)
FORMATS = [("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("AIFF", "PCM_16")]


def recording(kind, seconds, rate=8000, channels=1):
    content = io.BytesIO()
    pcm = np.repeat(PCM[: round(seconds * rate), None], channels, axis=1)
    soundfile.write(content, pcm, rate, format=kind[0], subtype=kind[1])
    return content.getvalue()


@pytest.fixture
def read(tmp_path):
    def read(*parts):
        path = tmp_path / "call.audio"
        path.write_bytes(b"".join(parts))
        return read_call_audio(path)

    return read


@pytest.mark.parametrize("kind", FORMATS, ids="-".join)
@pytest.mark.parametrize("lengths", [(2, 2), (0.5, 4), (4, 0.5), (1, 1, 1)], ids=str)
def test_all_of_them_are_read(read, kind, lengths):
    call = read(*(recording(kind, seconds) for seconds in lengths))
    assert call.duration_s == pytest.approx(sum(lengths), abs=0.05)
    assert f"{len(lengths)} recordings in a row" in call.note
    level = np.abs(call.caller.astype(float)).reshape(-1, len(call.caller) // 10)[:10].mean(axis=1)
    assert level.min() > 1000, "a part is silent"


@pytest.mark.parametrize("kind", FORMATS, ids="-".join)
def test_one_recording_is_no_row(read, kind):
    assert read(recording(kind, 3)).note == ""


def test_samples_are_joined_exactly(read):
    parts = [recording(FORMATS[0], seconds) for seconds in (2, 1)]
    assert np.array_equal(read(*parts).caller, np.concatenate([PCM[:16_000], PCM[:8000]]))


@pytest.mark.parametrize("kind", FORMATS, ids="-".join)
@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (8000, 2)])
def test_one_of_another_kind_is_read_or_said_to_be_left_out(read, kind, rate, channels):
    call = read(recording(kind, 2), recording(kind, 2, rate, channels))
    assert call.duration_s == pytest.approx(4, abs=0.05) or "could be used" in call.note


@pytest.mark.parametrize("kind", FORMATS, ids="-".join)
def test_what_follows_and_is_no_sound_is_mentioned(read, kind):
    noise = np.random.default_rng(2).bytes(90_000)
    call = read(recording(kind, 3), noise)
    assert call.duration_s == pytest.approx(3, abs=0.05)
    assert "could be used" in call.note or "is damaged" in call.note


def test_the_last_one_may_break_off(read):
    call = read(recording(FORMATS[0], 2), recording(FORMATS[0], 2)[:9000])
    assert call.duration_s >= 2
    assert "breaks off" in call.note
