"""Takes llama.cpp's log, which is one for the process."""

import ctypes
import functools
from collections import deque
from typing import Final

LOG_ERROR: Final = 4
"""ggml's level of errors (`enum ggml_log_level`)."""


@functools.cache
def llama_complaints() -> deque[str]:
    """The last errors in llama.cpp's log, which says more than what it raises.

    Taking the log keeps it off stderr, which belongs to the program's own screen. The callback is
    kept alive until the process ends: the library calls it when it frees its memory, later than
    anything of ours.
    """
    import llama_cpp  # noqa: PLC0415 (heavy: only when it is needed)

    complaints: deque[str] = deque(maxlen=8)

    def note(level: int, text: bytes, _data: ctypes.c_void_p) -> None:
        if level == LOG_ERROR:
            complaints.append(text.decode("utf-8", "replace").strip())

    callback = llama_cpp.llama_log_callback(note)
    llama_cpp.llama_log_set(callback, ctypes.c_void_p())
    _kept.append(callback)
    return complaints


_kept: list[object] = []
