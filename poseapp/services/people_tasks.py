"""What the studio can do for the application: people that never lived, in any pose. No Qt.

These functions run in the models' process, and directly in the command line.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from poseapp.core.errors import PoseAppError, TaskCancelled, TaskError
from poseapp.core.framing import can_stand_in
from poseapp.core.pose import Pose2D
from poseapp.services.context import Task, TaskContext
from poseapp.services.models import trainer_errors

LIFTER = "vae_gan_lifter"
MIN_SIDE_PX, MAX_SIDE_PX = 16, 2048
TOO_FEW_JOINTS = (
    "The pose on the canvas has too few joints to stand a person in it: here is a standing one."
)
NO_PACK = (
    "People are made of MakeHuman's free CC0 assets, which are not here: get MakeHuman from"
    " makehumancommunity.org"
)
"""To be ended by what to do then, which differs between the window and the command line."""


def person_options(ctx: TaskContext, mannequin: bool = False) -> dict[str, Any]:
    """What can be chosen for a person.

    Returns:
        source "makehuman" or "mannequin", items by slot, cuttable, patterns, hair, eyes,
        eyebrows, expressions, backgrounds; names as tuples of text.
    """
    ctx.progress(0, 1, "Opening the studio")
    studio = ctx.models.studio(mannequin)
    with trainer_errors():
        options = dict(studio.options())
    options["source"] = studio.assets.source
    return options


def create_person(
    ctx: TaskContext,
    person: dict[str, Any] | None = None,
    seed: int | None = None,
    locked: Sequence[str] = (),
    keypoints: np.ndarray | None = None,
    confidence: np.ndarray | None = None,
    size: tuple[int, int] = (384, 768),
    background: str | None = None,
    scene_seed: int = 0,
    turn_deg: float = 0.0,
    supersample: int = 2,
    mannequin: bool = False,
) -> dict[str, Any]:
    """A picture of a person who never lived; the same arguments give the same picture.

    Args:
        person: values that make the person; None draws one.
        seed: draws another person, of which what is locked stays as `person` has it; None takes
            `person` as it is.
        locked: of "body", "face", "skin", "hair", "outfit" and "outfit.top", "outfit.shoes", ...
        keypoints: (17, 2) px in a picture of `size`, COCO-17: the pose; None stands.
        confidence: (17,), 0 = absent.
        size: (width, height) px.
        background: a kind of background; None = a studio.
        scene_seed: of light and background.
        turn_deg: turns a standing person about the vertical, positive to the person's left.
        supersample: 1 to 4 samples a pixel and axis.
        mannequin: take the built-in mannequin also where there is a pack.
    Returns:
        image (h, w, 3) uint8 RGB; mask (h, w) uint8; keypoints (17, 2) float32 px; visibility
        (17,) uint8; person: its values; source: "makehuman" or "mannequin"; posed: it has the
        pose that was asked for; note: one sentence where it has not.
    Raises:
        TaskError: a value is out of range or of no known kind.
    """
    check_size(size)
    _check_request(supersample, keypoints, confidence)
    ctx.progress(0, 4, "Opening the studio")
    studio = ctx.models.studio(mannequin)
    with trainer_errors():
        from trainer.synthetic import person as people

        spec = None if person is None else people.from_dict(person)
        if spec is None or seed is not None:
            spec = studio.random_person(int(seed or 0), spec, tuple(locked))
    joints, elevation, note = None, 0.0, ""
    if keypoints is not None:
        ctx.progress(1, 4, "Lifting the pose")
        joints, elevation, note = _lifted(ctx, keypoints, confidence)
    ctx.progress(2, 4, "Dressing the person")
    with trainer_errors():
        studio.character(spec)
        ctx.progress(3, 4, "Taking the picture")
        picture = studio.draw_person(
            spec,
            joints=joints,
            elevation_rad=elevation,
            keypoints=None if joints is None else np.asarray(keypoints, float),
            confidence=None if joints is None else confidence,
            size=(int(size[0]), int(size[1])),
            background=background or None,
            seed=int(scene_seed),
            turn_rad=float(np.deg2rad(turn_deg)),
            supersample=supersample,
        )
        values = json.loads(json.dumps(people.to_dict(spec)))  # plain numbers, none of NumPy's
    found = np.asarray(picture.keypoints, np.float32)
    return {
        "image": np.asarray(picture.image, np.uint8),
        "mask": np.asarray(picture.mask, np.uint8),
        "keypoints": found[:, :2],
        "visibility": found[:, 2].astype(np.uint8),
        "person": values,
        "source": studio.assets.source,
        "posed": joints is not None,
        "note": note,
    }


def check_size(size: tuple[int, int]) -> None:
    """Raise TaskError for a (width, height) that no picture of a person has."""
    if not (min(size) >= MIN_SIDE_PX and max(size) <= MAX_SIDE_PX):
        raise TaskError(f"A picture of a person is {MIN_SIDE_PX} to {MAX_SIDE_PX} px a side.")


def _check_request(
    supersample: int, keypoints: np.ndarray | None, confidence: np.ndarray | None
) -> None:
    if not 1 <= supersample <= 4:
        raise TaskError(f"Ask for 1 to 4 samples a pixel, not {supersample}.")
    if keypoints is not None and (
        np.shape(keypoints) != (17, 2) or confidence is None or np.shape(confidence) != (17,)
    ):
        raise TaskError("The pose of a person is 17 COCO keypoints with their confidence.")


def _lifted(
    ctx: TaskContext, keypoints: np.ndarray, confidence: np.ndarray | None
) -> tuple[np.ndarray | None, float, str]:
    """(17, 3) mm and the elevation of the lift; None and a sentence where there is none."""
    pose = Pose2D(keypoints, None, confidence)
    if not can_stand_in(pose):
        return None, 0.0, TOO_FEW_JOINTS
    try:
        predictor = ctx.models.get(LIFTER)
        with trainer_errors():
            joints, elevation = predictor.lift(
                np.asarray(keypoints, np.float32)[None],
                np.asarray(confidence, np.float32)[None],
                return_elevation=True,
            )
    except TaskCancelled:
        raise
    except PoseAppError as exc:  # a person who stands is better than none
        return None, 0.0, f"{exc} Here is a standing person."
    return np.asarray(joints[0, 0], float), float(elevation[0]), ""


def build_people_pack(ctx: TaskContext, source: str, out: str) -> dict[str, Any]:
    """Make the assets that people are built of.

    Args:
        source: MakeHuman's `data` folder, or a folder that is a pack already.
        out: where the pack goes; nothing is written when `source` is a pack.
    Returns:
        folder: of the pack; built: whether it is new; missing: a sentence for each thing that was
        not in the source.
    Raises:
        TaskError: the folder is neither.
    """
    ctx.progress(0, 1, "Looking at the folder")
    from trainer.synthetic import assets

    ready = assets.find(source) if source else None
    built = ready is None
    missing: list[str] = []
    if ready is None:
        ready = Path(out)

        def on_progress(what: str, share: float) -> None:
            ctx.progress(share, 1.0, f"Reading: {what}")

        with trainer_errors():
            from trainer.synthetic.makehuman_folder import build_pack

            missing = build_pack(Path(source), ready, on_progress).missing
    with trainer_errors():
        assets.load(ready)
    ctx.models.forget_studios()
    return {"folder": str(ready), "built": built, "missing": missing}


PEOPLE_TASKS: dict[str, Task] = {
    "person_options": Task(person_options, repeatable=True),
    "create_person": Task(create_person, repeatable=True),
    "build_people_pack": Task(build_people_pack),
}
