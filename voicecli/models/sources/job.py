"""What a source is given to fetch an entry."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from voicecli.errors import WeightsError
from voicecli.models.registry import Entry, Origin, WeightsFile


@dataclass(frozen=True, slots=True)
class Job:
    """One entry to be fetched."""

    entry: Entry
    origin: Origin
    target: Path
    """New folder for the finished files; thrown away if anything goes wrong."""
    scratch: Path
    """Folder for what may serve a later attempt; emptied once the entry is whole."""
    progress: Callable[[int, int], None]
    """Told the bytes that are here and the bytes there will be."""

    def place(self, file: WeightsFile) -> Path:
        """Where to put a file; its folder exists."""
        path = self.target / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def refuse(self, file: WeightsFile, found: str, expected: str) -> WeightsError:
        """The error for a file whose hash is wrong."""
        return WeightsError(
            f"{self.entry.name}: {file.name} from {self.origin} was refused and removed: "
            f"its hash is {found[:12]}… and should be {expected[:12]}…; "
            f"try again with: voicecli models pull {self.entry.name}"
        )

    def failed(self, why: str) -> WeightsError:
        """The error for a download that did not succeed."""
        return WeightsError(
            f"{self.entry.name} could not be fetched from {self.origin}: {why}; "
            f"to try again: voicecli models pull {self.entry.name}"
        )
