"""What holds speech or words can be opened by its owner alone, whatever the umask says."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

import voicecli
from pipelines.turn_taking.events import CallEnded, CallStarted
from voicecli.cli import app
from voicecli.dial.run import _write
from voicecli.private import draft_of, make_folder, open_new
from voicecli.profile import SHIPPED
from voicecli.recording.bundle import write_bundle
from voicecli.recording.journal import JournalHeader
from voicecli.recording.labels import Labels, Turn, write_labels
from voicecli.recording.recorder import CallRecorder
from voicecli.report.json_report import write_json_report
from voicecli.report.junit import write_junit_report
from voicecli.report.trace import write_trace
from voicecli.synthetic_calls.call_script import CallScript, Utterance, write_script
from voicecli.transports.microphone_files import FileSink
from voicecli.tui.terminal import native_messages_in

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


def run(*arguments: object) -> None:
    ended = CliRunner().invoke(app, list(map(str, arguments)))
    assert not ended.exception, ended.output


def sent_over_a_line(path: Path) -> None:
    soundfile.write(path.parents[1] / "in.wav", STEREO, 8000)
    run("line", path.parents[1] / "in.wav", "-o", path / "out.wav", "--plot", path / "plot.svg")


def fitted(path: Path) -> None:
    trace = path.parents[1] / "trace.csv"
    rows = (f"{number},{number * 20 + number % 3}" for number in range(200))
    trace.write_text("\n".join(["sequence,arrival_ms", *rows]))
    run("line", "--fit", trace, "-o", path / "line.toml")


def labelled(path: Path) -> Path:
    call = path.parents[1] / "labelled"
    call.mkdir()
    noise = np.random.default_rng(3).normal(0, 4000, 16_000).astype(np.int16)
    soundfile.write(call / "caller.wav", noise, 8000)
    write_labels(call / "labels.json", Labels((Turn(0.0, 2.0, "hello", "end_of_turn"),)))
    return call


def compared(path: Path) -> None:
    slow = path.parents[1] / "slow.toml"
    text = (SHIPPED / "scripted.toml").read_text()
    slow.write_text(f"{text}\n[policy.endpointing]\nbackstop_ms = 2000\n")
    run("compare", labelled(path), "-p", "scripted", "-p", slow, "--json", path / "c.json",
        "--html", path / "c.html", "--plot", path / "c.png")  # fmt: skip


def replayed(path: Path) -> None:
    run("replay", labelled(path), "-p", "scripted", "-o", path, "--trace", path / "t.json",
        "--junit", path / "junit.xml", "-q")  # fmt: skip


def exported(path: Path) -> None:
    bundle(path)
    run("recordings", "export", path / "call", path / "call.zip")


def new_profile(path: Path) -> None:
    run("profile", "new", path / "mine.toml")


def made(path: Path) -> None:
    write_script(path / "a" / "call.toml", CallScript("", "", "en-us", (Utterance("Hello."),)))
    run("recordings", "make", "--folder", path)


def messages_of_libraries(path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOICECLI_HOME", str(path))
        with native_messages_in("talk.log"):
            os.write(2, b"a library says something\n")


def heard(path: Path) -> None:
    make_folder(path)
    FileSink(path / "agent.wav").close()


@pytest.mark.parametrize(
    "write",
    [
        bundle,
        live,
        dialled,
        sent_over_a_line,
        fitted,
        compared,
        replayed,
        exported,
        made,
        new_profile,
        messages_of_libraries,
        heard,
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


def test_a_device_is_written_into_and_stays(tmp_path):
    before = os.lstat("/dev/null")
    for path in (Path("/dev/null"), Path("/dev/../dev/null")):
        with draft_of(path) as draft:
            draft.write(b"words")
        open_new(path).close()
    assert os.lstat("/dev/null").st_ino == before.st_ino


def test_nothing_is_written_past_it():
    """Every place that writes is known: the others go through `voicecli.private`."""
    root = Path(voicecli.__file__).parent
    writes = re.compile(
        r"""write_text|write_bytes|\.mkdir\(|\.open\(\s*"[wax]|open\([^)]*,\s*"[wax]|savefig|soundfile\.write"""
    )
    known = {
        "private.py",
        "recording/bundle.py",  # in a hidden folder, each file made 0600 before it is seen
        "recording/recorder.py",  # its folder, 0700
        "models",  # weights: nobody's words
        "dial/run.py", "synthetic_calls/synthesis.py", "commands/line.py", "compare/run.py",
        # a draft
        "transports/microphone_files.py",  # into a file that is there
        "tools/mcp_server.py",  # nowhere
    }  # fmt: skip
    found = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if writes.search(path.read_text())
    }
    past = {name for name in found if name not in known and name.split("/")[0] not in known}
    assert not past
