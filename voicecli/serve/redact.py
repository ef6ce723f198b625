"""Takes what callers say of themselves out of a journal; changes with what may not be stored."""

import dataclasses
import re
from typing import Any, Final

from pipelines.turn_taking.commands import Message
from pipelines.turn_taking.events import (
    CallerTyped,
    CallStarted,
    DtmfReceived,
    FinalTranscript,
    PartialTranscript,
    ReplyTextReceived,
)
from pipelines.turn_taking.journal import Entry
from pipelines.turn_taking.reasons import Reason
from voicecli.serve.sensitive import find

_BEFORE: Final = 200
"""Characters said before that tell what a number is: "what is your code?"."""


def redact_text(text: str, before: str = "") -> str:
    """The text with `#` for each word of a number, `[e-mail]` and `[address]`.

    Args:
        text: a whole utterance, as far as it is known.
        before: what was said before it, by whomever; not part of the result.
    """
    context = f"{before[-_BEFORE:]} " if before else ""
    start = len(context)
    kept: list[str] = []
    end = 0
    for span in find(context + text):
        if span.end > start:
            first = max(0, span.start - start)
            kept += [text[end:first], span.instead]
            end = span.end - start
    return "".join([*kept, text[end:]])


class Redactor:
    """Redacts the entries of one call, in their order: a number may go on after a pause.

    Args:
        partials: whether words of partial transcripts stay, redacted; without, only how many.
    """

    def __init__(self, *, partials: bool = False) -> None:
        self._partials = partials
        self._before = ""

    def __call__(self, entry: Entry) -> Entry:
        """An entry with every text in it redacted; numbers of the journal itself stay."""
        match entry:
            case CallStarted():
                return entry
            case DtmfReceived():
                return dataclasses.replace(entry, digit="#")
            case ReplyTextReceived():  # a secret may be spread over several pieces
                return dataclasses.replace(entry, text=_blank(entry.text))
            case PartialTranscript():
                return self._partial(entry)
            case FinalTranscript() | CallerTyped():
                before, self._before = self._before, entry.text
                return dataclasses.replace(entry, text=redact_text(entry.text, before))
            case _:
                return _redacted(entry)

    def _partial(self, entry: PartialTranscript) -> PartialTranscript:
        if not self._partials:
            blank = _blank(entry.stable), _blank(entry.unstable)
            return dataclasses.replace(entry, stable=blank[0], unstable=blank[1])
        # As one text: digits on both sides of the border are one number.
        return dataclasses.replace(
            entry, stable=redact_text(f"{entry.stable} {entry.unstable}", self._before), unstable=""
        )


def redact(entry: Entry) -> Entry:
    """An entry redacted by itself; see `Redactor`."""
    return Redactor()(entry)


def _blank(text: str) -> str:
    """As many words: their lengths would tell digits apart."""
    return re.sub(r"\w+(?:['’]\w+)*", "x", text)


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, tuple):
        return _history(value) if value and isinstance(value[0], Message) else tuple(
            _redacted(item) for item in value
        )  # fmt: skip
    if isinstance(value, Reason):
        return Reason(value.rule, {key: _redacted(item) for key, item in value.numbers.items()})
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changed = {
            field.name: _redacted(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
        return dataclasses.replace(value, **changed)
    return value


def _history(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    before = ["", *(message.text for message in messages)]
    return tuple(
        dataclasses.replace(message, text=redact_text(message.text, earlier))
        for message, earlier in zip(messages, before, strict=False)
    )
