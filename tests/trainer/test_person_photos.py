"""Photographs with labels, and the crops made of them."""

import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from trainer.data import person_crops, photos
from trainer.data.person_crops import STILL, Augmentation, CropBatches
from trainer.data.photos import ABSENT, HIDDEN, JOINTS, MIRRORED, UNSEEN, VISIBLE, PersonPhotos
from trainer.errors import DataError


def dotted(points: np.ndarray, size: tuple[int, int] = (120, 90)) -> np.ndarray:
    """A grey picture with a bright spot at each joint, of a colour of its own."""
    picture = np.full((size[1], size[0], 3), 60, np.uint8)
    for joint, (x, y) in enumerate(points):
        colour = (250, 10 * joint, 255 - 10 * joint)
        cv2.circle(picture, (round(float(x)), round(float(y))), 3, colour, -1)
    return picture


def a_set(people: int = 3) -> PersonPhotos:
    rng = np.random.default_rng(0)
    keypoints = np.zeros((people, len(JOINTS), 3), np.float32)
    keypoints[..., 0] = rng.uniform(20, 100, keypoints.shape[:2])
    keypoints[..., 1] = rng.uniform(15, 75, keypoints.shape[:2])
    keypoints[..., 2] = VISIBLE
    pictures = [dotted(k[:, :2]) for k in keypoints]
    return PersonPhotos(
        "dots",
        pictures.__getitem__,
        keypoints,
        photos.boxes_of(keypoints),
        np.arange(people),
        tuple(f"{i}.png" for i in range(people)),
    )


def colour_at(image: np.ndarray, point: np.ndarray) -> np.ndarray:
    x, y = np.round(point).astype(int)
    return image[y, x].astype(int)


def test_labels_stay_on_what_they_name_through_turn_zoom_and_mirror() -> None:
    people = a_set()
    moves = Augmentation(30, 0.2, 0.05, 0.5, 0, 0, 0, 0)
    seen = 0
    for step in range(6):
        batch = CropBatches([people], [1.0], 8, 128, seed=1, augmentation=moves)(step)
        for image, points, states in zip(batch.images, batch.keypoints, batch.states, strict=True):
            for joint in np.flatnonzero(states == VISIBLE):
                x, y = points[joint]
                if not (3 < x < 124 and 3 < y < 124):
                    continue
                found = colour_at(image, points[joint])
                # A mirrored person's left joint is painted in the colour of the right one.
                options = [(250, 10 * j, 255 - 10 * j) for j in (joint, MIRRORED[joint])]
                near = min(np.abs(found - np.array(o)).max() for o in options)
                seen += near < 60
    assert seen > 400  # spots that lie upon each other hide some


def test_mirroring_exchanges_left_and_right() -> None:
    people = a_set(1)
    matrix = person_crops.placement(people.boxes[0], 128, mirror=True)
    _, points = person_crops.cut(people.picture(0), people.keypoints[0], matrix, 128)
    left, right = JOINTS.index("left_wrist"), JOINTS.index("right_wrist")
    expected = matrix[:, :2] @ people.keypoints[0, right, :2] + matrix[:, 2]
    assert np.allclose(points[left, :2], expected, atol=1e-3)


def test_a_crop_leads_back_to_the_photo() -> None:
    people = a_set()
    batch = CropBatches([people], [1.0], 4, 96, 0, STILL).of(0, np.array([0, 1, 2]))
    back = np.einsum("bij,bkj->bki", batch.to_photo[:, :, :2], batch.keypoints)
    back += batch.to_photo[:, None, :, 2]
    assert np.allclose(back, people.keypoints[..., :2], atol=1e-2)


def test_crops_of_a_picture_too_large_for_opencv_to_warp() -> None:
    wide = np.zeros((40, 34_000, 3), np.uint8)
    wide[10:30, 33_000:33_020] = 200
    matrix = person_crops.placement(np.array([33_000, 10, 20, 20], np.float32), 48, turn_deg=20)
    image = person_crops.warped(wide, matrix, (48, 48))
    assert image[24, 24].tolist() == [200, 200, 200]
    assert (image.max(2) == 200).mean() == pytest.approx(1 / person_crops.BOX_TO_CROP**2, abs=0.1)
    flat = person_crops.warped(wide, np.array([[0.001, 0, 0], [0, 1, 0]], float), (34, 40))
    assert flat[20, 33].max() > 0


def test_joints_outside_of_the_crop_are_absent() -> None:
    people = a_set(1)
    small = people.boxes[0].copy()
    small[2:] *= 0.4
    matrix = person_crops.placement(small, 64)
    _, points = person_crops.cut(people.picture(0), people.keypoints[0], matrix, 64)
    inside = ((points[:, :2] >= -0.5) & (points[:, :2] <= 63.5)).all(1)
    assert (points[~inside, 2] == ABSENT).all()
    assert (points[inside, 2] == VISIBLE).all()
    assert 0 < inside.sum() < len(JOINTS)


def test_batches_depend_on_seed_and_step_alone() -> None:
    first = CropBatches([a_set()], [1.0], 4, 64, seed=5)
    second = CropBatches([a_set()], [1.0], 4, 64, seed=5)
    second(0)
    assert np.array_equal(first(3).images, second(3).images)
    assert not np.array_equal(first(3).images, first(4).images)


def test_shares_of_sources_are_kept() -> None:
    sets = [a_set(), a_set(2), a_set(1)]
    assert CropBatches(sets, [0.8, 0.05, 0.15], 32, 64, 0).counts == [26, 1, 5]


def _write_lspet(folder: Path) -> None:
    listed = photos.VALIDATION_LIST.read_text("utf-8").split()
    names = np.array([listed[0], "not_listed.jpg"])
    keypoints = np.zeros((2, 14, 3), np.float32)
    keypoints[:, :, :2] = np.arange(28).reshape(14, 2) + 10
    keypoints[:, :, 2] = 1
    keypoints[1, 0] = 0
    np.savez(folder / "lspet.npz", filename=names, joints=np.array(["x"] * 14), keypoints=keypoints)
    with zipfile.ZipFile(folder / "lspet.zip", "w") as packed:
        for name in names:
            packed.writestr(str(name), cv2.imencode(".jpg", np.full((60, 50, 3), 90, np.uint8))[1])


def test_lsp_extended_is_read_into_coco_order(tmp_path: Path) -> None:
    _write_lspet(tmp_path)
    train, validation = photos.lspet(tmp_path), photos.lspet(tmp_path, "validation")
    assert train.names == ("not_listed.jpg",)
    assert len(validation) == 1
    ankle, knee = JOINTS.index("right_ankle"), JOINTS.index("right_knee")
    assert train.keypoints[0, ankle, 2] == UNSEEN
    assert train.keypoints[0, knee].tolist() == [12, 13, VISIBLE]
    assert train.keypoints[0, 0, 2] < 0  # no nose in this set
    assert train.picture(0).shape == (60, 50, 3)


def test_coco_files_are_read_with_their_split(tmp_path: Path) -> None:
    points = [[10.0, 20.0, 2] if j % 2 else [0, 0, 0] for j in range(17)]
    person = {
        "id": 1,
        "image_id": 7,
        "bbox": [1, 2, 30, 40],
        "area": 700.0,
        "num_keypoints": 8,
        "keypoints": np.array(points).ravel().tolist(),
    }
    content = {
        "images": [
            {"id": 7, "file_name": "a.png", "split2017": "val2017"},
            {"id": 8, "file_name": "b.png", "split2017": "train2017"},
        ],
        "annotations": [person, person | {"image_id": 8}, person | {"iscrowd": 1}],
    }
    (tmp_path / "coco_photos.json").write_text(json.dumps(content))
    (tmp_path / "coco_photos").mkdir()
    cv2.imwrite(str(tmp_path / "coco_photos" / "a.png"), np.zeros((50, 40, 3), np.uint8))
    people = photos.coco_photos(tmp_path, "val2017")
    assert (len(people), people.names, people.areas[0]) == (1, ("a.png",), 700.0)
    assert people.keypoints[0, 1].tolist() == [10, 20, 2]
    assert people.picture(0).shape == (50, 40, 3)
    assert len(photos.coco_photos(tmp_path)) == 2


def test_missing_and_damaged_photographs_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="point --data"):
        photos.lspet(tmp_path)
    (tmp_path / "lspet.npz").write_bytes(b"no archive")
    (tmp_path / "lspet.zip").write_bytes(b"no archive")
    with pytest.raises(DataError, match="Download it again"):
        photos.lspet(tmp_path)
    (tmp_path / "coco_photos.json").write_text('{"images": 3}')
    (tmp_path / "coco_photos").mkdir()
    with pytest.raises(DataError, match="not a COCO keypoint file"):
        photos.coco_photos(tmp_path)


@pytest.mark.data
def test_the_set_apart_photographs_are_in_the_data(data_root: Path) -> None:
    listed = photos.VALIDATION_LIST.read_text("utf-8").split()
    assert len(listed) == len(set(listed)) >= 800
    train, validation = photos.lspet(data_root), photos.lspet(data_root, "validation")
    assert set(validation.names) == set(listed)
    assert not set(train.names) & set(listed)
    assert (validation.keypoints[..., 2] >= HIDDEN).sum(1).min() >= 6


@pytest.mark.parametrize("turn_deg", [0.0, 12.0])
def test_a_crop_of_a_large_photograph_looks_at_what_it_shows_alone(
    turn_deg: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    y, x = np.mgrid[:1600, :2400].astype(np.float32)
    waves = 127 + 110 * np.sin(x / 21) * np.cos(y / 33)
    photo = np.repeat(waves[..., None], 3, axis=2).astype(np.uint8)
    box = np.array([1500.0, 700.0, 300.0, 500.0], np.float32)
    matrix = person_crops.placement(box, 128, zoom=1.0, turn_deg=turn_deg)
    sizes: list[tuple[int, int]] = []
    resize = cv2.resize

    def seen(picture: np.ndarray, size: list[int], **how: object) -> np.ndarray:
        sizes.append(picture.shape[:2])
        return resize(picture, size, **how)

    monkeypatch.setattr(cv2, "resize", seen)
    found = person_crops.warped(photo, matrix, (128, 128), grey=128)
    assert max(sizes[0]) < 1000
    rows, columns = np.mgrid[:128, :128]
    back = cv2.invertAffineTransform(matrix)
    x = back[0, 0] * columns + back[0, 1] * rows + back[0, 2]
    y = back[1, 0] * columns + back[1, 1] * rows + back[1, 2]
    truth = cv2.remap(photo, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)
    inner = np.s_[8:-8, 8:-8]
    assert np.abs(found[inner].astype(int) - truth[inner]).mean() < 4
