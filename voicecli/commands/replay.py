"""`voicecli replay`: recorded calls through the agent again."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from voicecli.commands import completing
from voicecli.commands.reading import ChannelsOption, RawOption, reading_of
from voicecli.errors import UsageError


class PaceName(StrEnum):
    """When a recorded caller speaks."""

    responsive = "responsive"
    recorded = "recorded"


def replay(  # noqa: PLR0917 - a command line's options, all keywords to its user
    calls: Annotated[
        list[str],
        typer.Argument(
            metavar="CALL...",
            autocompletion=completing.calls,
            help="Audio files, folders of recorded calls, or shipped recordings by name "
            "(plain_turns, pauses, barge_in, digits). Mono is the caller; stereo is the caller "
            "left, the agent right.",
        ),
    ],
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            "-p",
            autocompletion=completing.profiles,
            help="A shipped profile or a TOML file. \\[default: that "
            "of the recorded call, else embedded]",
        ),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(
            help="Replay a recorded call under other thresholds: a TOML file of "
            "\\[policy.*] tables. Recorded model outputs are used; engines run only for "
            "what was never asked before."
        ),
    ] = None,
    recompute: Annotated[
        bool,
        typer.Option(
            "--recompute",
            help="Run the engines again on a recorded call's audio, measuring how long they take.",
        ),
    ] = False,
    pace: Annotated[
        PaceName | None,
        typer.Option(
            help="recorded: the caller speaks at the recorded times. responsive: it "
            "lets the agent finish first. \\[default: responsive; recorded for a "
            "recorded call]"
        ),
    ] = None,
    line: Annotated[
        list[str] | None,
        typer.Option(
            "--line",
            "-l",
            autocompletion=completing.lines,
            help="A phone line of profiles/lines or a TOML file. "
            "Repeatable: one run each. \\[default: that of the profile]",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the line's losses and delays.")] = 0,
    realtime: Annotated[
        bool,
        typer.Option("--realtime", help="Run on the wall clock, as in a live call."),
    ] = False,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Where each call's folder and report.json go.")
    ] = Path("out"),
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the JSON report here instead.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit report for CI.")] = None,
    trace: Annotated[
        Path | None, typer.Option(help="Write a trace for ui.perfetto.dev or chrome://tracing.")
    ] = None,
    asserts: Annotated[
        list[str] | None,
        typer.Option(
            "--assert",
            metavar="CONDITION",
            help="Exit with 1 unless this holds, such "
            "as 'voice_to_voice.p95 < 800ms' or 'cut_ins == 0'. Repeatable.",
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Exit with 6 if an engine or a turn failed, though the agent apologised.",
        ),
    ] = False,
    shadow: Annotated[
        list[str] | None,
        typer.Option(
            "--shadow",
            metavar="NAME[:NUMBER]",
            help="Ask another turn detector about the same call, without acting on it, and list "
            "where it disagrees: smart_turn:0.5, text, llm_next_token, silence:800. Repeatable.",
        ),
    ] = None,
    trust_bundle: Annotated[
        bool,
        typer.Option(
            "--trust-bundle",
            help="Let the profile in a recorded call run its tools file and use its services, "
            "keys and files. Without this they are listed, and nothing is run.",
        ),
    ] = False,
    raw: RawOption = None,
    channels: ChannelsOption = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Only the summary, no waterfalls.")
    ] = False,
    brief: Annotated[
        bool,
        typer.Option("--brief", help="A line a turn, and why the slowest answer was slow."),
    ] = False,
) -> None:
    """Play recorded callers to the agent and show where every millisecond went, and why.

    The call runs on a virtual clock: engines take the time they really take, silence takes none,
    so it is over sooner than it lasted. Each call leaves a folder with a stereo WAV, the journal
    of every event and decision, and the profile; the folder can be replayed again.

    Examples:

      voicecli replay plain_turns

      voicecli replay my_call.wav --line pstn --line mobile

      voicecli replay call.raw --raw mulaw/8000

      voicecli replay out/my_call  (does the core still decide the same?)

      voicecli replay out/my_call --policy patient.toml  (what if?)

      voicecli replay calls/*.wav -q --assert 'voice_to_voice.p95 < 800ms'
    """  # fmt: skip
    from voicecli.replaying.batch import Batch, Outputs, run_batch  # noqa: PLC0415 - slow
    from voicecli.shadow.choice import parse  # noqa: PLC0415

    if brief and quiet:
        raise UsageError("--brief and --quiet show a call in two ways; choose one.")
    if recompute and policy is not None:
        raise UsageError("--policy uses recorded outputs and --recompute does not; choose one.")
    batch = Batch(
        calls=tuple(calls),
        recompute=recompute,
        profile=profile,
        policy=policy,
        pace=pace.value if pace is not None else None,
        lines=tuple(line or ()),
        seed=seed,
        clock="real" if realtime else "virtual",
        shadows=tuple(dict.fromkeys(parse(text) for text in shadow or ())),
        trust_bundle=trust_bundle,
        reading=reading_of(raw, channels),
    )
    outputs = Outputs(out, json_file or out / "report.json", junit, trace, quiet=quiet, brief=brief)
    run_batch(batch, outputs, asserts or [], strict=strict)
