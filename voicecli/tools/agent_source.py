"""The class that a profile names as its agent, and its words, read without running the file."""

import ast
import inspect
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from voicecli.foreign import named_path
from voicecli.toml_schema import Place

WORDS: Final = {"prompt": "system_prompt", "greeting": "greeting"}
"""Attributes of the class that are words, and the keys of [agent] that they stand for."""
_MOST_BYTES: Final = 1_000_000
_HALF_A_CHARACTER: Final = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class AgentChoice:
    """An agent's class."""

    file: str
    """Python file; relative to the profile."""
    name: str

    @property
    def text(self) -> str:
        """As a profile has it."""
        return f"{self.file}:{self.name}"

    def path(self, profile: Path) -> Path:
        """Where the file is, absolute, for a profile at that path."""
        return (profile.resolve().parent / named_path(self.file)).resolve()


def chosen_agent(value: object, place: Place) -> AgentChoice:
    """Read "my_agent.py:Dentist".

    Raises:
        VoicecliError: of the class `place.error`: it has another form.
    """
    file, _, name = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    if not file or "\0" in file or not name.isidentifier():
        raise place.wrong('must be a Python file and a class in it, such as "my_agent.py:Dentist"')
    return AgentChoice(file, name)


def words_of(agent: AgentChoice, profile: Path, place: Place) -> dict[str, str]:
    """The words that stand in the class or in those of its file that it is derived from.

    Returns:
        By key of [agent]; "" for what it does not say.

    Raises:
        VoicecliError: of the class `place.error`: there is no such file or class, or its words are
            not plain texts.
    """
    path = agent.path(profile)
    classes = {node.name: node for node in _parsed(path, place) if isinstance(node, ast.ClassDef)}
    if agent.name not in classes:
        known = ", ".join(classes) or "none"
        raise place.wrong(f"there is no class {agent.name} in {path}; there are: {known}")
    found: dict[str, str] = {}
    for node in _with_bases(classes[agent.name], classes):
        for attribute, value in _assigned(node):
            if attribute in WORDS and WORDS[attribute] not in found:
                text = value.value if isinstance(value, ast.Constant) else None
                if not isinstance(text, str) or _HALF_A_CHARACTER.search(text):
                    raise place.wrong(
                        f"{attribute} of {agent.name} must be a plain text, for it is read without "
                        f"running the file; or write {WORDS[attribute]} = … under [agent]"
                    )
                found[WORDS[attribute]] = inspect.cleandoc(text)
    return {key: found.get(key, "") for key in WORDS.values()}


def _parsed(path: Path, place: Place) -> list[ast.stmt]:
    if not path.is_file():
        raise place.wrong(f"there is no file {path}")
    if path.stat().st_size > _MOST_BYTES:
        raise place.wrong(f"{path} is larger than {_MOST_BYTES:,} bytes, which no agent needs")
    try:
        return ast.parse(path.read_bytes(), str(path)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise place.wrong(f"{path} is no Python file: {error}") from None
    except OSError as error:
        raise place.wrong(f"{path} cannot be read: {error.strerror}") from None


def _with_bases(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> list[ast.ClassDef]:
    """The class and, nearest first, those of the same file that it is derived from."""
    found: list[ast.ClassDef] = []
    waiting = [node]
    while waiting:
        each = waiting.pop(0)
        if each not in found:
            found.append(each)
            names = [base.id for base in each.bases if isinstance(base, ast.Name)]
            waiting += [classes[name] for name in names if name in classes]
    return found


def _assigned(node: ast.ClassDef) -> list[tuple[str, ast.expr | None]]:
    """What the body of a class gives names to, and the expression, or None if it is a function."""
    found: list[tuple[str, ast.expr | None]] = []
    for each in node.body:
        if isinstance(each, ast.Assign):
            found += [(name.id, each.value) for name in each.targets if isinstance(name, ast.Name)]
        elif isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and each.value:
            found.append((each.target.id, each.value))
        elif isinstance(each, ast.FunctionDef):
            found.append((each.name, None))
    return found
