"""Small ONNX files for tests: constants, or filters that look for colours."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_TYPES = {
    "float32": TensorProto.FLOAT,
    "float16": TensorProto.FLOAT16,
    "uint8": TensorProto.UINT8,
    "int64": TensorProto.INT64,
}


def save(
    path: Path,
    inputs: dict[str, tuple[str, list[Any]]],
    outputs: list[tuple[str, str, list[Any]]],
    nodes: list[Any],
    constants: dict[str, np.ndarray] | None = None,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Write a checked model; shapes may hold names for open sides."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(n, _TYPES[t], s) for n, (t, s) in inputs.items()],
        [helper.make_tensor_value_info(n, _TYPES[t], s) for n, t, s in outputs],
        [numpy_helper.from_array(v, n) for n, v in (constants or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    if metadata:
        helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def constant(
    path: Path,
    outputs: dict[str, np.ndarray],
    shape: list[Any] | None = None,
    dtype: str = "float32",
    metadata: dict[str, str] | None = None,
    input_name: str = "input",
) -> Path:
    """A model that always answers the same."""
    nodes = [helper.make_node("Identity", [f"{n}_value"], [n]) for n in outputs]
    ports = [(n, str(v.dtype), list(v.shape)) for n, v in outputs.items()]
    return save(
        path,
        {input_name: (dtype, shape or [1, 3, 64, 48])},
        ports,
        nodes,
        {f"{n}_value": v for n, v in outputs.items()},
        metadata,
    )


def colour_pose(
    path: Path,
    channels: list[int],
    shape: list[Any],
    *,
    dtype: str = "float32",
    channels_last: bool = False,
    metadata: dict[str, str] | None = None,
    gain: float = 1.0,
) -> Path:
    """Heatmaps of a quarter of the crop: joint k is where input channel `channels[k]` is high.

    Pixel i of a map looks at pixel 4 i of the crop, as models trained with MSRA's code do.
    """
    reach = np.arange(-8, 9)
    spot = np.exp(-(reach[:, None] ** 2 + reach[None] ** 2) / 18.0)
    weight = np.zeros((len(channels), 3, 17, 17), np.float32)
    for joint, channel in enumerate(channels):
        weight[joint, channel] = gain * spot / spot.sum()
    nodes, last = [], "input"
    if dtype != "float32":
        nodes.append(helper.make_node("Cast", [last], ["cast"], to=TensorProto.FLOAT))
        last = "cast"
    if channels_last:
        nodes.append(helper.make_node("Transpose", [last], ["first"], perm=[0, 3, 1, 2]))
        last = "first"
    end = "planes" if channels_last else "heatmaps"
    nodes.append(
        helper.make_node("Conv", [last, "weight"], [end], strides=[4, 4], pads=[8, 8, 8, 8])
    )
    if channels_last:
        nodes.append(helper.make_node("Transpose", [end], ["heatmaps"], perm=[0, 2, 3, 1]))
    return save(
        path,
        {"input": (dtype, shape)},
        [("heatmaps", "float32", ["n", "a", "b", "c"])],
        nodes,
        {"weight": weight},
        metadata,
    )
