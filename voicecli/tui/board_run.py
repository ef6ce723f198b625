"""Runs a server under its screen, and leaves the terminal as it was."""

import asyncio
import sys
import threading
from collections import deque

from voicecli.errors import VoicecliError
from voicecli.foreign import say
from voicecli.profile import Profile
from voicecli.serve.logs import set_up_logs
from voicecli.serve.plan import Plan
from voicecli.serve.pool import start_fork_server
from voicecli.serve.server import CallServer
from voicecli.tui.board import BoardApp
from voicecli.tui.terminal import native_messages_in, stopping_on_signals

_KEPT = 500
_SWITCH_S = 0.001


def serve_on_screen(
    plan: Plan, profile: Profile, *, back: bool = False, light: bool = False
) -> bool:
    """Serve until the user ends it; the log of the last calls is printed afterwards.

    Args:
        plan: where to listen, and for whom.
        profile: the agent.
        back: whether there is something that the user may want to go back to.
        light: whether the terminal is light.

    Returns:
        Whether they do.

    Raises:
        VoicecliError: as `CallServer.run` does.
    """
    server = CallServer(plan, profile, watchable=True)
    lines: deque[str] = deque(maxlen=_KEPT)
    set_up_logs(lines.append, as_json=False)
    failure: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(server.run(signals=False))
        except BaseException as error:  # noqa: BLE001 - raised again by the main thread
            failure.append(error)

    thread = threading.Thread(target=run, name="server")
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_S)
    try:
        with native_messages_in("serve.log"), stopping_on_signals(server.stop):
            start_fork_server()
            thread.start()
            wanted = BoardApp(server, lines, back=back, light=light).run()
            server.stop()
            thread.join()
    finally:
        sys.setswitchinterval(before)
    for line in lines:
        say(line)
    for error in failure:
        if isinstance(error, VoicecliError):
            raise error
        raise RuntimeError("the server broke down") from error
    return bool(wanted)
