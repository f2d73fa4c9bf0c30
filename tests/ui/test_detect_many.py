"""The dialog for many photos: progress, pause, stop, bad photos, going on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from poseapp.core.errors import PhotoError
from poseapp.ui.dialogs.detect_many import DetectManyDialog
from poseapp.ui.main_window import MainWindow
from tests.helpers.photos import detected, install, list_models, photo_file
from tests.ui.conftest import WindowEngine


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "notes.txt").write_text("no photo")
    return [photo_file(folder / f"{name}.png") for name in "abc"]


@pytest.fixture
def dialog(qtbot, settings, tmp_path: Path, monkeypatch, photos) -> DetectManyDialog:
    install(monkeypatch, tmp_path / "w")
    dialog = DetectManyDialog(WindowEngine(), settings)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.add([photos[0].parent])
    dialog.set_output("coco", tmp_path / "out" / "poses.json")
    return dialog


def asked(dialog: DetectManyDialog) -> str:
    _, task, request = dialog._engine.last
    assert task == "detect_file"
    return Path(request["path"]).name


def answer(dialog: DetectManyDialog, count: int = 1) -> None:
    boxes = [(10.0 + 20 * n, 20.0, 60.0, 150.0) for n in range(count)]
    result = {**detected(boxes), "overlay": b"\xff\xd8"}
    dialog._engine.task_succeeded.emit(dialog._engine.last[0], result)


def found(dialog: DetectManyDialog) -> list[str]:
    return [dialog.table.item(row, 1).text() for row in range(dialog.table.rowCount())]


def written(tmp_path: Path) -> dict:
    return json.loads((tmp_path / "out" / "poses.json").read_text("utf-8"))


def test_photos_are_looked_at_one_after_the_other(dialog: DetectManyDialog, tmp_path) -> None:
    assert [p.name for p in dialog.photos] == ["a.png", "b.png", "c.png"]
    dialog.set_output("overlay", tmp_path / "over")
    dialog.start_button.click()
    assert asked(dialog) == "a.png" and dialog._engine.last[2]["overlay"]
    assert len(dialog._engine.submitted) == 1 and not dialog.start_button.isVisible()
    answer(dialog, 2)
    assert asked(dialog) == "b.png" and dialog.progress.value() == 1
    answer(dialog, 0)
    answer(dialog, 1)
    assert found(dialog) == ["2 people", "nobody", "1 person"]
    assert not dialog.running and "3 of 3 photos, 3 people" in dialog.notice.text
    assert len(written(tmp_path)["images"]) == 3 and len(written(tmp_path)["annotations"]) == 3
    assert (tmp_path / "over" / "c_pose.jpg").read_bytes() == b"\xff\xd8"


def test_a_bad_photo_is_listed_with_its_reason(dialog: DetectManyDialog, tmp_path) -> None:
    dialog.start()
    error = PhotoError("a.png is cut short: copy or download it again.")
    dialog._engine.task_failed.emit(dialog._engine.last[0], error)
    answer(dialog)
    answer(dialog)
    assert found(dialog)[0] == str(error) and "1 could not be used" in dialog.notice.text
    assert len(written(tmp_path)["images"]) == 2
    dialog.start()  # tries it again, and only it
    assert asked(dialog) == "a.png" and found(dialog)[1:] == ["done before", "done before"]
    answer(dialog)
    assert len(written(tmp_path)["images"]) == 3 and not dialog.running


def test_pause_and_go_on(dialog: DetectManyDialog) -> None:
    dialog.start()
    dialog.pause_button.click()
    answer(dialog)
    assert len(dialog._engine.submitted) == 1 and dialog.running
    assert dialog.start_button.text() == "Go on"
    dialog.start_button.click()
    assert asked(dialog) == "b.png"


def test_stopping_keeps_what_is_done(dialog: DetectManyDialog, tmp_path, settings, qtbot) -> None:
    dialog.start()
    answer(dialog)
    late = dialog._engine.last[0]
    dialog.stop_button.click()
    assert not dialog.running and found(dialog) == ["1 person", "waiting", "waiting"]
    assert len(written(tmp_path)["images"]) == 1
    dialog._engine.task_succeeded.emit(late, {**detected([]), "overlay": b""})
    assert found(dialog)[1] == "waiting"
    another = DetectManyDialog(dialog._engine, settings)  # the next day
    qtbot.addWidget(another)
    another.add(list(dialog.photos))
    another.set_output("coco", tmp_path / "out" / "poses.json")
    another.start()
    assert asked(another) == "b.png" and "1 photo was done before" in another.notice.text
    another.reject()
    assert not another.running


def test_what_is_missing_is_said(dialog: DetectManyDialog, tmp_path, monkeypatch) -> None:
    for box, _ in dialog.fields.values():
        box.setChecked(False)
    dialog.start()
    assert "where the poses go" in dialog.notice.text and not dialog.running
    list_models(monkeypatch, tmp_path / "none")
    dialog.start()
    assert "ONNX pose model" in dialog.notice.text and not dialog._engine.submitted


def test_results_that_cannot_be_written_pause_it(dialog: DetectManyDialog, tmp_path) -> None:
    dialog.set_output("openpose", tmp_path / "op")
    dialog.start()
    (tmp_path / "op").rmdir()
    (tmp_path / "op").write_text("in the way")
    answer(dialog)
    assert dialog.running and dialog._paused and dialog.notice.text


def test_several_dropped_photos_open_it(
    photos, tmp_path, monkeypatch, make_window: Callable[..., MainWindow]
) -> None:
    install(monkeypatch, tmp_path / "w")
    window = make_window()
    window.files.drop(photos)
    assert window.detecting.dialog is not None and window.detecting.dialog.isVisible()
    assert window.detecting.dialog.photos == tuple(photos)
    assert window.session.document.photo is None
    window.detecting.dialog.close()
    window.actions_by_id["detect_many"].trigger()
    assert window.detecting.dialog.isVisible()


def test_without_a_model_the_last_dropped_photo_is_shown(
    photos, tmp_path, monkeypatch, make_window: Callable[..., MainWindow]
) -> None:
    list_models(monkeypatch, tmp_path / "w")
    window = make_window()
    window.files.drop(photos)
    assert window.detecting.dialog is None
    assert window.session.document.photo.name == "c.png"
