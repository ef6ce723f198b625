"""Tools of an MCP server (https://modelcontextprotocol.io), one connection for all calls.

The official SDK is asynchronous and a tool blocks: each server has a thread with a loop of its own.
"""

import asyncio
import atexit
import functools
import json
import os
import re
import shutil
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pipelines.engines.tools import Tool
from voicecli.toml_schema import Place
from voicecli.tools.mcp_settings import McpServer
from voicecli.tools.schema import without_references

_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_START_S: Final = 20.0
_LEAVE_S: Final = 3.0
_MOST_TOOLS: Final = 128
_MOST_CHARS: Final = 4000
MOST_STARTS: Final = 2
"""How often a server is started or connected to, the first time included."""


class McpError(RuntimeError):
    """The server did not do as it was asked; one sentence says why."""


@dataclass(slots=True, eq=False)
class _Connection:
    """A client of one server; lost when the server dies or hangs, and then made once more."""

    name: str
    server: McpServer
    folder: Path
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _life: "_Life | None" = None
    _starts: int = 0

    def offered(self) -> list[Any]:
        """Its tools, as the SDK has them; raises McpError."""
        return self._asked("list_tools", _START_S).tools

    def call(self, tool: str, arguments: str) -> str:
        """What a tool answers, as text; raises McpError."""
        given = json.loads(arguments)
        if not isinstance(given, dict):
            raise McpError(f"the arguments are no JSON object: {arguments[:80]}")
        result = self._asked("call_tool", self.server.timeout_s, tool, given)
        parts = [getattr(part, "text", f"[{part.type}]") for part in result.content]
        text = "\n".join(parts) or json.dumps(result.structured_content or {}, ensure_ascii=False)
        if result.is_error:
            raise McpError(text[:_MOST_CHARS])
        return text[:_MOST_CHARS]

    def close(self) -> None:
        """Leave the server; a program that was started ends."""
        life, self._life = self._life, None
        if life is not None:
            life.close()

    def _asked(self, method: str, timeout_s: float, *arguments: Any) -> Any:
        life = self._present()
        try:
            return life.ask(method, timeout_s, *arguments)
        except TimeoutError:
            self._lose(life)
            raise McpError(
                f"the MCP server {self.name} gave no answer in {timeout_s:g} s"
            ) from None
        except Exception as error:  # noqa: BLE001 - an edge: the SDK raises anything
            if _is_answer(error):
                raise McpError(f"the MCP server {self.name}: {error}") from None
            self._lose(life)
            raise McpError(f"the MCP server {self.name} broke off: {_said(error)}") from None

    def _present(self) -> "_Life":
        with self._lock:
            if self._life is not None and self._life.gone:
                self._life = None
            if self._life is None:
                if self._starts >= MOST_STARTS:
                    raise McpError(f"the MCP server {self.name} is gone, and was begun anew before")
                self._starts += 1
                self._life = _Life(self.name, self.server, self.folder)
            return self._life

    def _lose(self, life: "_Life") -> None:
        with self._lock:
            if self._life is life:
                self._life = None
        life.close()


class _Life:
    """One session with a server, on a thread of its own."""

    def __init__(self, name: str, server: McpServer, folder: Path) -> None:
        """Connect; raises McpError."""
        self._server, self._folder = server, folder
        self._ready: Future[tuple[asyncio.AbstractEventLoop, Any]] = Future()
        self._thread = threading.Thread(target=self._run, name=f"mcp {name}", daemon=True)
        self._over: asyncio.Event
        self.gone = False
        self._thread.start()
        try:
            self._loop, self._client = self._ready.result(_START_S)
        except TimeoutError:
            self.close()
            raise McpError(f"the MCP server {name} did not start in {_START_S:g} s") from None
        except Exception as error:  # noqa: BLE001 - the same edge
            raise McpError(f"the MCP server {name} cannot be used: {_said(error)}") from None

    def ask(self, method: str, timeout_s: float, *arguments: Any) -> Any:
        """Call a method of the client; raises TimeoutError or what it raises."""
        if self.gone:
            raise ConnectionError("it has ended")

        async def asked() -> Any:
            answer = asyncio.ensure_future(getattr(self._client, method)(*arguments))
            over = asyncio.ensure_future(self._over.wait())
            await asyncio.wait({answer, over}, timeout=timeout_s, return_when="FIRST_COMPLETED")
            over.cancel()
            if answer.done():
                return answer.result()
            answer.cancel()
            raise ConnectionError("it has ended") if self._over.is_set() else TimeoutError

        return asyncio.run_coroutine_threadsafe(asked(), self._loop).result(timeout_s + _LEAVE_S)

    def close(self) -> None:
        """Leave, and wait a little until a program has ended."""
        self.gone = True
        if hasattr(self, "_loop"):
            with suppress(RuntimeError):  # the loop is closed already
                self._loop.call_soon_threadsafe(self._over.set)
        if threading.current_thread() is not self._thread:
            self._thread.join(_LEAVE_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._stay())
        except BaseException as error:  # noqa: BLE001 - carried over to who waits
            if not self._ready.done():
                self._ready.set_exception(error)
        finally:
            self.gone = True

    async def _stay(self) -> None:
        from mcp import Client  # noqa: PLC0415 - an extra, and slow to import

        self._over = asyncio.Event()
        with Path(os.devnull).open("w") as nowhere:
            server = self._server
            where: Any = server.url or self._started(nowhere)
            async with Client(where) as client:
                self._ready.set_result((asyncio.get_running_loop(), client))
                await self._over.wait()

    def _started(self, errlog: Any) -> Any:
        from mcp.client.stdio import StdioServerParameters, stdio_client  # noqa: PLC0415

        program, *arguments = self._server.command
        given = {name: os.environ[name] for name in self._server.env if name in os.environ}
        return stdio_client(
            StdioServerParameters(command=program, args=arguments, env=given, cwd=self._folder),
            errlog=errlog,
        )


def _is_answer(error: Exception) -> bool:
    """Whether the server itself says no; it is there then, and goes on."""
    from mcp import MCPError  # noqa: PLC0415
    from mcp.types import CONNECTION_CLOSED  # noqa: PLC0415

    return isinstance(error, MCPError) and error.code != CONNECTION_CLOSED


def _said(error: BaseException) -> str:
    """One line of an error, of the first within a group."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__


_CONNECTIONS: Final[list[_Connection]] = []


@functools.cache
def _connection(name: str, server: McpServer, folder: Path) -> _Connection:
    connection = _Connection(name, server, folder)
    _CONNECTIONS.append(connection)
    return connection


@atexit.register
def close_all() -> None:
    """Leave all servers; those that were started end."""
    _connection.cache_clear()
    while _CONNECTIONS:
        _CONNECTIONS.pop().close()


def mcp_tools(name: str, server: McpServer, folder: Path, place: Place) -> Iterable[Tool]:
    """The tools of a server, which is started or connected to unless it is already.

    Args:
        name: of the server, for messages.
        server: which.
        folder: in which its program runs.
        place: in the profile, for messages.

    Raises:
        VoicecliError: of the class `place.error`: it cannot be reached, or offers what no model
            could call.
    """
    try:
        import mcp  # noqa: F401, PLC0415
    except ImportError:
        raise place.wrong(
            "needs the package mcp; install voicecli with the extra mcp, or: pip install mcp"
        ) from None
    if server.command and not _found(server.command[0], folder):
        raise place.wrong(f"there is no program {server.command[0]}")
    if missing := [each for each in server.env if each not in os.environ]:
        raise place.wrong(f"the environment variable {missing[0]} is not set")
    connection = _connection(name, server, folder)
    try:
        offered = {each.name: each for each in connection.offered()[:_MOST_TOOLS]}
    except McpError as error:
        raise place.wrong(str(error)) from None
    for chosen in (*server.tools, *server.read_only):
        if chosen not in offered:
            raise place.wrong(
                f"{name} has no tool {chosen}; it has: {', '.join(offered) or 'none'}"
            )
    try:
        return [_tool(connection, offered[each]) for each in server.tools or offered]
    except ValueError as error:
        raise place.wrong(str(error)) from None


def _found(program: str, folder: Path) -> bool:
    return shutil.which(program) is not None or (folder / program).is_file()


def _tool(connection: _Connection, offered: Any) -> Tool:
    name, schema = offered.name, offered.input_schema
    if not _NAME.fullmatch(name):
        raise ValueError(f'a tool is called "{name}"; models know letters, digits, _ and - only')
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise ValueError(f"{name} takes no JSON object")
    parameters = without_references({"properties": {}, **schema})
    server = connection.server
    return Tool(
        name,
        (offered.description or name).strip(),
        parameters,
        functools.partial(connection.call, name),
        "reads" if name in server.read_only else "acts",
        round(server.timeout_s * 1000) + 1000,
    )
