"""Takes out of a model's text the calls of tools that it wrote without any tag around them.

Models that were told of tools in words, or trained on another protocol than the one in use, write
`{"name": "book", "arguments": {…}}`, `Action: book` with `Action Input: …`, a fence of `tool_code`,
or `[book(day="Monday")]`. None of that is for the caller; braces that make no call are text.
"""

import re
from collections.abc import Collection
from typing import Literal

from pipelines.engines.call_text import ARGUMENTS, NAMES, WRAPPERS, Balance, is_call

LONGEST = 4000
"""Characters of a call; what goes on for longer is text."""
_JSON = re.compile(r"\{\s{0,40}(?P<quote>[\"'])[\w$]")
_MAYBE_JSON = re.compile(r"\{\s{0,40}[\"']?")
_LIST = re.compile(r"\[\s{0,20}")
_PATH = r"[A-Za-z_]\w{0,60}(?:\.\w{1,60}){0,3}"
_CALL = re.compile(rf"(?:print\()?(?P<path>{_PATH})(?:\(|\[?\{{(?=\s{{0,20}}[\"'}}]))")
_MAYBE_CALL = re.compile(rf"(?:print\()?(?P<path>(?:{_PATH}\.?)?)\[?(?:\{{\s{{0,20}})?")
_FENCES = ("```tool", "```function", "```action", "tool_code", "tool_call", "tool_output")
_FENCE = re.compile(r"(?:`{3})?[a-z_]{4,30}[^\S\n]{0,5}\n")
_MAYBE_FENCE = re.compile(r"(?:`{3})?[a-z_]{4,30}[^\S\n]{0,5}")
_FENCE_ENDS = re.compile(r"\n\s{0,20}(?:`{3}|\n)")
_LABELS = ("Thought:", "Action:", "Action Input:", "Observation:", "Final Answer:")
"""Of ReAct (Yao et al. 2022)."""
_TOOL_LINE = re.compile(r"\s{0,20}[\w.-]{1,60}[^\S\n]{0,10}(?:\n|(?=\*{0,2}Action Input:))")
_LAST_TOOL_LINE = re.compile(r"\s{0,20}[\w.-]{1,60}\s{0,20}")
_MAYBE_TOOL_LINE = re.compile(
    r"\s{0,20}(?:[\w.-]{1,60}[^\S\n]{0,10}\*{0,2}[A-Z]?[A-Za-z ]{0,12}|`{0,3}\w{0,10}\s{0,5})"
)
_OPENS_JSON = re.compile(r"\s{0,20}(?:`{3}\w{0,10}\s{0,5})?(?=[\[{])")
_PASSAGE_ENDS = re.compile(
    r"\n\s{0,20}(?:\n|(?=\*{0,2}(?:Thought|Action|Observation|Final Answer)\b))"
)
_LOOK_BACK = 60
_WORD = re.compile(r"[^\s{\[]+|\s+")
_BREAKS = frozenset(".!?:;…`")
_OUTPUT = re.compile(r"`{0,3}[a-z_]{0,20}(?:output|response|result)")
_CUT_OFF = re.compile(
    rf"""\[?\s*\{{\s*["'](?:(?:{"|".join((*NAMES, *ARGUMENTS, *WRAPPERS))})(?:["']|$)|\w{{0,4}}$)"""
)
_CUT_OFF_CALL = re.compile(r"[\[{]?[^(){]*(?:\(|\{\s*[\"'])\s*(?:\w+\s*=|[\"']|$)")


class BareCalls:
    """Takes pieces of text; gives what of them is no call. Calls go to `found`.

    Text is held back only while it may still be the beginning of a call; joined together the output
    does not depend on how the input was cut into pieces.

    Args:
        known: names of the tools that there are.
        found: takes the calls as they were written.
    """

    def __init__(self, known: Collection[str], found: list[str]) -> None:
        self._known, self._found = known, found
        self._text = ""
        """What is held back, then what has come; `_at` is how far it has been read."""
        self._at = 0
        self._complete = False
        self._starts = True
        """Whether a line or a sentence begins here."""
        self._last = ""
        self._balance: Balance | None = None
        self._kind: Literal["json", "python"] = "json"
        self._ends: re.Pattern[str] | None = None
        """What ends the passage that is being left out."""
        self._counts = False
        """Whether that passage is a call."""
        self._action = ""
        """The tool whose input is to come."""

    @property
    def hides(self) -> bool:
        """Whether the text is now in the midst of a call."""
        return self._balance is not None or self._ends is not None

    def feed(self, piece: str, *, complete: bool = False) -> str:
        """What of it is no call; `complete`: it is the last."""
        if self._balance:
            self._balance.move(self._at)
        self._text, self._complete = self._text[self._at :] + piece, complete
        self._at = 0
        out: list[str] = []
        while self._at < len(self._text):
            if not self._step(out):
                break
        if complete and self._action:
            self._note("")
        return "".join(out)

    def forget(self) -> None:
        """What is held back was not for the caller after all."""
        self._text, self._at = "", 0
        self._balance = self._ends = None

    # -- each takes a step, or says that more of the text is needed -------------------------------

    def _step(self, out: list[str]) -> bool:
        text = self._text
        if self._ends:
            return self._pass(self._ends, out)
        if self._balance:
            return self._close(self._balance, out)
        if self._starts or text[self._at] in "{[":
            opened = self._opens()
            if opened is None and not self._complete:
                return False
            if opened:
                return True
        word = _WORD.match(text, self._at)
        said = word[0] if word else text[self._at]
        if said.isspace():
            self._starts = self._starts or "\n" in said or self._last in _BREAKS
        else:
            self._starts, self._last = False, said[-1]
        self._at += len(said)
        out.append(said)
        return True

    def _opens(self) -> bool | None:
        """Whether a call begins here; None: more is needed to tell."""
        text, at = self._text, self._at
        if text[at] == "{":
            return self._opens_json(at)
        if text[at] == "[":
            inner = _LIST.match(text, at)
            behind = inner.end() if inner else at + 1
            if behind == len(text):
                return None
            return self._opens_json(behind) if text[behind] == "{" else self._opens_call(behind)
        for opens in (self._opens_fence, self._opens_label, self._opens_call):
            opened = opens(at)
            if opened or opened is None:
                return opened
        return False

    def _opens_json(self, at: int) -> bool | None:
        if mark := _JSON.match(self._text, at):
            quotes = '"' if mark["quote"] == '"' else "\"'"
            self._balance, self._kind = Balance(self._at, quotes), "json"
            return True
        return None if _MAYBE_JSON.fullmatch(self._text, at) else False

    def _opens_call(self, at: int) -> bool | None:
        text = self._text
        if not self._starts:
            return False
        mark = _CALL.match(text, at)
        found = mark or _MAYBE_CALL.fullmatch(text, at)
        if found is None or not self._may_be_tool(found["path"], whole=bool(mark)):
            return False
        if mark is None:
            return None
        self._balance, self._kind = Balance(self._at, "\"'"), "python"
        return True

    def _may_be_tool(self, path: str, *, whole: bool) -> bool:
        """Names that no sentence begins with, and those of tools."""
        name = path.rpartition(".")[2]
        if self._text[self._at] == "[" or not path[:1].isupper():
            return True
        return name in self._known or (
            not whole and any(each.startswith(name) for each in self._known)
        )

    def _opens_fence(self, at: int) -> bool | None:
        text = self._text
        if not any(text.startswith(fence[: len(text) - at], at) for fence in _FENCES):
            return False
        if mark := _FENCE.match(text, at):
            counts = not _OUTPUT.match(mark[0])
            self._begin(_FENCE_ENDS, mark.end() - 1, counts=counts)
            return True
        left = len(text) - at
        return None if left < len("```tool") or _MAYBE_FENCE.fullmatch(text, at) else False

    def _opens_label(self, at: int) -> bool | None:
        text = self._text
        begins = _behind_stars(text, at)
        rest = text[begins : begins + 16]
        label = next((each for each in _LABELS if rest.startswith(each)), None)
        if label is None:
            waits = text[at:] == "*" or any(each.startswith(rest) for each in _LABELS)
            return None if waits else False
        end = _behind_stars(text, begins + len(label))
        if begins > at and len(text) < begins + len(label) + 2:
            return None
        match label:
            case "Final Answer:":
                self._at = end
            case "Action Input:":
                self._begin(_PASSAGE_ENDS, end, counts=True)
            case "Action:":
                return self._opens_action(end)
            case "Observation:" if not (self._found or self._action):
                return False
            case _:
                self._begin(_PASSAGE_ENDS, end, counts=False)
        return True

    def _opens_action(self, at: int) -> bool | None:
        text = self._text
        if line := _TOOL_LINE.match(text, at) or (
            self._complete and _LAST_TOOL_LINE.fullmatch(text, at)
        ):
            self._action, self._at = f"{line[0].strip()}\n", line.end()
            return True
        if json := _OPENS_JSON.match(text, at):
            self._at = json.end()
            return True
        return None if _MAYBE_TOOL_LINE.fullmatch(text, at) else False

    # -- what is being left out -------------------------------------------------------------------

    def _begin(self, ends: re.Pattern[str], at: int, *, counts: bool) -> None:
        self._ends, self._counts, self._at = ends, counts, at

    def _pass(self, ends: re.Pattern[str], out: list[str]) -> bool:
        """Leave out a passage, once its end is there."""
        text = self._text
        found = ends.search(text, self._at)
        if found is None and not self._complete and len(text) < 2 * LONGEST:
            return False
        passage = text[self._at : found.start() if found else len(text)]
        if self._counts:
            self._note(passage)
        self._at = found.end() if found else len(text)
        self._ends, self._starts, self._last = None, True, ""
        out.append("\n")
        return True

    def _close(self, balance: Balance, out: list[str]) -> bool:
        """Leave out what stands in brackets, or give it back, once it is known what it is."""
        text, at = self._text, self._at
        end = balance.closed(text)
        if end is None:
            if not self._complete and len(text) - at < LONGEST:
                return False
            cut = _CUT_OFF if self._kind == "json" else _CUT_OFF_CALL
            end, leave_out = len(text), cut.match(text, at) is not None
            if not self._complete:
                end, leave_out = at + LONGEST, False
        else:
            leave_out = bool(self._action) or is_call(text[at:end], self._known, self._kind)
            if leave_out:
                self._note(text[at:end])
        self._balance, self._at = None, end
        self._starts, self._last = leave_out, text[end - 1]
        out.append(" " if leave_out else text[at:end])
        return True

    def _note(self, written: str) -> None:
        self._found.append(self._action + written)
        self._action = ""


def _behind_stars(text: str, at: int) -> int:
    """Behind the marks of bold type, if there are any."""
    return at + 2 if text.startswith("**", at) else at
