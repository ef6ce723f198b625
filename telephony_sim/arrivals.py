"""Reads packet arrivals in the forms in which they are recorded."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from telephony_sim.errors import LineError
from telephony_sim.rtp import Unwrapper
from telephony_sim.text_file import decode

PACKET_MS = 20.0
POSSIBLE_MS = 2000  # one way; anything else is two clocks that disagree
LARGEST_GAP = 30_000  # packets, ten minutes: a larger jump is a broken file
HIGHEST = 1 << 62  # of sequence numbers, and of times in nanoseconds: 146 years
_LONGEST = 200  # characters that are quoted of a file


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Packets in the order in which they were sent, one entry each, from the first to the last.

    relative_delay_ms: shape (n,), delay above the fastest packet's; NaN for one that never came.
    fastest_ms: the fastest packet's delay, if the trace says when packets were sent and the clocks
    agreed enough for it to be possible; else None. duplicates: packets that came again.
    """

    relative_delay_ms: npt.NDArray[np.float64]
    fastest_ms: float | None
    duplicates: int


def read_arrivals(path: Path) -> Arrivals:
    """Packet arrivals from CSV, or from JSON lines such as a journal.

    Each row or object gives `sequence` (16-bit RTP numbers may wrap), `arrival_ms`, and perhaps
    `sent_ms` (else packets are taken to be sent every 20 ms). In JSON lines the time may also be
    `at`, in nanoseconds; objects without a sequence number are passed over. Raises LineError,
    naming file and line, for anything else.
    """
    try:
        text = decode(path.read_bytes())
    except OSError as error:
        raise LineError(f"cannot read the trace {path}: {error.strerror}") from error
    except ValueError as error:
        raise LineError(f"{path} is neither CSV nor JSON lines: {error}") from error
    rows = _json_rows(text, path) if text.lstrip().startswith("{") else _csv_rows(text, path)
    if len(rows) < 2:
        raise LineError(
            f"{path} holds {len(rows)} packets; a trace needs at least 2, each with `sequence` and "
            "`arrival_ms` (and `sent_ms` if known)"
        )
    unwrapper = Unwrapper(rows[0][0], 16)
    first: dict[int, float] = {}
    for sequence, arrival_ms, sent_ms in rows:
        number = unwrapper.extend(sequence)
        sent = number * PACKET_MS if sent_ms is None else sent_ms
        first.setdefault(number, arrival_ms - sent)  # a duplicate tells nothing
    lowest, highest = min(first), max(first)
    if highest - lowest > LARGEST_GAP + 10 * len(first):
        raise LineError(f"{path}: the sequence numbers jump from {lowest} to {highest}")
    delays = np.full(highest - lowest + 1, np.nan)
    for number, delay in first.items():
        delays[number - lowest] = delay
    fastest = float(np.nanmin(delays))
    known = rows[0][2] is not None and 0 <= fastest <= POSSIBLE_MS
    return Arrivals(delays - fastest, fastest if known else None, len(rows) - len(first))


Row = tuple[int, float, float | None]


def _row(fields: dict[str, Any], where: str) -> Row:
    try:
        sent = fields.get("sent_ms")
        row = (
            int(fields["sequence"]),
            float(fields["arrival_ms"]),
            None if sent in (None, "") else float(cast("str", sent)),
        )
    except KeyError as error:
        raise LineError(f"{where} has no {error.args[0]}") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise LineError(f"{where}: {error!s:.{_LONGEST}}") from None
    if not all(abs(time) <= HIGHEST / 1e6 for time in (row[1], row[2] or 0)):
        raise LineError(f"{where}: times must be finite, and within 146 years")
    if abs(row[0]) > HIGHEST:
        raise LineError(f"{where}: no packet has so high a sequence number")
    return row


def _csv_rows(text: str, path: Path) -> list[Row]:
    reader = csv.DictReader(text.splitlines())
    try:
        columns = reader.fieldnames or []
        for column in ("sequence", "arrival_ms"):
            if column not in columns:
                found = ", ".join(columns) or "none"
                raise LineError(f"{path} has no column {column}; it has: {found:.{_LONGEST}}")
        return [_row(dict(fields), f"{path} line {reader.line_num}") for fields in reader]
    except csv.Error as error:
        raise LineError(f"{path} line {reader.line_num} is not CSV: {error}") from None


def _json_rows(text: str, path: Path) -> list[Row]:
    rows: list[Row] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        where = f"{path} line {number}"
        try:
            fields = json.loads(line)
        except json.JSONDecodeError as error:
            raise LineError(f"{where} is not JSON: {error.msg}") from None
        except (ValueError, RecursionError):  # a number of thousands of digits; nested too deep
            raise LineError(f"{where} is nested too deep, or has an absurd number") from None
        if not isinstance(fields, dict) or "sequence" not in fields:
            continue
        record = cast("dict[str, Any]", fields)
        at = record.get("at")
        if "arrival_ms" not in record and isinstance(at, int) and abs(at) <= HIGHEST:
            record["arrival_ms"] = at / 1e6
        rows.append(_row(record, where))
    return rows
