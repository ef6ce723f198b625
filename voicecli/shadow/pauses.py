"""The pauses in which a call could have been answered.

The core runs over the recorded events once more, so that each pause has the history and the words
that a detector would have been given there.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.turn_taking.commands import (
    Command,
    History,
    ScoreEndOfTurn,
    StartTranscription,
)
from pipelines.turn_taking.conversation import Conversation
from pipelines.turn_taking.decisions import RecordDecision, TurnEnded
from pipelines.turn_taking.events import FinalTranscript, FrameScored
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.policy import Policy
from pipelines.turn_taking.reasons import because
from pipelines.turn_taking.speech_gate import SpeechConfirmed, SpeechGate, SpeechPaused
from pipelines.turn_taking.time import Nanos, from_ms
from pipelines.turn_taking.transitions import Agent

_ASKED_LATER = because("pause_detected", silence_ms=0)


@dataclass(slots=True)
class Pause:
    """A silence of the caller while the agent listened."""

    turn_start: Nanos
    """Media time from which the turn was transcribed."""
    speech_end: Nanos
    """Media time at which the silence began."""
    faded: Nanos
    """Media time up to which the VAD took it for speech: what detectors are given."""
    ingress: Nanos
    """Delay of the line there: the caller fell silent this much earlier."""
    detected_at: Nanos
    history: History
    """Before this turn."""
    text: str = ""
    """The turn's words, final ones once `words_at` is set."""
    words_at: Nanos | None = None
    answered_at: Nanos | None = None
    """When the turn was judged to be over in this pause; None: it never was."""
    p: float | None = None
    """The call's own P(end), if the turn was ended by it."""
    went_on: Nanos | None = None
    """Media time at which the caller spoke again; None: never."""

    def question(self) -> ScoreEndOfTurn:
        """What a detector is asked about it."""
        return ScoreEndOfTurn(
            0, (), self.turn_start, self.faded, self.text, self.history, _ASKED_LATER
        )


def fold_pauses(entries: Iterable[Entry], policy: Policy) -> list[Pause]:
    """Every pause of the caller's turns, in order.

    Left out are sounds without words, and speech over the agent: that is judged otherwise.

    Args:
        entries: the call's journal.
        policy: under which it was made.
    """
    reader = _Reader(policy)
    for entry in entries:
        if not isinstance(entry, Issued):
            reader.take(entry)
    return reader.pauses


class _Reader:
    def __init__(self, policy: Policy) -> None:
        self._core = Conversation(policy)
        self._gate = SpeechGate(policy.gate)
        self._post_roll = from_ms(policy.gate.post_roll_ms)
        self._turn_start: Nanos = 0
        self._final: FinalTranscript | None = None
        self._open: Pause | None = None
        self._of_turn = 0
        """Where the pauses of the present turn begin."""
        self.pauses: list[Pause] = []

    def take(self, event: Entry) -> None:
        """One event more."""
        commands = self._core.handle(event)  # type: ignore[arg-type] - Issued is filtered out
        if isinstance(event, FrameScored):
            self._frame(event)
        elif isinstance(event, FinalTranscript):
            self._final = event
            self._words_are_final(event.at)
        for command in commands:
            self._command(event.at, command)

    def _frame(self, event: FrameScored) -> None:
        change = self._gate.handle(event)
        if isinstance(change, SpeechConfirmed):
            if self.pauses and self.pauses[-1].went_on is None:
                self.pauses[-1].went_on = change.onset
            self._open = None
        elif isinstance(change, SpeechPaused) and self._core.agent is Agent.LISTENING:
            self._open = Pause(
                self._turn_start, change.end, change.faded, event.ingress, event.at,
                self._core.history, self._core.words,
            )  # fmt: skip
            self.pauses.append(self._open)
            self._words_are_final(event.at)

    def _words_are_final(self, at: Nanos) -> None:
        """Whether they came before the pause, in a short silence, or now."""
        pause, final = self._open, self._final
        if pause is None or final is None or pause.words_at is not None:
            return
        if final.until == pause.faded + self._post_roll:
            pause.text, pause.words_at = self._core.words or final.text, at

    def _command(self, at: Nanos, command: Command) -> None:
        pause = self._open
        match command:
            case StartTranscription():
                self._turn_start = command.start
            case TurnEnded(speech=speech) if pause is not None:
                pause.answered_at = at
                pause.p = None if speech is None else speech.p
                self._turn_over()
            case RecordDecision("turn_dropped"):
                del self.pauses[self._of_turn :]
                self._turn_over()
            case _:
                pass

    def _turn_over(self) -> None:
        self._open = None
        self._of_turn = len(self.pauses)
