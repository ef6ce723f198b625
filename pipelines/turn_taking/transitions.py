"""The two coupled machines, caller and agent, as tables; the docs' diagram is drawn from them."""

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar


class Caller(Enum):
    """What the caller is doing."""

    SILENT = "silent"
    SPEAKING = "speaking"
    PAUSED = "paused"  # silent within a turn that may not be over


class Agent(Enum):
    """What the agent is doing."""

    LISTENING = "listening"
    THINKING = "thinking"  # has the floor, nothing of it is audible yet
    SPEAKING = "speaking"
    ENDED = "ended"


CALLER: Mapping[tuple[Caller, str], Caller] = {
    (Caller.SILENT, "speech confirmed"): Caller.SPEAKING,
    (Caller.SPEAKING, "pause"): Caller.PAUSED,
    (Caller.PAUSED, "speech confirmed"): Caller.SPEAKING,
    (Caller.PAUSED, "turn ended"): Caller.SILENT,
    (Caller.PAUSED, "turn dropped"): Caller.SILENT,
    (Caller.PAUSED, "overlap ignored"): Caller.SILENT,
}

AGENT: Mapping[tuple[Agent, str], Agent] = {
    (Agent.LISTENING, "floor taken"): Agent.THINKING,
    (Agent.THINKING, "first sound"): Agent.SPEAKING,
    (Agent.THINKING, "reply withdrawn"): Agent.LISTENING,
    (Agent.SPEAKING, "interrupted"): Agent.LISTENING,
    (Agent.SPEAKING, "heard to the end"): Agent.LISTENING,
    (Agent.LISTENING, "call ended"): Agent.ENDED,
    (Agent.THINKING, "call ended"): Agent.ENDED,
    (Agent.SPEAKING, "call ended"): Agent.ENDED,
}

_State = TypeVar("_State", Caller, Agent)


def diagram(table: Mapping[tuple[_State, str], _State]) -> str:
    """The table as a Mermaid state diagram."""
    first = next(iter(table))[0].value
    arrows = [
        f"    {before.value} --> {after.value}: {trigger}"
        for (before, trigger), after in table.items()
    ]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {first}", *arrows])
