"""What one sees while engines load and calls run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from pipelines.runtime.engines import Engines
from pipelines.turn_taking.time import SECOND, Nanos
from voicecli.engines import build_engines
from voicecli.foreign import one_line
from voicecli.profile import Profile
from voicecli.replaying.source import CallSource
from voicecli.report.screen import Console
from voicecli.tools.load import code_run


class EngineCache:
    """Engines by profile, each set loaded once; profiles that differ only in policy share one."""

    def __init__(self) -> None:
        self._loaded: dict[tuple[Path, str], Engines] = {}

    def get(self, profile: Profile, console: Console) -> Engines:
        """The profile's engines, warm."""
        key = (profile.path.resolve().parent, profile.source)
        if key not in self._loaded:
            if path := code_run(profile):
                console.print(one_line(f"tools: {path}"), soft_wrap=True)
            for note in profile.notes:
                console.print(one_line(f"language: {note}"), soft_wrap=True)
            with console.status(Text(one_line(f"loading the engines of {profile.name} …"))):
                self._loaded[key] = build_engines(profile)
        return self._loaded[key]


@contextmanager
def call_progress(
    console: Console, what: str, source: CallSource
) -> Iterator[Callable[[Nanos], None]]:
    """A bar over the call's own time; the agent's answers make it longer than the recording."""
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(),
               TextColumn("{task.completed:.0f} s of call"), TimeElapsedColumn())  # fmt: skip
    quiet = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=quiet) as bar:
        task = bar.add_task(one_line(what), total=source.audio.duration_s)

        def progress(now: Nanos) -> None:
            if now % SECOND == 0:
                seconds = now / SECOND
                total = max(source.audio.duration_s, seconds)
                bar.update(task, completed=seconds, total=total)

        yield progress
