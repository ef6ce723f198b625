import pytest

from pipelines.latency import fold_turns, percentile, summarise
from tests.pipelines.test_latency import OneTurn, ended, ms


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([5], 95, 5), ([1, 2], 50, 1.5), ([4, 1, 3, 2], 95, 3.85), ([1, 2, 3], 100, 3)],
)
def test_percentiles_are_linear_between_neighbours(values, share, expected):
    assert percentile(values, share) == pytest.approx(expected)


@pytest.mark.parametrize(("values", "share"), [([], 50), ([1], 101), ([1], -1)])
def test_a_percentile_of_nothing_or_out_of_range_is_refused(values, share):
    with pytest.raises(ValueError, match="needs values"):
        percentile(values, share)


def test_a_summary_measures_only_the_turns_that_were_answered():
    unanswered = [ended(9000, 50)]
    summary = summarise(fold_turns(OneTurn().journal() + unanswered))
    assert (summary.turns, summary.answered) == (2, 1)
    assert summary.voice_to_voice.p95 == ms(820)
    assert summary.spans["endpoint_wait"].max == ms(210)


def test_a_summary_of_no_turns_has_no_figures():
    summary = summarise([])
    assert summary.voice_to_voice is None
    assert summary.spans["ingress"] is None
