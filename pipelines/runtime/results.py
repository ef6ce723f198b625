"""What results of engines look like to the core."""

import numpy as np

from pipelines.runtime.playout import Playout
from pipelines.runtime.timeline import Samples
from pipelines.turn_taking.events import ClauseSynthesized, JobId, ReplyTextReceived
from pipelines.turn_taking.time import Nanos


def text_received(job: JobId, text: str, at: Nanos) -> ReplyTextReceived:
    """A piece of a reply."""
    return ReplyTextReceived(at, job, text)


def deliver_audio(
    playout: Playout, job: JobId, pcm: Samples, complete: bool, at: Nanos
) -> ClauseSynthesized:
    """The first audio of a clause, or the last."""
    return ClauseSynthesized(at, job, playout.add(job, pcm, complete=complete), complete)


def add_audio(playout: Playout, job: JobId, pcm: Samples, _at: Nanos) -> None:
    """Audio in between: more of what is playing already is nothing the core need know."""
    playout.add(job, pcm, complete=False)


def end_audio(playout: Playout, job: JobId, _at: Nanos) -> None:
    """No more audio of a clause will come: its voice broke down."""
    playout.add(job, np.zeros(0, np.int16), complete=True)
