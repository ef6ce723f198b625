"""The networks of a Piper voice, run so that the first sound need not wait for the last.

VITS (Kim et al. 2021) makes a hidden sequence of the whole text, one frame for every 256 samples
or so, and a HiFi-GAN generator (Kong et al. 2020) makes sound of that, which takes three quarters
of the time. The generator sees only a few frames around each, so it is a network of its own here
and run window by window: the sound is the same, and the first of it comes in half the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from pipelines.engines.onnx import open_session
from pipelines.engines.protocols import Pcm

if TYPE_CHECKING:
    from onnx import ModelProto
    from onnxruntime import InferenceSession

_GENERATOR: Final = "/dec/"
"""How Piper's exporter begins the names of the generator's nodes."""
_AROUND: Final = 14
"""Frames that the generator sees to either side: its widest convolutions (11, dilated by 5)."""
_FIRST: Final = 24
_MOST: Final = 192
"""Frames in the first window, 0.28 s at 22,050 Hz, and at most in those that follow."""


class PiperNetwork:
    """A voice's network: numbers of phonemes in, sound out."""

    def __init__(self, path: Path, threads: int) -> None:
        """Open the network, in two if it is as Piper's exporter writes it.

        Raises:
            ValueError: the file is no model that onnxruntime can load.
        """
        self._generator: InferenceSession | None = None
        parts = _split(path)
        if parts is None:
            self.text = open_session(path, threads)
            return
        text, generator = parts
        self.text = open_session(text, threads)
        self._generator = open_session(generator, threads)

    def sounds(self, inputs: Mapping[str, np.ndarray]) -> Iterator[Pcm]:
        """Sound, float32 of shape (n,), -1 to 1, in pieces that grow.

        Args:
            inputs: as Piper's networks name them: "input", phonemes of shape (1, n), int64;
                "input_lengths", (1,), int64; "scales", the noise, the length and its noise, (3,),
                float32; and "sid", (1,), int64, where there are several speakers.
        """
        outputs = cast("list[np.ndarray]", self.text.run(None, inputs))
        if self._generator is None:
            yield outputs[0].reshape(-1)
            return
        names = [each.name for each in self._generator.get_inputs()]
        hidden = dict(zip(names, outputs, strict=True))
        frames = max(each.shape[-1] for each in outputs)
        start, size = 0, _FIRST
        while start < frames:
            end = min(start + size, frames)
            low, high = max(0, start - _AROUND), min(frames, end + _AROUND)
            window = {
                name: each[..., low:high] if each.shape[-1] == frames else each
                for name, each in hidden.items()  # the speaker, if there are several, has no frames
            }
            sound = cast("np.ndarray", self._generator.run(None, window)[0]).reshape(-1)
            hop = len(sound) // (high - low)
            yield sound[(start - low) * hop : (end - low) * hop]
            start, size = end, min(3 * size, _MOST)


def _split(path: Path) -> tuple[bytes, bytes] | None:
    """The part up to the hidden sequence, and the generator; None: it is made in another way."""
    import onnx  # noqa: PLC0415 (heavy: only when an engine is built)
    from google.protobuf.message import DecodeError  # noqa: PLC0415
    from onnx.utils import Extractor  # noqa: PLC0415

    try:
        model = onnx.load(path)
    except DecodeError:
        return None  # opening it as a whole says what is wrong
    between = _inputs_of_generator(model)
    if not between:
        return None
    extractor = Extractor(model)
    text = extractor.extract_model([each.name for each in model.graph.input], between)
    generator = extractor.extract_model(between, [model.graph.output[0].name])
    return text.SerializeToString(), generator.SerializeToString()


def _inputs_of_generator(model: ModelProto) -> list[str]:
    nodes = [node for node in model.graph.node if node.name.startswith(_GENERATOR)]
    known = {name for node in nodes for name in node.output}
    known.update(weights.name for weights in model.graph.initializer)
    return list(dict.fromkeys(n for node in nodes for n in node.input if n and n not in known))
