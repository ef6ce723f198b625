"""`voicecli tune`: better thresholds from recorded calls."""

from pathlib import Path
from typing import Annotated

import typer

from voicecli.commands import completing

_FILES = 32
_FILES_A_WORKER = 6


def tune(  # noqa: PLR0917 - a command line's options, all keywords to its user
    calls: Annotated[
        list[Path],
        typer.Argument(
            metavar="FOLDER...",
            help="Labelled calls that `voicecli replay` has run: "
            "the folders it left, such as out/pauses, or the folder of all of them.",
        ),
    ],
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            "-p",
            help="Where to start from. \\[default: that of the first call]",
            autocompletion=completing.profiles,
        ),
    ] = None,
    runs: Annotated[int, typer.Option(min=1, help="How many settings to try.")] = 512,
    most_cut_ins: Annotated[
        float,
        typer.Option(
            "--most-cut-ins",
            min=0,
            max=1,
            help="Choose the fastest setting with at most this share of turns cut into.",
        ),
    ] = 0.03,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Write the chosen setting here, as a profile.")
    ] = Path("tuned.toml"),
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes. \\[default: one a core]")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Search on a Ray cluster: ray://HOST:10001, or auto for the one this computer "
            "belongs to.",
        ),
    ] = None,
    or_local: Annotated[
        bool,
        typer.Option("--or-local", help="Search here if the cluster cannot be reached."),
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the settings tried.")] = 0,
    trust_bundle: Annotated[
        bool,
        typer.Option(
            "--trust-bundle",
            help="Start from the profile in a recorded call even if it names a tools file, "
            "services, keys or files: the profile that is written will name them too.",
        ),
    ] = False,
) -> None:
    """Search the trade-off between answering fast and cutting people off.

    Recorded calls are run again under other endpointing, from their events alone: no model runs,
    so hundreds of settings take a minute. Where they lead the call elsewhere, the models' answers
    are estimated from recorded ones, so check the outcome with `voicecli compare`, which asks the
    models, and on calls that were not tuned on.

    Example:

      voicecli replay pauses digits -q && voicecli tune out/pauses out/digits
    """  # fmt: skip
    import os  # noqa: PLC0415

    from voicecli.descriptors import require_descriptors  # noqa: PLC0415
    from voicecli.tune.run import Where, run  # noqa: PLC0415 - slow

    require_descriptors(_FILES + _FILES_A_WORKER * (workers or os.cpu_count() or 1))

    where = Where(workers, cluster, or_local)
    run(
        calls, profile, runs=runs, most_cut_ins=most_cut_ins, out=out, seed=seed, where=where,
        trust_bundle=trust_bundle,
    )  # fmt: skip
