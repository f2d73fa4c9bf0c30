"""SVG and PNG files."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from poseapp.core.document import Document, Person, Photo
from poseapp.core.errors import DocumentError, FormatError
from poseapp.core.pose import Pose2D, Visibility
from poseapp.core.skeleton import COCO_17
from poseapp.formats import png, registry, svg

_SVG = "{http://www.w3.org/2000/svg}"


def document(photo: bool = False) -> Document:
    points = np.random.default_rng(4).uniform(20, 180, (17, 2))
    pose = Pose2D(points).with_visibility(9, Visibility.HIDDEN)
    pose = pose.with_visibility(16, Visibility.ABSENT)
    people = (Person(pose, name='<Ann & "Bob">\x00'), Person(pose, visible=False))
    picture = None
    if photo:
        _, data = cv2.imencode(".png", np.full((40, 50, 3), 200, np.uint8))
        picture = Photo(data.tobytes(), "p.png", (50, 40))
    return Document((200, 240), people, picture, photo_opacity=0.5)


def decoded(data: bytes) -> np.ndarray:
    """RGB or RGBA."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    order = cv2.COLOR_BGRA2RGBA if picture.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return cv2.cvtColor(picture, order)


def test_svg_has_an_id_for_every_joint_and_bone() -> None:
    root = ElementTree.fromstring(registry.dumps(document(), "svg"))
    assert root.get("width") == "200" and root.get("height") == "240"
    groups = root.findall(f"{_SVG}g")
    assert len(groups) == 1  # the hidden person is left out
    assert groups[0].find(f"{_SVG}title").text == '<Ann & "Bob">'
    circles = {c.get("id"): c for c in groups[0].findall(f"{_SVG}circle")}
    assert len(circles) == 16 and "person-1-right_ankle" not in circles
    nose = circles["person-1-nose"]
    place = document().people[0].pose.keypoints[0]
    assert float(nose.get("cx")) == pytest.approx(place[0], abs=0.01)
    lines = {line.get("id"): line for line in groups[0].findall(f"{_SVG}line")}
    assert len(lines) == len(COCO_17.bones) - 1
    assert lines["person-1-left_elbow-left_wrist"].get("stroke-dasharray")
    assert not lines["person-1-left_shoulder-left_elbow"].get("stroke-dasharray")
    ids = [node.get("id") for node in root.iter() if node.get("id")]
    assert len(ids) == len(set(ids))


def test_svg_in_controlnet_colours_on_black() -> None:
    root = ElementTree.fromstring(registry.dumps(document(), "svg", style="controlnet"))
    assert root.find(f"{_SVG}rect").get("fill") == "#000000"
    group = root.find(f"{_SVG}g")
    limbs = {e.get("id"): e for e in group.findall(f"{_SVG}ellipse")}
    assert limbs["person-1-neck-right_shoulder"].get("fill") == "#990000"
    assert limbs["person-1-neck-right_shoulder"].get("ry") == "4"
    joints = {c.get("id"): c for c in group.findall(f"{_SVG}circle")}
    assert joints["person-1-nose"].get("fill") == "#ff0000"
    with pytest.raises(ValueError, match="ink"):
        svg.dump(document(), style="ink")


def test_svg_can_carry_the_photo() -> None:
    root = ElementTree.fromstring(svg.dump(document(photo=True), photo=True, background="white"))
    image = root.find(f"{_SVG}image")
    assert image.get("href").startswith("data:image/png;base64,") and image.get("opacity") == "0.5"


def test_png_styles_and_backgrounds() -> None:
    own = decoded(registry.dumps(document(), "png"))
    assert own.shape == (240, 200, 4) and own[0, 0, 3] == 0 and own[..., 3].max() == 255
    white = decoded(registry.dumps(document(), "png", background="#ffffff"))
    assert white.shape == (240, 200, 3) and (white[0, 0] == 255).all()
    net = decoded(registry.dumps(document(), "controlnet_png"))
    x, y = document().people[0].pose.keypoints[15].astype(int)
    assert net.shape == (240, 200, 3) and (net[0, 0] == 0).all()
    assert net[y, x].tolist() == [85, 0, 255]  # the left ankle, OpenPose joint 13
    assert decoded(registry.dumps(document(), "openpose_png")).max() <= 153
    over = decoded(registry.dumps(document(photo=True), "png", background="photo"))
    assert abs(int(over[0, 0, 0]) - 100) <= 1  # half of 200
    with pytest.raises(FormatError, match="crayon"):
        png.dump(document(), style="crayon")
    with pytest.raises(DocumentError, match="megapixels"):
        png.dump(Document((16_000, 16_000)))


def test_a_picture_is_saved_as_it_is(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (6, 5, 4), np.uint8)
    png.save_picture(picture, tmp_path / "a.png")
    assert np.array_equal(decoded((tmp_path / "a.png").read_bytes()), picture)
    png.save_picture(picture[..., :3], tmp_path / "a.png")
    assert np.array_equal(decoded((tmp_path / "a.png").read_bytes()), picture[..., :3])
