"""Tests of an agent with pytest: recorded callers talk to it, and what it did is held to limits.

    pytest examples/test_agent.py

Nothing is set up: `voicecli` is a fixture of the installed program. The profile here needs no
models; put your own in its place.
"""

import pytest

from voicecli import Results, replay

PROFILE = "scripted"


@pytest.fixture(scope="module")
def results() -> Results:
    return replay(["plain_turns", "pauses"], profile=PROFILE, line="pstn")


def test_answers_soon(results):
    results.require("voice_to_voice.p95 < 1500ms")


def test_answers_every_turn(results):
    results.require("turns >= 10", "unanswered == 0", "failures == 0")


def test_hears_where_the_caller_pauses(results):
    assert results.value("voice_to_voice.p50") > 0
    for call in results:
        assert all(turn.turn.start < turn.turn.end for turn in call.turns)


@pytest.mark.parametrize("line", ["clean", "mobile", "satellite"])
def test_bears_any_line(voicecli, line):
    voicecli.replay("plain_turns", PROFILE, line=line).require("unanswered == 0")
