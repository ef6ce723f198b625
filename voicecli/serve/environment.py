"""Which secrets of the environment the server's processes get to see.

What runs models, and what serves a call with them, has no use for the account that numbers and
tunnels belong to. Everybody with our rights can read the environment that a process began with, so
secrets are not in it: a call's process is told those it needs.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

from voicecli.carriers.registry import carrier_names
from voicecli.profile import Profile

_SECRET: Final = re.compile(
    r"(?:^|_)(?:KEY|PAT|PASS|CREDENTIALS?)(?:_|$)"
    r"|(?:API_?KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE)(?:_|$)",
    re.IGNORECASE,
)
_WITH_PASSWORD: Final = re.compile(r"^[a-z][a-z0-9+.-]*://[^/?#@\s]*:[^/?#\s]+@", re.IGNORECASE)
_PROXY: Final = re.compile(r"_proxy$", re.IGNORECASE)
"""A proxy's address is an address for all who need the way out, whatever it holds."""


@cache
def server_prefixes() -> tuple[str, ...]:
    """What the names of variables begin with that are the server's: the carriers', and ngrok's."""
    return (*(f"{name.upper().replace('-', '_')}_" for name in carrier_names()), "NGROK_")


def is_secret(name: str) -> bool:
    """Whether the variable of this name may hold a secret: by its name, or a URL's password."""
    if name.startswith(server_prefixes()) or _SECRET.search(name):
        return True
    value = os.environ.get(name, "")
    return _WITH_PASSWORD.search(value) is not None and not _PROXY.search(name)


def secrets_for_calls(profile: Profile) -> dict[str, str]:
    """The secrets that a call's process needs: keys of the profile's engines and MCP servers.

    The code of a tools file or an agent gets all that are not the server's own: it knows which it
    needs.
    """
    wanted = {getattr(choice.settings, "api_key_env", "") for choice in profile.choices}
    wanted |= {name for server in profile.tools.mcp.values() for name in server.env}
    code = bool(profile.tools.file or profile.agent)
    return {
        name: value
        for name, value in os.environ.items()
        if (name in wanted or (code and is_secret(name))) and not name.startswith(server_prefixes())
    }


@contextmanager
def hidden(which: Callable[[str], bool] = is_secret) -> Iterator[None]:
    """Programs that are started within the block do not see such variables; we do."""
    names = [name for name in os.environ if which(name)]
    for name in names:
        os.unsetenv(name)  # of the process: `os.environ` keeps it
    try:
        yield
    finally:
        for name in names:
            os.putenv(name, os.environ[name])
