"""Shows a pull on the terminal; changes with how it should look."""

from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)

from voicecli.models.registry import Entry
from voicecli.models.space import megabytes


class PullScreen:
    """A bar for each model being fetched, and a line for each that has come.

    Without a terminal, as in a log file, there are only the lines.
    """

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "PullScreen":
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def waiting(self) -> None:
        """Say why nothing happens."""
        self._console.print("Another pull is under way; waiting for it to end...")

    def progress(self, entry: Entry, done: int, total: int) -> None:
        """Move the entry's bar."""
        if entry.name not in self._tasks:
            self._tasks[entry.name] = self._bars.add_task(entry.name)
        self._bars.update(self._tasks[entry.name], completed=done, total=total or None)

    def finished(self, entry: Entry, size: int) -> None:
        """Replace the bar by a line."""
        if (task := self._tasks.pop(entry.name, None)) is not None:  # the first has the id 0
            self._bars.remove_task(task)
        self._console.print(f"{entry.name}: {megabytes(size)} from {entry.source}")
