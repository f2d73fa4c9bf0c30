"""Geometry of the lifter: camera, views, normalisation.

Camera space: x right, y down, z away from the camera, root (pelvis) at the origin, lengths in
units of `trainer.data.mocap.UNIT_MM`. The camera looks at the root from `CAMERA_DISTANCE` units;
image points are scaled so that a point at the root's depth keeps its x and y.
"""

import torch
from torch import Tensor

CAMERA_DISTANCE = 10.0
MAX_ELEVATION = torch.pi / 9  # paper 3, section 2.1.3


def project(points: Tensor, distance: float | Tensor = CAMERA_DISTANCE) -> Tensor:
    """Perspective projection: (..., 3) camera space to (..., 2) image space."""
    return points[..., :2] * (distance / (distance + points[..., 2:]))


def unproject(points: Tensor, depth: Tensor, distance: float = CAMERA_DISTANCE) -> Tensor:
    """The 3D points that `project` takes to `points`: (..., 2) and (...) depth to (..., 3)."""
    z = depth.unsqueeze(-1)
    return torch.cat([points * ((distance + z) / distance), z], dim=-1)


def turn(points: Tensor, azimuth: Tensor) -> Tensor:
    """Turn about the vertical axis: (B,J,3) by (B,) rad."""
    c, s = azimuth.cos()[:, None], azimuth.sin()[:, None]
    x, y, z = points.unbind(-1)
    return torch.stack([c * x + s * z, y, c * z - s * x], dim=-1)


def tilt(points: Tensor, elevation: Tensor) -> Tensor:
    """Level to camera space: (B,J,3) by (B,) rad; a positive elevation looks down on the figure."""
    c, s = elevation.cos()[:, None], elevation.sin()[:, None]
    x, y, z = points.unbind(-1)
    return torch.stack([x, c * y - s * z, s * y + c * z], dim=-1)


def pair_spread(points: Tensor) -> Tensor:
    """Mean squared distance of every two joints in images: (N,J,2) to (J,J)."""
    gaps = points[:, :, None] - points[:, None]
    return gaps.square().sum(-1).mean(0)


def normalise(points: Tensor, mask: Tensor, spread: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Centre and scale image points, whichever joints there are.

    The scale is the joints' root-mean-square distance from each other over what these same joints
    have on average, so that half a body comes out as large as it would within the whole one.

    Args:
        points: (B,J,2), any scale; values of absent joints do not matter.
        mask: (B,J) float, 1 = present; joint 0 is the root.
        spread: (J,J) of `pair_spread`.
    Returns:
        (B,J,2) normalised points (absent joints 0), (B,1,2) centre, (B,1,1) scale > 0.
    """
    points = points * mask.unsqueeze(-1)
    count = mask.sum(-1, keepdim=True).clamp_min(1.0)  # (B, 1)
    mean = points.sum(1) / count  # (B, 2)
    centre = torch.where(mask[:, :1] > 0, points[:, 0], mean).unsqueeze(1)  # (B, 1, 2)
    around = (points - mean.unsqueeze(1)) * mask.unsqueeze(-1)
    actual = 2.0 * count[:, 0] * around.square().sum((1, 2))  # (B,)
    expected = ((mask @ spread) * mask).sum(-1)  # (B,)
    ratio = actual / expected.clamp_min(1e-8)
    scale = torch.where(ratio > 1e-10, ratio, torch.ones_like(ratio)).sqrt()[:, None, None]
    return (points - centre) / scale * mask.unsqueeze(-1), centre, scale


def normalise_by_head(points: Tensor, root: int, head: int) -> tuple[Tensor, Tensor, Tensor]:
    """The paper's normalisation: root at the origin, root to head of unit length (section 2.1.1).

    The length is at least half the points' root-mean-square radius: it vanishes in views along it.
    """
    centre = points[:, root : root + 1]
    moved = points - centre
    length = moved[:, head].norm(dim=-1)
    radius = moved.square().sum(-1).mean(-1).sqrt()
    scale = torch.maximum(length, 0.5 * radius).clamp_min(1e-6)[:, None, None]
    return moved / scale, centre, scale
