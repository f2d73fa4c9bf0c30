"""Where surroundings are put together: rectangles and boxes in a frame around the people.

Stage space: mm; x to the right and z away as the camera sees it (up to a turn), y up, the people
around x = z = 0 and the floor at y = 0. Torch-free.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from trainer.synthetic import casting, lights
from trainer.synthetic.surfaces import Atlas
from trainer.synthetic.types import Camera, Light

Triple = tuple[float, float, float]
Colours = Sequence[np.ndarray]


@lru_cache(maxsize=512)
def rgb(code: str) -> np.ndarray:
    """(3,) float64 linear RGB of "#rrggbb", read-only."""
    value = np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    linear.flags.writeable = False
    return linear


@lru_cache(maxsize=128)
def _palette(codes: str) -> np.ndarray:
    """(n,3) linear RGB of "rrggbb rrggbb ...", read-only."""
    colours = np.stack([rgb(f"#{code}") for code in codes.split()])
    colours.flags.writeable = False
    return colours


def choose(rng: np.random.Generator, codes: str, spread: float = 0.06) -> np.ndarray:
    """(3,) linear RGB near one of some colours, given as "rrggbb rrggbb ..."."""
    colours = _palette(codes)
    colour = colours[int(rng.integers(len(colours)))]
    every, *each = rng.standard_normal(4).tolist()
    jitter = [math.exp(spread * (every + 0.33 * one)) for one in each]
    return np.minimum(colour * jitter, 0.92)


class Stage:
    """Collects what stands around the people, in front of and behind each other.

    Attributes:
        eye: (3,) the camera, mm.
        zenith, horizon, haze: (3,) linear RGB behind everything; haze_mm: where half is haze.
    """

    def __init__(self, camera: Camera, light: Light, atlas: Atlas, turn_rad: float) -> None:
        self._atlas = atlas
        self._light = light
        rotation = np.asarray(camera.rotation, float)
        translation = np.asarray(camera.translation, float)
        eye = -rotation.T @ translation
        away = rotation[2, [0, 2]]
        if np.hypot(*away) < 0.05:  # straight down: what is up in the picture lies ahead
            away = -rotation[1, [0, 2]]
        away = away / max(float(np.hypot(*away)), 1e-6)
        cos, sin = np.cos(turn_rad), np.sin(turn_rad)
        ahead = np.array([cos * away[0] - sin * away[1], sin * away[0] + cos * away[1]])
        # stage axes as world vectors; x is to the right of a camera that looks along z
        z = np.array([ahead[0], 0.0, ahead[1]])
        x = np.array([-ahead[1], 0.0, ahead[0]])
        self._axes = np.stack([x, np.array([0.0, 1.0, 0.0]), z], 1)
        people = np.zeros(3)
        if float(rotation[2] @ people + translation[2]) < 300:  # the world's origin is behind it
            people = eye + 3000 * np.array([away[0], 0.0, away[1]])
            people[1] = 0
        self.eye = self._axes.T @ (eye - people)
        self.rotation = rotation @ self._axes
        self.translation = rotation @ people + translation
        self._eye: Triple = (float(self.eye[0]), float(self.eye[1]), float(self.eye[2]))
        self._painted = atlas.painted.tolist()
        self._lit: dict[tuple[Triple, float], list[float]] = {}
        self._rows: list[tuple[float, tuple[float, ...]]] = []
        self.zenith = self.horizon = self.haze = np.full(3, 0.25)
        self.haze_mm = 1e12

    def light_on(self, normal: Triple | np.ndarray, shade: float = 1.0) -> np.ndarray:
        """(3,) linear RGB of the light on a surface with this normal in stage space."""
        return np.array(self._light_on((normal[0], normal[1], normal[2]), shade))

    def _light_on(self, normal: Triple, shade: float) -> list[float]:
        known = self._lit.get((normal, shade))
        if known is None:
            world = self._axes @ np.asarray(normal, float)
            known = lights.irradiance(self._light, world, shade).tolist()
            self._lit[normal, shade] = known
        return known

    def key_share(self) -> float:
        """Of the light on a surface that faces the key, what comes from the key: 0 to 1."""
        key, sky = float(np.sum(self._light.key)), float(np.sum(self._light.sky))
        return key / max(key + sky, 1e-6)

    def distance(self, point: Triple | np.ndarray) -> float:
        """Of a point from the camera, mm."""
        return math.dist((point[0], point[1], point[2]), self._eye)

    def rect(
        self,
        origin: Triple | np.ndarray,
        u: Triple,
        v: Triple,
        size: tuple[float, float],
        texture: str,
        colours: Colours,
        *,
        order: float | None = None,
        stretch: bool = False,
        scale: float = 1.0,
        shift: tuple[float, float] = (0.0, 0.0),
        shade: float = 1.0,
        dim: float = 1.0,
        glow: bool = False,
        opacity: float = 1.0,
        soft_mm: float = 0.0,
        corners: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0),
        corner_mm: float = 300.0,
        pool: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0),
        uneven: float = 0.0,
        ground: float = 0.0,
        fade_mm: float = 0.0,
        lod: float = 0.0,
        haze: bool = True,
    ) -> None:
        """Add a rectangle.

        Args:
            origin: its lower left corner; u, v: unit vectors; size: mm along them.
            texture: of the atlas; colours: one to three, (3,) linear RGB.
            order: smaller is drawn in front; the distance of its middle where None.
            stretch: the map is drawn once over all of it.
            scale: of the map; shift: of the map, in repeats.
            shade: share of the key light that gets there; dim: of all light.
            glow: shines by itself, the colours are its light.
            pool: gain, centre along u and v, and radius of a pool of light.
            The rest: see `trainer.synthetic.casting`.
        """
        wide, tall = size
        ox, oy, oz = (float(c) for c in origin)
        middle = (
            ox + 0.5 * (wide * u[0] + tall * v[0]),
            oy + 0.5 * (wide * u[1] + tall * v[1]),
            oz + 0.5 * (wide * u[2] + tall * v[2]),
        )
        number = self._atlas.index[texture]
        if stretch:
            repeat_u, repeat_v = size
        else:
            repeat_u, repeat_v = (float(c) * scale for c in self._atlas.size_mm[number])
        first = colours[0]
        second = colours[1] if len(colours) > 1 else first
        third = colours[2] if len(colours) > 2 else first
        if glow:
            lit: Sequence[float] = (dim, dim, dim)
        else:
            nx = u[1] * v[2] - u[2] * v[1]
            ny = u[2] * v[0] - u[0] * v[2]
            nz = u[0] * v[1] - u[1] * v[0]
            ex, ey, ez = self._eye
            towards = nx * (ex - middle[0]) + ny * (ey - middle[1]) + nz * (ez - middle[2])
            normal = (nx, ny, nz) if towards >= 0 else (-nx, -ny, -nz)
            lit = [dim * c for c in self._light_on(normal, shade)]
        row = (
            *(ox, oy, oz, *u, *v, wide, tall, number, self._painted[number]),
            *(repeat_u, repeat_v, *shift, *first.tolist(), *second.tolist(), *third.tolist(), *lit),
            *(opacity, soft_mm, *corners, corner_mm, *pool, uneven, ground, fade_mm, lod, haze),
        )
        self._rows.append((self.distance(middle) if order is None else order, row))

    def upright(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        z: float,
        texture: str,
        colours: Colours,
        **more: Any,
    ) -> None:
        """A rectangle that faces the people from z."""
        size = (x[1] - x[0], y[1] - y[0])
        self.rect((x[0], y[0], z), (1, 0, 0), (0, 1, 0), size, texture, colours, **more)

    def flank(
        self,
        x: float,
        y: tuple[float, float],
        z: tuple[float, float],
        texture: str,
        colours: Colours,
        **more: Any,
    ) -> None:
        """An upright rectangle in the plane of one x."""
        size = (z[1] - z[0], y[1] - y[0])
        self.rect((x, y[0], z[0]), (0, 0, 1), (0, 1, 0), size, texture, colours, **more)

    def flat(
        self,
        x: tuple[float, float],
        z: tuple[float, float],
        y: float,
        texture: str,
        colours: Colours,
        **more: Any,
    ) -> None:
        """A level rectangle."""
        size = (x[1] - x[0], z[1] - z[0])
        self.rect((x[0], y, z[0]), (1, 0, 0), (0, 0, 1), size, texture, colours, **more)

    def card(
        self,
        at: tuple[float, float],
        size: tuple[float, float],
        texture: str,
        colours: Colours,
        *,
        mirror: bool = False,
        low: float = 0.0,
        **more: Any,
    ) -> None:
        """A cut-out that stands at (x, z) and faces the camera."""
        look = np.array([self.eye[0] - at[0], self.eye[2] - at[1]])
        look /= max(float(np.hypot(*look)), 1e-6)
        u = np.array([-look[1], 0.0, look[0]])  # to the right as the camera sees it
        if mirror:
            u = -u
        start = np.array([at[0], low, at[1]]) - 0.5 * size[0] * u
        self.rect(
            start,
            tuple(u),
            (0, 1, 0),
            size,
            texture,
            colours,
            stretch=True,
            **more,
        )

    def box(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        z: tuple[float, float],
        texture: str,
        colours: Colours,
        *,
        front: tuple[str, Colours] | None = None,
        dim: float = 1.0,
        scale: float = 1.0,
        grounded: bool = True,
    ) -> None:
        """A box along the axes; what faces the camera of it, and the dark below it.

        Args:
            front: another map and colours for the side towards the people, stretched over it.
        """
        middle = (0.5 * (x[0] + x[1]), 0.5 * (y[0] + y[1]), 0.5 * (z[0] + z[1]))
        order = self.distance(middle)
        more = {
            "dim": dim,
            "order": order,
            "corners": (0.0, 0.0, 0.25 * grounded, 0.0),
            "corner_mm": 120.0,
            "scale": scale,
        }
        if self.eye[2] < z[0]:
            if front is None:
                self.upright(x, y, z[0], texture, colours, **more)
            else:
                self.upright(x, y, z[0], front[0], front[1], stretch=True, **more)
        if self.eye[0] < x[0]:
            self.flank(x[0], y, z, texture, colours, **more)
        elif self.eye[0] > x[1]:
            self.flank(x[1], y, z, texture, colours, **more)
        if self.eye[1] > y[1]:
            self.flat(x, z, y[1], texture, colours, dim=dim, order=order - 1, scale=scale)
        if grounded and y[0] < 30:
            self.spot(x, z, 0.55)

    def spot(self, x: tuple[float, float], z: tuple[float, float], strength: float) -> None:
        """The dark that a thing casts on the ground around its foot."""
        wide, deep = x[1] - x[0], z[1] - z[0]
        self.flat(
            (x[0] - 0.22 * wide - 60, x[1] + 0.22 * wide + 60),
            (z[0] - 0.22 * deep - 90, z[1] + 0.22 * deep + 60),
            0.0,
            "blob",
            [np.full(3, 0.01)],
            stretch=True,
            opacity=strength,
            glow=True,
            order=1e8,
        )

    def floor(
        self,
        texture: str,
        colours: Colours,
        *,
        x: tuple[float, float] = (-9e4, 9e4),
        z: tuple[float, float] = (-9e4, 9e4),
        y: float = 0.0,
        ground: float = 1.0,
        **more: Any,
    ) -> None:
        """The ground, behind all that stands on it; `y` below 0 for water and roads."""
        if self.eye[1] < y + 5:
            return  # seen from below: there is nothing to see
        self.flat(x, z, y, texture, colours, ground=ground, order=1e9 - y, **more)

    def rows(self) -> np.ndarray:
        """(n,WIDTH) float64 in camera space, what is in front first."""
        if not self._rows:
            return np.zeros((0, casting.WIDTH))
        rows = np.array([row for _, row in sorted(self._rows, key=lambda pair: pair[0])])
        for start in (casting.ORIGIN, casting.U, casting.V):
            rows[:, start : start + 3] = rows[:, start : start + 3] @ self.rotation.T
        rows[:, casting.ORIGIN : casting.ORIGIN + 3] += self.translation
        return rows
