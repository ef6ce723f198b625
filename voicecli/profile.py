"""A profile (one agent, its engines and thresholds) read from TOML.

    [agent]                 what the agent says of its own accord, and its language = "en";
                            class = "my_agent.py:Dentist": words, tools and hooks of a class
                            (or only: agent = "my_agent.py:Dentist")
    [vad] [asr] [llm] [tts] engine = "name", and the keys of that engine's Settings; without
                            engine = …, or left out, it is the default profile's with these keys
    [llm.fallback] …        the same for an engine that steps in when that one fails (asr, llm, tts)
    [llm.otherwise] …       the same for an engine that answers what no rule does (engine = "rules")
    [turn_detectors.name]   weight = 1.0, and the keys of that detector's Settings
    [tools]                 file = "my_tools.py": functions that the agent may call; also the ones
                            that come with voicecli (or only: tools = "my_tools.py")
    [line]                  name = "clean": a phone line of profiles/lines, or a path
    [policy.gate] …         thresholds: a table for each field of turn_taking's Policy

Only the Settings classes of the engines are loaded here, no model and no model library.
"""

import dataclasses
import itertools
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.engines.registry import BrokenPlugInError, engine_module, engine_names
from pipelines.engines.speakable import speakable_text
from pipelines.turn_taking.events import EngineKind
from pipelines.turn_taking.policy import AgentPolicy, EndpointingPolicy, Policy, ToolPolicy
from voicecli import foreign
from voicecli.errors import ProfileError
from voicecli.foreign import named_path
from voicecli.language import DEFAULT, Language, check_language, find_language, in_language, speak
from voicecli.models.registry import load_registry
from voicecli.recording.profile_v1 import upgrade
from voicecli.shipped import PROFILES
from voicecli.toml_schema import Place, build, overlay, read_toml, suggest
from voicecli.tools.agent_source import WORDS, AgentChoice, chosen_agent, words_of
from voicecli.tools.choice import ToolsChoice

SHIPPED = PROFILES
DEFAULT_PROFILE = "embedded"

POLICY_TABLES = tuple(f.name for f in dataclasses.fields(Policy) if f.name != "agent")
ENGINE_TABLES: tuple[EngineKind, ...] = ("vad", "asr", "llm", "tts")
FALLBACK_KINDS: tuple[EngineKind, ...] = ("asr", "llm", "tts")
DERIVED = frozenset({("EndpointingPolicy", "weights"), ("EndpointingPolicy", "text_detectors")})
"""Fields of a policy, by class and name, that follow from other tables of the profile."""
_ON_REPLY_LLM = "llm_next_token"
"""The turn detector that asks the reply LLM's model."""
_SPOKEN = (
    "greeting", "idle_prompts", "cannot_hear", "goodbye", "apology", "not_heard", "filler",
)  # fmt: skip
"""Sentences of [agent] and [policy.tools] that go to the reader as they stand."""


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """An engine by its name, its Settings, and what steps in when it fails."""

    name: str
    settings: Any
    fallback: "EngineChoice | None" = None
    otherwise: "EngineChoice | None" = None
    """What answers where this one has no answer, if it is an engine that may delegate."""

    def all(self) -> "Iterator[EngineChoice]":
        """This one and all those behind it."""
        yield self
        for behind in (self.fallback, self.otherwise):
            if behind is not None:
                yield from behind.all()


@dataclass(frozen=True, slots=True)
class DetectorChoice:
    """A turn detector by its name, its Settings, and its weight among the detectors."""

    name: str
    settings: Any
    weight: float


@dataclass(frozen=True, slots=True)
class Profile:
    """One agent, whole and valid."""

    name: str
    path: Path
    vad: EngineChoice
    asr: EngineChoice
    llm: EngineChoice
    tts: EngineChoice
    turn_detectors: tuple[DetectorChoice, ...]
    line: str
    """A phone line's name in profiles/lines, or a path."""
    policy: Policy
    language: str = DEFAULT
    """Code of the language that is spoken, such as `es`."""
    notes: tuple[str, ...] = ()
    """What does not go together as well as it might, in sentences for the user."""
    tools: ToolsChoice = field(default_factory=ToolsChoice)
    agent: AgentChoice | None = None
    """The agent's class, if it has one."""
    agent_words: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What of `policy.agent` stands in the class and not in the profile's file."""
    source: str = field(repr=False, default="")
    """The text of the file."""

    def engines(self) -> Iterator[EngineChoice]:
        """The engine of each kind and those behind it."""
        for choice in (self.vad, self.asr, self.llm, self.tts):
            yield from choice.all()

    @property
    def choices(self) -> tuple[EngineChoice | DetectorChoice, ...]:
        """Every engine that the profile names, those that step in for another included."""
        return (*self.engines(), *self.turn_detectors)

    @property
    def weights(self) -> tuple[str, ...]:
        """The models that the engines need, by name or path, each once."""
        return weights_of(self.choices)


@dataclass(frozen=True, slots=True)
class LineChoice:
    """Keys of the table [line]."""

    name: str = "clean"
    """A phone line of profiles/lines, or the path of a file that describes one."""


@dataclass(frozen=True, slots=True)
class DetectorWeight:
    """The key that every turn detector's table has."""

    weight: float = field(default=1.0, metadata={"range": (0.01, 100)})
    """Of its log-odds among those of the other detectors."""


def weights_of(choices: Iterable[EngineChoice | DetectorChoice]) -> tuple[str, ...]:
    """The models that those engines need, by name or path, each once."""
    named = (getattr(choice.settings, "weights", None) for choice in choices)
    return tuple(dict.fromkeys(name for name in named if isinstance(name, str) and name))


def shipped_profiles() -> list[str]:
    """Names of the profiles that come with voicecli, sorted."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def load_profile(name_or_path: str) -> Profile:
    """Read a shipped profile by its name, or any by its path.

    Raises:
        ProfileError: there is none, or it is wrong; names the file, the table and the key.
    """
    path = _find(name_or_path)
    tables, source = read_toml(path, ProfileError)
    upgrade(tables, path)
    place = Place(str(path), ProfileError)
    known = ("name", "agent", *ENGINE_TABLES, "turn_detectors", "tools", "line", "policy")
    _refuse_unknown(tables, known, place)
    agent, words = _agent(tables, source, path, place)
    language = _language(tables, place)
    engines = {kind: _engine(kind, tables, language, place) for kind in ENGINE_TABLES}
    notes = _check_language(engines, language, place)
    detectors, endpointing, remarks = _turn_detectors(
        tables.get("turn_detectors", {}), engines["llm"], language, place
    )
    policy = speak(_policy(Policy(endpointing=endpointing), tables, place), language)
    derived = [name for _, name in DERIVED]
    if changed := _changed(endpointing, policy.endpointing, derived):
        where = place.in_table("policy.endpointing").at(changed)
        raise where.wrong("follows from the tables [turn_detectors.NAME] with weight = 1.0")
    return Profile(
        name=_name(tables, path, place),
        path=path,
        turn_detectors=detectors,
        line=build(LineChoice, tables.get("line", {}), place.in_table("line")).name,
        policy=policy,
        language=language.code,
        notes=(*notes, *remarks),
        tools=_tools(tables.get("tools", {}), place.in_table("tools")),
        agent=agent,
        agent_words=words,
        source=source,
        **engines,
    )


def load_policy(path: Path, base: Policy) -> Policy:
    """Lay a file of `[policy.*]` and `[agent]` tables over a policy.

    Raises:
        ProfileError: the file is missing or wrong; names the file, the table and the key.
    """
    tables, _ = read_toml(path, ProfileError)
    upgrade(tables, path)
    place = Place(str(path), ProfileError)
    _refuse_unknown(tables, ("agent", "policy"), place)
    return _policy(base, tables, place)


def to_toml(profile: Profile) -> str:
    """The profile's file, comments and all; it means the same wherever it is put."""
    source = profile.source
    rules = {getattr(choice.settings, "file", "") for choice in profile.llm.all()}
    for file in sorted({profile.tools.file, *rules} - {""}):
        path = profile.path.resolve().parent / named_path(file)
        if file in rules:
            path = beside(profile.path, file)
            if path == SHIPPED / file:
                continue  # found by this name wherever the copy is
        whole = json.dumps(str(path))
        key = re.compile(rf"^(\s*(?:tools|file)\s*=\s*)(['\"]){re.escape(file)}\2", re.M)
        source = key.sub(lambda found, whole=whole: found[1] + whole, source)
    if profile.agent is not None:
        source = _with_words(source, profile, profile.agent)
    if "name" in tomllib.loads(source):
        return source
    return f"name = {json.dumps(profile.name)}\n{source}"


def _with_words(source: str, profile: Profile, agent: AgentChoice) -> str:
    """The text with the agent's class by its whole path, and its words beside it."""
    found = _agent_line(agent, source)
    if found is None:  # it was refused when it was read
        return source
    keys = {"class": f"{agent.path(profile.path)}:{agent.name}", **profile.agent_words}
    prefix = "" if found["key"] == "class" else "agent."
    lines = (f"{prefix}{key} = {foreign.to_toml(text)}" for key, text in keys.items())
    return source[: found.start()] + "\n".join(lines) + source[found.end() :]


def beside(profile: Path, file: str) -> Path:
    """Where a file is that a profile names: beside the profile, or else among those that ship."""
    path = profile.resolve().parent / named_path(file)
    return SHIPPED / file if not path.exists() and (SHIPPED / file).is_file() else path


def _find(name_or_path: str) -> Path:
    shipped = SHIPPED / f"{name_or_path}.toml"
    if name_or_path in shipped_profiles():
        return shipped
    path = named_path(name_or_path)
    if path.is_file():
        return path
    raise ProfileError(
        f'there is no profile "{name_or_path}", neither shipped nor as a file; '
        f"{suggest(name_or_path, shipped_profiles())}"
    )


def _name(tables: dict[str, Any], path: Path, place: Place) -> str:
    name = tables.get("name", path.stem)
    if not isinstance(name, str):
        raise place.at("name").wrong("must be a text")
    return name


def _refuse_unknown(tables: dict[str, Any], known: tuple[str, ...], place: Place) -> None:
    for table, value in tables.items():
        if table not in known:
            what = f"table [{table}]" if isinstance(value, dict) else f'key "{table}"'
            raise place.wrong(f"there is no {what}; {suggest(table, known)}")


def _agent(
    tables: dict[str, Any], source: str, path: Path, place: Place
) -> tuple[AgentChoice | None, dict[str, str]]:
    """The agent's class and the words that stand in it, which are put into the table [agent]."""
    table, place = tables.get("agent", {}), place.in_table("agent").at("class")
    if isinstance(table, str):
        table = {"class": table}
    if not isinstance(table, dict):
        raise place.at("").wrong('must be a table, or agent = "my_agent.py:Dentist"')
    if "class" not in table:
        return None, {}
    agent = chosen_agent(table["class"], place)
    if _agent_line(agent, source) is None:
        raise place.wrong(f'write it on a line of its own: class = "{agent.text}"')
    words = {key: text for key, text in table.items() if key != "class"}
    missing = [key for key in WORDS.values() if key not in words]
    added: dict[str, str] = {}
    if missing:  # a recorded profile has them all: the file need not be there any more
        found = words_of(agent, path, place)
        added = {key: found[key] for key in missing}
    tables["agent"] = {**added, **words}
    return agent, added


def _agent_line(agent: AgentChoice, source: str) -> re.Match[str] | None:
    """Where a profile's text names the agent's class, as a line of [agent] or as `agent = …`."""
    text = re.escape(agent.text)
    line = rf"^[ \t]*(?P<key>(?:agent\.)?class|agent)[ \t]*=[ \t]*(['\"]){text}\2"
    return re.search(line, source, re.M)


def _language(tables: dict[str, Any], place: Place) -> Language:
    """The language of the agent; takes its key out of the table, whose others are policy."""
    agent = tables.get("agent")
    if not isinstance(agent, dict):
        agent = {}
    tag = agent.get("language", DEFAULT)
    tables["agent"] = {key: value for key, value in agent.items() if key != "language"}
    return find_language(tag, place.in_table("agent").at("language"))


def _check_language(
    engines: Mapping[Any, EngineChoice], language: Language, place: Place
) -> list[str]:
    """Remarks on engines that hardly know the language; those that do not are refused."""
    if language.code == DEFAULT:
        return []
    notes: list[str | None] = []
    for kind, choice in engines.items():
        here = place.in_table(kind)
        notes.append(check_language(kind, choice.settings, language, here))
        if choice.fallback is not None:
            here = here.in_table("fallback")
            notes.append(check_language(kind, choice.fallback.settings, language, here))
    return [note for note in notes if note]


def _engine(
    kind: EngineKind, tables: dict[str, Any], language: Language, place: Place
) -> EngineChoice:
    """The engine of the table [kind], with those behind it."""
    place = place.in_table(kind)
    table = tables.get(kind, {})
    if not isinstance(table, dict):
        raise place.wrong('must be a table with engine = "…" and the keys of that engine')
    if "engine" not in table:
        table = {**_default_engine(kind, table, place), **table}
    return _with_others(kind, table, language, place)


def _with_others(kind: EngineKind, table: Any, language: Language, place: Place) -> EngineChoice:
    """An engine with its fallback, which has none of its own, and the one it may delegate to."""
    others: dict[str, EngineChoice] = {}
    if isinstance(table, dict):
        if kind in FALLBACK_KINDS and "fallback" in table:
            here = place.in_table("fallback")
            others["fallback"] = _one_engine(kind, table["fallback"], language, here)
        if may_delegate(kind, table.get("engine")) and "otherwise" in table:
            here = place.in_table("otherwise")
            others["otherwise"] = _with_others(kind, table["otherwise"], language, here)
        table = {key: value for key, value in table.items() if key not in others}
    return dataclasses.replace(_one_engine(kind, table, language, place), **others)


def may_delegate(kind: EngineKind, name: object) -> bool:
    """Whether that engine may leave answers to another, in its table `otherwise`."""
    try:
        module = engine_module(kind, str(name))
    except LookupError:  # refused elsewhere
        return False
    return bool(getattr(module, "MAY_DELEGATE", False))


def default_table(kind: str) -> dict[str, Any]:
    """The default profile's table [kind]."""
    return read_toml(_find(DEFAULT_PROFILE), ProfileError)[0][kind]


def _default_engine(kind: EngineKind, changes: dict[str, Any], place: Place) -> dict[str, Any]:
    """The default profile's table [kind], on which a table that names no engine is built.

    Raises:
        ProfileError: the changes have a key that the default engine does not know.
    """
    table = default_table(kind)
    fields = dataclasses.fields(engine_module(kind, table["engine"]).Settings)
    known = {"engine", *(field.name for field in fields)}
    if kind in FALLBACK_KINDS:
        known.add("fallback")
    for key in changes:
        if key not in known:
            raise place.wrong(
                f'there is no key "{key}" of {table["engine"]}, the engine of {DEFAULT_PROFILE} '
                f"that is taken where none is named; {suggest(key, known)}"
            )
    return table


def _one_engine(kind: EngineKind, table: Any, language: Language, place: Place) -> EngineChoice:
    if not isinstance(table, dict) or "engine" not in table:
        raise place.wrong(f'needs engine = "…"; {suggest("", engine_names(kind))}')
    name = table["engine"]
    table = in_language(kind, table, language)
    rest = {key: value for key, value in table.items() if key != "engine"}
    if language.code != DEFAULT and rest.get("examples") == default_table(kind).get("examples"):
        rest.pop("examples", None)  # those that ship are English
    return EngineChoice(name, _settings(kind, name, rest, place, "engine"))


def _settings(kind: EngineKind, name: object, table: Any, place: Place, key: str) -> Any:
    try:
        module = engine_module(kind, str(name))
    except BrokenPlugInError as error:
        raise place.at(key).wrong(str(error)) from None
    except LookupError:
        wrong = f'there is no {kind} engine "{name}"; {suggest(str(name), engine_names(kind))}'
        raise place.at(key).wrong(wrong) from None
    return build(module.Settings, table, place)


def _tools(table: Any, place: Place) -> ToolsChoice:
    return build(ToolsChoice, {"file": table} if isinstance(table, str) else table, place)


def reply_model(llm: EngineChoice) -> str:
    """The weights, by name or path, of the model that writes what no rule does; empty: none."""
    return str(getattr(_writer(llm).settings, "weights", ""))


def fitted_to_model(detector: str, llm: EngineChoice) -> dict[str, float]:
    """Keys of a detector on the reply LLM as the registry has them for its model, if it has."""
    entry = load_registry().models.get(reply_model(llm)) if detector == _ON_REPLY_LLM else None
    if entry is None:
        return {}
    shown = getattr(_writer(llm).settings, "examples", ())
    fit = entry.end_of_turn_after_examples if shown else entry.end_of_turn
    return dataclasses.asdict(fit) if fit else {}


def _writer(llm: EngineChoice) -> EngineChoice:
    return llm if llm.otherwise is None else _writer(llm.otherwise)


def _turn_detectors(
    tables: Any, llm: EngineChoice, language: Language, place: Place
) -> tuple[tuple[DetectorChoice, ...], EndpointingPolicy, list[str]]:
    """The detectors, the endpointing that knows their weights and who of them needs text, and a
    sentence on each that does not know the language, and so steps aside, or the reply model."""
    if not isinstance(tables, dict):
        raise place.at("turn_detectors").wrong("must be tables [turn_detectors.NAME]")
    choices: list[DetectorChoice] = []
    remarks: list[str] = []
    for name, table in tables.items():
        here = place.in_table(f"turn_detectors.{name}")
        if not isinstance(table, dict):
            raise here.wrong("must be a table")
        weight = {key: value for key, value in table.items() if key == "weight"}
        rest = {key: value for key, value in table.items() if key != "weight"}
        fitted = fitted_to_model(name, llm)
        settings = _settings("turn_detector", name, fitted | rest, here, "")
        choice = DetectorChoice(name, settings, build(DetectorWeight, weight, here).weight)
        known = getattr(settings, "languages", (language.code,))
        if language.code not in known:
            remarks.append(f"the turn detector {name} knows no {language.name} and steps aside")
            continue
        choices.append(choice)
        own = fitted or {"scale", "offset"} <= rest.keys()
        if name == _ON_REPLY_LLM and reply_model(llm) and not own:
            remarks.append(_unfitted(llm))
    endpointing = EndpointingPolicy(
        weights=tuple((choice.name, choice.weight) for choice in choices),
        text_detectors=tuple(c.name for c in choices if _needs_text(c.name)),
    )
    return tuple(choices), endpointing, remarks


def _unfitted(llm: EngineChoice) -> str:
    return (
        f"the turn detector {_ON_REPLY_LLM} was not fitted to {reply_model(llm)} as it is used "
        "here, and may be far off: put its scale and offset into the profile, or leave it out"
    )


def _changed(before: object, after: object, fields: Iterable[str]) -> str | None:
    return next((name for name in fields if getattr(before, name) != getattr(after, name)), None)


def _needs_text(detector: str) -> bool:
    return bool(engine_module("turn_detector", detector).NEEDS_TEXT)


def _policy(base: Policy, tables: dict[str, Any], place: Place) -> Policy:
    """`base` with the tables [policy.*] and [agent] laid over it."""
    given = tables.get("policy", {})
    if not isinstance(given, dict):
        raise place.at("policy").wrong("must be tables [policy.NAME]")
    policy_place = place.in_table("policy")
    for name in given:
        if name not in POLICY_TABLES:
            valid = suggest(name, POLICY_TABLES)
            raise policy_place.wrong(f"there is no table [policy.{name}]; {valid}")
    changes = {
        name: overlay(getattr(base, name), table, policy_place.in_table(name))
        for name, table in given.items()
    }
    if "agent" in tables:
        changes["agent"] = overlay(base.agent, tables["agent"], place.in_table("agent"))
    policy = dataclasses.replace(
        base, **{name: _without_markup(part) for name, part in changes.items()}
    )
    _check_fit(policy, policy_place)
    return policy


def _without_markup(part: Any) -> Any:
    """A table of the policy with the sentences that are spoken as a model's reply would be."""
    if not isinstance(part, AgentPolicy | ToolPolicy):
        return part
    said: dict[str, Any] = {}
    for name in (name for name in _SPOKEN if hasattr(part, name)):
        text = getattr(part, name)
        said[name] = (
            speakable_text(text) if isinstance(text, str) else tuple(map(speakable_text, text))
        )
    return dataclasses.replace(part, **said)


def _check_fit(policy: Policy, place: Place) -> None:
    """What types and ranges cannot say: how values must fit together."""
    if policy.gate.stop_threshold > policy.gate.start_threshold:
        what = f"must not be above start_threshold, which is {policy.gate.start_threshold}"
        raise place.in_table("gate").at("stop_threshold").wrong(what)
    points = policy.endpointing.delays_ms
    rising = all(a < b for (a, _), (b, _) in itertools.pairwise(points))
    if not (points and rising and all(0 <= p <= 1 and delay >= 0 for p, delay in points)):
        raise (
            place.in_table("endpointing")
            .at("delays_ms")
            .wrong("needs points [P, silence in ms], P rising from 0 to 1, no silence negative")
        )
