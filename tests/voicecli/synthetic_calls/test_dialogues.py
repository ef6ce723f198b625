"""Written dialogues are read turn by turn and lie in one split each."""

import gzip
import json

import pytest

from voicecli.errors import InputError
from voicecli.synthetic_calls.dialogues import read_turns


def write_dialogues(folder, count):
    with gzip.open(folder / "made.jsonl.gz", "wt") as lines:
        for dialogue in range(count):
            for index, text in enumerate(("Find me a room.", "Where?", "In San Jose.")):
                speaker = ("caller", "agent")[index % 2]
                turn = {"dialogue": f"d{dialogue}", "index": index, "speaker": speaker,
                        "text": text}  # fmt: skip
                lines.write(json.dumps(turn) + "\n")


def test_a_dialogue_lies_in_one_split_and_its_turns_know_the_agents_last_words(tmp_path):
    write_dialogues(tmp_path, 300)
    splits = {s: read_turns(tmp_path, s) for s in ("train", "dev", "test")}
    names = {split: {turn.dialogue for turn in turns} for split, turns in splits.items()}
    assert sum(map(len, names.values())) == len(set.union(*names.values())) == 300
    assert 210 < len(names["train"]) < 270
    assert [turn.agent for turn in splits["train"][:2]] == ["", "Where?"]


def test_an_agents_turn_is_read_with_the_callers_before_it(tmp_path):
    write_dialogues(tmp_path, 20)
    turn = read_turns(tmp_path, "train", "agent")[0]
    assert (turn.agent, turn.caller, turn.index) == ("Find me a room.", "Where?", 1)


def test_a_folder_without_dialogues_is_refused(tmp_path):
    with pytest.raises(InputError, match="no dialogues"):
        read_turns(tmp_path, "train")


@pytest.mark.parametrize("text", [b"no gzip", gzip.compress(b"no json\n"), gzip.compress(b"[]\n"),
                                  gzip.compress(b"{}\n" * 9999)[:30]])  # fmt: skip
def test_a_damaged_file_is_named(tmp_path, text):
    (tmp_path / "made.jsonl.gz").write_bytes(text)
    with pytest.raises(InputError, match=r"made\.jsonl\.gz"):
        read_turns(tmp_path, "train")
