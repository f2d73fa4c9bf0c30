"""Cameras: how each kind of picture looks at a person, projection, fitting to keypoints.

A picture of a person is a crop of a larger photograph: perspective comes of the distance alone,
and scale and centre then place the person in the crop. Torch-free.
"""

import numpy as np

from trainer.synthetic.types import Camera, Character, Posed

_MAX_POINTS = 2500  # more tell nothing about how far a person reaches
_FRAME_MM = 36.0  # the longer side of the film that focal lengths are quoted for
_LOWEST_EYE_MM = 250.0
NEAREST_MM = 1000.0


def project(camera: Camera, points: np.ndarray) -> np.ndarray:
    """Project points onto the image.

    Args:
        points: (...,3) float, mm, world space.

    Returns:
        (...,2) float64 px, image space; NaN behind the camera.
    """
    seen = np.asarray(points, np.float64) @ camera.rotation.T + camera.translation
    depth = np.where(seen[..., 2:] > 1.0, seen[..., 2:], np.nan)
    return camera.focal_px * seen[..., :2] / depth + np.asarray(camera.centre_px)


def eye(camera: Camera) -> np.ndarray:
    """(3,) mm, world space: where a camera stands."""
    return -camera.rotation.T @ camera.translation


def looking(yaw_rad: float, pitch_rad: float, roll_rad: float = 0.0) -> np.ndarray:
    """(3,3) world to camera.

    Args:
        yaw_rad: 0 looks along -z, at the front of a figure at rest; positive stands towards +x.
        pitch_rad: positive looks down.
        roll_rad: positive turns the picture's content clockwise.
    """
    cy, sy = np.cos(yaw_rad), np.sin(yaw_rad)
    cp, sp = np.cos(pitch_rad), np.sin(pitch_rad)
    cr, sr = np.cos(roll_rad), np.sin(roll_rad)
    around = np.array([[cy, 0.0, -sy], [0.0, 1.0, 0.0], [sy, 0.0, cy]])
    down = np.array([[1.0, 0.0, 0.0], [0.0, -cp, sp], [0.0, -sp, -cp]])
    rolled = np.array([[cr, -sr, 0.0], [sr, cr, 0.0], [0.0, 0.0, 1.0]])
    return rolled @ down @ around


def drawn(character: Character, posed: Posed) -> np.ndarray:
    """(N,3) float32 mm, world space: some of the points that a posed person shows, for framing.

    The positions themselves hold helper vertices too that nothing draws.
    """
    corners = character.mesh.triangles.ravel()
    return posed.positions[corners[:: max(1, len(corners) // _MAX_POINTS)]]


def surveillance(
    rng: np.random.Generator,
    points: np.ndarray,
    size: tuple[int, int] = (64, 128),
    *,
    yaw_rad: float | None = None,
) -> Camera:
    """A camera under a ceiling or on a pole, and a detector's box around a person.

    Args:
        points: (N,3) mm, world space, on the person.
        size: (width, height) px.
        yaw_rad: from where, None for anywhere.
    """
    points = _thinned(points)
    low, high = points.min(0), points.max(0)
    middle = (low + high) / 2
    height = rng.uniform(2500.0, 4000.0)
    far = (high[1] - low[1]) * rng.uniform(35.0, 90.0) / _FRAME_MM / rng.uniform(0.28, 0.6)
    far = float(np.clip(far, 3500.0, 14000.0))
    yaw = rng.uniform(-np.pi, np.pi) if yaw_rad is None else yaw_rad + rng.normal(0.0, 0.05)
    pitch = float(np.arctan2(height - middle[1], far))
    away = far / np.cos(pitch)
    rotation = looking(yaw, pitch, rng.normal(0.0, np.radians(1.2)))
    aside, up = rng.uniform(-0.22, 0.22), rng.uniform(-0.12, 0.12)
    fill = rng.uniform(0.76, 0.92)
    shift = rng.normal(0.0, [0.03, 0.015])
    return _framed(rotation, middle, away, (aside, up), points, size, fill, 1.12, shift)


def full_body(
    rng: np.random.Generator,
    points: np.ndarray,
    size: tuple[int, int] = (128, 256),
    *,
    yaw_rad: float = 0.0,
    jitter: float = 1.0,
) -> Camera:
    """A photographer in front of the whole person, eye between hip and head height.

    Args:
        points: (N,3) mm, world space, on the person.
        size: (width, height) px.
        yaw_rad: from where; 0 is the front of a figure that has not been turned.
        jitter: 0 is one calm camera, 1 a photographer's hand.
    """
    points = _thinned(points)
    low, high = points.min(0), points.max(0)
    middle = (low + high) / 2
    tall = high[1] - low[1]
    draws = jitter * rng.uniform(-1.0, 1.0, 7)
    away = max(float(tall) * 2.4 * np.exp(0.35 * draws[0]), 2500.0)
    eye_height = low[1] + tall * (0.68 + 0.2 * draws[1])
    pitch = float(np.arcsin(np.clip((eye_height - middle[1]) / away, -0.5, 0.5)))
    rotation = looking(yaw_rad + np.radians(12.0) * draws[2], pitch, np.radians(1.5) * draws[3])
    fill = 0.89 + 0.05 * draws[4]
    shift = np.array([0.035, 0.012]) * draws[5:]
    return _framed(rotation, middle, away, (0.0, 0.0), points, size, fill, fill, shift)


def portrait(
    rng: np.random.Generator,
    points: np.ndarray,
    size: tuple[int, int] = (128, 128),
    *,
    yaw_rad: float | None = None,
    jitter: float = 1.0,
    face: np.ndarray | None = None,
) -> Camera:
    """Head and shoulders.

    Args:
        points: (N,3) mm, world space, on the whole of the person.
        face: (n,3) mm, world space, nose, eyes and ears; where it is not given the head is taken
            to be uppermost, which an arm raised over it makes wrong.
        size: (width, height) px.
        yaw_rad: from where; None draws any, the front more often than the back.
        jitter: 0 is one calm camera.
    """
    points = np.asarray(points, np.float64)
    low, high = points[:, 1].min(), points[:, 1].max()
    tall = high - low
    if face is None:
        head = points[points[:, 1] > high - 0.135 * tall]
    else:
        reach = np.linalg.norm(np.asarray(face, np.float64) - np.mean(face, axis=0), axis=1).max()
        # The crown is less than twice as far from the face's middle as the ears are.
        head = points[np.linalg.norm(points - np.mean(face, axis=0), axis=1) < 1.7 * reach]
    head = _thinned(head if len(head) else points)
    middle = (head.min(0) + head.max(0)) / 2
    draws = jitter * rng.uniform(-1.0, 1.0, 7)
    back = rng.random() < 0.12
    yaw = float(rng.uniform(-np.pi, np.pi) if back else np.clip(rng.normal(0.0, 0.6), -1.7, 1.7))
    yaw = yaw if yaw_rad is None else yaw_rad + 0.1 * draws[0]
    away = max(float(tall) * 0.95 * np.exp(0.3 * draws[1]), NEAREST_MM)
    rotation = looking(yaw, np.radians(3.0 + 9.0 * draws[2]), np.radians(4.0) * draws[3])
    # The head takes three fifths of the height; the shoulders run out of the picture's foot.
    fill = 0.56 + 0.07 * draws[4]
    shift = np.array([0.04 * draws[5], -0.1 + 0.03 * draws[6]])
    return _framed(rotation, middle, away, (0.0, 0.0), head, size, fill, 9.0, shift)


def person_crop(
    rng: np.random.Generator,
    points: np.ndarray,
    size: tuple[int, int] = (256, 256),
    *,
    truncated: float = 0.3,
) -> Camera:
    """Any photograph's crop around a person, as a pose estimator is fed: from all sides, at all
    focal lengths (24-200 mm), off centre, and cut by the frame in a share of `truncated`.

    Args:
        points: (N,3) mm, world space, on the person.
        size: (width, height) px.
    """
    points = _thinned(points)
    low, high = points.min(0), points.max(0)
    middle = (low + high) / 2
    extent = max(float(np.linalg.norm(high - low)) * 0.9, 800.0)
    focal_mm = float(np.exp(rng.uniform(np.log(24.0), np.log(200.0))))
    away = max(extent / rng.uniform(0.4, 0.95) * focal_mm / _FRAME_MM, NEAREST_MM + extent / 2)
    pitch = float(np.clip(rng.normal(np.radians(5.0), np.radians(13.0)), -0.35, 0.7))
    # No camera stands under the floor: from afar a person is hardly seen from below.
    lowest = np.arcsin(np.clip((_LOWEST_EYE_MM - middle[1]) / away, -1.0, 1.0))
    pitch = max(pitch, float(lowest))
    roll = float(np.clip(rng.normal(0.0, np.radians(4.0)), -0.175, 0.175))
    rotation = looking(rng.uniform(-np.pi, np.pi), pitch, roll)
    wide = _FRAME_MM / 2 / focal_mm  # half of the photograph: its edge in units of the distance
    aim = rng.uniform(-0.5, 0.5, 2) * wide
    toward = rotation.T @ np.array([aim[0], aim[1], 1.0])
    if middle[1] - away * toward[1] < _LOWEST_EYE_MM - 1.0:
        aim = np.zeros(2)
    if rng.random() < truncated:
        fill = rng.uniform(1.15, 2.1)
        # Mostly it is the legs that are cut off, seldom the head.
        upward = rng.uniform(0.7, 1.1) if rng.random() < 0.8 else rng.uniform(-0.6, 0.7)
        shift = np.array([rng.uniform(-0.3, 0.3), 0.5 * upward]) * (fill - 0.85)
    else:
        fill = rng.uniform(0.62, 0.95)
        shift = rng.uniform(-0.5, 0.5, 2) * (1.0 - fill)
    return _framed(rotation, middle, away, (aim[0], aim[1]), points, size, fill, fill, shift)


def _framed(
    rotation: np.ndarray,
    middle: np.ndarray,
    away: float,
    aim: tuple[float, float],
    points: np.ndarray,
    size: tuple[int, int],
    fill: float,
    fill_wide: float,
    shift: np.ndarray,
) -> Camera:
    """A camera `away` mm from `middle` whose crop holds the points.

    Args:
        aim: where `middle` lies off the optical axis, in units of the distance, x and y.
        fill, fill_wide: how much of the crop's height and width the points may take.
        shift: (2,) of the points' box from the crop's centre, in widths and heights of the crop.
    """
    translation = away * np.array([aim[0], aim[1], 1.0]) - rotation @ middle
    seen = points @ rotation.T + translation
    seen = seen[seen[:, 2] > 100.0]
    plane = seen[:, :2] / seen[:, 2:]
    low, high = plane.min(0), plane.max(0)
    span = np.maximum(high - low, 1e-6)
    focal = float(min(fill * size[1] / span[1], fill_wide * size[0] / span[0]))
    frame = np.array(size, float)
    # Pixel centres are at integers, so the middle of the picture is half a pixel less.
    centre = (frame - 1.0) / 2 + shift * frame - focal * (low + high) / 2
    return Camera(rotation, translation, focal, (float(centre[0]), float(centre[1])), size)


def _thinned(points: np.ndarray) -> np.ndarray:
    points = np.asarray(points, np.float64)
    points = points[:: max(1, len(points) // _MAX_POINTS)]
    return points[np.isfinite(points).all(-1)]


_STEPS = 40
_HALF_TURN_PX = 0.04  # of the keypoints' extent: misses beyond it count less and less
_SPREAD = np.array([np.radians(25.0), np.radians(7.0), np.radians(5.0), 0.5])
"""How far a fitted pitch, yaw, roll (rad) and log focal length stray from the usual."""


def fit_keypoints(
    points: np.ndarray,
    keypoints: np.ndarray,
    weight: np.ndarray,
    size: tuple[int, int],
) -> Camera:
    """The camera in which a posed figure lands on keypoints of a picture.

    The figure already faces where the keypoints say, so the camera looks along -z but for a few
    degrees. Its centre is the picture's; without a clue it stands where a photographer would.

    Args:
        points: (17,3) mm, world space.
        keypoints: (17,2) px, image space.
        weight: (17,), 0 = absent.
        size: (width, height) px.
    """
    points = np.asarray(points, np.float64)
    keypoints = np.asarray(keypoints, np.float64)
    weight = np.asarray(weight, np.float64).copy()
    weight[~(np.isfinite(points).all(-1) & np.isfinite(keypoints).all(-1))] = 0.0
    used = weight > 0
    if used.sum() < 2:
        return full_body(np.random.default_rng(0), points, size, jitter=0.0)
    world, image = points[used], keypoints[used]
    share = np.sqrt(weight[used] / weight[used].max())
    extent = max(float(np.ptp(image, axis=0).max()), 1.0)
    real = max(float(np.ptp(world[:, :2], axis=0).max()), 1.0)
    usual = 1.6 * max(size)
    centre = (np.array(size, float) - 1.0) / 2
    away = max(usual * real / extent, NEAREST_MM)
    start = np.zeros(7)
    start[0] = np.radians(4.0)
    rotation = looking(0.0, start[0])
    offset = (image.mean(0) - centre) / usual * away
    start[4:6] = offset / away
    start[6] = np.log(away)
    middle = world.mean(0)
    scale = extent * _HALF_TURN_PX

    def camera_of(state: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        rotation = looking(state[1], state[0], state[2])
        depth = np.exp(state[6])
        at = depth * np.array([state[4], state[5], 1.0]) - rotation @ middle
        return rotation, at, float(usual * np.exp(state[3]))

    def misses(state: np.ndarray) -> np.ndarray:
        rotation, at, focal = camera_of(state)
        seen = world @ rotation.T + at
        return focal * seen[:, :2] / np.maximum(seen[:, 2:], 100.0) + centre - image

    def residuals(state: np.ndarray, robust: np.ndarray) -> np.ndarray:
        strays = (state[:4] - start[:4]) / _SPREAD * 0.3
        near = max(0.0, np.log(NEAREST_MM + real / 2) - state[6]) * 20.0
        return np.concatenate([(misses(state) * robust / scale).ravel(), strays, [near]])

    state, damping = start.copy(), 1e-2
    for _ in range(_STEPS):
        off = np.sum(misses(state) ** 2, axis=1) / scale**2
        robust = (share / np.sqrt(1.0 + off / 4.0))[:, None]
        now = residuals(state, robust)
        slope = np.stack(
            [(residuals(state + h, robust) - now) / 1e-5 for h in 1e-5 * np.eye(7)], axis=1
        )
        square = slope.T @ slope
        step = np.linalg.solve(square + damping * np.diag(np.diag(square) + 1e-6), slope.T @ now)
        following = residuals(state - step, robust)
        if following @ following < now @ now:
            state, damping = state - step, max(damping / 5.0, 1e-7)
            if np.abs(step).max() < 1e-7:
                break
        else:
            damping *= 6.0
    rotation, at, focal = camera_of(state)
    return Camera(rotation, at, focal, (float(centre[0]), float(centre[1])), size)
