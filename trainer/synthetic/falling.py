"""Skirts in a pose: they fall around the legs. Torch-free.

The edges of the cloth are brought back to their lengths, outside the legs, in a few rounds
(position based dynamics, Müller et al. 2007, without time).
"""

import numba
import numpy as np

from trainer.synthetic.types import Drape

_ROUNDS = 28
_STILL = 8  # the last rounds, in which nothing falls further
_DRAWN = np.float32(1.15)  # of its length: so far cloth is drawn out easily
_FALL_MM = 4.0  # in each round
_GIVE = 0.35  # how much cloth resists folding, against being drawn out


def settle(positions: np.ndarray, drape: Drape, bones: np.ndarray, on_floor: bool) -> None:
    """Let a skirt fall around the legs of a pose, in place.

    Args:
        positions: (N,3) float32 mm, all of a character.
        bones: (B,4,4), transforms of rest points.
    """
    turns = bones[drape.bone].astype(np.float32)
    ends = np.einsum("cij,ckj->cki", turns[:, :3, :3], drape.ends) + turns[:, None, :3, 3]
    upright = float(np.clip(2.0 * bones[0, 1, 1], 0.0, 1.0))  # head down, nothing falls over it
    # Over the thighs of someone who sits, cloth lies taut.
    along = ends[:, 1] - ends[:, 0]
    steep = np.clip(-along[:, 1] / np.maximum(np.linalg.norm(along, axis=1), 1e-6), 0.0, 1.0)
    upright *= float(np.mean(steep[: len(steep) // 2] ** 2)) if len(steep) > 1 else 1.0
    at = positions[drape.vertices]
    _settle(
        at,
        drape.edges,
        drape.lengths,
        drape.free,
        np.ascontiguousarray(ends, np.float32),
        drape.radius,
        np.float32(_FALL_MM * upright),
        np.float32(2.0 if on_floor else -np.inf),
    )
    positions[drape.vertices] = at


@numba.njit(cache=True, nogil=True)
def _settle(
    at: np.ndarray,
    edges: np.ndarray,
    lengths: np.ndarray,
    free: np.ndarray,
    ends: np.ndarray,
    radius: np.ndarray,
    fall: np.float32,
    floor: np.float32,
) -> None:
    for step in range(_ROUNDS):
        if step < _ROUNDS - _STILL:
            for i in range(len(at)):
                at[i, 1] -= fall * free[i]
        for e in range(len(edges)):
            a, b = edges[e, 0], edges[e, 1]
            wa, wb = free[a], free[b]
            if wa + wb <= 0.0:
                continue
            x = at[b, 0] - at[a, 0]
            y = at[b, 1] - at[a, 1]
            z = at[b, 2] - at[a, 2]
            length = np.sqrt(x * x + y * y + z * z)
            if length < 1e-3:
                continue
            off = length - lengths[e]
            off = off * np.float32(_GIVE) if off < 0.0 else max(0.0, length - _DRAWN * lengths[e])
            off /= length * (wa + wb)
            x, y, z = off * x, off * y, off * z
            at[a, 0] += wa * x
            at[a, 1] += wa * y
            at[a, 2] += wa * z
            at[b, 0] -= wb * x
            at[b, 1] -= wb * y
            at[b, 2] -= wb * z
        if step % 2 == 1:
            _push_out(at, free, ends, radius)
            for i in range(len(at)):
                if free[i] > 0.0 and at[i, 1] < floor:
                    at[i, 1] = floor


@numba.njit(cache=True, nogil=True)
def _push_out(at: np.ndarray, free: np.ndarray, ends: np.ndarray, radius: np.ndarray) -> None:
    """Points inside a leg go out of it, straight away from its axis."""
    for c in range(len(ends)):
        a = ends[c, 0]
        ux = ends[c, 1, 0] - a[0]
        uy = ends[c, 1, 1] - a[1]
        uz = ends[c, 1, 2] - a[2]
        squared = max(np.float32(1.0), ux * ux + uy * uy + uz * uz)
        widest = max(radius[c, 0], radius[c, 1])
        top = max(a[1], ends[c, 1, 1]) + widest
        bottom = min(a[1], ends[c, 1, 1]) - widest
        for i in range(len(at)):
            if free[i] <= 0.0 or at[i, 1] > top or at[i, 1] < bottom:
                continue
            px = at[i, 0] - a[0]
            py = at[i, 1] - a[1]
            pz = at[i, 2] - a[2]
            t = (px * ux + py * uy + pz * uz) / squared
            t = min(np.float32(1.0), max(np.float32(0.0), t))
            px -= t * ux
            py -= t * uy
            pz -= t * uz
            reach = radius[c, 0] + t * (radius[c, 1] - radius[c, 0])
            distance = np.sqrt(px * px + py * py + pz * pz)
            if distance >= reach or distance < 1e-3:
                continue
            push = free[i] * (reach - distance) / distance
            at[i, 0] += push * px
            at[i, 1] += push * py
            at[i, 2] += push * pz
