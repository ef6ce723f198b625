import errno
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipelines.turn_taking.events import CallEnded, CallStarted
from voicecli.errors import InputError, StorageError
from voicecli.recording.bundle import is_bundle, read_bundle, write_bundle
from voicecli.recording.journal import JournalHeader
from voicecli.recording.labels import Labels, Turn

HEADER = JournalHeader("default", 8000)
ENTRIES = [CallStarted(0), CallEnded(1_000_000_000, "hangup")]
STEREO = np.arange(16000, dtype=np.int16).reshape(-1, 2)
LABELS = Labels((Turn(0.1, 0.9, "héllo", "end_of_turn"),), "by hand")


@pytest.fixture
def call(tmp_path):
    path = tmp_path / "calls" / "one"
    write_bundle(path, HEADER, ENTRIES, STEREO, profile='name = "default"\n', labels=LABELS)
    return path


def test_a_call_is_read_as_it_was_written(call):
    bundle = read_bundle(call)
    assert bundle.header == HEADER
    assert bundle.entries == ENTRIES
    assert np.array_equal(bundle.stereo, STEREO)
    assert bundle.profile == 'name = "default"\n'
    assert bundle.labels == LABELS
    assert is_bundle(call)


def test_float_audio_is_stored_as_16_bit(tmp_path):
    stereo = np.array([[0.5, -2.0], [0.0, 1.0]], dtype=np.float32)
    write_bundle(tmp_path / "c", HEADER, ENTRIES, stereo, profile="")
    assert read_bundle(tmp_path / "c").stereo.tolist() == [[16384, -32768], [0, 32767]]


def test_a_call_without_labels_has_none(tmp_path):
    write_bundle(tmp_path / "c", HEADER, ENTRIES, STEREO, profile="")
    assert read_bundle(tmp_path / "c").labels is None


def test_a_newer_recording_replaces_the_older_one_whole(call):
    write_bundle(call, HEADER, ENTRIES[:1], STEREO, profile="")
    bundle = read_bundle(call)
    assert bundle.entries == ENTRIES[:1]
    assert bundle.labels is None
    assert [p.name for p in call.parent.iterdir()] == ["one"]


def test_a_folder_with_other_things_is_never_replaced(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(StorageError, match="is not a recorded call"):
        write_bundle(tmp_path, HEADER, ENTRIES, STEREO, profile="")
    assert (tmp_path / "thesis.txt").exists()


def failing(error):
    yield ENTRIES[0]
    raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left")])
def test_a_call_that_cannot_be_written_to_its_end_leaves_the_old_one_and_no_rubbish(call, error):
    with pytest.raises((KeyboardInterrupt, StorageError)):
        write_bundle(call, HEADER, failing(error), STEREO, profile="")
    assert read_bundle(call).entries == ENTRIES
    assert [p.name for p in call.parent.iterdir()] == ["one"]


def test_if_the_last_step_fails_the_old_call_is_put_back(call, monkeypatch):
    rename = Path.rename

    def refuse_the_new(self, target):
        if self.name == "new":
            raise OSError(errno.ENOSPC, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse_the_new)
    with pytest.raises(StorageError, match="No space left on device"):
        write_bundle(call, HEADER, ENTRIES[:1], STEREO, profile="")
    assert read_bundle(call).entries == ENTRIES
    assert [p.name for p in call.parent.iterdir()] == ["one"]


def test_a_place_that_cannot_be_written_is_a_storage_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        write_bundle(tmp_path / "file" / "call", HEADER, ENTRIES, STEREO, profile="")


@pytest.mark.parametrize("part", ["call.wav", "journal.jsonl", "profile.toml"])
def test_a_missing_part_is_named(call, part):
    (call / part).unlink()
    with pytest.raises(InputError, match=f"{part} is missing"):
        read_bundle(call)


def test_a_folder_that_is_not_there_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        read_bundle(tmp_path / "call")


def wav(samples, rate):
    content = io.BytesIO()
    soundfile.write(content, samples, rate, format="WAV", subtype="PCM_16")
    return content.getvalue()


@pytest.mark.parametrize(
    ("part", "content", "complaint"),
    [
        ("call.wav", b"this is text", "call.wav: the audio cannot be read"),
        ("call.wav", b"", "call.wav: the audio cannot be read"),
        ("call.wav", wav(STEREO, 8000)[:-1000], "call.wav: the audio is cut off"),
        ("call.wav", wav(STEREO, 16000), "16000 Hz with 2"),
        ("call.wav", wav(STEREO[:, 0], 8000), r"8000 Hz with 1 channel\(s\)"),
        ("labels.json", b"{", "labels.json is not JSON"),
        ("labels.json", b"[]", "labels.json holds no labels"),
        ("profile.toml", b"\xff", "profile.toml: the file cannot be read"),
        ("journal.jsonl", b"{}\n", "journal.jsonl:1: this is not a voicecli journal"),
    ],
)
def test_a_damaged_part_is_named(call, part, content, complaint):
    (call / part).write_bytes(content)
    with pytest.raises(InputError, match=complaint):
        read_bundle(call)
