import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from pipelines.turn_taking.time import MILLISECOND
from voicecli.report.call_report import build_call_report
from voicecli.report.waterfall import CallWaterfall, TurnWaterfall

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def rendered(renderable, width=80, *, encoding="utf-8", **console):
    output = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    Console(file=output, width=width, **console).print(renderable)
    output.flush()
    return output.buffer.getvalue().decode(encoding)


def coloured(renderable, **console):
    return rendered(renderable, force_terminal=True, color_system="standard", **console)


def line(text, start):
    return next(row for row in text.splitlines() if row.strip().startswith(start))


def test_a_turn_in_80_columns(call):
    lines = rendered(TurnWaterfall(call.turns[0])).splitlines()
    assert [row.rstrip() for row in lines[:16]] == [
        "── turn 1 at 0:02.0 ─────────────────────────────────────────── 295 ms natural ─",
        "  caller  I'd like to book a table for two.",
        "  agent   Certainly, for which evening?",
        "                         ms  0                                        500",
        "  ingress             40 ms  ███▌                                      ┊",
        "  vad_hangover        90 ms     ▐███████                               ┊",
        "  endpoint_wait      123 ms             ██████████▌                    ┊",
        "  asr_final            0 ms                       ·                    ┊",
        "  llm_ttft             0 ms                       ·                    ┊",
        "  first_clause         0 ms                       ·                    ┊",
        "  tts_ttfb             0 ms                       ·                    ┊",
        "  pacing               2 ms                       ▐                    ┊",
        "  egress              40 ms                       ▐███                 ┊",
        "  voice_to_voice     295 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━                 ┊",
        "  by waveform        290 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━                 ┊",
        "  saved 92 ms by working ahead of the decision",
    ]


def test_what_working_ahead_cost_in_vain_stands_below_the_bars(call):
    row = line(rendered(TurnWaterfall(call.turns[1])), "spent")
    assert row.strip() == "spent 310 ms of computing on what was thrown away"


@pytest.mark.parametrize("width", [60, 80, 140, 300])
def test_no_line_is_wider_than_the_terminal_or_than_140_columns(call, width):
    for text in (rendered(CallWaterfall(call), width), coloured(CallWaterfall(call), width=width)):
        assert max(len(ESCAPE.sub("", row)) for row in text.splitlines()) == min(width, 140)


def test_a_wider_terminal_has_longer_bars(call):
    widths = [
        line(rendered(TurnWaterfall(call.turns[1]), w), "endpoint_wait").count("█")
        for w in (80, 140)
    ]
    assert widths[1] > 1.8 * widths[0]


def test_every_decision_of_a_turn_is_given_in_words_and_in_order(call):
    text = " ".join(rendered(TurnWaterfall(call.turns[1]), 140).split())
    sentences = [decision.sentence for decision in call.turns[1].turn.decisions]
    assert len(sentences) == 4
    positions = [text.index(sentence) for sentence in sentences]
    assert positions == sorted(positions)
    assert "+990 ms turn ended" in text
    assert "-520 ms turn resumed" in text


def test_words_never_heard_are_struck_through(call):
    assert "\x1b[2;9mone at nine by the window." in coloured(TurnWaterfall(call.turns[1]))


@pytest.mark.parametrize("console", [{}, {"force_terminal": True, "no_color": True}])
def test_without_colour_words_never_heard_are_said_to_be_so(call, console):
    text = rendered(TurnWaterfall(call.turns[1]), **console)
    assert "at eight, or [not heard: one at nine by the window.]" in ESCAPE.sub("", text)
    assert "\x1b[3" not in text  # no colour


@pytest.mark.parametrize(
    ("latency_ms", "name", "style"),
    [(499, "natural", 32), (500, "acceptable", 33), (800, "acceptable", 33), (801, "delayed", 31),
     (1500, "delayed", 31), (1501, "broken", "1;35")],
)  # fmt: skip
def test_the_band_of_a_latency_is_named_and_coloured(call, latency_ms, name, style):
    report = call.turns[0]
    slow = replace(report, turn=replace(report.turn, spans={"egress": latency_ms * MILLISECOND}))
    assert f"\x1b[{style}m{latency_ms:,} ms {name}" in coloured(TurnWaterfall(slow))


def test_bars_change_colour_where_they_cross_a_limit(call):
    row = line(coloured(TurnWaterfall(call.turns[1])), "endpoint_wait")
    assert re.findall(r"\x1b\[(3\d)m█", row)[0] == "32"
    assert re.findall(r"\x1b\[(3\d)m█", row)[-1] == "31"


@pytest.mark.parametrize(
    "console",
    [
        {"encoding": "ascii"},
        {"force_terminal": True, "_environ": {"TERM": "dumb"}},
    ],
)
def test_a_terminal_without_unicode_gets_ascii(call, console):
    report = replace(call.turns[0], turn=replace(call.turns[0].turn, text="Café “Zürich” 日"))
    strange = replace(call, turns=(report, *call.turns[1:]), name="naïve")
    text = ESCAPE.sub("", rendered(CallWaterfall(strange), **console))
    assert text.isascii()
    assert 'Cafe "Zurich" ?' in text
    assert line(text, "egress").rstrip().endswith("###                 :")


def test_control_characters_in_texts_never_reach_the_terminal(call):
    report = replace(call.turns[0], turn=replace(call.turns[0].turn, text="a\x1b[2Jb\nc"))
    assert "a�[2Jb c" in rendered(TurnWaterfall(report))


def test_an_interruption_is_split_below_the_turn_it_stopped(call):
    text = rendered(CallWaterfall(call))
    after = text[text.index("turn 2") : text.index("turn 3")]
    assert "interruption at 0:10.1: “No, eight.”" in after
    assert "silent after 300 ms slow" in after
    assert line(after, "judged").split()[1:3] == ["130", "ms"]


def test_a_cut_in_and_an_unanswered_turn_are_said_in_the_heading(call):
    text = rendered(CallWaterfall(call))
    assert "1,480 ms delayed · CUT IN" in text
    assert line(text, "── turn 3").endswith(" not answered ─")


def test_what_happened_before_the_first_turn_comes_first(call):
    text = rendered(CallWaterfall(call))
    assert text.index("the call has begun: greet") < text.index("turn 1")


def test_a_call_without_turns_shows_its_decisions(call, header):
    opening = [entry for entry in call.entries if entry.at < 2000 * MILLISECOND]
    text = rendered(CallWaterfall(build_call_report("x", header, opening)))
    assert "The caller completed no turn." in text
    assert "the call has begun: greet" in text


def test_a_partial_call_says_so(call):
    assert "PARTIAL" in rendered(CallWaterfall(replace(call, partial=True)))
    assert "PARTIAL" not in rendered(CallWaterfall(call))
