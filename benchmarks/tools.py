"""Prints whom the appointment line books, and how fast: callers in docs/benchmarks/engines.md.

From the repository's root, with the embedded weights pulled (two minutes on two cores):

    .venv/bin/python -m benchmarks.tools

The callers of benchmarks/tool_callers.toml type their words into the same core that hears spoken
ones; voice and ears are left out, model, tools and calendar are the real ones. Time passes as the
model takes it, with nothing worked ahead of the caller's last word.
"""

import argparse
import dataclasses
import re
import sqlite3
import statistics
import tempfile
import tomllib
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.engines.registry import engine_module
from pipelines.runtime.timeline import Samples
from pipelines.runtime.transport import Received
from pipelines.runtime.virtual import run_virtual
from pipelines.turn_taking.commands import CallTool, SynthesizeClause
from pipelines.turn_taking.decisions import AgentDone
from pipelines.turn_taking.events import (
    CallerTyped,
    PlayoutStarted,
    ReplyTextReceived,
    ToolFinished,
)
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.time import SECOND, Nanos, from_ms
from voicecli.engines import build_engines
from voicecli.profile import EngineChoice, load_profile
from voicecli.serve.warm import read_prompt
from voicecli.transports.base import FRAME_SAMPLES, RATE

CALLERS = Path(__file__).with_name("tool_callers.toml")
SETS = ("development", "second", "held out")
THINKS: Nanos = from_ms(600)
"""Between the agent's last word and the caller's next."""
LONGEST: Nanos = 300 * SECOND

Row = tuple[str, str, str]
SCRIPTED = {
    "vad": EngineChoice("scripted", engine_module("vad", "scripted").Settings()),
    "asr": EngineChoice("scripted", engine_module("asr", "scripted").Settings()),
    "tts": EngineChoice("scripted", engine_module("tts", "scripted").Settings()),
}
"""Ears and voice, which take no part."""


@dataclass(slots=True)
class TypingCaller:
    """A transport whose caller types, and answers what they are asked."""

    first: str
    answers: list[tuple[str, str]]
    rate: int = RATE
    egress: Nanos = 0
    finished: bool = False
    said: Counter[str] = field(default_factory=Counter[str])
    asked: list[str] = field(default_factory=list[str])
    """What the agent has said since the caller's last words."""
    talk: list[str] = field(default_factory=list[str])
    speaks_at: Nanos | None = None

    def receive(self, now: Nanos) -> Received:
        """Silence, and now and then a line of text."""
        frame = np.zeros(FRAME_SAMPLES, np.int16)
        self.finished = self.finished or now > LONGEST
        if self.speaks_at is None or now < self.speaks_at or self.finished:
            return Received(frame, 0)
        self.speaks_at = None
        words = self._answer(" ".join(self.asked))
        self.talk += [f"agent:  {' '.join(self.asked)}", f"caller: {words or '(hangs up)'}"]
        self.asked.clear()
        if not words:
            self.finished = True
            return Received(frame, 0)
        return Received(frame, 0, (CallerTyped(now, words),))

    def send(self, frame: Samples | None, now: Nanos) -> None:
        """The agent's sound, which is read in the journal."""

    def record(self, entry: Entry) -> None:
        """Take note of what the agent says, and that it was heard."""
        match entry:
            case Issued(_, SynthesizeClause() as command):
                self.asked.append(command.text)
            case Issued(at, AgentDone()):
                self.speaks_at = at + THINKS
            case Issued(_, CallTool() as command):
                self.talk.append(f"        {command.name}({command.arguments})")
            case ToolFinished():
                self.talk.append(f"        -> {entry.result}")
            case _:
                pass

    def _answer(self, asked: str) -> str:
        if not self.talk or not self.said:
            self.said[self.first] += 1
            return self.first
        fits = [words for pattern, words in self.answers if re.search(pattern, asked, re.I)]
        words = min(fits, key=lambda each: self.said[each], default="")
        if self.said[words] > 1:
            return ""
        self.said[words] += 1
        return words


@dataclass(slots=True)
class Outcome:
    """One call."""

    verdict: str
    tools: list[str]
    after_tool_ms: list[float]
    """From each tool's result to the first word after it."""
    after_words_ms: list[float]
    """From the caller's words to the first sound."""


def main() -> None:
    """Call, and print the table."""
    options = _options()
    table = read_callers(CALLERS)
    outcomes: dict[str, list[Outcome]] = {}
    with tempfile.TemporaryDirectory() as folder:
        agent = Agent(options.profile, Path(folder) / "calendar.db", table["today"])
        print("| set | caller | calendar | tools | first word after a tool | first sound |")
        print("|---|---|---|---|---|---|")
        for caller in table["caller"]:
            if options.set not in {"all", caller["set"]} or options.only not in caller["about"]:
                continue
            outcome, talk = agent.called(caller, table["calendar"])
            outcomes.setdefault(caller["set"], []).append(outcome)
            print(f"| {caller['set']} | {caller['about']} | {_row([outcome])}", flush=True)
            if options.talk or (options.failed and outcome.verdict != "right"):
                print("\n".join(["", *talk, ""]), flush=True)
    for name, of_set in outcomes.items():
        print(f"| **{name}** | {len(of_set)} callers | {_row(of_set)}")


def read_callers(path: Path) -> dict[str, Any]:
    """The file of callers: `today`, `calendar`, and a list of tables `caller`."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


class Agent:
    """The agent of a profile, with a calendar of its own and no ears or voice."""

    def __init__(self, profile: str, database: Path, today: str) -> None:
        shipped = load_profile(profile)
        tools = dataclasses.replace(shipped.tools, settings={"database": str(database)})
        named = dataclasses.replace(shipped, tools=tools, turn_detectors=(), **SCRIPTED)
        self._policy, self._today, self._database = named.policy, today, database
        self._engines = build_engines(named)
        read_prompt(self._engines.llm, named.policy.agent, today)

    def called(
        self, caller: dict[str, Any], calendar: list[list[str]]
    ) -> tuple[Outcome, list[str]]:
        """One caller's call, and what was said in it; `calendar` is what is booked before it."""
        before = {(day, at, name) for day, at, name in calendar}
        gone = {tuple(row) for row in caller.get("cancelled", [])}
        wanted = (before | {tuple(row) for row in caller.get("expected", [])}) - gone
        with closing(sqlite3.connect(self._database)) as connection, connection:
            connection.execute("DELETE FROM appointments")
            connection.executemany("INSERT INTO appointments VALUES (?, ?, ?)", sorted(before))
        call = TypingCaller(
            caller["first"], [(pattern, words) for pattern, words in caller["answers"]]
        )
        entries: list[Entry] = []

        def record(entry: Entry) -> None:
            entries.append(entry)
            call.record(entry)

        run_virtual(self._policy, self._engines, call, record, today=self._today)
        with closing(sqlite3.connect(self._database)) as connection:
            now = set(connection.execute("SELECT day, at, name FROM appointments"))
        verdict = "right" if now == wanted else "none" if now == before else "wrong"
        return Outcome(verdict, *_measured(entries)), call.talk


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--profile", default="appointments")
    parser.add_argument("--set", choices=("all", *SETS), default="all")
    parser.add_argument("--only", default="", help="callers whose description holds this")
    parser.add_argument("--talk", action="store_true", help="show what was said")
    parser.add_argument("--failed", action="store_true", help="... where it went wrong")
    return parser.parse_args()


def _measured(entries: list[Entry]) -> tuple[list[str], list[float], list[float]]:
    tools: list[str] = []
    after_tool: list[float] = []
    after_words: list[float] = []
    answered: Nanos | None = None
    typed: Nanos | None = None
    for entry in entries:
        match entry:
            case Issued(_, CallTool() as command):
                tools.append(command.name)
            case ToolFinished(at):
                answered = at
            case ReplyTextReceived(at) if answered is not None:
                after_tool.append((at - answered) / from_ms(1))
                answered = None
            case CallerTyped(at):
                typed = at
            case PlayoutStarted(at) if typed is not None:
                after_words.append((at - typed) / from_ms(1))
                typed = None
            case _:
                pass
    return tools, after_tool, after_words


def _row(outcomes: list[Outcome]) -> str:
    verdicts = Counter(outcome.verdict for outcome in outcomes)
    verdict = ", ".join(f"{n} {name}" for name, n in verdicts.items())
    if len(outcomes) == 1:
        verdict = outcomes[0].verdict
    tools = sum(len(outcome.tools) for outcome in outcomes)
    after_tool = [ms for outcome in outcomes for ms in outcome.after_tool_ms]
    after_words = [ms for outcome in outcomes for ms in outcome.after_words_ms]
    return f"{verdict} | {tools} | {_p50(after_tool)} | {_p50(after_words)} |"


def _p50(figures: list[float]) -> str:
    return f"{statistics.median(figures):,.0f} ms" if figures else "-"


if __name__ == "__main__":
    main()
