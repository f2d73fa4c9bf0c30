"""Shapes of things that stand before people: poles, tables, plants, boxes, somebody's back.

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


def _wood(rng: np.random.Generator) -> Texture:
    colour = choose(rng, _WOODS, 0.1)
    return "wood", [colour, colour * 0.7]


def _metal(rng: np.random.Generator) -> Texture:
    return "blank", [choose(rng, _METALS)]


def _pole(rng: np.random.Generator, b: Builder) -> None:
    radius = float(rng.uniform(30, 110))
    b.tube((0, 0, 0), (0, 4500, 0), radius, b.paint(_metal(rng), gloss=0.3))


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
    wood, leg = b.paint(_wood(rng), gloss=0.25), b.paint(_metal(rng))
    wide, deep, top = (float(rng.uniform(*r)) for r in ((450, 900), (280, 420), (710, 1050)))
    b.box((-wide, top - 38, -deep), (wide, top, deep), wood)
    for x in (-wide + 60, wide - 60):
        for z in (-deep + 60, deep - 60):
            b.box((x - 25, 0, z - 25), (x + 25, top - 38, z + 25), leg)
    for _ in range(int(rng.integers(0, 4))):  # what lies on it
        x, z = float(rng.uniform(-0.8, 0.8)) * wide, float(rng.uniform(-0.5, 0.6)) * deep
        w, h, d = (float(rng.uniform(*r)) for r in ((40, 160), (20, 260), (40, 110)))
        b.box(
            (x - w, top, z - d),
            (x + w, top + h, z + d),
            b.paint(("blank", [choose(rng, _CLOTHS + " d9d5cc c9b592")])),
        )


def _chair(rng: np.random.Generator, b: Builder) -> None:
    wood = b.paint(_wood(rng), gloss=0.2)
    top = float(rng.uniform(820, 1050))
    for x in (-210.0, 210.0):
        b.box((x - 20, 0, 190), (x + 20, top, 225), wood)
        b.box((x - 20, 0, -215), (x + 20, 440, -180), wood)
    b.box((-230, 430, -225), (230, 465, 225), wood)
    if rng.random() < 0.5:
        for y in np.linspace(560, top - 60, 3):
            b.box((-200, float(y) - 30, 195), (200, float(y) + 30, 215), wood)
    else:
        cloth = choose(rng, _CLOTHS)
        b.box((-205, 540, 185), (205, top, 230), b.paint(("carpet", [cloth, cloth * 0.8])), 1 / 500)


def _railing(rng: np.random.Generator, b: Builder) -> None:
    metal = b.paint(_metal(rng), gloss=0.3)
    top = float(rng.uniform(850, 1100))
    for y in (top, top - 60, 150.0):
        b.tube((-2600, y, 0), (2600, y, 0), 22 if y == top else 12, metal, 8)
    step = float(rng.uniform(110, 320))
    for x in np.arange(-2600, 2600, step):
        b.tube((float(x), 0, 0), (float(x), top, 0), 9, metal, 6)


def _boxes(rng: np.random.Generator, b: Builder) -> None:
    card = choose(rng, "b08a5e a17c52 c2a27a d9d5cc")
    paper = b.paint(("carpet", [card, card * 0.96]))
    y = 0.0
    for _ in range(int(rng.integers(1, 4))):
        w, h, d = (float(rng.uniform(*r)) for r in ((160, 350), (220, 450), (150, 280)))
        x = float(rng.uniform(-60, 60))
        b.box((x - w, y, -d), (x + w, y + h, d), paper)
        b.quad(
            np.array([x - 30, y, d + 2]),
            np.array([60.0, 0, 0]),
            np.array([0, h, 0]),
            b.paint(("blank", [card * 0.75])),
            1 / 500,
        )
        y += h


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
    b.box((left - 20, top, -130), (left + 2820, top + 50, 130), b.paint(_wood(rng)))


def _plant(rng: np.random.Generator, b: Builder) -> None:
    tall = float(rng.uniform(900, 1700))
    green = choose(rng, "4f6a3a 5d7846 46603f 6c8450")
    leaf = b.paint(
        ("plant", [green, green * 1.6, choose(rng, "d8d2c6 a9705a 4d5558")]), cutout=True
    )
    _crossed(b, leaf, 0.85 * tall, tall, int(rng.integers(2, 4)))


def bush(rng: np.random.Generator, b: Builder) -> None:
    tall = float(rng.uniform(700, 1500))
    green = choose(rng, "4f6a3a 5d7846 46603f 6c8450 7a8a50")
    leaf = b.paint(("leaves", [green * 0.8, green * 1.4, choose(rng, "5a4a38")]), cutout=True)
    _crossed(b, leaf, 1.3 * tall, tall, 4)


def _crossed(b: Builder, material: int, wide: float, tall: float, cards: int) -> None:
    for i in range(cards):
        angle = np.pi * (i + 0.2) / cards
        along = np.array([np.cos(angle), 0, np.sin(angle)]) * wide
        b.quad(-0.5 * along, along, np.array([0, tall, 0]), material, None)


def _stranger(rng: np.random.Generator, b: Builder) -> None:
    """Somebody's back: a coat, arms, trousers and hair, without a face."""
    cloth, trousers = choose(rng, _CLOTHS, 0.15), choose(rng, "2d2f36 3a3f4a 4a4640 26262a")
    coat = b.paint(("carpet", [cloth, cloth * 0.85]))
    legs = b.paint(("carpet", [trousers, trousers * 0.85]))
    skin = b.paint(("blank", [choose(rng, "c99f85 a87a5c 7a5240 e0bba2")]))
    hair = choose(rng, "2a211c 4a3626 6b5138 1d1a18 8f8a84")
    s = float(rng.uniform(1550, 1850)) / 1700
    wide = s * float(rng.uniform(0.95, 1.15))
    body = [
        (770, 0),
        (775, 168),
        (900, 172),
        (1060, 150),
        (1200, 168),
        (1330, 190),
        (1395, 176),
        (1430, 120),
        (1452, 70),
        (1470, 0),
    ]
    b.lathe(_profile(body, s, wide), 0.62, coat)
    b.tube((0, 1430 * s, 0), (0, 1530 * s, 0), 52 * s, skin)
    head = [(1490, 0), (1495, 48), (1530, 74), (1590, 86), (1640, 83), (1680, 60), (1698, 0)]
    b.lathe(_profile(head, s, s), 1.2, b.paint(("wood", [hair, hair * 0.7])))
    swing = float(rng.uniform(-60, 60))
    for side in (-1.0, 1.0):
        lean = side * swing
        shoulder, elbow = (side * 178 * wide, 1372 * s, 0.0), (side * 232 * wide, 1110 * s, lean)
        wrist = (side * 236 * wide, 880 * s, 60 + 2 * lean)
        b.ball(shoulder, 66 * s, coat)
        b.tube(shoulder, elbow, (64 * s, 50 * s), coat)
        b.tube(elbow, wrist, (50 * s, 40 * s), coat)
        b.tube(wrist, (wrist[0], wrist[1] - 110 * s, wrist[2] + 15), (34 * s, 22 * s), skin)
        knee, foot = (side * 88 * s, 450 * s, -lean), (side * 92 * s, 0.0, -2 * lean)
        b.tube((side * 86 * s, 830 * s, 0), knee, (92 * s, 64 * s), legs)
        b.tube(knee, foot, (64 * s, 52 * s), legs)


def _profile(rows: list[tuple[int, int]], tall: float, wide: float) -> np.ndarray:
    """(n,2) mm of heights and half widths at another size."""
    return np.array(rows, float) * [tall, wide]


def held(rng: np.random.Generator, b: Builder) -> None:
    """A folder, a phone, a parcel or a cup, about its own middle."""
    colour = choose(rng, _CLOTHS + " d9d5cc e6e2d8 c9b592")
    paint = b.paint(("blank", [colour]), gloss=0.2)
    kind = int(rng.integers(4))
    if kind == 3:
        b.tube((0, -55, 0), (0, 60, 0), 42, paint)
        return
    half = ((105, 150, 8), (38, 78, 5), (120, 90, 70))[kind]
    b.box((-half[0], -half[1], -half[2]), (half[0], half[1], half[2]), paint)


_Maker = Callable[[np.random.Generator, Builder], None]
STANDING: dict[str, tuple[_Maker, float]] = {
    "pole": (_pole, 1.0),
    "pillar": (_pillar, 0.8),
    "table": (_table, 1.4),
    "chair": (_chair, 1.2),
    "railing": (_railing, 0.8),
    "boxes": (_boxes, 0.9),
    "low_wall": (_low_wall, 0.8),
    "plant": (_plant, 1.0),
    "bush": (bush, 0.8),
    "stranger": (_stranger, 1.0),
}
