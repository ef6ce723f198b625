"""What the agent of appointments.toml can do: a calendar in a small SQLite file."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path

from voicecli.models.home import home
from voicecli.tools import tool

OPENS, CLOSES, LENGTH = time(9, 0), time(17, 0), timedelta(minutes=30)
WEEKEND = (5, 6)
_calendar = Path("appointments.db")


def setup(database: str = "") -> None:
    """Open the calendar: the profile's [tools.settings], or a file in voicecli's data folder."""
    global _calendar  # noqa: PLW0603 - one calendar a process, chosen once before any call
    _calendar = Path(database).expanduser() if database else home() / "appointments.db"
    _calendar.parent.mkdir(parents=True, exist_ok=True)
    with _opened() as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS appointments "
            "(day TEXT NOT NULL, at TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (day, at))"
        )


@contextmanager
def _opened() -> Iterator[sqlite3.Connection]:
    """A connection of its own for each call of a tool: they run on threads of their own."""
    with closing(sqlite3.connect(_calendar, timeout=5)) as connection, connection:
        yield connection


def _slots(day: date) -> list[str]:
    if day.weekday() in WEEKEND:
        return []
    start, end = datetime.combine(day, OPENS), datetime.combine(day, CLOSES)
    return [f"{start + LENGTH * n:%H:%M}" for n in range((end - start) // LENGTH)]


@tool(read_only=True)
def today() -> str:
    """Tell today's date and day of the week, to work out what the caller means by "tomorrow"."""
    return f"{date.today():%A, %Y-%m-%d}"


@tool(read_only=True, timeout_s=5)
def free_slots(day: date) -> str:
    """List the times that are still free on a day.

    Args:
        day: such as 2026-11-24.
    """
    with _opened() as connection:
        rows = connection.execute("SELECT at FROM appointments WHERE day = ?", (f"{day}",))
        taken = {at for (at,) in rows}
    free = [at for at in _slots(day) if at not in taken]
    return ", ".join(free) if free else f"nothing is free on {day:%A, %Y-%m-%d}"


@tool
def book(day: date, at: time, name: str) -> str:
    """Book an appointment. Say what was booked only when this has answered.

    Args:
        day: such as 2026-11-24.
        at: when it begins, such as 14:30.
        name: of the caller.
    """
    if f"{at:%H:%M}" not in _slots(day):
        raise ValueError(f"there is no appointment at {at:%H:%M} on {day}; ask for free_slots")
    try:
        with _opened() as connection:
            connection.execute(
                "INSERT INTO appointments (day, at, name) VALUES (?, ?, ?)",
                (f"{day}", f"{at:%H:%M}", name.strip()),
            )
    except sqlite3.IntegrityError:
        raise ValueError(f"{day} at {at:%H:%M} is taken; ask for free_slots") from None
    return f"booked for {name.strip()}: {day:%A, %Y-%m-%d} at {at:%H:%M}"


@tool
def cancel(day: date, at: time, name: str) -> str:
    """Cancel an appointment of the caller's own.

    Args:
        day: such as 2026-11-24.
        at: when it was to begin, such as 14:30.
        name: under which it was booked.
    """
    with _opened() as connection:
        gone = connection.execute(
            "DELETE FROM appointments WHERE day = ? AND at = ? AND name = ? COLLATE NOCASE",
            (f"{day}", f"{at:%H:%M}", name.strip()),
        )
    if not gone.rowcount:
        raise ValueError(f"{name} has no appointment on {day} at {at:%H:%M}")
    return f"cancelled: {day:%A, %Y-%m-%d} at {at:%H:%M}"
