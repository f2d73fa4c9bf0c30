"""MPII, LSP and COCO in the folders that their makers' archives unpack to."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from trainer.data import official
from trainer.data.photos import ABSENT, HIDDEN, JOINTS, UNKNOWN, UNSEEN, VISIBLE
from trainer.errors import DataError

RIGHT_ANKLE, LEFT_WRIST = JOINTS.index("right_ankle"), JOINTS.index("left_wrist")
NECK, HEAD_TOP, NOSE = JOINTS.index("neck"), JOINTS.index("head_top"), 0


def picture(path: Path, width: int = 40, height: int = 30) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((height, width, 3), 90, np.uint8))


def struct(rows: list[dict[str, Any]]) -> np.ndarray:
    """A MATLAB struct array."""
    array = np.zeros((1, len(rows)), [(key, object) for key in rows[0]])
    for column, row in enumerate(rows):
        for key, value in row.items():
            array[key][0, column] = value
    return array


def joints_of_mpii(flags: bool = True) -> list[dict[str, Any]]:
    """14 of 16 joints: the left ankle and the pelvis are not there."""
    points = []
    for joint in (j for j in range(16) if j not in (5, 6)):
        point: dict[str, Any] = {"id": joint, "x": 10.0 + joint, "y": 20.0 + 2 * joint}
        if flags:
            # heads and necks have an empty flag, one wrist a flag of text
            point["is_visible"] = np.zeros((0, 0)) if joint in (8, 9) else float(joint != 15)
            if joint == 10:
                point["is_visible"] = "1"
        points.append(point)
    return points


@pytest.fixture
def mpii_folder(tmp_path: Path) -> Path:
    """MPII's own layout: two people in one photograph, one of them a head alone; a test photo."""
    io = pytest.importorskip("scipy.io")
    person = {
        "x1": 1.0,
        "scale": 2.0,
        "objpos": struct([{"x": 20.0, "y": 30.0}]),
        "annopoints": struct([{"point": struct(joints_of_mpii())}]),
    }
    alone = {**person, "annopoints": np.zeros((0, 0))}
    photographs = [
        {"image": struct([{"name": "a.jpg"}]), "annorect": struct([person, alone, person])},
        {"image": struct([{"name": "b.jpg"}]), "annorect": struct([person])},
        {"image": struct([{"name": "test.jpg"}]), "annorect": struct([{"x1": 5.0}])},
        {"image": struct([{"name": "empty.jpg"}]), "annorect": np.zeros((0, 0))},
    ]
    release = struct([{"annolist": struct(photographs), "img_train": np.array([[1, 1, 0, 1]])}])
    (tmp_path / "annot").mkdir()
    io.savemat(tmp_path / "annot" / "mpii_human_pose_v1_u12_1.mat", {"RELEASE": release})
    picture(tmp_path / "images" / "a.jpg")
    return tmp_path


def test_mpii_is_read_from_its_own_annotations(mpii_folder: Path) -> None:
    people = official.mpii(mpii_folder)
    assert people.names == ("a.jpg", "a.jpg", "b.jpg")
    assert people.photo.tolist() == [0, 0, 1]
    first = people.keypoints[0]
    assert first[RIGHT_ANKLE].tolist() == [9, 19, VISIBLE]  # MATLAB's 10, 20
    assert first[LEFT_WRIST].tolist() == [24, 49, HIDDEN]
    assert first[JOINTS.index("right_wrist"), 2] == VISIBLE
    assert first[JOINTS.index("left_ankle"), 2] == ABSENT
    assert first[[NECK, HEAD_TOP], 2].tolist() == [VISIBLE, VISIBLE]
    assert first[HEAD_TOP, :2].tolist() == [18, 37]
    assert first[NOSE, 2] == UNKNOWN
    x, y, w, h = people.boxes[0]
    assert (x < 9, y < 19, x + w > 24, y + h > 49) == (True,) * 4
    assert people.picture(0).shape == (30, 40, 3)
    with pytest.raises(DataError, match="no joints for val"):
        official.mpii(mpii_folder, "val")


def test_mpii_is_read_from_the_json_of_mmpose(tmp_path: Path) -> None:
    joints = [[10.0 + j, 20.0 + 2 * j] for j in range(16)]
    row = {
        "image": "a.jpg",
        "joints": joints,
        "joints_vis": [int(j != 0) for j in range(16)],
        "center": [20, 30],
        "scale": 2.0,
    }
    blind = {**row, "joints_vis": [0] * 16}
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "mpii_val.json").write_text(json.dumps([row, blind]))
    picture(tmp_path / "images" / "a.jpg")
    people = official.mpii(tmp_path, "val")
    assert len(people) == 1
    assert people.keypoints[0, RIGHT_ANKLE, 2] == ABSENT
    assert people.keypoints[0, LEFT_WRIST].tolist() == [24, 49, VISIBLE]
    (tmp_path / "annotations" / "mpii_val.json").write_text('[{"image": 3}]')
    with pytest.raises(DataError, match="MMPose's MPII file"):
        official.mpii(tmp_path, "val")
    with pytest.raises(DataError, match="unpack MPII"):
        official.mpii(tmp_path, "train")


@pytest.mark.parametrize("flag_means_hidden", [True, False])
def test_lsp_is_read_whichever_way_it_flags(tmp_path: Path, flag_means_hidden: bool) -> None:
    io = pytest.importorskip("scipy.io")
    joints = np.zeros((3, 14, 1003))
    joints[:2] = np.arange(14)[None, :, None] * 2 + np.arange(2)[:, None, None] + 5
    hidden = np.zeros((14, 1003))
    hidden[10] = 1  # the left elbow
    joints[2] = hidden if flag_means_hidden else 1 - hidden
    io.savemat(tmp_path / "joints.mat", {"joints": joints})
    for name in ("im0001.jpg", "im1001.jpg"):
        picture(tmp_path / "images" / name)
    train, test = official.lsp(tmp_path), official.lsp(tmp_path, "test")
    assert (len(train), len(test)) == (1000, 3)
    assert test.names[0] == "im1001.jpg"
    assert not train.noisy
    assert train.keypoints[0, RIGHT_ANKLE].tolist() == [5, 6, VISIBLE]
    assert train.keypoints[0, JOINTS.index("left_elbow")].tolist() == [25, 26, HIDDEN]
    assert train.keypoints[0, HEAD_TOP].tolist() == [31, 32, VISIBLE]
    assert train.picture(0).shape == test.picture(0).shape == (30, 40, 3)


def test_lsp_extended_is_read_too(tmp_path: Path) -> None:
    io = pytest.importorskip("scipy.io")
    joints = np.ones((14, 3, 4))
    joints[:, :2] = np.arange(14)[:, None, None] + 3.5
    joints[0, :, 2] = 0
    io.savemat(tmp_path / "joints.mat", {"joints": joints})
    picture(tmp_path / "images" / "im00003.jpg")
    people = official.lsp(tmp_path)
    assert (len(people), people.noisy, people.names[2]) == (4, True, "im00003.jpg")
    assert people.keypoints[2, RIGHT_ANKLE, 2] == UNSEEN
    assert people.keypoints[1, RIGHT_ANKLE].tolist() == [3.5, 3.5, VISIBLE]
    assert people.picture(2).shape == (30, 40, 3)
    assert len(official.lsp(tmp_path, "test")) == 0


@pytest.mark.parametrize("place", ["val2017", "images/val2017"])
def test_coco_folders_are_read(tmp_path: Path, place: str) -> None:
    points = [[10.0, 20.0, 2] if j % 2 else [0, 0, 0] for j in range(17)]
    person = {
        "image_id": 139,
        "bbox": [1, 2, 30, 40],
        "area": 700.0,
        "num_keypoints": 8,
        "keypoints": np.array(points).ravel().tolist(),
        "iscrowd": 0,
    }
    content = {
        "images": [{"id": 139, "file_name": "000000000139.jpg"}],
        "annotations": [
            person,
            person | {"iscrowd": 1, "area": 5.0},
            person | {"num_keypoints": 0},
        ],
    }
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "person_keypoints_val2017.json").write_text(json.dumps(content))
    picture(tmp_path / place / "000000000139.jpg")
    people = official.coco(tmp_path, "val2017")
    assert (len(people), people.areas is not None and people.areas[0]) == (1, 700.0)
    assert people.keypoints[0, 1].tolist() == [10, 20, VISIBLE]
    assert people.picture(0).shape == (30, 40, 3)
    with pytest.raises(DataError, match="annotations_trainval2017"):
        official.coco(tmp_path, "train2017")


def test_damaged_matlab_files_say_what_to_do(tmp_path: Path) -> None:
    io = pytest.importorskip("scipy.io")
    with pytest.raises(DataError, match=r"There is no joints\.mat"):
        official.lsp(tmp_path)
    (tmp_path / "joints.mat").write_bytes(b"nothing of MATLAB's" * 20)
    with pytest.raises(DataError, match="damaged"):
        official.lsp(tmp_path)
    io.savemat(tmp_path / "joints.mat", {"joints": np.zeros((5, 5, 5))})
    with pytest.raises(DataError, match="not LSP's"):
        official.lsp(tmp_path)
    io.savemat(tmp_path / "mpii_human_pose_v1_u12_1.mat", {"RELEASE": np.zeros(3)})
    with pytest.raises(DataError, match="not MPII's"):
        official.mpii(tmp_path)
