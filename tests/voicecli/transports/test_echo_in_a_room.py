"""Whole calls in a simulated room: the agent never hears itself, and always a human over it.

Two minutes each on a virtual clock: real VAD, voice, canceller, rings and callbacks; words and
replies are scripted, and so are the card's faults.
"""

import pytest

from pipelines.latency import BargeIn, fold_barge_ins
from pipelines.runtime.engines import Engines
from tests.voicecli.responsive_human import ResponsiveHuman, overlaps
from tests.voicecli.simulated_room import Room, talk_in_room
from voicecli.engines import build_engines
from voicecli.profile import SHIPPED, Profile, load_profile
from voicecli.transports.echo_cancellation import (
    EchoGuard,
    HalfDuplex,
    Processing,
    Untouched,
    echo_guard,
)

pytestmark = pytest.mark.weights

LECTURE = (
    "Our opening hours are Monday to Friday from nine to five, and on Saturday from ten to two."
)
TALKER = (
    (SHIPPED / "scripted.toml")
    .read_text()
    .replace('[vad]\nengine = "scripted"', '[vad]\nengine = "silero"\nsample_rate = 8000')
    .replace('[tts]\nengine = "scripted"', '[tts]\nengine = "espeak"')
    .replace('[llm]\nengine = "scripted"', f'[llm]\nengine = "scripted"\nreplies = ["{LECTURE}"]')
    .replace(
        'greeting = "Hello, how can I help?"',
        f'greeting = "Hello, how can I help?"\nidle_ms = 2000\nidle_prompts = {[LECTURE] * 30}',
    )
)


@pytest.fixture(scope="module")
def talker(tmp_path_factory) -> tuple[Profile, Engines]:
    """An agent that talks on when nobody answers, with its engines."""
    path = tmp_path_factory.mktemp("profile") / "talker.toml"
    path.write_text(TALKER)
    profile = load_profile(str(path))
    return profile, build_engines(profile)


def converse(
    talker: tuple[Profile, Engines],
    room: Room,
    human: ResponsiveHuman,
    seconds: float,
    guard: EchoGuard | None = None,
) -> list[BargeIn]:
    """What became of speech over the agent."""
    guard = guard or echo_guard(Processing())[0]
    profile, engines = talker
    entries, _ = talk_in_room(room, human, profile, engines, guard, seconds)
    return fold_barge_ins(entries)


@pytest.mark.parametrize(
    "room",
    [
        Room(loop_db=-10),
        Room(loop_db=-15, drift_ppm=100, drive=2, late_ms=40, stamp_ms=5, noise_db=-45),
        Room(loop_db=-30, lost_every_s=3.3, move_every_s=7),
    ],
    ids=["loud", "late and noisy", "losing samples"],
)
def test_for_two_minutes_the_agent_takes_nothing_of_itself_for_speech(talker, room):
    barge_ins = converse(talker, room, ResponsiveHuman(None), 120)
    assert barge_ins == []


def test_without_the_canceller_the_same_room_would_interrupt_it(talker):
    barge_ins = converse(talker, Room(loop_db=-15), ResponsiveHuman(None), 20, Untouched())
    assert any(barge_in.verdict == "interrupts" for barge_in in barge_ins)


@pytest.mark.parametrize("loop_db", [-10, -30])
def test_a_human_who_interrupts_is_obeyed_at_any_level_of_echo(talker, loop_db):
    human = ResponsiveHuman("barge_in")
    barge_ins = converse(talker, Room(loop_db=loop_db), human, 75)
    found = overlaps(barge_ins, human)
    assert found.asked > 0
    assert found.obeyed == found.asked
    assert found.self_interruptions == 0


def test_half_duplex_hears_neither_echo_nor_human_while_the_agent_speaks(talker):
    human = ResponsiveHuman("barge_in")
    guard = HalfDuplex(Untouched())
    barge_ins = converse(talker, Room(loop_db=-10), human, 60, guard)
    assert not [b for b in barge_ins if b.verdict == "interrupts"]
