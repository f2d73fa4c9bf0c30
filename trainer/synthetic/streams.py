"""Random streams: one seed, a separate generator for each aspect of a picture.

Changing what one aspect draws leaves every other aspect as it was. Torch-free.
"""

import zlib

import numpy as np


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """The generator of an aspect, the same on every run and machine.

    Args:
        seed: 0 or more.
        names: what it is for, e.g. "pose", or "pose", 3 for the third pose of an identity.
    """
    words = [zlib.crc32(n.encode()) if isinstance(n, str) else int(n) for n in names]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([int(seed), *words])))


def derived(seed: int, *names: str | int) -> int:
    """A seed of its own for something within `seed`: 0 to 2**63 - 1."""
    return int(stream(seed, "seed", *names).integers(0, 2**63 - 1))
