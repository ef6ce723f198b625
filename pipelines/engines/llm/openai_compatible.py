"""Replies from a server with OpenAI's chat interface; changes with that interface.

vLLM, llama-server, Ollama, OpenAI, Groq and others: `POST {base_url}/chat/completions` with
`stream`, answered by server-sent events (https://platform.openai.com/docs/api-reference/chat).
"""

import contextlib
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.engines.interruptible import interruptible
from pipelines.engines.llm._ending import ends_here
from pipelines.engines.llm._openai_tools import RequestedTools, chat_messages
from pipelines.engines.llm._tool_prompt import described
from pipelines.engines.markup import Markup
from pipelines.engines.protocols import StopSignal
from pipelines.engines.registry import Context
from pipelines.engines.remarks import remark
from pipelines.engines.remote import (
    RemoteError,
    Service,
    connect_or_rely,
    greet,
    http_client,
    service,
)
from pipelines.engines.speakable import speakable
from pipelines.engines.tools import Tool, ToolRequest
from pipelines.turn_taking.commands import History

ATTEMPTS = 2
TOOL_TOKENS = 256
"""Tokens that a server may write beyond the reply, for what it asks of tools."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the profile's table."""

    base_url: str = "http://127.0.0.1:8080/v1"
    """Up to /v1; this one is llama-server's own."""
    model: str = "default"
    """As the server calls it; a server of a single model takes any name."""
    api_key_env: str = ""
    """Environment variable that holds the key, such as OPENAI_API_KEY; empty: no key is needed."""
    max_tokens: int = 80
    """Length of a reply; from 60 % of it on, the reply ends with the sentence."""
    temperature: float = 0.3
    timeout_ms: int = 3000
    """Longest wait for the connection, for the first token, and for each one after it."""
    prefill: bool = False
    """Send prompts in advance, for one token each, so that a server that caches prompts has read
    them before they count. For a server of your own: others charge for it."""


class OpenAiCompatibleLlm:
    """One conversation with a server over one connection that is kept open."""

    def __init__(self, settings: Settings, where: Service, tools: tuple[Tool, ...] = ()) -> None:
        self._settings = settings
        self._tools = described(tools)
        self._where = where
        self._connection: Any = None
        self._reasoning_first = False
        """Whether the last reply began in the middle of reasoning, as the next one then will."""
        self._client = http_client(where, settings.timeout_ms / 1000, self._note_connection)

    def connect(self) -> None:
        """Make the connection, and learn early that a key is wrong; raises as `greet`."""
        greet(self._client, self._where)

    def prepare(self, history: History) -> None:
        """With `prefill`, let the server read the prompt; else nothing."""
        if not self._settings.prefill:
            return
        body = {**self._body(history), "max_tokens": 1, "stream": False}
        try:
            self._client.post("chat/completions", json=body)
        except Exception as error:  # noqa: BLE001 (edge: the reply itself will show what is wrong)
            remark(f"the prompt could not be sent in advance: {self._where.failed(error)}")

    def stream(self, history: History, stop: StopSignal) -> Iterator[str | ToolRequest]:
        """The reply in speakable pieces, then the tools it asks for, once all of that is there.

        `stop` closes the request, and so ends the server's work.

        A request that fails before its first piece, in a way that may pass, is made once more.

        Raises:
            RemoteError: the server cannot be reached, refuses, answers something else, is silent
                for longer than the timeout, or breaks off.
        """
        asked: list[ToolRequest] = []
        markup = Markup(reasoning_first=self._reasoning_first)
        yield from speakable(self._pieces(history, stop, asked, markup), markup)
        self._reasoning_first = markup.reasoned_first
        yield from asked

    def _pieces(
        self, history: History, stop: StopSignal, asked: list[ToolRequest], markup: Markup
    ) -> Iterator[str]:
        body = self._body(history)
        for attempt in range(1, ATTEMPTS + 1):
            written, spoken, tools = 0, 0, RequestedTools()
            request = self._request(body, tools)
            try:
                for piece in interruptible(request, stop, self._cut_connection):
                    written += 1
                    yield piece
                    spoken += not markup.hides
                    if not markup.hides and ends_here(spoken, self._settings.max_tokens, piece):
                        return
            except RemoteError as error:
                if written or attempt == ATTEMPTS or not error.passing:
                    raise
                remark(f"{error}; asked once more")
            else:
                asked += [] if stop.is_set() else tools.whole()
                return

    def _body(self, history: History) -> dict[str, Any]:
        body = {
            "model": self._settings.model,
            "messages": chat_messages(history),
            "max_tokens": self._settings.max_tokens,
            "temperature": self._settings.temperature,
            "stream": True,
        }
        if self._tools:
            body |= {"tools": self._tools, "max_tokens": self._settings.max_tokens + TOOL_TOKENS}
        return body

    def _request(self, body: dict[str, Any], tools: RequestedTools) -> Iterator[str]:
        import httpx2  # noqa: PLC0415 (loaded since `build`)

        try:
            with self._client.stream("POST", "chat/completions", json=body) as response:
                if response.status_code != httpx2.codes.OK:
                    raise self._where.refused(response.status_code, response.read().decode())
                yield from self._contents(httpx2.EventSource(response), tools)
        except httpx2.SSEError:
            raise RemoteError(
                f"{self._where.name} answered with something else than a stream of events; "
                "is base_url right?",
                passing=False,
            ) from None
        except httpx2.TimeoutException as error:
            what = f"{self._where.name} was silent for {self._settings.timeout_ms} ms"
            raise RemoteError(what, passing=False) from error
        except httpx2.HTTPError as error:
            raise self._where.failed(error) from error

    def _contents(self, events: Any, tools: RequestedTools) -> Iterator[str]:
        complete = False
        for event in events:
            if event.data.strip() == "[DONE]":
                return
            try:
                data = json.loads(event.data)
                choices = data.get("choices") or []
                deltas = [choice.get("delta") or {} for choice in choices[:1]]
                said = [delta.get("content") or "" for delta in deltas]
                for delta in deltas:
                    tools.take(delta.get("tool_calls"))
                complete |= any(choice.get("finish_reason") for choice in choices)
            except (ValueError, AttributeError, TypeError):
                raise RemoteError(f"{self._where.name} sent no JSON", passing=False) from None
            if problem := data.get("error"):
                text = self._where.without_key(json.dumps(problem))[:160]
                raise RemoteError(f"{self._where.name} gave up: {text}", passing=True)
            yield from filter(None, said)
        if not complete:
            raise RemoteError(f"{self._where.name} broke off in the middle", passing=True)

    def _note_connection(self, event: str, info: dict[str, Any]) -> None:
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            self._connection = info["return_value"]

    def _cut_connection(self) -> None:
        """End the request under way; closing alone would not wake the thread that reads."""
        with contextlib.suppress(OSError, AttributeError):
            self._connection.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


def build(settings: Settings, context: Context) -> OpenAiCompatibleLlm:
    """Connect to the server.

    Raises:
        ValueError: a setting out of range, no key where one is named, or a key that is refused.
        RemoteError: the server cannot be reached, and there is no fallback.
    """
    if settings.max_tokens < 1 or settings.timeout_ms < 1 or not 0 <= settings.temperature <= 2:
        raise ValueError(
            "max_tokens and timeout_ms must be at least 1, temperature between 0 and 2"
        )
    where = service(settings.base_url, settings.api_key_env)
    llm = OpenAiCompatibleLlm(settings, where, context.tools)
    connect_or_rely(llm.connect, context)
    return llm
