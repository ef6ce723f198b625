"""Fetches weights from the Hugging Face hub.

Only the library talks to the hub, so HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE and HF_HUB_CACHE mean
what its users expect. Its own download throws a cut-off file away; its `http_get` can continue one,
so that is what is used: a partial file is kept under the hash it will have.
"""

import errno
import io
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers, disable_progress_bars

from voicecli.models.files import git_hash_of, require_space, sha256_of
from voicecli.models.registry import HubSource, WeightsFile
from voicecli.models.sources.job import Job

_ANSWER_SECONDS = 5
"""A hub that has not answered by then is out of reach: there may be another source."""
_HASHES = {64: sha256_of, 40: git_hash_of}
"""The hash that the hub's etag is, by its length: of large files sha256, of small ones git's."""
_UNSTATED_MOST = 1 << 20
"""Bytes of a file whose size neither the hub states nor the registry pins."""


def fetch(job: Job, source: HubSource) -> dict[str, str]:
    """Put the entry's files into the job's folder and return their sha256 by name.

    Raises:
        WeightsError: the hub cannot be reached, has no such file, or a hash is wrong.
        StorageError: there is too little room.
    """
    return {file.name: _fetch_file(job, source, file) for file in job.entry.files}


def _fetch_file(job: Job, source: HubSource, file: WeightsFile) -> str:
    cached = try_to_load_from_cache(source.repo, file.name, revision=source.revision)
    blob = _blob(Path(cached)) if isinstance(cached, str) else None
    url = hf_hub_url(source.repo, file.name, revision=source.revision)
    try:
        metadata = get_hf_file_metadata(url, timeout=_ANSWER_SECONDS)
    except Exception as problem:  # edge: which errors its HTTP library raises differs by version
        if blob is None:
            raise job.failed(_reason(problem)) from problem
        etag, size = blob.name, 0  # out of reach: the user's own copy will do
    else:
        etag, size = metadata.etag or "", metadata.size or 0
    # The etag names a file here, and a mirror may state anything.
    if len(etag) not in _HASHES or not re.fullmatch(r"[0-9a-f]+", etag):
        raise job.failed(f"it states no hash of {file.name} that could be checked")
    partial = job.scratch / etag
    if blob is not None and blob.name == etag:
        require_space(job.scratch, blob.stat().st_size, job.entry.name)
        shutil.copyfile(blob, partial)
    else:
        if file.sha256 and file.bytes and size > file.bytes:
            raise job.failed(f"it states {size} bytes of {file.name}, which has {file.bytes}")
        _download(job, url, partial, size or (file.bytes if file.sha256 else 0) or 0)
    return _accept(job, file, partial, etag)


def _blob(cached: Path) -> Path | None:
    """The file behind a name in the user's hub cache; the library calls it by its etag."""
    # One step only: newer libraries link that file on to a store that names files otherwise.
    return cached.parent / cached.readlink() if cached.is_symlink() else None


def _download(job: Job, url: str, partial: Path, size: int) -> None:
    """Download into `partial`, going on from what is there; `size` is 0 if the hub did not say."""
    disable_progress_bars()  # ours says which model it is
    most = size or _UNSTATED_MOST
    with _Counted(partial, lambda here: job.progress(here, size), most) as file:
        if file.tell() > size:  # no beginning of this file, whatever it is
            file.truncate(0)
        require_space(job.scratch, size - file.tell(), job.entry.name)
        try:
            http_get(
                url,
                file,  # pyright: ignore[reportArgumentType] - a raw file is as good as a buffered one
                resume_size=file.tell(),
                headers=build_hf_headers(),
                expected_size=size or None,
            )
        except Exception as problem:  # edge: as above
            if isinstance(problem, OSError) and problem.errno == errno.ENOSPC:
                raise
            raise job.failed(_reason(problem)) from problem
        finally:
            if file.too_many:
                partial.unlink()


def _accept(job: Job, file: WeightsFile, path: Path, etag: str) -> str:
    """Move a downloaded file to its place if it is what the hub, and the registry, say it is."""
    found = _HASHES[len(etag)](path)
    if found != etag:
        path.unlink()
        raise job.refuse(file, found, etag)
    path = path.replace(job.place(file))
    return sha256_of(path)


def _reason(problem: BaseException) -> str:
    """The first line of what the library says, which goes on about its own arguments."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(problem).__name__


class _Counted(io.FileIO):
    """A file opened to be continued that tells how long it is after each write.

    Raises:
        ValueError: on a write, there would be more than `most` bytes.
    """

    def __init__(self, path: Path, told: Callable[[int], None], most: int) -> None:
        super().__init__(path, "ab")
        self._told, self._most = told, most
        self.too_many = False

    def write(self, data: object) -> int:
        self.too_many = self.tell() + len(data) > self._most  # pyright: ignore[reportArgumentType]
        if self.too_many:
            raise ValueError(f"it sends more than the {self._most} bytes of the file")
        written = super().write(data)  # pyright: ignore[reportArgumentType]
        self._told(self.tell())
        return written
