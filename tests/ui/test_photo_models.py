"""The section of the models panel about photos: ONNX files are tried, asked about and kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from poseapp.core.errors import TaskError
from poseapp.services import options
from poseapp.state.settings import Settings
from poseapp.ui.dialogs.onnx_questions import OnnxQuestionsDialog
from poseapp.ui.panels.models import ModelsPanel
from tests.helpers.photos import install, list_models
from tests.helpers.stub_engine import StubEngine

QUESTIONS = [("joints", "In which order?", ("coco17", "mpii16")), ("size", "How large?", ("1x2",))]


@pytest.fixture
def settings(qapp, tmp_path: Path) -> Settings:
    return Settings.in_folder(tmp_path / "settings")


@pytest.fixture
def panel(qtbot, settings: Settings, tmp_path: Path, monkeypatch) -> ModelsPanel:
    list_models(monkeypatch, tmp_path / "w")
    panel = ModelsPanel(StubEngine(), settings)
    qtbot.addWidget(panel)
    panel.resize(360, 900)
    panel.show()
    return panel


@pytest.fixture
def onnx(tmp_path: Path) -> Path:
    path = tmp_path / "rtmpose.onnx"
    path.write_bytes(b"model")
    return path


def answer(panel: ModelsPanel, questions: list) -> None:
    number, task, _ = panel._engine.last
    assert task == "check_onnx"
    panel._engine.task_succeeded.emit(number, {"questions": questions})


def test_without_models_it_says_what_to_choose(panel: ModelsPanel) -> None:
    assert "ONNX" in panel.photo_models.names["pose"].text()
    assert not panel.photo_models.reset_buttons["pose"].isEnabled()
    assert "attention_hourglass" not in panel.cards


def test_our_own_models_have_cards_once_their_weights_are_there(
    qtbot, settings: Settings, tmp_path: Path, monkeypatch
) -> None:
    install(monkeypatch, tmp_path / "w")
    panel = ModelsPanel(StubEngine(), settings)
    qtbot.addWidget(panel)
    assert {"attention_hourglass", "person_finder"} <= set(panel.cards)
    assert panel.photo_models.names["pose"].text() == "Attention hourglass"
    assert panel.photo_models.names["detector"].text() == "Person finder"


def test_a_file_is_tried_before_it_is_kept(panel: ModelsPanel, settings, onnx: Path) -> None:
    panel.photo_models.choose("pose", onnx)
    assert options.from_settings(settings).pose_onnx == ""
    answer(panel, [])
    assert options.from_settings(settings).pose_onnx == str(onnx)
    assert panel._engine.options.pose_onnx == str(onnx)
    assert panel.photo_models.names["pose"].text() == "rtmpose.onnx"
    onnx.unlink()
    panel.photo_models.refresh()
    assert "missing" in panel.photo_models.names["pose"].text()
    panel.photo_models.reset_buttons["pose"].click()
    assert options.from_settings(settings).pose_onnx == ""


def test_questions_are_asked_once_and_kept(
    panel: ModelsPanel, settings, onnx: Path, monkeypatch
) -> None:
    section = panel.photo_models
    monkeypatch.setattr(section, "ask", lambda name, questions: {"joints": "coco17"})
    section.choose("pose", onnx)
    answer(panel, QUESTIONS)
    assert panel._engine.last[2]["answers"] == {"joints": "coco17"}
    answer(panel, [])
    kept = options.from_settings(settings)
    assert kept.onnx_answers == {str(onnx): {"joints": "coco17"}} and kept.pose_onnx == str(onnx)
    section.choose("pose", onnx)
    assert panel._engine.last[2]["answers"] == {"joints": "coco17"}


def test_who_does_not_answer_does_not_use_it(
    panel: ModelsPanel, settings, onnx: Path, monkeypatch
) -> None:
    monkeypatch.setattr(panel.photo_models, "ask", lambda name, questions: None)
    panel.photo_models.choose("detector", onnx)
    answer(panel, QUESTIONS)
    assert "not used" in panel.notice.text
    assert options.from_settings(settings).detector_onnx == ""


def test_a_file_that_is_no_model_is_refused(panel: ModelsPanel, settings, onnx: Path) -> None:
    panel.photo_models.choose("pose", onnx)
    panel._engine.task_failed.emit(panel._engine.last[0], TaskError("rtmpose.onnx is no model."))
    assert "no model" in panel.notice.text
    assert options.from_settings(settings).pose_onnx == ""


def test_the_dialog_gives_the_choices_back(qtbot) -> None:
    dialog = OnnxQuestionsDialog("a.onnx", QUESTIONS)
    qtbot.addWidget(dialog)
    dialog.boxes["joints"].setCurrentIndex(1)
    dialog.boxes["size"].setEditText("192x256")
    dialog.show()
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert dialog.answers == {"joints": "mpii16", "size": "192x256"}
