"""Names that tell calls apart, however many files are called alike."""

from itertools import permutations
from pathlib import Path

import pytest

from voicecli.names import distinct_names


def names(*files: str, taken=()) -> list[str]:
    return distinct_names([(Path(file).stem, Path(file)) for file in files], taken)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["a.wav", "b.wav"], ["a", "b"]),
        (["d1/call.wav", "d2/call.wav"], ["d1-call", "d2-call"]),
        (["d1/call.wav", "d2/call.wav", "d1/x.wav"], ["d1-call", "d2-call", "x"]),
        (["d1/in/call.wav", "d2/in/call.wav"], ["d1-in-call", "d2-in-call"]),
        (["call.wav", "call.mp3"], ["call.wav", "call.mp3"]),
        (["d/call.wav", "d/call.mp3", "e/call.wav"], ["d-call.wav", "d-call.mp3", "e-call.wav"]),
        (["call.wav", "call.wav"], ["call", "call-2"]),
        (["d1/Call.wav", "d2/call.wav"], ["d1-Call", "d2-call"]),
        (["d1/caf\u00e9.wav", "d2/cafe\u0301.wav"], ["d1-caf\u00e9", "d2-cafe\u0301"]),
        (["call.wav", "call.wav", "call-2.wav"], ["call", "call-3", "call-2"]),
        (["a/b.wav", "c/b.wav", "a-b.wav"], ["a-b", "c-b", "a-b-2"]),
    ],
)  # fmt: skip
def test_what_is_called_alike_is_told_apart(files, expected):
    assert names(*files) == expected


def test_every_name_differs_and_is_one_step_of_a_path_in_any_order():
    files = ("d1/call.wav", "d2/call.wav", "call.flac", "d1-call.wav", "x/d2/CALL.wav")
    for order in permutations(files):
        found = names(*order)
        assert len({name.casefold() for name in found}) == len(files)
        assert not any("/" in name for name in found)


def test_a_name_that_is_taken_is_numbered():
    assert names("report.json.wav", taken=["report.json"]) == ["report.json-2"]
