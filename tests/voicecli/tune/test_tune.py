"""A search over recorded calls: what it may change, what it finds, what it writes."""

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile

from pipelines.turn_taking.events import ReplyCompleted, ToolRequested
from pipelines.turn_taking.journal import Entry
from voicecli.errors import InputError, ProfileError
from voicecli.profile import load_profile
from voicecli.recording.bundle import read_bundle, write_bundle
from voicecli.recording.labels import Labels, Turn
from voicecli.replaying.batch import Batch, Outputs, run_batch
from voicecli.tune.cluster import ClusterError, search_on
from voicecli.tune.evaluate import RecordedCall, Score, score
from voicecli.tune.profile import tuned_profile
from voicecli.tune.run import Where, run
from voicecli.tune.search import (
    Tried,
    choose,
    load,
    pareto_front,
    recorded_calls,
    search,
    try_point,
)
from voicecli.tune.space import Point, points


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a labelled call, run with scripted engines."""
    out = tmp_path_factory.mktemp("out")
    batch = Batch(("pauses",), False, "scripted", None, None, (), 0, "virtual")
    run_batch(batch, Outputs(out, out / "report.json", None, None, quiet=True), [])
    return out / "pauses"


@pytest.fixture(scope="module")
def call(recorded: Path) -> RecordedCall:
    bundle = read_bundle(recorded)
    assert bundle.labels is not None
    return RecordedCall(bundle, bundle.labels)


BASE = load_profile("scripted").policy


def waiting(milliseconds: float) -> Point:
    return Point(milliseconds, milliseconds, 1.0, (1.0,))


def test_longer_waits_cut_in_less_and_answer_later(call):
    scores = [score(call.outcomes(waiting(ms).policy(BASE))) for ms in (200, 600, 1400)]
    assert [s.cut_ins for s in scores] == sorted((s.cut_ins for s in scores), reverse=True)
    assert scores[0].cut_ins > scores[-1].cut_ins
    assert scores[0].median < scores[1].median < scores[2].median


def test_the_policy_of_the_recording_gives_the_recorded_outcome(call, recorded):
    again = score(call.outcomes(BASE))
    report = (recorded.parent / "report.json").read_text()
    assert again.judged == 17
    assert '"calls"' in report
    assert again.median == pytest.approx(270e6, abs=60e6)


def test_what_became_of_the_turns_in_the_call_itself_is_known_exactly(call):
    assert [o.kind for o in call.as_recorded()] == [o.kind for o in call.outcomes(BASE)]
    assert score(call.as_recorded()).median == pytest.approx(score(call.outcomes(BASE)).median)


def test_a_call_in_which_tools_were_called_can_be_searched_too_and_none_is_run(recorded):
    bundle = read_bundle(recorded)
    entries: list[Entry] = []
    for entry in bundle.entries:
        if isinstance(entry, ReplyCompleted):
            entries.append(ToolRequested(entry.at, entry.job, 0, "slots", "{}", "reads", 0))
        entries.append(entry)
    assert bundle.labels is not None
    call = RecordedCall(replace(bundle, entries=entries), bundle.labels)
    assert "answered" in {outcome.kind for outcome in call.outcomes(waiting(600).policy(BASE))}


def test_the_delay_falls_from_the_ceiling_to_the_floor():
    point = Point(200, 2000, 1.5, (1.0,))
    delays = [ms for _, ms in point.delays_ms()]
    assert delays[0] == 2000
    assert delays == sorted(delays, reverse=True)
    assert min(delays) >= 200


def test_points_are_reproducible_and_within_bounds():
    assert points(16, 2, seed=4) == points(16, 2, seed=4)
    assert points(16, 2, seed=4) != points(16, 2, seed=5)
    for point in points(64, 3, seed=1):
        assert 120 <= point.floor_ms <= 600
        assert len(point.weights) == 3
        assert all(0.1 <= weight <= 2 for weight in point.weights)


def tried(cut_ins: int, median: float, missed: int = 0) -> Tried:
    return Tried(waiting(median), Score(cut_ins, 100, missed, median, median))


def test_the_front_keeps_only_what_nothing_beats():
    best = [tried(0, 900), tried(2, 500), tried(9, 200)]
    beaten = [tried(3, 600), tried(9, 300), tried(0, 950), tried(0, 400, missed=40)]
    assert pareto_front([*beaten, *best]) == best


@pytest.mark.parametrize(("most", "median"), [(0.03, 500), (0.5, 200), (0.0, 900)])
def test_the_fastest_with_few_enough_cut_ins_is_chosen(most, median):
    front = [tried(0, 900), tried(2, 500), tried(9, 200)]
    assert choose(front, most).score.median == median


def test_where_none_has_few_enough_the_one_with_the_fewest_is_chosen():
    assert choose([tried(8, 900), tried(9, 200)], 0.01).score.median == 900


def tune(folders, out, runs=8, profile=None, where=None):
    where = where or Where(workers=1)
    run(folders, profile, runs=runs, most_cut_ins=0.1, out=out, seed=0, where=where)


def test_the_whole_command_writes_a_profile_that_compare_takes(recorded, tmp_path, capsys):
    out = tmp_path / "tuned.toml"
    tune([recorded], out)
    shown = capsys.readouterr().out
    assert "as it is" in shown
    assert "Pipecat" in shown
    assert "LiveKit" in shown
    tuned = load_profile(str(out))
    assert tuned.name == "scripted_tuned"
    assert tuned.policy.endpointing.delays_ms != BASE.endpointing.delays_ms
    assert replace(tuned.policy, endpointing=BASE.endpointing) == BASE


@pytest.mark.parametrize("name", ["embedded", "local", "scripted"])
def test_a_tuned_profile_differs_in_delays_and_weights_only(name, tmp_path):
    base = load_profile(name)
    point = Point(150, 1800, 2.0, tuple(0.5 for _ in base.turn_detectors))
    path = tmp_path / "tuned.toml"
    path.write_text(tuned_profile(base, point))
    tuned = load_profile(str(path))
    assert tuned.policy == point.policy(base.policy)
    assert (tuned.vad, tuned.asr, tuned.llm, tuned.tts) == (base.vad, base.asr, base.llm, base.tts)
    assert [choice.weight for choice in tuned.turn_detectors] == [0.5] * len(base.turn_detectors)


def test_a_folder_of_calls_stands_for_all_of_them(recorded, tmp_path):
    assert recorded_calls([recorded.parent]) == [recorded]
    assert recorded_calls([recorded, recorded]) == [recorded, recorded]
    with pytest.raises(InputError, match="holds no recorded calls"):
        recorded_calls([recorded, tmp_path])


def relabelled(recorded, folder, labels):
    bundle = read_bundle(recorded)
    write_bundle(
        folder, bundle.header, bundle.entries, bundle.stereo, profile=bundle.profile, labels=labels
    )
    return folder


def test_a_call_without_labels_is_refused_with_what_to_do(recorded, tmp_path):
    bare = relabelled(recorded, tmp_path / "bare", None)
    with pytest.raises(InputError, match=r"labels\.json"):
        tune([bare], tmp_path / "x.toml")


def test_calls_in_which_no_turn_ends_are_refused(recorded, tmp_path):
    only_noise = Labels((Turn(1.0, 2.0, "", "noise"),))
    bare = relabelled(recorded, tmp_path / "bare", only_noise)
    with pytest.raises(InputError, match="end_of_turn"):
        tune([bare], tmp_path / "x.toml")


def test_a_call_without_the_agents_channel_is_refused(recorded, tmp_path):
    folder = relabelled(recorded, tmp_path / "mono", None)
    pcm, rate = soundfile.read(folder / "call.wav")
    soundfile.write(folder / "call.wav", pcm[:, 0], rate)
    with pytest.raises(InputError, match="1 channel"):
        tune([folder], tmp_path / "x.toml")


def test_a_profile_without_detectors_has_nothing_to_search(recorded, tmp_path):
    with pytest.raises(ProfileError, match="no turn detectors"):
        tune([recorded], tmp_path / "x.toml", profile="naive")


def test_two_processes_find_what_one_finds(recorded):
    candidates = points(8, 1, 0)
    one, two = (search([recorded], BASE, candidates, n, lambda: None) for n in (1, 2))
    assert one == two
    assert [tried.point for tried in one] == candidates


# --- on a cluster ---------------------------------------------------------------------------------


def test_without_ray_the_extra_is_named(recorded, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ClusterError, match=r"voicecli\[cluster\]"):
        tune([recorded], tmp_path / "x.toml", where=Where(1, "auto"))


def test_a_cluster_that_cannot_be_used_is_replaced_only_where_that_was_asked_for(
    recorded, tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "ray", None)
    tune([recorded], tmp_path / "x.toml", where=Where(1, "auto", or_local=True))
    assert "on this computer instead" in capsys.readouterr().out
    assert (tmp_path / "x.toml").is_file()


RAY = """
import ray, sys
context = ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR",
                   object_store_memory=100_000_000)
print(context.address_info["address"], flush=True)
sys.stdin.read()
ray.shutdown()
"""


@pytest.fixture(scope="module")
def cluster():
    """The address of a Ray cluster of two cores, which ends with the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_MODE", "disabled")  # else a token is put into the home folder
        pytest.importorskip("ray", reason="Ray is not installed: pip install 'voicecli[cluster]'")
        pipe = subprocess.PIPE
        head = subprocess.Popen([sys.executable, "-c", RAY], stdin=pipe, stdout=pipe, text=True)
        with head:
            assert head.stdin is not None
            assert head.stdout is not None
            yield next(line.strip() for line in head.stdout if line[:1].isdigit())
            head.stdin.close()
            head.wait(timeout=20)


def test_a_cluster_finds_what_this_computer_finds(recorded, cluster):
    candidates = points(16, 1, 0)
    calls = load([recorded])
    counted = Counter()
    found = search_on(cluster, calls, BASE, candidates, lambda: counted.update(points=1))
    assert found == [try_point(point, BASE, calls) for point in candidates]
    assert counted["points"] == 16


@pytest.mark.parametrize("address", ["ray://127.0.0.1:9", "nowhere"])
def test_a_cluster_that_is_not_there_is_named_with_what_to_do(recorded, address):
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'voicecli[cluster]'")
    with pytest.raises(ClusterError, match=f"at {address}: .*--or-local"):
        search_on(address, load([recorded]), BASE, points(2, 1, 0), lambda: None)
