"""Poses written by hand, for when there is no motion capture, and for what it seldom holds.

Each is a few directions: of the trunk, of both arms, of both legs. Torch-free.
"""

from dataclasses import dataclass

import numpy as np

from trainer.data import mocap
from trainer.synthetic.turns import about, unit

Way = tuple[float, float, float]
_J = {name: i for i, name in enumerate(mocap.JOINTS)}
_X, _Y, _Z = np.eye(3)


@dataclass(frozen=True)
class Written:
    """A pose. Directions are (outwards, up, to the front), of any length.

    Attributes:
        left_arm, right_arm: upper arm, forearm.
        left_leg, right_leg: thigh, shin.
        trunk_deg: bend to the front, to the left, turn to the left.
        head_deg: the same, on top of the trunk's.
    """

    left_arm: tuple[Way, Way] = ((0.16, -1.0, -0.04), (0.05, -1.0, 0.16))
    right_arm: tuple[Way, Way] = ((0.16, -1.0, -0.02), (0.05, -1.0, 0.22))
    left_leg: tuple[Way, Way] = ((0.06, -1.0, 0.03), (0.03, -1.0, -0.04))
    right_leg: tuple[Way, Way] = ((0.06, -1.0, 0.04), (0.03, -1.0, -0.05))
    trunk_deg: Way = (0.0, 0.0, 0.0)
    head_deg: Way = (0.0, 0.0, 0.0)


_AKIMBO = ((0.72, -0.66, -0.3), (-0.72, -0.55, 0.36))
_SEAT = ((0.16, -0.12, 1.0), (0.0, -1.0, 0.1))

POSES: dict[str, Written] = {
    "standing": Written(),
    "standing_at_ease": Written(
        left_leg=((0.02, -1.0, 0.0), (-0.02, -1.0, -0.02)),
        right_leg=((0.22, -1.0, 0.14), (0.06, -1.0, -0.08)),
        trunk_deg=(0.0, 3.0, 4.0),
        head_deg=(4.0, -5.0, 10.0),
    ),
    "standing_wide": Written(
        left_leg=((0.2, -1.0, 0.03), (0.16, -1.0, -0.04)),
        right_leg=((0.2, -1.0, 0.03), (0.16, -1.0, -0.04)),
    ),
    "arms_crossed": Written(
        left_arm=((0.26, -1.0, 0.34), (-1.0, 0.3, 0.3)),
        right_arm=((0.26, -1.0, 0.5), (-1.0, 0.16, 0.22)),
        trunk_deg=(-2.0, 0.0, 0.0),
    ),
    "hands_on_hips": Written(left_arm=_AKIMBO, right_arm=_AKIMBO),
    "one_hand_on_hip": Written(
        left_arm=_AKIMBO,
        left_leg=((0.0, -1.0, 0.0), (-0.03, -1.0, -0.02)),
        right_leg=((0.2, -1.0, 0.1), (0.08, -1.0, -0.06)),
        trunk_deg=(0.0, 3.0, 0.0),
    ),
    "waving": Written(right_arm=((0.75, -0.3, 0.25), (0.25, 1.0, 0.3)), head_deg=(0.0, -4.0, -5.0)),
    "telephone": Written(
        right_arm=((0.6, -0.62, 0.5), (-0.75, 0.8, -0.25)), head_deg=(6.0, -8.0, 0.0)
    ),
    "reading_telephone": Written(
        left_arm=((0.14, -1.0, 0.3), (-0.3, 0.3, 1.0)),
        right_arm=((0.14, -1.0, 0.28), (-0.34, 0.2, 1.0)),
        head_deg=(26.0, 0.0, 0.0),
    ),
    "hand_at_chin": Written(
        left_arm=((0.26, -1.0, 0.24), (-1.0, 0.05, 0.55)),
        right_arm=((0.06, -0.9, 0.5), (-0.6, 0.85, 0.0)),
        head_deg=(8.0, -5.0, 0.0),
    ),
    "hands_behind_back": Written(
        left_arm=((0.36, -1.0, -0.36), (-0.85, -0.62, -0.16)),
        right_arm=((0.36, -1.0, -0.36), (-0.85, -0.54, -0.22)),
    ),
    "hands_clasped": Written(
        left_arm=((0.24, -1.0, 0.06), (-0.66, -0.66, 0.72)),
        right_arm=((0.24, -1.0, 0.06), (-0.62, -0.74, 0.72)),
    ),
    "hands_in_pockets": Written(
        left_arm=((0.34, -1.0, -0.3), (-0.12, -1.0, 0.42)),
        right_arm=((0.34, -1.0, -0.28), (-0.12, -1.0, 0.4)),
    ),
    "carrying_bag": Written(right_arm=((0.2, -1.0, 0.0), (0.08, -1.0, 0.05))),
    "pointing": Written(
        right_arm=((0.35, 0.05, 1.0), (0.25, 0.08, 1.0)), head_deg=(0.0, 0.0, -10.0)
    ),
    "arms_raised": Written(
        left_arm=((0.5, 1.0, 0.05), (0.2, 1.0, 0.1)),
        right_arm=((0.5, 1.0, 0.05), (0.25, 1.0, 0.1)),
    ),
    "walking": Written(
        left_arm=((0.14, -1.0, -0.36), (0.02, -1.0, -0.02)),
        right_arm=((0.14, -1.0, 0.22), (0.02, -0.9, 0.6)),
        left_leg=((0.04, -1.0, 0.44), (0.0, -1.0, 0.2)),
        right_leg=((0.02, -1.0, -0.22), (0.0, -0.9, -0.6)),
        trunk_deg=(2.0, 0.0, -5.0),
    ),
    "walking_passing": Written(
        left_arm=((0.14, -1.0, -0.1), (0.04, -1.0, 0.2)),
        right_arm=((0.14, -1.0, 0.0), (0.04, -1.0, 0.3)),
        left_leg=((0.03, -1.0, 0.04), (0.02, -1.0, -0.06)),
        right_leg=((0.02, -0.9, 0.38), (0.0, -0.7, -0.72)),
        trunk_deg=(3.0, 0.0, 0.0),
    ),
    "running": Written(
        left_arm=((0.2, -0.8, -0.7), (0.02, -0.5, 0.9)),
        right_arm=((0.2, -0.9, 0.36), (-0.4, 0.5, 0.9)),
        left_leg=((0.03, -0.6, 0.85), (0.0, -0.9, -0.5)),
        right_leg=((0.02, -1.0, -0.36), (0.0, -0.42, -0.9)),
        trunk_deg=(12.0, 0.0, -8.0),
        head_deg=(-8.0, 0.0, 6.0),
    ),
    "sitting": Written(
        left_arm=((0.18, -1.0, 0.3), (-0.1, -0.42, 1.0)),
        right_arm=((0.18, -1.0, 0.3), (-0.1, -0.42, 1.0)),
        left_leg=_SEAT,
        right_leg=_SEAT,
        trunk_deg=(4.0, 0.0, 0.0),
    ),
    "sitting_forward": Written(
        left_arm=((0.1, -0.8, 0.7), (-0.45, -0.5, 0.75)),
        right_arm=((0.1, -0.8, 0.7), (-0.45, -0.45, 0.75)),
        left_leg=((0.3, -0.05, 1.0), (0.02, -1.0, -0.05)),
        right_leg=((0.3, -0.05, 1.0), (0.02, -1.0, 0.12)),
        trunk_deg=(30.0, 0.0, 0.0),
        head_deg=(-22.0, 0.0, 0.0),
    ),
    "legs_crossed": Written(
        left_arm=((0.18, -1.0, 0.2), (-0.3, -0.5, 0.9)),
        right_arm=((0.18, -1.0, 0.2), (-0.35, -0.4, 0.9)),
        left_leg=((0.1, -0.1, 1.0), (0.0, -1.0, 0.05)),
        right_leg=((-0.12, 0.2, 1.0), (-0.42, -0.75, 0.5)),
        trunk_deg=(-4.0, 0.0, 3.0),
    ),
    "squatting": Written(
        left_arm=((0.1, -0.6, 0.8), (-0.25, -0.2, 1.0)),
        right_arm=((0.1, -0.6, 0.8), (-0.25, -0.25, 1.0)),
        left_leg=((0.32, -0.05, 1.0), (-0.08, -0.9, -0.5)),
        right_leg=((0.32, -0.05, 1.0), (-0.08, -0.9, -0.5)),
        trunk_deg=(32.0, 0.0, 0.0),
        head_deg=(-24.0, 0.0, 0.0),
    ),
    "bending_down": Written(
        left_arm=((0.1, -1.0, 0.1), (0.0, -1.0, 0.15)),
        right_arm=((0.1, -1.0, 0.14), (-0.05, -1.0, 0.2)),
        left_leg=((0.06, -1.0, 0.3), (0.03, -1.0, -0.26)),
        right_leg=((0.06, -1.0, 0.34), (0.03, -1.0, -0.3)),
        trunk_deg=(72.0, 0.0, 0.0),
        head_deg=(-22.0, 0.0, 0.0),
    ),
    "lunge": Written(
        left_leg=((0.08, -0.4, 0.95), (0.02, -1.0, 0.05)),
        right_leg=((0.06, -0.95, -0.38), (0.02, -0.5, -0.9)),
        trunk_deg=(4.0, 0.0, 0.0),
    ),
    "reaching_up": Written(
        right_arm=((0.2, 0.95, 0.35), (0.0, 1.0, 0.3)), head_deg=(-22.0, 0.0, -5.0)
    ),
}

STANDING = (
    "standing",
    "standing_at_ease",
    "standing_wide",
    "arms_crossed",
    "hands_on_hips",
    "one_hand_on_hip",
    "reading_telephone",
    "telephone",
    "hand_at_chin",
    "hands_behind_back",
    "hands_clasped",
    "hands_in_pockets",
    "carrying_bag",
)
SITTING = ("sitting", "sitting_forward", "legs_crossed")
WALKING = ("walking", "walking_passing")

_BONES_MM = {"hips": 88.0, "thigh": 421.0, "shin": 422.0, "upper_arm": 288.0, "forearm": 270.0}


def joints(pose: Written) -> np.ndarray:
    """The captured joints of a written pose: (17,3) float64 mm, y up, pelvis at the origin."""
    at = np.zeros((17, 3))
    trunk, head = _turn(pose.trunk_deg), _turn(pose.trunk_deg) @ _turn(pose.head_deg)
    bend = np.radians(pose.trunk_deg[0])
    # Who bends tilts the pelvis along; turns and side bends are the spine's.
    pelvis = about(_X, 0.6 * bend)
    at[_J["Torso"]] = about(_X, 0.8 * bend) @ np.array([0.0, 219.0, -19.0])
    neck = at[_J["Neck"]] = at[_J["Torso"]] + trunk @ np.array([0.0, 275.0, 8.0])
    at[_J["Nose"]] = neck + head @ np.array([0.0, 119.0, 51.0])
    at[_J["Head"]] = neck + head @ np.array([0.0, 219.0, 25.0])
    for side, sign, arm, leg in (
        ("L", 1.0, pose.left_arm, pose.left_leg),
        ("R", -1.0, pose.right_arm, pose.right_leg),
    ):
        outwards = np.array([sign, 1.0, 1.0])
        at[_J[f"{side}_Hip"]] = pelvis @ np.array([sign * _BONES_MM["hips"], 0.0, 0.0])
        at[_J[f"{side}_Shoulder"]] = neck + trunk @ np.array([sign * 192.0, 5.0, -10.0])
        for start, names, ways, lengths in (
            ("Shoulder", ("Elbow", "Wrist"), arm, ("upper_arm", "forearm")),
            ("Hip", ("Knee", "Ankle"), leg, ("thigh", "shin")),
        ):
            point = at[_J[f"{side}_{start}"]]
            for name, way, length in zip(names, ways, lengths, strict=True):
                point = point + _BONES_MM[length] * unit(np.array(way) * outwards)
                at[_J[f"{side}_{name}"]] = point
    return at


def _turn(degrees: Way) -> np.ndarray:
    front, left, turn = np.radians(degrees)
    return about(_Y, turn) @ about(_Z, -left) @ about(_X, front)
