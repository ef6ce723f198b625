"""`voicecli models`: shows, fetches and checks model weights."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voicecli.commands import completing
from voicecli.foreign import say
from voicecli.shipped import RECORDINGS

if TYPE_CHECKING:
    from voicecli.models.registry import Entry

app = typer.Typer(
    help="Model weights: list, pull, verify, remove, path, check.", no_args_is_help=True
)
check_app = typer.Typer(help="Try models out on this computer.", no_args_is_help=True)
app.add_typer(check_app, name="check")

# Imports stand inside the functions: `voicecli --help` registers this module and must stay fast.
# ruff: noqa: PLC0415


@app.command("list")
def list_models() -> None:
    """Show every model: size, licence, source, and whether it is here."""
    from voicecli.models.files import megabytes
    from voicecli.models.registry import load_registry
    from voicecli.models.store import NOT_THERE, damage, size_of
    from voicecli.report.screen import Console
    from voicecli.report.whole_table import WholeTable

    registry = load_registry()
    console = Console()
    table = WholeTable(box=None, header_style="bold", pad_edge=False)
    table.add_column("name", no_wrap=True)
    table.add_column("size", no_wrap=True, justify="right")
    for column in ("licence", "here", "what it is", "source"):
        table.add_column(column)
    for entry in registry.models.values():
        problem = damage(entry, thorough=False)
        count, sure = size_of(entry)
        size = ("" if sure else "~") + megabytes(count) if count else "?"
        here = "yes" if problem is None else "no" if problem == NOT_THERE else "damaged"
        origin = "; or ".join(map(str, entry.origins))
        table.add_row(entry.name, size, entry.licence, here, entry.title, origin)
    console.print(table, crop=False)
    console.print(
        "\n~ not pinned here: pull goes by the size and the hash that the hub states. "
        "Licences are what the publishers say."
    )
    for name, members in registry.sets.items():
        console.print("\nset ", end="")
        console.print(name, style="bold", end="")
        console.print(f": {', '.join(members)}")


@app.command()
def pull(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME…", help="Models or sets of models.", autocompletion=completing.models
        ),
    ] = None,
) -> None:
    """Fetch models that are not here yet; what is here is left alone."""
    from voicecli.errors import UsageError
    from voicecli.models.pull import pull as pull_entries
    from voicecli.models.registry import load_registry
    from voicecli.models.store import damage

    registry = load_registry()
    if not names:
        sets = "; ".join(f"{name} ({', '.join(m)})" for name, m in registry.sets.items())
        raise UsageError(f"say which models to pull, by name or by set. Sets: {sets}")
    entries = registry.expand(names)
    if not any(damage(entry, thorough=False) for entry in entries):
        say(f"Nothing to do: {', '.join(entry.name for entry in entries)} already here.")
        return
    from voicecli.models.screen import PullScreen
    from voicecli.tui.terminal import stopping_on_signals

    def stop() -> None:  # as Ctrl-C does: what was started ends with us
        raise KeyboardInterrupt

    with PullScreen() as screen, stopping_on_signals(stop):
        pull_entries(entries, screen)


@app.command()
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME…]", help="Default: all that are here.", autocompletion=completing.models
        ),
    ] = None,
) -> None:
    """Read the models again and compare their sha256 with the right one; remove damaged ones."""
    from voicecli.errors import WeightsError
    from voicecli.models.registry import load_registry
    from voicecli.models.store import damage, discard, path_of

    registry = load_registry()
    chosen = registry.expand(names) if names else tuple(registry.models.values())
    entries = [entry for entry in chosen if names or path_of(entry).exists()]
    if not entries:
        raise WeightsError("no models are here; get some with: voicecli models pull embedded")
    damaged: list[Entry] = []
    for entry in entries:
        problem = damage(entry, thorough=True)
        say(f"{entry.name}: {problem or 'ok'}")
        if problem:
            discard(entry)
            damaged.append(entry)
    if damaged:
        again = " ".join(entry.name for entry in damaged)
        raise WeightsError(
            f"{len(damaged)} of {len(entries)} models were damaged or missing; "
            f"get them again with: voicecli models pull {again}"
        )


@app.command()
def remove(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME…", help="Models or sets of models.", autocompletion=completing.models
        ),
    ],
) -> None:
    """Remove models that are here; `pull` fetches them again."""
    from voicecli.models.files import megabytes
    from voicecli.models.registry import load_registry
    from voicecli.models.store import discard, folder_of, size_of

    for entry in load_registry().expand(names):
        if entry.local:
            say(f"{entry.name}: left alone, it is a file of yours: {entry.local.path}")
        elif folder_of(entry).exists():
            size, _ = size_of(entry)
            discard(entry)
            say(f"{entry.name}: removed, {megabytes(size)}")
        else:
            say(f"{entry.name}: not here")


@app.command("path")
def show_path(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="A model, or a file's path.", autocompletion=completing.models
        ),
    ],
) -> None:
    """Print where a model's file or folder is."""
    from voicecli.models.store import locate

    located: Path = locate(name)
    say(located)


@check_app.command("asr")
def check_asr(
    profile: Annotated[
        str, typer.Option(help="The profile whose recogniser is checked.")
    ] = "local",
    audio: Annotated[
        list[Path] | None,
        typer.Option(
            help="Compare on these call folders or audio files, and skip the check of lengths; "
            "default: the calls that ship."
        ),
    ] = None,
) -> None:
    """Check a recogniser on a person's speech of 2 to 24 s: no loops, nothing lost.

    Of Whisper, inputs as long as the speech are then compared with its full 30 s.
    """
    from voicecli.errors import EngineError, UsageError
    from voicecli.models.check_asr import check_lengths, compare, read_clips
    from voicecli.profile import load_profile
    from voicecli.report.screen import Console
    from voicecli.report.whole_table import WholeTable

    choice = load_profile(profile).asr
    if not audio:
        if lost := check_lengths(choice.name, choice.settings):
            weights = getattr(choice.settings, "weights", choice.name)
            advice = "put chunk_length_s = 30 into the profile, or use another recogniser"
            raise EngineError(f"{weights} loses its head: {'; '.join(lost)}; {advice}")
        say("speech of 2 to 24 s: no loop, nothing lost at any length")
        if choice.name != "faster_whisper":
            return
    if choice.name != "faster_whisper":
        raise UsageError(
            f"the profile {profile} recognises speech with {choice.name}; only faster_whisper "
            "has an input that can be shortened"
        )
    found = compare(choice.settings, read_clips(audio or sorted(RECORDINGS.glob("*/"))))
    table = WholeTable(box=None, header_style="bold", pad_edge=False)
    for column in ("chunk_length_s", "mean time", "words wrong"):
        table.add_column(column, justify="right")
    for name, outcome, errors in (
        ("auto", found.short, found.short_errors),
        ("30", found.full, found.full_errors),
    ):
        wrong = "?" if errors is None else f"{errors:.1%}"
        table.add_row(name, f"{outcome.mean_s * 1000:,.0f} ms", wrong)
    console = Console()
    console.print(
        f"{choice.settings.weights}: {found.clips} utterances, {found.mean_clip_s:.1f} s on average"
    )
    console.print(table)
    if found.difference is not None:
        console.print(f"The two transcripts differ in {found.difference:.1%} of the words.")
    console.print(found.verdict)
