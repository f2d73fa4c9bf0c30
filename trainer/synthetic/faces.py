"""Expressions: rotations of the bones of a face. Torch-free.

A mixture turns every bone by its face units one after the other, each by its share of the unit's
angle, which is how MakeHuman composes them.
"""

import numpy as np

from trainer.synthetic.person import Face
from trainer.synthetic.turns import rotations_of, vectors_of
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
        turns = vectors_of(expressions.rotations[unit]) * float(weights[unit])
        total = rotations_of(turns) @ total
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
