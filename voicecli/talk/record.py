"""Begins the recording of a live call."""

import platform
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from voicecli.paths import home
from voicecli.profile import to_toml
from voicecli.recording.journal import JournalHeader
from voicecli.recording.recorder import CallRecorder, Tracks
from voicecli.redaction.journal import Redactor
from voicecli.redaction.sound import SoundRedactor
from voicecli.talk.setting import TalkSetting
from voicecli.transports.base import RATE


def calls_folder() -> Path:
    """Where the user's calls lie; may not exist yet."""
    return home() / "recordings"


def record_call(
    setting: TalkSetting, tracks: Tracks, devices: tuple[str, str], notify: Callable[[str], None]
) -> CallRecorder | None:
    """Record a call that begins now as it goes on; None if nothing is to be kept.

    Args:
        setting: what the call is made with.
        tracks: where its audio gathers.
        devices: what the caller speaks into and hears from.
        notify: told, on another thread, if the recording cannot be written.
    """
    if setting.record is None:
        return None
    stamp = datetime.now(UTC)
    metadata: dict[str, Any] = {
        "line": setting.line,
        "seed": setting.seed,
        "clock": "real",
        "redacted": setting.redact,
        "redacted_audio": setting.redact_audio,
        "started_at": stamp.isoformat(timespec="seconds"),
        "devices": dict(zip(("input", "output"), devices, strict=True)),
        "environment": {
            "voicecli": version("voicecli"),
            "python": platform.python_version(),
            "system": platform.platform(terse=True),
            "machine": platform.machine(),
        },
    }
    return CallRecorder(
        setting.record / f"{stamp:%Y-%m-%d_%H-%M-%S}_{setting.profile.name}",
        JournalHeader(setting.profile.name, RATE, metadata),
        tracks,
        profile=to_toml(setting.profile),
        notify=notify,
        alter=Redactor() if setting.redact else None,
        sound=SoundRedactor() if setting.redact_audio else None,
    )
