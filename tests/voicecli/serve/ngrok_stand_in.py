#!/usr/bin/env python3
"""A stand-in for the ngrok program, as far as pyngrok talks to it; put on the PATH as `ngrok`.

It refuses the token "refused" as ngrok does, and leads nowhere. What it was started with is
written to the file in NGROK_STAND_IN_LOG.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

PUBLIC = "https://stand-in.ngrok.app"


class Api(BaseHTTPRequestHandler):
    def do_GET(self):
        self._answer(200, {"tunnels": [], "endpoints": []})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        address = asked.get("addr") or asked["upstream"]["url"]
        note(f"tunnel to {address}")
        self._answer(201, {
            "name": asked["name"], "uri": f"{self.path}/{asked['name']}", "public_url": PUBLIC,
            "url": PUBLIC, "config": {"addr": address}, "upstream": {"url": address}, "metrics": {},
        })  # fmt: skip

    def _answer(self, status, row):
        body = json.dumps(row).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """ngrok's output is read: keep it clean."""


def note(text):
    with open(os.environ["NGROK_STAND_IN_LOG"], "a", encoding="utf-8") as file:  # noqa: PTH123
        file.write(text + "\n")


def main():
    note(f"pid {os.getpid()} session {os.getsid(0)} {' '.join(sys.argv[1:])}")
    if os.environ.get("NGROK_AUTHTOKEN") == "refused":
        print(
            'lvl=eror msg="failed to reconnect session" '
            'err="authentication failed: the token refused is invalid (ERR_NGROK_105)"',
            flush=True,
        )
        sys.exit(1)
    server = HTTPServer(("127.0.0.1", 0), Api)
    print(f'lvl=info msg="starting web service" addr=127.0.0.1:{server.server_port}', flush=True)
    print('lvl=info msg="tunnel session started"', flush=True)
    print('lvl=info msg="client session established"', flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
