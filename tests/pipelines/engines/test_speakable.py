"""Text fit to be read aloud: markup and Markdown are taken out, signs that are content stay."""

import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipelines.engines.markup import Markup
from pipelines.engines.speakable import speakable


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Sure! **Paris** is _it_. 😀👍🏽", "Sure! Paris is it."),
        ("Here:\n- apples\n* pears\n\n1. one\n2) two", "Here: apples, pears, one, two"),
        ("# Title\nSee [our site](https://x.example/y) now.", "Title, See our site now."),
        ("```python\nprint(1)\n```\nDone.", "print(1), Done."),
        ("It costs $3.50, or 20% less (7-8 °C).", "It costs $3.50, or 20% less (7-8 °C)."),
        ("1.5 is well-known, 10. is not", "1.5 is well-known, 10. is not"),
        ("  Hi   there \n", "Hi there"),
        ("A zero\u200dwidth \u200bspace", "A zerowidth space"),
        ("Grüße, 東京, naïve", "Grüße, 東京, naïve"),
        ("[not a link", "[not a link"),
        ("![a logo](a.png) and [x](http://a.b 'c')", "a logo and [x](http://a.b 'c')"),
        ("| Day | Time |\n|---|:-:|\n| Monday | 9:00 |\nDone", "Day, Time, Monday, 9:00, Done"),
        ("- [ ] milk\n- [x] eggs\n---\nDone", "milk, eggs, Done"),
        ("**9:00** on ***Monday***, ~~no~~ __yes__ `so`", "9:00 on Monday, no yes so"),
        ("这是**重点**内容, un**believ**able", "这是重点内容, unbelievable"),
        ("Great** or **Note: it", "Great or Note: it"),
        (r"\*Not\* so, C:\temp", r"*Not* so, C:\temp"),
        ("As shown【4†source】, or[^1]", "As shown, or"),
        ("Press * for the menu or # to confirm.", "Press * for the menu or # to confirm."),
        ("Dial *123# or **21*5#", "Dial *123# or **21*5#"),
        ("5*3, 2**8, 2^8, 5~10, A|B, a * b * c", "5*3, 2**8, 2^8, 5~10, A|B, a * b * c"),
        ("john_doe@x.com, snake_case_name", "john_doe@x.com, snake_case_name"),
        ("*Note: {a} [b]", "*Note: {a} [b]"),
        ("", ""),
    ],
)
def test_marks_are_removed_and_words_kept(written, said):
    assert "".join(speakable([written])) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("<think>The caller wants a table.</think>For how many?", "For how many?"),
        ("<thinking>\nHm.\n</thinking>\n\nYes.", "Yes."),
        ("Yes. <reasoning>Is it? <b>Yes</b></reasoning> So it is.", "Yes. So it is."),
        ("Yes. <think>It never ends", "Yes."),
        ("The caller wants a table.</think>For how many?", "For how many?"),
        ("</think>\n\nYes.", "Yes."),
        ("◁think▷Hm◁/think▷[THINK]Hm[/THINK]Yes.", "Yes."),
        ("<|channel|>analysis<|message|>Hm<|end|><|start|>assistant<|channel|>final<|message|>Yes.",
         "Yes."),
        ("<toolresponse>, booked Book Monday Monday", ""),
        ('One moment.<tool_call>{"name": "book"}</tool_call> Done.', "One moment. Done."),
        ('One moment. <function=book>{"day": 1}', "One moment."),
        ('[TOOL_CALLS][{"name": "book"}]', ""),
        ("<｜tool▁calls▁begin｜>book<｜tool▁calls▁end｜>Done.", "Done."),
        ("<|im_start|>assistant\nYes.<|im_end|>\n<|im_start|>user\nNo.", "Yes."),
        ("Yes.<end_of_turn>\n<start_of_turn>user\nNo.", "Yes."),
        ("Yes.</thi", "Yes."),
        ('<speak>Sure. <break time="500ms"/>For when?</speak>', "Sure. For when?"),
        ("Sure<break/> for when<break strength='none'/>?", "Sure, for when?"),
        ('<prosody rate="slow">In <emphasis level=strong>May</emphasis></prosody>', "In May"),
        ('PIN <say-as interpret-as="digits">0042</say-as>.', "PIN 0 0 4 2."),
        ("<say-as interpret-as='characters'>AB1</say-as>, 12", "A B 1, 12"),
        ('<say-as interpret-as="date" format="mdy">3/4</say-as>', "3/4"),
        ('<say-as interpret-as="telephone">555</say-as> <sub alias="at noon">12</sub>',
         "555 at noon"),
        ("One<br>two<p>three</p>H<sub>2</sub>O <!-- no -->", "One, two, three, H2O"),
        ("Tom &amp; Jerry&#39;s &lt;b&gt; &nbsp;AT&T &unknown;",
         "Tom & Jerry's <b> AT&T &unknown;"),
        ("<https://a.example/b> or <c@d.example>", "https://a.example/b or c@d.example"),
        ("a < b, x<3, I <3 you, a<b and c>d, 1 <2> 3",
         "a < b, x<3, I <3 you, a<b and c>d, 1 <2> 3"),
    ],
)  # fmt: skip
def test_markup_is_understood_and_what_is_not_for_the_caller_left_out(written, said):
    assert "".join(speakable([written])) == said


MARKS = (
    *("<think>", "</think>", "</thi", "nk>", '<break time="5ms"/>', "<b>", "<", "/", ">", "<|"),
    *("<|im_end|>", "|>", "<tool_call>", "</tool_call>", '<sub alias="x y">', "</sub>", "[THINK]"),
    *("<|channel|>", "analysis", "final", "<|message|>", "<|start|>", "&amp;", "&", "#", "39;"),
    *("*", "**", "_", "~", "~~", "`", "```py\n", "\n", "- ", "1. ", "|", "| a | b |\n", "|---|\n"),
    *("[a](b)", "[", "]", "!", "(", ")", "[ ] ", "[^1]", "【4†s】", "---\n", "\\", "=", "'", '"'),
    *(
        '{"name": "',
        '"b", "arguments": {',
        "}",
        "{",
        "Action: ",
        "Action Input: ",
        "```tool_code\n",
    ),
    *("book(", "print(", "a=1", "Thought: ", "Final Answer: "),
    *("word", " ", "5", "a", "B", "é", ",", ".", "😀"),
)
TEXTS = st.one_of(
    st.lists(st.sampled_from(MARKS), max_size=12).map("".join),
    st.text(alphabet="ab 1.)-*#>\n[]()`x_😀,<&;|/", max_size=30),
)


@given(TEXTS, st.data())
def test_the_way_the_text_is_cut_into_pieces_makes_no_difference(text, data):
    markup = Markup()
    for char in text:
        markup.feed(char)
    markup.finish()
    assume(not markup.reasoned_first)  # what has gone out before a lone </think> cannot come back
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    bounds = zip([0, *cuts], [*cuts, len(text)], strict=True)
    pieces = [text[start:end] for start, end in bounds]
    assert "".join(speakable(pieces)) == "".join(speakable([text])) == "".join(speakable(text))


@given(st.text(max_size=60))
def test_nothing_unspeakable_gets_through(text):
    said = "".join(speakable([text]))
    assert not set(said) & set("`\n\r\t")
    assert said == said.lstrip()


@given(st.lists(st.sampled_from(["Hm. ", "<b>", "<", "think", ">", "\n", "|", "5"])).map("".join))
def test_what_follows_an_opened_thought_is_never_said(text):
    assert "".join(speakable(f"Yes. <think>{text}")).rstrip() == "Yes."


def test_a_reply_that_begins_in_the_middle_of_reasoning_is_heard_from_its_end():
    markup = Markup(reasoning_first=True)
    assert "".join(speakable("Hm, hm.</think> Yes.", markup)) == "Yes."
    assert markup.reasoned_first
    assert "".join(speakable("Hm, hm", Markup(reasoning_first=True))) == ""


def test_a_lone_end_of_reasoning_is_noticed():
    markup = Markup()
    assert "".join(speakable(["Hm. ", "Hm.</think>Yes."], markup)) == "Hm. Yes."
    assert markup.reasoned_first


@pytest.mark.parametrize(
    "part",
    ["<", "<a ", '<a b="', "<a b='x' ", "<think>", "<|", "*", "* ", "*a", "**1", "_", "[", "[a](",
     '{"a', '{"name": "', "Action: a\n", "Action: ", "a(", "[a(", "print(", "```tool_code\n",
     "Thought: a\n\n", "[a]", "](", "!", "|", "| ", "\n|",
     "\n", "- ", "1. ", "&a", "`", "【", "\\", "a\n*a"],
)  # fmt: skip
def test_a_hostile_text_takes_time_in_proportion_to_its_length(part):
    def took(length):
        text = part * (length // len(part))
        started = time.process_time()
        for _ in speakable([text]):
            pass
        return time.process_time() - started

    short = min(took(2_000) for _ in range(3))
    assert took(16_000) < 8 * 6 * short + 0.05  # quadratic would be 64 times


def test_plain_words_are_passed_on_at_once():
    pieces = speakable(iter(["Yes", ", of", " course"]))
    assert next(pieces) == "Yes"
    assert next(pieces) == ", of"


OPENINGS = [
    "<tool_call>", "<toolresponse>", "<tool_response>", "<function_calls>", "<tool_calls>\n",
    '<invoke name="x">', "<function=book>", "<|python_tag|>", "<|tool_call|>", "[TOOL_CALLS]",
    "<｜tool▁calls▁begin｜>", "<observation>", "<tool_output>", "<|im_start|>assistant ",
    "<|channel|>final ", "<invoke>", "<metadata>",
]  # fmt: skip


@pytest.mark.parametrize("opening", OPENINGS)
@pytest.mark.parametrize("size", [1, 2, 5, 9, 200])
def test_plain_text_in_a_tag_that_is_never_closed_is_said_in_the_end(opening, size):
    written = f"{opening}We are open until six. Shall I book *that*?"
    pieces = [written[at : at + size] for at in range(0, len(written), size)]
    assert "".join(speakable(pieces)) == "We are open until six. Shall I book that?"


@pytest.mark.parametrize(
    "written",
    [
        '<tool_call>{"name": "book", "arguments": {"at": "six"}}',
        '<tool_call>{"name": "book", "argu',
        '[TOOL_CALLS][{"name": "book"}]',
        '[TOOL_CALLS]book{"at": "six"}',
        '<|python_tag|>book.call(at="six")',
        "<tool_code>print(book(6))",
        "<tool_call>get_time",
        "<tool_call><function=book><parameter=city>Paris</parameter></function>",
        "<tool_call>\n<|im_end|>",
        "<think>They want to know when we close.",
        "<|channel|>analysis They want to know.",
        "<tool_call>" + "[" * 5000,
    ],
)
def test_what_is_no_text_in_such_a_tag_is_not_said(written):
    assert "".join(speakable([written])) == ""
    assert "".join(speakable(list(written))) == ""


def test_text_behind_a_call_that_is_never_closed_is_said():
    written = 'One moment. <tool_call>{"name": "book", "arguments": {}}\nI book it.'
    assert "".join(speakable(list(written))) == "One moment. I book it."


def test_a_closed_tag_is_not_said_whatever_it_holds():
    written = "<tool_response>Sunny and warm.</tool_response>It is sunny."
    assert "".join(speakable(list(written))) == "It is sunny."
