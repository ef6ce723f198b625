"""Twilio's REST API as we use it, against a stand-in that checks what it is sent."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path

import pytest
from twilio.request_validator import RequestValidator
from websockets.exceptions import ConnectionClosed

from tests.voicecli.serve import ngrok_stand_in, twilio_stand_in
from tests.voicecli.serve.conftest import PROFILE, TOKEN, ring
from tests.voicecli.serve.twilio_stand_in import NUMBER, OLD, SID
from voicecli.carriers.leg import Dtmf, Mark
from voicecli.carriers.twilio.account import TwilioAccount, TwilioError
from voicecli.errors import UsageError

OURS = "https://agent.example/voice"


@pytest.fixture
def twilio():
    with twilio_stand_in.running() as state:
        yield state


@pytest.fixture
def account(twilio, tmp_path, monkeypatch):
    monkeypatch.setenv("VOICECLI_HOME", str(tmp_path / "home"))
    return TwilioAccount(SID, TOKEN, twilio["url"])


def test_a_number_is_pointed_at_us_and_back(twilio, account):
    lease = account.borrow(NUMBER, OURS)
    assert (twilio["voice_url"], twilio["method"]) == (OURS, "POST")
    assert lease.give_back()
    assert (twilio["voice_url"], twilio["method"]) == (OLD, "GET")


def test_a_number_of_a_twiml_app_goes_back_to_its_app(twilio, account):
    twilio["application"] = "AP" + "1" * 32
    lease = account.borrow(NUMBER, OURS)
    assert twilio["application"] == ""  # else the app's address would count, not ours
    assert "TwiML App AP111" in lease.before
    lease.give_back()
    assert twilio["application"] == "AP" + "1" * 32


def test_after_a_server_was_killed_the_next_one_still_knows_the_old_webhook(twilio, account):
    account.borrow(NUMBER, "https://dead.example/voice")
    lease = account.borrow(NUMBER, OURS)
    assert lease.webhook.url == OLD
    lease.give_back()
    assert twilio["voice_url"] == OLD


NOTING = """
import sys
from voicecli.carriers.twilio.webhook_lease import Webhook, borrow

class Numbers:
    def webhook(self, number):
        return Webhook(number, "PN1", "https://old.example/" + "x" * 5000, "POST")

    def point(self, webhook):
        pass

for turn in range(int(sys.argv[2])):
    borrow(Numbers(), sys.argv[1], f"https://ours.example/{turn}")
    print(turn, flush=True)
"""


def test_whoever_is_killed_while_noting_a_number_or_notes_another_at_once_loses_none(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("VOICECLI_HOME", str(tmp_path))
    numbers = [f"+1500555000{digit}" for digit in range(4)]

    def noting(number, turns):
        return subprocess.Popen([sys.executable, "-c", NOTING, number, str(turns)],
                                stdout=subprocess.PIPE)  # fmt: skip

    killed = noting("+15005550009", 100_000)
    killed.stdout.readline()
    others = [noting(number, 30) for number in numbers]
    for other in others:
        other.communicate(timeout=60)
        assert other.returncode == 0
    killed.kill()
    killed.communicate()
    kept = json.loads((tmp_path / "borrowed_numbers.json").read_text())
    assert kept.keys() == {*numbers, "+15005550009"}
    assert all(row["before"]["url"].endswith("x" * 5000) for row in kept.values())


def test_a_webhook_that_was_changed_since_the_crash_is_the_one_to_put_back(twilio, account):
    account.borrow(NUMBER, "https://dead.example/voice")
    twilio["voice_url"] = "https://new.example/voice"
    assert account.borrow(NUMBER, OURS).webhook.url == "https://new.example/voice"


def test_a_webhook_that_somebody_changes_meanwhile_is_left_alone(twilio, account):
    lease = account.borrow(NUMBER, OURS)
    twilio["voice_url"] = "https://new.example/voice"
    assert not lease.give_back()
    assert twilio["voice_url"] == "https://new.example/voice"


def test_the_only_number_of_an_account_needs_no_naming(twilio, account):
    assert account.webhook(None).number == NUMBER
    twilio["others"].append({"sid": "PN" + "2" * 32, "phone_number": "+15005550001"})
    with pytest.raises(TwilioError, match=rf"--number; .* {re.escape(NUMBER)}, \+15005550001"):
        account.webhook(None)


def test_a_number_of_somebody_else_is_named(account):
    with pytest.raises(TwilioError, match=r"\+15005550001 is not a number of this account"):
        account.webhook("+15005550001")


def test_a_number_of_a_sip_trunk_cannot_be_borrowed(twilio, account):
    twilio["trunk"] = "TK" + "1" * 32
    with pytest.raises(TwilioError, match="SIP trunk"):
        account.borrow(NUMBER, OURS)
    assert twilio["posts"] == []


def test_bad_credentials_say_which_of_the_two_and_show_neither(twilio):
    with pytest.raises(UsageError, match="TWILIO_ACCOUNT_SID is not an account's SID"):
        TwilioAccount("SK123", TOKEN)
    with pytest.raises(TwilioError, match="TWILIO_AUTH_TOKEN is not the token") as caught:
        TwilioAccount(SID, "wrong-token", twilio["url"]).webhook(NUMBER)
    assert "wrong-token" not in str(caught.value)


def test_a_live_call_is_put_through(twilio, account):
    account.transfer("CA" + "3" * 32, "+15005550009")
    path, form = twilio["posts"][-1]
    assert path.endswith(f"/Calls/CA{'3' * 32}.json")
    assert "<Dial>+15005550009</Dial>" in form["Twiml"][0]


def test_an_outbound_call_waits_for_the_beep_of_a_machine(twilio, account):
    account.call("+15005550009", NUMBER, "https://agent.example", record=True)
    _, form = twilio["posts"][-1]
    assert form["Url"] == ["https://agent.example/voice"]
    assert form["MachineDetection"] == ["DetectMessageEnd"]
    assert form["StatusCallback"] == ["https://agent.example/status"]
    assert (form["Record"], form["RecordingChannels"]) == (["true"], ["dual"])


# -- a whole server with it -------------------------------------------------------------------


@pytest.fixture
def borrowing(serve, account, twilio, monkeypatch):
    """A server on the stand-in's number."""
    monkeypatch.setenv("VOICECLI_TWILIO_API", twilio["url"])

    def start(*options):
        return serve("--public-url", "https://agent.example", "--operators", "0",
                     "--max-calls", "1", *options, token=TOKEN, account=SID)  # fmt: skip

    return start


@pytest.mark.realtime
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_borrows_the_number_while_it_runs(borrowing, twilio, number):
    server = borrowing("--twilio", "--number", NUMBER)
    assert twilio["voice_url"] == OURS
    server.signal(number)
    assert server.wait() == 0
    assert (twilio["voice_url"], twilio["method"]) == (OLD, "GET")


@pytest.mark.realtime
def test_twilio_out_of_reach_on_exit_says_how_to_put_the_webhook_back(borrowing, twilio):
    server = borrowing("--twilio")
    twilio["down"] = True
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert re.search(rf"by hand: Twilio console, .*{re.escape(OLD)} GET", server.log)


@pytest.mark.realtime
def test_a_caller_who_presses_the_key_is_put_through_and_others_stay(borrowing, twilio):
    server = borrowing("--number", NUMBER, "--transfer-to", "+15005550007", "--transfer-key", "9")
    call_sid = "CA" + "4" * 32
    token = re.search(r'name="token" value="([^"]+)"',
                      server.ask_webhook("/voice", CallSid=call_sid))[1]  # fmt: skip
    signature = RequestValidator(TOKEN).compute_signature("wss://agent.example/media", {})

    def transfers():
        return [form for path, form in twilio["posts"] if path.endswith(f"/{call_sid}.json")]

    async def scenario():
        async with ring(server, call_sid, **{"X-Twilio-Signature": signature}) as phone:
            await phone.begin(token=token)
            await phone.hear()
            await phone.say(Dtmf("1"))
            await phone.speak(0.3)
            assert transfers() == []
            await phone.say(Dtmf("9"))
            await phone.speak(1)
            assert "<Dial>+15005550007</Dial>" in transfers()[0]["Twiml"][0]
            await phone.hang_up()  # as Twilio does to the stream of a call that goes elsewhere

    asyncio.run(scenario())
    server.wait_for("transferred")


@pytest.mark.realtime
def test_whoever_presses_the_key_sixty_times_is_put_through_once_and_holds_nobody_up(
    borrowing, twilio
):
    server = borrowing("--number", NUMBER, "--transfer-to", "+15005550007", "--max-calls", "2")
    signature = RequestValidator(TOKEN).compute_signature("wss://agent.example/media", {})
    twilio["slow"].set()

    @asynccontextmanager
    async def calling(call_sid):
        twiml = server.ask_webhook("/voice", CallSid=call_sid)
        token = re.search(r'name="token" value="([^"]+)"', twiml)[1]
        async with ring(server, call_sid, **{"X-Twilio-Signature": signature}) as phone:
            await phone.begin(token=token)
            await phone.hear()
            yield phone

    def transfers():
        return [form for path, form in twilio["posts"] if "/Calls/" in path]

    async def until_one_is_taken(calling):
        async with asyncio.timeout(8):
            for number in count():
                with suppress(ConnectionClosed):  # busy
                    async with calling(f"CAlater{number}") as later:
                        assert await later.hang_up() == (1000, "the caller hung up")
                        return
                await asyncio.sleep(0.2)

    async def scenario():
        async with calling("CAeager") as eager:
            for _ in range(60):
                await eager.say(Dtmf("0"))
            await eager.speak(0.5)
            assert len(transfers()) == 1
            async with calling("CAother") as other:  # dies, and has a successor meanwhile
                os.kill(int(server.wait_for(r"call began.*CAother.*pid=(\d+)")[1]), signal.SIGKILL)
                assert await other.closed() == (1011, "the call's process died")
            await until_one_is_taken(calling)
            twilio["released"].set()
            await asyncio.to_thread(server.wait_for, "transferred  to")
            await eager.say(Dtmf("0"))  # they are on their way
            await eager.speak(0.5)
            await eager.hang_up()

    asyncio.run(scenario())
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert twilio["voice_url"] == OLD
    assert len(transfers()) == 1
    assert server.log.count("transfer under way") == 1


@pytest.fixture
def receptionist(borrowing, tmp_path):
    """A server whose agent answers every key by putting the caller through; its caller."""
    profile = tmp_path / "receptionist.toml"
    call = {"name": "transfer_call", "arguments": {"to": "desk"}}
    reply = f"One moment. <tool_call>{json.dumps(call)}</tool_call> It did not work."
    told = PROFILE.replace("[llm]", f"[llm]\nreplies = ['{reply}']")
    tools = '[tools]\nbuiltin = ["transfer_call"]\ntransfer_to = { desk = "+15005550007" }\n'
    profile.write_text(told + tools)
    server = borrowing("--profile", str(profile))
    call_sid = "CA" + "5" * 32
    token = re.search(r'name="token" value="([^"]+)"',
                      server.ask_webhook("/voice", CallSid=call_sid))[1]  # fmt: skip
    signature = RequestValidator(TOKEN).compute_signature("wss://agent.example/media", {})

    @asynccontextmanager
    async def calling():
        async with ring(server, call_sid, **{"X-Twilio-Signature": signature}) as phone:
            await phone.begin(token=token)
            await phone.hear(Mark)
            await phone.say(Dtmf("7"))
            await phone.say(Dtmf("#"))
            await phone.hear(Mark)  # a caller is told before they are put through
            yield phone

    return server, calling


@pytest.mark.realtime
def test_the_agents_tool_puts_the_caller_through(receptionist, twilio):
    server, calling = receptionist

    async def scenario():
        async with calling() as phone:
            await phone.speak(1)
            await phone.hang_up()  # as Twilio does to the stream of a call that goes elsewhere

    asyncio.run(scenario())
    ((path, form),) = twilio["posts"]
    assert path.endswith(f"/Calls/CA{'5' * 32}.json")
    assert "<Dial>+15005550007</Dial>" in form["Twiml"][0]
    server.wait_for("transferred")


@pytest.mark.realtime
def test_a_transfer_that_twilio_refuses_is_told_to_the_model_and_the_caller_stays(
    receptionist, twilio
):
    server, calling = receptionist
    twilio["down"] = True

    async def scenario():
        async with calling() as phone:
            await phone.hear(Mark)  # what the model says to it
            await phone.hang_up()

    asyncio.run(scenario())
    assert twilio["posts"] == []
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    (folder,) = server.recordings.iterdir()
    journal = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    (failed,) = [entry for entry in journal if entry.get("event") == "ToolFailed"]
    assert "503" in failed["message"]


@pytest.fixture
def ngrok(tmp_path, monkeypatch):
    """A stand-in on the PATH; what it noted."""
    program = tmp_path / "bin" / "ngrok"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\n{Path(ngrok_stand_in.__file__).read_text()}")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NGROK_STAND_IN_LOG", str(tmp_path / "ngrok.log"))
    return (tmp_path / "ngrok.log").read_text


@pytest.mark.realtime
def test_the_command_of_the_readme_opens_a_tunnel_and_borrows_the_number(
    serve, account, twilio, ngrok, monkeypatch
):
    monkeypatch.setenv("VOICECLI_TWILIO_API", twilio["url"])
    monkeypatch.setenv("NGROK_AUTHTOKEN", "hush-hush")
    server = serve("--twilio", "--ngrok", "--number", NUMBER, "--max-calls", "1",
                   token=TOKEN, account=SID)  # fmt: skip
    assert twilio["voice_url"] == f"{ngrok_stand_in.PUBLIC}/voice"
    assert re.search(rf"tunnel to \S*\b{server.port}$", ngrok(), re.MULTILINE)
    assert "hush-hush" not in ngrok()  # a command line is for everybody to read
    pid, session = map(int, re.match(r"pid (\d+) session (\d+)", ngrok()).groups())
    assert session == pid  # Ctrl-C at our terminal does not reach it
    server.signal(signal.SIGINT)
    assert server.wait() == 0
    assert twilio["voice_url"] == OLD
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.realtime
def test_a_tunnel_token_that_ngrok_refuses_is_one_sentence(
    serve, account, twilio, ngrok, monkeypatch
):
    monkeypatch.setenv("VOICECLI_TWILIO_API", twilio["url"])
    monkeypatch.setenv("NGROK_AUTHTOKEN", "refused")
    with pytest.raises(AssertionError, match=r"ngrok opens no tunnel: .*ERR_NGROK_105") as caught:
        serve("--twilio", "--ngrok", "--max-calls", "1", token=TOKEN, account=SID)
    assert "the token [token] is invalid" in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert twilio["voice_url"] == OLD


@pytest.mark.realtime
def test_serve_rings_somebody_up_and_leaves_a_message_with_a_machine(borrowing, twilio):
    server = borrowing("--number", NUMBER, "--call", "+15005550009", "--message", "Call us back.")
    _, form = next(post for post in twilio["posts"] if post[0].endswith("/Calls.json"))
    assert (form["To"], form["From"]) == (["+15005550009"], [NUMBER])
    assert "<Say>Call us back.</Say>" in server.ask_webhook("/voice", AnsweredBy="machine_end_beep")
    assert "<Connect>" in server.ask_webhook("/voice", AnsweredBy="human")
    server.ask_webhook("/status", CallStatus="completed", AnsweredBy="machine_end_beep")
    server.wait_for("call status.*completed.*machine_end_beep")


@pytest.mark.realtime
def test_a_call_that_comes_again_takes_its_own_place_and_no_other(serve):
    server = serve("--max-calls", "1", token=TOKEN)
    signature = RequestValidator(TOKEN).compute_signature(server.media, {})
    signed = {"X-Twilio-Signature": signature}

    def token(call_sid):
        found = re.search(r'name="token" value="([^"]+)"', asked(call_sid))
        return found and found[1]

    def asked(call_sid):
        return server.ask_webhook("/voice", CallSid=call_sid)

    async def scenario():
        assert token("CAone")
        assert token("CAone")  # the webhook is asked again: one place
        async with ring(server, "CAone", **signed) as lost:
            await lost.begin(token=token("CAone"))
            await lost.hear()
            assert token("CAtwo") is None
            async with ring(server, "CAone", **signed) as again:
                await again.begin(token=token("CAone"))
                await again.hear()
                assert await lost.closed() == (1000, "the call came again")
                await again.speak(0.3)
                assert token("CAtwo") is None
                assert await again.hang_up() == (1000, "the caller hung up")

    asyncio.run(scenario())


@pytest.mark.realtime
def test_half_a_character_in_a_start_is_closed_and_logged_in_a_sentence(server):
    rows = [
        {"callSid": "CA\ud800"},
        {"callSid": "CA1", "customParameters": {"token": "a.\udfff.b"}},
        {"callSid": "CA1", "customParameters": {"\ud800": "x"}},
        {"callSid": "CA1", "accountSid": "\udc80"},
    ]

    async def scenario():
        for row in rows:
            async with ring(server) as phone:
                start = {"event": "start", "start": {"streamSid": "MZ" + "1" * 32, **row}}
                await phone.socket.send(json.dumps(start))
                code, reason = await phone.closed()
                assert (code, reason[:16]) == (1008, "half a character")

    asyncio.run(scenario())
    server.wait_for("half a character")
    assert "Traceback" not in server.log
