"""Tells the agent's own code what happens in a call, on a lane of its own: it holds nothing up."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from pipelines.engines.closing import closing
from pipelines.engines.interruptible import reported
from pipelines.engines.protocols import StopSignal
from pipelines.engines.remarks import remark
from pipelines.engines.tools import CALL, ThisCall
from pipelines.runtime.clock import Stopwatch
from pipelines.runtime.lanes import Delivery, Lanes, Work
from pipelines.turn_taking.decisions import AgentDone, TurnEnded
from pipelines.turn_taking.events import DtmfReceived
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.time import SECOND, Nanos

if TYPE_CHECKING:
    from pipelines.runtime.present_agent import PresentAgent

HookName: TypeAlias = Literal["on_turn", "on_interrupted", "on_dtmf"]
Hooks: TypeAlias = Mapping[HookName, Callable[[str], object]]
"""What is called with the caller's words, the words heard of the agent's, or the key."""

LIMIT: Final[Nanos] = 10 * SECOND
"""A hook that takes longer is left to itself, and the next one is called."""
MOST_WAITING: Final = 100
"""Hooks that wait behind one that blocks; what happens beyond that is not told."""


class HookRunner:
    """The hooks of one call; what one raises is remarked in the journal, and the call goes on."""

    def __init__(self, present: "PresentAgent", lanes: Lanes, call: ThisCall) -> None:
        self._present = present
        self._lanes = lanes
        self._call = call
        self._jobs = count(-1, -1)
        """No job of the core's has such a number."""
        self._waiting = 0

    def take(self, entry: Entry) -> None:
        """Call what there is for this entry of the journal."""
        match entry:
            case DtmfReceived():
                self._submit("on_dtmf", entry.digit)
            case Issued(_, TurnEnded(text=text)):
                self._submit("on_turn", text.strip())
            case Issued(_, AgentDone(heard=heard, interrupted=True)):
                self._submit("on_interrupted", heard)
            case _:
                pass

    def _submit(self, name: HookName, what: str) -> None:
        hook = self._present.engines.hooks.get(name)
        if hook is None or self._waiting >= MOST_WAITING:
            return
        self._waiting += 1
        run = partial(self._run, name, partial(hook, what), what if name == "on_turn" else "")
        # It takes no time of a virtual clock: the same call has the same journal.
        work = Work(next(self._jobs), "llm", "hooks", run, simulated_time=True, done=self._done)
        self._lanes.submit(work)

    def _done(self) -> None:
        self._waiting -= 1

    # -- on the lane --------------------------------------------------------------------------

    def _run(
        self, name: HookName, hook: Callable[[], object], said: str, stop: StopSignal
    ) -> Iterator[Delivery]:
        watch = Stopwatch()

        def check() -> None:
            if watch.elapsed() > LIMIT:
                raise TimeoutError(f"it still runs after {LIMIT // SECOND} s and is left to itself")

        def called(put: Callable[[Delivery], None]) -> None:
            call = replace(self._call, tell=self._present.asks(put))
            CALL.set(replace(call, caller_said=said) if said else call)  # on this thread alone
            hook()

        try:
            with closing(reported(called, stop, _let_it_run, check=check)) as asked:
                yield from asked
        except Exception as error:  # noqa: BLE001 - an edge: somebody else's code
            remark(f"{name}: {type(error).__name__}: {error}")


def _let_it_run() -> None:
    """A hook cannot be stopped; its thread ends with it, or with the program."""
