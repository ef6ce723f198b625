"""Text that people write, in whatever encoding their editor saves it, is read or refused alike."""

import codecs
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.engines.llm._rules_file import load as load_rules
from pipelines.engines.registry import SettingsError
from telephony_sim.arrivals import read_arrivals
from telephony_sim.errors import LineError
from telephony_sim.spec import load_line
from voicecli.errors import ProfileError, VoicecliError
from voicecli.profile import load_policy, load_profile, to_toml
from voicecli.recording.labels import read_labels
from voicecli.synthetic_calls.call_script import read_script
from voicecli.toml_schema import Place
from voicecli.tools.choice import ToolsChoice
from voicecli.tools.load import load_tools

WORD = "Schön, ñandú"
PROFILE = f"[agent]\ngreeting = '{WORD}'\n"
SCRIPT = f'description = "{WORD}"\nlicence = ""\nvoice = "de"\n[[turns]]\ntext = "{WORD}"\n'
LINE = f'description = "{WORD}"\n'
LABELS = json.dumps(
    {"schema": "voicecli.labels/1", "turns": [{"start_s": 0, "end_s": 1, "text": WORD}]},
    ensure_ascii=False, indent=1,
)  # fmt: skip
RULES = f'[[rule]]\nname = "a"\nhear = ["ja"]\nsay = "{WORD}"\n'
TRACE = "sequence,arrival_ms,é\n1,0,0\n2,20,0\n"


def _profile(path: Path) -> str:
    return load_profile(str(path)).policy.agent.greeting


def _policy(path: Path) -> str:
    return load_policy(path, load_profile("scripted").policy).agent.greeting


READERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "profile": (PROFILE, _profile),
    "policy": (PROFILE, _policy),
    "script": (SCRIPT, lambda path: read_script(path).turns[0].text),
    "line": (LINE, lambda path: load_line(path).description),
    "labels": (LABELS, lambda path: read_labels(path).turns[0].text),
}
MARKED = {
    "utf-8": b"", "utf-8 with a mark": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE,
}  # fmt: skip
ERRORS = (VoicecliError, LineError, SettingsError)


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("codec", MARKED)
def test_every_unicode_encoding_that_says_what_it_is_is_read(tmp_path, kind, codec, ends):
    text, read = READERS[kind]
    path = tmp_path / "x.toml"
    content = text.replace("\n", ends).encode(codec.removesuffix(" with a mark"))
    path.write_bytes(MARKED[codec] + content)
    assert read(path) == WORD


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("codec", ["latin-1", "utf-16-le", "cp1252"])
def test_any_other_is_refused_with_what_to_do(tmp_path, kind, codec):
    text, read = READERS[kind]
    path = tmp_path / "x.toml"
    path.write_bytes(text.encode(codec))
    with pytest.raises(ERRORS, match=r"x\.toml.*it is not UTF-8 text; save it as UTF-8"):
        read(path)


def test_a_trace_that_a_spreadsheet_has_saved_is_read(tmp_path):
    path = tmp_path / "trace.csv"
    path.write_bytes(TRACE.encode("utf-8-sig"))
    assert len(read_arrivals(path).relative_delay_ms) == 2
    path.write_bytes(TRACE.encode("latin-1"))
    with pytest.raises(LineError, match="save it as UTF-8"):
        read_arrivals(path)


def test_rules_are_read_alike(tmp_path):
    path = tmp_path / "rules.toml"
    path.write_bytes(codecs.BOM_UTF8 + RULES.encode())
    load_rules(path, ())
    path.write_bytes(RULES.encode("latin-1"))
    with pytest.raises(SettingsError, match="save it as UTF-8"):
        load_rules(path, ())


def test_a_tools_file_may_have_a_mark_and_is_refused_in_utf_16(tmp_path):
    path = tmp_path / "tools.py"
    source = f'from voicecli.tools.declare import tool\n@tool\ndef f():\n    """{WORD}"""\n'
    place, choice = Place("p.toml", ProfileError), ToolsChoice(file="tools.py")
    path.write_bytes(codecs.BOM_UTF8 + source.encode())
    assert load_tools(choice, tmp_path, place)["f"].description == WORD
    path.write_bytes(codecs.BOM_UTF16_LE + source.encode("utf-16-le"))
    with pytest.raises(ProfileError, match="save it as UTF-8"):
        load_tools(choice, tmp_path, place)
    path.write_bytes(source.encode("latin-1"))
    with pytest.raises(ProfileError, match=r"tools\.py.*utf-8"):
        load_tools(choice, tmp_path, place)


def test_a_copy_of_a_marked_profile_has_no_mark_left_over(tmp_path):
    path = tmp_path / "x.toml"
    path.write_bytes(codecs.BOM_UTF16_LE + PROFILE.encode("utf-16-le"))
    copy = tmp_path / "copy.toml"
    copy.write_text(to_toml(load_profile(str(path))), "utf-8")
    assert _profile(copy) == WORD


@pytest.mark.parametrize(
    "text",
    ["a = " + "[" * 5000, "a" + ".a" * 40 + " = 1", "a = " + "9" * 5000, "#" * 300_000],
    ids=["deep", "dotted", "long number", "large"],
)
def test_an_absurd_line_is_refused_like_an_absurd_profile(tmp_path, text):
    path = tmp_path / "x.toml"
    path.write_text(text)
    for read in (load_line, _profile):
        with pytest.raises(ERRORS, match=r"x\.toml"):
            read(path)
