"""An agent as a class: its words, its tools, and what it remembers of a call.

    voicecli talk --profile examples/dentist.toml

Every call has a `Dentist` of its own. The class is plain Python: test_agent.py calls its methods.
"""

from datetime import date

from voicecli import Agent, tool
from voicecli.tools import Quote
from voicecli.tools.spoken import day_of, spoken_day

CLOSED = ("Saturday", "Sunday")


class Dentist(Agent):
    """Books a day for a check-up, and takes a patient's number by the keypad."""

    prompt = """
        You are Robin, the receptionist of a dentist. Answer in one short sentence.
        Book days with book_day. Ask nothing that the caller has said already.
    """
    greeting = "Hello, this is Robin at the dentist's. How can I help you?"

    def __init__(self) -> None:
        self.day: date | None = None
        self.keys = ""
        self.said: list[str] = []
        self.unheard = 0

    @tool(return_direct=True)
    def book_day(self, day: Quote) -> str:
        """Book a check-up on the day that the caller asks for.

        Args:
            day: the caller's own words for it, such as "next Tuesday".
        """
        found = day_of(self.call.caller_said or day, self.call.today, day)
        if found is None:
            return "For which day, please?"
        if f"{found:%A}" in CLOSED:
            return f"We are closed on {found:%A}s. Which other day would suit you?"
        self.day = found
        patient = f", patient {self.keys}" if self.keys else ""
        return f"You are booked for {spoken_day(found)}{patient}."

    @tool(read_only=True, return_direct=True)
    def my_booking(self) -> str:
        """Say for which day the caller is booked."""
        return f"You are booked for {spoken_day(self.day)}." if self.day else "Not yet."

    @tool(read_only=True, return_direct=True)
    def small_talk(self) -> str:
        """Answer what has nothing to do with appointments."""
        return "I can only help you with appointments."

    def on_turn(self, said: str) -> None:
        """Keep what was said."""
        self.said.append(said)

    def on_dtmf(self, digit: str) -> None:
        """The patient's number, key by key."""
        self.keys += digit

    def on_interrupted(self, heard: str) -> None:
        """Count how often not one word was heard."""
        self.unheard += not heard
