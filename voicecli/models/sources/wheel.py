"""Takes weights out of a wheel on the package index.

pip itself downloads, so the user's index, proxy, certificate and cache settings apply. Nothing is
installed and no dependency is fetched: the wheel is read as a zip file.
"""

import contextlib
import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import threading
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from voicecli.models.files import copy_onto
from voicecli.models.registry import WeightsFile, Wheels, WheelSource
from voicecli.models.sources.job import Job

SIDE_BY_SIDE = 3
"""Wheels that are downloaded at a time."""
_POLL_SECONDS = 0.1


def download_bytes(origin: Wheels) -> int:
    """Room that the downloads take besides the finished files."""
    return sum(each.download_bytes for each in origin.wheels if not _installed(each))


def fetch(job: Job, wheels: Sequence[WheelSource]) -> dict[str, str]:
    """Put the entry's files into the job's folder and return their sha256 by name.

    Several wheels are downloaded side by side; one that was downloaded whole before a pull broke
    off is not downloaded again.

    Raises:
        WeightsError: pip failed, or a file is missing or has the wrong hash.
    """
    progress = _Progress(job, wheels)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        downloads = [pool.submit(_open, job, each, progress) for each in wheels]
        try:
            opened = [download.result() for download in downloads]
        except BaseException:
            progress.stop.set()  # the other downloads end, too
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    hashes = {file.name: _join(job, file, wheels, opened) for file in job.entry.files}
    shutil.rmtree(job.scratch, ignore_errors=True)
    return hashes


class _Progress:
    """Adds up what several downloads have, and tells them when to give up."""

    def __init__(self, job: Job, wheels: Sequence[WheelSource]) -> None:
        self._job = job
        self._total = sum(each.download_bytes for each in wheels)
        self._done: dict[str, int] = {}
        self._lock = threading.Lock()
        self.stop = threading.Event()

    def have(self, wheel: WheelSource, count: int) -> None:
        """So many bytes of a wheel are here."""
        with self._lock:
            self._done[wheel.package] = min(count, wheel.download_bytes)
            self._job.progress(sum(self._done.values()), self._total)


def _installed(source: WheelSource) -> importlib.metadata.Distribution | None:
    """The very version of the package, if this Python has it."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        distribution = importlib.metadata.distribution(source.package)
        if distribution.version == source.version:
            return distribution
    return None


def _open(job: Job, source: WheelSource, progress: _Progress) -> Path:
    """Where the wheel's files are: the folder it is installed in, or the wheel itself."""
    if distribution := _installed(source):
        return Path(str(distribution.locate_file("")))
    kept = list((job.scratch / source.package).glob("*.whl"))
    wheel = kept[0] if kept else _download(job, source, progress)
    progress.have(source, source.download_bytes)
    return wheel


def _join(
    job: Job, file: WeightsFile, wheels: Sequence[WheelSource], opened: Sequence[Path]
) -> str:
    """Write the file from its pieces, in order, a chunk at a time; its sha256."""
    digest = hashlib.sha256()
    with job.place(file).open("wb") as target:
        for source, place in zip(wheels, opened, strict=True):
            if member := source.member(file.name):
                with _piece(job, source, place, member) as stream:
                    copy_onto(stream, target, digest, file.bytes or 0)
    if digest.hexdigest() != file.sha256:
        shutil.rmtree(job.scratch, ignore_errors=True)  # going on from it would end the same way
    return digest.hexdigest()


@contextlib.contextmanager
def _piece(job: Job, source: WheelSource, place: Path, member: str) -> Iterator[IO[bytes]]:
    if place.is_dir():
        try:
            with (place / member).open("rb") as stream:
                yield stream
        except FileNotFoundError:
            raise job.failed(f"the installed {source.package} has no {member}") from None
        return
    try:
        with zipfile.ZipFile(place) as archive, archive.open(member) as stream:
            yield stream
    except KeyError:
        _drop(place)
        raise job.failed(f"{source} does not hold the expected files") from None
    except (zipfile.BadZipFile, zlib.error):  # also while it is read
        _drop(place)
        raise job.failed("what pip downloaded is damaged") from None


def _drop(wheel: Path) -> None:
    """It is not what it should be: the next attempt downloads it again."""
    shutil.rmtree(wheel.parent, ignore_errors=True)


def _download(job: Job, source: WheelSource, progress: _Progress) -> Path:
    """Let pip download the wheel into the job's scratch folder."""
    folder = job.scratch / source.package
    temporary, log = folder / "tmp", folder / "pip.log"
    temporary.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"),
        *("download", "--no-deps", "--only-binary=:all:", "--ignore-requires-python"),
        *("--progress-bar=off", f"--dest={folder}", f"{source.package}=={source.version}"),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            # pip tells a program no bytes: we watch the file grow where pip keeps it meanwhile.
            env={**os.environ, "TMPDIR": str(temporary)},
        )
        try:
            _watch(process, temporary, source, progress)
        finally:  # Ctrl-C as well: pip must be gone before its folder is
            if process.poll() is None:
                process.terminate()
            process.wait()
            wheels = list(folder.glob("*.whl"))
            why = "" if process.returncode == 0 and len(wheels) == 1 else _last_error(log)
            if why:  # pip cannot go on with part of a wheel
                shutil.rmtree(folder, ignore_errors=True)
            else:
                shutil.rmtree(temporary, ignore_errors=True)
                log.unlink(missing_ok=True)
    if why:
        raise job.failed(why)
    return wheels[0]


def _watch(
    process: "subprocess.Popen[bytes]", folder: Path, source: WheelSource, progress: _Progress
) -> None:
    while not progress.stop.is_set():
        try:
            process.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            progress.have(source, _largest_file(folder))
        else:
            return


def _largest_file(folder: Path) -> int:
    """Bytes of the largest file below a folder in which another program works."""
    largest = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # gone meanwhile
                largest = max(largest, (Path(path) / name).stat().st_size)
    return largest


def _last_error(log: Path) -> str:
    """pip's own last word on what went wrong."""
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    if errors:
        return f"pip says: {errors[-1]}"
    return next((f"pip says: {line}" for line in reversed(lines) if line), "pip failed silently")
