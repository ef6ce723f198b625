"""What callers say of themselves is not stored; what they order, and when, is."""

import time
from pathlib import Path

import pytest

from pipelines.turn_taking.commands import ContinueReply, Message, PlayClause, SynthesizeClause
from pipelines.turn_taking.events import FinalTranscript, PartialTranscript, ReplyTextReceived
from pipelines.turn_taking.journal import Issued
from pipelines.turn_taking.reasons import because
from voicecli.redaction.journal import Redactor, redact
from voicecli.redaction.text import redact_text

LINES = (Path(__file__).parent / "redaction.txt").read_text(encoding="utf-8").splitlines()
CORPUS = [line.split(" => ") for line in LINES if line and not line.startswith("#")]


@pytest.mark.parametrize(("said", "stored"), [(pair[0], pair[-1]) for pair in CORPUS])
def test_what_is_secret_goes_and_what_is_not_stays(said, stored):
    assert redact_text(said) == stored


@pytest.mark.parametrize(("said", "stored"), [(pair[0], pair[-1]) for pair in CORPUS])
def test_what_is_stored_is_not_redacted_any_further(said, stored):
    again = redact_text(redact_text(said))
    assert again == stored


def test_a_number_that_goes_on_in_the_next_transcript_is_one_number():
    redactor = Redactor()
    first = FinalTranscript(1, 1, 1, "my pin is forty two")
    second = FinalTranscript(2, 2, 2, "seventy one")
    assert redactor(first) == FinalTranscript(1, 1, 1, "my pin is # #")
    assert redactor(second) == FinalTranscript(2, 2, 2, "# #")


def test_what_the_agent_asked_for_tells_what_a_number_is():
    history = (Message("agent", "And your pin code, please?"), Message("caller", "nine"))
    entry = redact(Issued(1, ContinueReply(4, 2, history, because("prefill"))))
    assert isinstance(entry, Issued)
    assert isinstance(entry.command, ContinueReply)
    assert [message.text for message in entry.command.history] == [history[0].text, "#"]
    assert redact_text("nine") == "nine"


def test_a_number_on_both_sides_of_a_partials_border_is_not_stored():
    partial = PartialTranscript(5, 1, 5, "it's forty two", "seventy one")
    assert redact(partial) == PartialTranscript(5, 1, 5, "x x x", "x x")
    kept = Redactor(partials=True)(partial)
    assert kept == PartialTranscript(5, 1, 5, "it's # # # #", "")


def test_not_even_the_lengths_of_a_replys_words_are_stored():
    assert redact(ReplyTextReceived(1, 2, " four seven")) == ReplyTextReceived(1, 2, " x x")


@pytest.mark.parametrize(
    "piece", ["a.b-", "a@", "@", "x at ", "dot a ", "1 ", "one um ", "street 1 ", "a'", "$1,", "\n"]
)
def test_time_grows_with_the_length_of_a_hostile_text_and_no_faster(piece):
    def took(length):
        text = (piece * length)[:length]
        began = time.process_time()
        redact_text(text)
        return time.process_time() - began

    took(1000)
    # Ten times the text: a quadratic pattern takes a hundred times as long.
    assert took(100_000) < 30 * took(10_000) + 0.5


def test_what_the_agent_asked_for_tells_what_a_transcript_is():
    redactor = Redactor()
    speak(redactor, 7, "May I have your code?")
    assert redactor(FinalTranscript(2, 4, 2, "nine")) == FinalTranscript(2, 4, 2, "#")
    speak(redactor, 8, "Thanks. For how many?")
    assert redactor(FinalTranscript(3, 5, 3, "we are nine")).text == "we are nine"


def test_what_was_asked_in_a_reply_that_was_given_up_does_not_count():
    redactor = Redactor()
    redactor(synthesis(7, "May I have your code?"))
    assert redactor(FinalTranscript(2, 4, 2, "nine")) == FinalTranscript(2, 4, 2, "nine")


def test_a_number_that_is_read_back_in_two_clauses_is_one_number():
    redactor = Redactor()
    first = redactor(synthesis(7, "Your number is forty two,"))
    second = redactor(synthesis(7, "seventy one."))
    assert first.command.text == "Your number is # #,"
    assert second.command.text == "# #."


def test_the_agents_answer_to_a_secret_holds_none():
    redactor = Redactor()
    redactor(FinalTranscript(1, 4, 1, "my pin is forty two"))
    assert redactor(synthesis(7, "Forty two, thanks.")).command.text == "# #, thanks."


def test_each_transcript_of_one_utterance_holds_what_was_said_before_it_and_no_more():
    redactor = Redactor()
    for text in ("for two", "for two", "for two at seven thirty"):
        assert redactor(FinalTranscript(1, 4, 1, text)).text == text


def test_a_number_goes_on_after_a_word_between():
    redactor = Redactor()
    said = ["my code is", "um", "four"]
    kept = [redactor(FinalTranscript(n, n, n, text)).text for n, text in enumerate(said)]
    assert kept == ["my code is", "um", "#"]


def test_what_comes_next_tells_what_a_number_is():
    assert redact_text("five", after="five five one two three four") == "#"
    assert redact_text("table for two", after="and my pin is 4711") == "table for two"


@pytest.mark.parametrize(("said", "stored"), [("my pin is ²", "#"), ("pin ①②③④", "####")])
def test_signs_that_are_digits_and_no_figures_are_numbers(said, stored):
    assert redact_text(said).endswith(stored)


def synthesis(reply: int, text: str) -> Issued:
    return Issued(1, SynthesizeClause(reply * 10 + len(text), reply, text, because("first_clause")))


def speak(redactor: Redactor, reply: int, text: str) -> None:
    issued = synthesis(reply, text)
    redactor(issued)
    redactor(Issued(1, PlayClause(issued.command.job, because("audio_ready"))))
