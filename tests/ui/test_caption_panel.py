"""From a caption to a pose on the canvas, through the panel's own widgets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication

from poseapp.core.errors import TaskError
from poseapp.services.samples import Sample
from poseapp.state.commands import EditPerson
from poseapp.state.session import Session
from poseapp.state.settings import Settings
from poseapp.ui.panels.caption import CaptionPanel
from poseapp.ui.panels.gallery import POSE_MIME
from tests.helpers.stub_engine import StubEngine, made_up_poses


@pytest.fixture
def session(qapp) -> Iterator[Session]:
    session = Session()
    yield session
    session.shutdown()


@pytest.fixture
def engine(qapp) -> StubEngine:
    return StubEngine()


@pytest.fixture
def settings(qapp, tmp_path: Path) -> Settings:
    return Settings.in_folder(tmp_path / "settings")


@pytest.fixture
def panel(qtbot, session: Session, engine: StubEngine, settings: Settings) -> CaptionPanel:
    panel = CaptionPanel(session, engine, settings)
    qtbot.addWidget(panel)
    panel.resize(360, 700)
    panel.show()
    return panel


def type_caption(qtbot, panel: CaptionPanel, text: str) -> None:
    panel.form.caption_edit.clear()
    qtbot.keyClicks(panel.form.caption_edit, text)
    qtbot.keyClick(panel.form.caption_edit, Qt.Key.Key_Return)


def shown(panel: CaptionPanel) -> list[Sample]:
    return panel.gallery.gallery.samples()


@pytest.fixture
def filled(qtbot, panel: CaptionPanel, engine: StubEngine) -> CaptionPanel:
    type_caption(qtbot, panel, "a man is surfing")
    engine.answer()
    qtbot.waitUntil(lambda: not panel.gallery.is_drawing, timeout=10_000)
    return panel


def test_enter_asks_for_what_the_controls_say(qtbot, panel, engine: StubEngine) -> None:
    panel.form.count_box.setValue(12)
    panel.form.seed_box.setValue(41)
    type_caption(qtbot, panel, "  a man   is surfing ")
    _, task, kwargs = engine.last
    assert task == "caption_to_poses"
    assert kwargs["captions"] == ["a man is surfing"]
    assert (kwargs["count"], kwargs["seed"], kwargs["guidance"]) == (12, 41, None)


def test_poses_appear_as_they_are_made(qtbot, panel, engine: StubEngine) -> None:
    type_caption(qtbot, panel, "a man is surfing")
    kwargs = engine.last[2]
    assert panel.gallery.gallery.rowCount() == kwargs["count"]  # room for all
    assert shown(panel) == []
    assert panel.stop_button.isVisible()
    engine.answer()
    assert len(shown(panel)) == kwargs["count"]
    assert not panel.stop_button.isVisible()
    qtbot.waitUntil(lambda: not panel.gallery.is_drawing, timeout=10_000)
    made = panel.gallery.pixmap_of(shown(panel)[0]).toImage()
    corner, colours = made.pixel(1, 1), set()
    for x in range(0, made.width(), 3):
        colours |= {made.pixel(x, y) for y in range(0, made.height(), 3)}
    assert len(colours - {corner}) > 10  # a figure was drawn


def test_stale_answers_are_ignored(qtbot, panel, engine: StubEngine) -> None:
    type_caption(qtbot, panel, "a man is surfing")
    first = engine.last
    type_caption(qtbot, panel, "a man is sitting")
    engine.task_partial.emit(first[0], {"start": 0})  # would fail if it were read
    engine.answer()
    assert {s.caption for s in shown(panel)} == {"a man is sitting"}


@pytest.mark.parametrize("text", ["", "   ", "😀", "一个男人"])
def test_unreadable_caption_says_one_sentence(qtbot, panel, engine, text: str) -> None:
    panel.form.caption_edit.setText(text)
    panel.form.generate()
    assert engine.submitted == []
    assert panel.notice.text
    assert "\n" not in panel.notice.text


def test_unknown_words_are_named(qtbot, panel, engine: StubEngine) -> None:
    type_caption(qtbot, panel, "a zqxwv man")
    engine.answer(unknown_words=("zqxwv",))
    assert "zqxwv" in panel.notice.text


def test_failure_is_told_and_the_poses_before_stay(qtbot, filled, engine: StubEngine) -> None:
    before = shown(filled)
    type_caption(qtbot, filled, "a man is sitting")
    engine.task_failed.emit(engine.last[0], TaskError("The models ended: try once more."))
    assert filled.notice.text == "The models ended: try once more."
    assert not filled.stop_button.isVisible()
    assert shown(filled) == before
    assert filled.gallery.gallery.rowCount() == len(before)  # no empty places are left


def test_part_of_an_answer_stays_after_a_failure(qtbot, filled, engine: StubEngine) -> None:
    type_caption(qtbot, filled, "a man is sitting")
    poses = made_up_poses(3, 0)
    engine.task_partial.emit(engine.last[0], {**poses, "start": 0})
    engine.task_failed.emit(engine.last[0], TaskError("The models ended: try once more."))
    assert [s.caption for s in shown(filled)] == ["a man is sitting"] * 3


def test_stop_cancels(qtbot, panel, engine: StubEngine) -> None:
    type_caption(qtbot, panel, "a man is surfing")
    qtbot.mouseClick(panel.stop_button, Qt.MouseButton.LeftButton)
    assert not panel.stop_button.isVisible()
    assert panel.gallery.gallery.rowCount() == 0


def test_double_click_adds_a_person_and_undo_takes_it_away(qtbot, filled, session) -> None:
    first = filled.gallery.gallery.index(0)
    centre = filled.gallery.visualRect(first).center()
    viewport = filled.gallery.viewport()
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=centre)
    qtbot.mouseDClick(viewport, Qt.MouseButton.LeftButton, pos=centre)
    assert len(session.document.people) == 1
    x, y, width, height = session.document.people[0].pose.bounds
    assert x >= 0 and y >= 0
    assert x + width <= session.document.size[0] and y + height <= session.document.size[1]
    assert max(width, height) > 0.5 * min(session.document.size)
    session.undo_stack.undo()
    assert session.document.people == ()


def test_a_pick_takes_the_place_of_the_active_person(filled, session) -> None:
    samples = shown(filled)
    filled.put_on_canvas(samples[0])
    person = session.document.people[0]
    side = max(person.pose.bounds[2:])
    for sample in samples[1:12]:
        filled.put_on_canvas(sample)
    after = session.document.people[0]
    assert len(session.document.people) == 1
    assert after.id == person.id
    assert max(after.pose.bounds[2:]) == pytest.approx(side, rel=1e-6)  # it does not shrink
    session.undo_stack.undo()
    assert session.document.people[0].pose != after.pose


def test_enter_puts_the_current_pose_on_the_canvas(qtbot, filled, session) -> None:
    filled.gallery.setCurrentIndex(filled.gallery.gallery.index(2))
    qtbot.keyClick(filled.gallery, Qt.Key.Key_Return)
    assert len(session.document.people) == 1


def test_locked_person_is_left_alone(filled, session) -> None:
    filled.put_on_canvas(shown(filled)[0])
    person = session.document.people[0]
    session.undo_stack.push(EditPerson(session, person.id, "Lock", locked=True))
    session.select(person.id)
    filled.put_on_canvas(shown(filled)[1])
    assert session.document.people[0].pose == person.pose
    assert "locked" in filled.notice.text


def test_selecting_shows_the_heatmaps(qtbot, filled) -> None:
    picked: list[Sample] = []
    filled.sample_picked.connect(picked.append)
    filled.gallery.setCurrentIndex(filled.gallery.gallery.index(3))
    assert picked[-1].heatmaps.shape == (17, 64, 64)


def test_dragged_pose_lands_where_it_is_dropped(filled, session) -> None:
    index = filled.gallery.gallery.index(1)
    mime = filled.gallery.gallery.mimeData([index])
    drag_id = bytes(mime.data(POSE_MIME).data()).decode()
    assert filled.drop_on_canvas(drag_id, 200.0, 300.0)
    x, y, width, height = session.document.people[0].pose.bounds
    assert x + width / 2 == pytest.approx(200.0)
    assert y + height / 2 == pytest.approx(300.0)
    assert not filled.drop_on_canvas("another id", 0.0, 0.0)


def test_seed_changes_with_each_request_unless_locked(qtbot, filled, engine) -> None:
    seeds = {engine.last[2]["seed"]}
    for _ in range(3):
        type_caption(qtbot, filled, "a man is surfing")
        seeds.add(engine.last[2]["seed"])
    assert len(seeds) > 1
    filled.form.lock_button.setChecked(True)
    kept = engine.last[2]["seed"]
    type_caption(qtbot, filled, "a man is sitting")
    assert engine.last[2]["seed"] == kept


def test_typed_seed_is_used(qtbot, filled, engine) -> None:
    filled.form.seed_box.setValue(123)
    type_caption(qtbot, filled, "a man is sitting")
    assert engine.last[2]["seed"] == 123


def test_guidance_slider_samples_again_with_the_same_seed(qtbot, filled, engine) -> None:
    before = engine.last
    filled.form.strength.setValue(31)
    filled.form.strength.setValue(32)
    qtbot.waitUntil(lambda: engine.last is not before, timeout=3000)
    qtbot.wait(400)
    assert len(engine.submitted) == 2  # two moves, one request
    assert engine.last[2]["guidance"] == pytest.approx(3.2)
    assert engine.last[2]["seed"] == before[2]["seed"]
    filled.form.reset_button.click()
    qtbot.waitUntil(lambda: engine.last[2]["guidance"] is None, timeout=3000)
    assert filled.form.strength_value.text() == "auto 1.7"


def test_noise_scale_for_the_wgan(qtbot, filled, engine) -> None:
    filled.form.model_box.setCurrentIndex(filled.form.model_box.findData("caption_wgan"))
    filled.form.strength.setValue(70)
    qtbot.waitUntil(lambda: engine.last[2]["noise_scale"] == pytest.approx(0.7), timeout=3000)
    assert engine.last[2]["model"] == "caption_wgan"
    assert engine.last[2]["guidance"] is None


def test_more_like_this_keeps_the_pose(filled, engine) -> None:
    sample = shown(filled)[5]
    filled.more_like(sample)
    noise, amount = engine.last[2]["variation"]
    np.testing.assert_array_equal(noise, sample.noise)
    assert 0 < amount < 1
    engine.answer()
    assert shown(filled)[0] is sample  # starred, first of its likes


def test_starred_poses_stay(qtbot, filled, engine) -> None:
    sample = shown(filled)[7]
    filled.gallery.gallery.toggle_star(filled.gallery.gallery.index(7))
    type_caption(qtbot, filled, "a man is sitting")
    engine.answer()
    assert shown(filled)[0] is sample
    assert len(shown(filled)) == 25


def test_strip_between_two_captions(qtbot, filled, engine) -> None:
    filled.form.strip_button.setChecked(True)
    filled.form.second_edit.setText("a man is sitting")
    qtbot.keyClick(filled.form.second_edit, Qt.Key.Key_Return)
    kwargs = engine.last[2]
    assert kwargs["captions"] == ["a man is surfing", "a man is sitting"]
    assert kwargs["blend"] == "captions"
    engine.answer()
    assert len(filled.strip.gallery.samples()) == kwargs["count"]
    assert len(shown(filled)) == 24  # the gallery is as it was


def test_interpolate_with_another_pose(filled, engine) -> None:
    start, end = shown(filled)[0], shown(filled)[3]
    menu = filled.context_menu(start)
    titles = {action.text(): action for action in menu.actions()}
    titles["Interpolate with …"].trigger()
    filled.gallery.setCurrentIndex(filled.gallery.gallery.index(3))
    kwargs = engine.last[2]
    assert kwargs["blend"] == "noises"
    np.testing.assert_array_equal(kwargs["noises"], [start.noise, end.noise])


def test_context_menu_saves_stars_and_copies(filled) -> None:
    saved: list[tuple] = []
    filled.save_requested.connect(lambda pose, name: saved.append((pose, name)))
    sample = shown(filled)[2]
    titles = {a.text(): a for a in filled.context_menu(sample).actions()}
    titles["Save to library"].trigger()
    titles["Copy seed"].trigger()
    titles["Star (kept in the gallery)"].trigger()
    assert saved[0][1] == "a man is surfing"
    assert saved[0][0].present.all()
    assert QGuiApplication.clipboard().text() == str(sample.request.seed)
    assert filled.gallery.gallery.is_starred(sample)


def test_threshold_of_the_heatmaps_counts_for_picks(filled, session, settings) -> None:
    sample = shown(filled)[0]
    sample.confidence[3] = 0.4
    settings.put("heatmaps/threshold", 0.5)
    filled.put_on_canvas(sample)
    assert not session.document.people[0].pose.present[3]
    assert session.document.people[0].pose.present.sum() == 16


def test_history_is_kept(qtbot, filled, session, engine, settings) -> None:
    type_caption(qtbot, filled, "a man is sitting")
    assert settings.get("caption/history", []) == ["a man is sitting", "a man is surfing"]


def test_examples_teach_and_work(qtbot, panel, engine: StubEngine) -> None:
    from PySide6.QtWidgets import QPushButton

    chips = [b for b in panel.findChildren(QPushButton) if b.objectName() == "chip"]
    assert len(chips) >= 3
    chips[0].click()
    assert engine.last[2]["captions"] == [chips[0].text()]


def test_views_switch(qtbot, filled) -> None:
    sample = shown(filled)[0]
    skeleton = filled.gallery.pixmap_of(sample).toImage()
    filled._views.button(1).click()
    qtbot.waitUntil(lambda: not filled.gallery.is_drawing, timeout=10_000)
    assert filled.gallery.pixmap_of(sample).toImage() != skeleton


def test_every_control_has_a_name_and_a_tip(panel) -> None:
    from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QLineEdit, QSlider, QToolButton

    for kind in (QToolButton, QComboBox, QSlider, QAbstractSpinBox, QLineEdit):
        for widget in panel.findChildren(kind):
            if widget.objectName() in ("qt_spinbox_lineedit", "") and widget.parent() in (
                panel.findChildren(QAbstractSpinBox) + panel.findChildren(QLineEdit)
            ):
                continue  # parts of another control
            assert widget.accessibleName(), widget
            assert widget.toolTip(), widget


def test_menu_key_opens_the_menu(qtbot, filled) -> None:
    asked: list[tuple[Sample, QPoint]] = []
    filled.gallery.menu_requested.disconnect(filled._on_menu)
    filled.gallery.menu_requested.connect(lambda s, p: asked.append((s, p)))
    filled.gallery.setCurrentIndex(filled.gallery.gallery.index(1))
    qtbot.keyClick(filled.gallery, Qt.Key.Key_Menu)
    assert asked[0][0] is shown(filled)[1]


def test_poses_come_back_with_their_pictures_when_a_request_brings_nothing(
    qtbot, filled: CaptionPanel, engine: StubEngine
) -> None:
    before = shown(filled)
    qtbot.waitUntil(lambda: not filled.gallery.is_drawing)
    type_caption(qtbot, filled, "a woman is skiing")
    engine.task_failed.emit(engine.last[0], TaskError("The models' process ended."))
    qtbot.waitUntil(lambda: not filled.gallery.is_drawing)
    assert shown(filled) == before and before
    assert all(filled.gallery.pixmap_of(sample) is not None for sample in before)


def test_asking_again_while_sampling_shows_the_newer_poses(
    qtbot, panel: CaptionPanel, engine: StubEngine
) -> None:
    type_caption(qtbot, panel, "a man is surfing")
    type_caption(qtbot, panel, "a man is sitting")
    assert panel.stop_button.isVisible()
    engine.answer()
    assert {s.caption for s in shown(panel)} == {"a man is sitting"}
    assert not panel.stop_button.isVisible()
