"""Prints cut-ins against delay for timers, peers' waiting and ours.

Each row is an event-only replay of calls that were run once, so that a row takes seconds and all of
them have heard the same words at the same times:

    voicecli replay out/calls/test_* --profile embedded --line pstn -q -o out/test
    .venv/bin/python -m benchmarks.turn_taking out/test

Where a row leads a call elsewhere than it went, the models' answers are estimated from recorded
ones; `voicecli compare` asks the models.
"""

import argparse
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from pipelines.latency import distribution
from pipelines.turn_taking.policy import EndpointingPolicy, Policy
from pipelines.turn_taking.time import to_ms
from voicecli.compare.truth import Outcome
from voicecli.compare.variants import ablation
from voicecli.profile import Profile, load_profile
from voicecli.tune.evaluate import RecordedCall
from voicecli.tune.search import load, recorded_calls

TIMERS_MS = (200, 400, 600, 800, 1000, 1200)
_DICTATED = re.compile(
    r"\b(zero|one|two|three|four|five|six|seven|eight|nine|dot|[a-z])\b", re.IGNORECASE
)
_FLOOR = {"end_of_turn", "hold"}
Turn = Sequence[Outcome]
"""What became of each piece of one turn: its holds, then its end."""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+", help="what `voicecli replay` has left")
    parser.add_argument("--profile", help="ours; that of the first call if left out")
    options = parser.parse_args()
    folders = recorded_calls(options.folders)
    calls = load(folders)
    profile = load_profile(options.profile or str(folders[0] / "profile.toml"))
    rows = {name: _outcomes(calls, policy) for name, policy in _policies(profile)}
    rows["as the calls ran"] = ran = [o for call in calls for o in call.as_recorded()]
    turns = {name: list(turns_of(outcomes)) for name, outcomes in rows.items()}
    print(f"\n{len(calls)} calls: turns cut into, ends missed, time to answer (p50 / p95, ms)\n")
    print(f"| | {' | '.join(KINDS)} |\n|{'---|' * (len(KINDS) + 1)}")
    for name, found in turns.items():
        cells = [_cell([turn for turn in found if of_kind(turn)]) for of_kind in KINDS.values()]
        print(f"| {name} | {' | '.join(cells)} |")
    print(f"\nAs the calls ran: {_barge_in(ran)}.")


def _policies(profile: Profile) -> Iterator[tuple[str, Policy]]:
    """Silence timers in sequence and overlapped, peers' thresholds, the profile itself."""
    sequential = ablation(profile)[0].policy
    for ms in TIMERS_MS:
        timer = EndpointingPolicy(unscored_ms=ms, backstop_ms=ms)
        yield f"silence of {ms} ms, in sequence", replace(sequential, endpointing=timer)
    for ms in TIMERS_MS:
        timer = EndpointingPolicy(unscored_ms=ms, backstop_ms=ms)
        yield f"silence of {ms} ms, all else as ours", replace(profile.policy, endpointing=timer)
    # Only when they answer, not their VAD: under another, the recorded words would not fit.
    for peer in ("pipecat_like", "livekit_like"):
        theirs = load_profile(peer).policy.endpointing
        yield f"Smart Turn, `{peer}`", replace(profile.policy, endpointing=theirs)
    yield f"ours (`{profile.name}`)", profile.policy


def _outcomes(calls: Sequence[RecordedCall], policy: Policy) -> list[Outcome]:
    return [outcome for call in calls for outcome in call.outcomes(policy)]


def turns_of(outcomes: Sequence[Outcome]) -> Iterator[Turn]:
    """The pieces of each turn that claims the floor of its own accord."""
    for _, of_call in groupby(outcomes, key=lambda outcome: outcome.call):
        pieces: list[Outcome] = []
        for outcome in of_call:
            if outcome.label.intent in _FLOOR:
                pieces.append(outcome)
            if outcome.label.intent == "end_of_turn":
                yield pieces
                pieces = []


def _text(turn: Turn) -> str:
    return " ".join(outcome.label.text for outcome in turn)


def _dictated(turn: Turn) -> bool:
    return len(_DICTATED.findall(_text(turn))) >= 3


KINDS: dict[str, Callable[[Turn], bool]] = {
    "all": lambda _: True,
    "in one breath": lambda turn: len(turn) == 1 and " " in _text(turn) and not _dictated(turn),
    "one word": lambda turn: " " not in _text(turn),
    "digits and letters": _dictated,
    "hesitation": lambda turn: len(turn) > 1 and not _dictated(turn),
}


def _cell(turns: Sequence[Turn]) -> str:
    cut = sum(any(piece.kind == "cut in" for piece in turn) for turn in turns)
    ends = [turn[-1].latency for turn in turns if turn[-1].latency is not None]
    spread = distribution(ends)
    missed = sum(turn[-1].kind == "missed" for turn in turns)
    share = f"{cut} of {len(turns)}" + (f" ({cut / len(turns):.0%})" if turns else "")
    share += f", {missed} missed" if missed else ""
    return share if spread is None else f"{share}; {_ms(spread.p50)} / {_ms(spread.p95)}"


def _barge_in(outcomes: Sequence[Outcome]) -> str:
    kinds = [outcome.kind for outcome in outcomes]
    stopped, for_it = kinds.count("stopped"), kinds.count("stopped for it")
    silent = [o.latency for o in outcomes if o.kind == "stopped" and o.latency is not None]
    spread = distribution(silent)
    after = "" if spread is None else f", after {_ms(spread.p50)} / {_ms(spread.p95)} ms"
    return (
        f"{stopped} of {stopped + kinds.count('not stopped')} interruptions stopped the agent"
        f"{after}; {for_it} of {for_it + kinds.count('ignored')} backchannels and noises did"
    )


def _ms(nanos: float) -> str:
    return f"{to_ms(round(nanos)):.0f}"


if __name__ == "__main__":
    main()
