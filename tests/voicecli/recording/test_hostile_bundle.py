"""A call's folder that somebody made to do harm: one sentence, and the others are shown."""

import json
import time

import numpy as np
import pytest
import soundfile

from pipelines.turn_taking.events import CallEnded, CallStarted
from voicecli.errors import InputError, ProfileError, VoicecliError
from voicecli.profile import SHIPPED, load_profile
from voicecli.recording.bundle import read_bundle, write_bundle
from voicecli.recording.journal import JournalHeader
from voicecli.recording.shelf import kept_calls

TURN = '{"schema": "voicecli.labels/1", "turns": [{"start_s": %s, "end_s": %s}]}'
HEAD = '{"voicecli_journal":1,"profile":"x","rate":8000%s}\n'


@pytest.fixture
def call(tmp_path):
    for name in ("bad", "good"):
        write_bundle(tmp_path / name, JournalHeader("scripted", 8000, {}),
                     [CallStarted(0), CallEnded(1, "over")], np.zeros((8000, 2), np.int16),
                     profile=(SHIPPED / "scripted.toml").read_text())  # fmt: skip
    return tmp_path / "bad"


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("labels.json", "[" * 100_000),
        ("labels.json", TURN % ("0", "1e400")),
        ("labels.json", TURN % ("NaN", "1")),
        ("labels.json", TURN % ("0", "1" + "0" * 400)),
        ("labels.json", TURN % ("0", "9" * 5000)),
        ("journal.jsonl", HEAD.replace("8000", "999999999999") % ""),
        ("journal.jsonl", HEAD % ',"seed":"evil"'),
        ("journal.jsonl", HEAD % ',"bookmarks_s":["x"]'),
        ("journal.jsonl", HEAD % "" + '{"at":1' + "0" * 30 + ',"event":"CallStarted"}\n'),
        ("journal.jsonl", HEAD % "" + '{"at":86400000000000,"event":"CallStarted"}\n'),
        ("journal.jsonl", HEAD % "" + json.dumps(
            {"at": 1, "event": "CallEnded", "reason": "x" * 2_000_000}) + "\n"),
        ("profile.toml", "a = '" + "x" * 2_000_000 + "'"),
    ],
)  # fmt: skip
def test_absurd_parts_are_refused_in_a_sentence(call, part, content):
    (call / part).write_text(content)
    with pytest.raises(InputError):
        read_bundle(call)
    assert [kept.note for kept in kept_calls(call.parent) if kept.name == "good"] == [""]


@pytest.mark.parametrize(
    "text",
    [".".join(["a"] * 100_000) + " = 1", "[" + ".".join(['"a"'] * 50_000) + "]",
     "a = " + "[" * 50_000, "a = " + "9" * 5000],
)  # fmt: skip
def test_a_profile_that_a_toml_reader_chokes_on_is_refused_at_once(call, text):
    (call / "profile.toml").write_text(text)
    before = time.process_time()
    with pytest.raises(ProfileError):
        load_profile(str(call / "profile.toml"))
    assert time.process_time() - before < 2


def test_audio_that_would_unpack_to_gigabytes_is_not_decoded(call):
    soundfile.write(call / "bomb.flac", np.zeros((200_000, 2), np.int16), 8000)
    (call / "bomb.flac").rename(call / "call.wav")
    with pytest.raises(VoicecliError, match="no 16-bit WAV"):
        read_bundle(call)


def test_a_part_that_is_a_link_is_not_read(call, tmp_path):
    (call / "profile.toml").unlink()
    (call / "profile.toml").symlink_to(tmp_path / "good" / "profile.toml")
    with pytest.raises(InputError, match="is a link"):
        read_bundle(call)
