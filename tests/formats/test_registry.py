"""The table of formats, telling them apart, and what comes out of broken files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from poseapp.core.document import Document, Person, Photo
from poseapp.core.errors import DocumentError, FormatError, PoseAppError
from poseapp.core.pose import Pose2D, Pose3D
from poseapp.formats import files, registry
from poseapp.formats.registry import FORMATS

SAVED = [f.name for f in FORMATS.values() if f.can_save and f.kind != "3d"]
OPENED = [n for n in SAVED if FORMATS[n].can_load]


def document(photo: bool = False) -> Document:
    rng = np.random.default_rng(3)
    people = tuple(
        Person(Pose2D(rng.uniform(10, 180, (17, 2)), confidence=rng.uniform(0.2, 1, 17)), id=name)
        for name in ("a", "b")
    )
    picture = None
    if photo:
        _, data = cv2.imencode(".png", np.full((20, 20, 3), 200, np.uint8))
        picture = Photo(data.tobytes(), "p.png", (20, 20))
    return Document((200, 200), people, picture)


@pytest.mark.parametrize("name", OPENED)
def test_content_tells_not_the_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    registry.save(document(), path, name)
    assert registry.sniff(path).name == {"openpose25": "openpose"}.get(name, name)
    opened = registry.load(path)
    assert len(opened.people) == 2
    moved = opened.people[1].pose.keypoints - document().people[1].pose.keypoints
    assert np.abs(moved).max() < 1e-3
    if name.startswith(("coco", "openpose", "controlnet")):
        for text in (
            path.read_text("utf-8").encode("utf-16"),
            b"\xef\xbb\xbf " + path.read_bytes(),
        ):
            assert len(registry.loads(text).people) == 2


@pytest.mark.parametrize("name", SAVED)
def test_files_are_the_same_each_time(name: str) -> None:
    assert registry.dumps(document(), name) == registry.dumps(document(), name)


def test_photos_become_backgrounds(tmp_path: Path) -> None:
    path = tmp_path / "beach"
    cv2.imwrite(str(tmp_path / "b.jpg"), np.zeros((30, 50, 3), np.uint8))
    (tmp_path / "b.jpg").rename(path)
    opened = registry.load(path)
    assert opened.size == (50, 30) and opened.photo.name == "beach" and not opened.people


def test_extensions_choose_the_format(tmp_path: Path) -> None:
    for name, kind in (("a.pose", "pose"), ("a.JSON", "coco"), ("a.svg", "svg"), ("a.png", "png")):
        assert registry.format_for(name).name == kind
    opened = registry.loads(registry.dumps(document(), "controlnet"))
    assert registry.format_for("a.json", opened).name == "controlnet"
    with pytest.raises(FormatError, match="name the format"):
        registry.save(document(), tmp_path / "a.xyz")
    with pytest.raises(FormatError, match="cannot be saved as word"):
        registry.dumps(document(), "word")
    assert FORMATS["coco"].filter == "COCO keypoints (*.json)"


@pytest.mark.parametrize("name", FORMATS)
def test_the_table_is_whole(name: str) -> None:
    entry = FORMATS[name]
    assert entry.name == name and entry.title and entry.can_load | entry.can_save
    assert entry.kind in ("project", "keypoints", "picture", "3d")
    assert all(e.startswith(".") for e in entry.extensions)


BROKEN: list[tuple[bytes, str]] = [
    (b"", "is empty"),
    (b"  \n", "is empty"),
    (b"hello", "no file that PoseApp opens"),
    (b'{"people": [', "line 1, column 13"),
    (b"{}", "holds no poses"),
    (b"[1, 2, 3]", "holds no poses"),
    (b'{"a": NaN}', "NaN"),
    (b'{"a": -Infinity}', "-Infinity"),
    (b'{"annotations": [{"keypoints": [' + b"1e999," * 50 + b"1]}]}", "finite"),
    (b"[" * 50_000, "nested"),
    (b'{"a": ' + b"9" * 5000 + b"}", "too long"),
    (b'{"a": "\xff\xfe"}', "UTF-8"),
    (b"<svg xmlns='x'></svg>", "opens none"),
    (b"HIERARCHY\nROOT Hips", "opens none"),
    (b"\x00\x01\x02", "no file that PoseApp opens"),
]


@pytest.mark.parametrize(("data", "says"), BROKEN)
def test_broken_files_give_one_sentence(data: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(data)
    with pytest.raises(DocumentError, match=says) as caught:
        registry.load(path)
    message = str(caught.value)
    assert message.startswith("x.json") and message.endswith(".") and "\n" not in message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="moved or deleted"):
        registry.load(tmp_path / "gone.json")
    with pytest.raises(DocumentError, match="folder"):
        registry.load(tmp_path)
    with pytest.raises(DocumentError, match="Cannot read"):
        registry.load(tmp_path / "nul\0.json")
    huge = tmp_path / "huge.json"
    with huge.open("wb") as file:
        file.truncate(files.MAX_FILE_BYTES + 1)  # sparse: it takes no room
    with pytest.raises(DocumentError, match=r"256 MB.*split"):
        registry.load(huge)


def test_damaged_extras_do_not_keep_the_poses_from_being_saved() -> None:
    bad: dict[str, Any] = {
        "coco": {"kind": "annotations", "images": 5, "annotations": ["x"], "places": "no"},
        "openpose": {"unit": "a", "top": 3},
        "controlnet": {"frames": 4, "top": "x", "frame": None},
    }
    people = tuple(
        Person(p.pose, extra={k: {"pose_keypoints_2d": "?", "id": []} for k in bad})
        for p in document().people
    )
    damaged = Document((200, 200), people, extra=bad)
    for name in ("coco", "coco_results", "openpose", "controlnet"):
        assert len(registry.loads(registry.dumps(damaged, name)).people) == 2


@pytest.mark.parametrize("name", OPENED)
def test_damaged_bytes_never_escape(name: str) -> None:
    rng = np.random.default_rng(11)
    source = document(photo=True) if name == "pose" else document()
    good = np.frombuffer(registry.dumps(source, name), np.uint8)
    opened = 0
    for number in range(200):
        bad = good.copy()
        if number % 4 == 0:
            bad = bad[: rng.integers(0, len(bad))]
        elif number % 4 == 1:
            at = rng.integers(0, len(bad) - 1)
            bad = np.concatenate([bad[:at], bad[at + rng.integers(1, 9) :]])
        else:
            places = rng.integers(0, len(bad), rng.integers(1, 6))
            digits = np.frombuffer(b'0123456789.,-[]{}":eE nulltrue', np.uint8)
            bad[places] = (
                rng.choice(digits, len(places)) if number % 4 == 2 else rng.integers(0, 256)
            )
        try:
            result = registry.loads(bad.tobytes(), "bad")
        except PoseAppError as error:
            assert str(error).endswith(".") and "\n" not in str(error)
        else:
            opened += 1
            for target in OPENED:
                registry.loads(registry.dumps(result, target))
    assert opened < 200


def _mutated(value: Any, rng: np.random.Generator) -> Any:
    """The JSON value with one node replaced by something else."""
    other = [None, True, "x", -1, 0, 1.5, 10**400, [], {}, [[]], {"id": 1}, "NaN", [None] * 54]
    if rng.random() < 0.15 or not isinstance(value, dict | list) or not value:
        return other[rng.integers(len(other))]
    if isinstance(value, dict):
        key = list(value)[rng.integers(len(value))]
        if rng.random() < 0.1:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: _mutated(value[key], rng)}
    at = int(rng.integers(len(value)))
    return [*value[:at], _mutated(value[at], rng), *value[at + 1 :]]


@pytest.mark.parametrize("name", [n for n in OPENED if n != "pose"])
def test_wrong_types_never_escape(name: str) -> None:
    rng = np.random.default_rng(12)
    good = json.loads(registry.dumps(document(), name))
    for _ in range(200):
        data = json.dumps(_mutated(good, rng)).encode()
        try:
            result = registry.loads(data, "bad")
        except PoseAppError as error:
            assert str(error).endswith(".") and "\n" not in str(error)
        else:
            registry.loads(registry.dumps(result, "pose"))
            registry.dumps(result, name)


def test_3d_poses_are_saved_by_name(tmp_path: Path) -> None:
    joints = np.random.default_rng(0).normal(size=(17, 3)) * 300
    pose = Pose3D(joints - joints[0])
    for name in ("a.bvh", "a.json"):
        registry.save_3d([pose, pose], tmp_path / name, fps=25)
        kind = registry.sniff(tmp_path / name)
        assert kind.kind == "3d"
    with pytest.raises(FormatError, match="cannot be saved as fbx"):
        registry.save_3d([pose], tmp_path / "a.fbx", "fbx")
    with pytest.raises(DocumentError, match="no 3D pose"):
        registry.save_3d([], tmp_path / "a.bvh")
    with pytest.raises(DocumentError, match="annot"):
        registry.save_3d([pose], tmp_path / "missing" / "a.bvh")
