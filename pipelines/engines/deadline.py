"""Bounds the wait for a service's answer, item by item.

Only what is of use to the caller ends a wait: words, audio, a transcript. Signs of life do not
(comments, pings, roles, reasoning, empty audio): a caller hears nothing of them.
"""

from pipelines.engines.remote import RemoteError, Service
from pipelines.engines.simulated_time import stopwatch
from pipelines.turn_taking.time import MILLISECOND, SECOND, from_ms


class Deadline:
    """Runs while the next useful item is awaited, from the first moment on.

    Args:
        where: who is waited for.
        what: the items, for messages.
        timeout_ms: the longest wait for the first, and for each after it.
    """

    def __init__(self, where: Service, what: str, timeout_ms: float) -> None:
        self._where, self._what = where, what
        self._timeout = from_ms(timeout_ms)
        self.restart()

    def restart(self) -> None:
        """A useful item was there, and the next is awaited."""
        self._waited = stopwatch()

    def shorten(self, timeout_ms: float) -> None:
        """From now on wait for no longer than this."""
        self._timeout = min(self._timeout, from_ms(timeout_ms))
        self.restart()

    @property
    def left_s(self) -> float:
        """Seconds until it passes, not negative."""
        return max(0, self._timeout - self._waited()) / SECOND

    def check(self) -> None:
        """Go on waiting.

        Raises:
            RemoteError: it has passed.
        """
        if self._waited() >= self._timeout:
            ms = self._timeout // MILLISECOND
            what = f"{self._where.name} sent no {self._what} for {ms} ms (timeout_ms)"
            raise RemoteError(what, passing=False)
