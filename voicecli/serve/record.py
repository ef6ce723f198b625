"""Begins the recording of a served call."""

from collections.abc import Callable
from pathlib import Path

from voicecli.profile import Profile, to_toml
from voicecli.recording.journal import JournalHeader
from voicecli.recording.recorder import CallRecorder, Tracks
from voicecli.redaction.journal import Redactor
from voicecli.redaction.sound import SoundRedactor
from voicecli.transports.base import RATE


def record_call(
    folder: Path,
    call_id: str,
    tracks: Tracks,
    profile: Profile,
    notify: Callable[[str], None],
    *,
    redacted: bool,
    partials: bool = False,
    redact_audio: bool = False,
) -> CallRecorder:
    """Record a call as it goes on; readable by its owner only if the umask says so.

    Args:
        folder: the call's own.
        call_id: the carrier's name of the call.
        tracks: where its audio gathers.
        profile: of the agent.
        notify: told, on another thread, if it cannot be written.
        redacted: whether numbers and addresses are taken out of the journal's texts.
        partials: whether a redacted journal keeps the words of partial transcripts.
        redact_audio: whether they are taken out of the sound, which is then written at its end.
    """
    metadata = {
        "call_sid": call_id, "clock": "real", "redacted": redacted, "redacted_audio": redact_audio,
    }  # fmt: skip
    return CallRecorder(
        folder,
        JournalHeader(profile.name, RATE, metadata),
        tracks,
        profile=to_toml(profile),
        notify=notify,
        alter=Redactor(partials=partials) if redacted else None,
        sound=SoundRedactor() if redact_audio else None,
    )
