"""A pose as the rig takes it, with where it comes from. Torch-free."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Posing:
    """Rotations of all bones.

    Attributes:
        rotations: (B,3,3) float32, of each bone relative to its parent, in axes that are the
            world's at rest. The figure faces +z as far as it faces anywhere.
        source: one of `trainer.synthetic.pose_bank.SOURCES`.
        name: which pose of the source, e.g. "walk" or "standing03".
    """

    rotations: np.ndarray
    source: str
    name: str
