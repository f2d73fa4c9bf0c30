"""Rooms, corridors, plain walls and a photographer's paper, as rectangles around the people.

Torch-free. Each scene takes a generator, the stage, and how much room the people need in mm.
"""

from typing import Any

import numpy as np

from trainer.synthetic import furniture
from trainer.synthetic.furniture import DECAL, SIDE, SIDE_DECAL, WALL
from trainer.synthetic.stage import Colours, Stage, choose, rgb

PAINTS = (
    "ebe8e1 e3e1da e6dfd0 d8dcd8 d3d9dc dcd3c7 cdd3c8 bfc8ca efede8 b3bcb5 a3acb0 d9c9b8 e8e4da"
)
OAK = "b08c64 a07e5a bd9c74 866650 6b5140 c6ac8a 988069"
STONE = "b9b4aa a8a59e c4bdb0 9b9890 cfc9bd"


def two(colour: np.ndarray, factor: float, third: np.ndarray | None = None) -> Colours:
    """A colour, a darker one of it, and a third."""
    return [colour, colour * factor, colour * 0.5 if third is None else third]


def indoor_floor(rng: np.random.Generator, stage: Stage, kind: str, far: float) -> None:
    """A floor that darkens towards a wall at z = far."""
    colours: Colours
    if kind == "planks":
        wood = choose(rng, OAK, 0.1)
        colours = [wood, wood * rng.uniform(0.5, 0.75), wood * 0.2]
    elif kind == "carpet":
        colours = two(choose(rng, "9a948a 7d7f80 6f7680 a59a86 8a7f76 666a66 b4aca0"), 0.8)
    elif kind == "floor_tiles":
        colours = two(choose(rng, STONE + " d8d2c6 8d8a86"), 0.82, choose(rng, "8a867e a5a099"))
    elif kind == "concrete":
        colours = two(choose(rng, "a3a19c 8f8e8a b1ada5"), 0.75)
    else:
        colours = two(choose(rng, "a9a69d b5ad9d 8f979a 9aa39a c0b8a8"), 0.88, rgb("#e0ddd6"))
    scale = {"floor_tiles": rng.uniform(0.6, 1.5), "planks": rng.uniform(0.9, 1.5)}.get(kind, 1.0)
    shift = (float(rng.random()), float(rng.random()))
    reach = 9e4
    more: dict[str, Any] = {
        "shift": shift,
        "scale": float(scale),
        "uneven": 0.12,
        "corners": (0.0, 0.0, 0.0, 0.4),
        "corner_mm": 350.0,
    }
    if kind == "planks" and rng.random() < 0.5:  # boards that run away from the camera
        stage.floor("boards", colours, z=(far - reach, far), **more)
    else:
        stage.floor(kind, colours, z=(far - reach, far), **more)


def shell(
    rng: np.random.Generator,
    stage: Stage,
    far: float,
    wall: tuple[str, Colours],
    *,
    height: float,
    scale: float = 1.0,
    pool: bool = True,
    skirting: float = 90.0,
    side: bool = True,
) -> tuple[float, float]:
    """The wall at z = far, perhaps a side wall, ceiling and skirting.

    Returns:
        How far the wall is seen to the left and right.
    """
    left, right = -9000.0, 9000.0
    wall = (wall[0], [0.9 * colour for colour in wall[1]])  # paint is never quite white
    shift = (float(rng.random()), float(rng.random()) if wall[0] != "tiles" else 0.0)
    light = stage.light_on((0, 0, -1))
    stage.zenith = stage.horizon = wall[1][0] * light * 0.9
    glow = (
        float(rng.uniform(0.1, 0.5)),
        9000 + float(rng.uniform(-2500, 2500)),
        float(rng.uniform(0.5, 1.0)) * height,
        float(rng.uniform(900, 2200)),
    )
    more: dict[str, Any] = {
        "shift": shift,
        "scale": scale,
        "uneven": 0.10,
        "corner_mm": 260.0,
        "corners": (0.0, 0.0, 0.35, 0.18),
        "dim": 0.92,
    }
    stage.upright(
        (left, right),
        (0, height),
        far,
        wall[0],
        wall[1],
        order=WALL,
        pool=glow if pool else (0.0, 0.0, 0.0, 1.0),
        **more,
    )
    if side and rng.random() < 0.55:
        sign = -1.0 if stage.eye[0] > 0 else 1.0
        at = sign * max(float(rng.uniform(1300, 2900)), sign * stage.eye[0] + 600)
        stage.flank(
            at,
            (0, height),
            (min(stage.eye[2], 0) - 3000, far),
            wall[0],
            wall[1],
            order=SIDE,
            **{**more, "corners": (0.0, 0.3, 0.35, 0.18)},
        )
        if skirting:
            stage.flank(
                at - sign * 12,
                (0, skirting),
                (min(stage.eye[2], 0) - 3000, far),
                "blank",
                [rgb("#e8e6e0")],
                order=SIDE_DECAL,
            )
        left, right = (at, right) if sign < 0 else (left, at)
    if skirting:
        trim = rgb("#eceae4") if rng.random() < 0.75 else wall[1][0] * 0.55
        stage.upright(
            (left, right),
            (0, skirting),
            far - 12,
            "blank",
            [trim],
            order=DECAL + 50,
            corners=(0.0, 0.0, 0.35, 0.0),
            corner_mm=40.0,
        )
    if stage.eye[1] < height:
        stage.flat(
            (-9000, 9000),
            (far - 2e4, far),
            height,
            "blank",
            [rgb("#f0efeb")],
            order=1e9,
            dim=1.15,
            corners=(0.0, 0.0, 0.0, 0.3),
            corner_mm=300.0,
        )
    return left, right


def _height(rng: np.random.Generator, stage: Stage, low: float = 2450, high: float = 2900) -> float:
    return max(float(rng.uniform(low, high)), float(stage.eye[1]) + 350)


def room(rng: np.random.Generator, stage: Stage, clear: float) -> None:
    """A living room, bedroom or office."""
    far = clear + float(rng.uniform(500, 3200))
    paint = choose(rng, PAINTS)
    height = _height(rng, stage)
    left, right = shell(rng, stage, far, ("plaster", two(paint, 0.94)), height=height)
    kind = str(rng.choice(["planks", "carpet", "lino", "floor_tiles"], p=[0.55, 0.25, 0.1, 0.1]))
    indoor_floor(rng, stage, kind, far)
    if kind != "carpet" and rng.random() < 0.4:
        furniture.rug(rng, stage, far)
    furniture.along_wall(rng, stage, far, max(left, -3600.0), min(right, 3600.0), clear, height)


def plaster(rng: np.random.Generator, stage: Stage, clear: float) -> None:
    """A plain wall: painted plaster, bare concrete or weathered render."""
    far = clear + float(rng.uniform(0, 1500))
    kind = str(rng.choice(["plaster", "concrete", "render"], p=[0.6, 0.2, 0.2]))
    if kind == "plaster":
        paint = choose(rng, PAINTS + " 8c9799 7e8a86 a59483 6f7b85")
        colours = two(paint, 0.9)
    elif kind == "concrete":
        colours = two(choose(rng, "b3b0a9 a09d97 c1beb6"), 0.78)
    else:
        paint = choose(rng, "cfc6b4 d8d2c4 c2b8a4 bdb9b0 c9b79c")
        colours = two(paint, 0.78, paint * 0.55)
    left, right = shell(
        rng,
        stage,
        far,
        (kind, colours),
        height=_height(rng, stage, 2600, 3400),
        skirting=0.0 if kind != "plaster" else float(rng.choice([0.0, 80.0, 110.0])),
    )
    floors = ["planks", "lino", "concrete", "floor_tiles"]
    indoor_floor(rng, stage, str(rng.choice(floors, p=[0.35, 0.2, 0.25, 0.2])), far)
    if rng.random() < 0.3:
        furniture.pictures(rng, stage, float(rng.uniform(max(left, -1500), min(right, 1500))), far)
    if rng.random() < 0.25:
        x = float(rng.choice([-1.0, 1.0]) * rng.uniform(700, 1500))
        if left + 300 < x < right - 300:
            furniture.plant(rng, stage, x, far)


def tiles(rng: np.random.Generator, stage: Stage, clear: float) -> None:
    """A tiled wall: an underpass, a bathroom, a kitchen."""
    far = clear + float(rng.uniform(0, 1500))
    kind = str(rng.choice(["tiles", "metro"]))
    glaze = choose(rng, "eceae4 e3e5e3 d9ddd8 cfd8d6 dcd5c6 b9c7c4 9fb0ae e8e2d4")
    grout = choose(rng, "b5b1a8 8f8c86 cbc7be")
    height = _height(rng, stage, 2400, 3000)
    scale = float(rng.uniform(0.7, 1.2))
    left, right = shell(
        rng, stage, far, (kind, two(glaze, 0.86, grout)), height=height, scale=scale, skirting=0.0
    )
    if rng.random() < 0.5:  # painted above the tiles
        low = float(rng.uniform(1300, 2000))
        paint = choose(rng, PAINTS)
        stage.upright(
            (left, right),
            (low, height),
            far - 6,
            "plaster",
            two(paint, 0.94),
            order=DECAL + 90,
            uneven=0.1,
            dim=0.95,
        )
        stage.upright(
            (left, right), (low - 45, low), far - 14, "blank", [glaze * 0.7], order=DECAL + 60
        )
    elif rng.random() < 0.5:  # a band of colour
        band = choose(rng, "4d6a72 5d7264 7a5b4c 39495a 8a7a58")
        y = float(rng.uniform(900, 1500))
        stage.upright(
            (left, right),
            (y, y + 150 * scale),
            far - 6,
            "metro",
            two(band, 0.8, grout),
            order=DECAL + 60,
            scale=scale,
        )
    indoor_floor(rng, stage, str(rng.choice(["floor_tiles", "lino", "concrete"])), far)


def panels(rng: np.random.Generator, stage: Stage, clear: float) -> None:
    """Wooden boards on the wall or below a painted one."""
    far = clear + float(rng.uniform(0, 1700))
    wood = choose(rng, OAK + " d8d4ca 7d8a86 a9a08e", 0.1)
    boards: tuple[str, Colours] = ("boards", [wood, wood * rng.uniform(0.6, 0.8), wood * 0.25])
    height = _height(rng, stage)
    if rng.random() < 0.45:
        paint = choose(rng, PAINTS)
        left, right = shell(rng, stage, far, ("plaster", two(paint, 0.94)), height=height)
        low = float(rng.uniform(900, 1500))
        stage.upright(
            (left, right),
            (0, low),
            far - 16,
            *boards,
            order=DECAL + 90,
            dim=0.95,
            corners=(0.0, 0.0, 0.35, 0.0),
            uneven=0.08,
        )
        stage.upright(
            (left, right), (low, low + 45), far - 30, "wood", boards[1], order=DECAL + 60, dim=1.1
        )
    else:
        if rng.random() < 0.3:
            boards = ("planks", boards[1])
        left, right = shell(rng, stage, far, boards, height=height)
    indoor_floor(rng, stage, str(rng.choice(["planks", "carpet", "concrete", "lino"])), far)
    if rng.random() < 0.4:
        furniture.along_wall(rng, stage, far, max(left, -3000.0), min(right, 3000.0), clear, height)


def corridor(rng: np.random.Generator, stage: Stage, clear: float) -> None:
    """A long passage with doors, lamps in its ceiling and light at its end."""
    half = max(float(rng.uniform(0.85, 1.3)) * clear, abs(float(stage.eye[0])) + 350)
    far, start = clear + float(rng.uniform(4000, 12000)), float(stage.eye[2]) - 2500
    height = _height(rng, stage, 2400, 2800)
    paint = choose(rng, PAINTS)
    stage.zenith = stage.horizon = paint * 0.5
    wall = ("plaster", two(paint, 0.95))
    more: dict[str, Any] = {
        "uneven": 0.1,
        "corner_mm": 260.0,
        "corners": (0.0, 0.25, 0.35, 0.2),
        "dim": 0.9,
    }
    dado = choose(rng, "9aa39a 8f979e a89f8e 7c8890") if rng.random() < 0.5 else None
    trim = choose(rng, "d9d6cc 8d7a62 6d5a48 b9bfc2")
    leaf = choose(rng, "c9b592 a98a62 d6d3ca 8b99a3 b0b5b0")
    for sign in (-1.0, 1.0):
        x = sign * half
        stage.flank(x, (0, height), (start, far), *wall, order=SIDE, **more)
        stage.flank(
            x - sign * 8, (0, 100), (start, far), "blank", [trim * 0.8], order=SIDE_DECAL + 40
        )
        if dado is not None:
            stage.flank(
                x - sign * 4,
                (0, 1150),
                (start, far),
                "plaster",
                two(dado, 0.95),
                order=SIDE_DECAL + 60,
                **more,
            )
        at = 600 + float(rng.uniform(0, 2500))
        while at < far - 1000:
            for inset, colour in ((0.0, trim), (70.0, leaf)):
                stage.flank(
                    x - sign * (16 + inset * 0.1),
                    (0, 2110 - inset),
                    (at - 480 + inset, at + 480 - inset),
                    "wood",
                    two(colour, 0.9),
                    order=SIDE_DECAL + 20 - inset * 0.1,
                    dim=0.9,
                )
            at += float(rng.uniform(1800, 3800))
    end = paint * rng.uniform(0.75, 1.0)
    stage.upright(
        (-half - 300, half + 300),
        (0, height),
        far,
        "plaster",
        two(end, 0.95),
        order=WALL,
        corners=(0.2, 0.2, 0.3, 0.2),
    )
    if rng.random() < 0.65:
        furniture.window(rng, stage, 0.0, far, min(1.5 * half, 1500.0), curtains=False)
    else:
        furniture.door(rng, stage, float(rng.uniform(-0.3, 0.3)) * half, far)
    kind = str(rng.choice(["lino", "floor_tiles", "carpet", "planks"], p=[0.5, 0.25, 0.15, 0.1]))
    indoor_floor(rng, stage, kind, far)
    # the light at the end and the lamps lie on a polished floor
    if kind in ("lino", "floor_tiles") and stage.eye[1] > 100:
        stage.flat(
            (-0.8 * half, 0.8 * half),
            (1500.0, far),
            2.0,
            "blob",
            [rgb("#f4f2ec") * 0.9],
            stretch=True,
            glow=True,
            opacity=0.3,
            order=1e8 - 1,
        )
    stage.flat((-half, half), (start, far), height, "blank", [rgb("#eeece6")], order=1e9, dim=1.0)
    lamp = [np.array([1.5, 1.48, 1.42])]
    step = float(rng.uniform(1800, 2800))
    for at in np.arange(start, far - 600, step):
        stage.flat(
            (-300, 300),
            (float(at), float(at) + 600),
            height - 4,
            "blank",
            lamp,
            glow=True,
            order=1e8,
        )


def studio(rng: np.random.Generator, stage: Stage, clear: float) -> None:
    """A sweep of paper from the wall onto the floor."""
    paper = choose(
        rng, "d9d8d5 c8c8c6 e4e3e1 9a9b9c 6e7072 b4bcc2 c9bfb2 a8b0a8 8592a0 d6cfc4 4a4c50", 0.04
    )
    radius = float(rng.uniform(450, 800))
    start = clear + float(rng.uniform(0, 900))
    arc = 0.5 * np.pi * radius
    centre = arc + float(rng.uniform(300, 1100))
    gain, reach = float(rng.uniform(0.15, 0.6)), float(rng.uniform(1300, 2400))
    paper = paper / (1 + 0.7 * gain)
    across = 9000 + float(rng.uniform(-600, 600))
    # paper is lit on purpose: the floor hardly brighter than the wall, no edge between them
    wall, even = stage.light_on((0, 0, -1)), stage.light_on((0, 1, 0))
    wall = wall + 0.3 * (even - wall)
    even = even * min(1.0, 1.15 * float(wall.sum() / even.sum()))
    stage.zenith = stage.horizon = paper * wall
    more: dict[str, Any] = {"glow": True, "lod": 4.0}
    pool = (gain, across, 2e4 + centre, reach)
    stage.floor("blank", [paper * even], x=(-9e3, 9e3), z=(start - 2e4, start), pool=pool, **more)
    steps = 16
    for i in range(steps):
        angle = np.pi / 2 * i / steps
        middle = angle + np.pi / 4 / steps
        origin = (-9e3, radius * (1 - np.cos(angle)), start + radius * np.sin(angle))
        up = (0.0, float(np.sin(middle)), float(np.cos(middle)))
        share = i / (steps - 1)
        share = share * share * (3 - 2 * share)
        pool = (gain, across, centre - arc * i / steps, reach)
        size = (1.8e4, 1.02 * arc / steps)
        colours = [paper * (even + share * (wall - even))]
        stage.rect(
            origin,
            (1, 0, 0),
            up,
            size,
            "blank",
            colours,
            order=WALL + i,
            pool=pool,
            ground=1 - share,
            **more,
        )
    pool = (gain, across, centre - arc, reach)
    stage.upright(
        (-9e3, 9e3),
        (radius, 9e3),
        start + radius,
        "blank",
        [paper * wall],
        order=WALL + 99,
        pool=pool,
        **more,
    )
