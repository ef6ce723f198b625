"""Measures the way from loudspeaker to microphone by chirp."""

import sys
import threading
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.signal import chirp, correlate

from pipelines.runtime.clock import MonotonicClock
from pipelines.turn_taking.time import SECOND
from voicecli.doctor.finding import Finding
from voicecli.recording.audio_file import read_call_audio
from voicecli.replaying.source import SHIPPED
from voicecli.transports.base import FRAME, FRAME_SAMPLES, RATE
from voicecli.transports.echo_cancellation import EchoGuard
from voicecli.transports.sound_card import SoundCard

Samples = npt.NDArray[np.float32]

_CARD_WAIT_S = 3.0
_LEAD = round(1.5 * RATE)  # a card that has just been opened stumbles at first
_CHIRP = round(0.4 * RATE)
_AUDIBLE = 12.0  # peak of the correlation over its surroundings: a chirp, not noise
_RESIDUE_DB = -50.0  # of full scale: what is left of the echo must not wake the VAD
_MUCH_LEFT_DB = 20.0


@dataclass(frozen=True, slots=True)
class Room:
    """What came back of what was played."""

    round_trip_ms: float | None
    """From handing a sample over to getting it back; None: nothing came back."""
    loss_db: float
    """How much weaker the echo is than what was played (echo return loss)."""
    enhancement_db: float
    """How much the canceller takes off the echo, once it knows the room (ERLE)."""
    residue_db: float
    """What is left, of full scale."""
    silent: bool
    """The microphone gave nothing at all, not even noise."""


def listen_to_room(card: SoundCard, guard: EchoGuard) -> Room:
    """Play a chirp and five seconds of speech, and compare with what the microphone hears.

    `card` has a microphone and a loudspeaker. Takes about nine seconds and is audible.
    """
    probe = probe_sound()
    heard, far, cleaned = _play(card, guard, probe)
    return judge(probe, heard, far, cleaned)


def probe_sound() -> Samples:
    """A chirp, a second of silence for it to come back, and speech: shape (n,), 8000 Hz."""
    seconds = np.arange(_CHIRP) / RATE
    sweep = 0.4 * chirp(seconds, 300, _CHIRP / RATE, 3400) * np.hanning(_CHIRP)
    pcm = read_call_audio(SHIPPED / "plain_turns" / "caller.flac").caller / 32768
    loud = pcm[np.convolve(np.abs(pcm), np.ones(1600) / 1600, "same") > 0.003][: 5 * RATE]
    rest = np.zeros(RATE)
    whole = np.concatenate([np.zeros(_LEAD), sweep, rest, loud, rest])
    return np.pad(whole, (0, -len(whole) % FRAME_SAMPLES)).astype(np.float32)


def judge(probe: Samples, heard: Samples, far: Samples, cleaned: Samples) -> Room:
    """Compare what was played with what came back.

    All of shape (n,), 8000 Hz, frame by frame: `probe` handed over, `heard` at the microphone,
    `far` as really played, `cleaned` after the canceller.
    """
    sweep_end = _LEAD + _CHIRP
    sweep = probe[_LEAD:sweep_end]
    answer = heard[: sweep_end + RATE]
    matched = np.abs(correlate(answer, sweep, mode="valid"))
    peak = int(np.argmax(matched))
    floor = float(np.sqrt(np.mean(matched**2))) + 1e-12
    audible = matched[peak] / floor > _AUDIBLE
    speech = slice(sweep_end + RATE + 3 * RATE, sweep_end + RATE + 5 * RATE)
    echo, left, played = (
        _decibels(heard[speech]),
        _decibels(cleaned[speech]),
        _decibels(far[speech]),
    )
    return Room(
        round_trip_ms=(peak - _LEAD) / RATE * 1000 if audible else None,
        loss_db=played - echo,
        enhancement_db=echo - left,
        residue_db=left,
        silent=not heard.any(),
    )


def finding(room: Room) -> Finding:
    """What that means for a call."""
    numbers = {
        "round_trip_ms": None if room.round_trip_ms is None else round(room.round_trip_ms, 1),
        "echo_return_loss_db": round(room.loss_db, 1),
        "echo_return_loss_enhancement_db": round(room.enhancement_db, 1),
        "residue_db": round(room.residue_db, 1),
    }
    if room.silent:
        cure = "is it muted?"
        if sys.platform == "darwin":
            cure = (
                "allow your terminal to use the microphone in System Settings > "
                "Privacy & Security > Microphone."
            )
        return Finding("echo", "failed", f"the microphone gives nothing at all; {cure}", numbers)
    if room.round_trip_ms is None:
        return Finding("echo", "ok", "none is heard: headphones, or a quiet speaker.", numbers)
    trip = f"round trip {room.round_trip_ms:.0f} ms, echo {room.enhancement_db:.0f} dB quieter"
    if room.residue_db < _RESIDUE_DB or room.enhancement_db > _MUCH_LEFT_DB:
        return Finding("echo", "ok", f"{trip} after the canceller: fine.", numbers)
    return Finding("echo", "warning", f"{trip} only: use headphones or --half-duplex.", numbers)


def _play(card: SoundCard, guard: EchoGuard, probe: Samples) -> tuple[Samples, Samples, Samples]:
    """Tick through the probe in real time: the microphone, what was played, the cleaned sound."""
    pause, clock = threading.Event(), MonotonicClock()
    while not card.running and clock.now() < _CARD_WAIT_S * SECOND:
        pause.wait(0.01)
    card.go_live()
    heard, far, cleaned = [], [], []
    clock = MonotonicClock()
    for number, start in enumerate(range(0, len(probe), FRAME_SAMPLES)):
        pause.wait(max(0.0, (number * FRAME - clock.now()) / SECOND))
        near, _ = card.listen()
        played = card.played()
        cleaned.append(guard.process(near, played))
        card.say(probe[start : start + FRAME_SAMPLES])
        heard.append(near)
        far.append(played.frame)
    return np.concatenate(heard), np.concatenate(far), np.concatenate(cleaned)


def _decibels(samples: Samples) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-10))
