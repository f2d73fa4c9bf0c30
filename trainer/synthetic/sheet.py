"""`python -m trainer data sheet`: a contact sheet of a set, with or without its labels. Torch-free.

With labels each picture is shown with its keypoints (left warm, right cool, hidden ones hollow),
beside it the part map and the subject as the mask cuts it out.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from trainer.data.synthetic import SyntheticSet
from trainer.errors import DataError
from trainer.synthetic import shards
from trainer.synthetic.reading import Sample
from trainer.synthetic.types import Part

PALETTE = np.array(
    [
        (236, 234, 228),  # background
        (96, 74, 62),  # hair
        (244, 196, 162),  # face
        (128, 138, 156),  # torso
        (236, 122, 52), (52, 130, 214),  # upper arms, left and right
        (248, 172, 84), (112, 178, 238),  # lower arms
        (255, 216, 148), (176, 218, 248),  # hands
        (206, 66, 58), (36, 150, 136),  # upper legs
        (232, 120, 110), (98, 192, 176),  # lower legs
        (246, 180, 172), (174, 226, 214),  # feet
    ],
    np.uint8,
)  # fmt: skip
"""(16,3) uint8 sRGB of each `types.Part`: the left side warm, the right side cool."""

_PAPER, _INK, _MUTED = (250, 249, 246), (52, 52, 56), (138, 137, 132)
_LEFT_ARM, _LEFT_LEG = (255, 138, 56), (255, 92, 88)
_RIGHT_ARM, _RIGHT_LEG = (64, 156, 255), (34, 202, 178)
_OUTLINE = (26, 28, 34)
_MIDDLE = (246, 244, 238)
_BONES = (
    (0, 1, _MIDDLE), (0, 2, _MIDDLE), (1, 3, _MIDDLE), (2, 4, _MIDDLE),
    (5, 6, _MIDDLE), (11, 12, _MIDDLE), (5, 11, _MIDDLE), (6, 12, _MIDDLE),
    (5, 7, _LEFT_ARM), (7, 9, _LEFT_ARM), (11, 13, _LEFT_LEG), (13, 15, _LEFT_LEG),
    (6, 8, _RIGHT_ARM), (8, 10, _RIGHT_ARM), (12, 14, _RIGHT_LEG), (14, 16, _RIGHT_LEG),
)  # fmt: skip
_JOINTS = (
    _MIDDLE,
    *(_LEFT_ARM, _RIGHT_ARM) * 5,
    *(_LEFT_LEG, _RIGHT_LEG) * 3,
)

_FINE = 2  # drawn larger and made smaller at the end: even lines and letters
_TALL, _SQUARE = 256 * _FINE, 178 * _FINE  # height of a picture that is twice as high as wide
_GAP, _MARGIN, _CAPTION = 14 * _FINE, 28 * _FINE, 22 * _FINE
_WIDTH = 1720 * _FINE
_ROUND = 7 * _FINE
_BITS = 4  # fractional bits of OpenCV's coordinates


def main(argv: list[str]) -> int:
    """Parse the options and write the sheet."""
    parser = argparse.ArgumentParser(prog="python -m trainer data sheet", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="made by `data synth`")
    parser.add_argument("-o", "--out", type=Path, help="default DIR/sheet.png")
    parser.add_argument("--count", type=int, default=24, help="pictures (default 24)")
    parser.add_argument(
        "--together",
        type=int,
        default=1,
        metavar="K",
        help="take K neighbours at a time, such as the views of one identity (default 1)",
    )
    parser.add_argument("--labels", action="store_true", help="with keypoints, parts and mask")
    parser.add_argument("--split", help="of one split alone: train, validation or test")
    parser.add_argument("--columns", type=int, help="default: as many as fit")
    args = parser.parse_args(argv)
    if args.count < 1 or args.together < 1 or (args.columns or 1) < 1:
        raise DataError("A sheet needs a --count, --together and --columns of at least 1.")
    out = args.out or args.folder / "sheet.png"
    plan = shards.read_plan(args.folder)
    found = SyntheticSet(args.folder, args.split)
    samples = [found[i] for i in chosen(len(found), args.count, args.together)]
    height, width = samples[0].image.shape[:2]
    facts = f"{len(samples)} of {len(found):,} pictures   {width} x {height} px   seed {plan.seed}"
    picture = sheet(samples, plan.set, facts, labels=args.labels, columns=args.columns)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        written = cv2.imwrite(str(out), picture[..., ::-1])
    except (OSError, cv2.error) as exc:
        raise DataError(f"Cannot write {out} ({exc}): use a name that ends in .png.") from exc
    if not written:
        raise DataError(f"Cannot write {out}: choose another -o.")
    return 0


def chosen(total: int, count: int, together: int = 1) -> list[int]:
    """Which of `total` samples to show: evenly spread, `together` neighbours at a time."""
    groups = -(-total // together)
    wanted = min(groups, -(-count // together))
    starts = np.unique(np.linspace(0, groups - 1, wanted).astype(int)) * together
    picked = [i for start in starts.tolist() for i in range(start, min(start + together, total))]
    return picked[:count]


def sheet(
    samples: list[Sample],
    title: str,
    facts: str,
    *,
    labels: bool = False,
    columns: int | None = None,
) -> np.ndarray:
    """Lay samples out on paper.

    Args:
        facts: a line of small print beside the title.
        labels: also show keypoints, part map and mask.
    Returns:
        (h,w,3) uint8 sRGB.
    """
    first = samples[0].image.shape
    tile = _SQUARE if labels and first[1] > 0.75 * first[0] else _TALL
    cards = [_card(sample, tile, labels) for sample in samples]
    width = max(card.shape[1] for card in cards)
    fitting = max(1, (_WIDTH - 2 * _MARGIN + _GAP) // (width + _GAP))
    columns = min(columns or fitting, len(cards))
    rows = -(-len(cards) // columns)
    head = 64 * _FINE
    foot = 44 * _FINE if labels else 8 * _FINE
    pitch = tile + _CAPTION + _GAP
    canvas = np.empty(
        (
            head + rows * pitch + foot + _MARGIN // 2,
            max(2 * _MARGIN + columns * (width + _GAP) - _GAP, 560 * _FINE),
            3,
        ),
        np.uint8,
    )
    canvas[:] = _PAPER
    end = _write(canvas, title, (_MARGIN, 44 * _FINE), 0.9, _INK, cv2.FONT_HERSHEY_DUPLEX)
    _write(canvas, facts, (end + 18 * _FINE, 44 * _FINE), 0.48, _MUTED)
    for place, (card, sample) in enumerate(zip(cards, samples, strict=True)):
        row, column = divmod(place, columns)
        y, x = head + row * pitch, _MARGIN + column * (width + _GAP)
        _place(canvas, card, x, y)
        base = y + tile + 15 * _FINE
        _write(canvas, f"{sample.index:06d}", (x + 2 * _FINE, base), 0.38, _INK)
        split = str(sample.labels.get("split", ""))
        _write(canvas, split, (x + card.shape[1] - 2 * _FINE, base), 0.38, _MUTED, right=True)
    if labels:
        _legend(canvas, head + rows * pitch + 14 * _FINE)
    return cv2.resize(canvas, None, fx=1 / _FINE, fy=1 / _FINE, interpolation=cv2.INTER_AREA)


def draw_keypoints(image: np.ndarray, keypoints: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """A skeleton over a picture.

    Args:
        image: (h,w,3) uint8 sRGB.
        keypoints: (17,3) x, y px of this picture, visibility.
        scale: thickness; 1 suits a picture 256 px high.
    Returns:
        (h,w,3) uint8 sRGB.
    """
    points = np.asarray(keypoints, float)
    thin = max(1, round(2.0 * scale))
    bones = [bone for bone in _BONES if points[bone[0], 2] > 0 and points[bone[1], 2] > 0]
    layer = image.copy()
    for a, b, _ in bones:
        _line(layer, points[a], points[b], _OUTLINE, thin + max(2, round(1.6 * scale)))
    image = cv2.addWeighted(layer, 0.35, image, 0.65, 0.0)
    for is_hidden, share in ((True, 0.45), (False, 0.9)):  # bones to a hidden joint are fainter
        layer = image.copy()
        for a, b, colour in bones:
            if is_hidden == (min(points[a, 2], points[b, 2]) < 2):
                _line(layer, points[a], points[b], colour, thin)
        image = cv2.addWeighted(layer, share, image, 1.0 - share, 0.0)
    for joint in range(17):
        if points[joint, 2] > 0:
            _joint(image, points[joint], _JOINTS[joint], scale * (0.6 if joint < 5 else 1.0))
    return image


def _joint(
    image: np.ndarray, point: np.ndarray, colour: tuple[int, int, int], scale: float
) -> None:
    at = _fixed(point)
    if point[2] >= 2:
        for radius, paint in ((4.5, _OUTLINE), (3.4, colour)):
            cv2.circle(image, at, round(radius * scale * 2**_BITS), paint, -1, cv2.LINE_AA, _BITS)
    else:  # hidden: a ring
        ring = round(3.8 * scale * 2**_BITS)
        for width, paint in ((2.9, _OUTLINE), (1.4, colour)):
            thick = max(1, round(width * scale))
            cv2.circle(image, at, ring, paint, thick, cv2.LINE_AA, _BITS)


def _card(sample: Sample, tile: int, labels: bool) -> np.ndarray:
    height, width = sample.image.shape[:2]
    factor = tile / height
    size = (max(1, round(width * factor)), tile)
    smooth = cv2.INTER_CUBIC if factor > 1 else cv2.INTER_AREA
    large = cv2.resize(sample.image, size, interpolation=smooth)
    if not labels:
        return large
    tiles = [large]
    if "keypoints" in sample.labels:
        keypoints = np.array(sample.labels["keypoints"], float).reshape(17, 3)
        keypoints[:, :2] = (keypoints[:, :2] + 0.5) * factor - 0.5
        shown = keypoints[keypoints[:, 2] > 0, :2]
        extent = float(np.ptp(shown, axis=0).max()) if len(shown) else 0.0
        scale = min(max(extent / (0.85 * _TALL), 0.5), 0.9)  # small people, small joints
        tiles = [draw_keypoints(large, keypoints, _FINE * scale)]
    if sample.parts is not None:
        tiles.append(PALETTE[_enlarged(sample.parts, size)])
    if sample.mask is not None:
        share = cv2.resize(sample.mask, size, interpolation=cv2.INTER_LINEAR)[..., None] / 255.0
        tiles.append(np.rint(large * share + PALETTE[0] * (1.0 - share)).astype(np.uint8))
    return np.hstack(tiles)


def _enlarged(parts: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Enlarge a part map with smooth outlines: the class that is strongest at each pixel."""
    best = np.full(size[::-1], -1.0, np.float32)
    found = np.zeros(size[::-1], np.uint8)
    for part in np.unique(parts):
        share = cv2.resize((parts == part).astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
        found[share > best] = part
        best = np.maximum(best, share)
    return np.minimum(found, len(PALETTE) - 1)


def _place(canvas: np.ndarray, card: np.ndarray, x: int, y: int) -> None:
    """Put a card down with round corners."""
    height, width = card.shape[:2]
    shape = np.zeros((height, width), np.uint8)
    for low, high in (
        ((_ROUND, 0), (width - 1 - _ROUND, height - 1)),
        ((0, _ROUND), (width - 1, height - 1 - _ROUND)),
    ):
        cv2.rectangle(shape, low, high, 255, -1)
    for corner_x in (_ROUND, width - 1 - _ROUND):
        for corner_y in (_ROUND, height - 1 - _ROUND):
            cv2.circle(shape, (corner_x, corner_y), _ROUND, 255, -1, cv2.LINE_AA)
    share = shape[..., None] / 255.0
    under = canvas[y : y + height, x : x + width]
    under[:] = np.rint(card * share + under * (1.0 - share)).astype(np.uint8)


def _legend(canvas: np.ndarray, y: int) -> None:
    x = _MARGIN
    for part in list(Part)[1:]:
        x = _swatch(canvas, part, x, y)


def _swatch(canvas: np.ndarray, part: Part, x: int, y: int) -> int:
    side = 11 * _FINE
    colour = tuple(int(v) for v in PALETTE[part])
    cv2.rectangle(canvas, (x, y), (x + side, y + side), colour, -1)
    end = _write(canvas, _said(part), (x + side + 5 * _FINE, y + side - _FINE), 0.36, _MUTED)
    return end + 14 * _FINE


def _said(part: Part) -> str:
    words = part.name.lower().split("_")
    side = {"l": "left ", "r": "right "}.get(words[-1], "")
    return side + " ".join(words[:-1] if side else words)


def _write(
    canvas: np.ndarray,
    text: str,
    at: tuple[int, int],
    size: float,
    colour: tuple[int, int, int],
    font: int = cv2.FONT_HERSHEY_SIMPLEX,
    *,
    right: bool = False,
) -> int:
    """Write a line of ASCII at its base line; returns the x where it ends."""
    thick = max(1, round(1.3 * size * _FINE))
    (width, _), _ = cv2.getTextSize(text, font, size * _FINE, thick)
    x = at[0] - width if right else at[0]
    cv2.putText(canvas, text, (x, at[1]), font, size * _FINE, colour, thick, cv2.LINE_AA)
    return x + width


def _line(
    image: np.ndarray, a: np.ndarray, b: np.ndarray, colour: tuple[int, int, int], thick: int
) -> None:
    cv2.line(image, _fixed(a), _fixed(b), colour, thick, cv2.LINE_AA, _BITS)


def _fixed(point: np.ndarray) -> tuple[int, int]:
    return round(float(point[0]) * 2**_BITS), round(float(point[1]) * 2**_BITS)
