"""What we ask of Twilio's REST API; changes with what a Twilio account is used for.

All of it blocks; secrets come from the environment and appear in no message.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from voicecli.errors import UsageError, VoicecliError
from voicecli.serve import twiml
from voicecli.serve.settings import ACCOUNT_SID, AUTH_TOKEN

_API: Final = "https://api.twilio.com"
_TIMEOUT_S: Final = 10.0


class TwilioError(VoicecliError):
    """Twilio refuses a request or cannot be reached."""

    exit_code = 9


class _RebasedHttpClient(TwilioHttpClient):
    """Sends what is meant for api.twilio.com to another address, such as a stand-in."""

    def __init__(self, base_url: str) -> None:
        super().__init__(timeout=_TIMEOUT_S, pool_connections=False)
        self._base_url = base_url.rstrip("/")

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        return super().request(method, url.replace(_API, self._base_url, 1), *args, **kwargs)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a number sends its calls."""

    number_sid: str
    url: str
    method: str


class Account:
    """One Twilio account.

    Args:
        sid: AC and 32 hex digits.
        auth_token: its secret.
        base_url: of the REST API.

    Raises UsageError if the account's SID cannot be one.
    """

    def __init__(self, sid: str, auth_token: str, base_url: str = _API) -> None:
        if not re.fullmatch(r"AC[0-9a-fA-F]{32}", sid):
            raise UsageError(f"{ACCOUNT_SID} is not an account's SID: AC and 32 hex digits.")
        self._client = Client(sid, auth_token, http_client=_RebasedHttpClient(base_url))

    @classmethod
    def from_environment(cls, base_url: str | None = None) -> "Account":
        """The account that the environment names; UsageError says which variable is missing."""
        missing = [name for name in (ACCOUNT_SID, AUTH_TOKEN) if not os.environ.get(name)]
        if missing:
            raise UsageError(
                f"set {' and '.join(missing)} (Twilio console, Account Info); without an account, "
                "try `voicecli serve --insecure` and `voicecli dial`."
            )
        sid, token = os.environ[ACCOUNT_SID].strip(), os.environ[AUTH_TOKEN].strip()
        return cls(sid, token, base_url or _API)

    def point(self, number: str, url: str) -> Webhook:
        """Send the number's calls to `url`; where they went before. Raises TwilioError."""
        with _explained():
            found = self._client.incoming_phone_numbers.list(phone_number=number, limit=1)
        if not found:
            raise TwilioError(f"{number} is not a number of this account; write it like +15551234.")
        before = Webhook(
            str(found[0].sid), found[0].voice_url or "", found[0].voice_method or "POST"
        )
        self._set(before.number_sid, url, "POST")
        return before

    def restore(self, number: str, before: Webhook) -> None:
        """Send the number's calls where they went before.

        Raises:
            TwilioError: it did not work; says how to do it by hand.
        """
        try:
            self._set(before.number_sid, before.url, before.method)
        except TwilioError as error:
            raise TwilioError(
                f"{number} still points at this server: {error} Put it back by hand: Twilio "
                f"console, Phone Numbers, {number}, A call comes in: "
                f"{before.url or '(empty)'} {before.method}"
            ) from None

    def transfer(self, call_sid: str, number: str) -> None:
        """Put a live call through to somebody else. Raises TwilioError."""
        with _explained():
            self._client.calls(call_sid).update(twiml=twiml.transfer(number))

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

    def _set(self, number_sid: str, url: str, method: str) -> None:
        with _explained():
            self._client.incoming_phone_numbers(number_sid).update(
                voice_url=url, voice_method=method
            )


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
                f"Twilio knows the account of {ACCOUNT_SID} not by this {AUTH_TOKEN}: the token is "
                "wrong or was rotated, or both are of different accounts."
            ) from None
        said = error.msg if isinstance(error, TwilioRestException) else str(error)
        raise TwilioError(f"Twilio refuses ({status or 'no status'}): {said}") from None
    except OSError as error:  # those of requests are
        raise TwilioError(f"Twilio cannot be reached ({type(error).__name__}).") from None
