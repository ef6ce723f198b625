"""Names that tell calls and files apart: of folders, rows and test cases."""

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path

from voicecli.errors import UsageError
from voicecli.recording.files import PARTS

_PARTS = {*PARTS, "call.toml"}


def distinct_names(named: Sequence[tuple[str, Path]], taken: Collection[str] = ()) -> list[str]:
    """A name for each, the given one where nothing else is called so.

    Names that are the same (for any file system: letters' case does not count) are told apart by
    as few folders as it takes, `d1-call` and `d2-call`, else by the whole file's name, `call.wav`
    and `call.mp3`, and last by a number, as the same file twice is: `call`, `call-2`.

    Args:
        named: what each would be called by itself, and where it is.
        taken: names that none may have.
    """
    names = [name for name, _ in named]
    paths = [path.absolute() for _, path in named]
    keys = [*map(_key, names)]
    for key in dict.fromkeys(keys):
        group = [index for index, own in enumerate(keys) if own == key]
        told = _told_apart({paths[index]: names[index] for index in group})
        for index in group:
            names[index] = told[paths[index]]
    return list(_numbered(names, {_key(name) for name in taken}))


def names_within(folder: Path, paths: Iterable[Path]) -> list[str]:
    """What the entries of a folder are called that are, or hold, one of those paths."""
    folder = folder.resolve()
    inside = [path.resolve() for path in paths]
    return [path.relative_to(folder).parts[0] for path in inside if folder in path.parents]


def refuse_to_overwrite(outputs: Iterable[Path | None], inputs: Iterable[Path]) -> None:
    """Raise UsageError if a file to be written is read here, or is part of a call that is.

    Args:
        outputs: files to be written; None: not asked for.
        inputs: files, and folders of calls.
    """
    read = [path for path in inputs if path.exists()]
    for output in filter(None, outputs):
        if not output.is_file():
            continue
        is_part = output.name in _PARTS or output.stem == "caller"
        for path in read:
            if output.samefile(path) or (is_part and output.parent.samefile(path)):
                raise UsageError(f"{output} is read here; name another file to be written.")


def _told_apart(named: Mapping[Path, str]) -> Mapping[Path, str]:
    """New names for files of the same name; the old ones if there is but one, or no way."""
    most = max(len(path.parts) for path in named)
    ways = [(depth, False) for depth in range(1, most)] + [(depth, True) for depth in range(most)]
    for depth, whole in ways if len(named) > 1 else ():
        told = {
            path: "-".join((*_above(path, depth), path.name if whole else name))
            for path, name in named.items()
        }
        if len(set(map(_key, told.values()))) == len(named):
            return told
    return named


def _above(file: Path, depth: int) -> tuple[str, ...]:
    folders = file.parts[1:-1]
    return folders[max(0, len(folders) - depth) :] if depth else ()


def _numbered(names: Sequence[str], taken: set[str]) -> Iterator[str]:
    given = [*map(_key, names)]
    for name in names:
        own = name
        if _key(own) in taken:
            free = (f"{name}-{number}" for number in count(2))
            own = next(n for n in free if _key(n) not in taken and _key(n) not in given)
        taken.add(_key(own))
        yield own


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
