"""Asterisk, a telephone system of one's own, through its media WebSocket (chan_websocket)."""

from collections.abc import Mapping
from typing import Final

from voicecli.carriers.asterisk.codec import MAX_TEXT, AgentEnd
from voicecli.carriers.asterisk.handshake import AsteriskDialler, PasswordCheck
from voicecli.carriers.protocol import HttpRequest

PASSWORD: Final = "ASTERISK_PASSWORD"  # noqa: S105 - the name of a variable


class Asterisk:
    """A `Carrier` that just opens a WebSocket for each call: no webhooks, and no account."""

    title = "Asterisk"
    secret = PASSWORD
    credentials = ()
    console = "Asterisk's websocket_client.conf, password"
    max_message = 4 * MAX_TEXT  # a character has up to four bytes

    def agent_end(self, handshake: HttpRequest) -> AgentEnd:  # noqa: ARG002 - MEDIA_START says all
        """The agent's end of a connection."""
        return AgentEnd()

    def signature(self, secret: str | None) -> PasswordCheck:
        """Its user name and password; without one everything passes."""
        return PasswordCheck(secret)

    def webhooks(self) -> None:
        """None: the dialplan has decided."""

    def account(self, environ: Mapping[str, str]) -> None:
        """None: numbers are the dialplan's."""

    def dialler(self, secret: str | None) -> AsteriskDialler:
        """Opens an agent's WebSocket as Asterisk does."""
        return AsteriskDialler(secret)


def build() -> Asterisk:
    """The carrier."""
    return Asterisk()
