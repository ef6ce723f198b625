"""The language of an agent: which there are, and what follows from one.

The words themselves are data, in languages.toml.
"""

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.engines.registry import engine_module
from pipelines.turn_taking.events import EngineKind
from pipelines.turn_taking.policy import BargeInPolicy, Policy
from voicecli.errors import ProfileError
from voicecli.models.registry import load_registry
from voicecli.toml_schema import Place, build, read_toml

DEFAULT = "en"


@dataclass(frozen=True, slots=True)
class Language:
    """One language that an agent can speak."""

    name: str
    voice: str
    """Of espeak-ng."""
    piper: str = ""
    """A voice of the registry; empty: it has none."""
    also: tuple[str, ...] = ()
    """Other ways to write its name."""
    interruption_phrases: tuple[str, ...] = ()
    backchannels: tuple[str, ...] = ()
    sentences: Mapping[str, str] = field(default_factory=dict)
    """English sentences of the shipped profiles, and what is said instead."""
    code: str = ""


@dataclass(frozen=True, slots=True)
class _Languages:
    languages: Mapping[str, Language]


def find_language(tag: object, place: Place) -> Language:
    """The language of a tag or name in any case: `es`, `es-MX`, `pt_BR`, `Spanish`, `español`.

    Raises:
        VoicecliError: of the class `place.error`: there is none; lists those there are.
    """
    known = _languages()
    if isinstance(tag, str):
        name = tag.strip().casefold().replace("_", "-")
        for language in known.values():
            named = {language.code, language.name.casefold(), *language.also}
            if name in named or name.partition("-")[0] == language.code:
                return language
    there = ", ".join(f"{language.code} ({language.name})" for language in known.values())
    raise place.wrong(f'"{tag}" is not a language that voicecli knows; there are: {there}')


def in_language(kind: EngineKind, table: dict[str, Any], language: Language) -> dict[str, Any]:
    """An engine's TOML table with what the language says where the table says nothing."""
    name = table.get("engine")
    wanted: dict[str, Any] = {}
    if language.code == DEFAULT:
        return table
    if (kind, name) == ("tts", "espeak"):
        wanted["voice"] = language.voice
    elif (kind, name) == ("tts", "piper") and language.piper:
        wanted["weights"] = language.piper
    elif kind in {"asr", "tts"} and "language" in _keys(kind, name):
        wanted["language"] = language.code
    if (kind, name) == ("asr", "faster_whisper"):
        wanted["weights"] = "whisper-base"
    return {**wanted, **table}


def check_language(kind: EngineKind, settings: Any, language: Language, place: Place) -> str | None:
    """Refuse ears and a voice of another language; a remark if the LLM hardly knows it.

    Raises:
        VoicecliError: of the class `place.error`: names the key and what to put there instead.
    """
    weights = getattr(settings, "weights", "")
    entry = load_registry().models.get(weights)
    if entry is not None and entry.languages and language.code not in entry.languages:
        if kind == "llm":
            return f"{weights} hardly knows {language.name}; a Qwen 2.5 knows more of it"
        if kind == "asr":
            instead = (
                'put engine = "faster_whisper" and weights = "whisper-base" there, and get it '
                "with: voicecli models pull whisper-base"
            )
        elif language.piper:
            instead = (
                f'put weights = "{language.piper}" there, and get it with: voicecli models pull '
                f'{language.piper}; or put engine = "espeak"'
            )
        else:
            instead = 'put engine = "espeak" there'
        what = "hears" if kind == "asr" else "speaks"
        spoken = ", ".join(_languages()[code].name for code in entry.languages)
        raise place.wrong(
            f"{weights} {what} only {spoken}, and [agent] language is {language.name}: {instead}"
        )
    for key in ("language", "voice"):
        own = getattr(settings, key, "")
        if kind not in {"asr", "tts"} or not isinstance(own, str) or not _is_tag(own):
            continue
        if find_language(own.partition("+")[0], place.at(key)).code != language.code:
            raise place.at(key).wrong(
                f'"{own}" is not {language.name}, which [agent] language says; leave the key out, '
                "or change one of them"
            )
    return None


def speak(policy: Policy, language: Language) -> Policy:
    """The policy with its default words in the language; what else a profile says stays."""
    if language.code == DEFAULT:
        return policy

    def said(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(said, value))
        return language.sentences.get(value, value) if isinstance(value, str) else value

    def translated(part: Any) -> Any:
        values = {each.name: said(getattr(part, each.name)) for each in dataclasses.fields(part)}
        return dataclasses.replace(part, **values)

    words: dict[str, Any] = {
        name: getattr(language, name)
        for name in ("interruption_phrases", "backchannels")
        if getattr(policy.barge_in, name) == getattr(BargeInPolicy(), name)
    }
    return dataclasses.replace(
        policy,
        agent=translated(policy.agent),
        tools=translated(policy.tools),
        barge_in=dataclasses.replace(policy.barge_in, **words),
    )


@functools.cache
def _languages() -> Mapping[str, Language]:
    path = Path(__file__).with_name("languages.toml")
    tables, _ = read_toml(path, ProfileError)
    known = build(_Languages, tables, Place(str(path), ProfileError)).languages
    return {code: dataclasses.replace(each, code=code) for code, each in known.items()}


def _is_tag(text: str) -> bool:
    return text.partition("+")[0].replace("_", "-").partition("-")[0].casefold() in _languages()


def _keys(kind: EngineKind, name: object) -> set[str]:
    try:
        settings = engine_module(kind, str(name)).Settings
    except LookupError:  # refused elsewhere
        return set()
    return {each.name for each in dataclasses.fields(settings)}
