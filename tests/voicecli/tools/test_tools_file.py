"""The Python file that a profile names: what becomes a tool, and what is refused."""

import json
from pathlib import Path

import pytest

from voicecli.engines import LazyEngines
from voicecli.errors import ProfileError
from voicecli.profile import load_profile, to_toml

PROFILE = """
{head}
[vad]
engine = "scripted"
[asr]
engine = "scripted"
[llm]
engine = "scripted"
[tts]
engine = "scripted"
{tables}
"""
GOOD = '''
from datetime import date
from enum import Enum
from typing import Literal
from voicecli.tools import tool

class Kind(Enum):
    CHECK = "check-up"
    PAIN = "pain"

@tool(read_only=True, timeout_s=2.5)
def find(day: date, kind: Kind = Kind.CHECK, at: Literal["am", "pm"] = "am", most: int = 3) -> dict:
    """Find free times.

    Only those of one doctor.

    Args:
        day: such as 2026-11-24.
        kind (Kind): what for.

    Returns:
        the times
    """
    return {"day": day, "kind": kind.value, "at": at, "most": most}

@tool
def book(name: str) -> None:
    """Book it."""

def helper():
    return None
'''


@pytest.fixture
def tools_of(tmp_path: Path):
    def load(source: str, head: str = 'tools = "mine.py"', tables: str = ""):
        (tmp_path / "mine.py").write_text(source)
        (tmp_path / "p.toml").write_text(PROFILE.format(head=head, tables=tables))
        return LazyEngines(load_profile(str(tmp_path / "p.toml"))).tools

    return load


def test_marked_functions_become_tools_with_what_their_author_says_of_them(tools_of):
    tools = tools_of(GOOD)
    assert list(tools) == ["find", "book"]
    find, book = tools.values()
    assert (find.effect, find.timeout_ms) == ("reads", 2500)
    assert (book.effect, book.timeout_ms) == ("acts", 0)
    assert find.description == "Find free times. Only those of one doctor."
    assert find.parameters == {
        "type": "object",
        "additionalProperties": False,
        "required": ["day"],
        "properties": {
            "day": {"type": "string", "format": "date", "description": "such as 2026-11-24."},
            "kind": {
                "type": "string", "enum": ["check-up", "pain"], "default": "check-up",
                "description": "what for.",
            },
            "at": {"type": "string", "enum": ["am", "pm"], "default": "am"},
            "most": {"type": "integer", "default": 3},
        },
    }  # fmt: skip


def test_arguments_become_the_types_of_the_hints_and_results_become_text(tools_of):
    tools = tools_of(GOOD)
    answer = tools["find"].call('{"day": "2026-11-24", "kind": "pain", "most": "5"}')
    assert json.loads(answer) == {"day": "2026-11-24", "kind": "pain", "at": "am", "most": 5}
    assert tools["book"].call('{"name": "Ann"}') == "done"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("{", "EOF"),
        ("", "no JSON object"),
        ("[]", "no JSON object"),
        ('{"day": "soon"}', "day: Input should be a valid date"),
        ("{}", "day: Missing"),
        ('{"day": "2026-11-24", "doctor": "x"}', "doctor: Unexpected"),
    ],
)
def test_wrong_arguments_are_an_error_that_a_model_can_mend(tools_of, arguments, said):
    with pytest.raises(ValueError, match=said):
        tools_of(GOOD)["find"].call(arguments)


HEAD = "from voicecli.tools import tool\n"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("1 / 0", r"mine\.py:1: ZeroDivisionError: division by zero"),
        ("def f(:", r"mine\.py:1: SyntaxError"),
        ("import not_there", "No module named 'not_there'"),
        ("raise SystemExit(3)", "SystemExit"),
        ("x = 1", "declares no tool"),
        (HEAD + "@tool\ndef f(a: int): return a", "f has no docstring"),
        (HEAD + '@tool\ndef f(a): "x"', "parameter a has no type hint"),
        (HEAD + '@tool\ndef f(*a: int): "x"', "cannot be named by a model"),
        (HEAD + 'class X: pass\n@tool\ndef f(a: X): "x"', "type hint cannot be made JSON"),
        (HEAD + 'import threading\n@tool\ndef f(a: threading.Lock): "x"', "cannot be made JSON"),
        (HEAD + '@tool\ndef f(a: "Nope"): "x"', "cannot be made JSON"),
        (HEAD + '@tool\nasync def f(): "x"', "f is async"),
        (HEAD + '@tool\ndef f(): "x"\n@tool\ndef f(): "y"', "2 functions are called f"),
        (HEAD + '@tool\ndef f(): "x"\ndef setup(): raise OSError("no disk")', "OSError: no disk"),
    ],
)
def test_what_no_model_could_call_is_one_clear_profile_error(tools_of, source, said):
    with pytest.raises(ProfileError, match=said) as caught:
        tools_of(source)
    assert "p.toml: [tools] file: " in str(caught.value)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ('[tools]\nfile = "nowhere.py"', "there is no file"),
        ('[tools]\nbuiltin = ["hang_up"]', '"hang_up" is not allowed'),
        ('[tools]\nbuiltin = ["transfer_call"]', "needs transfer_to"),
        ('[tools]\nbuiltin = ["transfer_call"]\ntransfer_to = { a = "home" }', "a number like"),
        ("[tools]\nsettings = { a = 1 }", "none is named"),
        ('[tools]\nfile = "mine.py"\nsettings = { a = 1 }', "has no function setup"),
        ('[tools]\nfiles = "mine.py"', 'did you mean "file"'),
    ],
)
def test_a_wrong_table_is_refused(tools_of, tables, said):
    with pytest.raises(ProfileError, match=said):
        tools_of(GOOD, head="", tables=tables)


def test_a_function_must_not_take_the_name_of_one_that_comes_with_voicecli(tools_of):
    source = HEAD + '@tool\ndef end_call(): "x"'
    with pytest.raises(ProfileError, match=r"end_call is also a function of mine\.py"):
        tools_of(source, head="", tables='[tools]\nfile = "mine.py"\nbuiltin = ["end_call"]')


def test_settings_reach_the_files_setup(tools_of):
    source = HEAD + (
        "def setup(greeting: str):\n    global said\n    said = greeting\n"
        '@tool\ndef greet() -> str:\n    "x"\n    return said'
    )
    tables = '[tools]\nfile = "mine.py"\nsettings = { greeting = "hi" }'
    assert tools_of(source, head="", tables=tables)["greet"].call("{}") == "hi"


def test_the_ones_that_come_with_voicecli(tools_of):
    tables = (
        '[tools]\nbuiltin = ["end_call", "transfer_call", "send_dtmf"]\n'
        'transfer_to = { reception = "+15551234567", billing = "+15557654321" }'
    )
    tools = tools_of(GOOD, head="", tables=tables)
    assert [tool.effect for tool in tools.values()] == ["ends_call", "transfers", "sends_keys"]
    who = tools["transfer_call"].parameters["properties"]["to"]
    assert who["enum"] == ["reception", "billing"]
    assert tools["transfer_call"].call('{"to": "billing"}') == "+15557654321"
    with pytest.raises(ValueError, match="to: "):
        tools["transfer_call"].call('{"to": "+19005550000"}')
    assert tools["send_dtmf"].call('{"digits": "12#"}') == "12#"
    assert tools["send_dtmf"].tones is not None
    with pytest.raises(ValueError, match="digits"):
        tools["send_dtmf"].call('{"digits": "call me"}')


def test_a_profile_without_tools_has_none_and_reads_no_file(tools_of):
    assert tools_of("1 / 0", head="") == {}


def test_a_kept_profile_finds_its_file_from_anywhere(tools_of, tmp_path):
    tools_of(GOOD)
    folder = tmp_path / "call"
    folder.mkdir()
    (folder / "journal.jsonl").write_text("")
    (folder / "profile.toml").write_text(to_toml(load_profile(str(tmp_path / "p.toml"))))
    kept = load_profile(str(folder / "profile.toml"))
    assert list(LazyEngines(kept).tools) == ["find", "book"]
