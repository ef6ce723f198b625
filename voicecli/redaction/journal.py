"""Takes what callers say of themselves out of a journal."""

import dataclasses
import re
from typing import Any, Final

from pipelines.turn_taking.commands import Message, PlayClause, SynthesizeClause
from pipelines.turn_taking.events import (
    CallerTyped,
    CallStarted,
    DtmfReceived,
    FinalTranscript,
    JobId,
    PartialTranscript,
    ReplyTextReceived,
)
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.reasons import Reason
from voicecli.redaction.text import redact_text

_NOBODY: Final = -1
_SCORES: Final = "scores"
"""Of a reason: the names of detectors and how sure they were, which nobody has said."""


class Redactor:
    """Redacts the entries of one call, in their order: what was said before tells what a number is.

    A number may go on after a pause; "nine" is a secret once the agent has asked for a code, and in
    the agent's answer too.

    Args:
        partials: whether words of partial transcripts stay, redacted; without, only how many.
    """

    def __init__(self, *, partials: bool = False) -> None:
        self._partials = partials
        self._before = ""
        """What the caller has said, without what is being said now."""
        self._now: tuple[JobId, str] = (_NOBODY, "")
        """What the caller says now, by its transcription, and the words of it."""
        self._written: tuple[JobId, str] = (_NOBODY, "")
        """The agent's last reply as far as it is written, and the same as far as it is heard."""
        self._heard = self._written
        self._clauses: dict[JobId, SynthesizeClause] = {}

    def __call__(self, entry: Entry) -> Entry:  # noqa: PLR0911 - one for each kind
        """An entry with every text in it redacted; numbers of the journal itself stay."""
        match entry:
            case CallStarted():
                return entry
            case DtmfReceived():
                return dataclasses.replace(entry, digit="#")
            case ReplyTextReceived():  # a secret may be spread over several pieces
                return dataclasses.replace(entry, text=_blank(entry.text))
            case PartialTranscript():
                self._listen(entry.job)
                return self._partial(entry)
            case FinalTranscript() | CallerTyped():
                job = entry.job if isinstance(entry, FinalTranscript) else _NOBODY
                self._listen(job)
                kept = self._redacted(entry)
                self._now = job, entry.text
                return kept
            case Issued(command=SynthesizeClause() as clause):
                return dataclasses.replace(entry, command=self._clause(clause))
            case Issued(command=PlayClause() as play):
                if (clause := self._clauses.pop(play.job, None)) is not None:
                    self._heard = _longer(self._heard, clause)
                return self._redacted(entry)
            case _:
                return self._redacted(entry)

    def _listen(self, job: JobId) -> None:
        """What is said now goes on, or is said before, if another transcription has begun."""
        if job == _NOBODY or job != self._now[0]:
            self._before, self._now = f"{self._before} {self._now[1]}".strip()[-500:], (job, "")

    def _partial(self, entry: PartialTranscript) -> PartialTranscript:
        if not self._partials:
            blank = _blank(entry.stable), _blank(entry.unstable)
            return dataclasses.replace(entry, stable=blank[0], unstable=blank[1])
        # As one text: digits on both sides of the border are one number.
        text = self._text(f"{entry.stable} {entry.unstable}")
        return dataclasses.replace(entry, stable=text, unstable="")

    def _clause(self, clause: SynthesizeClause) -> SynthesizeClause:
        """The clause before may end within a number, and the caller have said what one is."""
        reply, written = self._written
        text = redact_text(clause.text, written if reply == clause.reply else "")
        text = redact_text(text, _another(self._now[1]))
        self._clauses[clause.job] = clause
        self._written = _longer(self._written, clause)
        return dataclasses.replace(clause, text=text, reason=self._redacted(clause.reason))

    def _text(self, text: str) -> str:
        text = redact_text(text, self._before)
        text = redact_text(text, _another(self._now[1]))
        return redact_text(text, _another(self._heard[1]))

    def _redacted(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, tuple):
            if value and isinstance(value[0], Message):
                return _history(value)
            return tuple(self._redacted(item) for item in value)
        if isinstance(value, Reason):
            numbers = value.numbers.items()
            kept = {key: item if key == _SCORES else self._redacted(item) for key, item in numbers}
            return Reason(value.rule, kept)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            changed = {
                field.name: self._redacted(getattr(value, field.name))
                for field in dataclasses.fields(value)
            }
            return dataclasses.replace(value, **changed)
        return value


def redact(entry: Entry) -> Entry:
    """An entry redacted by itself; see `Redactor`."""
    return Redactor()(entry)


def _longer(reply: tuple[JobId, str], clause: SynthesizeClause) -> tuple[JobId, str]:
    """A reply with one clause more, or another reply that begins with it."""
    return clause.reply, f"{reply[1]} {clause.text}" if reply[0] == clause.reply else clause.text


def _another(text: str) -> str:
    """What somebody else said: it may say what a number is, but no number goes on from it."""
    return f"{text}\n" if text else ""


def _blank(text: str) -> str:
    """As many words: their lengths would tell digits apart."""
    return re.sub(r"\w+(?:['’]\w+)*", "x", text)


def _history(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    kept: list[Message] = []
    for index, message in enumerate(messages):
        text = redact_text(message.text)
        for before in messages[max(0, index - 2) : index]:
            said = before.text if before.role == message.role else _another(before.text)
            text = redact_text(text, said)
        kept.append(dataclasses.replace(message, text=text))
    return tuple(kept)
