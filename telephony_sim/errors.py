"""The errors of this package: a line or a signal that cannot be used."""

from __future__ import annotations


class LineError(ValueError):
    """Whatever is wrong with a line or with what is sent through it: one sentence for a person."""


class SettingError(LineError):
    """A key of a line that is missing, unknown, of another type or out of range.

    `where` names the file and table, `key` the key, `problem` what was given and what is allowed.
    """

    def __init__(self, key: str, problem: str, where: str = "") -> None:
        self.key, self.problem, self.where = key, problem, where
        super().__init__(f"{where}: {key} {problem}" if where else f"{key} {problem}")

    def at(self, where: str) -> SettingError:
        """The same error with the file and table in which the key stands."""
        return SettingError(self.key, self.problem, where)


class UnknownNameError(LineError):
    """A line, degradation, codec, jitter buffer or concealment that does not exist."""


class SignalError(LineError):
    """Audio that no line can carry: another rate, stereo, empty, not finite, not 20 ms."""
