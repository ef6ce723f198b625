"""An agent of somebody else's: a plain WebSocket server that says what a test wants it to."""

import asyncio
import threading
from contextlib import contextmanager

import numpy as np
import pytest
from websockets.asyncio.server import serve

from telephony_sim.g711 import ulaw_decode, ulaw_encode
from voicecli.carriers.leg import AudioIn, LegStarted
from voicecli.carriers.twilio.codec import AgentEnd


def tone(milliseconds, hertz=300):
    samples = np.arange(8 * milliseconds)
    return ulaw_encode((8000 * np.sin(2 * np.pi * hertz * samples / 8000)).astype(np.int16))


class Stranger:
    """Runs `behave(agent)` for each call; what came from the caller is in `heard`."""

    def __init__(self, behave):
        self._behave = behave
        self.heard = []
        self.headers = []
        self.url = ""

    @contextmanager
    def running(self):
        loop, ready = asyncio.new_event_loop(), threading.Event()
        stop = loop.create_future()

        async def main():
            async with serve(self._answer, "127.0.0.1", 0, compression=None) as server:
                port = next(iter(server.sockets)).getsockname()[1]
                self.url = f"ws://127.0.0.1:{port}/media"
                ready.set()
                await stop

        thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
        thread.start()
        ready.wait()
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(stop.set_result, None)
            thread.join()
            loop.close()

    async def _answer(self, socket):
        self.headers.append(socket.request.headers)
        self._socket, self._end = socket, AgentEnd()
        behaviour = None
        async for text in socket:
            said = self._end.receive(text)
            self.heard += said
            if any(isinstance(message, LegStarted) for message in said):
                behaviour = asyncio.create_task(self._behave(self))
            if self._end.stopped:
                break
        if behaviour is not None:
            behaviour.cancel()

    async def send(self, message):
        for text in self._end.send(message):
            await self._socket.send(text)

    async def raw(self, text):
        await self._socket.send(text)

    async def hang_up(self):
        await self._socket.close()

    def caller_level(self):
        """Of the latest frame that came from the caller, as a peak of 32768."""
        frames = [m for m in self.heard if isinstance(m, AudioIn)]
        codes = np.frombuffer(frames[-1].payload, np.uint8) if frames else np.full(1, 255, np.uint8)
        return int(np.abs(ulaw_decode(codes).astype(int)).max())


@pytest.fixture
def stranger():
    """Start an agent that behaves so."""
    with_ends = []

    def start(behave):
        running = Stranger(behave).running()
        agent = running.__enter__()
        with_ends.append(running)
        return agent

    yield start
    for running in with_ends:
        running.__exit__(None, None, None)
