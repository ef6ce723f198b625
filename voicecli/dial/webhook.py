"""Asks a voice webhook what to do with a call, as Twilio does."""

import asyncio
import threading
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

from twilio.request_validator import RequestValidator

from voicecli.dial.errors import DialError

HEADER: Final = "X-Twilio-Signature"
_TIMEOUT_S: Final = 15.0
_MAX_TWIML: Final = 65_536
_MOST_REDIRECTIONS: Final = 5


@dataclass(frozen=True, slots=True)
class Address:
    """Where a call's stream goes, and what it takes along."""

    url: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def sign(url: str, form: Mapping[str, str], auth_token: str | None) -> dict[str, str]:
    """The header that proves to the agent that Twilio calls; none without a token."""
    if not auth_token:
        return {}
    return {HEADER: RequestValidator(auth_token).compute_signature(url, dict(form))}


async def find_stream(url: str, call_sid: str, auth_token: str | None) -> Address:
    """The stream of an address: itself if it is a WebSocket's, else what its webhook answers.

    Raises:
        DialError: there is no webhook, it refuses the call, or its TwiML opens no stream.
    """
    if url.startswith(("ws://", "wss://")):
        return Address(url)
    form = {
        "CallSid": call_sid, "AccountSid": "AC" + "0" * 32, "From": "+15005550006",
        "To": "+15005550009", "CallStatus": "ringing", "Direction": "inbound",
        "ApiVersion": "2010-04-01",
    }  # fmt: skip
    answer: Future[bytes] = Future()
    answer.set_running_or_notify_cancel()

    def ask() -> None:
        try:
            answer.set_result(_post(url, form, auth_token))
        except Exception as error:  # noqa: BLE001 - raised where it is awaited
            answer.set_exception(error)

    # Not one of asyncio's threads, for which a program waits before it ends.
    threading.Thread(target=ask, name="webhook", daemon=True).start()
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            return _stream_in(await asyncio.wrap_future(answer), url)
    except TimeoutError:
        raise DialError(f"{url} has not answered within {_TIMEOUT_S:g} s.") from None


def _post(url: str, form: Mapping[str, str], auth_token: str | None) -> bytes:
    """The answer, of which no more is read than TwiML may have, be it a redirection's."""
    import requests  # noqa: PLC0415 - the twilio library's own, and slow to load
    import urllib3  # noqa: PLC0415

    body = b""

    def read(answer: "requests.Response", **_: object) -> None:
        nonlocal body
        body = answer.raw.read(_MAX_TWIML + 1, decode_content=False)
        answer.close()

    headers = {**sign(url, form, auth_token), "Accept-Encoding": "identity"}
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


def _stream_in(twiml: bytes, url: str) -> Address:
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
    return Address(stream.get("url", ""), parameters)
