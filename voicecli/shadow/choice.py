"""Which endpointers are asked on the side: the meaning of `--shadow NAME[:NUMBER]`."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.engines.protocols import TurnDetector
from pipelines.engines.registry import BrokenPlugInError, engine_module, engine_names
from pipelines.runtime.engines import Engines
from voicecli.engines import build_detector
from voicecli.errors import UsageError
from voicecli.profile import DetectorChoice, Profile, fitted_to_model, weights_of
from voicecli.toml_schema import suggest

TIMER = "silence"
TIMER_MS = 800
"""What a classic endpointer waits for."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One `--shadow`."""

    text: str
    """As given; its name in reports."""
    detector: str
    limit: float | None
    """P from which a turn counts as over; None: the profile's own waiting curve. Of the silence
    timer: milliseconds."""


@dataclass(frozen=True, slots=True)
class Shadow:
    """A detector without a say, ready to be asked; a silence timer has none."""

    choice: Choice
    detector: TurnDetector | None


def parse(text: str) -> Choice:
    """Read NAME or NAME:NUMBER.

    Raises:
        UsageError: there is no such detector, or the number makes no sense; says what does.
    """
    name, colon, number = text.partition(":")
    names = engine_names("turn_detector")
    if name not in names:
        raise UsageError(f'--shadow: there is no turn detector "{name}"; {suggest(name, names)}')
    try:
        engine_module("turn_detector", name)
    except BrokenPlugInError as error:
        raise UsageError(f"--shadow: {error}.") from None
    if not colon:
        return Choice(text, name, TIMER_MS if name == TIMER else None)
    most = 60_000.0 if name == TIMER else 1.0
    try:
        limit = float(number)
    except ValueError:
        limit = -1.0
    if not 0 <= limit <= most:
        what = "milliseconds up to 60000" if name == TIMER else "a probability from 0 to 1"
        raise UsageError(f"--shadow {text}: behind the colon stands {what}.")
    return Choice(text, name, limit)


def shadow_weights(choices: Sequence[Choice], profile: Profile) -> tuple[str, ...]:
    """The models that the detectors need, by name or path."""
    return weights_of(_settled(choice, profile) for choice in choices if choice.detector != TIMER)


def _settled(choice: Choice, profile: Profile) -> DetectorChoice:
    """The detector with the profile's settings where it has the same one."""
    for known in profile.turn_detectors:
        if known.name == choice.detector:
            return known
    fitted = fitted_to_model(choice.detector, profile.llm)
    settings = engine_module("turn_detector", choice.detector).Settings(**fitted)
    return DetectorChoice(choice.detector, settings, 1.0)


def build_shadows(choices: Sequence[Choice], profile: Profile, engines: Engines) -> list[Shadow]:
    """Load the detectors, with the profile's settings where it has the same one.

    Args:
        choices: what was asked for.
        profile: of the call.
        engines: of the profile; those that read may need its reply LLM.

    Raises:
        WeightsError: a detector's weights are missing; says which command gets them.
        EngineError: a detector could not be loaded.
    """
    shadows: list[Shadow] = []
    for choice in choices:
        if choice.detector == TIMER:
            shadows.append(Shadow(choice, None))
            continue
        module = engine_module("turn_detector", choice.detector)
        llm = engines.llm if module.NEEDS_TEXT else None
        shadows.append(Shadow(choice, build_detector(_settled(choice, profile), llm)))
    return shadows
