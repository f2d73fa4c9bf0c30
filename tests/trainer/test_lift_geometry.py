"""The lifter's geometry against closed forms."""

import math

import pytest
import torch

from trainer.layers import lift_geometry as geometry


def test_unproject_undoes_project() -> None:
    points = torch.randn(5, 17, 3)
    image = geometry.project(points)
    assert torch.allclose(geometry.unproject(image, points[..., 2]), points, atol=1e-5)


def test_projection_shrinks_what_is_far() -> None:
    near, far = torch.tensor([1.0, 2.0, 0.0]), torch.tensor([1.0, 2.0, 10.0])
    assert geometry.project(near).tolist() == [1.0, 2.0]
    assert geometry.project(far).tolist() == [0.5, 1.0]


def test_quarter_turn() -> None:
    point = torch.tensor([[[1.0, 2.0, 3.0]]])
    turned = geometry.turn(point, torch.tensor([math.pi / 2]))
    assert torch.allclose(turned, torch.tensor([[[3.0, 2.0, -1.0]]]), atol=1e-6)


def test_camera_above_sees_the_head_nearer() -> None:
    head = torch.tensor([[[0.0, -1.0, 0.0]]])
    tilted = geometry.tilt(head, torch.tensor([0.3]))
    assert tilted[0, 0, 2].item() == pytest.approx(-math.sin(0.3), abs=1e-6)
    assert torch.allclose(geometry.tilt(tilted, torch.tensor([-0.3])), head, atol=1e-6)


def test_normalise_ignores_place_and_scale() -> None:
    points, mask = torch.randn(4, 17, 2), torch.ones(4, 17)
    mask[1, 5:] = 0
    mask[2, 0] = 0
    spread = geometry.pair_spread(torch.randn(64, 17, 2))
    first = geometry.normalise(points, mask, spread)[0]
    second = geometry.normalise(points * 37 + 400, mask, spread)[0]
    assert torch.allclose(first, second, atol=1e-4)


def test_half_a_body_is_as_large_as_in_the_whole() -> None:
    bodies = torch.randn(4000, 17, 2) * torch.linspace(0.1, 3, 17)[:, None]
    spread = geometry.pair_spread(bodies)
    whole, half = torch.ones(4000, 17), torch.ones(4000, 17)
    half[:, 9:] = 0
    scales = [geometry.normalise(bodies, m, spread)[2].square().mean() for m in (whole, half)]
    assert scales[0].item() == pytest.approx(1.0, abs=0.02)
    assert scales[1].item() == pytest.approx(1.0, abs=0.05)


def test_one_joint_or_none_stays_finite() -> None:
    mask = torch.zeros(2, 17)
    mask[0, 4] = 1
    spread = torch.ones(17, 17) - torch.eye(17)
    points, _, scale = geometry.normalise(torch.randn(2, 17, 2) * 100, mask, spread)
    assert torch.isfinite(points).all() and (scale == 1).all()


def test_pair_spread_of_two_joints() -> None:
    points = torch.tensor([[[0.0, 0.0], [3.0, 4.0]], [[1.0, 1.0], [1.0, 2.0]]])
    assert geometry.pair_spread(points).tolist() == [[0.0, 13.0], [13.0, 0.0]]


def test_head_normalisation_survives_foreshortening() -> None:
    points = torch.randn(3, 17, 2)
    points[0, 10] = points[0, 0]
    moved, _, _ = geometry.normalise_by_head(points, 0, 10)
    assert moved.abs().max() < 20
    assert torch.equal(moved[:, 0], torch.zeros(3, 2))
