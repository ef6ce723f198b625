"""The profile `light` on a call that ships: its rules answer, its small model judges the ends."""

import pytest

from pipelines.turn_taking.events import EndOfTurnScored, ReplyTextReceived
from voicecli.engines import build_engines
from voicecli.profile import load_profile
from voicecli.replaying.run import Setting, run_call
from voicecli.replaying.source import open_call


@pytest.mark.weights
def test_light_answers_by_its_rules_and_asks_all_its_detectors():
    profile = load_profile("light")
    call = run_call(
        open_call("plain_turns"), Setting(profile, profile.line), build_engines(profile)
    )
    said = "".join(event.text for event in call.entries if isinstance(event, ReplyTextReceived))
    assert "For which day, please?" in said
    assert "would you like to come?" in said
    asked = {event.detector for event in call.entries if isinstance(event, EndOfTurnScored)}
    assert asked == {"smart_turn", "text", "llm_next_token"}
