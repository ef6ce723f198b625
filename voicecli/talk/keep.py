"""Keeps a live call's folder; changes with what is noted of one."""

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipelines.turn_taking.time import SECOND, Nanos
from voicecli.models.home import home
from voicecli.profile import to_toml
from voicecli.recording.bundle import write_bundle
from voicecli.recording.journal import JournalHeader
from voicecli.talk.live_call import LiveCall
from voicecli.transports.base import RATE


def calls_folder() -> Path:
    """Where the user's calls lie; may not exist yet."""
    return home() / "recordings"


def keep_call(call: LiveCall, bookmarks: Sequence[Nanos] = ()) -> Path | None:
    """Write the folder of a call that is over; where it is, or None if nothing is to be kept.

    Raises:
        StorageError: it cannot be written.
    """
    setting = call.setting
    if setting.record is None or not call.entries:
        return None
    stamp = datetime.now(UTC)
    path = setting.record / f"{stamp:%Y-%m-%d_%H-%M-%S}_{setting.profile.name}"
    source, sink = call.device_names
    counters = call.health.card
    metadata: dict[str, Any] = {
        "line": setting.line,
        "line_changes": [[at / SECOND, name] for at, name in call.line_changes],
        "seed": setting.seed,
        "clock": "real",
        "started_at": stamp.isoformat(timespec="seconds"),
        "devices": {"input": source, "output": sink},
        "underruns": counters.underruns,
        "overruns": counters.overruns,
        "bookmarks_s": [at / SECOND for at in bookmarks],
        "environment": {
            "voicecli": version("voicecli"),
            "python": platform.python_version(),
            "system": platform.platform(terse=True),
            "machine": platform.machine(),
        },
    }
    header = JournalHeader(setting.profile.name, RATE, metadata, partial=call.error is not None)
    write_bundle(path, header, call.entries, call.stereo(), profile=to_toml(setting.profile))
    return path
