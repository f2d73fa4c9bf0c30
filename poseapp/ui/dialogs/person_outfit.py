"""One piece of an outfit: what it is, its colours, pattern and length."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from poseapp.core.person_values import Values
from poseapp.ui.dialogs.person_widgets import (
    CLOTH_COLOURS,
    NAME_PX,
    Choice,
    ColourButton,
    LockButton,
    readable,
)

PLAIN = "plain"
_FIRST_COLOURS = {
    "top": "#5b7fa6", "bottom": "#1d2a44", "suit": "#3a3d42", "skirt": "#6a1f2b",
    "legwear": "#17181b", "shoes": "#5a4030", "hat": "#c8b191", "bag": "#8b6b4a",
}  # fmt: skip
_FIRST_SECOND = "#f5f4f0"
_LENGTH_STEPS = 100


class WearRow(QWidget):
    """Item and lock; below, for what is worn, colour, pattern, second colour and length."""

    changed = Signal(str, object)
    """(slot, values of what is worn or None)."""

    def __init__(
        self, slot: str, items: Sequence[str], cuttable: frozenset[str], patterns: Sequence[str]
    ) -> None:
        super().__init__()
        self.slot = slot
        self._cuttable = cuttable
        self._wear: Values | None = None
        name = readable(slot)
        self.item = Choice(name, "None")
        self.item.offer(items)
        self.item.chosen.connect(self._on_item)
        self.lock = LockButton(f"the {slot}")
        label = QLabel(name)
        label.setObjectName("hint")
        label.setFixedWidth(NAME_PX)
        first = QHBoxLayout()
        first.setSpacing(6)
        first.addWidget(label)
        first.addWidget(self.item, 1)
        first.addWidget(self.lock)

        self.colour = ColourButton(f"Colour of the {slot}", CLOTH_COLOURS)
        self.colour.picked.connect(self._on_detail)
        self.pattern = Choice(f"Pattern of the {slot}")
        self.pattern.offer(patterns)
        self.pattern.chosen.connect(self._on_detail)
        self.second = ColourButton(f"Second colour of the {slot}", CLOTH_COLOURS)
        self.second.picked.connect(self._on_detail)
        self.length = QSlider(Qt.Orientation.Horizontal)
        self.length.setRange(0, _LENGTH_STEPS)
        self.length.setPageStep(10)
        self.length.setAccessibleName(f"Length of the {slot}")
        self.length.setToolTip("Shortest to longest")
        self.length.valueChanged.connect(self._on_detail)
        self._details = QWidget()
        second = QHBoxLayout(self._details)
        second.setContentsMargins(NAME_PX + 6, 0, 0, 2)
        second.setSpacing(4)
        second.addWidget(self.colour)
        second.addWidget(self.pattern, 3)
        second.addWidget(self.second)
        second.addWidget(self.length, 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(first)
        column.addWidget(self._details)
        self.show_wear(None)

    def show_wear(self, wear: Values | None) -> None:
        """Show what is worn without saying that it changed."""
        self._wear = wear
        self._details.setVisible(wear is not None)
        if wear is None:
            self.item.show_name("")
            return
        self.item.show_name(str(wear.get("item", "")))
        self.colour.show_colour(str(wear.get("colour", _FIRST_COLOURS.get(self.slot, "#7a8791"))))
        self.second.show_colour(str(wear.get("second", _FIRST_SECOND)))
        self.pattern.show_name(str(wear.get("pattern", PLAIN)))
        self.length.blockSignals(True)
        self.length.setValue(round(float(wear.get("length", 1.0)) * _LENGTH_STEPS))
        self.length.blockSignals(False)
        self._show_details()

    def _show_details(self) -> None:
        self.second.setVisible(self.pattern.name != PLAIN)
        self.length.setVisible(self.item.name in self._cuttable)

    @Slot(str)
    def _on_item(self, name: str) -> None:
        if not name:
            wear = None
        elif self._wear is not None:
            wear = {**self._wear, "item": name}
        else:
            wear = {
                "slot": self.slot,
                "item": name,
                "colour": _FIRST_COLOURS.get(self.slot, "#7a8791"),
                "second": _FIRST_SECOND,
                "pattern": PLAIN,
                "scale": 1.0,
                "length": 1.0,
            }
        self.show_wear(wear)
        self.changed.emit(self.slot, wear)

    @Slot()
    def _on_detail(self) -> None:
        if self._wear is None:
            return
        self._wear = {
            **self._wear,
            "colour": self.colour.colour,
            "second": self.second.colour,
            "pattern": self.pattern.name or PLAIN,
            "length": self.length.value() / _LENGTH_STEPS,
        }
        self._show_details()
        self.changed.emit(self.slot, self._wear)
