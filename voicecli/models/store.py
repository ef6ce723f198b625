"""What lies in the models folder and whether it is whole.

Each model has a folder of its own with its files and `receipt.json`: where they came from, their
sizes and sha256. The folder appears in one step, so whatever has a receipt was whole once.
"""

import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from voicecli.errors import WeightsError
from voicecli.foreign import named_path
from voicecli.models.files import sha256_of
from voicecli.models.registry import Entry, load_registry
from voicecli.paths import models_folder
from voicecli.toml_schema import suggest

RECEIPT = "receipt.json"
NOT_THERE = "not there yet"


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file as it was when it was put into the store."""

    name: str
    bytes: int
    sha256: str
    made_from: str | None = None
    """sha256 of the file that was fetched, if this one was made of it."""


def locate(name_or_path: str) -> Path:
    """The path of a model by its name, or of a file by its path.

    For a model of several files it is their folder. Sizes are compared, hashes are not (see
    `damage`), so that a call can start at once.

    Raises:
        WeightsError: it is missing or damaged; names the command that gets it.
    """
    registry = load_registry()
    if name_or_path in registry.models:
        return _located(registry.models[name_or_path])
    path = named_path(name_or_path)
    if path.exists():
        return path
    raise WeightsError(
        f'there is neither a model nor a file "{name_or_path}"; '
        f"{suggest(name_or_path, registry.models)}"
    )


def require_models(names_or_paths: Iterable[str]) -> None:
    """Check that all of those can be located.

    Raises:
        WeightsError: some cannot; names all of them, and the one command that gets them.
    """
    registry = load_registry()
    found = {name: registry.models.get(name) for name in names_or_paths}
    problems = {
        name: problem
        for name, entry in found.items()
        if entry is not None and (problem := damage(entry, thorough=False)) and not entry.local
    }
    if len(problems) > 1:
        shown = (n if what == NOT_THERE else f"{n} ({what})" for n, what in problems.items())
        # A set has a shorter name, and brings nothing that is not asked for.
        sets = (s for s, of in registry.sets.items() if set(problems) <= set(of) <= set(found))
        command = next(sets, " ".join(problems))
        raise WeightsError(
            f"{len(problems)} models are missing: {', '.join(shown)}; "
            f"get them with: voicecli models pull {command}"
        )
    for name in found:
        locate(name)


def _located(entry: Entry) -> Path:
    problem = damage(entry, thorough=False)
    if problem is None:
        return path_of(entry)
    if entry.local:
        raise WeightsError(f"{entry.name}: {problem}")
    raise WeightsError(f"{entry.name}: {problem}; get it with: voicecli models pull {entry.name}")


def folder_of(entry: Entry) -> Path:
    """The folder that holds the entry's files, whether or not they are there."""
    if entry.local:
        return named_path(entry.local.path).parent
    return models_folder() / entry.name


def path_of(entry: Entry) -> Path:
    """What an engine is given: the file, or the folder if the entry has several files."""
    if entry.local:
        return named_path(entry.local.path)
    folder = folder_of(entry)
    return folder / entry.kept_as(entry.files[0]) if len(entry.files) == 1 else folder


def size_of(entry: Entry) -> tuple[int, bool]:
    """The entry's size in bytes, and whether it is sure.

    It is once the files are here, or where the registry pins them; what it says of other files on
    the hub is what they had when somebody looked.
    """
    if entry.local:
        path = path_of(entry)
        return (path.stat().st_size if path.exists() else 0), True
    if records := read_receipt(entry):
        return sum(record.bytes for record in records.values()), True
    return entry.bytes, all(file.sha256 for file in entry.files)


def damage(entry: Entry, *, thorough: bool) -> str | None:
    """What is wrong with the entry's files, or None; `thorough` reads and hashes all of them."""
    if entry.local:
        return None if path_of(entry).exists() else f"{path_of(entry)} does not exist"
    records = read_receipt(entry)
    if records is None:
        return NOT_THERE
    for file in entry.files:
        record = records.get(entry.kept_as(file))
        if record is None or file.sha256 not in {None, record.made_from or record.sha256}:
            return "another version is there"
        if problem := _file_damage(folder_of(entry) / record.name, record, thorough=thorough):
            return problem
    return None


def _file_damage(path: Path, record: FileRecord, *, thorough: bool) -> str | None:
    try:
        size = path.stat().st_size
    except OSError:
        return f"{path.name} is missing"
    if size != record.bytes:
        return f"{path.name} has {size:,} bytes instead of {record.bytes:,}"
    if thorough and sha256_of(path) != record.sha256:
        return f"{path.name} is damaged (its sha256 is wrong)"
    return None


def discard(entry: Entry) -> None:
    """Remove the entry's files, unless they are the user's own."""
    if not entry.local:
        (folder_of(entry) / RECEIPT).unlink(missing_ok=True)  # first, so that none of it counts
        shutil.rmtree(folder_of(entry), ignore_errors=True)


def read_receipt(entry: Entry) -> dict[str, FileRecord] | None:
    """The entry's files as they were stored, by name; None if it never was, or unreadably so."""
    try:
        receipt = json.loads((folder_of(entry) / RECEIPT).read_text("utf-8"))
        return {record["name"]: FileRecord(**record) for record in receipt["files"]}
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_receipt(folder: Path, source: str, records: list[FileRecord]) -> None:
    """Write down what `folder` holds."""
    receipt = {"source": source, "files": [asdict(record) for record in records]}
    (folder / RECEIPT).write_text(json.dumps(receipt, indent=2) + "\n", "utf-8")
