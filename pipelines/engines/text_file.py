"""Reads text and TOML that people have written, however their editors have saved it."""

import codecs
import re
import tomllib
from pathlib import Path
from typing import Any

MOST_BYTES = 262_144
"""Of a TOML file; none that people write is larger."""
_MARKED = {
    codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
_TOO_DOTTED = re.compile(
    r"""(?<![\w"'-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){32}"""
)


def decode(content: bytes) -> str:
    """The text of a file in UTF-8, or in whatever Unicode its first bytes say; lines end in \\n.

    Raises:
        ValueError: it is in another encoding, or no text.
    """
    codec = next((codec for mark, codec in _MARKED.items() if content.startswith(mark)), None)
    try:
        text = content.decode(codec or "utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ValueError("it is not UTF-8 text; save it as UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_toml(path: Path) -> tuple[dict[str, Any], str]:
    """The tables of a TOML file and its text.

    Raises:
        ValueError: it is no TOML, or absurdly large, deep or dotted.
        OSError: it cannot be read.
    """
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"larger than {MOST_BYTES:,} bytes, which no such file needs")
    text = decode(path.read_bytes())
    if _TOO_DOTTED.search(text):  # takes a TOML reader quadratic time and memory
        raise ValueError("a key has more than 32 dotted parts")
    try:
        return tomllib.loads(text), text
    except tomllib.TOMLDecodeError as problem:
        raise ValueError(f"not valid TOML: {problem}") from None
    except (RecursionError, ValueError):  # nested too deep; a number of thousands of digits
        raise ValueError("not a TOML file that can be read: a value is absurd") from None
