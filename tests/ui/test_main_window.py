"""The window as a whole: menus, files, clipboard, drops, faults, closing."""

# ruff: noqa: RUF005 - an array plus a pair moves it

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QFileDialog,
    QLineEdit,
    QMessageBox,
    QToolButton,
)
from pytestqt.qtbot import QtBot

from poseapp.core.document import Document, Person
from poseapp.core.pose import Visibility
from poseapp.core.standing import standing
from poseapp.formats import files as format_files
from poseapp.formats import registry
from poseapp.state import recovery
from poseapp.state.commands import MoveJoint
from poseapp.state.settings import Settings
from poseapp.ui.actions import ACTIONS, SUBMENUS
from poseapp.ui.dialogs.export import ExportDialog
from poseapp.ui.dialogs.shortcuts import ShortcutsDialog
from poseapp.ui.main_window import MainWindow
from tests.ui.conftest import Hand

Make = Callable[..., MainWindow]


def two_people() -> Document:
    return Document(
        (768, 768),
        (
            Person(standing((220, 380), 500), "Anna", "#4C9AFF", id="anna"),
            Person(standing((540, 400), 420), "Ben", "#FF8B4C", id="ben"),
        ),
    )


@pytest.fixture
def peopled(make_window: Make) -> MainWindow:
    return make_window(two_people())


def trigger(window: MainWindow, action: str) -> None:
    assert window.actions_by_id[action].isEnabled(), action
    window.actions_by_id[action].trigger()


def test_the_window_opens_empty_and_says_what_to_do(window: MainWindow) -> None:
    assert window.hint.isVisible()
    assert window.windowTitle() == "Untitled[*] – PoseApp"
    assert not window.isWindowModified()
    window.hint.findChildren(QAbstractButton)[1].click()
    assert len(window.session.document.people) == 1
    assert not window.hint.isVisible()
    assert window.isWindowModified()
    trigger(window, "undo")
    assert window.hint.isVisible()
    assert not window.isWindowModified()


def test_the_engine_starts_after_the_window_and_ends_with_it(
    window: MainWindow, qtbot: QtBot
) -> None:
    assert window.engine.started == 0
    window.start()
    qtbot.waitUntil(lambda: window.engine.started == 1)
    window.close()
    assert window.engine.ended == 1


def test_every_action_has_a_menu_a_slot_and_its_own_keys(window: MainWindow) -> None:
    seen: dict[str, str] = {}
    for spec in ACTIONS:
        if spec.id in SUBMENUS:
            continue
        action = window.actions_by_id[spec.id]
        assert action.toolTip()
        for keys in action.shortcuts():
            text = keys.toString()
            assert text, f"{spec.id}: a shortcut that Qt does not know"
            assert text not in seen, f"{spec.id} and {seen[text]} share {text}"
            seen[text] = spec.id
    listed = set()
    for menu in window.menuBar().actions():
        stack = [menu.menu()]
        while stack:
            for entry in stack.pop().actions():
                listed.add(entry.objectName())
                if entry.menu():
                    stack.append(entry.menu())
    assert {s.id for s in ACTIONS if s.id not in SUBMENUS} <= listed


def test_every_button_says_what_it_is(window: MainWindow) -> None:
    for button in window.findChildren(QToolButton):
        inside = isinstance(button.parent(), QLineEdit) or button.objectName().startswith("qt_")
        if button.isVisible() and not inside:
            name = button.accessibleName() or button.text() or button.toolTip()
            assert name, (button.parent(), button.parent().objectName())


def test_shortcuts_dialog_lists_all_keys_and_searches(window: MainWindow, qtbot: QtBot) -> None:
    dialog = ShortcutsDialog(window)
    qtbot.addWidget(dialog)
    rows = [
        dialog.tree.topLevelItem(i).child(j)
        for i in range(dialog.tree.topLevelItemCount())
        for j in range(dialog.tree.topLevelItem(i).childCount())
    ]
    assert len(rows) >= sum(bool(s.keys) for s in ACTIONS)
    dialog.search.setText("mirror")
    assert [r.text(0) for r in rows if not r.isHidden()] == ["Mirror left-right"]


# -- edits ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "action",
    [
        "mirror", "turn", "symmetrise_left", "symmetrise_right", "duplicate", "delete_person",
        "raise", "hide", "lock", "centre", "cut", "nudge_left", "nudge_down_far",
    ],
)  # fmt: skip
def test_an_action_is_one_step_and_undo_takes_it_back(peopled: MainWindow, action: str) -> None:
    session = peopled.session
    session.undo_stack.push(MoveJoint(session, "anna", 9, (300, 300)))
    session.select("anna")
    before, steps = session.document, session.undo_stack.count()
    trigger(peopled, action)
    assert session.document != before
    assert session.undo_stack.count() == steps + 1
    trigger(peopled, "undo")
    assert session.document == before
    trigger(peopled, "redo")
    assert session.document != before


def test_mirror_swaps_names_and_turn_around_keeps_places(peopled: MainWindow) -> None:
    session = peopled.session
    session.undo_stack.push(MoveJoint(session, "anna", 9, (320, 300)))
    session.select("anna")
    raised = session.document.person("anna").pose
    trigger(peopled, "turn")
    turned = session.document.person("anna").pose
    assert np.allclose(turned.keypoints[10], raised.keypoints[9])
    trigger(peopled, "mirror")
    assert np.allclose(session.document.person("anna").pose.keypoints[9][1], 300)


def test_arrow_keys_nudge_by_1_and_10_as_one_run(peopled: MainWindow, qtbot: QtBot) -> None:
    session = peopled.session
    session.select("anna", {9})
    before = session.document.person("anna").pose
    peopled.canvas.setFocus()
    for _ in range(3):
        qtbot.keyClick(peopled.canvas, Qt.Key.Key_Right)
    qtbot.keyClick(peopled.canvas, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    after = session.document.person("anna").pose
    assert np.allclose(after.keypoints[9], before.keypoints[9] + (3, -10))
    assert np.array_equal(after.keypoints[7], before.keypoints[7])
    assert session.undo_stack.count() == 1
    session.select("anna")
    qtbot.keyClick(peopled.canvas, Qt.Key.Key_Down)
    assert np.allclose(session.document.person("anna").pose.keypoints, after.keypoints + (0, 1))


def test_tool_keys_work_anywhere_but_in_text_fields(peopled: MainWindow, qtbot: QtBot) -> None:
    peopled.canvas.setFocus()
    qtbot.keyClick(peopled.canvas, Qt.Key.Key_R)
    assert peopled.canvas.tool == "rotate"
    assert peopled.actions_by_id["tool_rotate"].isChecked()
    peopled.show_panel("library")
    peopled.library_panel.search.setFocus()
    qtbot.keyClick(peopled.library_panel.search, Qt.Key.Key_V)
    assert peopled.canvas.tool == "rotate"
    assert peopled.library_panel.search.text() == "v"


def test_delete_makes_chosen_joints_absent_then_the_person_goes(peopled: MainWindow) -> None:
    session = peopled.session
    session.select("anna", {9, 10})
    trigger(peopled, "delete")
    pose = session.document.person("anna").pose
    assert set(np.flatnonzero(~pose.present)) == {9, 10}
    trigger(peopled, "restore")
    assert session.document.person("anna").pose.present.all()
    session.select("anna")
    trigger(peopled, "delete")
    assert [p.id for p in session.document.people] == ["ben"]


def test_esc_lets_go_of_joints_and_then_of_the_person(peopled: MainWindow) -> None:
    session = peopled.session
    session.select("anna", {9})
    trigger(peopled, "select_none")
    assert (session.selection.person, session.selection.joints) == ("anna", frozenset())
    trigger(peopled, "select_none")
    assert session.selection.person is None


def test_the_add_tool_adds_a_person_that_fits_the_box(window: MainWindow) -> None:
    window.canvas.set_tool("add")
    Hand(window.canvas).drag((300, 200), (500, 600))
    x, y, width, height = window.session.document.people[0].pose.bounds
    assert QRectF(299, 199, 202, 402).contains(QRectF(x, y, width, height))
    assert height > 350 or width > 180


def test_newcomers_stand_beside_the_others_inside_the_canvas(window: MainWindow) -> None:
    for _ in range(3):
        trigger(window, "add")
    boxes = [p.pose.bounds for p in window.session.document.people]
    middles = sorted(b[0] + b[2] / 2 for b in boxes)
    assert min(np.diff(middles)) > 90
    assert all(b[0] >= 0 and b[0] + b[2] <= 768 and b[1] >= 0 for b in boxes)
    assert len({p.colour for p in window.session.document.people}) == 3


# -- clipboard -----------------------------------------------------------------------------------
def test_copy_is_coco_json_and_paste_brings_it_back(peopled: MainWindow) -> None:
    session = peopled.session
    session.select("anna", {10})
    trigger(peopled, "hidden")
    session.select("anna")
    trigger(peopled, "copy")
    text = QGuiApplication.clipboard().text()
    value = json.loads(text)
    assert value["annotations"][0]["num_keypoints"] == 17
    assert value["categories"][0]["keypoints"][9] == "left_wrist"
    trigger(peopled, "paste")
    people = session.document.people
    assert len(people) == 3 and len({p.id for p in people}) == 3
    new, old = people[-1], session.document.person("anna")
    assert new.name == "Anna copy" and new.colour.upper() != old.colour.upper()
    assert np.array_equal(new.pose.visibility, old.pose.visibility)
    assert np.allclose(new.pose.keypoints, old.pose.keypoints + (24, 24), atol=0.01)
    assert session.selection.person == new.id
    trigger(peopled, "undo")
    assert len(session.document.people) == 2


def test_pasting_what_is_no_pose_says_so(window: MainWindow) -> None:
    for text in ("hello", "{broken", '{"a": 1}', ""):
        QGuiApplication.clipboard().setText(text)
        window.infobar.hide()
        trigger(window, "paste")
        assert window.infobar.text.endswith(".")
        assert "\n" not in window.infobar.text
        assert not window.session.document.people


def test_a_pasted_picture_becomes_the_photo(window: MainWindow) -> None:
    image = QImage(200, 100, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.red)
    mime = QMimeData()
    mime.setImageData(image)
    QGuiApplication.clipboard().setMimeData(mime)
    trigger(window, "paste")
    assert window.session.document.photo.size == (200, 100)
    assert window.session.document.size == (200, 100)


# -- files ---------------------------------------------------------------------------------------
@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    cv2.imwrite(str(path), np.full((300, 400, 3), (60, 120, 200), np.uint8))
    return path


def test_save_open_and_recent(peopled: MainWindow, tmp_path: Path, monkeypatch: object) -> None:
    file = tmp_path / "Lesson.pose"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(file), ""))
    trigger(peopled, "add")
    assert peopled.isWindowModified()
    trigger(peopled, "save")
    assert not peopled.isWindowModified()
    assert peopled.windowTitle().startswith("Lesson.pose")
    saved = peopled.session.document
    trigger(peopled, "new")
    assert not peopled.session.document.people
    menu = peopled.actions_by_id.submenu("recent")
    menu.aboutToShow.emit()
    assert menu.actions()[0].text() == "Lesson.pose"
    menu.actions()[0].trigger()
    assert peopled.session.document.people == saved.people
    assert peopled.session.path == file
    assert peopled.session.undo_stack.count() == 0


@pytest.mark.parametrize(
    ("answer", "stays", "saves"),
    [
        (QMessageBox.StandardButton.Cancel, True, False),
        (QMessageBox.StandardButton.Discard, False, False),
        (QMessageBox.StandardButton.Save, False, True),
    ],
)
def test_closing_with_unsaved_changes_asks(
    peopled: MainWindow, tmp_path: Path, answer: object, stays: bool, saves: bool
) -> None:
    file = tmp_path / "a.pose"
    assert peopled.files.save_to(file)
    before = file.read_bytes()
    trigger(peopled, "add")
    peopled.files.ask_unsaved = lambda: answer  # type: ignore[method-assign]
    peopled.close()
    assert peopled.isVisible() is stays
    assert (file.read_bytes() != before) is saves


def test_dropped_files_find_their_place(window: MainWindow, tmp_path: Path, photo: Path) -> None:
    session = window.session
    keypoints = tmp_path / "people.json"
    registry.save(two_people(), keypoints, "coco")
    window.files.drop([photo])
    assert session.document.size == (400, 300)
    window.files.drop([keypoints])
    assert len(session.document.people) == 2
    assert session.document.photo is not None
    window.files.drop([keypoints])
    assert len(session.document.people) == 4
    assert len({p.id for p in session.document.people}) == 4
    project = tmp_path / "one.pose"
    registry.save(Document(people=two_people().people[:1]), project, "pose")
    session.undo_stack.setClean()
    window.files.drop([project])
    assert len(session.document.people) == 1
    assert session.path == project


def test_a_photo_scales_the_people_along_with_the_canvas(peopled: MainWindow, photo: Path) -> None:
    before = peopled.session.document
    assert peopled.files.set_photo(photo)
    after = peopled.session.document
    assert after.size == (400, 300)
    old, new = before.people[0].pose.bounds, after.people[0].pose.bounds
    assert new[3] / old[3] == pytest.approx(300 / 768)
    assert new[1] == pytest.approx(old[1] * 300 / 768)
    peopled.session.undo_stack.undo()
    assert peopled.session.document == before


def test_opacity_slides_as_one_step(window: MainWindow, photo: Path) -> None:
    window.files.set_photo(photo)
    steps = window.session.undo_stack.count()
    slider = window.people_panel.opacity
    slider.setSliderDown(True)
    for value in (55, 40, 30):
        slider.setValue(value)
    slider.setSliderDown(False)
    assert window.session.document.photo_opacity == pytest.approx(0.3)
    assert window.session.undo_stack.count() == steps + 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("broken.json", b'{"people": ['),
        ("other.json", b'{"a": 1}'),
        ("empty.json", b""),
        ("bad.pose", b"PK\x03\x04 this is no zip"),
        ("photo.png", b"\x89PNG\r\n\x1a\n"),
        ("gone.json", None),
    ],
)
def test_a_broken_file_gives_one_sentence_and_keeps_the_document(
    peopled: MainWindow, tmp_path: Path, name: str, content: bytes | None
) -> None:
    before = peopled.session.document
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    peopled.files.open_path(path)
    assert peopled.session.document is before
    assert peopled.infobar.level == "error"
    assert peopled.infobar.isVisible()
    text = peopled.infobar.text
    assert name in text and text.endswith(".") and "\n" not in text and "Traceback" not in text


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_save_that_fails_keeps_the_old_file_and_the_changes(
    peopled: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    file = tmp_path / "a.pose"
    assert peopled.files.save_to(file)
    before = file.read_bytes()
    trigger(peopled, "add")
    changed = peopled.session.document

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(format_files.os, "fsync", fail)
    assert not peopled.files.save()
    assert file.read_bytes() == before
    assert list(tmp_path.glob(".a.pose*")) == []
    assert peopled.session.document is changed
    assert peopled.isWindowModified()
    assert peopled.infobar.level == "error"
    assert "a.pose" in peopled.infobar.text
    monkeypatch.undo()
    assert peopled.files.save()
    assert not peopled.infobar.isVisible()
    assert registry.load(file).people == changed.people


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_read_only_folder_gives_one_sentence(peopled: MainWindow, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    assert not peopled.files.save_to(folder / "a.pose")
    assert "read-only" in peopled.infobar.text


def test_export_writes_what_the_dialog_chose(
    peopled: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = ExportDialog(peopled.session, peopled.settings, peopled)
    qtbot.addWidget(dialog)
    for place in range(dialog.formats.count()):
        dialog.formats.setCurrentRow(place)
        entry = registry.FORMATS[dialog.format_name]
        target = tmp_path / f"{entry.name}{entry.extensions[0]}"
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, t=target: (str(t), ""))
        dialog._export.click()
        path, name, options = dialog.choice()
        assert (path, name) == (target, entry.name)
        assert peopled.files.write(path, name, **options)
        if entry.can_load:
            again = registry.load(path)
            assert len(again.people) == 2
            assert np.allclose(
                again.people[0].pose.keypoints[5:],
                two_people().people[0].pose.keypoints[5:],
                atol=0.6,
            )
        else:
            assert path.stat().st_size > 200


# -- recovery ------------------------------------------------------------------------------------
def test_a_leftover_is_offered_and_restored(
    make_window: Make, settings: Settings, tmp_path: Path
) -> None:
    folder = recovery.recovery_dir(settings)
    folder.mkdir(parents=True)
    registry.save(two_people(), folder / "crash.pose", "pose")
    window = make_window()
    window.offer_recovery()
    assert "can be restored" in window.infobar.text
    entry = recovery.leftovers(settings)[0]
    window.restore(entry)
    assert [p.name for p in window.session.document.people] == ["Anna", "Ben"]
    assert window.isWindowModified()
    assert not (folder / "crash.pose").exists()
    assert window.autosave.file.exists()


# -- look ----------------------------------------------------------------------------------------
def test_themes_change_at_once(peopled: MainWindow, qtbot: QtBot) -> None:
    def corner() -> int:
        return peopled.canvas.grab().toImage().pixelColor(3, 3).lightness()

    trigger(peopled, "theme_dark")
    assert peopled.theme.dark and corner() < 60
    assert QApplication.palette().window().color().lightness() < 60
    trigger(peopled, "theme_light")
    assert not peopled.theme.dark and corner() > 190


def test_arrangement_and_recent_files_are_kept(make_window: Make, tmp_path: Path) -> None:
    first = make_window()
    first.docks["heatmaps"].close()
    first.resize(1100, 700)
    first.close()
    second = make_window()
    assert second.docks["heatmaps"].isHidden()
    assert second.size().width() == 1100
    trigger(second, "reset_layout")
    assert not second.docks["heatmaps"].isHidden()


def test_an_uncaught_error_becomes_one_sentence(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from poseapp import app

    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    app.install_excepthook(window, tmp_path / "poseapp.log")
    try:
        raise ZeroDivisionError("oops")
    except ZeroDivisionError as exc:
        sys.excepthook(type(exc), exc, exc.__traceback__)
    assert "unexpected" in window.infobar.text
    assert "oops" not in window.infobar.text
    assert "poseapp.log" in window.infobar.text


def test_the_menu_of_a_person_brings_joints_back(peopled: MainWindow) -> None:
    session = peopled.session
    session.select("anna", {9})
    peopled.posing.set_visibility(frozenset({9}), Visibility.ABSENT)
    pose = session.document.person("anna").pose
    at = peopled.canvas.to_screen(pose.keypoints[[5, 6, 11, 12]].mean(0))
    menu = peopled.canvas_menu(peopled.canvas.viewport().mapToGlobal(at))
    back = menu.actions()[0].menu()
    assert [a.text() for a in back.actions()] == ["left wrist"]
    back.actions()[0].trigger()
    back_again = session.document.person("anna").pose
    assert back_again.present[9]
    assert np.linalg.norm(back_again.keypoints[9] - two_people().people[0].pose.keypoints[9]) < 30
