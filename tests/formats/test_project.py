"""Project files: exact round trips, older schemas, and archives that mean harm."""

from __future__ import annotations

import errno
import io
import json
import os
import stat
import struct
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from poseapp.core.document import Document, Person, Photo, ReferencePerson
from poseapp.core.errors import DocumentError, FormatError
from poseapp.core.pose import Pose2D
from poseapp.core.sequence import KeyPose, PoseSequence
from poseapp.formats import files, project, registry

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@st.composite
def people(draw: st.DrawFn) -> Person:
    points = draw(arrays(float, (17, 2), elements=st.floats(-9e5, 9e5)))
    visibility = draw(arrays(np.uint8, 17, elements=st.integers(0, 2)))
    confidence = draw(arrays(float, 17, elements=st.floats(0, 1)))
    return Person(
        Pose2D(points, visibility, confidence),
        name=draw(st.text(max_size=20).filter(_writable)),
        colour=draw(st.sampled_from(["#112233", "#FF8B4C"])),
        visible=draw(st.booleans()),
        locked=draw(st.booleans()),
        extra=draw(st.dictionaries(st.sampled_from(["coco", "openpose"]), JSON, max_size=2)),
    )


def _writable(text: str) -> bool:
    try:
        return bool(text.encode())
    except UnicodeEncodeError:
        return False


DOCUMENTS = st.builds(
    Document,
    size=st.tuples(st.integers(1, 16384), st.integers(1, 16384)),
    people=st.lists(people(), max_size=3).map(tuple),
    photo=st.none() | st.just(Photo(b"\x89PNG picture bytes", "тест 中.png", (640, 480))),
    photo_opacity=st.floats(0, 1),
    extra=st.dictionaries(st.sampled_from(["coco", "controlnet"]), JSON, max_size=2),
)


def document() -> Document:
    rng = np.random.default_rng(0)
    pose = Pose2D(rng.uniform(0, 700, (17, 2)), rng.integers(0, 3, 17))
    person = Person(pose, name="Ann", id="a1")
    return Document((800, 600), (person,), Photo(b"\xff\xd8\xff" + bytes(999), "p.jpg", (80, 60)))


def archive(entries: dict[str, Any], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as out:
        for name, body in entries.items():
            out.writestr(name, body if isinstance(body, bytes | str) else json.dumps(body))
    return buffer.getvalue()


def schema_1() -> dict[str, Any]:
    person = {"name": "Old Ann", "colour": "#123456", "keypoints": [10.5, 20, 2] * 16 + [0, 0, 0]}
    return {"version": 1, "width": 320, "height": 240, "people": [person], "photo": "photo.png"}


@given(DOCUMENTS)
def test_everything_comes_back_exactly(source: Document) -> None:
    data = project.dump(source)
    result = project.loads(data, "a.pose")
    assert result == source
    assert project.dump(result) == data


def test_save_and_load_a_file(tmp_path: Path) -> None:
    path = tmp_path / "Größe 姿.pose"
    registry.save(document(), path)
    assert registry.load(path) == document()
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == [
        path.name
    ]  # nothing left beside it
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask
    with zipfile.ZipFile(path) as opened:
        assert json.loads(opened.read("document.json"))["schema"] == project.SCHEMA


def test_schema_1_is_read() -> None:
    _, picture = cv2.imencode(".png", np.zeros((24, 32, 3), np.uint8))
    data = archive({"document.json": schema_1(), "photo.png": picture.tobytes()})
    old = project.loads(data, "old.pose")
    assert old.size == (320, 240) and old.photo.size == (32, 24)
    person = old.people[0]
    assert person.name == "Old Ann" and person.colour == "#123456"
    assert person.pose.present.sum() == 16 and person.pose.keypoints[3].tolist() == [10.5, 20.0]
    assert project.loads(project.dump(old), "new.pose") == old


def test_unknown_keys_survive() -> None:
    value = json.loads(zipfile.ZipFile(io.BytesIO(project.dump(document()))).read("document.json"))
    value.update(photo=None, guides=[1, 2])
    value["people"][0]["mood"] = "happy"
    opened = project.loads(archive({"document.json": value}), "a.pose")
    saved = zipfile.ZipFile(io.BytesIO(project.dump(opened))).read("document.json")
    assert json.loads(saved) == value


def test_an_opened_data_set_is_not_carried_into_the_project() -> None:
    heavy = {
        "coco": {"images": [{"id": i, "w": [i]} for i in range(150_000)]},
        "openpose": {"a": 1},
    }
    saved = project.loads(project.dump(replace(document(), extra=heavy)), "a.pose")
    assert saved.extra == {"openpose": {"a": 1}}


def test_a_newer_schema_says_what_to_do() -> None:
    with pytest.raises(FormatError, match=r"newer PoseApp.*update"):
        project.loads(archive({"document.json": {"schema": 3}}), "a.pose")


def _declared(data: bytes, size: int) -> bytes:
    """The archive, with another unpacked size written into both of its tables."""
    changed = bytearray(data)
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", changed, data.index(mark) + offset, size)
    return bytes(changed)


BOMB = archive({"document.json": b"0" * (70 * 2**20)})
LYING = _declared(BOMB, 1000)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (BOMB, "unpack to more than 64 MB"),
        (LYING, "cut short|damaged|unpack"),
        (archive({"document.json": b" " * 60_000_000}), "unpack to more"),
        (archive({f"{i}": b"" for i in range(40)}), "too many files"),
        (archive({f"{i:0900d}": b"" for i in range(31)} | {"document.json": {}}), "schema"),
        (archive({"other.txt": b"x"}), "no project"),
        (archive({"document.json": {"schema": 2}}, zipfile.ZIP_LZMA), "packed"),
        (archive({"document.json": "{"}), "not whole JSON"),
        (archive({"document.json": "[" * 100_000}), "nested"),
        (archive({"document.json": {"schema": "2"}}), "schema"),
        (archive({"document.json": {"schema": 2, "size": [0, 5]}}), "canvas"),
        (archive({"document.json": {"schema": 2, "size": [10**9, 5]}}), "canvas"),
        (archive({"document.json": {"schema": 2, "size": [9, 9], "people": [{}]}}), "pose"),
        (archive({"document.json": {"schema": 2, "size": [9, 9], "photo": {}}}), "photo"),
        (b"PK\x03\x04 nothing more", "cut short"),
        (project.dump(document())[:-40], "cut short|damaged"),
    ],
)  # fmt: skip
def test_harmful_and_damaged_archives_give_one_sentence(data: bytes, says: str) -> None:
    with pytest.raises(FormatError, match=says) as caught:
        registry.loads(data, "bad.pose")
    message = str(caught.value)
    assert message.startswith("bad.pose") and message.endswith(".") and "\n" not in message


def test_a_bomb_is_never_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    real = zlib.decompressobj
    unpacked: list[int] = []

    class Counting:
        def __init__(self, *args: Any) -> None:
            self._inner = real(*args)

        def decompress(self, *args: Any) -> bytes:
            out = self._inner.decompress(*args)
            unpacked.append(len(out))
            return out

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

    monkeypatch.setattr(zipfile.zlib, "decompressobj", Counting)
    for data in (BOMB, LYING):
        with pytest.raises(FormatError):
            project.loads(data, "bad.pose")
    assert sum(unpacked) < 2 * 2**20


def test_texts_are_no_numbers() -> None:
    value = json.loads(zipfile.ZipFile(io.BytesIO(project.dump(document()))).read("document.json"))
    for key in ("keypoints", "confidence", "visibility"):
        bad = json.loads(json.dumps({**value, "photo": None}))
        bad["people"][0][key][0] = ["1", "2"] if key == "keypoints" else "1"
        with pytest.raises(FormatError):
            project.loads(archive({"document.json": bad}), "a.pose")


# --- saving ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk is full"),
        (PermissionError(errno.EACCES, "Permission denied"), "read-only"),
        (OSError(errno.EROFS, "Read-only file system"), "read-only"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (OSError(errno.ENOENT, "No such file or directory"), "no file can be made in"),
    ],
)
@pytest.mark.parametrize("step", ["mkstemp", "fsync", "replace"])
def test_a_failed_save_leaves_the_original_whole(
    fault: OSError, says: str, step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "work.pose"
    registry.save(document(), path)
    before = path.read_bytes()

    def fail(*args: Any, **kwargs: Any) -> None:
        raise fault

    target = files.tempfile if step == "mkstemp" else files.os
    monkeypatch.setattr(target, step, fail)
    changed = replace(document(), size=(100, 100))
    with pytest.raises(DocumentError, match=says) as caught:
        registry.save(changed, path)
    monkeypatch.undo()
    assert str(caught.value).startswith("Cannot save work.pose") and str(caught.value)[-1] == "."
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir() if p.name != "home"] == ["work.pose"]


def test_a_full_disk_for_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = Path("/dev/full")  # every write to it fails as on a full disk
    if not full.exists() or not os.access(full, os.W_OK):
        pytest.skip("this system has no /dev/full")
    path, beside = tmp_path / "work.pose", tmp_path / ".work.part"
    registry.save(document(), path)
    before = path.read_bytes()
    beside.touch()
    opened = (os.open(full, os.O_WRONLY), str(beside))
    monkeypatch.setattr(files.tempfile, "mkstemp", lambda **_: opened)
    with pytest.raises(DocumentError, match="disk is full"):
        registry.save(replace(document(), size=(9, 9)), path)
    assert path.read_bytes() == before and not beside.exists()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="there is no folder"):
        registry.save(document(), tmp_path / "missing" / "a.pose")


def test_read_only_files_and_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kept.pose"
    path.write_bytes(b"old")
    monkeypatch.setattr(files.os, "access", lambda *_: False)  # root may write anything
    with pytest.raises(DocumentError, match="read-only"):
        registry.save(document(), path)
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    if os.geteuid() != 0:
        folder = tmp_path / "locked"
        folder.mkdir(mode=0o555)
        with pytest.raises(DocumentError, match="read-only"):
            registry.save(document(), folder / "a.pose")


def test_folders_links_and_long_names(tmp_path: Path) -> None:
    (tmp_path / "folder.pose").mkdir()
    with pytest.raises(DocumentError, match="folder of that name"):
        registry.save(document(), tmp_path / "folder.pose")
    with pytest.raises(DocumentError, match="too long"):
        registry.save(document(), tmp_path / ("n" * 300 + ".pose"))
    real, link = tmp_path / "real.pose", tmp_path / "link.pose"
    registry.save(document(), real)
    link.symlink_to(real)
    registry.save(replace(document(), size=(9, 9)), link)
    assert link.is_symlink() and registry.load(real).size == (9, 9)
    real.chmod(0o640)
    registry.save(document(), real)
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def _referenced() -> Document:
    points = np.arange(34, dtype=float).reshape(17, 2)
    pose = Pose2D(points, [2] * 16 + [0])
    values = {"body": {"age_years": 34.0}, "outfit": [{"slot": "top"}]}
    reference = ReferencePerson(
        Photo(b"\x89PNG bytes", "ann.png", (60, 120)), pose, "Ann", values, created=True
    )
    return Document((100, 80), reference=reference)


def test_a_reference_person_comes_back_as_it_was(tmp_path: Path) -> None:
    document = _referenced()
    project.save(document, tmp_path / "a.pose")
    assert project.load(tmp_path / "a.pose") == document
    bare = replace(document, reference=None)
    assert project.loads(project.dump(bare), "b.pose") == bare


def test_a_reference_whose_picture_another_version_left_out_is_dropped() -> None:
    document = _referenced()
    with zipfile.ZipFile(io.BytesIO(project.dump(document))) as archive:
        body = archive.read("document.json")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("document.json", body)
    assert project.loads(buffer.getvalue(), "a.pose") == replace(document, reference=None)


@pytest.mark.parametrize("damage", [{"keypoints": [1, 2]}, {"photo": "x"}])
def test_a_damaged_reference_is_one_sentence(damage: dict[str, Any]) -> None:
    with zipfile.ZipFile(io.BytesIO(project.dump(_referenced()))) as archive:
        content = json.loads(archive.read("document.json"))
    content["reference"].update(damage)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("reference", b"p")
        archive.writestr("document.json", json.dumps(content))
    with pytest.raises(FormatError, match=r"a\.pose"):
        project.loads(buffer.getvalue(), "a.pose")


def test_a_sequence_is_kept(tmp_path: Path) -> None:
    pose = document().people[0].pose
    keys = (KeyPose(pose, 0.25, "linear", "k1"), KeyPose(pose, 2.0, "hold", "k2"))
    sequence = PoseSequence(keys, 12, False, "latent")
    kept = replace(document(), sequence=sequence)
    path = tmp_path / "a.pose"
    project.save(kept, path)
    assert project.load(path) == kept
    assert b'"sequence"' not in zipfile.ZipFile(io.BytesIO(project.dump(document()))).read(
        "document.json"
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"keys": 5}, "must be a list"),
        ({"keys": [{"keypoints": [[1, 2]]}]}, "17 keypoints"),
        ({"keys": [{"duration_s": "long"}]}, "must be a number"),
    ],
)
def test_a_damaged_sequence_is_one_sentence(change: dict[str, Any], sentence: str) -> None:
    body = {"schema": 2, "size": [64, 64], "people": [], "sequence": change}
    with pytest.raises(FormatError, match=sentence):
        project.loads(archive({"document.json": body}), "a.pose")


def test_odd_values_of_a_sequence_are_as_in_a_new_one() -> None:
    points = [[1.0, 2.0]] * 17
    key = {"keypoints": points, "duration_s": 1e9, "easing": ["x"], "id": 3}
    stored = {"fps": True, "loop": "no", "between": ["x"], "keys": [key, {**key, "id": "a"}]}
    body = {"schema": 2, "size": [64, 64], "people": [], "sequence": stored}
    found = project.loads(archive({"document.json": body}), "a.pose").sequence
    assert (found.fps, found.loop, found.between) == (24, True, "slerp")
    assert [k.duration_s for k in found.keys] == [60.0, 60.0]
    assert found.keys[1].id == "a" and found.keys[0].easing == "smooth"
