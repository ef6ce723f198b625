"""What the server's processes see of secrets, and what they leave behind."""

import asyncio
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.voicecli.serve.conftest import PROFILE, TOKEN, call
from tests.voicecli.test_ending import await_gone, family
from voicecli.profile import load_profile
from voicecli.serve.environment import is_secret, secrets_for_calls

pytestmark = pytest.mark.realtime

SECRETS = {
    "NGROK_AUTHTOKEN": "hush-ngrok",
    "TWILIO_API_KEY_SECRET": "hush-twilio",
    "OPENAI_API_KEY": "hush-openai",
    "CRM_TOKEN": "hush-crm",
    "MY_LLM_KEY": "hush-llm",
    "GITHUB_PAT": "hush-github",
    "MYSECRET": "hush-mine",
    "DATABASE_URL": "postgres://agent:hush-database@db.example/calls",
}
TELLTALE = """
import os
from voicecli.tools import tool

open({out!r}, "w").write("\\n".join(f"{{k}}={{v}}" for k, v in os.environ.items()))

@tool
def wait() -> str:
    'Wait.'
    return ""
"""


@pytest.fixture
def secrets(monkeypatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


def environments(server):
    """Those with which the processes below a server began."""
    seen = []
    for pid in family(server.process.pid)[1:]:
        with suppress(OSError):  # it has just ended
            seen.append(Path(f"/proc/{pid}/environ").read_text())
    return [each for each in seen if each]


def test_no_process_of_the_server_begins_with_a_secret(serve, secrets):
    server = serve("--max-calls", "2", "--public-url", "https://agent.example",
                   "--operators", "0", token=TOKEN)  # fmt: skip
    seen = environments(server)
    assert len(seen) >= 4  # two for calls, what they are forked from, and its helper
    assert all("PATH=" in each for each in seen)
    for value in (TOKEN, *SECRETS.values()):
        assert not any(value in each for each in seen)


def test_the_successor_of_a_killed_fork_server_is_told_no_more(serve, secrets):
    server = serve("--max-calls", "1")
    forking = next(
        pid for pid in family(server.process.pid)[1:]
        if b"forkserver" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )  # fmt: skip
    for pid in reversed(family(forking)):
        os.kill(pid, signal.SIGKILL)
    server.wait_for("another takes its place")
    while len(seen := environments(server)) < 3:
        time.sleep(0.05)
    for value in SECRETS.values():
        assert not any(value in each for each in seen)


def test_code_of_a_call_is_told_what_it_needs_and_never_the_servers_own(serve, secrets, tmp_path):
    out = tmp_path / "seen"
    (tmp_path / "telltale.py").write_text(TELLTALE.format(out=str(out)))
    profile = f'{PROFILE}\n[tools]\nfile = "{tmp_path}/telltale.py"\n'
    serve("--max-calls", "1", "--public-url", "https://agent.example", "--operators", "0",
          token=TOKEN, profile=profile)  # fmt: skip
    seen = out.read_text()
    assert "CRM_TOKEN=hush-crm" in seen
    for value in (TOKEN, "hush-ngrok", "hush-twilio"):
        assert value not in seen


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("TWILIO_ACCOUNT_SID", True), ("NGROK_ANYTHING", True), ("DEEPGRAM_API_KEY", True),
        ("HF_TOKEN", True), ("AWS_SECRET_ACCESS_KEY", True), ("db_password", True),
        ("MYTOKEN", True), ("openai_apikey", True), ("DB_PASS", True), ("GITHUB_PAT", True),
        ("PATH", False), ("KEYBOARD", False), ("TOKENIZERS_PARALLELISM", False), ("MONKEY", False),
        ("BYPASS", False), ("MAX_TOKENS", False),
    ],
)  # fmt: skip
def test_what_counts_as_a_secret(name, secret):
    assert is_secret(name) is secret


@pytest.fixture
def temporary(monkeypatch):
    """A folder with a short name: sockets are in it."""
    with TemporaryDirectory(dir="/tmp", prefix="t") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


def test_a_server_leaves_no_temporary_folder_and_cleans_up_after_a_killed_one(serve, temporary):
    killed, living = serve("--max-calls", "1"), serve("--max-calls", "1")
    below = family(killed.process.pid)
    killed.signal(signal.SIGKILL)
    killed.process.wait()
    await_gone(below)
    assert len(list(temporary.iterdir())) == 2
    after = serve("--max-calls", "1")
    assert len(list(temporary.iterdir())) == 2  # its own, and that of the living one

    async def scenario():
        async with call(living) as phone:
            await phone.hear()
            await phone.hang_up()

    asyncio.run(scenario())
    for server in (living, after):
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        ("postgres://agent:s3cret@db.example/calls", True),
        ("redis://:s3cret@cache.example:6379", True),
        ("https://example.com/a:b@c", False),
        ("https://agent@example.com", False),
        ("/usr/bin:/home/a@b", False),
    ],
)
def test_an_address_with_a_password_is_a_secret_except_a_proxys(monkeypatch, value, secret):
    monkeypatch.setenv("STORE", value)
    assert is_secret("STORE") is secret
    monkeypatch.setenv("https_proxy", value)
    assert not is_secret("https_proxy")


def test_a_profile_of_services_is_given_the_keys_that_it_names(secrets, monkeypatch):
    monkeypatch.setenv("DEEPGRAM_API_KEY", "hush-deepgram")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", TOKEN)
    told = secrets_for_calls(load_profile("cloud"))
    assert told["DEEPGRAM_API_KEY"] == "hush-deepgram"
    assert not told.keys() & {"CRM_TOKEN", "MY_LLM_KEY", "TWILIO_AUTH_TOKEN", "NGROK_AUTHTOKEN"}
