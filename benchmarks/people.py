"""Prints what became of labelled calls of people, a row a folder that `voicecli replay` has left.

    .venv/bin/python -m benchmarks.human_calls SPEECH out/human
    voicecli recordings make --folder out/human
    voicecli replay out/human/test_* --line pstn -q -o out/pstn
    .venv/bin/python -m benchmarks.people out/pstn

Cut-ins never stand without the delay, nor a share without its interval (Wilson's, 95 %).
"""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.turn_taking import turns_of
from pipelines.latency import distribution, percentile
from pipelines.turn_taking.events import CallEnded
from pipelines.turn_taking.time import MILLISECOND, Nanos
from voicecli.compare.truth import Outcome, judge
from voicecli.recording.bundle import Bundle, read_bundle
from voicecli.report.call_report import CallReport, build_call_report
from voicecli.report.metrics import wer_of
from voicecli.tune.search import recorded_calls

_HEAD = (
    "| | turns cut into (95 %) | ends not answered | hung up on | answer p50 / p95, ms | WER "
    "| interruptions that stop / noises that do | by ear - by journal: median, 5 to 95 %; "
    "within 20 ms | no gap to hear |"
)
_SURE = 1.96


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--only", default="", help="calls whose names begin so")
    options = parser.parse_args()
    print(f"{_HEAD}\n|{'---|' * 9}")
    for folder in options.folders:
        paths = [p for p in recorded_calls([folder]) if p.name.startswith(options.only)]
        cells = outcome_cells([read_bundle(path) for path in paths])
        print(f"| {folder.name} | {' | '.join(cells)} |")


def outcome_cells(bundles: Sequence[Bundle]) -> tuple[str, ...]:
    """What the columns of the table say of these calls."""
    return tuple(_cells(bundles))


def _cells(bundles: Sequence[Bundle]) -> Iterable[str]:
    reports = [_report(bundle) for bundle in bundles]
    outcomes = [
        outcome
        for bundle, report in zip(bundles, reports, strict=True)
        if bundle.labels is not None
        for outcome in judge(report, bundle.labels)
    ]
    turns = list(turns_of(outcomes))
    cut = sum(any(piece.kind == "cut in" for piece in turn) for turn in turns)
    low, high = _interval(cut, len(turns))
    yield f"{cut} of {len(turns)} ({low:.0%} to {high:.0%})"
    yield str(_count(outcomes, "missed"))
    hung_up = sum(
        isinstance(entry, CallEnded) and entry.cause == "the agent hung up"
        for bundle in bundles
        for entry in bundle.entries
    )
    yield f"{hung_up} of {len(bundles)}"
    found = distribution(
        o.latency for o in outcomes if o.kind == "answered" and o.latency is not None
    )
    yield "–" if found is None else f"{_ms(found.p50)} / {_ms(found.p95)}"
    wer = wer_of(reports)
    yield "–" if wer is None else f"{wer:.1%}"
    stopped, kept = _count(outcomes, "stopped"), _count(outcomes, "not stopped")
    obeyed, ignored = _count(outcomes, "stopped for it"), _count(outcomes, "ignored")
    yield f"{stopped} of {stopped + kept} / {obeyed} of {obeyed + ignored}"
    yield from _clocks(reports)


def _clocks(reports: Iterable[CallReport]) -> Iterable[str]:
    turns = [turn for report in reports for turn in report.turns]
    apart = [
        turn.acoustic_voice_to_voice - turn.turn.voice_to_voice
        for turn in turns
        if turn.acoustic_voice_to_voice is not None and turn.turn.voice_to_voice is not None
    ]
    if apart:
        middle, low, high = (_ms(percentile(apart, share)) for share in (50, 5, 95))
        near = sum(abs(gap) <= 20 * MILLISECOND for gap in apart)
        yield f"{middle}, {low} to {high}; {near} of {len(apart)} ({near / len(apart):.0%})"
    else:
        yield "–"
    yield str(sum(bool(turn.acoustic_missing) for turn in turns))


def _report(bundle: Bundle) -> CallReport:
    return build_call_report(
        bundle.path.name, bundle.header, bundle.entries, bundle.stereo, bundle.labels
    )


def _count(outcomes: Iterable[Outcome], kind: str) -> int:
    return sum(outcome.kind == kind for outcome in outcomes)


def _interval(count: int, of: int) -> tuple[float, float]:
    """Wilson's score interval of a share, each between 0 and 1."""
    if not of:
        return 0.0, 1.0
    share, z = count / of, _SURE**2
    middle = (share + z / (2 * of)) / (1 + z / of)
    reach = _SURE * (share * (1 - share) / of + z / (4 * of**2)) ** 0.5 / (1 + z / of)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _ms(nanos: Nanos | float) -> str:
    return f"{nanos / MILLISECOND:.0f}"


if __name__ == "__main__":
    main()
