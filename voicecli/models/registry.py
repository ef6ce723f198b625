"""What weights there are and where each comes from."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal, TypeAlias

from voicecli.errors import WeightsError
from voicecli.paths import home
from voicecli.toml_schema import Place, build, read_toml, suggest

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
class Quantized:
    """What is made of a language model's file when it has been fetched, and kept instead."""

    to: Literal["Q4_0"]
    """All weights in this type, for which llama.cpp has the fastest kernels on a CPU."""
    name: str
    """The file's name."""
    bytes: int = field(metadata={"range": (1, None)})


@dataclass(frozen=True, slots=True)
class WheelSource:
    """Files, or pieces of them, inside a wheel on the package index."""

    package: str
    version: str
    download_bytes: int
    """Size of the wheel itself."""
    folder: str = ""
    """Where in the wheel all files lie, by their own names."""
    members: Mapping[str, str] = field(default_factory=dict)
    """Or else: a file's name -> its path in the wheel."""

    def __post_init__(self) -> None:
        if bool(self.folder) == bool(self.members):
            raise ValueError("a wheel needs either folder or members")

    def __str__(self) -> str:
        return f"wheel {self.package} {self.version}"

    def member(self, file: str) -> str | None:
        """The path in the wheel of a file, or of a piece of it; None: it has none of it."""
        if self.folder:
            return str(PurePosixPath(self.folder) / file)
        return self.members.get(file)


@dataclass(frozen=True, slots=True)
class Wheels:
    """One wheel or several; a file of which several have a piece is joined in their order."""

    wheels: tuple[WheelSource, ...]

    def __str__(self) -> str:
        first, last = self.wheels[0], self.wheels[-1]
        if len(self.wheels) == 1:
            return str(first)
        versions = dict.fromkeys(wheel.version for wheel in self.wheels)
        return f"{len(self.wheels)} wheels, {first.package} to {last.package} {', '.join(versions)}"


@dataclass(frozen=True, slots=True)
class HubSource:
    """A repository on the Hugging Face hub."""

    repo: str
    revision: str = "main"

    def __str__(self) -> str:
        return f"Hugging Face {self.repo}"


Origin: TypeAlias = Wheels | HubSource
"""What a pull may fetch from."""


@dataclass(frozen=True, slots=True)
class LocalSource:
    """A file on this machine, used where it lies."""

    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class Alternative:
    """One of several sources of the same files; exactly one field is set."""

    wheels: tuple[WheelSource, ...] = ()
    huggingface: HubSource | None = None

    def __post_init__(self) -> None:
        if bool(self.wheels) == (self.huggingface is not None):
            raise ValueError("needs either wheels or huggingface")


@dataclass(frozen=True, slots=True)
class EndOfTurn:
    """How to read a language model's opinion that a turn ends: keys of `llm_next_token`."""

    scale: float
    offset: float


@dataclass(frozen=True, slots=True)
class Entry:
    """One model: what it is, its licence, its files and where they come from.

    Either one source (`wheel`, `huggingface` or `local`), or `sources`, of which the first that
    answers is taken.
    """

    title: str
    kind: Kind
    licence: str
    name: str = ""
    languages: tuple[str, ...] = ()
    """Codes of those that it knows, if it is made for few; empty: many, or it has none."""
    files: tuple[WeightsFile, ...] = ()
    wheel: WheelSource | None = None
    huggingface: HubSource | None = None
    local: LocalSource | None = None
    sources: tuple[Alternative, ...] = ()
    end_of_turn: EndOfTurn | None = None
    """Fitted to this model; None: to nobody's knowledge."""
    end_of_turn_after_examples: EndOfTurn | None = None
    """The same where it is shown examples first, after which it finds all ends likelier."""
    quantized: Quantized | None = None

    def __post_init__(self) -> None:
        given = (self.wheel, self.huggingface, self.local, self.sources)
        if sum(bool(source) for source in given) != 1:
            raise ValueError("needs exactly one source: wheel, huggingface, local or sources")
        if self.local is None and not self.files:
            raise ValueError("needs at least one of files")
        if self.quantized and len(self.files) != 1:
            raise ValueError("one file can be quantized, not several")
        for source in self.origins:
            self._check_wheels(source)
        names = [Path(file.name) for file in (*self.files, *filter(None, [self.quantized]))]
        if any(name.is_absolute() or ".." in name.parts for name in names):
            raise ValueError("names of files must stay inside the entry's folder")

    def _check_wheels(self, source: Origin | LocalSource) -> None:
        if not isinstance(source, Wheels):
            return
        if not all(file.bytes and file.sha256 for file in self.files):
            raise ValueError("files of a wheel need bytes and sha256")
        for file in self.files:
            if not any(wheel.member(file.name) for wheel in source.wheels):
                raise ValueError(f"no wheel has {file.name}")

    @property
    def origins(self) -> tuple[Origin | LocalSource, ...]:
        """Where the files come from, to be tried in this order."""
        if self.wheel:
            return (Wheels((self.wheel,)),)
        if only := self.huggingface or self.local:
            return (only,)
        return tuple(each.huggingface or Wheels(each.wheels) for each in self.sources)

    @property
    def fetched_bytes(self) -> int:
        """Size of all files that are fetched, as far as it is known beforehand."""
        return sum(file.bytes or 0 for file in self.files)

    @property
    def bytes(self) -> int:
        """Size of all files that are kept, likewise."""
        return self.quantized.bytes if self.quantized else self.fetched_bytes

    def kept_as(self, file: WeightsFile) -> str:
        """The name that a file of this entry has in the store."""
        return self.quantized.name if self.quantized else file.name


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
