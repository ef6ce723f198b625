"""A file of rules, read and checked: what cannot work is refused in one sentence with its place."""

import difflib
import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pipelines.engines.llm._rules_slots import VOCABULARY, Kind
from pipelines.engines.llm._rules_words import (
    Heard,
    Pattern,
    examples,
    parse,
    slots_of,
    sure_slots,
    words_of,
)
from pipelines.engines.registry import SettingsError
from pipelines.engines.text_file import read_toml
from pipelines.engines.tools import Tool

FIELD = re.compile(r"\{(\w+)\}")
MANY = 64
"""Wordings of a pattern up to which it is checked whether others hide it."""
Texts = Annotated[tuple[str, ...], BeforeValidator(lambda v: (v,) if isinstance(v, str) else v)]
"""One text or several, said or tried in turn."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Slot(_Table):
    """Something to know from the caller."""

    kind: Kind
    ask: Texts = ()
    least: int = Field(default=1, ge=1, le=20)
    """Of digits: fewer are not taken."""
    keep: bool = False
    """Whether it is still known when what it was asked for is done."""


class Rule(_Table):
    """What to do when the caller says something."""

    name: str
    hear: Texts = ()
    """Patterns found anywhere in what the caller says."""
    hear_only: Texts = ()
    """Patterns that are all that the caller says, but for fillers."""
    known: tuple[str, ...] = ()
    """Only when these slots are known."""
    unknown: tuple[str, ...] = ()
    """Only when these are not."""
    after: tuple[str, ...] = ()
    """Only right after one of these rules."""
    needs: tuple[str, ...] = ()
    """Slots that are asked for, in this order."""
    first: Texts = ()
    """Said before the first question of these."""
    confirm: Texts = ()
    """A question to which the caller must say yes before the rule goes on."""
    say: Texts = ()
    offer: Texts = ()
    """A question after that, unless one is open already."""
    drop: bool = False
    """Whether what was being asked for is dropped."""
    call: str = ""
    """A tool of the profile's."""
    arguments: dict[str, str] = Field(default_factory=dict)
    done: Texts = ()
    """Said when the tool has answered."""
    failed: Texts = ()
    """Said when it failed."""
    ask_again: tuple[str, ...] = ()
    """Slots that are asked for once more when it failed."""
    yes: str = ""
    """The rule to go on with when the caller says yes to this one, and nothing else."""
    no: str = ""


class RuleFile(_Table):
    """All of the file."""

    words: dict[str, Texts] = Field(default_factory=dict)
    slot: dict[str, Slot] = Field(default_factory=dict)
    rule: tuple[Rule, ...] = ()
    otherwise: Texts = ()
    """Said where no rule fits, and no other model is asked; empty: it is asked."""
    sorry: Texts = ("Sorry, I didn't catch that.", "I'm sorry, once more, please.")
    """Before a question that was not answered."""
    again: Texts = ("As I said:", "Once more:")
    """Before a sentence that would be said twice in a row."""
    change: Texts = ("Sorry. What should I change?", "All right, what is wrong?")
    """When the caller says no to a `confirm`."""


YES = (
    "yes|yeah|yep|yup|yea|sure|correct|right|exactly|absolutely|perfect|okay|ok|fine|definitely",
    "[yes] (that is)|(it is)|(that sounds)|(sounds) right|correct|fine|good|great|perfect|it",
    "of course", "go ahead", "please do", "yes please", "i do", "i would", "that works",
)  # fmt: skip
NO = (
    "no|nope|nah|wrong|incorrect", "not right|correct|really|quite|now|yet", "no thank you|thanks",
    "[no] (that is)|(it is) not|wrong [right|correct|it]",
)  # fmt: skip

_POLITE: dict[str, Texts] = {
    "pleased": ("great|wonderful|excellent|lovely|brilliant|super|alright",),
    "obliged": (
        "thanks|cheers|(thank you) [(a lot)|(a million)|(so much)|(very much)|kindly|again]",
    ),
    "leaving": (
        "bye|goodbye|(good bye) [bye|goodbye]", "see you [then|there|soon|later|tomorrow]",
        "have a nice|good|great|lovely day|evening|weekend|one", "take care",
        "that is|was|(will be) all|everything|it [for] [now|today]",
    ),
}  # fmt: skip


class Rules:
    """A file's rules with their patterns."""

    def __init__(self, file: RuleFile) -> None:
        """Raises ValueError where a rule cannot work; names the rule."""
        self.file = file
        phrases = {"yes": YES, "no": NO, **file.words}
        answers = phrases | _POLITE
        self.by_name = {rule.name: rule for rule in file.rule}
        self.yes = _yes_or_no("yes", answers)
        self.no = _yes_or_no("no", answers)
        self.agreed = parse(
            "[<obliged>] <yes>|<pleased> [<yes>] [<obliged>] [and] [<leaving>] [<obliged>] "
            "[<leaving>]",
            answers,
        )
        """A yes to something that is then to be done, though the caller says goodbye at once."""
        self.patterns: dict[str, tuple[tuple[Pattern, ...], tuple[Pattern, ...]]] = {}
        for rule in file.rule:
            try:
                hear = tuple(parse(source, phrases) for source in rule.hear)
                only = tuple(parse(source, phrases) for source in rule.hear_only)
            except ValueError as error:
                raise ValueError(f'rule "{rule.name}": {error}') from None
            self.patterns[rule.name] = hear, only
        every = (pattern for both in self.patterns.values() for some in both for pattern in some)
        used = (words_of(pattern.node) for pattern in (*every, self.yes, self.no, self.agreed))
        self.vocabulary = VOCABULARY.union(*used)


def _yes_or_no(name: str, phrases: dict[str, Texts]) -> Pattern:
    try:
        return parse(f"<{name}> [<{name}>] [<{name}>] [<obliged>]", phrases)
    except ValueError as error:
        raise ValueError(f"[words] {name}: {error}") from None


def load(path: Path, tools: Iterable[Tool]) -> Rules:
    """Read and check a file of rules.

    Raises:
        SettingsError: it cannot be read, or a rule in it cannot work; names the file and the rule.
    """
    try:
        tables, _ = read_toml(path)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from None
    try:
        file = RuleFile.model_validate(tables)
    except ValidationError as error:
        raise SettingsError(f"{path}: {_in_words(error, tables)}") from None
    try:
        rules = Rules(file)
        problem = next(_problems(rules, {tool.name: tool for tool in tools}), None)
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from None
    if problem:
        raise SettingsError(f"{path}: {problem}")
    return rules


def _in_words(error: ValidationError, tables: dict[str, Any]) -> str:
    """The first problem with its place: the rule by its name."""
    first = error.errors(include_url=False)[0]
    loc = list(first["loc"])
    place, known = "", set(RuleFile.model_fields)
    if loc[:1] == ["rule"] and len(loc) > 1 and isinstance(loc[1], int):
        rule = tables["rule"][loc[1]]
        name = rule.get("name") if isinstance(rule, dict) else None
        place = f'rule "{name}": ' if isinstance(name, str) else f"rule {loc[1] + 1}: "
        loc, known = loc[2:], set(Rule.model_fields)
    elif loc[:1] == ["slot"] and len(loc) > 1:
        place, known = f"[slot.{loc[1]}]: ", set(Slot.model_fields)
        loc = loc[2:]
    key = str(loc[0]) if loc else ""
    if first["type"] == "extra_forbidden":
        return f'{place}there is no key "{key}"; {_suggest(key, known)}'
    if first["type"] == "missing":
        return f'{place}the key "{key}" is missing'
    return f"{place}{key + ': ' if key else ''}{first['msg'].lower()}"


def _suggest(wrong: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(wrong, names, n=1)
    did = f'did you mean "{close[0]}"? ' if close else ""
    return f"{did}(there are: {', '.join(names) or 'none'})"


def _problems(rules: Rules, tools: dict[str, Tool]) -> Iterator[str]:
    """What cannot work, rule by rule."""
    file = rules.file
    if not file.rule:
        yield "there are no rules; a rule is a table [[rule]] with name, hear and say"
    for key in ("sorry", "again", "change"):
        if not getattr(file, key):
            yield f"{key} must hold at least one sentence"
    aimed = {name for rule in file.rule for name in (rule.yes, rule.no)}
    for number, rule in enumerate(file.rule):
        place = f'rule "{rule.name}":'
        if any(rule.name == other.name for other in file.rule[:number]):
            yield f"{place} there are two rules of this name"
        checks = (
            _unknown_names(rules, rule),
            _unsayable(rules, rule, aimed),
            _bad_call(rule, tools),
            _hidden(rules, number),
        )
        for problem in itertools.chain(*checks):
            yield f"{place} {problem}"


def _unknown_names(rules: Rules, rule: Rule) -> Iterator[str]:
    slots = rules.file.slot
    for slot in (*rule.known, *rule.unknown, *rule.needs, *rule.ask_again, *_caught(rules, rule)):
        if slot not in slots:
            yield f'there is no slot "{slot}"; {_suggest(slot, slots)}'
        elif slot in rule.needs and not slots[slot].ask:
            yield f'needs "{slot}", and [slot.{slot}] has no question: ask = "…"'
    for slot in rule.ask_again:
        if slot not in rule.needs:
            yield f'ask_again names "{slot}", which is not among its needs'
    for name in filter(None, (*rule.after, rule.yes, rule.no)):
        if name not in rules.by_name:
            yield f'there is no rule "{name}"; {_suggest(name, rules.by_name)}'
    asks = [text for slot in rule.needs if slot in slots for text in slots[slot].ask]
    for text in (*_sentences(rule), *rule.arguments.values(), *asks):
        for name in FIELD.findall(text):
            if name not in {*slots, "last", "result"}:
                yield f'"{text}" names {{{name}}}, which is no slot; {_suggest(name, slots)}'


def _caught(rules: Rules, rule: Rule) -> list[str]:
    """The slots in its patterns."""
    return sorted({s for some in rules.patterns[rule.name] for p in some for s in slots_of(p.node)})


def _sentences(rule: Rule) -> tuple[str, ...]:
    return (*rule.first, *rule.confirm, *rule.say, *rule.offer, *rule.done, *rule.failed)


def _unsayable(rules: Rules, rule: Rule, aimed: set[str]) -> Iterator[str]:
    if not rule.hear and not rule.hear_only and rule.name not in aimed:
        yield "nothing leads to it: no hear, no hear_only, no yes or no of another rule"
    if (rule.yes or rule.no) and not (rule.offer or rule.say):
        yield "yes and no are for a rule that asks something: offer is missing"
    if not rule.say and not rule.call:
        yield "it has nothing to say and no tool to call"
    for key in ("first", "confirm"):
        if getattr(rule, key) and not rule.needs:
            yield f"{key} is for a rule with needs"
    for text in (*_sentences(rule), *rules.file.otherwise):
        if not text.strip():
            yield "there is an empty sentence"
    yield from _unsure(rules, rule, aimed)


def _unsure(rules: Rules, rule: Rule, aimed: set[str]) -> Iterator[str]:
    """What uses a slot that may not be known."""
    sure = {*rule.needs, *rule.known}
    if rule.name not in aimed and any(rules.patterns[rule.name]):
        patterns = itertools.chain(*rules.patterns[rule.name])
        sure |= set.intersection(*(sure_slots(pattern.node) for pattern in patterns))
    for key in ("say", "confirm", "done", "failed"):
        texts: tuple[str, ...] = getattr(rule, key)
        known = {*sure, "last", "result"} if key in {"done", "failed"} else {*sure, "last"}
        if texts and not any(set(FIELD.findall(text)) <= known for text in texts):
            yield f"{key} needs one sentence at least without a slot that may not be known"
    for text in rule.arguments.values():
        for name in FIELD.findall(text):
            if name not in sure:
                yield f"its arguments use {{{name}}}, which may not be known: add it to needs"


def _bad_call(rule: Rule, tools: dict[str, Tool]) -> Iterator[str]:
    if not rule.call:
        for key in ("arguments", "done", "failed", "ask_again"):
            if getattr(rule, key):
                yield f"{key} is for a rule with a tool: call = …"
        return
    if rule.call not in tools:
        yield f'the profile has no tool "{rule.call}"; {_suggest(rule.call, tools)}'
        return
    tool = tools[rule.call]
    parameters = tool.parameters.get("properties", {})
    for name in rule.arguments:
        if name not in parameters:
            yield f'the tool {rule.call} takes no "{name}"; {_suggest(name, parameters)}'
    for name in tool.parameters.get("required", ()):
        if name not in rule.arguments:
            yield f'the tool {rule.call} needs arguments = {{ {name} = "…" }}'
    if tool.effect in {"acts", "reads"} and not rule.done:
        yield f"nothing is said when {rule.call} has answered: done is missing"
    if tool.effect in {"acts", "reads"} and not rule.failed:
        yield f"nothing is said when {rule.call} fails: failed is missing"


def _hidden(rules: Rules, number: int) -> Iterator[str]:
    """Patterns of which every wording fits a rule above, so that theirs can never come."""
    rule = rules.file.rule[number]
    above = [r for r in rules.file.rule[:number] if not (r.known or r.unknown or r.after)]
    hear, only = rules.patterns[rule.name]
    for pattern, alone in [(p, False) for p in hear] + [(p, True) for p in only]:
        wordings = examples(pattern.node, MANY)
        if wordings is None:
            continue
        for earlier in above:
            if wordings and all(_takes(rules, earlier, words, alone=alone) for words in wordings):
                yield f'"{pattern.source}" never gets here: rule "{earlier.name}" above takes it'
                break


def _takes(rules: Rules, rule: Rule, words: tuple[str, ...], *, alone: bool) -> bool:
    said = Heard(words, words)
    hear, only = rules.patterns[rule.name]
    if any(p.found(said, _no_slot) is not None for p in hear):
        return True
    return alone and any(p.found(said, _no_slot, alone=True) is not None for p in only)


def _no_slot(_name: str, _said: Heard, _start: int) -> tuple[()]:
    return ()
