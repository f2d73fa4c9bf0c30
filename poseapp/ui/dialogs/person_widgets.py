"""Parts of the dialog that creates a person: sections with a lock, sliders, colours, choices."""

from __future__ import annotations

import re
from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction, QColor, QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import (
    QColorDialog,
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
    QWidgetAction,
)

from poseapp.ui.icons import icon
from poseapp.ui.panels.caption_form import tool_button

NAME_PX = 84
_VALUE_PX = 44
_SWATCH = QSize(22, 22)
_COLUMNS = 8

HAIR_COLOURS = (
    "#15110f", "#261a14", "#3b2a20", "#553a28", "#6f4a2f", "#8a5f3b", "#a97c4f", "#c9a26b",
    "#dcc08c", "#e9d7b0", "#7a2f1b", "#9c4a24", "#b5652f", "#6e6a66", "#a5a29e", "#dddbd8",
)  # fmt: skip
CLOTH_COLOURS = (
    "#17181b", "#3a3d42", "#6c7077", "#a3a8ae", "#d6d8da", "#f5f4f0", "#e9dfcb", "#c8b191",
    "#8b6b4a", "#5a4030", "#1d2a44", "#2f4a7c", "#5b7fa6", "#a9c3d8", "#234a45", "#4d6b4f",
    "#7a8450", "#b9bf94", "#6a1f2b", "#9c3a3a", "#c8695a", "#e3a79a", "#b8862d", "#dfc06a",
    "#4b3556", "#7d6290", "#b79fc2", "#d7a7b5", "#7a5a63", "#3f5b66", "#6f9a9a", "#b7d3c8",
)  # fmt: skip
"""What clothes are dyed with: mostly quiet."""


_WORDS = {
    "brownlight": "light brown", "lightblue": "light blue", "deepblue": "deep blue",
    "bluegreen": "blue-green", "boring": "bored", "cry": "crying", "laugh": "laughing",
    "sleep": "asleep", "vocalize": "speaking", "threaten": "threatening", "attention": "attentive",
    "anger": "angry", "fear": "afraid", "surprise": "surprised", "smile": "smiling",
    "doubt": "doubtful", "disgust": "disgusted", "determination": "determined",
}  # fmt: skip


def readable(name: str) -> str:
    """A name of the studio's as people write it: "long_coat" becomes "Long coat"."""
    text, number = _parted(name)
    return f"{text[:1].upper()}{text[1:]} {number}".strip()


def titles(names: Sequence[str]) -> list[str]:
    """The same for names that are offered together: one without a sibling needs no number."""
    parts = [_parted(name) for name in names]
    texts = [text for text, _ in parts]
    return [
        f"{text[:1].upper()}{text[1:]} {number if texts.count(text) > 1 else ''}".strip()
        for text, number in parts
    ]


def _parted(name: str) -> tuple[str, str]:
    found = re.fullmatch(r"(.*?)0*(\d*)", name.replace("_", " ").strip())
    assert found is not None
    text = found[1].strip()
    return _WORDS.get(text.casefold(), text), found[2]


class LockButton(QToolButton):
    """Keeps what it stands beside as it is when the dice is thrown."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.setIcon(icon("unlock", checked="lock"))
        self.setIconSize(QSize(15, 15))
        self.setCheckable(True)
        self.setAutoRaise(True)
        self.setToolTip(f"Keep {what} when the dice is thrown")
        self.setAccessibleName(f"Keep {what}")


class Section(QFrame):
    """A heading with a fold, a dice and a lock, and rows below it."""

    rolled = Signal(str)
    """The dice of this section was thrown."""
    lock_changed = Signal()

    def __init__(self, group: str, title: str, random: bool = True) -> None:
        super().__init__()
        self.group = group
        self.setObjectName("personsection")
        self.fold = QToolButton()
        self.fold.setText(title)
        self.fold.setObjectName("sectionfold")
        self.fold.setIcon(icon("chevron-right", checked="chevron-down"))
        self.fold.setIconSize(QSize(11, 11))
        self.fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.fold.setCheckable(True)
        self.fold.setChecked(True)
        self.fold.setAutoRaise(True)
        self.fold.setToolTip(f"Show or hide {title.lower()}")
        self.fold.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        head = QHBoxLayout()
        head.setSpacing(2)
        head.addWidget(self.fold, 1)
        self.lock: LockButton | None = None
        if random:
            dice = tool_button("dice", f"Another {title.lower()}")
            dice.setIconSize(QSize(15, 15))
            dice.clicked.connect(self._on_dice)
            head.addWidget(dice)
            self.lock = LockButton(title.lower())
            self.lock.toggled.connect(self.lock_changed)
            head.addWidget(self.lock)
        self._inside = QWidget()
        self.rows = QVBoxLayout(self._inside)
        self.rows.setContentsMargins(4, 0, 4, 6)
        self.rows.setSpacing(5)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 2, 4, 2)
        column.setSpacing(2)
        column.addLayout(head)
        column.addWidget(self._inside)
        self.fold.toggled.connect(self._inside.setVisible)

    @property
    def locked(self) -> bool:
        """What is below the heading stays."""
        return self.lock is not None and self.lock.isChecked()

    @Slot()
    def _on_dice(self) -> None:
        self.rolled.emit(self.group)


def named_row(name: str, *widgets: QWidget) -> QHBoxLayout:
    """A label of the usual width and what belongs to it."""
    row = QHBoxLayout()
    row.setSpacing(6)
    label = QLabel(name)
    label.setObjectName("hint")
    label.setFixedWidth(NAME_PX)
    row.addWidget(label)
    for widget in widgets:
        row.addWidget(widget, 1 if isinstance(widget, QComboBox | QSlider) else 0)
    return row


class ValueSlider(QWidget):
    """A named slider with its value in words."""

    changed = Signal(str, float)
    """(path of the value, value)."""

    def __init__(
        self,
        path: str,
        name: str,
        low: float,
        high: float,
        *,
        step: float = 0.01,
        unit: str = "%",
        tip: str = "",
        ends: tuple[str, str] = ("", ""),
    ) -> None:
        super().__init__()
        self.path = path
        self._step = step
        self._unit = unit
        self._ends = ends
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(round(low / step), round(high / step))
        self.slider.setPageStep(max(1, round((high - low) / step / 10)))
        self.slider.setAccessibleName(name)
        self.slider.setToolTip(tip or (f"{ends[0]} to {ends[1]}" if ends[0] else name))
        self.slider.valueChanged.connect(self._on_moved)
        self._text = QLabel()
        self._text.setObjectName("hint")
        self._text.setFixedWidth(_VALUE_PX)
        self._text.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row = named_row(name, self.slider, self._text)
        row.setContentsMargins(0, 0, 0, 0)
        self.setLayout(row)
        self._say()

    @property
    def value(self) -> float:
        """In its own unit."""
        return round(self.slider.value() * self._step, 6)

    def show_value(self, value: float) -> None:
        """Take a value without saying that it changed."""
        with QSignalBlocker(self.slider):
            self.slider.setValue(round(value / self._step))
        self._say()

    def _say(self) -> None:
        value = self.value
        if self._unit == "%":
            self._text.setText(f"{round(100 * value)} %")
        else:
            self._text.setText(f"{value:g}{self._unit}")

    @Slot()
    def _on_moved(self) -> None:
        self._say()
        self.changed.emit(self.path, self.value)


def _swatch(colour: str, size: QSize = _SWATCH) -> QIcon:
    pixmap = QPixmap(size * 2)
    pixmap.setDevicePixelRatio(2.0)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(128, 128, 128, 110), 1))
    painter.setBrush(QColor(colour))
    painter.drawRoundedRect(1, 1, size.width() - 2, size.height() - 2, 5, 5)
    painter.end()
    return QIcon(pixmap)


class ColourButton(QToolButton):
    """A swatch that opens a small palette."""

    picked = Signal(str)

    def __init__(self, name: str, colours: Sequence[str]) -> None:
        super().__init__()
        self._name = name
        self._colours = tuple(colours)
        self._colour = ""
        self.setAutoRaise(True)
        self.setIconSize(_SWATCH)
        self.setAccessibleName(name)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setStyleSheet("QToolButton::menu-indicator { image: none; width: 0; }")
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(self._fill)
        self.setMenu(self._menu)
        self.show_colour(self._colours[0])

    @property
    def colour(self) -> str:
        """#rrggbb."""
        return self._colour

    def show_colour(self, colour: str) -> None:
        """Take a colour without saying that it changed."""
        if colour != self._colour:
            self._colour = colour
            self.setIcon(_swatch(colour))
            self.setToolTip(f"{self._name}: {colour}")

    def pick(self, colour: str) -> None:
        """Choose a colour."""
        self._menu.close()
        if QColor(colour).isValid() and colour != self._colour:
            self.show_colour(colour)
            self.picked.emit(colour)

    @Slot()
    def _fill(self) -> None:
        if not self._menu.isEmpty():
            return
        sheet = QWidget()
        grid = QGridLayout(sheet)
        grid.setContentsMargins(6, 6, 6, 6)
        grid.setSpacing(2)
        for place, colour in enumerate(self._colours):
            button = QToolButton()
            button.setAutoRaise(True)
            button.setIcon(_swatch(colour))
            button.setIconSize(_SWATCH)
            button.setToolTip(colour)
            button.setAccessibleName(colour)
            button.setProperty("colour", colour)
            button.clicked.connect(self._on_swatch)
            grid.addWidget(button, *divmod(place, _COLUMNS))
        action = QWidgetAction(self._menu)
        action.setDefaultWidget(sheet)
        self._menu.addAction(action)
        other = QAction("Other colour…", self._menu)
        other.triggered.connect(self._on_other)
        self._menu.addAction(other)

    @Slot()
    def _on_swatch(self) -> None:
        sender = self.sender()
        assert isinstance(sender, QToolButton)
        self.pick(str(sender.property("colour")))

    @Slot()
    def _on_other(self) -> None:
        colour = QColorDialog.getColor(QColor(self._colour), self, self._name)
        if colour.isValid():
            self.pick(colour.name())


class Choice(QComboBox):
    """One of some names; the studio's own names are the data of its entries."""

    chosen = Signal(str)

    def __init__(self, name: str, none: str = "") -> None:
        super().__init__()
        self._none = none
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setMaxVisibleItems(24)
        self.activated.connect(self._on_activated)

    def offer(self, names: Sequence[str]) -> None:
        """Take other names, after the one for nothing where there is such."""
        kept = self.name
        with QSignalBlocker(self):
            self.clear()
            if self._none:
                self.addItem(self._none, "")
            for name, title in zip(names, titles(names), strict=True):
                self.addItem(title, name)
        self.show_name(kept)

    @property
    def name(self) -> str:
        """The chosen one, "" for nothing."""
        return str(self.currentData() or "")

    def show_name(self, name: str) -> None:
        """Take a name without saying that it changed; one that nobody offered is added."""
        with QSignalBlocker(self):
            place = self.findData(name)
            if place < 0 and name:
                self.addItem(readable(name), name)
                place = self.count() - 1
            self.setCurrentIndex(max(place, 0))

    @Slot()
    def _on_activated(self) -> None:
        self.chosen.emit(self.name)
