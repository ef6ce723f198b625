"""The Python interface: calls replayed from a notebook, a script or a test."""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import rich.console
from rich.console import ConsoleOptions, RenderResult

from voicecli.models.store import require_models
from voicecli.names import distinct_names, names_within
from voicecli.profile import DEFAULT_PROFILE, Profile, load_profile, to_toml
from voicecli.replaying.run import Setting, run_call
from voicecli.replaying.screen import EngineCache
from voicecli.replaying.source import CallSource, open_call, told_apart
from voicecli.replaying.trust import line_of, profile_for
from voicecli.report.assertions import check, measure, parse_condition, require
from voicecli.report.call_report import CallReport
from voicecli.report.json_report import json_report
from voicecli.report.screen import Console
from voicecli.report.summary import Summary

PathLike: TypeAlias = str | Path


@dataclass(frozen=True, slots=True, repr=False)
class Results:
    """Replayed calls, in order; `print` shows what `voicecli replay -q` does."""

    calls: tuple[CallReport, ...]

    def value(self, metric: str) -> float | None:
        """A figure over all calls, such as `voice_to_voice.p95` in milliseconds, or `cut_ins`.

        None if there was nothing to measure. The names are those of `voicecli replay --assert`.

        Raises:
            UsageError: there is no such figure; says which there are.
        """
        return measure(metric, self.calls)

    def require(self, *conditions: str) -> None:
        """Check conditions as `voicecli replay --assert` does: 'voice_to_voice.p95 < 800ms'.

        Raises:
            AssertionUnmetError: some do not hold; names each with its value.
            UsageError: a condition makes no sense.
        """
        require(check(parse_condition(text), self.calls) for text in conditions)

    def to_json(self) -> dict[str, Any]:
        """Everything as JSON values, schema `voicecli.replay/1` (docs/reference/reports.md)."""
        return json_report(self.calls)

    def __len__(self) -> int:
        return len(self.calls)

    def __iter__(self) -> Iterator[CallReport]:
        return iter(self.calls)

    def __getitem__(self, index: int) -> CallReport:
        return self.calls[index]

    def __rich_console__(
        self, console: rich.console.Console, options: ConsoleOptions
    ) -> RenderResult:
        yield Summary(self.calls)

    def __str__(self) -> str:
        text = io.StringIO()
        Console(file=text, width=100, color_system=None).print(self)
        return text.getvalue().rstrip()

    __repr__ = __str__


def replay(
    calls: PathLike | Iterable[PathLike],
    *,
    profile: PathLike | Profile | None = None,
    line: PathLike | Iterable[PathLike] | None = None,
    seed: int = 0,
    out: PathLike | None = None,
) -> Results:
    """Run recorded callers against an agent on a virtual clock, and measure every turn.

    The engines run for real, and are loaded once; no event loop is needed, and one that runs is
    left alone. The caller waits for the agent to finish, except in a call that voicecli recorded,
    where they speak at the recorded times.

    Args:
        calls: an audio file, the folder of a recorded call, or the name of a shipped recording; or
            several of them.
        profile: a shipped profile by name, a TOML file, or a loaded Profile. By default that of the
            recorded call, which may run no code and use no services then; else `embedded`.
        line: a phone line by name or TOML file, by default the profile's; with several, each call
            is run over each.
        seed: of the line's losses and delays.
        out: a folder in which each call leaves its recording, as `voicecli replay --out` does.

    Returns:
        A report for each call and line, in order.

    Raises:
        VoicecliError: a call, the profile, the line, weights or an engine cannot be used; or a file
            cannot be written. The message says what to do.
        KeyboardInterrupt: Ctrl-C.
    """
    sources = [open_call(str(call)) for call in _listed(calls)]
    read = [source.path for source in sources]
    sources = told_apart(sources, names_within(Path(out), read) if out is not None else ())
    lines = [str(each) for each in _listed(line)] if line is not None else []
    chosen = [(source, _profile_of(source, profile, lines)) for source in sources]
    require_models(name for _, agent in chosen for name in agent.weights)
    engines, console = EngineCache(), Console(quiet=True)
    reports: list[CallReport] = []
    for source, agent in chosen:
        over = lines or [_line_of(source, agent, named=profile is not None)]
        short = distinct_names([(Path(name).stem, Path(name)) for name in over])
        for name, suffix in zip(over, short, strict=True):
            pace = "responsive" if source.bundle is None else "recorded"
            setting = Setting(agent, name, seed, pace)
            call = run_call(source, setting, engines.get(agent, console))
            if call.header.partial:
                raise KeyboardInterrupt
            if out is not None:
                folder = call.name if len(lines) < 2 else f"{call.name}.{suffix}"
                call.write(Path(out) / folder, to_toml(agent))
            reports.append(call.report())
    return Results(tuple(reports))


def _listed(given: PathLike | Iterable[PathLike]) -> Sequence[PathLike]:
    return [given] if isinstance(given, str | Path) else list(given)


def _profile_of(
    source: CallSource, profile: PathLike | Profile | None, lines: Sequence[str]
) -> Profile:
    if isinstance(profile, Profile):
        return profile
    if profile is None and source.bundle is not None:
        own_line = None if lines else line_of(source.bundle)
        return profile_for(source.bundle, None, trusted=False, line=own_line)
    return load_profile(str(profile or DEFAULT_PROFILE))


def _line_of(source: CallSource, agent: Profile, *, named: bool) -> str:
    return agent.line if named or source.bundle is None else line_of(source.bundle)
