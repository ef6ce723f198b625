"""Runs every call under every variant and writes the comparison down."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from telephony_sim.plot import PICTURES
from voicecli.compare.table import FIGURES, Comparison, Variant
from voicecli.compare.truth import judge
from voicecli.compare.variants import named_apart
from voicecli.errors import InputError, UsageError
from voicecli.extras import require_extra
from voicecli.foreign import one_line, to_json
from voicecli.models.store import require_models
from voicecli.names import refuse_to_overwrite
from voicecli.private import draft_of
from voicecli.profile import Profile
from voicecli.recording.journal import storing
from voicecli.replaying.run import Setting, run_call
from voicecli.replaying.screen import EngineCache, call_progress
from voicecli.replaying.source import CallSource, open_call, told_apart
from voicecli.report.json_report import shadow_json, write_whole
from voicecli.report.screen import Console
from voicecli.report.shadows import ShadowDetails, ShadowSummary
from voicecli.rest import Rest
from voicecli.shadow.choice import Choice, build_shadows, shadow_weights
from voicecli.shadow.score import Shadows

SCHEMA = "voicecli.compare/1"


def labelled_calls(names: Sequence[str], rest: Rest | None = None) -> list[CallSource]:
    """Read the calls; those that are damaged or have no labels are left to `rest`.

    Raises:
        InputError: the only one cannot be used, or one and there is no `rest`.
    """
    rest = rest or Rest(1)
    sources: list[CallSource] = []
    for name in names:
        with rest.goes_on(name):
            source = open_call(name)
            if source.labels is None:
                raise InputError(
                    f"{source.path} has no labels.json: cut-ins, missed ends and answer times are "
                    "judged by it. `voicecli recordings make` makes labelled calls."
                )
            sources.append(source)
    return told_apart(sources)


def run_variant(
    profile: Profile, sources: Sequence[CallSource], line: str | None, console: Console,
    engines: EngineCache, *, shadows: Sequence[Choice] = (),
) -> Variant:  # fmt: skip
    """All calls under one profile, with what others say of them."""
    reports, outcomes = [], []
    built = engines.get(profile, console)
    asked = Shadows(build_shadows(shadows, profile, built), profile.policy)
    for source in sources:
        setting = Setting(profile, line or profile.line)
        with call_progress(console, f"{profile.name}: {source.name}", source) as progress:
            call = run_call(source, setting, built, progress)
        if call.header.partial:
            raise KeyboardInterrupt
        report = replace(call.report(), shadows=asked.report(call))
        reports.append(report)
        if call.labels is not None:
            outcomes += judge(report, call.labels)
    return Variant(profile.name, reports, outcomes)


def compare(
    profiles: Sequence[Profile],
    calls: Sequence[str],
    *,
    line: str | None,
    json_file: Path | None,
    html: Path | None,
    plot: Path | None,
    shadows: Sequence[Choice] = (),
) -> None:
    """Print the comparison, and write it where asked.

    Raises:
        VoicecliError: a call cannot be used, after the others were compared; something cannot be
            loaded or written.
    """
    if len(profiles) < 2:
        raise UsageError("a comparison needs two different profiles, or --ablation.")
    profiles = named_apart(profiles)
    if plot is not None:
        require_extra("--plot", "quality", "matplotlib.pyplot")
        if plot.suffix.lower() not in PICTURES:
            raise UsageError(f"--plot {plot}: name a file that ends in {', '.join(PICTURES)}.")
    console = Console(record=html is not None)
    rest = Rest(len(calls))
    sources = labelled_calls(calls, rest)
    if not sources:
        rest.finish()
    read = [*(source.path for source in sources), *(each.path for each in profiles)]
    refuse_to_overwrite((json_file, html, plot), read)
    require_models(
        name for each in profiles for name in (*each.weights, *shadow_weights(shadows, each))
    )
    engines = EngineCache()
    variants = [
        run_variant(profile, sources, line, console, engines, shadows=shadows)
        for profile in profiles
    ]
    console.print(Comparison(variants), crop=False)
    for variant in variants if shadows else ():
        console.print()
        console.print(one_line(variant.name), style="bold")
        console.print(ShadowSummary(variant.calls), crop=False)
        for call in variant.calls:
            details = (ShadowDetails(shadow, call.name) for shadow in call.shadows)
            console.print(*details, crop=False)
    if json_file is not None:
        write_whole(json_file, to_json(as_json(variants), indent=2) + "\n")
    if html is not None:
        write_whole(html, console.export_html())
    if plot is not None:
        draw(variants, plot)
    rest.finish()


def as_json(variants: Sequence[Variant]) -> dict[str, Any]:
    """The comparison as JSON values; latencies in milliseconds."""
    return {
        "schema": SCHEMA,
        "variants": [
            {
                "name": variant.name,
                "figures": {name: figure(variant) for name, figure in FIGURES.items()},
                "turns": [
                    {
                        "call": outcome.call,
                        "start_s": outcome.label.start_s,
                        "end_s": outcome.label.end_s,
                        "text": outcome.label.text,
                        "intent": outcome.label.intent,
                        "outcome": outcome.kind,
                        "latency_ms": None if outcome.latency is None else outcome.latency / 1e6,
                    }
                    for outcome in variant.outcomes
                ],
                "shadows": [
                    {"call": call.name, **shadow_json(shadow)}
                    for call in variant.calls
                    for shadow in call.shadows
                ],
            }
            for variant in variants
        ],
    }


def draw(variants: Sequence[Variant], path: Path) -> None:
    """Cut-ins against the median answer time, one point a variant."""
    import matplotlib as mpl  # noqa: PLC0415 - an optional extra

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(7, 4.5))
    for variant in variants:
        median = variant.latency("answered", "p50")
        if median is not None:
            cut_ins = variant.count("cut in")
            axes.scatter(median / 1e6, cut_ins)
            axes.annotate(one_line(variant.name), (median / 1e6, cut_ins), xytext=(5, 5),
                          textcoords="offset points", parse_math=False)  # fmt: skip
    axes.set_xlabel("median time to answer, ms")
    axes.set_ylabel("cut-ins")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=-0.5)
    with storing(path), draft_of(path) as file:
        figure.savefig(file, dpi=150, bbox_inches="tight", format=path.suffix[1:].lower())
