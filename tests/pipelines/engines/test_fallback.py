"""A second engine for one that fails."""

import threading

import numpy as np
import pytest

from pipelines.engines.fallback import REST, with_fallback
from pipelines.engines.protocols import (
    Hypothesis,
    Llm,
    NextTokenLlm,
    StreamingAsr,
    Transcript,
    Tts,
)
from pipelines.engines.remarks import collected
from pipelines.engines.tools import ToolRequest
from pipelines.turn_taking.commands import Message

ASK = (Message("caller", "Are you open?"),)
NAMES = ("cloud", "here")


class Talker:
    """An LLM or synthesiser that gives so many items and then fails, if it is to."""

    def __init__(self, items, fails_after=None, sample_rate=16000):
        self.items, self.fails_after, self.sample_rate = items, fails_after, sample_rate
        self.jobs = 0

    def prepare(self, history):
        pass

    def stream(self, _, stop):
        self.jobs += 1
        for index, item in enumerate(self.items):
            if index == self.fails_after:
                raise ConnectionError("gone")
            if stop.is_set():
                return
            yield item

    synthesize = stream


def talk(engine):
    return list(engine.stream(ASK, threading.Event()))


@pytest.fixture
def remarks():
    said = []
    with collected(said.append):
        yield said


def test_as_long_as_the_first_works_the_second_is_not_asked(remarks):
    first, second = Talker(["Yes."]), Talker(["No."])
    pair = with_fallback("llm", first, second, NAMES)
    assert isinstance(pair, Llm)
    assert [talk(pair) for _ in range(5)] == [["Yes."]] * 5
    assert (second.jobs, remarks) == (0, [])


def test_a_failure_before_the_first_piece_is_not_noticed_by_the_caller(remarks):
    pair = with_fallback("llm", Talker(["Yes."], fails_after=0), Talker(["We are."]), NAMES)
    assert talk(pair) == ["We are."]
    assert remarks == ["cloud failed (ConnectionError: gone); here stands in"]


def test_a_failure_in_the_middle_is_passed_on_so_that_nothing_is_said_twice(remarks):
    second = Talker(["We are."])
    pair = with_fallback("llm", Talker(["Yes", "."], fails_after=1), second, NAMES)
    pieces = pair.stream(ASK, threading.Event())
    assert next(pieces) == "Yes"
    with pytest.raises(ConnectionError):
        next(pieces)
    assert second.jobs == 0
    assert remarks == ["cloud failed (ConnectionError: gone); here stands in"]
    assert talk(pair) == ["We are."]  # what is said next may be the apology


@pytest.mark.parametrize("pieces", [[], [""], ["...", " "]])
def test_a_reply_without_a_word_is_as_good_as_none(remarks, pieces):
    pair = with_fallback("llm", Talker(pieces), Talker(["We are."]), NAMES)
    assert talk(pair) == ["We are."]
    assert "cloud failed" in remarks[0]


def test_punctuation_before_the_first_word_is_not_lost():
    pair = with_fallback("llm", Talker(["¿", "Qué?"]), Talker(["No."]), NAMES)
    assert talk(pair) == ["¿", "Qué?"]


def test_a_reply_that_only_asks_for_a_tool_is_one():
    request = ToolRequest("opening_hours", "{}")
    assert talk(with_fallback("llm", Talker([request]), Talker(["No."]), NAMES)) == [request]


def test_a_reply_that_nobody_wants_any_more_is_not_asked_for_again(remarks):
    second, stop = Talker(["No."]), threading.Event()
    stop.set()
    assert list(with_fallback("llm", Talker(["Yes."]), second, NAMES).stream(ASK, stop)) == []
    assert (second.jobs, remarks) == (0, [])


def test_a_voice_without_a_sound_is_replaced_where_there_was_something_to_say():
    sound, none = np.ones(80, np.float32), np.zeros(0, np.float32)
    second = Talker([sound])
    pair = with_fallback("tts", Talker([none]), second, NAMES)
    assert [len(chunk) for chunk in pair.synthesize("...", threading.Event())] == []
    assert second.jobs == 0
    assert [len(chunk) for chunk in pair.synthesize("Yes.", threading.Event())] == [80]


@pytest.mark.parametrize("simulated_time", [True, False])
def test_a_pair_takes_only_the_time_it_says_if_both_do(simulated_time):
    first, second = Talker([]), Talker([])
    first.simulated_time, second.simulated_time = True, simulated_time
    for kind in ("asr", "llm", "tts"):
        assert with_fallback(kind, first, second, NAMES).simulated_time is simulated_time


def test_having_failed_the_first_rests_and_is_then_tried_again(remarks):
    first = Talker(["Yes."], fails_after=0)
    pair = with_fallback("llm", first, Talker(["We are."]), NAMES)
    for _ in range(1 + REST):
        assert talk(pair) == ["We are."]
    assert first.jobs == 1
    first.fails_after = None
    assert talk(pair) == ["Yes."]
    assert remarks[1:] == ["here stands in for cloud"] * REST


def test_the_second_failing_as_well_is_an_error():
    pair = with_fallback("llm", Talker(["Yes."], fails_after=0), Talker([1], fails_after=0), NAMES)
    with pytest.raises(ConnectionError):
        talk(pair)


def test_leaving_in_the_middle_of_a_reply_is_no_failure(remarks):
    pair = with_fallback("llm", Talker(["a", "b"]), Talker(["c"]), NAMES)
    pieces = pair.stream(ASK, threading.Event())
    next(pieces)
    pieces.close()
    assert remarks == []
    assert talk(pair) == ["a", "b"]


class Judge(Talker):
    """An LLM that shows its probabilities, as long as it works."""

    def end_probability(self, history, text):
        if self.fails_after is not None:
            raise ConnectionError("gone")
        return 0.7


def test_the_end_of_a_turn_is_judged_by_the_first_alone(remarks):
    first = Judge(["Yes."])
    pair = with_fallback("llm", first, Judge(["No."]), NAMES)
    assert isinstance(pair, NextTokenLlm)
    assert pair.end_probability((), "Are you open?") == 0.7
    first.fails_after = 0
    with pytest.raises(ConnectionError):
        pair.end_probability((), "Are you open?")
    assert talk(pair) == ["No."]
    first.fails_after = None
    with pytest.raises(RuntimeError, match="cloud rests"):
        pair.end_probability((), "Are you open?")
    for _ in range(REST):
        talk(pair)
    assert pair.end_probability((), "Are you open?") == 0.7


def test_a_first_engine_without_probabilities_has_none_with_a_fallback_either():
    pair = with_fallback("llm", Talker(["Yes."]), Judge(["No."]), NAMES)
    assert not isinstance(pair, NextTokenLlm)


def test_the_second_voice_comes_at_the_first_ones_sample_rate(remarks):
    tone = np.sin(np.arange(8000) * 2 * np.pi * 440 / 8000).astype(np.float32)
    second = Talker(np.split(tone, 10), sample_rate=8000)
    first = Talker([tone], fails_after=0, sample_rate=24000)
    pair = with_fallback("tts", first, second, NAMES)
    assert isinstance(pair, Tts)
    audio = np.concatenate(list(pair.synthesize("Hi", threading.Event())))
    assert len(audio) == pytest.approx(24000, abs=100)
    assert np.argmax(np.abs(np.fft.rfft(audio))) == pytest.approx(440, abs=2)


def test_a_second_voice_that_says_nothing_is_silence():
    pair = with_fallback("tts", Talker([1], 0, 24000), Talker([], sample_rate=8000), NAMES)
    assert list(pair.synthesize("Hi", threading.Event())) == []


class Listener:
    """Hears a word for each 100 ms; fails from the given moment on."""

    def __init__(self, word, sample_rate=16000):
        self.word, self.sample_rate, self.samples, self.fails = word, sample_rate, 0, ()

    def feed(self, pcm):
        if "feed" in self.fails:
            raise TimeoutError("no answer")
        self.samples += len(pcm)
        return Hypothesis("", self._text())

    def finish(self):
        if "finish" in self.fails:
            raise TimeoutError("no answer")
        return Transcript(self._text())

    def reset(self):
        self.samples = 0
        if "reset" in self.fails:
            raise TimeoutError("no answer")

    def _text(self):
        return " ".join([self.word] * round(self.samples / self.sample_rate * 10))


@pytest.fixture
def listeners():
    first, second = Listener("far", 8000), Listener("near", 16000)
    return first, second, with_fallback("asr", first, second, NAMES)


def feed(engine, hundreds):
    return [engine.feed(np.zeros(800, np.float32)) for _ in range(hundreds)][-1]


def test_a_recogniser_that_fails_at_the_end_has_not_lost_the_utterance(listeners, remarks):
    first, _, pair = listeners
    assert isinstance(pair, StreamingAsr)
    assert feed(pair, 5) == Hypothesis("", "far far far far far")
    first.fails = ("finish",)
    assert pair.finish() == Transcript("near near near near near")
    assert remarks == ["cloud failed (TimeoutError: no answer); here stands in"]


def test_a_recogniser_that_fails_on_the_way_is_replaced_for_the_rest_of_the_utterance(listeners):
    first, _, pair = listeners
    feed(pair, 2)
    first.fails = ("feed",)
    assert feed(pair, 2) == Hypothesis("", "near near near near")
    first.fails = ()
    feed(pair, 1)
    assert pair.finish() == Transcript("near near near near near")


def test_after_its_rest_the_first_recogniser_hears_again(listeners):
    first, _, pair = listeners
    first.fails = ("feed",)
    feed(pair, 1)
    first.fails = ()
    heard = []
    for _ in range(REST + 1):
        pair.reset()
        feed(pair, 1)
        heard.append(pair.finish().text)
    assert heard == ["near"] * REST + ["far"]


def test_a_first_recogniser_that_cannot_even_forget_is_replaced(listeners, remarks):
    first, _, pair = listeners
    first.fails = ("reset",)
    pair.reset()
    feed(pair, 1)
    assert pair.finish().text == "near"
    assert len(remarks) == 2


def test_nothing_fed_is_nothing_heard(listeners):
    *_, pair = listeners
    assert pair.feed(np.zeros(0, np.float32)) is None
    assert pair.finish() == Transcript("")


def test_engines_that_do_not_fail_have_no_fallback():
    with pytest.raises(ValueError, match="no fallback"):
        with_fallback("vad", None, None, NAMES)
