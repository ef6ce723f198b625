"""What a recording from somebody else may do here.

A recorded call is data, the profile in it included. Its thresholds may always be read; whatever
reaches beyond the recording (code, services, keys, files) happens only if the user names a profile
or says that this recording is trusted.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any, Final

from pipelines.engines.registry import provider
from pipelines.turn_taking.events import EngineKind
from telephony_sim.spec import line_names
from voicecli.errors import ProfileError
from voicecli.models.registry import load_registry
from voicecli.profile import DetectorChoice, EngineChoice, Profile, load_profile
from voicecli.recording.bundle import PROFILE, Bundle
from voicecli.tools.choice import ToolsChoice
from voicecli.tools.load import code_run

# Lists of what is harmless: what comes to be later is asked about until it stands here.
_LOCAL: Final = frozenset({
    "vad/silero", "vad/scripted",
    "asr/moonshine", "asr/faster_whisper", "asr/scripted",
    "llm/llama_cpp", "llm/scripted",
    "tts/piper", "tts/espeak", "tts/scripted",
    "turn_detector/llm_next_token", "turn_detector/scripted", "turn_detector/silence",
    "turn_detector/smart_turn", "turn_detector/text",
})  # fmt: skip
_MERE_DATA: Final = frozenset({"file", "builtin", "transfer_to", "settings", "examples"})
"""Keys of [tools] that do nothing by themselves; `file` has a sentence of its own."""
_WEIGHTS: Final = frozenset({"weights", "model"})


def profile_for(
    bundle: Bundle, named: str | None, *, trusted: bool, line: str | None = None
) -> Profile:
    """The profile whose engines are to run on a recorded call.

    Args:
        bundle: the call.
        named: the user's own profile instead of the recorded one, which is then not asked about.
        trusted: whether the user lets this recording do what its profile says.
        line: the phone line to run over, if the recording says which.

    Raises:
        ProfileError: the profile is wrong, or would do what nobody has agreed to: says all of it.
    """
    profile = load_profile(named or str(bundle.path / PROFILE))
    if trusted:
        return profile
    wishes = [] if named else list(_wishes(profile))
    if line is not None and line not in line_names():
        wishes.append(f"read the phone line {line}")
    if wishes:
        raise ProfileError(
            f"{bundle.path} is a recording, and to run it as recorded would {'; '.join(wishes)}. "
            "Name a profile of your own with -p (and a --line), or, if you know who made this "
            "recording and trust them, say --trust-bundle."
        )
    return profile


def line_of(bundle: Bundle) -> str:
    """The phone line over which a call was recorded."""
    line = bundle.header.metadata.get("line")
    return str(line or load_profile(str(bundle.path / PROFILE)).line)


def _wishes(profile: Profile) -> Iterator[str]:
    """All that a profile would set in motion beyond this program and its registered models."""
    if path := code_run(profile):
        yield f"run the Python file {path}"
    for key in dataclasses.fields(ToolsChoice):
        if key.name not in _MERE_DATA and getattr(profile.tools, key.name):
            yield f"use [tools] {key.name} = {getattr(profile.tools, key.name)!r:.200}"
    kinds: tuple[EngineKind, ...] = ("vad", "asr", "llm", "tts")
    for kind in kinds:
        named: EngineChoice = getattr(profile, kind)
        for choice in named.all():
            yield from _wishes_of_engine(kind, choice)
    for detector in profile.turn_detectors:
        yield from _wishes_of_engine("turn_detector", detector)


def _wishes_of_engine(kind: EngineKind, choice: EngineChoice | DetectorChoice) -> Iterator[str]:
    settings: dict[str, Any] = {
        key.name: getattr(choice.settings, key.name) for key in dataclasses.fields(choice.settings)
    }
    if f"{kind}/{choice.name}" not in _LOCAL:
        if package := provider(kind, choice.name):
            yield f"run the {kind} engine {choice.name} of the package {package}"
            return
        where = settings.get("base_url") or settings.get("url") or "a service"
        key = settings.get("api_key_env")
        with_key = f" with the secret in ${key}" if key else ""
        yield f"send the call to {where}{with_key} ({kind} engine {choice.name})"
        return
    standard = type(choice.settings)()
    for name, value in settings.items():
        if not isinstance(value, str) or value == getattr(standard, name):
            continue
        is_file = name in _WEIGHTS and value not in load_registry().models
        if is_file or any(sign in value for sign in "/\\~"):
            yield f"load the file {value} ({kind} engine {choice.name}, {name})"
