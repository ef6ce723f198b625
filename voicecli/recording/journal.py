"""A call's journal as a file of JSON lines.

The first line is a header, each further line one entry: `{"at":…,"event":"FrameScored",…}` or
`{"at":…,"command":"PlayClause",…,"reason":{"rule":…,"numbers":{…}}}`. The fields are those of the
core's dataclasses, in their order, so a new event, command or decision needs no change here. A
journal of version 1, which had a decision's facts in its reason, is read as if it were of this one.

Two more kinds of line: `{"metadata":{…}}` adds to the header what became known later, and the last
one says whether that was all: `{"complete":true}` or `{"partial":true}`. A journal whose header
promises such a line (`"open":true`) and that has none is of a call that was killed, or still goes
on: what it holds is right, and the reader marks it as partial.
"""

import builtins
import collections.abc
import hashlib
import json
import os
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, NoReturn, Self, TypeAlias, cast, get_args, get_type_hints

from pipelines.turn_taking.commands import Command
from pipelines.turn_taking.events import Event
from pipelines.turn_taking.journal import Entry, Issued
from voicecli.errors import InputError, StorageError
from voicecli.foreign import escaped
from voicecli.private import open_new
from voicecli.recording.journal_v1 import upgraded

VERSION: Final = 2
_READ: Final = range(1, VERSION + 1)
_EVENTS: Final = {kind.__name__: kind for kind in get_args(Event)}
_COMMANDS: Final = {kind.__name__: kind for kind in get_args(Command)}
_MOST_FLOAT: Final = sys.float_info.max
_LONGEST_TEXT: Final = 200_000
_LONGEST_NAME: Final = 4096
_RATES: Final = range(4_000, 384_001)
_FLUSH_BYTES: Final = 65_536
_LONGEST_HEADER: Final = 1 << 20
_TAIL_BYTES: Final = 1 << 16
_METADATA: Final = b'{"metadata":'
_LAST_LINES: Final = {b'{"partial":true}': True, b'{"complete":true}': False}
_encode: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode

Check: TypeAlias = Callable[[Any], Any]
"""Turns a JSON value into that of a field; raises ValueError saying what was expected."""


@dataclass(frozen=True, slots=True)
class JournalHeader:
    """What the first line says about the call."""

    profile: str
    rate: int
    """Sample rate of the line in Hz."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Anything else worth keeping, as JSON values."""
    partial: bool = False
    """The call was broken off: what the journal holds is right, but it is not all."""


def encode(entry: Entry) -> str:
    """One entry as a canonical JSON line, without the line's end."""
    if isinstance(entry, Issued):
        row: dict[str, Any] = {"at": entry.at, "command": type(entry.command).__name__}
        source: Any = entry.command
    else:
        row = {"at": entry.at, "event": type(entry).__name__}
        source = entry
    for name, dump in _dumpers(type(source)):
        value = getattr(source, name)
        row[name] = value if dump is None else dump(value)
    return _dumps(row)


def decode(line: str | bytes, version: int = VERSION) -> Entry:
    """The entry of one line; ValueError says what is wrong with it."""
    row = _object(line)
    if version == 1:
        row = upgraded(row)
    try:
        at = _int(row.pop("at"))
    except KeyError:
        raise ValueError("the key 'at' is missing") from None
    if "event" in row:
        kind = _known(_EVENTS, row.pop("event"), "event")
        return _build(kind, {"at": at, **row})
    if "command" in row:
        kind = _known(_COMMANDS, row.pop("command"), "command")
        return Issued(at, _build(kind, row))
    raise ValueError("it has neither the key 'event' nor 'command'")


def journal_hash(entries: Iterable[Entry]) -> str:
    """SHA-256, in hex, of the canonical lines: equal for two runs that went the same way."""
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(_bytes(encode(entry)))
    return digest.hexdigest()


class JournalWriter:
    """Writes a journal that can be read at any moment; until it is closed it counts as partial.

    As a context manager it marks the journal as partial if the block is left by an exception
    (Ctrl-C included). Every method raises StorageError if the disk refuses; nothing is lost by
    that, and the next `flush` tries again.
    """

    def __init__(self, path: Path, header: JournalHeader) -> None:
        self._path = path
        self._partial = header.partial
        self._pending = bytearray()
        with storing(path):
            self._file = open_new(path)
        self._write(_dumps({**_header_row(header), "open": True}))

    def append(self, entry: Entry) -> None:
        """Add one entry; it reaches the disk with `flush` or `close` at the latest."""
        self._write(encode(entry))

    def note(self, metadata: Mapping[str, Any]) -> None:
        """Add to the header's metadata, as JSON values, what became known only now."""
        self._write(_dumps({"metadata": dict(metadata)}))

    def flush(self) -> None:
        """Hand everything to the system: it then outlives this process."""
        with storing(self._path):
            while self._pending:
                written = self._file.write(self._pending)
                del self._pending[:written]

    def close(self, *, partial: bool = False) -> None:
        """Finish the file, marked if the call was broken off; closing twice is harmless."""
        if self._file.closed:
            return
        self._write(_dumps({"partial" if partial or self._partial else "complete": True}))
        try:
            self.flush()
        finally:
            self._file.close()

    def _write(self, line: str) -> None:
        self._pending += _bytes(line)
        if len(self._pending) > _FLUSH_BYTES:
            self.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(partial=kind is not None)


def read_journal(path: Path) -> tuple[JournalHeader, list[Entry]]:
    """The header and every entry of a journal; InputError names the file, the line and the cure."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: the journal cannot be read ({error.strerror}).") from None
    lines = content.split(b"\n")
    unfinished = lines.pop()
    if not lines:
        raise InputError(f"{path}: this is not a voicecli journal; give a call's journal.jsonl.")
    header, version, is_open = _read_header(path, lines[0])
    if lines[-1] in _LAST_LINES:
        header = replace(header, partial=_LAST_LINES[lines.pop()])
    elif is_open:
        header, unfinished = replace(header, partial=True), b""
    metadata = dict(header.metadata)
    entries: list[Entry] = []
    for number, line in enumerate(lines[1:], start=2):
        try:
            if line.startswith(_METADATA):
                metadata |= _expect(dict, "an object", _object(line)["metadata"])
            else:
                entries.append(decode(line, version))
        except ValueError as error:
            raise InputError(
                f"{path}:{number}: {error}; correct or delete this line, or record the call again."
            ) from None
    if unfinished:
        raise InputError(
            f"{path}:{len(lines) + 1}: the last line is cut off; "
            "delete it to use the part of the call before it."
        )
    return replace(header, metadata=metadata), entries


def read_header(path: Path) -> JournalHeader:
    """What `read_journal` says of the call, from the first line and the last ones alone.

    Raises InputError as that does, as far as these lines go.
    """
    try:
        with path.open("rb") as file:
            first = file.readline(_LONGEST_HEADER + 1)
            start = max(file.tell(), file.seek(0, os.SEEK_END) - _TAIL_BYTES)
            file.seek(start)
            lines = file.read(_TAIL_BYTES).split(b"\n")
    except OSError as error:
        raise InputError(f"{path}: the journal cannot be read ({error.strerror}).") from None
    header, _, is_open = _read_header(path, first.removesuffix(b"\n"))
    metadata = dict(header.metadata)
    lines.pop()
    if lines and lines[-1] in _LAST_LINES:
        is_open = _LAST_LINES[lines[-1]]
    for line in lines:
        if line.startswith(_METADATA):
            metadata |= _metadata_in(path, line)
    return replace(header, metadata=metadata, partial=is_open)


def _metadata_in(path: Path, line: bytes) -> dict[str, Any]:
    try:
        return _expect(dict, "an object", _object(line)["metadata"])
    except ValueError as error:
        raise InputError(f"{path}: a line of metadata cannot be read: {error}.") from None


def _header_row(header: JournalHeader) -> dict[str, Any]:
    row = {"voicecli_journal": VERSION, "profile": header.profile, "rate": header.rate}
    return row | {key: value for key, value in header.metadata.items() if key not in row}


def _read_header(path: Path, line: bytes) -> tuple[JournalHeader, int, bool]:
    """The header, the format's version, and whether it promises a last line."""
    if len(line) > _LONGEST_HEADER:
        raise InputError(f"{path}:1: the header is longer than that of any call.")
    try:
        row = _object(line)
        version = row.pop("voicecli_journal")
    except (ValueError, KeyError):
        raise InputError(
            f"{path}:1: this is not a voicecli journal; give a call's journal.jsonl."
        ) from None
    if type(version) is not int or version not in _READ:
        raise InputError(
            f"{path}:1: the journal has version {version!r} but this voicecli reads up to "
            f"{VERSION}; use the voicecli that recorded it."
        )
    try:
        is_open = row.pop("open", False) is True
        profile, rate = _str(row.pop("profile")), _int(row.pop("rate"))
        if rate not in _RATES:
            _fail("a rate of a call in Hz", rate)
        if len(profile) > _LONGEST_NAME:
            _fail("the name of a profile", profile)
        return JournalHeader(profile, rate, row), version, is_open
    except (ValueError, KeyError) as error:
        raise InputError(
            f"{path}:1: 'profile' (text) or 'rate' (Hz) is missing or wrong in the header "
            f"({error}); correct this line, or record the call again."
        ) from None


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turns the system's refusal to write into a StorageError that names `path`."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written ({error.strerror}); "
            "free some space or choose another folder."
        ) from None


def _bytes(line: str) -> bytes:
    return line.encode() + b"\n"


def _dumps(row: Mapping[str, Any]) -> str:
    """Text stays readable, but for what a terminal would obey and what UTF-8 has not."""
    return escaped(_encode(row))


def _object(line: str | bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):  # ValueError: bad UTF-8 too
        raise ValueError("it is not JSON") from None
    if not isinstance(row, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004 - one error for any bad line
    return row


def _known(kinds: Mapping[str, type], name: object, what: str) -> type:
    if isinstance(name, str) and name in kinds:
        return kinds[name]
    raise ValueError(f"{name!r} is no {what} that this voicecli knows")


def _build(kind: type, row: Mapping[str, Any]) -> Any:
    """An instance of a frozen dataclass from the JSON object of its fields."""
    checks, required = _checks(kind)
    values = {}
    for name, value in row.items():
        check = checks.get(name)
        if check is None:
            raise ValueError(f"{kind.__name__} has no field {name!r}")
        try:
            values[name] = check(value)
        except ValueError as error:
            raise ValueError(f"{kind.__name__}.{name} {error}") from None
    if not required <= values.keys():
        missing = ", ".join(sorted(required - values.keys()))
        raise ValueError(f"{kind.__name__} lacks {missing}")
    return kind(**values)


@cache
def _checks(kind: type) -> tuple[dict[str, Check], frozenset[str]]:
    """How to read each field of a dataclass, and the fields without a default."""
    hints = get_type_hints(kind)
    required = frozenset(f.name for f in fields(kind) if f.default is MISSING)
    return {f.name: _check_for(hints[f.name]) for f in fields(kind)}, required


@cache
def _dumpers(kind: type) -> list[tuple[str, Check | None]]:
    """How to write each field of a dataclass except an event's `at`; None: JSON has the type."""
    hints = get_type_hints(kind)
    return [(f.name, _dump_for(hints[f.name])) for f in fields(kind) if f.name != "at"]


def _dump_for(hint: Any) -> Check | None:
    if hint is float:
        return float  # an int or a numpy scalar would make the canonical line differ
    if is_dataclass(hint):
        return lambda value: {
            name: getattr(value, name) if dump is None else dump(getattr(value, name))
            for name, dump in _dumpers(cast(type, hint))
        }
    if typing.get_origin(hint) is types.UnionType and (dump := _dump_for(get_args(hint)[0])):
        return lambda value: None if value is None else dump(value)
    if typing.get_origin(hint) is tuple:
        dump = _dump_for(get_args(hint)[0])
        return (lambda value: [dump(item) for item in value]) if dump else list
    return dict if typing.get_origin(hint) is Mapping else None


def _check_for(hint: Any) -> Check:
    """The reader of one field's type; a type the core starts to use fails loudly here."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    if is_dataclass(hint):
        return lambda value: _build(cast(type, hint), _expect(dict, "an object", value))
    arguments = get_args(hint)
    match typing.get_origin(hint):
        case typing.Literal:
            expected = "one of " + ", ".join(arguments)
            return lambda value: value if value in arguments else _fail(expected, value)
        case collections.abc.Mapping:
            return _numbers
        case builtins.tuple:
            item = _check_for(arguments[0])
            return lambda value: tuple(item(part) for part in _expect(list, "a list", value))
        case types.UnionType if arguments[1:] == (types.NoneType,):
            inner = _check_for(arguments[0])
            return lambda value: None if value is None else inner(value)
        case _:
            raise TypeError(f"the journal cannot hold fields of type {hint}")


def _fail(expected: str, value: object) -> NoReturn:
    raise ValueError(f"should be {expected}, not {value!r:.200}")


def _expect(kind: type, expected: str, value: Any) -> Any:
    # Not isinstance: True is no number here.
    if type(value) is not kind:
        return _fail(expected, value)
    if kind is str and len(value) > _LONGEST_TEXT:
        raise ValueError(f"should have at most {_LONGEST_TEXT:,} characters")
    return value


def _float(value: Any) -> float:
    if (type(value) is float or type(value) is int) and abs(value) <= _MOST_FLOAT:
        return float(value)
    return _fail("a finite number", value)


def _numbers(value: Any) -> dict[str, float | int | str]:
    for name, number in _expect(dict, "an object", value).items():
        if type(number) is not str and not (
            type(number) in {int, float} and abs(number) <= _MOST_FLOAT
        ):
            raise ValueError(f"[{name}] should be a finite number or text, not {number!r:.200}")
    return value


_int: Final[Check] = partial(_expect, int, "a whole number")
_str: Final[Check] = partial(_expect, str, "text")
_SCALARS: Final[Mapping[Any, Check]] = {
    int: _int,
    str: _str,
    float: _float,
    bool: partial(_expect, bool, "true or false"),
}
