"""Limb rectangles, their affine transforms, masks and warps."""

import cv2
import numpy as np
import pytest
import torch

from trainer.layers import limb_warps as lw

SIZE = (128, 64)
STANDING = torch.tensor(
    [
        [32, 20, 2], [34, 18, 2], [30, 18, 2], [36, 19, 2], [28, 19, 2],
        [42, 34, 2], [22, 34, 2], [46, 50, 2], [18, 50, 2], [47, 64, 2], [17, 64, 2],
        [38, 66, 2], [26, 66, 2], [38, 90, 2], [26, 90, 2], [38, 112, 2], [26, 112, 2],
    ],
    dtype=torch.float32,
)  # fmt: skip


def moved(angle: float, scale: float, shift: tuple[float, float]) -> torch.Tensor:
    """The standing person turned about the middle of the picture, scaled and shifted."""
    c, s = np.cos(angle) * scale, np.sin(angle) * scale
    matrix = torch.tensor([[c, -s], [s, c]], dtype=torch.float32)
    middle = torch.tensor([31.5, 63.5])
    points = (STANDING[:, :2] - middle) @ matrix.T + middle + torch.tensor(shift)
    return torch.cat([points, STANDING[:, 2:]], 1)


def test_a_moved_person_gives_every_part_the_inverse_of_the_motion() -> None:
    target = moved(0.3, 0.8, (2.0, -3.0))
    warps = lw.limb_warps(STANDING[None], target[None], SIZE)
    assert bool(warps.present.all())
    c, s = np.cos(0.3) * 0.8, np.sin(0.3) * 0.8
    linear = torch.linalg.inv(torch.tensor([[c, -s], [s, c]], dtype=torch.float32))
    middle = torch.tensor([31.5, 63.5])
    offset = middle - linear @ (middle + torch.tensor([2.0, -3.0]))
    found = warps.matrices_px()[0]
    # The head's rectangle follows from the neck's direction and is turned and scaled with the rest.
    assert torch.allclose(found[:, :, :2], linear.expand(10, 2, 2), atol=2e-3)
    assert torch.allclose(found[:, :, 2], offset.expand(10, 2), atol=0.2)


def test_least_squares_agrees_with_opencv() -> None:
    rng = np.random.default_rng(0)
    start = rng.uniform(-1, 1, (5, 4, 2)).astype(np.float32)
    matrix = rng.uniform(-1, 1, (5, 2, 3)).astype(np.float32)
    end = start @ matrix[:, :, :2].transpose(0, 2, 1) + matrix[:, None, :, 2]
    found = lw.fit_affines(torch.from_numpy(start), torch.from_numpy(end)).numpy()
    for k in range(5):
        assert np.allclose(found[k], cv2.getAffineTransform(start[k, :3], end[k, :3]), atol=1e-3)
    noisy = end + rng.normal(0, 0.1, end.shape).astype(np.float32)
    found = lw.fit_affines(torch.from_numpy(start), torch.from_numpy(noisy)).numpy()
    for k in range(5):
        system = np.concatenate([start[k], np.ones((4, 1), np.float32)], 1)
        wanted = np.linalg.lstsq(system, noisy[k], rcond=None)[0].T
        assert np.allclose(found[k], wanted, atol=1e-3)


def test_a_line_of_corners_gives_finite_numbers() -> None:
    line = torch.tensor([[0.0, 0.0], [0.5, 0.5], [0.2, 0.2], [0.1, 0.1]])
    found = lw.fit_affines(line, line)
    assert bool(torch.isfinite(found).all()) and float(found.abs().max()) < 10
    assert torch.allclose(line @ found[:, :2].T + found[:, 2], line, atol=1e-3)


def test_warp_agrees_with_opencv_at_each_resolution() -> None:
    target = moved(-0.2, 0.9, (1.0, 2.0))
    warps = lw.limb_warps(STANDING[None], target[None], SIZE)
    rng = np.random.default_rng(1)
    for height, width in ((128, 64), (64, 32)):
        picture = cv2.GaussianBlur(rng.random((height, width)).astype(np.float32), (5, 5), 1.5)
        plan = warps.plan(height, width, overlaps=10)
        features = torch.from_numpy(picture)[None, None]
        shares = height / 128
        matrix = warps.matrices_px()[0, 1].numpy().astype(np.float64)  # the torso's
        # Centres at integers: the middle of pixel 0 lies half a pixel inside the picture.
        linear = matrix[:, :2].sum(1)
        matrix[:, 2] = shares * (matrix[:, 2] + 0.5 - linear / 2) + linear / 2 - 0.5
        y, x = np.mgrid[:height, :width].astype(np.float64)
        at = np.stack([x, y, np.ones_like(x)], -1) @ matrix.T
        # remap's own tables have 1/32 px; a float map of the smooth picture is within that.
        expected = cv2.remap(
            picture, at[..., 0].astype(np.float32), at[..., 1].astype(np.float32), cv2.INTER_LINEAR
        )
        mask = warps.masks(height, width)[0]
        alone = (mask[1] == 1) & (mask[[0, *range(2, 10)]].amax(0) == 0)
        assert int(alone.sum()) > 20 * shares**2
        # All parts share one motion here, and the background shines through where it is brighter.
        inside = alone & (warps.source_masks(height, width)[0].amax(0) == 1)
        found = plan.warp(features)[0, 0][inside].numpy()
        assert np.abs(found - expected[inside.numpy()]).max() < 0.02


def test_transforms_hold_at_every_resolution() -> None:
    target = moved(0.4, 0.7, (-4.0, 5.0))
    warps = lw.limb_warps(STANDING[None], target[None], SIZE)
    fine, coarse = warps.plan(128, 64, overlaps=10), warps.plan(32, 16, overlaps=10)
    wanted = lw.normalised((STANDING[5:7, :2].mean(0) + STANDING[11:13, :2].mean(0)) / 2, SIZE)
    middle = (target[5:7, :2].mean(0) + target[11:13, :2].mean(0)) / 2
    for plan, (height, width) in ((fine, (128, 64)), (coarse, (32, 16))):
        x, y = lw.base_grid(height, width).permute(2, 0, 1)
        # What each place of the source is called there is found at the middle of the target.
        found = plan.warp(torch.stack([x + 2, y + 2])[None])
        at = lw.sample(found, lw.normalised(middle, SIZE)[None, None, None])[0, :, 0, 0] - 2
        assert float((at - wanted).abs().max()) < 0.02


def test_fusion_is_the_maximum_of_the_masked_warps_and_the_background() -> None:
    torch.manual_seed(0)
    target = STANDING + torch.randn(17, 3) * torch.tensor([4.0, 4.0, 0.0])
    warps = lw.limb_warps(STANDING[None], target[None], SIZE)
    features = torch.randn(1, 6, 64, 32, requires_grad=True)
    masks = warps.masks(64, 32)
    grid = torch.cat([lw.base_grid(64, 32), torch.ones(64, 32, 1)], -1)
    layers = [features * (1 - warps.source_masks(64, 32).amax(1, keepdim=True))]
    for part in range(10):
        places = (grid @ warps.matrices[0, part].T)[None]
        layers.append(lw.sample(features, places) * masks[:, part, None])
    expected = torch.stack([*layers, torch.zeros_like(layers[0])]).amax(0)
    found = warps.plan(64, 32, overlaps=10).warp(features)
    assert torch.allclose(found, expected, atol=1e-4)
    weight = torch.randn_like(found)
    (wanted,) = torch.autograd.grad((expected * weight).sum(), features)
    (gradient,) = torch.autograd.grad((found * weight).sum(), features)
    assert torch.allclose(gradient, wanted, atol=1e-3)
    few = warps.plan(64, 32, overlaps=2).warp(features)
    few, expected = few.detach(), expected.detach()
    # Two parts a pixel are nearly all there are.
    assert float((few - expected).abs().mean()) < 0.02 * float(expected.abs().mean())


def test_channels_last_and_16_bits_change_nothing_but_precision() -> None:
    torch.manual_seed(0)
    warps = lw.limb_warps(STANDING[None], moved(0.2, 1.0, (0.0, 3.0))[None], SIZE)
    plan = warps.plan(32, 16)
    features = torch.randn(1, 8, 32, 16)
    found = plan.warp(features)
    last = plan.warp(features.to(memory_format=torch.channels_last))
    assert torch.allclose(found, last, atol=1e-6)
    half = plan.warp(features.bfloat16())
    assert half.dtype == torch.bfloat16
    assert float((half.float() - found).abs().max()) < 0.05


@pytest.mark.parametrize(("joint", "parts"), [(9, [3]), (13, [6, 7])])
def test_a_limb_that_the_target_lacks_has_an_empty_mask(joint: int, parts: list[int]) -> None:
    target = STANDING.clone()
    target[joint] = 0
    warps = lw.limb_warps(STANDING[None], target[None], SIZE)
    assert [k for k in range(10) if not warps.present[0, k]] == parts
    masks = warps.masks(64, 32)[0]
    assert float(masks[parts].abs().max()) == 0
    others = [k for k in range(10) if k not in parts]
    assert bool((masks[others].amax((1, 2)) > 0.5).all())


def test_a_limb_that_the_source_lacks_comes_from_the_other_side() -> None:
    source = STANDING.clone()
    source[9] = 0  # the left wrist
    warps = lw.limb_warps(source[None], STANDING[None], SIZE)
    assert bool(warps.present[0, 3])
    middle = (STANDING[7, :2] + STANDING[9, :2]) / 2
    found = warps.matrices_px()[0, 3] @ torch.cat([middle, torch.ones(1)])
    assert float((found - (STANDING[8, :2] + STANDING[10, :2]) / 2).abs().max()) < 1.5
    source[10] = 0
    warps = lw.limb_warps(source[None], STANDING[None], SIZE)
    assert not warps.present[0, 3] and not warps.present[0, 5]


def test_a_person_without_a_joint_leaves_only_background() -> None:
    nobody = torch.zeros(1, 17, 3)
    warps = lw.limb_warps(nobody, STANDING[None], SIZE)
    features = torch.rand(1, 3, 32, 16)
    assert not warps.present.any()
    assert torch.equal(warps.plan(32, 16).warp(features), features)
    assert bool(torch.isfinite(warps.matrices).all())


def test_the_torso_is_mirrored_when_a_person_turns_round() -> None:
    behind = STANDING.clone()
    for a, b in ((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16)):
        behind[[a, b]] = behind[[b, a]]
    warps = lw.limb_warps(STANDING[None], behind[None], SIZE)
    torso = warps.matrices_px()[0, 1]
    assert torch.allclose(torso[:, :2], torch.tensor([[-1.0, 0.0], [0.0, 1.0]]), atol=1e-3)


def test_masks_have_the_rectangles_area_and_edges_at_one_half() -> None:
    corners = torch.tensor([[10.0, 20.0], [10.0, 60.0], [30.0, 60.0], [30.0, 20.0]])
    masks = lw.rectangle_masks(lw.normalised(corners, SIZE)[None, None], 128, 64)[0, 0]
    assert abs(float(masks.sum()) - 20 * 40) < 2
    assert abs(float(masks[40, 10]) - 0.5) < 1e-4
    assert float(masks[40, 20]) == 1 and float(masks[40, 32]) == 0
    reverse = lw.rectangle_masks(lw.normalised(corners.flip(0), SIZE)[None, None], 128, 64)[0, 0]
    assert torch.allclose(masks, reverse, atol=1e-4)
