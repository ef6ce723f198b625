"""Whole live calls on scripted engines: files and typed words on the wall clock, then kept."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from rich.console import Console
from typer.testing import CliRunner

from pipelines.turn_taking.events import CallEnded
from tests.waiting import wait_for
from voicecli.cli import app
from voicecli.profile import load_profile
from voicecli.recording.bundle import read_bundle
from voicecli.recording.library import kept_calls
from voicecli.replaying.source import SHIPPED
from voicecli.replaying.verify import verify
from voicecli.talk.headless import finish
from voicecli.talk.live_call import LiveCall, Stage
from voicecli.talk.setting import TalkSetting

pytestmark = pytest.mark.realtime


def typed_call(tmp_path, notify=print, **changes) -> LiveCall:
    setting = TalkSetting(
        load_profile("scripted"), "clean", source="none", sink=str(tmp_path / "agent.wav"),
        record=tmp_path / "calls", **changes,
    )  # fmt: skip
    return LiveCall(setting, notify)


def test_a_typed_call_is_answered_kept_and_replays_bit_for_bit(tmp_path):
    call = typed_call(tmp_path)
    call.start()
    assert wait_for(lambda: call.stage is Stage.TALKING and len(call.entries) > 20)
    call.caller.type_text("a table for two")
    assert wait_for(lambda: any("end_by_typing" in str(entry) for entry in call.entries))
    call.change_line("pstn")
    assert wait_for(lambda: call.now > 2_000_000_000)
    assert call.bookmark() == 1
    call.hang_up()
    assert call.join(10)
    assert call.error is None
    path = call.recording
    assert path is not None
    bundle = read_bundle(path)
    assert np.array_equal(bundle.stereo, call.stereo())
    assert bundle.entries == call.entries
    assert bundle.header.metadata["bookmarks_s"][0] >= 2
    assert bundle.header.metadata["line_changes"][0][1] == "pstn"
    assert bundle.entries[-1] == CallEnded(bundle.entries[-1].at, "the caller hung up")
    assert (
        verify(bundle.entries, load_profile(str(path / "profile.toml")).policy).difference is None
    )
    heard, _ = soundfile.read(tmp_path / "agent.wav", dtype="int16")
    assert np.abs(heard).max() > 1000
    assert np.abs(bundle.stereo[:, 1].astype(int)).max() > 1000


def test_a_script_talks_without_a_screen_and_is_told_how_to_replay_the_call(tmp_path):
    arguments = [
        "talk", "--headless", "--profile", "scripted", "--for", "2",
        "--input", str(SHIPPED / "plain_turns" / "caller.flac"),
        "--output", str(tmp_path / "agent.wav"), "--record", str(tmp_path / "calls"),
    ]  # fmt: skip
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    path = re.search(r"voicecli replay '(.+)'", result.output).group(1)
    assert len(read_bundle(tmp_path / "calls" / path.split("/")[-1]).stereo) > 2 * 7900


def test_a_full_disk_is_said_once_while_the_call_goes_on(tmp_path):
    said: list[str] = []
    (tmp_path / "calls").write_text("in the way")
    call = typed_call(tmp_path, said.append, seconds=3.5)
    call.start()
    assert call.join(20)
    assert call.error is None
    assert call.recording is None
    assert call.now > 3_000_000_000
    assert len(said) == 1
    assert "cannot be written" in said[0]
    assert said[0].endswith("The call goes on.")
    with pytest.raises(SystemExit) as ended:
        finish(call, Console())
    assert ended.value.code == 7


def test_a_call_killed_in_its_midst_can_be_listed_shown_and_replayed(tmp_path):
    calls = tmp_path / "calls"
    call = subprocess.Popen(
        [Path(sys.executable).with_name("voicecli"), "talk", "--headless", "--profile", "scripted",
         "--input", str(SHIPPED / "plain_turns" / "caller.flac"), "--output", "none",
         "--record", str(calls)],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    assert wait_for(lambda: any(path.stat().st_size > 30_000 for path in
                                calls.glob("*/journal.jsonl")))  # fmt: skip
    os.kill(call.pid, signal.SIGKILL)
    call.wait()
    [kept] = kept_calls(calls)
    assert kept.seconds > 1
    assert kept.note == "cut short, or still under way"
    runner, path = CliRunner(), str(calls / kept.name)
    shown = runner.invoke(app, ["recordings", "show", path])
    assert shown.exit_code == 0
    assert "PARTIAL" in shown.output
    replayed = runner.invoke(app, ["replay", path, "--out", str(tmp_path / "out")])
    assert replayed.exit_code == 0, replayed.output
    said = " ".join(replayed.output.split())
    assert "the recording was cut short" in said
    assert "the same to the bit" in said


def test_a_broken_file_ends_the_call_before_it_begins_with_one_sentence(tmp_path):
    broken = tmp_path / "broken.wav"
    broken.write_text("no audio")
    setting = TalkSetting(load_profile("scripted"), "clean", source=str(broken), sink="none")
    call = LiveCall(setting, print)
    call.start()
    assert call.join(20)
    assert call.stage is Stage.OVER
    assert "is not audio" in str(call.error)


def test_the_screen_refuses_what_is_no_terminal():
    result = CliRunner().invoke(app, ["talk", "--profile", "scripted"])
    assert "use --headless" in str(result.exception)
