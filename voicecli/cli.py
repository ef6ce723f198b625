"""The command line: registers each verb and turns errors into a sentence and an exit code."""

import inspect
import os
import sys
import traceback
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from voicecli.commands import models, profile, recordings
from voicecli.commands.compare import compare
from voicecli.commands.dial import dial
from voicecli.commands.doctor import doctor
from voicecli.commands.line import line
from voicecli.commands.paths import paths
from voicecli.commands.replay import replay
from voicecli.commands.serve import serve
from voicecli.commands.talk import talk
from voicecli.commands.tune import tune
from voicecli.descriptors import ADVICE, TOO_MANY
from voicecli.errors import InputError, VoicecliError
from voicecli.foreign import say, visible
from voicecli.output import checked_output
from voicecli.signals import take_as_ctrl_c


class _Verbs(TyperGroup):
    """Typer's, whose complaints quote what was typed, or what a shell's * has named."""

    def make_context(self, *args: Any, **options: Any) -> Any:
        """Typer's: read the options before the verb."""
        try:
            return super().make_context(*args, **options)
        except Exception as error:
            _make_visible(error)
            raise

    def invoke(self, ctx: Any) -> Any:
        """Typer's: read the rest, and do it."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            _make_visible(error)
            raise


def _make_visible(error: Exception) -> None:
    if isinstance(message := getattr(error, "message", None), str):
        error.message = visible(message)  # type: ignore[attr-defined]


app = typer.Typer(
    name="voicecli",
    cls=_Verbs,
    help="Talk to your phone voice agent, see where every millisecond went, replay calls.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_GUIDE = """\
voicecli: talk to your phone voice agent, see where every millisecond went, replay calls.

  voicecli talk                     talk to the agent, as if on the phone (--text: type)
  voicecli replay plain_turns       a recorded call: every turn, every millisecond, and why
  voicecli profile new mine.toml    an agent of your own; then: voicecli talk -p mine.toml
  voicecli serve --twilio --ngrok   the agent on your phone number

All verbs: voicecli --help. Of one: voicecli VERB --help. Is this computer fit: voicecli doctor"""


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - a fifth of the start

        say(f"voicecli {version('voicecli')}")
        raise typer.Exit


@app.callback()
def _begin(
    ctx: typer.Context,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_show_version, is_eager=True
        ),
    ] = False,
) -> None:
    if ctx.invoked_subcommand is None:
        for line in _GUIDE.splitlines():
            say(line)


app.command()(talk)
app.command()(replay)
app.command()(compare)
app.command()(tune)
app.command()(line)
app.command()(serve)
app.command()(dial)
app.command()(doctor)
app.command()(paths)
app.add_typer(recordings.app, name="recordings")
app.add_typer(models.app, name="models")
app.add_typer(profile.app, name="profile")


def _flowing(docstring: str) -> str:
    """The text without its line breaks, which are the source's; examples are indented and stay."""
    paragraphs = inspect.cleandoc(docstring).split("\n\n")
    return "\n\n".join(p if p.startswith(" ") else " ".join(p.split("\n")) for p in paragraphs)


for _part in (app, recordings.app, models.app, models.check_app, profile.app):
    for _verb in _part.registered_commands:
        _verb.help = _flowing((_verb.callback and _verb.callback.__doc__) or "")


def main() -> None:
    """Run the program; the exit codes are those of `voicecli.errors`."""
    take_as_ctrl_c()
    try:
        with checked_output():
            app()
    except Exception as error:  # noqa: BLE001 - nothing is swallowed
        if isinstance(error, OSError) and error.errno in TOO_MANY:
            error = VoicecliError(f"too many open files: {ADVICE}")
        elif isinstance(error, OSError) and error.filename is not None:  # too long, or forbidden
            error = InputError(f"{error.filename} cannot be used: {error.strerror}.")
        with checked_output():
            if isinstance(error, VoicecliError) and not os.environ.get("VOICECLI_DEBUG"):
                say(f"voicecli: {error}", error=True)
                raise SystemExit(error.exit_code) from None
            print(visible(traceback.format_exc()), file=sys.stderr)  # it quotes others, too
            raise SystemExit(1) from None


if __name__ == "__main__":
    main()
