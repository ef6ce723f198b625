"""The picture of one passage through a phone line."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from telephony_sim.errors import LineError
from telephony_sim.file import FileResult

PICTURES = (".png", ".svg", ".pdf")
MAX_COLUMNS = 4000  # of the waveform: more than a picture has pixels


def plot(result: FileResult, title: str, file: Path | BinaryIO, kind: str | None = None) -> None:
    """Draw waveforms, spectrogram, delay and loss over time into a PNG, PDF or SVG file.

    `kind` says which of them an open file is to be; the name of a path says it itself.

    Raises LineError without the package matplotlib or where the file cannot be written.
    """
    try:
        import_module("matplotlib").use("Agg")
        pyplot = cast("Any", import_module("matplotlib.pyplot"))
    except ImportError as error:
        raise LineError(
            "a plot needs the package matplotlib: install voicecli with its extra 'quality'"
        ) from error
    figure, (waves, spectrum, delay) = pyplot.subplots(
        3, 1, sharex=True, figsize=(12, 8), layout="constrained"
    )
    _draw_waves(waves, result)
    waves.set_title(title, parse_math=False)  # a name may hold $
    with np.errstate(divide="ignore"):  # digital silence has no decibels
        spectrum.specgram(result.pcm / 32768, NFFT=256, Fs=8000, noverlap=128, vmin=-130)
    spectrum.set_ylabel("received, Hz")
    _draw_delay(delay, result)
    try:
        figure.savefig(file, dpi=120, format=kind)
    except (OSError, ValueError) as error:
        raise LineError(f"cannot write the plot {file}: {error}") from error
    finally:
        pyplot.close(figure)


def _draw_waves(axes: Any, result: FileResult) -> None:
    step = max(len(result.sent) // MAX_COLUMNS, 1)
    for pcm, label, shift in ((result.sent, "sent", 1.0), (result.pcm, "received", -1.0)):
        whole = pcm[: len(pcm) // step * step].reshape(-1, step) / 32768
        time = np.arange(len(whole)) * step / 8000
        axes.fill_between(time, whole.min(1) + shift, whole.max(1) + shift, lw=0.5, label=label)
    for flags, colour, label in (
        (result.trace.lost, "tab:red", "lost"),
        (result.trace.concealed & ~result.trace.lost, "tab:orange", "late or waited for"),
    ):
        ticks = np.flatnonzero(flags) * 0.02
        axes.vlines(ticks, -2.1, -1.9, color=colour, lw=0.8, label=label)
    axes.set_yticks([])
    axes.legend(loc="upper right", ncols=4)


def _draw_delay(axes: Any, result: FileResult) -> None:
    trace = result.trace
    axes.plot(np.arange(len(trace.ingress_ms)) * 0.02, trace.ingress_ms, label="ingress")
    if len(trace.packet_delay_ms):
        sent = np.arange(len(trace.packet_delay_ms)) * 0.02
        axes.plot(sent, trace.packet_delay_ms, ".", ms=2, label="network, by packet")
    axes.set_ylabel("delay, ms")
    axes.set_xlabel("s")
    axes.legend(loc="upper right")
