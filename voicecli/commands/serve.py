"""`voicecli serve`: the agent on a phone number."""

from pathlib import Path
from typing import Annotated

import typer

from voicecli.commands import completing

# Imports stand inside the function: `voicecli --help` registers this module and must stay fast.
# ruff: noqa: PLC0415


_FILES = 64
"""Of the server besides those of calls: libraries, ports, connections that are not yet calls."""
_FILES_A_CALL = 8


def serve(  # noqa: PLR0917 - a command line's options, all keywords to its user
    profile: Annotated[
        str,
        typer.Option(
            "--profile",
            "-p",
            help="A shipped profile or a TOML file.",
            autocompletion=completing.profiles,
        ),
    ] = "embedded",
    twilio: Annotated[
        bool,
        typer.Option(
            "--twilio",
            help="Answer a number of your Twilio account: --number, or its only one. Its old "
            "webhook is put back on exit.",
        ),
    ] = False,
    carrier: Annotated[
        str,
        typer.Option(metavar="NAME", help="Who brings the calls: twilio or asterisk."),
    ] = "twilio",
    ngrok: Annotated[
        bool, typer.Option("--ngrok", help="Open a tunnel for it (NGROK_AUTHTOKEN).")
    ] = False,
    number: Annotated[
        str | None, typer.Option(metavar="+1…", help="The number to answer; implies --twilio.")
    ] = None,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Where to listen.")] = 8000,
    operators: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Where /metrics, /healthz and /readyz are: else on --port or, once outsiders can "
            "reach that, on loopback one port higher.",
        ),
    ] = None,
    public_url: Annotated[
        str | None,
        typer.Option(
            metavar="https://HOST",
            help="Our address as Twilio knows it, of any tunnel or balancer.",
        ),
    ] = None,
    insecure: Annotated[
        bool,
        typer.Option("--insecure", help="Check no signatures, though TWILIO_AUTH_TOKEN is set."),
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
        typer.Option("--redact", help="Numbers and addresses out of stored transcripts."),
    ] = False,
    redact_audio: Annotated[
        bool,
        typer.Option(
            "--redact-audio",
            help="And out of the sound, which is then written at the call's end; implies --redact.",
        ),
    ] = False,
    keep_partials: Annotated[
        bool,
        typer.Option("--keep-partials", help="With --redact: partial transcripts are stored, too."),
    ] = False,
    call: Annotated[
        str | None, typer.Option(metavar="+1…", help="Ring somebody up, from the number.")
    ] = None,
    message: Annotated[
        str, typer.Option(help="Left after the beep if a machine answers --call.")
    ] = "",
    transfer_to: Annotated[
        str | None, typer.Option(metavar="+1…", help="Where --transfer-key puts a caller through.")
    ] = None,
    transfer_key: Annotated[str, typer.Option(help="The key that does.")] = "0",
    log_json: Annotated[
        bool, typer.Option("--log-json", help="Log one JSON object a line, and show no screen.")
    ] = False,
) -> None:
    """Answer calls that come over Twilio Media Streams, or from an Asterisk of your own.

    Every call runs in a process of its own that was loaded before it came. In a terminal all calls
    are on one screen, with the waterfall of the selected one. Without an account:

      voicecli serve                                   (in one terminal)

      voicecli dial ws://127.0.0.1:8000/media          (in another)

    With TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and NGROK_AUTHTOKEN set:

      voicecli serve --twilio --ngrok --number +15551234567

    or, behind a load balancer, point the number's voice webhook at https://HOST/voice and:

      voicecli serve --host 0.0.0.0 --public-url https://HOST

    For an Asterisk, with ASTERISK_PASSWORD set to what its websocket_client.conf says:

      voicecli serve --carrier asterisk --host 0.0.0.0

    Ctrl-C, SIGTERM or closing the terminal lets calls under way end; Ctrl-C or SIGTERM once more
    ends them now.
    """
    import asyncio

    from voicecli.descriptors import require_descriptors
    from voicecli.errors import UsageError
    from voicecli.models.store import require_models
    from voicecli.profile import load_profile
    from voicecli.serve.logs import say, set_up_logs
    from voicecli.serve.plan import Request, plan_server
    from voicecli.serve.server import CallServer
    from voicecli.serve.settings import CarrierOptions, Limits, Recording
    from voicecli.tui.terminal import is_terminal

    if twilio and carrier != "twilio":
        raise UsageError("--twilio and --carrier name two carriers; choose one.")
    require_descriptors(_FILES + _FILES_A_CALL * max_calls)
    agent = load_profile(profile)
    require_models(agent.weights)  # before a tunnel opens or a number's webhook is set
    plan = plan_server(
        Request(
            host, port, operators, public_url, ngrok, insecure,
            Limits(
                max_calls=max_calls, max_duration_s=max_duration, drain_s=drain_timeout,
                target_p95_ms=target_p95,
            ),
            Recording(
                out if record else None, redact or redact_audio, keep_partials, redact_audio
            ),
            CarrierOptions(
                number, call, message, transfer_to, transfer_key, answer=twilio,
                agent_transfers="transfer_call" in agent.tools.builtin,
            ),
            carrier,
        )
    )  # fmt: skip
    if is_terminal() and not log_json:
        from voicecli.tui.board_run import serve_on_screen

        serve_on_screen(plan, agent)
        return
    server = CallServer(plan, agent)
    set_up_logs(say, as_json=log_json)
    asyncio.run(server.run())
