"""Which words of a growing transcript are stable."""

from hypothesis import given
from hypothesis import strategies as st

from pipelines.engines.local_agreement import LocalAgreement, same_word
from pipelines.engines.protocols import Hypothesis

WORD = st.sampled_from(["yes", "Yes,", "no", "no.", "I", "book", "a", "table", "—"])
HYPOTHESES = st.lists(st.lists(WORD, max_size=8), max_size=8)


def test_a_word_is_stable_once_two_hypotheses_in_a_row_have_it():
    agreement = LocalAgreement()
    said = ["I would", "I would like to", "I would like two tables", "I would like two tables now"]
    assert [agreement.update(text.split()) for text in said] == [
        Hypothesis("", "I would"),
        Hypothesis("I would", "like to"),
        Hypothesis("I would like", "two tables"),
        Hypothesis("I would like two tables", "now"),
    ]


def test_case_and_punctuation_do_not_keep_words_apart():
    agreement = LocalAgreement()
    agreement.update(["yes.", "Hi"])
    assert agreement.update(["Yes,", "hi", "there"]) == Hypothesis("Yes, hi", "there")


def test_a_hypothesis_that_contradicts_the_past_does_not_change_it():
    agreement = LocalAgreement()
    agreement.update(["one", "two"])
    agreement.update(["one", "two"])
    assert agreement.update(["won", "too", "three"]) == Hypothesis("one two", "three")


@given(HYPOTHESES)
def test_stable_words_are_never_taken_back(hypotheses):
    agreement = LocalAgreement()
    before: list[str] = []
    for words in hypotheses:
        stable = agreement.update(words).stable.split()
        assert stable[: len(before)] == before
        before = stable


@given(HYPOTHESES)
def test_a_word_becomes_stable_only_where_two_consecutive_hypotheses_agree(hypotheses):
    agreement = LocalAgreement()
    count, previous = 0, []
    for words in hypotheses:
        stable = agreement.update(words).stable.split()
        for index in range(count, len(stable)):
            assert same_word(words[index], previous[index])
        if len(stable) < min(len(words), len(previous)):
            assert not same_word(words[len(stable)], previous[len(stable)])
        count, previous = len(stable), words


@given(HYPOTHESES, HYPOTHESES)
def test_after_reset_the_past_is_forgotten(first, second):
    used, fresh = LocalAgreement(), LocalAgreement()
    for words in first:
        used.update(words)
    used.reset()
    assert [used.update(words) for words in second] == [fresh.update(words) for words in second]
