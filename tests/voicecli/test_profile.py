import dataclasses
import subprocess
import sys
import tomllib
import types
from pathlib import Path
from typing import Literal

import pytest

from pipelines.engines import registry
from pipelines.turn_taking.policy import Policy
from voicecli import profile as profiles
from voicecli.engines import build_engines
from voicecli.errors import ProfileError
from voicecli.models.registry import load_registry
from voicecli.profile import beside, load_policy, load_profile, shipped_profiles, to_toml

ENGINES = """
[vad]
engine = "scripted"
[asr]
engine = "scripted"
[llm]
engine = "scripted"
[tts]
engine = "scripted"
"""


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str, name: str = "mine.toml") -> str:
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return str(path)

    return write


@pytest.fixture
def refused(write):
    """The message with which a profile, the scripted engines and the text, is refused."""

    def refused(text: str, engines: str = ENGINES) -> str:
        with pytest.raises(ProfileError) as caught:
            load_profile(write(engines + text))
        return str(caught.value).replace("\n", " ")

    return refused


@pytest.mark.parametrize("name", shipped_profiles())
def test_every_shipped_profile_loads_under_its_own_name(name):
    assert load_profile(name).name == name


def test_the_shipped_profiles_are_the_default_agent_and_the_scripted_one():
    assert {"embedded", "scripted"} <= set(shipped_profiles())


def test_the_default_agent_uses_the_embedded_weights_only():
    default = load_profile("embedded")
    choices = (default.vad, default.asr, default.llm, default.tts, *default.turn_detectors)
    weights = {c.settings.weights for c in choices if hasattr(c.settings, "weights")}
    assert weights == set(load_registry().sets["embedded"])
    assert default.policy.endpointing.text_detectors == ("text", "llm_next_token")


def test_loading_the_default_agent_loads_no_model_library():
    code = (
        "import sys; from voicecli.profile import load_profile; load_profile('embedded');"
        "heavy = {'onnxruntime', 'llama_cpp', 'moonshine_voice', 'huggingface_hub'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_what_is_left_out_keeps_its_default(write):
    loaded = load_profile(write(ENGINES))
    assert (loaded.name, loaded.line, loaded.turn_detectors) == ("mine", "clean", ())
    assert loaded.policy == Policy()


def test_policy_and_agent_tables_become_the_policy(write):
    loaded = load_profile(
        write(
            ENGINES
            + """
            [agent]
            greeting = "Hi"
            idle_prompts = ["One?", "Two?"]
            [policy.gate]
            start_threshold = 1
            [policy.endpointing]
            delays_ms = [[0, 1000], [1, 100]]
            """
        )
    )
    assert loaded.policy.agent.greeting == "Hi"
    assert loaded.policy.agent.idle_prompts == ("One?", "Two?")
    assert loaded.policy.gate.start_threshold == 1.0
    assert loaded.policy.endpointing.delays_ms == ((0.0, 1000.0), (1.0, 100.0))
    assert loaded.policy.barge_in == Policy().barge_in


def test_an_engines_table_becomes_its_settings(write):
    loaded = load_profile(write(ENGINES + "chunk_ms = 40\nlevel_dbfs = -30"))
    assert loaded.tts.name == "scripted"
    assert (loaded.tts.settings.chunk_ms, loaded.tts.settings.level_dbfs) == (40, -30.0)


def test_an_engine_may_name_another_that_steps_in(write):
    fallback = '[tts.fallback]\nengine = "scripted"\nchunk_ms = 40'
    loaded = load_profile(write(f"{ENGINES}\nchunk_ms = 20\n{fallback}"))
    assert loaded.tts.settings.chunk_ms == 20
    assert loaded.tts.fallback is not None
    assert (loaded.tts.fallback.name, loaded.tts.fallback.settings.chunk_ms) == ("scripted", 40)
    assert loaded.llm.fallback is None


@pytest.mark.parametrize(
    ("fallback", "message"),
    [
        ("[llm.fallback]", '[llm.fallback]: needs engine = "…"'),
        ('[llm.fallback]\nengine = "scripte"', 'there is no llm engine "scripte"'),
        ('[llm.fallback]\nengine = "scripted"\nreply = 3', 'there is no key "reply" here'),
        ('[vad.fallback]\nengine = "scripted"', '[vad]: there is no key "fallback"'),
    ],
)
def test_a_fallback_that_makes_no_sense_is_refused(refused, fallback, message):
    assert message in refused(fallback)


RULES = """
[vad]
engine = "scripted"
[asr]
engine = "scripted"
[tts]
engine = "scripted"
[llm]
engine = "rules"
file = "mine.rules.toml"
[llm.otherwise]
engine = "scripted"
[llm.otherwise.fallback]
engine = "scripted"
replies = ["Hm."]
"""


def test_an_engine_that_may_delegate_names_the_one_that_answers_the_rest(write):
    llm = load_profile(write(RULES)).llm
    assert [choice.name for choice in llm.all()] == ["rules", "scripted", "scripted"]
    assert llm.otherwise is not None
    assert llm.otherwise.fallback is not None


def test_an_engine_that_answers_everything_has_no_otherwise(refused):
    message = refused('[llm.otherwise]\nengine = "scripted"')
    assert '[llm]: there is no key "otherwise" here' in message


def test_a_copy_of_a_profile_finds_the_same_rules_wherever_it_is(write, tmp_path):
    (tmp_path / "mine.rules.toml").write_text("")
    copy = to_toml(load_profile(write(RULES)))
    (tmp_path / "elsewhere").mkdir()
    settings = load_profile(write(copy, "elsewhere/mine.toml")).llm.settings
    assert settings.file == str(tmp_path / "mine.rules.toml")


def test_rules_that_ship_are_found_by_their_name_from_anywhere(write, tmp_path):
    light = load_profile("light")
    assert to_toml(light) == light.source
    found = beside(tmp_path / "copy.toml", light.llm.settings.file)
    assert found.is_file()
    assert found == beside(light.path, light.llm.settings.file)


def test_rules_that_cannot_work_are_an_error_of_the_profile(write, tmp_path):
    (tmp_path / "mine.rules.toml").write_text('[[rule]]\nname = "a"\nhear = "x"\nsya = "y"')
    with pytest.raises(ProfileError, match=r'mine\.rules\.toml: rule "a": there is no key "sya"'):
        build_engines(load_profile(write(RULES)))


def test_detectors_bring_their_weights_and_their_need_of_text_into_the_policy(write, monkeypatch):
    _add_detector(monkeypatch, "reads_words", needs_text=True)
    loaded = load_profile(
        write(ENGINES + "[turn_detectors.reads_words]\nweight = 2\n[turn_detectors.silence]\n")
    )
    assert [(d.name, d.weight) for d in loaded.turn_detectors] == [
        ("reads_words", 2.0),
        ("silence", 1.0),
    ]
    assert loaded.policy.endpointing.weights == (("reads_words", 2.0), ("silence", 1.0))
    assert loaded.policy.endpointing.text_detectors == ("reads_words",)


def test_a_key_outside_any_table_is_refused_as_a_key(write):
    with pytest.raises(
        ProfileError, match=r'mine\.toml: there is no key "extends"; there are: agent'
    ):
        load_profile(write('extends = "light"'))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[policy.gate]\nstart_treshold = 0.5", ["[policy.gate]", "start_threshold", "pause_ms"]),
        ("[policy.gates]", ["[policy.gates]", 'did you mean "gate"', "barge_in"]),
        ("[lin]", ["[lin]", 'did you mean "line"', "turn_detectors"]),
        ("[line]\nnme = 'clean'", ["[line]", '"nme"', '"name"']),
        ("[policy.gate]\nconfirm_ms = '90'", ["[policy.gate] confirm_ms", "whole number", '"90"']),
        ("[policy.gate]\nconfirm_ms = 90.5", ["[policy.gate] confirm_ms", "whole number", "90.5"]),
        ("[policy.gate]\nconfirm_ms = true", ["[policy.gate] confirm_ms", "not true"]),
        ("[policy.gate]\nstart_threshold = 1.5", ["start_threshold", "between 0 and 1", "1.5"]),
        ("[policy.gate]\nstart_threshold = nan", ["start_threshold", "between 0 and 1"]),
        ("[policy.gate]\nstop_threshold = 0.9", ["stop_threshold", "start_threshold"]),
        ("[policy.clauses]\nmax_words = 0", ["[policy.clauses] max_words", "at least 1"]),
        ("[policy.endpointing]\ndelays_ms = []", ["delays_ms", "rising"]),
        ("[policy.endpointing]\ndelays_ms = [[0.5, 1], [0.1, 2]]", ["delays_ms", "rising"]),
        ("[policy.endpointing]\ndelays_ms = [[0.5]]", ["delays_ms", "2 values", "1"]),
        ("[policy.endpointing]\ndelays_ms = 3", ["delays_ms", "an array"]),
        ("[policy.endpointing]\nweights = [['a', 1]]", ["weights", "[turn_detectors.NAME]"]),
        ("[policy]\ngate = 1", ["[policy.gate]", "a table"]),
        ("[turn_detectors.smart]", ["[turn_detectors.smart]", '"smart"', "silence"]),
        ("[turn_detectors.silence]\nweight = 0", ["[turn_detectors.silence] weight", "between"]),
        ("[turn_detectors.silence]\nprobabilty = 1", ["[turn_detectors.silence]", '"probability"']),
        ("[agent]\ngreeting = 3", ["[agent] greeting", "a text", "3"]),
        ("[agent]\nidle_prompts = 'Hello?'", ["[agent] idle_prompts", "an array"]),
        ("[vad]", ["not valid TOML", "line"]),
    ],
)
def test_a_wrong_profile_is_refused_with_file_table_key_and_the_valid_names(refused, text, parts):
    message = refused(text)
    assert "mine.toml" in message
    for part in parts:
        assert part in message


def test_an_unknown_engine_is_refused_with_those_there_are(refused):
    message = refused(
        "", ENGINES.replace('[asr]\nengine = "scripted"', '[asr]\nengine = "scriptd"')
    )
    assert '[asr] engine: there is no asr engine "scriptd"; did you mean "scripted"?' in message


def test_an_unknown_key_of_an_engine_is_refused_with_its_keys(refused):
    message = refused("ms_per_chr = 3")
    assert "[tts]" in message
    assert 'did you mean "ms_per_char"?' in message


def test_a_table_that_names_no_engine_is_the_default_profiles_with_its_own_keys(write):
    default = load_profile("embedded")
    loaded = load_profile(
        write(
            """
            [llm]
            max_tokens = 20
            [tts]
            speaking_rate = 1.5
            [tts.fallback]
            engine = "scripted"
            """
        )
    )
    assert (loaded.vad, loaded.asr) == (default.vad, default.asr)
    assert loaded.llm.settings == dataclasses.replace(default.llm.settings, max_tokens=20)
    assert loaded.tts.settings == dataclasses.replace(default.tts.settings, speaking_rate=1.5)
    assert loaded.tts.fallback is not None
    assert loaded.tts.fallback.name == "scripted"
    assert load_profile(write("[agent]\ngreeting = 'Hi'")).tts == default.tts


def test_an_engine_that_is_named_takes_none_of_the_default_profiles_settings(write):
    loaded = load_profile(write('[llm]\nengine = "llama_cpp"\n[tts]\nengine = "piper"'))
    assert loaded.llm.settings == registry.engine_module("llm", "llama_cpp").Settings()
    assert loaded.tts.fallback is None


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "[llm]\nbase_url = 'http://x'",
            ['[llm]: there is no key "base_url" of llama_cpp', "max_tokens"],
        ),
        ("[asr]\nengin = 'moonshine'", ["[asr]", "of moonshine", 'did you mean "engine"']),
        ("[vad]\nfallback = {}", ["[vad]", '"fallback" of silero']),
        ("asr = 'moonshine'", ["[asr]", "must be a table with engine ="]),
        ("[tts]\nspeaking_rate = 'fast'", ["[tts] speaking_rate", "a number", '"fast"']),
    ],
)
def test_a_wrong_table_that_names_no_engine_is_refused(refused, text, parts):
    message = refused(text, "")
    for part in parts:
        assert part in message


def test_invalid_toml_is_refused_with_line_and_column(refused):
    assert "line 2, column" in refused("", "[agent]\ngreeting = Hello\n")


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProfileError, match="UTF-8"):
        load_profile(str(path))


def test_a_missing_profile_is_refused_with_the_shipped_ones():
    with pytest.raises(ProfileError, match='did you mean "scripted"'):
        load_profile("scriptd")


def test_a_folder_is_no_profile(tmp_path):
    with pytest.raises(ProfileError, match="neither shipped nor as a file"):
        load_profile(str(tmp_path))


def test_settings_check_nested_tables_choices_and_how_fields_fit(refused, monkeypatch):
    _add_detector(monkeypatch, "picky", settings=PickySettings)
    head = "[turn_detectors.picky]\n"
    assert '"loud"' in refused(head + 'mode = "lod"')
    assert "[turn_detectors.picky.band] low_hz" in refused(head + "band = { low_hz = 'x' }")
    assert 'the key "low_hz" is missing' in refused(head + "band = { }")
    assert "loud needs a band" in refused(head + 'mode = "loud"')


def test_a_policy_file_lays_only_its_keys_over_the_base(write):
    base = load_profile("scripted").policy
    path = write("[policy.endpointing]\nbackstop_ms = 1200\n[agent]\ngreeting = 'Other'\n")
    changed = load_policy(Path(path), base)
    assert changed == dataclasses.replace(
        base,
        endpointing=dataclasses.replace(base.endpointing, backstop_ms=1200),
        agent=dataclasses.replace(base.agent, greeting="Other"),
    )


def test_sentences_of_a_profile_are_spoken_without_their_markup(write):
    path = write(
        ENGINES + "[agent]\nsystem_prompt = '**Be** brief.'\ngreeting = '# Hello, *Ann*!'\n"
        "idle_prompts = ['- Still `there`?', 'Plain.']\nfiller = '<b>One</b> moment.'\n"
        "dtmf_terminator = '*'\n[policy.tools]\nfiller = '_Wait_, please.'\n"
    )
    policy = load_profile(path).policy
    assert policy.agent.greeting == "Hello, Ann!"
    assert policy.agent.idle_prompts == ("Still there?", "Plain.")
    assert (policy.agent.filler, policy.tools.filler) == ("One moment.", "Wait, please.")
    assert (policy.agent.system_prompt, policy.agent.dtmf_terminator) == ("**Be** brief.", "*")
    over = write("[agent]\ngoodbye = '**Bye.**'\n", "over.toml")
    assert load_policy(Path(over), policy).agent.goodbye == "Bye."


def test_a_policy_file_may_weigh_the_detectors_anew(write):
    path = write("[policy.endpointing]\nweights = [['scripted', 3]]\n")
    changed = load_policy(Path(path), load_profile("scripted").policy)
    assert changed.endpointing.weights == (("scripted", 3.0),)


def test_a_policy_file_with_an_engine_is_refused(write):
    with pytest.raises(ProfileError, match=r"no table \[vad\]; there are: agent, policy"):
        load_policy(Path(write("[vad]\nengine = 'scripted'\n")), Policy())


def test_a_missing_policy_file_is_refused(tmp_path):
    with pytest.raises(ProfileError, match="cannot be read: No such file"):
        load_policy(tmp_path / "none.toml", Policy())


def test_a_copy_of_a_profile_is_the_same_profile_under_the_same_name(write):
    first = load_profile(write("# my agent\n" + ENGINES + "[agent]\ngreeting = 'Hi'\n"))
    copy = load_profile(write(to_toml(first), "profile.toml"))
    assert "# my agent" in copy.source
    assert dataclasses.replace(copy, path=first.path, source=first.source) == first
    assert to_toml(copy) == copy.source


@dataclasses.dataclass(frozen=True)
class Band:
    low_hz: int


@dataclasses.dataclass(frozen=True)
class PickySettings:
    mode: Literal["quiet", "loud"] = "quiet"
    band: Band | None = None

    def __post_init__(self) -> None:
        if self.mode == "loud" and self.band is None:
            raise ValueError("loud needs a band")


@dataclasses.dataclass(frozen=True)
class NoSettings:
    pass


def _add_detector(monkeypatch, name: str, *, settings: type = NoSettings, needs_text: bool = False):
    """Make a turn detector of that name exist for this test."""
    module = types.ModuleType(name)
    module.Settings = settings
    module.NEEDS_TEXT = needs_text
    real_names, real_module = registry.engine_names, registry.engine_module

    def names(kind):
        return sorted([*real_names(kind), name]) if kind == "turn_detector" else real_names(kind)

    def find(kind, wanted):
        return module if wanted == name else real_module(kind, wanted)

    monkeypatch.setattr(profiles, "engine_names", names)
    monkeypatch.setattr(profiles, "engine_module", find)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("min_words = 3", 'there is no "min_words" any more; write interrupt_after_ms = { word ='),
        ("words_after_ms = 0", "write interrupt_after_ms = { words = 600 } instead"),
        (
            "interrupt_after_ms = 700",
            "interrupt_after_ms]: must be a table such as { phrase = 0, words = 600, ",
        ),
        ("interrupt_after_ms = { wrod = 1 }", 'there is no key "wrod" here; did you mean "word"?'),
        ("interrupt_after_ms = { word = -1 }", "must be between 0 and 60000, not -1"),
        ("interrupt_after_ms = { word = 1.5 }", "must be a whole number"),
    ],
)
def test_keys_of_barge_in_that_were_are_refused_with_what_to_write_now(tmp_path, line, complaint):
    path = tmp_path / "mine.toml"
    path.write_text(f"[policy.barge_in]\n{line}\n")
    with pytest.raises(ProfileError) as caught:
        load_policy(path, Policy())
    assert complaint in str(caught.value)
    assert "[policy.barge_in" in str(caught.value)


def test_one_kind_of_speech_can_be_changed_and_the_others_stay(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[policy.barge_in]\ninterrupt_after_ms = { word = 400 }\n")
    base = load_profile("livekit_like").policy
    changed = load_policy(path, base).barge_in.interrupt_after_ms
    assert changed == dataclasses.replace(base.barge_in.interrupt_after_ms, word=400)
    assert changed.words == 500


@pytest.mark.parametrize(
    ("written", "now"),
    [
        ("interrupt_after_ms = 700", (0, 600, 700, 700, 1400)),
        ("interrupt_after_ms = 500\nwords_after_ms = 300", (0, 300, 500, 500, 1000)),
        ("interrupt_after_ms = 200\nmin_words = 1", (0, 200, 200, 200, 400)),
        ("words_after_ms = 0", (0, 0, 700, 700, 1400)),
        ("interrupt_after_ms = { word = 400 }", (0, 600, 400, 700, 1400)),
        ("brief_ms = 200", (0, 600, 700, 700, 1400)),
    ],
)
def test_a_recorded_call_keeps_its_meaning_though_keys_were_replaced(tmp_path, written, now):
    path = tmp_path / "profile.toml"
    path.write_text(ENGINES + f"[policy.barge_in]\n{written}\n", "utf-8")
    (tmp_path / "journal.jsonl").touch()
    assert dataclasses.astuple(load_profile(str(path)).policy.barge_in.interrupt_after_ms) == now


def test_ones_own_file_with_a_replaced_key_is_refused_even_if_its_type_fits(refused):
    assert "write" in refused("[policy.barge_in]\nmin_words = 1")


@pytest.mark.parametrize(
    ("table", "written", "now"),
    [
        ("gate", "lull_ms = 40", "early_silence_ms"),
        ("endpointing", "own_pauses_most = 0.5", "caller_prior_most"),
        ("speculation", "read_along = false", "prefill_partials"),
        ("barge_in", 'cues = ["basta"]', "interruption_phrases"),
        ("barge_in", 'uninterruptible = ["legal"]', "protected_phrases"),
    ],
)
def test_a_renamed_key_is_refused_with_its_name_now_and_read_beside_a_journal(
    refused, tmp_path, table, written, now
):
    text = f"[policy.{table}]\n{written}\n"
    assert f"write {now} instead" in refused(text)
    path = tmp_path / "profile.toml"
    path.write_text(ENGINES + text, "utf-8")
    (tmp_path / "journal.jsonl").touch()
    value = tomllib.loads(written)
    read = getattr(getattr(load_profile(str(path)).policy, table), now)
    assert read == (
        tuple(*value.values()) if isinstance(read, tuple) else next(iter(value.values()))
    )


def test_a_renamed_kind_of_speech_keeps_its_time_beside_a_journal(tmp_path):
    path = tmp_path / "profile.toml"
    text = "[policy.barge_in]\ninterrupt_after_ms = { cue = 50, word = 400 }\n"
    path.write_text(ENGINES + text, "utf-8")
    (tmp_path / "journal.jsonl").touch()
    read = load_profile(str(path)).policy.barge_in.interrupt_after_ms
    assert (read.phrase, read.word) == (50, 400)
