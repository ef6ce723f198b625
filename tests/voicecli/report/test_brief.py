"""A call on one screen: every turn has a line, and the slowest says why."""

from dataclasses import replace

import pytest
from typer.testing import CliRunner

from voicecli.cli import app
from voicecli.errors import UsageError
from voicecli.report.brief import Brief

from .test_waterfall import rendered


def slower(report, **spans):
    """The same turn with other spans, in ms."""
    spans = {**dict.fromkeys(report.turn.spans, 0), **{k: v * 1_000_000 for k, v in spans.items()}}
    return replace(report, turn=replace(report.turn, spans=spans))


def test_each_turn_has_a_line_with_what_was_said_and_heard_and_how_long_it_took(call):
    lines = rendered(Brief(call), width=100).splitlines()
    rows = [row.split() for row in lines[2:5]]
    assert [row[0] for row in rows] == ["1", "2", "3"]
    assert "295 ms" in lines[2]
    assert "I'd like to book a table" in lines[2]
    assert "Certainly" in lines[2]
    assert "no answer" in lines[4]


def test_the_slowest_turn_is_drawn_with_its_longest_wait_in_words(call):
    first, _, third = call.turns
    turns = (slower(first, first_clause=900, endpoint_wait=100, pacing=4), third)
    text = rendered(Brief(replace(call, turns=turns)))
    assert "turn 1, 1,004 ms (delayed)" in text
    assert "first_clause" in text
    assert "pacing" not in text
    assert "language model had to write something that can be spoken" in " ".join(text.split())


def test_a_doubt_about_the_end_is_said_with_its_chances(call):
    first = slower(call.turns[0], endpoint_wait=1500)
    first = replace(first, turn=replace(first.turn, p_end_of_turn=0.4))
    text = rendered(Brief(replace(call, turns=(first,))))
    assert "the chances that they had: 40%" in " ".join(text.split())


def test_a_reply_into_the_callers_speech_is_a_cut_in_and_no_speed(call):
    cut_in = replace(call.turns[0], cut_in=True, acoustic_missing="the caller still makes a sound")
    text = rendered(Brief(replace(call, turns=(cut_in,))))
    assert "cut in" in text
    assert "slowest" not in text


def test_a_call_of_eight_turns_fits_on_a_screen(call):
    turns = tuple(
        slower(call.turns[0], **dict.fromkeys(call.turns[0].turn.spans, 90)) for _ in range(8)
    )
    text = rendered(Brief(replace(call, turns=turns)))
    assert len(text.splitlines()) <= 24
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("width", [40, 80, 140])
def test_without_turns_it_says_so(call, width):
    assert "completed no turn" in rendered(Brief(replace(call, turns=())), width=width)


def test_a_terminal_without_unicode_gets_none(call):
    rendered(Brief(call), encoding="ascii").encode("ascii")


def test_brief_and_quiet_together_are_refused():
    result = CliRunner().invoke(app, ["replay", "plain_turns", "-q", "--brief"])
    assert isinstance(result.exception, UsageError)


def test_a_replay_in_brief_says_where_the_rest_is(tmp_path):
    arguments = ["replay", "pauses", "--brief", "-p", "scripted", "-o", str(tmp_path / "my calls")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    assert f"voicecli replay '{tmp_path}/my calls/pauses'" in result.output.replace("\n", "")
    assert (tmp_path / "my calls" / "report.json").is_file()
    assert "p50" not in result.output
