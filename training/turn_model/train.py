"""Trains the text end-of-turn model and writes its weights.

PyTorch is no dependency of the project. Make an environment for it outside the repository:

    python3 -m venv /tmp/train-venv
    /tmp/train-venv/bin/pip install torch==2.13.0 onnx onnxscript onnxruntime

and run, from the repository's root (half an hour on one core; WordNet is
Debian's package wordnet-base):

    nice -n 19 /tmp/train-venv/bin/python -m training.turn_model.train \
        --data DIALOGUES --wordnet /usr/share/wordnet --out /tmp/turn-model

DIALOGUES is a folder of written dialogues, *.jsonl.gz, one turn a line.
"""

import argparse
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (PyTorch's own convention)
from torch.optim.swa_utils import AveragedModel

from pipelines.engines.turn_tokens import SPECIAL, UNKNOWN, Tokenizer
from training.turn_model.batches import Ambiguity, Feed
from training.turn_model.export import export, logits_of, read_back
from training.turn_model.figures import auc, calibration_error, fit_platt, recall_at
from training.turn_model.general import example_turns, names_of_things
from training.turn_model.network import TurnNetwork
from training.turn_model.samples import Sample, make_samples
from training.turn_model.spoken import complete_utterances, heard_words
from training.turn_model.vocabulary import choose_vocabulary
from voicecli.synthetic_calls.dialogues import Turn, read_turns

WEIGHTS = Path("pipelines/engines/turn_detector/weights")
AGENT_TOKENS, CALLER_TOKENS = 24, 64
DEV_TURNS = 4000
FORGOTTEN_TOKENS = 0.06
"""Share of tokens that training makes unknown, so that no single word decides."""
AVERAGED_SHARE = 0.1
"""The weights reported and shipped are a moving average over about this share of the steps."""


def main() -> None:
    """Train, export, calibrate, and print the figures on the development split."""
    options = _options()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    callers = read_turns(options.data, "train")[:: options.every]
    agents = read_turns(options.data, "train", "agent")[:: options.every]
    turns = callers + agents[: round(options.agents * len(agents))]
    general = [] if options.wordnet is None else example_turns(options.wordnet, "train")
    turns += general
    words = [word.text for turn in callers for word in heard_words(turn.caller, None)]
    words += [word.text for turn in callers for word in heard_words(turn.agent, None)]
    words += [word.text for turn in general for word in heard_words(turn.caller, None)]
    vocabulary = choose_vocabulary(words, options.whole_words, options.pieces)
    if options.start is not None:
        described = json.loads((options.start / "turn_text.json").read_text(encoding="utf-8"))
        vocabulary = described["vocabulary"]
    tokenizer = Tokenizer(vocabulary, AGENT_TOKENS, CALLER_TOKENS)
    network = TurnNetwork(
        options.kind,
        len(vocabulary),
        options.width,
        options.layers,
        AGENT_TOKENS + CALLER_TOKENS + 2,
    )
    if options.start is not None:
        read_back(options.start / "turn_text.onnx", network)
    print(f"{len(turns)} turns, {len(vocabulary)} tokens", flush=True)
    ambiguity = Ambiguity(options.ambiguous_label, options.ambiguous_weight)
    things = [] if options.wordnet is None else names_of_things(options.wordnet)
    feed = Feed(turns, tokenizer, sorted(set(words)), ambiguity, things)
    complete = complete_utterances(turn.caller for turn in callers)
    checks = _checks(options, complete)
    _train(network, feed, tokenizer, checks, options)
    if options.out is None:
        return
    options.out.mkdir(parents=True, exist_ok=True)
    model = options.out / "turn_text.onnx"
    with TemporaryDirectory() as scratch:
        export(network, Path(scratch) / "turn_text.onnx", model)
    # The right answer to an ambiguous pause is not known, so nothing is calibrated on them.
    judged = checks["plain"] + checks["spoken"] + checks.get("general", [])
    samples = [sample for sample in judged if not sample.ambiguous]
    ends = np.array([sample.ends for sample in samples])
    logits = logits_of(model, [tokenizer.encode(sample.agent, sample.text) for sample in samples])
    scale, offset = fit_platt(logits, ends)
    p = 1 / (1 + np.exp(-(scale * logits + offset)))
    _report("exported", p, samples)
    settings = {
        "scale": round(scale, 4),
        "offset": round(offset, 4),
        "agent_tokens": AGENT_TOKENS,
        "caller_tokens": CALLER_TOKENS,
        "vocabulary": vocabulary,
    }
    (options.out / "turn_text.json").write_text(
        json.dumps(settings, ensure_ascii=False, indent=0) + "\n", encoding="utf-8"
    )


def _checks(options: argparse.Namespace, complete: frozenset[str]) -> dict[str, list[Sample]]:
    """What the model is judged by after each epoch, from the development split."""
    callers, agents = (_some(read_turns(options.data, "dev", who)) for who in ("caller", "agent"))
    checks = {
        "plain": make_samples(callers, complete, False, "dev"),
        "spoken": make_samples(callers, complete, True, "dev"),
        "agents": make_samples(agents, complete, True, "dev"),
    }
    if options.wordnet is not None:
        examples = example_turns(options.wordnet, "dev")
        checks["general"] = make_samples(examples, complete, True, "dev")
    return checks


def _some(turns: Sequence[Turn]) -> Sequence[Turn]:
    """About DEV_TURNS of them, from all over."""
    return turns[:: max(1, len(turns) // DEV_TURNS)]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of written dialogues")
    parser.add_argument("--out", type=Path, help=f"folder for the weights; shipped: {WEIGHTS}")
    parser.add_argument(
        "--wordnet", type=Path, help="WordNet's folder, for sentences on any subject"
    )
    parser.add_argument("--start", type=Path, help="folder of weights to go on from")
    parser.add_argument("--kind", choices=("gru", "transformer"), default="gru")
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--whole-words", type=int, default=8000)
    parser.add_argument("--pieces", type=int, default=3000)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--every", type=int, default=1, help="train on every n-th turn only")
    parser.add_argument("--agents", type=float, default=0.25, help="share of agents' turns used")
    parser.add_argument("--ambiguous-label", type=float, default=0.0)
    parser.add_argument("--ambiguous-weight", type=float, default=0.15)
    parser.add_argument("--rate", type=float, default=3e-3, help="highest learning rate")
    parser.add_argument("--batch", type=int, default=3000, help="tokens a step")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def _train(
    network: TurnNetwork,
    feed: Feed,
    tokenizer: Tokenizer,
    checks: dict[str, list[Sample]],
    options: argparse.Namespace,
) -> None:
    """AdamW with one cycle of the learning rate, the loss weighted by label."""
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.02)
    average = AveragedModel(network, avg_fn=_follow)
    started = time.monotonic()
    step = 0
    for epoch in range(options.epochs):
        network.train()
        batches = list(feed.epoch(f"{options.seed}:{epoch}", options.batch))
        total = options.epochs * len(batches)
        loss_sum = 0.0
        for tokens, labels, weights in batches:
            step += 1
            for group in optimizer.param_groups:
                group["lr"] = options.rate * _schedule(min(step / total, 1.0))
            loss = _loss(network, *(torch.from_numpy(part) for part in (tokens, labels, weights)))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            average.update_parameters(network)
            loss_sum += loss.item()
        seconds = time.monotonic() - started
        print(f"epoch {epoch + 1}: loss {loss_sum / len(batches):.4f}, {seconds:.0f} s", flush=True)
        for name, samples in checks.items():
            rows = [tokenizer.encode(sample.agent, sample.text) for sample in samples]
            _report(name, _probabilities(average.module, rows), samples)
    network.load_state_dict(average.module.state_dict())


def _follow(average: Tensor, current: Tensor, steps: Tensor | int) -> Tensor:
    return average + (current - average) / (1 + AVERAGED_SHARE * steps)


def _schedule(progress: float) -> float:
    """Linear warm-up over a twentieth of the steps, then a cosine down to nothing."""
    return min(progress / 0.05, 0.5 + 0.5 * math.cos(math.pi * progress))


def _loss(network: TurnNetwork, tokens: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    unknown = (torch.rand(tokens.shape) < FORGOTTEN_TOKENS) & (tokens >= len(SPECIAL))
    tokens = tokens.masked_fill(unknown, SPECIAL.index(UNKNOWN))
    losses = F.binary_cross_entropy_with_logits(network(tokens), labels, weights, reduction="sum")
    return losses / weights.sum().clamp(min=1.0)


def _probabilities(network: TurnNetwork, rows: Sequence[Sequence[int]]) -> np.ndarray:
    """P(end) after the last token of each row, shape (rows,)."""
    network.eval()
    order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
    answers = np.zeros(len(rows))
    with torch.inference_mode():
        for start in range(0, len(order), 128):
            places = order[start : start + 128]
            longest = max(len(rows[place]) for place in places)
            tokens = torch.tensor([[*rows[p], *[0] * (longest - len(rows[p]))] for p in places])
            last = torch.tensor([len(rows[place]) - 1 for place in places])
            logits = network(tokens)[torch.arange(len(places)), last]
            answers[places] = torch.sigmoid(logits.double()).numpy()
    return answers


def _report(name: str, p: np.ndarray, samples: Sequence[Sample]) -> None:
    ends = np.array([sample.ends for sample in samples])
    clear = np.array([not sample.ambiguous for sample in samples])
    print(
        f"  {name}: AUC {auc(p, ends):.4f} ({auc(p[clear], ends[clear]):.4f} without ambiguous), "
        f"recall {recall_at(p, ends, 0.05):.3f} at 5 % and {recall_at(p, ends, 0.1):.3f} at 10 % "
        f"false ends, ECE {calibration_error(p, ends):.3f}, n {len(ends)}",
        flush=True,
    )


if __name__ == "__main__":
    main()
