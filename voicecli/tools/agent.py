"""An agent as a class: its words, its tools and what it does when something happens in a call."""

import inspect

from pipelines.engines.tools import EndCall, Handover, Say, ThisCall, Transfer
from voicecli.tools.declare import this_call


class Agent:
    """What an agent is, in one place; a profile names it as `[agent] class = "file.py:Name"`.

    Methods marked with `@tool` are tools, as functions in a tools file are. Each call has an object
    of its own, made without arguments when the call first needs it: what a call is to remember is
    kept in its attributes. The profile is read without running the file, so `prompt` and
    `greeting` stand in the class as plain texts.

    A hook is called on a thread of its own, one after the other. It cannot hold up the call: it
    notes, looks up and writes down, and later tools find that in `self`. A tool may run at the same
    time, or before `on_turn` if it is `read_only`: the words it is called for are in
    `self.call.caller_said`. What a hook raises stands in the journal, and the call goes on.

    Hooks and tools, but for `read_only` ones, may ask the call for something with `say`,
    `transfer`, `end_call` and `hand_over`, which return at once.
    """

    prompt: str = ""
    """What the LLM is told first, unless the profile has a `system_prompt`."""
    greeting: str = ""
    """What the caller hears first, unless the profile has a `greeting`."""

    @property
    def call(self) -> ThisCall:
        """What is known of the call: its day and the caller's turn; outside of one, a new one."""
        return this_call()

    def say(self, text: str) -> None:
        """Have a sentence said as it stands, as soon as neither the agent nor the caller speaks.

        That is at once while the caller waits for a tool or for the first words of a reply.
        """
        self.call.ask(Say(text))

    def transfer(self, to: str) -> None:
        """Have the caller put through, after what is being said.

        Args:
            to: one of [tools] transfer_to; "transfer_call" must be among the built-in tools.
        """
        self.call.ask(Transfer(to))

    def end_call(self, goodbye: str = "") -> None:
        """Hang up after what is being said, and after this goodbye or else the profile's."""
        self.call.ask(EndCall(goodbye))

    def hand_over(self, agent: "Agent", *, summary: str | None = None) -> None:
        """Hand the call over to another agent: its prompt, tools and hooks replace this one's.

        In a tool, the other agent goes on with the reply: it says its `greeting`, or if it has none
        or has had the call before, answers what the caller said. In a hook, it greets when nobody
        speaks, and answers from the next turn on.

        Args:
            agent: a new one of another class; or one that has had the call before, to go back.
            summary: what the other's LLM is told in place of all that was said before the caller's
                present turn; by default it is told everything.
        """
        known = any(agent is each for each in self.call.agents.values())
        prompt, greeting = inspect.cleandoc(agent.prompt), inspect.cleandoc(agent.greeting)
        name = type(agent).__name__
        self.call.ask(Handover(name, agent, prompt, "" if known else greeting, summary))

    def on_turn(self, said: str) -> None:
        """The caller's turn is over.

        If they go on before the reply is heard, this is called again with all of their words.
        """

    def on_interrupted(self, heard: str) -> None:
        """The caller has interrupted; these words of the agent's were heard, "" if none were."""

    def on_dtmf(self, digit: str) -> None:
        """The caller has pressed a key: one of 0-9 A-D * #."""
