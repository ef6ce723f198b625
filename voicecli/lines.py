"""The phone line between a caller and the agent, by the name a profile gives it."""

from telephony_sim.errors import LineError
from telephony_sim.line import Line, load_line
from voicecli.errors import ProfileError


def open_line(name_or_path: str, seed: int) -> tuple[Line, Line]:
    """Both directions of a line for one call, uplink and downlink; `seed` reproduces it.

    Raises:
        ProfileError: there is no such line, or its file is wrong.
    """
    try:
        spec = load_line(name_or_path)
        return (
            Line(spec, seed=seed, direction="uplink"),
            Line(spec, seed=seed, direction="downlink"),
        )
    except LineError as error:
        raise ProfileError(str(error)) from error
