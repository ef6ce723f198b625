"""Names and finds the sound devices of this computer."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, TypeAlias

from voicecli.errors import VoicecliError

Direction: TypeAlias = Literal["input", "output"]

NO_PORTAUDIO = (
    "PortAudio, which reaches the sound card, is missing; install it (Debian and Ubuntu: "
    "apt-get install libportaudio2), or use --input FILE --output FILE."
)


class SoundCardError(VoicecliError):
    """The microphone or the loudspeaker cannot be used; says what to do instead."""

    exit_code = 11


@dataclass(frozen=True, slots=True)
class Device:
    """A microphone or a loudspeaker."""

    index: int
    """PortAudio's number of it, until devices come or go."""
    name: str
    host: str
    """The sound system that offers it, such as ALSA or Core Audio."""
    channels: int
    rate: int
    """Native sample rate in Hz."""
    default: bool


def portaudio() -> ModuleType:
    """The sounddevice library.

    Raises SoundCardError if PortAudio is not installed.
    """
    try:
        import sounddevice  # noqa: PLC0415 - loads PortAudio, which may be missing
    except OSError:
        raise SoundCardError(NO_PORTAUDIO) from None
    return sounddevice


def list_devices(direction: Direction) -> list[Device]:
    """The devices of this kind, the default one first.

    Raises SoundCardError if PortAudio is not installed.
    """
    sound = portaudio()
    hosts = sound.query_hostapis()
    default = sound.default.device[0 if direction == "input" else 1]
    found = [
        _device(index, about, hosts, direction, default)
        for index, about in enumerate(sound.query_devices())
        if about[f"max_{direction}_channels"] > 0
    ]
    return sorted(found, key=lambda device: not device.default)


def find_device(direction: Direction, wanted: str | None) -> Device:
    """The device by its number, its name or a part of that; the default one if None.

    Raises SoundCardError if there is none, or several would fit.
    """
    devices = list_devices(direction)
    kind = "microphone" if direction == "input" else "loudspeaker"
    if not devices:
        instead = (
            "--input FILE and text input work" if direction == "input" else "--output FILE works"
        )
        raise SoundCardError(f"This computer has no {kind}; {instead} without one.")
    if wanted is None:
        return devices[0]
    if wanted.isdecimal():
        fitting = [device for device in devices if device.index == int(wanted)]
    else:
        exact = [device for device in devices if device.name == wanted]
        part = [device for device in devices if wanted.lower() in device.name.lower()]
        fitting = exact or part
    if len(fitting) == 1:
        return fitting[0]
    wrong = "is no" if not fitting else "fits more than one"
    known = ", ".join(f"{device.index} {device.name}" for device in devices)
    raise SoundCardError(f'"{wanted}" {wrong} {kind}; there are: {known}.')


def _device(
    index: int, about: dict[str, Any], hosts: Any, direction: Direction, default: int
) -> Device:
    return Device(
        index,
        str(about["name"]),
        str(hosts[about["hostapi"]]["name"]),
        int(about[f"max_{direction}_channels"]),
        round(about["default_samplerate"]),
        index == default,
    )
