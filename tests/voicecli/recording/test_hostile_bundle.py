"""A call's folder that somebody made to do harm: one sentence, and the others are shown."""

import json
import os
import time

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from pipelines.turn_taking.events import CallEnded, CallStarted
from voicecli.commands.recordings import app
from voicecli.errors import InputError, ProfileError, VoicecliError
from voicecli.profile import SHIPPED, load_profile
from voicecli.recording.bundle import read_bundle, write_bundle
from voicecli.recording.journal import JournalHeader
from voicecli.recording.library import kept_calls
from voicecli.synthetic_calls.call_script import CallScript, Utterance, write_script

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
        ("journal.jsonl", HEAD % f',"bookmarks_s":{[1] * 100_000}'),
        ("journal.jsonl", HEAD % "" + '{"at":1' + "0" * 30 + ',"event":"CallStarted"}\n'),
        ("journal.jsonl", HEAD % "" + '{"at":86400000000000,"event":"CallStarted"}\n'),
        ("journal.jsonl", HEAD % "" + json.dumps(
            {"at": 1, "event": "CallEnded", "reason": "x" * 2_000_000}) + "\n"),
        ("profile.toml", "a = '" + "x" * 2_000_000 + "'"),
        ("journal.jsonl", HEAD.replace('"x"', json.dumps("x" * 5_000)) % ""),
        ("journal.jsonl", HEAD.replace('"x"', '"' + "x" * 2_000_000 + '"') % ""),
        ("journal.jsonl", HEAD % (',"more":"' + "x" * 2_000_000 + '"')),
        ("journal.jsonl", HEAD % ',"line":["pstn"]'),
        ("labels.json", TURN % ("0", '1, "text": "' + "x" * 2_000_000 + '"')),
        ("labels.json", TURN.replace("{", "{ ", 1) % ("0", "1") + " " * (1 << 24)),
        ("labels.json", '{"schema": "voicecli.labels/1", "turns": [{}' + ", {}" * 10_000 + "]}"),
    ],
    ids=iter(range(99)),
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


def bomb(path):
    """Silence packs well: a little file of many samples; 64 times as much would be gigabytes."""
    silence = np.zeros((1 << 20, 8), np.int32)
    soundfile.write(path, silence, 8000, "PCM_24", format="FLAC", compression_level=1.0)


@pytest.fixture
def undecoded(monkeypatch):
    """Whoever decodes audio here breaks down."""
    monkeypatch.delattr(soundfile.SoundFile, "read")
    monkeypatch.delattr(soundfile.SoundFile, "buffer_read")


def listed(folder, monkeypatch):
    """What `recordings list` shows, and that it reads no more than the heads of files."""
    monkeypatch.setenv("VOICECLI_HOME", str(folder))
    before = time.process_time()
    result = CliRunner().invoke(app, ["list"], env={"COLUMNS": "400"})
    assert time.process_time() - before < 1
    assert not result.exception
    return result.output


@pytest.fixture
def library(call, tmp_path):
    """The folder of a user's calls, with a good one in it and a bad one to be made worse."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name in ("bad", "good"):
        (tmp_path / name).rename(folder / name)
    return folder / "bad"


def huge_journal(bad):
    with (bad / "journal.jsonl").open("wb") as file:
        file.write((HEAD % ',"open":true').encode())
        file.truncate(1 << 28)


def huge_wav(bad):
    with (bad / "call.wav").open("r+b") as file:
        head = bytearray(file.read(44))
        head[4:8] = ((1 << 30) - 8).to_bytes(4, "little")
        head[40:44] = ((1 << 30) - 44).to_bytes(4, "little")
        file.seek(0)
        file.write(head)
        file.truncate(1 << 30)


def pipe_as(part):
    def make(bad):
        (bad / part).unlink(missing_ok=True)
        os.mkfifo(bad / part)

    return make


def metadata(text):
    def make(bad):
        path = bad / "journal.jsonl"
        path.write_text(path.read_text().replace('{"complete"', text + '\n{"complete"'))

    return make


@pytest.mark.parametrize(
    "spoil",
    [
        huge_journal,
        huge_wav,
        lambda bad: bomb(bad / "call.wav"),
        lambda bad: (bad / "call.wav").write_bytes(b"RIFF\xff\xff\xff\xffWAVE"),
        lambda bad: (bad / "call.wav").write_bytes(b""),
        lambda bad: (bad / "journal.jsonl").write_bytes(b"[" * (1 << 22)),
        lambda bad: (bad / "journal.jsonl").write_bytes(b""),
        lambda bad: (bad / "journal.jsonl").write_text(HEAD % (',"a":' + "9" * 5000)),
        metadata('{"metadata":{"bookmarks_s":["x"]}}'),
        metadata('{"metadata":{"line":"' + "x" * 5000 + '"}}'),
        metadata('{"metadata":' + "[" * 60_000),
        *map(pipe_as, ("journal.jsonl", "call.wav", "profile.toml", "labels.json")),
    ],
)
def test_one_bad_call_neither_breaks_nor_delays_the_list(library, spoil, monkeypatch, request):
    spoil(library)
    request.getfixturevalue("undecoded")
    shown = listed(library.parents[1], monkeypatch)
    assert "good" in shown
    assert max(map(len, shown.splitlines())) < 1000


def test_what_was_noted_late_is_in_the_list(library):
    metadata('{"metadata":{"line":"pstn"}}')(library)
    assert kept_calls(library.parent)[0].line == "pstn"
    assert kept_calls(library.parent)[0].seconds == 1.0


def spoilt_labels(folder):
    (folder / "labels.json").write_text("[" * 100_000)


@pytest.mark.parametrize(
    "spoil",
    [
        spoilt_labels,
        lambda folder: bomb(folder / "caller.flac"),
        lambda folder: (folder / "caller.flac").write_bytes(b"fLaC"),
        lambda folder: (folder / "call.toml").write_text(".".join(["a"] * 100_000) + " = 1"),
        lambda folder: (folder / "call.toml").write_text(f'description = "{"x" * 200_000}"'),
        pipe_as("call.toml"),
        pipe_as("labels.json"),
    ],
)
def test_one_bad_labelled_call_neither_breaks_nor_delays_the_list(tmp_path, spoil, request):
    for name in ("bad", "good"):
        folder = tmp_path / name
        folder.mkdir()
        write_script(folder / "call.toml", CallScript("fine", "", "en-us", (Utterance("Hi."),)))
        soundfile.write(folder / "caller.flac", np.zeros(8000, np.int16), 8000)
        (folder / "labels.json").write_text(TURN % ("0", "1"))
    spoil(tmp_path / "bad")
    request.getfixturevalue("undecoded")
    before = time.process_time()
    result = CliRunner().invoke(app, ["list", "--folder", str(tmp_path)])
    assert not result.exception
    assert time.process_time() - before < 1
    assert "good" in result.output
    assert max(map(len, result.output.splitlines())) < 1000


def test_a_sentence_stays_a_sentence_whatever_it_quotes():
    assert len(str(InputError("x" * 2_000_000))) < 10_000
