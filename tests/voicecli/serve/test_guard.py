"""Web pages and rebound names reach no route of a server, on whichever port."""

import asyncio
import socket

import pytest

from tests.voicecli.serve.conftest import TOKEN, ring
from voicecli.serve.guard import Guard, host_name

OURS = ("/voice", "/status", "/metrics", "/readyz", "/healthz", "/media", "/nothing")
PAGE = {
    "a script": "Origin: https://page.example",
    "a sandboxed one": "Origin: null",
    "a picture": "Sec-Fetch-Site: cross-site",
    "a page of another port": "Sec-Fetch-Site: same-site",
}
REBOUND = ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example",
           "user@evil.example", "127.0.0.1@evil.example", "evil.example.", "[::1].evil.example",
           "2130706433.evil.example")  # fmt: skip


def status(port, path, *lines, method="GET", host="127.0.0.1"):
    """What a server answers to exactly these lines."""
    head = [f"{method} {path} HTTP/1.1", *([f"Host: {host}"] if host else []), *lines]
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall("\r\n".join([*head, "Connection: close", "", ""]).encode("latin-1"))
        return int(connection.recv(65_536).split()[1])


@pytest.mark.realtime
def test_no_page_reaches_any_route(server):
    before = server.metric('refused_total{reason="web page"}')
    answers = {
        (path, kind, method): status(server.port, path, line, method=method)
        for path in OURS for kind, line in PAGE.items() for method in ("GET", "POST")
    }  # fmt: skip
    assert set(answers.values()) == {403}, answers
    assert server.metric('refused_total{reason="web page"}') == before + len(answers)
    assert status(server.port, "/readyz", "Sec-Fetch-Site: none") == 200  # entered by hand
    for headers in ({"Origin": "https://page.example"}, {"Sec-Fetch-Site": "cross-site"}):

        async def scenario(headers=headers):
            with pytest.raises(Exception, match="403"):
                async with ring(server, **headers):
                    pass

        asyncio.run(scenario())


@pytest.mark.realtime
def test_no_rebound_name_reaches_any_route(server):
    answers = {(p, h): status(server.port, p, host=h) for p in OURS for h in REBOUND}
    assert set(answers.values()) == {400}, answers
    assert status(server.port, "/readyz", "Host: evil.example") == 400  # a second one
    for name in ("127.0.0.1", f"localhost:{server.port}", "LOCALHOST", "[::1]:8000"):
        assert status(server.port, "/readyz", host=name) == 200


@pytest.mark.realtime
def test_a_public_server_and_its_operators_port_know_their_names(serve):
    server = serve("--max-calls", "1", "--public-url", "https://agent.example:8443",
                   "--operators", "0", token=TOKEN)  # fmt: skip
    operators = int(server.wait_for(r"metrics=http://127\.0\.0\.1:(\d+)/metrics")[1])
    for port, path, right in ((server.port, "/voice", 403), (operators, "/readyz", 200)):
        # 403 is that of the missing signature: such a request came as far as the route.
        for host in ("agent.example", "Agent.Example:8443", "10.1.2.3:8000", "voicecli:8000"):
            assert status(port, path, host=host) == right
        assert {status(port, path, host=host) for host in REBOUND} == {400}
        assert status(port, path, "Origin: https://agent.example") == 403
    assert status(operators, "/readyz", "Origin: https://grafana.example") == 403
    assert status(operators, "/metrics", "Sec-Fetch-Site: cross-site") == 403


@pytest.mark.parametrize(
    ("host", "name"),
    [("A.example:80", "a.example"), ("[::1]:80", "::1"), ("[::1", ""), ("", ""), ("a.b.", "a.b")],
)
def test_the_name_of_a_host(host, name):
    assert host_name(host) == name


def test_a_health_check_without_a_host_is_none_of_a_browsers():
    def asked(*, local_only):
        refused, passed = [], []

        async def app(_scope, _receive, _send):
            passed.append(True)

        async def send(_message):
            pass

        guard = Guard(app, local_only=local_only, refused=refused.append)
        asyncio.run(guard({"type": "http", "headers": []}, None, send))
        return passed, refused

    assert asked(local_only=False) == ([True], [])
    assert asked(local_only=True) == ([], ["host"])
