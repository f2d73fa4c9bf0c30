"""One person of OpenPose-like JSON: body of 18 or 25 parts, and hands and face that follow it."""

from __future__ import annotations

from typing import Any

import numpy as np

from poseapp.core.document import PERSON_COLOURS, Person
from poseapp.core.errors import FormatError
from poseapp.core.pose import Pose2D
from poseapp.core.skeleton import BODY_25, COCO_17, OPENPOSE_18, Skeleton, convert
from poseapp.formats import values

BODY = "pose_keypoints_2d"
_ATTACHED = {  # parts that we do not edit, and the COCO joint that they move with
    "face_keypoints_2d": 0,
    "hand_left_keypoints_2d": 9,
    "hand_right_keypoints_2d": 10,
}
_FEET = {19: 15, 20: 15, 21: 15, 22: 16, 23: 16, 24: 16}  # BODY_25 foot part: COCO ankle
_DERIVED = {18: (1,), 25: (1, 8)}  # parts that COCO has not: neck, and mid hip
_SURE = 1.0 - 1e-6
_LEAST = 1e-3  # a present joint is never written with confidence 0, which means absent


def body_triples(person: dict[str, Any], name: str) -> tuple[np.ndarray, Skeleton]:
    """(18 or 25, 3) float x, y, confidence and their skeleton; no body at all gives 18 absent.

    A null coordinate, as some editors write for a point that is not there, counts as absent.
    """
    stored = person.get(BODY)
    if stored is None or stored == []:
        return np.zeros((len(OPENPOSE_18), 3)), OPENPOSE_18
    if isinstance(stored, list):
        stored = [0 if v is None else v for v in stored]
    flat = values.numbers(stored, BODY, name)
    for skeleton in (OPENPOSE_18, BODY_25):
        if len(flat) == 3 * len(skeleton):
            return flat.reshape(-1, 3), skeleton
    raise FormatError(
        f"{name}: {BODY} has {len(flat)} numbers, but 18 points need 54 and 25 points need 75."
    )


def read_pose(person: dict[str, Any], name: str, scale: np.ndarray) -> Pose2D:
    """COCO-17 pose of a person; coordinates are multiplied by `scale` (2,) into px."""
    triples, skeleton = body_triples(person, name)
    sure = np.clip(triples[:, 2], 0.0, 1.0)
    points, confidence = convert(triples[:, :2] * scale, sure, skeleton, COCO_17)
    return Pose2D(points, confidence=confidence)


def persons(poses: list[Pose2D], raw: list[dict[str, Any]], key: str) -> tuple[Person, ...]:
    """People for the canvas, numbered and coloured in turn.

    Args:
        raw: what the file holds of each, kept in `Person.extra` under `key`.
    """
    return tuple(
        Person(
            pose,
            name=f"Person {number + 1}",
            colour=PERSON_COLOURS[number % len(PERSON_COLOURS)],
            extra={key: kept},
        )
        for number, (pose, kept) in enumerate(zip(poses, raw, strict=True))
    )


def normalised(people: list[dict[str, Any]], name: str) -> bool:
    """Coordinates are shares of the canvas, not px: none of a present point is beyond 2.

    The limit is not 1, because a limb may reach out of the canvas.
    """
    largest, found = 0.0, False
    for person in people:
        triples, _ = body_triples(person, name)
        present = triples[triples[:, 2] > 0]
        if len(present):
            largest, found = max(largest, float(np.abs(present[:, :2]).max())), True
    return found and largest <= 2.0


def write_person(
    pose: Pose2D,
    raw: dict[str, Any] | None,
    scale: np.ndarray,
    *,
    skeleton: Skeleton,
    confidences: bool = True,
    empty: Any = (),
) -> dict[str, Any]:
    """The JSON object of a person.

    Neck and mid hip are derived from shoulders and hips. Hands, face and feet of the person that
    the file was opened with move along with wrist, nose and ankle.

    Args:
        raw: the object that the person came with.
        scale: (2,) px of one unit of the file.
        confidences: write them; otherwise 1 for each present point.
        empty: what stands for a part that is not there: [] or None.
    """
    digits = 4 if scale.max() == 1.0 else 9
    old_triples, old_skeleton, old = _old(raw, scale)
    if old == pose and raw is not None and old_skeleton is skeleton:
        kept_sure = (np.isin(old_triples[:, 2], (0.0, 1.0))).all()
        if confidences or kept_sure:
            return dict(raw)
    person = dict(raw or {})
    sure = np.where(pose.present, np.maximum(pose.confidence, _LEAST), 0.0)
    points, confidence = convert(pose.keypoints, sure, COCO_17, skeleton)
    triples = np.concatenate([points / scale, confidence[:, None]], axis=1)
    if old is not None and old_skeleton is skeleton:
        _keep_other_parts(triples, old_triples, pose, old, scale)
    if not confidences:
        triples[:, 2] = (triples[:, 2] > 0).astype(float)
    person[BODY] = _flat(triples, digits, confidences)
    for part, joint in _ATTACHED.items():
        stored = person.get(part)
        if stored is None or stored == []:
            person[part] = None if empty is None else []
        elif old is not None:
            person[part] = _followed(stored, _moved(pose, old, joint) / scale, digits)
    return person


def _old(
    raw: dict[str, Any] | None, scale: np.ndarray
) -> tuple[np.ndarray, Skeleton | None, Pose2D | None]:
    if raw is None:
        return np.zeros((0, 3)), None, None
    try:
        triples, skeleton = body_triples(raw, "")
        return triples, skeleton, read_pose(raw, "", scale)
    except FormatError:
        return np.zeros((0, 3)), None, None


def _moved(pose: Pose2D, old: Pose2D, joint: int) -> np.ndarray:
    """(2,) px that a joint has moved since the file was opened; 0 where it was or is absent."""
    if pose.present[joint] and old.present[joint]:
        return pose.keypoints[joint] - old.keypoints[joint]
    return np.zeros(2)


def _keep_other_parts(
    triples: np.ndarray, before: np.ndarray, pose: Pose2D, old: Pose2D, scale: np.ndarray
) -> None:
    """Carry over parts that COCO has not and that cannot be derived; changes `triples`."""
    for part in _DERIVED[len(triples)]:
        if triples[part, 2] == 0 and before[part, 2] > 0 and old.present.any():
            shift = np.mean([_moved(pose, old, j) for j in range(len(COCO_17))], axis=0)
            triples[part] = before[part]
            triples[part, :2] += shift / scale
    if len(triples) == len(BODY_25):
        for part, ankle in _FEET.items():
            if before[part, 2] > 0 and (pose.present[ankle] or not old.present[ankle]):
                triples[part] = before[part]
                triples[part, :2] += _moved(pose, old, ankle) / scale


def _flat(triples: np.ndarray, digits: int, confidences: bool) -> list[float | int]:
    flat: list[float | int] = []
    for x, y, sure in triples:
        if sure <= 0:
            flat += [0, 0, 0]
        else:
            certain = 1.0 if not confidences or sure >= _SURE else values.tidy(sure, 6)
            flat += [values.tidy(x, digits), values.tidy(y, digits), certain]
    return flat


def _followed(stored: Any, shift: np.ndarray, digits: int) -> Any:
    """A part moved by (2,) units of the file; anything but whole triples stays as it is."""
    if not isinstance(stored, list) or len(stored) % 3 or not shift.any():
        return stored
    out = list(stored)
    for at in range(0, len(out), 3):
        triple = out[at : at + 3]
        if _numeric(triple) and triple[2] > 0:
            out[at] = values.tidy(triple[0] + shift[0], digits)
            out[at + 1] = values.tidy(triple[1] + shift[1], digits)
    return out


def rescaled(stored: Any, factor: np.ndarray) -> Any:
    """A list of triples with x and y multiplied by (2,) `factor`; anything else as it is."""
    if not isinstance(stored, list) or not stored or len(stored) % 3:
        return stored
    out = list(stored)
    for at in range(0, len(out), 3):
        if _numeric(out[at : at + 3]):
            out[at], out[at + 1] = float(out[at] * factor[0]), float(out[at + 1] * factor[1])
    return out


def _numeric(triple: list[Any]) -> bool:
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in triple)
