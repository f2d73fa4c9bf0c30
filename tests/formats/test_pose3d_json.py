"""3D poses as JSON: exact to a micrometre, in both spaces, and strict when read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from poseapp.core.camera import pose3d_to_world
from poseapp.core.errors import DocumentError, FormatError
from poseapp.core.pose import Pose3D
from poseapp.core.skeleton import MOCAP_17
from poseapp.formats import pose3d_json


def _pose(seed: int) -> Pose3D:
    rng = np.random.default_rng(seed)
    joints = rng.normal(0.0, 400.0, (17, 3))
    return Pose3D(joints - joints[0], 0.2)


def test_poses_come_back(tmp_path: Path) -> None:
    poses = [_pose(0), _pose(1)]
    pose3d_json.save(poses, tmp_path / "a.json", names=["Ann", "Bob"], fps=24)
    back = pose3d_json.load(tmp_path / "a.json")
    for pose, other in zip(poses, back, strict=True):
        assert np.abs(pose.joints - other.joints).max() < 1e-3
        assert other.elevation == pytest.approx(0.2)


def test_both_spaces_and_the_joints_names_are_there(tmp_path: Path) -> None:
    pose = _pose(2)
    pose3d_json.save([pose], tmp_path / "a.json", names=["嘉 😀"])
    content = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert content["unit"] == "mm"
    assert content["skeleton"]["joints"] == list(MOCAP_17.joints)
    row = content["poses"][0]
    assert row["name"] == "嘉 😀"
    assert np.allclose(row["world"], pose3d_to_world(pose), atol=1e-3)
    assert np.allclose(row["camera"], pose.joints, atol=1e-3)
    assert min(y for _, y, _ in row["world"]) == pytest.approx(0.0, abs=1e-3)


def test_people_keep_their_places() -> None:
    world = pose3d_to_world(_pose(3)) + np.array([500.0, 0.0, 0.0])
    content = pose3d_json.to_dict([_pose(3)], worlds=[world])
    assert np.allclose(content["poses"][0]["world"], world, atol=1e-3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not whole JSON"),
        ("[]", "not a 3D pose file"),
        ('{"format": "poseapp-3d", "version": 9}', "newer PoseApp"),
        ('{"format": "poseapp-3d", "version": 1, "skeleton": {"joints": ["a"]}}', "joints"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(FormatError, match=words) as caught:
        pose3d_json.load(path)
    assert "other.json" in str(caught.value)


@pytest.mark.parametrize("camera", [[[0, 0, 0]] * 16, "far away", [[0, "x", 0]] * 17, None])
def test_a_broken_pose_is_named(tmp_path: Path, camera: object) -> None:
    content = pose3d_json.to_dict([_pose(0), _pose(1)])
    content["poses"][1]["camera"] = camera
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content))
    with pytest.raises(FormatError, match="pose 2"):
        pose3d_json.load(path)


def test_nothing_to_write_and_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="lift a pose first"):
        pose3d_json.to_dict([])
    with pytest.raises(DocumentError, match=r"gone\.json"):
        pose3d_json.load(tmp_path / "gone.json")
