"""Takes out of a model's stream what is not for the caller: reasoning, tool protocol, tags."""

import html
import json
import re
from collections.abc import Collection

from pipelines.engines.bare_calls import BareCalls

_NAME = r"[A-Za-z_][\w:.-]{0,60}"
_ATTRIBUTE = (
    rf"""\s{{1,20}}{_NAME}\s?=\s?(?:"[^"<]{{0,300}}"|'[^'<]{{0,300}}'|[^\s"'<>=]{{1,300}})"""
)
_CONTROL = "TOOL_CALLS|TOOL_RESULTS|AVAILABLE_TOOLS|SYSTEM_PROMPT|INST|THINK|ARGS|CALL_ID"
_DIALECT = r"(?:[|｜]\w{1,20}[|｜])?"
_MARK = re.compile(
    rf"""
      [<◁](?P<close>/?){_DIALECT}(?P<name>{_NAME})(?:=[\w.-]{{1,60}})?
          (?P<attributes>(?:{_ATTRIBUTE}){{0,8}})\s{{0,20}}(?P<empty>/?)[>▷]
    | <(?P<function>function)[=(/][\w.-]{{1,60}}\)?(?=\s{{0,20}}\{{)
    | \[(?P<close_control>/?)(?P<control>{_CONTROL})\]
    | <[|｜](?P<token>[^<>|｜]{{1,40}})[|｜]>
    | <(?P<link>https?://[^\s<>]{{1,300}}|[^\s<>@]{{1,64}}@[^\s<>@]{{1,190}})>
    | <[!?][^<>]{{0,500}}>
    | (?P<entity>&(?:\#\d{{1,7}}|\#[xX][0-9A-Fa-f]{{1,6}}|[A-Za-z][A-Za-z0-9]{{1,31}});)
    """,
    re.VERBOSE,
)
"""Whatever is no text; `a < b`, `x<3` and `AT&T` are."""
_UNFINISHED = re.compile(
    rf"""
      [<◁](?:/?{_DIALECT}(?:{_NAME}(?:=[\w.-]{{0,60}})?(?:{_ATTRIBUTE}){{0,8}}
          (?:\s{{1,20}}(?:{_NAME}\s?(?:=\s?(?:"[^"<]{{0,300}}|'[^'<]{{0,300}})?)?)?)?/?)?)?
    | <function[=(/][\w.-]{{0,60}}\)?\s{{0,20}}
    | \[/?[A-Z_]{{0,15}}
    | <[|｜][^<>|｜]{{0,40}}[|｜]?
    | <[^\s<>]{{0,300}}
    | <[!?][^<>]{{0,500}}
    | &\#?\w{{0,32}}
    """,
    re.VERBOSE,
)
"""The end of a piece that the next one may make a mark."""
_BEGINS = re.compile(r"[<◁&\[]")
_CUT_OFF = re.compile(r"[<◁](?:[/|｜]|.{3})")
"""The beginning of a mark at the end of a reply that is too much to be text."""

_REASONING = re.compile(
    r"(?:\w+:)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|analysis|reflection|scratchpad"
    r"|(?:inner_?)?monologue)"
)
_PROTOCOL = re.compile(
    r"(?:\w+:)?(?:(?:tools?|functions?|actions?)(?:[_-]?(?:calls?|responses?|results?|requests?"
    r"|uses?|code|outputs?|inputs?|name))?|invoke|parameters?|arguments|observation)"
)
_ANSWER = re.compile(r"response|result|output|observation")
"""What the name of a tag or token has in it that holds what a tool has answered."""
_UNSPOKEN = frozenset({"script", "style", "desc", "metadata", "head"})
_PAUSES = frozenset(
    {"break", "p", "s", "speak", "br", "hr", "div", "li", "ul", "ol", "table", "tr", "td", "th",
     "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6"}
)  # fmt: skip
"""Tags that end a clause; any other stands within one."""
_ALIAS = re.compile(r"""alias\s?=\s?(?:"([^"]*)"|'([^']*)'|(\S+))""")
_SPELLED = re.compile(r"""interpret-as\s?=\s?["']?(?:digits|characters|spell-out|verbatim)\b""")
_NO_PAUSE = re.compile(r"""strength\s?=\s?["']?none""")

_ROLE = re.compile(r"(?:assistant|model|final)\b:?\s*", re.IGNORECASE)
_CODE = re.compile(
    r"[{}]|\w_\w|\w\(|\w=|\":|^\s*[\w.]*\s*$(?<![.!?])|^[,;:.)]|^(?:analysis|commentary)\b"
)
"""What no plain text has in it, nor begins with: a name, a call, JSON, half a sentence."""

_TURN_ENDS = frozenset(
    {"im_end", "eot_id", "eom_id", "eot", "eos", "endoftext", "end_of_text", "end_of_turn",
     "return", "user", "human", "system"}
)  # fmt: skip
_TURN_BEGINS = frozenset({"im_start", "start", "start_header_id", "start_of_turn"})
_AS_TAGS = frozenset(
    {"end_of_turn", "start_of_turn", "eos", "start_function_call", "end_function_call",
     "start_function_response", "end_function_response"}
)  # fmt: skip
"""Tokens that are written as tags are."""
_TOOL_TOKEN = re.compile(r"tool|python|function|action|plugin")


class Markup:
    """Takes pieces of text; gives those parts of them that can be spoken or shown.

    Understood are reasoning (`<think>`), the tool protocols and control tokens of models, SSML and
    HTML, entities (`&amp;`), and calls of tools without any tag. A tag that ends a clause becomes a
    line break. Joined together the output does not depend on how the input was cut into pieces, but
    for one case: what comes before a lone `</think>` is reasoning too, and as much of it as was
    passed on stays so.

    Args:
        reasoning_first: whether the text begins in the middle of reasoning.
        tools: names of the tools that the model was told of.
    """

    def __init__(self, *, reasoning_first: bool = False, tools: Collection[str] = ()) -> None:
        self.calls: list[str] = []
        """Calls of tools, as the model wrote them with all marks."""
        self._bare = BareCalls(tools, self.calls)
        self._tools = frozenset(tool.lower() for tool in tools) - _PAUSES
        self._call = ""
        """The call that is being left out."""
        self._held = ""
        self._hidden = "reasoning" if reasoning_first else ""
        """What is being left out: until the end of the reply, or of what this names."""
        self._kept = ""
        """What was left out since, in case that its end never comes."""
        self._inside: list[str] = []
        """Tags of the protocol that stand open within it."""
        self._is_protocol = False
        """Whether there were any, so that what was left out is no text."""
        self._channel = self._addressee = ""
        self._said = False
        self._spells = False
        """Whether the text stands where each character is to be said by itself."""
        self.reasoned_first = False
        """Whether the text began in the middle of reasoning."""
        self._reasoning_first = reasoning_first

    @property
    def hides(self) -> bool:
        """Whether the text is now in the midst of what is left out."""
        return bool(self._hidden) or self._bare.hides

    @property
    def calls_tool(self) -> bool:
        """Whether the text is now in the midst of a call."""
        return bool(self._call) or self._bare.hides

    def feed(self, piece: str) -> str:
        """What of it can be said."""
        return self._bare.feed(self._release(self._held + piece, complete=False))

    def finish(self) -> str:
        """What was held back as a mark's beginning, or left out in a tag that was never closed.

        Of the latter, only plain text: a model has opened a tag and then talked on.
        """
        out = self._release(self._held, complete=True)
        if self._hidden and self._hidden not in {"reasoning", "rest"} and not self._is_protocol:
            out += " " + _plain(self._channel or self._kept)
        self._end_call()
        return self._bare.feed(out, complete=True)

    def _release(self, text: str, *, complete: bool) -> str:
        out: list[str] = []
        at = 0
        while begins := _BEGINS.search(text, at):
            self._say(text[at : begins.start()], out)
            at = begins.start()
            if mark := _MARK.match(text, at):
                self._take(mark, out)
                at = mark.end()
            elif _UNFINISHED.fullmatch(text, at):
                if complete and _CUT_OFF.match(text, at):
                    at = len(text)
                break
            else:
                self._say(text[at], out)
                at += 1
        rest = text[at:]
        if complete or not begins:
            self._say(rest, out)
            rest = ""
        self._held = rest
        return "".join(out)

    def _say(self, text: str, out: list[str]) -> None:
        if self._hidden == "channel":
            self._channel += text
        elif self._hidden == "header" and "\n" in text:
            self._hidden, text = "", text.partition("\n")[2]
        if self._hidden:
            self._kept += text
            if self._call:
                self._call += text
        elif text:
            out.append(re.sub(r"(?=\w)", " ", text) if self._spells else text)
            self._said = self._said or not text.isspace()

    def _take(self, mark: re.Match[str], out: list[str]) -> None:
        if self._call and not mark["entity"]:
            self._call += mark[0]
        if mark["entity"]:
            self._say(html.unescape(mark[0]), out)
        elif mark["link"]:
            self._say(mark["link"], out)
        elif mark["token"]:
            self._take_token(mark["token"].strip().lower().replace("▁", "_"), out)
        elif name := (mark["name"] or mark["control"] or mark["function"] or "").lower():
            if name in _AS_TAGS:
                self._take_token(name, out)
            elif mark["close"] or mark["close_control"]:
                self._close(name, out)
            elif not self._hidden:
                self._open(name, mark, out)
            elif self._is_of_tools(name) and not mark["empty"]:
                self._inside.append(_key(name))
                self._is_protocol = True

    def _open(self, name: str, mark: re.Match[str], out: list[str]) -> None:
        attributes = mark["attributes"] or ""
        alias = _ALIAS.search(attributes) if name == "sub" else None
        if name in _PAUSES:
            self._say("" if _NO_PAUSE.search(attributes) else "\n", out)
        elif mark["empty"]:
            return
        elif name == "say-as":
            self._spells = _SPELLED.search(attributes) is not None
        elif alias:
            self._say(html.unescape(next(filter(None, alias.groups()), "")), out)
            self._hide(_key(name))
        elif _REASONING.fullmatch(name):
            self._say(" ", out)
            self._hidden = "reasoning"
        elif name in _UNSPOKEN or self._is_of_tools(name):
            self._say(" ", out)
            self._hide(_key(name))
            if name not in _UNSPOKEN and not _ANSWER.search(name):
                self._call = mark[0]

    def _is_of_tools(self, name: str) -> bool:
        """Whether a tag belongs to a protocol of tools, or is named as one of them is."""
        return name in self._tools or _PROTOCOL.fullmatch(name) is not None

    def _hide(self, what: str) -> None:
        self._hidden, self._kept, self._inside, self._is_protocol = what, "", [], False

    def _close(self, name: str, out: list[str]) -> None:
        if name == "say-as":
            self._spells = False
        elif _REASONING.fullmatch(name):
            self._end_reasoning(out)
        elif _key(name) in self._inside:
            self._inside.remove(_key(name))
        elif self._hidden == _key(name):
            self._hidden = ""
            self._end_call()
        elif not self._hidden and name in _PAUSES:
            self._say("\n", out)

    def _end_call(self) -> None:
        if self._call:
            self.calls.append(self._call)
            self._call = ""

    def _end_reasoning(self, out: list[str]) -> None:
        if self._hidden == "reasoning":
            self._hidden = ""
            self.reasoned_first = self.reasoned_first or self._reasoning_first
        elif not self._hidden and self._said:
            out.clear()
            self._bare.forget()
            self.reasoned_first = True

    def _take_token(self, name: str, out: list[str]) -> None:
        """A control token: `<|im_end|>`, `<｜tool▁calls▁begin｜>`, `<|channel|>`."""
        ends = "end" in name or name.startswith("/")
        if self._hidden == "rest":
            return
        if _TOOL_TOKEN.search(name):
            self._hide("" if ends else "tool token")
            if ends:
                self._end_call()
            elif not self._call and not _ANSWER.search(name):
                self._call = f"<|{name}|>"
        elif "think" in name or "thought" in name:
            self._end_reasoning(out) if ends else self._say(" ", out)
            self._hidden = "" if ends else "reasoning"
        elif name in _TURN_ENDS or name in _TURN_BEGINS:
            # What a model writes after its turn is somebody else's.
            self._hide("rest" if self._said else "header")
        elif name == "channel":
            self._addressee = self._kept if self._hidden == "header" else ""
            self._hide("channel")
            self._channel = ""
        elif name in {"message", "end_header_id"}:
            final = self._hidden != "channel" or self._channel.strip().startswith("final")
            to = f"{self._addressee} {self._channel}" if self._hidden == "channel" else ""
            self._hidden = "" if final else "reasoning"
            if " to=" in to:
                self._hide("tool token")
                self._call = to
        elif name == "call":
            self._hide("")
            self._end_call()
        elif name in {"assistant", "model", "end"}:
            self._hidden = ""


def _plain(text: str) -> str:
    """What of a text may be said that stands where a tool's call or answer should."""
    text = _ROLE.sub("", text.strip())
    try:
        while text.startswith(("{", "[")):
            text = text[json.JSONDecoder().raw_decode(text)[1] :].lstrip()
    except (ValueError, RecursionError):
        return ""
    return "" if _CODE.search(text) or not re.search(r"[^\W\d_]", text) else text


def ends_in_opened_reasoning(prompt: str) -> bool:
    """Whether a prompt ends with `<think>` or the like, so that only its end will be written."""
    last = re.search(rf"[<◁\[]({_NAME})[>▷\]]\s*$", prompt[-100:])
    return last is not None and _REASONING.fullmatch(last[1].lower()) is not None


def _key(name: str) -> str:
    """A tag's name however it is spelled: `tool_response`, `toolresponse`."""
    return re.sub(r"[^a-z]", "", name).rstrip("s")
