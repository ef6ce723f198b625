"""`voicecli line`: a recording over the telephone network."""

# Imports stand inside the functions: `voicecli --help` registers this module and must stay fast.
# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voicecli.commands import completing
from voicecli.commands.reading import ChannelsOption, RawOption, reading_of
from voicecli.errors import InputError, ProfileError, StorageError, UsageError
from voicecli.foreign import one_line, say, visible

if TYPE_CHECKING:
    from telephony_sim.file import FileResult
    from telephony_sim.report import LineReport
    from telephony_sim.spec import LineSpec
    from voicecli.recording.audio_file import CallAudio, Reading
    from voicecli.report.whole_table import WholeTable

DRAIN_MS = 1000
SCORED_SECONDS = 60  # PESQ and STOI are made for clips; the first minute says enough


class DirectionName(StrEnum):
    """Which way the recording travels."""

    uplink = "uplink"
    downlink = "downlink"


@dataclass(frozen=True, slots=True)
class _Row:
    """One line's figures and, if asked for, its scores."""

    name: str
    report: LineReport
    scores: tuple[float, float] | None


def line(  # noqa: PLR0917 - a command line's options, all keywords to its user
    recording: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="IN.wav [LINE...]",
            help="Any audio file; the caller is its left channel. After --compare A, more lines.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write what the far end hears, 8 kHz WAV or FLAC."),
    ] = None,
    line: Annotated[
        str,
        typer.Option(
            "--line",
            "-l",
            help="A line of profiles/lines, or a TOML file.",
            autocompletion=completing.lines,
        ),
    ] = "pstn",
    compare: Annotated[
        list[str] | None,
        typer.Option("--compare", help="Print several lines side by side: --compare pstn mobile."),
    ] = None,
    direction: Annotated[
        DirectionName, typer.Option(help="uplink: caller to agent. downlink: agent to caller.")
    ] = DirectionName.uplink,
    raw: RawOption = None,
    channels: ChannelsOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Of losses, delays and noise.")] = 0,
    quality: Annotated[
        bool,
        typer.Option("--quality", help="Score with PESQ and STOI; needs the extra quality."),
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Draw waveform, spectrogram, delay and loss into a file.")
    ] = None,
    fit: Annotated[
        Path | None,
        typer.Option(
            metavar="TRACE",
            help="Instead: fit a line to recorded packet arrivals (CSV or JSON lines) and write "
            "its TOML to --out, or print it.",
        ),
    ] = None,
) -> None:
    """Hear and measure a recording over a simulated phone line."""
    with _as_user_errors():
        if fit is not None:
            _fit(fit, out)
            return
        source, *more = recording or [""]
        if not source:
            raise UsageError("Name a recording: voicecli line IN.wav -o OUT.wav --line pstn")
        if more and not compare:
            raise UsageError(f"One recording at a time; {more[0]} is one too many.")
        names = [*compare, *more] if compare else [line]
        if len(names) > 1 and (out or plot):
            raise UsageError("--out and --plot take one line; leave out --compare.")
        reading = reading_of(raw, channels)
        _run(Path(source), names, out, direction, seed, reading=reading, quality=quality, plot=plot)


@contextmanager
def _as_user_errors() -> Iterator[None]:
    """Turn the simulation's errors into those that have an exit code."""
    from telephony_sim.errors import LineError, SettingError, SignalError, UnknownNameError

    try:
        yield
    except SignalError as error:
        raise InputError(str(error)) from error
    except (SettingError, UnknownNameError) as error:
        raise ProfileError(str(error)) from error
    except LineError as error:
        raise InputError(str(error)) from error


def _fit(trace: Path, out: Path | None) -> None:
    from telephony_sim.arrivals import read_arrivals
    from telephony_sim.fit import fit, line_toml
    from voicecli.names import refuse_to_overwrite
    from voicecli.report.json_report import write_whole

    refuse_to_overwrite((out,), (trace,))
    text = line_toml(fit(read_arrivals(trace)), trace.name)
    if out is None:
        print(visible(text), end="")
        return
    if out.suffix != ".toml":
        raise UsageError(f"--fit writes a line: --out must end in .toml, not {out.name}")
    write_whole(out, text)
    say(f"{out}: hear it with voicecli line IN.wav --line {out}")


def _run(
    source: Path,
    names: list[str],
    out: Path | None,
    direction: DirectionName,
    seed: int,
    *,
    reading: Reading,
    quality: bool,
    plot: Path | None,
) -> None:
    from telephony_sim.plot import PICTURES
    from telephony_sim.report import report
    from telephony_sim.spec import load_line
    from voicecli.extras import require_extra
    from voicecli.names import distinct_names, refuse_to_overwrite
    from voicecli.private import draft_of
    from voicecli.recording.audio_file import read_call_audio
    from voicecli.recording.journal import storing
    from voicecli.report.screen import Console

    if plot is not None:
        require_extra("--plot", "quality", "matplotlib")
        refuse_to_overwrite((plot,), [source, *map(Path, names)])
        if plot.suffix.lower() not in PICTURES:
            raise UsageError(f"--plot {plot}: name a file that ends in {', '.join(PICTURES)}.")
    if quality:
        require_extra("--quality", "quality", "pesq", "pystoi")
    refuse_to_overwrite((out,), [source, *map(Path, names)])
    specs = [load_line(name) for name in names]
    short = distinct_names([(Path(name).stem, Path(name)) for name in names])
    audio = read_call_audio(source, reading=reading)
    console = Console()
    if audio.note:
        console.print(one_line(audio.note), style="yellow")
    rows: list[_Row] = []
    for spec, name in zip(specs, short, strict=True):
        result = _send(spec, audio, direction, seed)
        scores = _scores(result) if quality else None
        rows.append(_Row(name, report(spec, result, direction.value), scores))
        if out is not None:
            _write(result, out)
        if plot is not None:
            from telephony_sim.plot import plot as draw

            title = one_line(f"{source.name} over {spec.name} ({direction.value})")
            with storing(plot), draft_of(plot) as file:
                draw(result, title, file, plot.suffix[1:].lower())
    console.print(_table(rows), crop=False)


def _send(spec: LineSpec, audio: CallAudio, direction: DirectionName, seed: int) -> FileResult:
    """The side that speaks in this direction; the other side is what echoes."""
    from telephony_sim.file import process_file

    near, far = audio.caller, audio.agent
    if direction == DirectionName.downlink and audio.agent is not None:
        near, far = audio.agent, audio.caller
    return process_file(
        spec,
        near,
        audio.rate,
        seed=seed,
        direction=direction.value,
        far=far,
        drain_ms=DRAIN_MS if spec.name != "clean" else 0,
    )


def _scores(result: FileResult) -> tuple[float, float]:
    from telephony_sim.quality import pesq, stoi

    end = SCORED_SECONDS * 8000
    sent, heard = result.sent[:end], result.pcm[: end + DRAIN_MS * 8]
    return pesq(sent, heard), stoi(sent, heard)


def _write(result: FileResult, out: Path) -> None:
    import io

    import soundfile

    from voicecli.private import draft_of
    from voicecli.recording.journal import storing

    # Encoded in memory: libsndfile reports a full disk without saying so.
    content = io.BytesIO()
    try:
        soundfile.write(content, result.pcm, 8000, format=out.suffix[1:])
    except (soundfile.LibsndfileError, TypeError, ValueError) as error:
        raise StorageError(f"Cannot write {out}: name a .wav or .flac file.") from error
    with storing(out), draft_of(out) as draft:
        draft.write(content.getvalue())


def _table(rows: list[_Row]) -> WholeTable:
    from voicecli.report.whole_table import WholeTable

    table = WholeTable("", box=None, header_style="bold")
    for row in rows:
        table.add_column(row.name, justify="right")
    for label, *cells in zip(*(_cells(row) for row in rows), strict=True):
        table.add_row(label[0], *(cell[1] for cell in (label, *cells)))
    return table


def _cells(row: _Row) -> list[tuple[str, str]]:
    """Label and text of each figure, in the order in which a call meets them."""
    figures = row.report
    cells = [
        ("length", f"{figures.duration_s:.1f} s"),
        ("loss asked", f"{figures.loss_asked:.2%}"),
        ("loss measured", f"{figures.loss:.2%}"),
        ("packets lost in a row", f"{figures.burst_mean:.1f}, most {figures.burst_max}"),
        ("late", f"{figures.late:.2%}"),
        ("network jitter (RFC 3550)", f"{figures.jitter_ms:.1f} ms"),
        ("jitter buffer p50 / p95", "{:.0f} / {:.0f} ms".format(*figures.hold_ms)),
        ("ingress p50 / p95", "{:.0f} / {:.0f} ms".format(*figures.ingress_ms)),
        ("stretched out / in", "{:.0f} / {:.0f} ms".format(*figures.stretched_ms)),
        ("repaired by redundancy", f"{figures.repaired:.2%}"),
        ("concealed", f"{figures.concealed:.2%}"),
        ("99 % of energy below", f"{figures.bandwidth_hz:,.0f} Hz"),
        ("speech level", f"{figures.speech_dbov:.1f} dBov"),
        ("noise in pauses", f"{figures.noise_dbov:.1f} dBov"),
        ("SNR", f"{figures.snr_db:.1f} dB"),
    ]
    if row.scores:
        cells += [("PESQ (MOS-LQO)", f"{row.scores[0]:.2f}"), ("STOI", f"{row.scores[1]:.3f}")]
    return cells
