"""Where hats end: hair goes below the rim, and the head fits inside the crown. Torch-free."""

from dataclasses import dataclass

import numpy as np

_INSIDE_MM = 3.0  # between a head and the crown of a hat
_WIDEST = 1.25  # a hat goes no further up in size
_NARROWER = 0.3  # and is held in so much for each mm above
_LOOSER = 0.5  # hair stands off so much more for each mm below a rim


@dataclass(frozen=True)
class Rim:
    """Where a hat ends, and how wide the head is there.

    Attributes:
        centre, normal, forward: (3,) mm and unit vectors; the normal points up.
        radius: (n,) mm of what goes inside, by the angle about the normal from forward to the left.
        inside_mm: hair goes so far up into the hat.
    """

    centre: np.ndarray
    normal: np.ndarray
    forward: np.ndarray
    radius: np.ndarray
    inside_mm: float = 8.0

    def above(self, points: np.ndarray) -> np.ndarray:
        """(k,) mm above the rim's plane."""
        return (points - self.centre) @ self.normal

    def press(self, points: np.ndarray) -> np.ndarray:
        """Hair held by the hat: (k,3) mm, inside at the rim and freer further down."""
        height = self.above(points)
        flat = points - self.centre - height[:, None] * self.normal
        side = np.array([1.0, 0.0, 0.0])
        angle = np.mod(np.arctan2(flat @ side, flat @ self.forward), 2.0 * np.pi)
        around = np.linspace(0.0, 2.0 * np.pi, len(self.radius))
        most = np.interp(angle, around, self.radius)
        most += np.where(height < 0.0, -_LOOSER * height, -_NARROWER * height)
        length = np.linalg.norm(flat, axis=1)
        share = np.minimum(1.0, most / np.maximum(length, 1.0))
        return (points + (share - 1.0)[:, None] * flat).astype(np.float32)


def seat(points: np.ndarray, on: Rim, skull: np.ndarray) -> np.ndarray:
    """A hat pulled down to its rim, and made to go round the head.

    Args:
        points: (k,3) mm, the hat as it was made; skull: (n,3) mm.

    Returns:
        (k,3) float32 mm.
    """
    normal, offset = _brim(points)
    # Tilted as it was made, about the head's middle.
    drop = offset - float(normal @ on.centre)
    at = points - drop * normal - on.centre
    up = at @ normal
    head = skull - on.centre
    head_up = head @ normal
    wider = np.ones(3)
    for low, high in ((4.0, 22.0), (22.0, 42.0), (42.0, 62.0)):
        crown = at[(up > low) & (up <= high)]
        inner = head[(head_up > low) & (head_up <= high)]
        if len(crown) < 6 or len(inner) < 6:
            continue
        for axis in (0, 2):
            for sign in (-1.0, 1.0):
                need = float((sign * inner[:, axis]).max()) + _INSIDE_MM
                has = max(1.0, float((sign * crown[:, axis]).max()))
                wider[axis] = max(wider[axis], min(need / has, _WIDEST))
    at *= wider
    up = at @ normal
    reach = np.linalg.norm(at[:, [0, 2]], axis=1)
    roof = (reach < 0.3 * reach.max()) & (up > 0)
    short = float(head_up.max()) + _INSIDE_MM - (float(up[roof].min()) if roof.any() else np.inf)
    if short > 0:
        rise = np.clip(up / max(1.0, float(up[roof].min())), 0.0, 1.0)
        at += (rise * short)[:, None] * normal
    return (at + on.centre).astype(np.float32)


def _brim(points: np.ndarray) -> tuple[np.ndarray, float]:
    """The plane of a hat's brim: (3,) unit normal upwards, and offset in mm.

    Args:
        points: (k,3) mm.
    """
    centre = points.mean(0)
    reach = np.linalg.norm((points - centre)[:, [0, 2]], axis=1)
    outermost = points[reach > 0.82 * reach.max()]
    middle = outermost.mean(0)
    _, _, axes = np.linalg.svd(outermost - middle)
    normal = axes[2] * np.sign(axes[2][1] or 1.0)
    return normal, float(normal @ middle)
