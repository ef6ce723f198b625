"""Speaks a call script and knows to the sample what it said.

The same script gives the same samples: the voices are repeatable, or are recordings of people.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
import soxr

from pipelines.runtime.timeline import to_float
from voicecli.errors import InputError, StorageError
from voicecli.private import draft_of
from voicecli.recording.audio_file import read_call_audio
from voicecli.recording.journal import storing
from voicecli.recording.labels import Cue, Labels, Turn, write_labels
from voicecli.recording.levels import Samples
from voicecli.synthetic_calls.call_script import LEAST_PACE, CallScript, Utterance, read_script
from voicecli.synthetic_calls.clip_speech import PAUSE_MS, Stretch, clip_vad, spoken_stretches
from voicecli.synthetic_calls.voices import Voice, open_voice

RATE = 16_000
SCRIPT, AUDIO, LABELS = "call.toml", "caller.flac", "labels.json"
_DIGITS = 7  # of a second, which tell every sample exactly
_TAIL_S = 1.0
_PEAK = 0.5  # -6 dB of full scale: about what a telephone delivers
_EDGE_DB = -45.0  # under the loudest sample, a sound is over
_FADE_S = 0.005
_FADES_S = 0.03  # that a voice detector takes to notice that speech is over
_KEY_S = 0.2  # that somebody takes to press a key, where they press some and say nothing
_DRAWN_OUT = re.compile(r"(\w+…[.,;:?!]?)")
_BREATHS_S = 0.7  # of silence and more, with a longer turn to come
_BREATH_WORDS = 4
_BREATH_DB = -48.0  # its level at its loudest, against full scale


@dataclass(frozen=True, slots=True)
class Call:
    """A rendered call: `pcm` of shape (n,), int16, at `rate` Hz, and its exact labels."""

    pcm: Samples
    rate: int
    labels: Labels


def scripts_in(folder: Path, names: Iterable[str] = ()) -> list[Path]:
    """The `call.toml` of these sub-folders, or of all.

    Raises:
        InputError: there is none.
    """
    scripts = [folder / name / SCRIPT for name in names] or sorted(folder.glob(f"*/{SCRIPT}"))
    if not scripts:
        raise InputError(f"{folder} holds no call scripts (NAME/{SCRIPT}).")
    return scripts


def make_recording(script: Path) -> Call:
    """Make `caller.flac` and `labels.json` beside a script.

    Raises:
        InputError: it is missing or wrong.
        WeightsError: a person's clip is in it, and the voice detector that labels it is not here.
        StorageError: the files cannot be written.
    """
    call = render(read_script(script), script)
    _write(call, script.parent)
    return call


def _write(call: Call, folder: Path) -> None:
    try:
        with storing(folder), draft_of(folder / AUDIO) as file:
            soundfile.write(
                file, call.pcm, call.rate, "PCM_16", format="FLAC", compression_level=1.0
            )
            write_labels(folder / LABELS, call.labels)
    except soundfile.SoundFileError as error:
        raise StorageError(f"{folder} cannot be written to: {error}.") from None


def render(script: CallScript, path: Path) -> Call:
    """Speak the script; `path` is named in the labels' source and in errors.

    Raises InputError for a voice that espeak-ng does not have, or for a turn without a sound.
    """
    rng = np.random.default_rng(script.seed)
    voice = open_voice(script.voice, script.pitch, script.seed)
    pieces: list[Samples] = [_silence(script.lead_in_s)]
    turns: list[Turn] = []
    position = len(pieces[0])
    for number, utterance in enumerate(script.turns, 1):
        sound = _sound(script, utterance, voice, path, rng)
        if not len(sound):
            raise InputError(f"{path}: [turns {number}] text: {utterance.text!r} has no sound")
        if script.breaths and len(utterance.text.split()) >= _BREATH_WORDS:
            pieces[-1] = _with_breath(pieces[-1], rng)
        turns += _turns(utterance, sound, position)
        pieces += [sound, _silence(utterance.pause_s)]
        position += len(sound) + len(pieces[-1])
    pieces.append(_silence(_TAIL_S))
    source = f"exact: made from {path.parent.name}/{path.name} by `voicecli recordings make`"
    pcm = np.concatenate(pieces)
    if script.noise_dbfs is not None:
        pcm = _with_noise(pcm, script.noise_dbfs, rng)
    return Call(pcm, RATE, Labels(tuple(turns), source))


def _sound(
    script: CallScript, utterance: Utterance, voice: Voice, path: Path, rng: np.random.Generator
) -> Samples:
    if utterance.file:
        return _finish(to_float(read_call_audio(path.parent / utterance.file, RATE).caller))
    if utterance.sound == "cough":
        return _cough(rng)
    if not utterance.text:
        return _silence(_KEY_S * len(utterance.keys))
    pace = utterance.words_per_minute or script.words_per_minute
    try:
        return _speech(utterance.text, voice, pace, rng)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _turns(utterance: Utterance, sound: Samples, position: int) -> list[Turn]:
    """The labels of one utterance whose first sample stands at `position` in the call.

    Whoever speaks pauses within a sentence: what comes before such a pause is a hold. The text
    stands with the last piece, as nobody knows which words lie where. Said over the agent it is one
    piece. A person's clip is labelled from where they begin to speak to where they end, not with
    the silence around that.
    """
    cue = None if utterance.cue_ms is None else Cue(utterance.cue_ms)
    pieces: list[Stretch] = []
    if utterance.file and utterance.text:
        heard = spoken_stretches(to_float(sound), clip_vad())
        pieces = [(start, end - _FADES_S) for start, end in heard]
    elif utterance.text and utterance.intent in {"end_of_turn", "hold"}:
        pieces = _unbroken(sound)
    *holds, last = pieces or [(0.0, len(sound) / RATE)]

    def placed(stretch: Stretch) -> Stretch:
        start, end = stretch
        return round(position / RATE + start, _DIGITS), round(position / RATE + end, _DIGITS)

    turns = [Turn(*placed(stretch), "", "hold") for stretch in holds]
    text = utterance.text.replace("…", "")
    turns.append(Turn(*placed(last), text, utterance.intent, keys=utterance.keys))
    turns[0] = replace(turns[0], cue=cue)
    return turns


def _unbroken(sound: Samples) -> list[Stretch]:
    """The stretches of a voice between pauses of PAUSE_MS and more; without noise behind it."""
    heard = _heard(sound)
    pauses = np.flatnonzero(np.diff(heard) > PAUSE_MS * RATE // 1000)
    starts = [0, *(heard[pauses + 1])]
    ends = [*(heard[pauses] + 1), len(sound)]
    return [(int(a) / RATE, int(b) / RATE) for a, b in zip(starts, ends, strict=True)]


def _speech(text: str, voice: Voice, pace: int, rng: np.random.Generator) -> Samples:
    """The text from its first sound to its last, shape (n,), int16, RATE Hz.

    A word before "…" is drawn out, and stands a little apart.
    """
    sounds: list[np.ndarray] = []
    for said in filter(str.strip, _DRAWN_OUT.split(text)):
        slower = 2 if "…" in said else 1
        pcm, rate = voice(said.replace("…", ""), max(LEAST_PACE, pace // slower))
        if np.any(pcm):
            gap = [_silence(rng.uniform(0.06, 0.14))] if sounds else []
            sounds += [*gap, soxr.resample(pcm, rate, RATE)]
    return _finish(np.concatenate(sounds)) if sounds else np.zeros(0, np.int16)


def _with_breath(silence: Samples, rng: np.random.Generator) -> Samples:
    """A silence at whose end somebody breathes in to speak, unless it is too short for that."""
    if len(silence) < _BREATHS_S * RATE:
        return silence
    length, before = round(rng.uniform(0.25, 0.45) * RATE), round(rng.uniform(0.06, 0.15) * RATE)
    air = rng.standard_normal(length)
    # From about 300 to 2500 Hz, as it passes the lips.
    air = _smooth(air, 12) - _smooth(air, 60)
    air *= np.sin(np.linspace(0, np.pi, length)) ** 2 / np.std(air)
    start = len(silence) - before - length
    breath = np.rint(air * 32767 * 10 ** (_BREATH_DB / 20)).astype(np.int16)
    return np.concatenate([silence[:start], breath, silence[start + length :]])


def _smooth(noise: np.ndarray, width: int) -> np.ndarray:
    window = np.hanning(width)
    return np.convolve(noise, window / window.sum(), "same")


def _cough(rng: np.random.Generator) -> Samples:
    """Two bursts of breath through an open mouth, as far as a VAD is concerned."""
    bursts: list[np.ndarray] = []
    for seconds, decay_s, gain in ((0.16, 0.04, 1.0), (0.22, 0.07, 0.6)):
        time = np.arange(round(seconds * RATE)) / RATE
        noise = np.convolve(rng.standard_normal(len(time)), np.hanning(12), "same")
        bursts.append(gain * noise * np.minimum(time / 0.008, 1) * np.exp(-time / decay_s))
    return _finish(np.concatenate(bursts))


def _with_noise(pcm: Samples, dbfs: float, rng: np.random.Generator) -> Samples:
    """The call before a noise that falls with frequency, as that of streets and rooms does."""
    noise = np.convolve(rng.standard_normal(len(pcm)), np.hanning(24), "same")
    noise *= 32767 * 10 ** (dbfs / 20) / np.sqrt(np.mean(noise**2))
    return np.rint(np.clip(pcm + noise, -32768, 32767)).astype(np.int16)


def _finish(sound: np.ndarray) -> Samples:
    """Cut to where it can be heard, at telephone level, without clicks at its ends."""
    heard = _heard(sound)
    sound = sound[heard[0] : heard[-1] + 1] * (_PEAK / np.abs(sound).max())
    fade = min(round(_FADE_S * RATE), len(sound) // 2)
    ramp = np.linspace(0, 1, fade, endpoint=False)
    sound[:fade] *= ramp
    sound[len(sound) - fade :] *= ramp[::-1]
    return np.rint(sound * 32767).astype(np.int16)


def _heard(sound: np.ndarray) -> np.ndarray:
    """Where the samples are that can be heard, shape (m,)."""
    level = np.abs(sound.astype(np.float32))
    return np.flatnonzero(level > level.max() * 10 ** (_EDGE_DB / 20))


def _silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), np.int16)
