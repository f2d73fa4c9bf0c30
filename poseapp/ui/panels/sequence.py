"""The Sequence panel: the strip of key poses, how it is played, and what leads to a film."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, QSize, Qt, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QHideEvent, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSlider,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from poseapp.core.sequence import (
    FRAME_RATES,
    LATENT,
    LONGEST_S,
    SHORTEST_S,
    SLERP,
    KeyPose,
)
from poseapp.state.session import Session
from poseapp.ui.actions import ActionSet
from poseapp.ui.icons import icon
from poseapp.ui.panels.caption_form import tool_button
from poseapp.ui.panels.emblem import Emblem
from poseapp.ui.panels.gallery import POSE_MIME
from poseapp.ui.panels.key_strip import KeyStrip, pose_id_of
from poseapp.ui.sequencing import SequenceController

_EMPTY = (
    "A sequence moves from pose to pose. Add the pose on the canvas, change it, add the next: then"
    " play it here, or render it as a GIF or a film."
)
_EASINGS = (
    ("smooth", "Smooth", "Gets going and comes to rest softly"),
    ("linear", "Even", "At one pace, as in a motion from a file"),
    ("in", "Speeding up", "Starts softly"),
    ("out", "Slowing down", "Comes to rest softly"),
    ("hold", "Hold", "Stays, then jumps to the next pose"),
)
_BETWEENS = (
    (SLERP, "Even angles", "Each limb turns evenly from pose to pose"),
    (
        LATENT,
        "Through 3D",
        "The lifter fills in between the poses through its latent space, so that limbs keep their"
        " length in depth",
    ),
)
_TICKS_A_S = 100


class SequencePanel(QWidget):
    """The strip of the document, and the moment that is played."""

    pose_dropped = Signal(str, int)
    """Id of a pose of the library or the gallery, the place where it was dropped."""

    def __init__(
        self,
        session: Session,
        controller: SequenceController,
        actions: ActionSet,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._controller = controller
        self._player = controller.player
        self._actions = actions
        self._filling = False
        self._slide = object()
        self.setAccessibleName("Sequence")
        self.setAcceptDrops(True)
        self.setMinimumSize(240, 110)  # narrower than all of it: see `resizeEvent`
        self._stack = QStackedLayout(self)
        for action in ("seq_add", "seq_play"):  # their keys work here as on the canvas
            self.addAction(actions[action])
        self._stack.addWidget(self._make_empty())
        self._stack.addWidget(self._make_strip())
        session.sequence_changed.connect(self.refresh)
        controller.key_chosen.connect(self._on_key_chosen)
        self._player.moment_changed.connect(self._on_moment)
        self._player.playing_changed.connect(self._on_playing)
        self.refresh()

    # -- construction ------------------------------------------------------------------------
    def _button(self, action: str, primary: bool = False, text: str = "") -> QPushButton:
        spec = self._actions[action]
        button = QPushButton(text or spec.text().replace("&", ""))
        if primary:
            button.setObjectName("primary")
        button.setToolTip(spec.toolTip())
        button.clicked.connect(spec.trigger)
        button.setEnabled(spec.isEnabled())
        spec.enabledChanged.connect(button.setEnabled)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _make_empty(self) -> QWidget:
        page = QWidget()
        picture = Emblem("film", 36)
        text = QLabel(_EMPTY)
        text.setObjectName("hint")
        text.setWordWrap(True)
        self.first_button = self._button("seq_add", True)
        motion = self._button("open_motion")
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.first_button)
        buttons.addWidget(motion)
        buttons.addStretch(1)
        words = QVBoxLayout()
        words.setSpacing(8)
        words.addStretch(1)
        words.addWidget(text)
        words.addLayout(buttons)
        words.addStretch(1)
        row = QHBoxLayout(page)
        row.setContentsMargins(16, 6, 16, 8)
        row.setSpacing(16)
        row.addWidget(picture)
        row.addLayout(words, 1)
        return page

    def _make_strip(self) -> QWidget:
        page = QWidget()
        self.strip = KeyStrip()
        self.strip.setMinimumHeight(72)
        self.strip.taken.connect(self._controller.take)
        self.strip.moved.connect(self._controller.move)
        self.strip.pose_dropped.connect(self.pose_dropped)
        self.strip.delete_requested.connect(self.delete)
        self.strip.play_requested.connect(self._controller.toggle)
        self.strip.menu_requested.connect(self._on_menu)
        self.strip.chosen.connect(self._on_chosen)
        middle = QHBoxLayout()
        middle.setSpacing(8)
        middle.addWidget(self.strip, 1)
        self.step = QWidget()
        self.step.setLayout(self._step_form())
        middle.addWidget(self.step)
        column = QVBoxLayout(page)
        column.setContentsMargins(8, 4, 8, 6)
        column.setSpacing(4)
        column.addLayout(self._player_row())
        column.addLayout(middle, 1)
        return page

    def _player_row(self) -> QHBoxLayout:
        self.add_button = self._button("seq_add", True)
        self.play_button = QToolButton()
        self.play_button.setAutoRaise(True)
        self.play_button.setIconSize(QSize(18, 18))
        self.play_button.clicked.connect(self._controller.toggle)
        self.scrub = QSlider(Qt.Orientation.Horizontal)
        self.scrub.setAccessibleName("Moment of the sequence")
        self.scrub.setToolTip("The moment that the canvas shows")
        self.scrub.setMinimumWidth(70)
        self.scrub.valueChanged.connect(self._on_scrub)
        self.time = QLabel()
        self.time.setObjectName("hint")
        self.stop_button = tool_button("close", "Back to the canvas: stop showing the sequence")
        self.stop_button.clicked.connect(self._controller.stop)
        self.loop_button = tool_button("loop", "Loop: go back to the first pose", True)
        self.loop_button.toggled.connect(self._on_loop)
        self.rate = QComboBox()
        self.rate.setAccessibleName("Frames a second")
        self.rate.setToolTip("Frames a second")
        for fps in FRAME_RATES:
            self.rate.addItem(f"{fps} fps", fps)
        self.rate.activated.connect(self._on_rate)
        self.render_button = self._button("seq_render", text="Render…")
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.add_button)
        row.addSpacing(2)
        row.addWidget(self.play_button)
        row.addWidget(self.scrub, 1)
        row.addWidget(self.time)
        row.addWidget(self.stop_button)
        row.addWidget(self.loop_button)
        row.addWidget(self.rate)
        row.addWidget(self.render_button)
        return row

    def _step_form(self) -> QFormLayout:
        self.duration = QDoubleSpinBox()
        self.duration.setRange(SHORTEST_S, LONGEST_S)
        self.duration.setSingleStep(0.1)
        self.duration.setDecimals(2)
        self.duration.setSuffix(" s")
        self.duration.setKeyboardTracking(False)
        self.duration.setAccessibleName("Duration of the step")
        self.duration.setToolTip("How long it takes from the chosen pose to the next one")
        self.duration.valueChanged.connect(self._on_duration)
        self.duration.editingFinished.connect(self._end_slide)
        self.easing = QComboBox()
        self.easing.setAccessibleName("Pace of the step")
        for value, text, tip in _EASINGS:
            self.easing.addItem(text, value)
            self.easing.setItemData(self.easing.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.easing.setToolTip("How the time of the step passes")
        self.easing.activated.connect(self._on_easing)
        self.between = QComboBox()
        self.between.setAccessibleName("In between the poses")
        for value, text, tip in _BETWEENS:
            self.between.addItem(text, value)
            self.between.setItemData(self.between.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.between.setToolTip("What lies between two key poses")
        self.between.activated.connect(self._on_between)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(6)
        form.setVerticalSpacing(3)
        for title, field in (
            ("Step", self.duration),
            ("Pace", self.easing),
            ("Between", self.between),
        ):
            label = QLabel(title)
            label.setObjectName("hint")
            form.addRow(label, field)
        return form

    # -- following the session ---------------------------------------------------------------
    @Slot()
    def refresh(self) -> None:
        """Show the strip of the document."""
        sequence = self._session.document.sequence
        self._stack.setCurrentIndex(1 if sequence.keys else 0)
        self._filling = True
        self.strip.show_keys(sequence.keys, sequence.loop)
        if self.strip.current_id() is None and sequence.keys:
            self.strip.choose(sequence.keys[-1].id)
        self.loop_button.setChecked(sequence.loop)
        place = self.rate.findData(sequence.fps)
        self.rate.setCurrentIndex(place)
        self.between.setCurrentIndex(self.between.findData(sequence.between))
        self.scrub.setRange(0, max(round(sequence.length_s * _TICKS_A_S), 1))
        fits = sequence.fits
        for part in (self.play_button, self.scrub, self.loop_button):
            part.setEnabled(fits)
        self._filling = False
        self._fill_step()
        self._on_moment()
        self._on_playing(self._player.playing)

    def _keys(self) -> list[KeyPose]:
        """The chosen keys, or the current one."""
        ids = set(self.strip.chosen_ids() or [self.strip.current_id() or ""])
        return [key for key in self._session.document.sequence.keys if key.id in ids]

    def _fill_step(self) -> None:
        keys = self._keys()
        for field in (self.duration, self.easing):
            field.setEnabled(bool(keys))
        if keys:
            self._filling = True
            self.duration.setValue(keys[0].duration_s)
            self.easing.setCurrentIndex(self.easing.findData(keys[0].easing))
            self._filling = False

    @Slot()
    def _on_chosen(self) -> None:
        self._controller.current = self.strip.current_id()
        self._end_slide()
        self._fill_step()

    @Slot(str)
    def _on_key_chosen(self, key_id: str) -> None:
        self.strip.choose(key_id)

    @Slot()
    def _on_moment(self) -> None:
        """The moment that is shown moves the slider and the mark on the strip."""
        sequence = self._session.document.sequence
        shown = self._player.moment is not None
        length = sequence.length_s
        time_s = self._player.time_s if shown else 0.0
        self._filling = True
        self.scrub.setValue(round(time_s * _TICKS_A_S))
        self._filling = False
        if not sequence.fits:
            text = "Add a second pose"
        else:
            text = f"{time_s:.1f} / {length:.1f} s"
        self.time.setText(text)
        self.stop_button.setVisible(shown)
        head = None
        if shown and sequence.fits:
            number, _ = sequence.step_at(time_s)
            start, end = sequence.starts[number : number + 2]
            head = number, (time_s - start) / max(end - start, 1e-9)
        self.strip.show_head(head)

    @Slot(bool)
    def _on_playing(self, playing: bool) -> None:
        text = "Pause" if playing else "Play"
        self.play_button.setIcon(icon("pause" if playing else "play"))
        keys = self._actions["seq_play"].shortcut().toString()
        self.play_button.setToolTip(f"{text} ({keys})")
        self.play_button.setAccessibleName(text)

    # -- hands -------------------------------------------------------------------------------
    @Slot()
    def delete(self) -> None:
        """Take the chosen keys off the strip."""
        ids = [key.id for key in self._keys()]
        if ids:
            self._controller.remove(ids)

    @Slot(int)
    def _on_scrub(self, ticks: int) -> None:
        if not self._filling:
            self._player.seek(ticks / _TICKS_A_S)

    @Slot(bool)
    def _on_loop(self, on: bool) -> None:
        if not self._filling:
            sequence = self._controller.sequence
            self._controller.change(replace(sequence, loop=on), "Loop" if on else "Play once")

    @Slot(int)
    def _on_rate(self, row: int) -> None:
        sequence = replace(self._controller.sequence, fps=self.rate.itemData(row))
        self._controller.change(sequence, "Frame rate")

    @Slot(int)
    def _on_between(self, row: int) -> None:
        sequence = replace(self._controller.sequence, between=self.between.itemData(row))
        self._controller.change(sequence, "In between poses")

    @Slot(float)
    def _on_duration(self, seconds: float) -> None:
        ids = [key.id for key in self._keys()]
        if not self._filling and ids:
            self._controller.edit(ids, "Step duration", self._slide, duration_s=seconds)

    @Slot()
    def _end_slide(self) -> None:
        self._slide = object()

    @Slot(int)
    def _on_easing(self, row: int) -> None:
        ids = [key.id for key in self._keys()]
        self._controller.edit(ids, "Pace of the step", easing=self.easing.itemData(row))

    @Slot(QPoint)
    def _on_menu(self, at: QPoint) -> None:
        menu = self.key_menu()
        menu.exec(at)
        menu.deleteLater()

    def key_menu(self) -> QMenu:
        """What can be done with the current key."""
        menu = QMenu(self)
        current = self.strip.current_id()
        if current is None:
            return menu
        act = self._controller
        place, count = act.sequence.place(current), len(act.sequence.keys)
        menu.addAction(icon("person"), "Take to the canvas", lambda: act.take(current))
        menu.addAction(
            icon("reset"), "Replace by the pose on the canvas", lambda: act.update(current)
        )
        menu.addAction(icon("duplicate"), "Duplicate", lambda: act.duplicate(current))
        menu.addSeparator()
        left = menu.addAction("Move to the left", lambda: act.move(current, place - 1))
        right = menu.addAction("Move to the right", lambda: act.move(current, place + 1))
        left.setEnabled(place > 0)
        right.setEnabled(place + 1 < count)
        menu.addSeparator()
        menu.addAction(icon("delete"), "Delete", self.delete)
        return menu

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasFormat(POSE_MIME):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()

    def dropEvent(self, event: QDropEvent) -> None:
        """Beside the strip, or where it is still empty: at the end."""
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        count = len(self._session.document.sequence.keys)
        self.pose_dropped.emit(pose_id_of(event.mimeData()), count)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if not event.spontaneous():
            self._player.stop()  # nobody could stop it any more

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What a narrow panel has no room for is left out, the least needed first."""
        super().resizeEvent(event)
        width = event.size().width()
        for part, needed in (
            (self.step, 430),
            (self.rate, 540),
            (self.time, 470),
            (self.render_button, 390),
            (self.loop_button, 310),
        ):
            part.setVisible(width >= needed)

    def sizeHint(self) -> QSize:
        return QSize(700, 150)
