"""Replies by rules in a file: certain and instant, with another model for what no rule fits."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from pipelines.engines.llm._rules_dialogue import Dialogue, State, Step
from pipelines.engines.llm._rules_file import FIELD, Rules, load
from pipelines.engines.llm._rules_slots import resolved
from pipelines.engines.protocols import Llm, NextTokenLlm, StopSignal
from pipelines.engines.registry import Context, SettingsError
from pipelines.engines.speakable import speakable_text
from pipelines.engines.tools import ToolRequest
from pipelines.turn_taking.commands import History

MAY_DELEGATE = True
"""A profile may name another engine in [llm.otherwise]."""
REMEMBERED = 1024
"""Steps kept, so that a long call is not gone through again for each new wording."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the profile's table."""

    file: str = ""
    """The rules, relative to the profile, or a file of those that ship."""
    otherwise_calls_tools: bool = True
    """Whether the engine of [llm.otherwise] is told of the profile's tools."""


class RulesLlm:
    """Where a conversation stands follows from its history alone: any reply may be thrown away."""

    def __init__(
        self, rules: Rules, otherwise: Llm | None = None, today: Callable[[], date] = date.today
    ) -> None:
        self._rules, self._llm, self._today = rules, otherwise, today
        dialogue = Dialogue(rules, delegates=otherwise is not None)
        self._step = lru_cache(REMEMBERED)(dialogue.step)
        self._answered = lru_cache(REMEMBERED)(dialogue.answered)

    def prepare(self, history: History) -> None:
        """Have the other model read the prompt where it will have to answer."""
        if self._llm is not None and (not history or self._last_step(history).unanswered):
            self._llm.prepare(history)

    def stream(self, history: History, stop: StopSignal) -> Iterator[str | ToolRequest]:
        """The whole reply at once, word by word, then the tool of its rule."""
        step = self._last_step(history)
        if step.unanswered and self._llm is not None:
            yield from self._llm.stream(history, stop)
            return
        for piece in re.findall(r"\s*\S+", speakable_text(step.say)):
            if stop.is_set():
                return
            yield piece
        if step.call and not stop.is_set():
            yield self._request(step)

    def _last_step(self, history: History) -> Step:
        """What the history leads to, from its beginning."""
        step = Step(State())
        for message in history:
            if message.role == "caller":
                step = self._step(step.state, message.text)
            elif message.role == "tool_result" and step.call:
                step = self._answered(step, message.text)
            elif message.role == "agent" and (step.unanswered or not step.say):
                step = replace(step, state=replace(step.state, said=message.text))
        return step

    def _request(self, step: Step) -> ToolRequest:
        rule, slots = self._rules.by_name[step.call], dict(step.slots)

        def value(name: str) -> str:
            if self._rules.file.slot[name].kind == "day":
                return resolved(slots[name].value, self._today())
            return slots[name].value

        arguments = {
            name: FIELD.sub(lambda field: value(field[1]), text)
            for name, text in rule.arguments.items()
        }
        return ToolRequest(rule.call, json.dumps(arguments, ensure_ascii=False))


class RulesNextTokenLlm(RulesLlm):
    """The same before a model that shows its next-token probabilities."""

    def __init__(self, rules: Rules, otherwise: NextTokenLlm) -> None:
        super().__init__(rules, otherwise)
        self._judge = otherwise

    def end_probability(self, history: History, text: str) -> float:
        """What the other model expects, whoever answers."""
        return self._judge.end_probability(history, text)


def build(settings: Settings, context: Context) -> RulesLlm:
    """Read and check the rules.

    Raises:
        SettingsError: a rule cannot work; names the file and the rule.
    """
    if not settings.file:
        raise SettingsError('the engine rules needs file = "…", a file of rules')
    rules = load(context.find(settings.file), context.tools)
    if isinstance(context.llm, NextTokenLlm):
        return RulesNextTokenLlm(rules, context.llm)
    return RulesLlm(rules, context.llm)
