"""Runs many points on all cores and keeps the best trade-offs."""

import gc
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path

from pipelines.turn_taking.policy import Policy
from voicecli.errors import InputError
from voicecli.recording.bundle import is_bundle, read_bundle
from voicecli.rest import Rest
from voicecli.signals import signals_held
from voicecli.tune.evaluate import RecordedCall, Score, score
from voicecli.tune.space import Point


@dataclass(frozen=True, slots=True)
class Tried:
    """A point and what it would have done."""

    point: Point
    score: Score


_calls: list[RecordedCall] = []  # of a worker process, read once


def recorded_calls(folders: Sequence[Path], rest: Rest | None = None) -> list[Path]:
    """The calls in these folders, each of which is a call or holds some; one that holds none is
    left to `rest`.

    Raises:
        InputError: the only folder holds none, or one does and there is no `rest`.
    """
    rest = rest or Rest(1)
    calls: list[Path] = []
    for folder in folders:
        inside = [folder] if is_bundle(folder) else sorted(folder.glob("*"))
        found = [path for path in inside if is_bundle(path)]
        with rest.goes_on(str(folder)):
            if not found:
                raise InputError(
                    f"{folder} holds no recorded calls; `voicecli replay CALL... -o {folder}` "
                    "runs labelled calls and leaves them there."
                )
        calls += found
    return calls


def load(folders: Sequence[Path], rest: Rest | None = None) -> list[RecordedCall]:
    """Read the calls; those that are damaged or have no labels are left to `rest`.

    Raises:
        InputError: the only one cannot be used, or one and there is no `rest`, or all have no
            labels that can be judged.
    """
    rest = rest or Rest(1)
    calls: list[RecordedCall] = []
    ends = 0
    for folder in folders:
        with rest.goes_on(str(folder)):
            bundle = read_bundle(folder)
            if bundle.labels is None:
                raise InputError(
                    f"{folder} has no labels.json, without which cut-ins and missed ends are "
                    "unknown; replay a labelled call and tune on the folder that leaves."
                )
            ends += sum(turn.intent == "end_of_turn" for turn in bundle.labels.turns)
            calls.append(RecordedCall(bundle, bundle.labels))
    if calls and not ends:
        raise InputError(
            f"no label of {calls[0].folder} or the other calls says end_of_turn, so nothing can be "
            "searched for; docs/reference/recordings.md says what labels.json may hold."
        )
    return calls


def search(
    folders: Sequence[Path],
    base: Policy,
    points: Sequence[Point],
    workers: int,
    progress: Callable[[], None],
) -> list[Tried]:
    """Try every point on every call; `progress` is called after each point."""
    context = get_context("spawn")
    tried: list[Tried] = []
    with signals_held():  # the workers hold them for good: they are for us, who end the workers
        pool = ProcessPoolExecutor(workers, context, _prepare, (list(folders),))
    try:
        with signals_held():
            results = pool.map(_try, points, [base] * len(points), chunksize=4)
        for result in results:
            tried.append(result)
            progress()
    finally:
        pool.shutdown(cancel_futures=True)
    return tried


def _prepare(folders: list[Path]) -> None:
    """In a new worker."""
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    _calls.extend(load(folders))
    gc.freeze()  # the calls stay: looking through them for garbage costs a quarter of the time


def _end_with_parent() -> None:
    """A parent that was killed tells its workers nothing: they would wait for work for ever."""
    if (parent := parent_process()) is not None:
        parent.join()
    os._exit(1)


def _try(point: Point, base: Policy) -> Tried:
    return try_point(point, base, _calls)


def try_point(point: Point, base: Policy, calls: Sequence[RecordedCall]) -> Tried:
    """What a point would have done in the calls."""
    policy = point.policy(base)
    return Tried(point, score([outcome for call in calls for outcome in call.outcomes(policy)]))


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
