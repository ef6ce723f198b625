"""Who may open Asterisk's media WebSocket."""

import base64

import pytest

from voicecli.carriers.asterisk.handshake import AsteriskDialler, PasswordCheck
from voicecli.carriers.errors import DialError
from voicecli.carriers.protocol import HttpRequest

URL = "wss://agent.example/media"


def opened(**headers):
    return HttpRequest(URL, headers)


def basic(text):
    return opened(authorization="Basic " + base64.b64encode(text).decode())


def test_the_password_lets_in_whatever_the_user_is_called():
    check = PasswordCheck("s3cret:ä")
    assert check.is_genuine(basic("voicecli:s3cret:ä".encode()))
    assert check.is_genuine(basic(":s3cret:ä".encode()))
    headers = {k.lower(): v for k, v in AsteriskDialler("s3cret:ä").headers(URL).items()}
    assert check.is_genuine(HttpRequest(URL, headers))


@pytest.mark.parametrize(
    "request_",
    [
        opened(), opened(authorization=""), opened(authorization="Basic"),
        opened(authorization="Basic \u00ff!"), opened(authorization="Bearer czNjcmV0"),
        basic(b"s3cret"), basic(b"voicecli:"), basic(b"voicecli:s3cre"), basic(b"voicecli:\xff"),
        opened(authorization="Digest " + base64.b64encode(b"a:s3cret").decode()),
    ],
)  # fmt: skip
def test_whoever_does_not_know_it_stays_out(request_):
    assert not PasswordCheck("s3cret").is_genuine(request_)


def test_without_a_password_everybody_is_let_in():
    assert PasswordCheck(None).is_genuine(opened())
    assert AsteriskDialler(None).headers(URL) == {}


def test_asterisk_asks_no_webhook():
    dialler = AsteriskDialler(None)
    assert dialler.find_stream(URL, dialler.new_call_id()).url == URL
    with pytest.raises(DialError, match="dial ws://HOST/media"):
        dialler.find_stream("https://agent.example/voice", "1")
