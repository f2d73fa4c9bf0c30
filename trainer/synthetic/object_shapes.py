"""Shapes of things that stand before people: poles, tables, plants, boxes, walls.

Object space: mm; x to the camera's right, y up from the floor, z towards the camera. Torch-free.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from trainer.synthetic.stage import choose
from trainer.synthetic.surfaces import atlas, texels
from trainer.synthetic.types import Material, Mesh

Texture = tuple[str, list[np.ndarray]]
_LAYER = 7
_X, _Y, _Z = np.eye(3)
_WOODS = "b58a5c 8a6242 6e4c34 c9aa82 d9d4c8 3f3a36"
_METALS = "6a6d70 8d9092 3f4245 b0b2b3 4a5a52"
_CLOTHS = "3d4450 6b6f76 8a3f3c 3f5a4a 9a9488 54616e 2d2f33 b9b2a4 7a6a5a"


@dataclass
class Builder:
    """Collects boxes, tubes and cards; x to the right, y up, z towards the camera, mm."""

    positions: list[np.ndarray] = field(default_factory=list)
    triangles: list[np.ndarray] = field(default_factory=list)
    uv: list[np.ndarray] = field(default_factory=list)
    material: list[int] = field(default_factory=list)
    materials: list[Material] = field(default_factory=list)

    def paint(self, texture: Texture, *, cutout: bool = False, gloss: float = 0.1) -> int:
        picture = _picture(*texture, side=256 if cutout else 128)
        self.materials.append(Material(picture, cutout=cutout, gloss=gloss))
        return len(self.materials) - 1

    def grid(self, points: np.ndarray, uv: np.ndarray, material: int) -> None:
        """A patch of (rows,columns,3) points and (rows,columns,2) uv, seen from its right side."""
        rows, columns = points.shape[:2]
        start = sum(len(p) for p in self.positions)
        index = np.arange(rows * columns).reshape(rows, columns)
        a, b = index[:-1, :-1].ravel(), index[:-1, 1:].ravel()
        c, d = index[1:, 1:].ravel(), index[1:, :-1].ravel()
        faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
        self.positions.append(points.reshape(-1, 3))
        self.triangles.append(faces + start)
        self.uv.append(uv.reshape(-1, 2)[faces])
        self.material += [material] * len(faces)

    def quad(
        self, origin: np.ndarray, u: np.ndarray, v: np.ndarray, material: int, per_mm: float | None
    ) -> None:
        """A rectangle with sides u and v; its map repeats per mm, or once over all of it."""
        points = origin + np.array([[0 * u, u], [v, u + v]])
        wide, tall = float(np.linalg.norm(u)), float(np.linalg.norm(v))
        end = (1.0, 1.0) if per_mm is None else (wide * per_mm, tall * per_mm)
        uv = np.array([[[0, 0], [end[0], 0]], [[0, end[1]], [end[0], end[1]]]])
        self.grid(points, uv, material)

    def box(
        self,
        low: tuple[float, float, float],
        high: tuple[float, float, float],
        material: int,
        per_mm: float = 1 / 700,
    ) -> None:
        a, b = np.array(low, float), np.array(high, float)
        x, y, z = np.diag(b - a)
        for origin, u, v in (
            (a + z, x, y),
            (b - y, -z, y),
            (b - y - z, -x, y),
            (a, z, y),
            (a + y + z, x, -z),
            (a, x, z),
        ):
            self.quad(origin, u, v, material, per_mm)

    def tube(
        self,
        foot: tuple[float, float, float],
        top: tuple[float, float, float],
        radius: float | tuple[float, float],
        material: int,
        sides: int = 10,
    ) -> None:
        """A round bar; two radii, at the foot and at the top, make it taper."""
        a, b = np.array(foot, float), np.array(top, float)
        axis = (b - a) / np.linalg.norm(b - a)
        aside = np.cross(axis, [0.3, 0.2, 0.9] if abs(axis[1]) > 0.5 else [0, 1, 0])
        aside /= np.linalg.norm(aside)
        other = np.cross(axis, aside)
        angle = np.linspace(0, 2 * np.pi, sides + 1)
        ring = np.cos(angle)[:, None] * aside + np.sin(angle)[:, None] * other
        low, high = (radius, radius) if isinstance(radius, float | int) else radius
        v = np.array([0, np.linalg.norm(b - a) / 700])
        uv = np.stack(np.meshgrid(angle / (2 * np.pi), v), -1)
        self.grid(np.stack([a + low * ring, b + high * ring]), uv, material)

    def lathe(self, profile: np.ndarray, flat: float, material: int, sides: int = 14) -> None:
        """A body of (n,2) rows of height and half width, flattened along z."""
        angle = np.linspace(0, 2 * np.pi, sides + 1)
        y, half = profile.T[:, :, None]
        # from z to x, so that the outside is the patch's right side
        parts = half * np.sin(angle), y, flat * half * np.cos(angle)
        points = np.stack(np.broadcast_arrays(*parts), -1)
        uv = np.stack(np.broadcast_arrays(angle / np.pi, y / 500), -1)
        self.grid(points, uv, material)

    def ball(self, centre: tuple[float, float, float], radius: float, material: int) -> None:
        rise, turn = np.linspace(-np.pi / 2, np.pi / 2, 7)[:, None], np.linspace(0, 2 * np.pi, 13)
        parts = np.cos(rise) * np.sin(turn), np.sin(rise) + 0 * turn, np.cos(rise) * np.cos(turn)
        uv = np.stack(np.broadcast_arrays(turn / np.pi, rise), -1)
        self.grid(np.array(centre) + radius * np.stack(parts, -1), uv, material)

    def build(self) -> tuple[Mesh, np.ndarray]:
        triangles = np.concatenate(self.triangles).astype(np.int32)
        count = len(triangles)
        none = np.zeros(count, np.uint8)
        mesh = Mesh(
            triangles,
            np.concatenate(self.uv).astype(np.float32),
            np.array(self.material, np.int32),
            none,
            none.copy(),
            np.full(count, _LAYER, np.uint8),
            tuple(self.materials),
        )
        return mesh, np.concatenate(self.positions)


def _picture(name: str, colours: list[np.ndarray], side: int) -> np.ndarray:
    """(n,n,4) uint8 sRGB and opacity of a map in colours (linear RGB)."""
    maps = atlas()
    value = texels(maps, name, side).astype(np.float32) / 255
    if maps.painted[maps.index[name]]:
        linear = value[..., :3] ** 2 * colours[0]
    else:
        first, second, third = (colours + colours[-1:] * 2)[:3]
        mix, shade, other = value[..., 0:1], value[..., 1:2], value[..., 2:3]
        linear = (first + mix * (second - first)) * (1 - other) + other * third
        linear = linear * 2 * shade
    srgb = np.clip(linear, 0, 1) ** (1 / 2.2)
    return np.rint(np.concatenate([srgb, value[..., 3:]], -1) * 255).astype(np.uint8)


def wood(rng: np.random.Generator) -> Texture:
    colour = choose(rng, _WOODS, 0.1)
    return "wood", [colour, colour * 0.7]


def metal(rng: np.random.Generator) -> Texture:
    return "blank", [choose(rng, _METALS)]


def cloth(rng: np.random.Generator) -> Texture:
    colour = choose(rng, _CLOTHS, 0.1)
    return "carpet", [colour, colour * 0.82]


def _pole(rng: np.random.Generator, b: Builder) -> None:
    radius = float(rng.uniform(30, 110))
    b.tube((0, 0, 0), (0, 4500, 0), radius, b.paint(metal(rng), gloss=0.3))


def _pillar(rng: np.random.Generator, b: Builder) -> None:
    half = float(rng.uniform(110, 260))
    base = choose(rng, "b9b4aa a09d97 c9c2b4 93705c")
    name = str(rng.choice(["concrete", "plaster", "brick"]))
    b.box(
        (-half, 0, -half),
        (half, 4500, half),
        b.paint((name, [base, base * 0.8, base * 1.1])),
        1 / 1500,
    )


def _table(rng: np.random.Generator, b: Builder) -> None:
    timber, leg = b.paint(wood(rng), gloss=0.25), b.paint(metal(rng))
    wide, deep, top = (float(rng.uniform(*r)) for r in ((450, 900), (280, 420), (690, 760)))
    b.box((-wide, top - 38, -deep), (wide, top, deep), timber)
    for x in (-wide + 60, wide - 60):
        for z in (-deep + 60, deep - 60):
            b.box((x - 25, 0, z - 25), (x + 25, top - 38, z + 25), leg)
    at = -0.8 * wide
    while rng.random() < 0.75 and at < 0.7 * wide:  # what lies on it
        at += float(rng.uniform(120, 380))
        _small(rng, b, (at, top, float(rng.uniform(-0.3, 0.5)) * deep))


def _small(rng: np.random.Generator, b: Builder, at: tuple[float, float, float]) -> None:
    """Books, a mug, a parcel or a flowerpot."""
    x, y, z = at
    kind = int(rng.integers(4))
    if kind == 0:
        for _ in range(int(rng.integers(1, 6))):
            w, h, d = (float(rng.uniform(*r)) for r in ((75, 125), (14, 38), (95, 150)))
            colour = b.paint(("carpet", [choose(rng, _CLOTHS + " d9d5cc c9b592")]))
            b.box((x - w, y, z - d), (x + w, y + h, z + d), colour)
            y, x, z = y + h, x + float(rng.normal(0, 8)), z + float(rng.normal(0, 8))
    elif kind == 1:
        glaze = b.paint(("blank", [choose(rng, "e6e2d8 3d4450 8a3f3c 9a9488 d9d5cc")]), gloss=0.4)
        b.tube((x, y, z), (x, y + 95, z), (36, 41), glaze)
    elif kind == 2:
        _carton(rng, b, (x, y, z), (120.0, 150.0, 90.0))
    else:
        green = choose(rng, "4f6a3a 5d7846 46603f")
        pot = choose(rng, "d8d2c6 a9705a 4d5558")
        leaf = b.paint(("plant", [green, green * 1.6, pot]), cutout=True)
        _crossed(b, leaf, 300, 360, 2, (x, y, z))


def _chair(rng: np.random.Generator, b: Builder) -> None:
    timber = b.paint(wood(rng), gloss=0.2)
    top = float(rng.uniform(820, 1050))
    for x in (-210.0, 210.0):
        b.box((x - 20, 0, 190), (x + 20, top, 225), timber)
        b.box((x - 20, 0, -215), (x + 20, 440, -180), timber)
    b.box((-230, 430, -225), (230, 465, 225), timber)
    if rng.random() < 0.5:
        for y in np.linspace(560, top - 60, 3):
            b.box((-200, float(y) - 30, 195), (200, float(y) + 30, 215), timber)
    else:
        woven = choose(rng, _CLOTHS)
        b.box((-205, 540, 185), (205, top, 230), b.paint(("carpet", [woven, woven * 0.8])), 1 / 500)


def _railing(rng: np.random.Generator, b: Builder) -> None:
    steel = b.paint(metal(rng), gloss=0.3)
    top = float(rng.uniform(850, 1100))
    for y in (top, top - 60, 150.0):
        b.tube((-2600, y, 0), (2600, y, 0), 22 if y == top else 12, steel, 8)
    step = float(rng.uniform(110, 320))
    for x in np.arange(-2600, 2600, step):
        b.tube((float(x), 0, 0), (float(x), top, 0), 9, steel, 6)


def _boxes(rng: np.random.Generator, b: Builder) -> None:
    y = 0.0
    for _ in range(int(rng.integers(1, 4))):
        half = tuple(float(rng.uniform(*r)) for r in ((160, 350), (220, 450), (150, 280)))
        _carton(rng, b, (float(rng.uniform(-60, 60)), y, 0.0), (half[0], half[1], half[2]))
        y += half[1]


def _carton(
    rng: np.random.Generator,
    b: Builder,
    at: tuple[float, float, float],
    size: tuple[float, float, float],
) -> None:
    """A cardboard box with tape: half as wide and deep as it is, and its height."""
    (x, y, z), (w, h, d) = at, size
    card = choose(rng, "b08a5e a17c52 c2a27a")
    b.box((x - w, y, z - d), (x + w, y + h, z + d), b.paint(("carpet", [card, card * 0.96])))
    tape = b.paint(("blank", [card * 0.75]))
    b.quad(np.array([x - 30, y, z + d + 2]), _X * 60.0, _Y * h, tape, 1 / 500)
    b.quad(np.array([x - 30, y + h + 2, z + d]), _X * 60.0, -_Z * 2 * d, tape, 1 / 500)


def _low_wall(rng: np.random.Generator, b: Builder) -> None:
    top = float(rng.uniform(550, 1150))
    clay = choose(rng, "9a5f47 8a5340 b08468 a8a098 c9c2b4")
    name = str(rng.choice(["brick", "concrete", "boards"]))
    left = float(rng.choice([-2600.0, -500.0, -150.0]))
    b.box(
        (left, 0, -110),
        (left + 2800, top, 110),
        b.paint((name, [clay, clay * 0.75, clay * 1.3])),
        1 / 1500,
    )
    b.box((left - 20, top, -130), (left + 2820, top + 50, 130), b.paint(wood(rng)))


def _plant(rng: np.random.Generator, b: Builder) -> None:
    tall = float(rng.uniform(900, 1700))
    green = choose(rng, "4f6a3a 5d7846 46603f 6c8450")
    leaf = b.paint(
        ("plant", [green, green * 1.6, choose(rng, "d8d2c6 a9705a 4d5558")]), cutout=True
    )
    _crossed(b, leaf, 0.85 * tall, tall, int(rng.integers(2, 4)))


def _planter(rng: np.random.Generator, b: Builder) -> None:
    """A shrub in a box of wood or stone."""
    wide, deep, high = (float(rng.uniform(*r)) for r in ((260, 650), (170, 260), (320, 560)))
    if rng.random() < 0.5:
        side = ("boards", wood(rng)[1])
    else:
        stone = choose(rng, "a8a098 c9c2b4 6f7072 8a5340")
        side = ("concrete", [stone, stone * 0.8, stone * 1.1])
    b.box((-wide, 0, -deep), (wide, high, deep), b.paint(side), 1 / 900)
    leaf = foliage(rng, b)
    tall = float(rng.uniform(550, 1000))
    for x in np.linspace(-wide, wide, max(round(wide / 160), 2)) * 0.62:
        _crossed(b, leaf, 0.9 * tall, tall, 3, (float(x), high - 0.16 * tall, 0.0))


def foliage(rng: np.random.Generator, b: Builder) -> int:
    green = choose(rng, "4f6a3a 5d7846 46603f 6c8450 7a8a50")
    return b.paint(("leaves", [green * 0.8, green * 1.4, choose(rng, "5a4a38")]), cutout=True)


def spray(rng: np.random.Generator, b: Builder) -> None:
    """Twigs that grow from the origin along y, 1000 mm long, seen from the front."""
    leaf = foliage(rng, b)
    for z in range(int(rng.integers(2, 4))):
        across = about_z(float(rng.normal(0, 0.3)))
        wide = float(rng.choice([-1, 1])) * float(rng.uniform(700, 1100)) * across[:, 0]
        b.quad(-0.5 * wide + 60.0 * z * _Z, wide, 1000.0 * across[:, 1], leaf, None)


def about_z(angle: float) -> np.ndarray:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


def _crossed(
    b: Builder,
    material: int,
    wide: float,
    tall: float,
    cards: int,
    at: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> None:
    for i in range(cards):
        angle = np.pi * (i + 0.2) / cards
        along = np.array([np.cos(angle), 0, np.sin(angle)]) * wide
        b.quad(np.array(at) - 0.5 * along, along, np.array([0, tall, 0]), material, None)


_Maker = Callable[[np.random.Generator, Builder], None]
# what makes them, how often, whether they are met outdoors and indoors
STANDING: dict[str, tuple[_Maker, float, bool, bool]] = {
    "pole": (_pole, 1.0, True, False),
    "pillar": (_pillar, 0.8, True, True),
    "table": (_table, 1.6, False, True),
    "chair": (_chair, 1.4, False, True),
    "railing": (_railing, 0.8, True, False),
    "boxes": (_boxes, 0.7, False, True),
    "low_wall": (_low_wall, 1.0, True, False),
    "plant": (_plant, 1.2, False, True),
    "planter": (_planter, 1.2, True, True),
}
