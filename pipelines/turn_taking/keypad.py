"""Keys pressed on the phone, gathered into rows of digits."""


class Keypad:
    """A row ends with the terminator key or with a pause that somebody else times."""

    def __init__(self, terminator: str) -> None:
        self._terminator = terminator
        self._row = ""
        self._complete = ""

    def press(self, digit: str) -> bool:
        """One key; whether it ends the row."""
        if digit == self._terminator and self._row:
            return True
        self._row += digit
        return False

    def complete(self) -> None:
        """The row is over; it waits until it can be answered."""
        self._complete += self._row
        self._row = ""

    def take_complete(self) -> str:
        """The keys that wait to be answered, once."""
        keys, self._complete = self._complete, ""
        return keys
