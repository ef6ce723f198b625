"""`voicecli profile`: what an agent's file may say, what it means, and whether it is right."""

from pathlib import Path
from typing import Annotated

import typer

from voicecli.commands import completing
from voicecli.foreign import named_path, say, to_json, visible

app = typer.Typer(
    help="The files that describe an agent: list, show, new, check, keys, schema.",
    no_args_is_help=True,
)

# Imports stand inside the functions: `voicecli --help` registers this module and must stay fast.
# ruff: noqa: PLC0415

_Profile = Annotated[
    str,
    typer.Argument(
        metavar="NAME|PATH",
        help="A profile that ships, or the path of yours.",
        autocompletion=completing.profiles,
    ),
]


@app.command("list")
def list_profiles() -> None:
    """Show the profiles that ship: their engines, and whether the weights are here."""
    from voicecli.models.registry import load_registry
    from voicecli.models.store import damage
    from voicecli.profile import DEFAULT_PROFILE, load_profile, shipped_profiles
    from voicecli.report.screen import Console
    from voicecli.report.whole_table import WholeTable

    models = load_registry().models
    table = WholeTable(box=None, header_style="bold", pad_edge=False)
    for column in ("profile", "asr", "llm", "tts", "weights here"):
        table.add_column(column)
    for name in shipped_profiles():
        profile = load_profile(name)
        missing = [w for w in profile.weights if w in models and damage(models[w], thorough=False)]
        here = f"no: voicecli models pull {' '.join(missing)}" if missing else "yes"
        shown = f"{name} (the default)" if name == DEFAULT_PROFILE else name
        engines = (profile.asr.name, profile.llm.name, profile.tts.name)
        table.add_row(shown, *engines, here)
    Console().print(table, crop=False)


@app.command()
def show(
    profile: _Profile = "embedded",
    changed: Annotated[
        bool, typer.Option("--changed", help="Only what differs from the defaults.")
    ] = False,
) -> None:
    """Show every setting in effect, and where each comes from, as a profile that can be copied."""
    from rich.text import Text

    from voicecli.profile import load_profile
    from voicecli.profile_keys import as_toml, settings_of
    from voicecli.report.screen import Console

    console = Console(soft_wrap=True)
    table = ""
    for setting in settings_of(load_profile(profile)):
        if changed and setting.origin == "default":
            continue
        if setting.table != table:
            table = setting.table
            console.print(Text(f"\n[{table}]", style="bold"))
        value = as_toml(setting.value)
        line = Text(f"{setting.key} = {value}" if value else f"# {setting.key} is not set")
        quiet = setting.origin == "default"
        line.append(f"  # {setting.origin}", style="dim" if quiet else "cyan")
        console.print(line)


@app.command()
def new(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The file to write.")],
    base: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="NAME|PATH",
            help="The profile to begin with.",
            autocompletion=completing.profiles,
        ),
    ] = "embedded",
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> None:
    """Write a profile of your own to begin with: another one's file, comments and all."""
    from voicecli.errors import UsageError
    from voicecli.profile import load_profile, to_toml
    from voicecli.report.json_report import write_whole

    text = to_toml(load_profile(base))
    path = named_path(str(path))
    if path.exists() and not force:
        raise UsageError(f"{path} is there already; choose another name, or overwrite: --force")
    write_whole(path, text)
    say(f"{path} is written. Change it, then: voicecli talk --profile {path}")


@app.command()
def check(
    profiles: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME|PATH…",
            help="Profiles that ship, or your own.",
            autocompletion=completing.profiles,
        ),
    ],
) -> None:
    """Say whether profiles are right, and what is wrong, without loading an engine.

    Exit code 4 if one of them is not.
    """
    from voicecli.errors import ProfileError
    from voicecli.profile import load_profile

    wrong = 0
    for name in profiles:
        try:
            profile = load_profile(name)
        except ProfileError as problem:
            say(f"wrong  {problem}")
            wrong += 1
            continue
        say(f"right  {name}")
        for note in profile.notes:
            say(f"       {note}")
    if wrong:
        raise typer.Exit(ProfileError.exit_code)


@app.command()
def keys(
    table: Annotated[
        str, typer.Argument(metavar="[TABLE]", help="Only tables whose name begins so: policy.gate")
    ] = "",
) -> None:
    """Show every key that a profile may have: kind, range, default, meaning."""
    from rich.padding import Padding
    from rich.text import Text

    from voicecli.errors import UsageError
    from voicecli.profile_keys import all_tables, default_of
    from voicecli.report.screen import Console
    from voicecli.toml_schema import suggest

    shown = [t for t in all_tables() if t.name.startswith(table)]
    if not shown:
        names = {t.name for t in all_tables()}
        raise UsageError(f'there is no table "{table}"; {suggest(table, names)}')
    console = Console()
    for part in shown:
        engine = f' engine = "{part.engine}"' if part.engine else ""
        console.print(Text(f"\n[{part.name}]{engine}", style="bold").append(f"  {part.about}"))
        for key in part.keys:
            line = Text("  ").append(key.name, style="cyan").append(f"  {key.type}")
            line.append(f", {key.range}" if key.range else "")
            console.print(line.append(f"; {default_of(key)}", style="dim"))
            if key.about:
                console.print(Padding(Text(key.about), (0, 0, 0, 6)))


@app.command()
def schema() -> None:
    """Print a JSON Schema of profiles, for editors that complete and check TOML.

    With Even Better TOML or taplo: `voicecli profile schema > profile.schema.json`, and as the
    profile's first line `#:schema ./profile.schema.json`.
    """
    from voicecli.profile_keys import json_schema

    print(visible(to_json(json_schema(), indent=2)))
