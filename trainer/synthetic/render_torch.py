"""Renders figures with torch, on a processor or a graphics card: `render`'s picture and labels.

Every sample in every triangle's box is a fragment; those inside compete by depth and layer through
scatter-reductions. The formulas are those of `raster`, `shadow` and `shading`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from trainer.synthetic import raster, shading, shadow, shadow_torch
from trainer.synthetic.packing import Identity, pack
from trainer.synthetic.render import MARGIN, check, pixel_mm, view_of
from trainer.synthetic.resolve import OBJECTS
from trainer.synthetic.shading_torch import Look, level_of, resolve, sample_points, shade
from trainer.synthetic.types import Backdrop, Camera, Figure, Frame, Light

_BAND = 1_500_000  # samples in memory at once
_ID_BITS = 28


@dataclass(frozen=True)
class Mesh:
    """`packing.Packed` on a device; `texels` as (n,4) uint8, indices as int64."""

    triangles: Tensor
    uv: Tensor
    material: Tensor
    part: Tensor
    cloth: Tensor
    layer: Tensor
    parted: Tensor
    part_weights: Tensor
    corner_part: Tensor
    opacity: Tensor
    texel_area: Tensor
    used: Tensor
    used_opacity: Tensor
    texels: Tensor
    levels: Tensor
    level_count: Tensor
    gloss: Tensor
    cutout: Tensor
    two_sided: Tensor


@dataclass(frozen=True)
class Placed:
    """A figure that can be in the picture; points as in `raster.Points`, float64."""

    number: int
    first_id: int
    mesh: Mesh
    positions: Tensor
    screen: Tensor
    inverse: Tensor
    normal: Tensor
    lit: Tensor


@lru_cache(maxsize=24)
def _on_device(key: Identity, device: torch.device) -> Mesh:
    packed = pack(key.value)
    values = {name: getattr(packed, name) for name in Mesh.__dataclass_fields__}
    values["texels"] = packed.texels.view(np.uint8).reshape(-1, 4)
    for name in ("triangles", "material", "used", "part", "cloth", "layer", "corner_part"):
        values[name] = values[name].astype(np.int64)
    values["uv"] = packed.uv.astype(np.float64)
    values["texel_area"] = packed.texel_area.astype(np.float64)
    return Mesh(**{name: torch.from_numpy(v).to(device) for name, v in values.items()})


@torch.no_grad()
def render(
    figures: Sequence[Figure],
    camera: Camera,
    light: Light,
    backdrop: Backdrop,
    *,
    supersample: int = 2,
    device: str | torch.device = "cpu",
) -> Frame:
    """Take a picture; see `trainer.synthetic.render.render`.

    Args:
        device: where torch works, such as "cpu" or "cuda".
    """
    width, height = camera.size
    check(figures, camera, backdrop, supersample)
    device = torch.device(device)
    view, lamp = view_of(camera, supersample), shading.lamp(light)
    axes = shadow.light_axes(lamp.direction)
    with_floor = bool(np.any(backdrop.floor))
    people = max((f.number for f in figures if f.number < OBJECTS), default=0)

    placed: list[Placed] = []
    boxes: list[Tensor] = []
    first_id = 0
    for figure in figures:
        mesh = _on_device(Identity(figure.mesh), device)
        one, box = _place(figure, first_id, mesh, view, axes, 8.0 if with_floor else MARGIN)
        first_id += len(figure.mesh.triangles)
        if one is not None:
            placed.append(one)
            boxes.append(box)
    box = np.zeros((6, 2))
    if boxes:
        all_boxes = torch.stack(boxes)
        box = torch.stack([all_boxes[..., 0].amin(0), all_boxes[..., 1].amax(0)], 1).cpu().numpy()
        if not np.isfinite(box).all():
            box = np.zeros((6, 2))
    blockers = shadow.prepare(
        box, axes, lamp.softness, pixel_mm(box, camera), with_floor and bool(placed)
    )
    maps = shadow_torch.maps(blockers, device)
    for one in placed:
        mesh = one.mesh
        cut = mesh.cutout[mesh.material]
        away = ~((mesh.cloth > 0) | ~mesh.two_sided) | cut
        shadow_torch.block(
            maps,
            one.positions,
            one.lit,
            mesh.triangles,
            mesh.used,
            mesh.used_opacity,
            mesh.opacity,
            away,
        )
    look = Look(
        view=view,
        lamp=lamp,
        maps=maps,
        grids=shadow_torch.halves(maps),
        covered=shadow_torch.covered(maps),
        linear=torch.from_numpy(shading.linear_of_srgb()).to(device),
        curve=torch.from_numpy(shading.tone_curve()).to(device),
        supersample=supersample,
    )
    floor = torch.from_numpy(np.ascontiguousarray(backdrop.floor, np.float32)).to(device)
    behind = torch.from_numpy(np.ascontiguousarray(backdrop.image, np.float32)).to(device)
    bands = []
    step = max(1, _BAND // (width * supersample * supersample))
    for first in range(0, height, step):
        rows = min(step, height - first)
        seen, depth = _visibility(placed, view, first * supersample, rows * supersample, device)
        number, part, cloth, lit = shade(placed, look, seen, first * supersample)
        cut_out = slice(first, first + rows)
        bands.append(
            resolve(
                look,
                (number, part, cloth, depth, lit),
                behind[cut_out],
                floor[cut_out],
                first,
                people,
            )
        )
    image, cover, number, part, cloth, depth = (
        torch.cat([band[k] for band in bands], 1 if k == 1 else 0).cpu().numpy() for k in range(6)
    )
    return Frame(image, cover, number, part, cloth, depth)


def _place(
    figure: Figure, first_id: int, mesh: Mesh, view: raster.View, axes: np.ndarray, margin: float
) -> tuple[Placed | None, Tensor]:
    """`raster.project`: the figure in place, None where it cannot be seen, and its box (6,2)."""
    device = mesh.uv.device
    positions32 = torch.from_numpy(np.ascontiguousarray(figure.positions, np.float32)).to(device)
    positions = positions32.double()
    rotation = torch.from_numpy(view.rotation).to(device)
    there = positions @ rotation.T + torch.from_numpy(view.translation).to(device)
    lit = (positions @ torch.from_numpy(axes).to(device).T).float().double()
    w = there[:, 2]
    ahead = w >= raster.NEAR_MM
    inverse = torch.where(ahead, 1.0 / w, torch.zeros_like(w))
    centre = torch.tensor([view.centre_x, view.centre_y], dtype=torch.float64, device=device)
    free = there[:, :2] * (view.focal * inverse)[:, None] + centre
    free = free.clamp(-raster.FARTHEST, raster.FARTHEST)
    screen = torch.floor(free * raster.SNAP + 0.5) / raster.SNAP
    box = torch.stack([torch.full((6,), torch.inf), torch.full((6,), -torch.inf)], 1)
    box = box.double().to(device)
    drawn = mesh.used[ahead[mesh.used]]
    if not len(drawn):
        return None, box
    size = torch.tensor([view.width, view.height], dtype=torch.float64, device=device)
    at = free[drawn]
    overlaps = bool(((at.amax(0) >= 0.0) & (at.amin(0) <= size)).all())
    if not overlaps and len(drawn) == len(mesh.used):
        return None, box
    near = drawn[((at >= -margin * size) & (at <= (1.0 + margin) * size)).all(1)]
    if len(near):
        both = torch.cat([lit[near], positions[near]], 1)
        box = torch.stack([both.amin(0), both.amax(0)], 1)
    a, b, c = (positions32[mesh.triangles[:, k]] for k in range(3))
    across = torch.linalg.cross(b - a, c - a)
    normal = torch.zeros_like(positions32)
    for k in range(3):
        normal.index_add_(0, mesh.triangles[:, k], across)
    normal = normal / normal.norm(dim=1, keepdim=True).clamp_min(1e-12)
    placed = Placed(figure.number, first_id, mesh, positions, screen, inverse, normal.double(), lit)
    return placed, box


def _visibility(
    placed: Sequence[Placed], view: raster.View, top: int, rows: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """What the samples of some rows see: the triangle (-1 for none) and its depth, mm."""
    columns = view.width
    nearest = torch.full((rows * columns,), torch.inf, dtype=torch.float64, device=device)
    found: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
    for one in placed:
        for where, z, name, slack in _fragments(one, view, top, rows):
            nearest.scatter_reduce_(0, where, z, "amin")
            found.append((where, z, name, slack))
    most = torch.iinfo(torch.int64).max
    best = torch.full((rows * columns,), most, dtype=torch.int64, device=device)
    for where, z, name, slack in found:
        ok = z < nearest[where] + slack
        ok |= z <= nearest[where]
        # by layer, then by depth (the bits of a positive float sort as it does), then by number
        bits = z.float().view(torch.int32).long()
        key = ((7 - (name & 7)) << 59) | (bits << _ID_BITS) | (name >> 3)
        best.scatter_reduce_(0, where[ok], key[ok], "amin")
    seen = torch.where(best == most, -1, best & ((1 << _ID_BITS) - 1))
    depth = ((best >> _ID_BITS) & 0x7FFFFFFF).int().view(torch.float32)
    depth = torch.where(best == most, torch.full_like(depth, torch.inf), depth)
    return seen.view(rows, columns), depth.view(rows, columns)


def _fragments(
    one: Placed, view: raster.View, top: int, rows: int
) -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """`raster.visibility`'s fragments: sample, depth, eight times the triangle + layer, slack."""
    mesh = one.mesh
    corners = one.screen[mesh.triangles]  # (T, 3, 2)
    inverse = one.inverse[mesh.triangles]  # (T, 3)
    area = shadow_torch.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    drawn = (inverse > 0.0).all(1) & (area != 0.0) & ((area < 0.0) | mesh.two_sided)
    reach = float(view.shift[-1])
    low = torch.ceil(corners.amin(1) - reach).long()
    high = torch.floor(corners.amax(1) + reach).long()
    low = torch.stack([low[:, 0].clamp_min(0), (low[:, 1] - top).clamp_min(0)], 1)
    high = torch.stack(
        [high[:, 0].clamp_max(view.width - 1), (high[:, 1] - top).clamp_max(rows - 1)], 1
    )
    drawn &= (low <= high).all(1)
    chosen = torch.nonzero(drawn).squeeze(1)
    low, high = low[chosen], high[chosen]
    found = []
    for start, end in shadow_torch.chunks(low, high):
        which, x, y = shadow_torch.box_fragments(low[start:end], high[start:end])
        t = chosen[start + which]
        point = sample_points(view, x, y + top)
        sign = torch.where(area[t] > 0.0, 1.0, -1.0)
        a, b, c = corners[t, 0], corners[t, 1], corners[t, 2]
        wa = shadow_torch.cross(c - b, point - b) * sign
        wb = shadow_torch.cross(a - c, point - c) * sign
        wc = shadow_torch.cross(b - a, point - a) * sign
        inside = torch.nonzero((wa >= 0.0) & (wb >= 0.0) & (wc >= 0.0)).squeeze(1)
        t, x, y = t[inside], x[inside], y[inside]
        weights = torch.stack([wa[inside], wb[inside], wc[inside]], 1)
        weights = weights * (inverse[t] / area[t].abs()[:, None])
        iz = weights.sum(1)
        z = 1.0 / iz
        material = mesh.material[t]
        cut = torch.nonzero(mesh.cutout[material]).squeeze(1)
        if len(cut):
            opaque = torch.ones(len(t), dtype=torch.bool, device=t.device)
            share = weights[cut] * z[cut, None]
            uv = (share[:, :, None] * mesh.uv[t[cut]]).sum(1)
            level = level_of(mesh, t[cut], area[t[cut]].abs())
            alpha = _opacity(mesh, material[cut], level, uv)
            wide = area[t[cut]].abs() / mesh.texel_area[t[cut]].clamp_min(1e-9)
            wide, s = torch.sqrt(wide), len(view.shift)
            sharp = (3.0 * wide).clamp_max(raster.HARDER)
            sharp = torch.maximum(sharp, raster.EDGE * wide / s).clamp_min(1.0)
            alpha = (alpha - 0.5) * sharp + 0.5
            opaque[cut] = alpha > _threshold(x[cut], y[cut] + top, t[cut], s, sharp <= 1.0)
            t, x, y, z, iz = t[opaque], x[opaque], y[opaque], z[opaque], iz[opaque]
        sides = corners[t].roll(-1, 1) - corners[t].roll(1, 1)  # opposite sides
        per_area = inverse[t] / area[t][:, None]
        gx = (sides[..., 1] * per_area).sum(1)
        gy = (sides[..., 0] * per_area).sum(1)
        steep = torch.sqrt(gx * gx + gy * gy) * view.focal / iz
        slack = raster.LAYER_MM * torch.sqrt(1.0 + steep * steep).clamp_max(raster.STEEPEST)
        name = ((one.first_id + t) << 3) | mesh.layer[t]
        found.append((y * view.width + x, z, name, slack))
    return found


def _opacity(mesh: Mesh, material: Tensor, level: Tensor, uv: Tensor) -> Tensor:
    first, wide, high = mesh.levels[material, level].unbind(1)
    x, y = uv[:, 0] % 1.0 * wide - 0.5, (1.0 - uv[:, 1]) % 1.0 * high - 0.5
    x0, y0 = torch.floor(x), torch.floor(y)
    fx, fy = x - x0, y - y0
    left, right = x0.long() % wide, (x0.long() + 1) % wide
    upper, lower = first + y0.long() % high * wide, first + (y0.long() + 1) % high * wide
    alpha = mesh.texels[:, 3]
    above = alpha[upper + left] * (1.0 - fx) + alpha[upper + right] * fx
    below = alpha[lower + left] * (1.0 - fx) + alpha[lower + right] * fx
    return (above * (1.0 - fy) + below * fy) / 255.0


def _threshold(x: Tensor, y: Tensor, triangle: Tensor, s: int, far: Tensor) -> Tensor:
    turn = (triangle % 1024).double() * 0.6180339887498949
    turn = ((turn - torch.floor(turn)) * (s * s)).long()
    j = y % s
    rank = ((x % s + j) % s * s + j + turn) % (s * s)
    u, w = x // s, y // s
    between = ((((u ^ w) & 1) * 2 + (w & 1)).double() + 0.5) / 4.0
    return (rank + torch.where(far | (s == 1), between, 0.5)) / (s * s)
