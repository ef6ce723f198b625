"""The command line: registers each verb and turns errors into a sentence and an exit code."""

import inspect
import os
import sys

import typer

from voicecli.commands import models, recordings
from voicecli.commands.compare import compare
from voicecli.commands.dial import dial
from voicecli.commands.doctor import doctor
from voicecli.commands.line import line
from voicecli.commands.replay import replay
from voicecli.commands.serve import serve
from voicecli.commands.talk import talk
from voicecli.commands.tune import tune
from voicecli.descriptors import ADVICE, TOO_MANY
from voicecli.errors import VoicecliError
from voicecli.signals import take_as_ctrl_c

app = typer.Typer(
    name="voicecli",
    help="Talk to your phone voice agent, see where every millisecond went, replay calls.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command()(talk)
app.command()(replay)
app.command()(compare)
app.command()(tune)
app.command()(line)
app.command()(serve)
app.command()(dial)
app.command()(doctor)
app.add_typer(recordings.app, name="recordings")
app.add_typer(models.app, name="models")


def _flowing(docstring: str) -> str:
    """The text without its line breaks, which are the source's; examples are indented and stay."""
    paragraphs = inspect.cleandoc(docstring).split("\n\n")
    return "\n\n".join(p if p.startswith(" ") else " ".join(p.split("\n")) for p in paragraphs)


for _part in (app, recordings.app, models.app, models.check_app):
    for _verb in _part.registered_commands:
        _verb.help = _flowing((_verb.callback and _verb.callback.__doc__) or "")


def main() -> None:
    """Run the program; the exit codes are those of `voicecli.errors`."""
    take_as_ctrl_c()
    try:
        app()
    except VoicecliError as error:
        if os.environ.get("VOICECLI_DEBUG"):
            raise
        print(f"voicecli: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except OSError as error:
        if error.errno not in TOO_MANY or os.environ.get("VOICECLI_DEBUG"):
            raise
        print(f"voicecli: too many open files: {ADVICE}", file=sys.stderr)
        raise SystemExit(VoicecliError.exit_code) from None


if __name__ == "__main__":
    main()
