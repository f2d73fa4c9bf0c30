"""Something to sit on, under people who sit. Torch-free."""

import numpy as np

from trainer.synthetic.object_shapes import Builder, cloth, metal, wood
from trainer.synthetic.rig import about_y
from trainer.synthetic.types import Assets, Mesh, Posed

_LOW_MM, _HIGH_MM = 190.0, 720.0  # seats that people have
_LEAST_DEEP_MM = 190.0
_SHIN_MM = 80.0  # from the middle of a shin to its calf
_SINK_MM = 14.0
KINDS = ("stool", "chair", "bench", "crate", "pouf", "block")


def under(
    rng: np.random.Generator, assets: Assets, posed: Posed, heads: np.ndarray, *, back: bool = True
) -> tuple[Mesh, np.ndarray] | None:
    """A seat under someone who sits, at the height they sit at.

    Args:
        heads: (B,3) mm, the person's bones at rest.
        back: a chair may have one; not behind somebody's backpack.
    Returns:
        A mesh and its (m,3) float32 positions, mm, world; None for who does not sit.
    """
    names = assets.rig.names
    index = {name: b for b, name in enumerate(names)}
    turn, move = posed.bones[:, :3, :3].astype(float), posed.bones[:, :3, 3].astype(float)
    at = np.einsum("bij,bj->bi", turn, np.asarray(heads, float)) + move
    hips, knees, ankles = (
        np.stack([at[index[f"{n}.{s}"]] for s in "LR"])
        for n in ("upperleg01", "lowerleg01", "foot")
    )
    thigh = knees - hips
    length = np.linalg.norm(thigh, axis=1)
    middle, head = hips.mean(0), at[index["head"]]
    rise = (head - middle) / max(float(np.linalg.norm(head - middle)), 1e-6)
    level = np.abs(thigh[:, 1]) < 0.5 * length
    if not level.any() or rise[1] < 0.55:
        return None
    front = (thigh / length[:, None]).sum(0)[[0, 2]]
    if np.hypot(*front) < 0.5:
        return None
    yaw = float(np.arctan2(front[0], front[1]))
    away = about_y(yaw)  # local z is where the knees point to

    def local(points: np.ndarray) -> np.ndarray:
        moved = (points - middle * [1, 0, 1]) @ away
        return np.asarray(moved, float)

    vertices = np.unique(assets.body.vertex)
    strongest = assets.bone[vertices, np.argmax(assets.bone_weight[vertices], axis=1)]
    seated = ("root", "pelvis", "spine05", "upperleg")
    own = np.isin(strongest, [b for b, n in enumerate(names) if n.startswith(seated)])
    body = local(posed.positions[vertices[own]].astype(float))
    below = body[np.abs(body[:, 2]) < 130]
    if not len(below):
        return None
    top = float(below[:, 1].min()) + _SINK_MM
    if not _LOW_MM < top < _HIGH_MM:
        return None
    shins = np.concatenate([local(a + s * (b - a)) for a, b, s in _steps(knees, ankles)])
    shins = shins[shins[:, 1] < top + 40]
    reach = float(shins[:, 2].min(initial=600.0)) - _SHIN_MM
    ahead = min(reach, 0.45 * float(length.mean()), 230.0)
    behind = float(body[:, 2].min()) - float(rng.uniform(10, 60))
    if ahead - behind < _LEAST_DEEP_MM or ahead < 40:
        return None
    torso = np.isin(strongest, [b for b, n in enumerate(names) if n.startswith("spine")])
    rear = local(posed.positions[vertices[torso]].astype(float))
    leans = float(rear[:, 2].min())
    half = max(float(np.abs(body[np.abs(body[:, 2]) < 130, 0]).max()) + 10, 190.0)
    builder = Builder()
    kinds = [k for k in KINDS if k != "chair" or (back and -120 < leans - behind < 90)]
    shares = np.array([3.0 if k == "chair" else 1.0 for k in kinds])
    kind = str(rng.choice(kinds, p=shares / shares.sum()))
    _made(rng, builder, kind, top, half, behind, ahead, min(leans, behind) - 25)
    mesh, points = builder.build()
    return mesh, (points @ away.T + middle * [1, 0, 1]).astype(np.float32)


def _steps(knees: np.ndarray, ankles: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, float]]:
    return [(knees, ankles, s) for s in (0.15, 0.35, 0.55, 0.75, 0.95)]


def _made(
    rng: np.random.Generator,
    b: Builder,
    kind: str,
    top: float,
    half: float,
    behind: float,
    ahead: float,
    back: float,
) -> None:
    """A seat whose top is at `top` from z = `behind` to `ahead`; `back`: where a back stands."""
    if kind in ("crate", "pouf", "block"):
        if kind == "pouf":
            paint = b.paint(cloth(rng))
        elif kind == "crate":
            paint = b.paint(("boards", wood(rng)[1]))
        else:
            paint = b.paint(("concrete", [np.full(3, v) for v in (0.36, 0.28, 0.4)]))
        b.box((-half, 0, behind), (half, top, ahead), paint, 1 / 900)
        return
    timber = b.paint(wood(rng), gloss=0.2)
    leg = b.paint(metal(rng), gloss=0.3) if rng.random() < 0.4 else timber
    thick = 42.0
    if kind == "bench":
        left, right = (half + float(rng.uniform(150, 700)) for _ in range(2))
        low, high = -left, right
        slats = 3
        step = (ahead - behind) / slats
        for k in range(slats):
            z = behind + k * step
            b.box((low, top - thick, z), (high, top, z + step - 14), timber)
    else:
        low, high = -half, half
        b.box((low, top - thick, behind), (high, top, ahead), timber)
    r = 18.0
    for x in (low + 34, high - 34):
        for z in (behind + 30, ahead - 30):
            b.box((x - r, 0, z - r), (x + r, top - thick, z + r), leg)
        rail = 0.4 * top
        b.box((x - 10, rail - 14, behind + 30), (x + 10, rail + 14, ahead - 30), leg)
    if kind == "chair":
        high_mm = top + float(rng.uniform(380, 520))
        z = min(back, behind - 5)
        for x in (low + 34, high - 34):
            b.box((x - r, 0, z - 2 * r), (x + r, high_mm, z), leg)
        b.box((low + 30, top - thick, z - r), (high - 30, top - thick + 30, behind + 30), leg)
        for y in np.linspace(top + 160, high_mm - 60, 3):
            b.box((low + 30, float(y) - 32, z - 30), (high - 30, float(y) + 32, z - 8), timber)
