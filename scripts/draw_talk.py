"""Draws the screen of a live call on a virtual sound card: docs/talk.svg.

    .venv/bin/python scripts/draw_talk.py [--size 120x36] [--at 55] [--out docs/talk.svg]

Everything on it is measured while it is drawn, the headroom too.
"""

import argparse
import asyncio
import sys
import tempfile
import threading
import time
from pathlib import Path

import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipelines.turn_taking.time import SECOND
from tests.voicecli.virtual_sound_card import VirtualCard, virtual_card
from voicecli.profile import load_profile
from voicecli.replaying.source import SHIPPED
from voicecli.talk.live_call import LiveCall, Stage
from voicecli.talk.setting import TalkSetting
from voicecli.tui.app import TalkApp


def main() -> None:
    """Make a call, and write its screen at a moment of it to a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="120x36", help="columns and rows")
    parser.add_argument("--at", type=float, default=55, help="second of the call")
    parser.add_argument("--call", default="plain_turns", help="shipped recording of the caller")
    parser.add_argument("--profile", default="embedded")
    parser.add_argument("--line", default="clean")
    parser.add_argument("--out", type=Path, default=Path("docs/talk.svg"))
    given = parser.parse_args()
    columns, rows = map(int, given.size.split("x"))
    with virtual_card() as card, tempfile.TemporaryDirectory() as folder:
        audio, rate = soundfile.read(next((SHIPPED / given.call).glob("caller.*")))
        soundfile.write(Path(folder) / "caller.wav", audio, rate)
        call = LiveCall(TalkSetting(load_profile(given.profile), given.line), print)
        call.start()
        caller = threading.Thread(
            target=_speak, args=(call, card, Path(folder) / "caller.wav"), daemon=True
        )
        caller.start()
        drawn = asyncio.run(_draw(call, (columns, rows), given.at))
        call.hang_up()
        call.join(10)
    given.out.write_text(drawn, encoding="utf-8")


async def _draw(call: LiveCall, size: tuple[int, int], at: float) -> str:
    app = TalkApp(call)
    async with app.run_test(size=size) as pilot:
        while call.stage is not Stage.OVER and call.now < at * SECOND:
            await pilot.pause(0.1)
        return app.export_screenshot(title="voicecli talk")


def _speak(call: LiveCall, card: VirtualCard, path: Path) -> None:
    while call.stage is Stage.LOADING or call.now < 3 * SECOND:
        time.sleep(0.05)
    card.speak(path).wait()


if __name__ == "__main__":
    main()
