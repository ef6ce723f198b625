"""How small ONNX models are run: few threads, no chatter."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


def open_session(model: Path | bytes, threads: int = 1) -> InferenceSession:
    """A session on the CPU, on one thread unless told otherwise.

    The models here take 0.1 to 40 ms: handing work to a second thread costs more than it saves, and
    the spinning of idle pool threads would steal the cores of other calls.

    Raises:
        ValueError: the file, or what was read of it, is no model that onnxruntime can load.
    """
    import onnxruntime  # noqa: PLC0415 (heavy: only when an engine is built)

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors: the terminal belongs to the program
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        name = model if isinstance(model, Path) else "a part of a network"
        raise ValueError(f"{name} cannot be loaded as an ONNX model: {error}") from error
