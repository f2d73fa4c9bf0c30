"""Untrained models of the real classes, written as real weights files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trainer import artifact
from trainer import config as configs


def write_flow(path: Path, width: int = 32, blocks: int = 1) -> Path:
    """Weights of a small keypoint flow."""
    import torch

    from trainer.models.keypoint_flow import KeypointFlow, KeypointFlowConfig

    torch.manual_seed(0)
    config = KeypointFlowConfig(width=width, hidden=2 * width, blocks=blocks)
    net = KeypointFlow(config)
    extra = {"guidance": 1.5, "steps": 4}
    artifact.save(path, net.state_dict(), "keypoint_flow", configs.to_dict(config), extra)
    return path


def write_lifter(path: Path) -> Path:
    """Weights of a small lifter."""
    import torch

    from trainer.models.vae_gan_lifter import Lifter, LifterConfig

    torch.manual_seed(0)
    config = LifterConfig(hidden=32, latent=8)
    net = Lifter(config)
    artifact.save(path, net.state_dict(), "vae_gan_lifter", configs.to_dict(config), {})
    return path


def write_estimator(path: Path) -> Path:
    """Weights of a small pose estimator."""
    import torch

    from trainer.models.attention_hourglass import AttentionHourglass, AttentionHourglassConfig

    torch.manual_seed(0)
    config = AttentionHourglassConfig(input_px=64, stacks=1, features=16, depth=2, attention="")
    net = AttentionHourglass(config)
    artifact.save(path, net.state_dict(), "attention_hourglass", configs.to_dict(config), {})
    return path


def write_finder(path: Path, score: float = 0.0) -> Path:
    """Weights of a small person finder; with a score of 0 it sees somebody everywhere."""
    import torch

    from trainer.models.person_finder import PersonFinder, PersonFinderConfig

    torch.manual_seed(0)
    config = PersonFinderConfig(64, (4, 8, 8, 8, 8, 8), (1, 1, 1, 1, 1), 8)
    net = PersonFinder(config)
    extra = {"score": score}
    artifact.save(path, net.state_dict(), "person_finder", configs.to_dict(config), extra)
    return path


def write_transfer(path: Path) -> Path:
    """Weights of a small generator of people in new poses."""
    import torch

    from trainer.models.deformable_gan import DeformableGan, DeformableGanConfig

    torch.manual_seed(0)
    config = DeformableGanConfig(
        size=(64, 32), widths=(4, 8, 12, 16), sigma=3.0, scales=3, blocks=1, parts=True,
        attention="self", spectral_norm=True, mask_head=True,
    )  # fmt: skip
    net = DeformableGan(config)
    artifact.save(path, net.state_dict(), "deformable_gan", configs.to_dict(config), {})
    return path


def write_onnx_pose(path: Path) -> Path:
    """A pose model that averages its picture into 17 heatmaps."""
    onnx = pytest.importorskip("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto
    weight = np.random.default_rng(0).normal(size=(17, 3, 4, 4)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["input", "w"], ["heatmaps"], strides=[4, 4])],
        "pose",
        [helper.make_tensor_value_info("input", kinds.FLOAT, ["batch", 3, 64, 48])],
        [helper.make_tensor_value_info("heatmaps", kinds.FLOAT, ["batch", 17, 16, 12])],
        [onnx.numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(path))
    return path
