"""Calls from an Asterisk to a real server, over real sockets: the same server, another carrier."""

import asyncio
import json
import signal
from contextlib import suppress

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from voicecli.carriers.asterisk.codec import CallerEnd
from voicecli.carriers.asterisk.handshake import AsteriskDialler
from voicecli.carriers.leg import AudioIn, AudioOut, Dtmf, LegEnded, LegStarted, Mark, MarkPlayed
from voicecli.carriers.leg import LegTraits as Traits
from voicecli.recording.bundle import read_bundle

pytestmark = pytest.mark.realtime
PASSWORD = "s3cret"  # noqa: S105 - made up


class Asterisk:
    """Its end of one call."""

    def __init__(self, socket):
        self._socket = socket
        self._end = CallerEnd()
        self.heard = b""

    async def say(self, said):
        for message in self._end.send(said):
            await self._socket.send(message)

    async def hear(self, kind, seconds=8):
        async with asyncio.timeout(seconds):
            while True:
                for said in self._end.receive(await self._socket.recv()):
                    if isinstance(said, AudioOut):
                        self.heard += said.payload
                    if isinstance(said, Mark):
                        await self.say(MarkPlayed(said.name))
                    if isinstance(said, kind):
                        return said


async def greeted(server, traits, *, ends):
    headers = AsteriskDialler(PASSWORD).headers(server.media)
    async with connect(server.media, additional_headers=headers, compression=None) as socket:
        phone = Asterisk(socket)
        await phone.say(LegStarted("pbx-1.1", {}, traits))
        await phone.say(AudioIn(bytes(traits.frame_bytes)))
        await phone.hear(Mark)
        await phone.say(Dtmf("5"))
        await ends(phone)
    return phone


@pytest.mark.parametrize(
    "traits", [Traits(), Traits("alaw"), Traits("l16")], ids=["ulaw", "alaw", "slin"]
)
def test_a_caller_is_greeted_presses_a_key_and_hangs_up(serve, traits):
    server = serve("--carrier", "asterisk", "--max-calls", "1", asterisk=PASSWORD)

    async def ends(_phone):
        await asyncio.sleep(0.2)

    phone = asyncio.run(greeted(server, traits, ends=ends))
    server.wait_for(r'call ended.*cause="?the caller hung up')
    assert len(phone.heard) >= 20 * traits.frame_bytes
    assert any(traits.decode(phone.heard))
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    bundle = read_bundle(next(server.recordings.iterdir()))
    assert [entry.digit for entry in bundle.entries if hasattr(entry, "digit")] == ["5"]


def test_the_server_says_when_it_hangs_up(serve):
    server = serve("--carrier", "asterisk", "--max-duration", "2", asterisk=PASSWORD)

    async def ends(phone):
        await phone.hear(LegEnded)

    asyncio.run(greeted(server, Traits(), ends=ends))


def test_without_the_password_the_handshake_is_refused(serve):
    server = serve("--carrier", "asterisk", asterisk=PASSWORD)

    async def scenario(headers):
        with pytest.raises(InvalidStatus) as caught:
            async with connect(server.media, additional_headers=headers):
                pass
        return caught.value.response.status_code

    assert asyncio.run(scenario({})) == 403
    assert asyncio.run(scenario(AsteriskDialler("wrong").headers(""))) == 403
    server.wait_for("the password does not match")
    assert server.metric('refused_total{reason="signature"}') == 2


def test_a_format_that_nobody_speaks_here_is_refused_in_a_sentence(serve):
    server = serve("--carrier", "asterisk")

    async def scenario(first):
        async with connect(server.media, compression=None) as socket:
            await socket.send(first)
            with suppress(ConnectionClosed):
                while True:
                    await socket.recv()
        assert socket.close_code == 1008

    wideband = {"event": "MEDIA_START", "channel_id": "1", "format": "slin16"}
    asyncio.run(scenario(json.dumps(wideband)))
    server.wait_for("audio at 16000 Hz: have the carrier send 8000 Hz")
    asyncio.run(scenario(json.dumps({**wideband, "format": "opus"})))
    server.wait_for(r"dial with c\(ulaw\)")
