"""People, Inspector and Library: what they show, and the undo steps that they push."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import QApplication, QColorDialog, QTabBar
from pytestqt.qtbot import QtBot

from poseapp.core.document import Document, Person
from poseapp.core.newcomers import body_unit
from poseapp.core.pose import Visibility
from poseapp.core.standing import standing
from poseapp.state.commands import MoveJoint
from poseapp.state.recovery import Leftover
from poseapp.state.settings import Settings
from poseapp.ui.canvas.view import POSE_MIME
from poseapp.ui.dialogs.canvas_size import CanvasSizeDialog
from poseapp.ui.dialogs.recovery import RecoveryDialog
from poseapp.ui.dialogs.settings import SettingsDialog
from poseapp.ui.main_window import MainWindow
from poseapp.ui.panels.emblem import Emblem
from tests.ui.conftest import settle

_STATE, _X, _CONFIDENCE = 3, 1, 4


@pytest.fixture
def desk(make_window: Callable[..., MainWindow]) -> MainWindow:
    people = (
        Person(standing((220, 380), 500), "Anna", "#4C9AFF", id="anna"),
        Person(standing((540, 400), 420), "Ben", "#FF8B4C", id="ben"),
    )
    return make_window(Document((768, 768), people))


# -- people --------------------------------------------------------------------------------------
def test_the_list_runs_from_front_to_back(desk: MainWindow) -> None:
    model = desk.people_panel.model
    assert [model.index(r).data() for r in range(model.rowCount())] == ["Ben", "Anna"]


def test_choosing_a_row_and_choosing_on_the_canvas_stay_in_step(desk: MainWindow) -> None:
    view, session = desk.people_panel.view, desk.session
    view.setCurrentIndex(desk.people_panel.model.index(1))
    assert session.selection.person == "anna"
    session.select("ben", {3})
    assert view.currentIndex().row() == 0
    session.select(None)
    assert not view.selectionModel().hasSelection()
    assert desk.session.undo_stack.count() == 0


@pytest.mark.parametrize(("part", "attribute"), [("visible", "visible"), ("locked", "locked")])
def test_clicks_on_eye_and_lock(desk: MainWindow, qtbot: QtBot, part: str, attribute: str) -> None:
    panel = desk.people_panel
    desk.show_panel("people")
    index = panel.model.index(1)
    before = getattr(desk.session.document.person("anna"), attribute)
    at = panel.view.itemDelegate().parts(panel.view.visualRect(index))[part].center()
    qtbot.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert getattr(desk.session.document.person("anna"), attribute) is not before
    assert desk.session.undo_stack.count() == 1


def test_rename_and_colour(desk: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    model, session = desk.people_panel.model, desk.session
    assert model.setData(model.index(1), "  Zoë ")
    assert session.document.person("anna").name == "Zoë"
    assert not model.setData(model.index(1), "   ")
    from PySide6.QtGui import QColor

    monkeypatch.setattr(QColorDialog, "getColor", lambda *_: QColor("#123456"))
    session.select("anna")
    desk.actions_by_id["colour"].trigger()
    assert session.document.person("anna").colour == "#123456"
    assert session.undo_stack.count() == 2


def test_a_dragged_row_reorders_the_people(desk: MainWindow, qtbot: QtBot) -> None:
    model = desk.people_panel.model
    mime = model.mimeData([model.index(0)])
    model.dropMimeData(mime, Qt.DropAction.MoveAction, 2, 0, QModelIndex())
    qtbot.waitUntil(lambda: [p.id for p in desk.session.document.people] == ["ben", "anna"])
    assert desk.session.undo_stack.count() == 1


# -- inspector -----------------------------------------------------------------------------------
@pytest.fixture
def inspector(desk: MainWindow) -> MainWindow:
    desk.show_panel("inspector")
    desk.session.select("anna", {9})
    QApplication.processEvents()
    return desk


def test_numbers_follow_a_drag(inspector: MainWindow) -> None:
    model = inspector.inspector_panel.model
    inspector.session.undo_stack.push(MoveJoint(inspector.session, "anna", 9, (12.34, 56)))
    assert model.index(9, _X).data() == "12.3"
    assert model.index(9, _X + 1).data() == "56.0"


def test_typing_a_number_is_a_step_and_leaves_the_rest_exact(inspector: MainWindow) -> None:
    session, model = inspector.session, inspector.inspector_panel.model
    before = session.document.person("anna").pose
    assert model.setData(model.index(9, _X), 400.5)
    after = session.document.person("anna").pose
    assert after.keypoints[9, 0] == 400.5
    assert after.keypoints[9, 1] == before.keypoints[9, 1]
    assert not model.setData(model.index(9, _X), 400.5)
    assert model.setData(model.index(9, _CONFIDENCE), 0.25)
    assert session.document.person("anna").pose.confidence[9] == 0.25
    assert session.undo_stack.count() == 2


def test_the_state_column_hides_and_brings_back(inspector: MainWindow) -> None:
    session, model = inspector.session, inspector.inspector_panel.model
    before = session.document.person("anna").pose
    model.setData(model.index(9, _STATE), int(Visibility.ABSENT))
    assert not session.document.person("anna").pose.present[9]
    assert model.index(9, _X).data() == "–"
    assert not model.flags(model.index(9, _X)) & Qt.ItemFlag.ItemIsEditable
    model.setData(model.index(9, _STATE), int(Visibility.HIDDEN))
    pose = session.document.person("anna").pose
    assert pose.visibility[9] == Visibility.HIDDEN
    assert np.linalg.norm(pose.keypoints[9] - before.keypoints[9]) < 30


def test_rows_and_chosen_joints_are_the_same(inspector: MainWindow) -> None:
    table = inspector.inspector_panel.table
    assert [i.row() for i in table.selectionModel().selectedRows()] == [9]
    table.selectRow(4)
    assert inspector.session.selection.joints == {4}
    assert inspector.session.undo_stack.count() == 0


def test_the_box_moves_and_scales(inspector: MainWindow) -> None:
    session, boxes = inspector.session, inspector.inspector_panel._boxes
    _, _, width, height = session.document.person("anna").pose.bounds
    boxes["x"].setValue(100.0)
    assert session.document.person("anna").pose.bounds[0] == pytest.approx(100.0, abs=0.06)
    boxes["height"].setValue(250.0)
    after = session.document.person("anna").pose.bounds
    assert after[3] == pytest.approx(250, abs=0.1)
    assert after[2] / after[3] == pytest.approx(width / height, rel=0.01)
    assert session.undo_stack.count() == 2


def test_a_hidden_inspector_costs_a_drag_nothing(desk: MainWindow) -> None:
    desk.show_panel("people")
    QApplication.processEvents()
    desk.session.select("anna")
    resets: list[int] = []
    desk.inspector_panel.model.dataChanged.connect(lambda *_: resets.append(1))
    desk.session.undo_stack.push(MoveJoint(desk.session, "anna", 9, (1, 2)))
    assert resets == []
    desk.show_panel("inspector")
    QApplication.processEvents()
    assert desk.inspector_panel.model.index(9, _X).data() == "1.0"


# -- library -------------------------------------------------------------------------------------
def test_search_add_replace_and_save(desk: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    panel, session = desk.library_panel, desk.session
    panel.search.setText("tennis")
    assert 2 <= panel.model.rowCount() <= 5
    panel.view.activated.emit(panel.model.index(0))
    assert len(session.document.people) == 3
    before = session.document.person("anna").pose
    session.select("anna")
    panel.replace_requested.emit("lying-front")
    after = session.document.person("anna").pose
    assert after.bounds[2] > after.bounds[3] * 2
    assert body_unit(after) == pytest.approx(body_unit(before), rel=0.01)
    ground = before.bounds[1] + before.bounds[3]
    assert after.bounds[1] + after.bounds[3] == pytest.approx(ground, abs=0.1)
    assert session.undo_stack.count() == 2
    panel.search.clear()
    count = panel.model.rowCount()
    desk.editing.keep_pose(after, "Siesta")
    assert panel.model.rowCount() == count + 1
    assert panel.model.index(0).data() == "Siesta"
    own = desk.library.poses[0]
    panel.delete(own.id)
    assert panel.model.rowCount() == count


def test_a_card_can_be_dragged_onto_the_canvas(desk: MainWindow) -> None:
    model = desk.library_panel.model
    mime = model.mimeData([model.index(3)])
    pose_id = bytes(mime.data(POSE_MIME).data()).decode()
    desk.canvas.pose_dropped.emit(pose_id, 300.0, 350.0)
    x, y, width, height = desk.session.document.people[-1].pose.bounds
    assert (x + width / 2, y + height / 2) == pytest.approx((300, 350), abs=1)


def test_no_match_says_so(desk: MainWindow) -> None:
    desk.library_panel.search.setText("xyzzy")
    assert desk.library_panel._empty.isVisibleTo(desk.library_panel)
    assert "xyzzy" in desk.library_panel._empty.text()


def test_every_card_has_a_picture_in_both_themes(desk: MainWindow) -> None:
    for theme in ("light", "dark"):
        desk.settings.theme = theme
        model = desk.library_panel.model
        for row in range(model.rowCount()):
            assert not model.index(row).data(Qt.ItemDataRole.DecorationRole).isNull()


# -- dialogs -------------------------------------------------------------------------------------
def test_settings_take_effect_at_once(desk: MainWindow, qtbot: QtBot) -> None:
    dialog = SettingsDialog(desk.settings, desk)
    qtbot.addWidget(dialog)
    dialog.theme.setCurrentIndex(2)
    dialog.theme.activated.emit(2)
    assert desk.theme.dark
    dialog.joint.setValue(9.0)
    assert desk.canvas.look.joint_px == 9.0
    dialog.autosave.setValue(30)
    assert desk.settings.autosave_s == 30
    dialog.wide.setValue(640)
    assert desk.settings.canvas_size[0] == 640


def test_canvas_size_keeps_proportions_when_asked(desk: MainWindow, qtbot: QtBot) -> None:
    dialog = CanvasSizeDialog(Document((800, 400)), desk)
    qtbot.addWidget(dialog)
    dialog._keep.setChecked(True)
    dialog.width_spin.setValue(400)
    assert dialog.size_px == (400, 200)
    assert not dialog.scales_people


def test_the_recovery_dialog_restores_and_discards(
    qtbot: QtBot, tmp_path: Path, settings: Settings
) -> None:
    entries = [Leftover(tmp_path / f"{n}.pose", None, 0.0, n) for n in (1, 2)]
    dialog = RecoveryDialog(entries)
    qtbot.addWidget(dialog)
    assert "1 person," in dialog.list.item(0).text()
    dialog._discard.click()
    assert dialog.discarded == entries[:1]
    dialog._restore.click()
    assert dialog.chosen == entries[1]


def test_tab_bars_have_names(window: MainWindow, qtbot: QtBot) -> None:
    bars = window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly)
    assert bars
    qtbot.waitUntil(lambda: all(bar.accessibleName() for bar in bars))


# -- tabs ----------------------------------------------------------------------------------------
def test_panels_behind_others_do_not_draw_what_is_dragged(
    desk: MainWindow, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    """Qt calls them visible: they lie beyond the window's edge."""
    drawn: list[str] = []
    show = desk.heatmaps_panel._show
    monkeypatch.setattr(
        desk.heatmaps_panel, "_show", lambda *given: (drawn.append("heatmaps"), show(*given))
    )
    desk.session.select("anna")
    desk.show_panel("people")
    desk.show_panel("transfer")
    settle()
    assert not desk.viewport_panel.link._hasty and desk.viewport_panel.isVisible()
    drawn.clear()
    desk.session.undo_stack.push(MoveJoint(desk.session, "anna", 9, (300.0, 100.0), drag=1))
    qtbot.wait(120)
    assert not drawn and desk.heatmaps_panel.isVisible()
    desk.show_panel("heatmaps")
    desk.show_panel("viewport")
    settle()
    assert desk.viewport_panel.link._hasty
    qtbot.waitUntil(lambda: "heatmaps" in drawn, timeout=3000)
    maps = desk.heatmaps_panel._edited
    assert maps is not None
    assert np.array_equal(maps, _maps_of(desk, "anna"))


def _maps_of(window: MainWindow, person: str) -> np.ndarray:
    from poseapp.services import heatmap_export

    return heatmap_export.of_pose(window.session.document.person(person).pose)


def test_the_mouse_over_the_canvas_lays_nothing_out_anew(desk: MainWindow) -> None:
    """Each new text of a label asks for a layout of the whole window, unless its size is fixed."""
    sizes = set()
    for x in (1.0, -12345.0, 99999.0):
        desk.status.show_position(x, x)
        label = desk.status.coordinates
        sizes.add(label.size().toTuple())
        assert label.fontMetrics().horizontalAdvance(label.text()) <= label.width()
    assert len(sizes) == 1
    assert desk.status.coordinates.minimumSize() == desk.status.coordinates.maximumSize()


def test_the_pictures_of_empty_panels_follow_the_theme(desk: MainWindow) -> None:
    def ink(emblem: Emblem) -> float:
        image = emblem.pixmap().toImage()
        places = [(x, y) for x in range(image.width()) for y in range(image.height())]
        shown = [image.pixelColor(x, y) for x, y in places if image.pixelColor(x, y).alpha() > 200]
        return float(np.mean([colour.lightness() for colour in shown]))

    emblems = desk.findChildren(Emblem)
    assert len(emblems) >= 4
    inks = {}
    for theme in ("light", "dark"):
        desk.settings.theme = theme
        settle()
        inks[theme] = [ink(emblem) for emblem in emblems]
    assert max(inks["light"]) < 110 and min(inks["dark"]) > 140
