"""Things that stand between the camera and a person and hide a part of them. Torch-free."""

import cv2
import numpy as np

from trainer.synthetic.object_shapes import STANDING, Builder, about_z, spray
from trainer.synthetic.types import Camera, Mesh

_LONG = ("railing", "low_wall")  # may pass beside the camera
KINDS = (*STANDING, "leaves")
_LEAVES = 0.9  # how often, as `STANDING` has it


def sample(
    rng: np.random.Generator,
    camera: Camera,
    points: np.ndarray,
    kind: str | None = None,
    *,
    outdoors: bool | None = None,
    share: tuple[float, float] = (0.1, 0.4),
    tries: int = 12,
) -> tuple[Mesh, np.ndarray]:
    """An object between the camera and a person.

    Args:
        points: (n,3) mm, world, of the person (some hundred are enough).
        kind: one of `KINDS`; None draws one.
        outdoors: what may be drawn: what stands there, or in rooms; None for anything.
        share: of the points that the object should hide; the best of some placements is taken.
    Returns:
        A mesh and its (m,3) float32 positions, mm, world.
    """
    points = np.asarray(points, float)[:: max(len(points) // 300, 1)]
    eye_mm = -float(np.asarray(camera.rotation)[:, 1] @ camera.translation)
    if kind is not None and kind not in KINDS:
        raise ValueError(f"no object is called {kind!r}")
    best: tuple[float, Mesh, np.ndarray] | None = None
    for attempt in range(tries + 4 * (kind is None)):
        if attempt % 4 == 0:  # a thing is tried in four places
            # past the tries: no room for what stands on the floor
            name = "leaves" if attempt >= tries else kind or _drawn(rng, outdoors)
            builder = Builder()
            (spray if name == "leaves" else STANDING[name][0])(rng, builder)
            mesh, local = builder.build()
        placed = _placed(rng, name, camera, points, local).astype(np.float32)
        hidden = covered(mesh, placed, camera, points)
        miss = max(share[0] - hidden, hidden - share[1], 0.0)
        depth = placed @ np.asarray(camera.rotation)[2] + camera.translation[2]
        if float(np.min(depth)) < 350 and name not in _LONG:
            miss += 1.0  # in the photographer's face
        if name == "table" and eye_mm < float(placed[:, 1].max()):
            miss += 0.5  # seen from below
        if best is None or miss < best[0]:
            best = (miss, mesh, placed)
        if miss == 0.0:
            break
    assert best is not None  # at least one try
    return best[1], best[2]


def _drawn(rng: np.random.Generator, outdoors: bool | None) -> str:
    there = [
        share * float(outdoors is None or (outside if outdoors else inside))
        for _, share, outside, inside in STANDING.values()
    ]
    weights = np.array([*there, _LEAVES * float(outdoors is not False)])
    return str(rng.choice(KINDS, p=weights / weights.sum()))


def _placed(
    rng: np.random.Generator, name: str, camera: Camera, points: np.ndarray, local: np.ndarray
) -> np.ndarray:
    """World positions of an object: on the floor, or in the line of sight."""
    rotation = np.asarray(camera.rotation, float)
    eye = -rotation.T @ np.asarray(camera.translation, float)
    middle = points.mean(0)
    towards = (eye - middle)[[0, 2]]
    away = max(float(np.hypot(*towards)), 1.0)
    z = np.array([towards[0] / away, 0.0, towards[1] / away])
    x = np.array([z[2], 0.0, -z[0]])  # the camera's right
    half = 0.5 * float(np.ptp((points - middle) @ x))
    if name == "leaves":
        return _reaching(rng, camera, middle, local)
    front = float(np.max((points - middle) @ z))
    room = max(away - front - 250.0, 150.0)
    depth = 0.5 * float(np.ptp(local[:, 2]))
    gap = min(float(rng.uniform(120, 900)) + depth, 0.7 * room)
    across = float(rng.uniform(-1.15, 1.15)) * half
    start = middle + z * (front + gap) + x * across
    start[1] = 0.0
    turn = float(rng.normal(0, 0.35)) if name != "chair" else float(rng.uniform(-3, 3))
    local = local @ _turned(turn).T
    return start + local[:, :1] * x + local[:, 1:2] * np.array([0, 1.0, 0]) + local[:, 2:] * z


def _reaching(
    rng: np.random.Generator, camera: Camera, middle: np.ndarray, local: np.ndarray
) -> np.ndarray:
    """World positions of twigs close to the lens that grow into the picture from its edge."""
    rotation, shift = np.asarray(camera.rotation, float), np.asarray(camera.translation, float)
    size = np.array(camera.size, float)
    centre = np.asarray(camera.centre_px, float)
    seen = rotation @ middle + shift
    subject = seen[:2] / max(float(seen[2]), 1.0) * camera.focal_px + centre
    depth = max(float(seen[2]) * float(rng.uniform(0.3, 0.6)), 450.0)
    side = int(rng.choice(4, p=[0.3, 0.3, 0.28, 0.12]))  # left, right, below, above
    along = float(rng.uniform(0.25, 0.95))
    edge = np.array([(-0.06, along), (1.06, along), (along, 1.06), (along, -0.06)][side]) * size
    way = np.clip(subject, 0.2 * size, 0.8 * size) - edge
    way = about_z(float(rng.normal(0, 0.25)))[:2, :2] @ (way / max(float(np.hypot(*way)), 1.0))
    reach = float(rng.uniform(0.4, 0.85)) * float(size.min()) * depth / camera.focal_px
    foot = np.append((edge - centre) / camera.focal_px, 1.0) * depth
    up, across = np.append(way, 0.0), np.array([-way[1], way[0], 0.0])
    grown = local * reach / 1000
    placed = foot + grown[:, :1] * across + grown[:, 1:2] * up - grown[:, 2:] * np.eye(3)[2]
    return np.asarray((placed - shift) @ rotation, float)


def _turned(angle: float) -> np.ndarray:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])


def covered(mesh: Mesh, positions: np.ndarray, camera: Camera, points: np.ndarray) -> float:
    """Share of the points in view that the object hides, 0 to 1; cut-outs count by their opacity.

    Args:
        positions: (m,3) of the mesh; points: (n,3); mm, world.
    """
    rotation, shift = np.asarray(camera.rotation, float), np.asarray(camera.translation, float)
    seen = points @ rotation.T + shift
    width, height = camera.size
    scale = min(1.0, 96.0 / max(width, height))
    centre = np.asarray(camera.centre_px, float)

    def pixel(p: np.ndarray) -> np.ndarray:
        return (p[:, :2] / np.maximum(p[:, 2:], 1.0) * camera.focal_px + centre) * scale

    at = np.floor(pixel(seen)).astype(int)
    inside = (at >= 0).all(1) & (at[:, 0] < width * scale) & (at[:, 1] < height * scale)
    inside &= seen[:, 2] > 50
    if not inside.any():
        return 0.0
    size = (int(np.ceil(height * scale)) + 1, int(np.ceil(width * scale)) + 1)
    corners = positions @ rotation.T + shift
    outline = np.clip(pixel(corners), -2e3, 2e3)
    clear = np.ones(size, np.float32)
    for number, material in enumerate(mesh.materials):
        faces = mesh.triangles[mesh.material == number]
        faces = faces[(corners[faces, 2] > 50).all(1)]
        if not len(faces):
            continue
        mask = np.zeros(size, np.uint8)
        (ax, ay), (bx, by), (cx, cy) = (outline[faces[:, k]].T for k in range(3))
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if not material.cutout:  # the far side of a closed thing hides nothing more
            faces = faces[area < 0]
        for face in np.round(outline[faces] * 8).astype(np.int32):
            cv2.fillConvexPoly(mask, face, 1, cv2.LINE_8, 3)
        opacity = float(material.texture[..., 3].mean()) / 255 if material.cutout else 1.0
        clear *= 1 - opacity * mask
    return float(1 - clear[at[inside, 1], at[inside, 0]].mean())
