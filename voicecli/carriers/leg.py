"""What one call's leg between a carrier and us says, whatever words the carrier has for it.

The caller's end is the carrier itself or `voicecli dial`; the agent's end is `voicecli serve` or
anybody else's agent. A carrier's codec has an object for either end of one leg. It is sans-I/O: it
turns each message that came into events, and each command into the messages to be sent, in the
order that the protocol allows (the contract of h11). Whoever has the connection moves them.

A message is what the connection moves at once: text or binary of a WebSocket, a datagram, or any
piece of a TCP stream, from which the codec takes what is whole. Where a carrier says less than
there are events, its codec leaves them out, and `LegTraits` says what is missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from telephony_sim.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode

KEYS: Final = frozenset("0123456789*#ABCD")

Wire: TypeAlias = str | bytes
"""A message as it is sent: text or binary."""
Encoding: TypeAlias = Literal["ulaw", "alaw", "l16"]
"""G.711's two laws, and linear samples of 16 bits, little-endian."""


class ProtocolError(ValueError):
    """A message that the protocol does not allow, in one sentence fit for a log."""


class RemoteProtocolError(ProtocolError):
    """The far end sent it: close this leg."""


class LocalProtocolError(ProtocolError):
    """We were about to send it: a defect of ours."""


@dataclass(frozen=True, slots=True)
class LegTraits:
    """How a leg carries audio, both ways and mono, and what the caller's end can do."""

    encoding: Encoding = "ulaw"
    rate: int = 8000
    """Samples per second."""
    marks: bool = True
    """Whether it says when a mark was heard; else we go by the time that audio takes."""
    clears: bool = True
    """Whether it can forget audio that it has not played."""
    says_end: bool = True
    """Whether it says that it hangs up; else that it closes the connection in order says so."""

    @property
    def frame_bytes(self) -> int:
        """Bytes of 20 ms."""
        return self.rate // 50 * (2 if self.encoding == "l16" else 1)

    def encode(self, pcm: npt.NDArray[np.int16]) -> bytes:
        """Samples, shape (n,), as they are sent."""
        match self.encoding:
            case "ulaw":
                return ulaw_encode(pcm).tobytes()
            case "alaw":
                return alaw_encode(pcm).tobytes()
            case "l16":
                return pcm.astype("<i2").tobytes()

    def decode(self, payload: bytes) -> npt.NDArray[np.int16]:
        """Samples, shape (n,), of audio as it came; ValueError if one of them is not whole."""
        match self.encoding:
            case "ulaw":
                return ulaw_decode(np.frombuffer(payload, np.uint8))
            case "alaw":
                return alaw_decode(np.frombuffer(payload, np.uint8))
            case "l16":
                return np.frombuffer(payload, "<i2").astype(np.int16)


# -- the caller's end says --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LegStarted:
    """The leg begins; from here on both ends may send audio."""

    call_id: str
    """The carrier's name of the call."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """What the webhook's answer gave the carrier to take along, as the `token`."""
    traits: LegTraits = LegTraits()


@dataclass(frozen=True, slots=True)
class AudioIn:
    """The caller's voice: whole frames of 20 ms in the leg's encoding."""

    payload: bytes
    at_ms: int | None = 0
    """When its first sample was spoken, since the leg began; None: the carrier does not say."""


@dataclass(frozen=True, slots=True)
class Dtmf:
    """The caller pressed a key: one of 0-9 * # A-D."""

    digit: str


@dataclass(frozen=True, slots=True)
class MarkPlayed:
    """All audio before the mark of this name was heard, or cleared."""

    name: str


@dataclass(frozen=True, slots=True)
class Reply:
    """Nothing that concerns a call: the protocol wants this sent back at once, as it is."""

    wire: Wire


# -- the agent's end says ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AudioOut:
    """The agent's voice: any length in the leg's encoding."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    """Say when the audio before this was heard."""

    name: str


@dataclass(frozen=True, slots=True)
class Clear:
    """Forget all audio that has not been heard."""


# -- both say ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LegEnded:
    """This end hangs up: nothing follows, and the connection is closed."""


FromCaller: TypeAlias = LegStarted | AudioIn | Dtmf | MarkPlayed | Reply | LegEnded
ToCaller: TypeAlias = AudioOut | Mark | Clear | LegEnded


class AgentEnd(Protocol):
    """The agent's end of one leg."""

    def receive(self, message: Wire) -> Sequence[FromCaller]:
        """What a message means; nothing if it is of no concern.

        Raises:
            RemoteProtocolError: it is too long, malformed or out of order.
        """
        ...

    def send(self, said: ToCaller) -> Sequence[Wire]:
        """The messages that say so; none if the carrier has no word for it.

        Raises:
            LocalProtocolError: the leg has not begun or is over, or there is nothing in it.
        """
        ...


class CallerEnd(Protocol):
    """The caller's end of one leg: what the carrier does, for `voicecli dial` and tests."""

    def receive(self, message: Wire) -> Sequence[ToCaller]:
        """What a message means; nothing if it is of no concern.

        Raises:
            RemoteProtocolError: it is too long, malformed or out of order.
        """
        ...

    def send(self, said: FromCaller) -> Sequence[Wire]:
        """The messages that say so.

        Raises:
            LocalProtocolError: it is out of order, or something that the carrier would not say.
        """
        ...
