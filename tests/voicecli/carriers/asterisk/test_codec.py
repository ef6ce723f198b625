"""Asterisk's codec: both ends understand each other, and nothing hostile gets through."""

import contextlib
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicecli.carriers.asterisk.codec import MAX_BINARY, AgentEnd, CallerEnd
from voicecli.carriers.leg import (
    KEYS,
    AudioIn,
    AudioOut,
    Clear,
    Dtmf,
    LegEnded,
    LegStarted,
    LegTraits,
    LocalProtocolError,
    Mark,
    MarkPlayed,
    RemoteProtocolError,
    Reply,
)

TRAITS = LegTraits(says_end=False)
START = LegStarted("pbx1-123456789.999", {"CALLERID": "5"}, TRAITS)

names = st.text(min_size=1, max_size=40)
frames = st.integers(1, 50).flatmap(lambda n: st.binary(min_size=160 * n, max_size=160 * n))
from_caller = st.one_of(
    st.builds(AudioIn, frames, st.none()),
    st.builds(Dtmf, st.sampled_from(sorted(KEYS))),
    st.builds(MarkPlayed, names),
)
to_caller = st.one_of(
    st.builds(AudioOut, frames), st.builds(Mark, names), st.just(Clear()), st.just(LegEnded())
)


def heard(end, messages):
    """What one end understands of messages of the other's."""
    return [said for message in messages for said in end.receive(message)]


def connected(traits=TRAITS):
    agent, caller = AgentEnd(), CallerEnd()
    start = LegStarted(START.call_id, START.parameters, traits)
    assert heard(agent, caller.send(start)) == [start]
    return agent, caller


@given(st.lists(from_caller, max_size=8))
def test_the_agent_gets_what_the_caller_sends(messages):
    agent, caller = connected()
    for message in messages:
        assert heard(agent, caller.send(message)) == [message]


@given(to_caller)
def test_the_caller_gets_what_the_agent_sends(message):
    agent, caller = connected()
    assert heard(caller, agent.send(message)) == [message]


def test_messages_look_as_asterisk_documents_them():
    agent, caller = AgentEnd(), CallerEnd()
    (start,) = caller.send(START)
    assert json.loads(start).items() >= {
        "event": "MEDIA_START", "channel_id": "pbx1-123456789.999", "format": "ulaw",
        "optimal_frame_size": 160, "ptime": 20,
    }.items()  # fmt: skip
    assert agent.receive(start) == (START,)
    assert agent.send(AudioOut(bytes(160))) == (bytes(160),)
    assert [json.loads(*agent.send(said)) for said in (Mark("m"), Clear(), LegEnded())] == [
        {"command": "MARK_MEDIA", "correlation_id": "m"},
        {"command": "FLUSH_MEDIA"},
        {"command": "HANGUP"},
    ]
    assert json.loads(*caller.send(Dtmf("#")))["event"] == "DTMF_END"


@pytest.mark.parametrize(
    ("name", "traits"),
    [
        ("alaw", LegTraits("alaw", says_end=False)),
        ("slin", LegTraits("l16", says_end=False)),
        ("slin16", LegTraits("l16", 16_000, says_end=False)),
    ],
)
def test_the_format_of_the_channel_is_that_of_the_leg(name, traits):
    (start,) = AgentEnd().receive(
        json.dumps({"event": "MEDIA_START", "channel_id": "1.2", "format": name})
    )
    assert start == LegStarted("1.2", {}, traits)
    agent, caller = connected(traits)
    frame = bytes(traits.frame_bytes)
    assert heard(agent, caller.send(AudioIn(frame))) == [AudioIn(frame, None)]


def test_audio_becomes_whole_frames_however_it_is_cut():
    agent, _ = connected()
    assert heard(agent, [b"\x01" * 100, b"\x02" * 100, b"\x03" * 300]) == [
        AudioIn(b"\x01" * 100 + b"\x02" * 60, None),
        AudioIn(b"\x02" * 40 + b"\x03" * 280, None),
    ]


def test_what_the_agent_sends_is_whole_frames_and_no_more_than_asterisk_takes_at_once():
    agent, _ = connected()
    assert agent.send(AudioOut(b"\x01" * 100)) == (b"\x01" * 100 + b"\xff" * 60,)
    messages = agent.send(AudioOut(bytes(200_000)))
    assert sum(map(len, messages)) == 200_000
    assert all(len(each) <= MAX_BINARY and not len(each) % 160 for each in messages)


def test_events_and_keys_of_no_concern_are_passed_over():
    agent, caller = connected()
    for event in ("MEDIA_XOFF", "MEDIA_XON", "STATUS", "QUEUE_DRAINED", "LATER"):
        assert agent.receive(json.dumps({"event": event})) == ()
    for odd in ('"!"', "[]", "null", '""'):
        assert agent.receive(f'{{"event": "DTMF_END", "digit": {odd}}}') == ()
    assert agent.receive('{"event": "MEDIA_MARK_PROCESSED"}') == ()
    for command in ("ANSWER", "PAUSE_MEDIA", "GET_STATUS"):
        assert caller.receive(json.dumps({"command": command})) == ()
    assert caller.receive(b"\xff" * 161) == (AudioOut(b"\xff" * 160),)


FIRST = {
    "dial with f(json)": "MEDIA_START connection_id:1 channel:x format:ulaw",
    "format is 'opus'; dial with c(ulaw)": '{"event": "MEDIA_START", "format": "opus"}',
    "format is None": '{"event": "MEDIA_START"}',
    "format is []": '{"event": "MEDIA_START", "format": []}',
    '"channel_id" is no text': '{"event": "MEDIA_START", "format": "ulaw"}',
    "channel_variables is no object": (
        '{"event": "MEDIA_START", "format": "ulaw", "channel_variables": 1}'
    ),
    "before MEDIA_START": '{"event": "DTMF_END", "digit": "1"}',
    "audio before": bytes(160),
}
LATER = {
    "half a character": r'{"event": "MEDIA_MARK_PROCESSED", "correlation_id": "\ud800"}',
    "not JSON": "{",
    "not an object": "[1]",
    "a second MEDIA_START": '{"event": "MEDIA_START", "format": "ulaw", "channel_id": "1"}',
    '"correlation_id" is no text': '{"event": "MEDIA_MARK_PROCESSED", "correlation_id": ""}',
    "8,160 bytes of audio": bytes(8160),
    "65,536 are allowed": " " * 65_537,
}


@pytest.mark.parametrize("why", FIRST | LATER)
def test_hostile_messages_are_refused_with_a_precise_reason(why):
    agent = AgentEnd() if why in FIRST else connected()[0]
    with pytest.raises(RemoteProtocolError) as caught:
        agent.receive((FIRST | LATER)[why])
    assert why in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "said",
    [AudioIn(b""), AudioIn(bytes(161)), Dtmf("X"), MarkPlayed(""), START, Reply("pong")],
)  # fmt: skip
def test_the_caller_never_sends_what_asterisk_would_not(said):
    _, caller = connected()
    with pytest.raises(LocalProtocolError):
        caller.send(said)


@pytest.mark.parametrize("said", [AudioOut(b""), Mark(""), Mark("x" * 300)])
def test_the_agent_never_sends_what_makes_no_sense(said):
    agent, _ = connected()
    with pytest.raises(LocalProtocolError):
        agent.send(said)


def test_nothing_is_said_before_the_start_or_after_the_end():
    with pytest.raises(LocalProtocolError, match="the connection is new"):
        AgentEnd().send(Clear())
    with pytest.raises(LocalProtocolError, match="out of order"):
        CallerEnd().send(Dtmf("1"))
    agent, caller = connected()
    agent.send(LegEnded())
    assert caller.send(LegEnded()) == ()
    for end, said in ((agent, Clear()), (caller, Dtmf("1"))):
        with pytest.raises(LocalProtocolError):
            end.send(said)


@given(st.text() | st.binary())
@settings(max_examples=300)
def test_anything_is_a_message_or_a_protocol_error(message):
    for end in (*connected(), AgentEnd(), CallerEnd()):
        with contextlib.suppress(RemoteProtocolError):
            end.receive(message)


def test_100_000_mutated_messages_do_no_harm():
    """Valid messages with bytes flipped, cut and doubled: typed events or refusals."""
    chance = random.Random(7)  # noqa: S311 - reproducible
    agent, caller = connected()
    said = (AudioIn(bytes(160), None), Dtmf("5"), MarkPlayed("clause-3"))
    stem = [message for each in said for message in caller.send(each)]
    outcomes = {"understood": 0, "refused": 0}
    for _ in range(100_000):
        try:
            for event in agent.receive(_mutated(chance.choice(stem), chance)):
                assert isinstance(event, AudioIn | Dtmf | MarkPlayed)
                assert not isinstance(event, AudioIn) or not len(event.payload) % 160
            outcomes["understood"] += 1
        except RemoteProtocolError:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 5_000


def _mutated(message, chance):
    at = chance.randrange(len(message))
    odd = chance.randrange(32, 1000)
    match chance.randrange(4):
        case 0:
            return message
        case 1:
            return message[:at]
        case 2:
            sign = bytes([odd % 256]) if isinstance(message, bytes) else chr(odd)
            return message[:at] + sign + message[at + 1 :]
        case _:
            return message[:at] + message[at : at + 8] * chance.randrange(1, 9) + message[at + 8 :]
