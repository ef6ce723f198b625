"""The socket between server and process: nothing lost, nobody made to wait."""

import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voicecli.carriers.leg import AudioIn, AudioOut, Clear, Dtmf, LegTraits, Mark, MarkPlayed
from voicecli.serve import ipc

MESSAGES = st.one_of(
    st.builds(AudioIn, st.binary(min_size=1), st.none() | st.integers(0, 2**40)),
    st.builds(AudioOut, st.binary(min_size=1)),
    st.builds(Mark, st.text(min_size=1)),
    st.builds(MarkPlayed, st.text(min_size=1)),
    st.builds(Dtmf, st.sampled_from("0123456789*#")),
    st.just(Clear()),
    st.builds(ipc.Begin, st.text(), st.text(), st.builds(LegTraits)),
    st.builds(ipc.Ready, st.text(), st.text()),
    st.builds(ipc.Progress, st.text(), st.integers(), st.lists(st.floats(0, 1e6))),
    st.builds(ipc.Over, st.text()),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(MESSAGES, st.integers(0, 2**60))), st.integers(1, 50))
def test_server_and_process_understand_each_other_however_the_bytes_are_cut(sent, size):
    stream = b"".join(ipc.encode(message, at) for message, at in sent)
    came, data = [], bytearray()
    for start in range(0, len(stream), size):
        data += stream[start : start + size]
        came += ipc.decode_all(data)
    assert came == sent
    assert not data


@pytest.fixture
def ends():
    ours, theirs = (ipc.Link(end) for end in socket.socketpair())
    yield ours, theirs
    ours.close()
    theirs.close()


def messages(link):
    return [message for message, _ in link.receive()]


def test_what_the_other_side_does_not_read_waits_and_audio_beyond_the_limit_is_counted(ends):
    ours, theirs = ends
    frame = AudioOut(b"\xff" * 160)
    for _ in range(20_000):
        ours.send(frame)
    ours.send(ipc.HangUp("enough"))
    assert ours.dropped > 0
    came = []
    while len(came) < 20_001 - ours.dropped:
        came += messages(theirs)
        ours.flush()
    assert came[-1] == ipc.HangUp("enough")
    assert set(came[:-1]) == {frame}


def test_last_words_are_heard_before_the_end(ends):
    ours, theirs = ends
    theirs.send(ipc.Over("the agent hung up"))
    theirs.close()
    assert messages(ours) == [ipc.Over("the agent hung up")]
    assert messages(ours) == []
    assert ours.closed
    ours.send(ipc.HangUp("too late"))  # nobody reads it, nothing breaks
    assert ours.closed


def test_an_end_that_hangs_up_still_hears_the_other(ends):
    ours, theirs = ends
    ours.hang_up()
    assert messages(theirs) == []
    assert theirs.closed
