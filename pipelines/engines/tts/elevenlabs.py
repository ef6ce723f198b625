"""Speech from ElevenLabs' multi-context WebSocket.

Messages: https://elevenlabs.io/docs/api-reference/text-to-speech/v-1-text-to-speech-voice-id-multi-stream-input
"""

import dataclasses
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from pipelines.engines.registry import Context
from pipelines.engines.remote import connect_or_rely, service
from pipelines.engines.tts._websocket_tts import Heard, WebSocketTts
from pipelines.turn_taking.bounds import bounded, check_bounds

RATES = (8000, 16000, 22050, 24000, 44100)
IDLE_S = 180
"""How long a silent connection is kept open: the most that the service grants."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the profile's table."""

    voice: str = "21m00Tcm4TlvDq8ikWAM"
    """Id of a voice of ElevenLabs' library or your own."""
    model: str = "eleven_flash_v2_5"
    """Name of one of ElevenLabs' models."""
    language: str = "en"
    """In which numbers, dates and abbreviations are put into words; ElevenLabs itself finds out."""
    sample_rate: int = 16000
    """8000 saves bandwidth where nothing but a phone line listens."""
    speed: float = bounded(1.0, 0.7, 1.2)
    """0.7 to 1.2."""
    api_key_env: str = "ELEVENLABS_API_KEY"
    """Environment variable that holds the key."""
    url: str = "wss://api.elevenlabs.io"
    """Where the service is."""
    timeout_ms: int = bounded(1000, 1)
    """Longest wait for the connection and for the next audio."""


class _Dialect:
    def __init__(self, settings: Settings) -> None:
        self._voice_settings = {"speed": settings.speed}

    def say(self, context: str, text: str) -> list[dict[str, Any]]:
        # The first message of a context sets it up; closing it has what was sent spoken to its end.
        return [
            {"context_id": context, "text": " ", "voice_settings": self._voice_settings},
            {"context_id": context, "text": f"{text} ", "flush": True},
            {"context_id": context, "close_context": True},
        ]

    def cancel(self, context: str) -> dict[str, Any]:
        return {"context_id": context, "close_context": True}

    def read(self, message: dict[str, Any]) -> Heard:
        context = message.get("contextId") or message.get("context_id") or ""
        if problem := message.get("error"):
            return Heard(context, problem=str(message.get("message") or problem))
        done = bool(message.get("isFinal") or message.get("is_final"))
        return Heard(context, message.get("audio") or "", done)


def build(settings: Settings, context: Context) -> WebSocketTts:
    """Connect to ElevenLabs.

    Raises:
        ValueError: a setting out of range, no key, or one that is refused.
        RemoteError: ElevenLabs cannot be reached, and there is no fallback.
    """
    check_bounds(settings)
    if settings.sample_rate not in RATES:
        raise ValueError(f"sample_rate must be one of {RATES}, not {settings.sample_rate}")
    where = service(settings.url, settings.api_key_env)
    query = {
        "model_id": settings.model,
        "output_format": f"pcm_{settings.sample_rate}",
        "inactivity_timeout": IDLE_S,
        "auto_mode": "true",
    }
    path = f"/v1/text-to-speech/{quote(settings.voice, safe='')}/multi-stream-input"
    where = dataclasses.replace(where, url=f"{where.url}{path}?{urlencode(query)}")
    voice = WebSocketTts(
        where,
        {"xi-api-key": where.key},
        _Dialect(settings),
        sample_rate=settings.sample_rate,
        timeout_ms=settings.timeout_ms,
        language=settings.language,
    )
    connect_or_rely(voice.connect, context)
    return voice
