"""Opens what the caller speaks into and hears from."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from voicecli.foreign import named_path
from voicecli.names import refuse_to_overwrite
from voicecli.transports.microphone_files import (
    FileSink,
    FileSource,
    SilentSource,
    Sink,
    Source,
)
from voicecli.transports.sound_card import SoundCard
from voicecli.transports.sound_card_devices import SoundCardError, find_device, list_devices

NONE = "none"
_WAKING_S = 3.0
_LOOK_S = 0.01


class Wanted(Protocol):
    """Which devices; None: the system's own, "none": no device, else a number, name or file."""

    @property
    def source(self) -> str | None:
        """What the caller speaks into."""
        ...

    @property
    def sink(self) -> str | None:
        """What the caller hears from."""
        ...


@dataclass(frozen=True, slots=True)
class Devices:
    """Both ends of a call, and the sound card if it is one of them or both."""

    source: Source
    sink: Sink
    card: SoundCard | None
    file: FileSink | None

    def wait(self, no_more: threading.Event) -> None:
        """Until sound flows: a card may sleep for a second or two after it was opened.

        Returns early when `no_more` is set.
        """
        if self.card is None:
            return
        for _ in range(round(_WAKING_S / _LOOK_S)):
            if self.card.running or no_more.wait(_LOOK_S):
                break

    def close(self) -> None:
        """Give the card back and finish the file.

        Raises StorageError if the file cannot be written.
        """
        if self.card is not None:
            self.card.close()
        if self.file is not None:
            self.file.close()


def open_devices(setting: Wanted, notify: Callable[[str], None]) -> Devices:
    """Open the devices or files of a call; `notify` is told what the user should know.

    A computer without any microphone is no error: the caller can type.

    Raises:
        SoundCardError: a device that was asked for cannot be used, or there is no loudspeaker.
        InputError, StorageError: the same of a file.
        UsageError: the same file is to be read and written.
    """
    source: Source | None = None
    wants_card = {"source": setting.source, "sink": setting.sink}
    if setting.source == NONE:
        source = SilentSource()
    elif setting.source is not None and _is_file(setting.source):
        source = FileSource(named_path(setting.source))
        if setting.sink is not None:
            refuse_to_overwrite((named_path(setting.sink),), (named_path(setting.source),))
    file = _file_sink(setting.sink)
    if file is None:
        find_device("output", setting.sink)  # without one, nothing else need be said
    if source is None and setting.source is None and (lack := _microphone_lacks()):
        notify(lack)
        source = SilentSource()
    if source is not None:
        wants_card["source"] = ""
    if file is not None:
        wants_card["sink"] = ""
    if source is not None and file is not None:
        return Devices(source, file, None, file)
    card = SoundCard(wants_card["source"], wants_card["sink"], notify)
    return Devices(source or card, file or card, card, file)


def _file_sink(sink: str | None) -> FileSink | None:
    if sink == NONE:
        return FileSink()
    if sink is not None and Path(sink).suffix.lower() == ".wav":
        return FileSink(named_path(sink))
    return None


def _is_file(name: str) -> bool:
    """Whether `--input` names a file: one that exists, or that can be nothing else."""
    path = named_path(name)
    return path.is_file() or len(path.parts) > 1 or bool(path.suffix)


def _microphone_lacks() -> str:
    """Why there is no microphone, in a sentence; empty if there is one."""
    try:
        if list_devices("input"):
            return ""
    except SoundCardError as error:
        return str(error)
    return "This computer has no microphone: press t to type, or use --input FILE."
