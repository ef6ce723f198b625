"""The `voicecli` fixture: dial or replay from a test.

def test_answers_fast(voicecli):
    report = voicecli.dial("ws://127.0.0.1:8000/media", "plain_turns")
    report.require("voice_to_voice.p95 < 800ms", "underruns == 0")

pytest loads this module in every run of whoever has voicecli installed, used or not: it imports
nothing heavy before a test asks for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from voicecli.dial.report import CallResult
    from voicecli.report.call_report import CallReport

# ruff: noqa: PLC0415


@dataclass(frozen=True, slots=True)
class DialReport:
    """Dialled calls; `document` is the JSON report (`voicecli.dial/1`)."""

    results: "Sequence[CallResult]"
    document: dict[str, Any]

    def require(self, *conditions: str) -> None:
        """Raise AssertionUnmetError unless all hold, as `voicecli dial --assert` does."""
        from voicecli.dial.report import check, parse_condition
        from voicecli.report.assertions import require

        require(check(parse_condition(text), self.results) for text in conditions)


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """A replayed call; `call` is what all reports are made of."""

    call: "CallReport"

    def require(self, *conditions: str) -> None:
        """Raise AssertionUnmetError unless all hold, as `voicecli replay --assert` does."""
        from voicecli.report.assertions import check, parse_condition, require

        require(check(parse_condition(text), [self.call]) for text in conditions)


class VoicecliFixture:
    """What the `voicecli` fixture offers; recordings of calls go to the test's own folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def dial(
        self, url: str, call: str = "plain_turns", *, line: str = "clean", calls: int = 1,
        max_s: float = 600.0,
    ) -> DialReport:  # fmt: skip
        """Call an agent in real time; the arguments are those of `voicecli dial`.

        Raises:
            VoicecliError: the agent cannot be reached, or the call does not exist.
        """
        import asyncio

        from voicecli.dial.report import build_document
        from voicecli.dial.run import Plan, run_plan
        from voicecli.dial.script import open_script

        plan = Plan(url, open_script(call), line, calls=calls, max_s=max_s)
        results = asyncio.run(run_plan(plan, self._folder))
        return DialReport(results, build_document(url, results, ()))

    def replay(
        self, call: str, profile: str = "embedded", *, line: str | None = None
    ) -> ReplayReport:
        """Run a recorded caller against an agent on the virtual clock.

        Raises:
            VoicecliError: the call, the profile or its weights cannot be used.
        """
        from voicecli.api import replay

        return ReplayReport(replay(call, profile=profile, line=line)[0])


@pytest.fixture
def voicecli(tmp_path: Path) -> VoicecliFixture:
    """Dial or replay from a test, and assert on the outcome."""
    return VoicecliFixture(tmp_path)
