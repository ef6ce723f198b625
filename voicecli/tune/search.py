"""Runs many points on all cores and keeps the best trade-offs."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from pipelines.turn_taking.policy import Policy
from voicecli.errors import InputError
from voicecli.recording.bundle import read_bundle
from voicecli.tune.evaluate import RecordedCall, Score, score
from voicecli.tune.space import Point


@dataclass(frozen=True, slots=True)
class Tried:
    """A point and what it would have done."""

    point: Point
    score: Score


_calls: list[RecordedCall] = []  # of a worker process, read once


def load(folders: Sequence[Path]) -> list[RecordedCall]:
    """Read the calls.

    Raises:
        InputError: one was not made by voicecli, or has no labels.
    """
    calls: list[RecordedCall] = []
    for folder in folders:
        bundle = read_bundle(folder)
        if bundle.labels is None:
            raise InputError(
                f"{folder} has no labels.json, without which cut-ins and missed ends are unknown; "
                "replay a labelled call and tune on the folder that leaves."
            )
        calls.append(RecordedCall(bundle, bundle.labels))
    return calls


def search(
    folders: Sequence[Path],
    base: Policy,
    points: Sequence[Point],
    workers: int,
    progress: Callable[[], None],
) -> list[Tried]:
    """Try every point on every call; `progress` is called after each point.

    Raises:
        InputError: a call cannot be used.
    """
    load(folders)  # say what is wrong here, not in a worker
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, _prepare, (list(folders),)) as pool:
        tried: list[Tried] = []
        for result in pool.map(_try, points, [base] * len(points), chunksize=4):
            tried.append(result)
            progress()
        return tried


def _prepare(folders: list[Path]) -> None:
    """In a new worker."""
    _calls.extend(load(folders))


def _try(point: Point, base: Policy) -> Tried:
    policy = point.policy(base)
    return Tried(point, score([outcome for call in _calls for outcome in call.outcomes(policy)]))


def pareto_front(tried: Sequence[Tried]) -> list[Tried]:
    """Those that no other beats in both cut-ins and median delay, fewest cut-ins first.

    A point that misses ends of turns cannot win by answering only the easy ones: each miss counts
    as a cut-in does.
    """
    front: list[Tried] = []
    best = float("inf")
    for candidate in sorted(tried, key=lambda t: (_errors(t.score), t.score.median)):
        if candidate.score.median < best:
            front.append(candidate)
            best = candidate.score.median
    return front


def _errors(result: Score) -> int:
    return result.cut_ins + result.missed


def choose(front: Sequence[Tried], most_cut_ins: float) -> Tried:
    """The fastest with at most this share of cut-ins; if there is none, that with the fewest."""
    allowed = [tried for tried in front if tried.score.cut_in_rate <= most_cut_ins]
    return min(allowed, key=lambda t: t.score.median) if allowed else front[0]
