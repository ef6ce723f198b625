"""Audio without a header: what the user, or a file's name, says that it is."""

import re
from dataclasses import dataclass

from voicecli.errors import UsageError
from voicecli.toml_schema import suggest

# Names as ffmpeg, sox, Twilio and Asterisk write them, and libsndfile's subtype and byte order.
_ENCODINGS: dict[str, tuple[str, str]] = {
    "mulaw": ("ULAW", "FILE"),
    "alaw": ("ALAW", "FILE"),
    "s8": ("PCM_S8", "FILE"),
    "u8": ("PCM_U8", "FILE"),
    "s16le": ("PCM_16", "LITTLE"),
    "s16be": ("PCM_16", "BIG"),
    "s24le": ("PCM_24", "LITTLE"),
    "s32le": ("PCM_32", "LITTLE"),
    "f32le": ("FLOAT", "LITTLE"),
    "gsm": ("GSM610", "FILE"),
}
_ALIASES = {"ulaw": "mulaw", "pcmu": "mulaw", "pcma": "alaw", "s16": "s16le", "slin": "s16le",
            "linear16": "s16le", "pcm_s16le": "s16le", "pcm_mulaw": "mulaw",
            "pcm_alaw": "alaw"}  # fmt: skip
_BY_SUFFIX = {
    **dict.fromkeys((".ulaw", ".ul", ".mulaw", ".pcmu", ".au"), ("mulaw", 8000)),
    **dict.fromkeys((".alaw", ".al", ".pcma"), ("alaw", 8000)),
    ".gsm": ("gsm", 8000),
    **dict.fromkeys((".sln", ".slin"), ("s16le", 8000)),
    ".sln16": ("s16le", 16_000),
}
_SYNTAX = re.compile(r"([a-z0-9_]+)/(\d{1,6})(?:/([12]))?")


@dataclass(frozen=True, slots=True)
class RawFormat:
    """Encoding, rate in Hz and channels of samples without a header."""

    encoding: str
    rate: int
    channels: int = 1

    @property
    def subtype(self) -> str:
        """libsndfile's name of the encoding."""
        return _ENCODINGS[self.encoding][0]

    @property
    def endian(self) -> str:
        """The order of its bytes, by libsndfile's name."""
        return _ENCODINGS[self.encoding][1]

    def __str__(self) -> str:
        channels = f"/{self.channels}" if self.channels > 1 else ""
        return f"{self.encoding}/{self.rate}{channels}"


def parse_raw(text: str) -> RawFormat:
    """`ENCODING/RATE[/CHANNELS]`, such as mulaw/8000.

    Raises:
        UsageError: it is not written so, or there is no such encoding.
    """
    found = _SYNTAX.fullmatch(text.strip().lower())
    if found is None:
        raise UsageError(f"--raw {text!r}: write ENCODING/RATE[/CHANNELS], such as mulaw/8000.")
    encoding = _ALIASES.get(found[1], found[1])
    if encoding not in _ENCODINGS:
        raise UsageError(
            f'--raw: there is no encoding "{found[1]}"; {suggest(encoding, _ENCODINGS)}.'
        )
    return RawFormat(encoding, int(found[2]), int(found[3] or 1))


def raw_by_name(name: str) -> RawFormat | None:
    """What a file of this name holds if it has no header; None if that cannot be told."""
    suffix = "." + name.lower().rpartition(".")[2]
    known = _BY_SUFFIX.get(suffix)
    return RawFormat(*known) if known else None
