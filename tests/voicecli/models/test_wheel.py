"""Weights out of wheels that the tests build, fetched by the real pip from a local folder."""

import signal
import subprocess
import sys
import zipfile

import pytest

from voicecli.errors import StorageError, WeightsError
from voicecli.models import pull as pulling
from voicecli.models import store
from voicecli.models.pull import pull
from voicecli.models.registry import load_registry
from voicecli.models.sources.job import Job
from voicecli.paths import models_folder

PROGRAM = [sys.executable, "-c", "from voicecli.commands.models import app; app()"]


def test_a_file_is_taken_out_of_the_wheel_and_nothing_else_stays(
    wheel_source, register, listen, home, names_in, content, pinned
):
    heard = listen()
    pull((register("tiny", wheel_source, pinned),), heard)
    assert store.locate("tiny").read_bytes() == content
    assert heard.events == [f"finished tiny {len(content)}"]
    assert names_in() == {"tiny"}
    assert {path.name for path in (home / "models/tiny").iterdir()} == {"w.bin", "receipt.json"}


def test_what_is_there_is_left_alone(wheel, wheel_source, register, listen, pinned):
    entry, heard = register("tiny", wheel_source, pinned), listen()
    pull((entry,), listen())
    wheel.unlink()  # a second download would fail
    pull((entry,), heard)
    assert heard.events == []


def test_a_wrong_hash_is_refused_and_removed(
    wheel_source, register, listen, names_in, content, pinned
):
    wrong = pinned.replace('sha256 = "', 'sha256 = "0000')
    with pytest.raises(WeightsError, match=r"w\.bin from wheel tiny-weights 1\.0 was refused"):
        pull((register("tiny", wheel_source, wrong),), listen())
    assert names_in() == set()


def test_what_was_finished_before_a_failure_stays(wheel_source, register, listen, names_in, pinned):
    good = register("good", wheel_source, pinned)
    bad = register("bad", wheel_source.replace("1.0", "2.0"), pinned)
    with pytest.raises(WeightsError, match="bad could not be fetched"):
        pull((good, bad), listen())
    assert names_in() == {"good"}


def test_a_version_that_pip_cannot_find_is_told_in_pips_words(
    wheel_source, register, listen, pinned
):
    entry = register("tiny", wheel_source.replace("1.0", "9.9"), pinned)
    with pytest.raises(WeightsError, match=r"pip says: No matching distribution .*==9\.9"):
        pull((entry,), listen())


def test_a_wheel_without_the_file_is_refused(wheel_source, register, listen, pinned, names_in):
    entry = register("tiny", wheel_source.replace("tiny/data", "tiny/elsewhere"), pinned)
    with pytest.raises(WeightsError, match="does not hold the expected files"):
        pull((entry,), listen())
    assert names_in() == set()


def test_the_installed_package_is_used_if_it_is_that_very_version(
    wheel, wheel_source, register, listen, tmp_path, monkeypatch, content, pinned
):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    wheel.unlink()
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    pull((register("tiny", wheel_source, pinned),), listen())
    assert store.locate("tiny").read_bytes() == content


def test_an_installed_file_with_a_wrong_hash_is_refused(
    wheel, wheel_source, register, listen, tmp_path, monkeypatch, pinned, names_in
):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    (tmp_path / "site/tiny/data/w.bin").write_bytes(b"tampered with")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    with pytest.raises(WeightsError, match="was refused"):
        pull((register("tiny", wheel_source, pinned),), listen())
    assert names_in() == set()


def test_the_installed_package_of_another_version_is_not_used(
    wheel, wheel_source, register, listen, tmp_path, monkeypatch, pinned
):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    metadata = tmp_path / "site/tiny_weights-1.0.dist-info/METADATA"
    metadata.write_text(metadata.read_text().replace("Version: 1.0", "Version: 1.1"))
    (tmp_path / "site/tiny/data/w.bin").write_bytes(b"another version's")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    pull((register("tiny", wheel_source, pinned),), listen())
    assert store.damage(load_registry().find("tiny"), thorough=True) is None


def test_too_little_room_is_refused_before_anything_is_fetched(
    wheel_source, register, listen, monkeypatch, names_in, pinned
):
    entry = register("tiny", wheel_source, pinned)
    needed = entry.bytes + entry.wheel.download_bytes + (16 << 20)
    free = pulling.shutil.disk_usage("/")
    monkeypatch.setattr("shutil.disk_usage", lambda folder: free._replace(free=needed - 1))
    with pytest.raises(StorageError, match=r"tiny needs 1\.2 MB but only .* VOICECLI_HOME"):
        pull((entry,), listen())
    assert names_in() == set()
    monkeypatch.setattr("shutil.disk_usage", lambda folder: free._replace(free=needed))
    pull((entry,), listen())
    assert names_in() == {"tiny"}


def test_a_models_folder_that_cannot_be_made_is_one_clear_sentence(
    wheel_source, register, listen, home, pinned
):
    entry = register("tiny", wheel_source, pinned)
    (home / "models").write_text("in the way")
    with pytest.raises(StorageError, match="cannot be written: File exists"):
        pull((entry,), listen())


def test_what_a_killed_pull_left_is_swept_away(
    wheel_source, register, listen, home, names_in, content, pinned
):
    entry = register("tiny", wheel_source, pinned)
    debris = home / "models/.partial/tiny/files"
    debris.mkdir(parents=True)
    (debris / "half.bin").write_bytes(b"half")
    pull((entry,), listen())
    assert names_in() == {"tiny"}
    assert not (home / "models/tiny/half.bin").exists()


def test_a_damaged_model_is_replaced(wheel_source, register, listen, content, pinned):
    entry = register("tiny", wheel_source, pinned)
    pull((entry,), listen())
    store.path_of(entry).write_bytes(b"short")
    with pytest.raises(WeightsError, match="5 bytes instead of 600,000"):
        store.locate("tiny")
    pull((entry,), listen())
    assert store.locate("tiny").read_bytes() == content


def test_progress_is_seen_while_pip_is_still_downloading(
    slow_index, wheel_source, register, listen, content, pinned
):
    seen: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        seen.append((done, total))
        if done > 0:
            slow_index.release.set()

    entry = register("tiny", wheel_source, pinned)
    pull((entry,), listen(progress))
    assert 0 < max(done for done, _ in seen) <= entry.wheel.download_bytes
    assert {total for _, total in seen} == {entry.wheel.download_bytes}
    assert store.locate("tiny").read_bytes() == content


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_pip_works_leaves_nothing_behind(
    number, slow_index, wheel_source, register, names_in, pinned
):
    register("tiny", wheel_source, pinned)
    program = subprocess.Popen([*PROGRAM, "pull", "tiny"], stderr=subprocess.PIPE, text=True)
    assert slow_index.held.wait(20)
    program.send_signal(number)
    _, errors = program.communicate(timeout=20)
    assert program.returncode not in {0, None}
    assert "Traceback" not in errors
    assert names_in() == set()


@pytest.fixture
def slow_index(server, wheel, monkeypatch):
    """pip finds the wheel on a server that stops in the middle of it until it is released."""
    server.files["/links/"] = f'<a href="{server.url}/{wheel.name}">{wheel.name}</a>'.encode()
    server.files[f"/{wheel.name}"] = wheel.read_bytes()
    server.hold_after = 400_000
    monkeypatch.setenv("PIP_FIND_LINKS", f"{server.url}/links/")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return server


class TestSeveralWheels:
    """A file in pieces, and other files beside it; and several sources of the same."""

    @pytest.fixture
    def part(self, wheel, content):
        """Adds a wheel `piece-N 1.0` with a third of the content, and gives its table."""
        third = len(content) // 3

        def make(number, piece=None):
            name, info = f"piece_{number}", f"piece_{number}-1.0.dist-info"
            pieces = (content[:third], content[third : 2 * third], content[2 * third :])
            with zipfile.ZipFile(wheel.with_name(f"{name}-1.0-py3-none-any.whl"), "w") as archive:
                archive.writestr(f"{name}/part", pieces[number - 1] if piece is None else piece)
                archive.writestr(
                    f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
                )
                archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
                archive.writestr(f"{info}/RECORD", "")
            return self.table(number)

        return make

    @staticmethod
    def table(number):
        member = f'members = {{ "w.bin" = "piece_{number}/part" }}'
        return f'{{ package = "piece-{number}", version = "1.0", download_bytes = 9, {member} }}'

    @staticmethod
    def joined(*tables):
        return f"{{ wheels = [{', '.join(tables)}] }}"

    def test_pieces_are_joined_in_order_and_the_hash_is_that_of_the_whole(
        self, part, register, listen, content, pinned, names_in
    ):
        source = self.joined(*(part(number) for number in (1, 2, 3)))
        heard = listen()
        pull((register("whole", f"sources = [{source}]", pinned),), heard)
        assert store.locate("whole").read_bytes() == content
        assert heard.origin == "3 wheels, piece-1 to piece-3 1.0"
        assert names_in() == {"whole"}

    @pytest.mark.parametrize("wrong", ["a piece of another version", ""])
    def test_a_wrong_piece_is_refused_and_nothing_of_it_kept(
        self, part, register, listen, pinned, names_in, wrong
    ):
        source = self.joined(part(1), part(2, piece=wrong), part(3))
        entry = register("whole", f"sources = [{source}]", pinned)
        with pytest.raises(WeightsError, match=r"w\.bin from 3 wheels, piece-1 .* was refused"):
            pull((entry,), listen())
        assert names_in() == set()

    def test_a_missing_piece_is_told_in_pips_words_and_the_others_are_not_fetched_again(
        self, part, wheel, register, listen, pinned, content
    ):
        tables = [part(1), self.table(2), part(3)]
        entry = register("whole", f"sources = [{self.joined(*tables)}]", pinned)
        with pytest.raises(WeightsError, match=r"pip says: No matching distribution .*piece-2"):
            pull((entry,), listen())
        assert store.damage(entry, thorough=False) == store.NOT_THERE
        part(2)
        for kept in (home_part(1), home_part(3)):
            if kept.exists():  # whichever was whole when the pull broke off
                wheel.with_name(
                    f"{kept.parent.name.replace('-', '_')}-1.0-py3-none-any.whl"
                ).unlink()
        pull((entry,), listen())
        assert store.locate("whole").read_bytes() == content

    def test_the_first_source_that_has_the_right_files_is_taken(
        self, part, register, listen, pinned, content, monkeypatch
    ):
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        bad = self.joined(part(1, piece="another"), part(2), part(3))
        hub = '{ huggingface = { repo = "a/b" } }'
        good = bad.replace("piece-", "tiny-weights-")  # not there at all
        whole = (
            '{ wheels = [{ package = "tiny-weights", version = "1.0", folder = "tiny/data", '
            "download_bytes = 9 }] }"
        )
        heard = listen()
        pull((register("x", f"sources = [{hub}, {good}, {bad}, {whole}]", pinned),), heard)
        assert store.locate("x").read_bytes() == content
        assert heard.origin == "wheel tiny-weights 1.0"

    def test_if_none_has_them_each_says_why(self, part, register, listen, pinned, monkeypatch):
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        source = self.joined(part(1, piece="another"), part(2), part(3))
        hub = '{ huggingface = { repo = "a/b" } }'
        with pytest.raises(WeightsError) as caught:
            pull((register("x", f"sources = [{source}, {hub}]", pinned),), listen())
        told = str(caught.value)
        assert "w.bin from 3 wheels, piece-1 to " in told
        assert "could not be fetched from Hugging Face a/b" in told
        assert told.endswith("to try again: voicecli models pull x")

    def test_an_entry_whose_wheels_lack_a_file_is_refused(self, register, pinned):
        more = pinned + ", " + pinned.replace("w.bin", "other.bin")
        with pytest.raises(WeightsError, match=r"no wheel has other\.bin"):
            register("x", f"sources = [{self.joined(self.table(1))}]", more)


def home_part(number):
    """Where a pull that broke off keeps a wheel that it had downloaded whole."""
    name = f"piece_{number}-1.0-py3-none-any.whl"
    return models_folder() / ".partial" / "whole" / "download" / f"piece-{number}" / name


def test_a_member_larger_than_pinned_is_not_unpacked(
    wheel, wheel_source, register, listen, names_in, pinned, monkeypatch
):
    with zipfile.ZipFile(wheel) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["tiny/data/w.bin"] = bytes(50_000_000)
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    sizes: list[int] = []
    refuse = Job.refuse

    def measure(job, file, found, expected):
        sizes.append((job.target / file.name).stat().st_size)
        return refuse(job, file, found, expected)

    monkeypatch.setattr(Job, "refuse", measure)
    with pytest.raises(WeightsError, match="was refused and removed"):
        pull((register("tiny", wheel_source, pinned),), listen())
    assert 600_000 < sizes[0] < 3_000_000
    assert names_in() == set()
