"""What a screen sees of a running call: its journal, as far as somebody watches."""

import asyncio

import pytest

from pipelines.turn_taking.events import CallStarted, FinalTranscript, PlayoutStarted
from tests.voicecli.serve.conftest import PROFILE, call
from voicecli.profile import load_profile
from voicecli.recording.journal import decode
from voicecli.redaction.journal import redact
from voicecli.serve.journal_stream import AT_ONCE, JournalStream
from voicecli.serve.plan import Request, plan_server
from voicecli.serve.server import CallServer, Stage
from voicecli.serve.settings import Limits

MANY = [FinalTranscript(at, 1, at, "my pin is 4711") for at in range(3 * AT_ONCE + 1)]


def lines(tap):
    return [decode(line) for line in tap.take().splitlines()]


def test_a_late_watcher_catches_up_a_little_each_tick():
    tap = JournalStream()
    for entry in MANY:
        tap.record(entry)
    assert lines(tap) == []  # nobody watches
    tap.watched = True
    assert [len(lines(tap)) for _ in range(5)] == [AT_ONCE, AT_ONCE, AT_ONCE, 1, 0]


def test_whoever_looks_away_and_back_misses_nothing():
    tap = JournalStream()
    tap.watched = True
    tap.record(MANY[0])
    assert lines(tap) == [MANY[0]]
    tap.watched = False
    tap.record(MANY[1])
    assert lines(tap) == []
    tap.watched = True
    assert lines(tap) == [MANY[1]]


def test_what_may_not_be_stored_is_not_shown_either():
    tap = JournalStream(redact)
    tap.watched = True
    tap.record(MANY[0])
    assert lines(tap)[0].text == "my pin is ####"


@pytest.mark.realtime
def test_the_journal_of_the_watched_call_comes_to_the_server(tmp_path, monkeypatch):
    monkeypatch.delenv("TWILIO_AUTH_TOKEN", raising=False)
    (tmp_path / "brief.toml").write_text(PROFILE)
    plan = plan_server(Request(port=0, limits=Limits(max_calls=2)))
    server = CallServer(plan, load_profile(str(tmp_path / "brief.toml")), watchable=True)

    class Here:
        @property
        def media(self):
            return server.routes.settings.url.replace("http", "ws") + "/media"

    async def scenario():
        running = asyncio.create_task(server.run(signals=False))
        while server.stage is Stage.LOADING:
            assert not running.done()
            await asyncio.sleep(0.05)
        async with call(Here(), "CAone") as one, call(Here(), "CAtwo") as two:
            await one.hear()
            await two.hear()
            seen, unseen = list(server.routes.calls)
            server.watch(seen.name)
            await asyncio.gather(one.speak(0.5), two.speak(0.5))
            await one.hang_up()
            await two.hang_up()
        server.stop()
        await running
        return seen, unseen

    seen, unseen = asyncio.run(scenario())
    entries = [decode(line) for lump in seen.journal for line in lump.splitlines()]
    assert isinstance(entries[0], CallStarted)
    assert any(isinstance(entry, PlayoutStarted) for entry in entries)
    assert unseen.journal == []
    assert server.stage is Stage.OVER
