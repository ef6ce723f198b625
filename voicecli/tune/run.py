"""A search from start to finish: progress, the front of the best trade-offs, the chosen one."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress

from voicecli.errors import InputError, ProfileError
from voicecli.foreign import one_line
from voicecli.names import refuse_to_overwrite
from voicecli.profile import Profile
from voicecli.recording.bundle import read_bundle
from voicecli.replaying.trust import profile_for
from voicecli.report.json_report import write_whole
from voicecli.report.screen import Console, milliseconds
from voicecli.report.whole_table import WholeTable
from voicecli.rest import Rest
from voicecli.tune.cluster import ClusterError, search_on
from voicecli.tune.evaluate import RecordedCall, Score, score
from voicecli.tune.profile import tuned_profile
from voicecli.tune.search import Tried, choose, load, pareto_front, recorded_calls, search
from voicecli.tune.space import Point, points


@dataclass(frozen=True, slots=True)
class Where:
    """Which computers search."""

    workers: int | None = None
    """Processes on this computer; one a core if None."""
    cluster: str | None = None
    """Address of a Ray cluster that is to search instead."""
    or_local: bool = False
    """Whether this computer searches if the cluster cannot."""


def run(
    folders: Sequence[Path],
    profile: str | None,
    *,
    runs: int,
    most_cut_ins: float,
    out: Path,
    seed: int,
    where: Where,
    trust_bundle: bool = False,
) -> None:
    """Search, print the Pareto front, and write the chosen setting as a profile.

    Raises:
        VoicecliError: a call, the profile or the cluster cannot be used, or the file cannot be
            written.
    """
    console = Console()
    named = Rest(len(folders), "folders")
    found = recorded_calls(folders, named)
    rest = Rest(len(found))
    calls = load(found, rest)
    if not calls:
        named.finish()
        rest.finish()
    folders = [call.folder for call in calls]
    # What is written is to be used with -p: it must not carry over what nobody has agreed to.
    base = profile_for(read_bundle(folders[0]), profile, trusted=trust_bundle)
    refuse_to_overwrite((out,), [base.path, *folders])
    if not base.policy.endpointing.weights:
        raise ProfileError(
            f"{base.path}: the profile {base.name} has no turn detectors, so every pause is alike "
            "and there is nothing to search; name another --profile."
        )
    candidates = points(runs, len(base.policy.endpointing.weights), seed)
    tried = _search(console, folders, calls, base, candidates, where)
    front = pareto_front(tried)
    if not front:
        raise InputError(
            f"in no setting would the agent have answered a labelled turn of {folders[0]} or the "
            "other calls; tune on calls in which it does."
        )
    chosen = choose(front, most_cut_ins)
    now = score([outcome for call in calls for outcome in call.outcomes(base.policy)])
    names = [name for name, _ in base.policy.endpointing.weights]
    console.print(_table(now, front, chosen), crop=False)
    console.print(f"weights: {', '.join(names)}; of {now.judged} pauses and ends\n")
    console.print(_elsewhere(chosen.point))
    write_whole(out, tuned_profile(base, chosen.point))
    console.print(
        one_line(
            f"written: {out}; try it on other calls: voicecli compare CALL... "
            f"-p {base.path} -p {out}"
        ),
        style="dim",
        soft_wrap=True,
    )
    rest.finish()
    named.finish()


def _search(  # noqa: PLR0917 - all of what a search is
    console: Console,
    folders: Sequence[Path],
    calls: Sequence[RecordedCall],
    base: Profile,
    candidates: Sequence[Point],
    where: Where,
) -> list[Tried]:
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("trying settings", total=len(candidates))

        def advance() -> None:
            bar.advance(task)

        if where.cluster is not None:
            try:
                return search_on(where.cluster, calls, base.policy, candidates, advance)
            except ClusterError as error:
                if not where.or_local:
                    raise
                console.print(
                    f"{one_line(error)}\nSearching on this computer instead.", soft_wrap=True
                )
                bar.reset(task)
        workers = where.workers or os.cpu_count() or 1
        return search(folders, base.policy, candidates, workers, advance)


def _table(now: Score, front: Sequence[Tried], chosen: Tried) -> WholeTable:
    table = WholeTable(box=None, header_style="bold")
    table.add_column("", no_wrap=True)
    for column in ("silence, ms", "bend", "weights", "cut", "missed", "p50", "p95"):
        table.add_column(column, justify="right", no_wrap=True)
    rows = [("as it is", ("", "", ""), now), *(_row(tried, chosen) for tried in front)]
    for name, setting, result in rows:
        table.add_row(
            name, *setting, str(result.cut_ins), str(result.missed),
            milliseconds(result.median), milliseconds(result.p95),
        )  # fmt: skip
    return table


def _row(tried: Tried, chosen: Tried) -> tuple[str, tuple[str, str, str], Score]:
    point = tried.point
    silence = f"{point.floor_ms:.0f}-{point.ceiling_ms:.0f}"
    weights = " ".join(f"{weight:.2f}" for weight in point.weights)
    mark = "chosen" if tried is chosen else ""
    return mark, (silence, f"{point.bend:.1f}", weights), tried.score


def _elsewhere(point: Point) -> str:
    """The same in the words of the field's frameworks, as far as they have them."""
    return (
        "In Pipecat's settings about: VAD stop_secs = "
        f"{point.floor_ms / 1000:.2f}, smart turn stop_secs = {point.ceiling_ms / 1000:.1f}.\n"
        "In LiveKit's: min_endpointing_delay = "
        f"{point.floor_ms / 1000:.2f}, max_endpointing_delay = {point.ceiling_ms / 1000:.1f}.\n"
        "Neither lets the delay follow P(end) between the two."
    )
