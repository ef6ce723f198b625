"""The folder of a call while the call goes on, and what is left of it when that is killed."""

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import soundfile

from pipelines.turn_taking.events import CallEnded, CallStarted, FrameScored
from pipelines.turn_taking.time import MILLISECOND
from voicecli.errors import StorageError
from voicecli.recording import recorder as module
from voicecli.recording.bundle import read_bundle
from voicecli.recording.growing_wav import GrowingWav
from voicecli.recording.journal import JournalHeader
from voicecli.recording.recorder import CallRecorder
from voicecli.transports.capture import Capture

HEADER = JournalHeader("default", 8000, {"line": "pstn"})
ENTRIES = [CallStarted(0), FrameScored(20, 0, 20, 0.5), CallEnded(40, "hangup")]
VOICE = (3000 * np.sin(np.arange(160) * 0.3)).astype(np.int16)


def at(frame: int) -> int:
    return frame * 20 * MILLISECOND


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def start(tmp_path, said, monkeypatch):
    """Begins the recording of a call; nothing is written but by `close` and by hand."""
    monkeypatch.setattr(module, "EVERY_S", 3600)

    def begin(tracks=None, **options):
        path = tmp_path / "calls" / "one"
        tracks = tracks or Capture()
        return CallRecorder(path, HEADER, tracks, profile="", notify=said.append, **options)

    return begin


def test_a_call_is_read_as_it_was_recorded(start):
    tracks = Capture()
    recorder = start(tracks)
    for frame in range(50):
        tracks.caller(VOICE, at(frame))
        tracks.agent(VOICE, at(frame + 5))
    for entry in ENTRIES:
        recorder.record(entry)
    recorder.note(underruns=3)
    assert recorder.close()
    bundle = read_bundle(recorder.path)
    assert bundle.entries == ENTRIES
    assert bundle.header == JournalHeader("default", 8000, {"line": "pstn", "underruns": 3})
    assert np.array_equal(bundle.stereo, tracks.stereo())


def test_in_the_midst_of_a_call_its_folder_holds_what_there_was(start):
    tracks = Capture()
    recorder = start(tracks)
    seen = []
    for second in range(3):
        for frame in range(50 * second, 50 * second + 50):
            tracks.caller(VOICE, at(frame))
            tracks.agent(VOICE, at(frame) + 7_000_000)
        recorder.record(ENTRIES[second])
        recorder._write()
        bundle = read_bundle(recorder.path)
        assert bundle.header.partial
        assert bundle.entries == ENTRIES[: second + 1]
        assert np.array_equal(bundle.stereo, tracks.stereo())
        seen.append(len(bundle.stereo))
    assert seen == sorted(set(seen))
    recorder.close()
    assert not read_bundle(recorder.path).header.partial


def test_what_a_line_plays_over_is_written_over(start):
    tracks = Capture()
    recorder = start(tracks)
    tracks.agent(VOICE, at(50))
    recorder._write()
    tracks.agent(-VOICE, at(49) + 10_000_000)
    recorder._write()
    assert np.array_equal(read_bundle(recorder.path).stereo, tracks.stereo())
    recorder.close()


def test_entries_are_altered_before_they_are_stored(start):
    recorder = start(alter=lambda entry: CallEnded(entry.at, "redacted"))
    recorder.record(ENTRIES[2])
    recorder.close()
    assert read_bundle(recorder.path).entries == [CallEnded(40, "redacted")]


def test_a_call_that_broke_down_is_marked(start):
    recorder = start()
    recorder.record(ENTRIES[0])
    assert recorder.close(partial=True)
    assert read_bundle(recorder.path).header.partial


def test_a_second_call_of_that_name_has_a_folder_of_its_own(start):
    first, second = start(), start()
    assert first.close()
    assert second.close()
    assert [first.path.name, second.path.name] == ["one", "one-2"]


def test_a_full_disk_is_said_once_and_what_is_missing_written_when_there_is_room(
    start, said, monkeypatch
):
    tracks = Capture()
    recorder = start(tracks)
    tracks.caller(VOICE, 0)
    recorder._write()
    wav = recorder._files[1]
    put = wav.put

    def refuse(*_):
        raise StorageError("call.wav cannot be written (No space left on device).")

    monkeypatch.setattr(wav, "put", refuse)
    for entry in ENTRIES:
        tracks.caller(VOICE, at(entry.at // 20 + 1))
        recorder.record(entry)
        with pytest.raises(StorageError):
            recorder._write()
    monkeypatch.setattr(wav, "put", put)
    assert recorder.close()
    bundle = read_bundle(recorder.path)
    assert bundle.entries == ENTRIES
    assert np.array_equal(bundle.stereo, tracks.stereo())


def test_a_place_that_can_never_be_written_costs_the_recording_and_one_sentence(
    tmp_path, start, said, monkeypatch
):
    monkeypatch.setattr(module, "EVERY_S", 0.001)
    (tmp_path / "calls").write_text("in the way")
    recorder = start()
    recorder.record(ENTRIES[0])
    assert not recorder.close()
    assert len(said) == 1
    assert "cannot be written" in said[0]


@pytest.mark.realtime
def test_after_kill_9_the_call_until_then_can_be_read(tmp_path):
    path = tmp_path / "one"
    script = textwrap.dedent(f"""
        import sys, time
        import numpy as np
        from pathlib import Path
        from pipelines.turn_taking.events import FrameScored
        from voicecli.recording import recorder
        from voicecli.recording.journal import JournalHeader
        from voicecli.transports.capture import Capture

        recorder.EVERY_S = 0.02
        tracks = Capture()
        call = recorder.CallRecorder(Path({str(path)!r}), JournalHeader("p", 8000), tracks,
                                     profile="", notify=print)
        for frame in range(100_000):
            tracks.caller(np.full(160, 1000, np.int16), frame * 20_000_000)
            call.record(FrameScored(frame, frame, frame + 1, 0.5))
            if frame == 200:
                print("ready", flush=True)
            time.sleep(0.001)
    """)
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    bundle = read_bundle(path)
    assert bundle.header.partial
    assert [entry.at for entry in bundle.entries] == list(range(len(bundle.entries)))
    assert len(bundle.entries) > 100
    assert len(bundle.stereo) >= 160 * (len(bundle.entries) - 1)


def test_a_wav_is_whole_also_between_the_samples_and_their_header(tmp_path):
    wav = GrowingWav(tmp_path / "a.wav", 8000)
    assert soundfile.info(tmp_path / "a.wav").frames == 0
    stereo = np.arange(400, dtype=np.int16).reshape(-1, 2)
    wav.put(0, stereo)
    with (tmp_path / "a.wav").open("ab") as torn:  # samples whose header was not written any more
        torn.write(b"\1\2\3\4\5")
    found, rate = soundfile.read(tmp_path / "a.wav", dtype="int16")
    assert rate == 8000
    assert np.array_equal(found, stereo)
    wav.close()
