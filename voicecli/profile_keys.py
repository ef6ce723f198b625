"""Every key that a profile may have: its type, unit, range, default and meaning.

Read from the dataclasses that declare the keys: annotations, defaults, ranges in the fields'
metadata, and the docstring below each field. So what is shown, what is documented and what is
accepted are the same.
"""

import ast
import contextlib
import dataclasses
import inspect
import textwrap
import tomllib
import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass
from functools import cache
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from pipelines.engines.registry import BrokenPlugInError, engine_module, engine_names
from pipelines.turn_taking.events import EngineKind
from pipelines.turn_taking.policy import AgentPolicy, Policy
from voicecli.foreign import to_toml
from voicecli.profile import (
    DEFAULT_PROFILE,
    DERIVED,
    ENGINE_TABLES,
    FALLBACK_KINDS,
    POLICY_TABLES,
    DetectorWeight,
    EngineChoice,
    LineChoice,
    Profile,
    default_table,
    may_delegate,
)
from voicecli.tools.choice import ToolsChoice

_UNITS: Final = {"_ms": "ms", "_s": "s", "_hz": "Hz", "_rate": "Hz", "_db": "dB", "_usd": "USD"}
_TYPES: Final = {bool: "true or false", int: "whole number", float: "number", str: "text"}


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a table."""

    name: str
    annotation: Any
    default: Any
    """MISSING: there is none, the key is needed."""
    bounds: tuple[float | None, float | None] | None
    about: str
    """Its docstring, in one line."""

    @property
    def type(self) -> str:
        """The kind of value, in words, with its unit."""
        unit = next((u for end, u in _UNITS.items() if self.name.endswith(end)), "")
        return _in_words(self.annotation) + (f", {unit}" if unit else "")

    @property
    def range(self) -> str:
        """The bounds of a number, as `0 to 1`; empty: none."""
        low, high = self.bounds or (None, None)
        if low is None and high is None:
            return ""
        if high is None:
            return f"at least {low:g}"
        return f"at most {high:g}" if low is None else f"{low:g} to {high:g}"


@dataclass(frozen=True, slots=True)
class KeyTable:
    """One table of a profile: a heading in TOML, and the class that declares its keys."""

    name: str
    """As in the file, such as `policy.gate`."""
    about: str
    keys: tuple[Key, ...]
    engine: str = ""
    """The engine whose keys these are; empty: the table has them whatever the engine."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One value in effect."""

    table: str
    key: str
    value: Any
    origin: str
    """Where it comes from: the profile's file, the agent's class, the default profile, the
    language, or a default."""


def settings_of(profile: Profile) -> Iterator[Setting]:
    """Every setting of a profile that is in effect, table by table."""
    given: dict[str, Any] = tomllib.loads(profile.source)
    yield Setting("", "name", profile.name, _origin("name" in given, profile))
    agent = given.get("agent", {})
    agent = {"class": agent} if isinstance(agent, str) else agent
    if profile.agent is not None:
        yield Setting("agent", "class", profile.agent.text, _origin("class" in agent, profile))
    yield Setting("agent", "language", profile.language, _origin("language" in agent, profile))
    yield from _settings("agent", profile.policy.agent, agent, profile)
    for kind in ENGINE_TABLES:
        yield from _engine_settings(kind, getattr(profile, kind), given.get(kind, {}), profile)
    detectors = given.get("turn_detectors", {})
    for choice in profile.turn_detectors:
        table = detectors.get(choice.name, {})
        heading = f"turn_detectors.{choice.name}"
        yield Setting(heading, "weight", choice.weight, _origin("weight" in table, profile))
        yield from _settings(heading, choice.settings, table, profile)
    tools = given.get("tools", {})
    tools = {"file": tools} if isinstance(tools, str) else tools
    yield from _settings("tools", profile.tools, tools, profile)
    yield Setting("line", "name", profile.line, _origin("name" in given.get("line", {}), profile))
    for name in POLICY_TABLES:
        table = given.get("policy", {}).get(name, {})
        yield from _settings(f"policy.{name}", getattr(profile.policy, name), table, profile)


def _engine_settings(
    heading: str, choice: EngineChoice, given: Mapping[str, Any], profile: Profile
) -> Iterator[Setting]:
    named = "engine" in given
    base: Mapping[str, Any] = {} if named or "." in heading else default_table(heading)
    yield Setting(heading, "engine", choice.name, _origin(named, profile, inherited=not named))
    yield from _settings(heading, choice.settings, given, profile, base)
    for name in ("fallback", "otherwise"):
        behind = getattr(choice, name)
        if behind is not None:
            inside = given.get(name) or base.get(name, {})
            yield from _engine_settings(f"{heading}.{name}", behind, inside, profile)


def _settings(
    heading: str,
    declared: Any,
    given: Mapping[str, Any],
    profile: Profile,
    inherited: Mapping[str, Any] | None = None,
) -> Iterator[Setting]:
    for key in keys_of(type(declared)):
        value = getattr(declared, key.name)
        here = key.name in given
        from_base = key.name in (inherited or {})
        origin = _origin(here, profile, inherited=from_base)
        if heading == "agent" and profile.agent_words.get(key.name):
            origin = f"class {profile.agent.name}" if profile.agent is not None else origin
        elif origin == "default" and value != key.default:
            origin = f"language {profile.language}"
        yield Setting(heading, key.name, value, origin)


def _origin(here: bool, profile: Profile, *, inherited: bool = False) -> str:
    if here:
        return profile.path.name
    return f"profile {DEFAULT_PROFILE}" if inherited else "default"


def keys_of(declared: type) -> tuple[Key, ...]:
    """The keys that a dataclass declares, in its own order."""
    hints, docs = get_type_hints(declared), field_docs(declared)
    return tuple(
        Key(f.name, hints[f.name], _default(f), f.metadata.get("range"), docs.get(f.name, ""))
        for f in dataclasses.fields(declared)
        if f.init and (declared.__name__, f.name) not in DERIVED
    )


def all_tables() -> Iterator[KeyTable]:
    """Every table that a profile may have, with each engine's own keys."""
    language = Key("language", str, "en", None, "Code or name of the language that is spoken.")
    chosen = "Python file and class of the agent: `my_agent.py:Dentist`."
    agent = Key("class", str, "", None, chosen)
    yield KeyTable("agent", _about(AgentPolicy), (agent, language, *keys_of(AgentPolicy)))
    for kind in ENGINE_TABLES:
        for name, module in _usable(kind):
            yield KeyTable(kind, _about(module), keys_of(module.Settings), name)
    for name, module in _usable("turn_detector"):
        keys = (*keys_of(DetectorWeight), *keys_of(module.Settings))
        yield KeyTable(f"turn_detectors.{name}", _about(module), keys)
    yield KeyTable("tools", _about(ToolsChoice), keys_of(ToolsChoice))
    yield KeyTable("line", "The phone line.", keys_of(LineChoice))
    hints = get_type_hints(Policy)
    for name in POLICY_TABLES:
        keys = keys_of(hints[name])
        yield KeyTable(f"policy.{name}", _about(hints[name]), keys)
        for key in keys:
            inner = key.annotation
            if isinstance(inner, type) and dataclasses.is_dataclass(inner):
                yield KeyTable(f"policy.{name}.{key.name}", _about(inner), keys_of(inner))


def _usable(kind: EngineKind) -> Iterator[tuple[str, Any]]:
    """Every engine of a kind, but for those of other packages that cannot be loaded."""
    for name in engine_names(kind):
        with contextlib.suppress(BrokenPlugInError):
            yield name, engine_module(kind, name)


def default_of(key: Key) -> str:
    """The key's default in words."""
    return "needed" if key.default is MISSING else as_toml(key.default) or "not set"


def as_toml(value: Any) -> str:
    """A value as it stands in a profile; empty for none, which TOML has no word for."""
    if value is None:
        return ""
    if isinstance(value, bool | str):
        return to_toml(value)
    if isinstance(value, int | float):
        return f"{value:_}" if isinstance(value, int) and value >= 10_000 else repr(value)
    if dataclasses.is_dataclass(value):
        pairs = ((f.name, getattr(value, f.name)) for f in dataclasses.fields(value))
        return _inline((name, v) for name, v in pairs if v is not None)
    if isinstance(value, Mapping):
        return _inline(value.items())
    return "[" + ", ".join(as_toml(item) for item in value) + "]"


def markdown() -> str:
    """All tables as one document."""
    parts: list[str] = []
    for table in all_tables():
        heading = f"`[{table.name}]`" + (f' engine = "{table.engine}"' if table.engine else "")
        parts.append(f"## {heading}\n\n{table.about}\n")
        if not table.keys:
            parts.append("No keys of its own.\n")
            continue
        rows = (
            f"| `{key.name}` | {_cell(key.type)} | {key.range} | {_cell(default_of(key))} "
            f"| {_cell(key.about)} |"
            for key in table.keys
        )
        head = "| key | kind | range | default | |\n|---|---|---|---|---|\n"
        parts.append(head + "\n".join(rows) + "\n")
    return "\n".join(parts)


def json_schema() -> dict[str, Any]:
    """A JSON Schema (draft 2020-12) of a profile, for editors that complete and check TOML."""
    tables: dict[str, list[KeyTable]] = {}
    for table in all_tables():
        tables.setdefault(table.name, []).append(table)
    root: dict[str, Any] = _table_schema("A voicecli profile.", {"name": {"type": "string"}})
    for name, variants in tables.items():
        if name in ENGINE_TABLES:
            schema = _engine_schema(name, variants)
        else:
            keys = {key.name: _key_schema(key) for key in variants[0].keys}
            schema = _table_schema(variants[0].about, keys)
        *parents, last = name.split(".")
        inside = root
        for parent in parents:
            inside = inside["properties"].setdefault(parent, _table_schema("", {}))
        inside["properties"][last] = schema
    for table, key in (("tools", "file"), ("agent", "class")):
        short = {"type": "string", "description": f"Short for its key `{key}`."}
        root["properties"][table] = {"anyOf": [short, root["properties"][table]]}
    shared = _taken_definitions(root)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **root, "$defs": shared}


def _taken_definitions(schema: Any) -> dict[str, Any]:
    """What the parts of a schema define for themselves, taken out: references are to the root."""
    taken: dict[str, Any] = {}
    parts = schema.values() if isinstance(schema, dict) else schema
    if isinstance(schema, dict):
        taken |= schema.pop("$defs", {})
    for part in list(parts):
        if isinstance(part, dict | list):
            taken |= _taken_definitions(part)
    return taken


def _engine_schema(kind: EngineKind, variants: list[KeyTable]) -> dict[str, Any]:
    """Any engine's table: which keys are allowed depends on the engine that is named."""
    extra = ["fallback"] if kind in FALLBACK_KINDS else []
    choices: list[dict[str, Any]] = []
    for table in variants:
        keys = {key.name: _key_schema(key) for key in table.keys}
        behind = [*extra, "otherwise"] if may_delegate(kind, table.engine) else extra
        keys |= {name: {"type": "object"} for name in behind}
        engine = {"engine": {"const": table.engine, "description": table.about}}
        choices.append(_table_schema(table.about, engine | keys) | {"required": ["engine"]})
    unnamed = {"not": {"required": ["engine"]}, "description": "The default profile's engine."}
    return {"anyOf": [*choices, {"type": "object", **unnamed}]}


def _table_schema(about: str, keys: Mapping[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": dict(keys), "additionalProperties": False}
    return schema | ({"description": about} if about else {})


def _key_schema(key: Key) -> dict[str, Any]:
    from pydantic import TypeAdapter  # noqa: PLC0415 (takes longer than the rest of this module)

    schema = TypeAdapter(key.annotation).json_schema() | {"description": key.about}
    low, high = key.bounds or (None, None)
    schema |= {} if low is None else {"minimum": low}
    schema |= {} if high is None else {"maximum": high}
    if isinstance(key.default, bool | int | float | str):
        schema["default"] = key.default
    return schema


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default


def _about(declared: Any) -> str:
    """The first sentence of a docstring, in one line."""
    paragraph = (inspect.getdoc(declared) or "").split("\n\n")[0]
    return " ".join(paragraph.split())


@cache
def field_docs(declared: type) -> dict[str, str]:
    """The docstring below each field of a class, in one line."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(declared))).body[0]
    docs: dict[str, str] = {}
    name = ""
    for node in getattr(tree, "body", []):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and name:
            docs[name] = " ".join(str(node.value.value).split())
        name = ""
    return docs


def _in_words(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(map(as_toml, arguments))
    if origin in {Union, types.UnionType}:
        return " or ".join(_in_words(a) for a in arguments if a is not types.NoneType)
    if origin is tuple:
        if arguments[1:] == (Ellipsis,):
            return f"array of {_in_words(arguments[0])}"
        return "[" + ", ".join(map(_in_words, arguments)) + "]"
    if dataclasses.is_dataclass(annotation) or origin is not None:
        return "table"
    return _TYPES.get(annotation, "anything")


def _inline(pairs: Any) -> str:
    inside = ", ".join(f"{name} = {as_toml(value)}" for name, value in pairs)
    return f"{{ {inside} }}" if inside else "{}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
