"""BVH files, read back by a strict reader that knows the format's rules and not our rig."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseapp.core import rig
from poseapp.core.camera import pose3d_to_world
from poseapp.core.errors import DocumentError, FormatError
from poseapp.core.kinematics3d import set_bone_lengths
from poseapp.core.pose import Pose3D
from poseapp.core.skeleton import MOCAP_17
from poseapp.formats import bvh

# Which joint of the file lies on which of ours; a branch joint shares its place with its parent's.
_PLACES = {
    "Hips": "Pelvis", "Spine": "Torso", "Neck": "Neck", "Head": "Nose", "LeftArm": "L_Shoulder",
    "LeftForeArm": "L_Elbow", "LeftHand": "L_Wrist", "RightArm": "R_Shoulder",
    "RightForeArm": "R_Elbow", "RightHand": "R_Wrist", "LeftUpLeg": "L_Hip", "LeftLeg": "L_Knee",
    "LeftFoot": "L_Ankle", "RightUpLeg": "R_Hip", "RightLeg": "R_Knee", "RightFoot": "R_Ankle",
}  # fmt: skip


@dataclass
class Node:
    name: str
    offset: np.ndarray
    channels: list[str] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)


@dataclass
class Motion:
    root: Node
    frame_time: float
    frames: np.ndarray


def read(text: str) -> Motion:
    """Parse token by token; anything the format does not allow fails an assertion."""
    head, tail = text.split("MOTION\n")
    tokens = head.split()
    at = 0

    def take(*wanted: str) -> str:
        nonlocal at
        token = tokens[at]
        assert not wanted or token in wanted, f"{token} where one of {wanted} belongs"
        at += 1
        return token

    def numbers(count: int) -> np.ndarray:
        return np.array([float(take()) for _ in range(count)])

    def node(kind: str) -> Node:
        name = take()
        take("{")
        take("OFFSET")
        found = Node(name, numbers(3))
        if kind != "End":
            take("CHANNELS")
            count = int(take())
            assert count == (6 if kind == "ROOT" else 3)
            found.channels = [take() for _ in range(count)]
            while tokens[at] in ("JOINT", "End"):
                found.children.append(node(take()))
            assert found.children, f"{name} ends without an End Site"
        take("}")
        return found

    take("HIERARCHY")
    root = node(take("ROOT"))
    assert at == len(tokens)
    lines = tail.splitlines()
    label, count = lines[0].split(":")
    assert label == "Frames"
    label, seconds = lines[1].split(":")
    assert label == "Frame Time"
    frames = np.array([[float(value) for value in line.split()] for line in lines[2:]])
    assert frames.shape == (int(count), count_channels(root))
    return Motion(root, float(seconds), frames)


def count_channels(node: Node) -> int:
    return len(node.channels) + sum(count_channels(child) for child in node.children)


def places(motion: Motion, frame: int) -> dict[str, np.ndarray]:
    """World position of every joint of a frame, by the format's rules."""
    values = iter(motion.frames[frame])
    found: dict[str, np.ndarray] = {}

    def visit(node: Node, origin: np.ndarray, turned: np.ndarray) -> None:
        here = origin + turned @ node.offset
        turn, shift = np.eye(3), np.zeros(3)
        for channel in node.channels:
            value, axis = next(values), "XYZ".index(channel[0])
            if channel.endswith("position"):
                shift[axis] = value
            else:
                assert channel.endswith("rotation")
                turn = turn @ about(axis, np.radians(value))
        here = here + shift
        found[node.name if node.channels else f"end of {len(found)}"] = here
        for child in node.children:
            visit(child, here, turned @ turn)

    visit(motion.root, np.zeros(3), np.eye(3))
    return found


def about(axis: int, angle: float) -> np.ndarray:
    matrix = np.eye(3)
    one, other = (axis + 1) % 3, (axis + 2) % 3
    matrix[one, one] = matrix[other, other] = np.cos(angle)
    matrix[one, other], matrix[other, one] = -np.sin(angle), np.sin(angle)
    return matrix


def worst_error_mm(poses: list[Pose3D], motion: Motion) -> float:
    world = np.stack([pose3d_to_world(pose) for pose in poses])
    wanted = set_bone_lengths(world, rig.mean_lengths(world))
    wanted = wanted - wanted[:, :1]
    worst = 0.0
    for frame, joints in enumerate(wanted):
        there = places(motion, frame)
        for name, joint in _PLACES.items():
            place = (there[name] - there["Hips"]) * 1000.0
            worst = max(worst, np.abs(place - joints[MOCAP_17.index(joint)]).max())
    return worst


def figure(seed: int, wildness: float = 1.0) -> Pose3D:
    """A body of usual bone lengths in any position whatever."""
    rng = np.random.default_rng(seed)
    joints = np.zeros((17, 3))
    for joint, parent in enumerate(MOCAP_17.parents):
        if parent >= 0:
            rest = rig.rest_directions()[joint] * (1.0, -1.0, -1.0)
            way = rest + wildness * rng.normal(size=3)
            joints[joint] = joints[parent] + 250.0 * way / np.linalg.norm(way)
    return Pose3D(joints, rng.uniform(-0.3, 0.3))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.3, 1.0, 30.0]), st.integers(1, 4))
def test_any_position_survives(seed: int, wildness: float, count: int) -> None:
    poses = [figure(seed + k, wildness) for k in range(count)]
    motion = read(bvh.to_text(poses, fps=25))
    assert len(motion.frames) == count
    assert motion.frame_time == pytest.approx(0.04)
    assert worst_error_mm(poses, motion) < 0.2


@pytest.mark.data
def test_recorded_poses_survive(data_root: Path) -> None:
    with np.load(data_root / "mocap" / "poses3d.npz") as data:
        recorded = data["poses_knee_corrected"]
    rows = np.random.default_rng(4).choice(len(recorded), 200, replace=False)
    poses = [Pose3D(recorded[row] / 10.0 * (1.0, -1.0, -1.0)) for row in rows]
    motion = read(bvh.to_text(poses))
    assert worst_error_mm(poses, motion) < 0.2


@pytest.mark.data
def test_the_hands_and_feet_stay_outside_the_hips(data_root: Path) -> None:
    """The head's end is real: it is the top of the head, and Blender needs it to size the bone."""
    with np.load(data_root / "mocap" / "poses3d.npz") as data:
        joints = data["poses_knee_corrected"][5] / 10.0
    poses = [Pose3D(joints * (1.0, -1.0, -1.0))]
    ends = [place for name, place in places(read(bvh.to_text(poses)), 0).items() if "end" in name]
    assert len(ends) == 5
    assert max(end[1] for end in ends) * 1000 == pytest.approx(
        (joints[:, 1] - joints[:, 1].min()).max(), abs=80
    )


def test_channels_are_in_the_documented_order_and_numbers_have_six_digits() -> None:
    text = bvh.to_text([figure(1)])
    orders = {line.strip() for line in text.splitlines() if "CHANNELS" in line}
    assert orders == {
        "CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation",
        "CHANNELS 3 Zrotation Xrotation Yrotation",
    }
    numbers = text.splitlines()[-1].split()
    assert all(len(number.split(".")[1]) == 6 for number in numbers)
    assert "-0.000000" not in text


def test_no_bone_has_zero_length_for_blender() -> None:
    """Blender draws a bone from a joint to its child, or to the mean of its children."""
    motion = read(bvh.to_text([figure(2)]))

    def visit(node: Node) -> None:
        if node.children:
            tail = np.mean([child.offset for child in node.children], axis=0)
            assert np.linalg.norm(tail) > 1e-3, node.name
        for child in node.children:
            visit(child)

    visit(motion.root)


def test_a_figure_stands_on_the_ground_in_metres() -> None:
    poses = [figure(seed, 0.3) for seed in range(3)]
    motion = read(bvh.to_text(poses))
    in_cm = read(bvh.to_text(poses, unit="cm"))
    for frame in range(3):
        there = places(motion, frame)
        assert min(there[name][1] for name in _PLACES) == pytest.approx(0.0, abs=1e-4)
        assert places(in_cm, frame)["Head"] == pytest.approx(100.0 * there["Head"], abs=1e-3)


def test_a_standing_t_has_no_rotations() -> None:
    joints = np.zeros((17, 3))
    for joint, parent in enumerate(MOCAP_17.parents):
        if parent >= 0:
            joints[joint] = joints[parent] + 300.0 * rig.rest_directions()[joint]
    motion = read(bvh.to_text([Pose3D(joints * (1.0, -1.0, -1.0))]))
    assert np.abs(motion.frames[0, 3:]).max() < 1e-5


def test_a_somersault_goes_on_without_jumps() -> None:
    """Three turns in a row: angles grow past 180 degrees and never jump back by 360."""
    start = figure(3, 0.2).joints
    poses = []
    for angle in np.linspace(0.0, 6.0 * np.pi, 121):
        poses.append(Pose3D(start @ about(0, angle)))
    frames = read(bvh.to_text(poses, ground=False)).frames
    steps = np.abs(np.diff(frames[:, 3:], axis=0))
    assert (
        steps.max() < 100.0
    )  # where z and y turn about one line they change fast, but do not wrap
    assert worst_error_mm(poses, read(bvh.to_text(poses))) < 0.2


def test_the_torso_turns_with_hips_and_shoulders_and_limbs_do_not_twist() -> None:
    for seed in range(20):
        joints = pose3d_to_world(figure(seed))[None]
        local = rig.solve(joints)[0]
        names = [joint.name for joint in rig.RIG]
        hips, line = local[0], joints[0, 4] - joints[0, 1]
        spine = joints[0, 7] - joints[0, 0]
        across = line - (line @ spine) * spine / (spine @ spine)
        assert hips[:, 0] @ across == pytest.approx(np.linalg.norm(across), rel=1e-6)
        elbow = local[names.index("LeftForeArm")]
        axis = np.array([elbow[2, 1] - elbow[1, 2], elbow[0, 2] - elbow[2, 0]])
        assert abs(axis[0]) < 1e-9 or np.trace(elbow) < -0.99  # no turn about the bone's own axis


def test_nothing_and_nonsense_are_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="lift a pose first"):
        bvh.to_text([])
    with pytest.raises(FormatError, match="frames a second"):
        bvh.to_text([figure(1)], fps=0)
    with pytest.raises(FormatError, match="not in miles"):
        bvh.to_text([figure(1)], unit="miles")
    with pytest.raises(FormatError, match="no size"):
        bvh.to_text([Pose3D(np.zeros((17, 3)))])
    with pytest.raises(DocumentError, match=r"a\.bvh"):
        bvh.save([figure(1)], tmp_path / "no folder" / "a.bvh")


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    bvh.save([figure(1)], tmp_path / "a.bvh")
    assert read((tmp_path / "a.bvh").read_text("ascii")).frames.shape == (1, 63)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.bvh"]
