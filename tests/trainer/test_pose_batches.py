"""Heatmap drawing and decoding, augmentation, and batches of pairs."""

import math

import numpy as np
import pytest
import torch

from trainer.data import heatmaps
from trainer.data.captions import Pairs
from trainer.data.coco import Poses, flip
from trainer.data.pose_batches import PairBatches, PoseBatches, augment, encode_captions
from trainer.errors import CaptionError


class Letters:
    """Word vectors for tests: the vector says which of a few words a text holds."""

    WORDS = ("left", "right", "man", "dog")

    def encode(self, text: str) -> np.ndarray:
        found = [float(word in text) for word in self.WORDS]
        if not any(found):
            raise CaptionError("no word")
        return np.array(found + [0.0] * 296, np.float32)


def poses(count: int) -> Poses:
    rng = np.random.default_rng(1)
    return Poses(
        rng.uniform(5, 58, (count, 17, 2)).astype(np.float32),
        rng.random((count, 17)) < 0.8,
        np.arange(count),
        np.zeros(count, np.int64),
    )


@pytest.mark.parametrize("size", [32, 64])
def test_decode_finds_what_draw_drew_below_a_pixel(size: int) -> None:
    torch.manual_seed(0)
    keypoints = torch.rand(20, 17, 2) * 55 + 4
    present = torch.rand(20, 17) < 0.7
    maps = heatmaps.draw(keypoints, present, size)
    assert maps.shape == (20, 17, size, size)
    assert not maps[~present].any()
    found, peak = heatmaps.decode(maps)
    assert ((peak >= heatmaps.THRESHOLD) == present).all()
    assert (found - keypoints)[present].abs().max() < 0.05


def test_drawn_values_are_the_papers_formula() -> None:
    maps = heatmaps.draw(torch.tensor([[[20.0, 30.0]]]), torch.ones(1, 1, dtype=torch.bool))
    assert maps[0, 0, 30, 20].item() == pytest.approx(1.0)
    assert maps[0, 0, 33, 24].item() == pytest.approx(math.exp(-(3**2 + 4**2) / (2 * 2.0**2)))


def test_decode_at_the_border_stays_inside() -> None:
    maps = torch.zeros(1, 1, 64, 64)
    maps[0, 0, 0, 63] = 0.9
    found, peak = heatmaps.decode(maps)
    assert found[0, 0].tolist() == [63.0, 0.0]
    assert peak.item() == pytest.approx(0.9)


def test_augment_mirrors_as_the_data_module_does() -> None:
    some = poses(6)
    mirrored, there = augment(
        torch.as_tensor(some.keypoints),
        torch.as_tensor(some.present),
        torch.tensor([True, False] * 3),
        torch.zeros(6),
    )
    expected, expected_there = flip(some.keypoints, some.present)
    np.testing.assert_allclose(mirrored[::2], expected[::2], atol=1e-5)
    np.testing.assert_array_equal(there[::2], expected_there[::2])
    np.testing.assert_allclose(mirrored[1::2], some.keypoints[1::2], atol=1e-5)


def test_augment_turns_about_the_centre() -> None:
    keypoints = torch.full((1, 17, 2), 32.0)
    keypoints[0, 0] = torch.tensor([42.0, 32.0])
    turned, _ = augment(
        keypoints,
        torch.ones(1, 17, dtype=torch.bool),
        torch.tensor([False]),
        torch.tensor([math.pi / 2]),
    )
    torch.testing.assert_close(turned[0, 0], torch.tensor([32.0, 42.0]))
    torch.testing.assert_close(turned[0, 1], torch.tensor([32.0, 32.0]))


def test_drawn_poses_turn_by_ten_degrees_at_most() -> None:
    torch.manual_seed(0)
    one = poses(1)
    batches = PoseBatches(one)
    drawn, _ = batches.draw(400)
    centred = drawn - 32.0
    angle = torch.atan2(centred[..., 1], centred[..., 0])
    original = torch.as_tensor(one.keypoints[0]) - 32.0
    reference = torch.atan2(original[..., 1], original[..., 0])
    kept = torch.isclose(
        centred[:, 0].norm(dim=-1), original[0].norm(), atol=1e-3
    )  # the nose has no other side, so its angle is mirrored or not
    difference = (angle[kept, 0] - reference[0]).abs()
    mirrored = (angle[kept, 0] - (math.pi - reference[0])).abs()
    smaller = torch.minimum(
        torch.minimum(difference, 2 * math.pi - difference),
        torch.minimum(mirrored, (2 * math.pi - mirrored).abs()),
    )
    assert math.radians(8) < smaller.max() <= math.radians(10.01)


def test_a_mirrored_pose_has_a_mirrored_caption() -> None:
    torch.manual_seed(0)
    some = poses(2)
    pairs = Pairs(some, [["a man looks left", "the man turns left"], ["a dog"]])
    batches = PairBatches(pairs, Letters())
    raw = batches.vectors * torch.as_tensor(batches.scale) + torch.as_tensor(batches.mean)
    torch.testing.assert_close(raw[0, 0, :4], torch.tensor([1.0, 0.0, 1.0, 0.0]))
    torch.testing.assert_close(raw[1, 0, :4], torch.tensor([0.0, 1.0, 1.0, 0.0]))
    torch.testing.assert_close(raw[0, 2], raw[1, 2])  # no side in it


def test_pairs_keep_pose_and_caption_together_and_mismatch_others() -> None:
    torch.manual_seed(0)
    some = poses(2)
    some.keypoints[1] += 200.0  # far away, so that a drawn pose shows its row
    batches = PairBatches(Pairs(some, [["a man", "man"], ["a dog"]]), Letters())
    batch = batches.draw(64)
    row = (batch.keypoints[..., 1].mean(dim=1) > 100).long()  # mirrored or not
    is_dog = batch.matching[:, 3] > 0
    assert (is_dog == (row == 1)).all() and is_dog.any() and not is_dog.all()
    assert ((batch.mismatching[:, 3] > 0) != is_dog).all()
    assert len(batches.draw(2, distinct=True).matching) == 2


def test_a_text_without_known_words_becomes_zeros() -> None:
    encoded = encode_captions(Letters(), ["a man", "???", "a man"])
    assert not encoded[1].any()
    np.testing.assert_array_equal(encoded[0], encoded[2])


def test_several_captions_a_pose_are_its_own() -> None:
    torch.manual_seed(0)
    some = poses(2)
    some.keypoints[1] += 200.0
    batches = PairBatches(Pairs(some, [["a man", "man"], ["a dog"]]), Letters())
    batch = batches.draw(16, captions=3)
    assert batch.keypoints.shape[0] == 16 and batch.matching.shape == (48, 300)
    row = (batch.keypoints[..., 1].mean(dim=1) > 100).repeat(3)
    assert ((batch.matching[:, 3] > 0) == row).all()
    assert ((batch.mismatching[:, 3] > 0) != row).all()


def test_pose_directions_find_the_word_that_moves_the_pose() -> None:
    rng = np.random.default_rng(0)
    dogs = rng.random(200) < 0.5
    keypoints = rng.normal(32, 1, (200, 17, 2)).astype(np.float32)
    keypoints[dogs, :, 1] += 8.0
    some = Poses(keypoints, np.ones((200, 17), bool), np.arange(200), np.zeros(200, np.int64))
    sides = [" left", " right"]
    texts = [[("dog" if dog else "man") + sides[i % 2]] for i, dog in enumerate(dogs)]
    directions = PairBatches(Pairs(some, texts), Letters()).pose_directions(2)
    assert directions.shape == (300, 2)
    strength = directions[:4, 0].abs()  # left, right, man, dog
    assert strength[2:].min() > 5 * strength[:2].max()
