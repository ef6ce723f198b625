"""Parts of other installed packages in profiles, in recordings, and as the doctor sees them."""

import pytest

from tests.pipelines.engines.test_plug_ins import BUZZ
from voicecli.doctor.installation import plug_ins
from voicecli.engines import build_engines
from voicecli.errors import EngineError, ProfileError, UsageError
from voicecli.profile import load_profile
from voicecli.profile_keys import all_tables
from voicecli.replaying.trust import _wishes
from voicecli.shadow.choice import parse

TTS = "voicecli.engines.tts"
SCRIPTED = '[vad]\nengine = "scripted"\n[asr]\nengine = "scripted"\n[llm]\nengine = "scripted"\n'


@pytest.fixture
def profile(tmp_path):
    def load(text: str):
        path = tmp_path / "mine.toml"
        path.write_text(SCRIPTED + text)
        return load_profile(str(path))

    return load


def test_a_profile_names_an_engine_of_another_package_and_its_keys_are_checked(install, profile):
    install("buzz-voice", {TTS: {"buzz": "buzz_voice"}}, {"buzz_voice": BUZZ})
    chosen = profile('[tts]\nengine = "buzz"\nlevel = 0.25')
    assert chosen.tts.settings.level == 0.25
    assert build_engines(chosen).tts.sample_rate == 8000
    with pytest.raises(ProfileError, match=r'mine\.toml: \[tts\].* no key "loud" .*level'):
        profile('[tts]\nengine = "buzz"\nloud = 1')
    with pytest.raises(ProfileError, match='did you mean "buzz"'):
        profile('[tts]\nengine = "buz"')


def test_it_may_step_in_for_another_engine(install, profile):
    install("buzz-voice", {TTS: {"buzz": "buzz_voice"}}, {"buzz_voice": BUZZ})
    chosen = profile('[tts]\nengine = "scripted"\n[tts.fallback]\nengine = "buzz"')
    assert chosen.tts.fallback.name == "buzz"


def test_a_broken_one_is_a_fault_of_the_profile_that_names_it_and_of_no_other(install, profile):
    install("broken", {TTS: {"buzz": "broken_tts"}}, {"broken_tts": "1 / 0"})
    assert profile('[tts]\nengine = "scripted"').tts.name == "scripted"
    with pytest.raises(ProfileError, match=r"mine\.toml: \[tts\] engine: .*broken 1\.0 .*ZeroDiv"):
        profile('[tts]\nengine = "buzz"')
    with pytest.raises(ProfileError, match=r"mine\.toml: \[tts\] engine: .*broken 1\.0"):
        profile('[agent]\nlanguage = "es"\n[tts]\nengine = "buzz"')


def test_one_that_cannot_be_built_is_an_engine_that_cannot_be_loaded(install, profile):
    source = BUZZ.replace("return Buzz(settings.level)", "return 'no engine'")
    install("broken", {TTS: {"buzz": "broken_tts"}}, {"broken_tts": source})
    with pytest.raises(EngineError, match=r"the tts engine buzz could not be loaded: .* no Tts"):
        build_engines(profile('[tts]\nengine = "buzz"'))


def test_a_broken_turn_detector_cannot_be_a_shadow(install):
    groups = {"voicecli.engines.turn_detector": {"coin": "coin_detector"}}
    install("coin", groups, {"coin_detector": "1 / 0"})
    with pytest.raises(UsageError, match=r"--shadow: .*coin 1\.0"):
        parse("coin:0.5")


def test_a_recording_may_not_run_an_engine_of_another_package_unasked(install, profile):
    install("buzz-voice", {TTS: {"buzz": "buzz_voice"}}, {"buzz_voice": BUZZ})
    wishes = list(_wishes(profile('[tts]\nengine = "buzz"')))
    assert wishes == ["run the tts engine buzz of the package buzz-voice 1.0"]


def test_the_doctor_lists_what_is_added_and_what_is_wrong_with_it(install):
    install("buzz-voice", {TTS: {"buzz": "buzz_voice"}}, {"buzz_voice": BUZZ})
    install("thief", {TTS: {"piper": "thief"}}, {"thief": BUZZ})
    install("broken", {"voicecli.degradations": {"crackle": "crackle"}}, {"crackle": "1 / 0"})
    found = {finding.sentence.partition(":")[0]: finding for finding in plug_ins()}
    assert (found["buzz-voice 1.0"].verdict, found["buzz-voice 1.0"].sentence) == (
        "ok", "buzz-voice 1.0: tts engine buzz",
    )  # fmt: skip
    assert found["thief 1.0"].verdict == "warning"
    assert "piper is one of voicecli's own" in found["thief 1.0"].sentence
    assert found["broken 1.0"].verdict == "warning"
    assert "ZeroDivisionError" in found["broken 1.0"].sentence


def test_the_keys_of_an_added_engine_are_listed_and_a_broken_one_is_passed_over(
    install,
):
    install("buzz-voice", {TTS: {"buzz": "buzz_voice", "hiss": "gone"}}, {"buzz_voice": BUZZ})
    tables = {table.engine: table for table in all_tables() if table.name == "tts"}
    assert [key.name for key in tables["buzz"].keys] == ["level"]
    assert "piper" in tables
    assert "hiss" not in tables
