"""Turns TOML tables into frozen dataclasses.

A class declares everything: its field names are the keys, its annotations the types, its defaults
what may be left out, `field(metadata={"range": (low, high)})` the bounds of a number, and a class
variable `replaced` what to write instead of a key that it had once.
"""

import dataclasses
import difflib
import types
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

from pipelines.engines import text_file
from voicecli.errors import VoicecliError

T = TypeVar("T")
Bounds: TypeAlias = tuple[float | None, float | None]
"""Lowest and highest allowed value, both included; None: no bound on that side."""

_TYPE_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file a value stands, for messages."""

    file: str
    error: type[VoicecliError]
    """What to raise when the value is wrong."""
    table: str = ""
    key: str = ""

    def in_table(self, name: str) -> "Place":
        """The place of a table inside this one."""
        table = f"{self.table}.{name}" if self.table else name
        return dataclasses.replace(self, table=table, key="")

    def at(self, key: str) -> "Place":
        """The place of one key of this table."""
        return dataclasses.replace(self, key=key)

    def wrong(self, what: str) -> VoicecliError:
        """The error to raise, naming file, table and key."""
        table = f" [{self.table}]" if self.table else ""
        key = f" {self.key}" if self.key else ""
        within = f"{table}{key}:" if table or key else ""
        return self.error(f"{self.file}:{within} {what}")


def read_toml(path: Path, error: type[VoicecliError]) -> tuple[dict[str, Any], str]:
    """The tables of a TOML file and its text.

    Raises:
        VoicecliError: of the class `error`: the file cannot be read or is no TOML.
    """
    try:
        return text_file.read_toml(path)
    except ValueError as problem:
        raise error(f"{path}: {problem}") from None
    except OSError as problem:
        raise error(f"{path}: cannot be read: {problem.strerror}") from None


def suggest(wrong: str, valid: Iterable[str]) -> str:
    """'did you mean "x"? (all: …)' for a name that is not among the valid ones."""
    names = sorted(valid)
    if not names:
        return "none are allowed here"
    close = difflib.get_close_matches(wrong, names, n=1)
    if not close:
        return "there are: " + ", ".join(names)
    return f'did you mean "{close[0]}"? (there are: {", ".join(names)})'


def build(cls: type[T], table: object, place: Place) -> T:
    """An instance of the dataclass `cls` from a TOML table.

    Raises:
        VoicecliError: of the class `place.error`; a key is unknown, missing, of the wrong type or
            out of range.
    """
    values = _field_values(cls, table, place)
    for field in _fields(cls):
        optional = field.default is not MISSING or field.default_factory is not MISSING
        if field.name not in values and not optional:
            raise place.wrong(f'the key "{field.name}" is missing')
    try:
        return cls(**values)
    except ValueError as problem:  # a class may check in __post_init__ how its fields fit together
        raise place.wrong(str(problem)) from None


def overlay(base: T, table: object, place: Place) -> T:
    """A copy of the dataclass instance `base` with the keys of the table laid over its fields.

    Raises:
        VoicecliError: as `build`, except that no key can be missing.
    """
    values = _field_values(type(base), table, place, base)
    try:
        return dataclasses.replace(base, **values)  # pyright: ignore[reportArgumentType, reportReturnType]
    except ValueError as problem:
        raise place.wrong(str(problem)) from None


def _fields(cls: type) -> tuple[dataclasses.Field[Any], ...]:
    return tuple(field for field in dataclasses.fields(cls) if field.init)


def _field_values(cls: type, table: object, place: Place, base: object = None) -> dict[str, Any]:
    """The converted values of the table's keys, which must be fields of `cls`.

    A table within it is laid over the one that `base` has, if there is one.
    """
    fields = {field.name: field for field in _fields(cls)}
    if not isinstance(table, dict):
        raise place.wrong(f"must be a table{_example(fields)}, not {_describe(table)}")
    hints = get_type_hints(cls)
    replaced: Mapping[str, str] = getattr(cls, "replaced", {})
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key in replaced:
            raise place.wrong(f'there is no "{key}" any more; write {replaced[key]} instead')
        if key not in fields:
            raise place.wrong(f'there is no key "{key}" here; {suggest(key, fields)}')
        if dataclasses.is_dataclass(inner := getattr(base, key, None)):
            values[key] = overlay(inner, value, place.in_table(key))
            continue
        values[key] = _convert(hints[key], value, place.at(key))
        _check_range(fields[key].metadata.get("range"), values[key], place.at(key))
    return values


def _example(fields: Mapping[str, dataclasses.Field[Any]]) -> str:
    """What to write for a table of nothing but numbers; empty for others."""
    numbers = [
        f"{key} = {f.default}" for key, f in fields.items() if type(f.default) in (int, float)
    ]
    return f" such as {{ {', '.join(numbers)} }}" if numbers and len(numbers) == len(fields) else ""


def _convert(annotation: Any, value: Any, place: Place) -> Any:
    if dataclasses.is_dataclass(annotation):
        return build(annotation, value, place.in_table(place.key))  # pyright: ignore[reportArgumentType]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        return _convert_array(arguments, value, place)
    if origin is Literal:
        if value not in arguments:
            raise place.wrong(
                f'"{value}" is not allowed; {suggest(str(value), map(str, arguments))}'
            )
        return value
    if origin in {Union, types.UnionType}:
        # TOML has no null: absence means None.
        inner = [argument for argument in arguments if argument is not types.NoneType]
        return _convert_either(inner, value, place)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, dict):
            raise place.wrong(f"must be a table, not {_describe(value)}")
        inside = place.in_table(place.key)
        return {key: _convert(arguments[1], item, inside.at(key)) for key, item in value.items()}
    return _convert_scalar(annotation, value, place)


def _convert_either(annotations: list[Any], value: Any, place: Place) -> Any:
    """By the first annotation that takes the value; if none does, what each of them would say."""
    problems: list[str] = []
    for annotation in annotations:
        try:
            return _convert(annotation, value, place)
        except place.error as problem:
            problems.append(str(problem).removeprefix(str(place.wrong(""))))
    raise place.wrong("; or ".join(problems))


def _convert_array(arguments: tuple[Any, ...], value: Any, place: Place) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise place.wrong(f"must be an array, not {_describe(value)}")
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(_convert(arguments[0], item, place) for item in value)
    if len(arguments) != len(value):
        raise place.wrong(f"must be an array of {len(arguments)} values, not of {len(value)}")
    return tuple(_convert(a, item, place) for a, item in zip(arguments, value, strict=True))


def _convert_scalar(annotation: Any, value: Any, place: Place) -> Any:
    if annotation is Any:
        return value
    if annotation is float and type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise place.wrong("must be a number of a sensible size") from None
    # type() and not isinstance(): true is no whole number
    if type(value) is not annotation:
        expected = _TYPE_NAMES.get(annotation, str(annotation))
        raise place.wrong(f"must be {expected}, not {_describe(value)}")
    return value


def _check_range(bounds: Bounds | None, value: Any, place: Place) -> None:
    if bounds is None or not isinstance(value, int | float):
        return
    low, high = bounds
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        allowed = f"at least {low}" if high is None else f"at most {high}"
        if low is not None and high is not None:
            allowed = f"between {low} and {high}"
        raise place.wrong(f"must be {allowed}, not {value}")


def _describe(value: object) -> str:
    if isinstance(value, str):
        return f'the text "{value}"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"the number {value}"
    return (
        "an array"
        if isinstance(value, list)
        else "a table"
        if isinstance(value, dict)
        else "a date"
    )
