"""The calls under way as a live table; changes with what an operator wants to see of them."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from voicecli.report.bars import VOICE_TO_VOICE
from voicecli.report.screen import milliseconds
from voicecli.serve.calls import Calls

_REFRESH_S = 0.5


class Board:
    """Shows the table at the bottom of a terminal, and log lines above it."""

    def __init__(self, console: Console, calls: Calls, idle: Callable[[], int]) -> None:
        self._console = console
        self._calls = calls
        self._idle = idle

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Within the block the table is on the screen and kept fresh."""
        with Live(self.table(0.0), console=self._console, auto_refresh=False) as live:
            task = asyncio.create_task(self._keep_fresh(live))
            try:
                yield
            finally:
                task.cancel()

    async def _keep_fresh(self, live: Live) -> None:
        while True:
            live.update(self.table(asyncio.get_running_loop().time()), refresh=True)
            await asyncio.sleep(_REFRESH_S)

    def table(self, now: float) -> Table:
        """The calls at a moment of the server's clock, in seconds."""
        title = f"{len(self._calls)} live, {self._idle()} ready"
        table = Table("call", "state", box=None, header_style="bold", title=title)
        for column in ("time", "turn", "v2v last", "v2v p95", "dropped", "underruns"):
            table.add_column(column, justify="right")
        for call in self._calls:
            seconds = int(now - call.began)
            last = call.latencies[-1] if call.latencies else None
            table.add_row(
                call.name, call.state, f"{seconds // 60}:{seconds % 60:02}", str(call.turn),
                _latency(last), _latency(call.p95), str(call.dropped), str(call.underruns),
            )  # fmt: skip
        return table


def _latency(value: float | None) -> Text:
    if value is None:
        return Text("")
    nanos = round(value * 1e6)
    return Text(milliseconds(nanos), VOICE_TO_VOICE.style(nanos))
