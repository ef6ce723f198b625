"""A stand-in for Twilio's REST API that checks what it is sent; also for trying by hand:

python -m tests.voicecli.serve.twilio_stand_in
"""

import json
import re
import threading
from base64 import b64encode
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.voicecli.serve.conftest import TOKEN

SID = "AC" + "0123456789abcdef" * 2
NUMBER = "+15005550006"
OLD = "https://old.example/voice"


class TwilioStandIn(BaseHTTPRequestHandler):
    """One account with one number; `state` is shared by all requests."""

    state: dict

    def do_GET(self):
        if self._authorised():
            wanted = parse_qs(urlsplit(self.path).query).get("PhoneNumber", [None])[0]
            row = {"sid": "PN" + "1" * 32, "phone_number": NUMBER, "trunk_sid": self.state["trunk"]}
            row |= {"voice_url": self.state["voice_url"], "voice_method": self.state["method"]}
            row["voice_application_sid"] = self.state["application"]
            found = [row, *self.state["others"]] if wanted in {None, NUMBER} else []
            self._answer(200, {"incoming_phone_numbers": found, "page": 0, "page_size": 50})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = parse_qs(body, keep_blank_values=True)
        if not self._authorised():
            return
        path = urlsplit(self.path).path
        self.state["posts"].append((path, form))
        if re.search(r"/IncomingPhoneNumbers/PN1{32}\.json$", path):
            self.state["voice_url"] = form["VoiceUrl"][0]
            self.state["method"] = form["VoiceMethod"][0]
            self.state["application"] = form["VoiceApplicationSid"][0]
            self._answer(200, {"sid": "PN" + "1" * 32})
        elif re.search(r"/Calls(/CA\w+)?\.json$", path):
            if self.state["slow"].is_set():  # until the test has seen enough
                self.state["released"].wait(9)
            self._answer(201, {"sid": "CA" + "2" * 32})
        else:
            self._answer(404, {"code": 20404, "message": "not found", "status": 404})

    def _authorised(self):
        if self.state["down"]:
            self._answer(503, {"code": 20503, "message": "Service unavailable", "status": 503})
            return False
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


@contextmanager
def running():
    """The state of an account, which tests may look at and change."""
    state = {"voice_url": OLD, "method": "GET", "application": "", "trunk": None, "others": [],
             "down": False, "posts": [], "slow": threading.Event(),
             "released": threading.Event()}  # fmt: skip
    handler = type("Handler", (TwilioStandIn,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    state["url"] = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


if __name__ == "__main__":
    with running() as account:
        print(f"export VOICECLI_TWILIO_API={account['url']}")
        print(f"export TWILIO_ACCOUNT_SID={SID} TWILIO_AUTH_TOKEN={TOKEN}")
        print(f"# its number is {NUMBER}", flush=True)
        threading.Event().wait()
