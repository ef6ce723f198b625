"""Carriers by name: our own, and those of other installed packages."""

import pytest

from voicecli.carriers.protocol import Account, Carrier, Dialler, HttpRequest, Signature, Webhooks
from voicecli.carriers.registry import carrier_names, examine_plug_in, find_carrier, plug_ins
from voicecli.doctor.installation import plug_ins as findings
from voicecli.errors import UsageError
from voicecli.serve import environment

GROUP = "voicecli.carriers"
ACME = """
class Acme:
    title, secret, credentials, console, max_message = "Acme", "ACME_KEY", (), "the console", 1000
    def agent_end(self, handshake): ...
    def signature(self, secret): ...
    def webhooks(self): ...
    def account(self, environ): ...
    def dialler(self, secret): ...

def build():
    return Acme()
"""


@pytest.mark.parametrize("name", ["twilio", "asterisk"])
def test_each_carrier_that_is_here_is_one(name):
    assert name in carrier_names()
    carrier = find_carrier(name)
    assert isinstance(carrier, Carrier)
    assert carrier.title.lower() == name
    names = (carrier.secret, *carrier.credentials)
    assert all(each.startswith(f"{name.upper()}_") for each in names)
    handshake = HttpRequest("wss://agent.example/media", {})
    first, second = carrier.agent_end(handshake), carrier.agent_end(handshake)
    assert first is not second
    signature: Signature = carrier.signature("secret")
    assert not signature.is_genuine(handshake)
    assert carrier.signature(None).is_genuine(handshake)
    dialler: Dialler = carrier.dialler("secret")
    assert dialler.new_call_id() != dialler.new_call_id()
    proof = {key.lower(): value for key, value in dialler.headers(handshake.url).items()}
    assert signature.is_genuine(HttpRequest(handshake.url, proof))


def test_a_carrier_without_webhooks_or_account_says_so():
    twilio, asterisk = find_carrier("twilio"), find_carrier("asterisk")
    webhooks: Webhooks | None = twilio.webhooks()
    account: Account | None = twilio.account(
        {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "t"}
    )
    assert webhooks is not None
    assert account is not None
    assert asterisk.webhooks() is None
    assert asterisk.account({}) is None


def test_what_all_carriers_share_is_none():
    assert not {"leg", "protocol", "registry", "errors"} & {*carrier_names()}
    with pytest.raises(UsageError, match="no carrier 'leg'; there are: asterisk, twilio"):
        find_carrier("leg")


def test_another_package_adds_a_carrier_whose_secrets_no_call_sees(install, monkeypatch):
    install("acme", {GROUP: {"acme": "acme_carrier"}}, {"acme_carrier": ACME})
    assert find_carrier("acme").title == "Acme"
    environment.server_prefixes.cache_clear()
    assert environment.is_secret("ACME_KEY")
    assert environment.is_secret("ACME_REGION")
    environment.server_prefixes.cache_clear()
    assert [f.sentence for f in findings()] == ["acme 1.0: carrier acme"]


def test_a_name_that_is_here_stays_ours(install):
    install("thief", {GROUP: {"twilio": "thief_carrier"}}, {"thief_carrier": "raise SystemExit(3)"})
    assert find_carrier("twilio").title == "Twilio"
    (found,) = plug_ins()
    assert "never used" in examine_plug_in(found)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("", "AttributeError"),
        ("def build(): return object()", r"gives is no Carrier of voicecli\.carriers\.protocol"),
    ],
)
def test_a_carrier_that_breaks_down_costs_a_sentence(install, source, why):
    install("acme", {GROUP: {"acme": "acme_carrier"}}, {"acme_carrier": source})
    with pytest.raises(UsageError, match=rf"carrier acme of the package acme 1\.0 .*{why}"):
        find_carrier("acme")


def test_two_packages_with_one_carrier_are_told_apart(install):
    for name in ("one", "two"):
        install(name, {GROUP: {"acme": f"{name}_acme"}}, {f"{name}_acme": ACME})
    with pytest.raises(UsageError, match=r"offered by .*: uninstall all but one"):
        find_carrier("acme")
