"""Writes the trained network as a small ONNX file and runs it; changes with the export format."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from scripts.turn_model.network import LastAnswer, TurnNetwork


def export(network: TurnNetwork, scratch: Path, path: Path) -> None:
    """Write `path` with embeddings and matrices in int8, the rest in float32.

    Args:
        network: trained; it is put into evaluation mode.
        scratch: where the float32 model is put on the way.
        path: where the int8 model is put.
    """
    model = LastAnswer(network).eval()
    torch.onnx.export(
        model,
        (torch.zeros((1, 12), dtype=torch.int64),),
        str(scratch),
        input_names=["tokens"],
        output_names=["logit"],
        dynamic_axes={"tokens": {1: "length"}},
        opset_version=17,
        dynamo=False,
    )
    quantize_dynamic(
        scratch, path, weight_type=QuantType.QInt8, per_channel=True,
        op_types_to_quantize=["Gather", "MatMul", "Gemm"],
    )  # fmt: skip
    exported = onnx.load(path)
    _store_recurrent_in_int8(exported.graph)
    onnx.checker.check_model(exported)
    onnx.save(exported, path)


def _store_recurrent_in_int8(graph: onnx.GraphProto) -> None:
    """Keep the matrices of GRUs, which onnxruntime cannot compute in int8, in int8 in the file.

    One scale for each row of each matrix (a gate of a unit); they are widened when they are used.
    """
    matrices = {name for node in graph.node if node.op_type == "GRU" for name in node.input[1:3]}
    widen: list[onnx.NodeProto] = []
    for stored in [tensor for tensor in graph.initializer if tensor.name in matrices]:
        values = numpy_helper.to_array(stored)  # (directions = 1, gates · units, inputs)
        scales = np.abs(values).max(axis=(0, 2)) / 127
        narrow = np.round(values / scales[None, :, None]).astype(np.int8)
        name = stored.name
        parts = {"int8": narrow, "scale": scales, "zero": np.zeros(len(scales), np.int8)}
        graph.initializer.remove(stored)
        graph.initializer.extend(
            numpy_helper.from_array(part, f"{name}.{suffix}") for suffix, part in parts.items()
        )
        inputs = [f"{name}.{suffix}" for suffix in parts]
        widen.append(helper.make_node("DequantizeLinear", inputs, [name], axis=1))
    nodes = [*widen, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def logits_of(path: Path, rows: Sequence[Sequence[int]]) -> np.ndarray:
    """What the exported model answers to each row, shape (rows,), one by one as at run time."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    answers = [session.run(None, {"tokens": np.array([row], np.int64)})[0][0] for row in rows]
    return np.array(answers, np.float64)
