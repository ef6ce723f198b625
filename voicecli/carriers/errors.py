"""What can go wrong between a carrier and us."""

from voicecli.errors import VoicecliError


class DialError(VoicecliError):
    """Nobody answers at the address, or it is no agent."""

    exit_code = 8


class CarrierError(VoicecliError):
    """A carrier refuses a request or cannot be reached."""

    exit_code = 9
