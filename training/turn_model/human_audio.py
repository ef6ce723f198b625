"""Pauses in recordings of people, with labels found automatically.

None of the recordings has labels for pauses, so they are derived, and can be wrong:

- `turns`: one disfluent turn a file: its last pause is the end, the others are holds.
- `dialogue_ami`: meetings with speaker labels: a pause is an end if somebody else speaks next.
  Pauses before which several speak are left out.
- `dialogue_misc`: two monologues, one a channel: as in `turns`. (The other file's labels carry no
  times.)
- `phone`, two parties on one channel: a man and a woman, told apart by pitch (175 Hz); stretches
  with too little voiced sound to tell are skipped.
- `phone`, one side of three calls, with silence left for the other: a pause of 2 s or more is an
  end, one of less than 1 s a hold, those between are left out.
"""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from pipelines.engines.protocols import Pcm, Vad
from telephony_sim.g711 import ulaw_heard
from voicecli.synthetic_calls.clip_speech import spoken_stretches

RATE = 8000
PRE_ROLL_S, POST_ROLL_S = 0.3, 0.06
"""As `policy.gate` has them."""
_LONGEST_TURN_S = 30.0
_PITCH_BETWEEN = 175.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Speech without a pause, in seconds, and who speaks; None where that is not known."""

    start: float
    end: float
    speaker: str | None


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause to judge."""

    row: str
    turn: Pcm
    """The turn up to the pause as the phone delivers it: 8 kHz, with pre- and post-roll."""
    before: Pcm
    """The other party's turn before it; empty if there was none."""
    ends: bool
    seconds: float
    """Silence until anybody spoke again; endless at the end of a recording."""


def find_pauses(folder: Path, vad: Vad) -> list[Pause]:
    """All pauses of the four sets, in order of recording.

    Raises:
        FileNotFoundError: there is no manifest in the folder.
    """
    manifest = folder / "manifest.jsonl"
    if not manifest.is_file():
        raise FileNotFoundError(f"no {manifest}; name the folder with --speech")
    pauses: list[Pause] = []
    for line in manifest.read_text(encoding="utf-8").splitlines():
        name = json.loads(line)["file"]
        for row, channel, label in _sources(folder, name):
            pcm = _through_phone(folder / name, channel)
            found = [Stretch(start, end, None) for start, end in spoken_stretches(pcm, vad)]
            stretches = label(found, pcm)
            pauses += _pauses(row, pcm, stretches)
    return pauses


_Labeller = Callable[[list[Stretch], Pcm], list[Stretch]]


def _sources(folder: Path, name: str) -> Iterator[tuple[str, int, _Labeller]]:
    path = folder / name
    if name.startswith("turns/"):
        yield "turns", 0, _one_turn
    elif name.startswith("dialogue_ami/"):
        labels = path.parent / "labels" / f"{path.stem}.rttm"
        if labels.is_file():
            yield "dialogue_ami", 0, lambda found, _pcm: _by_rttm(found, labels)
    elif name.startswith("dialogue_misc/") and "stereo" in name:
        yield from (("dialogue_misc", channel, _one_turn) for channel in (0, 1))
    elif name.startswith("phone/aws_autorepair"):
        yield "phone, both sides", 0, _by_pitch
    elif name.startswith("phone/aws_demo"):
        yield "phone, one side", 0, _by_silence


def _through_phone(path: Path, channel: int) -> Pcm:
    pcm, rate = soundfile.read(path, dtype="float32", always_2d=True)
    narrow = soxr.resample(pcm[:, channel], rate, RATE)
    return ulaw_heard((np.clip(narrow, -1, 1) * 32767).astype(np.int16)).astype(np.float32) / 32768


def _pauses(row: str, pcm: Pcm, stretches: Sequence[Stretch]) -> Iterator[Pause]:
    """One pause after each stretch whose speaker, and whose successor's, is known."""
    turn_start, turn = 0.0, ""
    before: Pcm = pcm[:0]
    previous_end = 0.0
    for place, stretch in enumerate(stretches[:-1]):
        speaker, follower = stretch.speaker, stretches[place + 1].speaker
        if speaker is None:
            continue
        if speaker != turn:
            if turn:
                before = _cut(pcm, turn_start, previous_end)
            turn_start, turn = stretch.start, speaker
        previous_end = stretch.end
        if follower is not None and stretch.end > stretch.start:
            heard = _cut(pcm, turn_start, stretch.end)
            silence = _silence_after(stretches, place)
            yield Pause(row, heard, before, follower != speaker, silence)


def _silence_after(stretches: Sequence[Stretch], place: int) -> float:
    following = (s.start for s in stretches[place + 1 :] if s.end > s.start)
    return next(following, math.inf) - stretches[place].end


def _cut(pcm: Pcm, start: float, end: float) -> Pcm:
    if start == end:  # stands for somebody who is not in the recording
        return pcm[:0]
    start = max(start, end - _LONGEST_TURN_S)
    first, last = int((start - PRE_ROLL_S) * RATE), int((end + POST_ROLL_S) * RATE)
    return pcm[max(first, 0) : last]


def _end_of_recording(stretches: Sequence[Stretch]) -> Stretch:
    return Stretch(stretches[-1].end, stretches[-1].end, "nobody")


def _one_turn(found: list[Stretch], _pcm: Pcm) -> list[Stretch]:
    if not found:
        return []
    named = [Stretch(s.start, s.end, "caller") for s in found]
    return [*named, _end_of_recording(found)]


def _by_silence(found: list[Stretch], pcm: Pcm) -> list[Stretch]:
    """The other side's stretches are put into the long silences; silences between stay unknown."""
    labelled: list[Stretch] = []
    for place, stretch in enumerate(found):
        labelled.append(Stretch(stretch.start, stretch.end, "caller"))
        following = found[place + 1].start if place + 1 < len(found) else len(pcm) / RATE
        if following - stretch.end >= 1.0:
            other = "other" if following - stretch.end >= 2.0 else None
            labelled.append(Stretch(stretch.end, stretch.end, other))
    return labelled


def _by_rttm(found: list[Stretch], labels: Path) -> list[Stretch]:
    spoken: list[tuple[float, float, str]] = []
    for line in labels.read_text(encoding="utf-8").splitlines():
        fields = line.split()
        spoken.append((float(fields[3]), float(fields[3]) + float(fields[4]), fields[7]))

    def speaker_near(moment: float) -> str | None:
        around = {who for start, end, who in spoken if start < moment + 0.2 and end > moment - 0.2}
        return around.pop() if len(around) == 1 else None

    labelled: list[Stretch] = []
    for stretch in found:
        # Who ends a stretch matters for the pause after it, who begins it for the one before.
        first, last = speaker_near(stretch.start + 0.1), speaker_near(stretch.end - 0.1)
        if first != last:
            middle = (stretch.start + stretch.end) / 2
            labelled.append(Stretch(stretch.start, middle, first))
            labelled.append(Stretch(middle, stretch.end, None))
        else:
            labelled.append(Stretch(stretch.start, stretch.end, last))
    return labelled


def _by_pitch(found: list[Stretch], pcm: Pcm) -> list[Stretch]:
    labelled: list[Stretch] = []
    for stretch in found:
        pitch = _median_pitch(pcm[int(stretch.start * RATE) : int(stretch.end * RATE)])
        who = None if pitch is None else "high" if pitch > _PITCH_BETWEEN else "low"
        labelled.append(Stretch(stretch.start, stretch.end, who))
    return labelled


def _median_pitch(pcm: Pcm) -> float | None:
    """Median of the highest autocorrelation's frequency, 70-400 Hz, over voiced 40 ms windows."""
    found: list[float] = []
    window, shortest, longest = 320, RATE // 400, RATE // 70
    for start in range(0, len(pcm) - window, window // 2):
        piece: npt.NDArray[np.float32] = pcm[start : start + window]
        piece = piece - piece.mean()
        energy = float(piece @ piece)
        if energy < 1e-4 * window:
            continue
        correlation = np.correlate(piece, piece, "full")[window - 1 :] / energy
        lag = int(np.argmax(correlation[shortest : longest + 1])) + shortest
        if correlation[lag] > 0.5:
            found.append(RATE / lag)
    return float(np.median(found)) if len(found) >= 5 else None
