"""Fixtures of the trainer's tests."""

import json
from pathlib import Path

import numpy as np
import pytest

_REST_MM = np.array(
    [
        [0, 0, 0],
        [-85, 0, 0],
        [-90, -420, 10],
        [-90, -840, -20],
        [85, 0, 0],
        [90, -420, 10],
        [90, -840, -20],
        [0, 220, -10],
        [0, 500, -20],
        [0, 630, 30],
        [0, 730, 0],
        [190, 500, -20],
        [200, 220, -30],
        [200, -40, 20],
        [-190, 500, -20],
        [-200, 220, -30],
        [-200, -40, 20],
    ],
    float,
)
_LIMBS = (([2, 3], 1), ([5, 6], 4), ([12, 13], 11), ([15, 16], 14))


@pytest.fixture(scope="session")
def mocap_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with 600 made-up people who swing their limbs to the front."""
    rng = np.random.default_rng(0)
    count = 600
    poses = np.repeat(_REST_MM[None], count, 0)
    for joints, root in _LIMBS:
        angle = rng.uniform(-0.3, 1.4, count)
        moved = poses[:, joints] - poses[:, [root]]
        y, z = moved[..., 1].copy(), moved[..., 2].copy()
        c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
        moved[..., 1], moved[..., 2] = c * y + s * z, c * z - s * y
        poses[:, joints] = poses[:, [root]] + moved
    azimuth = rng.uniform(-np.pi, np.pi, count)[:, None]
    x, y, z = np.moveaxis(poses, -1, 0)
    c, s = np.cos(azimuth), np.sin(azimuth)
    poses = np.stack([c * x + s * z, y, c * z - s * x], -1)
    subject = np.array(["cmu_01", "cmu_02", "cmu_49", "cmu_03", "hdm05_bd", "x_99"])
    folder = tmp_path_factory.mktemp("data") / "mocap"
    folder.mkdir()
    raw = np.round(poses * 10).astype(np.int16)
    np.savez(
        folder / "poses3d.npz",
        poses=raw,
        poses_knee_corrected=raw,
        clip=np.repeat(np.arange(6), 100).astype(np.int16),
        clip_ids=np.array([f"clip_{i}" for i in range(6)]),
        subject=np.repeat(subject, 100),
        source=np.repeat(np.where(subject == "hdm05_bd", "hdm05", "cmu_amc"), 100),
    )
    clips = [{"id": f"clip_{i}", "text": {"cmu": "walk"}} for i in range(4)]
    (folder / "clips.json").write_text(json.dumps(clips), "utf-8")
    return folder.parent
