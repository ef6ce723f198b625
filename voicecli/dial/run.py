"""Dials one or many calls and reports on them."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import soundfile

from pipelines.turn_taking.time import from_ms
from telephony_sim.dtmf import KEYS
from voicecli.carriers.errors import DialError
from voicecli.carriers.registry import find_carrier
from voicecli.dial.measure import Measured, keys_heard, measure, measure_unscripted
from voicecli.dial.phone import Dialled, Key, dial
from voicecli.dial.report import (
    DURATIONS,
    NUMBERS,
    CallResult,
    Results,
    build_document,
    check,
    in_short,
    junit_report,
    parse_condition,
)
from voicecli.dial.script import Script
from voicecli.foreign import one_line, to_json
from voicecli.lines import open_line
from voicecli.private import draft_of
from voicecli.recording.journal import storing
from voicecli.report.assertions import Outcome, require
from voicecli.report.json_report import write_whole
from voicecli.report.screen import Console
from voicecli.report.whole_table import WholeTable
from voicecli.transports.base import RATE
from voicecli.transports.caller_timing import Pace
from voicecli.transports.file_caller import KEY_EVERY, FileCaller

if TYPE_CHECKING:
    from voicecli.dial.handset import HandsetCall  # loads the sound card

_BROKEN_SHOWN = 5
OPENING_S = 1.0
"""Before a responsive caller's first word, so that an agent may greet."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Whom to call, and how."""

    url: str
    script: Script
    line: str
    seed: int = 0
    pace: Pace = "responsive"
    keys: tuple[Key, ...] = ()
    calls: int = 1
    ramp_s: float = 0.0
    """Over which the calls begin."""
    max_s: float = 600.0
    carrier: str = "twilio"
    """Whose part we play."""


def secret_of(carrier: str) -> str | None:
    """What requests are signed with as that carrier's, if the environment says."""
    return os.environ.get(find_carrier(carrier).secret) or None


async def run_plan(plan: Plan, folder: Path | None) -> list[CallResult]:
    """Make all calls, at once or one after the other as the ramp says.

    Args:
        plan: the calls.
        folder: gets a stereo WAV of each, caller left, agent right; None: nothing is written.

    Raises:
        DialError: the only call could not be made; among several it is noted in the result.
        StorageError: the WAVs cannot be written.
    """

    callers = [_caller(plan, plan.seed + number) for number in range(plan.calls)]

    async def call(number: int) -> Dialled | DialError:
        await asyncio.sleep(plan.ramp_s * number / plan.calls)
        try:
            return await dial(
                plan.url, callers[number], keys=plan.keys, max_s=plan.max_s,
                secret=secret_of(plan.carrier), carrier=plan.carrier,
            )  # fmt: skip
        except DialError as error:
            return error

    went = await asyncio.gather(*(call(number) for number in range(plan.calls)))
    # Only now: writing and measuring would make the ticks of calls under way late.
    return [
        _result(plan, number, caller, result, folder)
        for number, (caller, result) in enumerate(zip(callers, went, strict=True), start=1)
    ]


def _caller(plan: Plan, seed: int) -> FileCaller:
    uplink, downlink = open_line(plan.line, seed)
    return FileCaller(
        plan.script.audio, plan.script.turns, plan.pace, uplink=uplink, downlink=downlink,
        opening_s=OPENING_S if plan.pace == "responsive" else 0.0,
    )  # fmt: skip


def _result(
    plan: Plan, number: int, caller: FileCaller, went: Dialled | DialError, folder: Path | None
) -> CallResult:
    name = plan.script.name if plan.calls == 1 else f"{plan.script.name}-{number}"
    if isinstance(went, DialError):
        if plan.calls == 1:
            raise went
        return CallResult(name, None, Measured(), str(went))
    stereo = caller.stereo()
    _write(stereo, folder, name)
    measured = measure(stereo, caller.played, plan.script.turns)
    return CallResult(name, went, measured, keys=keys_heard(stereo[:, 1]))


def result_of(call: "HandsetCall", folder: Path | None) -> CallResult:
    """What a call from the user's own microphone was like; its WAV goes to `folder`.

    Raises:
        VoicecliError: there was no call, or the WAV cannot be written.
    """
    if call.error is not None:
        raise call.error
    stereo = call.stereo()
    name = f"microphone-{datetime.now().astimezone():%Y%m%d-%H%M%S}"  # nobody says it twice
    if len(stereo):
        _write(stereo, folder, name)
    measured = measure_unscripted(stereo)
    return CallResult(name, call.result, measured, keys=keys_heard(stereo[:, 1]))


def _write(stereo: npt.NDArray[np.int16], folder: Path | None, name: str) -> None:
    if folder is not None:
        path = folder / f"{name}.wav"
        with storing(path), draft_of(path) as draft:
            soundfile.write(draft, stereo, RATE, "PCM_16", format="WAV")


def report_on(
    url: str,
    results: Results,
    asserts: Sequence[str],
    *,
    json_file: Path | None = None,
    junit: Path | None = None,
) -> list[Outcome]:
    """Show a summary and write the reports.

    Raises:
        AssertionUnmetError: a condition does not hold.
        DialError: a call broke.
        StorageError: a report cannot be written.
    """
    outcomes = [check(parse_condition(text), results) for text in asserts]
    console = Console()
    counts = (f"{name.replace('_', ' ')} {value(results)}" for name, value in NUMBERS.items())
    console.print(" · ".join(counts), style="bold")
    console.print(_summary(results), crop=False)
    broken = [f"{result.name}: {result.problem}" for result in results if result.problem]
    for sentence in broken[:_BROKEN_SHOWN]:
        console.print(f"✗ {one_line(sentence)}", style="bold red")
    for outcome in outcomes:
        sign, style = ("✓", "green") if outcome.holds else ("✗", "bold red")
        console.print(f"{sign} {outcome.sentence}", style=style)
    if json_file is not None:
        document = build_document(url, results, outcomes)
        write_whole(json_file, to_json(document, indent=1) + "\n")
    if junit is not None:
        write_whole(junit, junit_report(results, outcomes))
    require(outcomes)
    if broken:
        raise DialError("; ".join(broken[:_BROKEN_SHOWN]) + ".")
    return outcomes


def _summary(results: Results) -> WholeTable:
    table = WholeTable(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("milliseconds")
    for heading in ("p50", "p95", "p99", "max", "n"):
        table.add_column(heading, justify="right")
    for name, values in DURATIONS.items():
        row = in_short(values(results))
        if row is not None:
            cells = (f"{row[key]:,.0f}" for key in ("p50", "p95", "p99", "max", "n"))
            table.add_row(name, *cells)
    return table


def parse_keys(texts: Sequence[str]) -> tuple[Key, ...]:
    """`SECONDS:KEYS`, such as 12.5:42#, in order of time; ValueError says what is wrong."""
    keys: list[Key] = []
    for text in texts:
        moment, _, digits = text.partition(":")
        if not digits or set(digits) - set(KEYS):
            raise ValueError(f"{text!r}: write SECONDS:KEYS, such as 12.5:42#")
        start = from_ms(float(moment) * 1000)
        keys += [Key(start + index * KEY_EVERY, digit) for index, digit in enumerate(digits)]
    return tuple(sorted(keys, key=lambda key: key.at))
