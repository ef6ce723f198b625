"""Makes a call that nobody hears before any other, so that nothing has its first time later."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from pipelines.engines.closing import closing
from pipelines.engines.protocols import Llm, Pcm, StopSignal, StreamingAsr, Tts, TurnDetector, Vad
from pipelines.engines.simulated_time import is_simulated
from pipelines.engines.tools import Tool
from pipelines.runtime.clock import day_in_words, local_day
from pipelines.runtime.engines import Engines
from pipelines.runtime.hooks import Hooks
from pipelines.runtime.resampling import LiveResampler
from pipelines.runtime.timeline import to_int16
from pipelines.runtime.virtual import run_virtual
from pipelines.turn_taking.commands import History, Message
from pipelines.turn_taking.decisions import AgentDone
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.policy import AgentPolicy, Policy
from pipelines.turn_taking.time import SECOND, Nanos
from telephony_sim.g711 import ulaw_encode
from voicecli.transports.base import RATE
from voicecli.transports.leg_call import LegCall


class TtsCache:
    """A synthesiser that makes what it has said once only once, until `freeze`.

    Args:
        tts: makes the speech.
        rate: of the audio that it gives, in Hz: the call's, so that kept speech is ready to play.
    """

    def __init__(self, tts: Tts, rate: int) -> None:
        self.sample_rate = rate
        self.simulated_time = is_simulated(tts)
        self._tts = tts
        self._kept: dict[str, Pcm] = {}
        self._keeping = True

    def synthesize(self, text: str, stop: StopSignal) -> Iterator[Pcm]:
        """Audio of `text`: all at once if it is kept, otherwise in chunks as they are made."""
        if text in self._kept:
            yield self._kept[text]
            return
        pieces: list[Pcm] = []
        with closing(self._made(text, stop)) as made:
            for pcm in made:
                pieces.append(pcm)
                yield pcm
        if self._keeping and pieces and not stop.is_set():
            self._kept[text] = np.concatenate(pieces)

    def freeze(self) -> None:
        """From now on texts are those of a single call."""
        self._keeping = False

    def _made(self, text: str, stop: StopSignal) -> Iterator[Pcm]:
        resampler = LiveResampler(self._tts.sample_rate, self.sample_rate)
        with closing(self._tts.synthesize(text, stop)) as chunks:
            for chunk in chunks:
                if len(pcm := resampler.process(chunk)):
                    yield pcm
        if not stop.is_set() and len(rest := resampler.finish()):
            yield rest


_LISTENS: Final = SECOND
_LONGEST: Final = 60 * SECOND
"""Of the rehearsal, on its virtual clock: a greeting may be long."""


@dataclass(frozen=True, slots=True)
class WarmEngines:
    """Engines that have been used, and have the greeting ready."""

    vad: Vad
    asr: StreamingAsr
    llm: Llm
    tools: Mapping[str, Tool]
    hooks: Hooks
    agents: Mapping[str, Engines]
    tts: Tts
    turn_detectors: Mapping[str, TurnDetector]
    apology: bytes
    """The agent's, as µ-law at 8000 Hz, for the caller of a process that dies."""


def warm_up(engines: Engines, policy: Policy) -> WarmEngines:
    """Use every engine once, and greet a caller who is silent."""
    _use(engines, policy.agent)
    speech = TtsCache(engines.tts, RATE)
    warm = WarmEngines(
        engines.vad, engines.asr, engines.llm, engines.tools, engines.hooks, engines.agents,
        speech, engines.turn_detectors, _spoken(speech, policy.agent.apology),
    )  # fmt: skip
    _rehearse(policy, warm)
    speech.freeze()
    return warm


def read_prompt(llm: Llm, agent: AgentPolicy, today: str) -> History:
    """Have the LLM read how calls of that day begin, so that it need not within the first turn."""
    history = (Message("system", agent.prompt_on(day_in_words(today))), Message("caller", "Hello."))
    llm.prepare(history)
    return history


def _use(engines: Engines, agent: AgentPolicy) -> None:
    engines.vad.probability(np.zeros(engines.vad.frame_samples, np.float32))
    engines.asr.feed(np.zeros(engines.asr.sample_rate, np.float32))
    engines.asr.finish()
    engines.asr.reset()
    history = read_prompt(engines.llm, agent, local_day())
    for detector in engines.turn_detectors.values():
        audio = np.zeros(round(detector.sample_rate * detector.audio_seconds), np.float32)
        detector.end_of_turn(history[:1], "Hello.", audio)


def _rehearse(policy: Policy, engines: Engines) -> None:
    """The beginning of a call, until the greeting was heard, on a clock that does not wait."""
    call = LegCall(lambda _message: None)
    until = _LONGEST if policy.agent.greeting else _LISTENS

    def record(entry: Entry) -> None:
        match entry:
            case Issued(_, AgentDone()):
                call.hang_up("the greeting was heard")
            case _:
                pass

    def progress(now: Nanos) -> None:
        if now >= until:
            call.hang_up("long enough")

    run_virtual(policy, engines, call, record, progress)


def _spoken(tts: Tts, text: str) -> bytes:
    pieces = list(tts.synthesize(text, threading.Event()))
    return ulaw_encode(to_int16(np.concatenate(pieces))).tobytes() if pieces else b""
