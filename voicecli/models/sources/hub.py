"""Fetches weights from the Hugging Face hub; changes with the hub library's interface.

Only the library talks to the hub, so HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE and HF_HUB_CACHE mean
what its users expect. Its own download throws a cut-off file away; its `http_get` can continue one,
so that is what is used: a partial file is kept under the hash it will have.
"""

import io
import shutil
from collections.abc import Callable
from pathlib import Path

from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers, disable_progress_bars

from voicecli.models.digest import git_hash_of, sha256_of
from voicecli.models.registry import HubSource, WeightsFile
from voicecli.models.sources.job import Job
from voicecli.models.space import require_space


def download_bytes(_source: HubSource) -> int:
    """Room that the download takes besides the finished files: partial files become them."""
    return 0


def fetch(job: Job, source: HubSource) -> dict[str, str]:
    """Put the entry's files into the job's folder and return their sha256 by name.

    Raises:
        WeightsError: the hub cannot be reached, has no such file, or a hash is wrong.
        StorageError: there is too little room.
    """
    return {file.name: _fetch_file(job, source, file) for file in job.entry.files}


def _fetch_file(job: Job, source: HubSource, file: WeightsFile) -> str:
    cached = try_to_load_from_cache(source.repo, file.name, revision=source.revision)
    try:
        url = hf_hub_url(source.repo, file.name, revision=source.revision)
        metadata = get_hf_file_metadata(url)
    except Exception as problem:
        if not isinstance(cached, str):
            raise job.failed(_reason(problem)) from problem
        etag = Path(cached).resolve().name  # the library names its blobs by their etag
    else:
        etag, size = metadata.etag or "", metadata.size or file.bytes or 0
        if not isinstance(cached, str) or Path(cached).resolve().name != etag:
            partial = job.scratch / (etag or Path(file.name).name)
            require_space(job.scratch, size, job.entry.name)
            _download(job, url, partial, size)
            return _accept(job, file, partial, etag)
    copy = job.scratch / etag
    shutil.copyfile(cached, copy)
    return _accept(job, file, copy, etag)


def _download(job: Job, url: str, partial: Path, size: int) -> None:
    disable_progress_bars()  # ours says which model it is
    with _Counted(partial, lambda here: job.progress(here, size)) as file:
        try:
            http_get(
                url,
                file,  # pyright: ignore[reportArgumentType] - a raw file writes whole chunks to disk
                resume_size=file.tell(),
                headers=build_hf_headers(),
                expected_size=size or None,
            )
        except OSError as problem:
            raise job.failed(_reason(problem)) from problem
        except Exception as problem:
            raise job.failed(_reason(problem)) from problem


def _accept(job: Job, file: WeightsFile, path: Path, etag: str) -> str:
    """Move a downloaded file to its place if it is what the hub, and the registry, say it is."""
    sha256 = sha256_of(path)
    # Large files have their sha256 as etag, small ones the hash that git gives them.
    expected_of_hub = {64: sha256, 40: git_hash_of(path)}.get(len(etag), etag)
    if etag != expected_of_hub:
        path.unlink()
        raise job.refuse(file, expected_of_hub, etag)
    path.replace(job.place(file))
    return sha256


def _reason(problem: BaseException) -> str:
    """The first line of what the library says, which goes on about its own arguments."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(problem).__name__


class _Counted(io.FileIO):
    """A file opened to be continued that tells how long it is after each write."""

    def __init__(self, path: Path, told: Callable[[int], None]) -> None:
        super().__init__(path, "ab")
        self._told = told

    def write(self, data: object) -> int:
        written = super().write(data)  # pyright: ignore[reportArgumentType]
        self._told(self.tell())
        return written
