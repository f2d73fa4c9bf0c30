"""A large icon that says what a panel is for while it is empty."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtWidgets import QLabel

from poseapp.ui.icons import icon


class Emblem(QLabel):
    """Shows an icon of `resources/icons` in the ink of the theme, also after the theme changed."""

    def __init__(self, name: str, side: int) -> None:
        super().__init__()
        self._name = name
        self._side = side
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._draw()

    def _draw(self) -> None:
        size = QSize(self._side, self._side)
        self.setPixmap(icon(self._name).pixmap(size, self.devicePixelRatioF()))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._draw()
