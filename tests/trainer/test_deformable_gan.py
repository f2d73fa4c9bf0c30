"""The deformable GAN in all its rows: shapes, gradients, and what each switch does."""

from dataclasses import replace

import pytest
import torch

from trainer.layers.adversarial_blocks import Attention, Gate, fold_spectral, spectral
from trainer.layers.limb_flow import LimbFlow, resized_places
from trainer.layers.limb_warps import base_grid, limb_warps, sample
from trainer.layers.pose_maps import gaussian_maps
from trainer.models.deformable_gan import (
    DeformableGan,
    DeformableGanConfig,
    Discriminator,
    DiscriminatorConfig,
)

SIZE = (64, 32)
TINY = DeformableGanConfig(size=SIZE, widths=(4, 8, 12, 16), sigma=3.0)
OURS = replace(
    TINY, scales=3, blocks=1, parts=True, flow=True, memory=True, mask_head=True, copy=True
)
ROWS = {
    "unet": replace(TINY, streams=1, deformable=False),
    "deformable": TINY,
    "stacked": replace(TINY, scales=3, attention="gate"),
    "spectral": replace(TINY, spectral_norm=True),
    "attention": replace(TINY, attention="self", spectral_norm=True),
    "ours": OURS,
}
STANDING = torch.tensor(
    [
        [16, 10, 2], [17, 9, 2], [15, 9, 2], [18, 9, 2], [14, 9, 2],
        [21, 17, 2], [11, 17, 2], [23, 25, 2], [9, 25, 2], [23, 32, 2], [8, 32, 2],
        [19, 33, 2], [13, 33, 2], [19, 45, 2], [13, 45, 2], [19, 56, 2], [13, 56, 2],
    ],
    dtype=torch.float32,
)  # fmt: skip


def people(count: int = 2) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Pictures, poses and other poses."""
    torch.manual_seed(0)
    shake = torch.tensor([1.5, 1.5, 0.0])
    poses = [STANDING + torch.randn(count, 17, 3) * shake for _ in range(2)]
    return torch.rand(count, 3, *SIZE) * 2 - 1, poses[0], poses[1]


def open_gates(net: torch.nn.Module) -> None:
    """Give attention and the learnt warp something to do: they start at zero."""
    for module in net.modules():
        if isinstance(module, Attention):
            torch.nn.init.constant_(module.gamma, 0.5)
        if isinstance(module, LimbFlow):
            torch.nn.init.normal_(module.last.weight, std=0.05)


@pytest.mark.parametrize("row", ROWS)
def test_shapes_and_gradients(row: str) -> None:
    net = DeformableGan(ROWS[row])
    open_gates(net)
    image, pose, target = people()
    out = net(image, pose, target)
    sizes = [(16, 8), (32, 16), (64, 32)][-ROWS[row].scales :]
    assert [tuple(i.shape[-2:]) for i in out.images] == sizes
    assert all(float(i.detach().abs().max()) <= 1 for i in out.images)
    loss = sum((i * torch.randn_like(i)).sum() for i in out.images)
    if out.mask is not None:
        assert out.mask.shape == (2, 1, *SIZE)
        loss = loss + (out.mask * torch.randn_like(out.mask)).sum()
    loss.backward()
    without = [n for n, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    # A key's bias moves all scores of a row alike; a bias before a norm is taken out again.
    known = ("key.bias", ".down.", ".conv.bias", ".first.bias")
    assert [n for n in without if not any(k in n for k in known)] == []
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in net.parameters())


@pytest.mark.parametrize("row", ["unet", "attention", "ours"])
def test_the_photos_part_can_be_kept_for_other_poses(row: str) -> None:
    net = DeformableGan(ROWS[row]).eval()
    image, pose, target = people()
    whole = net(image, pose, target)
    source = net.encode(image, pose)
    net.render(source, pose)
    again = net.render(source, target)
    assert torch.equal(whole.images[-1], again.images[-1])
    assert not torch.equal(whole.images[-1], net.render(source, pose).images[-1])


def test_the_warp_moves_what_the_photo_shows() -> None:
    image, pose, _ = people(1)
    target = pose + torch.tensor([3.0, 0.0, 0.0])
    moved, still = (DeformableGan(replace(TINY, deformable=d)).eval() for d in (True, False))
    still.load_state_dict(moved.state_dict())
    features = moved.encode(image, pose).features[0]
    warps = limb_warps(pose, target, SIZE)
    brought = moved._bring(features, warps, None)
    torso = (warps.masks(*SIZE)[0, 1] == 1) & (
        warps.masks(*SIZE)[0, [0, *range(2, 10)]].amax(0) == 0
    )
    behind = warps.plan(*SIZE).background[0, 0] == 0
    expected = features.roll(3, -1).clamp_min(0)
    assert int((torso & behind).sum()) > 20
    difference = (brought - expected)[0][:, torso & behind].abs().max()
    assert float(difference.detach()) < 1e-3
    assert torch.equal(still._bring(features, warps, None), features)


def test_spectral_norm_is_one_and_stays_when_folded() -> None:
    torch.manual_seed(0)
    for conv in (torch.nn.Conv2d(6, 9, 3), torch.nn.ConvTranspose2d(6, 9, 4)):
        spectral(conv)
        for _ in range(40):
            weight = conv.weight.detach()
        if isinstance(conv, torch.nn.ConvTranspose2d):
            weight = weight.transpose(0, 1)
        largest = torch.linalg.matrix_norm(weight.flatten(1), 2)
        assert float(largest) == pytest.approx(1, abs=1e-2)
        conv.eval()
        x = torch.randn(1, 6, 8, 8)
        before = conv(x)
        fold_spectral(conv)
        assert torch.allclose(conv(x), before, atol=1e-4)
        assert "weight" in dict(conv.named_parameters())


def test_attention_starts_as_nothing_and_reaches_everywhere() -> None:
    torch.manual_seed(0)
    attention = Attention(8, 8, 64).eval()
    x = torch.randn(1, 8, 16, 16)
    assert torch.equal(attention(x), x)
    torch.nn.init.constant_(attention.gamma, 1.0)
    moved = x.clone()
    moved[:, :, 0, 0] += 3
    assert float((attention(moved) - attention(x))[0, :, 15, 15].abs().max().detach()) > 1e-6
    assert attention.received is not None and attention.received.shape == (1, 8, 8)
    assert float(attention.received.detach().sum()) == pytest.approx(1, abs=1e-4)


def test_the_gate_lets_through_what_the_code_says() -> None:
    gate = Gate(2, 1)
    with torch.no_grad():
        gate.gate.weight[:] = torch.tensor([20.0, -20.0]).view(2, 1, 1, 1)
        gate.gate.bias[:] = 0
    x = torch.ones(1, 2, 4, 4)
    out = gate(x, torch.ones(1, 1, 2, 2))
    assert torch.allclose(out[0, :, 0, 0], torch.tensor([2.0, 0.0]), atol=1e-4)
    assert torch.allclose(gate(x, torch.zeros(1, 1, 2, 2)), x)


def test_the_untrained_flow_follows_the_limbs() -> None:
    _, pose, _ = people(1)
    flow = LimbFlow(17, 4)
    target = pose + torch.tensor([4.0, 2.0, 0.0])
    warps = limb_warps(pose, target, SIZE)
    maps = gaussian_maps(target, SIZE, 32, 16, 3.0)
    places, near = flow(warps, maps, torch.rand(1, 4, 32, 16))
    expected = base_grid(32, 16) - torch.tensor([4.0 / 16, 2.0 / 32])
    assert float((places[0] - expected).abs().max().detach()) < 1e-3  # everywhere: one motion
    nobody = limb_warps(torch.zeros(1, 17, 3), target, SIZE)
    assert float(near[0, 0, 12, 9]) == 1 and float(near[0, 0, 0, 0]) == 0
    stays, near = flow(nobody, maps, torch.rand(1, 4, 32, 16))
    assert not near.any()
    assert float((stays[0] - base_grid(32, 16)).abs().max().detach()) < 1e-4


@pytest.mark.parametrize("size", [(64, 32), (32, 16), (8, 4)])
def test_places_are_the_same_at_other_sizes(size: tuple[int, int]) -> None:
    places = base_grid(16, 8)[None] * 0.5 + 0.1
    assert torch.allclose(
        resized_places(places, *size), base_grid(*size)[None] * 0.5 + 0.1, atol=1e-5
    )


def test_pixels_are_copied_where_the_net_says_so() -> None:
    net = DeformableGan(OURS).eval()
    image, pose, target = people(1)
    mask = torch.ones(1, 1, *SIZE)
    with torch.no_grad():
        net.heads[0].last.bias[-1] = 50.0
        net.heads[0].last.weight[-1] = 0.0
        out = net(image, pose, target, mask)
        assert out.copied is not None and out.warped is not None
        inside = out.copied > 0.999
        assert float(inside.float().mean()) > 0.2
        difference = (out.images[-1] - out.warped[:, :3]).abs() * inside
        assert float(difference.max()) < 5e-3
        assert net.flow is not None
        warps = limb_warps(pose, target, SIZE)
        half = [torch.nn.functional.avg_pool2d(t, 2) for t in
                (net.pose_maps(target, warps), torch.cat([image, mask], 1))]  # fmt: skip
        places = resized_places(net.flow(warps, *half)[0], *SIZE)
        assert torch.allclose(sample(image, places), out.warped[:, :3], atol=1e-4)


def test_gaussians_peak_at_the_joints_and_leave_out_the_missing() -> None:
    pose = STANDING.clone()[None]
    pose[0, 4, 2] = 0
    maps = gaussian_maps(pose, SIZE, 64, 32, 3.0)
    assert float(maps[0, 9, 32, 23]) == pytest.approx(1)
    assert float(maps[0, 9, 32, 26]) == pytest.approx(0.6065, abs=1e-3)
    assert not maps[0, 4].any()
    small = gaussian_maps(pose, SIZE, 32, 16, 3.0)
    pooled = torch.nn.functional.avg_pool2d(maps, 2)
    assert float((small - pooled).abs().max()) < 0.04


@pytest.mark.parametrize("attention", ["", "self"])
def test_discriminators_judge_each_scale(attention: str) -> None:
    config = DiscriminatorConfig(
        widths=(4, 8, 8, 8), scales=3, attention=attention, spectral_norm=bool(attention)
    )
    net = Discriminator(config)
    open_gates(net)
    image, pose, target = people()
    maps = [gaussian_maps(p, SIZE, *SIZE, 3.0) for p in (pose, target)]
    images = [torch.nn.functional.avg_pool2d(image, k) if k > 1 else image for k in (4, 2, 1)]
    logits = net(images, net.conditions(image, *maps))
    assert [tuple(x.shape) for x in logits] == [(2, 1, 4, 2)] * 3
    sum((x * torch.randn_like(x)).sum() for x in logits).backward()
    without = [n for n, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert [n for n in without if "key.bias" not in n and ".down." not in n] == []
    other = net(images, net.conditions(image, maps[1], maps[0]))
    assert not torch.allclose(logits[-1], other[-1])


@pytest.mark.parametrize(
    "wrong",
    [
        {"streams": 1},
        {"scales": 2},
        {"attention": "other"},
        {"copy": True},
        {"size": (60, 32)},
        {"memory": True, "streams": 1, "deformable": False, "flow": True},
    ],
)
def test_switches_that_contradict_each_other_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        DeformableGan(replace(TINY, **wrong))  # type: ignore[arg-type]
