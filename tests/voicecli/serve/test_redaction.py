"""What callers say of themselves is not stored; what they order, and when, is."""

import time
from pathlib import Path

import pytest

from pipelines.turn_taking.commands import ContinueReply, Message
from pipelines.turn_taking.events import FinalTranscript, PartialTranscript, ReplyTextReceived
from pipelines.turn_taking.journal import Issued
from pipelines.turn_taking.reasons import because
from voicecli.serve.redact import Redactor, redact, redact_text

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
