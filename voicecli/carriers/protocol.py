"""What a carrier is to the server and to `voicecli dial`.

A carrier is three things, which have little to do with each other. It speaks a protocol on each
call's leg (`agent_end`, `caller_end`; see `voicecli.carriers.leg`). It asks over HTTP what to do
with a call, and proves that it is the carrier (`webhooks`, `signature`). And it has an account,
through which numbers are pointed at us, and calls made and transferred (`account`). One that has no
webhooks, as a telephone system of one's own, or no account, says None there.

Nothing here does I/O but an account and a `Dialler`, which block.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, runtime_checkable
from urllib.parse import parse_qsl, urlsplit

from voicecli.carriers.leg import AgentEnd, CallerEnd

MAX_FIELDS: Final = 256
"""Fields of a webhook's form; Twilio's have about forty."""


class TooManyFieldsError(ValueError):
    """A form has more fields than any carrier's."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request, or a WebSocket's handshake, as it came."""

    url: str
    """As the carrier knows it: our public address, with the query."""
    headers: Mapping[str, str]
    """By names in small letters."""
    body: bytes = b""

    @property
    def form(self) -> dict[str, str]:
        """The fields of a form that was sent; TooManyFieldsError if there are too many."""
        return _fields(self.body.decode("utf-8", "replace"))

    @property
    def query(self) -> dict[str, str]:
        """The fields of the address; TooManyFieldsError if there are too many."""
        return _fields(urlsplit(self.url).query)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a webhook is answered, with status 200."""

    text: str
    media_type: str


# -- HTTP -------------------------------------------------------------------------------------


class Signature(Protocol):
    """How the carrier proves that a request is its own."""

    advice: str
    """What to look at when one does not: a sentence for the log."""

    def is_genuine(self, request: HttpRequest) -> bool:
        """Whether the carrier sent this webhook, or opens this WebSocket."""
        ...


@dataclass(frozen=True, slots=True)
class AnnouncedCall:
    """A call that a webhook asks about."""

    call_id: str
    """The carrier's name of it; empty if it does not say."""
    answered_by_machine: bool = False
    """Of a call that we made: whether an answering machine waits for a message."""


class Webhooks(Protocol):
    """How the carrier asks what to do with a call, and is told."""

    def announced(self, request: HttpRequest) -> AnnouncedCall:
        """The call that it asks about."""
        ...

    def connect(self, stream_url: str, parameters: Mapping[str, str]) -> HttpAnswer:
        """Put it through to the WebSocket there; `LegStarted` brings the parameters back."""
        ...

    def reject(self) -> HttpAnswer:
        """Let the caller hear that the line is busy, at nobody's cost."""
        ...

    def leave_message(self, text: str) -> HttpAnswer:
        """Speak to an answering machine and hang up."""
        ...

    def status(self, request: HttpRequest) -> tuple[Mapping[str, str], HttpAnswer]:
        """What a status call-back says that is worth a line of the log, and the answer to it."""
        ...


# -- the account ------------------------------------------------------------------------------


class Lease(Protocol):
    """A number whose calls come to us for a while."""

    number: str
    before: str
    """Where its calls went, as one would enter it in the carrier's console."""
    by_hand: str
    """How somebody puts it back without us: the end of a sentence."""

    def give_back(self) -> bool:
        """Send its calls there again; False if somebody has changed it meanwhile.

        Raises:
            CarrierError: it did not work.
        """
        ...


class Account(Protocol):
    """What we ask of the carrier; each method blocks, and raises CarrierError if it is refused."""

    def check(self, number: str | None) -> None:
        """Make sure that the number can be borrowed; None: the account's only one."""
        ...

    def borrow(self, number: str | None, webhook: str) -> Lease:
        """Send a number's calls to this webhook.

        Where they went before is noted on disk: should we be killed, the next lease gives it back.

        Raises:
            StorageError: it cannot be noted, and so nothing was changed.
        """
        ...

    def call(self, to: str, from_: str, public_url: str, *, record: bool) -> str:
        """Ring somebody up; once they answer, our webhook is asked. Gives the call's id."""
        ...

    def transfer(self, call_id: str, number: str) -> None:
        """Put a live call through to somebody else: the carrier's end then hangs up on us."""
        ...


# -- `voicecli dial` --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StreamAddress:
    """Where a call's WebSocket is, and what it takes along."""

    url: str
    parameters: Mapping[str, str] = field(default_factory=dict)


class Dialler(Protocol):
    """Does to an agent what the carrier would."""

    max_message: int
    """Bytes of the largest message that is taken of an agent's."""

    def new_call_id(self) -> str:
        """A call's name such as the carrier gives them."""
        ...

    def find_stream(self, url: str, call_id: str) -> StreamAddress:
        """The stream of an address: itself if it is a WebSocket's, else what its webhook answers.

        Raises:
            DialError: there is no webhook, it refuses the call, or its answer opens no stream.
        """
        ...

    def headers(self, url: str) -> Mapping[str, str]:
        """Of the handshake with a stream: what proves that the carrier opens it."""
        ...

    def caller_end(self) -> CallerEnd:
        """The caller's end of one leg."""
        ...


# -- all of it --------------------------------------------------------------------------------


@runtime_checkable
class Carrier(Protocol):
    """One carrier. Its variables all begin with its name: no call's process gets to see them."""

    title: str
    """As its customers write it."""
    secret: str
    """The environment variable that holds what requests are signed with."""
    credentials: tuple[str, ...]
    """Those that the account needs beside it; none: it has no account."""
    console: str
    """Where the values of all of them are found."""
    max_message: int
    """Bytes of the largest message of a leg that its end sends."""

    def agent_end(self, handshake: HttpRequest) -> AgentEnd:
        """The agent's end of the leg whose WebSocket was opened so."""
        ...

    def signature(self, secret: str | None) -> Signature:
        """Knows its requests by the secret; without one, all of them pass."""
        ...

    def webhooks(self) -> Webhooks | None:
        """How it asks about calls; None: streams just begin, and nothing announces them."""
        ...

    def account(self, environ: Mapping[str, str]) -> Account | None:
        """The account of the `secret` and `credentials` in these variables; None: it has none.

        Raises:
            UsageError: one of them cannot be what it should be.
        """
        ...

    def dialler(self, secret: str | None) -> Dialler:
        """Calls agents as the carrier would; without a secret, unsigned."""
        ...


def _fields(text: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError:
        raise TooManyFieldsError(f"more than {MAX_FIELDS} fields") from None
