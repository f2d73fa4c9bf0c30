"""Small sets of drawn people for the tests of person transfer: stick bodies in coloured clothes."""

import json
from pathlib import Path

import cv2
import numpy as np

from trainer.synthetic import shards
from trainer.synthetic.shards import Plan, SetFolder

PER_PERSON = 16
SPLITS = ("train", "train", "validation", "test")
_STANDING = np.array(
    [
        *((0.5, 0.14), (0.53, 0.12), (0.47, 0.12), (0.56, 0.13), (0.44, 0.13)),
        *((0.64, 0.25), (0.36, 0.25), (0.7, 0.38), (0.3, 0.38), (0.72, 0.5), (0.28, 0.5)),
        *((0.59, 0.52), (0.41, 0.52), (0.6, 0.7), (0.4, 0.7), (0.61, 0.88), (0.39, 0.88)),
    ]
)
_LIMBS = (
    *((5, 7, 0), (7, 9, 0), (6, 8, 0), (8, 10, 0)),
    *((11, 13, 1), (13, 15, 1), (12, 14, 1), (14, 16, 1)),
)


def person(identity: int, number: int, size: tuple[int, int]) -> dict[str, np.ndarray]:
    """A picture of someone.

    Args:
        size: height, width px.
    Returns:
        image (h,w,3) uint8 RGB, mask (h,w) uint8, keypoints (17,3) float32.
    """
    height, width = size
    clothes = np.random.default_rng([1, identity]).integers(40, 255, (3, 3))
    rng = np.random.default_rng([2, identity, number])
    points = _STANDING + rng.normal(0.0, 0.012, _STANDING.shape)
    for shoulder, elbow, wrist in ((5, 7, 9), (6, 8, 10)):
        angle = rng.uniform(-0.4, 2.2) * (1 if shoulder == 5 else -1)
        along = np.array([np.sin(angle), 0.5 * np.cos(angle)]) * 0.22
        points[elbow] = points[shoulder] + along
        points[wrist] = points[elbow] + along
    pixels = points * [width, height]
    image = np.empty((height, width, 3), np.uint8)
    image[:] = rng.integers(0, 200, 3)
    mask = np.zeros(size, np.uint8)
    for canvas, colours in ((image, clothes.tolist()), (mask, [255] * 3)):
        for a, b, cloth in _LIMBS:
            ends = [tuple(round(float(v)) for v in pixels[k]) for k in (a, b)]
            cv2.line(canvas, ends[0], ends[1], colours[cloth], max(2, width // 10))
        trunk = np.rint(pixels[[5, 6, 12, 11]]).astype(np.int32)
        cv2.fillConvexPoly(canvas, trunk, colours[0])
        head = tuple(round(float(v)) for v in pixels[0])
        cv2.circle(canvas, head, width // 8, colours[2], -1)
    keypoints = np.concatenate([pixels, np.full((17, 1), 2.0)], 1)
    keypoints[3, 2] = 1.0  # hidden, as an ear under hair
    outside = (pixels < -0.5).any(1) | (pixels >= np.array([width, height]) - 0.5).any(1)
    keypoints[outside] = 0.0
    return {"image": image, "mask": mask, "keypoints": keypoints.astype(np.float32)}


def sample(index: int, size: tuple[int, int], seed: int = 5) -> dict[str, bytes]:
    """The files of a sample as sets of synthetic people have them."""
    identity = index // PER_PERSON
    drawn = person(1000 * seed + identity, index % PER_PERSON, size)
    labels = {
        "identity": identity,
        "outfit_id": f"pairs128-{seed}-{identity}",
        "split": SPLITS[identity % len(SPLITS)],
        "size": [size[1], size[0]],
        "keypoints": drawn["keypoints"].tolist(),
    }
    return {
        "jpg": encoded(drawn["image"], ".jpg"),
        "mask.png": cv2.imencode(".png", drawn["mask"])[1].tobytes(),
        "json": json.dumps(labels).encode(),
    }


def encoded(image: np.ndarray, ending: str) -> bytes:
    """(h,w,3) uint8 RGB as a file's bytes."""
    flags = [cv2.IMWRITE_JPEG_QUALITY, 97] if ending == ".jpg" else []
    return bytes(cv2.imencode(ending, image[..., ::-1], flags)[1].tobytes())


def write_set(
    folder: Path, people: int = 4, size: tuple[int, int] = (128, 64), seed: int = 5
) -> Path:
    """A set of 16 pictures of each of some people, laid out as `data synth` does."""
    count = people * PER_PERSON
    plan = Plan("pairs128", seed, count, 32, "test")
    with SetFolder(folder, plan) as there:
        for number in range(plan.shards()):
            drawn = ((index, sample(index, size, seed)) for index in plan.span(number))
            there.add(shards.pack(number, drawn))
    return folder
