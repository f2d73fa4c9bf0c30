"""`shadow` for torch: the same maps and grids, asked at many points at once, on any device."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainer.synthetic import shadow

_AT_ONCE = 4_000_000  # fragments of a map, or pairs of floor cells, in memory at once


@dataclass(frozen=True)
class Maps:
    """`shadow.Blockers` on a device; the same names, shapes and units; float64 but for `full`."""

    axes: Tensor
    depth: Tensor
    corner: Tensor
    texel: float
    radius: float
    full: Tensor
    origin: Tensor
    cell: float
    lowest: Tensor
    floor_corner: Tensor
    nodes: tuple[int, int]
    discs: tuple[Tensor, Tensor, Tensor]


def maps(blockers: shadow.Blockers, device: torch.device) -> Maps:
    """Empty maps on the device, of the shapes that `shadow.prepare` chose."""

    def there(array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(device)

    return Maps(
        axes=there(blockers.axes),
        depth=there(blockers.depth.astype(np.float64)),
        corner=there(blockers.corner),
        texel=blockers.texel,
        radius=blockers.radius,
        full=there(blockers.full),
        origin=there(blockers.origin),
        cell=blockers.cell,
        lowest=there(blockers.lowest.astype(np.float64)),
        floor_corner=there(blockers.floor_corner),
        nodes=(int(blockers.floor.shape[0]), int(blockers.floor.shape[1])),
        discs=(
            there(blockers.disc),
            there(blockers.search_disc),
            there(blockers.wide_disc),
        ),
    )


def box_fragments(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Every grid point of many boxes.

    Args:
        low, high: (T,2) int64, the first and the last x and y of each; none where high < low.
    Returns:
        (F,) int64: which box; x; y.
    """
    size = (high - low + 1).clamp_min(0)
    count = size[:, 0] * size[:, 1]
    which = torch.repeat_interleave(torch.arange(len(low), device=low.device), count)
    within = torch.arange(len(which), device=low.device) - (count.cumsum(0) - count)[which]
    wide = size[which, 0]
    x = low[which, 0] + within % wide
    y = low[which, 1] + torch.div(within, wide, rounding_mode="floor")
    return which, x, y


def chunks(low: Tensor, high: Tensor, limit: int = _AT_ONCE) -> list[tuple[int, int]]:
    """Ranges of boxes that hold about `limit` grid points each."""
    size = (high - low + 1).clamp_min(0)
    total = (size[:, 0] * size[:, 1]).cumsum(0)
    if not len(total) or int(total[-1]) == 0:
        return []
    marks = torch.arange(limit, int(total[-1]) + limit, limit, device=low.device)
    ends = (torch.searchsorted(total, marks, right=True) + 1).clamp_max(len(total)).tolist()
    starts = [0, *ends[:-1]]
    return [(a, b) for a, b in zip(starts, ends, strict=True) if b > a]


def block(
    m: Maps,
    positions: Tensor,
    lit: Tensor,
    triangles: Tensor,
    used: Tensor,
    used_opacity: Tensor,
    opacity: Tensor,
    away_counts: Tensor,
) -> None:
    """`shadow.block`.

    Args:
        positions, lit: (N,3) float64 mm.
        away_counts: (T,) bool, whether the side away from the light blocks too.
    """
    _splat(m, positions[used], used_opacity)
    number = torch.arange(len(triangles), device=triangles.device)
    blocks = (opacity >= 0.98) | (opacity >= (number * 0.6180339887498949) % 1.0)
    corners = lit[triangles]  # (T, 3, 3)
    low, high = corners.amin(1), corners.amax(1)
    longest = (high - low).amax(1)
    parts = ((longest / m.cell * 0.8).long() + 1).clamp_max(48)
    parts = torch.where(blocks & (longest > 1.5 * m.cell), parts, 0)
    for n in torch.unique(parts[parts > 0]).tolist():
        i, j = (g.reshape(-1) for g in torch.meshgrid(*[torch.arange(n)] * 2, indexing="ij"))
        keep = i + j < n
        wa, wb = (i[keep] + 0.33) / n, (j[keep] + 0.33) / n
        weights = torch.stack([wa, wb, 1.0 - wa - wb], 1).to(positions)
        chosen = torch.nonzero(parts == n).squeeze(1)
        points = torch.einsum("kc,tcd->tkd", weights, positions[triangles[chosen]])
        _splat(m, points.reshape(-1, 3), opacity[chosen].repeat_interleave(len(weights)))
    a, b, c = corners[:, 0, :2], corners[:, 1, :2], corners[:, 2, :2]
    area = cross(b - a, c - a)
    draw = torch.nonzero(blocks & (area.abs() >= 1e-6) & ((area > 0) | away_counts)).squeeze(1)
    low2 = torch.ceil((low[draw, :2] - m.corner) / m.texel - 0.5).long().clamp_min(0)
    high2 = torch.floor((high[draw, :2] - m.corner) / m.texel - 0.5).long()
    rows, columns = m.depth.shape
    high2 = torch.minimum(high2, torch.tensor([columns - 1, rows - 1], device=high2.device))
    flat = m.depth.view(-1)
    for start, end in chunks(low2, high2):
        which, x, y = box_fragments(low2[start:end], high2[start:end])
        t = draw[start + which]
        point = (torch.stack([x, y], 1) + 0.5) * m.texel + m.corner
        wa = cross(c[t] - b[t], point - b[t]) / area[t]
        wb = cross(a[t] - c[t], point - c[t]) / area[t]
        wc = 1.0 - wa - wb
        inside = (wa >= -1e-4) & (wb >= -1e-4) & (wc >= -1e-4)
        d = corners[t]
        d = wa * d[:, 0, 2] + wb * d[:, 1, 2] + wc * d[:, 2, 2]
        flat.scatter_reduce_(0, (y * columns + x)[inside], d[inside], "amax")


def cross(u: Tensor, v: Tensor) -> Tensor:
    """(...) of (...,2) vectors: twice the signed area between them."""
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]


def _splat(m: Maps, points: Tensor, opacity: Tensor) -> None:
    at = torch.floor((points - m.origin) / m.cell).long()
    shape = torch.tensor(m.full.shape, device=at.device)
    ok = ((at >= 0) & (at < shape)).all(1)
    index = (at[:, 0] * shape[1] + at[:, 1]) * shape[2] + at[:, 2]
    m.full.view(-1).scatter_reduce_(0, index[ok], opacity[ok].to(m.full), "amax")
    cell = torch.floor((points[:, [0, 2]] - m.floor_corner) / shadow.CONTACT_CELL_MM).long()
    flat_shape = torch.tensor(m.lowest.shape, device=at.device)
    ok = ((cell >= 0) & (cell < flat_shape)).all(1)
    index = cell[:, 0] * flat_shape[1] + cell[:, 1]
    m.lowest.view(-1).scatter_reduce_(0, index[ok], points[ok, 1].clamp_min(0.0), "amin")


def halves(m: Maps) -> tuple[Tensor, Tensor]:
    """The grid in halves and in quarters of its size."""
    half = (_pool(m.full) * 2.0).clamp_max(1.0)
    return half, (_pool(half) * 2.0).clamp_max(1.0)


def _pool(grid: Tensor) -> Tensor:
    return torch.nn.functional.avg_pool3d(grid[None, None], 2)[0, 0]


def covered(m: Maps) -> Tensor:
    """(x,z) float64: how much of the sky is hidden from each cell of the floor."""
    shape = m.lowest.shape
    hidden = torch.zeros(shape[0] * shape[1], dtype=torch.float64, device=m.lowest.device)
    things = torch.nonzero(m.lowest <= 2500.0)
    if not len(things):
        return hidden.view(shape)
    height = m.lowest[things[:, 0], things[:, 1]]
    h2 = (height + 25.0) ** 2
    reach = (3.0 * (height + 40.0)).clamp_max(shadow.CONTACT_REACH_MM)
    reach = (reach / shadow.CONTACT_CELL_MM).long()[:, None] + 1
    low = (things - reach).clamp_min(0)
    high = torch.minimum(things + reach, torch.tensor(shape, device=things.device) - 1)
    area = shadow.CONTACT_CELL_MM**2 / math.pi
    for start, end in chunks(low, high):
        which, i, k = box_fragments(low[start:end], high[start:end])
        which = which + start
        away = torch.stack([i, k], 1) - things[which]
        r2 = (away * shadow.CONTACT_CELL_MM).double().square().sum(1) + h2[which]
        hidden.index_add_(0, i * shape[1] + k, area * h2[which] / r2.square())
    return (1.0 - torch.exp(-2.0 * hidden)).view(shape)


def _fullness(grid: Tensor, at: Tensor) -> Tensor:
    """`shadow._fullness` at (n,3) points."""
    at = at - 0.5
    first = torch.floor(at).long()
    shape = torch.tensor(grid.shape, device=at.device)
    ok = ((first >= 0) & (first + 1 < shape)).all(1)
    f = at - first
    first = first.clamp_min(0).minimum((shape - 2).clamp_min(0))
    total = torch.zeros(len(at), dtype=at.dtype, device=at.device)
    if min(grid.shape) < 2:
        return total
    for a in range(2):
        for b in range(2):
            for c in range(2):
                value = grid[first[:, 0] + a, first[:, 1] + b, first[:, 2] + c]
                wx = f[:, 0] if a else 1.0 - f[:, 0]
                wy = f[:, 1] if b else 1.0 - f[:, 1]
                wz = f[:, 2] if c else 1.0 - f[:, 2]
                total = total + value * wx * wy * wz
    return torch.where(ok, total, torch.zeros_like(total))


def openness(m: Maps, grids: tuple[Tensor, Tensor], points: Tensor, normal: Tensor) -> Tensor:
    """`shadow.openness` at (n,3) points, mm, with (n,3) unit normals; (n,)."""
    nx, ny, nz = normal.unbind(1)
    s = torch.where(nz >= 0.0, 1.0, -1.0).to(normal)
    a = -1.0 / (s + nz)
    b = nx * ny * a
    u = torch.stack([1.0 + s * nx * nx * a, s * b, -s * nx], 1)
    v = torch.stack([b, s + ny * ny * a, -ny], 1)
    start = (points - m.origin) / m.cell + 0.9 * normal
    total = torch.zeros(len(points), dtype=normal.dtype, device=normal.device)
    for cone in range(4):
        if cone == 0:
            toward, weight = normal, 0.34
        else:
            side = 0.83 if cone == 1 else -0.415
            other = (0.0, 0.7188, -0.7188)[cone - 1]
            toward, weight = 0.5578 * normal + side * u + other * v, 0.22
        passed = 1.0 - 0.9 * _fullness(m.full, start + 1.2 * toward)
        passed = passed * (1.0 - 0.8 * _fullness(grids[0], (start + 2.9 * toward) / 2))
        passed = passed * (1.0 - 0.55 * _fullness(grids[1], (start + 6.5 * toward) / 4))
        total = total + weight * passed
    return total * (0.45 + 0.55 * total)


def _above(m: Maps, x: Tensor, y: Tensor, plane: Tensor) -> Tensor:
    """How far, mm, the map at texels (y, x) lies above a plane; far below it outside the map."""
    i, j = torch.floor(y).long(), torch.floor(x).long()
    rows, columns = m.depth.shape
    ok = (i >= 0) & (i < rows) & (j >= 0) & (j < columns)
    found = m.depth[i.clamp(0, rows - 1), j.clamp(0, columns - 1)] - plane
    return torch.where(ok, found, torch.full_like(found, -1e30))


def key_share(m: Maps, lit: Tensor, normal: Tensor) -> Tensor:
    """`shadow.key_share` at (n,3) points along the light's axes with (n,3) normals; (n,)."""
    facing = normal @ m.axes.T
    off = min(max(2.0 * m.texel, 9.0), 22.0)
    at = (lit[:, :2] + facing[:, :2] * off - m.corner) / m.texel
    d = lit[:, 2] + facing[:, 2] * off
    slope = -facing[:, :2] / facing[:, 2:].clamp_min(0.35)
    taps = m.discs[0] * m.radius  # (K, 2)
    plane = d[:, None] + slope @ taps.T
    x = at[:, :1] + taps[:, 0] / m.texel
    y = at[:, 1:] + taps[:, 1] / m.texel
    blocked = ((_above(m, x, y, plane) - 3.0) / 12.0).clamp(0.0, 1.0)
    return 1.0 - blocked.mean(1)


def floor_key(m: Maps, points: Tensor) -> Tensor:
    """`shadow.floor_key` at (n,2) points of the floor, x and z in mm; (n,)."""
    flat = m.axes[:, [0, 2]]
    at = (points @ flat[:2].T - m.corner) / m.texel
    d = points @ flat[2]
    reach = 60.0 + m.radius
    lz = max(float(m.axes[2, 1]), 0.2)
    slope = -m.axes[:2, 1] / lz * m.texel
    taps = m.discs[1] * (reach / m.texel)
    above = _above(m, at[:, :1] + taps[:, 0], at[:, 1:] + taps[:, 1], d[:, None] + taps @ slope)
    hit = above > 4.0
    hits = hit.sum(1)
    height = torch.where(hit, above, torch.zeros_like(above)).sum(1) / hits.clamp_min(1)
    share = torch.ones(len(points), dtype=points.dtype, device=points.device)
    some = torch.nonzero(hits > 0).squeeze(1)
    reach_texels = (15.0 + height[some] * (0.03 + 0.002 * m.radius)) / m.texel
    taps2 = reach_texels[:, None, None] * m.discs[2]  # (n, K, 2)
    above = _above(
        m,
        at[some, :1] + taps2[..., 0],
        at[some, 1:] + taps2[..., 1],
        d[some, None] + taps2 @ slope,
    )
    share[some] = 1.0 - ((above - 2.0).clamp_min(0.0) / 12.0).clamp_max(1.0).mean(1)
    return share
