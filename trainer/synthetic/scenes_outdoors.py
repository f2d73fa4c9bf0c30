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


def beach(rng: np.random.Generator, stage: Stage, clear: float) -> None:
    """Sand, the sea and the sky."""
    sky(rng, stage)
    sand = choose(rng, "c6b698 cfc2a8 b9a98c c4bbaa")
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
