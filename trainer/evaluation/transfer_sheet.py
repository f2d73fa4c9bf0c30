"""`python -m trainer data transfer-sheet`: photo, pose, truth and what each model makes of them."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from trainer import paths
from trainer.api import resolve_device
from trainer.data.person_pairs import SPLITS, PairBatch, PersonPairs
from trainer.data.person_sets import person_pairs
from trainer.errors import TrainerError
from trainer.evaluation.transfer import Row, open_rows, weight_files
from trainer.synthetic.sheet import draw_keypoints

_NAME = "deformable_gan"
_TALL = 256  # px of a picture's height
_GAP, _MARGIN, _LETTER = 6, 16, 0.42
_WIDEST = 1900  # px; so wide as it goes, several pairs stand side by side
_PAPER, _INK, _BOARD = (250, 249, 246), (52, 52, 56), (70, 72, 80)
_LINE = 16


def main(argv: list[str]) -> int:
    """Parse the options and write the sheet."""
    parser = argparse.ArgumentParser(
        prog="python -m trainer data transfer-sheet", description=__doc__
    )
    parser.add_argument(
        "--weights", type=Path, nargs="+", help="a column each; default as measured"
    )
    parser.add_argument("--data", help="a set of people, or a folder that holds one")
    parser.add_argument("-o", "--out", type=Path, default=Path("transfer.png"))
    parser.add_argument("--count", type=int, default=12, help="pairs (default 12)")
    parser.add_argument("--skip", type=int, default=0, help="pairs to pass over first")
    parser.add_argument("--split", choices=SPLITS, default="test")
    parser.add_argument("--device", default="auto")
    args = parser.parse_args(argv)
    if args.count < 1 or args.skip < 0:
        raise TrainerError("A sheet shows at least one pair: give a --count of 1 or more.")
    rows, size = open_rows(weight_files(_NAME, args.weights), resolve_device(args.device))
    people = person_pairs(paths.data_root(args.data), args.split, size)
    fixed = people.fixed_pairs(args.skip + args.count)[args.skip :]
    if not fixed:
        raise TrainerError(f"{people.name} has no more than {args.skip} pairs: --skip fewer.")
    picture = draw_sheet(rows, people, fixed)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(args.out), np.ascontiguousarray(picture[..., ::-1])):
        raise TrainerError(f"Cannot write {args.out}: use a name that ends in .png or .jpg.")
    return 0


def draw_sheet(
    rows: Sequence[Row], people: PersonPairs, pairs: Sequence[tuple[int, int]]
) -> np.ndarray:
    """A line of pictures for each pair.

    Args:
        rows: the methods, a column each.
        pairs: (source, target) rows of `people`.
    Returns:
        (H,W,3) uint8 RGB.
    """
    batch = people.of(pairs)
    columns = [
        ("photo", batch.source),
        ("pose", _poses(batch)),
        ("truth", batch.target),
        *((row.title, row.render(batch)) for row in rows),
    ]
    width = round(_TALL * people.size[1] / people.size[0])
    strip_width = len(columns) * (width + _GAP) - _GAP
    beside = max(1, min(len(pairs), (_WIDEST - _MARGIN) // (strip_width + _MARGIN)))
    strips = [
        np.hstack(_spaced([_enlarged(pictures[i]) for _, pictures in columns], width=_GAP))
        for i in range(len(pairs))
    ]
    per_block = -(-len(strips) // beside)
    head = _head([title for title, _ in columns], width, strip_width)
    blocks = []
    for start in range(0, len(strips), per_block):
        lines = strips[start : start + per_block]
        block = np.vstack([head, *_spaced(lines, height=_GAP)])
        missing = per_block - len(lines)
        blank = np.full((missing * (_TALL + _GAP), strip_width, 3), _PAPER, np.uint8)
        blocks.append(np.vstack([block, blank]))
    body = np.hstack(_spaced(blocks, width=_MARGIN))
    frame = ((_MARGIN // 2, _MARGIN), (_MARGIN, _MARGIN))
    return np.stack(
        [np.pad(body[..., c], frame, constant_values=_PAPER[c]) for c in range(3)], axis=-1
    )


def _poses(batch: PairBatch) -> np.ndarray:
    """(B,_TALL,w,3) uint8, the target skeletons."""
    height, width = batch.target.shape[1:3]
    factor = _TALL / height
    boards = []
    for points in batch.target_keypoints:
        board = np.full((_TALL, round(width * factor), 3), _BOARD, np.uint8)
        scaled = points.astype(float)
        scaled[:, :2] = (scaled[:, :2] + 0.5) * factor - 0.5
        boards.append(draw_keypoints(board, scaled, 0.8))
    return np.stack(boards)


def _enlarged(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    if height == _TALL:
        return picture
    way = cv2.INTER_CUBIC if height < _TALL else cv2.INTER_AREA
    size = (round(width * _TALL / height), _TALL)
    return np.asarray(cv2.resize(picture, size, interpolation=way))


def _spaced(tiles: Sequence[np.ndarray], width: int = 0, height: int = 0) -> list[np.ndarray]:
    """Tiles with paper between them, beside each other (width) or below (height)."""
    spaced: list[np.ndarray] = []
    for tile in tiles:
        if spaced:
            shape = (height or tile.shape[0], width or tile.shape[1], 3)
            spaced.append(np.full(shape, _PAPER, np.uint8))
        spaced.append(tile)
    return spaced


def _head(titles: Sequence[str], width: int, strip_width: int) -> np.ndarray:
    """The titles above their columns, broken into lines where they are long."""
    broken = [_lines(title, width) for title in titles]
    most = max(map(len, broken))
    head = np.full((most * _LINE + 10, strip_width, 3), _PAPER, np.uint8)
    for column, lines in enumerate(broken):
        for row, text in enumerate(lines):
            y = (most - len(lines) + row + 1) * _LINE
            at = (column * (width + _GAP) + 1, y)
            cv2.putText(head, text, at, cv2.FONT_HERSHEY_SIMPLEX, _LETTER, _INK, 1, cv2.LINE_AA)
    return head


def _lines(title: str, width: int) -> list[str]:
    lines: list[str] = [""]
    for word in title.split():
        longer = f"{lines[-1]} {word}".strip()
        (size, _), _ = cv2.getTextSize(longer, cv2.FONT_HERSHEY_SIMPLEX, _LETTER, 1)
        if size > width and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
