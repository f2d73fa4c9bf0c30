"""VGG-19's first layers."""

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from trainer.errors import DataError
from trainer.layers.vgg import FILE, LAYERS, VggFeatures

_CHANNELS = {
    "conv1_1": (3, 64),
    "conv1_2": (64, 64),
    "conv2_1": (64, 128),
    "conv2_2": (128, 128),
    "conv3_1": (128, 256),
}


@pytest.fixture
def made_up(tmp_path: Path) -> Path:
    """A file of the right layout with random filters."""
    torch.manual_seed(0)
    tensors = {}
    for name, (inner, outer) in _CHANNELS.items():
        tensors[f"{name}.weight"] = torch.randn(outer, inner, 3, 3) * (2 / inner / 9) ** 0.5
        tensors[f"{name}.bias"] = torch.randn(outer) * 0.1
    tensors["conv1_1.weight"] /= 60
    path = tmp_path / "vgg.safetensors"
    save_file(tensors, path)
    return path


def test_features_are_those_of_the_files_own_convention(made_up: Path) -> None:
    images = torch.rand(2, 3, 16, 8) * 2 - 1
    found = VggFeatures(made_up)(images)
    tensors = load_file(made_up)
    x = (images.flip(1) + 1) * 127.5  # blue, green, red, 0 to 255
    x = x - torch.tensor([103.939, 116.779, 123.68]).view(1, 3, 1, 1)
    for name, features in zip(LAYERS, found, strict=True):
        if name in ("conv2_1", "conv3_1"):
            x = functional.max_pool2d(x, 2)
        x = functional.pad(x, (1, 1, 1, 1), mode="reflect")
        x = functional.conv2d(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"]).relu()
        assert torch.allclose(features, x, atol=1e-3)
    assert [tuple(f.shape[1:]) for f in found[1::2]] == [(64, 16, 8), (128, 8, 4)]


def test_only_what_is_asked_for_is_computed(made_up: Path) -> None:
    net = VggFeatures(made_up)
    images = torch.rand(1, 3, 16, 16, requires_grad=True)
    (one,) = net(images, ["conv1_2"])
    assert torch.equal(one, net(images)[1])
    one.sum().backward()
    assert images.grad is not None and bool(images.grad.any())
    assert not list(net.parameters())


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="vgg19_normalised"):
        VggFeatures(tmp_path / "nothing.safetensors")


@pytest.mark.data
def test_features_of_the_true_file_are_about_one() -> None:
    net = VggFeatures(Path(os.environ.get("POSEAPP_DATA", "data")) / FILE)
    torch.manual_seed(0)
    x = functional.interpolate(torch.rand(1, 3, 8, 8) * 2 - 1, (64, 64), mode="bicubic")
    for features in net(x.clamp(-1, 1)):
        assert 0.2 < float(features.mean()) < 5
