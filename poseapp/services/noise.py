"""The noise of a request for poses: by seed, around a pose, or along a strip."""

from __future__ import annotations

import numpy as np

from poseapp.core.errors import TaskError


def plan(
    dim: int,
    count: int,
    seed: int,
    variation: tuple[np.ndarray, float] | None,
    blend: str | None,
    noises: np.ndarray | None,
) -> np.ndarray:
    """Noise of each pose: (count, dim) float32, standard normal in distribution.

    Args:
        variation: ((dim,) noise of a pose, amount 0-1).
        blend: "captions" keeps one noise; "noises" and "both" turn the first into the second.
        noises: (1 or 2, dim) ends of a strip; drawn from the seed when None.
    """
    from trainer.noise import draw_many

    if blend is not None:
        ends = draw_many(seed, 2, dim) if noises is None else _checked(noises, dim)
        if blend == "captions":
            return np.repeat(ends[:1], count, axis=0)
        return slerp(ends[0], ends[-1], count)
    fresh = draw_many(seed, count, dim)
    if variation is None:
        return fresh if noises is None else _filled(_checked(noises, dim), count)
    return vary(_checked(variation[0], dim)[0], fresh, variation[1])


def vary(base: np.ndarray, fresh: np.ndarray, amount: float) -> np.ndarray:
    """sqrt(1 - a^2) z + a z': still standard normal, and the nearer to z the smaller a.

    Args:
        base: (D,) noise z. fresh: (N, D) noise z'. amount: a, 0 to 1.
    """
    mixed = np.sqrt(1.0 - amount**2) * base + amount * fresh
    return mixed.astype(np.float32)


def lerp(start: np.ndarray, end: np.ndarray, count: int) -> np.ndarray:
    """`count` steps on the straight line: (count, D) float32, both ends included."""
    steps = np.linspace(0.0, 1.0, count, dtype=np.float32)[:, None]
    return (1.0 - steps) * start + steps * end


def slerp(start: np.ndarray, end: np.ndarray, count: int) -> np.ndarray:
    """`count` steps on the arc: (count, D) float32. Noise in between keeps the length of noise."""
    lengths = float(np.linalg.norm(start)) * float(np.linalg.norm(end))
    cosine = float(np.dot(start, end)) / lengths if lengths > 0 else 1.0
    angle = float(np.arccos(np.clip(cosine, -1.0, 1.0)))
    if np.sin(angle) < 1e-4:
        return lerp(start, end, count)
    steps = np.linspace(0.0, 1.0, count)[:, None]
    mixed = (np.sin((1.0 - steps) * angle) * start + np.sin(steps * angle) * end) / np.sin(angle)
    return mixed.astype(np.float32)


def _checked(noises: np.ndarray, dim: int) -> np.ndarray:
    rows = np.atleast_2d(np.asarray(noises, np.float32))
    if rows.shape[1] != dim:
        raise TaskError("These poses were made by another model: generate them anew first.")
    return rows


def _filled(rows: np.ndarray, count: int) -> np.ndarray:
    return rows[np.arange(count) % len(rows)]
