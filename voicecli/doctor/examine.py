"""Which examinations are made, in which order."""

from collections.abc import Iterator

from voicecli.doctor.finding import Finding
from voicecli.doctor.installation import plug_ins, python, sound, weights
from voicecli.doctor.services import services
from voicecli.errors import VoicecliError
from voicecli.profile import Profile
from voicecli.transports.sound_card_devices import SoundCardError


def examine(profile: Profile, *, audible: bool) -> Iterator[Finding]:
    """Every finding, as soon as it is there; with `audible`, a chirp and speech are played."""
    yield python()
    yield from plug_ins()
    devices = list(sound())
    yield from devices
    for note in profile.notes:
        yield Finding("language", "ok", note)
    found = list(weights(profile))
    yield from found
    yield from services(profile)
    if all(finding.verdict == "ok" for finding in found):
        yield from _engines(profile)
    else:
        yield Finding("engines", "failed", "not tried, because weights are missing.")
    if audible and all(finding.verdict == "ok" for finding in devices):
        yield _echo()


def _engines(profile: Profile) -> Iterator[Finding]:
    from voicecli.doctor.speed import call_speed, engine_speeds  # noqa: PLC0415 - model libraries
    from voicecli.engines import build_engines  # noqa: PLC0415

    try:
        engines = build_engines(profile)
    except VoicecliError as error:
        yield Finding("engines", "failed", str(error))
        return
    yield from engine_speeds(engines)
    yield call_speed(profile, engines)


def _echo() -> Finding:
    from voicecli.doctor.room import finding, listen_to_room  # noqa: PLC0415 - scipy
    from voicecli.transports.echo_cancellation import Processing, echo_guard  # noqa: PLC0415 - livekit
    from voicecli.transports.sound_card import SoundCard  # noqa: PLC0415

    guard, notice = echo_guard(Processing(noise_suppression=False))
    if notice:
        return Finding("echo", "failed", notice)
    try:
        card = SoundCard(None, None, lambda _notice: None)
    except SoundCardError as error:
        return Finding("echo", "failed", str(error))
    try:
        return finding(listen_to_room(card, guard))
    finally:
        card.close()
