"""Replays calls one after the other: what is shown meanwhile, and what is written after."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from pipelines.runtime.engines import Engines
from pipelines.turn_taking.time import SECOND, Nanos
from voicecli.engines import build_engines
from voicecli.errors import AssertionUnmetError, InputError
from voicecli.profile import Profile, load_profile
from voicecli.replay.run import Clock, Setting, run_call, save_call
from voicecli.replay.source import CallSource, open_call
from voicecli.replay.verify import verify
from voicecli.report.assertions import check, parse_condition, require
from voicecli.report.call_report import CallReport, build_call_report
from voicecli.report.json_report import write_json_report
from voicecli.report.junit import write_junit_report
from voicecli.report.lines import LineTable
from voicecli.report.summary import Summary
from voicecli.report.trace import write_trace
from voicecli.report.waterfall import CallWaterfall
from voicecli.transports.pacing import Pace

Mode: TypeAlias = Literal["as it is", "recompute", "policy"]
DEFAULT_PROFILE = "embedded"
INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 + SIGINT."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What to replay, and under what."""

    calls: tuple[str, ...]
    mode: Mode
    profile: str | None
    policy: Path | None
    pace: Pace | None
    lines: tuple[str, ...]
    seed: int
    clock: Clock


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where results go."""

    folder: Path
    json: Path
    junit: Path | None
    trace: Path | None
    quiet: bool


def run_batch(batch: Batch, outputs: Outputs, asserts: Sequence[str]) -> None:
    """Replay everything, then write the reports and check the conditions.

    Ctrl-C ends the call under way; what was measured until then is reported and marked as partial.

    Raises:
        SystemExit: with 130 after Ctrl-C.
        AssertionUnmetError: a condition does not hold, or a recorded call goes another way now.
        VoicecliError: a call, a profile, a line or an engine cannot be used.
    """
    console = Console()
    conditions = [parse_condition(text) for text in asserts]
    sources = [open_call(call) for call in batch.calls]
    reports: list[CallReport] = []
    differences: list[str] = []
    for source in sources:
        if source.audio.note:
            console.print(f"[yellow]{source.name}: {source.audio.note}[/]")
        if source.bundle is not None and batch.mode == "as it is":
            reports.append(_recorded(source, console, differences))
        else:
            reports += _runs(source, batch, outputs, console)
        if not outputs.quiet:
            for report in reports[-max(1, len(batch.lines)) :]:
                console.print(CallWaterfall(report), "")
        if reports[-1].partial:
            break
    outcomes = [check(condition, reports) for condition in conditions]
    console.print(Summary(reports, outcomes))
    if len(batch.lines) > 1:
        console.print("", LineTable(reports))
    write_json_report(outputs.json, reports, outcomes)
    if outputs.junit is not None:
        write_junit_report(outputs.junit, reports, outcomes)
    if outputs.trace is not None:
        write_trace(outputs.trace, reports)
    console.print(f"[dim]report: {outputs.json}[/]", highlight=False)
    if any(report.partial for report in reports):
        raise SystemExit(INTERRUPTED)
    if differences:
        raise AssertionUnmetError(" ".join(differences))
    require(outcomes)


def _recorded(source: CallSource, console: Console, differences: list[str]) -> CallReport:
    """A call of voicecli's own: its journal tells everything; the core must still agree."""
    bundle = source.bundle
    if bundle is None:
        raise InputError(f"{source.path} has no journal.")
    policy = load_profile(str(source.path / "profile.toml")).policy
    result = verify(bundle.entries, policy)
    if result.difference is None:
        console.print(
            f"{source.name}: {result.events:,} events replayed, all {result.commands:,} commands "
            "are the same to the bit.",
            highlight=False,
        )
    else:
        seconds = result.difference.at / SECOND
        differences.append(
            f"{source.name} goes another way from {seconds:.3f} s: recorded "
            f"{result.difference.recorded}, now {result.difference.now}."
        )
    return build_call_report(
        source.name, bundle.header, bundle.entries, bundle.stereo, bundle.labels
    )


def _runs(
    source: CallSource, batch: Batch, outputs: Outputs, console: Console
) -> Iterator[CallReport]:
    """The call run once per line."""
    profile = _profile_for(source, batch)
    engines = _engines(profile, console)
    for line in batch.lines or (_line_for(source, batch, profile),):
        setting = Setting(profile, line, batch.seed, _pace_for(source, batch), batch.clock)
        with _progress(console, source, line) as progress:
            call = run_call(source, setting, engines, progress)
        name = source.name if len(batch.lines) < 2 else f"{source.name}.{Path(line).stem}"
        folder = outputs.folder / name
        save_call(call, setting, folder)
        console.print(f"[dim]{name}: {folder}/call.wav, journal.jsonl[/]", highlight=False)
        yield call.report()
        if call.header.partial:
            return


def _profile_for(source: CallSource, batch: Batch) -> Profile:
    if batch.profile is not None:
        return load_profile(batch.profile)
    if source.bundle is not None:
        return load_profile(str(source.path / "profile.toml"))
    return load_profile(DEFAULT_PROFILE)


def _line_for(source: CallSource, batch: Batch, profile: Profile) -> str:
    if source.bundle is not None and batch.profile is None:
        return str(source.bundle.header.metadata.get("line", profile.line))
    return profile.line


def _pace_for(source: CallSource, batch: Batch) -> Pace:
    if batch.pace is not None:
        return batch.pace
    return "responsive" if source.bundle is None else "recorded"


_loaded: dict[str, Engines] = {}


def _engines(profile: Profile, console: Console) -> Engines:
    """The profile's engines, loaded once."""
    if profile.source not in _loaded:
        with console.status(f"loading the engines of {profile.name} …"):
            _loaded[profile.source] = build_engines(profile)
    return _loaded[profile.source]


@contextmanager
def _progress(console: Console, source: CallSource, line: str) -> Iterator[Callable[[Nanos], None]]:
    """A bar over the call's own time; the agent's answers make it longer than the recording."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(),
               TextColumn("{task.completed:.0f} s of call"), TimeElapsedColumn())  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"{source.name} over {line}", total=source.audio.duration_s)

        def progress(now: Nanos) -> None:
            if now % SECOND == 0:
                seconds = now / SECOND
                total = max(source.audio.duration_s, seconds)
                bar.update(task, completed=seconds, total=total)

        yield progress
