"""The models panel: a card for each model, the process that runs them, the word vectors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from poseapp.core.errors import PoseAppError, WeightsError
from poseapp.services import options, weights
from poseapp.services.engine import Engine
from poseapp.state.settings import Settings
from poseapp.ui.panels.caption_form import tool_button
from poseapp.ui.panels.model_card import ModelCardView, device_title
from poseapp.ui.panels.notice import Notice
from poseapp.ui.panels.photo_models import PhotoModels

_LANE = "models"
_STATES = {
    "starting": "The models' process is starting …",
    "ready": "Ready",
    "busy": "Working …",
    "restarting": "Starting again …",
    "stopped": "Not running",
}


class ModelsPanel(QWidget):
    """Shows what the models' process says, and keeps the user's choices in the settings."""

    def __init__(self, engine: Engine, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._settings = settings
        self._tasks: dict[int, str] = {}
        self._words_wanted: dict[int, str] = {}
        self._refused: dict[str, tuple[Path, str]] = {}
        self._status_task: int | None = None
        self._asked = False
        self.setObjectName("modelsPanel")
        self.notice = Notice()
        self.cards: dict[str, ModelCardView] = {}
        engine.configure(options.from_settings(settings))
        self._build()
        engine.state_changed.connect(self._on_state_changed)
        engine.task_succeeded.connect(self._on_succeeded)
        engine.task_failed.connect(self._on_failed)
        engine.task_cancelled.connect(self._on_cancelled)
        engine.device_changed.connect(self._on_device_changed)
        settings.changed.connect(self._on_setting_changed)
        self._on_state_changed(engine.state)
        self._show_words()

    @Slot()
    def refresh(self) -> None:
        """Ask the models' process for the state of all files and models."""
        self._status_task = self._engine.submit("model_status", lane="model_status")

    def choose_file(self, name: str, path: Path) -> None:
        """Use another weights file for a model, if it is one."""
        try:
            weights.check(name, path, {}, verify=False)
        except PoseAppError as exc:
            self.notice.say(str(exc), "error")
            return
        self.notice.clear()
        options.choose(self._settings, options.WEIGHTS_KEY, name, str(path))
        self._load(name)

    def choose_words(self, path: Path) -> None:
        """Use other word vectors, once the models' process could read them."""
        task = self._engine.submit("check_word_vectors", lane="words", path=str(path))
        self._words_wanted[task] = str(path)
        self.notice.say(f"Reading {path.name} …")

    # -- what happens ------------------------------------------------------------------------
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._ask_once()

    def _ask_once(self) -> None:
        """Look at the files as soon as the process runs: asking earlier would start it while the
        window is still being built.
        """
        if not self._asked and self.isVisible() and self._engine.state in ("ready", "busy"):
            self._asked = True
            self.refresh()

    @Slot(str)
    def _on_state_changed(self, state: str) -> None:
        text = _STATES.get(state, state)
        if self._engine.device and state == "ready":
            text += f" · {device_title(self._engine.device)}"
        self._state.setText(text)
        self.restart_button.setText("Start" if state == "stopped" else "Restart")
        self._ask_once()

    @Slot(str)
    def _on_device_changed(self, device: str) -> None:
        self._on_state_changed(self._engine.state)
        if self._asked:
            self.refresh()

    @Slot(str)
    def _on_setting_changed(self, key: str) -> None:
        if not key.startswith("models/"):
            return
        self._engine.configure(options.from_settings(self._settings))
        self._show_words()
        if self._asked:
            self.refresh()

    @Slot(int, object)
    def _on_succeeded(self, task: int, result: object) -> None:
        if task == self._status_task and isinstance(result, dict):
            self._show_status(result)
        elif task in self._tasks:
            self._refused.pop(self._tasks[task], None)
            self._finish(task)
            self.refresh()
        elif task in self._words_wanted:
            self._settings.word_vectors = self._words_wanted.pop(task)
            self.notice.say(f"Captions are now read with {result}.", "success")

    @Slot(int, object)
    def _on_failed(self, task: int, error: object) -> None:
        if task in self._tasks:
            name = self._tasks[task]
            self._finish(task)
            if isinstance(error, WeightsError):  # found only by loading: no checksum to compare
                file = weights.path_of(name, self._engine.options.weights.get(name, ""))
                self._refused[name] = (file, str(error))
            self.notice.say(str(error), "error")
            self.refresh()
        elif task in self._words_wanted:
            del self._words_wanted[task]
            self.notice.say(str(error), "error")

    @Slot(int)
    def _on_cancelled(self, task: int) -> None:
        self._words_wanted.pop(task, None)
        if task in self._tasks:
            self._finish(task)

    def _finish(self, task: int) -> None:
        self.cards[self._tasks.pop(task)].show_busy(False)

    def _show_status(self, status: dict[str, object]) -> None:
        loaded = status["loaded"]
        chosen = options.from_settings(self._settings).devices
        assert isinstance(loaded, dict)
        for card in status["cards"]:  # type: ignore[attr-defined]
            view = self.cards.get(card.name)
            if view is None:  # its weights came after the window was opened
                continue
            path, problem = self._refused.get(card.name, (None, ""))
            if path == card.path and card.status == "ready" and card.name not in loaded:
                card = replace(card, status="damaged", problem=problem)
            view.show_card(card, loaded.get(card.name, ""))
            view.show_devices(status["devices"], chosen.get(card.name, ""))  # type: ignore[arg-type]

    def _show_words(self) -> None:
        path = self._settings.word_vectors
        missing = bool(path) and not Path(path).is_file()
        text = f"{Path(path).name}{' (missing)' if missing else ''}" if path else "Bundled"
        self._words.setText(text)
        self._words.setToolTip(path or "Trained on the captions that the models were trained on")
        self._words_reset.setEnabled(bool(path))

    # -- what the user asks for --------------------------------------------------------------
    @Slot(str)
    def _load(self, name: str) -> None:
        self.notice.clear()
        self._tasks[self._engine.submit("load_model", lane=_LANE, name=name)] = name
        self.cards[name].show_busy(True)

    @Slot(str)
    def _unload(self, name: str) -> None:
        self._tasks[self._engine.submit("unload_model", lane=_LANE, name=name)] = name

    @Slot(str, str)
    def _on_device_chosen(self, name: str, device: str) -> None:
        options.choose(self._settings, options.DEVICES_KEY, name, device)
        if self.cards[name].status == "loaded":
            self._load(name)

    @Slot(str)
    def _on_reset(self, name: str) -> None:
        self.notice.clear()
        options.choose(self._settings, options.WEIGHTS_KEY, name, "")

    @Slot(str)
    def _on_file_requested(self, name: str) -> None:
        title = f"Weights for {self.cards[name].card.title}"
        folder = str(self._settings.last_folder)
        path, _ = QFileDialog.getOpenFileName(self, title, folder, "Weights (*.safetensors)")
        if path:
            self.choose_file(name, Path(path))

    @Slot()
    def _on_words_file(self) -> None:
        kinds = "Word vectors (*.bin *.vec *.npz)"
        folder = str(self._settings.last_folder)
        path, _ = QFileDialog.getOpenFileName(self, "Word vectors", folder, kinds)
        if path:
            self.choose_words(Path(path))

    @Slot()
    def _on_words_reset(self) -> None:
        self._settings.word_vectors = ""

    @Slot()
    def _on_restart(self) -> None:
        self._engine.restart()

    # -- construction ------------------------------------------------------------------------
    def _build(self) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(8)
        column.addLayout(self._build_process())
        column.addWidget(self.notice)
        chosen = options.from_settings(self._settings).weights
        self.photo_models = PhotoModels(self._engine, self._settings)
        self.photo_models.said.connect(self.notice.say)
        ours = weights.photo_models()
        for name in weights.application_models():
            if name in ours[:1]:
                column.addWidget(self.photo_models)
            view = ModelCardView(weights.card(name, chosen.get(name, "")))
            view.load_requested.connect(self._load)
            view.unload_requested.connect(self._unload)
            view.file_requested.connect(self._on_file_requested)
            view.reset_requested.connect(self._on_reset)
            view.device_chosen.connect(self._on_device_chosen)
            self.cards[name] = view
            column.addWidget(view)
        if not ours:
            column.addWidget(self.photo_models)
        column.addLayout(self._build_words())
        column.addStretch(1)
        area = QScrollArea()
        area.setAccessibleName("Cards of the models")
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inner)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)

    def _build_process(self) -> QHBoxLayout:
        label = QLabel("Models' process")
        label.setObjectName("section")
        self._state = QLabel()
        self._state.setObjectName("hint")
        self._state.setMinimumWidth(40)
        self.restart_button = QPushButton("Restart")
        self.restart_button.setToolTip("End the process that runs the models and start a new one")
        self.restart_button.clicked.connect(self._on_restart)
        row = QHBoxLayout()
        row.addWidget(label)
        row.addWidget(self._state, 1)
        row.addWidget(self.restart_button)
        return row

    def _build_words(self) -> QHBoxLayout:
        label = QLabel("Word vectors")
        label.setObjectName("section")
        self._words = QLabel()
        self._words.setMinimumWidth(40)
        choose = tool_button("open", "Choose word vectors: an official fastText .bin or .vec file")
        choose.clicked.connect(self._on_words_file)
        self._words_reset = tool_button("reset", "Use the bundled word vectors")
        self._words_reset.clicked.connect(self._on_words_reset)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(label)
        row.addWidget(self._words, 1)
        row.addWidget(choose)
        row.addWidget(self._words_reset)
        return row
