"""A tour without a window: caption, pick, edit, heatmaps, 3D, each left as a file in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from poseapp.core import draw, kinematics
from poseapp.core.camera import pose3d_to_world
from poseapp.core.document import Document, Person
from poseapp.core.pose import Pose2D, Pose3D
from poseapp.core.skeleton import COCO_17
from poseapp.formats import png, registry, turntable
from poseapp.services import heatmap_export, weights
from poseapp.services.batch import make_folder
from poseapp.services.local import LocalEngine
from poseapp.services.samples import CaptionRequest, Sample, from_part

CAPTION = "a man is playing tennis"
SEED = 7
_COUNT = 24
_COLUMNS = 6
_CANVAS_PX = 768
_FRAMES = 48


def write(folder: Path, engine: LocalEngine) -> Iterator[tuple[str, Path]]:
    """Walk through the editor; yields what was done and the file that shows it.

    Raises:
        PoseAppError: weights are missing, or the folder cannot be written.
    """
    make_folder(folder)
    request = CaptionRequest(weights.default_caption_model(), (CAPTION,), _COUNT, SEED)
    result = engine.run("caption_to_poses", **request.arguments())
    samples = from_part(result, request)
    pairs = [(s.keypoints, s.confidence) for s in samples]
    path = folder / "gallery.png"
    png.save_picture(draw.gallery_sheet(pairs, _COLUMNS, [f"{CAPTION} (seed {SEED})"]), path)
    yield f"{_COUNT} poses sampled for “{CAPTION}”", path

    picked = max(samples, key=_fullness)
    sampled = picked.placed((84.0, 84.0, _CANVAS_PX - 168.0, _CANVAS_PX - 168.0))
    edited = raise_arm(sampled)
    path = folder / "heatmaps.png"
    maps = [np.asarray(picked.heatmaps, np.float32), heatmap_export.of_pose(edited)]
    heatmap_export.save_png(path, maps, 0.2)
    yield "Heatmaps of a picked pose, and of the pose after an arm was dragged", path

    person = Person(edited, name="Tennis player")
    document = Document((_CANVAS_PX, _CANVAS_PX), (person,))
    for name, format_name, what in (
        ("pose.json", "coco", "The edited skeleton as COCO keypoints"),
        ("controlnet.png", "controlnet_png", "The edited skeleton for ControlNet"),
        ("skeleton.png", "png", "The edited skeleton as a picture"),
        ("tour.pose", "pose", "The project, to be opened in PoseApp"),
    ):
        path = folder / name
        registry.save(document, path, format_name)
        yield what, path

    lifted = engine.run(
        "lift_to_3d",
        keypoints=edited.keypoints[None],
        confidence=edited.confidence[None],
    )
    pose = Pose3D(lifted["joints"][0, 0], float(lifted["elevation"][0]))
    path = folder / "turntable.gif"
    turntable.save(draw.turntable_frames(pose3d_to_world(pose), frames=_FRAMES), path)
    yield "The same pose in 3D, turning", path
    path = folder / "pose.bvh"
    registry.save_3d([pose], path)
    yield "The same pose in 3D, for Blender", path


def raise_arm(pose: Pose2D) -> Pose2D:
    """What a user does with the mouse: drag elbow and wrist up, bone lengths locked."""
    side = "right" if pose.present[COCO_17.index("right_wrist")] else "left"
    shoulder, elbow, wrist = (
        COCO_17.index(f"{side}_{joint}") for joint in ("shoulder", "elbow", "wrist")
    )
    if not pose.present[[shoulder, elbow, wrist]].all():
        return pose
    x = pose.keypoints[shoulder, 0]
    outwards = -1.0 if x < pose.keypoints[pose.present, 0].mean() else 1.0
    for joint, pivot, direction in ((elbow, shoulder, (0.8, -0.6)), (wrist, elbow, (0.2, -1.0))):
        step = 100.0 * np.array([outwards * direction[0], direction[1]])
        pose = kinematics.drag_joint(pose, joint, pose.keypoints[pivot] + step, lock_limbs=True)
    return pose


def _fullness(sample: Sample) -> tuple[int, float]:
    return int((sample.confidence > 0).sum()), float(sample.confidence.sum())
