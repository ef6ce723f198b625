"""Lays out labelled calls of human clips: a call script for each, for `voicecli recordings make`.

    python scripts/make_human_calls.py ../shared/data/speech out/human
    voicecli recordings make --folder out/human
    voicecli compare out/human/* --ablation

The folder has a `manifest.jsonl` with `file`, `transcript` and `kind`. Only clips with a transcript
are used. Calls are split by a hash of the clip's source into dev and test (a name begins with its
split), so that no speaker of a source is in both.
"""

import json
import re
import sys
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

FOLDERS = {"read": "read", "commands": "short", "turns": "disfluent"}
"""Folder of the speech data -> what its calls are called."""
CLIPS_PER_CALL = 6
LONGEST_S = 20.0
_MARKUP = re.compile(r"<[^>]*>")


def main(speech: Path, out: Path) -> None:
    """Write a call.toml for every six clips of a kind and split."""
    rows = [json.loads(line) for line in (speech / "manifest.jsonl").open(encoding="utf-8")]
    usable = [row for row in rows if _kind(row) and _usable(row)]
    for group, of_group in groupby(sorted(usable, key=_group), key=_group):
        clips = list(of_group)
        for number, start in enumerate(range(0, len(clips), CLIPS_PER_CALL), 1):
            name = f"{'_'.join(group)}_{number:02}"
            folder = out / name
            folder.mkdir(parents=True, exist_ok=True)
            text = _script(clips[start : start + CLIPS_PER_CALL], speech.resolve())
            (folder / "call.toml").write_text(text, encoding="utf-8")
            print(folder)


def _kind(row: dict[str, Any]) -> str | None:
    return FOLDERS.get(row["file"].split("/")[0])


def _usable(row: dict[str, Any]) -> bool:
    return bool(row["transcript"]) and row["duration_s"] <= LONGEST_S


def _group(row: dict[str, Any]) -> tuple[str, str]:
    source = row["source"].split(":")[0]
    split = "test" if sha256(source.encode()).digest()[0] % 2 else "dev"
    return split, _kind(row) or ""


def _script(clips: list[dict[str, Any]], speech: Path) -> str:
    lines = [
        'description = "Human clips one after the other, an answer expected after each."',
        f"licence = {json.dumps('; '.join(sorted({clip['licence'] for clip in clips})))}",
        'voice = "en-us" # unused: every turn is a recording',
    ]
    for clip in clips:
        text = _MARKUP.sub(" ", clip["transcript"]).strip() or "um"
        lines += [
            "\n[[turns]]",
            f"text = {json.dumps(' '.join(text.split()))}",
            f"file = {json.dumps(str(speech / clip['file']))}",
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
