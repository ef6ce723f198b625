"""What was said: the caller's words as they become certain, the agent's as they are heard."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from rich.text import Text

from pipelines.turn_taking.commands import (
    CancelReply,
    Command,
    PausePlayout,
    ResumePlayout,
    SynthesizeClause,
)
from pipelines.turn_taking.decisions import (
    AgentDone,
    Decision,
    OverlapJudged,
    RecordDecision,
    TurnEnded,
)
from pipelines.turn_taking.events import (
    ClauseSynthesized,
    Event,
    FinalTranscript,
    JobId,
    MarkReached,
    PartialTranscript,
    PlayoutStarted,
)
from pipelines.turn_taking.heard import said_by
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.time import Nanos
from voicecli.report.screen import Console, Screen
from voicecli.tui.widgets.panel import Panel, Tick


@dataclass(slots=True)
class _Clause:
    text: str
    audio: Nanos = 0
    complete: bool = False
    begins: Nanos | None = None
    heard: bool = False


@dataclass(slots=True)
class Line:
    """What one side said in one go."""

    who: Literal["caller", "agent"]
    stable: str = ""
    """Words that no longer change; of the agent, those that were heard."""
    unstable: str = ""
    """Words that may still change; of the agent, those still to come."""
    lost: str = ""
    """Words of the agent that nobody will hear."""
    settled: bool = False
    aside: bool = False
    """Said over the agent without meaning to interrupt."""
    clauses: dict[JobId, _Clause] = field(default_factory=dict[JobId, _Clause])


class Transcript:
    """Folds a journal into lines, the oldest first."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._replies: dict[JobId, Line] = {}
        self._owner: dict[JobId, Line] = {}
        self._caller: Line | None = None
        self._paused_since: Nanos | None = None

    def take(self, entry: Entry) -> bool:
        """One entry; whether it changed what was said."""
        if isinstance(entry, Issued):
            return self._command(entry.at, entry.command)
        return self._event(entry)

    def listen(self, now: Nanos) -> bool:
        """Let the agent's words be heard up to `now`; whether any came."""
        changed = False
        for line in self._replies.values():
            if line.settled or self._paused_since is not None:
                continue
            heard, coming = _split(line.clauses.values(), now)
            changed = changed or heard != line.stable or coming != line.unstable
            line.stable, line.unstable = heard, coming
        return changed

    def _event(self, event: Event) -> bool:
        match event:
            case PartialTranscript() if event.stable or event.unstable:
                self._say(event.stable, event.unstable)
            case FinalTranscript() if event.text:
                self._say(event.text, "")
            case ClauseSynthesized() if event.job in self._owner:
                clause = self._owner[event.job].clauses[event.job]
                clause.audio, clause.complete = event.audio, event.complete
            case PlayoutStarted() if event.job in self._owner:
                self._begin(event)
            case MarkReached() if event.job in self._owner:
                self._owner[event.job].clauses[event.job].heard = True
            case _:
                return False
        return True

    def _say(self, stable: str, unstable: str) -> None:
        if self._caller is None:
            self._caller = Line("caller")
            self.lines.append(self._caller)
        self._caller.stable, self._caller.unstable = stable, unstable

    def _begin(self, event: PlayoutStarted) -> None:
        line = self._owner[event.job]
        line.clauses[event.job].begins = event.at + event.egress
        if line not in self.lines:
            self.lines.append(line)

    def _command(self, at: Nanos, command: Command) -> bool:
        match command:
            case SynthesizeClause():
                line = self._replies.setdefault(command.reply, Line("agent"))
                line.clauses[command.job] = _Clause(command.text)
                self._owner[command.job] = line
            case PausePlayout():
                self._paused_since = at
            case ResumePlayout() if self._paused_since is not None:
                self._shift(at - self._paused_since)
                self._paused_since = None
            case CancelReply():
                self._paused_since = None
            case _ if isinstance(command, Decision):
                return self._decision(command)
            case _:
                return False
        return True

    def _shift(self, silence: Nanos) -> None:
        """Words that were held back come later by so much."""
        for line in self._replies.values():
            for clause in line.clauses.values():
                if not line.settled and clause.begins is not None and not clause.heard:
                    clause.begins += silence

    def _decision(self, decided: Decision) -> bool:
        match decided:
            case TurnEnded(text=text):
                self._say(text, "")
                self._settle_caller()
            case RecordDecision("turn_dropped"):
                self._withdraw()
            case OverlapJudged(interrupts=False):
                self._set_aside()
            case RecordDecision("turn_reopened"):
                self._reopen()
            case AgentDone():
                self._done(decided)
            case _:
                return False
        return True

    def _settle_caller(self) -> None:
        if self._caller is not None:
            self._caller.settled = True
            self._caller = None

    def _set_aside(self) -> None:
        """What was said over the agent is no turn; a sound without words is not shown at all."""
        if self._caller is not None and not self._caller.stable:
            self._withdraw()
        elif self._caller is not None:
            self._caller.aside = True
            self._settle_caller()

    def _withdraw(self) -> None:
        if self._caller is not None:
            self.lines.remove(self._caller)
            self._caller = None

    def _reopen(self) -> None:
        """The turn that seemed to be over goes on."""
        if self._caller is None:
            settled = [line for line in self.lines if line.who == "caller" and line.settled]
            self._caller = settled[-1] if settled else None
        else:
            before = [line for line in self.lines if line.who == "caller" and line.settled]
            if before:
                self.lines.remove(before[-1])

    def _done(self, done: AgentDone) -> None:
        line = self._replies.get(done.reply)
        if line is None:
            return
        words = done.written.split()
        count = len(done.heard.split())
        line.stable, line.unstable = " ".join(words[:count]), ""
        line.lost = " ".join(words[count:])
        line.settled = True


def _split(clauses: Iterable[_Clause], now: Nanos) -> tuple[str, str]:
    """The words heard by `now`, and those to come."""
    heard: list[str] = []
    coming: list[str] = []
    for clause in clauses:
        words = clause.text.split()
        count = len(words) if clause.heard else 0
        if clause.begins is not None and not clause.heard:
            into = now - clause.begins
            count = said_by(clause.text, into, clause.audio, whole=clause.complete)
        heard += words[:count]
        coming += words[count:]
    return " ".join(heard), " ".join(coming)


class TranscriptPanel(Panel):
    """The transcript's last lines."""

    BORDER_TITLE = "conversation"

    def __init__(self, *, caller: str = "you", id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__("", id=id, markup=False)
        self._caller = caller
        self._fold = Transcript()

    def take(self, tick: Tick) -> None:
        """See `Panel`."""
        changes = [self._fold.take(entry) for entry in tick.entries]
        if self._fold.listen(tick.now) or any(changes):
            self.redraw()

    def picture(self, screen: Screen, height: int) -> Text:
        """See `Panel`."""
        rows: list[Text] = []
        for line in reversed(self._fold.lines):
            rows[:0] = _drawn(line, screen, self._caller)
            if len(rows) >= height:
                break
        return Text("\n").join(rows[-height:])


_INDENT = 7
_RULER = Console(width=200)  # wrapping asks a console how wide a tab is


def _drawn(line: Line, screen: Screen, caller: str) -> list[Text]:
    """A line of the transcript, wrapped, with who said it before its first row."""
    said = Text()
    aside = "dim" if line.aside else ""
    bright = "bold" if line.who == "caller" else ""
    for words, style in ((line.stable, aside or bright), (line.unstable, "dim italic")):
        if words:
            said.append(" " if said else "").append(screen.text(words), style)
    if line.lost:
        lost = screen.text(line.lost)
        said.append(" " if said else "")
        said.append(lost if screen.styled else f"[not heard: {lost}]", "strike dim")
    if line.aside:
        said.append("  (aside)", "dim")
    rows = _wrapped(said, max(8, screen.width - _INDENT))
    who, colour = (caller, "cyan") if line.who == "caller" else ("agent", "green")
    label = Text().append(who, colour).append(" " * (_INDENT - len(who)))
    return [(label if i == 0 else Text(" " * _INDENT)) + row for i, row in enumerate(rows)]


def _wrapped(text: Text, width: int) -> list[Text]:
    return list(text.wrap(_RULER, width)) or [Text()]
