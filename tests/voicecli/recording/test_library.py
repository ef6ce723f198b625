"""The calls a user has kept: list, show, export, delete."""

import os
import sys
import zipfile

import numpy as np
import pytest
from typer.testing import CliRunner

from pipelines.turn_taking.events import CallEnded, CallStarted
from pipelines.turn_taking.time import SECOND
from voicecli.cli import app, main
from voicecli.errors import InputError
from voicecli.profile import SHIPPED
from voicecli.recording.bundle import read_bundle, write_bundle
from voicecli.recording.journal import JournalHeader
from voicecli.recording.library import delete_call, export_call, find_call, kept_calls

ENTRIES = [CallStarted(0), CallEnded(2 * SECOND, "the caller hung up")]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("VOICECLI_HOME", str(tmp_path))
    for name in ("2026-01-02_scripted", "2026-01-03_scripted"):
        write_bundle(
            tmp_path / "recordings" / name,
            JournalHeader("scripted", 8000, {"line": "pstn", "bookmarks_s": [1.5]}),
            ENTRIES,
            np.zeros((16_000, 2), np.int16),
            profile=(SHIPPED / "scripted.toml").read_text(),
        )
    return tmp_path / "recordings"


def test_calls_are_listed_with_length_profile_and_line(folder):
    first, second = kept_calls(folder)
    assert (first.name, first.seconds, first.profile) == ("2026-01-02_scripted", 2.0, "scripted")
    assert (second.line, second.note) == ("pstn", "")


def test_a_damaged_call_is_listed_with_what_is_wrong(folder):
    (folder / "2026-01-02_scripted" / "call.wav").unlink()
    assert "call.wav is missing" in kept_calls(folder)[0].note


@pytest.mark.parametrize("name", ["last", "2026-01-03", "2026-01-03_scripted"])
def test_a_call_is_found_by_name_beginning_or_as_the_last(folder, name):
    assert find_call(folder, name).name == "2026-01-03_scripted"


@pytest.mark.parametrize(("name", "why"), [("2026", "fits 2 calls"), ("1999", "there is no call")])
def test_a_name_that_fits_none_or_several_is_refused(folder, name, why):
    with pytest.raises(InputError, match=why):
        find_call(folder, name)


def test_an_exported_call_can_be_read_again_where_it_is_unpacked(folder, tmp_path):
    archive = tmp_path / "call.zip"
    export_call(folder / "2026-01-03_scripted", archive)
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(tmp_path / "there")
    assert read_bundle(tmp_path / "there" / "2026-01-03_scripted").entries == ENTRIES


def test_a_deleted_call_is_gone_and_its_neighbour_is_not(folder):
    delete_call(folder / "2026-01-02_scripted")
    assert [call.name for call in kept_calls(folder)] == ["2026-01-03_scripted"]


def test_a_folder_that_is_no_call_is_not_deleted(tmp_path):
    with pytest.raises(InputError, match="nothing was deleted"):
        delete_call(tmp_path)
    assert tmp_path.exists()


def test_the_verbs_do_the_same_from_the_command_line(folder, tmp_path):
    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["recordings", *arguments])
        assert result.exit_code == 0, result.output
        return result.output

    assert "2026-01-03_scripted" in run("list")
    shown = run("show", "last")
    assert "bookmarks at 1.5 s" in shown
    assert "voicecli replay" in shown
    run("export", "last", str(tmp_path / "one.zip"))
    assert (tmp_path / "one.zip").exists()
    run("delete", "--yes", "last")
    assert len(kept_calls(folder)) == 1


def folder_of_one(folder):
    delete_call(folder / "2026-01-02_scripted")
    return folder / "2026-01-03_scripted"


@pytest.mark.parametrize("name", ["", " ", ".", "..", "a/../2026-01-03_scripted", "ABSOLUTE", "\0"])
def test_only_a_name_deletes(folder, name, monkeypatch):
    call = folder_of_one(folder)
    monkeypatch.chdir(call)
    name = str(call) if name == "ABSOLUTE" else name
    result = CliRunner().invoke(app, ["recordings", "delete", "--yes", name])
    assert isinstance(result.exception, InputError)
    assert read_bundle(call).entries == ENTRIES


def test_what_is_not_ours_survives_a_deletion(folder, tmp_path):
    call = folder_of_one(folder)
    (tmp_path / "kept.txt").write_text("years of work")
    (call / "thesis.txt").write_text("years of work")
    (call / "labels.json").symlink_to(tmp_path / "kept.txt")
    assert delete_call(call) == ["thesis.txt"]
    assert [path.name for path in call.iterdir()] == ["thesis.txt"]
    assert (tmp_path / "kept.txt").read_text() == "years of work"


def test_a_link_to_a_call_is_neither_found_nor_deleted(folder, tmp_path):
    call = folder_of_one(folder)
    call.rename(tmp_path / "elsewhere")
    call.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError):
        find_call(folder, call.name)
    with pytest.raises(InputError, match="nothing was deleted"):
        delete_call(call)
    assert read_bundle(tmp_path / "elsewhere").entries == ENTRIES


@pytest.mark.parametrize("part", ["labels.json", "call.wav", "profile.toml"])
def test_an_export_takes_no_file_from_outside(folder, tmp_path, part):
    call = folder_of_one(folder)
    (tmp_path / "id_rsa").write_text("secret")
    (call / part).unlink(missing_ok=True)
    (call / part).symlink_to(tmp_path / "id_rsa")
    with pytest.raises(InputError, match="nothing was exported"):
        export_call(call, tmp_path / "call.zip")
    assert not (tmp_path / "call.zip").exists()


def test_an_export_writes_through_no_planted_link_and_is_private(folder, tmp_path):
    call = folder_of_one(folder)
    (tmp_path / "victim").write_text("mine")
    for name in ("call.zip", ".call.zip.part"):
        (tmp_path / name).symlink_to(tmp_path / "victim")
    export_call(call, tmp_path / "call.zip")
    assert (tmp_path / "victim").read_text() == "mine"
    assert zipfile.is_zipfile(tmp_path / "call.zip")
    assert (tmp_path / "call.zip").stat().st_mode & 0o777 == 0o600


def renamed(folder, name):
    call = folder_of_one(folder)
    call.rename(folder / name)
    return folder / name


STRANGE = ["a\nb", "\x1b]2;x\x07", "a\udcff"]


@pytest.mark.parametrize("name", [*STRANGE, "..\\..\\x", 'C:\\x"?*', "\u202egnp"])
def test_an_archive_leads_nowhere_on_any_system(folder, tmp_path, name):
    export_call(renamed(folder, name), tmp_path / "call.zip")
    with zipfile.ZipFile(tmp_path / "call.zip") as packed:
        for path in packed.namelist():
            assert path.count("/") == 1
            assert path.isprintable()
            assert not set(path) & set('\\:*?"<>|')


@pytest.mark.parametrize("name", [*STRANGE, "-y", "~root", "LAST"])
def test_a_strange_name_deletes_the_call_of_that_name_alone(folder, name):
    renamed(folder, name)
    write_bundle(folder / "other", JournalHeader("scripted", 8000, {}), ENTRIES,
                 np.zeros((16_000, 2), np.int16), profile="")  # fmt: skip
    CliRunner().invoke(app, ["recordings", "delete", "--yes", "--", name])
    assert [call.name for call in kept_calls(folder)] == ["other"]


def test_a_call_named_last_is_meant_before_the_last_one(folder):
    renamed(folder, "last")
    write_bundle(folder / "zzz", JournalHeader("scripted", 8000, {}), ENTRIES,
                 np.zeros((16_000, 2), np.int16), profile="")  # fmt: skip
    assert find_call(folder, "last").name == "last"


@pytest.mark.parametrize("name", ["Call", "CALL", "call ", "cal\u0131"])
def test_a_name_that_only_looks_alike_deletes_nothing(folder, name):
    renamed(folder, "call")
    result = CliRunner().invoke(app, ["recordings", "delete", "--yes", name])
    assert isinstance(result.exception, InputError)
    assert [call.name for call in kept_calls(folder)] == ["call"]


def test_a_call_named_twice_is_deleted_once(folder):
    call = folder_of_one(folder)
    result = CliRunner().invoke(app, ["recordings", "delete", "-y", call.name, call.name])
    assert result.exit_code == 0
    assert result.output.count("is deleted") == 1


@pytest.mark.parametrize("part", ["labels.json", "call.wav", "journal.jsonl"])
def test_an_export_waits_for_no_pipe(folder, tmp_path, part):
    call = folder_of_one(folder)
    (call / part).unlink(missing_ok=True)
    os.mkfifo(call / part)
    with pytest.raises(InputError, match="nothing was exported"):
        export_call(call, tmp_path / "call.zip")


@pytest.mark.parametrize(
    "arguments",
    [
        ("recordings", "show"), ("recordings", "export"), ("recordings", "delete", "-y"),
        ("recordings", "list", "--folder"), ("replay",), ("line",), ("tune",), ("models", "path"),
        ("doctor", "-p"), ("dial", "ws://127.0.0.1:9"), ("talk", "--headless", "--input"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "name", ["x" * 5000, "~nobody/x", "x\udcff"], ids=["long", "tilde", "bytes"]
)
def test_a_name_that_cannot_be_is_a_sentence(folder, arguments, name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["voicecli", *arguments, name])
    with pytest.raises(SystemExit) as ended:
        main()
    shown = capsys.readouterr().err
    assert "Traceback" not in shown
    assert shown.count("\n") == 1
    assert ended.value.code not in {0, 1}
