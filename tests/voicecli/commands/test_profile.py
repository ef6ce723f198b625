"""`voicecli profile`: what is shown is what is read, and every key is explained."""

import dataclasses
import json
import runpy
import tomllib
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from voicecli.cli import app
from voicecli.errors import ProfileError, UsageError
from voicecli.profile import load_profile, shipped_profiles
from voicecli.profile_keys import all_tables, as_toml, json_schema, settings_of

ROOT = Path(__file__).parents[3]
PROFILES = ROOT / "profiles"


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["profile", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def without_source(profile):
    """What two profiles must agree in whose files differ."""
    return dataclasses.replace(profile, source="", path=Path(), notes=())


@pytest.mark.parametrize("name", shipped_profiles())
def test_what_is_shown_is_a_profile_that_means_the_same(name, tmp_path):
    (tmp_path / "rules").symlink_to(PROFILES / "rules")
    (tmp_path / "tools").symlink_to(PROFILES / "tools")
    shown = tmp_path / f"{name}.toml"
    shown.write_text(run("show", name), "utf-8")
    assert without_source(load_profile(str(shown))) == without_source(load_profile(name))


def test_every_setting_says_where_it_comes_from(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text('[asr]\nmin_log_probability = -0.9\n[agent]\nlanguage = "en"\n', "utf-8")
    origins = {(s.table, s.key): s.origin for s in settings_of(load_profile(str(mine)))}
    assert origins["asr", "min_log_probability"] == "mine.toml"
    assert origins["asr", "engine"] == "profile embedded"
    assert origins["llm", "max_sentences"] == "profile embedded"
    assert origins["llm", "seed"] == origins["policy.gate", "pause_ms"] == "default"


def test_what_a_language_brings_along_is_said_to_be_the_languages(tmp_path):
    mine = tmp_path / "mine.toml"
    engines = '[asr]\nengine = "faster_whisper"\n[tts]\nengine = "espeak"\n'
    mine.write_text(f'[agent]\nlanguage = "es"\n{engines}', "utf-8")
    origins = {(s.table, s.key): s.origin for s in settings_of(load_profile(str(mine)))}
    assert origins["asr", "language"] == origins["agent", "goodbye"] == "language es"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (0.76, 0.8, "model qwen2.5-coder-0.5b-instruct")),
        ("[llm]\nexamples = []\n", (0.75, 2.42, "model qwen2.5-coder-0.5b-instruct")),
        ('[llm]\nengine = "llama_cpp"\n', (0.64, 2.38, "model smollm2-135m-instruct")),
        (
            '[llm]\nengine = "rules"\nfile = "rules/receptionist.toml"\n'
            '[llm.otherwise]\nengine = "llama_cpp"\nweights = "qwen2.5-coder-0.5b-instruct"\n',
            (0.75, 2.42, "model qwen2.5-coder-0.5b-instruct"),
        ),
    ],
)
def test_how_the_reply_models_opinion_is_read_comes_with_the_model(text, expected, tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text(f"{text}[turn_detectors.llm_next_token]\n", "utf-8")
    profile = load_profile(str(mine))
    found = {s.key: s for s in settings_of(profile) if s.table == "turn_detectors.llm_next_token"}
    assert (found["scale"].value, found["offset"].value, found["scale"].origin) == expected
    assert profile.notes == ()


def test_a_model_that_it_was_not_fitted_to_is_remarked_until_the_profile_says_how(tmp_path):
    mine = tmp_path / "mine.toml"
    llm = '[llm]\nengine = "llama_cpp"\nweights = "qwen2.5-1.5b-instruct"\n'
    mine.write_text(f"{llm}[turn_detectors.llm_next_token]\nscale = 0.5\n", "utf-8")
    assert "was not fitted to qwen2.5-1.5b-instruct" in load_profile(str(mine)).notes[0]
    mine.write_text(f"{llm}[turn_detectors.llm_next_token]\nscale = 0.5\noffset = 1.0\n", "utf-8")
    profile = load_profile(str(mine))
    assert profile.notes == ()
    origins = {s.key: s.origin for s in settings_of(profile) if "llm_next" in s.table}
    assert origins["scale"] == origins["offset"] == "mine.toml"


def test_only_what_was_changed_can_be_shown():
    shown = tomllib.loads(run("show", "scripted", "--changed"))
    whole = tomllib.loads(run("show", "scripted"))
    assert "gate" in whole["policy"]
    assert "gate" not in shown.get("policy", {})


def test_a_new_profile_is_right_and_never_overwrites(tmp_path):
    path = tmp_path / "agent.toml"
    assert f"voicecli talk --profile {path}" in run("new", str(path)).replace("\n", " ")
    assert "right" in run("check", str(path))
    path.write_text("name = 'precious'", "utf-8")
    with pytest.raises(UsageError, match="--force"):
        run("new", str(path))
    assert path.read_text("utf-8") == "name = 'precious'"
    run("new", str(path), "--from", "light", "--force")
    assert load_profile(str(path)).llm.name == "rules"


def test_all_profiles_are_checked_even_behind_a_wrong_one(tmp_path):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[vad]\nengine = 'silero'\nsample_rte = 8000\n", "utf-8")
    arguments = ["profile", "check", str(wrong), "light"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == ProfileError.exit_code
    assert "sample_rate" in result.output
    assert "right  light" in result.output


def test_every_key_is_explained():
    silent = [(t.name, t.engine, k.name) for t in all_tables() for k in t.keys if not k.about]
    assert silent == []


def test_keys_of_one_table_can_be_asked_for():
    shown = run("keys", "policy.gate")
    assert "pause_ms" in shown
    assert "0 to 60000" in shown
    assert "greeting" not in shown
    with pytest.raises(UsageError, match=r"policy\.gate"):
        run("keys", "policy.gaet")


def test_the_schema_knows_every_shipped_profile():
    schema = json.loads(run("schema"))
    jsonschema.Draft202012Validator.check_schema(schema)
    for name in shipped_profiles():
        jsonschema.validate(tomllib.loads((PROFILES / f"{name}.toml").read_text("utf-8")), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"policy": {"gate": {"pause_sm": 90}}}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"policy": {"gate": {"start_threshold": 2}}}, schema)


def test_the_schema_has_every_table():
    properties = json_schema()["properties"]
    assert {"agent", "vad", "asr", "llm", "tts", "tools", "line"} <= set(properties)
    assert "gate" in properties["policy"]["properties"]
    assert "smart_turn" in properties["turn_detectors"]["properties"]


def test_toml_has_a_word_for_every_value():
    value = {"a": (1, 2.5, True), "b": 'say "no"\n', "c": 60_000}
    assert tomllib.loads(f"x = {as_toml(value)}")["x"] == {
        "a": [1, 2.5, True], "b": 'say "no"\n', "c": 60_000,
    }  # fmt: skip


def test_the_reference_in_the_docs_is_what_the_code_declares():
    draw = runpy.run_path(str(ROOT / "scripts" / "draw_settings.py"))
    document = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    assert draw["drawn"]() == document, "run `make docs`"
