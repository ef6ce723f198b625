"""The text turn model and its tokenizer."""

import json
import shutil

import numpy as np
import pytest

from pipelines.engines.registry import Context
from pipelines.engines.turn_detector import text as text_detector
from pipelines.engines.turn_tokens import SPECIAL, Tokenizer, words
from pipelines.turn_taking.commands import Message

NO_AUDIO = np.zeros(0, np.float32)
GREETING = "Hello, this is Robin. How can I help you?"


@pytest.fixture(scope="module")
def judge():
    detector = text_detector.build(text_detector.Settings(), Context(locate=pytest.fail))

    def ask(text, agent=GREETING):
        history = (Message("system", "Be kind."), Message("agent", agent)) if agent else ()
        return detector.end_of_turn(history, text, NO_AUDIO)

    return ask


@pytest.mark.parametrize(
    ("whole", "cut"),
    [
        ("I am looking for a flight to Chicago tomorrow", "I am looking for a flight to"),
        ("can you tell me the address", "can you tell me the"),
        ("I need a doctor's appointment tomorrow morning", "I need a doctor's appointment and"),
        ("what time do you open", "what time do"),
        ("I'm looking for a restaurant in San Jose", "I'm looking for a restaurant in San"),
        ("I want to cancel my reservation", "I want to cancel my"),
    ],
)
def test_a_whole_sentence_is_a_likely_end_and_a_cut_one_is_not(judge, whole, cut):
    assert judge(whole) > 0.6
    assert judge(cut) < 0.2


@pytest.mark.parametrize("hesitation", ["um", "uh", "and um", "so uh", "and"])
def test_a_hesitation_after_a_whole_sentence_takes_the_end_back(judge, hesitation):
    assert judge(f"I want to book a table {hesitation}") < 0.3 < judge("I want to book a table")


def test_a_short_answer_is_an_end_after_a_question_for_it(judge):
    assert judge("seven thirty", "For what time should I book?") > 0.5
    assert judge("yes please", "Shall I go ahead with the booking?") > 0.5


def test_a_phone_number_is_over_with_its_last_digit(judge):
    question = "What's your phone number?"
    digits = "four one five six six nine zero seven four three".split()  # noqa: SIM905 (a call)
    parts = [" ".join(digits[:count]) for count in (3, 6, 10)]
    first, second, whole = (judge(part, question) for part in parts)
    assert max(first, second) < 0.3
    assert whole > 0.5


def test_punctuation_and_case_of_the_recogniser_change_nothing(judge):
    bare = judge("i would like to go to")
    assert judge("I would like, to go to.") == bare
    assert judge("I WOULD LIKE TO GO TO?!") == bare


@pytest.mark.parametrize("nothing", ["", "   ", "...", "?!", "🙂", "\x00"])
def test_without_a_word_nothing_has_ended(judge, nothing):
    assert judge(nothing) == 0.0


@pytest.mark.parametrize(
    "odd", ["\ud800 hello", "привет как дела", "naïve café", "a" * 5000, "1" * 300]
)
def test_odd_text_gets_a_probability(judge, odd):
    assert 0.0 <= judge(odd) <= 1.0
    assert 0.0 <= judge("yes", odd) <= 1.0


def test_of_a_very_long_text_only_the_end_is_read(judge):
    part, end = "and then we went to the office of the company ", "so that is all thank you"
    assert judge(part * 2000 + end) == judge("Well. " + part * 2000 + end)
    assert judge(part * 2000 + end) > judge(part * 2000 + end.removesuffix(" you"))


def test_only_the_agents_last_turn_is_read(judge):
    detector = text_detector.build(text_detector.Settings(), Context(locate=pytest.fail))
    last = (Message("agent", "Which city?"),)
    before = (Message("agent", "What time?"), Message("caller", "Noon."))
    answers = {detector.end_of_turn(h, "san jose", NO_AUDIO) for h in (last, before + last)}
    assert len(answers) == 1
    assert judge("san jose", "Which city?") != judge("san jose", "")


def test_context_can_be_left_out():
    settings = text_detector.Settings(context=False)
    detector = text_detector.build(settings, Context(locate=pytest.fail))
    history = (Message("agent", "Which city?"),)
    answers = {detector.end_of_turn(h, "san jose", NO_AUDIO) for h in (history, ())}
    assert len(answers) == 1


def test_scale_and_offset_change_the_log_odds():
    def ask(**settings):
        chosen = text_detector.Settings(**settings)
        detector = text_detector.build(chosen, Context(locate=pytest.fail))
        p = detector.end_of_turn((), "i would like a table", NO_AUDIO)
        return np.log(p / (1 - p))

    assert ask(scale=0.5, offset=1.0) == pytest.approx(0.5 * ask() + 1.0, abs=1e-6)


def test_a_scale_that_is_not_positive_is_refused():
    with pytest.raises(ValueError, match="scale"):
        text_detector.build(text_detector.Settings(scale=0.0), Context(locate=pytest.fail))


def test_another_model_is_loaded_from_its_path(tmp_path):
    for suffix in (".onnx", ".json"):
        shutil.copy(text_detector.FOLDER / f"turn_text{suffix}", tmp_path / f"mine{suffix}")
    settings = text_detector.Settings(model=str(tmp_path / "mine.onnx"))
    detector = text_detector.build(settings, Context(locate=lambda _: tmp_path / "mine.onnx"))
    assert detector.end_of_turn((), "thank you", NO_AUDIO) > 0.0


@pytest.mark.parametrize("description", ["", "[]", "{}", '{"vocabulary": ["<pad>"]}', "\x00"])
def test_a_model_without_its_description_is_refused_with_the_path(tmp_path, description):
    shutil.copy(text_detector.FOLDER / "turn_text.onnx", tmp_path / "mine.onnx")
    (tmp_path / "mine.json").write_text(description)
    settings = text_detector.Settings(model="mine")
    with pytest.raises(ValueError, match=r"mine\.json"):
        text_detector.build(settings, Context(locate=lambda _: tmp_path / "mine.onnx"))


def test_a_file_that_is_no_model_is_refused_with_its_path(tmp_path):
    shutil.copy(text_detector.FOLDER / "turn_text.json", tmp_path / "mine.json")
    (tmp_path / "mine.onnx").write_bytes(b"no model")
    settings = text_detector.Settings(model="mine")
    with pytest.raises(ValueError, match=r"mine\.onnx"):
        text_detector.build(settings, Context(locate=lambda _: tmp_path / "mine.onnx"))


def test_the_shipped_model_is_small():
    sizes = [path.stat().st_size for path in text_detector.FOLDER.iterdir()]
    assert len(sizes) == 2
    assert sum(sizes) <= 4_000_000


# --- tokenizer ----------------------------------------------------------------------------------


@pytest.fixture
def tokenizer():
    vocabulary = [*SPECIAL, "?", "1", "##1", "##2", "go", "ing", "##ing", "s", "##s", "table"]
    return Tokenizer(vocabulary, agent_tokens=3, caller_tokens=4)


def test_words_are_lower_case_without_punctuation_or_accents():
    assert words("Don’t, José: 12 p.m.?") == ["don't", "jose", "12", "p", "m"]


def test_an_unknown_word_is_split_into_the_longest_pieces(tokenizer):
    names = [*SPECIAL, "?", "1", "##1", "##2", "go", "ing", "##ing", "s", "##s", "table"]
    assert [names[number] for number in tokenizer.pieces("goings")] == ["go", "##ing", "##s"]
    assert [names[number] for number in tokenizer.pieces("112")] == ["1", "##1", "##2"]
    assert [names[number] for number in tokenizer.pieces("xs")] == ["<unknown>", "##s"]


def test_the_ends_of_both_turns_are_read_with_the_agents_question_marks(tokenizer):
    tokens = tokenizer.encode("go go go table?", "table s s s s")
    agent, caller = SPECIAL.index("<agent>"), SPECIAL.index("<caller>")
    s, go, table, question = (tokenizer.pieces(word)[0] for word in ("s", "go", "table", "?"))
    assert tokens == [agent, go, table, question, caller, s, s, s, s]


@pytest.mark.parametrize("limits", [(0, 4), (4, 0)])
def test_limits_below_one_token_are_refused(limits):
    with pytest.raises(ValueError, match="at least one"):
        Tokenizer(SPECIAL, *limits)


def test_a_vocabulary_without_the_special_tokens_is_refused():
    with pytest.raises(ValueError, match="<agent>"):
        Tokenizer(["hello"], 1, 1)


def test_the_shipped_vocabulary_has_no_token_twice():
    described = json.loads((text_detector.FOLDER / "turn_text.json").read_text(encoding="utf-8"))
    assert len(set(described["vocabulary"])) == len(described["vocabulary"])
