"""Processes that wait for calls: what is said alike in every call is made before the first."""

import threading

import numpy as np

from pipelines.turn_taking.policy import AgentPolicy, Policy
from tests.pipelines.runtime.calls import ScriptedEngines
from voicecli.serve.warm import TtsCache, warm_up

GREETING = "Hello, you have reached the office. How can I help you today?"


class CountedTts:
    """Notes what it is asked for; 10 ms of a ramp for each character, in two chunks."""

    sample_rate = 16_000

    def __init__(self):
        self.asked = []

    def synthesize(self, text, stop):
        self.asked.append(text)
        for _ in range(2):
            if stop.is_set():
                return
            yield np.linspace(-0.5, 0.5, 80 * len(text), dtype=np.float32)


def speak(tts, text):
    pieces = list(tts.synthesize(text, threading.Event()))
    return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)


def test_the_greeting_and_the_apology_are_made_before_a_call_and_not_again():
    tts = CountedTts()
    policy = Policy(agent=AgentPolicy(greeting=GREETING, apology="I am sorry."))
    warm = warm_up(ScriptedEngines(tts=tts), policy)
    said = list(tts.asked)
    assert " ".join(said) == f"I am sorry. {GREETING}"
    assert len(warm.apology) == 8000 * 0.01 * len("I am sorry.")
    for text in said:
        assert len(speak(warm.tts, text)) == 8000 * 0.01 * len(text)
    assert tts.asked == said


def test_what_is_said_in_calls_is_not_kept():
    tts = CountedTts()
    warm = warm_up(ScriptedEngines(tts=tts), Policy(agent=AgentPolicy(greeting=GREETING)))
    before = len(tts.asked)
    assert len(speak(warm.tts, "Monday.")) == 8000 * 0.01 * len("Monday.")
    speak(warm.tts, "Monday.")
    assert tts.asked[before:] == ["Monday.", "Monday."]


def test_an_agent_that_says_nothing_first_is_warmed_up_too():
    tts = CountedTts()
    warm = warm_up(ScriptedEngines(tts=tts), Policy(agent=AgentPolicy(apology="")))
    assert warm.apology == b""


def test_speech_that_was_broken_off_is_not_kept():
    tts, stop = CountedTts(), threading.Event()
    kept = TtsCache(tts, 8000)
    for _ in kept.synthesize("Hello.", stop):
        stop.set()
    assert len(speak(kept, "Hello.")) == 8000 * 0.01 * len("Hello.")
    assert tts.asked == ["Hello.", "Hello."]


def test_kept_speech_sounds_as_it_did_when_it_was_made():
    kept = TtsCache(CountedTts(), 8000)
    assert np.array_equal(speak(kept, "Hello."), speak(kept, "Hello."))
