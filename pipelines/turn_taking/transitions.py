"""The two coupled machines, caller and agent, as tables; the docs' diagram is drawn from them."""

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar


class Caller(Enum):
    """What the caller is doing."""

    SILENT = "silent"
    SPEAKING = "speaking"
    PAUSING = "pausing"  # silent within a turn, but not yet for so long as a pause
    PAUSED = "paused"  # silent within a turn that may be over
    OVERLAPPING = "overlapping"  # speaks over the agent, and it is not judged yet what that is
    OVERLAP_PAUSED = "overlap_paused"  # has, and the verdict is still to come

    @property
    def over_agent(self) -> bool:
        """Whether what they say is not known to be a turn of theirs."""
        return self is Caller.OVERLAPPING or self is Caller.OVERLAP_PAUSED


class Agent(Enum):
    """What the agent is doing."""

    LISTENING = "listening"
    THINKING = "thinking"  # has the floor, nothing of it is audible yet
    SPEAKING = "speaking"
    WITHHELD = "withheld"  # its first sound waits while speech over it is judged
    HELD = "held"  # has fallen silent while speech over it is judged
    ENDED = "ended"

    @property
    def audible(self) -> bool:
        """Whether the caller has heard it since it has the floor."""
        return self is Agent.SPEAKING or self is Agent.HELD

    @property
    def held(self) -> bool:
        """Whether playout is silent, to go on from where it stopped."""
        return self is Agent.WITHHELD or self is Agent.HELD


CALLER: Mapping[tuple[Caller, str], Caller] = {
    (Caller.SILENT, "speech confirmed"): Caller.SPEAKING,
    (Caller.SPEAKING, "short silence"): Caller.PAUSING,
    (Caller.PAUSING, "speech goes on"): Caller.SPEAKING,
    (Caller.PAUSING, "pause"): Caller.PAUSED,
    (Caller.SPEAKING, "pause"): Caller.PAUSED,
    (Caller.PAUSED, "speech confirmed"): Caller.SPEAKING,
    (Caller.PAUSED, "turn ended"): Caller.SILENT,
    (Caller.PAUSED, "turn dropped"): Caller.SILENT,
    (Caller.SILENT, "speech over agent"): Caller.OVERLAPPING,
    (Caller.OVERLAPPING, "pause"): Caller.OVERLAP_PAUSED,
    (Caller.OVERLAP_PAUSED, "speech confirmed"): Caller.OVERLAPPING,
    (Caller.OVERLAP_PAUSED, "overlap ignored"): Caller.SILENT,
    (Caller.OVERLAPPING, "agent left floor"): Caller.SPEAKING,
    (Caller.OVERLAP_PAUSED, "agent left floor"): Caller.PAUSED,
}

AGENT: Mapping[tuple[Agent, str], Agent] = {
    (Agent.LISTENING, "floor taken"): Agent.THINKING,
    (Agent.THINKING, "first sound"): Agent.SPEAKING,
    (Agent.THINKING, "reply withdrawn"): Agent.LISTENING,
    (Agent.SPEAKING, "interrupted"): Agent.LISTENING,
    (Agent.SPEAKING, "heard to the end"): Agent.LISTENING,
    (Agent.THINKING, "held"): Agent.WITHHELD,
    (Agent.WITHHELD, "resumed"): Agent.THINKING,
    (Agent.WITHHELD, "first sound"): Agent.HELD,
    (Agent.WITHHELD, "reply withdrawn"): Agent.LISTENING,
    (Agent.SPEAKING, "held"): Agent.HELD,
    (Agent.HELD, "resumed"): Agent.SPEAKING,
    (Agent.HELD, "interrupted"): Agent.LISTENING,
    (Agent.HELD, "heard to the end"): Agent.LISTENING,
    **{(state, "call ended"): Agent.ENDED for state in Agent if state is not Agent.ENDED},
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
