"""The section "Pose from photo" of the models panel: our own models, or ONNX files instead."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from poseapp.services import estimators, options
from poseapp.services.engine import Engine
from poseapp.state.settings import Settings
from poseapp.ui.panels.caption_form import tool_button

_TITLES = {"pose": "Joints", "detector": "People"}
_NONE = {
    "pose": "None: choose an ONNX pose model",
    "detector": "None: the whole photo, or a box by hand",
}
_TIPS = {
    "pose": "Choose an ONNX pose model: RTMPose, ViTPose, HRNet, … of one person",
    "detector": "Choose an ONNX detector of people: YOLO, RTMDet, RT-DETR, …",
}


class PhotoModels(QWidget):
    """Which models look at photos; each ONNX file is tried before it is kept."""

    said = Signal(str, str)
    """(sentence, level) for the panel's notice."""

    def __init__(self, engine: Engine, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._settings = settings
        self._tried: dict[int, tuple[str, Path, dict[str, str]]] = {}
        self.names: dict[str, QLabel] = {}
        self.choose_buttons: dict[str, QPushButton] = {}
        self.reset_buttons: dict[str, QToolButton] = {}
        self._build()
        engine.task_succeeded.connect(self._on_succeeded)
        engine.task_failed.connect(self._on_failed)
        engine.task_cancelled.connect(self._on_cancelled)
        settings.changed.connect(self._on_setting_changed)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Show what is in force."""
        wanted = options.from_settings(self._settings)
        for kind, label in self.names.items():
            chosen = estimators.chosen(wanted, kind)
            missing = chosen is not None and not chosen.path.is_file()
            text = _NONE[kind] if chosen is None else chosen.title
            label.setText(f"{text} (missing)" if missing else text)
            label.setToolTip("" if chosen is None else str(chosen.path))
            self.reset_buttons[kind].setEnabled(chosen is not None and not chosen.own)

    def choose(self, kind: str, path: Path, answers: dict[str, str] | None = None) -> None:
        """Use an ONNX file, once it was tried and all about it is known.

        Args:
            kind: "pose" or "detector".
        """
        kept = options.from_settings(self._settings).onnx_answers.get(str(path), {})
        known = {**kept, **(answers or {})}
        task = self._engine.submit(
            "check_onnx", lane=f"onnx-{kind}", kind=kind, path=str(path), answers=known or None
        )
        self._tried[task] = (kind, path, known)
        self.said.emit(f"Trying {path.name} …", "info")

    # -- what happens ------------------------------------------------------------------------
    @Slot(int, object)
    def _on_succeeded(self, task: int, result: object) -> None:
        if task not in self._tried or not isinstance(result, dict):
            return
        kind, path, known = self._tried.pop(task)
        if result["questions"]:
            self._ask(kind, path, known, result["questions"])
            return
        if known:
            options.keep_answers(self._settings, str(path), known)
        options.choose(self._settings, options.ONNX_KEY, kind, str(path))
        self.said.emit(f"{path.name} looks at photos from now on.", "success")

    def _ask(
        self,
        kind: str,
        path: Path,
        known: dict[str, str],
        questions: list[tuple[str, str, tuple[str, ...]]],
    ) -> None:
        given = self.ask(path.name, questions)
        if given is None:
            self.said.emit(f"{path.name} is not used.", "info")
        else:
            self.choose(kind, path, {**known, **given})

    def ask(
        self, name: str, questions: list[tuple[str, str, tuple[str, ...]]]
    ) -> dict[str, str] | None:
        """Ask the user what a file does not tell; None when that was cancelled."""
        from poseapp.ui.dialogs.onnx_questions import OnnxQuestionsDialog

        dialog = OnnxQuestionsDialog(name, questions, self.window())
        given = dialog.answers if dialog.exec() else None
        dialog.deleteLater()
        return given

    @Slot(int, object)
    def _on_failed(self, task: int, error: object) -> None:
        if self._tried.pop(task, None) is not None:
            self.said.emit(str(error), "error")

    @Slot(int)
    def _on_cancelled(self, task: int) -> None:
        self._tried.pop(task, None)

    @Slot(str)
    def _on_setting_changed(self, key: str) -> None:
        if key.startswith("models/"):
            self.refresh()

    @Slot()
    def _on_choose(self) -> None:
        kind = str(self.sender().property("kind"))
        folder = str(self._settings.last_folder)
        name, _ = QFileDialog.getOpenFileName(self, _TIPS[kind], folder, "ONNX models (*.onnx)")
        if name:
            self._settings.last_folder = Path(name).absolute().parent
            self.choose(kind, Path(name))

    @Slot()
    def _on_reset(self) -> None:
        kind = str(self.sender().property("kind"))
        options.choose(self._settings, options.ONNX_KEY, kind, "")

    # -- construction ------------------------------------------------------------------------
    def _build(self) -> None:
        title = QLabel("Pose from photo")
        title.setObjectName("section")
        grid = QGridLayout()
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        for row, (kind, text) in enumerate(_TITLES.items()):
            label, name = QLabel(text), QLabel()
            label.setObjectName("hint")
            name.setWordWrap(True)
            name.setMinimumWidth(20)
            policy = name.sizePolicy()
            policy.setHorizontalPolicy(QSizePolicy.Policy.Ignored)
            name.setSizePolicy(policy)
            choose = QPushButton("ONNX…")
            choose.setToolTip(_TIPS[kind])
            choose.setAccessibleName(_TIPS[kind].split(":")[0])
            choose.clicked.connect(self._on_choose)
            reset = tool_button("reset", "Use our own model again")
            reset.clicked.connect(self._on_reset)
            for button in (choose, reset):
                button.setProperty("kind", kind)
            for column, widget in enumerate((label, name, choose, reset)):
                grid.addWidget(widget, row, column)
            self.names[kind] = name
            self.choose_buttons[kind], self.reset_buttons[kind] = choose, reset
        column_box = QVBoxLayout(self)
        column_box.setContentsMargins(0, 4, 0, 0)
        column_box.setSpacing(4)
        column_box.addWidget(title)
        column_box.addLayout(grid)
