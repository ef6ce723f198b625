"""Waiting for what other threads do, instead of guessing how long they take."""

import time
from collections.abc import Callable


def wait_for(condition: Callable[[], object], seconds: float = 20) -> bool:
    """Whether it became true within this time."""
    until = time.monotonic() + seconds
    while not (met := bool(condition())) and time.monotonic() < until:
        time.sleep(0.02)
    return met
