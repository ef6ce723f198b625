"""What a profile may say of an MCP server."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class McpServer:
    """Keys of [tools.mcp.NAME]: a program to start, or the address of a server that runs."""

    command: tuple[str, ...] = ()
    """The program and its arguments; it runs in the profile's folder, with stdin and stdout."""
    url: str = ""
    """Of a server that speaks streamable HTTP."""
    env: tuple[str, ...] = ()
    """Environment variables that the program gets, beside PATH, HOME and the like: none else."""
    tools: tuple[str, ...] = ()
    """Which of its tools the agent may call; empty: all."""
    read_only: tuple[str, ...] = ()
    """Those that change nothing, and so may be called before the caller's turn is surely over."""
    timeout_s: float = 10.0
    """Seconds after which a call of a tool has failed."""

    def __post_init__(self) -> None:
        """Check how the keys fit together; raises ValueError."""
        if bool(self.command) == bool(self.url):
            raise ValueError('needs either command = ["…"] or url = "…"')
        if self.url and not self.url.startswith(("http://", "https://")):
            raise ValueError("url must begin with http:// or https://")
        if self.env and self.url:
            raise ValueError("env is for a command")
        if not 0 < self.timeout_s <= 600:
            raise ValueError("timeout_s must be above 0 and at most 600")
