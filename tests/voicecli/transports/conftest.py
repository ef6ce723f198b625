"""A virtual clock for a caller made of a file, and agents that speak at given times."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace

import numpy as np
import pytest

from pipelines.turn_taking.time import from_ms
from voicecli.recording.audio_file import CallAudio
from voicecli.recording.labels import Turn
from voicecli.transports.base import FRAME
from voicecli.transports.file_caller import FileCaller

TONE = (6000 * np.sin(np.arange(160) * 0.3)).astype(np.int16)


def recording(turns: Sequence[Turn], seconds: float) -> CallAudio:
    """Zeros, and in each turn samples that are all different from their neighbours and from 0."""
    samples = round(seconds * 8000)
    caller = np.zeros(samples, np.int16)
    for turn in turns:
        span = slice(round(turn.start_s * 8000), round(turn.end_s * 8000))
        caller[span] = 1000 + np.arange(samples)[span] % 20_000
    return CallAudio(caller, None, 8000, 8000, seconds)


def speaks(*spans: tuple[float, float]) -> Callable[[int], np.ndarray | None]:
    """An agent that sends sound from each start to each end, in seconds, and nothing otherwise."""
    limits = [(from_ms(start * 1000), from_ms(end * 1000)) for start, end in spans]
    return lambda now: TONE if any(start <= now < end for start, end in limits) else None


def drive(caller: FileCaller, agent: Callable[[int], np.ndarray | None], seconds: float = 300):
    """Tick until the caller has finished; the received frames, and the time it took in seconds."""
    now, received = 0, []
    while not caller.finished:
        now += FRAME
        assert now < from_ms(seconds * 1000), "the call does not end"
        received.append(caller.receive(now))
        caller.send(agent(now), now)
    return received, now / 1e9


@pytest.fixture(scope="session")
def line():
    """The helpers above, under one name."""
    return SimpleNamespace(recording=recording, speaks=speaks, drive=drive, tone=TONE)
