"""Any audio file becomes a call, or one sentence says why it cannot."""

import os
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from voicecli.errors import InputError
from voicecli.recording import audio_file
from voicecli.recording.audio_file import read_call_audio


def tone(rate, seconds=1.0, level=0.3, hz=440):
    return (level * np.sin(2 * np.pi * hz * np.arange(round(rate * seconds)) / rate)).astype("f4")


@pytest.fixture
def wav(tmp_path):
    """Writes samples into a file and returns its path."""

    def write(data, rate, name="call.wav", **arguments):
        path = tmp_path / name
        soundfile.write(path, data, rate, **arguments)
        return path

    return write


def write_m4a(path, data, rate):
    with av.open(path, "w") as container:
        stream = container.add_stream("aac", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(data[None], format="fltp", layout="mono")
        frame.rate = rate
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return path


def frequency(pcm, rate=8000):
    return np.abs(np.fft.rfft(pcm)).argmax() * rate / len(pcm)


def test_a_telephone_wav_is_read_sample_by_sample(wav):
    pcm = np.arange(-8000, 8000, dtype=np.int16)
    call = read_call_audio(wav(pcm, 8000))
    assert np.array_equal(call.caller, pcm)
    assert call.caller.dtype == np.int16
    assert (call.agent, call.rate, call.source_rate, call.duration_s) == (None, 8000, 8000, 2.0)
    assert call.note == ""


@pytest.mark.parametrize("rate", [11_025, 16_000, 44_100, 96_000])
def test_other_rates_are_resampled_without_changing_length_pitch_or_level(wav, rate):
    call = read_call_audio(wav(tone(rate, 2.0), rate))
    assert len(call.caller) == pytest.approx(16_000, abs=2)
    assert frequency(call.caller) == pytest.approx(440, abs=1)
    assert np.abs(call.caller[800:-800]).max() == pytest.approx(0.3 * 32768, rel=0.01)
    assert call.source_rate == rate


def test_resampling_adds_no_delay(wav):
    data = np.zeros(48_000, np.float32)
    data[24_000] = 0.9
    assert np.abs(read_call_audio(wav(data, 48_000)).caller).argmax() == 4000


@pytest.mark.parametrize(
    "arguments",
    [
        {"name": "a.wav", "subtype": "PCM_U8"},
        {"name": "a.wav", "subtype": "PCM_24"},
        {"name": "a.wav", "subtype": "FLOAT"},
        {"name": "a.wav", "subtype": "ULAW"},
        {"name": "a.flac"},
        {"name": "a.ogg"},
        {"name": "a.opus", "format": "OGG", "subtype": "OPUS"},
        {"name": "a.mp3"},
    ],
    ids=lambda arguments: " ".join(arguments.values()),
)
def test_formats_and_sample_types(wav, arguments):
    call = read_call_audio(wav(tone(48_000, 2.0), 48_000, **arguments))
    assert call.duration_s == pytest.approx(2.0, abs=0.1)
    assert frequency(call.caller) == pytest.approx(440, abs=2)
    assert np.abs(call.caller).max() == pytest.approx(0.3 * 32768, rel=0.1)
    assert call.note == ""


def test_m4a_is_read_although_soundfile_cannot(tmp_path):
    call = read_call_audio(write_m4a(tmp_path / "a.m4a", tone(48_000, 2.0), 48_000))
    assert call.duration_s == pytest.approx(2.0, abs=0.1)
    assert frequency(call.caller) == pytest.approx(440, abs=2)


def test_the_content_counts_and_not_the_name(wav):
    path = wav(tone(16_000), 16_000, "a.flac")
    assert read_call_audio(path.rename(path.with_name("call.wav"))).duration_s == 1.0


def test_stereo_is_caller_left_agent_right(wav):
    both = np.stack([tone(16_000, hz=300), tone(16_000, hz=900)], axis=1)
    call = read_call_audio(wav(both, 16_000))
    assert call.agent is not None
    assert (frequency(call.caller), frequency(call.agent)) == (300, 900)


def test_two_equal_channels_are_one_caller(wav):
    call = read_call_audio(wav(np.stack([tone(16_000)] * 2, axis=1), 16_000))
    assert call.agent is None
    assert "Both channels are the same" in call.note


def test_a_silent_caller_is_mentioned(wav):
    assert "silent" in read_call_audio(wav(np.zeros(800, np.int16), 8000)).note


def test_what_is_no_number_becomes_silence(wav):
    data = tone(8000)
    data[100:110], data[200] = np.nan, np.inf
    call = read_call_audio(wav(data, 8000, subtype="FLOAT"))
    assert not call.caller[100:110].any()
    assert call.caller[200] == 0
    assert call.note == "11 samples were no numbers and are silence here."


def test_floats_beyond_full_scale_are_clipped_and_mentioned(wav):
    call = read_call_audio(wav(tone(48_000, level=3.0), 48_000, subtype="FLOAT"))
    assert call.caller.max() == 32_767
    assert call.caller.min() == -32_768
    assert "beyond full scale" in call.note


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3"])
def test_of_a_truncated_file_the_beginning_is_used(wav, name):
    path = wav(tone(48_000, 4.0), 48_000, name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    call = read_call_audio(path)
    assert 1.5 < call.duration_s < 2.5
    assert "breaks off or is damaged" in call.note


@pytest.mark.parametrize("name", ["a.flac", "a.mp3"])
def test_of_a_damaged_file_what_decodes_is_used(wav, capfd, name):
    path = wav(tone(48_000, 4.0), 48_000, name)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 300] = bytes(range(100)) * 3
    path.write_bytes(data)
    call = read_call_audio(path)
    assert 1.5 < call.duration_s < 4.2
    assert "breaks off or is damaged" in call.note
    assert capfd.readouterr() == ("", "")  # the libraries keep their remarks to themselves


def message(path):
    with pytest.raises(InputError) as error:
        read_call_audio(path)
    text = str(error.value)
    assert str(path) in text
    assert "\n" not in text
    return text


def test_a_missing_file(tmp_path):
    assert "no file" in message(tmp_path / "call.wav")


def test_a_folder(tmp_path):
    assert "folder" in message(tmp_path)


def test_a_device(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in message(tmp_path / "pipe")


def test_an_empty_file(tmp_path):
    (tmp_path / "call.wav").touch()
    assert "empty" in message(tmp_path / "call.wav")


def test_no_samples(wav):
    assert "no audio samples" in message(wav(np.zeros(0, np.int16), 8000))


@pytest.mark.parametrize(
    "content",
    [
        b"Hello, I am a text.\n" * 50,
        b"RIFF\x00\x00\x00\x00WAVE",
        bytes(range(256)) * 40,
        b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n",
    ],
    ids=["text", "header only", "noise", "playlist"],
)
@pytest.mark.parametrize("suffix", ["wav", "mp3", "m4a", "raw"])
def test_what_is_no_audio(tmp_path, content, suffix):
    path = tmp_path / f"call.{suffix}"
    path.write_bytes(content)
    assert "not audio that can be read" in message(path)


def test_a_head_that_leads_before_the_file_is_no_traceback(tmp_path, capfd):
    path = tmp_path / "call.aiff"
    common = b"COMM\0\0\0\x12\0\x01\x7f\xff\xff\xff\0\x10" + b"\xff" * 10
    path.write_bytes(b"FORM\x7f\xff\xff\xffAIFF" + common + bytes(1000))
    with pytest.raises(InputError):
        read_call_audio(path)
    assert capfd.readouterr().err == ""


def test_a_truncated_m4a_has_lost_its_index(tmp_path):
    path = write_m4a(tmp_path / "a.m4a", tone(48_000, 2.0), 48_000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "damaged" in message(path)


def test_more_than_two_channels(wav):
    text = message(wav(np.zeros((800, 6), np.int16), 8000))
    assert "6 channels" in text
    assert "ffmpeg" in text


@pytest.mark.parametrize("rate", [100, 1_000_000])
def test_an_absurd_sample_rate(wav, rate):
    assert f"{rate:,} Hz" in message(wav(np.zeros(800, np.int16), rate))


def test_more_than_two_hours(wav, monkeypatch):
    monkeypatch.setattr(audio_file, "MAX_SECONDS", 20)
    path = wav(np.zeros(8000 * 21, np.int16), 8000, "long.flac")
    assert "two hours" in message(path)


def test_a_file_that_may_not_be_read(wav, monkeypatch):
    path = wav(tone(8000), 8000)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # root, as in a container, may read everything
    assert "permissions" in message(path)
