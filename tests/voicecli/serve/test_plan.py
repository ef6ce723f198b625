"""What a server may be asked to do, and what it lacks to do it."""

import pytest

from tests.voicecli.serve.conftest import TOKEN
from tests.voicecli.serve.twilio_stand_in import NUMBER, SID
from voicecli.errors import UsageError
from voicecli.serve.plan import Request, missing_variables, plan_server
from voicecli.serve.settings import CarrierOptions, parse_public_url
from voicecli.serve.tunnel import tunnel

PUBLIC = "https://agent.example"
VARIABLES = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "NGROK_AUTHTOKEN")


@pytest.fixture(autouse=True)
def _no_account(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def account(monkeypatch):
    for name, value in zip(VARIABLES, (SID, TOKEN, "ngrok-secret"), strict=True):
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    "url",
    ["https://\udcff", "https://[", "https://[::1", "https://a b", "https://a:99999", "https://a:x",
     "https://u:p@a", "https://%41", "https://a\n", "https://:80", "https://a?x", "https://a#x"],
)  # fmt: skip
def test_a_public_address_that_is_none_is_one_sentence(url):
    with pytest.raises(UsageError, match="write https://HOST") as caught:
        parse_public_url(url)
    str(caught.value).encode()


@pytest.mark.parametrize("name", ["TWILIO_AUTH_TOKEN", "TWILIO_ACCOUNT_SID", "NGROK_AUTHTOKEN"])
def test_a_secret_that_is_no_text_is_one_sentence(monkeypatch, name):
    monkeypatch.setenv(name, "abc\udcffdef")
    with pytest.raises(UsageError, match=rf"{name} holds what is no text"):
        plan_server(Request())


def refusal(**wanted):
    with pytest.raises(UsageError) as caught:
        plan_server(Request(**wanted))
    return str(caught.value)


def test_without_an_account_there_is_a_server_for_this_computer():
    plan = plan_server(Request())
    assert plan.settings.access.public_url == "http://127.0.0.1:8000"
    assert plan.settings.access.secret is None
    assert plan.settings.operators is None
    assert plan.account is None


def test_all_that_is_missing_is_said_at_once_with_what_works_without():
    request = Request(ngrok=True, options=CarrierOptions(number=NUMBER))
    assert missing_variables(request) == list(VARIABLES)
    said = refusal(ngrok=True, options=CarrierOptions(number=NUMBER))
    assert "set TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and NGROK_AUTHTOKEN" in said
    assert "voicecli dial ws://127.0.0.1:8000/media" in said
    assert refusal(host="0.0.0.0").startswith("set TWILIO_AUTH_TOKEN (")  # noqa: S104


@pytest.mark.usefixtures("account")
def test_with_an_account_everybody_must_sign():
    assert plan_server(Request()).settings.access.secret == TOKEN
    plan = plan_server(Request(ngrok=True, options=CarrierOptions(answer=True)))
    assert plan.ngrok
    assert plan.account is not None
    assert TOKEN not in repr(plan)
    assert plan_server(Request(insecure=True)).settings.access.secret is None


def test_another_carrier_has_variables_and_options_of_its_own(monkeypatch):
    monkeypatch.delenv("ASTERISK_PASSWORD", raising=False)
    assert plan_server(Request(carrier="asterisk")).settings.carrier.title == "Asterisk"
    said = refusal(carrier="asterisk", host="0.0.0.0")  # noqa: S104
    assert said.startswith("set ASTERISK_PASSWORD (Asterisk's websocket_client.conf, password)")
    monkeypatch.setenv("ASTERISK_PASSWORD", "s3cret")
    plan = plan_server(Request(carrier="asterisk", host="0.0.0.0"))  # noqa: S104
    assert (plan.settings.access.secret, plan.account) == ("s3cret", None)
    assert "s3cret" not in repr(plan)
    for options in (
        CarrierOptions(transfer_to=NUMBER),
        CarrierOptions(answer=True),
        CarrierOptions(call=NUMBER),
    ):
        assert "no account to ask" in refusal(carrier="asterisk", options=options)
    said = refusal(carrier="asterisk", insecure=True, host="0.0.0.0")  # noqa: S104
    assert "leave out --host, --public-url and --ngrok, or set ASTERISK_PASSWORD" in said
    assert refusal(carrier="smoke") == "there is no carrier 'smoke'; there are: asterisk, twilio."


@pytest.mark.usefixtures("account")
def test_who_can_reach_the_port_cannot_read_the_figures():
    assert plan_server(Request(public_url=PUBLIC)).settings.operators == ("127.0.0.1", 8001)
    assert plan_server(Request(ngrok=True, port=0)).settings.operators == ("127.0.0.1", 0)
    cluster = Request(host="0.0.0.0", operators="0.0.0.0:9090")  # noqa: S104
    assert plan_server(cluster).settings.operators == ("0.0.0.0", 9090)  # noqa: S104
    assert plan_server(Request(operators="9090")).settings.operators == ("127.0.0.1", 9090)
    assert "write HOST:PORT" in refusal(operators="here:there")


@pytest.mark.usefixtures("account")
def test_the_public_url_is_what_gets_signed():
    access = plan_server(Request(public_url="https://agent.example/")).settings.access
    assert access.stream_url == "wss://agent.example/media"
    for wrong in ("agent.example", "https://agent.example/voice", "ftp://agent.example"):
        assert "write https://HOST" in refusal(public_url=wrong)


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"options": CarrierOptions(answer=True)}, "--ngrok .* or --public-url"),
        ({"options": CarrierOptions(call=NUMBER), "public_url": PUBLIC}, "--call needs --twilio"),
        ({"insecure": True, "host": "0.0.0.0"}, "loopback only"),  # noqa: S104
        ({"insecure": True, "public_url": PUBLIC}, "loopback only"),
        ({"insecure": True, "options": CarrierOptions(answer=True)}, "loopback only"),
        ({"ngrok": True, "public_url": PUBLIC}, "choose one"),
    ],
)
def test_contradictions_are_explained(wanted, why):
    with pytest.raises(UsageError, match=why):
        plan_server(Request(**wanted))


def test_a_tunnel_needs_its_token():
    with pytest.raises(UsageError, match="set NGROK_AUTHTOKEN"), tunnel(8000):
        pass
