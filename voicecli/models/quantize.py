"""Writes a language model anew with smaller weights, as llama.cpp's own `llama-quantize` does.

A Qwen 2.5 of 0.5 B parameters has rows that K-quants do not divide, so files named Q4_K_M hold Q5_0
and Q8_0, and reading them is what each token costs. Q4_0 halves that, and llama.cpp repacks it for
the vector units of the CPU.
"""

import ctypes
from pathlib import Path

from pipelines.engines.llama_log import llama_complaints


def quantize(source: Path, target: Path, to: str) -> bool:
    """Write the GGUF file `source` to `target` with all weights of the type `to`; False: it cannot.

    Weights that are quantized already are rounded once more. The result is the same on every
    computer but for rounding, so its hash is noted, not pinned.
    """
    import llama_cpp  # noqa: PLC0415 - heavy: only when it is needed

    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{to}")
    parameters.allow_requantize = True
    parameters.pure = True  # the embeddings too, which are read for each token's probabilities
    llama_complaints()  # its report of each tensor is kept off the screen
    code = llama_cpp.llama_model_quantize(bytes(source), bytes(target), ctypes.pointer(parameters))
    return code == 0
