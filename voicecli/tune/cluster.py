"""Spreads a search over a Ray cluster."""

import importlib
import os
from collections.abc import Callable, Sequence
from typing import Any

from pipelines.turn_taking.policy import Policy
from voicecli.errors import VoicecliError
from voicecli.tune.evaluate import RecordedCall
from voicecli.tune.search import Tried, try_point
from voicecli.tune.space import Point

_CHUNK = 4
"""Points a worker is given at a time."""


class ClusterError(VoicecliError):
    """A Ray cluster cannot be reached, or broke down."""

    exit_code = 12


class Worker:
    """One core of the cluster: holds the calls and tries points on them."""

    def __init__(self, calls: Sequence[RecordedCall], base: Policy) -> None:
        self._calls = calls
        self._base = base

    def try_all(self, points: Sequence[Point]) -> list[Tried]:
        """What each point would have done."""
        return [try_point(point, self._base, self._calls) for point in points]


def search_on(
    address: str,
    calls: Sequence[RecordedCall],
    base: Policy,
    points: Sequence[Point],
    progress: Callable[[], None],
) -> list[Tried]:
    """Try every point on every call; in the order of the points, as a local search gives them.

    The cluster's nodes need this version of voicecli; the calls are sent to them.

    Args:
        address: "ray://HOST:PORT" of a Ray client server, "HOST:PORT" of a cluster that this
            computer belongs to, or "auto" for the one that runs here.
        calls: labelled.
        base: what the points change.
        points: settings to try.
        progress: called after each point.

    Raises:
        ClusterError: Ray is not installed, the cluster cannot be reached, or it broke down.
    """
    ray = _connect(address)
    try:
        return _spread(ray, calls, base, points, progress)
    except ray.exceptions.RayError as error:
        last = (str(error).strip().splitlines() or [repr(error)])[-1]
        raise ClusterError(
            f"the Ray cluster at {address} gave up: {last}. Its nodes need the voicecli that runs "
            "here, and Python of the same version."
        ) from error
    finally:
        ray.shutdown()


def _connect(address: str) -> Any:
    # Ray asks for this before it is imported; a search is nobody else's business.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray = importlib.import_module("ray")
    except ImportError:
        raise ClusterError(
            "--cluster needs Ray: pip install 'voicecli[cluster]'; without it, leave --cluster out."
        ) from None
    try:
        ray.init(address, log_to_driver=False, logging_level="ERROR")
    # Whatever goes wrong while Ray connects, its client knows no common error for it.
    except Exception as error:
        ray.shutdown()
        raise ClusterError(
            f"no Ray cluster can be reached at {address}: {_first_line(error)}. Start one with "
            "`ray start --head`, check the address and the token (RAY_AUTH_MODE=token where the "
            "cluster asks for one), or search on this computer with --or-local."
        ) from error
    return ray


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), repr(error)).rstrip(".")


def _spread(
    ray: Any,
    calls: Sequence[RecordedCall],
    base: Policy,
    points: Sequence[Point],
    progress: Callable[[], None],
) -> list[Tried]:
    pool_of = importlib.import_module("ray.util").ActorPool
    chunks = [points[start : start + _CHUNK] for start in range(0, len(points), _CHUNK)]
    # What others use of the cluster may stay taken: an actor that waits for it would never begin.
    free = int(ray.available_resources().get("CPU", 0))
    sent = ray.put(list(calls))
    remote = ray.remote(num_cpus=1)(Worker)
    workers = [remote.remote(sent, base) for _ in range(max(1, min(free, len(chunks))))]
    tried: list[Tried] = []
    for results in pool_of(workers).map(lambda worker, c: worker.try_all.remote(c), chunks):
        for result in results:
            tried.append(result)
            progress()
    return tried
