"""Twilio's codec: both ends understand each other, and nothing hostile gets through."""

import base64
import contextlib
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicecli.carriers.leg import (
    KEYS,
    AudioIn,
    AudioOut,
    Clear,
    Dtmf,
    LegEnded,
    LegStarted,
    LocalProtocolError,
    Mark,
    MarkPlayed,
    RemoteProtocolError,
    Reply,
)
from voicecli.carriers.twilio.codec import MAX_AUDIO, MAX_FROM_CALLER, AgentEnd, CallerEnd

START = LegStarted("CA1", {"token": "t"})
FRAME = base64.b64encode(bytes(160)).decode()

names = st.text(min_size=1, max_size=40)
frames = st.integers(1, 50).flatmap(lambda n: st.binary(min_size=160 * n, max_size=160 * n))
from_caller = st.one_of(
    st.builds(AudioIn, frames, st.integers(0, 10**9)),
    st.builds(Dtmf, st.sampled_from(sorted(KEYS))),
    st.builds(MarkPlayed, names),
)
to_caller = st.one_of(
    st.builds(AudioOut, st.binary(min_size=1, max_size=4000)),
    st.builds(Mark, names),
    st.just(Clear()),
)


def caller_end():
    return CallerEnd("MZ1", "AC1")


def heard(end, messages):
    """What one end understands of messages of the other's."""
    return [said for message in messages for said in end.receive(message)]


def connected():
    agent, caller = AgentEnd(), caller_end()
    assert heard(agent, caller.send(START)) == [START]
    return agent, caller


def media(payload=FRAME, **more):
    return json.dumps({"event": "media", "streamSid": "MZ1", "media": {"payload": payload, **more}})


@given(st.lists(from_caller, max_size=8))
def test_the_agent_gets_what_the_caller_sends(messages):
    agent, caller = connected()
    for message in messages:
        assert heard(agent, caller.send(message)) == [message]


@given(st.lists(to_caller, max_size=8))
def test_the_caller_gets_what_the_agent_sends(messages):
    agent, caller = connected()
    for message in messages:
        assert heard(caller, agent.send(message)) == [message]


@given(names, st.dictionaries(names, names, max_size=5))
def test_the_parameters_of_the_webhook_reach_the_agent(call, parameters):
    start = LegStarted(call, parameters)
    assert heard(AgentEnd(), caller_end().send(start)) == [start]


def test_messages_look_as_twilio_documents_them():
    caller = caller_end()
    connected, start = map(json.loads, caller.send(START))
    assert connected == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert start["sequenceNumber"] == "1"
    assert start["start"]["customParameters"] == {"token": "t"}
    (text,) = caller.send(AudioIn(bytes(160), 20))
    row = json.loads(text)
    assert row == {
        "event": "media",
        "sequenceNumber": "2",
        "streamSid": "MZ1",
        "media": {"track": "inbound", "chunk": "1", "timestamp": "20", "payload": FRAME},
    }
    (text,) = caller.send(LegEnded())
    assert json.loads(text)["stop"] == {"accountSid": "AC1", "callSid": "CA1"}


def test_unknown_events_and_fields_are_passed_over():
    agent, _ = connected()
    assert agent.receive('{"event": "weather", "sky": "blue"}') == ()
    assert agent.receive(media(mood="good")) == (AudioIn(bytes(160)),)
    assert agent.receive(media(track="outbound")) == ()


HOSTILE = {
    "half a character": r'{"event": "mark", "mark": {"name": "\ud800"}}',
    "half a character in": r'{"event": "mark", "mark": {"name": "a", "\udfff": 1}}',
    "not JSON": "{",
    "object": "[1]",
    '"event"': '{"event": 7}',
    "deep": "[" * 10_000,
    "characters; 16,384 are allowed": " " * (MAX_FROM_CALLER + 1),
    "binary": b"\x00",
    '"media" is not an object': '{"event": "media", "streamSid": "MZ1", "media": "x"}',
    "no payload": '{"event": "media", "streamSid": "MZ1", "media": {}}',
    "not base64": media("!!!!"),
    "161 bytes": media(base64.b64encode(bytes(161)).decode()),
    "bytes of audio; 8,000 are allowed": media(base64.b64encode(bytes(MAX_AUDIO + 160)).decode()),
    "no number: '-1'": media(timestamp="-1"),
    "no number: '١'": media(timestamp="١"),
    "no key 'X'": '{"event": "dtmf", "streamSid": "MZ1", "dtmf": {"digit": "X"}}',
    '"name" is no text': '{"event": "mark", "streamSid": "MZ1", "mark": {"name": ""}}',
    "not that of `start`": '{"event": "stop", "streamSid": "MZ2"}',
    "'start' out of order": '{"event": "start", "start": {"streamSid": "MZ1", "callSid": "C"}}',
}


@pytest.mark.parametrize("why", HOSTILE)
def test_hostile_messages_are_refused_with_a_precise_reason(why):
    agent, _ = connected()
    with pytest.raises(RemoteProtocolError) as caught:
        agent.receive(HOSTILE[why])
    expected = {"deep": "not JSON", "no number: '١'": r"no number: '\u0661'"}.get(why, why)
    assert expected in str(caught.value)
    assert len(str(caught.value)) < 200
    assert agent.receive(media()) == (AudioIn(bytes(160)),)  # and nothing of it was kept


def test_audio_is_taken_whatever_the_far_clock_says():
    agent, _ = connected()
    for stamp in (40, 40, 20):
        assert agent.receive(media(timestamp=str(stamp))) == (AudioIn(bytes(160), stamp),)


def test_a_stream_begins_with_start_and_ends_with_stop():
    agent = AgentEnd()
    with pytest.raises(RemoteProtocolError, match="'stop' out of order: the stream is new"):
        agent.receive('{"event": "stop"}')
    with pytest.raises(LocalProtocolError, match="nothing can be sent"):
        agent.send(Clear())
    agent, caller = connected()
    heard(agent, caller.send(LegEnded()))
    assert agent.stopped
    with pytest.raises(RemoteProtocolError, match="the stream is stopped"):
        agent.receive(media())


@pytest.mark.parametrize(
    "message", [
        AudioIn(b""), AudioIn(bytes(161)), Dtmf("X"), MarkPlayed(""), MarkPlayed("x" * 300),
        START, Reply("pong"),
    ],
)  # fmt: skip
def test_the_caller_never_sends_what_twilio_would_not(message):
    _, caller = connected()
    with pytest.raises(LocalProtocolError):
        caller.send(message)


@pytest.mark.parametrize("message", [AudioOut(b""), Mark("")])
def test_the_agent_never_sends_what_twilio_refuses(message):
    agent, _ = connected()
    with pytest.raises(LocalProtocolError):
        agent.send(message)


def test_that_the_agent_hangs_up_only_the_connections_end_says():
    agent, _ = connected()
    assert agent.send(LegEnded()) == ()


@given(st.text() | st.binary())
@settings(max_examples=300)
def test_any_text_is_a_message_or_a_protocol_error(text):
    for end in connected():
        with contextlib.suppress(RemoteProtocolError):
            end.receive(text)


def test_100_000_mutated_messages_do_no_harm():
    """Valid messages with bytes flipped, cut, doubled and swapped: typed messages or refusals."""
    chance = random.Random(7)  # noqa: S311 - reproducible
    _, caller = connected()
    said = (AudioIn(bytes(160), 20), Dtmf("5"), MarkPlayed("clause-3"), LegEnded())
    stem = [message for each in said for message in caller.send(each)]
    outcomes = {"understood": 0, "refused": 0}
    agent, _ = connected()
    for _ in range(100_000):
        text = _mutated(chance.choice(stem), chance)
        try:
            understood = agent.receive(text)
            outcomes["understood"] += 1
            assert all(isinstance(m, AudioIn | Dtmf | MarkPlayed | LegEnded) for m in understood)
        except RemoteProtocolError:
            outcomes["refused"] += 1
        if agent.stopped:
            agent, _ = connected()
    assert min(outcomes.values()) > 5_000


def _mutated(text, chance):
    at = chance.randrange(len(text))
    match chance.randrange(5):
        case 0:
            return text
        case 1:
            return text[:at]
        case 2:
            return text[:at] + chr(chance.randrange(32, 1000)) + text[at + 1 :]
        case 3:
            return text[:at] + text[chance.randrange(len(text)) :]
        case _:
            return text[:at] + text[at : at + 8] * chance.randrange(1, 9) + text[at + 8 :]
