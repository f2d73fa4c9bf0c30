"""Light of plausible colour and direction, indoors and out. Torch-free."""

from dataclasses import dataclass

import numpy as np

from trainer.synthetic.types import Camera, Light


@dataclass(frozen=True)
class _Kind:
    """Ranges that a kind of light is drawn from.

    Attributes:
        key_share: of the light on a surface that faces the key, what comes from the key.
        elevation_deg: of the key above the horizon.
        side_deg: of the key beside the camera, either way.
        warm: colour of the key, -1 blue to 1 orange; sky, ground: of the hemisphere likewise.
        bounce: the ground's share of the hemisphere.
    """

    key_share: tuple[float, float]
    elevation_deg: tuple[float, float]
    side_deg: tuple[float, float]
    warm: tuple[float, float]
    sky: tuple[float, float]
    ground: tuple[float, float]
    bounce: tuple[float, float]
    softness: tuple[float, float]


_KINDS = {
    "sun": _Kind(
        (0.60, 0.74),
        (28, 62),
        (10, 80),
        (0.10, 0.32),
        (-0.5, -0.3),
        (0.0, 0.2),
        (0.30, 0.42),
        (0.08, 0.25),
    ),
    "low_sun": _Kind(
        (0.58, 0.72),
        (12, 28),
        (15, 85),
        (0.4, 0.75),
        (-0.4, -0.2),
        (0.1, 0.35),
        (0.26, 0.38),
        (0.12, 0.3),
    ),
    "overcast": _Kind(
        (0.20, 0.40),
        (45, 75),
        (0, 100),
        (-0.05, 0.05),
        (-0.16, -0.02),
        (0.0, 0.12),
        (0.30, 0.42),
        (0.75, 1.0),
    ),
    "lamp_warm": _Kind(
        (0.40, 0.60),
        (38, 72),
        (5, 80),
        (0.22, 0.5),
        (0.08, 0.3),
        (0.18, 0.45),
        (0.42, 0.58),
        (0.4, 0.8),
    ),
    "lamp_cool": _Kind(
        (0.35, 0.55),
        (50, 80),
        (0, 90),
        (-0.08, 0.08),
        (-0.04, 0.08),
        (0.02, 0.2),
        (0.42, 0.58),
        (0.5, 0.9),
    ),
    "window": _Kind(
        (0.52, 0.70),
        (12, 40),
        (40, 85),
        (-0.12, 0.05),
        (0.0, 0.15),
        (0.08, 0.28),
        (0.40, 0.55),
        (0.5, 0.85),
    ),
    "softbox": _Kind(
        (0.48, 0.66),
        (25, 50),
        (20, 60),
        (-0.04, 0.06),
        (-0.02, 0.06),
        (0.0, 0.1),
        (0.42, 0.55),
        (0.55, 0.9),
    ),
}
KINDS = tuple(_KINDS)

# which lights go with which background, by weight
_BY_BACKGROUND: dict[str, dict[str, float]] = {
    "room": {"window": 0.4, "lamp_warm": 0.35, "lamp_cool": 0.25},
    "brick": {"overcast": 0.45, "sun": 0.4, "low_sun": 0.15},
    "plaster": {"window": 0.35, "lamp_cool": 0.3, "overcast": 0.2, "lamp_warm": 0.15},
    "tiles": {"lamp_cool": 0.65, "window": 0.2, "lamp_warm": 0.15},
    "panels": {"lamp_warm": 0.5, "window": 0.35, "lamp_cool": 0.15},
    "field": {"sun": 0.5, "overcast": 0.35, "low_sun": 0.15},
    "street": {"overcast": 0.5, "sun": 0.35, "low_sun": 0.15},
    "studio": {"softbox": 1.0},
    "corridor": {"lamp_cool": 0.8, "lamp_warm": 0.2},
    "beach": {"sun": 0.55, "overcast": 0.25, "low_sun": 0.2},
}
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def sample(
    rng: np.random.Generator, kind: str | None = None, *, camera: Camera | None = None
) -> Light:
    """Draw a light.

    A grey object of albedo 0.2 comes out at about 0.2 linear, so that albedo x light is a picture.

    Args:
        kind: one of `KINDS`, a kind of background (draws a light that goes with it), or None.
        camera: the key lies to one side of it; without, of a camera that looks along -z.
    """
    if kind is None:
        kind = str(rng.choice(list(_BY_BACKGROUND)))
    if kind in _BY_BACKGROUND:
        weights = _BY_BACKGROUND[kind]
        kind = str(rng.choice(list(weights), p=list(weights.values())))
    if kind not in _KINDS:
        raise ValueError(f"no light or background is called {kind!r}")
    of = _KINDS[kind]

    towards = np.array([0.0, 1.0])  # from the scene to the camera, in x and z
    if camera is not None:
        back = -np.asarray(camera.rotation, float)[2, [0, 2]]
        if np.hypot(*back) > 1e-3:
            towards = back / np.hypot(*back)
    side = np.radians(rng.uniform(*of.side_deg)) * rng.choice([-1.0, 1.0])
    azimuth = np.arctan2(towards[0], towards[1]) + side
    height = np.radians(rng.uniform(*of.elevation_deg))
    direction = np.array(
        [np.sin(azimuth) * np.cos(height), np.sin(height), np.cos(azimuth) * np.cos(height)]
    )

    share = rng.uniform(*of.key_share)
    bounce = rng.uniform(*of.bounce)
    key = share * tint(rng.uniform(*of.warm))
    sky = (1 - share) * 2 * (1 - bounce) * tint(rng.uniform(*of.sky))
    ground = (1 - share) * 2 * bounce * tint(rng.uniform(*of.ground))
    # a body is lit by about six tenths of the key: parts of it turn away or lie in shade
    typical = 0.6 * key + 0.5 * (sky + ground)
    exposure = rng.uniform(0.88, 1.18) / float(_LUMINANCE @ typical)
    return Light(
        direction.astype(np.float32),
        (exposure * key).astype(np.float32),
        (exposure * sky).astype(np.float32),
        (exposure * ground).astype(np.float32),
        float(rng.uniform(*of.softness)),
    )


def tint(warmth: float) -> np.ndarray:
    """(3,) linear RGB of luminance 1: -1 blue shade, 0 neutral, 1 candle."""
    colour = np.array([1 + 0.42 * warmth, 1 + 0.02 * warmth, 1 - 0.55 * warmth])
    return colour / float(_LUMINANCE @ colour)


def outdoors(light: Light) -> bool:
    """Whether a light looks like daylight under the open sky: its sky is bluer than its ground."""
    sky, ground = np.asarray(light.sky, float), np.asarray(light.ground, float)
    bluish = sky[2] / max(sky[0], 1e-6)
    return bool(bluish > 1.0 and sky.sum() > 1.2 * ground.sum())


def irradiance(light: Light, normal: np.ndarray, shade: float = 1.0) -> np.ndarray:
    """What reaches a surface without shadow, as the renderer has it.

    Args:
        normal: (3,) unit, world.
        shade: share of the key that gets there.
    Returns:
        (3,) float64 linear RGB.
    """
    wrap = 0.35 * light.softness
    facing = (float(np.dot(light.direction, normal)) + wrap) / (1 + wrap)
    up = 0.5 + 0.5 * float(normal[1])
    key, sky, ground = (np.asarray(c, float) for c in (light.key, light.sky, light.ground))
    return max(facing, 0.0) * shade * key + up * sky + (1 - up) * ground
