"""File > Find people in many photos: a list of photos, where results go, and how far it is.

The models' process works on one photo at a time, so that photos on the canvas get their turn. What
is done is kept: a batch that was stopped, here or by a crash, goes on where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent, QColor, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QDialog,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from poseapp.core.errors import PoseAppError
from poseapp.core.photo import PHOTO_EXTENSIONS
from poseapp.services import estimators
from poseapp.services.engine import Engine
from poseapp.services.photo_batch import Outputs, PhotoBatch, photos_in
from poseapp.state.settings import Settings
from poseapp.ui.icons import icon
from poseapp.ui.panels.notice import Notice

_OUTPUTS = (
    ("coco", "COCO file", "One keypoint file of all photos"),
    ("openpose", "OpenPose folder", "A keypoint file for each photo"),
    ("overlay", "Pictures folder", "Each photo with its poses drawn over it"),
)
_BAD_INK = "#d0505f"


class DetectManyDialog(QDialog):
    """Runs a `PhotoBatch` through the engine, one photo after the other."""

    finished_batch = Signal()
    """Everything is done, or the batch was stopped."""

    def __init__(self, engine: Engine, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._settings = settings
        self._photos: list[Path] = []
        self._batch: PhotoBatch | None = None
        self._queue: list[Path] = []
        self._task: int | None = None
        self._path: Path | None = None
        self._paused = False
        self.setWindowTitle("Find people in many photos")
        self.resize(720, 620)
        self.setAcceptDrops(True)
        self._build()
        engine.task_succeeded.connect(self._on_succeeded)
        engine.task_failed.connect(self._on_failed)
        engine.task_cancelled.connect(self._on_cancelled)
        engine.task_progress.connect(self._on_progress)
        self._update()

    # -- the list ----------------------------------------------------------------------------
    @property
    def photos(self) -> tuple[Path, ...]:
        """The photos of the list."""
        return tuple(self._photos)

    @property
    def running(self) -> bool:
        """A batch is under way, maybe paused."""
        return self._batch is not None

    def add(self, paths: Sequence[Path]) -> None:
        """Add photos, and those of folders, that are not in the list yet."""
        found: list[Path] = []
        for path in paths:
            try:
                found += photos_in(path) if path.is_dir() else [path]
            except OSError as exc:
                self.notice.say(f"Cannot read {path.name}: {exc.strerror or exc}.", "error")
        for path in dict.fromkeys(found):
            if path not in self._photos:
                self._photos.append(path)
                row = self.table.rowCount()
                self.table.insertRow(row)
                name = QTableWidgetItem(path.name)
                name.setToolTip(str(path))
                self.table.setItem(row, 0, name)
                self.table.setItem(row, 1, QTableWidgetItem("waiting"))
        if paths and not found:
            self.notice.say("There are no photos in that folder.", "info")
        self._update()

    @Slot()
    def _on_remove(self) -> None:
        rows = sorted({i.row() for i in self.table.selectedIndexes()}, reverse=True)
        for row in rows:
            del self._photos[row]
            self.table.removeRow(row)
        self._update()

    @Slot()
    def _on_add_photos(self) -> None:
        kinds = f"Photos ({' '.join('*' + e for e in PHOTO_EXTENSIONS)})"
        folder = str(self._settings.last_folder)
        names, _ = QFileDialog.getOpenFileNames(self, "Add photos", folder, kinds)
        if names:
            self._settings.last_folder = Path(names[0]).absolute().parent
            self.add([Path(name) for name in names])

    @Slot()
    def _on_add_folder(self) -> None:
        folder = str(self._settings.last_folder)
        name = QFileDialog.getExistingDirectory(self, "Add a folder of photos", folder)
        if name:
            self._settings.last_folder = Path(name)
            self.add([Path(name)])

    def _say_row(self, path: Path, text: str, bad: bool = False) -> None:
        row = self._photos.index(path)
        item = QTableWidgetItem(text)
        item.setToolTip(text)
        if bad:
            item.setForeground(QColor(_BAD_INK))
        self.table.setItem(row, 1, item)
        self.table.scrollToItem(item)

    # -- where results go --------------------------------------------------------------------
    def outputs(self) -> Outputs:
        """What is ticked and named."""
        chosen: dict[str, Path | None] = {}
        for kind, (box, field) in self.fields.items():
            text = field.text().strip()
            chosen[kind] = Path(text).expanduser() if box.isChecked() and text else None
        coco = chosen["coco"]
        if coco is not None and coco.suffix.lower() != ".json":
            chosen["coco"] = coco.with_name(coco.name + ".json")
        return Outputs(**chosen)

    def set_output(self, kind: str, path: Path) -> None:
        """Name a place and tick it; `kind` is "coco", "openpose" or "overlay"."""
        box, field = self.fields[kind]
        field.setText(str(path))
        box.setChecked(True)

    @Slot()
    def _on_choose(self) -> None:
        kind = str(self.sender().property("kind"))
        title = next(text for name, text, _ in _OUTPUTS if name == kind)
        start = self.fields[kind][1].text() or str(self._settings.last_folder)
        if kind == "coco":
            start = start if start.endswith(".json") else str(Path(start) / "poses.json")
            name, _ = QFileDialog.getSaveFileName(self, title, start, "COCO keypoints (*.json)")
        else:
            name = QFileDialog.getExistingDirectory(self, title, start)
        if name:
            self.set_output(kind, Path(name))

    # -- running -----------------------------------------------------------------------------
    @Slot()
    def start(self) -> None:
        """Begin, or go on after a pause."""
        if self._batch is not None:
            self._paused = False
            self._next()
            return
        self.notice.clear()
        options, outputs = self._engine.options, self.outputs()
        pose, finder = (estimators.chosen(options, kind) for kind in ("pose", "detector"))
        if pose is None:
            self.notice.say(estimators.NO_ESTIMATOR, "warning")
            return
        where = "whole photos" if self.whole.isChecked() or finder is None else finder.title
        try:
            self._batch = PhotoBatch(self._photos, outputs, f"{pose.title}, {where}", resume=True)
        except PoseAppError as exc:
            self.notice.say(str(exc), "error")
            return
        self._queue = self._batch.waiting()
        for path in self._photos:
            self._say_row(path, "waiting" if path in self._queue else "done before")
        if self._batch.resumed:
            count = self._batch.resumed
            noun = "photo was" if count == 1 else "photos were"
            self.notice.say(f"{count} {noun} done before: only the others are looked at.", "info")
        self._paused = False
        self._next()

    @Slot()
    def pause(self) -> None:
        """Let the photo in hand finish, then wait."""
        self._paused = True
        self._update()

    @Slot()
    def stop(self) -> None:
        """Stop now; what is done is kept and written."""
        if self._batch is None:
            return
        self._queue = []
        if self._task is not None:
            task, self._task = self._task, None
            if self._path is not None:
                self._say_row(self._path, "waiting")
            self._engine.cancel(task)
        self._finish("Stopped")

    def _next(self) -> None:
        batch = self._batch
        if batch is None or self._task is not None:
            self._update()
            return
        if not self._queue:
            self._finish("Done")
            return
        if not self._paused:
            self._path = self._queue.pop(0)
            self._say_row(self._path, "looking …")
            self._task = self._engine.submit(
                "detect_file",
                path=str(self._path),
                whole=self.whole.isChecked(),
                overlay=batch.outputs.overlay is not None,
            )
        self._update()

    @Slot(int, float, str)
    def _on_progress(self, task: int, share: float, text: str) -> None:
        if task == self._task and text and self._path is not None:
            self._say_row(self._path, f"{text} …")

    @Slot(int, object)
    def _on_succeeded(self, task: int, result: object) -> None:
        if task != self._task or self._batch is None or self._path is None:
            return
        assert isinstance(result, dict)
        self._task = None
        self._take(self._batch, self._path, result)
        self._next()

    def _take(self, batch: PhotoBatch, path: Path, found: dict[str, Any]) -> None:
        try:
            count = batch.add(path, found)
        except PoseAppError as exc:  # the disk is full, say: nothing else would do better
            self.notice.say(str(exc), "error")
            batch.fail(path, str(exc))
            self._say_row(path, str(exc), bad=True)
            self._paused = True
            return
        who = "nobody" if not count else "1 person" if count == 1 else f"{count} people"
        self._say_row(path, who)

    @Slot(int, object)
    def _on_failed(self, task: int, error: object) -> None:
        if task != self._task or self._batch is None or self._path is None:
            return
        self._task = None
        self._batch.fail(self._path, str(error))
        self._say_row(self._path, str(error), bad=True)
        self._next()

    @Slot(int)
    def _on_cancelled(self, task: int) -> None:
        if task == self._task:  # from the status bar: that photo alone
            self._on_failed(task, "cancelled")

    def _finish(self, how: str) -> None:
        batch, self._batch = self._batch, None
        if batch is None:
            return
        self._path = None
        try:
            batch.finish()
        except PoseAppError as exc:
            self.notice.say(str(exc), "error")
        else:
            text = f"{how}: {batch.done} of {len(batch.photos)} photos, {batch.people} people"
            if batch.failed:
                text += f"; {len(batch.failed)} could not be used and can be tried again"
            level = "success" if how == "Done" and not batch.failed else "info"
            self.notice.say(f"{text}.", level)
        self._update(batch)
        self.finished_batch.emit()

    def _update(self, last: PhotoBatch | None = None) -> None:
        batch = self._batch or last
        count = len(self._photos)
        self.progress.setMaximum(max(count, 1))
        self.progress.setValue(0 if batch is None else batch.done + len(batch.failed))
        self.count.setText("1 photo" if count == 1 else f"{count} photos")
        running = self.running
        idle = running and self._paused and self._task is None
        self.start_button.setText("Go on" if running else "Start")
        self.start_button.setVisible(not running or self._paused)
        self.start_button.setEnabled(bool(count))
        self.pause_button.setVisible(running and not idle)
        self.pause_button.setEnabled(running and not self._paused)
        self.pause_button.setText("Pausing …" if self._paused else "Pause")
        self.stop_button.setVisible(running)
        for widget in (*self._inputs, self.whole):
            widget.setEnabled(not running)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.stop()
        super().closeEvent(event)

    def reject(self) -> None:
        """Esc and Close stop the batch; what is done is kept."""
        self.stop()
        super().reject()

    # -- drops -------------------------------------------------------------------------------
    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if not self.running and any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        urls = event.mimeData().urls()
        self.add([Path(url.toLocalFile()) for url in urls if url.isLocalFile()])
        event.acceptProposedAction()

    # -- construction ------------------------------------------------------------------------
    def _build(self) -> None:
        self.notice = Notice()
        self.table = QTableWidget(0, 2)
        self.table.setHorizontalHeaderLabels(["Photo", "Found"])
        self.table.setAccessibleName("Photos")
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setShowGrid(False)
        self.table.setAlternatingRowColors(True)
        self.table.verticalHeader().hide()
        header = self.table.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        add, folder = QPushButton("Add photos…"), QPushButton("Add folder…")
        add.setIcon(icon("photo"))
        folder.setIcon(icon("open"))
        remove = QPushButton("Remove")
        add.clicked.connect(self._on_add_photos)
        folder.clicked.connect(self._on_add_folder)
        remove.clicked.connect(self._on_remove)
        self._inputs: list[QWidget] = [add, folder, remove]
        self.count = QLabel()
        self.count.setObjectName("hint")
        row = QHBoxLayout()
        for button in (add, folder, remove):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.count)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self.table, 1)
        column.addLayout(self._build_outputs())
        self.whole = QCheckBox("Each photo shows one person who fills it")
        self.whole.setToolTip("Do not look for people: faster, and right for cut-out pictures")
        column.addWidget(self.whole)
        column.addWidget(self.notice)
        column.addLayout(self._build_foot())

    def _build_outputs(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        self.fields: dict[str, tuple[QCheckBox, QLineEdit]] = {}
        for row, (kind, title, tip) in enumerate(_OUTPUTS):
            box, field, choose = QCheckBox(title), QLineEdit(), QPushButton("Choose…")
            box.setToolTip(tip)
            field.setPlaceholderText(tip)
            field.setAccessibleName(title)
            field.textEdited.connect(lambda text, box=box: box.setChecked(bool(text)))
            choose.setProperty("kind", kind)
            choose.setAccessibleName(f"Choose the {title}")
            choose.clicked.connect(self._on_choose)
            for place, widget in enumerate((box, field, choose)):
                grid.addWidget(widget, row, place)
                self._inputs.append(widget)
            self.fields[kind] = (box, field)
        return grid

    def _build_foot(self) -> QHBoxLayout:
        self.progress = QProgressBar()
        self.progress.setAccessibleName("Photos done")
        self.progress.setFormat("%v of %m")
        self.start_button = QPushButton("Start")
        self.start_button.setObjectName("primary")
        self.pause_button = QPushButton("Pause")
        self.stop_button = QPushButton("Stop")
        self.stop_button.setToolTip("Stop now; starting again goes on where it was")
        close = QPushButton("Close")
        self.start_button.clicked.connect(self.start)
        self.pause_button.clicked.connect(self.pause)
        self.stop_button.clicked.connect(self.stop)
        close.clicked.connect(self.close)
        foot = QHBoxLayout()
        foot.addWidget(self.progress, 1)
        for button in (self.start_button, self.pause_button, self.stop_button, close):
            button.setAutoDefault(False)
            foot.addWidget(button)
        return foot
