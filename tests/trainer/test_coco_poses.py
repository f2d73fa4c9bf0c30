"""COCO poses: which count, where they are placed, which split; captions and mirrored captions."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from trainer import paths
from trainer.data import captions, coco
from trainer.errors import DataError


def _write(root: Path, persons: list[dict], texts: dict[int, list[str]]) -> Path:
    folder = root / "coco"
    folder.mkdir(parents=True)
    keypoints = np.stack([p["keypoints"] for p in persons]).astype(np.int16)
    np.savez(
        folder / "person_keypoints.npz",
        image_id=np.array([p["image"] for p in persons], np.int32),
        is_val2017=np.array([p.get("test", False) for p in persons]),
        image_size_wh=np.array([p.get("size", (640, 480)) for p in persons], np.int16),
        bbox_xywh=np.array([p.get("box", (100, 100, 104, 208)) for p in persons], np.float32),
        keypoints=keypoints,
    )
    with gzip.open(folder / "captions.json.gz", "wt") as file:
        json.dump({str(k): v for k, v in texts.items()}, file)
    return root


def _person(image: int, joints: int = 17, **more) -> dict:
    keypoints = np.zeros((17, 3))
    keypoints[:joints] = [152, 204, 2]  # the middle of the box
    keypoints[0, :2] = [100, 100]
    return {"image": image, "keypoints": keypoints, **more}


@pytest.fixture
def train_ids() -> list[int]:
    ids = np.arange(1, 200)
    return ids[~coco.is_validation(ids)].tolist()


def test_placement_puts_the_box_in_the_middle(tmp_path: Path, train_ids: list[int]) -> None:
    root = _write(tmp_path, [_person(train_ids[0])], {})
    poses = coco.load_poses(root, "train")
    assert poses.keypoints.dtype == np.float32
    np.testing.assert_allclose(poses.keypoints[0, 0], [32 - 13, 32 - 26])  # 104x208 -> 26x52
    np.testing.assert_allclose(poses.keypoints[0, 5], [32, 32])
    assert poses.present.all()


def test_who_counts(tmp_path: Path, train_ids: list[int]) -> None:
    hidden = _person(train_ids[1], 8)
    hidden["keypoints"][1:8, 2] = 1  # labelled but not visible still counts
    outside = _person(train_ids[2], 8)
    outside["keypoints"][7, :2] = [152, 500]  # far below the box: not in the square
    persons = [
        _person(train_ids[0], 7),
        hidden,
        outside,
        _person(train_ids[3], size=(640, 40)),
        _person(train_ids[4], box=(100, 100, 2, 208)),
    ]
    poses = coco.load_poses(_write(tmp_path, persons, {}), "train")
    assert poses.image_id.tolist() == [train_ids[1]]
    assert poses.present[0].sum() == 8
    assert (poses.keypoints[0, 8:] == 32).all()


def test_pairs_are_images_of_one_labelled_person(tmp_path: Path, train_ids: list[int]) -> None:
    a, b, c, d, e = train_ids[:5]
    persons = [
        _person(a),
        _person(b),
        _person(b, 3),  # a second person, hardly labelled, rules the image out
        _person(c),  # no caption
        _person(d, test=True),
        _person(e, 5),
    ]
    texts = {i: [f"caption {i}", ""] for i in (a, b, d, e)}
    root = _write(tmp_path, persons, texts)
    train, test = captions.load_pairs(root, "train"), captions.load_pairs(root, "test")
    assert train.poses.image_id.tolist() == [a]
    assert train.captions == [[f"caption {a}"]]
    assert test.poses.image_id.tolist() == [d]
    assert captions.load_weak_pairs(root, "train").poses.image_id.tolist() == [b]
    with pytest.raises(DataError, match="val split"):
        captions.load_pairs(root, "val")
    assert captions.training_texts(root) == [f"caption {i}" for i in (a, b, e)]


def test_splits_part_the_images() -> None:
    ids = np.arange(20_000)
    masks = [coco.in_split(ids, ids % 40 == 0, s) for s in coco.SPLITS]
    assert (np.sum(masks, 0) == 1).all()
    assert masks[1].sum() / (~masks[2]).sum() == pytest.approx(0.03, abs=0.005)
    assert np.array_equal(coco.is_validation(ids[::-1])[::-1], coco.is_validation(ids))
    with pytest.raises(DataError, match="holdout"):
        coco.in_split(ids, ids > 3, "holdout")


def test_flip_swaps_names_and_is_its_own_inverse() -> None:
    rng = np.random.default_rng(0)
    keypoints = rng.uniform(6, 58, (4, 17, 2)).astype(np.float32)
    present = rng.random((4, 17)) > 0.3
    flipped, there = coco.flip(keypoints, present)
    np.testing.assert_allclose(flipped[:, 5, 0], 64 - keypoints[:, 6, 0])
    np.testing.assert_array_equal(there[:, 9], present[:, 10])
    back, again = coco.flip(flipped, there)
    np.testing.assert_allclose(back, keypoints, atol=1e-5)
    np.testing.assert_array_equal(again, present)


def test_mirrored_captions_swap_whole_words() -> None:
    text = "Left hand up, RIGHT leg out, leftovers and a bright left-handed man"
    expected = "Right hand up, LEFT leg out, leftovers and a bright right-handed man"
    assert captions.mirrored_caption(text) == expected
    assert captions.mirrored_caption(expected) == text


@pytest.mark.parametrize("content", [None, b"", b"no zip at all", b"PK\x03\x04 broken"])
def test_missing_or_damaged_data_says_what_to_do(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "coco").mkdir()
        (tmp_path / "coco" / "person_keypoints.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"person_keypoints\.npz"):
        coco.load_poses(tmp_path, "train")


def test_data_root_is_the_argument_then_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POSEAPP_DATA", raising=False)
    assert paths.data_root().resolve() == tmp_path / "data"
    monkeypatch.setenv("POSEAPP_DATA", str(tmp_path / "a"))
    assert paths.data_root() == tmp_path / "a"
    assert paths.data_root(tmp_path) == tmp_path
    with pytest.raises(DataError, match="POSEAPP_DATA"):
        paths.data_root(tmp_path / "none")


@pytest.mark.data
def test_the_real_data_has_the_known_sizes(data_root: Path) -> None:
    poses = [len(coco.load_poses(data_root, split)) for split in coco.SPLITS]
    assert sum(poses) == pytest.approx(117_500, rel=0.02)
    assert len(captions.load_pairs(data_root, "train")) == pytest.approx(7_250, rel=0.02)
