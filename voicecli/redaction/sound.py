"""Takes what callers say of themselves out of a call's sound: only what is no secret stays.

No recogniser's word times reach the journal, so that an utterance of the caller's, or a clause of
the agent's, stays or goes as a whole. Recognisers mishear: what is said goes if a secret was asked
for or announced, and what was said before the agent reads one back. Sound without known words goes
too: what was not transcribed to its end, and the tones of a keypad.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from pipelines.turn_taking.commands import PlayClause, StartTranscription, SynthesizeClause
from pipelines.turn_taking.events import (
    DtmfReceived,
    FinalTranscript,
    FrameScored,
    JobId,
    MarkReached,
    PartialTranscript,
    PlayoutCleared,
    PlayoutStarted,
)
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.time import MILLISECOND, SECOND, Nanos
from voicecli.recording.labels import Labels
from voicecli.recording.segments import speech_segments
from voicecli.redaction.journal import Redactor
from voicecli.redaction.text import announces_secret, asks_for_secret, is_redacted, redact_text

_DOUBT: Final = 100 * MILLISECOND
"""By so much a moment may be wrong: the line's delay varies."""
_ECHO: Final = 500 * MILLISECOND
"""The agent's voice may come back from the caller's end so late."""
_KEY_TOLD: Final = SECOND
"""A key is told of so late at most."""
_NEVER: Final = 1 << 62
_TONE_HZ: Final = 440.0
_TONE: Final = 330
"""Its amplitude: -40 dB of full scale."""
_CALLER: Final = 0
_AGENT: Final = 1

Audio: TypeAlias = npt.NDArray[np.int16]
Stretch: TypeAlias = tuple[int, int]
"""First sample, and the first after it."""


@dataclass(slots=True)
class _Piece:
    """What somebody said in one go; moments are those of the recorded sound."""

    text: str = ""
    """Empty: nobody knows its words."""
    secret: bool = False
    start: Nanos = _NEVER
    known: Nanos = _NEVER
    """Until when `text` is all of it."""
    end: Nanos = 0
    """Until when there is known to be any of it."""
    reply: JobId = -1
    """Of the agent's, to which the clause belongs."""


class SoundRedactor:
    """Takes the entries of one call, in their order, and then its sound.

    The journal may be redacted already: a text that has been altered held a secret.
    """

    def __init__(self) -> None:
        self._redactor = Redactor(partials=True)
        self._caller: dict[JobId, _Piece] = {}
        self._agent: dict[JobId, _Piece] = {}
        self._others: list[_Piece] = []
        self._reply: JobId = -1
        """The reply that was begun last."""
        self._asked = False
        """Whether a secret was asked for in it, or announced since."""
        self._before: list[_Piece] = []
        """What the caller said before it, and since."""
        self._since: list[_Piece] = []
        self._ingress: Nanos = 0
        self._egress: Nanos = 0

    def record(self, entry: Entry) -> None:
        """An entry of the journal."""
        match entry:
            case FrameScored():
                self._ingress = entry.ingress
            case DtmfReceived():
                uttered = entry.at - self._ingress
                self._others.append(_Piece(secret=True, start=uttered - _KEY_TOLD, end=uttered))
            case Issued(command=StartTranscription() as command):
                piece = _Piece(secret=self._asked, start=command.start - self._ingress)
                self._caller[command.job] = piece
                self._since.append(piece)
            case PartialTranscript() | FinalTranscript():
                self._transcript(entry)
            case Issued(command=SynthesizeClause() as command):
                secret = self._redactor(entry) != entry or is_redacted(command.text)
                self._agent[command.job] = _Piece(command.text, secret, reply=command.reply)
            case Issued(command=PlayClause()):
                self._redactor(entry)
            case PlayoutStarted() if entry.job in self._agent:
                self._egress = entry.egress
                self._begin(self._agent[entry.job], entry.at + entry.egress)
            case MarkReached():
                self._over(entry.job, entry.at)
            case PlayoutCleared():
                self._over(entry.job, entry.at + self._egress)
            case _:
                pass

    def label(self, labels: Labels) -> None:
        """What is known besides of the caller's words."""
        before = ""
        for turn in labels.turns:
            secret = redact_text(turn.text, before) != turn.text or is_redacted(turn.text)
            before = f"{before} {turn.text}"
            if secret:
                start, end = round(turn.start_s * SECOND), round(turn.end_s * SECOND)
                self._others.append(_Piece(turn.text, True, start, end, end))

    def redacted(self, stereo: Audio, rate: int) -> Audio:
        """A copy of the call's sound, shape (samples, 2) at `rate` Hz: caller, agent.

        What goes is silence. A quiet tone stands for a secret, from the pause before it to the one
        after it, in the track of whoever says it.
        """
        caller, agent = list(self._caller.values()), _heard(self._agent.values())
        kept = np.zeros_like(stereo)
        for track, pieces in ((_CALLER, caller), (_AGENT, agent)):
            for piece, after in zip_longest(pieces, pieces[1:], fillvalue=_Piece()):
                if redact_text(piece.text, after=after.text) != piece.text:
                    piece.secret = True
                if piece.text and not piece.secret:
                    start, end = _samples(piece.start, piece.known, rate, len(kept))
                    kept[start:end, track] = stereo[start:end, track]
        said = _secrets([*caller, *self._others], stereo[:, _CALLER], rate)
        answered = _secrets(agent, stereo[:, _AGENT], rate)
        echo = _ECHO * rate // SECOND
        for (start, end), _ in said:
            kept[start:end] = 0
        for (start, end), _ in answered:
            kept[start:end, _AGENT] = 0
            kept[start : end + echo, _CALLER] = 0
        for track, secrets in ((_CALLER, said), (_AGENT, answered)):
            for _, (start, end) in secrets:
                kept[start:end, track] = _tone(start, end, rate)
        return kept

    def _begin(self, clause: _Piece, start: Nanos) -> None:
        clause.start = start
        if clause.reply != self._reply:
            self._reply, self._asked = clause.reply, False
            self._before, self._since = self._since, []
        self._asked = self._asked or asks_for_secret(clause.text)
        if clause.secret:
            for piece in self._before:
                piece.secret = True

    def _over(self, job: JobId | None, end: Nanos) -> None:
        if job is not None and job in self._agent:
            self._agent[job].known = self._agent[job].end = end

    def _transcript(self, entry: PartialTranscript | FinalTranscript) -> None:
        kept = self._redactor(entry)
        piece = self._caller.get(entry.job)
        if piece is None:
            return
        until = entry.until - self._ingress
        piece.end = max(piece.end, until)
        match entry, kept:
            case FinalTranscript(), FinalTranscript():
                piece.text, piece.known = entry.text, until
                changed = kept.text != entry.text or is_redacted(entry.text)
            case PartialTranscript(), PartialTranscript():
                text = f"{entry.stable} {entry.unstable}"
                changed = kept.stable != text or is_redacted(text)
            case _:
                changed = True
        if announces_secret(entry.text if isinstance(entry, FinalTranscript) else entry.stable):
            changed = self._asked = True
        piece.secret = piece.secret or changed


def _heard(clauses: Iterable[_Piece]) -> list[_Piece]:
    """Those that were played, in order; one of which no end is told goes on until the next."""
    heard = sorted((c for c in clauses if c.start < _NEVER), key=lambda clause: clause.start)
    for clause, after in zip_longest(heard, heard[1:], fillvalue=_Piece()):
        if not clause.end:
            clause.known = clause.end = after.start
    return heard


def _samples(start: Nanos, end: Nanos, rate: int, most: int) -> Stretch:
    first = max(0, start * rate // SECOND)
    return first, max(first, min(most, end * rate // SECOND))


def _secrets(pieces: Iterable[_Piece], track: Audio, rate: int) -> list[tuple[Stretch, Stretch]]:
    """Where secrets lie, widened to the pauses around them, and where there is sound in that."""
    sounds = [
        (round(s.start_s * rate), round(s.end_s * rate)) for s in speech_segments(track, rate)
    ]
    found: list[tuple[Stretch, Stretch]] = []
    for piece in pieces:
        if piece.secret:
            start, end = _samples(piece.start - _DOUBT, piece.end + _DOUBT, rate, len(track))
            touched = [sound for sound in sounds if sound[0] < end and start < sound[1]]
            loud = (touched[0][0], touched[-1][1]) if touched else (start, start)
            found.append(((min(start, loud[0]), max(end, loud[1])), loud))
    return found


def _tone(start: int, end: int, rate: int) -> Audio:
    turns = np.arange(start, end) * (_TONE_HZ / rate)
    return np.rint(_TONE * np.sin(2 * np.pi * turns)).astype(np.int16)
