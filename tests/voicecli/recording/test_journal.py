import errno
import json
import re
import typing
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.turn_taking import commands, events
from pipelines.turn_taking.events import CallStarted, FrameScored, MarkReached
from pipelines.turn_taking.journal import Issued
from pipelines.turn_taking.reasons import Reason, because
from voicecli.errors import InputError, StorageError
from voicecli.recording.journal import (
    JournalHeader,
    JournalWriter,
    decode,
    encode,
    journal_hash,
    read_journal,
)

HEADER = JournalHeader("default", 8000, {"line": "pstn"})
FRAME = FrameScored(20_000_000, 0, 20_000_000, 0.25, 5_000_000)
PLAY = Issued(20_000_000, commands.PlayClause(3, because("clause_ready", audio_ms=2)))

numbers: st.SearchStrategy[Mapping[str, float | int | str]] = st.dictionaries(
    st.text(max_size=8),
    st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    max_size=3,
)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(str, st.text(st.characters(), max_size=20))  # surrogates included
st.register_type_strategy(Reason, st.builds(Reason, st.text(max_size=8), numbers))
entries = st.one_of(*map(st.from_type, typing.get_args(events.Event))) | st.builds(
    Issued,
    st.integers(),
    st.one_of(*map(st.from_type, typing.get_args(commands.Command))),
)


def write(path: Path, *lines: str, end: str = "\n") -> Path:
    header = '{"voicecli_journal":2,"profile":"default","rate":8000}'
    path.write_text("\n".join([header, *lines]) + end)
    return path


@given(entries)
def test_every_event_and_command_survives_the_way_to_text_and_back(entry):
    line = encode(entry)
    assert "\n" not in line
    assert decode(line) == entry
    assert encode(decode(line)) == line


def test_a_line_names_its_fields_in_the_order_of_the_class():
    assert encode(FRAME) == (
        '{"at":20000000,"event":"FrameScored","start":0,"end":20000000,'
        '"speech":0.25,"ingress":5000000,"sound_until":null,"masked":false}'
    )
    assert encode(PLAY) == (
        '{"at":20000000,"command":"PlayClause","job":3,'
        '"reason":{"rule":"clause_ready","numbers":{"audio_ms":2}}}'
    )


def test_no_event_or_command_has_a_field_that_the_line_itself_uses():
    for kind in typing.get_args(commands.Command):
        assert not {"at", "command", "event"} & set(kind.__slots__)
    for kind in typing.get_args(events.Event):
        assert not {"command", "event"} & set(kind.__slots__)


def test_a_whole_number_and_its_float_hash_alike_where_a_float_belongs():
    assert journal_hash([FrameScored(1, 0, 1, 1)]) == journal_hash([FrameScored(1, 0, 1, 1.0)])
    assert journal_hash([FrameScored(1, 0, 1, 1)]) != journal_hash([FrameScored(2, 0, 1, 1)])
    assert journal_hash([FRAME, PLAY]) != journal_hash([PLAY, FRAME])


@given(st.lists(entries, max_size=5), st.booleans())
def test_a_journal_is_read_as_it_was_written(tmp_path_factory, written, partial):
    path = tmp_path_factory.mktemp("call") / "journal.jsonl"
    header = JournalHeader("profil é", 16000, {"line": {"delay_ms": 40}}, partial)
    with JournalWriter(path, header) as journal:
        for entry in written:
            journal.append(entry)
    assert read_journal(path) == (header, written)


def test_a_journal_is_partial_until_it_is_closed(tmp_path):
    path = tmp_path / "journal.jsonl"
    journal = JournalWriter(path, HEADER)
    journal.append(FRAME)
    journal.flush()
    assert read_journal(path) == (replace(HEADER, partial=True), [FRAME])
    journal.close()
    journal.close()
    assert read_journal(path) == (HEADER, [FRAME])


def test_what_a_killed_call_wrote_only_half_is_left_out(tmp_path):
    path = tmp_path / "journal.jsonl"
    journal = JournalWriter(path, HEADER)
    journal.append(FRAME)
    journal.append(PLAY)
    journal.flush()
    whole = path.read_bytes()
    for length in range(len(whole) - len(encode(PLAY)), len(whole)):
        path.write_bytes(whole[:length])
        header, found = read_journal(path)
        assert header.partial
        assert found == [FRAME]


def test_what_became_known_later_is_added_to_the_header(tmp_path):
    path = tmp_path / "journal.jsonl"
    with JournalWriter(path, HEADER) as journal:
        journal.note({"bookmarks_s": [1.5]})
        journal.append(FRAME)
        journal.note({"bookmarks_s": [1.5, 2.0], "line": "clean"})
    header, found = read_journal(path)
    assert header.metadata == {**HEADER.metadata, "bookmarks_s": [1.5, 2.0], "line": "clean"}
    assert found == [FRAME]


def test_a_call_broken_off_with_ctrl_c_leaves_a_journal_marked_partial(tmp_path):
    path = tmp_path / "journal.jsonl"

    def interrupted_call():
        with JournalWriter(path, HEADER) as journal:
            journal.append(FRAME)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted_call()
    header, found = read_journal(path)
    assert header.partial
    assert found == [FRAME]


def test_a_full_disk_is_a_storage_error_and_loses_nothing(tmp_path, monkeypatch):
    path = tmp_path / "journal.jsonl"
    journal = JournalWriter(path, HEADER)
    journal.append(FRAME)
    monkeypatch.setattr(journal, "_file", NearlyFull(journal._file, room=10))
    with pytest.raises(StorageError, match=r"journal\.jsonl cannot be written \(No space"):
        journal.flush()
    journal._file.room = 1_000_000
    journal.close()
    assert read_journal(path) == (HEADER, [FRAME])


class NearlyFull:
    """A file on a disk with room for so many bytes."""

    def __init__(self, file, room):
        self._file, self.room = file, room

    def write(self, content):
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self._file.write(bytes(content[: self.room]))
        self.room -= written
        return written

    def __getattr__(self, name):
        return getattr(self._file, name)


def test_a_journal_in_a_folder_that_does_not_exist_is_a_storage_error(tmp_path):
    with pytest.raises(StorageError, match="cannot be written"):
        JournalWriter(tmp_path / "nowhere" / "journal.jsonl", HEADER)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("hello", "it is not JSON"),
        ("[1]", "it is not a JSON object"),
        ("[" * 100_000, "it is not JSON"),
        ('{"event":"CallStarted"}', "the key 'at' is missing"),
        ('{"at":1}', "it has neither the key 'event' nor 'command'"),
        ('{"at":1,"event":"Sneezed"}', "'Sneezed' is no event"),
        ('{"at":1,"command":"Sneeze"}', "'Sneeze' is no command"),
        ('{"at":1,"event":["CallStarted"]}', "is no event"),
        ('{"at":1,"event":"CallStarted","x":1}', "CallStarted has no field 'x'"),
        ('{"at":1,"event":"MarkReached"}', "MarkReached lacks job"),
        ('{"at":1.5,"event":"CallStarted"}', "should be a whole number, not 1.5"),
        ('{"at":1,"event":"MarkReached","job":"3"}', "MarkReached.job should be a whole number"),
        ('{"at":1,"event":"MarkReached","job":true}', "MarkReached.job should be a whole number"),
        (
            '{"at":1,"event":"EndOfTurnScored","job":1,"detector":"x","probability":NaN}',
            "EndOfTurnScored.probability should be a finite number",
        ),
        (
            '{"at":1,"event":"EngineFailed","job":1,"kind":"gpu","message":""}',
            "EngineFailed.kind should be one of vad, asr, turn_detector, llm, tts, not 'gpu'",
        ),
        (
            '{"at":1,"command":"EndCall","reason":{"rule":"x","numbers":{"p":null}}}',
            "EndCall.reason Reason.numbers [p] should be a finite number or text, not None",
        ),
        (
            '{"at":1,"command":"PrepareReply","job":1,"history":[{"role":"god","text":""}],'
            '"reason":{"rule":"x","numbers":{}}}',
            "PrepareReply.history Message.role should be one of system, agent, caller, tool_call, "
            "tool_result, not 'god'",
        ),
    ],
)
def test_a_bad_line_is_named_with_what_is_wrong_and_what_to_do(tmp_path, line, complaint):
    path = write(tmp_path / "j.jsonl", '{"at":0,"event":"CallStarted"}', line)
    with pytest.raises(InputError) as caught:
        read_journal(path)
    message = str(caught.value)
    assert message.startswith(f"{path}:3: ")
    assert complaint in message
    assert "correct or delete this line" in message


def test_a_cut_off_last_line_is_named_and_deleting_it_saves_the_rest(tmp_path):
    path = write(tmp_path / "j.jsonl", '{"at":0,"event":"CallStarted"}', '{"at":1,"ev', end="")
    with pytest.raises(InputError, match=re.escape(f"{path}:3: the last line is cut off; delete")):
        read_journal(path)
    write(path, '{"at":0,"event":"CallStarted"}')
    assert read_journal(path)[1] == [CallStarted(0)]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "this is not a voicecli journal"),
        (b"RIFF\x00\xff\n", "this is not a voicecli journal"),
        (b'{"at":0,"event":"CallStarted"}\n', "this is not a voicecli journal"),
        (b'{"voicecli_journal":3}\n', "has version 3 but this voicecli reads up to 2"),
        (b'{"voicecli_journal":1,"profile":"x"}\n', "'profile' (text) or 'rate' (Hz) is missing"),
    ],
)
def test_a_file_that_is_no_journal_of_this_version_is_refused(tmp_path, content, complaint):
    path = tmp_path / "j.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=re.escape(complaint)):
        read_journal(path)


def test_a_missing_journal_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_journal(tmp_path / "j.jsonl")


def test_a_field_with_a_default_may_be_absent():
    assert decode('{"at":1,"event":"PlayoutStarted","job":2}') == events.PlayoutStarted(1, 2, 0)


def test_text_is_written_readably_and_metadata_is_kept(tmp_path):
    path = tmp_path / "j.jsonl"
    with JournalWriter(path, HEADER) as journal:
        journal.append(events.FinalTranscript(1, 2, 3, "café"))
        journal.append(MarkReached(4, 5))
    lines = path.read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0])["line"] == "pstn"
    assert "café" in lines[1]
