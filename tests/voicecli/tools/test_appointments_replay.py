"""The appointment line on a larger model, from the caller's voice to the row in the calendar.

The model is a stand-in on this machine that speaks OpenAI's protocol; everything else is real.
"""

import json
import sqlite3
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.pipelines.engines.http_stand_in import HttpStandIn, chat, http_stand_in, tool_calls
from tests.programs import run_voicecli as voicecli
from voicecli.profile import SHIPPED

RATE = 8000
MONDAY = date.today() + timedelta(days=7 - date.today().weekday())
ANN = {"when": "next Monday at half past nine", "name": "Ann"}
SCRIPTED = {
    'engine = "silero"\nsample_rate = 8000': 'engine = "scripted"',
    'engine = "moonshine"': 'engine = "scripted"',
    'engine = "piper"\nweights = "piper-en-us-joe-medium"\nspeaking_rate = 1.05': (
        'engine = "scripted"'
    ),
    'engine = "llama_cpp"\nweights = "qwen2.5-coder-0.5b-instruct"\nn_ctx = 4096': (
        'engine = "openai_compatible"\nbase_url = "URL"'
    ),
    "max_sentences = 2\ntool_bias = 100": "",
    "[turn_detectors.smart_turn]": "[turn_detectors.scripted]",
}


@pytest.fixture
def server():
    with http_stand_in(chat("Is there anything else?")) as server:
        server.answers += [
            tool_calls(("book", json.dumps(ANN))),
            tool_calls(("agree", "{}")),
            tool_calls(("end_call", "{}"), text="Thank you, goodbye."),
        ]
        yield server


@pytest.fixture
def profile(tmp_path: Path, server: HttpStandIn) -> Path:
    text = (SHIPPED / "appointments.toml").read_text()
    for real, quick in SCRIPTED.items():
        assert real in text
        text = text.replace(real, quick)
    text = text.replace("URL", server.url)
    text = text.replace("appointments_tools.py", str(SHIPPED / "appointments_tools.py"))
    text += f'\n[tools.settings]\ndatabase = "{tmp_path}/calendar.db"\n'
    text += "\n[policy.speculation]\npreemptive_reply_above = 1.1\n"  # one request a turn, in order
    path = tmp_path / "appointments.toml"
    path.write_text(text)
    return path


def three_turns(path: Path) -> Path:
    """Three bursts of noise, which the scripted ears take for turns."""
    samples = np.random.default_rng(3).normal(0, 4000, 10 * RATE).astype(np.int16)
    for start, end in ((0, 1), (2, 4), (5, 7), (8, 10)):
        samples[start * RATE : end * RATE] = 0
    soundfile.write(path, samples, RATE)
    return path


def calendar(tmp_path: Path) -> list[tuple[str, str, str]]:
    with sqlite3.connect(tmp_path / "calendar.db") as connection:
        return connection.execute("SELECT day, at, name FROM appointments").fetchall()


def test_a_caller_gets_an_appointment_that_stands_in_the_calendar(profile, server, tmp_path):
    done = voicecli("replay", three_turns(tmp_path / "call.wav"), "-p", profile, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert calendar(tmp_path) == [(f"{MONDAY}", "09:30", "Ann")]
    assert f"tools: {SHIPPED / 'appointments_tools.py'}" in done.stdout
    assert "9:30 a.m." in done.stdout
    assert "tool finished" in done.stdout
    assert "call_ended_by_tool" in (tmp_path / "out/call/journal.jsonl").read_text()
    again = voicecli("replay", tmp_path / "out/call", "-q", cwd=tmp_path)
    assert again.returncode == 0, again.stdout
    assert "are the same to the bit" in again.stdout
    (tmp_path / "patient.toml").write_text("[policy.endpointing]\nbackstop_ms = 3100\n")
    what_if = voicecli("replay", tmp_path / "out/call", "-q", "--policy", "patient.toml",
                       "--trust-bundle", cwd=tmp_path)  # fmt: skip
    assert what_if.returncode == 0, what_if.stdout + what_if.stderr
    assert calendar(tmp_path) == [(f"{MONDAY}", "09:30", "Ann")]
    assert len(server.requests) == 3  # nobody was asked again


def test_a_tools_file_that_cannot_be_used_is_one_line_and_exit_code_4(profile, tmp_path):
    text = profile.read_text().replace("appointments_tools.py", "nowhere.py")
    profile.write_text(text)
    call = three_turns(tmp_path / "call.wav")
    done = voicecli("replay", call, "-p", profile, cwd=tmp_path)
    assert done.returncode == 4
    assert "[tools] file: there is no file" in " ".join(done.stderr.split())
