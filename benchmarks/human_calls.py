"""Lays out labelled calls of human clips: a call script for each, for `voicecli recordings make`.

    .venv/bin/python -m benchmarks.human_calls SPEECH out/human
    voicecli recordings make --folder out/human
    voicecli compare out/human/dev_* --ablation

SPEECH has a `manifest.jsonl` with `file`, `transcript` and `kind`. Clips of speech are used
only with a transcript. A third argument is the number of clips in a call. Calls are split by a hash
of the clip's source into dev and test (a name begins with its split), so that no speaker of a
source is in both. In the calls `noises` people cough, sneeze and interrupt while the agent speaks;
there are no clips of backchannels.
"""

import json
import random
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

from voicecli.synthetic_calls.call_script import CallScript, Utterance, write_script
from voicecli.synthetic_calls.generate import CUED_S, PHASES_MS
from voicecli.synthetic_calls.synthesis import SCRIPT

FOLDERS = {"read": "read", "commands": "short", "turns": "disfluent"}
"""Folder of the speech data -> what its calls are called."""
CLIPS_PER_CALL = 6
LONGEST_S = 20.0
_NOISE = re.compile(r"noise/.*(cough|sneeze)")
_MARKUP = re.compile(r"<[^>]*>")

Row = dict[str, Any]


def main(speech: Path, out: Path, clips_per_call: int = CLIPS_PER_CALL) -> None:
    """Write a script for every so many clips of a kind and split, and as many noises."""
    speech = speech.resolve()
    rows = [json.loads(line) for line in (speech / "manifest.jsonl").open(encoding="utf-8")]
    clips = sorted((row for row in rows if _kind(row) and _usable(row)), key=_group)
    noises = sorted((row for row in rows if _NOISE.match(row["file"])), key=_group)
    spoken = {group: list(of) for group, of in groupby(clips, key=_group)}
    for group, of_group in spoken.items():
        for number, some in enumerate(_parts(of_group, clips_per_call), 1):
            turns = [_spoken(clip, speech) for clip in some]
            _write(out, (*group, f"{number:02}"), some, turns)
    for (split, _), of_group in groupby(noises, key=_group):
        rng = random.Random(split)  # noqa: S311 - no secret
        asked, said = spoken[split, "read"], spoken[split, "short"]
        for number, some in enumerate(_parts(list(of_group), clips_per_call), 1):
            used, turns = list(some), list[Utterance]()
            for noise in some:
                clips = (rng.choice(asked), rng.choice(said))
                used += clips
                turns += _around(noise, clips, speech, rng)
            _write(out, (split, "noises", f"{number:02}"), used, turns)


def _parts(rows: Sequence[Row], size: int) -> list[Sequence[Row]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _kind(row: Row) -> str | None:
    return FOLDERS.get(row["file"].split("/")[0])


def _usable(row: Row) -> bool:
    return bool(row["transcript"]) and row["duration_s"] <= LONGEST_S


def split_of(row: Row) -> str:
    """Of which split a clip is: dev or test; no speaker of a source is in both."""
    source = row["source"].split(":")[0]
    return "test" if sha256(source.encode()).digest()[0] % 2 else "dev"


def _group(row: Row) -> tuple[str, str]:
    return split_of(row), _kind(row) or ""


def _spoken(clip: Row, speech: Path) -> Utterance:
    text = " ".join(_MARKUP.sub(" ", clip["transcript"]).split())
    return Utterance(text or "um", file=str(speech / clip["file"]))


def _around(
    noise: Row, clips: Sequence[Row], speech: Path, rng: random.Random
) -> tuple[Utterance, ...]:
    """A turn and a noise over the answer to it; another one and words over the answer."""
    asked, said = (_spoken(clip, speech) for clip in clips)
    asked = replace(asked, pause_s=CUED_S)
    cue_ms = rng.randint(*PHASES_MS[rng.choice(("early", "middle"))])
    over = rng.randint(*PHASES_MS[rng.choice(tuple(PHASES_MS))])
    return (
        asked,
        Utterance("", "noise", cue_ms=cue_ms, file=str(speech / noise["file"])),
        asked,
        replace(said, intent="interruption", cue_ms=over),
    )


def _write(out: Path, name: Sequence[str], clips: Sequence[Row], turns: list[Utterance]) -> None:
    script = CallScript(
        "Human clips one after the other, an answer expected after each.",
        "; ".join(sorted({clip["licence"] for clip in clips})),
        "en-us",  # unused: every turn is a recording
        tuple(turns),
    )
    folder = out / "_".join(name)
    write_script(folder / SCRIPT, script)
    print(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:4]))
