"""How fast a person is moved in a photo: live preview, generator, and a picture of 12 megapixels.

The person is one of the pictures that come with the application, enlarged; arms and legs swing.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from benchmarks.report import Row
from poseapp.core import kinematics
from poseapp.core.clean_plate import clean_plate
from poseapp.core.compose import Generated, compose
from poseapp.core.cut_out import cut_out
from poseapp.core.limb_warp import Warper
from poseapp.core.paths import resources_dir, weights_dir
from poseapp.core.pose import Pose2D
from poseapp.formats import registry

PERSON_PX = 512
LARGE = (4000, 3000)  # height, width: 12 megapixels
FRAMES = 40


def measure() -> list[Row]:
    """The preview at a person of 512 px, and each step of a 12-megapixel picture."""
    photo, pose = _person()
    box = pose.bounds or (0.0, 0.0, 1.0, 1.0)
    shrink = PERSON_PX / (1.15 * box[3])  # from the top of the head to the soles
    small, placed = _resized(photo, pose, shrink)
    points = _points(placed)
    mask = cut_out(small, points)
    plate = clean_plate(small, mask)
    warper = Warper(small, mask, points)
    moved = [_points(_swung(placed, turn)) for turn in np.linspace(-1.5, 1.5, FRAMES)]
    frames = [_time(lambda p=p: warper.over(plate, p)) for p in moved]  # type: ignore[misc]
    rows = [
        Row(f"live preview, a person of {PERSON_PX} px: a frame", _ms(frames), "ms", 15.0),
        Row("- the slowest of twenty frames", 1000 * float(np.percentile(frames, 95)), "ms", 33.0),
        Row("- made ready for a photo", _ms([_time(lambda: Warper(small, mask, points))]), "ms"),
    ]
    return rows + _generators(photo, pose) + _large(photo, pose)


def _generators(photo: np.ndarray, pose: Pose2D) -> list[Row]:
    """The shipped generator, and one with the full preset's net, whose weights do not matter."""
    from trainer import artifact
    from trainer import config as configs
    from trainer.models.deformable_gan import DeformableGan
    from trainer.recipes.deformable_gan import DeformableGanRecipe
    from trainer.recipes.deformable_gan_rows import of_row

    rows: list[Row] = []
    shipped = weights_dir() / "deformable_gan.safetensors"
    if shipped.exists():
        rows += _generator(shipped, photo, pose, 150.0)
    settings = of_row(DeformableGanRecipe.presets["full"]).net
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "full.safetensors"
        net = DeformableGan(settings)
        artifact.save(large, net.state_dict(), "deformable_gan", configs.to_dict(settings))
        return rows + _generator(large, photo, pose, 500.0)


def _generator(weights: Path, photo: np.ndarray, pose: Pose2D, target_ms: float) -> list[Row]:
    from trainer.predictors.deformable_gan import Predictor

    predictor = Predictor(weights)
    height, width = predictor.size
    shrink = height / photo.shape[0]
    small, placed = _resized(photo, pose, shrink)
    left = max(0, small.shape[1] - width) // 2
    small = np.ascontiguousarray(small[:height, left : left + width])
    short = height - small.shape[0], width - small.shape[1]
    small = cv2.copyMakeBorder(small, 0, short[0], 0, short[1], cv2.BORDER_REPLICATE)
    placed = kinematics.translate(placed, (-left, 0.0))
    points = _points(placed)
    for turn in (0.0, 0.5, 1.0):  # warm
        source = predictor.encode(small, points)
        predictor.render(source, _points(_swung(placed, turn)))
    poses = [_points(_swung(placed, turn)) for turn in np.linspace(-1.5, 1.5, 12)]
    renders = _ms([_time(lambda p=p: predictor.render(source, p)) for p in poses])  # type: ignore[misc]
    encodes = _ms([_time(lambda: predictor.encode(small, points)) for _ in range(7)])
    name = f"generator at {width}x{height}"
    return [
        Row(f"{name}, photo and pose", encodes + renders, "ms", target_ms),
        Row("- a new pose of a known photo", renders, "ms"),
    ]


def _large(photo: np.ndarray, pose: Pose2D) -> list[Row]:
    height, width = LARGE
    grown, placed = _resized(photo, pose, height / photo.shape[0])
    left = (width - grown.shape[1]) // 2
    wide = cv2.copyMakeBorder(
        grown, 0, 0, left, width - grown.shape[1] - left, cv2.BORDER_REFLECT_101
    )
    placed = kinematics.translate(placed, (left, 0.0))
    points, after = _points(placed), _points(_swung(placed, 1.0))
    found: dict[str, np.ndarray] = {}

    def run(name: str, make: Callable[[], np.ndarray]) -> Row:
        begin = time.perf_counter()
        found[name] = make()
        return Row(f"12 megapixels: {name}", time.perf_counter() - begin, "s")

    rows = [
        run("cut the person out", lambda: cut_out(wide, points)),
        run("complete the background", lambda: clean_plate(wide, found["cut the person out"])),
    ]
    begin = time.perf_counter()
    warper = Warper(wide, found["cut the person out"], points)
    rows.append(Row("12 megapixels: take the person apart", time.perf_counter() - begin, "s"))
    scale = height / 256
    offset = (scale - 1) / 2
    to_photo = np.array([[scale, 0.0, offset + (width - 128 * scale) / 2], [0.0, scale, offset]])
    back = cv2.invertAffineTransform(to_photo)
    # The warp itself, made small, in the generator's place: what it shows does not matter here.
    rgb, alpha = warper.warp(after, (256, 128), back)
    given = Generated(rgb, alpha / 255.0, to_photo)
    plate = found["complete the background"]
    rows.append(run("compose", lambda: compose(wide, plate, warper, after, given)))
    return rows


def _person() -> tuple[np.ndarray, Pose2D]:
    folder = resources_dir() / "people"
    photo = cv2.cvtColor(cv2.imread(str(folder / "01.jpg")), cv2.COLOR_BGR2RGB)
    return photo, registry.load(folder / "01.json").people[0].pose


def _resized(photo: np.ndarray, pose: Pose2D, factor: float) -> tuple[np.ndarray, Pose2D]:
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    out = cv2.resize(photo, None, fx=factor, fy=factor, interpolation=how)
    return out, pose.with_keypoints((pose.keypoints + 0.5) * factor - 0.5)


def _swung(pose: Pose2D, turn_rad: float) -> Pose2D:
    for joint, share in ((7, -1.0), (8, 1.2), (9, 0.6), (10, -0.8), (13, -0.4), (14, 0.3)):
        pose = kinematics.rotate_limb(pose, joint, turn_rad * share)
    return pose


def _points(pose: Pose2D) -> np.ndarray:
    return np.column_stack([pose.keypoints, pose.visibility])


def _time(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _ms(times: list[float]) -> float:
    return 1000.0 * statistics.median(times)
