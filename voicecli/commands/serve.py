"""`voicecli serve`: the agent on a phone number; changes with what the verb offers."""

from pathlib import Path
from typing import Annotated

import typer

# Imports stand inside the function: `voicecli --help` registers this module and must stay fast.
# ruff: noqa: PLC0415


def serve(  # noqa: PLR0917 - a command line's options, all keywords to its user
    profile: Annotated[
        str, typer.Option("--profile", "-p", help="A shipped profile or a TOML file.")
    ] = "embedded",
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Where to listen.")] = 8000,
    public_url: Annotated[
        str | None,
        typer.Option(metavar="https://HOST", help="Our address as Twilio knows it."),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Let anybody on this computer call, unsigned.")
    ] = False,
    max_calls: Annotated[
        int, typer.Option(min=1, max=500, help="Processes that stand ready; beyond: busy.")
    ] = 2,
    max_duration: Annotated[
        float, typer.Option(min=1, help="Seconds that a call may last.")
    ] = 3600,
    drain_timeout: Annotated[
        float, typer.Option(min=0, help="Seconds that calls may go on after SIGTERM.")
    ] = 60,
    target_p95: Annotated[
        float | None,
        typer.Option(min=1, help="Refuse calls while voice-to-voice p95 (ms) is above this."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where each call's folder goes.")] = Path(
        "out/calls"
    ),
    record: Annotated[
        bool, typer.Option("--record/--no-record", help="Keep audio and journal of calls.")
    ] = True,
    redact: Annotated[
        bool,
        typer.Option("--redact", help="Digits and e-mail addresses out of stored transcripts."),
    ] = False,
    number: Annotated[
        str | None,
        typer.Option(
            metavar="+1…",
            help="Point this number of your Twilio account at us; its old webhook is put back.",
        ),
    ] = None,
    ngrok: Annotated[
        bool, typer.Option("--ngrok", help="Open a tunnel for --public-url (NGROK_AUTHTOKEN).")
    ] = False,
    call: Annotated[
        str | None, typer.Option(metavar="+1…", help="Ring somebody up, from --number.")
    ] = None,
    message: Annotated[
        str, typer.Option(help="Left after the beep if a machine answers --call.")
    ] = "",
    transfer_to: Annotated[
        str | None, typer.Option(metavar="+1…", help="Where --transfer-key puts a caller through.")
    ] = None,
    transfer_key: Annotated[str, typer.Option(help="The key that does.")] = "0",
    log_json: Annotated[
        bool, typer.Option("--log-json", help="One JSON object a line, no table.")
    ] = False,
) -> None:
    """Answer calls that come over Twilio Media Streams.

    Every call runs in a process of its own that was loaded before it came. Without an account:

      voicecli serve --insecure                        (in one terminal)

      voicecli dial ws://127.0.0.1:8000/media plain_turns   (in another)

    With one, set TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and NGROK_AUTHTOKEN:

      voicecli serve --ngrok --number +15551234567

    or, behind a load balancer, point the number's voice webhook at https://HOST/voice and:

      voicecli serve --host 0.0.0.0 --public-url https://HOST

    Ctrl-C or SIGTERM lets calls under way end; once more ends them now.
    """
    import asyncio
    import sys
    from contextlib import ExitStack
    from functools import partial

    from voicecli.profile import load_profile
    from voicecli.serve.outside import Wishes, check_wishes, outside
    from voicecli.serve.server import run_server
    from voicecli.serve.settings import Limits, Recording, ServeSettings, decide_access
    from voicecli.serve.tunnel import tunnel

    wishes = Wishes(number, call, message, transfer_to, transfer_key)
    account = check_wishes(wishes, public=ngrok or public_url is not None)
    agent = load_profile(profile)
    with ExitStack() as cleanup:
        if ngrok and not insecure:
            public_url = cleanup.enter_context(tunnel(port))
        access = decide_access(host, port, public_url, insecure=insecure)
        if insecure:
            print("voicecli: --insecure: anybody on this computer can call.", file=sys.stderr)
        limits = Limits(
            max_calls=max_calls, max_duration_s=max_duration, drain_s=drain_timeout,
            target_p95_ms=target_p95,
        )  # fmt: skip
        recording = Recording(out if record else None, redact)
        settings = ServeSettings(host, port, access, limits, recording)
        connected = partial(outside, account, wishes) if account is not None else None
        asyncio.run(run_server(settings, agent, log_json=log_json, outside=connected))
