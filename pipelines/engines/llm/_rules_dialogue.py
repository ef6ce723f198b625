"""Where a conversation by rules stands, and its next step."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pipelines.engines.llm._rules_file import FIELD, Rule, Rules
from pipelines.engines.llm._rules_slots import Value, alone, everywhere, read
from pipelines.engines.llm._rules_words import Captures, Heard, Pattern, corrected, heard, parse

CONFIRM = "?"
"""In the place of a slot's name: the caller is asked whether all is right."""
MOST_TRIES = 2
"""Times that a question is asked again before the agent gives up on it."""
_NAMED = tuple(
    parse(source, {})
    for source in (
        "name is|was [spelled] {name}", "name would|will be {name}", "spelled|spell [it] {name}",
        "under [the name] [of] {name}", "call me {name}", "i am {name}", "this is {name}",
        "it is [for] {name}", "that is {name}", "for {name}",
    )
)  # fmt: skip
_WEAK = 5
"""From this one on, a text with capitals must write the name with one: "I am late"."""


@dataclass(frozen=True, slots=True)
class State:
    """All that is known after the turns so far."""

    slots: tuple[tuple[str, Value], ...] = ()
    topic: str = ""
    """The rule whose slots are being asked for."""
    asked: str = ""
    """The slot that was asked for last, or CONFIRM."""
    tries: int = 0
    """How often in a row that was not answered."""
    last: str = ""
    """The rule that was followed last."""
    used: tuple[tuple[str, int], ...] = ()
    """How often each list of sentences was used."""
    said: str = ""
    """What the agent said last."""

    def known(self) -> dict[str, Value]:
        """The slots by name."""
        return dict(self.slots)

    def learned(self, values: dict[str, Value]) -> "State":
        """With these slots."""
        return replace(self, slots=tuple(sorted((self.known() | values).items())))


@dataclass(frozen=True, slots=True)
class Step:
    """What follows from the caller's turn."""

    state: State
    say: str = ""
    call: str = ""
    """The rule whose tool is to be called."""
    slots: tuple[tuple[str, Value], ...] = ()
    """What is known when the tool is called."""
    unanswered: bool = False
    """No rule fits: another model is to answer."""


class Dialogue:
    """Rules at work; without a state of its own."""

    def __init__(self, rules: Rules, *, delegates: bool) -> None:
        self._rules, self._delegates = rules, delegates

    def step(self, state: State, text: str) -> Step:
        """The caller has said something."""
        said = corrected(heard(text), self._rules.vocabulary)
        step = (
            self._whole_answer(state, said)
            or self._by_rule(state, said)
            or self._part_of_answer(state, said)
            or self._otherwise(state)
        )
        return self._varied(step, state.said)

    def answered(self, step: Step, result: str) -> Step:
        """The tool of that step has answered, or has failed if the result says so."""
        rule = self._rules.by_name[step.call]
        state, failure = step.state, result.removeprefix("error: ")
        texts = rule.done if failure == result else rule.failed
        state, say = self._pick(
            state, f"{rule.name}.{'done' if failure == result else 'failed'}", texts,
            {"result": failure}, slots=dict(step.slots),
        )  # fmt: skip
        if failure != result and rule.ask_again:
            kept = tuple(pair for pair in step.slots if pair[0] not in rule.ask_again)
            state = replace(state, slots=kept, topic=rule.name, tries=0)
            state, question = self._question(state)
            say = f"{say} {question}"
        return Step(replace(state, said=say), say)

    # -- what the caller may mean, in the order in which it is tried ---------------------------

    def _whole_answer(self, state: State, said: Heard) -> Step | None:
        """An answer to what was asked, and nothing else."""
        yes = self._rules.yes.found(said, self._read, alone=True) is not None
        no = self._rules.no.found(said, self._read, alone=True) is not None
        agreed = self._rules.agreed.found(said, self._read, alone=True) is not None
        if state.topic and state.asked == CONFIRM:
            return self._denied(state) if no else self._finish(state) if yes or agreed else None
        if state.topic:
            value = self._alone(state.asked, said)
            return self._go_on(state.learned({state.asked: value})) if value else None
        last = self._rules.by_name.get(state.last)
        if last and last.yes and self._rules.by_name[last.yes].needs:
            yes = yes or agreed
        then = (last.no if no else last.yes if yes else "") if last else ""
        return self._follow(state, self._rules.by_name[then], (), said) if then else None

    def _by_rule(self, state: State, said: Heard) -> Step | None:
        for rule in self._rules.file.rule:
            known = state.known()
            if (
                (rule.after and state.last not in rule.after)
                or not all(name in known for name in rule.known)
                or any(name in known for name in rule.unknown)
                or (state.topic and rule.hear == ("*",))
            ):
                continue
            captures = self._match(rule, said)
            if captures is not None and (rule.name != state.topic or captures):
                return self._follow(state, rule, captures, said)
        return None

    def _part_of_answer(self, state: State, said: Heard) -> Step | None:
        """An answer among other words, also to what was asked before."""
        if not state.topic:
            return None
        known = state.known()
        values = self._values(self._rules.by_name[state.topic].needs, said, state.asked)
        if any(known.get(name) != value for name, value in values.items()):
            return self._go_on(state.learned(values))
        if state.asked == CONFIRM:
            if self._rules.no.found(said, self._read) is not None:
                return self._denied(state)
            if values or self._rules.yes.found(said, self._read) is not None:
                return self._finish(state)
        if state.tries >= MOST_TRIES:
            return None
        state, sorry = self._pick(state, "sorry", self._rules.file.sorry)
        state, question = self._question(replace(state, tries=state.tries + 1))
        return Step(state, f"{sorry} {question}")

    def _otherwise(self, state: State) -> Step:
        state = replace(state, topic="", asked="", tries=0, last="")
        if self._rules.file.otherwise or not self._delegates:
            texts = self._rules.file.otherwise or self._rules.file.sorry
            state, text = self._pick(state, "otherwise", texts)
            return Step(state, text)
        return Step(state, unanswered=True)

    # -- what follows ----------------------------------------------------------------------------

    def _follow(self, state: State, rule: Rule, captures: Captures, said: Heard) -> Step:
        values = dict(captures)
        if rule.needs:
            begun = state.topic == rule.name
            state = replace(state, topic=rule.name, tries=0, last=rule.name)
            step = self._go_on(state.learned(self._values(rule.needs, said, "") | values))
            if begun or not step.state.topic:
                return step
            state, first = self._pick(step.state, f"{rule.name}.first", rule.first)
            return Step(state, f"{first} {step.say}".strip())
        state = state.learned(values)
        if state.topic and values and values.keys() <= {*self._rules.by_name[state.topic].needs}:
            return self._go_on(state)
        step = self._speak(replace(state, last=rule.name), rule)
        if not step.state.topic or _repeats(rule):
            return step
        state, question = self._question(step.state)
        return Step(state, f"{step.say} {question}")

    def _go_on(self, state: State) -> Step:
        """Ask for what is missing, have it confirmed, or do what it was for."""
        rule = self._rules.by_name[state.topic]
        if all(name in state.known() for name in rule.needs) and not rule.confirm:
            return self._finish(state)
        state, question = self._question(replace(state, tries=0))
        return Step(state, question)

    def _question(self, state: State) -> tuple[State, str]:
        rule = self._rules.by_name[state.topic]
        missing = next((name for name in rule.needs if name not in state.known()), CONFIRM)
        state = replace(state, asked=missing)
        if missing == CONFIRM:
            return self._pick(state, f"{rule.name}.confirm", rule.confirm)
        return self._pick(state, f"[{missing}]", self._rules.file.slot[missing].ask)

    def _denied(self, state: State) -> Step:
        state, text = self._pick(state, "change", self._rules.file.change)
        return Step(state, text)

    def _finish(self, state: State) -> Step:
        rule = self._rules.by_name[state.topic]
        return self._speak(replace(state, last=rule.name), rule)

    def _speak(self, state: State, rule: Rule) -> Step:
        """Say what the rule says; if it is done with its slots, they are forgotten."""
        before = state.slots
        state, text = self._pick(state, f"{rule.name}.say", rule.say)
        if rule.needs or rule.call or rule.drop:
            slots = self._rules.file.slot
            kept = tuple(
                pair for pair in before if pair[0] not in rule.needs or slots[pair[0]].keep
            )
            state = replace(state, slots=kept, topic="", asked="", tries=0)
        if not state.topic:
            state, offer = self._pick(state, f"{rule.name}.offer", rule.offer)
            text = f"{text} {offer}".strip()
        return replace(Step(state, text), call=rule.name if rule.call else "", slots=before)

    def _varied(self, step: Step, before: str) -> Step:
        """Not the same as before, word for word; what was said is kept for `{last}`."""
        rule = self._rules.by_name.get(step.state.last)
        if not step.say or (rule and _repeats(rule)):
            return step
        if step.say != before:
            return replace(step, state=replace(step.state, said=step.say))
        state, again = self._pick(step.state, "again", self._rules.file.again)
        return replace(step, state=state, say=f"{again} {before}")

    def _pick(
        self, state: State, key: str, texts: tuple[str, ...],
        more: dict[str, str] | None = None, slots: dict[str, Value] | None = None,
    ) -> tuple[State, str]:  # fmt: skip
        """The next of these sentences that can be said with what is known."""
        values = {name: value.said for name, value in (slots or state.known()).items()}
        values |= {"last": state.said, **(more or {})}
        sayable = [text for text in texts if values.keys() >= set(FIELD.findall(text))]
        if not sayable:
            return state, ""
        used = dict(state.used)
        text = sayable[used.get(key, 0) % len(sayable)]
        state = replace(state, used=tuple(sorted((used | {key: used.get(key, 0) + 1}).items())))
        return state, FIELD.sub(lambda field: values[field[1]], text)

    # -- words --------------------------------------------------------------------------------

    def _match(self, rule: Rule, said: Heard) -> Captures | None:
        hear, only = self._rules.patterns[rule.name]
        tries: list[tuple[Pattern, bool]] = [(p, False) for p in hear] + [(p, True) for p in only]
        found = (pattern.found(said, self._read, alone=only) for pattern, only in tries)
        return next((captures for captures in found if captures is not None), None)

    def _read(self, name: str, said: Heard, start: int) -> Iterator[tuple[int, Value]]:
        for found in read(self._rules.file.slot[name].kind, said, start):
            if self._long_enough(name, found.value):
                yield found.end, found.value

    def _long_enough(self, name: str, value: Value) -> bool:
        slot = self._rules.file.slot[name]
        return slot.kind != "digits" or len(value.value) >= slot.least

    def _alone(self, name: str, said: Heard) -> Value | None:
        kind = self._rules.file.slot[name].kind
        value = _named(said) if kind == "name" else None
        if value is None and kind != "words":
            value = alone(kind, said)
            if kind == "name" and value and not _capitals(said):
                return value if self._no_rule_fits(said) else None
        return value if value and self._long_enough(name, value) else None

    def _no_rule_fits(self, said: Heard) -> bool:
        return all(self._match(rule, said) is None for rule in self._rules.file.rule)

    def _values(self, names: tuple[str, ...], said: Heard, asked: str) -> dict[str, Value]:
        """What the words say of these slots; the last value, as people correct themselves."""
        values: dict[str, Value] = {}
        for name in names:
            kind = self._rules.file.slot[name].kind
            if kind == "name":
                found = [
                    value for value in (_named(said),) if value and (name == asked or _sure(said))
                ]
            elif kind == "words":
                text = " ".join(said.written)
                found = [Value(text, text)] if name == asked and text else []
            else:
                every = (f.value for f in everywhere(kind, said))
                found = [
                    v for v in every if (v.sure or name == asked) and self._long_enough(name, v)
                ]
                if kind == "digits":
                    found.sort(key=lambda value: len(value.value))
            if found:
                values[name] = found[-1]
        return values


def _repeats(rule: Rule) -> bool:
    return any("{last}" in text for text in rule.say)


def _named(said: Heard) -> Value | None:
    """The name in "my name is …" and the like."""
    cased = any(written[0].isupper() for written in said.written[1:] if written != "I")
    for number, pattern in enumerate(_NAMED):
        captures = pattern.found(
            said, lambda _name, s, at: ((f.end, f.value) for f in read("name", s, at))
        )
        if captures:
            value: Value = captures[0][1]
            weak = number >= _WEAK
            shy = value.value.split()[0] not in said.written  # spelled, or written small
            small = shy and not any(len(word) == 1 and word.isalpha() for word in said.words[2:])
            if not (weak and (small if cased else value.value.lower().endswith("ing"))):
                return value
    return None


def _sure(said: Heard) -> bool:
    """Whether a name is given though none was asked for."""
    return any(said.words[at : at + 2] == ("name", "is") for at in range(len(said.words)))


def _capitals(said: Heard) -> bool:
    return len(said.written) > 1 and all(written[0].isupper() for written in said.written)
