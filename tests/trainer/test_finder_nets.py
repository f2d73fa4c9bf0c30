"""The person finder's net and losses, and the arithmetic of boxes."""

import numpy as np
import pytest
import torch

from trainer.data import boxes as box_tools
from trainer.data.finder_scenes import targets
from trainer.losses import centres
from trainer.models.person_finder import (
    STRIDE,
    PersonFinder,
    PersonFinderConfig,
    boxes_of,
    decode,
)

TINY = PersonFinderConfig(input_px=128, widths=(8, 8, 16, 16, 16, 16), neck=16)


def maps_that_say(boxes: np.ndarray, side_px: int, logit: float = 6.0) -> torch.Tensor:
    """What a perfect net would say of boxes."""
    heat, told, _ = (torch.from_numpy(part) for part in targets(boxes, side_px))
    cells = side_px // STRIDE
    maps = torch.zeros(1, 5, cells, cells)
    maps[0, 0] = (heat - 0.5) * 2 * logit
    grid = torch.arange(cells) + 0.5
    maps[0, 1] = (told[0] + told[2] / 2) / STRIDE - grid
    maps[0, 2] = (told[1] + told[3] / 2) / STRIDE - grid[:, None]
    maps[0, 3:] = (told[2:].clamp_min(1.0) / STRIDE).log()
    return maps


def test_shapes_gradients_and_size() -> None:
    torch.manual_seed(0)
    net = PersonFinder(TINY)
    maps = net(torch.randn(2, 3, 128, 128))
    assert maps.shape == (2, 5, 16, 16)
    maps.square().mean().backward()
    without = [n for n, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []
    shipped = PersonFinder(PersonFinderConfig())
    assert sum(p.numel() for p in shipped.parameters()) <= 1_500_000
    with pytest.raises(ValueError, match="every scale"):
        PersonFinder(PersonFinderConfig(blocks=(1,)))


def test_people_come_back_out_of_their_own_maps() -> None:
    truth = np.array([[10, 20, 30, 70], [70, 12, 41, 25], [60, 60, 50.5, 60.25]], np.float32)
    boxes, scores = decode(maps_that_say(truth, 128), most=10)
    sure = boxes[0][scores[0] > 0.9].numpy()
    pairs = box_tools.overlap(truth, sure)
    assert sure.shape == (3, 4)
    assert (pairs.max(1) > 0.999).all()


def test_losses_are_least_at_the_truth() -> None:
    truth = np.array([[10, 20, 30, 70], [70, 12, 41, 25]], np.float32)
    heat, told, weight = (torch.from_numpy(part)[None] for part in targets(truth, 128))
    maps = maps_that_say(truth, 128, logit=9.0)
    trust = torch.ones_like(heat)
    assert float(centres.box_loss(boxes_of(maps), told, weight)) < 1e-3
    moved = told.clone()
    moved[:, 0] += 10
    assert 0.2 < float(centres.box_loss(moved, told, weight)) < 2.0
    at_truth = float(centres.centre_loss(maps[:, 0], heat, trust))
    nothing = float(centres.centre_loss(torch.full_like(heat, -6.0), heat, trust))
    everywhere = float(centres.centre_loss(torch.full_like(heat, 3.0), heat, trust))
    assert at_truth < 0.3 * nothing
    assert at_truth < 0.3 * everywhere


def test_nobody_is_punished_for_what_nobody_knows() -> None:
    heat = torch.zeros(1, 16, 16)
    logits = torch.full((1, 16, 16), -2.0)
    logits[0, 3, 4] = 4.0
    trust = torch.ones(1, 16, 16)
    believed = float(centres.centre_loss(logits, heat, trust))
    trust[0, 3, 4] = 0.0
    assert float(centres.centre_loss(logits, heat, trust)) < 0.3 * believed


def test_overlap_cover_and_suppression() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 5, 10, 10], [2, 2, 4, 4], [50, 50, 5, 5]], np.float32)
    pairs = box_tools.overlap(boxes, boxes)
    assert pairs[0, 1] == pytest.approx(50 / 150)
    assert np.diag(pairs) == pytest.approx(1.0)
    assert box_tools.covered(boxes[2:3], boxes[:1])[0, 0] == pytest.approx(1.0)
    scores = np.array([0.5, 0.9, 0.3, 0.2], np.float32)
    assert box_tools.suppress(boxes, scores, 0.3).tolist() == [1, 2, 3]
    assert box_tools.suppress(boxes, scores, 0.4).tolist() == [1, 0, 2, 3]
    assert box_tools.suppress(boxes[:0], scores[:0], 0.4).shape == (0,)
    cut = box_tools.clip(np.array([[-5, -5, 10, 30]], np.float32), 20, 20)
    assert cut.tolist() == [[0, 0, 5, 20]]


@pytest.mark.parametrize("shape", [(50, 200), (200, 50), (3, 4000), (64, 64)])
def test_letterboxes_lead_back_to_the_picture(shape: tuple[int, int]) -> None:
    picture = np.zeros((*shape, 3), np.uint8)
    canvas, placed = box_tools.letterbox(picture, 128, 128)
    shown = (canvas != box_tools.GREY).all(-1)
    rows, columns = np.nonzero(shown)
    seen = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
    back = placed.back(np.array([seen], np.float32))[0]
    assert back == pytest.approx([0, 0, shape[1], shape[0]], abs=1e-2)


def test_tiles_cover_everything_and_share_their_rims() -> None:
    squares = box_tools.tiles(1000, 450, 300)
    seen = np.zeros((450, 1000), int)
    for x, y, w, h in squares:
        assert (w, h) == (300, 300)
        seen[y : y + h, x : x + w] += 1
    assert seen.min() >= 1
    starts = np.unique(squares[:, 0])
    assert np.diff(starts).max() <= 225
    assert box_tools.tiles(100, 80, 300).tolist() == [[0, 0, 100, 80]]
