"""End of turn from the reply LLM's expectation."""

from itertools import pairwise

import numpy as np
import pytest

from pipelines.engines.registry import Context
from pipelines.engines.turn_detector import llm_next_token
from pipelines.turn_taking.commands import Message

NO_AUDIO = np.zeros(0, np.float32)
HELLO = (Message("agent", "Hello, how can I help?"),)


class Expecting:
    """An LLM that finds every end as probable as it is told."""

    def __init__(self, probability):
        self.probability = probability

    def prepare(self, history): ...

    def stream(self, history, stop):
        return iter(())

    def end_probability(self, history, text):
        return self.probability


def judge(probability, text="Yes.", **settings):
    context = Context(locate=pytest.fail, llm=Expecting(probability))
    detector = llm_next_token.build(llm_next_token.Settings(**settings), context)
    return detector.end_of_turn(HELLO, text, NO_AUDIO)


def test_what_the_model_finds_more_probable_is_more_probable():
    answers = [judge(p) for p in (0.0, 0.001, 0.1, 0.5, 0.9, 1.0)]
    assert all(0.0 < earlier < later < 1.0 for earlier, later in pairwise(answers))


def test_without_calibration_the_models_probability_is_the_answer():
    assert judge(0.3, scale=1.0, offset=0.0) == pytest.approx(0.3)


def test_no_words_are_no_finished_turn():
    assert judge(0.9, text="  ") == 0.0


def test_a_reply_llm_without_probabilities_is_refused():
    class Remote:
        def prepare(self, history): ...

        def stream(self, history, stop): ...

    for llm in (None, Remote()):
        with pytest.raises(ValueError, match="needs a reply LLM that shows"):
            llm_next_token.build(llm_next_token.Settings(), Context(locate=pytest.fail, llm=llm))


@pytest.mark.weights
def test_finished_turns_score_higher_than_the_same_turns_cut_off(engine_of):
    context = Context(locate=pytest.fail, llm=engine_of("llm", "llama_cpp"))
    detector = llm_next_token.build(llm_next_token.Settings(), context)
    for whole, cut in (
        ("I need a taxi to the airport tomorrow morning.", "I need a taxi to the"),
        ("Can you tell me your opening hours?", "Can you tell me your"),
        ("My name is John Smith.", "My name is"),
    ):
        answers = [detector.end_of_turn(HELLO, text, NO_AUDIO) for text in (cut, whole)]
        assert answers[0] < answers[1]
