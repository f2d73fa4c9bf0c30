"""The bar at the foot of the canvas: how far the search in the photo is, and who was found."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Slot
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from poseapp.ui.detecting import DetectionController
from poseapp.ui.icons import icon
from poseapp.ui.theme import Theme

FOOT_PX = 92
"""What it takes at most at the foot of the canvas."""

_WIDEST_PX = 760


class DetectionBar(QFrame):
    """Accept, Discard, Add by box; Cancel while the search goes on."""

    def __init__(self, host: QWidget, theme: Theme, detecting: DetectionController) -> None:
        super().__init__(host)
        self._theme = theme
        self._detecting = detecting
        self.setObjectName("infobar")
        self.setAccessibleName("People found in the photo")
        self.setAutoFillBackground(True)
        self._icon = QLabel()
        self.text = QLabel()
        self.text.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.progress = QProgressBar()
        self.progress.setFixedSize(130, 10)
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Progress of the search")
        self.note = QLabel()
        self.note.setObjectName("hint")
        self.note.setWordWrap(True)
        make = self._button
        self.accept_button = make("&Accept", "Put them on the canvas, as one step (Ctrl+Shift+A)")
        self.accept_button.setObjectName("primary")
        self.discard_button = make("&Discard", "Forget them; nothing is left behind")
        self.box_button = make("Add by &box", "Drag a box around somebody who was missed (D)")
        self.box_button.setIcon(icon("detect-box"))
        self.reference_button = make(
            "As &reference", "Make the photo and the surest person in it the reference person"
        )
        self.reference_button.setIcon(icon("reference"))
        self.cancel_button = make("&Cancel", "Stop the search")
        self.accept_button.clicked.connect(detecting.accept)
        self.discard_button.clicked.connect(detecting.discard)
        self.box_button.clicked.connect(detecting.box_wanted)
        self.reference_button.clicked.connect(detecting.use_as_reference)
        self.cancel_button.clicked.connect(detecting.cancel)
        said, buttons = QHBoxLayout(), QHBoxLayout()
        said.setSpacing(8)
        said.addWidget(self._icon)
        said.addWidget(self.text, 1)
        said.addWidget(self.progress)
        buttons.setSpacing(8)
        for button in (
            self.accept_button,
            self.discard_button,
            self.box_button,
            self.reference_button,
            self.cancel_button,
        ):
            buttons.addWidget(button)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._row.setSpacing(8)
        self._row.addLayout(said, 1)
        self._row.addLayout(buttons)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 10, 8)
        column.setSpacing(4)
        column.addLayout(self._row)
        column.addWidget(self.note)
        host.installEventFilter(self)
        detecting.changed.connect(self.refresh)
        detecting.progressed.connect(self._on_progressed)
        theme.changed.connect(self.refresh)
        self.hide()

    @staticmethod
    def _button(text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setAccessibleName(text.replace("&", ""))
        return button

    @Slot()
    def refresh(self) -> None:
        """Say what the controller knows."""
        detecting = self._detecting
        state = detecting.state
        count, doubtful = len(detecting.proposals), detecting.doubtful()
        working, found = state == "working", state == "found"
        if working:
            self.progress.setValue(0)  # while it is hidden: a visible one paints at once
        self.progress.setVisible(working)
        self.cancel_button.setVisible(working)
        self.accept_button.setVisible(found)
        self.reference_button.setVisible(found)
        self.discard_button.setVisible(state in ("found", "nobody"))
        self.discard_button.setText("&Discard" if found else "Close")
        self.box_button.setVisible(state in ("found", "nobody"))
        self.box_button.setText("Add by &box" if found else "Drag a &box")
        if working:
            text = "Finding people …"
        elif found:
            text = "1 person found" if count == 1 else f"{count} people found"
            if doubtful:
                text += f" · {doubtful} joint{'s' if doubtful > 1 else ''} to check"
        else:
            text = detecting.note
        self.text.setText(text)
        note = detecting.note if found else ""
        self.note.setText(note)
        self.note.setVisible(bool(note))
        self.setAccessibleDescription(f"{text} {note}".strip())
        name = "warning" if state == "nobody" else "detect"
        self._icon.setPixmap(icon(name, self._theme.colours.accent).pixmap(QSize(18, 18)))
        self.setVisible(state != "idle")
        if state != "idle":
            self._place()
            self.raise_()

    @Slot(float, str)
    def _on_progressed(self, share: float, text: str) -> None:
        self.progress.setValue(round(1000 * share))
        if text:
            self.text.setText(f"{text} …")

    def _place(self) -> None:
        host, layout = self.parentWidget(), self.layout()
        assert host is not None and layout is not None
        room = max(host.width() - 24, 120)
        self._row.setDirection(QBoxLayout.Direction.LeftToRight)
        layout.activate()
        if self.sizeHint().width() > room:  # on a narrow canvas the buttons go below
            self._row.setDirection(QBoxLayout.Direction.TopToBottom)
            layout.activate()
        width = min(max(self.sizeHint().width(), 360), _WIDEST_PX, room)
        self.setFixedWidth(width)
        height = layout.heightForWidth(width) if layout.hasHeightForWidth() else -1
        self.resize(width, height if height > 0 else self.sizeHint().height())
        self.move((host.width() - width) // 2, host.height() - self.height() - 14)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and not self.isHidden():
            self._place()
        return super().eventFilter(watched, event)
