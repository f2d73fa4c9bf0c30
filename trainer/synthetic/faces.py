"""Expressions: rotations of the bones of a face. Torch-free.

A mixture turns every bone by its face units one after the other, each by its share of the unit's
angle, which is how MakeHuman composes them.
"""

from typing import Final

import numpy as np

from trainer.synthetic.person import Face
from trainer.synthetic.turns import rotations_of, vectors_of
from trainer.synthetic.types import Assets, Expressions

# A face at rest looks grim: a calm one raises the brows, opens the lids and lifts the corners of
# the mouth a little. A smile comes on top.
_CALM: Final = {
    "InnerBrowUp": 0.3,
    "OuterBrowUp": 0.25,
    "UpperLidOpen": 0.1,
    "MouthPullUp": 0.12,
}
_SMILE: Final = {
    "MouthPullUp": 0.5,
    "MouthPullSide": 0.2,
    "CheekUp": 0.5,
    "LowerLidUp": 0.15,
}
SMILES_FROM: Final = 0.65
"""A calm face smiles more and more above this strength."""


def expression(expressions: Expressions, name: str, strength: float = 1.0) -> np.ndarray:
    """Rotations of a named expression; none (identity) for a name that is not known.

    Args:
        name: "" is a calm face, which smiles a little if the strength is above `SMILES_FROM`.
        strength: 0 none, 1 as it was made.

    Returns:
        (b,3,3) float32, of the bones `expressions.bones`.
    """
    if not name:
        return mixture(expressions, _calm(expressions, strength))
    if name not in expressions.names:
        return np.tile(np.eye(3, dtype=np.float32), (len(expressions.bones), 1, 1))
    return mixture(expressions, expressions.weights[expressions.names.index(name)] * strength)


def _calm(expressions: Expressions, strength: float) -> np.ndarray:
    """(U,) weights of a calm face."""
    weights = np.zeros(len(expressions.units))
    smile = float(np.clip((strength - SMILES_FROM) / (1.0 - SMILES_FROM), 0.0, 1.0))
    for units, share in ((_CALM, min(1.0, 2.0 * strength)), (_SMILE, smile)):
        for stem, weight in units.items():
            for name in _both(stem):
                if name in expressions.units:
                    weights[expressions.units.index(name)] += share * weight
    return weights


def _both(stem: str) -> tuple[str, str]:
    """The names of a unit of the left and of the right."""
    if stem.startswith("Mouth"):
        return f"MouthLeft{stem[5:]}", f"MouthRight{stem[5:]}"
    return f"Left{stem}", f"Right{stem}"


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
