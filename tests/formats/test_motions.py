"""Motions from files: what is written comes back, other rigs are understood, faults are told."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from poseapp.core import kinematics, motion
from poseapp.core.camera import Camera, pose3d_to_world
from poseapp.core.document import Document, Person
from poseapp.core.errors import DocumentError
from poseapp.core.kinematics3d import procrustes, set_bone_lengths
from poseapp.core.pose import Pose2D, Pose3D
from poseapp.core.rig import mean_lengths
from poseapp.core.skeleton import MOCAP_17
from poseapp.core.standing import STANDING
from poseapp.formats import bvh, bvh_reader, motions, openpose
from poseapp.formats.files import write_bytes

PERSON = Pose2D(STANDING * 100.0 + 300.0)


def figure(elbow: float) -> Pose3D:
    joints = np.zeros((17, 3))
    for joint, height in {7: 250.0, 8: 500.0, 9: 610.0, 10: 720.0}.items():
        joints[joint] = 0.0, -height, 0.0
    joints[9, 2] = -60.0
    for hip, side in ((1, -1.0), (4, 1.0)):
        for step in range(3):
            joints[hip + step] = 120.0 * side, 420.0 * step, 0.0
    for shoulder, side in ((14, -1.0), (11, 1.0)):
        for step, reach in enumerate((180.0, 460.0, 710.0)):
            joints[shoulder + step] = reach * side, -500.0, 0.0
    joints[13] = joints[12] + 250.0 * np.array([math.cos(elbow), -math.sin(elbow), 0.0])
    return Pose3D(joints)


def test_what_is_written_comes_back() -> None:
    poses = [figure(elbow) for elbow in np.linspace(0.0, 1.5, 5)]
    found = bvh_reader.loads(bvh.to_text(poses, fps=25.0))
    assert found.fps == pytest.approx(25.0, rel=1e-4)
    want = np.stack([pose3d_to_world(pose) for pose in poses])
    want = set_bone_lengths(want, mean_lengths(want))
    assert found.joints.shape == want.shape
    for one, other in zip(found.joints, want, strict=True):
        assert np.abs(procrustes(one, other, scaled=False) - other).max() < 3.0


RIG = """HIERARCHY
ROOT mixamorig:Hips
{
 OFFSET 0 0 0
 CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
 JOINT mixamorig:Spine { OFFSET 0 20 0 CHANNELS 3 Zrotation Yrotation Xrotation
  JOINT mixamorig:Neck { OFFSET 0 30 0 CHANNELS 3 Zrotation Yrotation Xrotation
   JOINT mixamorig:Head { OFFSET 0 10 0 CHANNELS 3 Zrotation Yrotation Xrotation
    End Site { OFFSET 0 20 0 } } }
  JOINT mixamorig:LeftArm { OFFSET 18 28 0 CHANNELS 3 Zrotation Yrotation Xrotation
   JOINT mixamorig:LeftForeArm { OFFSET 28 0 0 CHANNELS 3 Zrotation Yrotation Xrotation
    JOINT mixamorig:LeftHand { OFFSET 25 0 0 CHANNELS 3 Zrotation Yrotation Xrotation } } }
  JOINT mixamorig:RightArm { OFFSET -18 28 0 CHANNELS 3 Zrotation Yrotation Xrotation
   JOINT mixamorig:RightForeArm { OFFSET -28 0 0 CHANNELS 3 Zrotation Yrotation Xrotation
    JOINT mixamorig:RightHand { OFFSET -25 0 0 CHANNELS 3 Zrotation Yrotation Xrotation } } } }
 JOINT mixamorig:LeftUpLeg { OFFSET 10 0 0 CHANNELS 3 Zrotation Yrotation Xrotation
  JOINT mixamorig:LeftLeg { OFFSET 0 -42 0 CHANNELS 3 Zrotation Yrotation Xrotation
   JOINT mixamorig:LeftFoot { OFFSET 0 -42 0 CHANNELS 3 Zrotation Yrotation Xrotation } } }
 JOINT mixamorig:RightUpLeg { OFFSET -10 0 0 CHANNELS 3 Zrotation Yrotation Xrotation
  JOINT mixamorig:RightLeg { OFFSET 0 -42 0 CHANNELS 3 Zrotation Yrotation Xrotation
   JOINT mixamorig:RightFoot { OFFSET 0 -42 0 CHANNELS 3 Zrotation Yrotation Xrotation } } }
}
MOTION
Frames: 2
Frame Time: 0.04
"""


def frame(**turns: float) -> str:
    """A line of 16 joints; `turns` are degrees about z by place in the file."""
    values = [0.0] * (6 + 15 * 3)
    values[1] = 100.0
    for name, angle in turns.items():
        values[6 + 3 * (int(name[1:]) - 1)] = angle
    return " ".join(map(str, values)) + "\n"


def test_a_rig_of_another_program() -> None:
    found = bvh_reader.loads(RIG + frame() + frame(_4=90.0), "dance.bvh")
    assert found.fps == pytest.approx(25.0)
    first, second = found.joints
    at = MOCAP_17.index
    assert first[at("L_Shoulder")] == pytest.approx([180.0, 1480.0, 0.0])
    assert first[at("L_Ankle")] == pytest.approx([100.0, 160.0, 0.0])
    assert first[at("L_Wrist")] == pytest.approx([710.0, 1480.0, 0.0])
    assert second[at("L_Elbow")] == pytest.approx([180.0, 1760.0, 0.0])  # the arm points upwards
    assert second[at("R_Wrist")] == pytest.approx(first[at("R_Wrist")])
    assert first[at("Nose"), 2] > 0  # the face is in front


def test_a_motion_in_3d_becomes_poses_that_a_person_can_do() -> None:
    found = bvh_reader.loads(RIG + frame() + frame(_4=90.0))
    camera = motions.view(found, Camera(elevation=0.0))
    seen = motion.seen_from(found.joints, camera, (600, 600))
    assert all(pose.present.all() for pose in seen)
    for pose in seen:
        assert pose.keypoints.min() > 0
        assert pose.keypoints.max() < 600
    done = motion.fitted(seen, PERSON)
    assert done[0].keypoints[[15, 16], 1].max() == pytest.approx(PERSON.keypoints[15:, 1].max())
    assert done[1].keypoints[9, 1] < done[1].keypoints[5, 1] - 50  # the left arm is up


@pytest.mark.parametrize(
    "text",
    [
        "",
        "HIERARCHY",
        RIG,
        RIG + frame(),
        RIG + frame() + "1 2 x",
        RIG.replace("LeftUpLeg", "Wheel") + frame() + frame(),
        RIG.replace("Zrotation", "Wrotation") + frame() + frame(),
        RIG.replace("OFFSET 0 20 0", "OFFSET 0 y 0") + frame() + frame(),
        RIG + frame() + frame().replace("100.0", "nan"),
    ],
)
def test_damaged_files_are_refused_in_words(text: str) -> None:
    with pytest.raises(DocumentError, match=r"dance\.bvh"):
        bvh_reader.loads(text, "dance.bvh")


def write(folder: Path, number: int, *poses: Pose2D) -> None:
    document = Document((800, 800), tuple(Person(pose) for pose in poses))
    write_bytes(folder / f"f_{number:04d}_keypoints.json", openpose.dump(document))


def test_a_folder_follows_one_person(tmp_path: Path) -> None:
    small = kinematics.scale(PERSON, 0.3, (700.0, 700.0))
    write(tmp_path, 0)
    for number in range(1, 4):
        moved = kinematics.translate(PERSON, (20.0 * number, 0.0))
        write(tmp_path, number, small, moved) if number % 2 else write(
            tmp_path, number, moved, small
        )
    write(tmp_path, 4)
    found = motions.load_folder(tmp_path)
    assert len(found) == 5
    xs = [pose.keypoints[0, 0] - PERSON.keypoints[0, 0] for pose in found]
    assert xs == pytest.approx([20.0, 20.0, 40.0, 60.0, 60.0], abs=0.01)


def test_a_folder_without_people_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError):
        motions.load_folder(tmp_path)
    with pytest.raises(DocumentError):
        motions.load_folder(tmp_path / "none")
    write(tmp_path, 0)
    with pytest.raises(DocumentError):
        motions.load_folder(tmp_path)
