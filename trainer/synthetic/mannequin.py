"""A procedural mannequin: a jointed figure with clothes that needs no pack. Torch-free.

It comes through the same types as the MakeHuman pack, with MakeHuman's names of bones and macro
targets, so that everything downstream works with it.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np

from trainer.synthetic import landmarks, mannequin_clothes, mannequin_paint
from trainer.synthetic.mannequin_parts import Part, body
from trainer.synthetic.mannequin_shape import Proportions, finish, joints, mirrored
from trainer.synthetic.types import Assets, Piece, Rig, Surface, Targets

# bone, its parent, the points of its head and tail; ".*" stands for both sides
_BONES = (
    ("root", "", "root", "spine05"),
    ("pelvis.*", "root", "spine05", "upperleg01.*"),
    ("upperleg01.*", "pelvis.*", "upperleg01.*", "upperleg02.*"),
    ("upperleg02.*", "upperleg01.*", "upperleg02.*", "lowerleg01.*"),
    ("lowerleg01.*", "upperleg02.*", "lowerleg01.*", "lowerleg02.*"),
    ("lowerleg02.*", "lowerleg01.*", "lowerleg02.*", "foot.*"),
    ("foot.*", "lowerleg02.*", "foot.*", "toe.*"),
    ("spine05", "root", "spine05", "spine04"),
    ("spine04", "spine05", "spine04", "spine03"),
    ("spine03", "spine04", "spine03", "spine02"),
    ("spine02", "spine03", "spine02", "spine01"),
    ("spine01", "spine02", "spine01", "neck01"),
    ("clavicle.*", "spine01", "clavicle.*", "shoulder01.*"),
    ("shoulder01.*", "clavicle.*", "shoulder01.*", "upperarm01.*"),
    ("upperarm01.*", "shoulder01.*", "upperarm01.*", "upperarm02.*"),
    ("upperarm02.*", "upperarm01.*", "upperarm02.*", "lowerarm01.*"),
    ("lowerarm01.*", "upperarm02.*", "lowerarm01.*", "lowerarm02.*"),
    ("lowerarm02.*", "lowerarm01.*", "lowerarm02.*", "wrist.*"),
    ("wrist.*", "lowerarm02.*", "wrist.*", "hand.*"),
    ("neck01", "spine01", "neck01", "head"),
    ("head", "neck01", "head", "crown"),
    ("eye.*", "head", "eye.*", "eye_front.*"),
)
_FREE_POINTS = {"ear.L": "head", "ear.R": "head"}

_AVERAGE = Proportions()
_MAN = {
    "size": 1.03, "shoulder": 1.08, "hip": 0.96, "waist": 1.02, "chest": 1.05, "neck": 1.08,
    "arm": 1.07, "nose_long": 1.08,
}  # fmt: skip
_WOMAN = {
    "size": 0.965, "shoulder": 0.92, "hip": 1.05, "waist": 0.94, "chest": 0.95, "neck": 0.9,
    "arm": 0.9, "bust_mm": 26.0, "seat_mm": 8.0, "nose_wide": 0.9, "nose_long": 0.9, "face": 0.97,
}  # fmt: skip
# macro target: the proportions at its full weight, that of all factors it does not name
_TARGETS: Mapping[str, Mapping[str, float]] = {
    **{f"macrodetails/universal-male-{age}": _MAN for age in ("young", "old")},
    **{f"macrodetails/universal-female-{age}": _WOMAN for age in ("young", "old")},
    # body.height_macro makes MakeHuman's short girls taller; these start as tall as boys.
    "macrodetails/universal-female-child": {"size": 0.935, "face": 0.98, "neck": 0.96},
    "macrodetails/universal-female-baby": {"size": 0.94},
    "macrodetails/universal-baby": {
        "size": 0.39, "head": 1.75, "legs": 0.72, "shoulder": 0.95, "arms": 0.85, "belly_mm": 30.0,
        "waist": 1.15, "arm": 1.1, "leg": 1.05, "neck": 1.05, "nose_long": 0.6,
    },
    "macrodetails/universal-child": {
        "size": 0.775, "head": 1.25, "legs": 0.97, "shoulder": 0.93, "hip": 0.9, "waist": 1.0,
        "arm": 0.86, "leg": 0.88, "bust_mm": -2.0, "nose_long": 0.75, "neck": 0.95,
    },
    "macrodetails/universal-old": {
        "size": 0.985, "belly_mm": 22.0, "stoop_mm": 26.0, "waist": 1.06, "arm": 0.94, "leg": 0.94,
        "nose_long": 1.1,
    },
    "macrodetails/universal-maxweight": {
        "belly_mm": 75.0, "waist": 1.38, "hip": 1.2, "chest": 1.16, "neck": 1.2, "arm": 1.3,
        "leg": 1.2, "seat_mm": 22.0, "face": 1.08, "bust_mm": 12.0,
    },
    "macrodetails/universal-minweight": {
        "belly_mm": -16.0, "waist": 0.86, "hip": 0.92, "chest": 0.93, "neck": 0.92, "arm": 0.82,
        "leg": 0.85, "face": 0.96,
    },
    "macrodetails/universal-maxmuscle": {
        "shoulder": 1.08, "chest": 1.1, "arm": 1.2, "leg": 1.1, "neck": 1.14, "waist": 0.98,
    },
    "macrodetails/universal-minmuscle": {
        "shoulder": 0.96, "chest": 0.96, "arm": 0.9, "leg": 0.94, "neck": 0.94,
    },
    # As MakeHuman's, which go from 1.2 to 2.5 m: see body.height_macro.
    "macrodetails/height/universal-maxheight": {"size": 1.42, "head": 0.86},
    "macrodetails/height/universal-minheight": {"size": 0.785, "head": 1.1},
    "macrodetails/proportions/universal-idealproportions": {"legs": 1.04, "trunk": 0.97},
    "macrodetails/proportions/universal-uncommonproportions": {"legs": 0.94, "trunk": 1.04},
    "breast/female-young-maxcup": {"bust_mm": 34.0},
    "breast/female-young-mincup": {"bust_mm": -18.0},
    "head/head-scale-horiz-incr": {"face": 1.1},
    "head/head-scale-horiz-decr": {"face": 0.9},
    "nose/nose-scale-horiz-incr": {"nose_wide": 1.4},
    "nose/nose-scale-horiz-decr": {"nose_wide": 0.7},
    "nose/nose-scale-depth-incr": {"nose_long": 1.5},
    "nose/nose-scale-depth-decr": {"nose_long": 0.6},
    "stomach/stomach-pregnant-incr": {"belly_mm": 90.0},
    "stomach/stomach-pregnant-decr": {"belly_mm": -14.0},
    "hip/hip-scale-horiz-incr": {"hip": 1.12},
    "hip/hip-scale-horiz-decr": {"hip": 0.9},
    "torso/torso-scale-horiz-incr": {"shoulder": 1.1, "chest": 1.06},
    "torso/torso-scale-horiz-decr": {"shoulder": 0.92, "chest": 0.95},
    "armslegs/upperlegs-height-incr": {"legs": 1.08},
    "armslegs/upperlegs-height-decr": {"legs": 0.93},
}  # fmt: skip


def build() -> Assets:
    """The mannequin; every call gives the same."""
    parts, points = body(_AVERAGE), _points(_AVERAGE)
    base = _base(_AVERAGE)
    rig, bones = _rig(points, sum(len(p.points) for p in parts))
    weights = [_slots(p.weights, len(p.points), rig.names) for p in parts]
    weights.append(_slots([], 0, rig.names))
    bone = np.concatenate([w[0] for w in weights])
    bone_weight = np.concatenate([w[1] for w in weights])
    helper = np.zeros((len(points), 6), np.uint8)
    helper[:, 0] = [rig.names.index(bones[name]) for name in points]
    share = np.zeros((len(points), 6), np.float32)
    share[:, 0] = 1.0
    assets = Assets(
        source="mannequin",
        base=base,
        body=_joined(parts),
        tights=None,
        skirt=None,
        rig=rig,
        bone=np.concatenate([bone, helper]),
        bone_weight=np.concatenate([bone_weight, share]),
        targets=_targets(base),
        landmarks={},
        pieces=_pieces(base, parts, rig.names, points),
        textures=dict(_textures()),
        poses=_poses(rig.names),
    )
    assets.landmarks.update(_landmarks(assets, points, len(parts[0].points)))
    return assets


@lru_cache(maxsize=1)
def _textures() -> tuple[tuple[str, bytes], ...]:
    """Painted once: painting takes longer than all the rest."""
    return tuple(mannequin_paint.textures().items())


def _points(p: Proportions) -> dict[str, np.ndarray]:
    """The rig's points of both sides, mm."""
    found: dict[str, np.ndarray] = {}
    for name, at in joints(p).items():
        at = finish(p, at[None])[0]
        if at[0] == 0.0:
            found[name] = at
        else:
            found[f"{name}.L"], found[f"{name}.R"] = at, mirrored(at)
    return found


def _base(p: Proportions) -> np.ndarray:
    """(V,3) float32 mm: the body's parts, then the rig's points."""
    rows = [part.points for part in body(p)] + [np.array(list(_points(p).values()))]
    return np.concatenate(rows).astype(np.float32)


def _joined(parts: list[Part]) -> Surface:
    vertex, uv, triangles, points, corners = [], [], [], 0, 0
    for part in parts:
        vertex.append(part.vertex + points)
        uv.append(part.uv)
        triangles.append(part.triangles + corners)
        points += len(part.points)
        corners += len(part.vertex)
    return Surface(
        np.concatenate(vertex).astype(np.int32),
        np.concatenate(uv).astype(np.float32),
        np.concatenate(triangles).astype(np.int32),
    )


def _rig(points: Mapping[str, np.ndarray], first: int) -> tuple[Rig, dict[str, str]]:
    """The rig, and the bone that carries each of its points: the one before the joint there."""
    row = {name: first + i for i, name in enumerate(points)}
    bones = [
        tuple(word.replace("*", side) for word in bone)
        for bone in _BONES
        for side in (("L", "R") if "*" in bone[0] else ("",))
    ]
    # Parents come first, whatever the side.
    names: list[str] = []
    ordered: list[tuple[str, ...]] = []
    while len(ordered) < len(bones):
        for bone in bones:
            if bone[0] not in names and (not bone[1] or bone[1] in names):
                names.append(bone[0])
                ordered.append(bone)
    carriers = dict(_FREE_POINTS)
    for name, parent, head, tail in ordered:
        carriers.setdefault(head, parent or name)
        carriers[tail] = carriers.get(tail, name)
    starts = np.arange(len(ordered) + 1, dtype=np.int32)
    rig = Rig(
        names=tuple(names),
        parent=np.array([names.index(b[1]) if b[1] else -1 for b in ordered], np.int32),
        head_index=np.array([row[b[2]] for b in ordered], np.int32),
        head_start=starts,
        tail_index=np.array([row[b[3]] for b in ordered], np.int32),
        tail_start=starts,
    )
    return rig, carriers


def _slots(
    weights: list[tuple[str, np.ndarray]], count: int, names: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """(n,6) bones and weights, the largest first."""
    table = np.zeros((count, len(names)))
    for bone, weight in weights:
        table[:, names.index(bone)] += weight
    order = np.argsort(-table, axis=1, kind="stable")[:, :6]
    kept = np.take_along_axis(table, order, 1)
    kept /= np.maximum(kept.sum(1, keepdims=True), 1e-9)
    return np.where(kept > 0, order, 0).astype(np.uint8), kept.astype(np.float32)


def _targets(base: np.ndarray) -> Targets:
    names, index, delta = [], [], []
    for name, changes in _TARGETS.items():
        moved = _base(replace(_AVERAGE, **changes)) - base
        rows = np.flatnonzero((np.abs(moved) > 0.01).any(1))
        names.append(name)
        index.append(rows.astype(np.int32))
        delta.append(moved[rows].astype(np.float32))
    start = np.cumsum([0, *(len(rows) for rows in index)]).astype(np.int64)
    return Targets(tuple(names), start, np.concatenate(index), np.concatenate(delta))


def _pieces(
    base: np.ndarray, parts: list[Part], names: tuple[str, ...], points: Mapping[str, np.ndarray]
) -> dict[str, Piece]:
    first = sum(len(p.points) for p in parts)
    row = {name: first + i for i, name in enumerate(points)}
    offsets = np.cumsum([0, *(len(p.points) for p in parts)])
    pieces = {}
    for garment in mannequin_clothes.wardrobe(_AVERAGE):
        surface = _joined(list(garment.parts))
        at = np.concatenate([p.points for p in garment.parts]).astype(np.float32)
        a, b = at.astype(float), base[:first].astype(float)
        square = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2.0 * a @ b.T
        far = np.sqrt(np.maximum(square, 0.0))
        refs = np.sort(np.argpartition(far, 3, axis=1)[:, :3], axis=1).astype(np.int32)
        near = 1.0 / (np.take_along_axis(far, refs, 1) + 5.0)
        weight = (near / near.sum(1, keepdims=True)).astype(np.float32)
        slots = [_slots(p.weights, len(p.points), names) for p in garment.parts]
        hidden = [
            np.flatnonzero(garment.hides(p.name, p.points)) + start
            for p, start in zip(parts, offsets[:-1], strict=True)
            if garment.hides is not None
        ]
        pieces[garment.name] = Piece(
            name=garment.name,
            kind=garment.kind,
            surface=surface,
            refs=refs,
            weight=weight,
            offset=at - (weight[..., None] * base[refs]).sum(1),
            scale=_scale(base, row, garment.kind),
            bone=np.concatenate([s[0] for s in slots]),
            bone_weight=np.concatenate([s[1] for s in slots]),
            hides=np.concatenate([np.zeros(0, int), *hidden]).astype(np.int32),
            component=np.repeat(
                np.arange(len(garment.parts), dtype=np.int16),
                [len(p.points) for p in garment.parts],
            ),
            texture=garment.texture,
        )
    return pieces


def _scale(base: np.ndarray, row: Mapping[str, int], kind: str) -> np.ndarray:
    """What an offset grows with: the head for what is on it, otherwise the body."""
    if kind in ("hair", "hat", "eyes"):
        ends = (("ear.L", "ear.R"), ("crown", "head"), ("eye_front.L", "head"))
    else:
        ends = (("lowerleg01.L", "lowerleg01.R"), ("neck01", "spine05"), ("toe.L", "foot.L"))
    out = []
    for axis, (a, b) in enumerate(ends):
        length = abs(float(base[row[a], axis] - base[row[b], axis]))
        out.append((row[a], row[b], length))
    return np.array(out, np.float32)


def _landmarks(
    assets: Assets, points: Mapping[str, np.ndarray], head_vertices: int
) -> dict[str, np.ndarray]:
    first = len(assets.base) - len(points)
    row = {name: first + i for i, name in enumerate(points)}
    found = landmarks.joints(assets)
    found["nose"] = np.array([int(assets.base[:head_vertices, 2].argmax())], np.int32)
    for side, letter in (("left", "L"), ("right", "R")):
        found[f"{side}_eye"] = np.array([row[f"eye_front.{letter}"]], np.int32)
        found[f"{side}_ear"] = np.array([row[f"ear.{letter}"]], np.int32)
    return {name: found[name] for name in landmarks.NAMES}


def _turn(axis: int, degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    out = np.eye(3)
    i, j = [(1, 2), (2, 0), (0, 1)][axis]
    out[i, i] = out[j, j] = c
    out[i, j], out[j, i] = -s, s
    return out


def _poses(names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """(B,3,3) by name; (bone, axis, degrees) each."""
    arms = [("upperarm01.L", 2, -30.0), ("upperarm01.R", 2, 30.0)]
    lower = [("lowerarm01.L", 2, -6.0), ("lowerarm01.R", 2, 6.0)]
    written = {
        "standing01": arms + lower,
        "standing03": [
            *arms,
            ("upperarm01.R", 0, -18.0),
            ("lowerarm01.R", 0, -35.0),
            ("upperleg01.R", 0, -10.0),
            ("lowerleg01.R", 0, 16.0),
            ("head", 1, 14.0),
        ],
        "sit01": [
            *arms,
            *[(f"upperleg01.{s}", 0, -84.0) for s in "LR"],
            *[(f"lowerleg01.{s}", 0, 86.0) for s in "LR"],
            *[(f"lowerarm01.{s}", 0, -62.0) for s in "LR"],
        ],
    }
    poses = {}
    for name, turns in written.items():
        rotations = np.tile(np.eye(3), (len(names), 1, 1))
        for bone, axis, degrees in turns:
            b = names.index(bone)
            rotations[b] = _turn(axis, degrees) @ rotations[b]
        poses[name] = rotations.astype(np.float32)
    return poses
