"""What Twilio signs, and what nobody else can."""

from urllib.parse import urlencode

from voicecli.carriers.protocol import HttpRequest
from voicecli.carriers.twilio.signature import TwilioSignature

URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = {
    "CallSid": "CA1234567890ABCDE", "Digits": "1234", "From": "+14158675309",
    "To": "+18005551212", "Caller": "+14158675309",
}  # fmt: skip


def request(url=URL, form=FORM, signature="RSOYDt4T1cUTdK1PDd93/VVr8B8="):
    return HttpRequest(url, {"x-twilio-signature": signature}, urlencode(form).encode())


def test_twilios_published_example_is_signed_as_published():
    check = TwilioSignature("12345")
    assert check.is_genuine(request())
    assert not check.is_genuine(request(form={**FORM, "Digits": "1235"}))
    assert not check.is_genuine(request(url="https://mycompany.com/other"))
    assert not check.is_genuine(request(signature=""))
    assert not check.is_genuine(HttpRequest(URL, {}, urlencode(FORM).encode()))
    assert not check.is_genuine(request(url="wss://mycompany.com/media", form={}))


def test_without_a_token_everything_passes():
    assert TwilioSignature(None).is_genuine(request(signature="wrong"))
