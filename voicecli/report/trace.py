"""The call as a trace for chrome://tracing or ui.perfetto.dev.

Chrome's Trace Event Format: times in microseconds since the call began, one thread per track.
Pieces of work on one track that overlap get a lane of their own, because the viewers only nest.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from pipelines.turn_taking.events import FrameScored
from pipelines.turn_taking.time import Nanos
from voicecli.foreign import to_json
from voicecli.report.call_report import CallReport
from voicecli.report.json_report import write_whole
from voicecli.report.slices import TRACKS, Slice, slices_of

_LANES: Final = 100  # thread ids reserved for each track


def trace(calls: Sequence[CallReport]) -> dict[str, Any]:
    """The calls as a trace, each as a process of its own."""
    rows: list[dict[str, Any]] = []
    for process, call in enumerate(calls, start=1):
        rows.append(_named("process_name", process, 0, call.name))
        rows += _rows(process, slices_of(call))
        rows += [
            {"ph": "C", "pid": process, "name": "P(speech)", "ts": entry.at / 1000,
             "args": {"P": entry.speech}}
            for entry in call.entries if isinstance(entry, FrameScored)
        ]  # fmt: skip
    return {"traceEvents": rows, "displayTimeUnit": "ms"}


def write_trace(path: Path, calls: Sequence[CallReport]) -> None:
    """Write the trace to a file; StorageError if that is impossible."""
    write_whole(path, to_json(trace(calls)) + "\n")


def _rows(process: int, slices: Iterable[Slice]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    lanes: dict[str, list[Nanos]] = {track: [0] for track in TRACKS}
    for piece in slices:
        row: dict[str, Any] = {
            "name": piece.name or "(no words)",
            "cat": piece.track,
            "pid": process,
            "ts": piece.start / 1000,
            "args": piece.details,
        }
        if piece.end is None:
            row |= {"ph": "i", "s": "t", "tid": _thread(piece.track, 0)}
        else:
            lane = _free_lane(lanes[piece.track], piece.start, piece.end)
            duration = (piece.end - piece.start) / 1000
            row |= {"ph": "X", "dur": duration, "tid": _thread(piece.track, lane)}
        rows.append(row)
    for track, used in lanes.items():
        for lane in range(len(used)):
            thread = _thread(track, lane)
            name = f"{track} ({lane + 1})" if lane else track
            rows.append(_named("thread_name", process, thread, name))
            order = {"sort_index": thread}
            rows.append(_meta("thread_sort_index", process, thread, order))
    return rows


def _free_lane(busy_until: list[Nanos], start: Nanos, end: Nanos) -> int:
    for lane, until in enumerate(busy_until):
        if until <= start:
            busy_until[lane] = end
            return lane
    busy_until.append(end)
    return len(busy_until) - 1


def _thread(track: str, lane: int) -> int:
    return (TRACKS.index(track) + 1) * _LANES + lane


def _named(kind: str, process: int, thread: int, name: str) -> dict[str, Any]:
    return _meta(kind, process, thread, {"name": name})


def _meta(kind: str, process: int, thread: int, args: dict[str, Any]) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": process, "tid": thread, "args": args}
