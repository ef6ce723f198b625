"""Whole calls as journals that read as diffs, in tests/calls.

After a change that is meant: VOICECLI_UPDATE_GOLDEN=1 make test, then read the diff.
"""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.turn_taking.decisions import SpokenTurn
from pipelines.turn_taking.events import DtmfReceived, FinalTranscript, FrameScored
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.policy import AgentPolicy, EndpointingPolicy, Policy
from pipelines.turn_taking.time import from_ms, to_ms

from .world import Delays, Speech, World, failed

GOLDEN = Path(__file__).parents[2] / "calls"
POLICY = Policy(
    agent=AgentPolicy(system_prompt="Be brief.", greeting="Hello, how can I help?"),
    endpointing=EndpointingPolicy(weights=(("words", 1.0),), text_detectors=("words",)),
)
ORDER = Speech(2500, 3700, "i would like a table for two")


def whole(text: str) -> float:
    """P(end) of words on their way to one of the sentences below."""
    return 0.9 if text.endswith(("two", "three", "mean", "please", "yes", "seven")) else 0.15


CALLS = {
    "plain_turn": World(POLICY, [ORDER], p_end=whole, until_ms=9000),
    "pause_within_a_turn": World(
        POLICY,
        [Speech(2500, 3200, "my number is"), Speech(3700, 4600, "four two seven")],
        p_end=whole,
        until_ms=9000,
    ),
    "interruption": World(
        POLICY,
        [ORDER, Speech(4900, 6000, "no wait i meant three")],
        p_end=whole,
        replies=["Of course, a table for two at which time?", "Three people then."],
    ),
    "backchannel": World(POLICY, [ORDER, Speech(4900, 5250, "uh huh")], p_end=whole),
    "reopened_turn": World(
        POLICY,
        [ORDER, Speech(4000, 5000, "on sunday i mean")],
        p_end=whole,
        delays=Delays(first_token=900),
    ),
    "llm_failure": World(
        POLICY,
        [ORDER],
        p_end=whole,
        fault=lambda event: (
            [failed(event, "llm")]
            if type(event).__name__ == "ReplyTextReceived" and event.at < from_ms(4200)
            else [event]
        ),
    ),
    "lost_transcript": World(
        POLICY,
        [Speech(2500, 3000, "yes"), Speech(8000, 8600, "yes please")],
        p_end=whole,
        fault=lambda event: (
            [] if isinstance(event, FinalTranscript) and event.at < from_ms(5000) else [event]
        ),
        until_ms=12_000,
    ),
    "tools": World(
        POLICY,
        [ORDER],
        p_end=whole,
        replies=["Let me see. @reads:slots Seven is free. @acts:book It is booked."],
        delays=Delays(tool=1200),
        until_ms=14_000,
    ),
    "keypad": World(
        POLICY,
        extra=[DtmfReceived(from_ms(800 + 250 * i), d) for i, d in enumerate("42#")],
    ),
    "nobody_there": World(
        dataclasses.replace(POLICY, agent=dataclasses.replace(POLICY.agent, idle_ms=3000)),
        until_ms=30_000,
    ),
}  # fmt: skip


def render(journal: list[Entry]) -> Iterator[str]:
    """One line an entry; commands are indented under the event that caused them."""
    frame = ""
    for entry in journal:
        line = f"{to_ms(entry.at):10,.0f} ms  {type(entry).__name__}{_fields(entry)}"
        if isinstance(entry, FrameScored):
            frame = line
        elif isinstance(entry, Issued):
            if frame:
                yield frame  # only those that something came of
            frame = ""
            command = entry.command
            yield f"{'':16}{type(command).__name__}{_fields(command)}\n{'':20}{command.reason}"
        else:
            frame = ""
            yield line


def _fields(item: object) -> str:
    shown: list[str] = []
    for field in dataclasses.fields(item):  # type: ignore[arg-type]
        value = getattr(item, field.name)
        if field.name in {"at", "reason", "history", "detectors"}:
            continue
        if isinstance(value, SpokenTurn):  # its silence and P(end) are in the reason
            continue
        if value == field.default and field.name in {"sound_until", "masked", "looped"}:
            continue
        if field.name in {
            "start",
            "end",
            "until",
            "audio",
            "position",
            "egress",
            "ingress",
            "onset",
            "detected",
        }:
            value = f"{to_ms(value):,.0f} ms"
        shown.append(f"{field.name}={value}")
    return f"({', '.join(shown)})" if shown else ""


@pytest.mark.parametrize("name", CALLS)
def test_the_call_goes_as_recorded(name: str):
    journal = "\n".join(render(CALLS[name].run())) + "\n"
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("VOICECLI_UPDATE_GOLDEN"):
        path.write_text(journal)
    assert journal == path.read_text()


def test_every_golden_call_is_still_played():
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(CALLS)
