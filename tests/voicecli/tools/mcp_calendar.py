"""A small MCP server for tests, by the official SDK: `python mcp_calendar.py [http PORT]`."""

import os
import sys
import time

from mcp.server import MCPServer

server = MCPServer("calendar")


@server.tool()
def free_days(month: str, most: int = 3) -> str:
    """Say which days of a month are free."""
    return f"{most} days in {month}"


@server.tool()
def environment(name: str) -> str:
    """Say what an environment variable holds."""
    return os.environ.get(name, "nothing")


@server.tool()
def fail() -> str:
    """Fail."""
    raise ValueError("the calendar is closed")


@server.tool()
def long() -> str:
    """Say very much."""
    return "much " * 10_000


@server.tool()
def hang() -> str:
    """Never answer."""
    time.sleep(60)
    return "late"


@server.tool()
def die() -> str:
    """End at once."""
    os._exit(3)


if __name__ == "__main__":
    if sys.argv[1:2] == ["http"]:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
    else:
        server.run("stdio")
