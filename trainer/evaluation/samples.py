"""`python -m trainer data samples`: a sheet of drawn poses, a row of captions by a row of seeds."""

import argparse
from pathlib import Path

import cv2
import numpy as np

from trainer import api, noise
from trainer.errors import TrainerError
from trainer.predictors.caption_common import CaptionPredictor

CAPTIONS = (
    "a man is playing tennis",
    "a man riding a wave on a surfboard",
    "a person skiing down a snowy slope",
    "a woman sitting on a couch",
    "a skateboarder doing a trick on a ramp",
    "a man riding a motorcycle down the road",
    "a woman standing and talking on a cell phone",
    "a baseball player swinging a bat",
)

# Joint pairs of COCO-17 with the colour of their side (BGR): left blue, right red, middle grey.
_LEFT, _RIGHT, _MIDDLE = (220, 120, 30), (50, 60, 225), (120, 120, 120)
_BONES = (
    (15, 13, _LEFT), (13, 11, _LEFT), (16, 14, _RIGHT), (14, 12, _RIGHT), (11, 12, _MIDDLE),
    (5, 11, _LEFT), (6, 12, _RIGHT), (5, 6, _MIDDLE), (5, 7, _LEFT), (7, 9, _LEFT),
    (6, 8, _RIGHT), (8, 10, _RIGHT), (0, 1, _LEFT), (0, 2, _RIGHT), (1, 3, _LEFT), (2, 4, _RIGHT),
)  # fmt: skip


def main(argv: list[str]) -> int:
    """Parse the options and write the sheet."""
    parser = argparse.ArgumentParser(prog="python -m trainer data samples", description=__doc__)
    parser.add_argument("name", nargs="?", default="keypoint_flow")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--out", type=Path, help="default docs/samples_NAME.png")
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--guidance", type=float)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--caption", action="append", help="instead of the eight; repeatable")
    args = parser.parse_args(argv)
    predictor = api.load(args.name, args.device, args.weights)
    out = args.out or Path("docs") / f"samples_{args.name}.png"
    picture = sheet(predictor, args.caption or list(CAPTIONS), args.count, args.seed, args.guidance)
    out.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(out), picture):
        raise TrainerError(f"Cannot write {out}: use a name that ends in .png.")
    return 0


def sheet(
    predictor: CaptionPredictor,
    captions: list[str],
    count: int,
    seed: int,
    guidance: float | None = None,
) -> np.ndarray:
    """One block of `count` skeletons under each caption.

    Returns:
        (H, W, 3) uint8 BGR.
    """
    columns, cell = 12, 112
    blocks = []
    for caption in captions:
        text = np.repeat(predictor.encode(caption)[None], count, 0)
        drawn = predictor.sample(
            text, noise.draw_many(seed, count, predictor.noise_dim), guidance=guidance
        )
        cells = [
            draw_pose(k, c > 0, cell)
            for k, c in zip(drawn.keypoints, drawn.confidence, strict=True)
        ]
        cells += [np.full((cell, cell, 3), 255, np.uint8)] * (-len(cells) % columns)
        rows = [np.hstack(cells[i : i + columns]) for i in range(0, len(cells), columns)]
        title = np.full((24, columns * cell, 3), 255, np.uint8)
        cv2.putText(
            title, caption, (6, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA
        )
        blocks += [title, *rows]
    return np.vstack(blocks)


def draw_pose(keypoints: np.ndarray, present: np.ndarray, size: int) -> np.ndarray:
    """A skeleton on white.

    Args:
        keypoints: (17, 2) heatmap px.
        present: (17,) bool.
        size: side of the picture in px.
    Returns:
        (size, size, 3) uint8 BGR.
    """
    picture = np.full((size, size, 3), 255, np.uint8)
    cv2.rectangle(picture, (0, 0), (size - 1, size - 1), (235, 235, 235), 1)
    places = np.rint(keypoints * (size / 64) * 16).astype(int)  # 4 fractional bits
    for a, b, colour in _BONES:
        if present[a] and present[b]:
            start, end = tuple(map(int, places[a])), tuple(map(int, places[b]))
            cv2.line(picture, start, end, colour, 2, cv2.LINE_AA, 4)
    for joint in np.flatnonzero(present):
        cv2.circle(
            picture, tuple(map(int, places[joint])), 2 * 16, (40, 40, 40), -1, cv2.LINE_AA, 4
        )
    return picture
