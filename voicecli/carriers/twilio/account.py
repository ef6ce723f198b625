"""What we ask of Twilio's REST API.

All of it blocks; secrets come from the environment and appear in no message.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from voicecli.carriers.errors import CarrierError
from voicecli.carriers.twilio import ACCOUNT_SID, AUTH_TOKEN
from voicecli.carriers.twilio.webhook_lease import Webhook, WebhookLease, borrow
from voicecli.carriers.twilio.webhooks import transfer
from voicecli.errors import UsageError

API: Final = "https://api.twilio.com"
_TIMEOUT_S: Final = 10.0
_SHOWN: Final = 5


class TwilioError(CarrierError):
    """Twilio refuses a request or cannot be reached."""


class _RebasedHttpClient(TwilioHttpClient):
    """Sends what is meant for api.twilio.com to another address, such as a stand-in."""

    def __init__(self, base_url: str) -> None:
        super().__init__(timeout=_TIMEOUT_S, pool_connections=False)
        self._base_url = base_url.rstrip("/")

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        return super().request(method, url.replace(API, self._base_url, 1), *args, **kwargs)


class TwilioAccount:
    """One account.

    Args:
        sid: AC and 32 hex digits.
        auth_token: its secret.
        base_url: of the REST API.

    Raises UsageError if the account's SID cannot be one.
    """

    def __init__(self, sid: str, auth_token: str, base_url: str = API) -> None:
        if not re.fullmatch(r"AC[0-9a-fA-F]{32}", sid):
            raise UsageError(f"{ACCOUNT_SID} is not an account's SID: AC and 32 hex digits.")
        self._client = Client(sid, auth_token, http_client=_RebasedHttpClient(base_url))

    def check(self, number: str | None) -> None:
        """Make sure that the number can be borrowed; raises what `webhook` raises."""
        self.webhook(number)

    def borrow(self, number: str | None, webhook: str) -> WebhookLease:
        """Send a number's calls to this webhook; raises what `webhook` raises, and StorageError."""
        return borrow(self, number, webhook)

    def webhook(self, number: str | None) -> Webhook:
        """Where a number sends its calls; None: that of the account's only number.

        Raises:
            TwilioError: it is none of the account's, or it is not clear which; or Twilio refuses or
                is out of reach.
        """
        with _explained():
            if number is None:
                found = self._client.incoming_phone_numbers.list(limit=_SHOWN + 1)
            else:
                found = self._client.incoming_phone_numbers.list(phone_number=number, limit=1)
        if number is None and len(found) != 1:
            numbers = ", ".join(str(row.phone_number) for row in found[:_SHOWN]) or "none"
            raise TwilioError(f"say which number with --number; the account has {numbers}.")
        if not found:
            raise TwilioError(f"{number} is not a number of this account; write it like +15551234.")
        row = found[0]
        if row.trunk_sid:
            raise TwilioError(
                f"{row.phone_number} belongs to a SIP trunk, which its calls go to; take it out of "
                "the trunk, or choose another --number."
            )
        return Webhook(
            str(row.phone_number), str(row.sid), row.voice_url or "", row.voice_method or "POST",
            row.voice_application_sid or "",
        )  # fmt: skip

    def point(self, webhook: Webhook) -> None:
        """Send a number's calls there.

        Raises:
            TwilioError: Twilio refuses or is out of reach.
        """
        with _explained():
            self._client.incoming_phone_numbers(webhook.number_sid).update(
                voice_url=webhook.url,
                voice_method=webhook.method,
                voice_application_sid=webhook.application_sid,  # it would go before the address
            )

    def transfer(self, call_id: str, number: str) -> None:
        """Put a live call through to somebody else. Raises TwilioError."""
        with _explained():
            self._client.calls(call_id).update(twiml=transfer(number))

    def call(self, to: str, from_: str, public_url: str, *, record: bool) -> str:
        """Ring somebody up; when they or their answering machine's beep answer, /voice is asked.

        Returns:
            The call's SID.

        Raises:
            TwilioError: Twilio refuses or is out of reach.
        """
        with _explained():
            placed = self._client.calls.create(
                to=to, from_=from_, url=f"{public_url}/voice", machine_detection="DetectMessageEnd",
                status_callback=f"{public_url}/status",
                status_callback_event=["ringing", "answered", "completed"],
                record=record, recording_channels="dual",
            )  # fmt: skip
        return str(placed.sid)


@contextmanager
def _explained() -> Iterator[None]:
    """Twilio's errors as ours."""
    try:
        yield
    except TwilioException as error:
        # A list that cannot be had raises the plain class, with the status in its text only.
        found = re.search(r"HTTP (\d{3})", str(error))
        status = error.status if isinstance(error, TwilioRestException) else found and int(found[1])
        if status == 401:
            raise TwilioError(
                f"Twilio refuses the credentials (401): {AUTH_TOKEN} is not the token of the "
                f"account in {ACCOUNT_SID}; it is wrong or old, or the SID is another's."
            ) from None
        said = error.msg if isinstance(error, TwilioRestException) else str(error)
        raise TwilioError(f"Twilio refuses ({status or 'no status'}): {said}") from None
    except OSError as error:  # those of requests are
        raise TwilioError(f"Twilio cannot be reached ({type(error).__name__}).") from None
