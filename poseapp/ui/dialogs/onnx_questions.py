"""What an ONNX model does not tell about itself, asked once."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

Question = tuple[str, str, Sequence[str]]
"""Key, text and choices."""


class OnnxQuestionsDialog(QDialog):
    """One box for each question; `answers` after it was accepted."""

    def __init__(
        self, name: str, questions: Sequence[Question], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("About this model")
        self.setMinimumWidth(420)
        head = QLabel(
            f"{name} does not tell all that is needed to use it. Its documentation does; the"
            " answers are kept."
        )
        head.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addWidget(head)
        self.boxes: dict[str, QComboBox] = {}
        for key, text, choices in questions:
            label = QLabel(text)
            label.setWordWrap(True)
            box = QComboBox()
            box.addItems(list(choices))
            box.setEditable(key == "size")  # any size may be right; the choices are the usual ones
            box.setAccessibleName(text)
            label.setBuddy(box)
            column.addSpacing(4)
            column.addWidget(label)
            column.addWidget(box)
            self.boxes[key] = box
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column.addSpacing(8)
        column.addWidget(buttons)

    @property
    def answers(self) -> dict[str, str]:
        """The choices by key."""
        return {key: box.currentText().strip() for key, box in self.boxes.items()}
