"""Where the 17 COCO keypoints of a body are: base vertices whose mean is the point. Torch-free.

They are vertices of the base mesh, so they follow every shape and pose by themselves.
"""

import numpy as np

from trainer.synthetic.types import Assets

NAMES = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)

# A joint's helper cube hangs on the bone before the joint: its mean is the joint in every pose.
JOINTS = {
    "shoulder": "upperarm01",
    "elbow": "lowerarm01",
    "wrist": "wrist",
    "hip": "upperleg01",
    "knee": "lowerleg01",
    "ankle": "foot",
}


def joints(assets: Assets) -> dict[str, np.ndarray]:
    """The landmarks of shoulders, elbows, wrists, hips, knees and ankles: the bones' heads.

    COCO's hips are lower than the joint's centre: people who stand upright in front of the camera
    have shoulder-hip : shoulder-ankle = 1 : 2.65 there (median of 1,230), and 1 : 2.74 (women) to
    2.90 (men) from joint to joint here. With the ring of skin at the end of the upper thigh bone
    the mean moves some 25 mm down along the thigh, which gives 2.6 to 2.75. The width, 0.63 of the
    shoulders', fits as it is.
    """
    rig = assets.rig
    found = {}
    for joint, bone in JOINTS.items():
        for side, letter in (("left", "L"), ("right", "R")):
            b = rig.names.index(f"{bone}.{letter}")
            at = rig.head_index[rig.head_start[b] : rig.head_start[b + 1]]
            if joint == "hip":
                at = np.concatenate([at, rig.tail_index[rig.tail_start[b] : rig.tail_start[b + 1]]])
            found[f"{side}_{joint}"] = at
    return found


def makehuman(assets: Assets) -> dict[str, np.ndarray]:
    """The landmarks of MakeHuman's base mesh."""
    found = joints(assets)
    found["nose"] = np.array([297, 5054, 294], np.int32)
    rig, base = assets.rig, assets.base
    on_body = np.zeros(len(base), bool)
    on_body[assets.body.vertex] = True
    for side, letter, sign in (("left", "L", 1.0), ("right", "R", -1.0)):
        eye = rig.names.index(f"eye.{letter}")
        ball = np.flatnonzero((assets.bone[:, 0] == eye) & (assets.bone_weight[:, 0] > 0.9))
        centre = base[rig.head_index[rig.head_start[eye] : rig.head_start[eye + 1]]].mean(0)
        reach = base[ball] - centre
        # Within the eyeball's radius (the tail's cube floats before it), and in its front.
        front = (np.linalg.norm(reach, axis=1) < 15.0) & (reach[:, 2] > 10.0)
        found[f"{side}_eye"] = ball[front].astype(np.int32)
        # Tragus and concha: people mark the ear's middle rather than its canal.
        ear = np.array([sign * 73.0, 712.0, 51.0], np.float32)
        near = np.where(on_body, np.linalg.norm(base - ear, axis=1), np.inf)
        found[f"{side}_ear"] = np.argsort(near, kind="stable")[:12].astype(np.int32)
    return {name: found[name] for name in NAMES}
