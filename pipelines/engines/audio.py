"""What every engine checks about audio it is given."""

import math

import numpy as np

from pipelines.engines.protocols import Pcm


def checked(pcm: Pcm, samples: int | None = None) -> Pcm:
    """The audio as an engine may use it: mono float32, with non-finite samples heard as silence.

    A broken sound device delivers NaN now and then; one of them in a recurrent model's state would
    deafen it for the rest of the call, so they become zeros instead of an error.

    Args:
        pcm: shape (n,), float32.
        samples: the length it must have, if only one is right.

    Raises:
        ValueError: another dtype, more than one dimension, or another length than `samples`.
    """
    if pcm.dtype != np.float32 or pcm.ndim != 1:
        raise ValueError(
            f"audio must be mono float32 of shape (samples,), not {pcm.dtype} of shape {pcm.shape}"
        )
    if samples is not None and len(pcm) != samples:
        raise ValueError(f"a frame must have {samples} samples, not {len(pcm)}")
    # The energy is finite only if all samples are, and needs no array of its own as isfinite does.
    if not math.isfinite(np.dot(pcm, pcm)):
        return np.nan_to_num(pcm, nan=0.0, posinf=0.0, neginf=0.0)
    return pcm
