"""The row below the picture of a person: history, dice, seed, and what the picture is."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSpinBox, QWidget

from poseapp.ui.dialogs.person_history import History
from poseapp.ui.icons import icon
from poseapp.ui.panels.caption_form import MAX_SEED, tool_button


class PersonBar(QWidget):
    """Buttons and the seed; the dialog says what they do."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.back = tool_button("undo", "The person before")
        self.forward = tool_button("redo", "The next person")
        self.roll = QPushButton("Another person")
        self.roll.setIcon(icon("dice"))
        self.roll.setToolTip("Throw the dice for all that is not locked (Ctrl+R)")
        self.roll.setShortcut("Ctrl+R")
        self.roll.setAutoDefault(False)
        self.seed = QSpinBox()
        self.seed.setRange(0, MAX_SEED)
        self.seed.setKeyboardTracking(False)
        self.seed.setAccessibleName("Seed")
        self.seed.setToolTip("The same seed gives the same person")
        self.reset = tool_button("reset", "Take back the changes by hand")
        self.skeleton = tool_button("bone", "Show the skeleton", True)
        self._state = QLabel()
        self._state.setObjectName("hint")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for widget in (self.back, self.forward, self.roll):
            row.addWidget(widget)
        row.addSpacing(6)
        row.addWidget(QLabel("Seed"))
        row.addWidget(self.seed)
        row.addWidget(self.reset)
        row.addStretch(1)
        row.addWidget(self._state)
        row.addWidget(self.skeleton)

    def say(self, text: str) -> None:
        """A word about the picture."""
        self._state.setText(text)

    def update_buttons(self, creating: bool, history: History) -> None:
        """Enable what makes sense.

        Args:
            creating: a person of the form is shown.
        """
        past = history.current
        self.roll.setEnabled(creating)
        self.seed.setEnabled(creating)
        self.back.setEnabled(creating and history.can_go_back)
        self.forward.setEnabled(creating and history.can_go_forward)
        self.reset.setEnabled(creating and past is not None and past.now != past.drawn)
