"""Whether the services that a profile names can be reached."""

import dataclasses
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from pipelines.runtime.clock import Stopwatch
from pipelines.turn_taking.time import MILLISECOND
from voicecli.doctor.finding import Finding
from voicecli.profile import Profile

_TIMEOUT_S = 3.0
_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}


def services(profile: Profile) -> Iterator[Finding]:
    """One finding for each address in the settings of the profile's engines."""
    for choice in profile.choices:
        if not dataclasses.is_dataclass(choice.settings):
            continue
        for field in dataclasses.fields(choice.settings):
            value = getattr(choice.settings, field.name)
            if isinstance(value, str) and urlsplit(value).scheme in _PORTS:
                yield _reach(choice.name, value)


def _reach(engine: str, url: str) -> Finding:
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or _PORTS[parts.scheme])
    watch = Stopwatch()
    try:
        with socket.create_connection(address, timeout=_TIMEOUT_S):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        sentence = f"{engine}: {address[0]} cannot be reached ({reason})."
        return Finding("service", "failed", sentence)
    ms = watch.elapsed() / MILLISECOND
    numbers = {"connect_ms": round(ms, 1)}
    return Finding("service", "ok", f"{engine}: {address[0]} answers in {ms:.0f} ms", numbers)
