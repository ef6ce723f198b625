"""Transcripts from a server with OpenAI's transcription interface.

`POST {base_url}/audio/transcriptions`, as speaches, faster-whisper-server, vLLM, LocalAI, Groq and
OpenAI offer it. It does not stream, so there are partial transcripts only if asked for: each is a
request with the whole utterance.
"""

import io
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.engines.asr._decode_schedule import DecodeSchedule
from pipelines.engines.audio import checked
from pipelines.engines.deadline import Deadline
from pipelines.engines.hallucinated_phrases import without_hallucinated_phrases
from pipelines.engines.http_service import HttpService
from pipelines.engines.local_agreement import LocalAgreement
from pipelines.engines.protocols import Hypothesis, Pcm, Transcript
from pipelines.engines.registry import Context
from pipelines.engines.remarks import remark
from pipelines.engines.remote import RemoteError, Service, connect_or_rely, service
from pipelines.engines.simulated_time import stopwatch
from pipelines.turn_taking.bounds import bounded, check_bounds

SAMPLE_RATE = 16000
NEVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the profile's table."""

    base_url: str = "http://127.0.0.1:8000/v1"
    """Up to /v1; this one is speaches' own."""
    model: str = "Systran/faster-whisper-base.en"
    """As the server calls it."""
    language: str = "en"
    """Code of the callers' language."""
    api_key_env: str = ""
    """Environment variable that holds the key, such as OPENAI_API_KEY; empty: no key is needed."""
    timeout_ms: int = bounded(1500, 1)
    """Longest wait for the connection and for the transcript; beyond
    `policy.endpointing.transcript_timeout_ms` nobody waits for it, nor for a fallback's."""
    partials: bool = False
    """Ask for transcripts while the caller speaks: what a service charges for is the audio sent,
    and each sends all of it again."""
    step_ms: int = bounded(700, 20)
    """New audio between two of them, at least; more when an answer takes longer than that."""


class OpenAiCompatibleAsr:
    """One utterance at a time, sent whole."""

    sample_rate = SAMPLE_RATE

    def __init__(self, settings: Settings, where: Service) -> None:
        self._settings = settings
        self._where = where
        self._http = HttpService(where, settings.timeout_ms)
        self._agreement = LocalAgreement()
        step = settings.step_ms * SAMPLE_RATE // 1000 if settings.partials else NEVER
        self._schedule = DecodeSchedule(step, step, SAMPLE_RATE)
        self.reset()

    def connect(self) -> None:
        """Make the connection, and learn early that a key is wrong; raises as its `greet`."""
        self._http.greet()

    def feed(self, pcm: Pcm) -> Hypothesis | None:
        """Take more audio; a hypothesis if partials are asked for and one is due.

        Raises:
            ValueError: audio of another shape or dtype.
            RemoteError: as `finish`.
        """
        pcm = checked(pcm)
        if len(pcm):
            self._heard.append(pcm)
            self._length += len(pcm)
        if not self._schedule.due(self._length):
            return None
        elapsed = stopwatch()
        self._ask()
        self._schedule.decoded(self._length, elapsed())
        return self._agreement.update(self._text.split())

    def finish(self) -> Transcript:
        """The words since `reset`; at once if nothing was fed since the last request.

        A request that fails in a way that may pass is made once more.

        Raises:
            RemoteError: the server cannot be reached, refuses, answers something else, or not in
                time.
        """
        if self._asked != self._length:
            self._ask()
        return Transcript(self._text)

    def reset(self) -> None:
        """Forget the utterance."""
        self._heard: list[Pcm] = []
        self._length = self._asked = 0
        self._text = ""
        self._agreement.reset()
        self._schedule.restart()

    def _ask(self) -> None:
        said = self._said(_wav(np.concatenate(self._heard))).strip()
        self._text = without_hallucinated_phrases(" ".join(said.split()))
        if said and not self._text:
            remark(f'dropped "{said}": a known phantom phrase')
        self._asked = self._length

    def _said(self, sound: bytes) -> str:
        deadline = Deadline(self._where, "transcript", self._settings.timeout_ms)
        try:
            return self._request(sound, deadline)
        except RemoteError as error:
            if not error.passing:
                raise
            remark(f"{error}; asked once more")
        return self._request(sound, deadline)

    def _request(self, sound: bytes, deadline: Deadline) -> str:
        fields = {
            "model": self._settings.model,
            "language": self._settings.language,
            "response_format": "json",
            "temperature": "0",
        }
        content = {"data": fields, "files": {"file": ("speech.wav", sound, "audio/wav")}}
        answers = self._http.answered(
            self._texts, deadline, None, "POST", "audio/transcriptions", **content
        )
        return "".join(answers)

    def _texts(self, response: Any) -> Iterator[str]:
        response.read()
        if not response.is_success:
            raise self._where.refused(response.status_code, response.text)
        try:
            text = response.json()["text"]
        except (ValueError, KeyError, TypeError):
            text = None
        if not isinstance(text, str):
            what = f"{self._where.name} answered without a transcript; is base_url right?"
            raise RemoteError(what, passing=False)
        yield text


def _wav(pcm: Pcm) -> bytes:
    """A WAV file of 16-bit samples at 16 kHz."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLE_RATE)
        sound.writeframes((np.clip(pcm, -1, 1) * 32767).astype("<i2").tobytes())
    return file.getvalue()


def build(settings: Settings, context: Context) -> OpenAiCompatibleAsr:
    """Connect to the server.

    Raises:
        ValueError: a setting out of range, no key where one is named, or a key that is refused.
        RemoteError: the server cannot be reached, and there is no fallback.
    """
    check_bounds(settings)
    asr = OpenAiCompatibleAsr(settings, service(settings.base_url, settings.api_key_env))
    connect_or_rely(asr.connect, context)
    return asr
