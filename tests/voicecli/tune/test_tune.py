"""A search over recorded calls: what it may change, what it finds, what it writes."""

from pathlib import Path

import pytest

from voicecli.errors import InputError
from voicecli.profile import load_policy, load_profile
from voicecli.recording.bundle import read_bundle, write_bundle
from voicecli.replay.batch import Batch, Outputs, run_batch
from voicecli.tune.evaluate import RecordedCall, Score, score
from voicecli.tune.run import run
from voicecli.tune.search import Tried, choose, pareto_front
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
    assert again.judged == 13
    assert '"calls"' in report
    assert again.median == pytest.approx(430e6, abs=60e6)


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


def test_the_whole_command_writes_a_policy_that_replay_takes(recorded, tmp_path, capsys):
    out = tmp_path / "tuned.toml"
    run([recorded], None, runs=8, most_cut_ins=0.1, out=out, workers=1, seed=0)
    shown = capsys.readouterr().out
    assert "as it is" in shown
    assert "Pipecat" in shown
    tuned = load_policy(out, BASE)
    assert tuned.endpointing.delays_ms != BASE.endpointing.delays_ms


def test_a_call_without_labels_is_refused_with_what_to_do(recorded, tmp_path):
    bundle = read_bundle(recorded)
    bare = tmp_path / "bare"
    write_bundle(bare, bundle.header, bundle.entries, bundle.stereo, profile=bundle.profile)
    with pytest.raises(InputError, match=r"labels\.json"):
        run([bare], None, runs=2, most_cut_ins=0.1, out=tmp_path / "x.toml", workers=1, seed=0)
