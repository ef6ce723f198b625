"""A phone line as a TOML file describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from telephony_sim import parts, settings
from telephony_sim.errors import LineError, SettingError, UnknownNameError
from telephony_sim.text_file import read_toml

Direction = Literal["uplink", "downlink"]
DIRECTIONS: tuple[Direction, ...] = ("uplink", "downlink")
# Key in TOML: the kind of part it names, and what is used where a line says nothing.
_ENDS = {
    "codec": ("codecs", "ulaw"),
    "jitter_buffer": ("jitter_buffers", "adaptive"),
    "concealment": ("concealments", "appendix_i"),
}
PRESETS = Path(__file__).parents[1] / "profiles" / "lines"


@dataclass(frozen=True, slots=True)
class Part:
    """A named part of a line with its validated settings."""

    kind: str
    name: str
    settings: Any

    def build(self, rng: Any) -> Any:
        """The part, ready for one call."""
        return parts.load(self.kind, self.name).build(self.settings, rng)


@dataclass(frozen=True, slots=True)
class PathSpec:
    """One direction of a line: the chain in order, and what stands at its two ends."""

    chain: tuple[Part, ...]
    codec: Part
    jitter_buffer: Part
    concealment: Part


@dataclass(frozen=True, slots=True)
class LineSpec:
    """A phone line: `uplink` from the caller to the agent, `downlink` back."""

    name: str
    description: str
    uplink: PathSpec
    downlink: PathSpec


def line_names() -> list[str]:
    """The lines that ship with the program, by file name."""
    return sorted(path.stem for path in PRESETS.glob("*.toml"))


def load_line(path_or_name: str | Path) -> LineSpec:
    """The line of that name, or in that TOML file.

    Raises UnknownNameError for a line that does not exist, SettingError (file, table, key and
    allowed range) for what is wrong in it, LineError for a file that is not TOML.
    """
    path = Path(path_or_name)
    if path.suffix != ".toml":
        if str(path_or_name) not in line_names():
            known = ", ".join(line_names())
            raise UnknownNameError(
                f"there is no line {str(path_or_name)!r}; there are: {known} (or name a .toml file)"
            )
        path = PRESETS / f"{path_or_name}.toml"
    try:
        document, _ = read_toml(path)
    except OSError as error:
        raise LineError(f"cannot read the line {path}: {error.strerror}") from error
    except ValueError as error:
        raise LineError(f"{path}: {error}") from error
    return parse_line(document, path)


def parse_line(document: Mapping[str, Any], path: Path) -> LineSpec:
    """The line that a TOML document describes; `path` is named in errors and gives the folder."""
    for key in document.keys() - {"description", *DIRECTIONS}:
        raise SettingError(
            key, "is not a key here; the keys are: description, uplink, downlink", str(path)
        )
    description = document.get("description", "")
    if not isinstance(description, str):
        raise SettingError("description", f"is {description!r}; it must be text", str(path))
    uplink, downlink = (_path(document.get(name, {}), path, name) for name in DIRECTIONS)
    return LineSpec(path.stem, description, uplink, downlink)


def _path(table: Any, path: Path, direction: Direction) -> PathSpec:
    where = f"{path} [{direction}]"
    if not isinstance(table, dict):
        raise SettingError(direction, "must be a table", str(path))
    body = cast("dict[str, Any]", table)
    for key in body.keys() - {"chain", *_ENDS}:
        raise SettingError(
            key, f"is not a key here; the keys are: chain, {', '.join(_ENDS)}", where
        )
    chain = body.get("chain", [])
    if not isinstance(chain, list):
        raise SettingError("chain", f"must be an array of tables: [[{direction}.chain]]", where)
    stages = tuple(
        _part("degradations", stage, f"{path} [[{direction}.chain]] no. {number}", path.parent)
        for number, stage in enumerate(cast("list[Any]", chain), 1)
    )
    codec, jitter_buffer, concealment = (
        _part(kind, body.get(key, {"use": default}), f"{path} [{direction}.{key}]", path.parent)
        for key, (kind, default) in _ENDS.items()
    )
    return PathSpec(stages, codec, jitter_buffer, concealment)


def _part(kind: str, table: Any, where: str, folder: Path) -> Part:
    if not isinstance(table, dict):
        raise SettingError(parts.KINDS[kind], "must be a table", where)
    body = cast("dict[str, Any]", table)
    name = body.get("use")
    if not isinstance(name, str):
        raise SettingError(
            "use", f"must name a {parts.KINDS[kind]}: {', '.join(parts.names(kind))}", where
        )
    try:
        module = parts.load(kind, name)
    except UnknownNameError as error:
        raise UnknownNameError(f"{where}: {error}") from None
    keys = {key: value for key, value in body.items() if key != "use"}
    return Part(kind, name, settings.read(module.Settings, keys, f"{where} ({name})", folder))
