"""`voicecli doctor` on a computer whose engines are scripted and whose sound is left alone."""

import json
import socket

import typer
from typer.testing import CliRunner

from voicecli.commands.doctor import doctor
from voicecli.doctor.services import services
from voicecli.profile import SHIPPED, load_profile

APP = typer.Typer()
APP.command()(doctor)


def run(*arguments: str):
    return CliRunner().invoke(APP, ["--no-sound", *arguments])


def test_missing_weights_are_red_name_the_cure_and_decide_the_exit_code(tmp_path, monkeypatch):
    monkeypatch.setenv("VOICECLI_HOME", str(tmp_path))
    report = tmp_path / "doctor.json"
    result = run("--json", str(report))
    assert result.exit_code == 1
    assert "5 models are missing" in result.stdout
    assert result.stdout.count("get them with: voicecli models pull embedded\n") == 1
    findings = json.loads(report.read_text())
    assert findings["schema"] == "voicecli.doctor/1"
    assert findings["healthy"] is False
    assert "failed" in {f["verdict"] for f in findings["findings"] if f["name"] == "weights"}


def test_every_engine_is_timed_and_a_whole_call_run_through_them():
    result = run("--profile", "scripted")
    for name in ("Python", "vad", "asr", "turn detector scripted", "llm", "tts", "voice to voice"):
        assert f"{name} " in result.stdout


def test_findings_are_plain_text_in_a_pipe():
    assert "\x1b" not in run("--profile", "scripted").stdout


def remote_profile(folder, port: int):
    text = (SHIPPED / "embedded.toml").read_text()
    before, _, after = text.partition("[llm]")
    _, _, rest = after.partition("[tts]")
    llm = f'[llm]\nengine = "openai_compatible"\nbase_url = "http://127.0.0.1:{port}/v1"\n'
    path = folder / "remote.toml"
    path.write_text(f'{before}{llm}model = "some"\n\n[tts]{rest}')
    return load_profile(str(path))


def test_a_service_that_listens_is_green_and_one_that_does_not_is_red(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        profile = remote_profile(tmp_path, server.getsockname()[1])
        [listening] = services(profile)
    [gone] = services(profile)
    assert listening.verdict == "ok"
    assert gone.verdict == "failed"
    assert "127.0.0.1 cannot be reached" in gone.sentence
