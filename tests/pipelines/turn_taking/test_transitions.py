"""The tables of the two machines, and the diagram drawn from them."""

import runpy
from pathlib import Path

from pipelines.turn_taking.transitions import AGENT, CALLER, Agent, Caller

ROOT = Path(__file__).parents[3]


def reachable(table: dict, first: object) -> set:
    found, waiting = {first}, [first]
    while waiting:
        state = waiting.pop()
        for (before, _), after in table.items():
            if before is state and after not in found:
                found.add(after)
                waiting.append(after)
    return found


def test_every_state_can_be_reached_and_only_the_end_is_final():
    assert reachable(dict(CALLER), Caller.SILENT) == set(Caller)
    assert reachable(dict(AGENT), Agent.LISTENING) == set(Agent)
    assert {state for state, _ in AGENT} == set(Agent) - {Agent.ENDED}


def test_the_diagram_in_the_docs_is_the_one_the_tables_give():
    draw = runpy.run_path(str(ROOT / "scripts" / "draw_transitions.py"))
    document = (ROOT / "docs" / "explanation" / "turn-taking.md").read_text(encoding="utf-8")
    assert draw["replaced"](document) == document, "run `make docs`"
