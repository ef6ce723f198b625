"""`voicecli dial`: a caller for any agent on media streams."""

from pathlib import Path
from typing import Annotated

import typer

from voicecli.commands import completing
from voicecli.commands.reading import ChannelsOption, RawOption, reading_of
from voicecli.commands.replay import PaceName
from voicecli.errors import UsageError
from voicecli.foreign import say

# Imports stand inside the function: `voicecli --help` registers this module and must stay fast.
# ruff: noqa: PLC0415

_FILES = 16
"""Beside one a call."""


def dial(  # noqa: PLR0917 - a command line's options, all keywords to its user
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL", help="ws(s)://… of a media stream, or http(s)://… of a voice webhook."
        ),
    ],
    call: Annotated[
        str,
        typer.Argument(
            metavar="CALL",
            autocompletion=completing.calls,
            help="What the caller says: an audio file, the folder or name of a recorded call, "
            "or a call script (*.toml) to be spoken.",
        ),
    ] = "plain_turns",
    mic: Annotated[
        bool,
        typer.Option("--mic", help="Be the caller: speak and listen at this computer, no CALL."),
    ] = False,
    source: Annotated[
        str | None,
        typer.Option("--input", metavar="DEVICE|FILE", help="The microphone of --mic."),
    ] = None,
    sink: Annotated[
        str | None,
        typer.Option("--output", metavar="DEVICE|FILE", help="The loudspeaker of --mic."),
    ] = None,
    carrier: Annotated[
        str, typer.Option(metavar="NAME", help="Whose part we play: twilio or asterisk.")
    ] = "twilio",
    line: Annotated[
        str,
        typer.Option(
            "--line",
            "-l",
            help="The phone line in front: a name or a TOML file.",
            autocompletion=completing.lines,
        ),
    ] = "clean",
    seed: Annotated[int, typer.Option(help="Of the line's losses and delays.")] = 0,
    pace: Annotated[
        PaceName,
        typer.Option(help="responsive: the caller lets the agent finish. recorded: it does not."),
    ] = PaceName.responsive,
    raw: RawOption = None,
    channels: ChannelsOption = None,
    keys: Annotated[
        list[str] | None,
        typer.Option(metavar="SECONDS:KEYS", help="Press keys, such as 12.5:42#. Repeatable."),
    ] = None,
    calls: Annotated[int, typer.Option(min=1, max=500, help="How many at once.")] = 1,
    ramp: Annotated[float, typer.Option(min=0, help="Seconds over which the calls begin.")] = 0,
    max_duration: Annotated[
        float, typer.Option(min=1, help="Hang up after so many seconds.")
    ] = 600,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where stereo WAVs go.")] = Path(
        "out/dial"
    ),
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the JSON report.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit report for CI.")] = None,
    asserts: Annotated[
        list[str] | None,
        typer.Option(
            "--assert",
            metavar="CONDITION",
            help="Exit with 1 unless this holds, such as 'voice_to_voice.p95 < 800ms' or "
            "'underruns == 0'. Repeatable.",
        ),
    ] = None,
) -> None:
    """Call an agent as Twilio or an Asterisk would and measure it by ear: any agent, ours or not.

    Audio goes both ways in real time; marks are echoed when their audio was heard, clear is
    honoured. With TWILIO_AUTH_TOKEN set, requests are signed as Twilio signs them.

    Examples:

      voicecli dial ws://127.0.0.1:8000/media plain_turns

      voicecli dial https://agent.example/voice my_call.wav --line mobile

      voicecli dial ws://127.0.0.1:8000/media barge_in --assert 'barge_in.p95 < 600ms'

      voicecli dial ws://127.0.0.1:8000/media --mic        (press q to hang up)

      voicecli dial ws://127.0.0.1:8000/media --calls 20 --ramp 5 --json load.json
    """  # fmt: skip
    import asyncio

    from voicecli.descriptors import require_descriptors
    from voicecli.dial.report import parse_condition
    from voicecli.dial.run import (
        Plan,
        parse_keys,
        report_on,
        result_of,
        run_plan,
        secret_of,
    )
    from voicecli.dial.script import open_script
    from voicecli.names import refuse_to_overwrite

    for text in asserts or []:
        parse_condition(text)  # better now than after the call
    try:
        pressed = parse_keys(keys or [])
    except ValueError as error:
        raise UsageError(f"--keys {error}.") from None
    if not (mic or source or sink):
        script = open_script(call, reading_of(raw, channels))
        if script.audio.note:
            say(f"{script.name}: {script.audio.note}")
        own = None if out is None else out / f"{script.name}.wav"
        refuse_to_overwrite((own, json_file, junit), (Path(call), Path(line)))
        require_descriptors(_FILES + calls)
        plan = Plan(url, script, line, seed, pace.value, pressed, calls, ramp, max_duration,
                    carrier)  # fmt: skip
        results = asyncio.run(run_plan(plan, out))
    elif calls > 1 or pressed:
        raise UsageError("--mic is one call, and you press its keys: leave out --calls and --keys.")
    else:
        from voicecli.dial.handset import Handset
        from voicecli.tui.phone import hold

        secret = secret_of(carrier)
        handset = Handset(url, source, sink, line, seed, secret, max_duration, carrier)
        results = [result_of(hold(handset), out)]
        if out is not None:
            say(f"kept: {out / results[0].name}.wav")
    report_on(url, results, asserts or [], json_file=json_file, junit=junit)
