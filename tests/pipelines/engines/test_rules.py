"""Replies by rules: what is understood, asked, said and called, and which files are refused."""

import itertools
import json
import threading
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.engines.llm import rules as engine
from pipelines.engines.llm._rules_file import load
from pipelines.engines.llm._rules_slots import alone, everywhere, resolved
from pipelines.engines.llm._rules_words import heard, parse
from pipelines.engines.llm.rules import RulesLlm
from pipelines.engines.registry import Context, SettingsError
from pipelines.engines.tools import Tool, ToolRequest
from pipelines.turn_taking.commands import Message

SHIPPED = Path(__file__).parents[3] / "profiles" / "rules" / "receptionist.toml"
MONDAY = date(2026, 11, 23)
EMPTY = {"type": "object", "properties": {}}
END_CALL = Tool("end_call", "Hang up.", EMPTY, lambda _: "done", "ends_call")
BOOK = Tool(
    "book",
    "Book.",
    {
        "type": "object",
        "properties": {"day": {}, "at": {}, "name": {}},
        "required": ["day", "at", "name"],
    },
    lambda _: "",
)
BOOKING = """
[slot.day]
kind = "day"
ask = ["Which day?", "For what day?"]
[slot.time]
kind = "time"
ask = ["What time?", "At what time?"]
[slot.name]
kind = "name"
keep = true
ask = ["Your name?", "And your name?"]

[[rule]]
name = "hours"
hear = ["when * open"]
say = ["Nine to five.", "From nine to five."]

[[rule]]
name = "book"
hear = ["appointment"]
needs = ["day", "time", "name"]
confirm = ["{day} at {time} for {name}?", "So {day}, {time}, {name}?"]
call = "book"
arguments = { day = "{day}", at = "{time}", name = "{name}" }
done = ["It is {result}."]
failed = ["No: {result}."]
ask_again = ["time"]

[[rule]]
name = "stop"
hear_only = ["never mind"]
say = ["All right."]
drop = true
"""


@pytest.fixture
def agent(tmp_path):
    """An agent by the rules of a text."""

    def agent(text: str, *tools: Tool, otherwise=None) -> RulesLlm:
        path = tmp_path / "mine.toml"
        path.write_text(text, "utf-8")
        return RulesLlm(load(path, tools), otherwise, lambda: MONDAY)

    return agent


@pytest.fixture(scope="module")
def receptionist() -> RulesLlm:
    return RulesLlm(load(SHIPPED, [END_CALL]), today=lambda: MONDAY)


def reply(llm, history) -> tuple[str, list[ToolRequest]]:
    pieces = list(llm.stream(tuple(history), threading.Event()))
    text = "".join(piece for piece in pieces if isinstance(piece, str))
    return text, [piece for piece in pieces if isinstance(piece, ToolRequest)]


def talk(llm, *turns: str) -> list[str]:
    """What is answered to each of the caller's turns."""
    history: list[Message] = []
    for turn in turns:
        history.append(Message("caller", turn))
        history.append(Message("agent", reply(llm, history)[0]))
    return [message.text for message in history[1::2]]


# -- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("opening hours", "What are your OPENING hours?", True),
        ("opening hours", "opening the hours", False),
        ("open|close [today]", "do you close", True),
        ("when * open", "When, um, on Sunday, are you open?", True),
        ("(how late)|when open", "how late open", True),
        ("what's it", "what is it", True),
        ("i would like", "I'd like that", True),
        ("check-up", "a check up", True),
        ("<bye> now", "bye bye now", True),
        ("<bye> now", "so long now", True),
    ],
)
def test_patterns_are_found_among_the_words(pattern, text, fits):
    phrases = {"bye": ["bye", "so long"]}
    found = parse(pattern, phrases).found(heard(text), lambda *_: ())
    assert (found is not None) == fits


def test_a_pattern_for_all_words_allows_fillers_around_it_and_nothing_else():
    thanks = parse("thank you", {})
    for text, fits in (("Oh, well, thank you.", True), ("thank you, when is it", False)):
        assert (thanks.found(heard(text), lambda *_: (), alone=True) is not None) == fits


def test_a_long_word_may_have_one_letter_wrong_but_the_first(agent):
    llm = agent('[[rule]]\nname = "a"\nhear = ["appointment"]\nsay = "yes"\n')
    for word in ("apointment", "appointmend", "appointmente"):
        assert talk(llm, word) == ["yes"]
    for word in ("opointment", "bappointment", "disappointments"):
        assert talk(llm, word) != ["yes"]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("number", "twenty five please", "25"),
        ("number", "a hundred and seven", "107"),
        ("number", "two thousand three hundred", "2300"),
        ("digits", "five five five oh one double nine", "5550199"),
        ("digits", "555-0199", "5550199"),
        ("digits", "triple four twenty two", "44422"),
        ("time", "at half past three", "15:30"),
        ("time", "quarter to four", "15:45"),
        ("time", "ten to eight in the evening", "19:50"),
        ("time", "nine fifteen", "09:15"),
        ("time", "three oh five pm", "15:05"),
        ("time", "11:30 a.m.", "11:30"),
        ("time", "twelve thirty", "12:30"),
        ("time", "noon", "12:00"),
        ("time", "half seven", "19:30"),
        ("day", "on Tuesday", "tuesday"),
        ("day", "the day after tomorrow", "+2"),
        ("day", "the 24th of November", "11-24"),
        ("day", "November twenty fourth", "11-24"),
        ("day", "the third", "0-3"),
        ("name", "Anna Schmidt", "Anna Schmidt"),
        ("name", "m i double l e r", "Miller"),
        ("name", "Smith, S as in Sam, M I T H", "Smith"),
    ],
)
def test_slots_are_read_from_spoken_words(kind, text, value):
    found = alone(kind, heard(text))
    assert found
    assert found.value == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [("time", "twenty five"), ("time", "13:75"), ("day", "the sky"), ("name", "what does it cost")],
)
def test_what_is_no_value_is_none(kind, text):
    assert alone(kind, heard(text)) is None


def test_a_bare_number_is_a_time_only_where_one_was_asked_for():
    assert [found.value.sure for found in everywhere("time", heard("for six people"))] == [False]
    assert [found.value.sure for found in everywhere("time", heard("at six"))] == [True]


@pytest.mark.parametrize(
    ("day", "then"),
    [
        ("+1", "2026-11-24"),
        ("monday", "2026-11-30"),
        ("sunday", "2026-11-29"),
        ("11-22", "2027-11-22"),
        ("0-1", "2026-12-01"),
        ("2-29", "2028-02-29"),
        ("2-30", "2-30"),
    ],
)
def test_a_day_is_the_next_there_is(day, then):
    assert resolved(day, MONDAY) == then


# -- conversations -------------------------------------------------------------------------------


def test_sentences_take_turns_and_none_is_said_twice_in_a_row(agent):
    llm = agent(BOOKING, BOOK)
    assert talk(llm, "when are you open?", "when are you open?", "when are you open?") == [
        "Nine to five.", "From nine to five.", "Nine to five.",
    ]  # fmt: skip
    one = agent('[[rule]]\nname = "a"\nhear = ["x"]\nsay = "yes"\n')
    assert talk(one, "x", "x") == ["yes", "As I said: yes"]


def test_what_is_missing_is_asked_for_and_what_was_said_is_not(agent):
    turns = "an appointment on Tuesday please", "three", "Anna Schmidt"
    assert talk(agent(BOOKING, BOOK), *turns) == [
        "What time?", "Your name?", "Tuesday at 3 pm for Anna Schmidt?",
    ]  # fmt: skip


def test_a_question_between_is_answered_and_the_open_one_asked_again(agent):
    turns = "an appointment tomorrow", "when are you open on Fridays?"
    assert talk(agent(BOOKING, BOOK), *turns)[-1] == "Nine to five. At what time?"


def test_the_caller_can_correct_what_is_to_be_confirmed(agent):
    turns = "appointment tomorrow at nine", "John Miller", "no, make that half past ten", "no"
    answers = talk(agent(BOOKING, BOOK), *turns)
    assert answers[2:] == ["So tomorrow, 10:30 am, John Miller?", "Sorry. What should I change?"]


def test_an_unanswered_question_is_asked_again_twice_and_then_given_up(agent):
    turns = ["an appointment", "blue", "green", "yellow", "Tuesday"]
    assert talk(agent("otherwise = 'What?'\n" + BOOKING, BOOK), *turns) == [
        "Which day?", "Sorry, I didn't catch that. For what day?",
        "I'm sorry, once more, please. Which day?", "What?", "As I said: What?",
    ]  # fmt: skip


def test_a_rule_may_drop_what_was_asked_for(agent):
    assert talk(agent(BOOKING, BOOK), "an appointment", "never mind", "Tuesday")[1] == "All right."


def test_rules_may_depend_on_what_is_known_and_on_the_rule_before(agent):
    llm = agent("""
        [slot.name]
        kind = "name"
        [[rule]]
        name = "name"
        hear = ["name is {name}"]
        say = "Hello {name}."
        [[rule]]
        name = "again"
        hear = ["hi"]
        known = ["name"]
        say = "Hi again, {name}."
        [[rule]]
        name = "more"
        hear = ["more"]
        after = ["name"]
        say = "More, then."
        [[rule]]
        name = "hi"
        hear = ["hi"]
        say = "Hi."
        """)
    answers = talk(llm, "hi", "my name is Bo", "more", "hi", "more")
    assert answers[:4] == ["Hi.", "Hello Bo.", "More, then.", "Hi again, Bo."]
    assert "More" not in answers[4]


def test_a_tool_is_called_once_all_is_confirmed_and_its_result_is_said(agent):
    llm = agent(BOOKING, BOOK)
    history = [Message("caller", "an appointment on Tuesday at three")]
    for turn in ("Anna Schmidt", "yes please"):
        history += [Message("agent", reply(llm, history)[0]), Message("caller", turn)]
    text, calls = reply(llm, history)
    assert text == ""
    assert [call.name for call in calls] == ["book"]
    assert json.loads(calls[0].arguments) == {
        "day": "2026-11-24", "at": "15:00", "name": "Anna Schmidt",
    }  # fmt: skip
    history.append(Message("tool_call", "{}"))
    assert reply(llm, [*history, Message("tool_result", "booked")]) == ("It is booked.", [])
    history.append(Message("tool_result", "error: it is taken"))
    assert reply(llm, history)[0] == "No: it is taken. What time?"
    history += [Message("agent", "No: …"), Message("caller", "then at four")]
    assert reply(llm, history)[0] == "So Tuesday, 4 pm, Anna Schmidt?"


class Other:
    """A model behind the rules."""

    def __init__(self) -> None:
        self.prepared, self.asked = [], []

    def prepare(self, history) -> None:
        self.prepared.append(history[-1].text)

    def stream(self, history, stop):
        self.asked.append(history[-1].text)
        yield "I think so."


def test_another_model_is_asked_where_no_rule_fits_and_only_there(agent):
    other = Other()
    llm = agent(BOOKING, BOOK, otherwise=other)
    for text in ("when are you open", "is the moon round"):
        llm.prepare((Message("caller", text),))
    assert talk(llm, "when are you open", "is the moon round") == ["Nine to five.", "I think so."]
    assert other.asked == other.prepared == ["is the moon round"]


def test_a_stopped_reply_calls_no_tool(receptionist):
    stop = threading.Event()
    pieces = receptionist.stream((Message("caller", "Goodbye."),), stop)
    next(pieces)
    stop.set()
    assert list(pieces) == []


# -- the receptionist that ships -----------------------------------------------------------------


def test_the_receptionist_takes_an_appointment(receptionist):
    answers = talk(
        receptionist,
        "Hello, I would like to book an appointment for a check-up, please.",
        "Do you have anything free on Thursday afternoon?",
        "Three o'clock sounds good to me.",
        "My name is Robert Miller, and I have been there once before.",
        "Yes.",
    )
    assert "Thursday at 3 pm" in answers[3]
    assert "put you down for Thursday at 3 pm, Robert Miller" in answers[4]


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("What are your opening hours?", "nine"),
        ("Where are you?", "Garden Street"),
        ("How much is a cleaning?", "$"),
        ("are you a real person", "machine"),
        ("I broke a tooth", "sorry to hear"),
        ("Can I also talk to a person at your company?", "number"),
        ("who is this", "Robin"),
        ("what's the weather like", "weather"),
        ("I want to cancel my appointment", "name"),
    ],
)
def test_the_receptionist_knows_what_people_call_for(receptionist, said, word):
    history = [Message("caller", "hi"), Message("agent", "Hello!"), Message("caller", said)]
    text = reply(receptionist, history)[0]
    assert word in text or word in talk(receptionist, said, said)[1]


def test_the_receptionist_repeats_what_she_said(receptionist):
    ask = "could you repeat that please?"
    first, again, once_more = talk(receptionist, "where are you", ask, ask)
    assert [again, once_more] == [f"I said: {first}", f"Of course: {first}"]


def test_the_receptionist_hangs_up_on_goodbye_and_not_on_thanks(receptionist):
    text, calls = reply(receptionist, [Message("caller", "Thank you, bye bye.")])
    assert text
    assert [call.name for call in calls] == ["end_call"]
    assert reply(receptionist, [Message("caller", "Thank you.")])[1] == []


# -- anything may be said -------------------------------------------------------------------------

SAID = (
    "yes no appointment tomorrow tuesday three half past to name is my spelled a b double 555 0 "
    "1234 9:99 31 st of february the thanks bye when open um o'clock pm in cancel * [x] {day} "
    "<yes> it's ’s ½ ٣ ² İ ß robot repeat person sorry not july 99 oh"
)
WORDS = st.sampled_from(SAID.split())
TURNS = st.lists(st.lists(WORDS, max_size=12).map(" ".join) | st.text(max_size=60), max_size=5)


@settings(max_examples=150, deadline=None)
@given(TURNS)
def test_whatever_is_said_is_answered_always_the_same_way(receptionist, turns):
    fresh = RulesLlm(load(SHIPPED, [END_CALL]), today=lambda: MONDAY)
    answers = talk(receptionist, *turns)
    assert answers == talk(fresh, *turns)
    assert all(answers)
    assert all(a != b for a, b in itertools.pairwise(answers))


@pytest.mark.parametrize("word", ["appointment", "a", "5", "no", "double", "when"])
def test_a_flood_of_words_costs_little(receptionist, word):
    started = time.perf_counter()
    reply(receptionist, [Message("caller", f"{word} what " * 20_000)])
    assert time.perf_counter() - started < 2


# -- files that are refused ----------------------------------------------------------------------

RULE = '[[rule]]\nname = "a"\nhear = ["x"]\nsay = "y"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"there are no rules"),
        ("[[rule]", r"not valid TOML"),
        (RULE + 'sya = "z"', r'rule "a": there is no key "sya"; did you mean "say"'),
        ("wrods = 1\n" + RULE, r'there is no key "wrods"; did you mean "words"'),
        ('[slot.day]\nkind = "date"\n' + RULE, r"\[slot.day\]: kind: .*'day'"),
        ("[[rule]]\nhear = ['x']\nsay = 'y'", r'rule 1: the key "name" is missing'),
        ("rule = 3", r"rule: "),
        (RULE + RULE, r"two rules of this name"),
        (RULE + 'needs = ["day"]', r'rule "a": there is no slot "day"'),
        ('[slot.day]\nkind = "day"\n' + RULE + 'needs = ["day"]', r"has no question"),
        (RULE.replace('"y"', '"{day}"'), r"names \{day\}, which is no slot"),
        (RULE.replace('"x"', '"{day}"'), r'there is no slot "day"'),
        (RULE.replace('"x"', '"<day>"'), r"there is no <day> in \[words\]"),
        ('[words]\nb = ["c <b>"]\n' + RULE.replace('"x"', '"<b>"'), r"<b> contains itself"),
        (RULE.replace('"x"', '"x [y"'), r'"x \[y": a \] is missing'),
        (RULE.replace('"x"', '"x) y"'), r"\) closes nothing"),
        (RULE.replace('"x"', '"x|"'), r"stands where a word should"),
        (RULE.replace('"x"', '"?"'), r"stands where a word should"),
        (RULE.replace('"x"', '""'), r"there are no words"),
        (RULE.replace('"x"', '"[x] *"'), r"fits whatever is said"),
        (RULE + RULE.replace('"a"', '"b"').replace('"x"', '"the x"'), r'never gets here: rule "a"'),
        (
            RULE.replace('"x"', '"*"') + RULE.replace('"a"', '"b"'),
            r'rule "b": "x" never gets here: rule "a" above takes it',
        ),
        (RULE.replace('hear = ["x"]', ""), r"nothing leads to it"),
        (RULE.replace('say = "y"', ""), r"nothing to say"),
        (RULE + 'call = "end_cal"', r'no tool "end_cal"; did you mean "end_call"'),
        (RULE + 'call = "book"', r"needs arguments = \{ day"),
        (RULE + 'call = "end_call"\narguments = { to = "x" }', r'end_call takes no "to"'),
        (RULE + 'done = "z"', r"done is for a rule with a tool"),
        (RULE + 'yes = "b"', r'there is no rule "b"'),
        (RULE + 'confirm = "z?"', r"confirm is for a rule with needs"),
        (
            BOOKING.replace('needs = ["day", "time", "name"]', 'needs = ["day", "time"]'),
            r"\{name\}, which may not be known|slot that may not be known",
        ),
    ],
)
def test_a_file_that_cannot_work_is_refused_in_one_sentence(agent, text, message):
    with pytest.raises(SettingsError, match=message) as caught:
        agent(text, END_CALL, BOOK)
    assert "mine.toml: " in str(caught.value)
    assert "\n" not in str(caught.value).strip() or "TOML" in message


def test_a_missing_file_and_none_are_refused(tmp_path):
    context = Context(locate=pytest.fail, find=lambda file: tmp_path / file)
    with pytest.raises(SettingsError, match=r"no\.toml: cannot be read: No such file"):
        engine.build(engine.Settings("no.toml"), context)
    with pytest.raises(SettingsError, match="needs file"):
        engine.build(engine.Settings(), replace(context))


@pytest.mark.parametrize(
    "answer",
    [
        "Yes, thanks a lot.", "Yes please, thanks a lot, bye.", "Great, thank you so much!",
        "Okay, thanks, have a nice day.", "That is right, thank you, see you then.",
        "Yes, that's all, thanks.", "Yes, cheers, see you tomorrow.", "Perfect, and goodbye.",
    ],
)  # fmt: skip
def test_a_yes_is_a_yes_though_thanks_and_a_goodbye_follow(receptionist, answer):
    history = [Message("caller", "I need an appointment tomorrow at three, my name is Ann Miller.")]
    history.append(Message("agent", reply(receptionist, history)[0]))
    assert history[-1].text.endswith("Is that right?")
    history.append(Message("caller", answer))
    said, called = reply(receptionist, history)
    assert said.startswith("Good, I've put you down")
    assert not called


@pytest.mark.parametrize("answer", ["Goodbye.", "No thanks, bye.", "That's all, thank you, bye."])
def test_a_goodbye_without_a_yes_ends_the_call(receptionist, answer):
    history = [Message("caller", "I need an appointment tomorrow at three, my name is Ann Miller.")]
    history.append(Message("agent", reply(receptionist, history)[0]))
    history.append(Message("caller", answer))
    assert [request.name for request in reply(receptionist, history)[1]] == ["end_call"]


def test_thanks_for_an_offer_do_not_hide_the_yes(receptionist):
    offer, answer = talk(
        receptionist,
        "Cancel my appointment on Tuesday, my name is Ann.",
        "Yes.",
        "Yes, thanks a lot.",
    )[1:]
    assert offer.endswith("Would you like another appointment?")
    assert answer.startswith(("With pleasure.", "Gladly."))
