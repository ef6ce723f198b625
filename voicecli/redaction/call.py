"""Takes what callers say of themselves out of all that is kept of a finished call."""

import dataclasses
import tempfile
from pathlib import Path

from voicecli.recording.bundle import POLICY, read_bundle, write_bundle
from voicecli.recording.labels import Labels
from voicecli.recording.library import export_call
from voicecli.redaction.journal import Redactor
from voicecli.redaction.sound import SoundRedactor
from voicecli.redaction.text import redact_text


def export_redacted(call: Path, archive: Path, *, audio: bool) -> None:
    """Put a call's folder into a zip file without secrets; the folder itself stays as it is.

    The words of partial transcripts and of the reply's pieces go altogether, and with `audio` what
    may be a secret in the sound.

    Raises InputError and StorageError as `read_bundle` and `export_call` do.
    """
    with tempfile.TemporaryDirectory() as folder:
        redacted = Path(folder) / call.resolve().name
        redact_call(call, redacted, audio=audio)
        export_call(redacted, archive)


def redact_call(call: Path, into: Path, *, audio: bool) -> None:
    """Write a call's folder once more, without secrets."""
    bundle = read_bundle(call)
    redactor, sound = Redactor(), SoundRedactor()
    stereo, labels = bundle.stereo, bundle.labels
    if audio:
        for entry in bundle.entries:
            sound.record(entry)
        if labels is not None:
            sound.label(labels)
        stereo = sound.redacted(stereo, bundle.header.rate)
    done = {"redacted": True}
    if audio:
        done["redacted_audio"] = True
    policy = call / POLICY
    write_bundle(
        into,
        dataclasses.replace(bundle.header, metadata={**bundle.header.metadata, **done}),
        map(redactor, bundle.entries),
        stereo,
        profile=bundle.profile,
        policy=policy.read_text(encoding="utf-8") if policy.exists() else None,
        labels=None if labels is None else _redacted(labels),
    )


def _redacted(labels: Labels) -> Labels:
    turns, before = [], ""
    for turn in labels.turns:
        text = redact_text(turn.text, before)
        turns.append(dataclasses.replace(turn, text=text, keys="#" * len(turn.keys)))
        before = f"{before} {turn.text}"
    return dataclasses.replace(labels, turns=tuple(turns))
