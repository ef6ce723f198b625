"""Streams speech through Moonshine, which itself does not stream.

The growing utterance is transcribed anew on a schedule; LocalAgreement-2 says which words are
stable. Each hypothesis is the draft of the next, so a new one costs a fraction of the first.
"""

from dataclasses import dataclass

import numpy as np

from pipelines.engines.asr._decode_schedule import SPLIT_SEARCH_S, DecodeSchedule, quietest_moment
from pipelines.engines.asr._moonshine_model import SAMPLE_RATE, Decoded, MoonshineModel
from pipelines.engines.audio import checked
from pipelines.engines.hallucinated_phrases import without_hallucinated_phrases
from pipelines.engines.local_agreement import LocalAgreement
from pipelines.engines.protocols import Hypothesis, Pcm, Transcript
from pipelines.engines.registry import Context
from pipelines.engines.simulated_time import stopwatch
from pipelines.turn_taking.bounds import bounded, check_bounds

NOTHING = Decoded((), "", 0.0)


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the profile's table."""

    weights: str = "moonshine-tiny-en"
    """Name of a model in the registry, or the folder of one."""
    step_ms: int = bounded(300, 20)
    """New audio between two hypotheses, at least."""
    first_ms: int = bounded(500, 0)
    """Audio before the first hypothesis: pre-roll and one syllable say little."""
    window_seconds: float = bounded(20.0, 2 * SPLIT_SEARCH_S, 60)
    """A longer utterance is settled up to its quietest moment near the end and goes on from
    there, so that the cost of a hypothesis stays bounded."""
    min_log_probability: float = -0.8
    """Text of which the model is less sure than this, in the mean over its tokens, is noise. On
    human speech the least was -0.70; on noises -0.74 was the median."""
    threads: int = bounded(1, 1)
    """More than one costs other engines more than it gains here."""


class MoonshineAsr:
    """Partial and final transcripts of one utterance at a time."""

    sample_rate = SAMPLE_RATE
    local = True

    def __init__(self, settings: Settings, model: MoonshineModel) -> None:
        self._settings = settings
        self._model = model
        self._agreement = LocalAgreement()
        first, step = (ms * SAMPLE_RATE // 1000 for ms in (settings.first_ms, settings.step_ms))
        self._schedule = DecodeSchedule(first, step, SAMPLE_RATE)
        self._window = int(settings.window_seconds * SAMPLE_RATE)
        self._buffer = np.zeros(self._window, np.float32)
        self.reset()

    def feed(self, pcm: Pcm) -> Hypothesis | None:
        """Take more audio; a hypothesis if the schedule calls for one.

        Raises:
            ValueError: audio of another shape or dtype.
        """
        pcm = checked(pcm)
        while len(pcm):
            taken = pcm[: self._window - self._length]
            self._buffer[self._length : self._length + len(taken)] = taken
            self._length += len(taken)
            pcm = pcm[len(taken) :]
            if self._length == self._window:
                self._settle()
        return self._decode() if self._schedule.due(self._length) else None

    def finish(self) -> Transcript:
        """All the words since `reset`; at once if nothing was fed since the last hypothesis."""
        if self._decoded_length != self._length:
            self._decode()
        return Transcript(" ".join([*self._settled, *self._words()]))

    def reset(self) -> None:
        """Forget the utterance."""
        self._settled: list[str] = []
        self._agreement.reset()
        self._schedule.restart()
        self._start_window(0)

    def _start_window(self, length: int) -> None:
        self._length = length
        self._decoded_length = 0
        self._last = NOTHING

    def _decode(self) -> Hypothesis:
        elapsed = stopwatch()
        self._last = self._model.transcribe(self._buffer[: self._length], self._last.tokens)
        self._decoded_length = self._length
        self._schedule.decoded(self._length, elapsed())
        return self._agreement.update([*self._settled, *self._words()])

    def _words(self) -> list[str]:
        if self._last.log_probability < self._settings.min_log_probability:
            return []
        return without_hallucinated_phrases(self._last.text).split()

    def _settle(self) -> None:
        """Fix the words up to the quietest 20 ms of the window's end and keep only the rest."""
        split = quietest_moment(self._buffer[: self._length], SAMPLE_RATE)
        self._last = self._model.transcribe(self._buffer[:split], self._last.tokens)
        self._settled.extend(self._words())
        rest = self._length - split
        self._buffer[:rest] = self._buffer[split : self._length].copy()
        self._start_window(rest)
        self._schedule.decoded(rest, 0)


def build(settings: Settings, context: Context) -> MoonshineAsr:
    """Load the model and run it once.

    Raises:
        ValueError: a setting out of range, or a folder that holds no such model.
    """
    check_bounds(settings)
    model = MoonshineModel(context.locate(settings.weights), settings.threads)
    model.transcribe(np.zeros(SAMPLE_RATE, np.float32))
    return MoonshineAsr(settings, model)
