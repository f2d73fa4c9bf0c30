"""Pairs of pictures of a person: the same batch each time, nobody beside themselves."""

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.trainer import pair_people
from trainer.data import person_pairs
from trainer.data.person_masks import limb_mask
from trainer.data.person_pairs import PersonPairs, mirrored_keypoints, synthetic_pairs
from trainer.errors import DataError

SIZE = (128, 64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pair_people.write_set(tmp_path_factory.mktemp("pairs") / "drawn", people=8)


@pytest.fixture(scope="module")
def pairs(folder: Path) -> PersonPairs:
    return synthetic_pairs(folder, "train", SIZE)


def _owner(pairs: PersonPairs) -> dict[int, int]:
    return {int(row): person for person, rows in enumerate(pairs._of) for row in rows}


def test_a_batch_shows_each_person_twice_with_their_labels(pairs: PersonPairs) -> None:
    assert (len(pairs), pairs.pictures) == (4, 64)
    batch = pairs.batch(24, np.random.default_rng(0), mirror=False)
    assert batch.masks_exact
    assert batch.source.shape == batch.target.shape == (24, *SIZE, 3)
    assert batch.source_mask.shape == (24, *SIZE)
    assert batch.source.dtype == batch.source_mask.dtype == np.uint8
    assert batch.target_keypoints.shape == (24, 17, 3)
    assert batch.target_keypoints.dtype == np.float32
    shown = {(p.tobytes(), q.tobytes()) for p, q in zip(batch.source, batch.target, strict=True)}
    assert len(shown) > 15
    for i in range(24):
        assert (batch.source[i] != batch.target[i]).any()
        colours = []
        for picture, points in (
            (batch.source[i], batch.source_keypoints[i]),
            (batch.target[i], batch.target_keypoints[i]),
        ):
            x, y = np.rint(points[[5, 6, 11, 12], :2].mean(0)).astype(int)
            colours.append(picture[y, x].astype(int))
        assert np.abs(colours[0] - colours[1]).max() < 12  # the same shirt
        x, y = np.rint(batch.target_keypoints[i, 0, :2]).astype(int)
        assert batch.target_mask[i, y, x] == 255


def test_the_generator_alone_decides(folder: Path, pairs: PersonPairs) -> None:
    again = synthetic_pairs(folder, "train", SIZE)
    for seed in ([3, 7], [3, 8]):
        one = pairs.batch(6, np.random.default_rng(seed))
        two = again.batch(6, np.random.default_rng(seed))
        for name in vars(one):
            assert np.array_equal(getattr(one, name), getattr(two, name))
    other = pairs.batch(6, np.random.default_rng([3, 9]))
    assert not np.array_equal(one.source, other.source)


def test_mirrored_pairs_keep_left_and_right_apart(pairs: PersonPairs) -> None:
    plain = pairs.batch(32, np.random.default_rng(4), mirror=False)
    batch = pairs.batch(32, np.random.default_rng(4))
    flipped = [i for i in range(32) if np.array_equal(batch.source[i], plain.source[i][:, ::-1])]
    assert 6 < len(flipped) < 26
    for i in range(32):
        same = i not in flipped
        for name in ("source", "target", "source_mask", "target_mask"):
            before = getattr(plain, name)[i]
            expected = before if same else before[:, ::-1]
            assert np.array_equal(getattr(batch, name)[i], expected)
        left, right = batch.target_keypoints[i, 11], batch.target_keypoints[i, 12]
        assert left[0] > right[0]  # they face the camera, mirrored or not
    i = flipped[0]
    points = plain.source_keypoints[i]
    back = mirrored_keypoints(batch.source_keypoints[i], SIZE[1])
    assert np.allclose(back, points)
    # and the pictures that are kept stay as they were
    assert np.array_equal(
        pairs.batch(32, np.random.default_rng(4), mirror=False).source, plain.source
    )


def test_fixed_pairs_never_change_and_are_spread(folder: Path, pairs: PersonPairs) -> None:
    owner = _owner(pairs)
    few = pairs.fixed_pairs(3)
    assert len({owner[a] for a, _ in few}) == 3
    many = pairs.fixed_pairs(400)
    assert many == synthetic_pairs(folder, "train", SIZE).fixed_pairs(400)
    assert len(many) == len(set(many)) == 400
    assert all(owner[a] == owner[b] and a != b for a, b in many)
    assert set(np.bincount([owner[a] for a, _ in many])) == {100}
    assert len(set(pairs.fixed_pairs(5000))) == len(pairs.fixed_pairs(5000)) == 4 * 16 * 15
    batch = pairs.of(few)
    assert np.array_equal(batch.source[1], pairs.picture(few[1][0])[0])


def test_nobody_of_the_test_split_is_seen_in_training(folder: Path) -> None:
    train, test = (synthetic_pairs(folder, split, SIZE) for split in ("train", "test"))
    assert (len(train), len(test)) == (4, 2)
    assert not set(train.names) & set(test.names)
    assert {int(n) // 16 % 4 for n in test.names} == {3}


def test_several_sets_of_several_sizes_work_together(folder: Path, tmp_path: Path) -> None:
    large = pair_people.write_set(tmp_path / "large", 4, (256, 128), seed=6)
    both = synthetic_pairs([folder, large], "train", SIZE)
    assert (len(both), both.size) == (6, SIZE)
    assert both.picture(len(both.names) - 1)[0].shape == (*SIZE, 3)
    whole = synthetic_pairs(large, "train", (256, 128))
    points, half = whole.keypoints[0], both.keypoints[64]
    assert np.allclose((points[:3, :2] + 0.5) / 2 - 0.5, half[:3, :2], atol=1e-4)
    picture, mask = both.picture(64)
    small = cv2.resize(whole.picture(0)[0], SIZE[::-1], interpolation=cv2.INTER_AREA)
    assert np.array_equal(picture, small)
    assert mask.max() == 255


def test_a_loader_s_worker_gets_no_decoded_pictures(pairs: PersonPairs) -> None:
    pairs.batch(16, np.random.default_rng(0))
    sent = pickle.dumps(pairs)
    assert len(sent) < 300_000
    again = pickle.loads(sent)
    one = pairs.batch(4, np.random.default_rng(1))
    assert np.array_equal(again.batch(4, np.random.default_rng(1)).target, one.target)


def test_sets_that_do_not_do_are_refused_with_a_reason(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no split all: choose train"):
        synthetic_pairs(folder, "all", SIZE)
    with pytest.raises(DataError, match="64x128 px, which do not fit into 64x64"):
        synthetic_pairs(folder, "train", (64, 64))
    with pytest.raises(DataError, match="holds no"):
        synthetic_pairs(tmp_path, "train", SIZE)
    keypoints = np.ones((3, 17, 3), np.float32)
    with pytest.raises(DataError, match="nobody in two pictures"):
        PersonPairs(
            "singles", SIZE, keypoints, np.arange(3), lambda row: _blank(), masks_exact=False
        )


def _blank() -> tuple[np.ndarray, None]:
    return np.zeros((*SIZE, 3), np.uint8), None


def test_without_masks_they_are_drawn_from_the_skeleton(pairs: PersonPairs) -> None:
    people = np.repeat(np.arange(4), 16)
    drawn = PersonPairs(
        "bare", SIZE, pairs.keypoints, people, lambda row: _blank(), masks_exact=False
    )
    batch = drawn.batch(8, np.random.default_rng(0))
    assert not batch.masks_exact
    inside, around = [], []
    for row in range(16):
        true, found = pairs.picture(row)[1] > 127, drawn.picture(row)[1] > 127
        inside.append((true & found).sum() / true.sum())
        around.append((found & ~true).sum() / (~true).sum())
    assert np.mean(inside) > 0.9  # clothes make people wider than these sticks are
    assert np.mean(around) < 0.2
    assert person_pairs.scaled(drawn.picture(0)[1], (64, 32)).shape == (64, 32)


def test_a_limb_without_its_joint_is_left_out() -> None:
    points = pair_people.person(3, 1, SIZE)["keypoints"]
    whole = limb_mask(points, SIZE)
    without = points.copy()
    without[[15, 16], 2] = 0
    x, y = np.rint((points[13, :2] + points[15, :2]) / 2).astype(int)
    assert whole[y, x] == 255
    assert limb_mask(without, SIZE)[y, x] == 0
    assert not limb_mask(np.zeros((17, 3), np.float32), SIZE).any()
    far = points.copy()
    far[:, :2] = 1e7
    assert not limb_mask(far, SIZE).any()
