"""Bones: where they are, how they turn, and how skin and hung things follow. Torch-free.

A pose is one rotation for each bone, in axes aligned with the world at rest. Bone b's frame is
G_b = G_parent * T(head_b - head_parent) * R_b, and rest points follow G_b * T(-head_b).
"""

import numba
import numpy as np

from trainer.synthetic import falling
from trainer.synthetic.types import Character, Hung, Posed, Rig


def bone_positions(rig: Rig, base: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Heads and tails of the bones of a morphed base.

    Args:
        base: (V,3) mm.

    Returns:
        Two (B,3) float32 mm.
    """
    return (
        _means(base, rig.head_index, rig.head_start),
        _means(base, rig.tail_index, rig.tail_start),
    )


def _means(base: np.ndarray, index: np.ndarray, start: np.ndarray) -> np.ndarray:
    sums = np.add.reduceat(base[index].astype(np.float64), start[:-1], axis=0)
    return (sums / np.diff(start)[:, None]).astype(np.float32)


def transforms(rig: Rig, heads: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """The bones' transforms of rest points.

    Args:
        heads: (B,3) mm, at rest.
        rotations: (B,3,3), each bone's own.

    Returns:
        (B,4,4) float32.
    """
    return _chain(
        rig.parent.astype(np.int64),
        np.ascontiguousarray(heads, np.float64),
        np.ascontiguousarray(rotations, np.float64),
    )


@numba.njit(cache=True, nogil=True)
def _chain(parent: np.ndarray, heads: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    count = len(parent)
    turned = np.zeros((count, 3, 3))
    at = np.zeros((count, 3))
    out = np.zeros((count, 4, 4), np.float32)
    for b in range(count):
        p = parent[b]
        if p < 0:
            turned[b] = rotations[b]
            at[b] = heads[b]
        else:
            for i in range(3):
                shift = at[p, i]
                for k in range(3):
                    shift += turned[p, i, k] * (heads[b, k] - heads[p, k])
                at[b, i] = shift
                for j in range(3):
                    total = 0.0
                    for k in range(3):
                        total += turned[p, i, k] * rotations[b, k, j]
                    turned[b, i, j] = total
        for i in range(3):
            shift = at[b, i]
            for k in range(3):
                shift -= turned[b, i, k] * heads[b, k]
                out[b, i, k] = turned[b, i, k]
            out[b, i, 3] = shift
        out[b, 3, 3] = 1.0
    return out


def skin(
    rest: np.ndarray, bone: np.ndarray, bone_weight: np.ndarray, transforms: np.ndarray
) -> np.ndarray:
    """Carry rest points by their bones.

    Linear blending flattens elbows and the seat of someone who sits; dual quaternions (Kavan et
    al. 2007) bulge there. The mean of both keeps the volume. Where one bone carries a point they
    are the same.

    Args:
        rest: (N,3) float32 mm.
        bone, bone_weight: (N,6), the rows of the weights sum to 1, the largest first.
        transforms: (B,4,4) float32, rigid.

    Returns:
        (N,3) float32 mm.
    """
    return _skin(
        np.ascontiguousarray(rest, np.float32),
        np.ascontiguousarray(bone),
        np.ascontiguousarray(bone_weight, np.float32),
        np.ascontiguousarray(transforms, np.float32),
    )


@numba.njit(cache=True, nogil=True)
def _dual_quaternions(transforms: np.ndarray) -> np.ndarray:
    """(B,8) float32: rotation (w, x, y, z) and dual part of rigid transforms."""
    out = np.empty((len(transforms), 8), np.float32)
    for b in range(len(transforms)):
        m = transforms[b]
        # The largest of the four squared parts divides: safe at any angle.
        squares = (
            1.0 + m[0, 0] + m[1, 1] + m[2, 2],
            1.0 + m[0, 0] - m[1, 1] - m[2, 2],
            1.0 - m[0, 0] + m[1, 1] - m[2, 2],
            1.0 - m[0, 0] - m[1, 1] + m[2, 2],
        )
        best = 0
        for i in range(1, 4):
            if squares[i] > squares[best]:
                best = i
        d = np.sqrt(squares[best])
        if best == 0:
            w, x = d * d, m[2, 1] - m[1, 2]
            y, z = m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]
        elif best == 1:
            w, x = m[2, 1] - m[1, 2], d * d
            y, z = m[0, 1] + m[1, 0], m[0, 2] + m[2, 0]
        elif best == 2:
            w, x = m[0, 2] - m[2, 0], m[0, 1] + m[1, 0]
            y, z = d * d, m[1, 2] + m[2, 1]
        else:
            w, x = m[1, 0] - m[0, 1], m[0, 2] + m[2, 0]
            y, z = m[1, 2] + m[2, 1], d * d
        w, x, y, z = w / (2.0 * d), x / (2.0 * d), y / (2.0 * d), z / (2.0 * d)
        p, q, r = m[0, 3], m[1, 3], m[2, 3]
        out[b, 0], out[b, 1], out[b, 2], out[b, 3] = w, x, y, z
        out[b, 4] = -0.5 * (p * x + q * y + r * z)
        out[b, 5] = 0.5 * (p * w + q * z - r * y)
        out[b, 6] = 0.5 * (q * w + r * x - p * z)
        out[b, 7] = 0.5 * (r * w + p * y - q * x)
    return out


@numba.njit(cache=True, nogil=True)
def _skin(
    rest: np.ndarray, bone: np.ndarray, bone_weight: np.ndarray, transforms: np.ndarray
) -> np.ndarray:
    count, slots = bone.shape
    out = np.empty((count, 3), np.float32)
    quaternions = _dual_quaternions(transforms)
    blend = np.empty(8, np.float32)
    half = np.float32(0.5)
    two = np.float32(2.0)
    for n in range(count):
        x, y, z = rest[n, 0], rest[n, 1], rest[n, 2]
        a = np.float32(0.0)
        b = np.float32(0.0)
        c = np.float32(0.0)
        first = quaternions[bone[n, 0]]
        blend[:] = 0.0
        for s in range(slots):
            w = bone_weight[n, s]
            if w == 0.0:
                continue
            m = transforms[bone[n, s]]
            a += w * (m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3])
            b += w * (m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3])
            c += w * (m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3])
            q = quaternions[bone[n, s]]
            # q and -q are the same turn: take the shorter way round.
            if first[0] * q[0] + first[1] * q[1] + first[2] * q[2] + first[3] * q[3] < 0.0:
                w = -w
            for k in range(8):
                blend[k] += w * q[k]
        norm = np.sqrt(blend[0] ** 2 + blend[1] ** 2 + blend[2] ** 2 + blend[3] ** 2)
        # Turns that cancel have no mean; and one bone needs none.
        if bone_weight[n, 0] < 0.9999 and norm > 0.1:
            inverse = np.float32(1.0) / norm
            qw, qx, qy, qz = (
                blend[0] * inverse,
                blend[1] * inverse,
                blend[2] * inverse,
                blend[3] * inverse,
            )
            dw, dx, dy, dz = (
                blend[4] * inverse,
                blend[5] * inverse,
                blend[6] * inverse,
                blend[7] * inverse,
            )
            ux = qy * z - qz * y + qw * x
            uy = qz * x - qx * z + qw * y
            uz = qx * y - qy * x + qw * z
            u = x + two * (qy * uz - qz * uy) + two * (qw * dx - dw * qx + qy * dz - qz * dy)
            v = y + two * (qz * ux - qx * uz) + two * (qw * dy - dw * qy + qz * dx - qx * dz)
            w = z + two * (qx * uy - qy * ux) + two * (qw * dz - dw * qz + qx * dy - qy * dx)
            a, b, c = half * (a + u), half * (b + v), half * (c + w)
        out[n, 0] = a
        out[n, 1] = b
        out[n, 2] = c
    return out


def about_y(angle_rad: float) -> np.ndarray:
    """(3,3) turn about the vertical; positive turns the front from +z towards +x."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def pose(
    character: Character,
    rig: Rig,
    rotations: np.ndarray,
    *,
    turn_rad: float = 0.0,
    lean: np.ndarray | None = None,
    at_mm: tuple[float, float] = (0.0, 0.0),
    on_floor: bool = True,
) -> Posed:
    """Pose a dressed person and put them down.

    Args:
        rotations: (B,3,3), each bone's own.
        turn_rad: of the whole about the vertical; positive turns the front towards +x.
        lean: (3,3), of the whole before it is turned.
        at_mm: (x, z) of the pelvis on the floor.
        on_floor: the lowest drawn point touches y = 0; otherwise the pelvis stays at the height
            it has at rest.
    """
    whole = about_y(turn_rad) @ (np.eye(3) if lean is None else np.asarray(lean, float))
    local = np.array(rotations, np.float64)
    local[0] = whole @ local[0]
    bones = transforms(rig, character.heads, local)
    middle = _pelvis(rig)
    centre = bones[middle, :3, :3] @ character.heads[middle] + bones[middle, :3, 3]
    shift = np.array([at_mm[0] - centre[0], 0.0, at_mm[1] - centre[2]], np.float32)
    bones[:, :3, 3] += shift
    positions = skin(character.rest, character.bone, character.bone_weight, bones)
    if on_floor:
        lift = -float(_lowest(positions, character.mesh.triangles, _hanging(character)))
        bones[:, 1, 3] += lift
        positions[:, 1] += lift
    for drape in character.drapes:
        falling.settle(positions, drape, bones, on_floor)
    for hung in character.hung:
        _hang(positions, character, hung, bones, on_floor)
    return Posed(positions, bones)


def _pelvis(rig: Rig) -> int:
    """The bone whose head is the middle of the hips."""
    return rig.names.index("spine05") if "spine05" in rig.names else 0


def _hanging(character: Character) -> np.ndarray:
    """(n,2) int64, the stretches of vertices that hang."""
    spans = [(h.vertices.start, h.vertices.stop) for h in character.hung]
    return np.array(spans, np.int64).reshape(-1, 2)


@numba.njit(cache=True, nogil=True)
def _lowest(positions: np.ndarray, triangles: np.ndarray, without: np.ndarray) -> np.float32:
    """Height of the lowest drawn vertex, without some stretches (a bag is no foot)."""
    low = np.float32(np.inf)
    for t in range(len(triangles)):
        for k in range(3):
            v = triangles[t, k]
            y = positions[v, 1]
            if y < low:
                skipped = False
                for s in range(len(without)):
                    if without[s, 0] <= v < without[s, 1]:
                        skipped = True
                if not skipped:
                    low = y
    return low if np.isfinite(low) else np.float32(0.0)


def _hang(
    positions: np.ndarray, character: Character, hung: Hung, bones: np.ndarray, on_floor: bool
) -> None:
    """Let a bag hang straight down from its anchor, in place."""
    span = hung.vertices
    turn = bones[hung.bone]
    anchor = turn[:3, :3] @ hung.anchor + turn[:3, 3]
    # The bag faces where the body faces: the pelvis' forward, seen from above.
    forward = bones[0, :3, 2]
    yaw = about_y(float(np.arctan2(forward[0], forward[2])))
    below = (character.rest[span] - hung.anchor) @ yaw.T
    moved = anchor + below + _aside(hung, character, bones, anchor, below, yaw)
    if on_floor:
        moved[:, 1] += max(0.0, -float(moved[:, 1].min()))
    positions[span] = moved


_STEEPEST = 0.33  # of how far the middle of a bag is below the hand
_HANDLE = 0.3  # of a bag's height below the hand: its handles, which lean


def _aside(
    hung: Hung,
    character: Character,
    bones: np.ndarray,
    anchor: np.ndarray,
    below: np.ndarray,
    yaw: np.ndarray,
) -> np.ndarray:
    """(k,3) mm that set a bag off the legs that it would cut into.

    Its handles lean, and the bag itself stays upright.
    """
    reach = max(1.0, -float(below[:, 1].min()))
    side = yaw[:, 0] * np.sign(hung.anchor[0] - character.heads[0, 0])
    need = 0.0
    for bone in hung.clear_of:
        m = bones[bone]
        head = m[:3, :3] @ character.heads[bone] + m[:3, 3]
        tail = m[:3, :3] @ character.tails[bone] + m[:3, 3]
        along = head + np.linspace(0.0, 1.0, 9)[:, None] * (tail - head)
        depth = anchor[1] - along[:, 1]
        beside = (depth > 0.15 * reach) & (depth < 1.1 * reach)
        gap = anchor - along[beside]
        near = np.abs(gap @ yaw[:, 2]) < hung.clearance_mm
        need = max(need, float((hung.clearance_mm - gap[near] @ side).max(initial=0.0)))
    middle = -0.5 * float(below[:, 1].max() + below[:, 1].min())
    off = min(need, _STEEPEST * max(0.0, middle))
    share = np.clip(-below[:, 1] / (_HANDLE * reach), 0.0, 1.0)
    return share[:, None] * (off * side)
