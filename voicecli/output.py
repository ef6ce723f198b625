"""Standard output and standard error that may end before the program does: a full disk, a pipe.

Everything that prints goes through here, be it Rich, Typer's help or the last flush.
"""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EPIPE
from typing import Any

from voicecli.errors import StorageError
from voicecli.signals import silence

CLOSED_PIPE = 141
"""Exit code when nobody reads any more, as shells have it: 128 + SIGPIPE."""


@contextmanager
def checked_output() -> Iterator[None]:
    """Within the block, printing fails in one way whatever prints.

    Raises:
        StorageError: standard output cannot be written, or what was left of it at the end.
        SystemExit: with 141 if it is a pipe that its reader has closed.
    """
    before = sys.stdout, sys.stderr
    output, errors = _checked(sys.stdout, _Output), _checked(sys.stderr, _Errors)
    sys.stdout, sys.stderr = output, errors
    try:
        try:
            yield
        finally:
            for stream in (output, errors):
                if stream is not None:
                    stream.flush()
        if output is not before[0] and output.buffer.raw.failure is not None:
            raise output.buffer.raw.failure  # which was raised in another thread, or passed over
    finally:
        sys.stdout, sys.stderr = before


def give_up_output() -> None:
    """Nobody reads standard output any more, which is no failure: what is printed goes nowhere."""
    silence(1)
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if isinstance(raw, _Output):
        raw.failure = None


def _checked(stream: Any, kind: "type[_Output]") -> Any:
    """A stream to the same place whose writes are looked at; itself if it is no file."""
    try:
        raw = kind(stream.fileno(), "wb", closefd=False)
        stream.flush()
    except (AttributeError, OSError):  # closed from the start, or a stand-in
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


class _Output(io.FileIO):
    """Ends the program, once, if it cannot be written."""

    failure: BaseException | None = None

    def write(self, content: Any, /) -> int:
        if self.failure is None:
            try:
                return super().write(content) or 0
            except OSError as error:
                self._fail(error)
        return memoryview(content).nbytes

    def _fail(self, error: OSError) -> None:
        why = error.strerror or error
        self.failure = StorageError(f"What is printed cannot be written ({why}).")
        if error.errno == EPIPE:
            self.failure = SystemExit(CLOSED_PIPE)
        raise self.failure


class _Errors(_Output):
    """Goes on without, as there is nowhere to say it."""

    def _fail(self, error: OSError) -> None:
        self.failure = error
