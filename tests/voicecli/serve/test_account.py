"""Twilio's REST API as we use it, against a stand-in that checks what it is sent."""

import json
import re
import signal
import threading
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.voicecli.serve.conftest import TOKEN
from voicecli.errors import UsageError
from voicecli.serve.account import Account, TwilioError
from voicecli.serve.outside import Wishes, check_wishes
from voicecli.serve.tunnel import tunnel

SID = "AC" + "0123456789abcdef" * 2
NUMBER = "+15005550006"
OLD = "https://old.example/voice"


class TwilioStandIn(BaseHTTPRequestHandler):
    """One account with one number; `state` is shared by all requests."""

    state: dict

    def do_GET(self):
        if self._authorised():
            wanted = parse_qs(urlsplit(self.path).query).get("PhoneNumber", [""])[0]
            row = {"sid": "PN" + "1" * 32, "phone_number": NUMBER}
            row |= {"voice_url": self.state["voice_url"], "voice_method": self.state["method"]}
            found = [row] if wanted == NUMBER else []
            self._answer(200, {"incoming_phone_numbers": found, "page": 0, "page_size": 50})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = parse_qs(body)
        if not self._authorised():
            return
        path = urlsplit(self.path).path
        self.state["posts"].append((path, form))
        if re.search(r"/IncomingPhoneNumbers/PN1{32}\.json$", path):
            self.state["voice_url"], self.state["method"] = (
                form["VoiceUrl"][0],
                form["VoiceMethod"][0],
            )
            self._answer(200, {"sid": "PN" + "1" * 32})
        elif re.search(r"/Calls(/CA\w+)?\.json$", path):
            self._answer(201, {"sid": "CA" + "2" * 32})
        else:
            self._answer(404, {"code": 20404, "message": "not found", "status": 404})

    def _authorised(self):
        expected = "Basic " + b64encode(f"{SID}:{TOKEN}".encode()).decode()
        if self.headers["Authorization"] == expected:
            return True
        self._answer(401, {"code": 20003, "message": "Authenticate", "status": 401})
        return False

    def _answer(self, status, row):
        body = json.dumps(row).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Keep the test's output clean."""


@pytest.fixture
def twilio():
    state = {"voice_url": OLD, "method": "GET", "posts": []}
    handler = type("Handler", (TwilioStandIn,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    state["url"] = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def account(twilio):
    return Account(SID, TOKEN, twilio["url"])


def test_a_number_is_pointed_at_us_and_back(twilio, account):
    before = account.point(NUMBER, "https://agent.example/voice")
    assert (twilio["voice_url"], twilio["method"]) == ("https://agent.example/voice", "POST")
    account.restore(NUMBER, before)
    assert (twilio["voice_url"], twilio["method"]) == (OLD, "GET")


def test_a_number_of_somebody_else_is_named(account):
    with pytest.raises(TwilioError, match=r"\+15005550001 is not a number of this account"):
        account.point("+15005550001", "https://agent.example/voice")


def test_bad_credentials_say_which_of_the_two_and_show_neither(twilio):
    with pytest.raises(UsageError, match="TWILIO_ACCOUNT_SID is not an account's SID"):
        Account("SK123", TOKEN)
    with pytest.raises(TwilioError, match="token is wrong") as caught:
        Account(SID, "wrong-token", twilio["url"]).point(NUMBER, "https://agent.example/voice")
    assert "wrong-token" not in str(caught.value)


def test_twilio_out_of_reach_on_exit_says_how_to_put_the_webhook_back(account, twilio):
    before = account.point(NUMBER, "https://agent.example/voice")
    gone = Account(SID, TOKEN, "http://127.0.0.1:9")
    with pytest.raises(TwilioError, match=rf"by hand: .*{re.escape(OLD)} GET") as caught:
        gone.restore(NUMBER, before)
    assert "cannot be reached" in str(caught.value)


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


def test_wishes_that_lack_something_are_explained(monkeypatch):
    for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "NGROK_AUTHTOKEN"):
        monkeypatch.delenv(name, raising=False)
    nothing = Wishes(None, None, "", None, "0")
    assert check_wishes(nothing, public=False) is None
    with pytest.raises(UsageError, match="--call needs --number"):
        check_wishes(Wishes(None, NUMBER, "", None, "0"), public=True)
    with pytest.raises(UsageError, match="--ngrok or --public-url"):
        check_wishes(Wishes(NUMBER, None, "", None, "0"), public=False)
    with pytest.raises(UsageError, match="set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"):
        check_wishes(Wishes(NUMBER, None, "", None, "0"), public=True)
    with pytest.raises(UsageError, match="set NGROK_AUTHTOKEN"), tunnel(8000):
        pass


@pytest.mark.realtime
def test_serve_borrows_the_number_while_it_runs(serve, twilio, monkeypatch):
    monkeypatch.setenv("VOICECLI_TWILIO_API", twilio["url"])
    server = serve("--public-url", "https://agent.example", "--number", NUMBER, "--max-calls", "1",
                   token=TOKEN, account=SID)  # fmt: skip
    server.wait_for("answering")
    assert twilio["voice_url"] == "https://agent.example/voice"
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert (twilio["voice_url"], twilio["method"]) == (OLD, "GET")
