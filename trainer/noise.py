"""Noise that means the same on every machine: a stream for each (seed, index). Torch-free."""

import numpy as np


def draw(seed: int, index: int, dim: int) -> np.ndarray:
    """The noise of one sample.

    Args:
        seed: the user's seed, any integer; its absolute value is used.
        index: which sample of that seed, from 0.
        dim: length of the vector.
    Returns:
        (dim,) float32, standard normal.
    """
    stream = np.random.Generator(np.random.PCG64(np.random.SeedSequence([abs(seed), index])))
    return stream.standard_normal(dim).astype(np.float32)


def draw_many(seed: int, count: int, dim: int, start: int = 0) -> np.ndarray:
    """Noise of samples `start ... start + count - 1`: (count, dim) float32."""
    rows = [draw(seed, start + i, dim) for i in range(count)]
    return np.array(rows, np.float32).reshape(count, dim)
