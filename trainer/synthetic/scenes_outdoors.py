"""Walls, streets, fields and beaches under a sky, as rectangles around the people.

Torch-free. Each scene takes a generator, the stage, and how much room the people need in mm.
"""

import numpy as np

from trainer.synthetic.furniture import DECAL, SIDE, WALL
from trainer.synthetic.stage import Colours, Stage, choose, rgb

LEAF = "55703a 4d6834 637c40 5a6f44 6f8448"
TRUNK = "6b5a4a 7d6a58 5a4c40"


def sky(rng: np.random.Generator, stage: Stage, *, clouds: bool = True) -> None:
    """A blue sky with clouds in the sun, a white or grey one without."""
    sunny = stage.key_share() > 0.5
    level = float(rng.uniform(0.85, 1.1))
    if sunny:
        stage.zenith = level * np.array([0.16, 0.32, 0.62]) * rng.uniform(0.8, 1.25)
        stage.horizon = level * np.array([0.66, 0.78, 0.9])
    else:
        stage.zenith = level * np.array([0.62, 0.66, 0.71]) * rng.uniform(0.75, 1.1)
        stage.horizon = level * np.array([0.82, 0.84, 0.86])
    stage.haze, stage.haze_mm = 0.92 * stage.horizon, float(rng.uniform(2.5e5, 9e5))
    if clouds and (not sunny or rng.random() < 0.75):
        white = np.array([0.95, 0.96, 0.98]) * level
        grey = white * (0.72 if sunny else 0.6)
        stage.flat(
            (-6e7, 6e7),
            (-6e7, 6e7),
            1.6e6,
            "cloud",
            [white, grey],
            glow=True,
            order=2e9,
            shift=(float(rng.random()), float(rng.random())),
            opacity=float(rng.uniform(0.5, 0.95)),
            fade_mm=9e6,
            scale=float(rng.uniform(0.7, 1.6)),
            haze=False,
        )


def grass_colours(rng: np.random.Generator) -> Colours:
    green = choose(rng, "6d7f3e 627a3c 7a8848 596f36 808a4e", 0.08)
    return [green * 0.75, green * 1.2, choose(rng, "b8a873 c4b684")]


def paving(rng: np.random.Generator, kind: str) -> Colours:
    """Colours of the ground of a street or yard."""
    if kind == "asphalt":
        base = choose(rng, "6a6a6a 5c5d5f 787674")
        return [base, base * 0.85, base * 2.0]
    if kind == "gravel":
        base = choose(rng, "a89f90 98928a b5a88f")
        return [base, base * 0.6, base]
    base = choose(rng, "a39f98 8f8d88 b0a89a 9a948c")
    return [base, base * 0.75, base * 0.45]


def tree(rng: np.random.Generator, stage: Stage, x: float, z: float, behind: float = 0.0) -> None:
    """A tree at (x, z); `behind`: the drawing order of a wall or hedge that hides it."""
    leaf, bark = choose(rng, LEAF, 0.1) * 0.8, choose(rng, TRUNK)
    name = "tree" if rng.random() < 0.9 else "conifer"
    tall = float(rng.uniform(5500, 10500))
    wide = tall * float(rng.uniform(0.8, 1.05)) * (0.8 if name == "conifer" else 1)
    order = behind + stage.distance((x, 0.5 * tall, z))
    mirror = bool(rng.random() < 0.5)
    stage.card((x, z), (wide, tall), name, [leaf, leaf * 1.7, bark], mirror=mirror, order=order)
    stage.spot((x - 0.3 * wide, x + 0.3 * wide), (z - 800, z + 800), 0.45)


def brick(rng: np.random.Generator, stage: Stage, clear: float) -> None:
    """A brick wall in the open."""
    sky(rng, stage)
    far = clear + float(rng.uniform(0, 2200))
    clay = choose(rng, "9a5f47 8a5340 a86e52 7d4f40 b08468 93705c a58f7a 8d8a86", 0.08)
    mortar = choose(rng, "a69d90 918a80 b0a798 7d776f")
    low = rng.random() < 0.3
    height = float(rng.uniform(1900, 2700)) if low else 12000.0
    colours = [clay, clay * rng.uniform(0.6, 0.8), mortar]
    if rng.random() < 0.12:  # painted over
        paint = choose(rng, "dcd8ce c9cdca b9b4a8")
        colours = [paint, paint * 0.93, paint * 0.85]
    shift = (float(rng.random()), 0.0)
    stage.upright(
        (-4e4, 4e4),
        (0, height),
        far,
        "brick",
        colours,
        order=WALL,
        shift=shift,
        uneven=0.22,
        corners=(0.0, 0.0, 0.35, 0.0),
        corner_mm=350.0,
    )
    if low:
        cap = choose(rng, "a8a49c 8f8b84 b5aa98")
        stage.upright(
            (-4e4, 4e4), (height, height + 70), far - 40, "concrete", [cap, cap * 0.8], order=DECAL
        )
        for _ in range(3):
            x, z = float(rng.uniform(-6000, 6000)), far + float(rng.uniform(3e3, 9e3))
            tree(rng, stage, x, z, WALL)
    else:
        if rng.random() < 0.35:
            x = float(rng.choice([-1, 1]) * rng.uniform(600, 2500))
            _sash(rng, stage, x, far)
        if rng.random() < 0.3:
            x = float(rng.choice([-1, 1]) * rng.uniform(500, 1800))
            pipe = choose(rng, "4a4c4e 7c7a76 5a4a42")
            stage.card((x, far - 60), (85, 9000), "curtain", [pipe, pipe * 0.6], lod=3.0)
    if rng.random() < 0.3:
        band = choose(rng, "8f8b84 7c7974 a39c90")
        stage.upright(
            (-4e4, 4e4),
            (0, float(rng.uniform(200, 500))),
            far - 25,
            "concrete",
            [band, band * 0.75],
            order=DECAL + 5,
            corners=(0.0, 0.0, 0.4, 0.0),
        )
    kind = str(rng.choice(["slabs", "asphalt", "gravel", "cobbles"], p=[0.4, 0.3, 0.15, 0.15]))
    stage.floor(
        kind,
        paving(rng, kind),
        z=(far - 9e4, far),
        uneven=0.2,
        shift=(float(rng.random()), float(rng.random())),
        corners=(0.0, 0.0, 0.0, 0.45),
        corner_mm=300.0,
    )
    if rng.random() < 0.4:  # weeds along the foot
        for _ in range(int(rng.integers(2, 6))):
            green = choose(rng, LEAF)
            wide = float(rng.uniform(200, 500))
            stage.card(
                (float(rng.uniform(-2500, 2500)), far - 60),
                (wide, 0.6 * wide),
                "leaves",
                [green * 0.7, green * 1.2, green * 0.5],
            )


def _sash(rng: np.random.Generator, stage: Stage, x: float, far: float) -> None:
    low, high, half = 950.0, float(rng.uniform(2200, 2600)), float(rng.uniform(420, 700))
    white = [choose(rng, "e6e3dc d8d5cc 5a6468 3f4a44")]
    stage.upright(
        (x - half - 110, x + half + 110),
        (low - 90, low),
        far - 30,
        "concrete",
        [rgb("#b5afa4"), rgb("#8f8a80")],
        order=DECAL + 3,
    )
    stage.upright((x - half, x + half), (low, high), far - 2, "blank", white, order=DECAL + 9)
    bar = 55.0
    panes = 2
    tall = (high - low - (panes + 1) * bar) / panes
    for i in range(panes):
        y = low + bar + i * (tall + bar)
        for a, b in ((x - half + bar, x - 0.3 * bar), (x + 0.3 * bar, x + half - bar)):
            stage.upright(
                (a, b),
                (y, y + tall),
                far - 1,
                "view",
                [np.full(3, 0.22)],
                stretch=True,
                glow=True,
                order=DECAL + 8,
                corners=(0.5, 0.0, 0.0, 0.6),
                corner_mm=60.0,
            )


def field(rng: np.random.Generator, stage: Stage, clear: float) -> None:
    """Grass, a hedge or trees behind it, perhaps hills, under the sky."""
    sky(rng, stage)
    colours = grass_colours(rng)
    stage.floor(
        "grass",
        colours,
        x=(-4e5, 4e5),
        z=(-4e5, 4e5),
        uneven=0.3,
        shift=(float(rng.random()), float(rng.random())),
    )
    if rng.random() < 0.3:  # a path
        z = float(rng.uniform(2500, 6000))
        stage.floor(
            "gravel",
            paving(rng, "gravel"),
            x=(-4e5, 4e5),
            z=(z, z + float(rng.uniform(1500, 3000))),
            soft_mm=180.0,
        )
    leaf = choose(rng, LEAF, 0.08) * 0.75
    near = 1e9
    if rng.random() < 0.5:
        near = clear + float(rng.uniform(3000, 13000))
        tall = float(rng.uniform(1300, 2600))
        stage.upright(
            (-6e4, 6e4),
            (0, tall),
            near,
            "hedge_top",
            [leaf, leaf * 1.6],
            order=SIDE,
            scale=tall / 1600,
            corners=(0.0, 0.0, 0.5, 0.0),
            corner_mm=400.0,
            uneven=0.3,
        )
        stage.flat(
            (-6e4, 6e4),
            (near - 500, near),
            0.0,
            "blank",
            [np.full(3, 0.01)],
            glow=True,
            opacity=0.4,
            soft_mm=450.0,
            order=1e8,
        )
    elif rng.random() < 0.5:
        near = clear + float(rng.uniform(2500, 9000))
        _fence(rng, stage, near)
    for _ in range(int(rng.integers(0, 5))):
        z = clear + float(rng.uniform(6000, 30000))
        tree(rng, stage, float(rng.normal(0, 9000)), z, SIDE if z > near else 0.0)
    woods = float(rng.uniform(3e4, 1.2e5))
    tall = float(rng.uniform(7000, 15000))
    leaf = choose(rng, LEAF, 0.08) * 0.7
    stage.upright(
        (-4e5, 4e5),
        (0, tall),
        woods,
        "treeline",
        [leaf, leaf * 1.6],
        order=WALL,
        scale=tall * 1.25,
        shift=(float(rng.random()), 0.0),
        uneven=0.3,
    )
    if rng.random() < 0.5:
        hill = choose(rng, "5a6f58 6f7f68 66757a") * 0.8
        stage.upright(
            (-3e6, 3e6),
            (0, float(rng.uniform(3e4, 7e4))),
            1.2e6,
            "hedge_top",
            [hill, hill * 1.1],
            order=WALL + 1,
            scale=300,
            lod=3.0,
            shift=(float(rng.random()), 0.0),
        )


def _fence(rng: np.random.Generator, stage: Stage, z: float) -> None:
    wood = choose(rng, "8a7560 9a8a76 6f6052 a9a196")
    colours = [wood, wood * 0.7]
    for y in (420.0, 850.0):
        stage.upright((-3e4, 3e4), (y, y + 110), z, "wood", colours, order=SIDE - 1)
    step = float(rng.uniform(1700, 2400))
    for x in np.arange(-14 * step, 14 * step, step):
        stage.upright(
            (float(x), float(x) + 120), (0, 1080), z - 30, "wood", colours, order=SIDE - 2
        )


def street(rng: np.random.Generator, stage: Stage, clear: float) -> None:
    """A street seen across or along."""
    sky(rng, stage)
    if rng.random() < 0.6:
        _across(rng, stage, clear)
    else:
        _along(rng, stage, clear)


def _house(
    rng: np.random.Generator, height: float
) -> tuple[Colours, Colours, tuple[float, float], float]:
    """Colours of a facade, of its shop, the map's shift and scale."""
    wall = choose(rng, "b9a48c c9bda8 a8988a d3cabb 9c7a66 bfb6ac 8f8a86 a06a54 d8cdb4 c4c0b8")
    glass, frame = choose(rng, "2c343c 3a444c 26292e"), choose(rng, "e0dcd2 c9c4b8 4a4c4e")
    front = choose(rng, "6a6f74 8a8378 4f5a5f a09786 7a5f52")
    sign = choose(rng, "3f4a58 5a4038 46544a 6f6a60 8a7a60")
    scale = height / 9600 / max(round(height / 9600), 1)
    shift = (float(rng.integers(4)) / 4, float(rng.integers(3)) / 3)
    return [wall, glass, frame], [front, glass * 1.4, sign], shift, scale


def _across(rng: np.random.Generator, stage: Stage, clear: float) -> None:
    kerb = clear + float(rng.uniform(0, 2500))
    road = kerb + float(rng.uniform(5500, 8500))
    walk = road + float(rng.uniform(1800, 3200))
    kind = str(rng.choice(["slabs", "asphalt", "cobbles"], p=[0.6, 0.25, 0.15]))
    pave = paving(rng, kind)
    shift = (float(rng.random()), float(rng.random()))
    edge = [rgb("#a3a099"), rgb("#8a8780")]
    stage.floor(kind, pave, z=(-9e4, kerb), uneven=0.2, shift=shift)
    stage.flat((-9e4, 9e4), (kerb - 140, kerb), 0.0, "concrete", edge, order=9e8, ground=1.0)
    stage.floor(
        "asphalt",
        paving(rng, "asphalt"),
        z=(kerb, road),
        uneven=0.25,
        shift=shift,
        corners=(0.0, 0.0, 0.5, 0.0),
        corner_mm=160.0,
    )
    stage.floor(kind, pave, z=(road, walk), uneven=0.2, dim=0.95)
    stage.flat((-9e4, 9e4), (road, road + 160), 0.0, "concrete", edge, order=9e8)
    if rng.random() < 0.5:
        middle = 0.5 * (kerb + road)
        for x in np.arange(-3e4, 3e4, 5000):
            stage.flat(
                (float(x), float(x) + 2200),
                (middle - 60, middle + 60),
                0.0,
                "asphalt",
                [rgb("#c9c7c0"), rgb("#b0aea8"), rgb("#c9c7c0")],
                order=9e8,
            )
    # between the houses: gardens behind a wall
    stage.floor("grass", grass_colours(rng), z=(walk, 9e4), uneven=0.3)
    leaf, stone = choose(rng, LEAF) * 0.7, choose(rng, "a8a098 8a7a6c b5aa9a 93705c")
    stage.upright(
        (-6e4, 6e4),
        (0, 9000),
        walk + 2.5e4,
        "treeline",
        [leaf, leaf * 1.6],
        order=9e5,
        scale=1.4e4,
        shift=shift,
    )
    low = float(rng.uniform(900, 1900))
    stage.upright(
        (-6e4, 6e4),
        (0, low),
        walk + 300,
        "brick",
        [stone, stone * 0.7, stone * 1.2],
        order=WALL + 1e5,
        uneven=0.2,
    )
    x = -4e4 + float(rng.uniform(0, 9000))
    while x < 4e4:
        wide, height = float(rng.uniform(8000, 15000)), float(rng.uniform(8500, 17000))
        if rng.random() < 0.08:
            x += 0.5 * wide  # a gap with trees
            tree(rng, stage, x - 0.25 * wide, walk + 3000, WALL + 2e5)
            continue
        wall, front, shift, scale = _house(rng, height)
        stage.upright(
            (x, x + wide),
            (0, height),
            walk,
            "facade",
            wall,
            order=WALL,
            shift=shift,
            scale=scale,
            uneven=0.15,
            corners=(0.1, 0.1, 0.25, 0.0),
            corner_mm=400.0,
        )
        if rng.random() < 0.5:
            stage.upright(
                (x, x + wide), (0, 3300), walk - 20, "shop", front, order=WALL - 1, stretch=True
            )
        x += wide + (0 if rng.random() < 0.8 else float(rng.uniform(500, 3000)))
    _cars(rng, stage, road - 1000, 9000.0)
    if rng.random() < 0.25:
        _cars(rng, stage, kerb + 1100, 16000.0)
    for _ in range(int(rng.integers(1, 5))):
        tree(rng, stage, float(rng.normal(0, 9000)), road + float(rng.uniform(300, 1200)))
    for x in np.arange(-3e4 + float(rng.uniform(0, 9000)), 3e4, float(rng.uniform(9e3, 16e3))):
        _post(stage, float(x), road + 350)


def _cars(rng: np.random.Generator, stage: Stage, z: float, gap: float) -> None:
    x = -2.6e4 + float(rng.uniform(0, 8000))
    while x < 2.6e4:
        paint = choose(rng, "d9d9d6 8d9194 3a3d42 23262a 5d6a78 7a423c 4a554e b9b4a8 c9ccce", 0.05)
        tall = float(rng.uniform(1400, 1700))
        start = np.array([x - 2150, 0.0, z])
        stage.rect(
            start,
            (1, 0, 0),
            (0, 1, 0),
            (4300, tall),
            "car",
            [paint, rgb("#2e363d"), rgb("#26272a")],
            stretch=True,
            shift=(0.0, 0.0),
            order=stage.distance((x, 700, z)),
        )
        stage.spot((x - 2000, x + 2000), (z - 500, z + 1100), 0.75)
        x += 4700 + (float(rng.exponential(gap)) if rng.random() < 0.6 else 600.0)


def _post(stage: Stage, x: float, z: float) -> None:
    metal = [rgb("#5a5d60"), rgb("#3f4245")]
    stage.card((x, z), (130, 7000), "blank", metal)


def _along(rng: np.random.Generator, stage: Stage, clear: float) -> None:
    left = -max(float(rng.uniform(2500, 9000)), clear + 300, -float(stage.eye[0]) + 900)
    right = max(float(rng.uniform(2500, 12000)), clear + 300, float(stage.eye[0]) + 900)
    far = float(rng.uniform(5e4, 1.3e5))
    start = min(float(stage.eye[2]), 0.0) - 8000
    kind = str(rng.choice(["slabs", "asphalt", "cobbles", "gravel"], p=[0.35, 0.35, 0.2, 0.1]))
    shift = (float(rng.random()), float(rng.random()))
    stage.floor(kind, paving(rng, kind), z=(-9e4, far), uneven=0.25, shift=shift)
    for sign, at in ((-1.0, left), (1.0, right)):
        z = start - float(rng.uniform(0, 8000))
        while z < far:
            long, height = float(rng.uniform(8000, 16000)), float(rng.uniform(7500, 15000))
            wall, front, shift, scale = _house(rng, height)
            more = {"order": SIDE + z * 1e-3, "corners": (0.1, 0.1, 0.25, 0.0), "corner_mm": 400.0}
            stage.flank(
                at,
                (0, height),
                (z, z + long),
                "facade",
                wall,
                shift=shift,
                scale=scale,
                uneven=0.15,
                **more,
            )
            # the gable that shows where the next house is lower or stands back
            a, b = sorted((at, at + sign * 9000))
            stage.upright(
                (a, b),
                (0, height),
                z,
                "render",
                [wall[0] * 0.9, wall[0] * 0.75],
                order=SIDE + z * 1e-3 - 0.5,
            )
            if rng.random() < 0.4:
                stage.flank(
                    at - sign * 20,
                    (0, 3300),
                    (z, z + long),
                    "shop",
                    front,
                    stretch=True,
                    order=SIDE + z * 1e-3 - 1,
                )
            z += long
        walk = at - sign * 1600
        if right - left > 9000:
            a, b = sorted((at, walk))
            stage.flat(
                (a, b),
                (-9e4, far),
                0.0,
                "slabs",
                paving(rng, "slabs"),
                order=9e8,
                ground=1.0,
                uneven=0.2,
            )
            for _ in range(int(rng.integers(0, 4))):
                tree(rng, stage, walk + sign * 500, float(rng.uniform(clear + 3000, 4e4)))
        for z in np.arange(clear + 4000, 4e4, float(rng.uniform(9e3, 15e3))):
            _post(stage, walk + sign * 200, float(z))
    leaf = choose(rng, LEAF) * 0.7
    stage.upright(
        (-6e4, 6e4), (0, 13000), far, "treeline", [leaf, leaf * 1.6], scale=2e4, order=WALL
    )


def beach(rng: np.random.Generator, stage: Stage, clear: float) -> None:
    """Sand, the sea and the sky."""
    sky(rng, stage)
    sand = choose(rng, "cbb690 d6c4a0 bfa982 c9bda4")
    shore = clear + float(rng.uniform(2500, 16000))
    shift = (float(rng.random()), float(rng.random()))
    stage.floor(
        "sand", [sand, sand * 0.85], z=(-2e5, shore), x=(-4e5, 4e5), uneven=0.2, shift=shift
    )
    wet = sand * np.array([0.5, 0.52, 0.55])
    stage.floor(
        "sand", [wet, wet * 0.9], z=(shore - 2200, shore + 900), x=(-4e5, 4e5), soft_mm=900.0, y=1.0
    )
    blue = 0.5 * stage.zenith + np.array([0.02, 0.08, 0.09])
    sea = [
        0.62 * blue + 0.25 * stage.horizon,
        0.5 * blue + 0.05 * stage.horizon,
        np.array([0.8, 0.84, 0.86]),
    ]
    stage.floor(
        "water",
        sea,
        z=(shore, 4e6),
        x=(-4e6, 4e6),
        ground=0.0,
        glow=True,
        soft_mm=300.0,
        y=2.0,
        uneven=0.15,
    )
    for step in range(int(rng.integers(1, 4))):
        z = shore + 250 + step * float(rng.uniform(1800, 4500))
        stage.floor(
            "cloud",
            [np.full(3, 0.85), np.full(3, 0.8)],
            z=(z, z + 500 + 300 * step),
            x=(-9e4, 9e4),
            ground=0.0,
            scale=0.0016,
            soft_mm=200.0,
            y=3.0 + step,
            lod=1.0,
            opacity=0.9,
        )
    for _ in range(int(rng.integers(0, 3))):  # land across the water
        hill = choose(rng, "66756a 74796e 5d6f78") * 0.7
        x, wide, tall = float(rng.normal(0, 4e5)), float(rng.uniform(2e5, 7e5)), 4e4
        stage.upright(
            (x - wide, x + wide), (-tall, tall), 9e5, "blob", [hill], stretch=True, order=1.5e9
        )
