"""A search from start to finish: progress, the front of the best trade-offs, the chosen one."""

import os
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from pipelines.turn_taking.policy import Policy
from voicecli.profile import load_profile
from voicecli.report.json_report import write_whole
from voicecli.report.screen import milliseconds
from voicecli.tune.evaluate import score
from voicecli.tune.search import Tried, choose, load, pareto_front, search
from voicecli.tune.space import Point, points


def run(
    folders: Sequence[Path],
    profile: str | None,
    *,
    runs: int,
    most_cut_ins: float,
    out: Path,
    workers: int | None,
    seed: int,
) -> None:
    """Search, print the Pareto front, and write the chosen setting.

    Raises:
        VoicecliError: a call or the profile cannot be used, or the file cannot be written.
    """
    console = Console(highlight=False)
    base = load_profile(profile or str(folders[0] / "profile.toml")).policy
    candidates = points(runs, len(base.endpointing.weights), seed)
    quiet = not console.is_terminal
    with Progress(console=console, transient=True, disable=quiet) as bar:
        task = bar.add_task("trying settings", total=runs)
        tried = search(
            folders, base, candidates, workers or os.cpu_count() or 1, lambda: bar.advance(task)
        )
    front = pareto_front(tried)
    chosen = choose(front, most_cut_ins)
    console.print(_table(folders, base, front, chosen))
    console.print(_elsewhere(chosen.point))
    write_whole(out, chosen.point.toml(base))
    console.print(f"[dim]written: {out}; try it: voicecli replay {folders[0]} --policy {out}[/]")


def _table(folders: Sequence[Path], base: Policy, front: Sequence[Tried], chosen: Tried) -> Table:
    table = Table("setting", box=None, header_style="bold")
    for column in ("cut-ins", "missed", "answer p50", "answer p95"):
        table.add_column(column, justify="right")
    now = score([outcome for call in load(folders) for outcome in call.outcomes(base)])
    rows = [("as it is", now), *((_named(tried, chosen), tried.score) for tried in front)]
    for name, result in rows:
        table.add_row(
            name, f"{result.cut_ins} of {result.judged}", str(result.missed),
            milliseconds(result.median), milliseconds(result.p95),
        )  # fmt: skip
    return table


def _named(tried: Tried, chosen: Tried) -> str:
    point = tried.point
    mark = "  <- chosen" if tried is chosen else ""
    return f"{point.floor_ms:.0f} to {point.ceiling_ms:.0f} ms, bend {point.bend:.1f}{mark}"


def _elsewhere(point: Point) -> str:
    """The same in the words of the field's frameworks, as far as they have them."""
    delays = dict(point.delays_ms())
    return (
        "In Pipecat's settings about: VAD stop_secs = "
        f"{point.floor_ms / 1000:.2f}, smart turn stop_secs = {point.ceiling_ms / 1000:.1f}.\n"
        "In LiveKit's: min_endpointing_delay = "
        f"{delays[0.95] / 1000:.2f}, max_endpointing_delay = {delays[0.0] / 1000:.1f}.\n"
        "Neither lets the delay follow P(end) between the two."
    )
