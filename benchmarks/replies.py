"""Counts what is wrong with replies over forty typed conversations, for docs/benchmarks/engines.md.

From the repository's root, with the profile's weights pulled (three minutes on two cores):

    .venv/bin/python -m benchmarks.replies [PROFILE] [--talk FILE]

The conversations stand in benchmarks/conversations.toml. They are typed, so that what is counted is
the model's own doing and none of the recogniser's; `--talk` writes them out to be read, which no
count replaces.
"""

import argparse
import re
import statistics
import threading
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.engines.protocols import Llm
from pipelines.turn_taking.commands import History, Message
from voicecli.engines import build_engines
from voicecli.profile import load_profile

CONVERSATIONS = Path(__file__).with_name("conversations.toml")
MOST_WORDS = 25
MARKDOWN = re.compile(r"[*_#`|<>]|^\s*[-\d]+[.)]?\s", re.M)
STAGE = re.compile(r"[\[({][^\])}]*[\])}]")


@dataclass(slots=True)
class Count:
    """What the replies of one kind of conversation are like."""

    words: list[int] = field(default_factory=list)
    repeated: int = 0
    """Replies with a sentence of more than three words that was said before in the call."""
    empty: int = 0
    marked: int = 0
    """Replies with Markdown, stage directions or placeholders in brackets."""
    long: int = 0
    forbidden: int = 0


def main() -> None:
    """Talk, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("profile", nargs="?", default="embedded")
    parser.add_argument("--talk", type=Path, help="write the conversations into this file")
    options = parser.parse_args()
    llm = build_engines(load_profile(options.profile)).llm
    written: list[str] = []
    print("| kind | replies | words, median | over 25 | empty | repeated | marks | forbidden |")
    print("|---|---|---|---|---|---|---|---|")
    for kind in tomllib.loads(CONVERSATIONS.read_text("utf-8"))["kind"]:
        count = Count()
        for number, lines in enumerate(kind["calls"], 1):
            written += [f"\n== {kind['name']} {number}"]
            written += converse(llm, kind, lines, count)
        row = (len(count.words), f"{statistics.median(count.words):g}", count.long, count.empty)
        faults = (count.repeated, count.marked, count.forbidden)
        print(f"| {kind['name']} | " + " | ".join(map(str, (*row, *faults))) + " |", flush=True)
    if options.talk:
        options.talk.write_text("\n".join(written), encoding="utf-8")


def converse(llm: Llm, kind: dict[str, str], lines: list[str], count: Count) -> list[str]:
    """One conversation as text, its faults counted."""
    history: History = (Message("system", kind["prompt"]),)
    said: set[str] = set()
    talk: list[str] = []
    for line in lines:
        history = (*history, Message("caller", line))
        pieces = llm.stream(history, threading.Event())
        reply = "".join(piece for piece in pieces if isinstance(piece, str)).strip()
        history = (*history, Message("agent", reply))
        faults = judge(reply, said, kind.get("never"), count)
        talk += [f"caller: {line}", f"agent:  {reply}" + (f"   !! {faults}" if faults else "")]
    return talk


def judge(reply: str, said: set[str], never: str | None, count: Count) -> str:
    """The faults of one reply; its sentences are added to those said before."""
    words = len(reply.split())
    count.words.append(words)
    sentences = {s.strip().lower() for s in re.split(r"(?<=[.!?])\s+", reply) if len(s.split()) > 3}
    faults = {
        "empty": not any(char.isalnum() for char in reply),
        "repeated": bool(sentences & said),
        "marked": bool(MARKDOWN.search(reply) or STAGE.search(reply)),
        "long": words > MOST_WORDS,
        "forbidden": bool(never and re.search(never, reply)),
    }
    said |= sentences
    for name, found in faults.items():
        setattr(count, name, getattr(count, name) + found)
    return ", ".join(name for name, found in faults.items() if found)


if __name__ == "__main__":
    main()
