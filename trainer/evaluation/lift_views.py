"""Test views and the simple baselines of the lifter's table."""

from dataclasses import dataclass

import numpy as np
import torch

from trainer.data import coco_to_mocap, mocap
from trainer.data.views import ViewSampler, random_camera
from trainer.layers import lift_geometry as geometry

NOISE = 0.01  # of the unit: 7 mm on the body
_SEED = 3
_BANK_VIEWS = 40_000
_CHUNK = 512


@dataclass(frozen=True)
class TestViews:
    """One random view of every test pose.

    Attributes:
        image: (N,17,2) float32, image space in units, mocap order, with joint noise.
        coco: (N,17,2) float32, the same views as COCO-17 keypoints, with joint noise.
        points: (N,17,3) float32, mm, camera space.
        clip: (N,) index into `clip_ids`.
    """

    image: np.ndarray
    coco: np.ndarray
    points: np.ndarray
    clip: np.ndarray
    clip_ids: np.ndarray


def views(
    poses: mocap.MocapPoses,
    noise: float = NOISE,
    distance: float = geometry.CAMERA_DISTANCE,
    every: int = 1,
) -> TestViews:
    """Seeded views: azimuth all round, elevation within 20 degrees, `distance` units away."""
    generator = torch.Generator().manual_seed(_SEED)
    poses = poses.take(np.arange(0, len(poses), every))
    coco = coco_to_mocap.from_mocap(poses.poses)
    figures = torch.from_numpy(np.concatenate([poses.poses, coco], axis=1)) / mocap.UNIT_MM
    points = random_camera(figures, generator)  # (N, 34, 3)
    image = geometry.project(points, distance)
    image = image + noise * torch.randn(image.shape, generator=generator)
    return TestViews(
        image[:, :17].numpy(),
        image[:, 17:].numpy(),
        points[:, :17].numpy() * mocap.UNIT_MM,
        poses.clip,
        poses.clip_ids,
    )


def flat(image: np.ndarray) -> np.ndarray:
    """Lifts without depth: (N,17,2) to (N,1,17,3)."""
    return np.concatenate([image, np.zeros_like(image[..., :1])], axis=-1)[:, None]


def mean_pose(train: mocap.MocapPoses, count: int) -> np.ndarray:
    """The weighted mean of the training poses, all turned to face +Z: (count,1,17,3)."""
    left = train.poses[:, 4] - train.poses[:, 1]
    angle = np.arctan2(left[:, 2], left[:, 0])
    c, s = np.cos(angle), np.sin(angle)
    x, y, z = np.moveaxis(train.poses, -1, 0)  # each (N, 17)
    turned = np.stack([c[:, None] * x + s[:, None] * z, y, c[:, None] * z - s[:, None] * x], -1)
    mean = np.einsum("n,njk->jk", train.weights(), turned)
    mean = mean * np.array([1.0, -1.0, -1.0])  # to camera space: y down, z away
    return np.broadcast_to(mean, (count, 1, 17, 3))


def nearest_neighbour(train: mocap.MocapPoses, image: np.ndarray) -> np.ndarray:
    """Depth of the nearest of 40,000 training views, x and y of the input: (N,1,17,3)."""
    torch.manual_seed(_SEED)
    sampler = ViewSampler(train.poses, train.weights(), 0.0, 0.0, 0.0)
    bank_image, bank_points = sampler.views(_BANK_VIEWS)
    bank, bank_scale = _scaled(bank_image)
    query, scale = _scaled(torch.from_numpy(image))
    depth = bank_points[..., 2] / bank_scale
    rows = torch.cat([torch.cdist(q, bank).argmin(1) for q in query.split(_CHUNK)])
    lifted = geometry.unproject(torch.from_numpy(image) / scale[..., None], depth[rows])
    return lifted.numpy()[:, None]


def _scaled(image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    scale = image.square().sum(-1).mean(-1, keepdim=True).sqrt()  # (N, 1)
    return (image / scale[..., None]).flatten(1), scale
