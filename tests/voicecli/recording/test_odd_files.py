"""Files whose header lies, is missing, or does not say who is on which channel."""

import struct

import av
import numpy as np
import pytest
import soundfile

from voicecli.errors import InputError, UsageError
from voicecli.recording import audio_file
from voicecli.recording.audio_file import Reading, read_call_audio
from voicecli.recording.raw_format import parse_raw
from voicecli.recording.sides import agent_is_left

PCM = np.random.default_rng(1).integers(-9000, 9000, 24_000).astype(np.int16)


def wav(path, pcm=PCM, **arguments):
    soundfile.write(path, pcm, 8000, **{"subtype": "PCM_16", **arguments})
    return path.read_bytes()


def with_size(content, size):
    place = content.index(b"data") + 4
    return content[:place] + struct.pack("<I", size) + content[place + 4 :]


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF, 4_000], ids=hex)
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "ULAW", "ALAW", "GSM610"])
def test_a_size_that_was_never_finished_hides_nothing(tmp_path, size, subtype):
    path = tmp_path / "call.wav"
    pcm = np.tile(PCM, 2)
    path.write_bytes(with_size(wav(path, pcm, subtype=subtype), size))
    call = read_call_audio(path)
    assert call.duration_s == pytest.approx(6.0, abs=0.05)
    assert "damaged" not in call.note


def test_an_unfinished_header_is_mentioned(tmp_path):
    path = tmp_path / "call.wav"
    path.write_bytes(with_size(wav(path), 0))
    call = read_call_audio(path)
    assert np.array_equal(call.caller, PCM)
    assert "never finished" in call.note


def test_a_finished_file_without_sound_stays_without_sound(tmp_path):
    path = tmp_path / "call.wav"
    path.write_bytes(wav(path, PCM[:0]) + b"LIST" + struct.pack("<I", 6000) + bytes(6000))
    with pytest.raises(InputError, match="no audio samples"):
        read_call_audio(path)


@pytest.mark.parametrize("size", [None, 0, 0xFFFFFFFF], ids=["true", "0", "unknown"])
def test_a_header_before_every_part_is_not_heard(tmp_path, size):
    path = tmp_path / "call.wav"
    parts = [wav(path, PCM[start : start + 8000]) for start in (0, 8000, 16_000)]
    path.write_bytes(b"".join(p if size is None else with_size(p, size) for p in parts))
    call = read_call_audio(path)
    assert np.array_equal(call.caller, PCM)
    assert "3 WAV recordings in a row" in call.note


def test_what_cannot_be_joined_is_counted(tmp_path):
    path = tmp_path / "call.wav"
    path.write_bytes(wav(path) + wav(path, subtype="FLOAT"))
    call = read_call_audio(path)
    assert call.duration_s == 3.0
    assert "Only 33% of the file could be used, 3.0 s" in call.note


def test_chunks_behind_the_samples_are_no_sound_and_no_remark(tmp_path):
    path = tmp_path / "call.wav"
    path.write_bytes(wav(path) + b"LIST" + struct.pack("<I", 60_000) + bytes(60_000))
    call = read_call_audio(path)
    assert (call.duration_s, call.note) == (3.0, "")


def test_a_variable_rate_mp3_without_a_table_of_contents_is_not_damaged(tmp_path, capfd):
    path = tmp_path / "call.mp3"
    with av.open(path, "w", options={"write_xing": "0"}) as container:
        options = {"flags": "+qscale", "global_quality": "500"}
        stream = container.add_stream("libmp3lame", rate=16_000, layout="mono", options=options)
        sound = np.zeros(80_000, np.float32)
        sound[40_000:] = np.random.default_rng(0).normal(0, 0.3, 40_000)
        frame = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
        frame.rate = 16_000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    call = read_call_audio(path.rename(tmp_path / "call.wav"))
    assert call.duration_s == pytest.approx(5.0, abs=0.1)
    assert call.note == ""
    assert capfd.readouterr() == ("", "")


def test_mp3_recordings_in_a_row_are_read_whole_and_not_called_damaged(tmp_path):
    path = tmp_path / "call.mp3"
    with av.open(path, "w") as container:
        stream = container.add_stream("libmp3lame", rate=16_000, layout="mono")
        sound = np.random.default_rng(0).normal(0, 0.3, 80_000).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
        frame.rate = 16_000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    one = path.read_bytes()
    path.write_bytes(one + one)
    call = read_call_audio(path)
    assert call.duration_s == pytest.approx(10.0, abs=0.3)
    assert call.note == ""
    path.write_bytes(one[: len(one) // 2])
    assert "breaks off or is damaged" in read_call_audio(path).note


def test_what_lasts_too_long_is_refused_by_its_header(tmp_path, monkeypatch):
    monkeypatch.setattr(audio_file, "MAX_SECONDS", 2)
    monkeypatch.setattr(audio_file, "_Tracks", None)  # nothing may be decoded
    path = tmp_path / "call.flac"
    wav(path)
    with pytest.raises(InputError, match="longer than two hours"):
        read_call_audio(path)


@pytest.mark.parametrize(
    ("name", "subtype"),
    [
        ("a.ulaw", "ULAW"),
        ("a.au", "ULAW"),
        ("a.al", "ALAW"),
        ("a.sln", "PCM_16"),
        ("a.slin", "PCM_16"),
    ],
)
def test_a_headerless_file_is_known_by_its_name_which_is_said(tmp_path, name, subtype):
    path = tmp_path / name
    soundfile.write(path, PCM, 8000, subtype=subtype, format="RAW")
    call = read_call_audio(path)
    assert call.caller == pytest.approx(PCM, abs=600)
    assert "no header" in call.note
    assert "--raw" in call.note


def test_a_header_counts_more_than_a_name(tmp_path):
    wav(tmp_path / "call.wav")
    call = read_call_audio((tmp_path / "call.wav").rename(tmp_path / "call.ulaw"))
    assert np.array_equal(call.caller, PCM)


@pytest.mark.parametrize(
    ("said", "subtype", "channels", "rate"),
    [("mulaw/8000", "ULAW", 1, 8000), ("PCMA/8000/2", "ALAW", 2, 8000),
     ("s16le/16000", "PCM_16", 1, 16_000)],
)  # fmt: skip
def test_raw_samples_are_what_the_user_says(tmp_path, said, subtype, channels, rate):
    path = tmp_path / "call.bin"
    soundfile.write(path, PCM.reshape(-1, channels), rate, subtype=subtype, format="RAW")
    call = read_call_audio(path, reading=Reading(parse_raw(said)))
    assert call.duration_s == pytest.approx(len(PCM) / channels / rate, abs=0.001)
    assert (call.agent is not None) == (channels == 2)


@pytest.mark.parametrize("said", ["mulaw", "8000", "mulaw/8000/3", "g729/8000", "mulaw/x", ""])
def test_raw_that_means_nothing_is_refused(said):
    with pytest.raises(UsageError, match="--raw"):
        parse_raw(said)


def test_a_headerless_file_of_an_unknown_name_is_refused_with_the_option_that_helps(tmp_path):
    (tmp_path / "call.raw").write_bytes(b"\xff" * 9000)
    with pytest.raises(InputError, match="--raw mulaw/8000"):
        read_call_audio(tmp_path / "call.raw")


def test_a_text_is_no_sound_whatever_its_name(tmp_path):
    (tmp_path / "call.ulaw").write_text("hello\n" * 900)
    with pytest.raises(InputError, match="not audio"):
        read_call_audio(tmp_path / "call.ulaw")


class TestSides:
    """Left is the caller unless the user, the name or all of the evidence says otherwise."""

    voice = np.tile(np.r_[PCM[:8000], np.zeros(8000, np.int16)], 3)
    late = np.r_[np.zeros(8000, np.int16), voice[:-8000]]
    noisy = late + np.random.default_rng(2).integers(-20, 20, len(late)).astype(np.int16)

    def side(self, left, right, name="call", said=None):
        return agent_is_left(name, left, right, 8000, said)

    def test_a_caller_who_is_left_and_speaks_second_needs_no_remark(self):
        assert self.side(self.noisy, self.voice) == (False, "")

    def test_who_greets_without_any_background_is_the_agent(self):
        swap, remark = self.side(self.voice, self.noisy)
        assert swap
        assert "--channels caller,agent" in remark

    def test_speaking_first_alone_is_only_worth_a_hint(self):
        swap, remark = self.side(self.voice, self.late)
        assert not swap
        assert "--channels agent,caller" in remark

    def test_the_name_counts_and_what_the_user_says_counts_more(self):
        name = "agent_left_caller_right"
        assert self.side(self.late, self.voice, name)[0]
        assert self.side(self.late, self.voice, name, "caller,agent") == (False, "")
        assert self.side(self.late, self.voice, said="agent,caller") == (True, "")

    def test_silence_on_a_side_proves_nothing(self):
        assert self.side(self.voice, np.zeros_like(self.voice)) == (False, "")
        assert self.side(self.voice[:100], self.voice[:100]) == (False, "")
