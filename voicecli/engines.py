"""Builds the engines that a profile names; changes with what an engine is given from outside."""

from typing import Any

from pipelines.engines.registry import Context, build_engine
from pipelines.runtime.engines import Engines
from pipelines.turn_taking.events import EngineKind
from voicecli.errors import EngineError, VoicecliError
from voicecli.models.store import locate
from voicecli.profile import DetectorChoice, EngineChoice, Profile


def build_engines(profile: Profile) -> Engines:
    """Load every engine of the profile; may take seconds.

    Raises:
        WeightsError: weights are missing; says which command gets them.
        EngineError: an engine could not be loaded.
    """
    context = Context(locate)
    llm = _build("llm", profile.llm, context)
    with_llm = Context(locate, llm)
    return Engines(
        vad=_build("vad", profile.vad, context),
        asr=_build("asr", profile.asr, context),
        llm=llm,
        tts=_build("tts", profile.tts, context),
        turn_detectors={
            choice.name: _build("turn_detector", choice, with_llm)
            for choice in profile.turn_detectors
        },
    )


def _build(kind: EngineKind, choice: EngineChoice | DetectorChoice, context: Context) -> Any:
    try:
        return build_engine(kind, choice.name, choice.settings, context)
    except VoicecliError:
        raise
    except Exception as error:
        raise EngineError(
            f"the {kind} engine {choice.name} could not be loaded: {error}; "
            "`voicecli models verify` checks its weights"
        ) from error
