"""`voicecli recordings`: kept and labelled calls."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from voicecli.foreign import named_path, one_line, say
from voicecli.shipped import RECORDINGS

app = typer.Typer(
    help="Calls that were kept, and the labelled ones that ship: list, show, export, delete, make.",
    no_args_is_help=True,
)

# Imports stand inside the functions: `voicecli --help` registers this module and must stay fast.
# ruff: noqa: PLC0415

Folder = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where the calls are; those that ship if left out."),
]


@app.command()
def make(  # noqa: PLR0917 - a command line's options, all keywords to its user
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME…", help="Calls to make; all if left out.")
    ] = None,
    folder: Folder = None,
    dialogues: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="DIR",
            help="Make up calls from the written dialogues (*.jsonl.gz) here, into --folder.",
        ),
    ] = None,
    split: Annotated[
        Literal["train", "dev", "test"],
        typer.Option(help="Which dialogues: the split is that of the text turn model."),
    ] = "dev",
    count: Annotated[int, typer.Option(min=1, help="How many calls to make up.")] = 20,
    seed: Annotated[int, typer.Option(help="Of what is made up.")] = 0,
    voices: Annotated[
        Literal["espeak", "flite"],
        typer.Option(
            help="Who speaks it: espeak-ng, or Flite, which recognisers understand better "
            "and which must be installed."
        ),
    ] = "espeak",
) -> None:
    """Speak each DIR/NAME/call.toml into caller.flac and labels.json beside it.

    With --from, make up the scripts first: pauses within turns, dictated numbers, answers of one
    word, backchannels, coughs, interruptions and noise, all of it labelled exactly.

    Example:

      voicecli recordings make --from dialogues --split dev --count 60 --folder out/dev
    """
    from rich.progress import track

    from voicecli.errors import UsageError
    from voicecli.report.screen import Console
    from voicecli.rest import Rest
    from voicecli.synthetic_calls.synthesis import SCRIPT, make_recording, scripts_in

    if dialogues is not None:
        from voicecli.synthetic_calls.call_script import write_script
        from voicecli.synthetic_calls.generate import generate_calls

        if folder is None or names:
            raise UsageError("--from makes up calls of its own: name only a --folder for them.")
        calls = generate_calls(dialogues, split, count, seed, voices)
        names = [name for name, _ in calls]
        for name, script in calls:
            write_script(folder / name / SCRIPT, script)
    scripts = scripts_in(folder or RECORDINGS, names or ())
    console = Console(stderr=True)
    bar = track(scripts, "speaking", console=console, transient=True,
                disable=not console.is_terminal)  # fmt: skip
    rest = Rest(len(scripts))
    for script in bar:
        with rest.goes_on(str(script.parent)):
            make_recording(script)
            say(script.parent)
    rest.finish()


Kept = Annotated[
    Path | None,
    typer.Option("--folder", metavar="DIR", help="Where the calls are; your data folder if left "
                 "out."),
]  # fmt: skip
Name = Annotated[
    str, typer.Argument(metavar="CALL", help='Its name, the beginning of it, a path, or "last".')
]


@app.command("list")
def list_recordings(folder: Folder = None) -> None:
    """Show every kept call and every labelled one: length, turns, what it is about."""
    from voicecli.report.screen import Console

    console = Console()
    if folder is None and (kept := _kept_table()) is not None:
        console.print(kept, "", crop=False)
    console.print(_labelled_table(folder or RECORDINGS, required=folder is not None), crop=False)


def _kept_table() -> Any:
    """The user's own calls; None if there are none."""
    from voicecli.recording.library import kept_calls
    from voicecli.report.whole_table import WholeTable
    from voicecli.talk.record import calls_folder

    calls = kept_calls(calls_folder())
    table = WholeTable("your calls", box=None, header_style="bold")
    table.add_column("seconds", justify="right")
    for column in ("profile", "line", ""):
        table.add_column(column)
    for call in calls:
        table.add_row(call.name, f"{call.seconds:.0f}", call.profile, call.line, call.note)
    return table if calls else None


def _labelled_table(folder: Path, *, required: bool) -> Any:
    """A row for each labelled call; of those that are damaged it says why."""
    from voicecli.errors import InputError, VoicecliError
    from voicecli.report.whole_table import WholeTable
    from voicecli.synthetic_calls.synthesis import SCRIPT

    table = WholeTable("labelled calls", box=None, header_style="bold")
    for column in ("seconds", "turns"):
        table.add_column(column, justify="right")
    table.add_column("what it is")
    scripts = sorted(path for path in folder.glob(f"*/{SCRIPT}") if path.is_file())
    if not scripts and required:
        raise InputError(f"{folder} holds no labelled calls (NAME/{SCRIPT}).")
    for script in scripts:
        try:
            row = _labelled_row(script)
        except VoicecliError as error:  # the others are shown, too
            row = ("damaged", "", str(error))
        table.add_row(script.parent.name, *row)
    return table


def _labelled_row(script: Path) -> tuple[str, str, str]:
    """Seconds, turns and description."""
    import soundfile

    from voicecli.errors import InputError
    from voicecli.recording.labels import read_labels
    from voicecli.synthetic_calls.call_script import read_script
    from voicecli.synthetic_calls.synthesis import AUDIO, LABELS

    seconds = turns = "not made"
    audio, labels = script.with_name(AUDIO), script.with_name(LABELS)
    if audio.is_file() and labels.is_file():
        try:
            seconds = f"{soundfile.info(audio).duration:.0f}"
        except soundfile.SoundFileError:
            raise InputError(f"{audio} is damaged; make the call again.") from None
        turns = str(len(read_labels(labels).turns))
    return seconds, turns, f"{read_script(script).description:.300}"


@app.command()
def show(call: Name = "last", folder: Kept = None) -> None:
    """Show a call: what was said, and of a kept one where every millisecond of each turn went."""
    from voicecli.errors import InputError
    from voicecli.recording.bundle import read_bundle
    from voicecli.replaying.source import shipped_calls
    from voicecli.report.call_report import build_call_report
    from voicecli.report.screen import Console
    from voicecli.report.summary import Summary
    from voicecli.report.waterfall import CallWaterfall

    if (labelled := _labelled(call, folder)) is not None:
        _show_labelled(labelled)
        return
    try:
        path = _find(call, folder)
    except InputError as error:
        known = ", ".join(shipped_calls())
        raise InputError(f"{error} Labelled calls that ship: {known}.") from None
    bundle = read_bundle(path)
    report = build_call_report(
        path.name, bundle.header, bundle.entries, bundle.stereo, bundle.labels
    )
    console = Console()
    console.print(CallWaterfall(report), "", Summary([report]))
    marks = bundle.header.metadata.get("bookmarks_s", [])
    if isinstance(marks, list) and marks:
        console.print("bookmarks at " + ", ".join(f"{mark:.1f} s" for mark in marks))
    console.print(one_line(f"replay it: voicecli replay '{path}'"), soft_wrap=True)


def _labelled(call: str, folder: Path | None) -> Path | None:
    """The folder of a call with labels, by its path or its name; None if it is no such call."""
    from voicecli.recording.bundle import is_bundle
    from voicecli.synthetic_calls.synthesis import AUDIO, LABELS

    for path in (named_path(call), (folder or RECORDINGS) / call):
        if (path / AUDIO).is_file() and (path / LABELS).is_file() and not is_bundle(path):
            return path
    return None


def _show_labelled(path: Path) -> None:
    """What the caller says in it and means by it, as the labels have it."""
    from pipelines.turn_taking.time import SECOND
    from voicecli.recording.labels import read_labels
    from voicecli.report.screen import Console, clock
    from voicecli.report.whole_table import WholeTable
    from voicecli.synthetic_calls.call_script import read_script
    from voicecli.synthetic_calls.synthesis import LABELS, SCRIPT

    console = Console()
    script = path / SCRIPT
    if script.is_file():
        console.print(f"{one_line(read_script(script).description)}\n")
    table = WholeTable(box=None, header_style="bold")
    for column in ("at", "seconds"):
        table.add_column(column, justify="right")
    for column in ("intent", "what the caller says"):
        table.add_column(column)
    for turn in read_labels(path / LABELS).turns:
        seconds = f"{turn.end_s - turn.start_s:.1f}"
        at = clock(round(turn.start_s * SECOND))
        table.add_row(at, seconds, turn.intent or "", turn.text)
    console.print(table, crop=False)
    name = path.name if path.parent == RECORDINGS else f"'{path}'"
    console.print(f"\nplay it to an agent: voicecli replay {one_line(name)}", soft_wrap=True)


@app.command()
def export(
    call: Name,
    archive: Annotated[Path | None, typer.Argument(metavar="FILE.zip")] = None,
    folder: Kept = None,
    redact: Annotated[
        bool, typer.Option("--redact", help="Numbers and addresses out of journal and labels.")
    ] = False,
    redact_audio: Annotated[
        bool, typer.Option("--redact-audio", help="And out of the sound; implies --redact.")
    ] = False,
) -> None:
    """Put a kept call into a zip file: audio, journal and profile.

    Example, before a call is given to somebody else:

      voicecli recordings export last --redact-audio
    """
    from voicecli.recording.library import export_call
    from voicecli.redaction.call import export_redacted

    path = _find(call, folder)
    archive = archive or Path(f"{path.name}.zip")
    if redact or redact_audio:
        export_redacted(path, archive, audio=redact_audio)
    else:
        export_call(path, archive)
    say(archive)


@app.command()
def delete(
    calls: Annotated[list[str], typer.Argument(metavar="CALL...")],
    folder: Kept = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete kept calls for good."""
    from voicecli.recording.library import delete_call, find_name
    from voicecli.rest import Rest
    from voicecli.talk.record import calls_folder

    folder = folder or calls_folder()
    rest, paths = Rest(len(calls)), list[Path]()
    for call in calls:  # all before any is gone: the beginning of a name may then fit another
        with rest.goes_on(call):
            paths.append(folder / find_name(folder, call))
    for path in dict.fromkeys(paths):
        if yes or typer.confirm(one_line(f"Delete {path} for good?")):
            with rest.goes_on(path.name):
                left = delete_call(path)
                stays = f" {path} stays: it holds {', '.join(left)}." if left else ""
                say(f"{path.name} is deleted.{stays}")
    rest.finish()


def _find(call: str, folder: Path | None) -> Path:
    from voicecli.recording.library import find_call
    from voicecli.talk.record import calls_folder

    return find_call(folder or calls_folder(), call)
