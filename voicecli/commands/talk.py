"""`voicecli talk`: a conversation from the terminal."""

from pathlib import Path
from typing import Annotated

import typer

from voicecli.commands import completing
from voicecli.errors import UsageError

# Imports stand inside the functions: `voicecli --help` registers this module and must stay fast.
# ruff: noqa: PLC0415


def talk(  # noqa: PLR0917 - a command line's options, all keywords to its user
    profile: Annotated[
        str,
        typer.Option(
            "--profile",
            "-p",
            help="A shipped profile or a TOML file.",
            autocompletion=completing.profiles,
        ),
    ] = "embedded",
    line: Annotated[
        str | None,
        typer.Option(
            "--line",
            "-l",
            autocompletion=completing.lines,
            help="Talk over this phone line of profiles/lines, or a TOML file. "
            "\\[default: that of the profile]",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="DEVICE|FILE",
            help="The microphone by number or name, or an audio file that is spoken from the "
            "call's beginning; none: only type.",
        ),
    ] = None,
    sink: Annotated[
        str | None,
        typer.Option(
            "--output",
            metavar="DEVICE|FILE",
            help="The loudspeaker by number or name, or a .wav file to write; none: no sound.",
        ),
    ] = None,
    text: Annotated[
        bool,
        typer.Option("--text", help="No sound at all: type, and read what the agent says."),
    ] = False,
    list_devices: Annotated[
        bool, typer.Option("--list-devices", help="Show microphones and loudspeakers.")
    ] = False,
    headless: Annotated[
        bool, typer.Option("--headless", help="No screen: for scripts and pipes.")
    ] = False,
    seconds: Annotated[
        float | None, typer.Option("--for", min=1, metavar="SECONDS", help="Hang up after so long.")
    ] = None,
    aec: Annotated[
        bool,
        typer.Option(
            "--aec/--no-aec", help="Cancel the loudspeaker's echo; not needed with headphones."
        ),
    ] = True,
    half_duplex: Annotated[
        bool,
        typer.Option(
            "--half-duplex",
            help="Deafen the microphone while the agent speaks: no echo at all, no interruptions.",
        ),
    ] = False,
    noise_suppression: Annotated[
        bool, typer.Option(help="Take steady noise out of the microphone's sound.")
    ] = True,
    auto_gain: Annotated[bool, typer.Option(help="Even out the microphone's level.")] = False,
    high_pass: Annotated[bool, typer.Option(help="Take out rumble below speech.")] = True,
    record: Annotated[
        Path | None,
        typer.Option(
            "--record", metavar="DIR", help="Keep the call here. \\[default: your data folder]"
        ),
    ] = None,
    no_record: Annotated[bool, typer.Option("--no-record", help="Keep nothing.")] = False,
    redact: Annotated[
        bool, typer.Option("--redact", help="Numbers and addresses out of what is kept.")
    ] = False,
    redact_audio: Annotated[
        bool, typer.Option("--redact-audio", help="And out of the sound; implies --redact.")
    ] = False,
    phone: Annotated[
        bool, typer.Option("--phone", help="Begin on your phone number, as the f key does.")
    ] = False,
    number: Annotated[
        str | None,
        typer.Option(metavar="+1…", help="Your number, if the Twilio account has several."),
    ] = None,
    public_url: Annotated[
        str | None,
        typer.Option(metavar="https://HOST", help="Our address for it, instead of ngrok's."),
    ] = None,
    light: Annotated[bool, typer.Option("--light", help="Colours for a light terminal.")] = False,
) -> None:
    """Talk to the agent with this computer's microphone and loudspeaker, as if on the phone.

    The screen shows what is said and where every millisecond of each turn goes; press ? there for
    its keys.

    Examples:

      voicecli talk

      voicecli talk --line pstn                     (as over the phone network)

      voicecli talk --text                          (by keyboard: no sound card is needed)

      voicecli talk --phone                         (the same agent on your Twilio number)

      voicecli talk --headless --input me.wav --output agent.wav --for 30
    """
    if list_devices:
        _print_devices()
        return
    from voicecli.models.store import require_models
    from voicecli.profile import load_profile
    from voicecli.talk.devices import NONE
    from voicecli.talk.record import calls_folder
    from voicecli.talk.setting import TalkSetting
    from voicecli.transports.echo_cancellation import Processing

    chosen = load_profile(profile)
    require_models(chosen.weights)  # before a screen opens, or a sound card is asked for
    if no_record and record is not None:
        raise UsageError("--record and --no-record contradict each other; choose one.")
    if text and (source or sink or headless):
        raise UsageError("--text has a screen and no sound: leave --input, --output, --headless.")
    if text:
        source = sink = NONE
    setting = TalkSetting(
        profile=chosen,
        line=line or chosen.line,
        source=source,
        sink=sink,
        processing=Processing(aec, half_duplex, noise_suppression, auto_gain, high_pass),
        record=None if no_record else record or calls_folder(),
        redact=redact or redact_audio,
        redact_audio=redact_audio,
        seconds=seconds,
        text=text,
    )
    if headless and phone:
        raise UsageError("--phone has a screen; `voicecli serve --twilio` is for scripts.")
    if headless:
        from voicecli.talk.headless import talk_headless

        talk_headless(setting)
    else:
        from voicecli.tui.flip import Phone
        from voicecli.tui.run import talk_on_screen

        talk_on_screen(setting, light=light, phone=Phone(number, public_url), on_phone=phone)


def _print_devices() -> None:
    from voicecli.report.screen import Console
    from voicecli.report.whole_table import WholeTable
    from voicecli.transports.sound_card_devices import Direction, list_devices

    table = WholeTable("", "number", "name", "channels", "Hz", "sound system", box=None)
    kinds: dict[Direction, str] = {"input": "microphone", "output": "loudspeaker"}
    for direction, kind in kinds.items():
        for device in list_devices(direction):
            name = f"{device.name} (default)" if device.default else device.name
            table.add_row(
                kind, str(device.index), name, str(device.channels), f"{device.rate:,}", device.host
            )
    Console().print(table, crop=False)
