"""Pages of the dialog that creates a person: the ready-made people, and how to get the assets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QIcon, QPainter, QPalette, QPen, QPixmap
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QListView,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from poseapp.core.errors import PoseAppError
from poseapp.services import options
from poseapp.services.engine import Engine
from poseapp.state.ready_people import ReadyPerson
from poseapp.state.settings import Settings
from poseapp.ui.icons import icon

_CARD = QSize(78, 156)
_CELL = QSize(89, 186)
_LANE = "people-pack"


class _CardDelegate(QStyledItemDelegate):
    """A picture with round corners above the name."""

    def sizeHint(self, option: QStyleOptionViewItem, index: object) -> QSize:
        return _CELL

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: object) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = option.palette
        card = QRect(0, 0, _CARD.width() + 6, _CARD.height() + 24)
        card.moveCenter(option.rect.center())
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        over = bool(option.state & QStyle.StateFlag.State_MouseOver)
        accent = palette.color(QPalette.ColorRole.Highlight)
        painter.setPen(QPen(accent if chosen or over else palette.color(QPalette.ColorRole.Mid), 1))
        painter.setBrush(palette.color(QPalette.ColorRole.Base))
        painter.drawRoundedRect(card, 7, 7)
        if chosen:
            accent.setAlphaF(0.16)
            painter.setBrush(accent)
            painter.drawRoundedRect(card, 7, 7)
        picture = index.data(Qt.ItemDataRole.DecorationRole).pixmap(_CARD)  # type: ignore[attr-defined]
        box = QRect(0, 0, _CARD.width(), _CARD.height())
        box.moveTopLeft(card.topLeft())
        box.translate(3, 3)
        painter.drawPixmap(box, picture)
        font = option.font
        font.setPointSizeF(max(7.0, font.pointSizeF() - 1.5))
        painter.setFont(font)
        painter.setPen(palette.color(QPalette.ColorRole.Text))
        line = QRect(card.left() + 2, box.bottom() + 1, card.width() - 4, 19)
        name = str(index.data(Qt.ItemDataRole.DisplayRole))  # type: ignore[attr-defined]
        text = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, line.width())
        painter.drawText(line, Qt.AlignmentFlag.AlignCenter, text)
        painter.restore()


class ReadyPage(QWidget):
    """People that can be used at once."""

    chosen = Signal(object)
    """A `ReadyPerson`."""
    taken = Signal(object)
    """A `ReadyPerson` that was double clicked."""
    change_requested = Signal(object)
    """A `ReadyPerson` to start from."""

    def __init__(self, people: Sequence[ReadyPerson], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._people = tuple(people)
        self.view = QListWidget()
        self.view.setObjectName("cards")
        self.view.setAccessibleName("Ready-made people")
        self.view.setViewMode(QListView.ViewMode.IconMode)
        self.view.setResizeMode(QListView.ResizeMode.Adjust)
        self.view.setMovement(QListView.Movement.Static)
        self.view.setGridSize(_CELL)
        self.view.setIconSize(_CARD)
        self.view.setMouseTracking(True)
        self.view.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.view.setItemDelegate(_CardDelegate(self.view))
        for person in self._people:
            picture = QPixmap(str(person.picture)).scaled(
                _CARD * 2,
                Qt.AspectRatioMode.KeepAspectRatioByExpanding,
                Qt.TransformationMode.SmoothTransformation,
            )
            item = QListWidgetItem(QIcon(picture), person.name)
            item.setToolTip(f"{person.name}: double click to use")
            self.view.addItem(item)
        self.view.currentRowChanged.connect(self._on_row)
        self.view.itemActivated.connect(self._on_activated)
        self._note = QLabel()
        self._note.setObjectName("hint")
        self._note.setWordWrap(True)
        self.change_button = QPushButton("Change this person…")
        self.change_button.setIcon(icon("settings"))
        self.change_button.setToolTip("Start from this person and change what you like")
        self.change_button.setEnabled(False)
        self.change_button.clicked.connect(self._on_change)
        row = QHBoxLayout()
        row.addWidget(self._note, 1)
        row.addWidget(self.change_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        column.addWidget(self.view, 1)
        column.addLayout(row)
        self.can_change(True)

    @property
    def person(self) -> ReadyPerson | None:
        """The chosen one."""
        row = self.view.currentRow()
        return self._people[row] if 0 <= row < len(self._people) else None

    def can_change(self, yes: bool) -> None:
        """The studio has the assets that these people are made of."""
        self.change_button.setVisible(yes)
        if not self._people:
            self._note.setText("No ready-made people are installed.")
        elif yes:
            self._note.setText("Double click to use.")
        else:
            self._note.setText(
                "Double click to use one of them as they are. “Create” says what it takes to make"
                " people of your own."
            )

    @Slot(int)
    def _on_row(self, row: int) -> None:
        self.change_button.setEnabled(self.person is not None)
        if self.person is not None:
            self.chosen.emit(self.person)

    @Slot()
    def _on_activated(self) -> None:
        if self.person is not None:
            self.taken.emit(self.person)

    @Slot()
    def _on_change(self) -> None:
        if self.person is not None:
            self.change_requested.emit(self.person)


class PackPage(QWidget):
    """Says how to get the assets that people are made of, and builds the pack."""

    built = Signal()
    mannequin_wanted = Signal()

    def __init__(self, engine: Engine, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._settings = settings
        self._task: int | None = None
        title = QLabel("People need a wardrobe")
        title.setObjectName("title")
        text = QLabel(
            "Bodies, clothes and hair come from <b>MakeHuman</b>, whose core assets are free for"
            " every use (CC0). They are not part of PoseApp:"
            "<ol style='margin-left: -18px'>"
            "<li>Get MakeHuman from"
            " <a href='https://www.makehumancommunity.org'>makehumancommunity.org</a>"
            " and unpack or install it.</li>"
            "<li>Press the button below and choose its folder <b>data</b>. PoseApp reads it once"
            " and keeps a compact copy of what it needs.</li></ol>"
        )
        text.setWordWrap(True)
        text.setOpenExternalLinks(True)
        self.build_button = QPushButton("Build the pack from a MakeHuman folder…")
        self.build_button.setObjectName("primary")
        self.build_button.setIcon(icon("open", "#ffffff"))
        self.build_button.clicked.connect(self._on_build)
        self.mannequin_button = QPushButton("Try with the mannequin")
        self.mannequin_button.setToolTip(
            "A plain figure that is built in: enough for body and pose"
        )
        self.mannequin_button.clicked.connect(self.mannequin_wanted)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.bar.setAccessibleName("Progress of the pack")
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.clicked.connect(self._on_cancel)
        self._work = QWidget()
        work = QHBoxLayout(self._work)
        work.setContentsMargins(0, 0, 0, 0)
        work.addWidget(self.bar, 1)
        work.addWidget(self.cancel_button)
        self._work.hide()
        self._said = QLabel()
        self._said.setObjectName("hint")
        self._said.setWordWrap(True)
        buttons = QHBoxLayout()
        buttons.addWidget(self.build_button)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 20)
        column.setSpacing(12)
        column.addWidget(title)
        column.addWidget(text)
        column.addLayout(buttons)
        column.addWidget(self._work)
        column.addWidget(self._said)
        column.addStretch(1)
        row = QHBoxLayout()
        row.addWidget(self.mannequin_button)
        row.addStretch(1)
        column.addLayout(row)
        engine.task_progress.connect(self._on_progress)
        engine.task_succeeded.connect(self._on_succeeded)
        engine.task_failed.connect(self._on_failed)
        engine.task_cancelled.connect(self._on_cancelled)

    @property
    def busy(self) -> bool:
        """A pack is being built."""
        return self._task is not None

    @property
    def said(self) -> str:
        """The sentence below the button."""
        return self._said.text()

    def build(self, folder: Path) -> None:
        """Build the pack from a folder, or take it as it is when it is one."""
        out = self._settings.data_dir / "makehuman"
        self.bar.setValue(0)
        self._said.setText("Looking at the folder …")
        self._show_work(True)
        self._task = self._engine.submit(
            "build_people_pack", lane=_LANE, source=str(folder), out=str(out)
        )

    @Slot()
    def _on_build(self) -> None:
        name = QFileDialog.getExistingDirectory(
            self, "The folder data of MakeHuman", str(self._settings.last_folder)
        )
        if name:
            self._settings.last_folder = Path(name)
            self.build(Path(name))

    def _show_work(self, on: bool) -> None:
        self._work.setVisible(on)
        self.build_button.setEnabled(not on)
        self.mannequin_button.setEnabled(not on)

    def _is_ours(self, number: int) -> bool:
        return self._task is not None and number == self._task

    def _end(self, sentence: str) -> None:
        self._task = None
        self._show_work(False)
        self._said.setText(sentence)

    @Slot()
    def _on_cancel(self) -> None:
        if self._task is not None:
            self._engine.cancel(self._task)

    @Slot(int, float, str)
    def _on_progress(self, number: int, share: float, text: str) -> None:
        if self._is_ours(number):
            self.bar.setValue(round(1000 * share))
            self._said.setText(text)

    @Slot(int, object)
    def _on_succeeded(self, number: int, result: dict[str, object]) -> None:
        if not self._is_ours(number):
            return
        missing = result.get("missing")
        self._end(" ".join(str(s) for s in missing) if isinstance(missing, list) else "")
        self._settings.people_pack = str(result["folder"])
        self._engine.configure(options.from_settings(self._settings))
        self.built.emit()

    @Slot(int, object)
    def _on_failed(self, number: int, error: PoseAppError) -> None:
        if self._is_ours(number):
            self._end(str(error))

    @Slot(int)
    def _on_cancelled(self, number: int) -> None:
        if self._is_ours(number):
            self._end("Cancelled: nothing was changed.")
