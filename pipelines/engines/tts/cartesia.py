"""Speech from Cartesia's WebSocket.

Messages: https://docs.cartesia.ai/api-reference/tts/websocket
"""

from dataclasses import dataclass
from typing import Any

from pipelines.engines.registry import Context
from pipelines.engines.remote import connect_or_rely, service
from pipelines.engines.tts._websocket_tts import Heard, WebSocketTts
from pipelines.turn_taking.bounds import bounded, check_bounds

RATES = (8000, 16000, 22050, 24000, 44100)


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the profile's table."""

    voice: str = "a0e99841-438c-4a64-b679-ae501e7d6091"
    """Id of a voice of Cartesia's library or your own."""
    model: str = "sonic-2"
    """Name of one of Cartesia's models."""
    language: str = "en"
    """Code of the language that is spoken."""
    sample_rate: int = 16000
    """8000 saves bandwidth where nothing but a phone line listens."""
    api_key_env: str = "CARTESIA_API_KEY"
    """Environment variable that holds the key."""
    url: str = "wss://api.cartesia.ai/tts/websocket"
    """Where the service is."""
    version: str = "2025-04-16"
    """Of the interface."""
    timeout_ms: int = bounded(1000, 1)
    """Longest wait for the connection and for the next audio."""


class _Dialect:
    def __init__(self, settings: Settings) -> None:
        self._fixed = {
            "model_id": settings.model,
            "voice": {"mode": "id", "id": settings.voice},
            "language": settings.language,
            "output_format": {
                "container": "raw",
                "encoding": "pcm_s16le",
                "sample_rate": settings.sample_rate,
            },
            "continue": False,
        }

    def say(self, context: str, text: str) -> list[dict[str, Any]]:
        return [{**self._fixed, "context_id": context, "transcript": text}]

    def cancel(self, context: str) -> dict[str, Any]:
        return {"context_id": context, "cancel": True}

    def read(self, message: dict[str, Any]) -> Heard:
        context = message.get("context_id") or ""
        if message.get("type") == "error":
            said = message.get("message") or message.get("error") or message.get("title")
            return Heard(context, problem=str(said or "an error"))
        audio = message.get("data", "") if message.get("type") == "chunk" else ""
        return Heard(context, audio, done=bool(message.get("done")))


def build(settings: Settings, context: Context) -> WebSocketTts:
    """Connect to Cartesia.

    Raises:
        ValueError: a setting out of range, no key, or one that is refused.
        RemoteError: Cartesia cannot be reached, and there is no fallback.
    """
    check_bounds(settings)
    if settings.sample_rate not in RATES:
        raise ValueError(f"sample_rate must be one of {RATES}, not {settings.sample_rate}")
    where = service(settings.url, settings.api_key_env)
    headers = {"X-API-Key": where.key, "Cartesia-Version": settings.version}
    voice = WebSocketTts(
        where,
        headers,
        _Dialect(settings),
        sample_rate=settings.sample_rate,
        timeout_ms=settings.timeout_ms,
        language=settings.language,
    )
    connect_or_rely(voice.connect, context)
    return voice
