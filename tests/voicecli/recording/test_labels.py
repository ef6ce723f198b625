"""Labels are read as they were written, and a wrong one is named."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicecli.errors import InputError
from voicecli.recording.labels import Cue, Labels, Turn, read_labels, write_labels

TURN = {"start_s": 1.0, "end_s": 2.0, "text": "hello", "intent": "end_of_turn", "cue": None}


@st.composite
def some_labels(draw):
    edges = sorted(draw(st.sets(st.floats(0, 7200), max_size=8)))
    intent = st.sampled_from(["end_of_turn", "hold", "backchannel", "interruption", "noise", None])
    cue = st.none() | st.builds(Cue, st.integers(0, 10_000))
    turns = tuple(
        Turn(start, end, draw(st.text(max_size=20)), draw(intent), draw(cue))
        for start, end in zip(edges[::2], edges[1::2], strict=False)
    )
    return Labels(turns, draw(st.text(max_size=20)))


@given(labels=some_labels())
def test_labels_are_read_as_they_were_written(tmp_path_factory, labels):
    path = tmp_path_factory.mktemp("labels") / "labels.json"
    write_labels(path, labels)
    assert read_labels(path) == labels


def message(tmp_path, document, duration_s=10.0):
    path = tmp_path / "labels.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    with pytest.raises(InputError) as error:
        read_labels(path, duration_s)
    assert str(path) in str(error.value)
    return str(error.value)


def labels(*turns):
    return {"schema": "voicecli.labels/1", "turns": list(turns)}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"start_s": "now"}, "start_s"),
        ({"start_s": -1}, "start_s"),
        ({"end_s": float("nan")}, "end_s"),
        ({"end_s": float("inf")}, "end_s"),
        ({"end_s": 0.5}, "not after"),
        ({"end_s": None}, '"end_s" is missing'),
        ({"text": 5}, "text"),
        ({"intent": "end_of_trun"}, 'did you mean "end_of_turn"'),
        ({"intnet": "hold"}, 'did you mean "intent"'),
        ({"cue": 900}, "cue"),
        ({"cue": {}}, "after_agent_start_ms"),
        ({"cue": {"after_agent_start_ms": -5}}, "after_agent_start_ms"),
        ({"cue": {"after_agent_start_ms": 0.5}}, "after_agent_start_ms"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path, change, words):
    earlier = {**TURN, "start_s": 0, "end_s": 0.25}
    text = message(tmp_path, labels(earlier, {**TURN, **change}))
    assert "turn 1" in text
    assert words in text


def test_an_entry_that_is_no_object(tmp_path):
    assert "turn 0" in message(tmp_path, labels(7))


def test_turns_may_not_overlap(tmp_path):
    text = message(tmp_path, labels(TURN, {**TURN, "start_s": 1.9, "end_s": 3}))
    assert "turn 1 starts before turn 0 has ended" in text


def test_turns_may_not_outlast_the_audio(tmp_path):
    assert "lasts 1.5 s" in message(tmp_path, labels(TURN), duration_s=1.5)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "not JSON"),
        ("[]", "schema"),
        ({"turns": []}, "schema"),
        ({"schema": "voicecli.labels/1"}, '"turns"'),
    ],
)
def test_what_is_no_labels_file(tmp_path, document, words):
    assert words in message(tmp_path, document)


def test_a_missing_labels_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_labels(tmp_path / "labels.json")


@pytest.mark.parametrize("intent", ["backchannel", "noise"])
def test_a_backchannel_or_a_noise_does_not_take_the_floor(intent):
    assert not Turn(0, 1, "", intent).takes_floor
    assert Turn(0, 1).takes_floor
