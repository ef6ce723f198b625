"""What a streamed answer of OpenAI's chat interface says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipelines.engines.remote import RemoteError, Service

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from pipelines.engines.llm._openai_tools import RequestedTools

EXCERPT = 160
TEXT_PARTS = frozenset({"text", "output_text"})
"""Parts of a content that are to be said; others are thoughts, references, pictures."""


def pieces_of(
    response: httpx2.Response, where: Service, tools: RequestedTools
) -> Iterator[str | None]:
    """Text as it comes; "" where a tool call has grown; None once nothing more is to come.

    After the None servers may still send numbers, or be slow to end the answer.

    Args:
        response: not yet read.
        where: whose it is.
        tools: takes the tool calls.

    Raises:
        RemoteError: the server says that it failed, breaks off, or sends something else.
        httpx2.HTTPError: the connection broke.
    """
    import httpx2  # noqa: PLC0415 (loaded since the engine was built)

    response.encoding = "utf-8"  # events are, whatever the header says
    complete = begun = False
    # Some servers just stop. Where HTTP says how long an answer is, that it is whole is certain.
    framed = {"transfer-encoding", "content-length"} & response.headers.keys()
    try:
        for event in httpx2.EventSource(response):
            for item in _items(event, where, tools):
                complete |= item is None
                begun = True
                yield item
    except httpx2.SSEError:
        raise RemoteError(
            f"{where.name} answered with something else than a stream of events; "
            "is base_url right?",
            passing=False,
        ) from None
    if not (complete or (begun and framed)):
        raise RemoteError(f"{where.name} broke off in the middle", passing=True)


def _items(
    event: httpx2.ServerSentEvent, where: Service, tools: RequestedTools
) -> Iterator[str | None]:
    text = event.data.strip()
    if not text:
        return  # a sign of life
    if text == "[DONE]":
        yield None
        return
    try:
        data = json.loads(text)
        choices = data.get("choices") or []
        deltas = [choice.get("delta") or {} for choice in choices[:1]]
        said = [flat(delta.get("content")) or flat(delta.get("refusal")) for delta in deltas]
        grown = any(tools.take(delta.get("tool_calls")) for delta in deltas)
        finished = any(choice.get("finish_reason") for choice in choices)
    except (ValueError, AttributeError, TypeError):
        if event.event not in {"message", "error"}:
            return  # a server's own kind of sign of life
        raise RemoteError(f"{where.name} sent no JSON", passing=False) from None
    if problem := data.get("error") or (data if event.event == "error" else None):
        what = where.without_key(json.dumps(problem))[:EXCERPT]
        raise RemoteError(f"{where.name} gave up: {what}", passing=True)
    yield from filter(None, said)
    if grown:
        yield ""
    if finished:
        yield None


def flat(content: Any) -> str:
    """The text of a content, which is a text or a list of parts."""
    match content:
        case str():
            return content
        case [*parts]:
            return "".join(flat(part) for part in parts)
        case {"text": text, **others} if others.get("type", "text") in TEXT_PARTS:
            return flat(text)
        case _:
            return ""
