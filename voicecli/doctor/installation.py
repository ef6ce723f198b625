"""Looks at what must be installed."""

import contextlib
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint

from pipelines.engines import registry
from pipelines.engines.registry import KINDS
from telephony_sim import parts
from voicecli.carriers import registry as carriers
from voicecli.doctor.finding import Finding
from voicecli.errors import WeightsError
from voicecli.models.store import locate, require_models
from voicecli.profile import Profile
from voicecli.transports.sound_card_devices import (
    Direction,
    SoundCardError,
    list_devices,
    portaudio,
)

_PYTHONS = ((3, 11), (3, 14))


def python() -> Finding:
    """The interpreter's version."""
    version = platform.python_version()
    if _PYTHONS[0] <= sys.version_info[:2] < _PYTHONS[1]:
        return Finding("Python", "ok", version)
    return Finding("Python", "failed", f"{version}; voicecli needs 3.11 to 3.13.")


def plug_ins() -> Iterator[Finding]:
    """What other installed packages add to voicecli, and whether it can be used."""
    for kind in KINDS:
        for found in registry.plug_ins(kind):
            yield _plug_in(f"{kind} engine", found, registry.examine_plug_in(kind, found))
    for found in parts.plug_ins("degradations"):
        yield _plug_in("degradation", found, parts.examine_plug_in("degradations", found))
    for found in carriers.plug_ins():
        yield _plug_in("carrier", found, carriers.examine_plug_in(found))


def _plug_in(what: str, found: EntryPoint, wrong: str) -> Finding:
    package = f"{found.dist.name} {found.dist.version}" if found.dist else found.value
    if wrong:
        return Finding("plug-in", "warning", f"{package}: {wrong}.")
    return Finding("plug-in", "ok", f"{package}: {what} {found.name}")


def sound() -> Iterator[Finding]:
    """PortAudio, and the devices it knows."""
    try:
        library = portaudio()
    except SoundCardError as error:
        yield Finding("PortAudio", "failed", str(error))
        return
    yield Finding("PortAudio", "ok", str(library.get_portaudio_version()[1]))
    kinds: dict[Direction, tuple[str, str]] = {
        "input": (
            "microphone",
            "none found; talk works with --text, and with --input FILE.",
        ),
        "output": (
            "loudspeaker",
            "none found; talk works with --text, and with --output FILE.wav.",
        ),
    }
    for direction, (name, lacking) in kinds.items():
        devices = list_devices(direction)
        if not devices:
            yield Finding(name, "failed", lacking)
            continue
        first = devices[0]
        sentence = f"{first.name}, {first.rate:,} Hz, {first.host}; {len(devices)} in all"
        yield Finding(name, "ok", sentence, {"rate_hz": first.rate, "channels": first.channels})


def weights(profile: Profile) -> Iterator[Finding]:
    """The files of every model that the profile names; what is missing in one finding."""
    for name in sorted(profile.weights):
        with contextlib.suppress(WeightsError):
            yield Finding("weights", "ok", f"{name}: {locate(name).name}")
    try:
        require_models(profile.weights)
    except WeightsError as error:
        yield Finding("weights", "failed", str(error))
