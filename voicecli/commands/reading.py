"""What a command line can say about the recordings it names."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from voicecli.recording.audio_file import Reading


class ChannelsName(StrEnum):
    """Who is left and who is right."""

    caller_agent = "caller,agent"
    agent_caller = "agent,caller"


RawOption = Annotated[
    str | None,
    typer.Option(
        "--raw",
        metavar="ENCODING/RATE[/CHANNELS]",
        help="The recording is samples without a header: mulaw/8000, alaw/8000, s16le/16000/2, …",
    ),
]
ChannelsOption = Annotated[
    ChannelsName | None,
    typer.Option(
        "--channels",
        help="Who is on the left and on the right of a stereo recording. \\[default: caller,agent, "
        "unless the recording clearly is the other way round]",
    ),
]


def reading_of(raw: str | None, channels: ChannelsName | None) -> "Reading":
    """How recordings are to be read.

    Raises:
        UsageError: `raw` is not written as it must be.
    """
    from voicecli.recording.audio_file import Reading  # noqa: PLC0415 - slow
    from voicecli.recording.raw_format import parse_raw  # noqa: PLC0415

    return Reading(
        parse_raw(raw) if raw is not None else None,
        channels.value if channels is not None else None,
    )
