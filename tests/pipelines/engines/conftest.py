"""Where these tests get engines, weights and audio from."""

import dataclasses
import importlib.util
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.engines.registry import KINDS, Context, engine_module, engine_names
from pipelines.engines.simulated_time import metered
from pipelines.turn_taking.events import EngineKind

from .http_stand_in import chat, http_stand_in, transcription
from .made_voice import make_voice
from .made_whisper import make_whisper
from .socket_stand_in import Deepgram, Session, cartesia, elevenlabs, socket_stand_in

PULL = "voicecli models pull embedded"
MADE: dict[str, Callable[[Path], Path]] = {
    "whisper-base.en": make_whisper,
    "piper-en-us-ljspeech-medium": make_voice,
}
"""Weights by registry name that the tests make, tiny, instead of having them pulled."""


@contextmanager
def chat_server() -> Iterator[dict[str, Any]]:
    with http_stand_in(chat("The", " capital", " of France", " is Paris.")) as server:
        yield {"base_url": server.url, "timeout_ms": 20_000}


@contextmanager
def transcription_server() -> Iterator[dict[str, Any]]:
    with http_stand_in(transcription) as server:
        yield {"base_url": server.url, "partials": True, "timeout_ms": 20_000}


@contextmanager
def voice_server(answer: Session) -> Iterator[dict[str, Any]]:
    with socket_stand_in(answer) as server, pytest.MonkeyPatch.context() as environment:
        environment.setenv("STAND_IN_KEY", "a-key-for-the-tests")
        yield {"url": server.url, "api_key_env": "STAND_IN_KEY", "timeout_ms": 20_000}


@contextmanager
def deepgram_server() -> Iterator[dict[str, Any]]:
    """Deepgram, as patient tests hear it: each piece of audio is sent once the last is answered."""
    from pipelines.engines.asr._deepgram_stream import DeepgramStream  # noqa: PLC0415

    send = DeepgramStream.send

    def send_and_wait(stream: Any, audio: bytes) -> None:
        before = stream._results.qsize()
        send(stream, audio)
        if stream._where.url != settings["url"]:  # of another test
            return
        for _ in range(5000):
            if stream._results.qsize() > before:
                return
            threading.Event().wait(0.001)
        raise AssertionError("the stand-in did not answer")

    with voice_server(Deepgram()) as settings, pytest.MonkeyPatch.context() as patch:
        patch.setattr(DeepgramStream, "send", send_and_wait)
        yield settings


@contextmanager
def rules_file() -> Iterator[dict[str, Any]]:
    yield {"file": str(Path(__file__).parent / "capital.toml")}


SERVERS: dict[tuple[EngineKind, str], Callable[[], AbstractContextManager[dict[str, Any]]]] = {
    ("asr", "deepgram"): deepgram_server,
    ("asr", "openai_compatible"): transcription_server,
    ("llm", "openai_compatible"): chat_server,
    ("llm", "rules"): rules_file,
    ("tts", "cartesia"): lambda: voice_server(cartesia),
    ("tts", "elevenlabs"): lambda: voice_server(elevenlabs),
}
"""For engines that need a server, or a file: what provides it and gives the settings for it."""


def needs_weights(kind: EngineKind, name: str) -> bool:
    """Whether the engine loads weights: then a field of its Settings names them."""
    fields = dataclasses.fields(engine_module(kind, name).Settings)
    return any(field.name == "weights" for field in fields)


def engine_param(kind: EngineKind, name: str) -> Any:
    made = getattr(engine_module(kind, name).Settings(), "weights", "") in MADE
    marks = [pytest.mark.weights] if needs_weights(kind, name) and not made else []
    return pytest.param((kind, name), marks=marks, id=f"{kind}.{name}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `vad`, `asr`, … runs over every engine of that kind."""
    for kind in KINDS:
        if kind in metafunc.fixturenames:
            params = [engine_param(kind, name) for name in engine_names(kind)]
            metafunc.parametrize(kind, params, indirect=True)
    everything = [(kind, name) for kind in KINDS for name in engine_names(kind)]
    if "any_engine" in metafunc.fixturenames:
        metafunc.parametrize("any_engine", everything, ids=".".join)
    if "engine_with_weights" in metafunc.fixturenames:
        heavy = [engine for engine in everything if needs_weights(*engine)]
        metafunc.parametrize("engine_with_weights", heavy, ids=".".join)


@pytest.fixture(scope="session")
def locate(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The path of weights by name; skips, or fails where weights are required, if absent."""
    from voicecli.errors import VoicecliError  # noqa: PLC0415 (pipelines never imports voicecli)
    from voicecli.models import store  # noqa: PLC0415

    made: dict[str, Path] = {}

    def find(name: str) -> Path:
        if name in MADE:
            if name not in made:
                made[name] = MADE[name](tmp_path_factory.mktemp("made") / name)
            return made[name]
        try:
            return store.locate(name)
        except VoicecliError as error:
            message = f"{name} is missing; get it with: {PULL} ({error})"
            if os.environ.get("VOICECLI_REQUIRE_WEIGHTS") == "1":
                pytest.fail(message)
            pytest.skip(message)

    return find


def located_by_nobody(name: str) -> Path:
    raise AssertionError(f"an engine without weights asked for {name}")


@pytest.fixture(scope="session")
def served() -> Iterator[Callable[[EngineKind, str], dict[str, Any]]]:
    """The settings with which an engine finds its server or file, if it needs one."""
    running: dict[tuple[EngineKind, str], dict[str, Any]] = {}
    with ExitStack() as servers:

        def settings(kind: EngineKind, name: str) -> dict[str, Any]:
            if (kind, name) in SERVERS and (kind, name) not in running:
                running[kind, name] = servers.enter_context(SERVERS[kind, name]())
            return running.get((kind, name), {})

        yield settings


@pytest.fixture(scope="session")
def engine_of(request: pytest.FixtureRequest, served: Callable[..., Any]) -> Callable[..., Any]:
    """Builds an engine with some settings; each combination once, as real ones take a while."""
    built: dict[tuple[EngineKind, str, str], Any] = {}

    def get(kind: EngineKind, name: str, **settings: Any) -> Any:
        key = (kind, name, repr(sorted(settings.items())))
        if key not in built:
            module = engine_module(kind, name)
            weighty = needs_weights(kind, name)
            find = request.getfixturevalue("locate") if weighty else located_by_nobody
            llm = get("llm", "scripted") if kind == "turn_detector" else None
            chosen = module.Settings(**served(kind, name), **settings)
            built[key] = module.build(chosen, Context(locate=find, llm=llm))
        return built[key]

    return get


@pytest.fixture
def vad(request: pytest.FixtureRequest, engine_of: Callable[..., Any]) -> Any:
    engine = engine_of(*request.param)
    engine.reset()
    return engine


@pytest.fixture
def asr(request: pytest.FixtureRequest, engine_of: Callable[..., Any]) -> Any:
    engine = engine_of(*request.param)
    engine.reset()
    return engine


@pytest.fixture
def llm(request: pytest.FixtureRequest, engine_of: Callable[..., Any]) -> Any:
    return engine_of(*request.param)


@pytest.fixture
def tts(request: pytest.FixtureRequest, engine_of: Callable[..., Any]) -> Any:
    return engine_of(*request.param)


@pytest.fixture
def turn_detector(request: pytest.FixtureRequest, engine_of: Callable[..., Any]) -> Any:
    return engine_of(*request.param)


@pytest.fixture(autouse=True)
def spent() -> Iterator[list[int]]:
    """What scripted engines spent, in nanoseconds: no test sleeps."""
    durations: list[int] = []
    with metered(durations.append):
        yield durations


@pytest.fixture
def go_on() -> threading.Event:
    """A stop signal that is never set."""
    return threading.Event()


@pytest.fixture
def noise() -> Callable[..., np.ndarray]:
    """White noise of some length, the same every time."""

    def make(samples: int, dbfs: float = -30.0) -> np.ndarray:
        generator = np.random.default_rng(7)
        return (generator.standard_normal(samples) * 10 ** (dbfs / 20)).astype(np.float32)

    return make


@pytest.fixture(scope="session")
def speech(engine_of: Callable[..., Any]) -> Callable[..., np.ndarray]:
    """Speech made by espeak-ng, shape (samples,), with a quarter of a second of silence around."""
    import soxr  # noqa: PLC0415 (only where speech is needed)

    def make(text: str, sample_rate: int = 16000, voice: str = "en-us") -> np.ndarray:
        tts = engine_of("tts", "espeak", voice=voice)
        pcm = np.concatenate(list(tts.synthesize(text, threading.Event())))
        silence = np.zeros(sample_rate // 4, np.float32)
        resampled = soxr.resample(pcm, tts.sample_rate, sample_rate).astype(np.float32)
        return np.concatenate((silence, np.clip(resampled, -1, 1), silence))

    return make


@pytest.fixture(scope="session")
def human_speech() -> np.ndarray:
    """Ten seconds of a man reading Beckett, 16 kHz: ships with the moonshine-voice package."""
    import soundfile  # noqa: PLC0415

    package = importlib.util.find_spec("moonshine_voice")
    assert package is not None
    assert package.origin is not None
    path = Path(package.origin).parent / "assets" / "beckett.wav"
    pcm, sample_rate = soundfile.read(path, dtype="float32")
    assert sample_rate == 16000
    return pcm
