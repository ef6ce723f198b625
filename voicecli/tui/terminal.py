"""What a screen owes the terminal it is shown in."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from voicecli.paths import home
from voicecli.private import make_folder, open_new
from voicecli.signals import HANGUP, on_hangup


def is_terminal() -> bool:
    """Whether a screen can be shown and its keys be read."""
    streams = sys.stdin, sys.stdout  # None if closed from the start
    return all(stream is not None and stream.isatty() for stream in streams)


@contextmanager
def stopping_on_signals(stop: Callable[[], None], *more: str) -> Iterator[None]:
    """Within the block a closed terminal, a polite kill or a signal of `more` calls `stop`."""
    numbers = [signal.SIGTERM, *(getattr(signal, name) for name in more)]
    before = {number: signal.getsignal(number) for number in (*numbers, HANGUP) if number}
    for number in numbers:
        signal.signal(number, lambda *_: stop())
    on_hangup(stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def native_messages_in(name: str) -> Iterator[None]:
    """What C libraries (ALSA, llama.cpp) write to standard error goes to a file, not the screen.

    The file is `name` in the data folder. Textual itself draws through `sys.__stderr__`, which is
    given a copy of the terminal.
    """
    make_folder(home())
    terminal, kept = os.dup(2), sys.__stderr__
    screen = os.fdopen(os.dup(2), "w", encoding="utf-8")
    with open_new(home() / name) as log:
        os.dup2(log.fileno(), 2)
        sys.__stderr__ = screen  # type: ignore[misc]
        try:
            yield
        finally:
            sys.__stderr__ = kept  # type: ignore[misc]
            os.dup2(terminal, 2)
            os.close(terminal)
            screen.close()
