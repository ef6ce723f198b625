"""Streams speech through Whisper, which itself does not stream.

The growing utterance is transcribed anew on a schedule; LocalAgreement-2 says which words are
stable; phrases that are stable to their end leave the window, and their text is the prompt for what
follows. After Macháček et al., "Turning Whisper into Real-Time Transcription System" (2023).
"""

import os
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pipelines.engines.asr._decode_schedule import DecodeSchedule, quietest_moment
from pipelines.engines.asr._hallucinations import Limits, judge
from pipelines.engines.asr._whisper_model import (
    FULL_SECONDS,
    SAMPLE_RATE,
    Decoded,
    Device,
    WhisperModel,
    input_seconds,
)
from pipelines.engines.audio import checked
from pipelines.engines.local_agreement import LocalAgreement, same_word
from pipelines.engines.protocols import Hypothesis, Pcm, Transcript, Word
from pipelines.engines.registry import Context
from pipelines.engines.remarks import remark
from pipelines.engines.simulated_time import stopwatch
from pipelines.turn_taking.bounds import bounded, check_bounds

WINDOW_S = 28
"""Whisper's input has 30 s; the rest is for the silence after the speech."""
PROMPT_CHARS = 200
NOTHING = Decoded((), 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the profile's table."""

    weights: str = "whisper-base.en"
    """Name of a model in the registry, or the folder of a Whisper model for CTranslate2."""
    language: str = "en"
    """Code of the callers' language; weights named .en know English only."""
    chunk_length_s: Literal["auto"] | float = bounded(30.0, 1, 30)
    """Length of the encoder's input, to which its cost is in proportion. 30 is what Whisper was
    trained with; "auto" is twice as long as the speech, but no less than 10 s, and two to four
    times faster: `voicecli models check asr` compares the two on this computer."""
    step_ms: int = bounded(300, 20)
    """New audio between two hypotheses, at least; more when a decode takes longer than that."""
    first_ms: int = bounded(500, 0)
    """Audio before the first hypothesis: pre-roll and one syllable say little."""
    trim_seconds: float = bounded(8.0, 2, WINDOW_S)
    """From this length on, phrases at the beginning whose words are all stable leave the window."""
    beam_size: int = bounded(1, 1)
    """Hypotheses followed side by side: more are slower, and hardly better on short turns."""
    vocabulary: str = ""
    """Names and terms that callers will say, put in front of every prompt."""
    word_timestamps: bool = False
    """Align words with the audio in every decode: 10 to 30 % slower."""
    device: Device = "auto"
    """Where to compute; auto: on a GPU if there is one."""
    compute_type: str = "auto"
    """auto: int8 on a CPU, float16 on a GPU."""
    threads: int = bounded(0, 0)
    """0: all cores but one, at most 4."""
    no_speech: float = 0.6
    """A doubtful text that is no speech with this probability, as the model says, is dropped."""
    min_log_probability: float = -1.0
    """Below this, in the mean over its tokens, a text is doubtful."""
    max_compression_ratio: float = 2.4
    """Limits beyond which a text is taken for made up; each drop is remarked in the journal."""


class WhisperAsr:
    """Partial and final transcripts of one utterance at a time."""

    sample_rate = SAMPLE_RATE
    local = True

    def __init__(self, settings: Settings, model: WhisperModel) -> None:
        self._settings = settings
        self._model = model
        self._limits = Limits(
            settings.no_speech, settings.min_log_probability, settings.max_compression_ratio
        )
        self._agreement = LocalAgreement()
        first, step = (ms * SAMPLE_RATE // 1000 for ms in (settings.first_ms, settings.step_ms))
        self._schedule = DecodeSchedule(first, step, SAMPLE_RATE)
        self._window = np.zeros(WINDOW_S * SAMPLE_RATE, np.float32)
        self.reset()

    def feed(self, pcm: Pcm) -> Hypothesis | None:
        """Take more audio; a hypothesis if the schedule calls for one.

        Raises:
            ValueError: audio of another shape or dtype.
        """
        pcm = checked(pcm)
        while len(pcm):
            taken = pcm[: len(self._window) - self._length]
            self._window[self._length : self._length + len(taken)] = taken
            self._length += len(taken)
            pcm = pcm[len(taken) :]
            if self._length == len(self._window):
                self._cut_at_a_quiet_moment()
        return self._hypothesis() if self._schedule.due(self._length) else None

    def finish(self) -> Transcript:
        """All the words since `reset`; at once if nothing was fed since the last hypothesis."""
        if self._decoded_length != self._length:
            self._decode(self._length)
        if self._doubted:
            self._decode(self._length, seconds=FULL_SECONDS)
        return Transcript(" ".join([*self._settled, *self._words]), self._timed())

    def reset(self) -> None:
        """Forget the utterance."""
        self._agreement.reset()
        self._schedule.restart()
        self._length = 0
        self._offset = 0
        """Samples that have left the window."""
        self._settled: list[str] = []
        self._settled_times: list[Word] = []
        self._forget_window()

    def _forget_window(self) -> None:
        self._decoded_length = 0
        self._doubted = False
        """Whether the last decode was of a shortened input, and some of it was made up."""
        self._last = NOTHING
        self._words: list[str] = []

    def _hypothesis(self) -> Hypothesis:
        elapsed = stopwatch()
        self._decode(self._length)
        self._schedule.decoded(self._length, elapsed())
        hypothesis = self._agreement.update([*self._settled, *self._words])
        if self._length > self._settings.trim_seconds * SAMPLE_RATE:
            self._trim(hypothesis.stable.split())
        return hypothesis

    def _decode(self, length: int, seconds: int | None = None) -> None:
        """Transcribe the window's first `length` samples.

        An input of `seconds`, or as the settings have it. What a shortened one made up is doubted:
        before any of it is dropped for good, the full input is asked.
        """
        context = " ".join(self._settled)[-PROMPT_CHARS:]
        if seconds is None:
            seconds = input_seconds(length / SAMPLE_RATE, self._settings.chunk_length_s)
        self._last = self._model.transcribe(
            self._window[:length],
            seconds,
            f"{self._settings.vocabulary} {context}",
            beam_size=self._settings.beam_size,
            words=self._settings.word_timestamps,
        )
        judged = judge(self._last, self._limits)
        self._doubted = judged.reason is not None and seconds < FULL_SECONDS
        if judged.reason and not self._doubted:
            remark(f'dropped of "{self._last.text}" all but "{judged.text}": {judged.reason}')
        self._words = judged.text.split()
        self._decoded_length = length

    def _trim(self, stable: list[str]) -> None:
        """Let the phrases go whose words are all stable; the last, still growing, stays."""
        known = len(self._settled)
        count, cut = 0, 0.0
        for segment in self._last.segments[:-1]:
            words = segment.text.split()
            told = stable[known + count : known + count + len(words)]
            said = self._words[count : count + len(words)]
            if not len(told) == len(said) == len(words) or not all(map(same_word, told, said)):
                break
            count += len(words)
            cut = segment.end
        if cut:
            self._settle(count, int(cut * SAMPLE_RATE))

    def _cut_at_a_quiet_moment(self) -> None:
        """The window is full and no phrase could go: settle what was said up to a pause."""
        split = quietest_moment(self._window, SAMPLE_RATE)
        self._decode(split)
        self._settle(len(self._words), split)

    def _settle(self, count: int, samples: int) -> None:
        """Fix the first `count` words, which take the window's first `samples`."""
        self._settled += self._words[:count]
        seconds = samples / SAMPLE_RATE
        until = (self._offset + samples) / SAMPLE_RATE
        self._settled_times += [word for word in self._timed_here() if word.start < until]
        rest = self._length - samples
        unchanged = self._decoded_length == self._length
        left, times = self._words[count:], self._last.words
        self._window[:rest] = self._window[samples : self._length].copy()
        self._length = rest
        self._offset += samples
        self._schedule.cut(samples)
        self._forget_window()
        if unchanged:  # what the decode said of the rest still holds
            self._decoded_length, self._words = rest, left
            moved = [Word(w.text, w.start - seconds, w.end - seconds) for w in times]
            self._last = Decoded((), 0.0, 0.0, tuple(w for w in moved if w.start >= 0))

    def _timed(self) -> tuple[Word, ...]:
        return (*self._settled_times, *self._timed_here())

    def _timed_here(self) -> list[Word]:
        """Words of the window with their times since `reset`; none if some were dropped."""
        if not self._words:
            return []
        start = self._offset / SAMPLE_RATE
        return [Word(w.text, w.start + start, w.end + start) for w in self._last.words]


def build(settings: Settings, context: Context) -> WhisperAsr:
    """Load the model and run it once, so that the first call finds it warm.

    Raises:
        ValueError: a setting out of range, a folder that holds no such model, no CUDA device.
    """
    check_bounds(settings)
    model = WhisperModel(
        context.locate(settings.weights),
        settings.device,
        settings.compute_type,
        settings.threads or max(1, min(4, (os.cpu_count() or 1) - 1)),
        settings.language,
    )
    seconds = input_seconds(1.0, settings.chunk_length_s)
    model.transcribe(np.zeros(SAMPLE_RATE, np.float32), seconds, "")
    return WhisperAsr(settings, model)
