"""Twilio: Media Streams, TwiML, and an account behind its REST API."""

from collections.abc import Mapping
from typing import Final

from voicecli.carriers.protocol import Account, Dialler, HttpRequest, Signature, Webhooks
from voicecli.carriers.twilio.codec import MAX_FROM_CALLER, AgentEnd

# Twilio's library takes a good part of a second to load: only for those who need it.
# ruff: noqa: PLC0415

AUTH_TOKEN: Final = "TWILIO_AUTH_TOKEN"  # noqa: S105 - the name of a variable
ACCOUNT_SID: Final = "TWILIO_ACCOUNT_SID"
API_VARIABLE: Final = "VOICECLI_TWILIO_API"
"""Another address of the REST API: a region's, or a stand-in's."""


class Twilio:
    """A `Carrier`."""

    title = "Twilio"
    secret = AUTH_TOKEN
    credentials = (ACCOUNT_SID,)
    console = "Twilio console, Account Info"
    max_message = 4 * MAX_FROM_CALLER  # a character has up to four bytes

    def agent_end(self, handshake: HttpRequest) -> AgentEnd:  # noqa: ARG002 - it says all in `start`
        """The agent's end of a media stream."""
        return AgentEnd()

    def signature(self, secret: str | None) -> Signature:
        """X-Twilio-Signature; without an auth token everything passes."""
        from voicecli.carriers.twilio.signature import TwilioSignature

        return TwilioSignature(secret)

    def webhooks(self) -> Webhooks:
        """Forms that are answered with TwiML."""
        from voicecli.carriers.twilio.webhooks import TwilioWebhooks

        return TwilioWebhooks()

    def account(self, environ: Mapping[str, str]) -> Account:
        """The account of these variables; UsageError if its SID cannot be one."""
        from voicecli.carriers.twilio.account import API, TwilioAccount

        sid, token = (environ.get(name, "").strip() for name in (ACCOUNT_SID, AUTH_TOKEN))
        return TwilioAccount(sid, token, environ.get(API_VARIABLE) or API)

    def dialler(self, secret: str | None) -> Dialler:
        """Asks an agent's webhook as Twilio would, and opens its media stream."""
        from voicecli.carriers.twilio.dialler import TwilioDialler

        return TwilioDialler(secret)


def build() -> Twilio:
    """The carrier."""
    return Twilio()
