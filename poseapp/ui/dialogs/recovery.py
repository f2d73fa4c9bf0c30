"""The recovery dialog: what earlier windows lost, to restore or to discard."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from poseapp.state.recovery import Leftover
from poseapp.ui.icons import icon


def ago(seconds: float) -> str:
    """A span of time as a person says it."""
    if seconds < 90:
        return "a moment ago"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} minutes ago"
    if seconds < 36 * 3600:
        return f"{seconds / 3600:.0f} hours ago"
    return f"{seconds / 86400:.0f} days ago"


class RecoveryDialog(QDialog):
    """Asks which unsaved document to restore."""

    def __init__(self, entries: Sequence[Leftover], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entries = list(entries)
        self.chosen: Leftover | None = None
        self.discarded: list[Leftover] = []
        self.setWindowTitle("Restore unsaved work")
        self.setMinimumWidth(420)
        text = QLabel("PoseApp did not close properly. These documents were not saved:")
        text.setWordWrap(True)
        self.list = QListWidget()
        self.list.setAccessibleName("Unsaved documents")
        for entry in self._entries:
            people = f"{entry.people} {'person' if entry.people == 1 else 'people'}"
            label = f"{entry.title}  –  {people}, {ago(time.time() - entry.saved_at)}"
            self.list.addItem(QListWidgetItem(icon("history"), label))
        self.list.setCurrentRow(0)
        self.list.itemActivated.connect(self._on_restore)
        buttons = QDialogButtonBox()
        self._restore = buttons.addButton("Restore", QDialogButtonBox.ButtonRole.AcceptRole)
        self._restore.setObjectName("primary")
        self._restore.setDefault(True)
        self._discard = buttons.addButton("Discard", QDialogButtonBox.ButtonRole.DestructiveRole)
        buttons.addButton("Later", QDialogButtonBox.ButtonRole.RejectRole)
        self._restore.clicked.connect(self._on_restore)
        self._discard.clicked.connect(self._on_discard)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addWidget(text)
        column.addWidget(self.list, 1)
        column.addWidget(buttons)

    @Slot()
    def _on_restore(self) -> None:
        row = self.list.currentRow()
        if row >= 0:
            self.chosen = self._entries[row]
            self.accept()

    @Slot()
    def _on_discard(self) -> None:
        row = self.list.currentRow()
        if row < 0:
            return
        self.discarded.append(self._entries.pop(row))
        self.list.takeItem(row)
        if not self._entries:
            self.done(QDialog.DialogCode.Rejected)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete:
            self._on_discard()
        else:
            super().keyPressEvent(event)
