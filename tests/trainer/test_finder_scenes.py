"""Scenes that the person finder learns from."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest

from trainer.data import boxes as box_tools
from trainer.data import finder_sources as sources
from trainer.data.finder_scenes import STRIDE, SceneBatches, SceneKinds, targets
from trainer.data.finder_sources import Pictures
from trainer.data.photos import VISIBLE, PersonPhotos
from trainer.errors import DataError
from trainer.synthetic import shards, spread

PERSON = (250, 30, 40)


def red_people(count: int = 5, trust: float = 1.0, masked: bool = False) -> Pictures:
    """Bluish pictures with one red rectangle each: the person."""
    rng = np.random.default_rng(0)
    pictures, boxes = [], []
    for _ in range(count):
        x, y = rng.integers(5, 40, 2)
        w, h = rng.integers(20, 40, 2)
        picture = np.full((90, 110, 3), (20, 40, 120), np.uint8)
        picture[y : y + h, x : x + w] = PERSON
        pictures.append(picture)
        boxes.append(np.array([[x, y, w, h]], np.float32))
    nobody = (np.zeros((0, 4), np.float32),) * count
    mask = None
    if masked:
        mask = [(p[..., 0] > 200).astype(np.uint8) * 255 for p in pictures].__getitem__
    return Pictures("red", pictures.__getitem__, tuple(boxes), nobody, trust, mask)


NOBODY = [np.full((80, 100, 3), (10, 160, 40), np.uint8)]


def batches(kinds: SceneKinds, people: Pictures | None = None, seed: int = 1) -> SceneBatches:
    sets = [people or red_people()]
    return SceneBatches(sets, [1.0], NOBODY, 6, 128, seed, kinds, colour=0.0)


@pytest.mark.parametrize("kind", ["single", "tiled", "pasted"])
@pytest.mark.parametrize("masked", [False, True])
def test_boxes_lie_where_people_are_drawn(kind: str, masked: bool) -> None:
    only = SceneKinds(**{k: float(k == kind) for k in ("single", "tiled", "pasted", "empty")})
    maker = batches(only, red_people(masked=masked))
    checked = 0
    for step in range(12):
        scene = maker.scene(np.random.default_rng(step))
        red = (scene.image[..., 0] > 180) & (scene.image[..., 1] < 90)
        claimed = np.zeros_like(red)
        for x, y, w, h in scene.boxes:
            inner = red[round(y + 0.2 * h) : round(y + 0.8 * h) + 1]
            inner = inner[:, round(x + 0.2 * w) : round(x + 0.8 * w) + 1]
            if len(scene.boxes) == 1:
                assert inner.mean() > 0.95
            claimed[int(y) : int(np.ceil(y + h)) + 1, int(x) : int(np.ceil(x + w)) + 1] = True
            checked += 1
        # Red that nobody asks for lies only where nobody is sure that there is no person.
        sure = cv2.resize(scene.trust, (128, 128), interpolation=cv2.INTER_NEAREST) >= 1.0
        assert (red & ~claimed & sure).sum() <= 0.02 * red.sum() + 8
    assert checked > 8


def test_empty_scenes_ask_for_nobody() -> None:
    batch = batches(SceneKinds(0, 0, 0, 1))(0)
    assert batch.heat.max() == 0
    assert batch.weight.max() == 0
    assert (batch.trust == 1).all()
    assert (batch.images[..., 1] > 100).all()


def test_batches_depend_on_seed_and_step_alone() -> None:
    first, second = batches(SceneKinds()), batches(SceneKinds())
    second(0)
    one, two = first(3), second(3)
    assert all(np.array_equal(getattr(one, k), getattr(two, k)) for k in vars(one))
    assert not np.array_equal(first(3).images, first(4).images)
    assert not np.array_equal(first(3).images, batches(SceneKinds(), seed=2)(3).images)


def test_what_is_not_labelled_is_believed_less() -> None:
    scene = batches(SceneKinds(1, 0, 0, 0), red_people(trust=0.25)).scene(np.random.default_rng(0))
    assert set(np.unique(scene.trust)) <= {np.float32(0.25), np.float32(0.5), np.float32(1.0)}
    assert (scene.trust < 1).any()


def test_every_person_gets_a_middle_and_cells_to_say_their_box() -> None:
    boxes = np.array([[0, 0, 100, 128], [40, 50, 20, 24], [120, 100, 7, 20]], np.float32)
    heat, told, weight = targets(boxes, 128)
    assert (heat == 1).sum() == 3
    assert weight.sum() == pytest.approx(3.0, abs=0.35)  # the large one lends cells to the small
    for box in boxes:
        column, row = ((box[:2] + box[2:] / 2) // STRIDE).astype(int)
        assert heat[row, column] == 1
        assert told[:, row, column] == pytest.approx(box)
    empty = targets(boxes[:0], 128)
    assert empty[0].max() == 0


def test_people_of_one_photograph_come_together() -> None:
    count = 4
    keypoints = np.full((count, 19, 3), VISIBLE, np.float32)
    boxes = np.arange(16, dtype=np.float32).reshape(4, 4)
    people = PersonPhotos(
        "some",
        lambda row: np.full((9, 9, 3), row, np.uint8),
        keypoints,
        boxes,
        np.array([7, 3, 7, 3]),
        tuple("abab"),
    )
    pictures = sources.of_people(people, 0.5)
    assert len(pictures) == 2
    assert np.array_equal(pictures.boxes[0], boxes[[1, 3]])
    assert np.array_equal(pictures.boxes[1], boxes[[0, 2]])
    assert pictures.picture(0)[0, 0, 0] == 1
    assert pictures.picture(1)[0, 0, 0] == 0


def test_official_coco_folders_keep_crowds_apart_and_pictures_without_people(
    tmp_path: Path,
) -> None:
    (tmp_path / "annotations").mkdir()
    (tmp_path / "train2017").mkdir()
    content = {
        "images": [{"id": 2, "file_name": "b.jpg"}, {"id": 1, "file_name": "a.jpg"}],
        "annotations": [
            {"image_id": 2, "bbox": [1, 2, 3, 4], "num_keypoints": 0},
            {"image_id": 2, "bbox": [5, 6, 7, 8], "iscrowd": 1},
        ],
    }
    path = tmp_path / "annotations" / "person_keypoints_train2017.json"
    path.write_text(json.dumps(content))
    cv2.imwrite(str(tmp_path / "train2017" / "a.jpg"), np.zeros((20, 30, 3), np.uint8))
    pictures = sources.coco_folder(tmp_path, "train2017")
    assert [len(b) for b in pictures.boxes] == [0, 1]
    assert pictures.unclear[1].tolist() == [[5, 6, 7, 8]]
    assert pictures.picture(0).shape == (20, 30, 3)
    with pytest.raises(DataError, match="annotations/"):
        sources.coco_folder(tmp_path, "val2017")


def test_painted_pictures_are_always_the_same_and_differ_by_seed() -> None:
    one, two, other = (sources.painted(2, 96, seed)[1] for seed in (0, 0, 1))
    assert one.shape == (96, 96, 3)
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)
    assert one.std() > 2


def test_parts_without_people_hold_none() -> None:
    wide = red_people(4)
    pictures = Pictures(
        "large",
        lambda row: cv2.resize(wide.picture(row), None, fx=4, fy=4),
        tuple(4 * b for b in wide.boxes),
        wide.unclear,
    )
    parts = sources.emptied(pictures, 4, 0)
    assert parts
    assert all((part[..., 0] < 100).all() for part in parts)


def maker() -> Callable[[int, int], Mapping[str, bytes]]:
    """Draws one red person with a mask, a clear neighbour, one far behind, and no one at last."""

    def draw(seed: int, index: int) -> Mapping[str, bytes]:
        picture = np.full((80, 100, 3), (20, 40, 120), np.uint8)
        mask = np.zeros((80, 100), np.uint8)
        picture[20:60, 30:50], mask[20:60, 30:50] = PERSON, 255
        clear = [[60 + 20 * (j % 2), 10 + 4 * j, 2] for j in range(17)]
        hidden = [[33 + j, 30 + j, 1] for j in range(17)]
        nobody = index == 3
        labels = {
            "split": "train",
            "size": [100, 80],
            "bbox": None if nobody else [30, 20, 20, 40],
            "others": [] if nobody else [clear, hidden],
        }
        return {
            "jpg": cv2.imencode(".jpg", picture[..., ::-1])[1].tobytes(),
            "mask.png": cv2.imencode(".png", mask)[1].tobytes(),
            "json": json.dumps(labels).encode(),
        }

    return draw


def test_synthetic_people_come_with_mask_and_company(tmp_path: Path) -> None:
    plan = shards.Plan("crops256", 5, 4, 4, "test", {"numpy": "1"})
    with shards.SetFolder(tmp_path / "set", plan) as folder:
        drawing = spread.Drawing("tests.trainer.test_finder_scenes:maker", ())
        spread.fill(folder, drawing, lambda jobs, tell: (spread.draw_shard(j, tell) for j in jobs))
    pictures = sources.synthetic(tmp_path / "set")
    assert len(pictures) == 3  # the picture that shows nobody of the subject is left out
    assert pictures.boxes[0][0].tolist() == [30, 20, 20, 40]
    x, y, w, h = pictures.boxes[0][1]
    assert (x < 60, y < 10, x + w > 80, y + h > 74) == (True,) * 4
    assert len(pictures.boxes[0]) == 2
    assert len(pictures.unclear[0]) == 1
    assert pictures.mask is not None
    mask = pictures.mask(2)
    assert mask[40, 40] == 255
    assert mask[5, 5] == 0
    assert pictures.picture(2)[40, 40, 0] > 200


@pytest.mark.data
def test_boxes_of_the_photographs_lie_within_them(data_root: Path) -> None:
    for pictures in (sources.coco_photos(data_root, "train2017"), sources.lspet(data_root)):
        for row in range(0, len(pictures), max(1, len(pictures) // 20)):
            height, width = pictures.picture(row).shape[:2]
            boxes = pictures.boxes[row]
            assert len(boxes)
            inside = box_tools.clip(boxes, width, height)
            assert (inside[:, 2:].prod(1) > 0.6 * boxes[:, 2:].prod(1)).all()
