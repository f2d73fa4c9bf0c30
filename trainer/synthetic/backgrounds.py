"""Backgrounds behind people: photographs of no one, painted from walls, floors and fields.

A scene is a few textured rectangles around the people, cast per pixel from the camera, so that
feet stand on the ground, the horizon follows the pitch and far things blur. Torch-free.
"""

from collections.abc import Callable

import cv2
import numpy as np

from trainer.synthetic import casting, lights, scenes_indoors, scenes_outdoors, scenes_streets
from trainer.synthetic.stage import Stage
from trainer.synthetic.surfaces import atlas
from trainer.synthetic.types import Backdrop, Camera, Light

_Scene = Callable[[np.random.Generator, Stage, float], None]

# kind: (scene, turn of the walls against the camera in degrees, blur of what is far as a share
# of the height, how often when the kind is drawn)
_SCENES: dict[str, tuple[_Scene, float, tuple[float, float], float]] = {
    "room": (scenes_indoors.room, 32, (0.004, 0.016), 0.2),
    "brick": (scenes_outdoors.brick, 28, (0.0, 0.006), 0.1),
    "plaster": (scenes_indoors.plaster, 28, (0.0, 0.006), 0.11),
    "tiles": (scenes_indoors.tiles, 28, (0.0, 0.006), 0.07),
    "panels": (scenes_indoors.panels, 25, (0.0, 0.008), 0.08),
    "field": (scenes_outdoors.field, 38, (0.003, 0.016), 0.12),
    "street": (scenes_streets.street, 24, (0.002, 0.014), 0.14),
    "studio": (scenes_indoors.studio, 8, (0.012, 0.03), 0.07),
    "corridor": (scenes_indoors.corridor, 9, (0.002, 0.012), 0.06),
    "beach": (scenes_outdoors.beach, 40, (0.002, 0.014), 0.05),
}
KINDS = tuple(_SCENES)
SHARES = {name: row[3] for name, row in _SCENES.items()}
"""How often each kind is met."""
STUDIO = "studio"
OUTDOORS = ("brick", "field", "street", "beach")


def paint(
    rng: np.random.Generator,
    camera: Camera,
    light: Light,
    kind: str | None = None,
    *,
    clear_mm: float = 1200.0,
) -> Backdrop:
    """Paint what is behind people who stand around the world's origin.

    Args:
        kind: one of `KINDS`; None draws one that goes with the light.
        clear_mm: how far around the origin stays free of walls and things.
    """
    if kind is None:
        names = [k for k in KINDS if (k in OUTDOORS) == lights.outdoors(light)]
        weight = np.array([SHARES[k] for k in names])
        kind = str(rng.choice(names, p=weight / weight.sum()))
    if kind not in _SCENES:
        raise ValueError(f"no background is called {kind!r}")
    scene, turn, blur, _ = _SCENES[kind]
    maps = atlas()
    stage = Stage(camera, light, maps, np.radians(rng.uniform(-turn, turn)))
    vignette = float(rng.uniform(0.0, 0.14))
    far_blur = float(rng.uniform(*blur)) * camera.size[1]
    scene(rng, stage, clear_mm)

    width, height = camera.size
    image = np.zeros((height, width, 3), np.float32)
    ground, inverse = np.zeros((2, height, width), np.float32)
    through = np.ones((height, width), np.float32)
    casting.cast(
        stage.rows(),
        maps.data,
        maps.offset,
        maps.side,
        np.ascontiguousarray(stage.rotation[:, 1]),
        float(camera.focal_px),
        float(camera.centre_px[0]),
        float(camera.centre_px[1]),
        stage.zenith,
        stage.horizon,
        stage.haze,
        stage.haze_mm,
        image,
        ground,
        inverse,
        through,
    )
    # people are in focus; the lens gives up a little behind them
    near = max(stage.distance((0.0, stage.eye[1], 0.0)), 300.0)
    far_blur *= float(np.clip(2500 / near, 0.7, 2.5))  # a lens blurs more behind what is close
    if far_blur > 0.35:
        half, full = _blurred(image, 0.5 * far_blur), _blurred(image, far_blur)
    else:
        half = full = image
    casting.focus(image, half, full, inverse, near + 250, vignette)
    return Backdrop(image, np.clip(ground, 0, 1))


def _blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    """A Gaussian blur; wide ones on a smaller picture."""
    step = 1
    while sigma / step > 2.4 and min(image.shape[:2]) // step > 16:
        step *= 2
    if step == 1:
        return cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    height, width = image.shape[:2]
    small = cv2.resize(image, (width // step, height // step), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / step, borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
