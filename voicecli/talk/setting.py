"""What a live call is made with."""

from dataclasses import dataclass, field
from pathlib import Path

from voicecli.profile import Profile
from voicecli.transports.echo_cancellation import Processing


@dataclass(frozen=True, slots=True)
class TalkSetting:
    """One live call."""

    profile: Profile
    line: str
    """A phone line of profiles/lines, or a path."""
    source: str | None = None
    """The microphone by number or name, a file, "none" for no microphone; None: the default."""
    sink: str | None = None
    """The loudspeaker, or a WAV file to write, "none" for no sound; None: the default."""
    processing: Processing = field(default_factory=Processing)
    record: Path | None = None
    """The folder for the call's own folder; None: nothing is kept."""
    redact: bool = False
    """Numbers and addresses are taken out of what is kept of what was said."""
    redact_audio: bool = False
    """And out of the sound."""
    seconds: float | None = None
    """Hang up after so long."""
    text: bool = False
    """The caller types, and reads the answers."""
    seed: int = 0
    """Of the line's losses and delays."""
