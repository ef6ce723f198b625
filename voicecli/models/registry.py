"""What weights there are and where each comes from; changes with the form of the registry file."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from voicecli.errors import WeightsError
from voicecli.models.home import home
from voicecli.tables import Place, build, read_toml, suggest

Kind: TypeAlias = Literal["vad", "asr", "turn_detector", "llm", "tts"]


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """One file of an entry."""

    name: str
    """Path inside the source's folder or repository, and inside the entry's own folder."""
    bytes: int | None = field(default=None, metadata={"range": (1, None)})
    sha256: str | None = None
    """Pinned hash; None: the source's own is checked and recorded."""


@dataclass(frozen=True, slots=True)
class WheelSource:
    """A folder inside a wheel on the package index."""

    package: str
    version: str
    folder: str
    download_bytes: int
    """Size of the wheel itself."""

    def __str__(self) -> str:
        return f"wheel {self.package} {self.version}"


@dataclass(frozen=True, slots=True)
class HubSource:
    """A repository on the Hugging Face hub."""

    repo: str
    revision: str = "main"

    def __str__(self) -> str:
        return f"Hugging Face {self.repo}"


@dataclass(frozen=True, slots=True)
class LocalSource:
    """A file on this machine, used where it lies."""

    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class Entry:
    """One model: what it is, its licence, its files and their source (exactly one is set)."""

    title: str
    kind: Kind
    licence: str
    name: str = ""
    files: tuple[WeightsFile, ...] = ()
    wheel: WheelSource | None = None
    huggingface: HubSource | None = None
    local: LocalSource | None = None

    def __post_init__(self) -> None:
        sources = [s for s in (self.wheel, self.huggingface, self.local) if s is not None]
        if len(sources) != 1:
            raise ValueError("needs exactly one source: wheel, huggingface or local")
        if self.local is None and not self.files:
            raise ValueError("needs at least one of files")
        if self.wheel and not all(file.bytes and file.sha256 for file in self.files):
            raise ValueError("files of a wheel need bytes and sha256")
        if any(
            Path(file.name).is_absolute() or ".." in Path(file.name).parts for file in self.files
        ):
            raise ValueError("names of files must stay inside the entry's folder")

    @property
    def source(self) -> WheelSource | HubSource | LocalSource:
        """Where the files come from."""
        source = self.wheel or self.huggingface or self.local
        assert source is not None  # noqa: S101 - __post_init__ has seen to it
        return source

    @property
    def bytes(self) -> int:
        """Size of all files on disk, as far as it is known beforehand."""
        return sum(file.bytes or 0 for file in self.files)


@dataclass(frozen=True, slots=True)
class Registry:
    """All models and the named sets of them."""

    models: Mapping[str, Entry]
    sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def find(self, name: str) -> Entry:
        """The entry of that name.

        Raises:
            WeightsError: there is none; names near matches.
        """
        if name not in self.models:
            raise WeightsError(f'there is no model "{name}"; {suggest(name, self.models)}')
        return self.models[name]

    def expand(self, names: Iterable[str]) -> tuple[Entry, ...]:
        """The entries of models and sets of models, each once, in the order given.

        Raises:
            WeightsError: a name is neither; names near matches.
        """
        found: dict[str, Entry] = {}
        for name in names:
            if name not in self.sets and name not in self.models:
                valid = [*self.models, *self.sets]
                raise WeightsError(f'there is no model or set "{name}"; {suggest(name, valid)}')
            for member in self.sets.get(name, (name,)):
                found[member] = self.find(member)
        return tuple(found.values())


def load_registry() -> Registry:
    """The packaged registry with the user's own `registry.toml`, if any, laid over it.

    Raises:
        WeightsError: the user's file is wrong; names file, table and key.
    """
    registry = _read(Path(__file__).with_name("registry.toml"))
    own = home() / "registry.toml"
    if not own.is_file():
        return registry
    users = _read(own)
    return Registry({**registry.models, **users.models}, {**registry.sets, **users.sets})


def _read(path: Path) -> Registry:
    tables, _ = read_toml(path, WeightsError)
    registry = build(Registry, tables, Place(str(path), WeightsError))
    named = {name: dataclasses.replace(e, name=name) for name, e in registry.models.items()}
    return dataclasses.replace(registry, models=named)
