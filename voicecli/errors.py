"""The errors a user may meet and their exit codes.

Every message is one clear sentence or two: what is wrong, and what to do next. Anything else that
escapes is a defect in voicecli. VOICECLI_DEBUG=1 shows tracebacks. Errors of one part stand there:
8 `dial`, 9 `serve` (Twilio, tunnel), 11 the sound card, 12 a Ray cluster.
"""

_LONGEST = 8_000


class VoicecliError(Exception):
    """Something the user can understand and mend."""

    exit_code = 10

    def __str__(self) -> str:
        """The sentence, cut where a value in it is absurdly long."""
        text = super().__str__()
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


class AssertionUnmetError(VoicecliError):
    """The run went well but a condition given with --assert does not hold."""

    exit_code = 1


class UsageError(VoicecliError):
    """The command line makes no sense."""

    exit_code = 2


class InputError(VoicecliError):
    """A file given by the user (audio, journal, labels) cannot be used."""

    exit_code = 3


class ProfileError(VoicecliError):
    """A profile or phone line file is wrong: names the file, the table and the key."""

    exit_code = 4


class WeightsError(VoicecliError):
    """Model weights are missing, damaged or cannot be fetched."""

    exit_code = 5


class EngineError(VoicecliError):
    """An engine could not be loaded or broke down."""

    exit_code = 6


class StorageError(VoicecliError):
    """A file cannot be written: no space, no permission."""

    exit_code = 7
