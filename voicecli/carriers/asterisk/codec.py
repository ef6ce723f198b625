"""Asterisk's media WebSocket (chan_websocket) as messages and back, sans-I/O.

The two ends of `voicecli.carriers.leg`. Audio is binary, frame by frame, all else JSON text, which
a dial string chooses with `f(json)`. Asterisk paces what it is sent, and closes the connection when
the call is over.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from voicecli.carriers.json_messages import MAX_NAME, mark_name, parse, shown, text_of
from voicecli.carriers.leg import (
    KEYS,
    AudioIn,
    AudioOut,
    Clear,
    Dtmf,
    Encoding,
    FromCaller,
    LegEnded,
    LegStarted,
    LegTraits,
    LocalProtocolError,
    Mark,
    MarkPlayed,
    RemoteProtocolError,
    Reply,
    ToCaller,
    Wire,
)

MAX_TEXT: Final = 65_536
"""Characters of a control message; `MEDIA_START` lists all variables of the channel."""
MAX_BINARY: Final = 65_500
"""Bytes that Asterisk takes in one message."""
MAX_AUDIO_S: Final = 1
"""Of audio in one message of Asterisk's; it sends 20 ms."""
MAX_PARAMETERS: Final = 64

_FORMATS: Final[Mapping[str, tuple[Encoding, int]]] = {
    "ulaw": ("ulaw", 8000), "alaw": ("alaw", 8000),
    "slin": ("l16", 8000), "slin16": ("l16", 16_000), "slin24": ("l16", 24_000),
}  # fmt: skip
_Phase: TypeAlias = Literal["new", "started", "ended"]
_dumps: Final = json.JSONEncoder(separators=(",", ":")).encode


class AgentEnd:
    """The agent's end of one connection."""

    def __init__(self) -> None:
        self._phase: _Phase = "new"
        self._traits = LegTraits()
        self._rest = b""

    def receive(self, message: Wire) -> tuple[FromCaller, ...]:
        """What a frame of the WebSocket means; raises RemoteProtocolError."""
        if isinstance(message, bytes):
            return self._audio(message)
        if message.startswith("MEDIA_START "):
            raise RemoteProtocolError("control messages are plain text: dial with f(json)")
        row = parse(message, MAX_TEXT)
        event = row["event"]
        if event == "MEDIA_START":
            return (self._start(row),)
        if self._phase == "new":
            raise RemoteProtocolError(f"{shown(event)} before MEDIA_START")
        if event == "DTMF_END" and str(digit := row.get("digit")) in KEYS:
            return (Dtmf(str(digit)),)
        if event == "MEDIA_MARK_PROCESSED" and "correlation_id" in row:
            return (MarkPlayed(text_of(row, "correlation_id", event)),)
        return ()

    def send(self, said: ToCaller) -> tuple[Wire, ...]:
        """The frames that say so; raises LocalProtocolError."""
        if self._phase != "started":
            raise LocalProtocolError(f"nothing can be sent: the connection is {self._phase}")
        match said:
            case AudioOut(payload):
                if not payload:
                    raise LocalProtocolError("there is no audio in it")
                return self._whole(payload)
            case Mark(name):
                return (_command("MARK_MEDIA", correlation_id=mark_name(name)),)
            case Clear():
                return (_command("FLUSH_MEDIA"),)
            case LegEnded():
                self._phase = "ended"
                return (_command("HANGUP"),)

    def _start(self, row: dict[str, Any]) -> LegStarted:
        if self._phase != "new":
            raise RemoteProtocolError("a second MEDIA_START")
        name = row.get("format")
        found = _FORMATS.get(name) if isinstance(name, str) else None
        if found is None:
            raise RemoteProtocolError(f"MEDIA_START: format is {shown(name)}; dial with c(ulaw)")
        variables = row.get("channel_variables", {})
        if not isinstance(variables, dict):
            raise RemoteProtocolError("MEDIA_START: channel_variables is no object")
        texts = {k: v for k, v in variables.items() if isinstance(v, str) and len(v) <= MAX_NAME}
        self._traits = LegTraits(*found, says_end=False)
        self._phase = "started"
        call_id = text_of(row, "channel_id", "MEDIA_START")
        return LegStarted(call_id, dict([*texts.items()][:MAX_PARAMETERS]), self._traits)

    def _audio(self, payload: bytes) -> tuple[AudioIn, ...]:
        """Whole frames of 20 ms; what is left waits for the next message."""
        if self._phase == "new":
            raise RemoteProtocolError("audio before MEDIA_START")
        frame = self._traits.frame_bytes
        if len(payload) > 50 * MAX_AUDIO_S * frame:
            raise RemoteProtocolError(f"{len(payload):,} bytes of audio in one message")
        audio = self._rest + payload
        whole = len(audio) // frame * frame
        self._rest = audio[whole:]
        return (AudioIn(audio[:whole], None),) if whole else ()

    def _whole(self, payload: bytes) -> tuple[bytes, ...]:
        """Whole frames: Asterisk would drop the end of one that is not."""
        frame = self._traits.frame_bytes
        if missing := -len(payload) % frame:
            payload += self._traits.encode(np.zeros(frame, np.int16))[:missing]
        most = MAX_BINARY // frame * frame
        return tuple(payload[start : start + most] for start in range(0, len(payload), most))


class CallerEnd:
    """Asterisk's end of one connection: for `voicecli dial` and tests."""

    def __init__(self) -> None:
        self._phase: _Phase = "new"
        self._traits = LegTraits()
        self._channel_id = ""

    def receive(self, message: Wire) -> tuple[ToCaller, ...]:
        """What a frame of the WebSocket means; raises RemoteProtocolError."""
        if self._phase == "new":
            raise RemoteProtocolError("a message before MEDIA_START")
        if isinstance(message, bytes):
            if len(message) > MAX_BINARY:
                raise RemoteProtocolError(f"{len(message):,} bytes; {MAX_BINARY:,} are allowed")
            whole = len(message) // self._traits.frame_bytes * self._traits.frame_bytes
            return (AudioOut(message[:whole]),) if whole else ()  # as Asterisk does
        row = parse(message, MAX_TEXT, "command")
        match row["command"]:
            case "MARK_MEDIA":
                return (Mark(text_of(row, "correlation_id", "MARK_MEDIA")),)
            case "FLUSH_MEDIA":
                return (Clear(),)
            case "HANGUP":
                return (LegEnded(),)
            case _:
                return ()

    def send(self, said: FromCaller) -> tuple[Wire, ...]:
        """The frames that say so; raises LocalProtocolError."""
        if self._phase != ("new" if isinstance(said, LegStarted) else "started"):
            raise LocalProtocolError(f"out of order: the connection is {self._phase}")
        match said:
            case LegStarted():
                return (self._start(said),)
            case AudioIn(payload):
                if not payload or len(payload) % self._traits.frame_bytes:
                    raise LocalProtocolError(f"{len(payload)} bytes are no whole frames")
                return (payload,)
            case Dtmf(digit):
                if digit not in KEYS:
                    raise LocalProtocolError(f"there is no key {digit!r}")
                return (self._event("DTMF_END", digit=digit),)
            case MarkPlayed(name):
                return (self._event("MEDIA_MARK_PROCESSED", correlation_id=mark_name(name)),)
            case LegEnded():
                self._phase = "ended"
                return ()
            case Reply():
                raise LocalProtocolError("Asterisk wants no answers")

    def _start(self, said: LegStarted) -> str:
        sort = said.traits.encoding, said.traits.rate
        name = next((name for name, known in _FORMATS.items() if known == sort), None)
        if name is None or not said.call_id:
            raise LocalProtocolError("MEDIA_START: needs a channel_id, and a format of Asterisk's")
        self._phase, self._traits, self._channel_id = "started", said.traits, said.call_id
        return self._event(
            "MEDIA_START", connection_id=said.call_id, channel="WebSocket/voicecli", format=name,
            optimal_frame_size=said.traits.frame_bytes, ptime=20,
            channel_variables=dict(said.parameters),
        )  # fmt: skip

    def _event(self, event: str, **more: Any) -> str:
        return _dumps({"event": event, "channel_id": self._channel_id, **more})


def _command(command: str, **more: str) -> str:
    return _dumps({"command": command, **more})
