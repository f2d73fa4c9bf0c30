"""`shading` for torch: light on all samples at once, and pixels of samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from trainer.synthetic import raster, shading, shadow, shadow_torch
from trainer.synthetic.resolve import OBJECTS
from trainer.synthetic.types import Cloth

if TYPE_CHECKING:
    from trainer.synthetic.render_torch import Mesh, Placed


@dataclass(frozen=True)
class Look:
    """What a picture's light is made of, on a device."""

    view: raster.View
    lamp: shading.Lamp
    maps: shadow_torch.Maps
    grids: tuple[Tensor, Tensor]
    covered: Tensor
    linear: Tensor
    curve: Tensor
    supersample: int

    @property
    def eye(self) -> Tensor:
        """(3,) float64 mm, world."""
        eye = -self.view.rotation.T @ self.view.translation
        return torch.from_numpy(eye).to(self.maps.axes)


def shade(
    placed: Sequence[Placed], look: Look, seen: Tensor, top: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """`shading.shade` of every figure.

    Args:
        seen: (h,w) int64, the triangle of each sample, -1 for none.
    Returns:
        (h,w) int64 number, part and cloth; (h,w,3) float32 linear light.
    """
    device = seen.device
    number = torch.zeros_like(seen)
    part, cloth = torch.zeros_like(seen), torch.zeros_like(seen)
    lit = torch.zeros((*seen.shape, 3), dtype=torch.float32, device=device)
    for one in placed:
        count = len(one.mesh.triangles)
        y, x = torch.nonzero((seen >= one.first_id) & (seen < one.first_id + count), as_tuple=True)
        if not len(y):
            continue
        t = seen[y, x] - one.first_id
        number[y, x] = one.number
        cloth[y, x] = one.mesh.cloth[t]
        weights, area = _weights(one, t, sample_points(look.view, x, y + top))
        part[y, x] = _parts(one.mesh, t, weights)
        source = _first_alike(one.mesh.material[t], y, x, look.supersample)
        source = torch.where(
            _shared(one.mesh, t, look), source, torch.arange(len(t), device=device)
        )
        own = source == torch.arange(len(t), device=device)
        light = torch.zeros((len(t), 3), dtype=torch.float32, device=device)
        light[own] = _light(one, look, t[own], weights[own], area[own]).float()
        lit[y, x] = light[source]
    return number, part, cloth, lit


def _first_alike(material: Tensor, y: Tensor, x: Tensor, supersample: int) -> Tensor:
    """(n,) whose light each sample takes: its pixel's first one's if that is of its material."""
    width = int(x.max()) // supersample + 1
    pixel = (y // supersample) * width + x // supersample
    order = torch.arange(len(y), device=y.device)
    first = torch.full((int(pixel.max()) + 1,), len(y), dtype=torch.int64, device=y.device)
    first = first.scatter_reduce(0, pixel, order, "amin")[pixel]
    return torch.where(material == material[first], first, order)


def _shared(mesh: Mesh, t: Tensor, look: Look) -> Tensor:
    """(n,) bool: samples that see triangles t share their pixel's light."""
    return ~mesh.cutout[mesh.material[t]] & (look.supersample <= shading.SHARED)


def sample_points(view: raster.View, x: Tensor, y: Tensor) -> Tensor:
    """(n,2) float64: where the samples of columns x and rows y of the grid lie in it."""
    shift = torch.from_numpy(view.shift).to(x.device)
    s = len(shift)
    return torch.stack([x - shift[y % s], y + shift[x % s]], 1)


def _weights(one: Placed, t: Tensor, point: Tensor) -> tuple[Tensor, Tensor]:
    """(n,3) shares of the corners of triangles t at (n,2) points; (n,) twice their areas."""
    corner = one.mesh.triangles[t]
    a, b, c = one.screen[corner].unbind(1)
    area = shadow_torch.cross(b - a, c - a)
    weights = torch.stack(
        [
            shadow_torch.cross(c - b, point - b),
            shadow_torch.cross(a - c, point - c),
            shadow_torch.cross(b - a, point - a),
        ],
        1,
    )
    weights = weights * one.inverse[corner] / area[:, None]
    return weights / weights.sum(1, keepdim=True), area


def _parts(mesh: Mesh, t: Tensor, weights: Tensor) -> Tensor:
    """(n,) int64, the part that most of each sample has, of those of its triangle's corners."""
    part = mesh.part[t]
    parted = torch.nonzero(mesh.parted[t]).squeeze(1)
    if len(parted):
        corner, share = mesh.triangles[t[parted]], weights[parted, :, None]
        kinds = mesh.corner_part[corner]
        much = (share * mesh.part_weights[corner].double()).sum(1).gather(1, kinds)
        most = much.amax(1, keepdim=True)
        first = torch.where(much == most, torch.arange(3, device=t.device), 3).amin(1)
        part[parted] = kinds.gather(1, first[:, None]).squeeze(1)
    return part


def _shares(one: Placed, look: Look, vertices: Tensor, two_sided: Tensor) -> tuple[Tensor, Tensor]:
    """The key's and the surroundings' share at (n,) vertices."""
    normal = one.normal[vertices]
    away = (normal * (look.eye - one.positions[vertices])).sum(1) < 0.0
    normal = torch.where((away & two_sided)[:, None], -normal, normal)
    key = shadow_torch.key_share(look.maps, one.lit[vertices], normal)
    return key, shadow_torch.openness(look.maps, look.grids, one.positions[vertices], normal)


def _light(one: Placed, look: Look, t: Tensor, weights: Tensor, area: Tensor) -> Tensor:
    """(n,3) linear light of samples that see the figure's triangles t, as `_weights` tells."""
    mesh, lamp = one.mesh, look.lamp
    corner = mesh.triangles[t]
    vertices, place = torch.unique(corner, return_inverse=True)
    two_sided = torch.zeros(len(vertices), dtype=torch.bool, device=t.device)
    two_sided[place.reshape(-1)] = mesh.two_sided[t].repeat_interleave(3)
    key_at, sky_at = _shares(one, look, vertices, two_sided)

    def mean(values: Tensor) -> Tensor:
        return (weights[..., None] * values).sum(1)

    n = mean(one.normal[corner])
    flip = torch.where(area > 0.0, -1.0, 1.0)[:, None]
    n = n * flip / n.norm(dim=1, keepdim=True).clamp_min(1e-9)
    v = look.eye - mean(one.positions[corner])
    v = v / v.norm(dim=1, keepdim=True)
    key = (weights * key_at[place]).sum(1)[:, None]
    sky = (weights * sky_at[place]).sum(1)[:, None]
    pixel_area = torch.where(_shared(mesh, t, look), area.abs() / look.supersample**2, area.abs())
    colour = _texel(mesh, t, pixel_area, mean(mesh.uv[t]), look.linear)

    def of_lamp(values: object) -> Tensor:
        return torch.as_tensor(values).to(n)

    toward = of_lamp(lamp.direction)
    soft = lamp.softness
    nl = (n @ toward)[:, None]
    nv = (n * v).sum(1, keepdim=True).clamp_min(0.0)
    skin = (mesh.cloth[t] == Cloth.SKIN)[:, None]
    hair = (mesh.cloth[t] == Cloth.HAIR)[:, None]
    wrap = 0.08 + 0.3 * soft
    matt = ((nl + wrap) / (1.0 + wrap)).clamp_min(0.0) * key
    red = ((nl + wrap + 0.22) / (1.22 + wrap)).clamp_min(0.0) * key * (1.3 - 0.3 * key)
    green = ((nl + wrap + 0.06) / (1.06 + wrap)).clamp_min(0.0) * key
    lit = torch.where(skin, torch.cat([red, green, matt], 1), matt)
    up = 0.5 + 0.5 * n[:, 1:2]
    opened = sky + (1.0 - sky) * 0.45 * colour
    warm = torch.tensor([0.1, 0.0, 0.0]).to(n)
    opened = torch.where(skin, opened + (1.0 - sky) * warm, opened)
    opened = torch.where(hair, opened + (1.0 - sky) * 0.25, opened)
    edge = (1.0 - nv) ** 3
    fuzz = 1.0 + edge * torch.where(skin, 0.1, 0.25)
    around = of_lamp(lamp.ground) + (of_lamp(lamp.sky) - of_lamp(lamp.ground)) * up
    strength = of_lamp(lamp.key)
    out = (colour * 0.97 + 0.012) * (strength * lit + around * opened * fuzz)

    h = v + toward
    h = h / h.norm(dim=1, keepdim=True).clamp_min(1e-9)
    gloss = mesh.gloss[mesh.material[t]].double()[:, None]
    gloss = torch.where(skin, gloss.clamp_min(0.25), gloss)
    power = (6.0 + 220.0 * gloss * gloss) / (1.0 + 2.0 * soft)
    bend = 1.0 - (v * h).sum(1, keepdim=True)
    fresnel = 0.04 + 0.96 * bend**5
    nh = (n * h).sum(1, keepdim=True)
    shine = fresnel * gloss * (power + 2.0) * 0.2 * torch.exp(power * (nh - 1.0))
    shine = shine * nl.clamp_min(0.0)
    strand = _strand(one, t)
    nt = (n * strand).sum(1, keepdim=True)
    th = (strand * h).sum(1, keepdim=True) - nt * nh
    th = th / torch.sqrt((1.0 - nt * nt).clamp_min(0.01))
    across = torch.sqrt((1.0 - th * th).clamp_min(0.0))
    strands = 0.10 * torch.exp(-40.0 * (1.0 - across)) * (nl + 0.3).clamp_min(0.0)
    shine = torch.where(hair, strands * (0.3 + 3.0 * colour), shine.expand(-1, 3))
    mirror = (0.02 + 0.5 * edge * (1.0 - nv)) * gloss * sky
    return out + strength * key * shine + around * mirror


def _strand(one: Placed, t: Tensor) -> Tensor:
    """(n,3) unit: along the strands, where v grows."""
    at, uv = one.positions[one.mesh.triangles[t]], one.mesh.uv[t]
    du1, du2 = uv[:, 1, :1] - uv[:, 0, :1], uv[:, 2, :1] - uv[:, 0, :1]
    along = (at[:, 2] - at[:, 0]) * du1 - (at[:, 1] - at[:, 0]) * du2
    return along / along.norm(dim=1, keepdim=True).clamp_min(1e-9)


def _texel(mesh: Mesh, t: Tensor, area: Tensor, uv: Tensor, linear: Tensor) -> Tensor:
    """(n,3) linear RGB at (n,2) uv of triangles t."""
    material = mesh.material[t]
    first, wide, high = mesh.levels[material, level_of(mesh, t, area)].unbind(1)
    x, y = uv[:, 0] % 1.0 * wide - 0.5, (1.0 - uv[:, 1]) % 1.0 * high - 0.5
    x0, y0 = torch.floor(x), torch.floor(y)
    fx, fy = (x - x0)[:, None], (y - y0)[:, None]
    xa, ya = x0.long() % wide, y0.long() % high
    xb, yb = (x0.long() + 1) % wide, (y0.long() + 1) % high

    def at(row: Tensor, column: Tensor) -> Tensor:
        return linear[mesh.texels[first + row * wide + column, :3].long()].double()

    upper = at(ya, xa) * (1.0 - fx) + at(ya, xb) * fx
    lower = at(yb, xa) * (1.0 - fx) + at(yb, xb) * fx
    return upper * (1.0 - fy) + lower * fy


def level_of(mesh: Mesh, triangle: Tensor, screen_area: Tensor) -> Tensor:
    """`raster.texture_level` of many triangles."""
    ratio = mesh.texel_area[triangle] / (screen_area.clamp_min(1e-9) * 2.0)
    steps = 4.0 ** torch.arange(12, dtype=ratio.dtype, device=ratio.device)
    level = (ratio[:, None] > steps).sum(1)
    return torch.minimum(level, mesh.level_count[mesh.material[triangle]] - 1)


def resolve(
    look: Look,
    samples: tuple[Tensor, Tensor, Tensor, Tensor, Tensor],
    backdrop: Tensor,
    floor: Tensor,
    first: int,
    people: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """`resolve` for the picture's rows from `first` on.

    Args:
        samples: number, part, cloth, depth and light, as `shade` and the visibility give them.
        backdrop, floor: of these rows.
    Returns:
        The `Frame`'s arrays for these rows: image, cover, number, part, cloth, depth.
    """
    s = look.supersample
    rows, width = floor.shape

    def by_pixel(values: Tensor) -> Tensor:  # (rows, width, s*s)
        return values.view(rows, s, width, s).transpose(1, 2).reshape(rows, width, s * s)

    number, part, cloth, depth = (by_pixel(v) for v in samples[:4])
    light = samples[4].view(rows, s, width, s, 3).mean((1, 3))
    share = torch.zeros((people, rows, width), device=floor.device)
    for k in range(people):
        share[k] = (number == k + 1).float().mean(2)
    behind = number == 0
    same = number[..., :, None] == number[..., None, :]
    votes = torch.where(behind, 0, same.sum(3))
    near = torch.where(same, depth[..., None, :], torch.inf).amin(3)
    near = torch.where(votes == votes.amax(2, keepdim=True), near, torch.inf)
    winner = number.gather(2, near.argmin(2, keepdim=True))
    shown = votes.amax(2) >= behind.sum(2).clamp_min(1)
    mine = (number == winner) & shown[..., None]
    common = _most(part, mine & (winner < OBJECTS))
    cloth_seen = _most(cloth, mine & (winner < OBJECTS) & (part == common[..., None]))
    number_seen = torch.where(shown, winner[..., 0], 0)
    depth_seen = torch.where(mine, depth, torch.inf).amin(2)

    part_seen = behind.float().mean(2)
    lamp = look.lamp
    key, sky = _floor_shares(look, floor, first)
    direct = torch.from_numpy(lamp.key).to(floor) * max(float(lamp.direction[1]), 0.0)
    direct = direct / (direct + torch.from_numpy(lamp.sky).to(floor)).clamp_min(1e-6)
    left = key[..., None] * direct + sky[..., None] * (1.0 - direct)
    left = left * (1.0 - 0.5 * (1.0 - sky[..., None]).square())
    less = 1.0 - floor[..., None] * (1.0 - left)
    colour = light + part_seen[..., None] * less * backdrop
    steps = len(look.curve)
    index = (colour * (steps / shading.CURVE_RANGE)).long().clamp(0, steps - 1)
    image = look.curve[index]
    byte = torch.uint8
    return (
        image,
        share,
        number_seen.to(byte),
        common.to(byte),
        cloth_seen.to(byte),
        depth_seen.float(),
    )


def _most(kinds: Tensor, counted: Tensor) -> Tensor:
    """The commonest of the counted kinds along the last axis, the lowest of equals; 0 for none."""
    same = (kinds[..., :, None] == kinds[..., None, :]) & counted[..., None, :]
    score = torch.where(counted, same.sum(3) * 256 + 255 - kinds, -1).amax(2)
    return torch.where(score < 0, 0, 255 - score % 256)


def _floor_shares(look: Look, floor: Tensor, first: int) -> tuple[Tensor, Tensor]:
    """(rows,w) float32 each: the key's and the sky's share where a pixel shows the floor."""
    m, view, s = look.maps, look.view, look.supersample
    key, sky = torch.ones_like(floor), torch.ones_like(floor)
    row, column = torch.nonzero(floor > 0.0, as_tuple=True)
    if not len(row):
        return key, sky
    sx = ((column.double() + 0.5) * s - 0.5 - view.centre_x) / view.focal
    sy = ((row.double() + first + 0.5) * s - 0.5 - view.centre_y) / view.focal
    rays = torch.stack([sx, sy, torch.ones_like(sx)], 1) @ torch.from_numpy(view.rotation).to(sx)
    eye = look.eye
    ok = rays[:, 1] * eye[1] < 0.0
    row, column, rays = row[ok], column[ok], rays[ok]
    along = -eye[1] / rays[:, 1:2]
    at = (eye + along * rays)[:, [0, 2]] - m.floor_corner
    u = at / shadow.FLOOR_CELL_MM
    limit = torch.tensor(m.nodes, device=u.device) - 1
    inside = torch.nonzero(((u >= 0.0) & (u < limit)).all(1)).squeeze(1)
    if len(inside):
        cell = u[inside].long()
        ids = (cell[:, 0] * m.nodes[1] + cell[:, 1])[:, None]
        ids = ids + torch.tensor([0, 1, m.nodes[1], m.nodes[1] + 1], device=u.device)
        asked, place = torch.unique(ids, return_inverse=True)
        nodes = torch.stack([asked // m.nodes[1], asked % m.nodes[1]], 1)
        values = shadow_torch.floor_key(m, m.floor_corner + nodes * shadow.FLOOR_CELL_MM)[place]
        key[row[inside], column[inside]] = _between(values, u[inside] - cell).float()
    u = at / shadow.CONTACT_CELL_MM - 0.5
    shape = look.covered.shape
    limit = torch.tensor(shape, device=u.device) - 1
    inside = torch.nonzero(((u >= 0.0) & (u < limit)).all(1)).squeeze(1)
    if len(inside):
        cell = u[inside].long()
        ids = (cell[:, 0] * shape[1] + cell[:, 1])[:, None]
        ids = ids + torch.tensor([0, 1, shape[1], shape[1] + 1], device=u.device)
        hidden = _between(look.covered.reshape(-1)[ids], u[inside] - cell)
        sky[row[inside], column[inside]] = 1.0 - hidden.float()
    return key, sky


def _between(corners: Tensor, f: Tensor) -> Tensor:
    """Between (n,4) values at (0,0), (0,1), (1,0), (1,1) for (n,2) shares."""
    fu, fw = f[:, 0], f[:, 1]
    low = corners[:, 0] * (1.0 - fu) + corners[:, 2] * fu
    return low * (1.0 - fw) + (corners[:, 1] * (1.0 - fu) + corners[:, 3] * fu) * fw
