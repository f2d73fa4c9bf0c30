"""Rotations of single bones and of many at once. Torch-free.

Poses are made of many tiny products, where the time goes to calls: hence plain floats.
"""

import math

import numpy as np


def length(vector: np.ndarray) -> float:
    """Of a vector (3,)."""
    return math.sqrt(vector @ vector)


def unit(vector: np.ndarray) -> np.ndarray:
    """`vector` (3,) at length 1 (or 0 where it has no direction)."""
    return vector / max(math.sqrt(vector @ vector), 1e-9)


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(3,) of two vectors (3,)."""
    ax, ay, az = a.tolist()
    bx, by, bz = b.tolist()
    return np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def about(axis: np.ndarray, angle: float) -> np.ndarray:
    """(3,3) float64 rotation by `angle` rad about the unit vector `axis` (3,)."""
    x, y, z = axis.tolist()
    s, c = math.sin(angle), math.cos(angle)
    k = 1.0 - c
    return np.array(
        [
            [c + x * x * k, x * y * k - z * s, x * z * k + y * s],
            [y * x * k + z * s, c + y * y * k, y * z * k - x * s],
            [z * x * k - y * s, z * y * k + x * s, c + z * z * k],
        ]
    )


def rotation_of(vector: np.ndarray) -> np.ndarray:
    """(3,3) rotation of a rotation vector (3,), rad."""
    angle = length(vector)
    return about(vector / angle, angle) if angle > 1e-9 else np.eye(3)


def vector_of(rotation: np.ndarray) -> np.ndarray:
    """(3,) rotation vector, rad, of a (3,3) rotation."""
    (a, b, c), (d, e, f), (g, h, i) = rotation.tolist()
    skew = np.array([h - f, c - g, d - b])
    sine, cosine = 0.5 * length(skew), 0.5 * (a + e + i - 1.0)
    angle = math.atan2(sine, cosine)
    if sine > 1e-5:
        return skew * (angle / (2.0 * sine))
    if cosine > 0:
        return skew * 0.5
    column = (rotation + np.eye(3))[:, int(np.argmax(np.diag(rotation)))]
    return unit(column) * angle


def aligning(start: np.ndarray, end: np.ndarray, spare: np.ndarray | None = None) -> np.ndarray:
    """(3,3) the shortest rotation of one direction (3,) to another.

    Args:
        spare: (3,) what a half turn goes about; None for the z axis.
    """
    a, b = unit(start), unit(end)
    axis = cross(a, b)
    sine, cosine = length(axis), float(a @ b)
    if sine < 1e-6:
        if cosine > 0:
            return np.eye(3)
        spare = np.array([0.0, 0.0, 1.0]) if spare is None else spare
        return about(unit(spare - (spare @ a) * a), math.pi)
    return about(axis / sine, math.atan2(sine, cosine))


def frame(across: np.ndarray, up: np.ndarray) -> np.ndarray:
    """(3,3) axes in columns: x along `across` (3,), y towards `up`, z to the front."""
    x = unit(across)
    y = up - (up @ x) * x
    if y @ y < 1e-9:
        y = np.array([0.0, 0.0, 1.0]) - x[2] * x
    y = unit(y)
    return np.stack([x, y, cross(x, y)], axis=1)


def ramp(value: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high` on, smooth between."""
    t = min(max((value - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


def rotations_of(vectors: np.ndarray) -> np.ndarray:
    """(n,3,3) rotations of rotation vectors (n,3), rad."""
    angle = np.sqrt(np.einsum("ni,ni->n", vectors, vectors))
    x, y, z = (vectors / np.maximum(angle, 1e-12)[:, None]).T
    s, c = np.sin(angle), np.cos(angle)
    k = 1.0 - c
    rows = (
        (c + x * x * k, x * y * k - z * s, x * z * k + y * s),
        (y * x * k + z * s, c + y * y * k, y * z * k - x * s),
        (z * x * k - y * s, z * y * k + x * s, c + z * z * k),
    )
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=1)


def vectors_of(rotations: np.ndarray) -> np.ndarray:
    """(n,3) rotation vectors, rad, of (n,3,3) rotations of less than half a turn."""
    r = rotations.astype(np.float64)
    skew = np.stack(
        [r[:, 2, 1] - r[:, 1, 2], r[:, 0, 2] - r[:, 2, 0], r[:, 1, 0] - r[:, 0, 1]], axis=-1
    )
    twice_sine = np.sqrt(np.einsum("ni,ni->n", skew, skew))
    angle = np.arctan2(twice_sine, np.trace(r, axis1=1, axis2=2) - 1.0)
    return skew * (angle / np.maximum(twice_sine, 1e-12))[:, None]
