"""The dialog that creates a person: a large live picture, and everything that makes the person.

It stays open beside the window: while a joint is dragged on the canvas, the person follows.
"""

from __future__ import annotations

import random
from typing import Any

from PySide6.QtCore import QSignalBlocker, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication, QHideEvent, QPixmap
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from poseapp.core.errors import PoseAppError
from poseapp.core.framing import can_stand_in
from poseapp.core.person_values import Values
from poseapp.core.pose import Pose2D
from poseapp.services.engine import Engine
from poseapp.state.ready_people import ReadyPeople, ReadyPerson
from poseapp.state.session import Session
from poseapp.state.settings import Settings
from poseapp.ui.dialogs.person_bar import PersonBar
from poseapp.ui.dialogs.person_form import PersonForm
from poseapp.ui.dialogs.person_history import History, Past
from poseapp.ui.dialogs.person_pages import PackPage, ReadyPage
from poseapp.ui.dialogs.person_results import ask_file, reference_of, save_photo
from poseapp.ui.panels.caption_form import MAX_SEED
from poseapp.ui.panels.notice import Notice
from poseapp.ui.panels.picture_view import PictureView
from poseapp.ui.person_preview import PersonPreview, Wanted
from poseapp.ui.photos import pixmap_of_array

_SIZE = QSize(1020, 780)
_FORM_PX = 400
_FIRST_SEED = 7
_OPTIONS_LANE = "person-options"
_TOO_FEW = "The pose on the canvas has too few joints to stand a person in it, so this one stands."


class CreatePersonDialog(QDialog):
    """Creates a person, or takes a ready-made one."""

    accepted_person = Signal(object)
    """A `ReferencePerson`."""
    said = Signal(str, str)

    def __init__(
        self,
        session: Session,
        engine: Engine,
        settings: Settings,
        parent: QWidget | None = None,
        people: ReadyPeople | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._engine = engine
        self._settings = settings
        self._mannequin = False
        self._source = ""
        self._asked: int | None = None
        self._history = History()
        self._then = ""
        self._rolling: int | None = None
        self.setWindowTitle("Create a person")
        self.resize(_SIZE)
        self.preview = PersonPreview(engine, self)
        self._build_left()
        self._build_right((people or ReadyPeople()).people)
        self._build_bottom()
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addLayout(self._left, 1)
        row.addWidget(self.tabs)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addLayout(row, 1)
        column.addLayout(self._bottom)
        self._pose_later = QTimer(self)
        self._pose_later.setSingleShot(True)
        self._pose_later.timeout.connect(self._on_pose_settled)
        self._wire()

    # -- construction ------------------------------------------------------------------------
    def _build_left(self) -> None:
        self.picture = PictureView("Picture of the person")
        self.picture.setMinimumWidth(300)
        self.notice = Notice()
        self.bar = PersonBar()
        self._left = QVBoxLayout()
        self._left.setSpacing(8)
        self._left.addWidget(self.notice)
        self._left.addWidget(self.picture, 1)
        self._left.addWidget(self.bar)

    def _build_right(self, people: tuple[ReadyPerson, ...]) -> None:
        self.form = PersonForm()
        self.pack = PackPage(self._engine, self._settings)
        waiting = QLabel("Opening the studio …")
        waiting.setObjectName("hint")
        waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        waiting.setWordWrap(True)
        self._waiting = waiting
        self.create_page = QStackedWidget()
        for page in (waiting, self.pack, self.form):
            self.create_page.addWidget(page)
        self.ready = ReadyPage(people)
        self.tabs = QTabWidget()
        self.tabs.setFixedWidth(_FORM_PX)
        self.tabs.addTab(self.create_page, "Create")
        self.tabs.addTab(self.ready, "Ready-made people")
        self.tabs.tabBar().setAccessibleName("Ways to a person")

    def _build_bottom(self) -> None:
        self.use_button = QPushButton("Use as reference")
        self.use_button.setObjectName("primary")
        self.use_button.setDefault(True)
        self.use_button.setToolTip("Make this the person whom the poses are for")
        self.save_button = QPushButton("Save picture…")
        self.copy_button = QPushButton("Copy")
        self.copy_button.setToolTip("Copy the picture")
        self.pack_button = QPushButton("More than a mannequin…")
        self.pack_button.setToolTip("How to get people with clothes and hair")
        self.pack_button.hide()
        close = QPushButton("Close")
        close.clicked.connect(self.close)
        buttons = (self.save_button, self.copy_button, self.pack_button, close)
        for button in buttons:
            button.setAutoDefault(False)
        self._bottom = QHBoxLayout()
        self._bottom.setSpacing(8)
        self._bottom.addWidget(self.copy_button)
        self._bottom.addWidget(self.save_button)
        self._bottom.addWidget(self.pack_button)
        self._bottom.addStretch(1)
        self._bottom.addWidget(close)
        self._bottom.addWidget(self.use_button)

    def _wire(self) -> None:
        engine, session = self._engine, self._session
        engine.task_succeeded.connect(self._on_options)
        engine.task_failed.connect(self._on_options_failed)
        engine.task_progress.connect(self._on_progress)
        session.selection_changed.connect(self._on_canvas)
        session.people_changed.connect(self._on_canvas)
        session.pose_changed.connect(self._on_canvas)
        session.document_replaced.connect(self._on_canvas)
        self.preview.pictured.connect(self._on_pictured)
        self.preview.drawn.connect(self._on_drawn)
        self.preview.failed.connect(self._on_failed)
        self.preview.busy_changed.connect(self._on_busy)
        self.form.edited.connect(self._on_edited)
        self.form.scene_changed.connect(self._show)
        self.form.rolled.connect(self._on_group_rolled)
        self.pack.built.connect(self._on_built)
        self.pack_button.clicked.connect(self._on_pack)
        self.pack.mannequin_wanted.connect(self._on_mannequin)
        self.ready.chosen.connect(self._on_ready)
        self.ready.taken.connect(self._on_ready_taken)
        self.ready.change_requested.connect(self._on_change_ready)
        self.tabs.currentChanged.connect(self._on_tab)
        self.bar.back.clicked.connect(self._on_back)
        self.bar.forward.clicked.connect(self._on_forward)
        self.bar.roll.clicked.connect(self._on_roll)
        self.bar.seed.valueChanged.connect(self._on_seed)
        self.bar.reset.clicked.connect(self._on_reset)
        self.bar.skeleton.toggled.connect(self.picture.set_skeleton)
        self.use_button.clicked.connect(self._on_use)
        self.save_button.clicked.connect(self._on_save)
        self.copy_button.clicked.connect(self._on_copy)
        self._update_buttons()

    # -- opening -----------------------------------------------------------------------------
    def present(self) -> None:
        """Show the dialog, with the pose that is on the canvas now."""
        self.show()
        self.raise_()
        self.activateWindow()
        if not self._source and self._asked is None:
            self.refresh()
        else:
            self._on_canvas()
            self._show()

    @Slot()
    def refresh(self) -> None:
        """Ask the studio what it has."""
        self._waiting.setText("Opening the studio …")
        self.create_page.setCurrentIndex(0)
        self.picture.set_busy(True)
        self._asked = self._engine.submit(
            "person_options", lane=_OPTIONS_LANE, mannequin=self._mannequin
        )

    def show_ready(self) -> None:
        """Go to the ready-made people."""
        self.tabs.setCurrentWidget(self.ready)

    def change(self, person: Values) -> None:
        """Start from the values of a person."""
        self._history.remember(self.bar.seed.value(), person)
        self.form.show_person(person)
        self.tabs.setCurrentWidget(self.create_page)
        self._show()

    @Slot(int, object)
    def _on_options(self, number: int, found: dict[str, Any]) -> None:
        if number != self._asked:
            return
        self._asked = None
        self._source = str(found["source"])
        self.picture.set_busy(False)
        self.ready.can_change(self._source == "makehuman")
        if self._source == "mannequin" and not self._mannequin:
            self.create_page.setCurrentWidget(self.pack)
            self.show_ready()
            self._on_tab()
            return
        self.form.offer(found)
        self.create_page.setCurrentWidget(self.form)
        if self._history.current is None:
            self._roll(int(self._settings.get("people/seed", _FIRST_SEED)))
        else:
            self._show()

    @Slot(int, object)
    def _on_options_failed(self, number: int, error: PoseAppError) -> None:
        if number == self._asked:
            self._asked = None
            self.picture.set_busy(False)
            self.create_page.setCurrentWidget(self.pack)
            self.notice.say(str(error), "error")

    @Slot(int, float, str)
    def _on_progress(self, number: int, share: float, text: str) -> None:
        if number == self._asked and text:
            self._waiting.setText(f"{text} …")

    @Slot()
    def _on_mannequin(self) -> None:
        self._start_over(mannequin=True)

    @Slot()
    def _on_built(self) -> None:
        self._start_over(mannequin=False)

    @Slot()
    def _on_pack(self) -> None:
        self.preview.stop()
        self.create_page.setCurrentWidget(self.pack)
        self._on_tab()

    def _start_over(self, mannequin: bool) -> None:
        """Forget people that were made of other assets."""
        self.preview.stop()
        self._mannequin = mannequin
        self._history.clear()
        self.tabs.setCurrentWidget(self.create_page)
        self.refresh()

    # -- what is wanted ----------------------------------------------------------------------
    @property
    def creating(self) -> bool:
        """The person of the form is shown, not a ready-made one."""
        return (
            self.tabs.currentWidget() is self.create_page
            and self.create_page.currentWidget() is self.form
        )

    def _canvas_pose(self) -> Pose2D | None:
        person = self._session.active_person
        if person is None or not person.pose.present.any() or not self.form.takes_canvas_pose:
            return None
        return person.pose

    def _wanted(self, seed: int | None = None, locked: tuple[str, ...] = ()) -> Wanted:
        past = self._history.current
        pose = self._canvas_pose()
        few = pose is not None and not can_stand_in(pose)
        if few and self.notice.text != _TOO_FEW:
            self.notice.say(_TOO_FEW, "info")
        elif not few and self.notice.text == _TOO_FEW:
            self.notice.clear()
        return Wanted(
            person=None if past is None else past.now,
            seed=seed,
            locked=locked,
            pose=None if few else pose,
            background=self.form.background.name,
            scene_seed=self.form.scene_seed.value(),
            turn_deg=self.form.turn_deg if few or pose is None else 0.0,
            mannequin=self._mannequin,
        )

    @Slot()
    def _show(self) -> None:
        """A picture of the person as chosen now."""
        if self.creating and self.isVisible() and self._history.current is not None:
            self.preview.want(self._wanted())

    def _roll(self, seed: int, locked: tuple[str, ...] = ()) -> None:
        with QSignalBlocker(self.bar.seed):
            self.bar.seed.setValue(seed)
        self._settings.put("people/seed", seed)
        self._rolling = seed
        self.notice.clear()
        self.preview.want(self._wanted(seed, locked))

    @Slot()
    def _on_roll(self) -> None:
        self._roll(random.randrange(MAX_SEED + 1), self.form.locked)

    @Slot(str)
    def _on_group_rolled(self, group: str) -> None:
        self._roll(random.randrange(MAX_SEED + 1), self.form.locked_but(group))

    @Slot(int)
    def _on_seed(self, seed: int) -> None:
        if self.creating:
            self._roll(seed, self.form.locked)

    @Slot(object)
    def _on_edited(self, person: Values) -> None:
        past = self._history.current
        if past is not None:
            past.now = person
            self._update_buttons()
            self._show()

    @Slot()
    def _on_canvas(self) -> None:
        person = self._session.active_person
        self.form.offer_canvas_pose(person.name if person is not None else "")
        if self.isVisible() and not self._pose_later.isActive():
            self._pose_later.start(0)  # several signals come with one change

    @Slot()
    def _on_pose_settled(self) -> None:
        if self.form.takes_canvas_pose:
            self._show()

    # -- history -----------------------------------------------------------------------------
    def _go(self, past: Past | None) -> None:
        if past is None:
            return
        with QSignalBlocker(self.bar.seed):
            self.bar.seed.setValue(past.seed)
        self.form.show_person(past.now)
        self._update_buttons()
        self._show()

    @Slot()
    def _on_reset(self) -> None:
        past = self._history.current
        if past is not None:
            past.now = past.drawn
            self._go(past)

    @Slot()
    def _on_back(self) -> None:
        self._go(self._history.step(-1))

    @Slot()
    def _on_forward(self) -> None:
        self._go(self._history.step(1))

    # -- pictures ----------------------------------------------------------------------------
    @Slot(object)
    def _on_drawn(self, person: Values) -> None:
        seed = self.bar.seed.value() if self._rolling is None else self._rolling
        self._history.remember(seed, person)
        self._rolling = None
        self.form.show_person(person)
        self._update_buttons()

    @Slot(object, bool)
    def _on_pictured(self, made: dict[str, Any], good: bool) -> None:
        if not self.creating:
            return
        pose = Pose2D(made["keypoints"], made["visibility"])
        self.picture.show_picture(pixmap_of_array(made["image"]), pose)
        if made["note"]:
            self.notice.say(made["note"], "info")
        height, width = made["image"].shape[:2]
        self.bar.say(f"{width} × {height} px" if good else "Preview")
        self._update_buttons()
        if good and self._then:
            then, self._then = self._then, ""
            self._finish(then, made)

    @Slot(str)
    def _on_failed(self, sentence: str) -> None:
        self._then = ""
        self.notice.say(sentence, "error")

    @Slot(bool)
    def _on_busy(self, busy: bool) -> None:
        self.picture.set_busy(busy and self.creating)

    @Slot()
    def _on_tab(self) -> None:
        self.bar.say("")
        if self.creating:
            self.preview.stop()
            self._show()
        else:
            self.preview.stop()
            self.notice.clear()
            self._on_ready(self.ready.person)
        self._update_buttons()

    @Slot(object)
    def _on_ready(self, person: ReadyPerson | None) -> None:
        if self.creating:
            return
        if person is None:
            self.picture.show_picture(QPixmap(), None)
            ready = self.tabs.currentWidget() is self.ready
            self.picture.show_text("Choose one of the people at the right." if ready else "")
        else:
            self.picture.show_picture(QPixmap(str(person.picture)), person.pose)
            self.bar.say(person.name)
        self._update_buttons()

    @Slot(object)
    def _on_change_ready(self, person: ReadyPerson) -> None:
        self.change(person.person)

    def _update_buttons(self) -> None:
        creating = self.creating
        past = self._history.current
        self.pack_button.setVisible(creating and self._mannequin)
        self.bar.update_buttons(creating, self._history)
        there = past is not None if creating else self.ready.person is not None
        for button in (self.use_button, self.save_button, self.copy_button):
            button.setEnabled(there)

    # -- leaving -----------------------------------------------------------------------------
    @Slot()
    def _on_use(self) -> None:
        self._do("use")

    @Slot()
    def _on_save(self) -> None:
        self._do("save")

    @Slot()
    def _on_copy(self) -> None:
        self._do("copy")

    @Slot(object)
    def _on_ready_taken(self, person: ReadyPerson) -> None:
        self._do("use")

    def _do(self, what: str) -> None:
        """Use, save or copy; a person of the form waits for the good picture."""
        if not self.creating:
            ready = self.ready.person
            if ready is not None:
                self._finish(what, None)
            return
        made = self.preview.good
        if made is not None:
            self._finish(what, made)
        else:
            self._then = what
            self.bar.say("Taking the picture …")
            self.preview.hurry()

    def _finish(self, what: str, made: dict[str, Any] | None) -> None:
        if what == "copy":
            QGuiApplication.clipboard().setPixmap(self.picture.pixmap)
            self.bar.say("Copied")
            return
        try:
            ready = self.ready.person
            assert made is not None or ready is not None
            person = reference_of(made) if made is not None else ready.reference()  # type: ignore[union-attr]
            if what == "use":
                self.accepted_person.emit(person)
                self.close()
                return
            path = ask_file(self, self._settings, person.photo)
            if path is not None:
                save_photo(person.photo, path, self._settings)
                self.notice.say(f"Saved {path.name}.", "success")
        except PoseAppError as exc:
            self.notice.say(str(exc), "error")

    def hideEvent(self, event: QHideEvent) -> None:
        self.preview.stop()
        self._then = ""
        super().hideEvent(event)
