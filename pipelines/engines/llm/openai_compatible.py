"""Replies from a server with OpenAI's chat interface.

vLLM, llama-server, Ollama, OpenAI, Groq and others: `POST {base_url}/chat/completions` with
`stream`, answered by server-sent events (https://platform.openai.com/docs/api-reference/chat).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pipelines.engines.closing import closing
from pipelines.engines.deadline import Deadline
from pipelines.engines.dialect import read_dialect
from pipelines.engines.http_service import HttpService
from pipelines.engines.llm._length_limit import ends_here
from pipelines.engines.llm._openai_stream import pieces_of
from pipelines.engines.llm._openai_tools import RequestedTools, chat_messages
from pipelines.engines.llm._tool_prompt import described
from pipelines.engines.llm._written_calls import requested_in_text
from pipelines.engines.markup import Markup
from pipelines.engines.protocols import StopSignal
from pipelines.engines.registry import Context
from pipelines.engines.remarks import remark
from pipelines.engines.remote import RemoteError, Service, connect_or_rely, service
from pipelines.engines.speakable import speakable
from pipelines.engines.tools import Tool, ToolRequest
from pipelines.turn_taking.bounds import bounded, check_bounds
from pipelines.turn_taking.commands import History

ATTEMPTS = 2
ENDING_MS = 200
"""How long a server that has written its last word may take to end its answer."""
KEPT = ("messages", "stream")
OPTIONAL = ("max_tokens", "temperature")
"""Fields without which a reply is still a reply: some servers refuse them."""
FIELDS = ("model", *KEPT, *OPTIONAL, "tools")
TOOL_TOKENS = 256
"""Tokens that a server may write beyond the reply, for what it asks of tools."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the profile's table."""

    base_url: str = "http://127.0.0.1:8080/v1"
    """Up to /v1; this one is llama-server's own. Azure's may end in `?api-version=…`."""
    model: str = "default"
    """As the server calls it; a server of a single model takes any name."""
    api_key_env: str = ""
    """Environment variable that holds the key, such as OPENAI_API_KEY; empty: no key is needed."""
    max_tokens: int = bounded(80, 1)
    """Length of a reply; from 60 % of it on, the reply ends with the sentence."""
    temperature: float = bounded(0.3, 0, 2)
    """Randomness of the words, 0 to 2."""
    timeout_ms: int = bounded(3000, 1)
    """Longest wait for the first words, connecting included, and for each that follow. Nothing
    else counts: no sign of life, no reasoning."""
    body: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Fields of the request to add, or to rename or drop (`pipelines.engines.dialect`)."""
    prefill: bool = False
    """Send prompts in advance, for one token each, so that a server that caches prompts has read
    them before they count. For a server of your own: others charge for it."""


class OpenAiCompatibleLlm:
    """One conversation with a server over one connection that is kept open."""

    def __init__(self, settings: Settings, where: Service, tools: tuple[Tool, ...] = ()) -> None:
        """Raises ValueError if `settings.body` cannot be."""
        self._settings = settings
        self._tools, self._described = tools, described(tools)
        self._where = where
        self._http = HttpService(where, settings.timeout_ms)
        self._dialect = read_dialect(settings.body, FIELDS, KEPT)
        self._reasoning_first = False
        """Whether the last reply began in the middle of reasoning, as the next one then will."""

    def connect(self) -> None:
        """Make the connection, and learn early that a key is wrong; raises as its `greet`."""
        self._http.greet()

    def prepare(self, history: History) -> None:
        """With `prefill`, let the server read the prompt; else nothing."""
        if not self._settings.prefill:
            return
        body = {**self._body(history), "max_tokens": 1, "stream": False}
        deadline = Deadline(self._where, "answer", self._settings.timeout_ms)
        try:
            for _ in self._asked(body, _whole, None, deadline):
                pass
        except RemoteError as error:  # the reply itself will show what is wrong
            remark(f"the prompt could not be sent in advance: {error}")

    def stream(self, history: History, stop: StopSignal) -> Iterator[str | ToolRequest]:
        """The reply in speakable pieces, then the tools it asks for, once all of that is there.

        `stop` closes the request, and so ends the server's work.

        A request that fails before its first piece, in a way that may pass, is made once more; one
        whose fields are refused is made with others, which are then those of all requests.

        Raises:
            RemoteError: the server cannot be reached, refuses, answers something else, writes no
                words for longer than the timeout, or breaks off.
        """
        asked: list[ToolRequest] = []
        deadline = Deadline(self._where, "words", self._settings.timeout_ms)
        names = [tool.name for tool in self._tools]
        markup = Markup(reasoning_first=self._reasoning_first, tools=names)
        made = self._pieces(history, stop, asked, deadline, markup)
        with closing(speakable(made, markup)) as pieces:
            for piece in pieces:
                yield piece
                deadline.restart()
        self._reasoning_first = markup.reasoned_first
        yield from asked or ([] if stop.is_set() else requested_in_text(markup.calls, self._tools))

    def _pieces(
        self,
        history: History,
        stop: StopSignal,
        asked: list[ToolRequest],
        deadline: Deadline,
        markup: Markup,
    ) -> Iterator[str]:
        body = self._body(history)
        for attempt in range(1, ATTEMPTS + 1):
            written, spoken, finished, tools = 0, 0, False, RequestedTools()
            read = partial(pieces_of, where=self._where, tools=tools)
            try:
                with closing(self._asked(body, read, stop, deadline)) as items:
                    for item in items:
                        if item is None:
                            finished = True
                            deadline.shorten(ENDING_MS)
                        elif not item:
                            deadline.restart()
                        else:
                            written += 1
                            yield item
                            spoken += not markup.hides
                            if markup.calls_tool:
                                deadline.restart()
                            if not markup.hides and ends_here(
                                spoken, self._settings.max_tokens, item
                            ):
                                return
            except RemoteError as error:
                if not finished:
                    if written or attempt == ATTEMPTS or not error.passing:
                        raise
                    remark(f"{error}; asked once more")
                    continue
            asked += [] if stop.is_set() else tools.whole()
            return

    def _asked(
        self,
        body: dict[str, Any],
        read: Callable[[Any], Iterator[str | None]],
        stop: StopSignal | None,
        deadline: Deadline,
    ) -> Iterator[str | None]:
        """What `read` makes of the answer, asked for in a dialect that the server understands."""
        dialect = self._dialect
        while True:
            items = self._http.answered(
                partial(self._read, read), deadline, stop,
                "POST", "chat/completions", json=dialect.applied(body),
            )  # fmt: skip
            try:
                with closing(items):
                    for item in items:
                        self._dialect = dialect  # it was understood
                        yield item
            except RemoteError as error:
                heeded = dialect.after(error.objection, OPTIONAL)
                if heeded is None:
                    raise
                dialect, how = heeded
                remark(f"{error}; asked {how}, from now on")
            else:
                return

    def _read(
        self, read: Callable[[Any], Iterator[str | None]], response: Any
    ) -> Iterator[str | None]:
        if not response.is_success:
            said = response.read().decode("utf-8", "replace")
            raise self._where.refused(response.status_code, said)
        yield from read(response)

    def _body(self, history: History) -> dict[str, Any]:
        body = {
            "model": self._settings.model,
            "messages": chat_messages(history),
            "max_tokens": self._settings.max_tokens,
            "temperature": self._settings.temperature,
            "stream": True,
        }
        if self._described:
            body |= {
                "tools": self._described,
                "max_tokens": self._settings.max_tokens + TOOL_TOKENS,
            }
        return body


def _whole(response: Any) -> Iterator[str | None]:
    """Nothing of an answer that is of no interest, once it is there."""
    response.read()
    yield None


def build(settings: Settings, context: Context) -> OpenAiCompatibleLlm:
    """Connect to the server.

    Raises:
        ValueError: a setting that cannot be, no key where one is named, or one that is refused.
        RemoteError: the server cannot be reached, and there is no fallback.
    """
    check_bounds(settings)
    where = service(settings.base_url, settings.api_key_env)
    llm = OpenAiCompatibleLlm(settings, where, context.tools)
    connect_or_rely(llm.connect, context)
    return llm
