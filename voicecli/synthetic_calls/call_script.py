"""What a synthetic call is made of: the TOML file that says who says what when."""

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Literal, TypeAlias

from voicecli.errors import InputError
from voicecli.foreign import to_toml
from voicecli.private import draft_of
from voicecli.recording.journal import storing
from voicecli.recording.labels import Intent, check_keys
from voicecli.toml_schema import Place, build, read_toml

Sound: TypeAlias = Literal["speech", "cough"]
LEAST_PACE = 80
"""Words a minute, at least: that of espeak-ng."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One stretch of the caller's sound and the silence after it; the keys of `[[turns]]`."""

    text: str = ""
    """What is said; its last punctuation decides whether the voice falls or stays up. A word before
    "…" is drawn out: "um…"."""
    intent: Intent = "end_of_turn"
    pause_s: float = field(default=4.0, metadata={"range": (0, 60)})
    """Silence until the next one begins."""
    cue_ms: int | None = field(default=None, metadata={"range": (0, 600_000)})
    """In a live call: play it this long after the agent starts to speak."""
    sound: Sound = "speech"
    file: str = ""
    """A recording of the text by a person, or of a noise without one, instead of a voice; beside
    the script, or by its path."""
    words_per_minute: int | None = field(default=None, metadata={"range": (LEAST_PACE, 450)})
    """Another pace than the rest of the call."""
    keys: str = ""
    """Keys of the phone, pressed when it has been said, or without saying anything."""

    def __post_init__(self) -> None:
        check_keys(self.keys)
        spoken = self.sound == "speech" and not (self.file and self.intent == "noise")
        if spoken != bool(self.text) and not (spoken and self.keys):
            raise ValueError("needs a text, keys, or a sound that has no text")


@dataclass(frozen=True, slots=True)
class CallScript:
    """A whole call; the keys of the file beside `[[turns]]`, and the turns."""

    description: str
    licence: str
    voice: str
    """A voice of espeak-ng, such as en-us or en-gb+f1, of Piper, such as piper:en-us-joe-medium, or
    of Flite, such as flite:rms."""
    turns: tuple[Utterance, ...]
    words_per_minute: int = field(default=170, metadata={"range": (LEAST_PACE, 450)})
    pitch: int = field(default=50, metadata={"range": (0, 99)})
    lead_in_s: float = field(default=1.5, metadata={"range": (0, 60)})
    """Silence before the first turn, in which an agent may greet."""
    seed: int = field(default=0, metadata={"range": (0, None)})
    """For what is drawn at random: coughs, breaths, the noise behind the call, Piper's melody."""
    breaths: bool = False
    """Whether the caller can be heard to breathe in before they say more than a few words."""
    noise_dbfs: float | None = field(default=None, metadata={"range": (-96, -20)})
    """Level of a steady noise behind the whole call, against full scale; speech peaks at -6."""


def write_script(path: Path, script: CallScript) -> None:
    """Write a script so that `read_script` gives it back; what is as by default is left out.

    Raises:
        StorageError: the file cannot be written.
    """
    blocks = [_toml(script), *(f"\n[[turns]]\n{_toml(turn)}" for turn in script.turns)]
    with storing(path), draft_of(path) as file:
        file.write("".join(blocks).encode())


def _toml(table: CallScript | Utterance) -> str:
    keys = ((key, getattr(table, key.name)) for key in fields(table))
    return "".join(
        f"{key.name} = {to_toml(value)}\n"
        for key, value in keys
        if value != key.default and not isinstance(value, tuple)
    )


def read_script(path: Path) -> CallScript:
    """The call script in a TOML file; InputError names the file, the table and the key."""
    tables, _ = read_toml(path, InputError)
    place = Place(str(path), InputError)
    entries = tables.pop("turns", None)
    if not isinstance(entries, list) or not entries:
        raise place.wrong("there must be at least one [[turns]]")
    turns = tuple(
        build(Utterance, entry, place.in_table(f"turns {number}"))
        for number, entry in enumerate(entries, 1)
    )
    # Built apart so that a message can say which turn is wrong.
    script = build(CallScript, {**tables, "turns": []}, place)
    return replace(script, turns=turns)
