"""Streets seen across and along: houses, cars, trees, lamp posts. Torch-free."""

import numpy as np

from trainer.synthetic.furniture import SIDE, WALL
from trainer.synthetic.scenes_outdoors import LEAF, grass_colours, paving, sky, tree
from trainer.synthetic.stage import Colours, Stage, choose, rgb


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
