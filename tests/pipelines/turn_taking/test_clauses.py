"""A reply cut into clauses."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.turn_taking.clauses import ClauseSplitter
from pipelines.turn_taking.policy import ClausePolicy


def cut(*pieces, **policy):
    splitter = ClauseSplitter(ClausePolicy(**policy))
    clauses = [clause for piece in pieces for clause in splitter.feed(piece)]
    return clauses + splitter.flush()


def by_token(text, **policy):
    """As a model streams it: words and punctuation apart, numbers in pieces."""
    return cut(*text, **policy)


def test_the_first_clause_ends_at_the_first_pause_and_later_ones_are_longer():
    text = "Of course, I can do that. For when, and for how many people, shall I book it?"
    assert by_token(text) == [
        "Of course,",
        "I can do that.",
        "For when, and for how many people,",
        "shall I book it?",
    ]


@pytest.mark.parametrize(
    "whole",
    [
        "$12.50",
        "3:30 pm",
        "1,234",
        "November 20, 2026",
        "10 - 15",
        "No. 3",
        "555-0199",
        "Dr. Smith",
        "3 p.m. today",
        "Nov. 3",
        "Apt. 4",
        "p. 12",
        "Rs. 500",
        "Prof. Lee",
        "J. K. Rowling",
        "Mt. Rainier",
    ],
)
@pytest.mark.parametrize("policy", [{}, {"cut_at": "sentence"}])
def test_no_number_is_cut_in_two_however_it_is_streamed(whole, policy):
    text = f"It will be {whole} for all of you. Is that all right?"
    for clauses in (by_token(text, **policy), cut(text, **policy)):
        assert any(whole in clause for clause in clauses), clauses


def test_a_price_that_comes_in_two_tokens_stays_whole():
    clauses = cut("It costs you $12.", "50 now", ", all told.")
    assert clauses == ["It costs you $12.50 now,", "all told."]


def test_a_clause_may_still_end_in_a_number():
    assert by_token("The price is $12, and that is all.") == [
        "The price is $12,",
        "and that is all.",
    ]
    assert by_token("We have room 12. Come in!", cut_at="sentence") == [
        "We have room 12.",
        "Come in!",
    ]


def test_no_is_an_answer_unless_a_number_follows():
    assert by_token("No. We are closed.", first_min_words=1) == ["No.", "We are closed."]


def test_without_a_pause_a_clause_ends_between_words_that_do_not_lean_on_the_next():
    text = "we will see you on the day at 3 pm in May 20 people"
    assert by_token(text, first_max_words=9)[0] == "we will see you on the day at"
    assert by_token("1 2 3 4 5 6 ", first_max_words=3)[0] == "1 2 3"


def test_cut_at_sentences_only():
    text = "Well, of course, sir: we do that for you gladly, any day. When, then? Dr. Lee is in."
    assert by_token(text, cut_at="sentence", first_max_words=2) == [
        "Well, of course, sir: we do that for you gladly, any day.",
        "When, then?",
        "Dr. Lee is in.",
    ]


def test_not_cut_at_all():
    text = "One. Two! Three? " * 20
    assert by_token(text, cut_at="reply") == [text.strip()]


def test_a_sentence_in_quotes_ends_behind_them():
    assert by_token("He said “yes.” Then he left.", first_min_words=1) == [
        "He said “yes.”",
        "Then he left.",
    ]


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("你好，我是罗宾。今天我能帮您什么？", ["你好，我是罗宾。", "今天我能帮您什么？"]),
        ("请说“是”。好的！谢谢……再见。", ["请说“是”。", "好的！", "谢谢……再见。"]),
        ("他说：“好。”然后走了！！再见。", ["他说：“好。”", "然后走了！！", "再见。"]),
        (
            "かしこまりました。「はい」とお答えください。",
            ["かしこまりました。", "「はい」とお答えください。"],
        ),
        ("价格是3.5元，不是４，０００。对吗？", ["价格是3.5元，不是４，０００。", "对吗？"]),
        ("كيف حالك؟ أنا بخير.", ["كيف حالك؟", "أنا بخير."]),
        ("आप कैसे हैं। ठीक।", ["आप कैसे हैं।", "ठीक।"]),
    ],
)
def test_marks_of_other_scripts_end_sentences_with_or_without_a_space_behind(text, clauses):
    assert cut(text, cut_at="sentence") == by_token(text, cut_at="sentence") == clauses


def test_a_first_clause_of_chinese_is_as_short_as_another():
    assert by_token("当然可以，我来帮您。请问是几位？") == [
        "当然可以，",
        "我来帮您。",
        "请问是几位？",
    ]


def test_a_chinese_sentence_is_spoken_before_more_is_written():
    splitter = ClauseSplitter(ClausePolicy())
    assert splitter.feed("好的。") == []
    assert splitter.sentence_after() is not None
    assert splitter.flush_sentence() == ["好的。"]


BITS = [
    "a ",
    "word",
    " ",
    ". ",
    ", ",
    "\n",
    "5",
    "No. ",
    "Dr. ",
    "$",
    "-",
    " - ",
    "” ",
    "...",
    "好",
    "。",
    "，",
    "”",
]


@given(st.lists(st.sampled_from(BITS), max_size=40).map("".join), st.data())
def test_the_way_the_text_is_cut_into_pieces_makes_no_difference(text, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    bounds = zip([0, *cuts], [*cuts, len(text)], strict=True)
    policy = {"cut_at": data.draw(st.sampled_from(["clause", "sentence"]))}
    pieces = [text[start:end] for start, end in bounds]
    assert cut(*pieces, **policy) == cut(text, **policy) == by_token(text, **policy)


@pytest.mark.parametrize(
    "part",
    ["word ", ".", ". ", "1. ", "a", ", ", "5 - ", "No. ", '"', '."', "好。", "，", "，”", "。”"],
)
@pytest.mark.parametrize("cut_at", ["clause", "sentence"])
def test_a_hostile_text_takes_time_in_proportion_to_its_length(part, cut_at):
    def took(length):
        started = time.process_time()
        cut(part * (length // len(part)), cut_at=cut_at)
        return time.process_time() - started

    short = min(took(2_000) for _ in range(3))
    assert took(16_000) < 8 * 6 * short + 0.05  # quadratic would be 64 times


@given(st.text(alphabet="ab1 .,-$:\nNo", max_size=60), st.sampled_from(["clause", "sentence"]))
def test_nothing_is_lost_or_said_twice(text, cut_at):
    assert " ".join(by_token(text, cut_at=cut_at)).split() == text.split()
