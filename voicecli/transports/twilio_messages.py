"""What the two ends of a Twilio media stream say to each other.

The caller's end is Twilio itself or `voicecli dial`; the agent's end is `voicecli serve` or anybody
else's agent. Times are milliseconds since the stream began.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

FRAME_BYTES: Final = 160
"""20 ms of µ-law at 8000 Hz: what Twilio puts in one message."""
KEYS: Final = frozenset("0123456789*#ABCD")


class ProtocolError(ValueError):
    """A message that the protocol does not allow, in one sentence fit for a log."""


class RemoteProtocolError(ProtocolError):
    """The far end sent it: close this stream."""


class LocalProtocolError(ProtocolError):
    """We were about to send it: a defect of ours."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The caller's end speaks first."""

    protocol: str = "Call"
    version: str = "1.0.0"


@dataclass(frozen=True, slots=True)
class Start:
    """The stream begins; from here on both ends may send audio."""

    stream_sid: str
    call_sid: str
    account_sid: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """The `<Parameter>` elements of the TwiML that opened the stream."""


@dataclass(frozen=True, slots=True)
class Media:
    """µ-law audio, 8000 Hz, mono. The agent's has any length, the caller's is whole frames."""

    payload: bytes
    timestamp_ms: int = 0
    """When its first sample was spoken; only the caller's end says so."""


@dataclass(frozen=True, slots=True)
class Dtmf:
    """The caller pressed a key: one of 0-9 * # A-D."""

    digit: str


@dataclass(frozen=True, slots=True)
class Mark:
    """The agent asks to be told when the audio before this was heard; the caller's end: it was."""

    name: str


@dataclass(frozen=True, slots=True)
class Clear:
    """The agent wants all audio forgotten that has not been heard."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The caller's end is over: nothing follows."""


FromCaller: TypeAlias = Connected | Start | Media | Dtmf | Mark | Stop
ToCaller: TypeAlias = Media | Mark | Clear
