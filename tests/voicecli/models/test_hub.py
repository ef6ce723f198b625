"""Weights from a stand-in for the Hugging Face hub on 127.0.0.1."""

import hashlib
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from voicecli.errors import StorageError, WeightsError
from voicecli.models import pull as pulling
from voicecli.models import store
from voicecli.models.pull import pull
from voicecli.models.sources.hub import _Counted  # pyright: ignore[reportPrivateUsage]

SOURCE = 'huggingface = { repo = "some/repo" }'
FILE = '{ name = "w.bin" }'
PROGRAM = [sys.executable, "-c", "from voicecli.commands.models import app; app()"]


def test_a_file_is_fetched_and_the_hubs_own_hash_recorded(hub, register, listen, names_in, content):
    hub.add("some/repo", "w.bin", content)
    entry, heard = register("big", SOURCE, FILE), listen()
    pull((entry,), heard)
    assert store.locate("big").read_bytes() == content
    assert heard.events == [f"finished big {len(content)}"]
    receipt = json.loads((store.folder_of(entry) / "receipt.json").read_text())
    assert receipt["files"][0]["sha256"] == hashlib.sha256(content).hexdigest()
    assert names_in() == {"big"}


def test_several_files_are_kept_in_a_folder_with_their_paths(hub, register, listen, content):
    hub.add("some/repo", "config.json", b"{}")
    # what `git hash-object` says of it
    hub.etags["/some/repo/resolve/main/config.json"] = "9e26dfeeb6e641a33dae4961196235bdb965b21b"
    hub.add("some/repo", "onnx/w.bin", content)
    entry = register("pair", SOURCE, '{ name = "config.json" }, { name = "onnx/w.bin" }')
    pull((entry,), listen())
    folder = store.locate("pair")
    assert (folder / "onnx/w.bin").read_bytes() == content
    assert (folder / "config.json").read_bytes() == b"{}"


def test_a_connection_cut_off_is_resumed_where_it_broke(hub, register, listen, content):
    hub.add("some/repo", "w.bin", content)
    hub.cut_after = 200_000
    pull((register("big", SOURCE, FILE),), listen())
    assert store.locate("big").read_bytes() == content
    assert hub.bodies_sent() == ["", "bytes=200000-"]


def test_an_interrupted_pull_shows_nothing_and_the_next_goes_on_from_it(
    hub, register, listen, names_in, content
):
    hub.add("some/repo", "w.bin", content)
    entry = register("big", SOURCE, FILE)

    def interrupt(done: int, total: int) -> None:
        if done >= 300_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull((entry,), listen(interrupt))
    assert names_in() == {".partial"}
    with pytest.raises(WeightsError, match="voicecli models pull big"):
        store.locate("big")

    pull((entry,), listen())
    assert hub.bodies_sent() == ["", "bytes=300000-"]
    assert store.locate("big").read_bytes() == content
    assert names_in() == {"big"}


def test_a_partial_file_of_another_version_is_not_continued(hub, register, listen, content):
    hub.add("some/repo", "w.bin", content[:500_000])
    entry = register("big", SOURCE, FILE)

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull((entry,), listen(interrupt))
    hub.add("some/repo", "w.bin", content)
    pull((entry,), listen())
    assert hub.bodies_sent() == ["", ""]
    assert store.locate("big").read_bytes() == content


def test_a_file_that_is_not_what_the_hub_says_is_refused_and_removed(
    hub, home, register, listen, names_in, content
):
    hub.add("some/repo", "w.bin", content)
    hub.etags["/some/repo/resolve/main/w.bin"] = "0" * 64
    with pytest.raises(WeightsError, match=r"w\.bin .* was refused and removed"):
        pull((register("big", SOURCE, FILE),), listen())
    assert not list(home.rglob("w.bin"))
    assert not list(home.rglob("0" * 64))


def test_a_hub_that_states_no_hash_is_refused(hub, register, listen, names_in, content):
    hub.add("some/repo", "w.bin", content)
    hub.etags["/some/repo/resolve/main/w.bin"] = "yesterday"
    with pytest.raises(WeightsError, match=r"states no hash of w\.bin"):
        pull((register("big", SOURCE, FILE),), listen())
    assert hub.bodies_sent() == []


def test_a_pinned_hash_outweighs_the_hubs(hub, register, listen, names_in, content, pinned):
    hub.add("some/repo", "w.bin", content[::-1])
    with pytest.raises(WeightsError, match="was refused and removed"):
        pull((register("big", SOURCE, pinned),), listen())
    assert "big" not in names_in()


def test_a_file_that_the_hub_does_not_have_is_one_clear_sentence(hub, register, listen, names_in):
    with pytest.raises(WeightsError, match="big could not be fetched from Hugging Face some/repo"):
        pull((register("big", SOURCE, FILE),), listen())
    assert names_in() == set()


def test_offline_the_users_hub_cache_is_used(hub, register, listen, tmp_path, monkeypatch, content):
    _put_into_hub_cache(tmp_path / "hub-cache", content)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    pull((register("big", SOURCE, FILE),), listen())
    assert store.locate("big").read_bytes() == content
    assert hub.requests == []


def test_online_the_users_hub_cache_saves_the_download(hub, register, listen, tmp_path, content):
    hub.add("some/repo", "w.bin", content)
    _put_into_hub_cache(tmp_path / "hub-cache", content)
    pull((register("big", SOURCE, FILE),), listen())
    assert store.locate("big").read_bytes() == content
    assert hub.bodies_sent() == []


def test_offline_without_a_cached_file_is_refused(hub, register, listen, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="offline mode"):
        pull((register("big", SOURCE, FILE),), listen())


def test_a_download_larger_than_the_disk_is_refused_before_it_begins(
    hub, register, listen, monkeypatch, content
):
    hub.add("some/repo", "w.bin", content)
    free = pulling.shutil.disk_usage("/")._replace(free=(16 << 20) + len(content) - 1)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: free)
    with pytest.raises(StorageError, match=r"big needs 0\.6 MB but only"):
        pull((register("big", SOURCE, FILE),), listen())
    assert hub.bodies_sent() == []


def test_a_second_pull_waits_says_so_and_finds_it_done(hub, register, listen, content):
    hub.add("some/repo", "w.bin", content)
    hub.hold_after = 100_000
    entry, first, second = register("big", SOURCE, FILE), listen(), listen()
    threads = [threading.Thread(target=pull, args=((entry,), who)) for who in (first, second)]
    threads[0].start()
    assert hub.held.wait(20)
    threads[1].start()
    assert second.wait_begun.wait(20)
    hub.release.set()
    for thread in threads:
        thread.join()
    assert first.events == [f"finished big {len(content)}"]
    assert second.events == ["waiting"]
    assert hub.bodies_sent() == [""]


def test_ctrl_c_ends_the_program_without_a_traceback_and_the_next_run_completes(
    hub, register, names_in, content
):
    hub.add("some/repo", "w.bin", content)
    register("big", SOURCE, FILE)
    hub.hold_after = 100_000
    program = subprocess.Popen([*PROGRAM, "pull", "big"], stderr=subprocess.PIPE, text=True)
    assert hub.held.wait(20)
    program.send_signal(signal.SIGINT)
    _, errors = program.communicate(timeout=20)
    assert program.returncode not in {0, None}
    assert "Traceback" not in errors
    assert names_in() <= {".partial"}

    hub.hold_after = None
    done = subprocess.run([*PROGRAM, "pull", "big"], capture_output=True, text=True, check=True)
    assert "big: 0.6 MB from Hugging Face some/repo" in done.stderr
    assert store.locate("big").read_bytes() == content
    file = "/some/repo/resolve/main/w.bin"
    assert hub.tokens[file] == "Bearer hf_test"
    assert hub.tokens[f"/cdn{file}"] == ""  # another host: the token is the hub's alone


def _put_into_hub_cache(cache: Path, content: bytes) -> None:
    repo = cache / "models--some--repo"
    blob = repo / "blobs" / hashlib.sha256(content).hexdigest()
    snapshot = repo / "snapshots" / ("c" * 40)
    for folder in (blob.parent, snapshot, repo / "refs"):
        folder.mkdir(parents=True)
    blob.write_bytes(content)
    (repo / "refs" / "main").write_text("c" * 40)
    (snapshot / "w.bin").symlink_to(f"../../blobs/{blob.name}")


@pytest.mark.parametrize("etag", ["../" * 21 + "w", "/" + "a" * 63, "../../../../" + "x" * 28])
def test_a_mirror_does_not_choose_which_file_is_written(hub, register, listen, names_in, etag):
    hub.add("some/repo", "w.bin", b"evil")
    hub.etags["/some/repo/resolve/main/w.bin"] = etag
    with pytest.raises(WeightsError, match="states no hash"):
        pull((register("big", SOURCE, FILE),), listen())
    assert hub.bodies_sent() == []
    assert names_in() == set()


def test_a_mirror_that_states_more_than_is_pinned_is_not_even_asked(
    hub, register, listen, names_in, content, pinned
):
    hub.add("some/repo", "w.bin", content + b"more")
    with pytest.raises(WeightsError, match=r"it states 600004 bytes of w\.bin, which has 600000"):
        pull((register("big", SOURCE, pinned),), listen())
    assert hub.bodies_sent() == []
    assert names_in() == set()


def test_no_more_is_written_than_may_come(tmp_path):
    seen: list[int] = []
    with _Counted(tmp_path / "partial", seen.append, 10) as file:
        file.write(b"123456")
        with pytest.raises(ValueError, match="more than the 10 bytes"):
            file.write(b"789012")
    assert (tmp_path / "partial").read_bytes() == b"123456"
    assert seen == [6]
