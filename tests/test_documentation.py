"""Every example of README, docs and help loads, compiles, or is a command that exists."""

import json
import re
import runpy
import shlex
import shutil
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from pipelines.engines.llm._rules_file import load as load_rules
from telephony_sim.spec import load_line
from voicecli.cli import app
from voicecli.profile import load_profile
from voicecli.synthetic_calls.call_script import read_script

ROOT = Path(__file__).resolve().parents[1]
PAGES = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))
COMMAND = typer.main.get_command(app)
USAGE_ERROR: Any = typer.BadParameter.__base__

NOT_OURS = {"--loop", "--simulated", "--start"}
"""Options that the pages name of the programs in benchmarks/."""

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
_SPAN = re.compile(r"`([^`\n]+)`")


class Example(NamedTuple):
    where: str
    language: str
    text: str


def _fenced() -> list[Example]:
    found = []
    for page in PAGES:
        text = page.read_text("utf-8")
        for match in _FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Example(f"{page.name}:{line}", match[1], match[2]))
    return found


def _shell_lines() -> list[Example]:
    """Commands in blocks, indented or fenced, and in the examples of the help."""
    lines = [
        Example(f"{page.name}:{number}", "sh", line.strip())
        for page in PAGES
        for number, line in enumerate(page.read_text("utf-8").splitlines(), start=1)
        if re.match(r"(    )?voicecli ", line)
    ]
    for path, command in _commands(COMMAND, ()):
        for line in (command.help or "").splitlines():
            if line.strip().startswith("voicecli "):
                text = re.sub(r"\s{2,}\(.*\)$", "", line.strip())
                lines.append(Example(f"{' '.join(path)} --help", "sh", text))
    return lines


def _spans() -> list[Example]:
    """Code within sentences, outside of blocks."""
    return [
        Example(page.name, "", span)
        for page in PAGES
        for span in _SPAN.findall(_FENCE.sub("", page.read_text("utf-8")))
    ]


def _commands(command: Any, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any]]:
    """The command and all below it, with their names; Typer has a copy of click that is its own."""
    if not isinstance(command, TyperGroup):
        return [(path, command)]
    inside = (_commands(sub, (*path, name)) for name, sub in command.commands.items())
    return [(path, command), *(found for subs in inside for found in subs)]


def parse(words: list[str]) -> None:
    """Have the program's own parser read a command line without running it.

    Raises:
        USAGE_ERROR: there is no such command or option, or a value is not allowed.
    """
    command: Any = COMMAND
    context = None
    while isinstance(command, TyperGroup):
        context = typer.Context(command, parent=context, info_name=command.name)
        _, found, words = command.resolve_command(context, words)
        assert found is not None
        command = found
        if not words and isinstance(command, TyperGroup):
            return
    command.make_context(command.name, list(words), parent=context)


def _invocations(line: str) -> list[list[str]]:
    """The words of each voicecli command in a line of shell, without its comments."""
    words = shlex.split(line.replace("…", ""), comments=True)
    commands: list[list[str]] = [[]]
    for word in words:
        if word in {"&&", "|", ";"}:
            commands.append([])
        else:
            commands[-1].append(word)
    return [command[1:] for command in commands if command[:1] == ["voicecli"]]


def _ids(examples: list[Example]) -> list[str]:
    return [example.where for example in examples]


TOML = [example for example in _fenced() if example.language == "toml"]
PYTHON = [example for example in _fenced() if example.language == "python"]
JSON = [example for example in _fenced() if example.language == "json"]
SHELL = _shell_lines()
SPANS = [e for e in _spans() if e.text.startswith("voicecli ")]
OPTIONS = sorted({(e.where, e.text.split()[0]) for e in _spans() if e.text.startswith("--")})


def test_the_pages_have_examples_of_every_kind():
    assert len(TOML) >= 6
    assert len(PYTHON) >= 3
    assert len(JSON) >= 1
    assert len(SHELL) >= 30
    assert len(SPANS) >= 20
    assert len(OPTIONS) >= 20


@pytest.mark.parametrize("example", TOML, ids=_ids(TOML))
def test_a_toml_example_loads_as_what_it_is(example, tmp_path):
    path = tmp_path / "example.toml"
    for named in ("dentist_agent.py", "bike_shop/shop.rules.toml"):  # by some of them
        shutil.copy(ROOT / "examples" / named, tmp_path)
    path.write_text(example.text, "utf-8")
    tables = tomllib.loads(example.text)
    if "turns" in tables:
        read_script(path)
    elif "rule" in tables:
        load_rules(path, ())
    elif {"uplink", "downlink", "jitter_buffer"} & set(tables):
        load_line(str(path))
    else:
        load_profile(str(path))


def test_the_tutorial_ends_with_the_files_of_its_example():
    agent, call, rules, *added = (e.text for e in TOML if e.where.startswith("tutorial.md"))
    folder = ROOT / "examples" / "bike_shop"
    assert (folder / "my_agent.toml").read_text("utf-8") == "\n".join([agent, *added])
    assert (folder / "shop.rules.toml").read_text("utf-8") == rules
    assert (folder / "calls" / "flat_tyre" / "call.toml").read_text("utf-8") == call


@pytest.mark.parametrize("name", ["cli", "journal", "python"])
def test_a_page_that_is_made_of_the_code_is_what_the_code_says(name):
    draw = runpy.run_path(str(ROOT / "scripts" / f"draw_{name}.py"))
    document = draw["DOCUMENT"].read_text("utf-8")
    fresh = draw["replaced"](document) if "replaced" in draw else draw["drawn"]()
    assert fresh == document, "run `make docs`"


@pytest.mark.parametrize("example", PYTHON, ids=_ids(PYTHON))
def test_a_python_example_compiles_and_runs_if_it_imports_what_it_needs(example):
    code = compile(example.text, example.where, "exec")
    if example.text.startswith(("from ", "import ")):
        exec(code, {"__name__": "example"})  # noqa: S102 - our own pages


@pytest.mark.parametrize("example", JSON, ids=_ids(JSON))
def test_a_json_example_is_json(example):
    json.loads(example.text)


@pytest.mark.parametrize("example", SHELL, ids=_ids(SHELL))
def test_a_shell_example_is_a_command_with_options_that_exist(example):
    invocations = _invocations(example.text)
    assert invocations
    for words in invocations:
        parse(words)


@pytest.mark.parametrize("example", SPANS, ids=[e.text for e in SPANS])
def test_a_command_in_a_sentence_exists(example):
    command, *_ = example.text.split(" > ")
    *head, last = (part.strip() for part in command.split("·"))
    first, *others = [*head, last]
    words = shlex.split(re.sub(r"[\[\]…]", "", first).replace("COMMAND", "replay"))[1:]
    for verb in others:
        parse_loosely([*words[:-1], verb])
    parse_loosely(words)


def parse_loosely(words: list[str]) -> None:
    """As `parse`, but arguments may be missing, as in "as `voicecli replay --out` leaves it"."""
    try:
        parse(words)
    except typer.Exit:
        assert "--help" in words
    except USAGE_ERROR as error:
        lacking = "Missing" in type(error).__name__ or "requires an argument" in str(error)
        if not lacking:
            raise


@pytest.mark.parametrize(("page", "option"), OPTIONS)
def test_an_option_in_a_sentence_exists(page, option):
    options = {
        name
        for _, command in _commands(COMMAND, ())
        for parameter in command.get_params(typer.Context(command))
        for name in (*parameter.opts, *parameter.secondary_opts)
    }
    assert option.rstrip("….,").split("=")[0] in options | NOT_OURS


HELPS = [path for path, _ in _commands(COMMAND, ())]


@pytest.mark.parametrize("path", HELPS, ids=" ".join)
def test_the_help_shows_every_word_of_it(path):
    """Brackets are markup to Rich, which eats what it does not know."""
    [command] = [command for found, command in _commands(COMMAND, ()) if found == path]
    shown = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "500"}).output
    shown = " ".join(re.sub("[│╭╮╰╯─]", " ", shown).split())
    for text in (command.help, *(getattr(p, "help", None) for p in command.params)):
        for paragraph in (text or "").replace("\\[", "[").split("\n\n"):
            assert " ".join(paragraph.split()) in shown


@pytest.mark.parametrize(
    "words",
    [["replay", "x", "--polici", "y"], ["modles"], ["models", "lst"], ["replay"],
     ["serve", "--port", "many"]],
)  # fmt: skip
def test_what_does_not_exist_would_be_noticed(words):
    with pytest.raises(USAGE_ERROR):
        parse(words)
