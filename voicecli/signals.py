"""How the program takes the signals that ask it to end.

Ctrl-C, SIGTERM and a closed terminal (SIGHUP) are one wish: to end cleanly. `nohup` is respected,
and a closed terminal counts once, though kernel and shell both say so.
"""

import errno
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

HANGUP: Final[signal.Signals | None] = getattr(signal, "SIGHUP", None)  # Windows has none
_ENDING: Final = [number for number in (signal.SIGINT, signal.SIGTERM, HANGUP) if number]
_DESCRIPTORS: Final = 64


def heeds_hangup() -> bool:
    """Whether a closed terminal is a reason to end: not under `nohup`, or once it was."""
    return HANGUP is not None and signal.getsignal(HANGUP) is not signal.SIG_IGN


def on_hangup(stop: Callable[[], None]) -> None:
    """Call `stop` once when the terminal is closed; only on the main thread."""
    if HANGUP is None or not heeds_hangup():
        return

    def hung_up(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGCONT, signal.SIG_IGN)  # comes with it: a screen would begin anew
        leave_terminal()
        stop()

    signal.signal(HANGUP, hung_up)


def take_as_ctrl_c() -> None:
    """From now on SIGTERM and SIGHUP do what Ctrl-C does, whatever that is at the time."""
    signal.signal(signal.SIGTERM, lambda _number, frame: _ctrl_c(frame))
    on_hangup(lambda: _ctrl_c(None))


@contextmanager
def signals_held() -> Iterator[None]:
    """Signals that ask us to end come after the block; programs started in it never get them."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def leave_terminal() -> None:
    """If the terminal is gone, what is still said goes nowhere: to say it there is an error.

    Screens draw through copies of it, so all descriptors are looked at.
    """
    for number in range(_DESCRIPTORS):
        try:
            os.ttyname(number)
        except OSError as error:
            if error.errno == errno.EIO:
                silence(number)


def silence(number: int) -> None:
    """Have a descriptor lead nowhere from now on."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, number)
    os.close(nowhere)


def _ctrl_c(frame: FrameType | None) -> None:
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):  # ignored, as in the background of a script; this signal is not
        raise KeyboardInterrupt
    handler(signal.SIGINT, frame)
