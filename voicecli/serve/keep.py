"""Writes the folder of a served call; changes with what of a call may be stored."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipelines.turn_taking.journal import Entry
from voicecli.profile import Profile, to_toml
from voicecli.recording.bundle import write_bundle
from voicecli.recording.journal import JournalHeader
from voicecli.serve.redact import redact
from voicecli.serve.settings import Recording
from voicecli.serve.wire import Begin
from voicecli.transports.base import RATE


def keep_call(
    begin: Begin,
    entries: Sequence[Entry],
    stereo: npt.NDArray[np.int16],
    profile: Profile,
    recording: Recording,
) -> None:
    """Write journal, audio and profile; readable by their owner only if the umask says so.

    Args:
        begin: names the folder.
        entries: the journal; its texts are redacted if `recording` says so.
        stereo: shape (samples, 2), int16, 8000 Hz: caller, agent.
        profile: of the agent.
        recording: where to, and how much.

    Raises:
        StorageError: it cannot be written.
    """
    if recording.folder is None:
        return
    metadata = {"call_sid": begin.call_sid, "clock": "real", "redacted": recording.redact}
    kept = [redact(entry) for entry in entries] if recording.redact else entries
    header = JournalHeader(profile.name, RATE, metadata)
    write_bundle(recording.folder / begin.name, header, kept, stereo, profile=to_toml(profile))
