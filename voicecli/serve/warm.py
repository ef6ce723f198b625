"""Runs each engine once before any call, so that nothing is compiled or read from disk later."""

import threading

import numpy as np
import soxr

from pipelines.runtime.engines import Engines
from pipelines.runtime.timeline import to_int16
from pipelines.turn_taking.commands import Message
from pipelines.turn_taking.policy import AgentPolicy
from telephony_sim.g711 import ulaw_encode
from voicecli.transports.base import RATE


def warm_up(engines: Engines, agent: AgentPolicy) -> bytes:
    """Use every engine once.

    Returns:
        The agent's apology as µ-law at 8000 Hz, for the caller of a process that dies.
    """
    engines.vad.probability(np.zeros(engines.vad.frame_samples, np.float32))
    engines.vad.reset()
    engines.asr.feed(np.zeros(engines.asr.sample_rate, np.float32))
    engines.asr.finish()
    engines.asr.reset()
    history = (Message("system", agent.system_prompt.strip()), Message("caller", "Hello."))
    engines.llm.prepare(history)
    for detector in engines.turn_detectors.values():
        audio = np.zeros(round(detector.sample_rate * detector.audio_seconds), np.float32)
        detector.end_of_turn(history[:1], "Hello.", audio)
    return _spoken(engines, agent.apology)


def _spoken(engines: Engines, text: str) -> bytes:
    pieces = list(engines.tts.synthesize(text, threading.Event()))
    if not pieces:
        return b""
    audio = soxr.resample(np.concatenate(pieces), engines.tts.sample_rate, RATE)
    return ulaw_encode(to_int16(audio.astype(np.float32))).tobytes()
