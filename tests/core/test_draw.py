"""Pictures: exact colours where other programs read them, shape and place where people look."""

from __future__ import annotations

import numpy as np
import pytest

from poseapp.core import draw
from poseapp.core.camera import Camera
from poseapp.core.document import Document, Person
from poseapp.core.heatmap import encode
from poseapp.core.palette import (
    CONTROLNET_JOINTS,
    CONTROLNET_LIMBS,
    JOINT_COLOURS,
    LIMBS,
    OPENPOSE_JOINTS,
    parse_colour,
)
from poseapp.core.pose import Pose2D, Visibility
from poseapp.core.skeleton import COCO_17, MOCAP_17, OPENPOSE_18, convert


def wide() -> Pose2D:
    """A person whose OpenPose limbs are long and apart, so that pixels can be read between them."""
    places = {
        "nose": (256, 60), "left_eye": (286, 40), "right_eye": (226, 40), "left_ear": (320, 60),
        "right_ear": (192, 60), "left_shoulder": (336, 130), "right_shoulder": (176, 130),
        "left_elbow": (400, 200), "right_elbow": (112, 200), "left_wrist": (440, 280),
        "right_wrist": (72, 280), "left_hip": (300, 300), "right_hip": (212, 300),
        "left_knee": (310, 390), "right_knee": (202, 390), "left_ankle": (330, 480),
        "right_ankle": (182, 480),
    }  # fmt: skip
    return Pose2D(np.array([places[name] for name in COCO_17.joints], float))


def openpose_points(pose: Pose2D) -> np.ndarray:
    return convert(pose.keypoints, pose.present.astype(float), COCO_17, OPENPOSE_18)[0]


def pixel(picture: np.ndarray, xy: np.ndarray) -> list[int]:
    return picture[int(xy[1]), int(xy[0])].tolist()


def test_the_palette_is_controlnets() -> None:
    assert CONTROLNET_JOINTS[[0, 1, 4, 17]].tolist() == [
        [255, 0, 0], [255, 85, 0], [170, 255, 0], [255, 0, 85],
    ]  # fmt: skip
    assert CONTROLNET_LIMBS.tolist() == [
        [153, 0, 0], [153, 51, 0], [153, 102, 0], [153, 153, 0], [102, 153, 0], [51, 153, 0],
        [0, 153, 0], [0, 153, 51], [0, 153, 102], [0, 153, 153], [0, 102, 153], [0, 51, 153],
        [0, 0, 153], [51, 0, 153], [102, 0, 153], [153, 0, 153], [153, 0, 102],
    ]  # fmt: skip
    assert [LIMBS[i] for i in (0, 6, 12, 14, 16)] == [(1, 2), (1, 8), (1, 0), (14, 16), (15, 17)]


def test_controlnet_picture_has_exact_colours() -> None:
    picture = draw.draw_people([wide()], (512, 512), "controlnet")
    assert picture.dtype == np.uint8 and picture.shape == (512, 512, 3)
    points = openpose_points(wide())
    for joint, xy in enumerate(points):
        assert pixel(picture, xy) == CONTROLNET_JOINTS[joint].tolist()
    for (a, b), colour in zip(LIMBS, CONTROLNET_LIMBS, strict=True):
        assert pixel(picture, (points[a] + points[b]) / 2) == colour.tolist(), (a, b)
    known = {(0, 0, 0), *map(tuple, CONTROLNET_JOINTS), *map(tuple, CONTROLNET_LIMBS)}
    assert {tuple(c) for c in np.unique(picture.reshape(-1, 3), axis=0)} <= known  # no soft edges
    assert pixel(picture, np.array([20, 20])) == [0, 0, 0]


def test_controlnet_joints_are_discs_of_4_and_limbs_are_8_wide() -> None:
    points = np.zeros((17, 2))
    points[[7, 9]] = (100.0, 100.0), (200.0, 100.0)
    visibility = np.zeros(17)
    visibility[[7, 9]] = 2, 1  # a hidden joint is drawn as a visible one
    picture = draw.draw_people([Pose2D(points, visibility)], (300, 200), "controlnet")
    column = picture[:, 150].any(1)
    assert column.sum() == 9 and column[96:105].all()
    elbow = (picture == CONTROLNET_JOINTS[6]).all(-1)
    assert elbow.sum() == 49 and elbow[100, 96:105].all() and elbow[96:105, 100].all()
    assert not picture[100, 205:].any() and not picture[110:].any()


def test_xinsir_widens_limbs_by_canvas_size() -> None:
    assert [draw.xinsir_stick_scale((side, 100)) for side in (499, 500, 1024, 3000, 9000)] == [
        1, 2, 3, 5, 7,
    ]  # fmt: skip
    plain = draw.draw_people([wide()], (512, 512), "controlnet")
    wider = draw.draw_people([wide()], (512, 512), "controlnet", xinsir=True)
    assert wider.any(-1).sum() > 1.5 * plain.any(-1).sum()


def test_absent_joints_take_their_limbs_along() -> None:
    gone = wide().with_visibility(COCO_17.index("left_shoulder"), Visibility.ABSENT)
    picture = draw.draw_people([gone], (512, 512), "controlnet")
    colours = {tuple(c) for c in np.unique(picture.reshape(-1, 3), axis=0).tolist()}
    assert tuple(CONTROLNET_JOINTS[1].tolist()) not in colours  # nor is there a neck
    assert tuple(CONTROLNET_JOINTS[5].tolist()) not in colours
    assert tuple(CONTROLNET_LIMBS[2].tolist()) in colours  # the right upper arm stays


def test_openpose_picture_is_drawn_at_sixty_percent() -> None:
    picture = draw.draw_people([wide()], (512, 512), "openpose")
    points = openpose_points(wide())
    for joint, xy in enumerate(points):
        expected = np.round(OPENPOSE_JOINTS[joint] * 0.6)
        assert np.abs(pixel(picture, xy) - expected).max() <= 1
    middle = (points[2] + points[3]) / 2
    assert np.abs(pixel(picture, middle) - np.round(OPENPOSE_JOINTS[3] * 0.6)).max() <= 1
    photo = np.full((512, 512, 3), 200, np.uint8)
    over = draw.draw_people([wide()], (512, 512), "openpose", photo)
    assert pixel(over, np.array([5, 5])) == [200, 200, 200] and (photo == 200).all()


def test_own_style_is_transparent_soft_and_sided() -> None:
    picture = draw.draw_people([wide()], (512, 512))
    assert picture.shape == (512, 512, 4)
    alpha = picture[..., 3]
    assert alpha[5, 5] == 0 and alpha[200, 256] == 255
    assert ((alpha > 20) & (alpha < 235)).sum() > 200  # smooth edges
    left, right = picture[165, 368], picture[165, 144]
    assert left[2] > left[0] + 60 and right[0] > right[2] + 60  # blue arm, orange arm
    on_black = draw.draw_people([wide()], (512, 512), background=(0, 0, 0))
    assert on_black.shape == (512, 512, 3) and not on_black[5, 5].any()


def test_people_take_their_colour_and_hidden_ones_are_left_out() -> None:
    red = Person(wide(), colour="#FF0000")
    document = Document((512, 512), (red,))
    torso = draw.draw_document(document, background=(255, 255, 255))[220, 256]
    assert torso[0] > torso[1] + 80
    hidden = Document((512, 512), (Person(wide(), visible=False),))
    assert not draw.draw_document(hidden, "controlnet").any()
    with pytest.raises(ValueError, match="crayon"):
        draw.draw_document(document, "crayon")
    assert parse_colour("#102030") == (16, 32, 48) and parse_colour("teal") == (154, 164, 178)


@pytest.mark.parametrize("style", draw.STYLES)
def test_nothing_and_far_away_people_can_be_drawn(style: str) -> None:
    empty = Pose2D(np.zeros((17, 2)), np.zeros(17))
    far = Pose2D(wide().keypoints * 1e5 - 5e6)
    point = Pose2D(np.full((17, 2), 30.0))
    picture = draw.draw_people([empty, far, point], (64, 64), style)
    assert picture.shape[:2] == (64, 64)
    assert np.abs(draw.draw_people([], (64, 64), style)).sum() == 0


def test_thumbnails_fill_their_square() -> None:
    picture = draw.thumbnail(wide(), 96)
    assert picture.shape == (96, 96, 4)
    rows = np.flatnonzero(picture[..., 3].any(1))
    assert 2 <= rows[0] < 16 and 78 < rows[-1] <= 94
    sampled = draw.thumbnail(wide().keypoints / 8, 96, (0, 0, 0), confidence=np.ones(17))
    solid = draw.thumbnail(wide(), 96, (0, 0, 0))
    assert sampled.shape == (96, 96, 3)
    assert np.abs(sampled.astype(int) - solid).mean() < 1.0
    nothing = draw.thumbnail(np.zeros((17, 2)), 32, (9, 9, 9), confidence=np.zeros(17))
    assert (nothing == 9).all()


def test_gallery_sheet_lays_out_rows_and_captions() -> None:
    sheet = draw.gallery_sheet([wide()] * 5, columns=3, cell_px=60)
    assert sheet.shape[1] < 3 * 60 + 40 and 120 < sheet.shape[0] < 160
    captioned = draw.gallery_sheet([wide()] * 4, 2, ["one", "two, 中文 \U0001f600"], cell_px=60)
    assert captioned.shape[0] > 2 * 60 + 30
    pair = (wide().keypoints / 8, np.ones(17))
    assert draw.gallery_sheet([pair], 1, cell_px=60).std() > 1
    assert draw.gallery_sheet([], 4).ndim == 3


def test_heatmap_composite_shows_each_joint_in_its_colour() -> None:
    points = np.stack([5 + 10 * (np.arange(17) % 6), 10 + 20 * (np.arange(17) // 6)], axis=1)
    picture = draw.heatmap_composite(encode(points, np.ones(17)))
    for joint, (x, y) in enumerate(points):
        seen = picture[y, x].astype(float)
        hue = JOINT_COLOURS[joint] / JOINT_COLOURS[joint].max()
        assert np.abs(seen / seen.max() - hue).max() < 0.1, joint
        assert seen.max() > 240
    assert picture[63, 63].max() < 30
    assert draw.heatmap_composite(encode(points, np.ones(17)), (200, 100)).shape == (100, 200, 3)
    weak = encode(points, np.ones(17)) * 0.1
    assert draw.heatmap_composite(weak, threshold=0.2).max() < 30
    one = draw.heatmap_single(encode(points, np.ones(17))[0], 0)
    assert one[10, 5].min() > 120 and one[50, 50].max() < 30


def test_joint_colours_tell_sides_apart() -> None:
    colours = JOINT_COLOURS.astype(int)
    assert len({tuple(c) for c in colours.tolist()}) == 17
    for joint, name in enumerate(COCO_17.joints):
        red, _, blue = colours[joint]
        assert (blue > red) == name.startswith("left") or name == "nose"


def test_3d_pictures_and_turntable() -> None:
    joints = np.zeros((17, 3))
    for joint, name in enumerate(MOCAP_17.joints):
        aside = 200.0 * (name.startswith("L") - name.startswith("R"))
        joints[joint] = (aside, 100.0 * joint, 0.0)
    camera = Camera(elevation=0.2).fitted(joints)
    picture = draw.draw_pose3d(joints, camera, (120, 160))
    assert picture.shape == (160, 120, 3) and picture.std() > 5
    flipped = draw.draw_pose3d(joints, camera.orbited(np.pi, 0.0), (120, 160))

    def blue(p: np.ndarray) -> float:
        return np.argwhere((p[..., 2].astype(int) - p[..., 0]) > 60)[:, 1].mean()

    assert blue(picture) > 60 > blue(flipped)
    ghosted = draw.draw_pose3d(joints, camera, (120, 160), ghosts=[joints + 300.0])
    assert (ghosted != picture).any()
    frames = draw.turntable_frames(joints, (64, 64), frames=8)
    assert len(frames) == 8 and (frames[0] != frames[2]).any()
    assert draw.turntable_frames(joints, (64, 64), frames=1)[0].shape == (64, 64, 3)
    behind = Camera(distance=300.0, target=(0.0, 0.0, 5000.0), azimuth=np.pi)
    assert draw.draw_pose3d(joints, behind, (64, 64)).shape == (64, 64, 3)
