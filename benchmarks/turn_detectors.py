"""Prints the tables of docs/benchmarks/turn-detectors.md.

From the repository's root, with the embedded weights pulled (ten minutes on one core):

    .venv/bin/python -m benchmarks.turn_detectors --data DIALOGUES --speech SPEECH

DIALOGUES is a folder of written dialogues (*.jsonl.gz), SPEECH one of human speech with a
`manifest.jsonl`. Weights and the waiting curve are those of --profile. They were chosen with
`--split dev`, which also prints what other weights would do; the test split is for reporting only.
"""

import argparse
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from pipelines.turn_taking.policy import EndpointingPolicy
from training.turn_model.baseline import HashedRegression
from training.turn_model.delays import outcome_of
from training.turn_model.dictation import dictated_samples
from training.turn_model.figures import Scores, Truth, auc, calibration_error, recall_at
from training.turn_model.human_audio import Pause, find_pauses
from training.turn_model.judges import Judges, fused
from training.turn_model.samples import Sample, make_samples
from training.turn_model.spoken import FILLERS, complete_utterances
from voicecli.synthetic_calls.dialogues import read_turns

DETECTORS = ("text", "llm_next_token", "smart_turn")
TUNED_ON = ("turns", "dialogue_misc", "dialogue_ami")
"""Rows of human audio on which weights may be chosen; the phone calls are for reporting."""
TIMERS_MS = (200, 400, 600, 800, 1000, 1200)
GRID = (0.25, 0.5, 1.0, 2.0)
HEADER = "| | ends | holds | AUC | recall at 5 % | recall at 10 % | false ends at P > 0.5 | ECE |"

Weights = tuple[tuple[str, float], ...]


def main() -> None:
    """Print all tables."""
    options = _options()
    table = tomllib.loads(options.profile.read_text(encoding="utf-8"))
    named = {name: float(keys.get("weight", 1.0)) for name, keys in table["turn_detectors"].items()}
    weights = tuple((name, named[name]) for name in DETECTORS if name in named)
    points = table["policy"]["endpointing"]["delays_ms"]
    policy = EndpointingPolicy(delays_ms=tuple((float(p), float(ms)) for p, ms in points))
    judges = Judges()
    _written(judges, options, weights)
    _spoken(judges, options, weights, policy)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="written dialogues")
    parser.add_argument("--speech", type=Path, required=True, help="human speech")
    parser.add_argument("--profile", type=Path, default=Path("profiles/embedded.toml"))
    parser.add_argument("--split", choices=("dev", "test"), default="test")
    parser.add_argument(
        "--llm-turns", type=int, default=300, help="turns that the LLM is asked about"
    )
    return parser.parse_args()


def _written(judges: Judges, options: argparse.Namespace, weights: Weights) -> None:
    """The text detectors on written dialogues."""
    turns = read_turns(options.data, options.split)
    training = read_turns(options.data, "train")
    complete = complete_utterances(turn.caller for turn in training)
    known = [
        s for spoken in (False, True) for s in make_samples(training, complete, spoken, "train")
    ]
    baseline = HashedRegression(known)
    for name, spoken in (("plain", False), ("spoken", True)):
        samples = make_samples(turns, complete, spoken, options.split)
        _head(f"Written dialogues, {options.split} split, {name}: {len(turns)} turns")
        scores = {
            "hashed regression": baseline.probabilities(samples),
            "text": judges.on_texts("text", samples),
        }
        _both_ways(scores, samples)
        _kinds(scores["text"], samples)
        few = turns[:: max(1, len(turns) // options.llm_turns)]
        some = make_samples(few, complete, spoken, options.split)
        _head(f"With the reply LLM, {options.split} split, {name}")
        scores = {n: judges.on_texts(n, some) for n in ("text", "llm_next_token")}
        scores = {"hashed regression": baseline.probabilities(some)} | scores
        _both_ways(scores | {"text + llm_next_token": _fuse(scores, weights)}, some)
        if options.split == "dev":
            _both_ways(dict(_grid(scores, ("llm_next_token",))), some)
    dictated = dictated_samples(1000, options.split)
    _head("Dictated numbers and names, made up by the same generator as in training")
    _rows({"text": judges.on_texts("text", dictated)}, dictated)
    taken = judges.milliseconds("text", samples[:2000])
    print(f"\ntext: {np.median(taken):.2f} ms a call, {np.percentile(taken, 99):.2f} ms at p99")


def _both_ways(scores: Mapping[str, Scores], samples: Sequence[Sample]) -> None:
    """With every hold, and without those after whole words."""
    clear = np.array([not sample.ambiguous for sample in samples])
    _rows(scores, samples)
    unambiguous = [sample for sample in samples if not sample.ambiguous]
    _rows({f"{name}, unambiguous": s[clear] for name, s in scores.items()}, unambiguous)


def _kinds(scores: Scores, samples: Sequence[Sample]) -> None:
    """The text model by kind of pause; holds of one kind are set against all ends."""
    fillers = {filler.split()[-1] for filler in FILLERS} & {"um", "uh", "er", "hmm"}
    for kind, chosen in {
        "one word": [" " not in sample.text for sample in samples],
        "up to three words": [sample.text.count(" ") < 3 for sample in samples],
        "after a filler": [s.ends or s.text.split()[-1] in fillers for s in samples],
        "in or after a number": [s.text.split()[-1].isdigit() for s in samples],
        "whole, but goes on": [sample.ends or sample.ambiguous for sample in samples],
    }.items():
        mask = np.array(chosen)
        if not any(not s.ends for s, c in zip(samples, chosen, strict=True) if c):
            continue
        _rows(
            {f"text, {kind}": scores[mask]}, [s for s, c in zip(samples, chosen, strict=True) if c]
        )


def _spoken(
    judges: Judges, options: argparse.Namespace, weights: Weights, policy: EndpointingPolicy
) -> None:
    """All detectors on recordings of people."""
    pauses = find_pauses(options.speech, judges.vad())
    texts = judges.transcripts(pauses)
    scores = {name: judges.on_pauses(name, pauses, texts) for name in DETECTORS}
    phone = [place for place, pause in enumerate(pauses) if pause.row.startswith("phone")]
    tuned = [place for place, pause in enumerate(pauses) if pause.row in TUNED_ON]
    rows = {name: [p for p, pause in enumerate(pauses) if pause.row == name]
            for name in dict.fromkeys(pause.row for pause in pauses)}  # fmt: skip
    if options.split == "dev":
        _head("People, what other weights would do, on the sets that weights may be chosen on")
        for names in (("smart_turn",), ("smart_turn", "llm_next_token")):
            grid = dict(_grid(scores, names))
            _rows({n: s[tuned] for n, s in grid.items()}, [pauses[p] for p in tuned])
        _curves(scores, weights, pauses, tuned, policy)
        return
    for title, places in (*rows.items(), ("phone, all", phone), ("everything", range(len(pauses)))):
        chosen = list(places)
        _head(f"People, {title}")
        picked = {name: values[chosen] for name, values in scores.items()}
        _rows(picked | dict(_combined(picked, weights)), [pauses[place] for place in chosen])
    for places in (phone, list(range(len(pauses)))):
        _curves(scores, weights, pauses, places, policy)


def _combined(scores: Mapping[str, Scores], weights: Weights) -> Iterator[tuple[str, Scores]]:
    for count in (2, 3):
        for names in combinations(scores, count):
            yield " + ".join(names), _fuse({name: scores[name] for name in names}, weights)


def _fuse(scores: Mapping[str, Scores], weights: Weights) -> Scores:
    return fused({name: scores[name] for name, _ in weights if name in scores}, weights)


def _grid(scores: Mapping[str, Scores], names: Sequence[str]) -> Iterator[tuple[str, Scores]]:
    """Text with weight 1 and the others with each weight of the grid."""
    for weight in GRID:
        weights = (("text", 1.0), *((name, weight) for name in names))
        yield f"text 1, {', '.join(names)} {weight}", _fuse(scores, weights)


def _curves(
    scores: Mapping[str, Scores],
    weights: Weights,
    pauses: Sequence[Pause],
    places: Sequence[int],
    policy: EndpointingPolicy,
) -> None:
    """Cut-ins against delay: silence timers, and the detectors on the profile's curve."""
    print(f"\n**Waiting at {len(places)} pauses of people**\n")
    print("| | cut-ins | median wait, ms | p95, ms |\n|---|---|---|---|")
    chosen = [pauses[place] for place in places]
    ends, silences = [pause.ends for pause in chosen], [pause.seconds for pause in chosen]
    timers = {f"{ms} ms of silence": (None, EndpointingPolicy(unscored_ms=ms)) for ms in TIMERS_MS}
    curves = {name: (values, policy) for name, values in scores.items()}
    curves["all, by weight"] = (_fuse(scores, weights), policy)
    for name, (values, rule) in (timers | curves).items():
        known = [np.nan if values is None else float(values[place]) for place in places]
        answers = [None if np.isnan(p) else p for p in known]
        found = outcome_of(answers, ends, silences, rule)
        print(
            f"| {name} | {found.cut_ins} of {found.holds} ({found.cut_ins / found.holds:.0%}) "
            f"| {found.median_ms:.0f} | {found.p95_ms:.0f} |"
        )


def _head(title: str) -> None:
    print(f"\n**{title}**\n\n{HEADER}\n|{'---|' * 8}", flush=True)


def _rows(scores: Mapping[str, Scores], asked: Sequence[Sample] | Sequence[Pause]) -> None:
    """Each detector over what it was asked."""
    truth: Truth = np.array([question.ends for question in asked], bool)
    for name, answers in scores.items():
        answered = ~np.isnan(answers)
        values, ends = answers[answered], truth[answered]
        holds = values[~ends]
        wrong = f"{(holds > 0.5).sum()} ({(holds > 0.5).mean():.0%})" if len(holds) else "–"
        print(
            f"| {name} | {ends.sum()} | {len(holds)} | {auc(values, ends):.3f} "
            f"| {recall_at(values, ends, 0.05):.2f} | {recall_at(values, ends, 0.1):.2f} "
            f"| {wrong} | {calibration_error(values, ends):.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
