"""Tools of a real MCP server, started by the profile and on loopback."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from voicecli.engines import LazyEngines
from voicecli.errors import ProfileError
from voicecli.profile import load_profile
from voicecli.replaying.trust import _wishes
from voicecli.tools import mcp_server

pytest.importorskip("mcp")
SERVER = Path(__file__).with_name("mcp_calendar.py")
COMMAND = f'command = ["{sys.executable}", "{SERVER}"]'
ENGINES = "".join(f'[{kind}]\nengine = "scripted"\n' for kind in ("vad", "asr", "tts", "llm"))


@pytest.fixture
def tools(tmp_path):
    def load(keys=COMMAND, more=""):
        (tmp_path / "p.toml").write_text(f"{ENGINES}[tools]\n{more}[tools.mcp.calendar]\n{keys}\n")
        return LazyEngines(load_profile(str(tmp_path / "p.toml"))).tools

    yield load
    mcp_server.close_all()


def test_its_tools_are_offered_and_called(tools):
    found = tools(COMMAND + '\nread_only = ["free_days"]', 'builtin = ["end_call"]\n')
    assert {"free_days", "fail", "end_call"} <= found.keys()
    tool = found["free_days"]
    assert (tool.description, tool.effect) == ("Say which days of a month are free.", "reads")
    assert tool.parameters["properties"]["month"] == {"type": "string"}
    assert tool.call('{"month": "May"}') == "3 days in May"
    assert found["fail"].effect == "acts"


def test_only_those_chosen_are_offered(tools):
    assert list(tools(COMMAND + '\ntools = ["free_days"]')) == ["free_days"]


def test_an_error_of_a_tool_is_its_text_and_a_long_result_is_cut(tools):
    found = tools()
    with pytest.raises(RuntimeError, match="Error executing tool fail"):
        found["fail"].call("{}")
    with pytest.raises(RuntimeError):
        found["free_days"].call('{"most": "many"}')
    assert len(found["long"].call("{}")) == 4000
    assert found["free_days"].call('{"month": "May", "most": 1}') == "1 days in May"


def test_it_gets_no_environment_but_what_the_profile_names(tools, monkeypatch):
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "secret")
    monkeypatch.setenv("CALENDAR_KEY", "for-you")
    call = tools(COMMAND + '\nenv = ["CALENDAR_KEY"]')["environment"].call
    assert call('{"name": "TWILIO_AUTH_TOKEN"}') == "nothing"
    assert call('{"name": "CALENDAR_KEY"}') == "for-you"


@pytest.mark.parametrize(("fault", "why"), [("die", "broke off"), ("hang", r"no answer in 1\.5 s")])
def test_one_that_dies_or_hangs_is_begun_anew_once(tools, fault, why):
    found = tools(COMMAND + "\ntimeout_s = 1.5")
    with pytest.raises(RuntimeError, match=f"calendar .*{why}"):
        found[fault].call("{}")
    assert found["free_days"].call('{"month": "May"}') == "3 days in May"
    with pytest.raises(RuntimeError, match="calendar"):
        found[fault].call("{}")
    with pytest.raises(RuntimeError, match="begun anew before"):
        found["free_days"].call('{"month": "May"}')


def test_one_that_runs_elsewhere_is_reached_by_its_url(tools):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, SERVER, "http", str(port)], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if "Uvicorn running" in line:
                    break
            found = tools(f'url = "http://127.0.0.1:{port}/mcp"')
            assert found["free_days"].call('{"month": "May"}') == "3 days in May"
        finally:
            process.kill()
    with pytest.raises(RuntimeError, match="calendar"):
        found["free_days"].call('{"month": "May"}')


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ("", "needs either command"),
        (COMMAND + '\nurl = "http://x"', "needs either command"),
        ('url = "ftp://x"', "must begin with http"),
        ('url = "http://127.0.0.1:9/mcp"', "the MCP server calendar cannot be used"),
        ('command = ["no-such-program"]', "there is no program no-such-program"),
        (f'command = ["{sys.executable}", "-c", "pass"]', "the MCP server calendar"),
        (COMMAND + "\ntimeout_s = 0", "timeout_s must be above 0"),
        (COMMAND + '\ntools = ["nope"]', "calendar has no tool nope; it has: free_days"),
        (COMMAND + '\nenv = ["NO_SUCH_NAME_HERE"]', "NO_SUCH_NAME_HERE is not set"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(tools, keys, why):
    with pytest.raises(ProfileError, match=why) as caught:
        tools(keys)
    assert "p.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_recording_starts_none_unasked(tmp_path):
    (tmp_path / "p.toml").write_text(f"{ENGINES}[tools.mcp.calendar]\n{COMMAND}\n")
    [wish] = _wishes(load_profile(str(tmp_path / "p.toml")))
    assert wish.startswith("use [tools] mcp = ")
