"""The screen of a server: its table, the selected call, its keys; the server is real but idle."""

import asyncio

import pytest
from textual.widgets import Static

from pipelines.turn_taking.time import from_ms
from voicecli.profile import load_profile
from voicecli.recording.journal import encode
from voicecli.serve.app import CallRoutes
from voicecli.serve.ipc import Progress
from voicecli.serve.metrics import Metrics
from voicecli.serve.plan import Request, plan_server
from voicecli.serve.pool import CallPool
from voicecli.serve.server import CallServer, Stage
from voicecli.tui.board import BoardApp
from voicecli.tui.widgets.waterfall import WaterfallPanel

from .journals import answer, greeting, in_order, question

TWO_TURNS = in_order(
    greeting(), question(), answer(heard=True), question(7000, 40), answer(8460, 40)
)
LOG = ["13:00:01  ready  url=http://127.0.0.1:8000", "13:00:07  turn answered  call=a  turn=1"]


class IdleServer(CallServer):
    """A server whose clock stands and that only notes what it is asked for."""

    def __init__(self):
        super().__init__(plan_server(Request()), load_profile("scripted"), watchable=True)
        self.watched = []
        self.stops = 0
        self.stage = Stage.READY
        pool = CallPool(4, self.profile, self.plan.settings.recording, print)
        self.routes = CallRoutes(self.plan.settings, pool, Metrics())

    @property
    def now(self):
        return 75.0

    def watch(self, name):
        self.watched.append(name)

    def stop(self):
        self.stops += 1

    def call(self, number, **progress):
        name = f"20261120-13000{number}-0123abc{number}-00f{number}"
        call = self.routes.calls.begin(name, f"CA{number}", 0, 10.0 * number)
        self.routes.calls.progress(call, Progress(**progress))
        return call


@pytest.fixture
def server(monkeypatch):
    monkeypatch.delenv("TWILIO_AUTH_TOKEN", raising=False)
    server = IdleServer()
    first = server.call(1, state="speaking", turn=2, voice_to_voice_ms=[480.0, 460.0])
    first.journal.append("".join(f"{encode(e)}\n" for e in TWO_TURNS if e.at <= from_ms(9300)))
    server.call(2, state="thinking", turn=7, voice_to_voice_ms=[500.0] * 6 + [1700.0], dropped=3)
    server.call(3)
    done = server.call(4, state="listening", turn=1, voice_to_voice_ms=[620.0])
    server.routes.calls.end(done, "the caller hung up", 70.0)
    return server


async def settle(pilot):
    """Until all that there is was shown: the selected call is mounted late."""
    for _ in range(3):
        await pilot.pause()
        await pilot.app.feed()
    await pilot.pause()


@pytest.mark.parametrize("size", [(80, 24), (160, 50), (100, 42), (60, 12)], ids=str)
def test_four_calls_of_which_one_is_over(snap_compare, server, size):
    assert snap_compare(BoardApp(server, LOG), terminal_size=size, run_before=settle)


def test_a_server_that_loads(snap_compare, server):
    server.routes, server.stage = None, Stage.LOADING
    assert snap_compare(BoardApp(server, []), terminal_size=(80, 24), run_before=settle)


def run(app, *keys, size=(100, 30)):
    """Press the keys; what the latency part shows then."""

    async def play():
        async with app.run_test(size=size) as pilot:
            await settle(pilot)
            await pilot.press(*keys)
            await settle(pilot)
            shown = app.query(WaterfallPanel)
            return str(Static.render(shown.first())) if shown else ""

    return asyncio.run(play())


def test_the_arrows_choose_whose_waterfall_is_shown(server):
    names = [call.name for call in server.routes.calls]
    assert "turn 2" in run(BoardApp(server, LOG))
    assert "No turn yet." in run(BoardApp(server, LOG), "down", "down")
    assert server.watched[-1] == names[2]
    assert "turn 2" in run(BoardApp(server, LOG), "down", "up", "up")
    assert server.watched[-1] == names[0]
    run(BoardApp(server, LOG), *["down"] * 9)
    assert server.watched[-1] == server.routes.calls.past[0].name


def test_the_journal_grows_while_it_is_watched(server):
    call = server.call(5)
    app = BoardApp(server, LOG)

    async def play():
        async with app.run_test(size=(100, 30)) as pilot:
            await settle(pilot)
            await pilot.press(*["down"] * 3)
            await settle(pilot)
            before = str(app.query_one(WaterfallPanel).render())
            for entry in TWO_TURNS:
                call.journal.append(encode(entry) + "\n")
            await settle(pilot)
            return before, str(app.query_one(WaterfallPanel).render())

    before, after = asyncio.run(play())
    assert "No turn yet." in before
    assert "turn 2" in after


def test_q_lets_calls_end_and_the_screen_closes_with_the_server(server):
    app = BoardApp(server, LOG)

    async def play():
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("q")
            still_open = app.is_running
            server.stage = Stage.OVER
            await app.feed()
            await pilot.pause()
            return still_open

    assert asyncio.run(play())
    assert server.stops == 1
    assert app.return_value is False


def test_f_goes_back_to_where_one_came_from_and_does_nothing_otherwise(server):
    run(BoardApp(server, LOG), "f")
    assert server.stops == 0
    app = BoardApp(server, LOG, back=True)

    async def play():
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("f")
            server.stage = Stage.OVER
            await app.feed()
            await pilot.pause()

    asyncio.run(play())
    assert server.stops == 1
    assert app.return_value is True
