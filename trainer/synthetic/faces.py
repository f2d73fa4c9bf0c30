"""Expressions: rotations of the bones of a face. Torch-free.

A mixture turns every bone by its face units one after the other, each by its share of the unit's
angle, which is how MakeHuman composes them.
"""

import numpy as np

from trainer.synthetic.person import Face
from trainer.synthetic.types import Assets, Expressions


def expression(expressions: Expressions, name: str, strength: float = 1.0) -> np.ndarray:
    """Rotations of a named expression; none (identity) for a name that is not known.

    Args:
        strength: 0 none, 1 as it was made.

    Returns:
        (b,3,3) float32, of the bones `expressions.bones`.
    """
    if name not in expressions.names:
        return np.tile(np.eye(3, dtype=np.float32), (len(expressions.bones), 1, 1))
    return mixture(expressions, expressions.weights[expressions.names.index(name)] * strength)


def mixture(expressions: Expressions, weights: np.ndarray) -> np.ndarray:
    """Rotations of a mixture of units.

    Args:
        weights: (U,), 0 to 1.

    Returns:
        (b,3,3) float32.
    """
    total = np.tile(np.eye(3), (len(expressions.bones), 1, 1))
    for unit in np.flatnonzero(np.abs(weights) > 1e-4):
        total = _part(expressions.rotations[unit], float(weights[unit])) @ total
    return total.astype(np.float32)


def with_face(rotations: np.ndarray, assets: Assets, face: Face) -> np.ndarray:
    """A pose with a face's expression instead of what the pose had there.

    Args:
        rotations: (B,3,3).

    Returns:
        (B,3,3) float32, a copy.
    """
    out = np.array(rotations, np.float32)
    if assets.expressions is not None:
        found = expression(assets.expressions, face.expression, face.strength)
        out[assets.expressions.bones] = found
    return out


def _part(rotations: np.ndarray, share: float) -> np.ndarray:
    """(b,3,3) rotations about the same axes by a share of their angles."""
    r = rotations.astype(np.float64)
    skew = np.stack([r[:, 2, 1] - r[:, 1, 2], r[:, 0, 2] - r[:, 2, 0], r[:, 1, 0] - r[:, 0, 1]], -1)
    double_sine = np.linalg.norm(skew, axis=1)
    angle = np.arctan2(double_sine, np.trace(r, axis1=1, axis2=2) - 1.0) * share
    x, y, z = (skew / np.maximum(double_sine, 1e-9)[:, None]).T
    zero = np.zeros_like(x)
    k = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(-1, 3, 3)
    s, c = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    return np.eye(3) + s * k + (1.0 - c) * (k @ k)
