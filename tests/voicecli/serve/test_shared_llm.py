"""Calls that share a model server: served side by side, each sure of an answer in time."""

import asyncio
import signal
import threading
from contextlib import suppress

import pytest

from pipelines.turn_taking.commands import SynthesizeClause
from pipelines.turn_taking.journal import Issued
from pipelines.turn_taking.time import to_ms
from tests.pipelines.engines.http_stand_in import chat, http_stand_in, nothing
from tests.voicecli.serve.conftest import PROFILE
from voicecli.dial.report import DURATIONS
from voicecli.dial.run import Plan, run_plan
from voicecli.dial.script import open_script
from voicecli.recording.bundle import read_bundle

pytestmark = pytest.mark.realtime

CALLS = 8
TIMEOUT_MS = 1000
AGENT = PROFILE.replace(
    '[llm]\nengine = "scripted"',
    """
[llm]
engine = "openai_compatible"
base_url = "%s"
timeout_ms = %d
[llm.fallback]
engine = "scripted"
replies = ["One of us will call you back."]
""",
)


def called(serve, url, timeout_ms):
    """What eight callers at once heard of a server whose calls share the model at `url`."""
    server = serve("--max-calls", str(CALLS), profile=AGENT % (url, timeout_ms))
    plan = Plan(server.media, open_script("plain_turns"), "clean", calls=CALLS, max_s=12)
    results = asyncio.run(run_plan(plan, None))
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert not [result.problem for result in results if result.problem]
    said = [
        " ".join(entry.command.text for entry in read_bundle(folder).entries if is_clause(entry))
        for folder in server.recordings.iterdir()
    ]
    assert len(said) == CALLS
    return results, said


def is_clause(entry):
    return isinstance(entry, Issued) and isinstance(entry.command, SynthesizeClause)


def test_eight_calls_are_written_for_side_by_side(serve):
    all_here = threading.Barrier(CALLS)
    streams = chat("The office", " opens", " at nine.")

    def together(request, reply):
        """Nobody's reply begins before everybody's was asked for."""
        all_here.wait(timeout=10)
        with suppress(BrokenPipeError):  # this reply was made ahead, and the caller went on
            streams(request, reply)

    with http_stand_in(streams) as model:
        model.answers = [together] * CALLS
        _, said = called(serve, model.url, 10_000)
    assert all("opens at nine." in words for words in said)


def test_a_model_that_is_too_slow_costs_each_call_its_timeout_and_no_more(serve):
    with http_stand_in(nothing) as model:
        results, said = called(serve, model.url, TIMEOUT_MS)
    assert [words for words in said if "will call you back." not in words] == []
    waits = [to_ms(wait) for result in results for wait in DURATIONS["voice_to_voice"]([result])]
    assert len(waits) >= CALLS
    assert max(waits) < TIMEOUT_MS + 1500
