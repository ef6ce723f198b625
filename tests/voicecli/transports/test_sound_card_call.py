"""A whole call on a virtual sound card: speech into the microphone, the answer from the speaker."""

import numpy as np
import pytest
import soundfile

from pipelines.latency import fold_barge_ins, fold_turns
from pipelines.turn_taking.events import PlayoutStarted
from pipelines.turn_taking.time import MILLISECOND, SECOND
from tests.voicecli import virtual_sound_card
from tests.voicecli.virtual_sound_card import virtual_card
from tests.waiting import wait_for
from voicecli.profile import SHIPPED as PROFILES
from voicecli.profile import load_profile
from voicecli.recording.labels import read_labels
from voicecli.replaying.source import SHIPPED as CALLS
from voicecli.replaying.verify import verify
from voicecli.talk.live_call import LiveCall, Stage
from voicecli.talk.setting import TalkSetting

WHY_NOT = virtual_sound_card.missing()
pytestmark = [
    pytest.mark.realtime,
    pytest.mark.weights,
    pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT),
]

# A real ear and a real voice; what lies between is scripted, and so costs no time.
TALKER = (PROFILES / "scripted.toml").read_text().replace(
    '[vad]\nengine = "scripted"', '[vad]\nengine = "silero"\nsample_rate = 8000'
).replace('[tts]\nengine = "scripted"', '[tts]\nengine = "espeak"')  # fmt: skip


def test_the_agent_answers_over_the_loudspeaker_when_the_journal_says_so(tmp_path):
    (tmp_path / "talker.toml").write_text(TALKER)
    audio, rate = soundfile.read(CALLS / "plain_turns" / "caller.flac")
    labels = read_labels(CALLS / "plain_turns" / "labels.json")
    asked = next(turn for turn in labels.turns if turn.text == "How long will it take?")
    words = audio[round((asked.start_s - 0.3) * rate) : round((asked.end_s + 0.5) * rate)]
    soundfile.write(tmp_path / "caller.wav", words, rate)
    with virtual_card() as card:
        recorder = card.record(tmp_path / "heard.wav")
        setting = TalkSetting(load_profile(str(tmp_path / "talker.toml")), "clean")
        call = LiveCall(setting, print)
        call.start()
        assert wait_for(lambda: call.stage is not Stage.LOADING and call.now >= 3 * SECOND, 30)
        greeted = len(call.entries)
        card.speak(tmp_path / "caller.wav")
        assert wait_for(lambda: _answered(call, greeted))
        answered = call.now
        assert wait_for(lambda: call.now >= answered + 1.5 * SECOND)
        call.hang_up()
        assert call.join(10)
        recorder.terminate()
        recorder.wait()
    assert call.error is None
    turn = next(turn for turn in fold_turns(call.entries) if turn.voice_to_voice)
    expected = (turn.end + turn.voice_to_voice) * 8 // MILLISECOND
    loud = np.flatnonzero(np.abs(call.stereo()[:, 1].astype(int)) > 600)
    first = int(loud[loud > expected - 800][0])  # from 100 ms before it on
    assert (first - expected) / 8 < 300  # a voice may begin softly, in ms
    assert turn.spans["ingress"] > 0
    assert turn.spans["egress"] > 0
    loudspeaker, _ = soundfile.read(tmp_path / "heard.wav", dtype="int16")
    assert np.abs(loudspeaker).max() > 1000
    assert verify(call.entries, setting.profile.policy).difference is None


def test_over_its_own_loudspeaker_the_agent_does_not_interrupt_itself(tmp_path):
    """Fifteen seconds in which the agent talks on and the microphone hears it 15 dB weaker."""
    lecture = "We are open from nine to five, and on Saturdays from ten to two."
    profile = TALKER.replace(
        'greeting = "Hello, how can I help?"',
        f'greeting = "{lecture}"\nidle_ms = 1000\nidle_prompts = {[lecture] * 5}',
    )
    (tmp_path / "talker.toml").write_text(profile)
    with virtual_card() as card:
        card.hear_speaker(-15)
        setting = TalkSetting(load_profile(str(tmp_path / "talker.toml")), "clean", seconds=15)
        call = LiveCall(setting, print)
        call.start()
        assert call.join(40)
    assert call.error is None
    assert np.abs(call.stereo()[:, 1].astype(int)).max() > 1000
    barge_ins = fold_barge_ins(call.entries)
    if barge_ins and call.health.card.underruns > 3:
        pytest.skip("this machine is too busy to keep a sound card supplied")
    assert not [b for b in barge_ins if b.verdict == "interrupts"]


def _answered(call: LiveCall, since: int) -> bool:
    return any(isinstance(entry, PlayoutStarted) for entry in call.entries[since:])
