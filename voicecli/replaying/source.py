"""What can be replayed: an audio file, a labelled recording, the folder of a recorded call."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.turn_taking.events import CallStarted
from voicecli.errors import InputError
from voicecli.foreign import named_path
from voicecli.names import distinct_names
from voicecli.recording.audio_file import AS_IT_SAYS, CallAudio, Reading, read_call_audio
from voicecli.recording.bundle import Bundle, is_bundle, read_bundle
from voicecli.recording.labels import Labels, read_labels
from voicecli.shipped import RECORDINGS

_DAY = len("2026-11-24")
OURS = Reading(channels="caller,agent")
SHIPPED = RECORDINGS


@dataclass(frozen=True, slots=True)
class CallSource:
    """One call to replay."""

    name: str
    path: Path
    audio: CallAudio
    labels: Labels | None
    bundle: Bundle | None
    """Set if the call was made by voicecli, with everything that happened in it."""

    @property
    def today(self) -> str:
        """The day on which it began, as 2026-11-24; empty if nothing says."""
        if self.bundle is None:
            return ""
        began = next((e for e in self.bundle.entries if isinstance(e, CallStarted)), None)
        noted = str(self.bundle.header.metadata.get("started_at", ""))[:_DAY]
        return (began.today[-_DAY:] if began is not None else "") or noted


def shipped_calls() -> list[str]:
    """Names of the recordings that come with voicecli, sorted."""
    return sorted(path.parent.name for path in SHIPPED.glob("*/caller.*"))


def told_apart(sources: Sequence[CallSource], taken: Collection[str] = ()) -> list[CallSource]:
    """The calls, each under a name that no other has, nor is `taken`."""
    names = distinct_names([(source.name, source.path) for source in sources], taken)
    return [replace(source, name=name) for source, name in zip(sources, names, strict=True)]


def open_call(name_or_path: str, reading: Reading = AS_IT_SAYS) -> CallSource:
    """Read a call: a file, a folder, or the name of a shipped recording.

    `reading` is for files; what voicecli wrote itself needs no telling.

    Raises:
        InputError: there is none, or a part of it cannot be used.
    """
    path = named_path(name_or_path)
    if not path.exists() and name_or_path in shipped_calls():
        path = SHIPPED / name_or_path
    if not path.is_dir():
        if not path.exists():
            known = ", ".join(shipped_calls())
            raise InputError(f"{name_or_path} does not exist; shipped recordings are: {known}.")
        name = path.stem if path.stem.strip(".") else path.name
        return CallSource(name, path, read_call_audio(path, reading=reading), None, None)
    name = path.resolve().name
    if is_bundle(path):
        bundle = read_bundle(path)
        audio = read_call_audio(path / "call.wav", reading=OURS)
        return CallSource(name, path, audio, bundle.labels, bundle)
    tracks = sorted(path.glob("caller.*"))
    if not tracks:
        raise InputError(
            f"{path} is not a recorded call: it has neither journal.jsonl nor caller.wav "
            "(or .flac, .ogg, .opus, .mp3)."
        )
    audio = read_call_audio(tracks[0], reading=reading)
    labels = path / "labels.json"
    known_turns = read_labels(labels, audio.duration_s) if labels.exists() else None
    return CallSource(name, path, audio, known_turns, None)
