"""Caption-to-pose metrics on cases whose answer is known."""

import numpy as np
import pytest

from trainer.metrics.diversity import diversity
from trainer.metrics.pose_distance import distance_matrix, fill_missing, nearest_distance
from trainer.metrics.relevance import relevance
from trainer.metrics.retrieval import retrieval
from trainer.metrics.two_sample import two_sample
from trainer.metrics.validity import RealRange, features

RNG = np.random.default_rng(0)

STANDING = np.array(
    [
        (32, 8), (33, 7), (31, 7), (35, 8), (29, 8), (37, 16), (27, 16), (40, 24), (24, 24),
        (41, 32), (23, 32), (35, 33), (29, 33), (35, 45), (29, 45), (35, 57), (29, 57),
    ],
    np.float32,
)  # fmt: skip


def crowd(count: int, noise_px: float = 1.5) -> np.ndarray:
    """(count, 17, 2) standing people of several widths."""
    width = RNG.uniform(0.6, 1.4, (count, 1, 1))
    centred = (STANDING - 32.0) * np.concatenate([width, np.ones_like(width)], -1)
    return (centred + 32.0 + RNG.normal(0, noise_px, (count, 17, 2))).astype(np.float32)


def test_distance_adds_keypoints_and_centres_missing_ones() -> None:
    keypoints = np.zeros((2, 17, 2), np.float32)
    keypoints[1, 0] = (3.0, 4.0)
    keypoints[1, 1] = (32.0, 62.0)
    there = np.ones((2, 17), np.float32)
    there[0, 1] = 0.0  # at (32, 32) instead: 30 px from the other pose's
    filled = fill_missing(keypoints, there)
    matrix = distance_matrix(filled, filled)
    assert matrix[0, 1] == pytest.approx(5.0 + 30.0)
    assert matrix[0, 0] == 0.0 and matrix[1, 0] == matrix[0, 1]


def test_nearest_distance_is_the_minimum_in_blocks_too() -> None:
    a, b = crowd(150), crowd(1200)  # more than one block of rows
    full = distance_matrix(a, b)
    np.testing.assert_allclose(nearest_distance(a, b), full.min(1), rtol=1e-5)
    own = distance_matrix(b, b)
    np.fill_diagonal(own, np.inf)
    np.testing.assert_allclose(nearest_distance(b, b, same_set=True), own.min(1), rtol=1e-5)


def test_two_sample_knows_copies_strangers_and_equals() -> None:
    real = crowd(300)
    assert two_sample(real, real.copy()).accuracy == 0.0
    assert two_sample(real, real + 40.0).accuracy == 1.0
    assert two_sample(real, crowd(300)).accuracy == pytest.approx(0.5, abs=0.06)
    collapsed = two_sample(real, np.repeat(real[:1], 300, 0) + 0.01)
    assert collapsed.generated_accuracy == 1.0  # one pose over and over is found out


def test_two_sample_by_hand() -> None:
    def line(*positions: float) -> np.ndarray:
        return np.array([[[p, 0.0]] for p in positions], np.float32)

    # real 0 and 1 are neighbours (right), 10 is nearer to 11 (wrong); generated 11 is nearer to 10
    # (wrong), 20 is nearer to 11 of its own set (right), 2 is nearer to 1 (wrong).
    result = two_sample(line(0, 1, 10), line(2.5, 11, 20))
    assert result.real_accuracy == pytest.approx(2 / 3)
    assert result.generated_accuracy == pytest.approx(1 / 3)
    assert result.accuracy == pytest.approx(0.5)


def test_retrieval_ratio() -> None:
    test, real = crowd(50), crowd(200)
    same = retrieval(test, real, real)
    assert same.ratio == 1.0
    shifted = retrieval(real[:20], real, real + np.array([3.0, 4.0], np.float32))
    assert shifted.to_real_px == 0.0 and 0 < shifted.to_generated_px <= 17 * 5.0


def test_diversity_is_the_mean_distance_of_pairs() -> None:
    pose = np.zeros((17, 2), np.float32)
    moved = pose + np.array([3.0, 4.0], np.float32)
    groups = np.array([[pose, moved, pose], [pose, pose, pose]])
    # the first group has distances 85, 85 and 0, the second none
    assert diversity(groups) == pytest.approx((85 + 85) / 3 / 2)
    with pytest.raises(ValueError):
        diversity(groups[:, :1])


def test_relevance_of_right_wrong_and_blind_encodings() -> None:
    vectors = np.eye(40, dtype=np.float32)
    images = np.arange(40)
    assert relevance(vectors, vectors, images) == 1.0
    assert relevance(np.roll(vectors, 1, 0), vectors, images, ways=40) == 0.0
    blind = RNG.normal(size=(40, 8)).astype(np.float32)
    captions = RNG.normal(size=(40, 8)).astype(np.float32)
    chance = relevance(blind, captions, images, ways=4, draws=60)
    assert chance == pytest.approx(0.25, abs=0.15)


def test_relevance_takes_no_rival_from_the_own_image() -> None:
    # Two captions an image with the same vector: a rival of the own image would always tie.
    vectors = np.repeat(np.eye(8, dtype=np.float32), 2, axis=0)
    assert relevance(vectors, vectors, np.repeat(np.arange(8), 2), ways=8) == 1.0
    with pytest.raises(ValueError, match="as many images"):
        relevance(vectors, vectors, np.repeat(np.arange(8), 2), ways=9)


def test_validity_accepts_real_poses_and_rejects_broken_ones() -> None:
    real = crowd(2000)
    there = np.ones((2000, 17), np.float32)
    known = RealRange.fit(real, there)
    fresh, seen = crowd(500), np.ones((500, 17), np.float32)
    accepted = known.valid(fresh, seen)
    assert 0.6 < accepted.mean() < 0.98
    stretched = fresh.copy()
    stretched[:, 9] += (25.0, -20.0)  # a wrist far away
    assert known.valid(stretched, seen).mean() < 0.05
    upside_down = fresh.copy()
    upside_down[..., 1] = 64.0 - upside_down[..., 1]
    assert not known.valid(upside_down, seen).any()
    np.testing.assert_array_equal(known.valid(fresh * 3.0, seen), accepted)  # size is free


def test_validity_judges_what_is_there() -> None:
    real = crowd(1000)
    known = RealRange.fit(real, np.ones((1000, 17), np.float32))
    pose = STANDING[None].copy()
    present = np.ones((1, 17), np.float32)
    assert known.valid(pose, present)[0]
    pose[0, 9] = (63.0, 0.0)
    assert not known.valid(pose, present)[0]
    present[0, 9] = 0.0  # an absent wrist says nothing
    assert np.isnan(features(pose, present)[0, 1])
    assert known.valid(pose, present)[0]
    present[0, 5:] = 0.0  # a head alone is no pose
    assert not known.valid(pose, present)[0]
