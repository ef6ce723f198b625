"""A models folder of its own for each test, and stand-ins for the package index and the hub."""

import contextlib
import hashlib
import random
import threading
import time
import types
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from voicecli.models.registry import Entry, load_registry

COMMIT = "c" * 40


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty VOICECLI_HOME; entries for it are added with `register`."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("VOICECLI_HOME", str(folder))
    return folder


@pytest.fixture
def register(home: Path) -> Callable[..., Entry]:
    """Add an entry to the user's own registry: its source and its files, both as TOML."""

    def register(name: str, source: str, files: str = "") -> Entry:
        with (home / "registry.toml").open("a", encoding="utf-8") as file:
            file.write(f'[models."{name}"]\ntitle = "{name}"\nkind = "llm"\nlicence = "MIT"\n')
            file.write(f"{source}\n" + (f"files = [{files}]\n" if files else ""))
        return load_registry().find(name)

    return register


@pytest.fixture
def names_in(home: Path) -> Callable[[], set[str]]:
    """What the models folder holds besides its lock."""
    return lambda: {path.name for path in (home / "models").glob("*")} - {".lock"}


class Heard:
    """A listener that remembers; `at_progress` may interrupt."""

    def __init__(self, at_progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        self.events: list[str] = []
        self.wait_begun = threading.Event()
        self._at_progress = at_progress

    def waiting(self) -> None:
        self.events.append("waiting")
        self.wait_begun.set()

    def progress(self, entry: Entry, done: int, total: int) -> None:
        self._at_progress(done, total)

    def begins(self, total: int) -> None:
        self.total = total

    def finished(self, entry: Entry, size: int, origin: object) -> None:
        self.origin = str(origin)
        self.events.append(f"finished {entry.name} {size}")


@pytest.fixture
def listen() -> type[Heard]:
    return Heard


@pytest.fixture
def content() -> bytes:
    """What the weights in these tests consist of."""
    return random.Random(1).randbytes(600_000)  # noqa: S311 - must not compress, that is all


@pytest.fixture
def pinned(content: bytes) -> str:
    """The registry's line for a file of that content."""
    sha256 = hashlib.sha256(content).hexdigest()
    return f'{{ name = "w.bin", bytes = {len(content)}, sha256 = "{sha256}" }}'


@pytest.fixture
def wheel(tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel `tiny-weights 1.0` that holds tiny/data/w.bin, in the only folder pip may look."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    path = folder / "tiny_weights-1.0-py3-none-any.whl"
    info = "tiny_weights-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny/data/w.bin", content)
        metadata = "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"
        archive.writestr(f"{info}/METADATA", metadata + "Requires-Dist: not-to-be-fetched\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_RETRIES", "0")
    return path


@pytest.fixture
def wheel_source(wheel: Path) -> str:
    size = wheel.stat().st_size
    return (
        'wheel = { package = "tiny-weights", version = "1.0", folder = "tiny/data", '
        f"download_bytes = {size} }}"
    )


class _Handler(BaseHTTPRequestHandler):
    """One connection to a FileServer."""

    owner: "FileServer"
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, *_args: object) -> None:
        pass

    def _answer(self, *, body: bool) -> None:
        wanted = self.headers.get("Range", "")
        self.owner.requests.append((self.command, self.path, wanted))
        self.owner.tokens[self.path] = self.headers.get("Authorization", "")
        path = self.path.removeprefix("/cdn")
        if path not in self.owner.files:
            self._head(404, {"X-Error-Code": "EntryNotFound", "Content-Length": "0"})
        elif "/resolve/" in self.path and not self.path.startswith("/cdn"):
            self._redirect(path)
        else:
            self._send(self.owner.files[path], wanted, body=body)

    def _redirect(self, path: str) -> None:
        headers = {
            "Location": f"{self.owner.cdn}{path}",
            "X-Repo-Commit": COMMIT,
            "X-Linked-Etag": f'"{self.owner.etags[path]}"',
            "X-Linked-Size": str(len(self.owner.files[path])),
            "Content-Length": "0",
        }
        self._head(302, headers)

    def _send(self, content: bytes, wanted: str, *, body: bool) -> None:
        start = int(wanted.removeprefix("bytes=").removesuffix("-") or 0)
        part = content[start:]
        headers = {"Content-Length": str(len(part)), "Content-Type": "text/html"}
        if wanted:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._head(206 if wanted else 200, headers)
        if body:
            self._write(part)

    def _write(self, part: bytes) -> None:
        if self.owner.cut_after is not None:
            self.wfile.write(part[: self.owner.cut_after])
            self.owner.cut_after = None
            self.close_connection = True
            return
        first = len(part) if self.owner.hold_after is None else self.owner.hold_after
        self.wfile.write(part[:first])
        self.wfile.flush()
        if first < len(part):
            self.owner.held.set()
            self.owner.release.wait(30)
            self.wfile.write(part[first:])

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def handle(self) -> None:
        # Some of these tests interrupt the client.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            super().handle()


class FileServer:
    """Serves files on 127.0.0.1 as the hub and a wheel index do, and misbehaves when told to."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        """By path; what is under a repository's path is redirected to as the hub does."""
        self.etags: dict[str, str] = {}
        self.requests: list[tuple[str, str, str]] = []
        """Method, path and Range of each request."""
        self.tokens: dict[str, str] = {}
        """The last Authorization header by path."""
        self.cut_after: int | None = None
        """Close the connection after so many bytes of a body, once."""
        self.hold_after: int | None = None
        """Send so many bytes of a body, then wait for `release`."""
        self.held, self.release = threading.Event(), threading.Event()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.cdn = f"http://localhost:{self._server.server_port}/cdn"  # files lie on another host
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def add(self, repo: str, name: str, content: bytes, revision: str = "main") -> None:
        path = f"/{repo}/resolve/{revision}/{name}"
        self.files[path] = content
        self.etags[path] = hashlib.sha256(content).hexdigest()

    def bodies_sent(self) -> list[str]:
        """The Range of each request for a body, "" for the whole."""
        return [r for method, path, r in self.requests if method == "GET" and "/cdn" in path]

    def close(self) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[FileServer]:
    server = FileServer()
    yield server
    server.close()


@pytest.fixture
def hub(server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileServer:
    """The Hugging Face hub, as far as this process and the programs it starts can tell."""
    from huggingface_hub import constants, file_download  # noqa: PLC0415 - slow to load

    cache = tmp_path / "hub-cache"
    for name, value in {
        "HF_ENDPOINT": server.url,
        "HF_HUB_CACHE": str(cache),
        "HF_TOKEN": "hf_test",
        "NO_PROXY": "127.0.0.1,localhost",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    # Written to disk in small steps, so that a small file can be cut off in the middle.
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 10_000)
    awake = types.SimpleNamespace(**{**vars(time), "sleep": lambda seconds: None})
    monkeypatch.setattr(file_download, "time", awake)  # it sleeps before it tries again
    return server
