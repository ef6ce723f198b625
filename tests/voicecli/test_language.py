"""What `[agent] language` changes in a profile, and which languages are refused."""

import pytest

from voicecli.errors import ProfileError
from voicecli.language import find_language
from voicecli.profile import SHIPPED, load_profile
from voicecli.toml_schema import Place

EARS = """
[vad]
engine = "scripted"
[llm]
engine = "scripted"
[asr]
engine = "faster_whisper"
[turn_detectors.smart_turn]
[turn_detectors.text]
[turn_detectors.llm_next_token]
"""
ESPEAK = '[tts]\nengine = "espeak"\n'
PIPER = '[tts]\nengine = "piper"\n'


@pytest.fixture
def profile(tmp_path):
    def profile(text: str):
        path = tmp_path / "mine.toml"
        path.write_text(text, "utf-8")
        return load_profile(str(path))

    return profile


@pytest.mark.parametrize(
    ("tag", "code"),
    [("es", "es"), ("es-MX", "es"), ("ES", "es"), ("spanish", "es"), ("Español", "es"),
     ("pt_BR", "pt"), ("Deutsch", "de"), (" fr-ca ", "fr"), ("en-GB", "en")],
)  # fmt: skip
def test_a_language_may_be_written_in_many_ways(tag, code):
    assert find_language(tag, Place("here", ProfileError)).code == code


@pytest.mark.parametrize("tag", ["klingon", "", "e", 7, "español-"])
def test_another_is_refused_with_those_there_are(tag):
    with pytest.raises(ProfileError, match=r"there are: en \(English\), de \(German\)"):
        find_language(tag, Place("here", ProfileError))


def test_ears_voice_and_words_follow_the_language(profile):
    found = profile('[agent]\nlanguage = "es-MX"\n' + EARS + ESPEAK)
    assert (found.language, found.asr.settings.language) == ("es", "es")
    assert found.asr.settings.weights == "whisper-base"
    assert found.tts.settings.voice == "es"
    agent = found.policy.agent
    assert agent.goodbye == "Voy a colgar. Adiós."
    assert agent.idle_prompts[0] == "¿Sigue usted ahí?"
    assert found.policy.tools.filler == agent.filler == "Un momento, por favor."
    assert "espere" in found.policy.barge_in.interruption_phrases
    assert "vale" in found.policy.barge_in.backchannels


def test_what_the_profile_says_itself_stays(profile):
    mine = '[policy.barge_in]\ninterruption_phrases = ["basta"]\n'
    found = profile('[agent]\nlanguage = "es"\ngoodbye = "Hasta luego."\n' + EARS + ESPEAK + mine)
    assert found.policy.agent.goodbye == "Hasta luego."
    assert found.policy.barge_in.interruption_phrases == ("basta",)


def test_piper_takes_a_voice_of_the_language(profile):
    found = profile('[agent]\nlanguage = "german"\n' + EARS + PIPER)
    assert found.tts.settings.weights == "piper-de-thorsten-medium"


def test_turn_detectors_fitted_to_english_step_aside_and_say_so(profile):
    found = profile('[agent]\nlanguage = "fr"\n' + EARS + ESPEAK)
    assert found.policy.endpointing.weights == (("smart_turn", 1.0),)
    assert found.policy.endpointing.text_detectors == ()
    assert found.notes == (
        "the turn detector text knows no French and steps aside",
        "the turn detector llm_next_token knows no French and steps aside",
    )


def test_a_detector_of_ones_own_may_know_another_language(profile):
    own = EARS.replace("[turn_detectors.text]", '[turn_detectors.text]\nlanguages = ["fr"]')
    found = profile('[agent]\nlanguage = "fr"\n' + own + ESPEAK)
    assert [choice.name for choice in found.turn_detectors] == ["smart_turn", "text"]


@pytest.mark.parametrize(
    ("asr", "tts", "instead"),
    [
        ('engine = "moonshine"', ESPEAK, "voicecli models pull whisper-base"),
        ('engine = "faster_whisper"\nweights = "whisper-tiny.en"', ESPEAK, "pull whisper-base"),
        ('engine = "faster_whisper"\nlanguage = "en"', ESPEAK, r"\[asr\] language"),
        ('engine = "faster_whisper"\n[asr.fallback]\nengine = "moonshine"', ESPEAK,
         r"\[asr.fallback\]: moonshine-tiny-en hears only English"),
        ('engine = "faster_whisper"', PIPER + 'weights = "piper-en-us-joe-medium"\n',
         "voicecli models pull piper-nl-be-rdh-medium"),
        ('engine = "faster_whisper"', ESPEAK + 'voice = "en-gb+f3"\n', r"\[tts\] voice"),
    ],
)  # fmt: skip
def test_ears_and_voices_of_another_language_are_refused_with_what_to_put_there(
    profile, asr, tts, instead
):
    text = '[agent]\nlanguage = "nl"\n' + EARS.replace('engine = "faster_whisper"', asr) + tts
    with pytest.raises(ProfileError, match=instead):
        profile(text)


def test_an_llm_that_hardly_knows_the_language_is_remarked_on(profile):
    text = EARS.replace('[llm]\nengine = "scripted"', '[llm]\nengine = "llama_cpp"')
    text = text.replace('llama_cpp"', 'llama_cpp"\nweights = "smollm2-135m-instruct"')
    found = profile('[agent]\nlanguage = "it"\n' + text + ESPEAK)
    assert found.notes[0].startswith("smollm2-135m-instruct hardly knows Italian")


def test_without_a_language_nothing_changes(profile):
    text = (SHIPPED / "embedded.toml").read_text("utf-8")
    plain, named = profile(text), profile(text.replace("[agent]", '[agent]\nlanguage = "en-GB"'))
    assert (plain.policy, plain.asr, plain.tts) == (named.policy, named.asr, named.tts)
    assert not named.notes


@pytest.mark.parametrize("code", ["de", "es", "fr", "it", "nl", "pt"])
def test_no_default_sentence_stays_english(profile, code):
    text = (SHIPPED / "embedded.toml").read_text("utf-8")
    text = text.replace("[agent]", f'[agent]\nlanguage = "{code}"')
    text = text.replace('engine = "moonshine"', 'engine = "faster_whisper"')
    text = text.replace('weights = "piper-en-us-joe-medium"\n', "").replace('"piper"', '"espeak"')
    text = text.replace("speaking_rate = 1.05\n", "")
    english = load_profile("embedded").policy.agent
    agent = profile(text).policy.agent
    assert profile(text).llm.settings.examples == ()
    for name in ("system_prompt", "greeting", "idle_prompts", "cannot_hear", "goodbye", "apology",
                 "not_heard", "filler"):  # fmt: skip
        assert getattr(agent, name) != getattr(english, name), name
