"""What can keep a call from being made."""

from voicecli.errors import VoicecliError


class DialError(VoicecliError):
    """Nobody answers at the address, or it is no agent."""

    exit_code = 8
