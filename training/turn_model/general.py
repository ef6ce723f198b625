"""Reads sentences on any subject, which task dialogues lack.

WordNet (Princeton University; Fellbaum 1998) explains its words by short examples: "the child hurt
his foot", "a noble gesture". Debian's package `wordnet-base` has them in /usr/share/wordnet.
"""

import random
import re
from collections.abc import Sequence
from pathlib import Path

from voicecli.synthetic_calls.dialogues import Split, Turn, split_of

_FILES = ("data.noun", "data.verb", "data.adj", "data.adv")
_EXAMPLE = re.compile(r'"([^"]+)"(?!\s*-)')  # what a dash follows is a quotation from a book
_SHORTEST, _LONGEST = 2, 20
_ASKED = (
    "What would you like?", "What is it about?", "Which one?", "What do you need?",
    "What are you looking for?", "What was it?", "And what else?", "Could you tell me more?",
    "What did you say?", "What is it called?", "Which product?", "How can I help you?",
)  # fmt: skip
_LEADS = ("", "", "", "", "a", "the", "my", "it's a", "i need a", "some", "a new", "the other",
          "about the")  # fmt: skip


def example_turns(wordnet: Path, split: Split) -> list[Turn]:
    """The examples of the split, each a turn of its own after no question or an open one.

    Raises:
        FileNotFoundError: the folder is not WordNet's.
    """
    texts = dict.fromkeys(
        text.strip()
        for name in _FILES
        for line in _entries(wordnet / name)
        for text in _EXAMPLE.findall(line.partition(" | ")[2])
    )
    rng = random.Random(split)  # noqa: S311 (no secret)
    return [
        Turn("example", 0, rng.choice(("", "", rng.choice(_ASKED))), text)
        for text in texts
        if split_of(text) == split and _SHORTEST <= len(text.split()) <= _LONGEST
    ]


def names_of_things(wordnet: Path) -> list[str]:
    """What WordNet has nouns for, in one or two words."""
    named = {line.split()[4].replace("_", " ").lower() for line in _entries(wordnet / "data.noun")}
    return sorted(
        name for name in named if len(name.split()) <= 2 and name.replace(" ", "").isalpha()
    )


def named_thing(names: Sequence[str], rng: random.Random) -> Turn:
    """A caller who just names something: whole after such a question, whatever it is."""
    said = f"{rng.choice(_LEADS)} {rng.choice(names)}".strip()
    return Turn("thing", 0, rng.choice(_ASKED), said)


def _entries(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line for line in lines if line and not line.startswith(" ")]
