"""Whether a request comes from Twilio."""

from typing import Final

from twilio.request_validator import RequestValidator

from voicecli.carriers.protocol import HttpRequest

HEADER: Final = "X-Twilio-Signature"


class TwilioSignature:
    """Checks webhooks and WebSocket handshakes; lets everything pass without an auth token."""

    advice = (
        "the signature does not match: usually --public-url is not, to the letter, the address "
        "that Twilio called (https or http, host, port), or TWILIO_AUTH_TOKEN is another account's"
    )

    def __init__(self, auth_token: str | None) -> None:
        self._validator = RequestValidator(auth_token) if auth_token else None

    def is_genuine(self, request: HttpRequest) -> bool:
        """Whether Twilio signed this address and form."""
        if self._validator is None:
            return True
        signature = request.headers.get(HEADER.lower(), "")
        return self._validator.validate(request.url, request.form, signature)
