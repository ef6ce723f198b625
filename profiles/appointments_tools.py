"""What the agent of appointments.toml can do: a calendar in a small SQLite file.

The model says what the caller wants, and quotes the words for the day, the time and the name. What
they mean is worked out here, and kept until the call is over; what is missing is asked for, and
nothing is written before the caller has heard the whole of it and agreed.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from voicecli.paths import home
from voicecli.tools import Quote, this_call, tool
from voicecli.tools.spoken import day_of, name_of, spoken_day, spoken_time, time_of

OPENS, CLOSES, LENGTH = time(9, 0), time(17, 0), timedelta(minutes=30)
WEEKEND = (5, 6)
HOURS = "We are open from nine to five, Monday to Friday."
NAME, OTHER_NAME = "What is your name, please?", "Under which name is the appointment?"
NAMES = (NAME, OTHER_NAME)
HELP = "How can I help you?"
ELSE = "Is there anything else?"
BOOKS = re.compile(r"\b(book|make|new)\b", re.I)
REFUSES = re.compile(r"\b(no|not|don't|wait|but|rather|instead|wrong|actually|change)\b", re.I)
AGREES = re.compile(
    r"\b(yes|yeah|yep|sure|ok|okay|right|correct|exactly|perfect|great|wonderful|lovely|fine)\b",
    re.I,
)
LEAVES = re.compile(r"\b(bye|goodbye|no|nothing|that's (all|it)|that is (all|it))\b", re.I)
THANKS = re.compile(r"\bthank", re.I)
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


@dataclass(slots=True)
class Wish:
    """What is known of the caller's wish."""

    wants: str = ""
    """"book", "cancel", or nothing yet."""
    day: date | None = None
    at: time | None = None
    name: str | None = None
    asked: str = ""
    """The question that the caller was asked last."""
    agreed_on: tuple[date, time, str] | None = None
    """What will be done if the caller now says yes."""


def _wish() -> Wish:
    return this_call().state.setdefault("wish", Wish())


def _slots(day: date) -> list[time]:
    if day.weekday() in WEEKEND:
        return []
    start, end = datetime.combine(day, OPENS), datetime.combine(day, CLOSES)
    return [(start + LENGTH * n).time() for n in range((end - start) // LENGTH)]


def _free(day: date) -> list[time]:
    with _opened() as connection:
        rows = connection.execute("SELECT at FROM appointments WHERE day = ?", (f"{day}",))
        taken = {at for (at,) in rows}
    return [at for at in _slots(day) if f"{at:%H:%M}" not in taken]


@tool(return_direct=True)
def book(when: Quote, name: Quote) -> str:
    """The caller wants an appointment, or says or changes its day, its time or their name."""
    wish = _wish()
    if wish.wants != "cancel" or BOOKS.search(this_call().caller_said):
        wish.wants = "book"
    return _ask(wish, _understood(wish, when, name))


@tool(return_direct=True)
def cancel(when: Quote, name: Quote) -> str:
    """The caller wants to cancel an appointment that they have."""
    wish = _wish()
    if wish.wants != "cancel":  # whose appointment it is may be known by now, and when
        wish.wants = "cancel"
        wish.agreed_on = None
    return _ask(wish, _understood(wish, when, name))


@tool(return_direct=True)
def agree() -> str:
    """The caller says yes to what was asked."""
    wish = _wish()
    agreed = wish.agreed_on
    if agreed is None or REFUSES.search(this_call().caller_said):
        return _ask(wish)
    return _cancelled(agreed) if wish.wants == "cancel" else _booked(wish, agreed)


@tool(return_direct=True)
def refuse() -> str:
    """The caller says no to what was asked."""
    wish = _wish()
    if wish.agreed_on is not None and wish.wants == "cancel":
        this_call().state["wish"] = Wish(name=wish.name)
        return f"All right, I leave it as it is. {ELSE}"
    if wish.agreed_on is not None:
        wish.agreed_on = None
        wish.asked = "Which day and what time would you like instead?"
        return wish.asked
    return _ask(wish)


@tool(return_direct=True, read_only=True)
def opening_hours() -> str:
    """The caller asks when the practice is open."""
    return f"{HOURS} {_wish().asked or HELP}"


@tool(return_direct=True, read_only=True)
def small_talk() -> str:
    """The caller says anything else."""
    return f"I can only help you with appointments here. {_wish().asked or HELP}"


def before_end_call() -> str:
    """What is to be called instead of hanging up; nothing if the call may end.

    A small model takes "Yes, thanks a lot" for a goodbye, and at times the first words of a call.
    """
    wish, said = _wish(), this_call().caller_said
    if wish.agreed_on is not None and AGREES.search(said) and not REFUSES.search(said):
        return "agree"
    asked = bool(wish.wants and wish.asked)
    first_words = wish == Wish() and not THANKS.search(said)
    return "small_talk" if (asked or first_words) and not LEAVES.search(said) else ""


def _understood(wish: Wish, when: str, name: str) -> str:
    """Keep what the words mean; what to tell the caller if they mean nothing.

    A model this small cuts its quotes too short, so each is looked up in what was said; a larger
    one may use words of its own. If a name was asked for, words that are neither a day nor a time
    are taken for one.
    """
    call = this_call()
    said = call.caller_said or f"{when} {name}"
    day = day_of(said, call.today, when) or day_of(when, call.today)
    at = time_of(said, OPENS, CLOSES, when) or time_of(when, OPENS, CLOSES)
    if wish.asked in NAMES and not (day or at or name):
        name = when or said
    who = name_of(name, said) if name else None
    if (day, at, who) != (None, None, None):
        wish.day, wish.at, wish.name = day or wish.day, at or wish.at, who or wish.name
        wish.agreed_on = None
        return ""
    return "Sorry, I did not understand that." if name and wish.asked in NAMES else ""


def _ask(wish: Wish, first: str = "") -> str:
    """What is said next: a question for what is missing or cannot be, or for the caller's yes."""
    problem, wish.asked = _question(wish)
    return " ".join(filter(None, (first, problem, wish.asked)))


def _question(wish: Wish) -> tuple[str, str]:
    """What is wrong, if anything, and the question to ask."""
    if not wish.wants:
        return "", "Would you like to make an appointment?"
    if wish.wants == "cancel":
        return _question_to_cancel(wish)
    if wish.day is None:
        return "", "Which day would you like to come?"
    free = _free(wish.day)
    if problem := _no_such_day(wish.day, free):
        wish.day = None
        return problem, "Which other day would you like?"
    if wish.at is not None and wish.at not in free:
        problem, wish.at = _no_such_time(wish.at, wish.day), None
        return problem, f"Would {_some(free)} suit you?"
    return _question_to_book(wish, wish.day)


def _question_to_book(wish: Wish, day: date) -> tuple[str, str]:
    """The same once nothing is wrong with the day, nor with a time."""
    if wish.at is None:
        return "", f"What time on {spoken_day(day)}?"
    if wish.name is None:
        return "", NAME
    wish.agreed_on = (day, wish.at, wish.name)
    when = f"{spoken_time(wish.at)} on {spoken_day(day)}"
    return f"That is {when}, for {wish.name}.", "Shall I book it?"


def _no_such_day(day: date, free: list[time]) -> str:
    if day.weekday() in WEEKEND:
        return f"{spoken_day(day)} is a weekend. {HOURS}"
    return "" if free else f"Nothing is free on {spoken_day(day)}."


def _no_such_time(at: time, day: date) -> str:
    if at in _slots(day):
        return f"{spoken_time(at)} on {spoken_day(day)} is taken."
    if OPENS <= at < CLOSES:
        return "Appointments begin on the hour and the half hour."
    return HOURS


def _some(times: list[time]) -> str:
    return " or ".join(map(spoken_time, times[:: max(1, len(times) - 1)][:2]))


def _question_to_cancel(wish: Wish) -> tuple[str, str]:
    if wish.name is None:
        return "", OTHER_NAME
    with _opened() as connection:
        rows = connection.execute(
            "SELECT day, at FROM appointments WHERE name = ? COLLATE NOCASE AND day >= ? "
            "ORDER BY day, at", (wish.name, f"{this_call().today}"),
        ).fetchall()  # fmt: skip
    found = [(date.fromisoformat(day), time.fromisoformat(at)) for day, at in rows]
    theirs = [(day, at) for day, at in found if wish.day in {None, day} and wish.at in {None, at}]
    if not theirs:
        name, wish.name = wish.name, None
        which = "no such appointment" if found else "no appointment"
        if found:
            wish.name, wish.day, wish.at = name, None, None
            return f"{name} has {which}.", "Which day is it on?"
        return f"I find {which} for {name}.", OTHER_NAME
    if len(theirs) > 1:
        days = " and ".join(spoken_day(day) for day, _ in theirs)
        return f"There are several: {days}.", "Which one?"
    [(day, at)] = theirs
    wish.agreed_on = (day, at, wish.name)
    return f"That is {spoken_time(at)} on {spoken_day(day)}.", "Shall I cancel it?"


def _booked(wish: Wish, agreed: tuple[date, time, str]) -> str:
    day, at, name = agreed
    wish.agreed_on = None
    try:
        with _opened() as connection:
            connection.execute(
                "INSERT INTO appointments (day, at, name) VALUES (?, ?, ?)",
                (f"{day}", f"{at:%H:%M}", name),
            )
    except sqlite3.IntegrityError:  # somebody was faster
        return _ask(wish)
    this_call().state["wish"] = Wish(name=name)
    return f"It is booked for {spoken_time(at)} on {spoken_day(day)}. {ELSE}"


def _cancelled(agreed: tuple[date, time, str]) -> str:
    day, at, name = agreed
    with _opened() as connection:
        connection.execute(
            "DELETE FROM appointments WHERE day = ? AND at = ? AND name = ? COLLATE NOCASE",
            (f"{day}", f"{at:%H:%M}", name),
        )
    this_call().state["wish"] = Wish(name=name)
    return f"I have cancelled {spoken_time(at)} on {spoken_day(day)}. {ELSE}"
