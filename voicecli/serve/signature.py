"""Whether a request comes from Twilio."""

from collections.abc import Mapping

from twilio.request_validator import RequestValidator

from voicecli.serve.settings import Access

HEADER = "X-Twilio-Signature"
ADVICE = (
    "the signature does not match: usually --public-url is not, to the letter, the address that "
    "Twilio called (https or http, host, port), or TWILIO_AUTH_TOKEN is another account's"
)


class SignatureCheck:
    """Checks webhooks and WebSocket handshakes; lets everything pass without an auth token."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._validator = RequestValidator(access.auth_token) if access.auth_token else None

    def webhook(self, path: str, form: Mapping[str, str], signature: str) -> bool:
        """Whether Twilio sent this form to `path` (with its query) of our public address."""
        if self._validator is None:
            return True
        return self._validator.validate(self._access.public_url + path, dict(form), signature)

    def handshake(self, signature: str) -> bool:
        """Whether Twilio opens this WebSocket."""
        if self._validator is None:
            return True
        return self._validator.validate(self._access.stream_url, {}, signature)
