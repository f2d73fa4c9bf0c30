"""Turning a posed head to where the face's keypoints of a picture say. Torch-free.

A lifted skeleton has a nose and a crown, which tell poorly where a face looks; a picture's eyes and
ears tell it well.
"""

import numpy as np

from trainer.synthetic.camera import project
from trainer.synthetic.rig import skin
from trainer.synthetic.swing import NECK
from trainer.synthetic.turns import rotation_of
from trainer.synthetic.types import Assets, Camera, Character, Posed

_FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
_FEWEST = 3
_STEPS = 12
_USUAL_RAD = np.radians(40.0)  # a turn of that size costs as much as a miss of a tenth of a head
_MOST_RAD = np.radians(70.0)


def turn_head(
    assets: Assets,
    character: Character,
    posed: Posed,
    rotations: np.ndarray,
    camera: Camera,
    keypoints: np.ndarray,
    weight: np.ndarray,
) -> np.ndarray:
    """Turn neck and head until nose, eyes and ears fall where they should.

    Args:
        posed: the character with these `rotations`, as the camera sees it.
        rotations: (B,3,3).
        keypoints: (17,2) px, COCO-17.
        weight: (17,), 0 = absent. With fewer than three points of the face nothing is turned.

    Returns:
        (B,3,3) float32.
    """
    out = np.array(rotations, np.float32)
    target = np.asarray(keypoints, np.float64)[:5]
    share = np.where(np.isfinite(target).all(-1), np.asarray(weight, np.float64)[:5], 0.0)
    used = np.flatnonzero(share > 0)
    index = {name: b for b, name in enumerate(assets.rig.names)}
    bones = [index[name] for name in NECK if name in index]
    if len(used) < _FEWEST or not bones:
        return out
    points = np.stack([_landmark(assets, character, posed, _FACE[k]) for k in used])
    target, pull = target[used], np.sqrt(share[used] / share[used].max())[:, None]
    joint = bones[-1]
    pivot = posed.bones[joint, :3, :3] @ character.heads[joint] + posed.bones[joint, :3, 3]
    reach = float(np.linalg.norm(points - pivot, axis=1).mean())
    across = pivot + reach * camera.rotation[0]
    scale = 0.2 * float(np.linalg.norm(project(camera, across) - project(camera, pivot)))
    if not np.isfinite(scale) or scale <= 0:
        return out

    def residuals(turn: np.ndarray) -> np.ndarray:
        seen = project(camera, pivot + (points - pivot) @ rotation_of(turn).T)
        return np.concatenate([((seen - target) * pull / scale).ravel(), turn / _USUAL_RAD])

    turn = np.zeros(3)
    for _ in range(_STEPS):
        now = residuals(turn)
        slope = np.stack([(residuals(turn + h) - now) / 1e-4 for h in 1e-4 * np.eye(3)], axis=1)
        step = np.linalg.solve(slope.T @ slope + 1e-3 * np.eye(3), slope.T @ now)
        step *= min(1.0, 0.4 / max(float(np.linalg.norm(step)), 1e-9))
        if not np.isfinite(step).all():
            return out
        turn = turn - step
        if np.abs(step).max() < 1e-4:
            break
    turn *= min(1.0, _MOST_RAD / max(float(np.linalg.norm(turn)), 1e-9))
    above = int(assets.rig.parent[bones[0]])
    before = after = posed.bones[above, :3, :3].astype(np.float64)
    for bone, name in zip(bones, (n for n in NECK if n in index), strict=True):
        part = 1.0 if bone == bones[-1] else NECK[name]
        before = before @ rotations[bone].astype(np.float64)
        turned = rotation_of(turn * part) @ before
        out[bone] = after.T @ turned
        after = turned
    return out


def _landmark(assets: Assets, character: Character, posed: Posed, name: str) -> np.ndarray:
    rows = assets.landmarks[name]
    moved = skin(
        character.rest[rows], character.bone[rows], character.bone_weight[rows], posed.bones
    )
    return moved.mean(0).astype(np.float64)
