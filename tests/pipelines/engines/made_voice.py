"""Makes a tiny Piper voice that hums its phonemes.

The inputs and outputs are those of Piper's VITS networks, lengths and speakers do what they do
there; each phoneme is a tone. The ONNX file is written field by field, as onnx.proto3 numbers them
(https://github.com/onnx/onnx): that is less than the `onnx` package would be to depend on.
"""

import json
from pathlib import Path

import numpy as np

SAMPLE_RATE, HOP, REPEATS = 22050, 128, 4
QUIET = (1, 2)  # the marks of beginning and end
FLOAT, INT64 = 1, 7


def make_voice(folder: Path, speakers: int = 1) -> Path:
    """Write the voice's folder: NAME.onnx and NAME.onnx.json."""
    from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP  # noqa: PLC0415 (heavy)

    folder.mkdir(parents=True)
    symbols = 1 + max(ids[0] for ids in DEFAULT_PHONEME_ID_MAP.values())
    (folder / "voice.onnx").write_bytes(_model(symbols, speakers))
    config = {
        "audio": {"sample_rate": SAMPLE_RATE, "quality": "medium"},
        "espeak": {"voice": "en-us"},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
        "num_symbols": symbols,
        "num_speakers": speakers,
        "speaker_id_map": {f"speaker{n}": n for n in range(speakers)} if speakers > 1 else {},
    }
    (folder / "voice.onnx.json").write_text(json.dumps(config), "utf-8")
    return folder


def _model(symbols: int, speakers: int) -> bytes:
    time = np.arange(HOP) / HOP
    cycles = 1 + np.arange(symbols) % 12
    tones = 0.3 * np.sin(2 * np.pi * cycles[:, None] * time)
    tones[list(QUIET)] = 0.0
    gains = np.linspace(1.0, 0.5, speakers, dtype=np.float32)
    many = speakers > 1
    nodes = [
        _node("Gather", ["tones", "input"], "hops"),
        _node("Gather", ["scales", "second"], "length_scale"),
        _node("Mul", ["length_scale", "repeats"], "wanted"),
        _node("Round", ["wanted"], "rounded"),
        _node("Cast", ["rounded"], "count", to=INT64),
        _node("Concat", ["ones", "count"], "tiling", axis=0),
        _node("Tile", ["hops", "tiling"], "tiled"),
        *([_node("Gather", ["gains", "sid"], "gain")] if many else []),
        *([_node("Mul", ["tiled", "gain"], "said")] if many else []),
        _node("Reshape", ["said" if many else "tiled", "shape"], "output"),
    ]
    initializers = {
        "tones": tones.astype(np.float32),
        "gains": gains,
        "second": np.array([1], np.int64),
        "repeats": np.array([REPEATS], np.float32),
        "ones": np.array([1, 1], np.int64),
        "shape": np.array([1, 1, 1, -1], np.int64),
    }
    inputs = [("input", INT64, 2), ("input_lengths", INT64, 1), ("scales", FLOAT, 1)]
    inputs += [("sid", INT64, 1)] if many else []
    graph = b"".join(
        [
            *(_bytes(1, node) for node in nodes),
            _bytes(2, b"voice"),
            *(_bytes(5, _tensor(name, array)) for name, array in initializers.items()),
            *(_bytes(11, _value(*each)) for each in inputs),
            _bytes(12, _value("output", FLOAT, 4)),
        ]
    )
    return _int(1, 8) + _bytes(7, graph) + _bytes(8, _int(2, 15))


def _node(operator: str, inputs: list[str], output: str, **attributes: int) -> bytes:
    return b"".join(
        [
            *(_bytes(1, name.encode()) for name in inputs),
            _bytes(2, output.encode()),
            _bytes(4, operator.encode()),
            *(
                _bytes(5, _bytes(1, name.encode()) + _int(3, value) + _int(20, 2))
                for name, value in attributes.items()
            ),
        ]
    )


def _tensor(name: str, array: np.ndarray) -> bytes:
    dims = b"".join(_int(1, size) for size in array.shape)
    kind = _int(2, FLOAT if array.dtype == np.float32 else INT64)
    return dims + kind + _bytes(8, name.encode()) + _bytes(9, array.tobytes())


def _value(name: str, kind: int, rank: int) -> bytes:
    shape = b"".join(_bytes(1, _bytes(2, f"{name}{axis}".encode())) for axis in range(rank))
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, _int(1, kind) + _bytes(2, shape)))


def _int(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    groups = []
    while True:
        value, low = value >> 7, value & 0x7F
        groups.append(low | (0x80 if value else 0))
        if not value:
            return bytes(groups)
