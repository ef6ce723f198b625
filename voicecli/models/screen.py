"""Shows a pull on the terminal."""

from types import TracebackType

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from voicecli.models.files import megabytes
from voicecli.models.registry import Entry, Origin
from voicecli.report.screen import Console


class PullScreen:
    """One bar over all that is being fetched, and a line for each model that has come.

    Without a terminal, as in a log file, there are only the lines.
    """

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(compact=True),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task: TaskID | None = None
        self._before = 0.0
        """Of models that are whole."""

    def __enter__(self) -> "PullScreen":
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def waiting(self) -> None:
        """Say why nothing happens."""
        self._console.print("Another pull is under way; waiting for it to end...")

    def begins(self, total: int) -> None:
        """Show the bar."""
        self._task = self._bar.add_task("pulling", total=total or None)

    def progress(self, entry: Entry, done: int, total: int) -> None:  # noqa: ARG002 - the listener's
        """Move the bar."""
        if self._task is not None:
            self._bar.update(self._task, description=entry.name, completed=self._before + done)

    def finished(self, entry: Entry, size: int, origin: Origin) -> None:
        """A line for the model."""
        if self._task is not None:
            self._before = self._bar.tasks[self._task].completed
        self._console.print(f"{entry.name}: {megabytes(size)} from {origin}")
