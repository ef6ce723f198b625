"""Writes the trained network as a small ONNX file and runs it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from training.turn_model.network import LastAnswer, TurnNetwork


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


def read_back(path: Path, network: TurnNetwork) -> None:
    """Load an exported model's weights into a network of two kinds of layer: GRUs and norms.

    Args:
        path: of a model that `export` wrote, for a network of the same shape.
        network: gets the weights, which int8 has made a little coarser than they were.
    """
    graph = onnx.load(path).graph
    stored = {
        tensor.name.removeprefix("network."): numpy_helper.to_array(tensor)
        for tensor in graph.initializer
    }
    state = network.state_dict()
    for name in state:
        values = stored.get(name)
        if values is None and f"{name}_quantized" in stored:
            scale, zero = stored[f"{name}_scale"], stored[f"{name}_zero_point"]
            values = (stored[f"{name}_quantized"] - zero.astype(np.float32)) * scale
            values = values.T if name.startswith("head") else values
        if values is not None:
            state[name] = torch.tensor(np.ascontiguousarray(values))
    recurrent = [node for node in graph.node if node.op_type == "GRU"]
    for layer, node in enumerate(recurrent):
        inputs, hidden = (
            stored[f"{name}.int8"][0] * stored[f"{name}.scale"][:, None] for name in node.input[1:3]
        )
        biases = np.split(stored[node.input[3]][0], 2)
        parts = {"weight_ih_l0": inputs, "weight_hh_l0": hidden,
                 "bias_ih_l0": biases[0], "bias_hh_l0": biases[1]}  # fmt: skip
        for part, values in parts.items():
            update, reset, new = np.split(values, 3)  # ONNX's order; PyTorch's begins with reset
            state[f"blocks.{layer}.gru.{part}"] = torch.tensor(
                np.concatenate((reset, update, new)).astype(np.float32)
            )
    network.load_state_dict(state)


def logits_of(path: Path, rows: Sequence[Sequence[int]]) -> np.ndarray:
    """What the exported model answers to each row, shape (rows,), one by one as at run time."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    answers = [session.run(None, {"tokens": np.array([row], np.int64)})[0][0] for row in rows]
    return np.array(answers, np.float64)
