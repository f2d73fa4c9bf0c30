"""Heatmaps of the sample and of the pose under edit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from poseapp.core import heatmap
from poseapp.core.document import Person
from poseapp.core.errors import DocumentError, PoseAppError
from poseapp.core.pose import Pose2D, Visibility
from poseapp.core.skeleton import COCO_17
from poseapp.services import heatmap_export
from poseapp.state.commands import AddPeople, MoveJoint, SetVisibility
from poseapp.state.session import Session
from poseapp.state.settings import Settings
from poseapp.ui.panels.heatmap_view import ALL_CHANNELS, COMPOSITE
from poseapp.ui.panels.heatmaps import HeatmapsPanel
from tests.helpers.stub_engine import made_up_poses

WRIST = COCO_17.index("left_wrist")


@pytest.fixture
def session(qapp) -> Iterator[Session]:
    session = Session()
    yield session
    session.shutdown()


@pytest.fixture
def panel(qtbot, session: Session, tmp_path: Path) -> HeatmapsPanel:
    panel = HeatmapsPanel(session, Settings.in_folder(tmp_path / "settings"))
    qtbot.addWidget(panel)
    panel.resize(420, 300)
    panel.show()
    return panel


@pytest.fixture
def person(session: Session) -> Person:
    points = made_up_poses(1, 3)["keypoints"][0].astype(float) * 5
    person = Person(Pose2D(points))
    session.undo_stack.push(AddPeople(session, [person]))
    return person


def sample() -> SimpleNamespace:
    return SimpleNamespace(heatmaps=made_up_poses(1, 1)["heatmaps"][0], title="Pose 1")


def test_empty_states_say_what_to_do(panel) -> None:
    assert "caption" in panel.sampled_view.accessibleDescription()
    assert "canvas" in panel.edited_view.accessibleDescription()
    assert not panel.export_button.isEnabled()


def test_follows_a_drag(qtbot, panel, person, session) -> None:
    qtbot.waitUntil(lambda: panel.edited_view.maps is not None, timeout=3000)
    before = panel.edited_view.maps.copy()
    for step in range(20):
        session.undo_stack.push(MoveJoint(session, person.id, WRIST, (50 + step, 60), drag=1))
    qtbot.waitUntil(lambda: not np.allclose(panel.edited_view.maps, before), timeout=3000)
    qtbot.wait(50)
    expected = heatmap_export.of_pose(session.document.people[0].pose)
    np.testing.assert_allclose(panel.edited_view.maps, expected)
    session.undo_stack.undo()
    qtbot.waitUntil(lambda: np.allclose(panel.edited_view.maps, before), timeout=3000)


def test_absent_joint_has_an_empty_map(qtbot, panel, person, session) -> None:
    command = SetVisibility(session, person.id, WRIST, Visibility.ABSENT)
    session.undo_stack.push(command)
    qtbot.waitUntil(lambda: panel.edited_view.maps is not None, timeout=3000)
    assert panel.edited_view.maps[WRIST].max() == 0
    assert panel.edited_view.reaching == 16


def test_threshold_counts_joints_and_is_kept(panel) -> None:
    shown = sample()
    shown.heatmaps = shown.heatmaps * np.linspace(0.05, 1.0, 17)[:, None, None]
    panel.show_sampled(shown)
    counts = []
    for value in (0, 20, 60):
        panel._slider.setValue(value)
        counts.append(panel.sampled_view.reaching)
    assert counts[0] == 17
    assert counts == sorted(counts, reverse=True)
    assert counts[2] < counts[1] < counts[0]
    assert panel._settings.get("heatmaps/threshold", 0.0) == pytest.approx(0.6)


def test_channels_open_and_close_by_click(qtbot, panel) -> None:
    panel.show_sampled(sample())
    panel._channel.setCurrentIndex(panel._channel.findData(ALL_CHANNELS))
    view = panel.sampled_view
    square = view._picture_rect(view._square())
    cell = square.width() / heatmap_export.SHEET_COLUMNS
    row, column = divmod(WRIST, heatmap_export.SHEET_COLUMNS)
    at = QPoint(int(square.left() + (column + 0.5) * cell), int(square.top() + (row + 0.5) * cell))
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=at)
    assert panel.mode == WRIST
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.rect().center())
    assert panel.mode == ALL_CHANNELS


def test_the_joint_under_the_mouse(panel) -> None:
    panel.show_sampled(sample())
    view = panel.sampled_view
    assert panel.mode == COMPOSITE
    square = view._square()
    peak = (view._peaks[WRIST] + 0.5) * square.width() / 64
    at = square.topLeft() + type(square.topLeft())(*peak)
    near = view.joint_at(at)
    distance = np.hypot(*(view._peaks[near] - view._peaks[WRIST]))
    assert distance < 1.0


def test_peaks_are_drawn_where_they_are(qtbot, panel) -> None:
    panel.show_sampled(sample())
    view = panel.sampled_view
    image = view.grab().toImage()
    ratio = image.width() / view.width()
    square = view._square()
    bright = 0
    for peak in view._peaks:
        at = square.topLeft() + type(square.topLeft())(*((peak + 0.5) * square.width() / 64))
        bright += image.pixelColor(int(at.x() * ratio), int(at.y() * ratio)).lightness() > 60
    assert bright >= 15


@pytest.mark.parametrize("ending", [".png", ".npz"])
def test_export(panel, person, qtbot, tmp_path: Path, ending: str) -> None:
    panel.show_sampled(sample())
    qtbot.waitUntil(lambda: panel.edited_view.maps is not None, timeout=3000)
    path = tmp_path / f"maps{ending}"
    panel.export(path)
    if ending == ".npz":
        content = np.load(path)
        assert content["sampled"].shape == content["edited"].shape == (17, 64, 64)
        assert list(content["joints"]) == list(COCO_17.joints)
    else:
        height, width, _ = cv2.imread(str(path)).shape
        assert (width, height) == (1024, 512 + 4 * (512 // 5))


def test_export_says_what_is_wrong(panel, tmp_path: Path) -> None:
    with pytest.raises(PoseAppError, match="no heatmaps"):
        panel.export(tmp_path / "maps.png")
    panel.show_sampled(sample())
    with pytest.raises(DocumentError, match=r"maps\.png"):
        panel.export(tmp_path / "no folder" / "maps.png")


def test_encoding_is_quick_enough_for_a_drag(person, benchmark) -> None:
    benchmark.pedantic(heatmap_export.of_pose, args=(person.pose,), rounds=20, warmup_rounds=2)
    assert benchmark.stats["median"] < 0.003


def test_an_untouched_pick_is_framed_as_the_sample_was() -> None:
    rng = np.random.default_rng(3)
    maps = heatmap.encode(rng.uniform(20, 44, (17, 2)), np.ones(17))
    points, confidence = heatmap.decode(maps)
    pose = heatmap.place(points, confidence, (100, 50, 400, 500))
    frame = heatmap_export.frame_of(pose, maps, 0.2)
    assert frame is not None
    assert np.abs(heatmap_export.of_pose(pose, frame) - maps).max() < 0.2
    dragged = pose.with_joint(9, pose.keypoints[9] + 120.0)
    assert heatmap_export.frame_of(dragged, maps, 0.2) is None
    moved = np.abs(heatmap_export.of_pose(dragged, frame) - maps).max(axis=(1, 2)) > 0.5
    assert moved.tolist() == [joint == 9 for joint in range(17)]
