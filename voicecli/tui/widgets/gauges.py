"""How loud both sides are, whether anybody speaks, and whether they have finished."""

import math

from rich.text import Text

from pipelines.turn_taking.commands import ScoreEndOfTurn, StartTranscription
from pipelines.turn_taking.decisions import PausesLearned
from pipelines.turn_taking.endpointing import fuse, silence_before_answering
from pipelines.turn_taking.events import EndOfTurnScored, FrameScored
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.policy import Policy
from pipelines.turn_taking.time import MILLISECOND
from voicecli.report.screen import Screen
from voicecli.transports.microphone import Levels
from voicecli.tui.widgets.panel import Panel, Tick, bar

_QUIETEST_DB = -60.0
_FALL = 0.8  # of its height a meter keeps from one redraw to the next


class Gauges:
    """Folds a journal into the present readings."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy.endpointing
        self._scores: dict[str, float] = {}
        self._own_pauses = 0.0
        self.speech = 0.0
        """The highest probability of speech since last asked."""
        self.asked = False
        """Whether an end of turn is being judged."""

    @property
    def p_end(self) -> float | None:
        """P(end of turn) from the detectors that have answered, for this caller."""
        return fuse(self._scores, self._policy.weights, self._own_pauses)

    @property
    def wait_ms(self) -> float:
        """The silence after which the agent would answer."""
        return silence_before_answering(self.p_end, self._policy) / MILLISECOND

    def take(self, entries: list[Entry]) -> None:
        """What is new."""
        frames = [entry.speech for entry in entries if isinstance(entry, FrameScored)]
        if frames:
            self.speech = max(frames)
        for entry in entries:
            if isinstance(entry, EndOfTurnScored):
                self._scores[entry.detector] = entry.probability
            elif isinstance(entry, Issued):
                if isinstance(entry.command, ScoreEndOfTurn):
                    self.asked = True
                elif isinstance(entry.command, StartTranscription):
                    self._scores, self.asked = {}, False
                elif isinstance(entry.command, PausesLearned):
                    self._own_pauses = entry.command.log_odds


class GaugesPanel(Panel):
    """Two rows of meters, or four where there is room for that."""

    BORDER_TITLE = "levels"

    def __init__(self, policy: Policy, *, id: str | None = None) -> None:  # noqa: A002 - Textual's
        super().__init__("", id=id, markup=False)
        self._fold = Gauges(policy)
        self._levels = Levels()

    def take(self, tick: Tick) -> None:
        """See `Panel`."""
        self._fold.take(list(tick.entries))
        self.redraw()

    def hear(self, levels: Levels) -> None:
        """The peaks of the last moment."""
        self._levels = falling(self._levels, levels)

    def picture(self, screen: Screen, height: int) -> Text:
        """See `Panel`."""
        columns = 1 if height >= 4 else 2
        room = screen.width // columns
        cells = [
            loudness("you", self._levels.caller, room),
            loudness("agent", self._levels.agent, room),
            self._speech(room),
            self._end(room),
        ]
        if columns == 1:
            return Text("\n").join(cells)
        rows = [cells[0] + cells[2], cells[1] + cells[3]]
        return Text("\n").join(rows)

    def _speech(self, room: int) -> Text:
        speech = self._fold.speech
        return _row("speech", speech, f"{speech:.2f}   ", "cyan", room)

    def _end(self, room: int) -> Text:
        p = self._fold.p_end
        if p is None:
            note = "asking…" if self._fold.asked else "–"
            return _row("P(end)", 0.0, f"{note:<7}", "magenta", room)
        if room < 44:
            return _row("P(end)", p, f"{p:.2f} → {self._fold.wait_ms:.0f} ms", "magenta", room)
        note = f"{p:.2f} → answers after {self._fold.wait_ms:.0f} ms"
        return _row("P(end)", p, note, "magenta", room)


def falling(before: Levels, now: Levels) -> Levels:
    """The peaks to show: a meter rises at once and falls slowly."""
    return Levels(max(now.caller, before.caller * _FALL), max(now.agent, before.agent * _FALL))


def loudness(name: str, peak: float, room: int) -> Text:
    """A meter of a peak of 0 to 1, `room` cells wide."""
    decibels = max(_QUIETEST_DB, 20 * math.log10(max(peak, 1e-6)))
    style = "red" if decibels > -1 else "green"
    number = f"{decibels:4.0f} dB" if decibels > _QUIETEST_DB else "silent "
    return _row(name, 1 - decibels / _QUIETEST_DB, number, style, room)


def _row(name: str, share: float, number: str, style: str, room: int) -> Text:
    """A labelled meter, `room` cells wide."""
    cells = max(4, min(40, room - 7 - 2 - max(len(number), 7)))
    text = Text(f"{name:<7}") + bar(share, cells, style) + Text(f" {number}")
    text.truncate(room, pad=True)
    return text
