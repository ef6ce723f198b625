"""An agent as a class: its words, its tools and what it does when something happens in a call."""

from pipelines.engines.tools import ThisCall
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
    """

    prompt: str = ""
    """What the LLM is told first, unless the profile has a `system_prompt`."""
    greeting: str = ""
    """What the caller hears first, unless the profile has a `greeting`."""

    @property
    def call(self) -> ThisCall:
        """What is known of the call: its day and the caller's turn; outside of one, a new one."""
        return this_call()

    def on_turn(self, said: str) -> None:
        """The caller's turn is over.

        If they go on before the reply is heard, this is called again with all of their words.
        """

    def on_interrupted(self, heard: str) -> None:
        """The caller has interrupted; these words of the agent's were heard, "" if none were."""

    def on_dtmf(self, digit: str) -> None:
        """The caller has pressed a key: one of 0-9 A-D * #."""
