"""The controls of the caption panel: what to sample and how."""

from __future__ import annotations

import json
import logging
import random

from PySide6.QtCore import QSignalBlocker, QSize, QStringListModel, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QComboBox,
    QCompleter,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from poseapp.core.paths import resources_dir
from poseapp.services import weights
from poseapp.services.samples import CaptionRequest
from poseapp.services.tasks import MAX_COUNT
from poseapp.state.settings import Settings
from poseapp.ui.icons import icon

MAX_SEED = 999_999
_MAX_HISTORY = 50
_REPEAT_MS = 250
_STRIP_STEPS = 9

log = logging.getLogger(__name__)


def examples() -> list[str]:
    """The bundled example captions."""
    try:
        found = json.loads((resources_dir() / "captions.json").read_text("utf-8"))["examples"]
    except (OSError, ValueError, KeyError, TypeError) as exc:
        log.warning("No example captions: %s", exc)
        return []
    return [str(text) for text in found]


def tool_button(name: str, tip: str, checkable: bool = False) -> QToolButton:
    """A small flat button with an icon of ours."""
    button = QToolButton()
    button.setIcon(icon(name))
    button.setIconSize(QSize(16, 16))
    button.setAutoRaise(True)
    button.setCheckable(checkable)
    button.setToolTip(tip)
    button.setAccessibleName(tip.split(":")[0].split(" (")[0])
    return button


class CaptionForm(QWidget):
    """Caption, model, count, seed and strength; asks for poses, and again when a number changes."""

    requested = Signal(object)
    """A `CaptionRequest` to be sampled."""
    strip_requested = Signal(object)

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._own_guidance: dict[str, float] = {}
        self._used_once = False
        self._seed_by_hand = False
        # A slider sends many values: the last one counts, a moment after it stopped.
        self._repeat = QTimer(self)
        self._repeat.setSingleShot(True)
        self._repeat.setInterval(_REPEAT_MS)
        self._repeat.timeout.connect(self._on_repeat)
        self._build_caption()
        self._build_numbers()
        self._build_strip()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(self._caption_row)
        column.addWidget(self._strip_row)
        column.addLayout(self._numbers)
        self._restore()

    # -- state -------------------------------------------------------------------------------
    @property
    def caption(self) -> str:
        """The text as typed."""
        return self.caption_edit.text()

    @property
    def model(self) -> str:
        """Name of the chosen caption model."""
        return str(self.model_box.currentData())

    @property
    def guidance(self) -> float | None:
        """Guidance strength; None leaves it to the model."""
        if not weights.has_guidance(self.model) or not self.reset_button.isEnabled():
            return None
        return self.strength.value() / 10.0

    @property
    def noise_scale(self) -> float:
        """Spread of the noise."""
        return 1.0 if weights.has_guidance(self.model) else self.strength.value() / 100.0

    def request(self) -> CaptionRequest:
        """What the controls ask for now."""
        return CaptionRequest(
            model=self.model,
            captions=(self.caption,),
            count=self.count_box.value(),
            seed=self.seed_box.value(),
            guidance=self.guidance,
            noise_scale=self.noise_scale,
        )

    def strip_request(self) -> CaptionRequest:
        """A strip from the caption to the second caption."""
        return CaptionRequest(
            model=self.model,
            captions=(self.caption, self.second_edit.text()),
            count=self.steps_box.value(),
            seed=self.seed_box.value(),
            guidance=self.guidance,
            noise_scale=self.noise_scale,
            blend="captions",
        )

    def set_seed(self, seed: int) -> None:
        """Show another seed; the next poses are made with it."""
        with QSignalBlocker(self.seed_box):
            self.seed_box.setValue(seed)
        self._seed_by_hand = True

    def use_caption(self, text: str) -> None:
        """Put a caption in and ask for its poses."""
        self.caption_edit.setText(text)
        self.generate()

    def remember(self, text: str) -> None:
        """Put a caption at the head of the history."""
        kept = [t for t in self._settings.get("caption/history", []) if t != text]
        history = [text, *kept][:_MAX_HISTORY]
        self._settings.put("caption/history", history)
        self._completions.setStringList(history)

    def show_own_guidance(self, model: str, guidance: float) -> None:
        """Tell which strength a model takes when it is left to it."""
        self._own_guidance[model] = guidance
        if model == self.model:
            self._show_strength()

    # -- slots -------------------------------------------------------------------------------
    @Slot()
    def generate(self) -> None:
        """Ask for poses, with another seed unless it is locked or was chosen by hand."""
        fresh = self._used_once and not self.lock_button.isChecked() and not self._seed_by_hand
        if fresh and self.caption.strip():  # an empty caption is refused: its seed stays too
            self._roll()
        self._seed_by_hand = False
        self._used_once = True
        self._repeat.stop()
        if self.strip_button.isChecked():
            self.strip_requested.emit(self.strip_request())
        else:
            self.requested.emit(self.request())

    @Slot()
    def _on_dice(self) -> None:
        self._roll()
        self._seed_by_hand = True
        if self.caption.strip():
            self.generate()

    def _roll(self) -> None:
        with QSignalBlocker(self.seed_box):
            self.seed_box.setValue(random.randrange(MAX_SEED + 1))

    @Slot()
    def _on_seed_edited(self) -> None:
        self._seed_by_hand = True
        self._later()

    @Slot()
    def _on_number_changed(self) -> None:
        self._settings.put("caption/count", self.count_box.value())
        self._later()

    @Slot()
    def _on_strength_moved(self) -> None:
        self.reset_button.setEnabled(True)
        self._show_strength()
        self._keep_strength()
        self._later()

    @Slot()
    def _on_strength_reset(self) -> None:
        self.reset_button.setEnabled(False)
        self._show_strength()
        self._keep_strength()
        self._later()

    @Slot()
    def _on_model_changed(self) -> None:
        self._settings.put("caption/model", self.model)
        self._restore_strength()
        self._later()

    @Slot(bool)
    def _on_strip_toggled(self, on: bool) -> None:
        self._strip_row.setVisible(on)
        if on:
            self.second_edit.setFocus()

    @Slot(bool)
    def _on_lock_toggled(self, on: bool) -> None:
        self.lock_button.setIcon(icon("lock" if on else "unlock"))
        self._settings.put("caption/lock_seed", on)

    @Slot()
    def _on_examples(self) -> None:
        self._menu.clear()
        history = self._settings.get("caption/history", [])[:8]
        for title, texts in (("Used before", history), ("Examples", examples())):
            if texts:
                self._menu.addSection(title)
            for text in texts:
                action = QAction(text.replace("&", "&&"), self._menu)
                action.setData(text)
                self._menu.addAction(action)

    @Slot(QAction)
    def _on_example(self, action: QAction) -> None:
        self.use_caption(str(action.data()))

    def _later(self) -> None:
        """Sample again in a moment, once there has been a first time."""
        if self._used_once and self.caption.strip():
            self._repeat.start()

    @Slot()
    def _on_repeat(self) -> None:
        self._seed_by_hand = True  # same poses, other strength: the seed stays
        self.generate()

    # -- construction ------------------------------------------------------------------------
    def _build_caption(self) -> None:
        self.caption_edit = _line("Caption", "What does the person do?")
        self.caption_edit.setToolTip("What the person does, in English, e.g. “a man is surfing”")
        self.caption_edit.returnPressed.connect(self.generate)
        self._completions = QStringListModel(self._settings.get("caption/history", []), self)
        completer = QCompleter(self._completions, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.caption_edit.setCompleter(completer)
        self.examples_button = tool_button("history", "Examples and captions used before")
        self.examples_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(self._on_examples)
        self._menu.triggered.connect(self._on_example)
        self.examples_button.setMenu(self._menu)
        self.examples_button.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self.generate_button = QPushButton("Generate")
        self.generate_button.setObjectName("primary")
        self.generate_button.setToolTip("Sample poses for the caption (Enter)")
        self.generate_button.setAccessibleName("Generate poses")
        self.generate_button.clicked.connect(self.generate)
        self._caption_row = QHBoxLayout()
        self._caption_row.setSpacing(4)
        self._caption_row.addWidget(self.caption_edit, 1)
        self._caption_row.addWidget(self.examples_button)
        self._caption_row.addWidget(self.generate_button)

    def _build_numbers(self) -> None:
        self.model_box = QComboBox()
        for name, title in weights.caption_models():
            self.model_box.addItem(title, name)
        self.model_box.setToolTip("Which model draws the poses")
        self.model_box.setAccessibleName("Model")
        self.model_box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.model_box.setMinimumWidth(90)
        self.model_box.currentIndexChanged.connect(self._on_model_changed)
        self.count_box = _spin("How many poses", 1, MAX_COUNT, 24)
        self.count_box.valueChanged.connect(self._on_number_changed)
        self.seed_box = _spin("Seed: the same seed gives the same poses", 0, MAX_SEED, 7)
        self.seed_box.valueChanged.connect(self._on_seed_edited)
        self.dice_button = tool_button("dice", "Other poses: a new seed")
        self.dice_button.clicked.connect(self._on_dice)
        self.lock_button = tool_button("unlock", "Keep the seed for the next caption", True)
        self.lock_button.toggled.connect(self._on_lock_toggled)
        self.strength = QSlider(Qt.Orientation.Horizontal)
        self.strength.valueChanged.connect(self._on_strength_moved)
        self.strength_name = QLabel()
        self.strength_value = QLabel()
        self.strength_value.setMinimumWidth(self.fontMetrics().horizontalAdvance("auto 0.0"))
        self.reset_button = tool_button("reset", "Leave it to the model")
        self.reset_button.clicked.connect(self._on_strength_reset)
        self.strip_button = tool_button(
            "strip", "Strip: the way from this caption to another one", True
        )
        self.strip_button.setText("Strip")
        self.strip_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.strip_button.toggled.connect(self._on_strip_toggled)
        first, second, third = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        for row in (first, second, third):
            row.setSpacing(4)
        first.addWidget(QLabel("Model"))
        first.addWidget(self.model_box, 1)
        first.addSpacing(4)
        first.addWidget(QLabel("Poses"))
        first.addWidget(self.count_box)
        second.addWidget(self.strength_name)
        second.addWidget(self.strength, 1)
        second.addWidget(self.strength_value)
        second.addWidget(self.reset_button)
        third.addWidget(QLabel("Seed"))
        third.addWidget(self.seed_box)
        third.addWidget(self.dice_button)
        third.addWidget(self.lock_button)
        third.addStretch(1)
        third.addWidget(self.strip_button)
        self._numbers = QVBoxLayout()
        self._numbers.setSpacing(4)
        for row in (first, second, third):
            self._numbers.addLayout(row)

    def _build_strip(self) -> None:
        self._strip_row = QWidget()
        self.second_edit = _line("Second caption", "what the person does in the end")
        self.second_edit.returnPressed.connect(self.generate)
        self.steps_box = _spin("Poses of the strip, both ends included", 3, 24, _STRIP_STEPS)
        row = QHBoxLayout(self._strip_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(QLabel("to"))
        row.addWidget(self.second_edit, 1)
        row.addWidget(QLabel("Steps"))
        row.addWidget(self.steps_box)
        self._strip_row.hide()

    def _restore(self) -> None:
        settings = self._settings
        with QSignalBlocker(self.model_box), QSignalBlocker(self.count_box):
            wanted = settings.get("caption/model", weights.default_caption_model())
            self.model_box.setCurrentIndex(max(0, self.model_box.findData(wanted)))
            self.count_box.setValue(settings.get("caption/count", 24))
        self.lock_button.setChecked(settings.get("caption/lock_seed", False))
        self._restore_strength()

    def _keep_strength(self) -> None:
        value = self.strength.value() if self.reset_button.isEnabled() else -1
        self._settings.put(f"caption/strength/{self.model}", value)

    def _restore_strength(self) -> None:
        guided = weights.has_guidance(self.model)
        tip = (
            "Guidance: how strictly the caption is followed; more means less variety"
            if guided
            else "Noise scale: below 1 the poses come nearer to the typical one"
        )
        self.strength_name.setText("Guidance" if guided else "Noise")
        self.strength.setToolTip(tip)
        self.strength.setAccessibleName(tip.split(":")[0])
        kept = self._settings.get(f"caption/strength/{self.model}", -1)
        with QSignalBlocker(self.strength):
            self.strength.setRange(*((0, 60) if guided else (0, 200)))
            self.strength.setPageStep(5 if guided else 10)
            if kept >= 0:
                self.strength.setValue(kept)
        self.reset_button.setEnabled(kept >= 0)
        self._show_strength()

    def _show_strength(self) -> None:
        by_hand = self.reset_button.isEnabled()
        if not weights.has_guidance(self.model):
            if not by_hand:
                with QSignalBlocker(self.strength):
                    self.strength.setValue(100)
            self.strength_value.setText(f"{self.strength.value() / 100:.2f}")
            return
        own = self._own_guidance.get(self.model)
        if by_hand:
            self.strength_value.setText(f"{self.strength.value() / 10:.1f}")
            return
        with QSignalBlocker(self.strength):
            self.strength.setValue(round(10 * (own if own is not None else 1.5)))
        self.strength_value.setText("auto" if own is None else f"auto {own:.1f}")


def _line(name: str, placeholder: str) -> QLineEdit:
    edit = QLineEdit()
    edit.setPlaceholderText(placeholder)
    edit.setClearButtonEnabled(True)
    edit.setAccessibleName(name)
    edit.setToolTip(placeholder)
    return edit


def _spin(tip: str, low: int, high: int, value: int) -> QSpinBox:
    box = QSpinBox()
    box.setRange(low, high)
    box.setValue(value)
    box.setToolTip(tip)
    box.setAccessibleName(tip.split(":")[0])
    box.setKeyboardTracking(False)
    return box
