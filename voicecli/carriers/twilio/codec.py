"""Twilio Media Streams as text and back, sans-I/O.

The two ends of `voicecli.carriers.leg`. Events and fields that Twilio may add later are passed
over; everything else that is wrong raises RemoteProtocolError.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias

from voicecli.carriers.json_messages import mark_name, parse, shown, table, text_of
from voicecli.carriers.leg import (
    KEYS,
    AudioIn,
    AudioOut,
    Clear,
    Dtmf,
    FromCaller,
    LegEnded,
    LegStarted,
    LocalProtocolError,
    Mark,
    MarkPlayed,
    RemoteProtocolError,
    Reply,
    ToCaller,
    Wire,
)

FRAME_BYTES: Final = 160
"""20 ms of µ-law at 8000 Hz: what Twilio puts in one message."""
MAX_FROM_CALLER: Final = 16_384
"""Characters of a message from the caller's end; Twilio's are below 1,000."""
MAX_TO_CALLER: Final = 2_000_000
"""Characters of a message from the agent's end: about three minutes of audio."""
MAX_AUDIO: Final = 50 * FRAME_BYTES
"""Bytes of audio in one message from the caller's end: 1 s."""
MAX_PARAMETERS: Final = 64

_Phase: TypeAlias = Literal["new", "connected", "started", "stopped"]
_NUMBER: Final = re.compile(r"[0-9]{1,15}")
_FORMAT: Final = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
_dumps: Final = json.JSONEncoder(separators=(",", ":")).encode
_CONNECTED: Final = _dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"})

# (phase, event) -> next phase; what is not here is out of order.
_ORDER: Final[Mapping[tuple[_Phase, str], _Phase]] = {
    ("new", "connected"): "connected",
    ("new", "start"): "started",  # some callers leave out `connected`
    ("connected", "start"): "started",
    ("started", "media"): "started",
    ("started", "dtmf"): "started",
    ("started", "mark"): "started",
    ("started", "stop"): "stopped",
}


class AgentEnd:
    """The agent's end of one stream."""

    def __init__(self) -> None:
        self._phase: _Phase = "new"
        self._stream_sid = ""

    @property
    def stopped(self) -> bool:
        """Whether the caller's end has said that it is over."""
        return self._phase == "stopped"

    def receive(self, message: Wire) -> tuple[FromCaller, ...]:
        """What a text frame of the WebSocket means; raises RemoteProtocolError."""
        row = parse(message, MAX_FROM_CALLER)
        event = row["event"]
        decode = _FROM_CALLER.get(event)
        if decode is None:
            return ()
        phase = _ORDER.get((self._phase, event))
        if phase is None:
            raise RemoteProtocolError(f"{event!r} out of order: the stream is {self._phase}")
        if self._phase == "started":
            self._check_stream(row)
        said = decode(row)
        if isinstance(said, LegStarted):
            self._stream_sid = text_of(table(row, "start"), "streamSid", "start")
        self._phase = phase
        return () if said is None else (said,)

    def send(self, said: ToCaller) -> tuple[str, ...]:
        """The text that says so; that it ends, only the WebSocket's end says."""
        if self._phase != "started":
            raise LocalProtocolError(f"nothing can be sent: the stream is {self._phase}")
        row = _to_caller(said)
        return () if row is None else (_dumps({**row, "streamSid": self._stream_sid}),)

    def _check_stream(self, row: dict[str, Any]) -> None:
        sid = row.get("streamSid", self._stream_sid)
        if sid != self._stream_sid:
            raise RemoteProtocolError(f"streamSid is {shown(sid)}, not that of `start`")


class CallerEnd:
    """The caller's end of one stream: what Twilio does, for `voicecli dial` and tests."""

    def __init__(self, stream_sid: str, account_sid: str) -> None:
        self._phase: _Phase = "new"
        self._stream_sid = stream_sid
        self._account_sid = account_sid
        self._call_sid = ""
        self._sequence = 0
        self._chunk = 0

    def receive(self, message: Wire) -> tuple[ToCaller, ...]:
        """What a text frame of the WebSocket means; raises RemoteProtocolError."""
        row = parse(message, MAX_TO_CALLER)
        event = row["event"]
        if event not in {"media", "mark", "clear"}:
            return ()
        if self._phase == "new":  # what crosses our `stop` is no error
            raise RemoteProtocolError(f"{event!r} out of order: the stream is {self._phase}")
        if row.get("streamSid") != self._stream_sid:
            raise RemoteProtocolError(
                f"{event}: streamSid is {shown(row.get('streamSid'))}, not that of `start`"
            )
        if event == "clear":
            return (Clear(),)
        if event == "mark":
            return (Mark(_mark_name(row)),)
        return (AudioOut(_payload(table(row, "media"), MAX_TO_CALLER)),)

    def send(self, said: FromCaller) -> tuple[str, ...]:
        """The texts that say so, numbered as Twilio does; raises LocalProtocolError."""
        event, body = self._from_caller(said)
        phase = _ORDER.get((self._phase, event))
        if phase is None:
            raise LocalProtocolError(f"{event!r} out of order: the stream is {self._phase}")
        self._phase = phase
        if event == "media":
            self._chunk += 1
            body["chunk"] = str(self._chunk)
        self._sequence += 1
        row = {"event": event, "sequenceNumber": str(self._sequence), event: body}
        text = _dumps({**row, "streamSid": self._stream_sid})
        return (_CONNECTED, text) if event == "start" else (text,)

    def _from_caller(self, said: FromCaller) -> tuple[str, dict[str, Any]]:
        match said:
            case LegStarted():
                if not said.call_id:
                    raise LocalProtocolError("start: needs a callSid")
                self._call_sid = said.call_id
                return "start", {
                    "streamSid": self._stream_sid,
                    "accountSid": self._account_sid,
                    "callSid": said.call_id,
                    "tracks": ["inbound"],
                    "mediaFormat": _FORMAT,
                    "customParameters": dict(said.parameters),
                }
            case AudioIn(payload, at_ms):
                if not payload or len(payload) % FRAME_BYTES or len(payload) > MAX_AUDIO:
                    raise LocalProtocolError(f"media: {len(payload)} bytes are not 1 to 50 frames")
                encoded = base64.b64encode(payload).decode("ascii")
                return "media", {
                    "track": "inbound", "timestamp": str(at_ms or 0), "payload": encoded,
                }  # fmt: skip
            case Dtmf(digit):
                if digit not in KEYS:
                    raise LocalProtocolError(f"dtmf: there is no key {digit!r}")
                return "dtmf", {"track": "inbound_track", "digit": digit}
            case MarkPlayed(name):
                return "mark", {"name": mark_name(name)}
            case LegEnded():
                return "stop", {"accountSid": self._account_sid, "callSid": self._call_sid}
            case Reply():
                raise LocalProtocolError("Twilio wants no answers")


# -- writing ----------------------------------------------------------------------------------


def _to_caller(said: ToCaller) -> dict[str, Any] | None:
    match said:
        case AudioOut(payload):
            if not payload:
                raise LocalProtocolError("media: there is no audio in it")
            return {"event": "media", "media": {"payload": base64.b64encode(payload).decode()}}
        case Mark(name):
            return {"event": "mark", "mark": {"name": mark_name(name)}}
        case Clear():
            return {"event": "clear"}
        case LegEnded():
            return None


# -- reading ----------------------------------------------------------------------------------


def _number(table: dict[str, Any], key: str) -> int:
    """Numbers travel as text; Twilio's documents show both."""
    value = table.get(key, 0)
    if not isinstance(value, str | int) or not _NUMBER.fullmatch(str(value)):
        raise RemoteProtocolError(f'media: "{key}" is no number: {shown(value)}')
    return int(value)


def _payload(media: dict[str, Any], limit: int) -> bytes:
    value = media.get("payload")
    if not isinstance(value, str) or not value:
        raise RemoteProtocolError("media: there is no payload")
    try:
        payload = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise RemoteProtocolError(f"media: the payload is not base64: {shown(value)}") from None
    if len(payload) > limit:
        raise RemoteProtocolError(f"media: {len(payload):,} bytes of audio; {limit:,} are allowed")
    return payload


def _start(row: dict[str, Any]) -> LegStarted:
    start = table(row, "start")
    audio = start.get("mediaFormat", {})
    if not isinstance(audio, dict) or any(audio.get(k, v) != v for k, v in _FORMAT.items()):
        raise RemoteProtocolError(f"start: mediaFormat is {shown(audio)}, not µ-law 8000 Hz mono")
    parameters = start.get("customParameters") or {}
    if not isinstance(parameters, dict) or len(parameters) > MAX_PARAMETERS:
        raise RemoteProtocolError("start: customParameters is no object of up to 64 entries")
    if not all(isinstance(value, str) for value in parameters.values()):
        raise RemoteProtocolError("start: customParameters has values that are no text")
    text_of(start, "streamSid", "start")
    return LegStarted(text_of(start, "callSid", "start"), parameters)


def _media(row: dict[str, Any]) -> AudioIn | None:
    media = table(row, "media")
    if media.get("track", "inbound") != "inbound":
        return None  # our own voice, which Twilio can send back too
    payload = _payload(media, MAX_AUDIO)
    if not payload or len(payload) % FRAME_BYTES:
        raise RemoteProtocolError(
            f"media: {len(payload)} bytes of audio are not whole frames of {FRAME_BYTES}"
        )
    return AudioIn(payload, _number(media, "timestamp"))


def _dtmf(row: dict[str, Any]) -> Dtmf:
    digit = table(row, "dtmf").get("digit")
    if not isinstance(digit, str) or digit not in KEYS:
        raise RemoteProtocolError(f"dtmf: there is no key {shown(digit)}")
    return Dtmf(digit)


def _mark_name(row: dict[str, Any]) -> str:
    return text_of(table(row, "mark"), "name", "mark")


_FROM_CALLER: Final[Mapping[str, Callable[[dict[str, Any]], FromCaller | None]]] = {
    "connected": lambda _row: None,
    "start": _start,
    "media": _media,
    "dtmf": _dtmf,
    "mark": lambda row: MarkPlayed(_mark_name(row)),
    "stop": lambda _row: LegEnded(),
}
