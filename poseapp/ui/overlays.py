"""What floats over the canvas: the message bar, and the hint on an empty canvas."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from poseapp.ui.icons import icon
from poseapp.ui.theme import Theme

_LEVELS = {"info": "info", "success": "check", "warning": "warning", "error": "error"}
_STAYS_MS = {"info": 6000, "success": 3500, "warning": 9000, "error": 0}


class InfoBar(QFrame):
    """One sentence at the top of the canvas; it blocks nothing. Errors stay until closed."""

    _WIDEST_PX = 640

    def __init__(self, host: QWidget, theme: Theme) -> None:
        super().__init__(host)
        self._theme = theme
        self._then: Callable[[], object] | None = None
        self.setObjectName("infobar")
        self.setAccessibleName("Message")
        self.setAutoFillBackground(True)
        self._icon = QLabel()
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._button = QPushButton()
        self._button.clicked.connect(self._on_button)
        close = QToolButton()
        close.setIcon(icon("close"))
        close.setIconSize(QSize(14, 14))
        close.setToolTip("Close this message")
        close.setAccessibleName("Close this message")
        close.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 8, 8)
        row.setSpacing(10)
        row.addWidget(self._icon)
        row.addWidget(self._text, 1)
        row.addWidget(self._button)
        row.addWidget(close)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        host.installEventFilter(self)
        self.hide()

    @property
    def text(self) -> str:
        """What it says; "" while hidden."""
        return "" if self.isHidden() else self._text.text()

    @property
    def level(self) -> str:
        """info, success, warning or error."""
        return str(self.property("level") or "")

    def say(
        self, level: str, text: str, button: str = "", then: Callable[[], object] | None = None
    ) -> None:
        """Show a sentence, with a button if `then` is given."""
        colours = self._theme.colours
        ink = {
            "info": colours.accent,
            "success": colours.success,
            "warning": colours.warning,
            "error": colours.error,
        }[level]
        self._icon.setPixmap(icon(_LEVELS[level], ink).pixmap(QSize(18, 18)))
        self._text.setText(text)
        self.setAccessibleDescription(text)
        self._then = then
        self._button.setText(button)
        self._button.setVisible(then is not None)
        self.setProperty("level", level)
        self.style().unpolish(self)
        self.style().polish(self)
        self._timer.stop()
        if _STAYS_MS[level] and then is None:
            self._timer.start(_STAYS_MS[level])
        self.show()
        self._place()
        self.raise_()

    @Slot()
    def _on_button(self) -> None:
        self.hide()
        if self._then is not None:
            self._then()

    def _place(self) -> None:
        host, layout = self.parentWidget(), self.layout()
        assert host is not None and layout is not None
        width = min(self._WIDEST_PX, host.width() - 24)
        self.setFixedWidth(max(width, 120))
        height = layout.heightForWidth(width) if layout.hasHeightForWidth() else -1
        self.resize(width, height if height > 0 else self.sizeHint().height())
        self.move((host.width() - self.width()) // 2, 12)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and not self.isHidden():
            self._place()
        return super().eventFilter(watched, event)


class EmptyHint(QFrame):
    """Says what to do first while nobody is on the canvas. The mouse goes through its text."""

    add_requested = Signal()
    library_requested = Signal()
    photo_requested = Signal()
    caption_requested = Signal()

    def __init__(self, host: QWidget, theme: Theme) -> None:
        super().__init__(host)
        self._theme = theme
        self.setObjectName("emptyhint")
        self._picture = QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        title = QLabel("Start with a pose")
        title.setObjectName("emptytitle")
        title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        text = QLabel(
            "Describe it in words at the left, take one from the library,\n"
            "or drop a photo or a keypoint file here."
        )
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.setContentsMargins(16, 16, 16, 16)
        column.addWidget(self._picture)
        column.addWidget(title)
        column.addWidget(text)
        column.addSpacing(8)
        self._buttons: list[QPushButton] = []
        self._grid = QGridLayout()
        self._grid.setSpacing(8)
        for name, label, tip, signal, main in (
            ("caption", "Describe a pose", "Type a caption", self.caption_requested, True),
            ("add-person", "Add a person", "Add a standing person", self.add_requested, False),
            ("library", "Library", "Pick one of the presets", self.library_requested, False),
            ("photo", "Photo…", "Trace over a photo", self.photo_requested, False),
        ):
            button = QPushButton(label)
            if main:
                button.setObjectName("primary")
                button.setIcon(icon(name, "#ffffff"))
            else:
                button.setIcon(icon(name))
            button.setToolTip(tip)
            button.clicked.connect(signal)
            self._buttons.append(button)
        self._arrange(len(self._buttons))
        column.addLayout(self._grid)
        theme.changed.connect(self._on_theme_changed)
        host.installEventFilter(self)
        self._on_theme_changed()

    @Slot()
    def _on_theme_changed(self) -> None:
        self._picture.setPixmap(
            icon("person", self._theme.colours.muted).pixmap(
                QSize(52, 52), self.devicePixelRatioF()
            )
        )

    def _arrange(self, columns: int) -> None:
        self._columns = columns
        for number, button in enumerate(self._buttons):
            self._grid.addWidget(button, *divmod(number, columns))

    def place(self) -> None:
        """Stand in the middle of the canvas, the buttons in two rows where it is narrow."""
        host = self.parentWidget()
        assert host is not None
        wide = sum(b.sizeHint().width() + 8 for b in self._buttons) + 40
        columns = len(self._buttons) if wide <= host.width() else 2
        if columns != self._columns:
            self._arrange(columns)
        self.adjustSize()
        self.move((host.width() - self.width()) // 2, (host.height() - self.height()) // 2)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and not self.isHidden():
            self.place()
        return super().eventFilter(watched, event)
