"""Who opens Asterisk's media WebSocket: both ends of its user name and password."""

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping

from voicecli.carriers.asterisk.codec import MAX_BINARY, CallerEnd
from voicecli.carriers.errors import DialError
from voicecli.carriers.protocol import HttpRequest, StreamAddress


class PasswordCheck:
    """Checks handshakes, whatever their user is called; all of them pass without a password."""

    advice = (
        "the password does not match: `password` in Asterisk's websocket_client.conf must be "
        "what ASTERISK_PASSWORD is here, and `username` be set"
    )

    def __init__(self, password: str | None) -> None:
        self._password = password.encode() if password else None

    def is_genuine(self, request: HttpRequest) -> bool:
        """Whether it brings the password (HTTP Basic)."""
        if self._password is None:
            return True
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        try:
            decoded = base64.b64decode(credentials, validate=True)
        except (binascii.Error, ValueError):
            return False
        _, _, password = decoded.partition(b":")
        return scheme.lower() == "basic" and hmac.compare_digest(password, self._password)


class AsteriskDialler:
    """A `Dialler`: opens an agent's WebSocket as Asterisk does."""

    max_message = MAX_BINARY

    def __init__(self, password: str | None) -> None:
        self._password = password

    def new_call_id(self) -> str:
        """A channel's unique id."""
        return f"voicecli-{secrets.token_hex(8)}"

    def find_stream(self, url: str, _call_id: str) -> StreamAddress:
        """The address itself; DialError if it is no WebSocket's."""
        if not url.startswith(("ws://", "wss://")):
            raise DialError(f"{url}: Asterisk asks no webhook; dial ws://HOST/media.")
        return StreamAddress(url)

    def headers(self, _url: str) -> Mapping[str, str]:
        """The password, if there is one."""
        if not self._password:
            return {}
        credentials = base64.b64encode(f"voicecli:{self._password}".encode()).decode()
        return {"Authorization": f"Basic {credentials}"}

    def caller_end(self) -> CallerEnd:
        """Asterisk's end of a new connection."""
        return CallerEnd()
