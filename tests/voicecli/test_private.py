"""What holds speech or words can be opened by its owner alone, whatever the umask says."""

import os
from pathlib import Path

import numpy as np
import pytest

from pipelines.turn_taking.events import CallEnded, CallStarted
from voicecli.dial.run import _write
from voicecli.private import draft_of
from voicecli.recording.bundle import write_bundle
from voicecli.recording.journal import JournalHeader
from voicecli.recording.labels import Labels
from voicecli.recording.recorder import CallRecorder
from voicecli.report.json_report import write_json_report
from voicecli.report.junit import write_junit_report
from voicecli.report.trace import write_trace

HEADER = JournalHeader("scripted", 8000, {})
STEREO = np.zeros((8000, 2), np.int16)


class Silence:
    """A call's tracks in which nothing is heard."""

    def fresh(self):
        return 0, STEREO

    def stale(self, start):
        pass


def bundle(path: Path) -> None:
    entries = [CallStarted(0), CallEnded(1, "over")]
    write_bundle(path / "call", HEADER, entries, STEREO, profile="", policy="", labels=Labels(()))


def live(path: Path) -> None:
    CallRecorder(path / "call", HEADER, Silence(), profile="", notify=print).close()


def dialled(path: Path) -> None:
    _write(STEREO, path, "call")


@pytest.mark.parametrize(
    "write",
    [
        bundle,
        live,
        dialled,
        lambda path: write_json_report(path / "report.json", ()),
        lambda path: write_junit_report(path / "junit.xml", ()),
        lambda path: write_trace(path / "trace.json", ()),
    ],
)
def test_every_file_is_0600_in_folders_that_are_0700(tmp_path, write):
    before = os.umask(0)
    try:
        write(tmp_path / "out" / "deep")
    finally:
        os.umask(before)
    written = list((tmp_path / "out").rglob("*"))
    assert any(path.is_file() for path in written)
    for path in [tmp_path / "out", *written]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_a_planted_link_is_replaced_and_a_broken_write_leaves_nothing(tmp_path):
    (tmp_path / "victim").write_text("mine")
    target = tmp_path / "report.json"
    target.symlink_to(tmp_path / "victim")
    with draft_of(target) as draft:
        draft.write(b"words")
    assert target.read_text() == "words"
    with pytest.raises(KeyboardInterrupt), draft_of(target) as draft:
        raise KeyboardInterrupt
    assert (tmp_path / "victim").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.json", "victim"]
