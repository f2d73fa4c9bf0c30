"""The shortcuts dialog, made from the one table of actions."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from poseapp.ui.actions import ACTIONS, MOUSE
from poseapp.ui.icons import icon

OTHER: tuple[tuple[str, str], ...] = (
    ("Ctrl+Return", "Generate poses from the caption"),
    ("Alt+1 … Alt+7", "Show or hide a panel"),
    ("Tab, Shift+Tab", "Go from control to control"),
)


def native(keys: tuple[str, ...]) -> str:
    """Shortcuts as the system writes them."""
    form = QKeySequence.SequenceFormat.NativeText
    return ", ".join(QKeySequence(key).toString(form) for key in keys)


class ShortcutsDialog(QDialog):
    """Every shortcut and mouse gesture, searchable."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.resize(620, 640)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search")
        self.search.setAccessibleName("Search shortcuts")
        self.search.setClearButtonEnabled(True)
        self.search.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.search.textChanged.connect(self._on_search)
        self.tree = QTreeWidget()
        self.tree.setAccessibleName("Shortcuts")
        self.tree.setColumnCount(2)
        self.tree.setHeaderLabels(["What", "Keys or mouse"])
        self.tree.setRootIsDecorated(False)
        self.tree.setAlternatingRowColors(True)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self._fill()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addWidget(self.search)
        column.addWidget(self.tree, 1)
        column.addWidget(buttons)
        self.search.setFocus()

    def _fill(self) -> None:
        groups: dict[str, QTreeWidgetItem] = {}

        def row(group: str, what: str, keys: str) -> None:
            if group not in groups:
                head = QTreeWidgetItem([group])
                font = head.font(0)
                font.setBold(True)
                head.setFont(0, font)
                head.setFirstColumnSpanned(True)
                head.setFlags(Qt.ItemFlag.ItemIsEnabled)
                self.tree.addTopLevelItem(head)
                groups[group] = head
            groups[group].addChild(QTreeWidgetItem([what, keys]))

        for spec in ACTIONS:
            if spec.keys:
                group, _, below = spec.menu.replace("&", "").partition("/")
                what = f"{below} {spec.title.lower()}" if below else spec.title
                row(group, what, native(spec.keys))
        for gesture, what in MOUSE:
            row("Mouse on the canvas", what, gesture)
        for keys, what in OTHER:
            row("Panels", what, keys)
        self.tree.expandAll()

    @Slot(str)
    def _on_search(self, text: str) -> None:
        words = text.casefold().split()
        for place in range(self.tree.topLevelItemCount()):
            head = self.tree.topLevelItem(place)
            assert head is not None
            shown = 0
            for row in range(head.childCount()):
                item = head.child(row)
                assert item is not None
                have = f"{head.text(0)} {item.text(0)} {item.text(1)}".casefold()
                fits = all(word in have for word in words)
                item.setHidden(not fits)
                shown += fits
            head.setHidden(not shown)
