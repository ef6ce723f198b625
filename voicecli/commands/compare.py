"""`voicecli compare`: the same calls under several profiles."""

from pathlib import Path
from typing import Annotated

import typer

from voicecli.commands import completing
from voicecli.errors import UsageError


def compare(  # noqa: PLR0917 - a command line's options, all keywords to its user
    calls: Annotated[
        list[str],
        typer.Argument(
            metavar="CALL...",
            help="Labelled calls: folders, or shipped ones by name.",
            autocompletion=completing.calls,
        ),
    ],
    profile: Annotated[
        list[str] | None,
        typer.Option(
            "--profile",
            "-p",
            help="A shipped profile or a TOML file; two or more.",
            autocompletion=completing.profiles,
        ),
    ] = None,
    ablation: Annotated[
        bool,
        typer.Option(
            "--ablation",
            help="Build one profile up step by step: naive, streaming, "
            "semantic, overlapped, speculative.",
        ),
    ] = False,
    line: Annotated[
        str | None,
        typer.Option(
            "--line",
            "-l",
            help="A phone line instead of the profile's.",
            autocompletion=completing.lines,
        ),
    ] = None,
    shadow: Annotated[
        list[str] | None,
        typer.Option(
            "--shadow",
            metavar="NAME[:NUMBER]",
            help="Ask another turn detector about the same calls, without acting on it, and list "
            "where it disagrees: smart_turn:0.5, text, llm_next_token, silence:800. Repeatable.",
        ),
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all of it here.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the tables as a web page.")] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw cut-ins against delay (PNG, SVG or PDF).")
    ] = None,
) -> None:
    """Judge profiles by what the callers meant: answers, cut-ins, missed ends, barge-in, waste.

    Latencies run from the labelled end of the caller's speech, not from where the VAD heard it.

    Examples:

      voicecli compare plain_turns pauses barge_in -p embedded -p my.toml

      voicecli compare pauses digits --ablation --line pstn --plot ablation.png
    """  # fmt: skip
    from voicecli.compare.run import compare as run  # noqa: PLC0415 - slow
    from voicecli.compare.variants import ablation as steps  # noqa: PLC0415
    from voicecli.profile import load_profile  # noqa: PLC0415
    from voicecli.shadow.choice import parse  # noqa: PLC0415

    names = profile or ["embedded"]
    if ablation and len(names) > 1:
        raise UsageError("--ablation takes one profile apart; name only one.")
    profiles = [load_profile(name) for name in names]
    run(
        steps(profiles[0]) if ablation else profiles,
        calls,
        line=line,
        shadows=tuple(dict.fromkeys(parse(text) for text in shadow or ())),
        json_file=json_file,
        html=html,
        plot=plot,
    )
