"""What stands and hangs along the wall of a room. Torch-free."""

import numpy as np

from trainer.synthetic import surfaces_pictures
from trainer.synthetic.stage import Stage, choose, rgb

# drawing order of walls and of what hangs on them; furniture is ordered by its distance in mm
SIDE_DECAL, SIDE, DECAL, WALL = 8e4, 9e4, 1e5, 2e5
WOODS = "a9805a 8a6242 c9aa82 6b4a36 d9d4c8 e6e2d8 4a3a30 b8956a"
PRINTS = tuple(surfaces_pictures.MAKERS)
CLOTHS = "8a8f92 6f7a80 a79f92 7c6f66 5d6a74 9a8f7c b7b0a4 6b7466 8f6f62"


def along_wall(
    rng: np.random.Generator,
    stage: Stage,
    far: float,
    left: float,
    right: float,
    clear: float,
    height: float,
) -> None:
    """Things side by side from `left` to `right` at a wall at z = far."""
    room_mm = far - clear
    x = left + float(rng.uniform(100, 700))
    windows = 0
    while x < right - 400:
        names = ["window", "door", "pictures", "bookcase", "sideboard", "plant", "radiator", "none"]
        weight = np.array([1.0, 0.5, 1.1, 1.0, 1.1, 0.7, 0.4, 0.9])
        if windows:
            weight[0] = 0.3
        if room_mm > 900:
            names += ["sofa", "desk", "lamp"]
            weight = np.append(weight, [1.4, 0.8, 0.7])
        name = str(rng.choice(names, p=weight / weight.sum()))
        wide = {
            "window": float(rng.uniform(1000, 1700)),
            "door": 1000.0,
            "sofa": 1900.0,
            "bookcase": float(rng.uniform(800, 1500)),
            "sideboard": 1400.0,
            "desk": 1300.0,
            "pictures": 1200.0,
            "radiator": 1000.0,
        }.get(name, 500.0)
        if x + wide > right:
            break
        middle = x + 0.5 * wide
        if name == "window":
            windows += 1
            window(rng, stage, middle, far, wide, curtains=bool(rng.random() < 0.7))
            if rng.random() < 0.4:
                radiator(stage, middle, far)
        elif name == "door":
            door(rng, stage, middle, far)
        elif name == "pictures":
            pictures(rng, stage, middle, far)
        elif name == "bookcase":
            bookcase(rng, stage, middle, far, wide)
        elif name == "sideboard":
            sideboard(rng, stage, middle, far, wide)
            if rng.random() < 0.6:
                pictures(rng, stage, middle, far)
        elif name == "plant":
            plant(rng, stage, middle, far)
        elif name == "radiator":
            radiator(stage, middle, far)
        elif name == "sofa":
            sofa(rng, stage, middle, far, wide)
            if rng.random() < 0.6:
                pictures(rng, stage, middle, far)
        elif name == "desk":
            desk(rng, stage, middle, far)
        elif name == "lamp":
            lamp(rng, stage, middle, far, min(height, 1750))
        x += wide + float(rng.uniform(150, 900))


def window(
    rng: np.random.Generator, stage: Stage, x: float, far: float, wide: float, *, curtains: bool
) -> None:
    """A bright window in a white frame."""
    low, high = float(rng.uniform(650, 950)), float(rng.uniform(2050, 2250))
    left, right = x - 0.5 * wide, x + 0.5 * wide
    glow = float(rng.uniform(0.95, 1.5))
    stage.upright(
        (left, right),
        (low, high),
        far - 1,
        "view",
        [np.full(3, glow)],
        stretch=True,
        glow=True,
        order=DECAL + 40,
    )
    white = [rgb("#efeeea")]
    bar = 60.0
    for a, b in ((left - bar, left), (right, right + bar), (x - 0.4 * bar, x + 0.4 * bar)):
        stage.upright(
            (a, b), (low - bar, high + bar), far - 6, "blank", white, order=DECAL + 30, dim=0.9
        )
    for a, b in ((low - bar, low), (high, high + bar)):
        stage.upright((left, right), (a, b), far - 6, "blank", white, order=DECAL + 30, dim=0.9)
    stage.box(
        (left - 90, right + 90),
        (low - 95, low - 60),
        (far - 160, far - 4),
        "blank",
        white,
        grounded=False,
    )
    if curtains:
        cloth = choose(rng, "d8d2c4 c7c9c6 a9a498 8f989c b9a894 e4e0d6 8a8478")
        foot = 40.0 if rng.random() < 0.6 else low - 150
        for sign in (-1.0, 1.0):
            inner = x + sign * wide * float(rng.uniform(0.33, 0.45))
            outer = x + sign * (0.5 * wide + float(rng.uniform(120, 260)))
            a, b = sorted((inner, outer))
            stage.upright(
                (a, b),
                (foot, high + 130),
                far - 90,
                "curtain",
                [cloth, cloth * 0.8],
                order=DECAL + 10,
                scale=float(rng.uniform(0.6, 1)),
            )
        stage.upright(
            (x - 0.75 * wide, x + 0.75 * wide),
            (high + 125, high + 150),
            far - 95,
            "blank",
            [rgb("#6b6258")],
            order=DECAL + 9,
        )


def door(rng: np.random.Generator, stage: Stage, x: float, far: float) -> None:
    leaf = choose(rng, "e9e7e1 dcd9d0 a98a62 8a6a4a c9b592 9aa3a6")
    trim = rgb("#e9e7e1") if rng.random() < 0.7 else leaf * 0.8
    stage.upright((x - 500, x + 500), (0, 2120), far - 8, "blank", [trim], order=DECAL + 30)
    stage.upright(
        (x - 425, x + 425),
        (5, 2045),
        far - 10,
        "wood",
        [leaf, leaf * 0.93],
        order=DECAL + 20,
        corners=(0.2, 0.2, 0.1, 0.2),
        corner_mm=14.0,
    )
    for low, high in ((160, 900), (1060, 1900)):
        for sign in (-1, 1):
            a, b = sorted((x + sign * 50, x + sign * 350))
            stage.upright(
                (a, b),
                (low, high),
                far - 12,
                "wood",
                [leaf * 0.97, leaf * 0.9],
                order=DECAL + 15,
                corners=(0.35, 0.15, 0.1, 0.4),
                corner_mm=12.0,
            )
    knob = x + float(rng.choice([-1.0, 1.0])) * 360
    stage.box(
        (knob - 50, knob + 50),
        (985, 1010),
        (far - 60, far - 30),
        "blank",
        [rgb("#8e8c88")],
        grounded=False,
    )


def pictures(rng: np.random.Generator, stage: Stage, x: float, far: float) -> None:
    count = int(rng.choice([1, 2, 3], p=[0.6, 0.25, 0.15]))
    size = float(rng.uniform(280, 620)) / (1 if count == 1 else 1.5)
    names = rng.permutation(PRINTS)
    frame = choose(rng, "2a2522 3a3a3c e9e7e1 a98a62 6a4a32 b09a6a")
    for i in range(count):
        at = x + (i - 0.5 * (count - 1)) * size * 1.3
        tall = size * float(rng.choice([1.0, 1.35, 0.75]))
        fade = np.exp(rng.normal(-0.1, 0.12) + rng.normal(0, 0.06, 3))
        y = 1550.0 + float(rng.normal(0, 20))
        stage.upright(
            (at - 0.5 * size - 6, at + 0.5 * size + 40),
            (y - 0.5 * tall - 44, y + 0.5 * tall + 8),
            far - 2,
            "blob",
            [np.full(3, 0.02)],
            stretch=True,
            glow=True,
            opacity=0.35,
            order=DECAL + 80,
        )
        edge = float(rng.uniform(9, 24))
        stage.upright(
            (at - 0.5 * size - edge, at + 0.5 * size + edge),
            (y - 0.5 * tall - edge, y + 0.5 * tall + edge),
            far - 20,
            "blank",
            [frame],
            order=DECAL + 75,
        )
        stage.upright(
            (at - 0.5 * size, at + 0.5 * size),
            (y - 0.5 * tall, y + 0.5 * tall),
            far - 20,
            str(names[i]),
            [fade],
            stretch=True,
            order=DECAL + 70,
            dim=0.92,
        )


def bookcase(rng: np.random.Generator, stage: Stage, x: float, far: float, wide: float) -> None:
    wood = choose(rng, WOODS)
    tall = float(rng.uniform(1100, 2150))
    stage.box(
        (x - 0.5 * wide, x + 0.5 * wide),
        (0, tall),
        (far - 320, far - 5),
        "wood",
        [wood, wood * 0.8],
        front=("books", [np.full(3, 0.85)]),
    )
    for a, b in ((x - 0.5 * wide, x - 0.5 * wide + 28), (x + 0.5 * wide - 28, x + 0.5 * wide)):
        stage.upright(
            (a, b),
            (0, tall),
            far - 324,
            "wood",
            [wood, wood * 0.8],
            order=stage.distance((x, 0.5 * tall, far - 160)) - 5,
        )


def sideboard(rng: np.random.Generator, stage: Stage, x: float, far: float, wide: float) -> None:
    wood = choose(rng, WOODS)
    tall = float(rng.uniform(550, 900))
    colours = [wood, wood * 0.75]
    stage.box((x - 0.5 * wide, x + 0.5 * wide), (60, tall), (far - 430, far - 5), "wood", colours)
    stage.spot((x - 0.5 * wide, x + 0.5 * wide), (far - 430, far), 0.6)
    order = stage.distance((x, 0.5 * tall, far - 215)) - 5
    columns, rows = int(rng.integers(2, 4)), int(rng.integers(1, 4))
    for i in range(columns):
        for j in range(rows):
            a = x - 0.5 * wide + 20 + i * (wide - 20) / columns
            b = a + (wide - 20) / columns - 20
            c = 80 + j * (tall - 100) / rows
            d = c + (tall - 100) / rows - 18
            stage.upright(
                (a, b),
                (c, d),
                far - 433,
                "wood",
                [wood * 1.04, wood * 0.8],
                order=order,
                corners=(0.3, 0.3, 0.3, 0.3),
                corner_mm=7.0,
            )
    if rng.random() < 0.6:
        at = x + float(rng.uniform(-0.35, 0.35)) * wide
        green = choose(rng, "4f6a3a 5d7846 46603f")
        stage.card(
            (at, far - 220),
            (420, 520),
            "plant",
            [green, green * 1.5, choose(rng, "d8d2c6 a9705a 4d5558")],
            low=tall,
        )
    if rng.random() < 0.4:
        at = x - 0.3 * wide
        stage.box(
            (at - 60, at + 60),
            (tall, tall + 230),
            (far - 260, far - 140),
            "blank",
            [choose(rng, "c9c2b4 7a8890 a9705a 394048")],
            grounded=False,
        )


def plant(rng: np.random.Generator, stage: Stage, x: float, far: float) -> None:
    tall = float(rng.uniform(800, 1600))
    green = choose(rng, "4f6a3a 5d7846 46603f 6c8450")
    pot = choose(rng, "d8d2c6 a9705a 4d5558 8a8378")
    stage.card(
        (x, far - 300),
        (0.85 * tall, tall),
        "plant",
        [green, green * 1.6, pot],
        mirror=bool(rng.random() < 0.5),
    )
    stage.spot((x - 150, x + 150), (far - 420, far - 180), 0.5)


def radiator(stage: Stage, x: float, far: float) -> None:
    stage.box(
        (x - 480, x + 480),
        (130, 640),
        (far - 110, far - 30),
        "curtain",
        [rgb("#eeece6"), rgb("#dad8d2")],
        scale=0.5,
        grounded=False,
    )


def sofa(rng: np.random.Generator, stage: Stage, x: float, far: float, wide: float) -> None:
    cloth = choose(rng, CLOTHS, 0.12)
    colours = [cloth, cloth * 0.85]
    left, right, back = x - 0.5 * wide, x + 0.5 * wide, far - 60
    stage.box((left, right), (420, 850), (back - 260, back), "carpet", colours, grounded=False)
    stage.box(
        (left + 150, right - 150),
        (110, 440),
        (back - 900, back - 200),
        "carpet",
        [cloth * 1.05, cloth * 0.9],
    )
    for a, b in ((left, left + 170), (right - 170, right)):
        stage.box((a, b), (110, 620), (back - 900, back), "carpet", colours, grounded=False)
    stage.spot((left, right), (back - 900, back), 0.6)
    order = stage.distance((x, 300, back - 550)) - 20
    stage.upright((x - 4, x + 4), (120, 440), back - 902, "blank", [cloth * 0.3], order=order)
    if rng.random() < 0.7:
        pillow = choose(rng, "c9b592 8f6f5a 5a6f78 d8d2c4 76806a")
        at = left + 230 + float(rng.uniform(0, 200))
        stage.rect(
            (at, 440, back - 330),
            (0.97, 0.24, 0),
            (-0.24, 0.97, 0),
            (400, 380),
            "carpet",
            [pillow, pillow * 0.85],
            order=order - 5,
            soft_mm=60.0,
        )


def desk(rng: np.random.Generator, stage: Stage, x: float, far: float) -> None:
    wood = choose(rng, WOODS)
    left, right = x - 650, x + 650
    stage.box(
        (left, right), (700, 735), (far - 680, far - 20), "wood", [wood, wood * 0.8], grounded=False
    )
    for a in (left + 20, right - 65):
        stage.box(
            (a, a + 45), (0, 700), (far - 640, far - 600), "blank", [rgb("#4a4a4a")], grounded=False
        )
    stage.spot((left, right), (far - 640, far), 0.45)
    at = x + float(rng.uniform(-250, 250))
    stage.box(
        (at - 270, at + 270),
        (820, 1150),
        (far - 300, far - 275),
        "blank",
        [rgb("#2a2b2d")],
        grounded=False,
    )
    order = stage.distance((at, 985, far - 288)) - 5
    stage.upright(
        (at - 255, at + 255),
        (836, 1138),
        far - 303,
        "view",
        [np.full(3, float(rng.uniform(0.15, 0.6)))],
        stretch=True,
        glow=True,
        order=order,
    )
    stage.box(
        (at - 30, at + 30),
        (735, 830),
        (far - 290, far - 270),
        "blank",
        [rgb("#3a3b3d")],
        grounded=False,
    )


def lamp(rng: np.random.Generator, stage: Stage, x: float, far: float, tall: float) -> None:
    metal = [rgb("#5a5652")]
    z = far - 380
    stage.card((x, z), (24, tall - 250), "blank", metal)
    stage.box((x - 130, x + 130), (0, 22), (z - 130, z + 130), "blank", metal)
    warm = np.array([1.25, 1.05, 0.78]) * float(rng.uniform(0.8, 1.2))
    stage.card((x, z), (360, 270), "blank", [warm], low=tall - 270, glow=True, soft_mm=25.0)
    stage.upright(
        (x - 900, x + 900),
        (tall - 1000, tall + 800),
        far - 3,
        "blob",
        [warm],
        stretch=True,
        glow=True,
        opacity=0.25,
        order=DECAL + 95,
    )


def rug(rng: np.random.Generator, stage: Stage, far: float) -> None:
    cloth = choose(rng, "a79a86 8f8478 7a7f86 b7ab98 8a6f62 6f7a76")
    wide, deep = float(rng.uniform(1600, 2600)), float(rng.uniform(1200, 2000))
    x, z = float(rng.uniform(-600, 600)), far - 800 - 0.5 * deep + float(rng.uniform(-900, 0))
    size = (x - 0.5 * wide, x + 0.5 * wide), (z - 0.5 * deep, z + 0.5 * deep)
    stage.flat(*size, 6.0, "carpet", [cloth, cloth * 0.75], order=9e8, ground=1.0)
    for inset in (90.0, 150.0):
        a, b = (size[0][0] + inset, size[0][1] - inset), (size[1][0] + inset, size[1][1] - inset)
        shade = cloth * (0.6 if inset < 100 else 1.0)
        stage.flat(a, b, 6.0, "carpet", [shade, shade * 0.75], order=9e8 - inset, ground=1.0)
