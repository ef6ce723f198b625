"""Goes on with the rest where one of several things cannot be used, and says so in the end."""

from collections.abc import Iterator
from contextlib import contextmanager

from voicecli.errors import InputError, VoicecliError
from voicecli.foreign import say


class Rest:
    """Which of several calls could not be used; the only one there is ends the program at once."""

    def __init__(self, count: int, what: str = "calls") -> None:
        self._count = count
        self._what = what
        self._errors: list[VoicecliError] = []
        self.problems: dict[str, str] = {}
        """What is wrong with each, by the name it was given."""

    @contextmanager
    def goes_on(self, name: str, *kinds: type[VoicecliError]) -> Iterator[None]:
        """Print why `name` cannot be used if the block raises an InputError, or one of `kinds`."""
        try:
            yield
        except (InputError, *kinds) as error:
            if self._count == 1:
                raise
            sentence = str(error)
            if sentence not in self.problems.values():
                say(f"voicecli: {sentence}", error=True)
            self.problems[name] = sentence
            self._errors.append(error)

    def finish(self) -> None:
        """Raise an error, with the first one's exit code, if some could not be used."""
        if self._errors:
            error = VoicecliError(
                f"{len(self._errors)} of {self._count} {self._what} could not be used; "
                "what is wrong with each stands above."
            )
            error.exit_code = self._errors[0].exit_code
            raise error
