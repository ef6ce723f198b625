"""Asks real detectors about samples, and only what the live core would ask them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from pipelines.engines.loops import first_round
from pipelines.engines.protocols import Pcm, TurnDetector, Vad
from pipelines.engines.registry import Context, build_engine, engine_module
from pipelines.turn_taking.commands import History, Message
from pipelines.turn_taking.endpointing import fuse
from training.turn_model.figures import Scores
from training.turn_model.human_audio import POST_ROLL_S, RATE, Pause
from training.turn_model.samples import Sample
from voicecli.models.store import locate
from voicecli.profile import load_profile

PROFILE = load_profile("embedded")
"""Whose engines and detectors are asked, and whose prompt the reply LLM reads before the words."""
_NO_AUDIO: Pcm = np.zeros(0, np.float32)


class Judges:
    """The embedded engines, each built when first asked for."""

    def __init__(self) -> None:
        self._detectors: dict[str, TurnDetector] = {}
        self._context = Context(locate)

    def vad(self) -> Vad:
        """The one for phone audio."""
        return self._build("vad", "silero", sample_rate=RATE)

    def on_texts(self, name: str, samples: Sequence[Sample]) -> Scores:
        """P(end) of each by a detector that reads, shape (samples,)."""
        detector = self._detector(name)
        answers = [
            detector.end_of_turn(_history(sample.agent), sample.text, _NO_AUDIO)
            for sample in samples
        ]
        return np.array(answers)

    def milliseconds(self, name: str, samples: Sequence[Sample]) -> npt.NDArray[np.float64]:
        """Processor time of each answer, shape (samples,); other programs do not count."""
        detector = self._detector(name)
        taken: list[float] = []
        for sample in samples:
            begun = time.thread_time()
            detector.end_of_turn(_history(sample.agent), sample.text, _NO_AUDIO)
            taken.append(1000 * (time.thread_time() - begun))
        return np.array(taken)

    def transcripts(self, pauses: Sequence[Pause]) -> list[tuple[str, str]]:
        """Of each pause: the other party's turn and the caller's words, as recognised."""
        asr = self._build("asr", "moonshine")

        def words_of(pcm: Pcm) -> str:
            if len(pcm) == 0:
                return ""
            asr.reset()
            asr.feed(soxr.resample(pcm, RATE, asr.sample_rate).astype(np.float32))
            text = asr.finish().text
            return text if first_round(text) == text else ""  # of a loop nothing is asked

        return [(words_of(pause.before), words_of(pause.turn)) for pause in pauses]

    def on_pauses(
        self, name: str, pauses: Sequence[Pause], texts: Sequence[tuple[str, str]]
    ) -> Scores:
        """P(end) of each by any detector, shape (pauses,); NaN where it would not be asked.

        As in a call, one that reads is asked only where there are words, and one that listens is
        given the audio up to where the voice detector's model has faded.
        """
        detector = self._detector(name)
        answers: list[float] = []
        for pause, (agent, text) in zip(pauses, texts, strict=True):
            if not (detector.audio_seconds or text):
                answers.append(np.nan)
                continue
            heard = pause.turn[: len(pause.turn) - round(POST_ROLL_S * RATE)]
            audio = soxr.resample(heard, RATE, detector.sample_rate).astype(np.float32)
            answers.append(detector.end_of_turn(_history(agent), text, audio))
        return np.array(answers)

    def _detector(self, name: str) -> TurnDetector:
        if name not in self._detectors:
            if name == "llm_next_token" and self._context.llm is None:
                settings = replace(PROFILE.llm.settings, threads=1)
                llm = build_engine("llm", PROFILE.llm.name, settings, self._context)
                self._context = Context(locate, llm)
            chosen = {each.name: each.settings for each in PROFILE.turn_detectors}
            self._detectors[name] = build_engine("turn_detector", name, chosen[name], self._context)
        return self._detectors[name]

    def _build(self, kind: Any, name: str, **settings: Any) -> Any:
        chosen = engine_module(kind, name).Settings(**settings)
        return build_engine(kind, name, chosen, self._context)


def fused(scores: Mapping[str, Scores], weights: Sequence[tuple[str, float]]) -> Scores:
    """The core's own fusion of several detectors' scores, shape (samples,)."""
    rows = zip(*scores.values(), strict=True)
    answers = [fuse(dict(zip(scores, row, strict=True)), weights) for row in rows]
    return np.array([np.nan if answer is None else answer for answer in answers])


def _history(agent: str) -> History:
    system = Message("system", PROFILE.policy.agent.system_prompt)
    return (system, Message("agent", agent)) if agent else (system,)
