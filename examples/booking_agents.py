"""Two agents in one call: Reception finds out what is wanted, Booking books it.

    voicecli talk --profile examples/booking.toml

A tool hands the call over. The other agent has a prompt and tools of its own, so each is told
little and can do little; what both are to know, one gives to the other.
"""

from datetime import date

from voicecli import Agent, tool
from voicecli.tools import Quote
from voicecli.tools.spoken import day_of, spoken_day


class Reception(Agent):
    """Answers the phone."""

    prompt = """
        You are Robin, the receptionist of a dentist. Answer in one short sentence.
        The practice is open from Monday to Friday, from nine to five.
        When the caller wants an appointment, call to_booking.
    """
    greeting = "Hello, this is Robin at the dentist's. How can I help you?"

    def __init__(self) -> None:
        self.booked: list[date] = []

    @tool
    def to_booking(self) -> None:
        """Put a caller who wants an appointment through to the booking desk."""
        self.hand_over(Booking(self))

    @tool(read_only=True, return_direct=True)
    def opening_hours(self) -> str:
        """Say when the practice is open."""
        return "We are open from Monday to Friday, from nine to five."


class Booking(Agent):
    """Books days, and gives the call back when that is done."""

    prompt = """
        You book days for check-ups at a dentist's. Answer in one short sentence.
        Book with book_day. When the caller wants anything else, call to_reception.
    """

    def __init__(self, reception: Reception) -> None:
        self.reception = reception
        self.interrupted = 0

    @tool(return_direct=True)
    def book_day(self, day: Quote) -> str:
        """Book a check-up on the day that the caller asks for.

        Args:
            day: the caller's own words for it, such as "next Tuesday".
        """
        found = day_of(self.call.caller_said or day, self.call.today, day)
        if found is None:
            return "For which day, please?"
        self.reception.booked.append(found)
        return f"You are booked for {spoken_day(found)}. Is there anything else?"

    @tool
    def to_reception(self) -> None:
        """Give the call back when the caller wants something else than a day."""
        days = " and ".join(spoken_day(day) for day in self.reception.booked) or "no day"
        self.hand_over(self.reception, summary=f"The caller has booked {days}.")

    def on_interrupted(self, heard: str) -> None:
        """Somebody who interrupts before a word is heard needs a person, the third time."""
        self.interrupted += not heard
        if self.interrupted == 3:
            self.say("I am sorry that this takes so long. I put you through to a colleague.")
            self.transfer("practice")
