"""People in a photograph as boxes, with trained weights: what the application calls."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from trainer import artifact
from trainer import config as configs
from trainer.data import boxes as box_tools
from trainer.errors import ArtifactError, TrainerError
from trainer.models.person_finder import PersonFinder, PersonFinderConfig, decode
from trainer.precision import bf16_is_fast

MODEL = "person_finder"
_CHUNK = 8  # squares a forward pass
_SAME = 0.55  # overlap from which on two boxes are one person
_INSIDE = 0.8  # share of a box within a better one that makes it a part of that person
_SMALL = 0.3  # of the picture's longer side; if all are smaller, there may be more
_MOST_TILES = 48
_CLOSE = 0.85  # of its score is believed of a box that a square alone shows: it knows less around
_LEVELS = 3  # halvings of the tiles; people below a fiftieth of the picture are left
_RIM = 0.015  # of a tile; boxes that touch an inner rim are cut off and are left to the next tile


class Predictor:
    """A finder held ready; calls are independent of each other."""

    def __init__(self, weights: Path, device: str = "cpu") -> None:
        header = artifact.read_header(Path(weights))
        if header["model"] != MODEL:
            raise ArtifactError(
                f"{Path(weights).name} holds a {header['model']} model: choose a person finder's."
            )
        self.config = configs.from_dict(PersonFinderConfig, header["config"])
        net = PersonFinder(self.config)
        try:
            net.load_state_dict(artifact.load_tensors(Path(weights)), strict=True)
        except RuntimeError as exc:
            raise ArtifactError(
                f"{Path(weights).name} does not fit its own config: install the weights again."
            ) from exc
        self.score = float(header.get("extra", {}).get("score", 0.35))
        self.device = torch.device(device)
        net = net.eval().requires_grad_(False)
        _fuse(net)  # a tenth faster
        self._net = net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._bf16 = bf16_is_fast(self.device)

    def find(
        self,
        photo: np.ndarray,
        *,
        least_score: float | None = None,
        closer: bool = True,
        progress: Callable[[int, int], None] | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the people in a photograph, of whatever size it is.

        The whole picture is looked at first. If nobody is found, or only small people, squares
        of it are looked at from closer by, as long as they have more pixels than the net takes.

        Args:
            photo: (h,w,3) uint8 RGB.
            least_score: of the boxes that are handed back; None takes the weights' own.
            closer: whether to look closer at all.
            progress: called with (squares done, squares known of).
        Returns:
            (N,4) float32 x, y, width, height px of the photograph, and (N,) scores, 0-1; best
            first.
        """
        if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8 or not photo.size:
            raise TrainerError("People are found in an RGB picture of 8 bits a channel.")
        least = self.score if least_score is None else least_score
        height, width = photo.shape[:2]
        boxes, scores = self._look(photo, np.array([[0, 0, width, height]]), least)
        done = 1
        side = max(width, height) / 2
        if min(width, height) < side:  # a panorama: whole, it would be a line
            side = max(min(width, height), max(width, height) / (_MOST_TILES // 2))
        for _ in range(_LEVELS if closer else 0):
            small = not len(boxes) or boxes[:, 2:].max() < _SMALL * 2 * side
            squares = box_tools.tiles(width, height, int(np.ceil(side)))
            if not small or side < 0.75 * self.config.input_px or len(squares) > _MOST_TILES:
                break
            parts = [(boxes, scores)]
            for start in range(0, len(squares), _CHUNK):
                if progress is not None:
                    progress(done + start, done + len(squares))
                found, sure = self._look(photo, squares[start : start + _CHUNK], least)
                kept = _CLOSE * sure >= least
                parts.append((found[kept], _CLOSE * sure[kept]))
            done += len(squares)
            boxes, scores = _merged(
                np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
            )
            side /= 2
        if progress is not None:
            progress(done, done)
        return boxes, scores

    def _look(
        self, photo: np.ndarray, squares: np.ndarray, least: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Boxes in parts of a photograph, in px of the whole."""
        size = self.config.input_px
        cut = [
            box_tools.letterbox(photo[y : y + h, x : x + w], size, size) for x, y, w, h in squares
        ]
        images = torch.from_numpy(np.stack([c[0] for c in cut])).to(self.device)
        x = (images.permute(0, 3, 1, 2).float() / 127.5 - 1.0).contiguous(
            memory_format=torch.channels_last
        )
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, torch.bfloat16, enabled=self._bf16),
        ):
            found, scores = decode(self._net(x).float())
        height, width = photo.shape[:2]
        boxes, certain = [np.zeros((0, 4), np.float32)], [np.zeros(0, np.float32)]
        for square, (_, placed), these, score in zip(
            squares, cut, found.cpu().numpy(), scores.cpu().numpy(), strict=True
        ):
            left, top, w, h = (int(v) for v in square)
            kept = score >= least
            inside = placed.back(these[kept])
            whole = _whole(inside, (left, top, w, h), (width, height))
            moved = inside[whole] + np.array([left, top, 0, 0], np.float32)
            moved = box_tools.clip(moved, width, height)
            real = (moved[:, 2:] >= 1.0).all(1)
            boxes.append(moved[real])
            certain.append(score[kept][whole][real])
        return _merged(np.concatenate(boxes), np.concatenate(certain))


def _whole(
    boxes: np.ndarray, square: tuple[int, int, int, int], picture: tuple[int, int]
) -> np.ndarray:
    """(N,) bool: which boxes of a square are not cut off where the picture goes on."""
    left, top, w, h = square
    rim = _RIM * max(w, h)
    low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    kept = np.ones(len(boxes), bool)
    if left > 0:
        kept &= low[:, 0] > rim
    if top > 0:
        kept &= low[:, 1] > rim
    if left + w < picture[0]:
        kept &= high[:, 0] < w - rim
    if top + h < picture[1]:
        kept &= high[:, 1] < h - rim
    return kept


def _merged(boxes: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each person once, best first: no second box, and no box of a part of somebody."""
    kept = box_tools.suppress(boxes, scores, _SAME)
    boxes, scores = boxes[kept], scores[kept]
    if len(boxes) > 1:
        within = box_tools.covered(boxes, boxes)
        areas = boxes[:, 2] * boxes[:, 3]
        better = (scores[None] > scores[:, None]) & (areas[:, None] < 0.6 * areas[None])
        # Someone before somebody else is found nearly as surely; an arm by itself is not.
        part = (within > _INSIDE) & better & (scores[:, None] < 0.6 * scores[None])
        alone = ~part.any(1)
        boxes, scores = boxes[alone], scores[alone]
    return boxes, scores


def _fuse(net: nn.Module) -> None:
    """Fold each batch norm into the convolution before it."""
    for module in net.modules():
        if isinstance(module, nn.Sequential):
            for at in range(len(module) - 1):
                first, second = module[at], module[at + 1]
                if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                    module[at] = fuse_conv_bn_eval(first, second)
                    module[at + 1] = nn.Identity()
