"""The 3D panel as a user meets it: shown, turned by the mouse, used as a pose, exported."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPalette, QWheelEvent
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from poseapp.core import rig
from poseapp.core.camera import Camera, mocap17_to_coco17, world_to_pose3d
from poseapp.core.document import Person
from poseapp.core.errors import DocumentError, TaskError
from poseapp.core.pose import Pose2D, Pose3D, Visibility
from poseapp.core.skeleton import MOCAP_17
from poseapp.core.standing import standing
from poseapp.formats import pose3d_json
from poseapp.services import options
from poseapp.state.commands import AddPeople, EditPerson, MoveJoint
from poseapp.state.session import Session
from poseapp.state.settings import Settings
from poseapp.ui.viewport import views
from poseapp.ui.viewport.themes import DARK, LIGHT
from poseapp.ui.viewport.widget import ViewportPanel


def _figure(seed: int = 0) -> Pose3D:
    rng = np.random.default_rng(seed)
    joints = np.zeros((17, 3))
    for joint, parent in enumerate(MOCAP_17.parents):
        if parent >= 0:
            way = rig.rest_directions()[joint] + 0.3 * rng.normal(size=3)
            joints[joint] = joints[parent] + 260.0 * way / np.linalg.norm(way)
    return world_to_pose3d(joints, Camera(elevation=0.1))


_FIGURE = _figure()


class QuickEngine(QObject):
    """Answers each lift at the next turn of the event loop, always with one figure."""

    task_succeeded = Signal(int, object)
    task_failed = Signal(int, object)
    task_cancelled = Signal(int)
    state_changed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.error: TaskError | None = None
        self.count = 0

    def submit(self, task: str, *, lane: str | None = None, **kwargs: Any) -> int:
        self.count += 1
        number = self.count
        shape = (len(kwargs["keypoints"]), kwargs["hypotheses"], 1, 1)
        joints = np.tile(_FIGURE.joints, shape)
        joints[:, 1:, 13, 2] += 150.0  # the others hold a wrist elsewhere
        result = {"joints": joints, "elevation": np.full(len(joints), _FIGURE.elevation)}
        error = self.error

        def answer() -> None:
            if error is not None:
                self.task_failed.emit(number, error)
            else:
                self.task_succeeded.emit(number, result)

        QTimer.singleShot(0, self, answer)
        return number


class SilentEngine(QuickEngine):
    """Never answers."""

    def submit(self, task: str, *, lane: str | None = None, **kwargs: Any) -> int:
        return 1


@pytest.fixture
def session(qapp: object) -> Iterator[Session]:
    session = Session()
    yield session
    session.shutdown()


@pytest.fixture
def engine(qapp: object) -> QuickEngine:
    return QuickEngine()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.in_folder(tmp_path / "settings")


def _open(panel: ViewportPanel, qtbot: QtBot) -> None:
    panel.resize(360, 420)
    panel.show()
    qtbot.waitUntil(lambda: panel.view.frames > 0, timeout=5000)


def _close(panel: ViewportPanel) -> None:
    panel.close_view()
    panel.close()
    panel.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def panel(
    session: Session, engine: QuickEngine, settings: Settings, qtbot: QtBot
) -> Iterator[ViewportPanel]:
    panel = ViewportPanel(session, engine, settings)  # type: ignore[arg-type]
    _open(panel, qtbot)
    yield panel
    _close(panel)


@pytest.fixture
def plain_panel(
    session: Session,
    engine: QuickEngine,
    settings: Settings,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[ViewportPanel]:
    """The panel on a screen without OpenGL."""
    monkeypatch.setattr(views, "_NO_GL_PLATFORMS", (QApplication.platformName(),))
    panel = ViewportPanel(session, engine, settings)  # type: ignore[arg-type]
    _open(panel, qtbot)
    yield panel
    _close(panel)


def _add(session: Session, panel: ViewportPanel, qtbot: QtBot, x: float = 300) -> Person:
    person = Person(Pose2D(mocap17_to_coco17(_FIGURE.joints)[:, :2] * 0.3 + (x, 300)), "Ann")
    session.undo_stack.push(AddPeople(session, [person]))
    qtbot.waitUntil(lambda: panel.link.is_current(person.id), timeout=5000)
    return person


def _settled(panel: ViewportPanel, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not panel.navigation.moving, timeout=5000)


def _drag(panel: ViewportPanel, qtbot: QtBot, to: QPoint, button: Any, modifier: Any) -> None:
    widget = panel.view.widget
    start = widget.rect().center()
    qtbot.mousePress(widget, button, modifier, start)
    for step in (1, 2):
        where = start + to * step / 2
        event = _move(widget, where, button, modifier)
        QApplication.sendEvent(widget, event)
    qtbot.mouseRelease(widget, button, modifier, start + to)


def _move(widget: Any, where: QPoint, button: Any, modifier: Any) -> Any:
    place = QPointF(where)
    return QMouseEvent(
        QEvent.Type.MouseMove, place, widget.mapToGlobal(place), Qt.MouseButton.NoButton,
        button, modifier,
    )  # fmt: skip


def _coloured(widget: QWidget) -> tuple[int, int]:
    """How many pixels of what a widget shows are blue, and how many orange."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    pixels = np.array(image.constBits()).reshape(image.height(), -1)
    pixels = pixels[:, : 3 * image.width()].reshape(image.height(), image.width(), 3)
    red, blue = pixels[..., 0].astype(int), pixels[..., 2].astype(int)
    return int((blue > red + 90).sum()), int((red > blue + 90).sum())


def test_an_empty_panel_says_what_to_do(panel: ViewportPanel) -> None:
    assert "Pick or draw a pose" in panel.overlay.text()
    assert panel.overlay.isVisible()
    assert not panel.use_button.isEnabled()
    assert not panel.export_button.isEnabled()


def test_a_pose_stands_up_and_goes_again(
    panel: ViewportPanel, session: Session, qtbot: QtBot
) -> None:
    _add(session, panel, qtbot)
    assert not panel.overlay.isVisible()
    assert panel.use_button.isEnabled()
    assert len(panel.world_figures()) == 1
    session.undo_stack.undo()
    assert panel.overlay.isVisible()
    assert not panel.use_button.isEnabled()


@pytest.mark.display
def test_the_window_shows_the_figure(panel: ViewportPanel, session: Session, qtbot: QtBot) -> None:
    """Blue and orange pixels appear in what the window shows, OpenGL included."""
    assert isinstance(panel.view, views.GLView)
    before = _coloured(panel)
    _add(session, panel, qtbot)
    frames = panel.view.frames
    qtbot.waitUntil(lambda: panel.view.frames > frames and _coloured(panel)[0] > before[0] + 200)
    assert _coloured(panel)[1] > before[1] + 200


@pytest.mark.display
def test_the_view_survives_a_window_of_its_own(
    panel: ViewportPanel, session: Session, qtbot: QtBot
) -> None:
    """As when its dock is torn off: a QOpenGLWidget would lose all that was made for it."""
    _add(session, panel, qtbot)
    frames = panel.view.frames
    other = QWidget()
    qtbot.addWidget(other)
    QVBoxLayout(other).addWidget(panel.view.widget)
    other.resize(500, 400)
    other.show()
    view = panel.view
    assert isinstance(view, views.GLView)
    qtbot.waitUntil(lambda: view.frames > frames, timeout=5000)
    qtbot.waitUntil(lambda: view.image.width() == view.widget.width(), timeout=5000)  # type: ignore[union-attr]
    assert "OpenGL is not available" not in panel.notice.text()
    assert _coloured(other)[0] > 200
    panel._stage.addWidget(view.widget)


def test_the_mouse_turns_shifts_and_zooms(panel: ViewportPanel, qtbot: QtBot) -> None:
    _settled(panel, qtbot)
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    start = panel.navigation.camera
    height = panel.view.widget.height()
    _drag(panel, qtbot, QPoint(40, 20), left, none)
    turned = panel.navigation.camera
    assert turned.azimuth == pytest.approx(start.azimuth - math.pi * 40 / height)
    assert turned.elevation == pytest.approx(start.elevation + math.pi * 20 / height)
    assert turned.target == start.target
    _drag(panel, qtbot, QPoint(40, 0), left, Qt.KeyboardModifier.ShiftModifier)
    assert panel.navigation.camera.azimuth == turned.azimuth
    assert panel.navigation.camera.target != start.target
    target = panel.navigation.camera.target
    _drag(panel, qtbot, QPoint(0, 30), Qt.MouseButton.MiddleButton, none)
    assert panel.navigation.camera.target[1] > target[1]
    widget = panel.view.widget
    place = QPointF(widget.rect().center())
    wheel = QWheelEvent(
        place, widget.mapToGlobal(place), QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton, none,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, wheel)
    _settled(panel, qtbot)
    assert panel.navigation.camera.distance < start.distance


def test_buttons_and_keys_lead_to_views(panel: ViewportPanel, qtbot: QtBot) -> None:
    for view, key, azimuth in (
        ("side", Qt.Key.Key_3, math.pi / 2),
        ("front", Qt.Key.Key_1, 0.0),
    ):
        qtbot.mouseClick(panel.view_buttons[view], Qt.MouseButton.LeftButton)
        _settled(panel, qtbot)
        assert panel.navigation.camera.azimuth == pytest.approx(azimuth)
        panel.view_buttons["home"].click()
        _settled(panel, qtbot)
        qtbot.keyClick(panel.view.widget, key)
        _settled(panel, qtbot)
        assert panel.navigation.camera.azimuth == pytest.approx(azimuth)
    qtbot.keyClick(panel.view.widget, Qt.Key.Key_7)
    _settled(panel, qtbot)
    assert panel.navigation.camera.elevation > 1.5
    qtbot.keyClick(panel.view.widget, Qt.Key.Key_Right)
    assert panel.navigation.camera.azimuth != 0.0


def test_the_figure_follows_a_drag_without_ghosts_and_they_come_back(
    panel: ViewportPanel, session: Session, qtbot: QtBot
) -> None:
    person = _add(session, panel, qtbot)
    qtbot.waitUntil(lambda: panel.world_figures()[0].shape[0] == 5, timeout=5000)
    session.undo_stack.push(MoveJoint(session, person.id, 9, (320.0, 100.0), drag=1))
    qtbot.waitUntil(lambda: panel.world_figures()[0].shape[0] == 1, timeout=5000)
    qtbot.waitUntil(lambda: panel.world_figures()[0].shape[0] == 5, timeout=5000)


def test_use_this_view_changes_the_pose_and_can_be_undone(
    panel: ViewportPanel, session: Session, qtbot: QtBot
) -> None:
    person = _add(session, panel, qtbot)
    absent = session.document.person(person.id).pose.with_visibility(3, Visibility.ABSENT)
    session.undo_stack.push(MoveJoint(session, person.id, 9, absent.keypoints[9]))
    qtbot.waitUntil(lambda: panel.link.is_current(person.id), timeout=5000)
    before = session.document.person(person.id).pose
    panel.navigation.jump(Camera(azimuth=1.1, elevation=0.2).fitted(panel.world_figures()[0][0]))
    figure = panel.world_figures()[0][0]
    requests = panel.link.figures(person.id)
    panel.use_button.click()
    after = session.document.person(person.id).pose
    assert session.undo_stack.undoText() == "Use 3D view"
    assert np.abs(after.keypoints - before.keypoints).max() > 20
    assert after.keypoints.mean(0) == pytest.approx(before.keypoints.mean(0))
    # The figure turned with the camera: no other lift is needed and the picture stays.
    assert panel.link.is_current(person.id)
    assert len(panel.link.figures(person.id)) == len(requests)
    assert panel.navigation.camera.azimuth == 0.0
    turned = panel.world_figures()[0][0]
    assert np.abs(np.linalg.norm(turned - turned[0], axis=1)
                  - np.linalg.norm(figure - figure[0], axis=1)).max() < 1e-6  # fmt: skip
    session.undo_stack.undo()
    assert session.document.person(person.id).pose is before


def test_a_locked_person_keeps_its_pose(
    panel: ViewportPanel, session: Session, qtbot: QtBot
) -> None:
    person = _add(session, panel, qtbot)
    session.select(person.id)
    session.undo_stack.push(EditPerson(session, person.id, "Lock", locked=True))
    count = session.undo_stack.count()
    panel.use_this_view()
    assert session.undo_stack.count() == count
    assert "locked" in panel.notice.text()


def test_an_error_is_shown_and_goes_away(
    panel: ViewportPanel, session: Session, engine: QuickEngine, qtbot: QtBot
) -> None:
    engine.error = TaskError("The lifter's weights are missing: get them in the Models panel.")
    person = Person(Pose2D(mocap17_to_coco17(_FIGURE.joints)[:, :2] * 0.3 + 300))
    session.undo_stack.push(AddPeople(session, [person]))
    qtbot.waitUntil(lambda: "weights are missing" in panel.overlay.text(), timeout=5000)
    assert panel.overlay.isVisible()
    engine.error = None
    session.undo_stack.push(MoveJoint(session, person.id, 9, (320.0, 100.0)))
    qtbot.waitUntil(lambda: panel.link.is_current(person.id), timeout=5000)
    assert not panel.overlay.isVisible()
    engine.error = TaskError("The lifter failed: try again.")
    session.undo_stack.push(MoveJoint(session, person.id, 9, (340.0, 100.0)))
    qtbot.waitUntil(lambda: "lifter failed" in panel.notice.text(), timeout=5000)
    assert len(panel.world_figures()) == 1  # the last figure stays


def test_other_weights_are_tried_at_once(
    panel: ViewportPanel,
    session: Session,
    engine: QuickEngine,
    settings: Settings,
    qtbot: QtBot,
) -> None:
    engine.error = TaskError("The lifter's weights are missing: get them in the Models panel.")
    person = Person(Pose2D(mocap17_to_coco17(_FIGURE.joints)[:, :2] * 0.3 + 300))
    session.undo_stack.push(AddPeople(session, [person]))
    qtbot.waitUntil(lambda: "weights are missing" in panel.overlay.text(), timeout=5000)
    engine.error = None
    options.choose(settings, options.WEIGHTS_KEY, "vae_gan_lifter", "mine.safetensors")
    qtbot.waitUntil(lambda: panel.link.is_current(person.id), timeout=5000)
    assert not panel.overlay.isVisible()


def test_too_few_joints_are_explained_in_the_view(
    panel: ViewportPanel, session: Session, qtbot: QtBot
) -> None:
    confidence = np.zeros(17)
    confidence[[0, 1, 5, 6]] = 1.0
    pose = Pose2D(np.full((17, 2), 50.0), confidence=confidence)
    session.undo_stack.push(AddPeople(session, [Person(pose)]))
    assert "needs 4 joints" in panel.overlay.text()
    assert panel.overlay.isVisible()


def test_choices_are_remembered(
    panel: ViewportPanel,
    session: Session,
    engine: QuickEngine,
    settings: Settings,
    qtbot: QtBot,
) -> None:
    panel._count.setValue(8)
    panel._ghosts.setChecked(False)
    assert panel.link.hypotheses == 8
    other = ViewportPanel(session, engine, settings)  # type: ignore[arg-type]
    assert other._count.value() == 8
    assert not other._ghosts.isChecked()
    _close(other)


def test_the_theme_follows_the_window(panel: ViewportPanel, qapp: QApplication) -> None:
    palette = QPalette(panel.palette())
    palette.setColor(QPalette.ColorRole.Window, QColor("#202225"))
    panel.setPalette(palette)
    assert panel.theme is DARK
    assert panel.view._theme is DARK
    palette.setColor(QPalette.ColorRole.Window, QColor("#f4f4f4"))
    panel.setPalette(palette)
    assert panel.view._theme is LIGHT


@pytest.mark.parametrize("kind", ["json", "bvh", "gif", "mp4", "png"])
def test_every_export_writes_its_file(
    panel: ViewportPanel,
    session: Session,
    qtbot: QtBot,
    tmp_path: Path,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("poseapp.ui.viewport.export.TURN_FRAMES", 4)
    monkeypatch.setattr("poseapp.ui.viewport.export.TURN_SIZE", (96, 96))
    _add(session, panel, qtbot, 200)
    _add(session, panel, qtbot, 500)
    path = tmp_path / f"out.{kind}"
    panel.export_menu.write(kind, path)
    head = {"bvh": b"HIERARCHY", "gif": b"GIF89a", "png": b"\x89PNG"}.get(kind, b"")
    data = path.read_bytes()
    assert data.startswith(head) and len(data) > 500
    if kind == "json":
        poses = pose3d_json.load(path)
        assert np.abs(poses[0].joints - _FIGURE.joints).max() < 1e-2
        worlds = [np.array(row["world"]) for row in json.loads(data)["poses"]]
        assert worlds[-1][0, 0] - worlds[0][0, 0] == pytest.approx(1000.0, rel=1e-3)


def test_exports_that_cannot_be_are_sentences(
    panel: ViewportPanel, session: Session, qtbot: QtBot, tmp_path: Path
) -> None:
    with pytest.raises(DocumentError, match="no 3D figure"):
        panel.export_menu.write("bvh", tmp_path / "a.bvh")
    _add(session, panel, qtbot)
    with pytest.raises(DocumentError, match=r"a\.png"):
        panel.export_menu.write("png", tmp_path / "nowhere" / "a.png")


def test_an_export_has_the_pose_as_it_is_now_also_from_behind_another_tab(
    panel: ViewportPanel, session: Session, qtbot: QtBot, tmp_path: Path
) -> None:
    person = _add(session, panel, qtbot)
    panel.set_seen(False)
    session.undo_stack.push(MoveJoint(session, person.id, 9, (320.0, 100.0), drag=1))
    assert not panel.link.is_current(person.id)
    panel.export_menu.write("json", tmp_path / "a.json")
    assert panel.link.is_current(person.id)
    assert len(panel.world_figures()[0]) == 5


def test_a_panel_that_was_never_shown_lifts_and_draws_for_an_export(
    session: Session, engine: QuickEngine, settings: Settings, qtbot: QtBot, tmp_path: Path
) -> None:
    panel = ViewportPanel(session, engine, settings)  # type: ignore[arg-type]
    pose = Pose2D(mocap17_to_coco17(_FIGURE.joints)[:, :2] * 0.3 + (300, 300))
    session.undo_stack.push(AddPeople(session, [Person(pose, "Ann")]))
    assert not panel.people() and panel.export_menu.menuAction().isEnabled()
    view = panel.view
    panel.export_menu.write("png", tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1000
    assert panel.view is view  # it did not give up
    _close(panel)


def test_figures_that_do_not_come_are_not_waited_for_without_end(
    panel: ViewportPanel, session: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    person = _add(session, panel, qtbot)
    monkeypatch.setattr(panel.link, "_engine", SilentEngine())
    monkeypatch.setattr(panel.link.catch_up.__func__, "__defaults__", (50,))
    session.undo_stack.push(MoveJoint(session, person.id, 9, (320.0, 100.0), drag=1))
    with pytest.raises(DocumentError, match="try again"):
        panel.export_menu.write("bvh", tmp_path / "a.bvh")
    assert not (tmp_path / "a.bvh").exists()


def test_without_opengl_it_works_more_plainly(
    plain_panel: ViewportPanel, session: Session, qtbot: QtBot, tmp_path: Path
) -> None:
    view = plain_panel.view
    assert isinstance(view, views.PictureView)
    assert "OpenGL is not available" in plain_panel.notice.text()
    person = _add(session, plain_panel, qtbot)
    _settled(plain_panel, qtbot)
    frames = view.frames
    plain_panel.navigation.orbit(0.2, 0.0)
    plain_panel._on_camera()
    qtbot.waitUntil(lambda: view.frames > frames, timeout=5000)
    assert view.image is not None and view.image.width() == view.widget.width()
    plain_panel.use_button.click()
    assert session.document.person(person.id).pose != person.pose
    plain_panel.export_menu.write("png", tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1000


@pytest.mark.display
def test_opengl_starts_after_the_first_paint_and_is_given_back(
    session: Session, engine: QuickEngine, settings: Settings, qtbot: QtBot
) -> None:
    from vispy.gloo.context import canvasses

    panel = ViewportPanel(session, engine, settings)  # type: ignore[arg-type]
    panel.resize(300, 300)
    assert isinstance(panel.view, views.GLView)
    panel.grab()  # paints
    assert panel.view._hidden is None
    _open(panel, qtbot)
    hidden = panel.view._hidden
    assert hidden is not None
    known = [canvas() for canvas in canvasses]
    assert hidden._gloo in known
    _close(panel)
    assert hidden._gloo not in [canvas() for canvas in canvasses]
    assert not hidden._surface.isValid()


@pytest.mark.display
def test_a_driver_that_fails_during_an_export_is_replaced_at_once(
    panel: ViewportPanel,
    session: Session,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("lost")

    _add(session, panel, qtbot)
    monkeypatch.setattr("poseapp.ui.viewport.hidden_scene.HiddenScene.picture", broken)
    panel.export_menu.write("png", tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1000
    assert isinstance(panel.view, views.PictureView)
    qtbot.wait(30)
    assert isinstance(panel.view, views.PictureView)


@pytest.mark.display
def test_a_lost_context_does_not_stop_a_change_of_theme(
    panel: ViewportPanel, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("lost")

    monkeypatch.setattr("poseapp.ui.viewport.hidden_scene.HiddenScene._make_current", broken)
    panel.view.set_theme(LIGHT)
    qtbot.waitUntil(lambda: isinstance(panel.view, views.PictureView), timeout=5000)


@pytest.mark.display
def test_a_driver_that_fails_while_drawing_is_replaced(
    panel: ViewportPanel, session: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("shader")

    monkeypatch.setattr("poseapp.ui.viewport.scene.Scene.draw", broken)
    panel.navigation.orbit(0.1, 0.0)
    panel._on_camera()
    qtbot.waitUntil(lambda: isinstance(panel.view, views.PictureView), timeout=5000)
    assert "OpenGL is not available" in panel.notice.text()
    _add(session, panel, qtbot)
    qtbot.waitUntil(lambda: panel.view.image is not None, timeout=5000)


def test_a_moment_stands_in_place_of_the_people_while_it_is_shown(
    panel: ViewportPanel, session: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[np.ndarray] = []
    show = panel.view.show_figures

    def record(joints: np.ndarray, ghosts: np.ndarray) -> None:
        shown.append(joints)
        show(joints, ghosts)

    monkeypatch.setattr(panel.view, "show_figures", record)
    panel.show_moment(_figure(3))
    assert panel.overlay.isHidden() and len(shown) == 1 and shown[0].shape == (1, 17, 3)
    assert shown[0][0, :, 1].min() > 0.0  # on the ground
    session.undo_stack.push(AddPeople(session, [Person(standing((300, 380), 520), id="a")]))
    qtbot.waitUntil(lambda: bool(panel.link.figures("a")), timeout=5000)
    assert len(shown) == 1  # the lift is kept for later
    panel.show_moment(None)
    assert len(shown) == 2 and np.array_equal(shown[1], panel.shown())
    panel.show_moment(None)
    assert len(shown) == 2
