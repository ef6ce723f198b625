"""Does to an agent what Twilio does: asks its voice webhook, and opens the media stream."""

import secrets
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Final

from twilio.request_validator import RequestValidator

from voicecli.carriers.errors import DialError
from voicecli.carriers.protocol import StreamAddress
from voicecli.carriers.twilio.codec import MAX_TO_CALLER, CallerEnd
from voicecli.carriers.twilio.signature import HEADER

_ACCOUNT_SID: Final = "AC" + "0" * 32
_TIMEOUT_S: Final = 15.0
_MAX_TWIML: Final = 65_536
_MOST_REDIRECTIONS: Final = 5


class TwilioDialler:
    """A `Dialler`; signs what it asks with the auth token, if there is one."""

    max_message = 4 * MAX_TO_CALLER  # a character has up to four bytes

    def __init__(self, auth_token: str | None) -> None:
        self._auth_token = auth_token

    def new_call_id(self) -> str:
        """A CallSid."""
        return "CA" + secrets.token_hex(16)

    def find_stream(self, url: str, call_id: str) -> StreamAddress:
        """The stream of ws(s)://, or that in the TwiML of a webhook; raises DialError."""
        if url.startswith(("ws://", "wss://")):
            return StreamAddress(url)
        form = {
            "CallSid": call_id, "AccountSid": _ACCOUNT_SID, "From": "+15005550006",
            "To": "+15005550009", "CallStatus": "ringing", "Direction": "inbound",
            "ApiVersion": "2010-04-01",
        }  # fmt: skip
        return stream_in(_post(url, form, self._auth_token), url)

    def headers(self, url: str) -> Mapping[str, str]:
        """The signature of a stream's address."""
        return _sign(url, {}, self._auth_token)

    def caller_end(self) -> CallerEnd:
        """The caller's end of a new stream."""
        return CallerEnd("MZ" + secrets.token_hex(16), _ACCOUNT_SID)


def _sign(url: str, form: Mapping[str, str], auth_token: str | None) -> dict[str, str]:
    """The header that proves to the agent that Twilio calls; none without a token."""
    if not auth_token:
        return {}
    return {HEADER: RequestValidator(auth_token).compute_signature(url, dict(form))}


def _post(url: str, form: Mapping[str, str], auth_token: str | None) -> bytes:
    """The answer, of which no more is read than TwiML may have, be it a redirection's."""
    import requests  # noqa: PLC0415 - the twilio library's own, and slow to load
    import urllib3  # noqa: PLC0415

    body = b""

    def read(answer: "requests.Response", **_: object) -> None:
        nonlocal body
        body = answer.raw.read(_MAX_TWIML + 1, decode_content=False)
        answer.close()

    headers = {**_sign(url, form, auth_token), "Accept-Encoding": "identity"}
    try:
        with requests.Session() as session:
            session.max_redirects = _MOST_REDIRECTIONS
            answer = session.post(
                url, data=form, headers=headers, timeout=_TIMEOUT_S, stream=True,
                hooks={"response": read},
            )  # fmt: skip
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
        raise DialError(f"{url} does not answer: {error}.") from None
    if answer.status_code == 403:
        raise DialError(
            f"{url} refuses us (403): set TWILIO_AUTH_TOKEN to the agent's, and dial its public "
            "address."
        )
    if not answer.ok or len(body) > _MAX_TWIML:
        raise DialError(f"{url} answers {answer.status_code} instead of TwiML.")
    return body


def stream_in(twiml: bytes, url: str) -> StreamAddress:
    """The stream that TwiML opens, the answer of this address; DialError if it opens none."""
    try:
        root = ET.fromstring(twiml)  # noqa: S314 - expat itself refuses entity bombs
    except (ET.ParseError, ValueError, LookupError):  # of no XML; of an encoding nobody knows
        raise DialError(f"{url} does not answer with TwiML.") from None
    rejected = root.find("Reject")
    if rejected is not None:
        raise DialError(f"{url} rejects the call: {rejected.get('reason', 'rejected')}.")
    stream = root.find("Connect/Stream")
    if stream is None or not stream.get("url"):
        raise DialError(f"{url} answers with TwiML that has no <Connect><Stream>.")
    parameters = {
        parameter.get("name", ""): parameter.get("value", "")
        for parameter in stream.findall("Parameter")
    }
    return StreamAddress(stream.get("url", ""), parameters)
