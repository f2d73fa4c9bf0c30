"""The card of one model: what it is, how good it measured, where it runs."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from poseapp.services import quality
from poseapp.services.weights import ModelCard
from poseapp.ui.icons import icon
from poseapp.ui.panels.caption_form import tool_button

_TASKS = {
    "caption_to_pose": "Caption to pose",
    "lift": "2D pose to 3D",
    "estimate": "Photo to pose",
    "find": "People in a photo",
    "transfer": "Person in a new pose",
}
_COLOURS = {"loaded": "#1a9d5f", "ready": "#3d7bf0", "missing": "#d07a12", "damaged": "#e0556b"}
_STYLE = """
QFrame#modelcard { border: 1px solid palette(mid); border-radius: 8px; background: palette(base); }
QLabel#cardtitle { font-weight: 600; }
"""


def size_text(size_bytes: int) -> str:
    """13.1 MB, the way file managers write it."""
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes else ""


def quality_text(metrics: dict[str, float]) -> str:
    """Measured figures in one line."""
    numbers = {
        name: float(value)
        for name, value in metrics.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    return quality.describe(numbers)


class ModelCardView(QFrame):
    """One card; says what the user wants by signals that carry the model's name."""

    load_requested = Signal(str)
    unload_requested = Signal(str)
    file_requested = Signal(str)
    reset_requested = Signal(str)
    device_chosen = Signal(str, str)

    def __init__(self, card: ModelCard, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._card = card
        self._loaded_on = ""
        self._busy = False
        self.setObjectName("modelcard")
        self.setStyleSheet(_STYLE)
        self.setAccessibleName(card.title)
        self._build()
        self.show_card(card, "")

    @property
    def card(self) -> ModelCard:
        """What is shown."""
        return self._card

    @property
    def status(self) -> str:
        """loaded, ready, missing or damaged."""
        return "loaded" if self._loaded_on and self._card.status == "ready" else self._card.status

    def show_card(self, card: ModelCard, loaded_on: str) -> None:
        """Show what is known now; `loaded_on` is the device, empty while it is not loaded."""
        self._card, self._loaded_on = card, loaded_on
        status = self.status
        where = f" on {device_title(loaded_on)}" if status == "loaded" else ""
        self._pill.setText(f"{status.capitalize()}{where}")
        colour = _COLOURS[status]
        self._pill.setStyleSheet(
            f"color: {colour}; border: 1px solid {colour}; border-radius: 8px; padding: 0px 7px;"
        )
        self._problem.setText(card.problem)
        self._problem.setVisible(bool(card.problem))
        chosen = " (chosen by you)" if card.chosen else ""
        size = size_text(card.size_bytes)
        file = f"{card.path.name}{chosen}" + (f" · {size}" if size else "")
        self._fact("File", file, str(card.path))
        self._fact("Trained on", card.data)
        self._fact("Quality", quality_text(card.metrics) or "not measured")
        self._fact("Trained", card.trained)
        self._fact("Licence", card.licence)
        self._fact("Paper", card.paper)
        self.setAccessibleDescription(f"{self._pill.text()}. {card.problem}".strip())
        self._refresh_buttons()

    def show_devices(self, devices: list[tuple[str, str]], chosen: str) -> None:
        """Fill the device box with (name, title) pairs."""
        with QSignalBlocker(self.device_box):
            self.device_box.clear()
            self.device_box.addItem("Automatic", "")
            for name, title in devices:
                self.device_box.addItem(title, name)
            if chosen and self.device_box.findData(chosen) < 0:
                self.device_box.addItem(chosen, chosen)
            self.device_box.setCurrentIndex(max(0, self.device_box.findData(chosen)))

    def show_busy(self, busy: bool) -> None:
        """While it is being loaded nothing else can be asked."""
        self._busy = busy
        self._refresh_buttons()

    def _refresh_buttons(self) -> None:
        loaded = self.status == "loaded"
        self.load_button.setText("Loading …" if self._busy else "Unload" if loaded else "Load")
        self.load_button.setEnabled(not self._busy and self._card.status == "ready")
        self._reset_action.setEnabled(self._card.chosen)

    def _fact(self, name: str, text: str, tip: str = "") -> None:
        label, value = self._facts[name]
        value.setText(text)
        value.setToolTip(tip or text)
        label.setVisible(bool(text))
        value.setVisible(bool(text))

    @Slot()
    def _on_load(self) -> None:
        wanted = self.unload_requested if self.status == "loaded" else self.load_requested
        wanted.emit(self._card.name)

    @Slot()
    def _on_file(self) -> None:
        self.file_requested.emit(self._card.name)

    @Slot()
    def _on_reset(self) -> None:
        self.reset_requested.emit(self._card.name)

    @Slot()
    def _on_device(self) -> None:
        self.device_chosen.emit(self._card.name, str(self.device_box.currentData()))

    def _build(self) -> None:
        title = QLabel(self._card.title)
        title.setObjectName("cardtitle")
        task = QLabel(_TASKS.get(self._card.task, ""))
        task.setObjectName("hint")
        _may_shrink(task)
        self._pill = QLabel()
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(title, 1)
        head.addWidget(self._pill)
        self._problem = QLabel()
        self._problem.setWordWrap(True)
        _may_shrink(self._problem)
        self._problem.setStyleSheet(f"color: {_COLOURS['damaged']};")
        facts = QGridLayout()
        facts.setHorizontalSpacing(10)
        facts.setVerticalSpacing(2)
        facts.setColumnStretch(1, 1)
        self._facts: dict[str, tuple[QLabel, QLabel]] = {}
        names = ("File", "Quality", "Trained on", "Trained", "Licence", "Paper")
        for row, name in enumerate(names):
            label, value = QLabel(name), QLabel()
            label.setObjectName("hint")
            value.setWordWrap(True)
            _may_shrink(value)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            facts.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
            facts.addWidget(value, row, 1)
            self._facts[name] = (label, value)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 8)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(task)
        column.addWidget(self._problem)
        column.addLayout(facts)
        column.addLayout(self._build_buttons())

    def _build_buttons(self) -> QHBoxLayout:
        self.load_button = QPushButton("Load")
        self.load_button.setToolTip("Keep this model in memory, or take it out")
        self.load_button.setAccessibleName(f"Load or unload {self._card.title}")
        self.load_button.clicked.connect(self._on_load)
        self.device_box = QComboBox()
        self.device_box.addItem("Automatic", "")
        self.device_box.setToolTip("Where this model runs; Automatic takes a GPU if there is one")
        self.device_box.setAccessibleName(f"Device of {self._card.title}")
        self.device_box.setMinimumContentsLength(8)
        self.device_box.currentIndexChanged.connect(self._on_device)
        more = tool_button("more", "More: choose a weights file, reset")
        more.setAccessibleName(f"More for {self._card.title}")
        more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        more.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        menu = QMenu(more)
        menu.addAction(icon("open"), "Choose another weights file …", self._on_file)
        self._reset_action = menu.addAction(
            icon("reset"), "Reset to the shipped weights", self._on_reset
        )
        more.setMenu(menu)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.load_button)
        row.addWidget(self.device_box, 1)
        row.addWidget(more)
        return row


def _may_shrink(label: QLabel) -> None:
    """A long word must not make the whole panel wider than its dock."""
    label.setMinimumWidth(20)
    policy = label.sizePolicy()
    policy.setHorizontalPolicy(QSizePolicy.Policy.Ignored)
    label.setSizePolicy(policy)


def device_title(device: str) -> str:
    """CPU, GPU, GPU:1 as a person reads a device's name."""
    return {"cpu": "CPU", "mps": "GPU"}.get(device, device.upper().replace("CUDA", "GPU"))
