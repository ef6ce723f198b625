"""`voicecli doctor`: whether this computer can hold a call."""

from pathlib import Path
from typing import Annotated

import typer

from voicecli.commands import completing

# Imports stand inside the functions: `voicecli --help` registers this module and must stay fast.
# ruff: noqa: PLC0415


def doctor(
    profile: Annotated[
        str,
        typer.Option(
            "--profile",
            "-p",
            help="A shipped profile or a TOML file.",
            autocompletion=completing.profiles,
        ),
    ] = "embedded",
    sound: Annotated[
        bool,
        typer.Option(
            "--sound/--no-sound",
            help="Play a chirp and a few seconds of speech, to measure round trip and echo.",
        ),
    ] = True,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the findings here too.")
    ] = None,
) -> None:
    """Examine this computer: sound card, weights, speed of the engines, echo, services.

    Exits with 1 if something does not work; a warning only means that calls will be less good.
    """
    from voicecli.doctor.examine import examine
    from voicecli.profile import load_profile
    from voicecli.report.screen import Console, screen_of

    console = Console()
    screen = screen_of(console)
    signs = {
        "ok": (screen.pick("✓", "ok  "), "green"),
        "warning": (screen.pick("!", "warn"), "yellow"),
        "failed": (screen.pick("✗", "FAIL"), "red"),
    }
    findings = []
    for finding in examine(load_profile(profile), audible=sound):
        findings.append(finding)
        name, sentence = screen.text(finding.name), screen.text(finding.sentence)
        sign, colour = signs[finding.verdict]
        console.print(sign, style=colour, end="")
        console.print(f" {name:<30}", end="")
        console.print(sentence, soft_wrap=True)
    if json_file is not None:
        _write(json_file, findings)
    if any(finding.verdict == "failed" for finding in findings):
        raise typer.Exit(1)


def _write(path: Path, findings: list) -> None:  # type: ignore[type-arg] - of Finding, loaded late
    import dataclasses

    from voicecli.foreign import to_json
    from voicecli.report.json_report import write_whole

    report = {
        "schema": "voicecli.doctor/1",
        "healthy": all(finding.verdict != "failed" for finding in findings),
        "findings": [dataclasses.asdict(finding) for finding in findings],
    }
    write_whole(path, to_json(report, indent=2) + "\n")
