"""The caption panel: type what a person does, get a gallery of poses, put one on the canvas."""

from __future__ import annotations

import random
from dataclasses import replace

from PySide6.QtCore import QObject, QPoint, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from poseapp.core.document import Document, Person
from poseapp.core.errors import PoseAppError
from poseapp.core.heatmap import THRESHOLD
from poseapp.core.pose import Pose2D
from poseapp.services import captions as caption_text
from poseapp.services.engine import Engine
from poseapp.services.samples import CaptionRequest, Sample, from_part
from poseapp.state.commands import AddPeople, SetPose
from poseapp.state.session import Session
from poseapp.state.settings import Settings
from poseapp.ui.icons import icon
from poseapp.ui.panels.caption_form import MAX_SEED, CaptionForm, examples, tool_button
from poseapp.ui.panels.emblem import Emblem
from poseapp.ui.panels.gallery import GalleryView
from poseapp.ui.panels.notice import Notice

_LANE = "caption"
_VARIATION_AMOUNT = 0.4
_STRIP_STEPS = 9
_CANVAS_SHARE = 0.8
_LIBRARY_PX = 512.0
_STRIP_HEIGHT = 112
_CHIP_STYLE = """
QPushButton#chip {
    border: 1px solid palette(mid); border-radius: 12px; padding: 4px 12px;
    background: palette(base);
}
QPushButton#chip:hover, QPushButton#chip:focus { border-color: palette(highlight); }
"""

Box = tuple[float, float, float, float]


class CaptionPanel(QWidget):
    """Samples poses through the engine and puts picks on the canvas through undo steps."""

    sample_picked = Signal(object)
    """A `Sample` was selected; None when the gallery was emptied."""
    pose_used = Signal()
    """A double-clicked pose went to the canvas."""
    save_requested = Signal(object, str)
    """`Pose2D` and a name, for the user's library."""

    def __init__(
        self,
        session: Session,
        engine: Engine,
        settings: Settings,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._engine = engine
        self._settings = settings
        self._task: int | None = None
        self._request: CaptionRequest | None = None
        self._target: GalleryView | None = None
        self._waiting_for_end: Sample | None = None
        self.setObjectName("captionPanel")
        self.setMinimumWidth(260)

        self.form = CaptionForm(settings)
        self.notice = Notice()
        self.gallery = GalleryView()
        self.gallery.setAccessibleName("Sampled poses")
        self.strip = GalleryView(single_row=True)
        self.strip.setAccessibleName("Strip of poses")
        self.strip.setFixedHeight(_STRIP_HEIGHT)
        self._build()
        self._connect(engine)
        self._show_idle()

    # -- what others may call ----------------------------------------------------------------
    @Slot()
    def focus_caption(self) -> None:
        """Let the user type a caption."""
        self.form.caption_edit.setFocus()
        self.form.caption_edit.selectAll()

    def generate(self, caption: str) -> None:
        """Ask for poses of a caption."""
        self.form.use_caption(caption)

    def put_on_canvas(self, sample: Sample) -> None:
        """Give the active person this pose, in the same place; add a person when there is none."""
        person = self._session.active_person
        if person is None:
            self.add_person(sample)
            return
        if person.locked:
            self.notice.say(
                f"{person.name} is locked: unlock it in the People panel, or choose "
                "“Add as new person” for this pose.",
                "warning",
            )
            return
        box = _square_around(person.pose, self._session.document)
        pose = sample.placed(box, self._threshold)
        stack = self._session.undo_stack
        stack.push(SetPose(self._session, person.id, pose, "Use sampled pose"))
        self._session.select(person.id)

    def add_person(self, sample: Sample, centre: tuple[float, float] | None = None) -> None:
        """Add a person in this pose, fitted into the canvas, or around `centre` px."""
        document = self._session.document
        x, y, width, height = _canvas_box(document)
        if centre is not None:
            x, y = centre[0] - width / 2, centre[1] - height / 2
        elif document.people:
            step = 0.06 * min(document.size) * (len(document.people) % 5)
            x += step
        pose = sample.placed((x, y, width, height), self._threshold)
        name = f"Person {len(document.people) + 1}"
        person = Person(pose, name=name, colour=document.next_colour())
        self._session.undo_stack.push(AddPeople(self._session, [person], "Add sampled person"))
        self._session.select(person.id)

    def drop_on_canvas(self, drag_id: str, x: float, y: float) -> bool:
        """Add the person of a pose dragged out of the gallery at (x, y) canvas px.

        Returns:
            False when the id is not one of this panel's drags.
        """
        sample = self._dragged(drag_id)
        if sample is None:
            return False
        self.add_person(sample, (x, y))
        return True

    def dragged_pose(self, drag_id: str) -> Pose2D | None:
        """A pose dragged out of the gallery, where the active person would take it."""
        document, person = self._session.document, self._session.active_person
        sample = self._dragged(drag_id)
        if sample is None:
            return None
        box = _canvas_box(document) if person is None else _square_around(person.pose, document)
        return sample.placed(box, self._threshold)

    def _dragged(self, drag_id: str) -> Sample | None:
        samples = (view.gallery.dragged(drag_id) for view in (self.gallery, self.strip))
        return next((sample for sample in samples if sample is not None), None)

    # -- asking ------------------------------------------------------------------------------
    @Slot(object)
    def _on_requested(self, request: CaptionRequest) -> None:
        self._ask(request, self.gallery)

    @Slot(object)
    def _on_strip_requested(self, request: CaptionRequest) -> None:
        self._ask(request, self.strip)

    def _ask(self, request: CaptionRequest, target: GalleryView) -> None:
        self._waiting_for_end = None
        try:
            captions = tuple(caption_text.checked(text) for text in request.captions)
        except PoseAppError as exc:
            first, *others = request.captions
            which = "Second caption: " if others and first.strip() else ""
            self.notice.say(f"{which}{exc}", "warning")
            return
        request = replace(request, captions=captions)
        self.notice.clear()
        if self._target is not None:
            self._target.gallery.drop_missing()
        target.gallery.expect(request.count)
        target.scrollToTop()
        self._request, self._target = request, target
        self._task = None  # submitting cancels the older request of the lane: not our end
        self._task = self._engine.submit("caption_to_poses", lane=_LANE, **request.arguments())
        self.form.remember(captions[0])
        self._show_busy()

    @Slot()
    def _on_stop(self) -> None:
        if self._task is not None:
            self._engine.cancel(self._task)

    # -- what the engine says ----------------------------------------------------------------
    @Slot(int, float, str)
    def _on_progress(self, task: int, share: float, text: str) -> None:
        if task == self._task:
            self._bar.setRange(0, 0 if share == 0.0 else 1000)
            self._bar.setValue(round(1000 * share))
            self._status.setText(f"{text} …" if text else "")

    @Slot(int, object)
    def _on_partial(self, task: int, part: object) -> None:
        if task == self._task and self._request is not None and self._target is not None:
            self._target.gallery.fill(from_part(part, self._request))  # type: ignore[arg-type]

    @Slot(int, object)
    def _on_succeeded(self, task: int, result: object) -> None:
        if task != self._task or self._request is None or not isinstance(result, dict):
            return
        request, target = self._request, self._target
        self._end()
        self.form.show_own_guidance(request.model, result["default_guidance"])
        unknown = result["unknown_words"]
        if unknown:
            words = ", ".join(f"“{word}”" for word in unknown[:4])
            verb = "is not a word" if len(unknown) == 1 else "are not words"
            self.notice.say(f"{words} {verb} that the model knows: left out.", "info")
        if target is self.gallery:
            self._summary.setText(_summary(request))
            self._summary.setToolTip(request.title)
        else:
            self._show_strip_title(request.title)

    def _show_strip_title(self, title: str) -> None:
        room = max(self._strip_title.width(), 120)
        metrics = self._strip_title.fontMetrics()
        self._strip_title.setText(metrics.elidedText(title, Qt.TextElideMode.ElideRight, room))
        self._strip_title.setToolTip(title)

    @Slot(int, object)
    def _on_failed(self, task: int, error: object) -> None:
        if task == self._task:
            self._end()
            self.notice.say(str(error), "error")

    @Slot(int)
    def _on_cancelled(self, task: int) -> None:
        if task == self._task:
            self._end()

    def _end(self) -> None:
        if self._target is not None:
            self._target.gallery.drop_missing()
        self._task = self._request = self._target = None
        self._show_idle()

    # -- picks -------------------------------------------------------------------------------
    @Slot(object)
    def _on_selected(self, sample: Sample) -> None:
        if self._waiting_for_end is not None and sample is not self._waiting_for_end:
            start, self._waiting_for_end = self._waiting_for_end, None
            self._ask(start.towards(sample, _STRIP_STEPS), self.strip)
        self.sample_picked.emit(sample)

    @Slot(object)
    def _on_activated(self, sample: Sample) -> None:
        self.put_on_canvas(sample)
        self.pose_used.emit()

    @Slot(object, QPoint)
    def _on_menu(self, sample: Sample, at: QPoint) -> None:
        menu = self.context_menu(sample)
        menu.popup(at)

    def context_menu(self, sample: Sample) -> QMenu:
        """What can be done with a sample."""
        view = self._view_of(sample)
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        put = menu.addAction(icon("check"), "Put on canvas", lambda: self.put_on_canvas(sample))
        put.setShortcut(QKeySequence(Qt.Key.Key_Return))
        menu.addAction(icon("add-person"), "Add as new person", lambda: self.add_person(sample))
        menu.addSeparator()
        menu.addAction(icon("dice"), "More like this", lambda: self.more_like(sample))
        others = [s for s in view.selected_samples() if s is not sample]
        if len(others) == 1:
            menu.addAction(
                icon("strip"), "Strip between the two", lambda: self._strip(sample, others[0])
            )
        else:
            menu.addAction(icon("strip"), "Interpolate with …", lambda: self._wait_for_end(sample))
        menu.addSeparator()
        index = view.index_of(sample)
        star = menu.addAction(
            icon("star"), "Star (kept in the gallery)", lambda: view.gallery.toggle_star(index)
        )
        star.setCheckable(True)
        star.setChecked(view.gallery.is_starred(sample))
        star.setShortcut(QKeySequence(Qt.Key.Key_Asterisk))
        menu.addAction(icon("library"), "Save to library", lambda: self._save(sample))
        menu.addAction(icon("copy"), "Copy seed", lambda: self._copy_seed(sample))
        return menu

    def more_like(self, sample: Sample) -> None:
        """Sample poses around this one."""
        seed = random.randrange(MAX_SEED + 1)
        request = sample.like(self.form.count_box.value(), seed, _VARIATION_AMOUNT)
        view = self._view_of(sample)
        if view is self.gallery and not view.gallery.is_starred(sample):
            view.gallery.toggle_star(view.index_of(sample))  # it stays, first of its likes
        self._ask(request, self.gallery)

    def _strip(self, start: Sample, end: Sample) -> None:
        self._ask(start.towards(end, _STRIP_STEPS), self.strip)

    def _wait_for_end(self, sample: Sample) -> None:
        self._waiting_for_end = sample
        self.notice.say("Now click the pose where the strip ends.", "info")

    def _save(self, sample: Sample) -> None:
        box = (0.0, 0.0, _LIBRARY_PX, _LIBRARY_PX)
        self.save_requested.emit(sample.placed(box, self._threshold), sample.caption)

    def _copy_seed(self, sample: Sample) -> None:
        QGuiApplication.clipboard().setText(str(sample.request.seed))
        self.form.set_seed(sample.request.seed)
        self.notice.say(f"Seed {sample.request.seed} is in the clipboard and in the seed box.")

    def _view_of(self, sample: Sample) -> GalleryView:
        return self.strip if self.strip.index_of(sample).isValid() else self.gallery

    @property
    def _threshold(self) -> float:
        return self._settings.get("heatmaps/threshold", THRESHOLD)

    # -- looks -------------------------------------------------------------------------------
    def _show_busy(self) -> None:
        self._bar.setRange(0, 0)
        self._status.setText("Waiting for the models …")
        self._progress.show()
        self._refresh_pages()

    def _show_idle(self) -> None:
        self._progress.hide()
        self._refresh_pages()

    def _refresh_pages(self) -> None:
        filled = self.gallery.gallery.rowCount() > 0
        self._pages.setCurrentIndex(1 if filled else 0)
        self._header.setVisible(filled)
        self._strip_box.setVisible(self.strip.gallery.rowCount() > 0)

    @Slot(int)
    def _on_view_chosen(self, which: int) -> None:
        view = ("skeleton", "heatmap")[which]
        self._settings.put("caption/view", view)
        self.gallery.show_view(view)
        self.strip.show_view(view)

    @Slot()
    def _on_strip_closed(self) -> None:
        if self._target is self.strip:
            self._on_stop()
        self.strip.gallery.expect(0)
        self._refresh_pages()

    @Slot()
    def _on_example_clicked(self) -> None:
        sender: QObject = self.sender()
        self.form.use_caption(str(sender.property("caption")))

    def _connect(self, engine: Engine) -> None:
        engine.task_progress.connect(self._on_progress)
        engine.task_partial.connect(self._on_partial)
        engine.task_succeeded.connect(self._on_succeeded)
        engine.task_failed.connect(self._on_failed)
        engine.task_cancelled.connect(self._on_cancelled)
        self.form.requested.connect(self._on_requested)
        self.form.strip_requested.connect(self._on_strip_requested)
        for view in (self.gallery, self.strip):
            view.sample_selected.connect(self._on_selected)
            view.sample_activated.connect(self._on_activated)
            view.menu_requested.connect(self._on_menu)

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        column.addWidget(self.form)
        column.addWidget(self.notice)
        column.addWidget(self._build_progress())
        column.addWidget(self._build_header())
        self._pages = QStackedWidget()
        self._pages.addWidget(self._build_empty())
        self._pages.addWidget(self.gallery)
        column.addWidget(self._pages, 1)
        column.addWidget(self._build_strip_box())

    def _build_progress(self) -> QWidget:
        self._progress = QWidget()
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(6)
        self._bar.setAccessibleName("Progress of the sampling")
        self._status = QLabel()
        self._status.setObjectName("hint")
        self.stop_button = tool_button("stop", "Stop sampling")
        self.stop_button.clicked.connect(self._on_stop)
        row = QHBoxLayout(self._progress)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self._bar, 1)
        row.addWidget(self._status)
        row.addWidget(self.stop_button)
        return self._progress

    def _build_header(self) -> QWidget:
        self._header = QWidget()
        self._summary = QLabel()
        self._summary.setObjectName("section")
        self._summary.setMinimumWidth(40)
        self._views = QButtonGroup(self)
        row = QHBoxLayout(self._header)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        row.addWidget(self._summary, 1)
        chosen = self._settings.get("caption/view", "skeleton")
        for number, (view, name, tip) in enumerate(
            (("skeleton", "person", "Show skeletons"), ("heatmap", "heatmap", "Show heatmaps"))
        ):
            button = tool_button(name, tip, checkable=True)
            button.setChecked(view == chosen)
            self._views.addButton(button, number)
            row.addWidget(button)
        self._views.idClicked.connect(self._on_view_chosen)
        for shown in (self.gallery, self.strip):
            shown.show_view(chosen)
        return self._header

    def _build_empty(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(6)
        picture = Emblem("caption", 40)
        title = QLabel("Poses from words")
        title.setObjectName("title")
        hint = QLabel(
            "Type what the person does and press Enter. Double-click a pose to put it on the "
            "canvas. Try one of these:"
        )
        hint.setObjectName("hint")
        hint.setWordWrap(True)
        hint.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)
        for widget in (picture, title):
            column.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(hint)
        column.addSpacing(4)
        for text in examples()[:5]:
            chip = QPushButton(text)
            chip.setObjectName("chip")
            chip.setStyleSheet(_CHIP_STYLE)
            chip.setCursor(Qt.CursorShape.PointingHandCursor)
            chip.setProperty("caption", text)
            chip.setToolTip(f"Sample poses for “{text}”")
            chip.clicked.connect(self._on_example_clicked)
            column.addWidget(chip, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(2)
        return page

    def _build_strip_box(self) -> QWidget:
        self._strip_box = QWidget()
        self._strip_title = QLabel()
        self._strip_title.setObjectName("section")
        self._strip_title.setMinimumWidth(40)
        close = tool_button("close", "Close the strip")
        close.clicked.connect(self._on_strip_closed)
        head = QHBoxLayout()
        head.addWidget(self._strip_title, 1)
        head.addWidget(close)
        column = QVBoxLayout(self._strip_box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(head)
        column.addWidget(self.strip)
        return self._strip_box


def _summary(request: CaptionRequest) -> str:
    return f"{request.count} poses · seed {request.seed}"


def _canvas_box(document: Document) -> Box:
    width, height = document.size
    inner = (_CANVAS_SHARE * width, _CANVAS_SHARE * height)
    return (width - inner[0]) / 2, (height - inner[1]) / 2, *inner


def _square_around(pose: Pose2D, document: Document) -> Box:
    """The box for the pose that takes this one's place.

    A square on the longer side: fitted into the box itself, a lying pose in place of a standing one
    would shrink, and the next one again.
    """
    bounds = pose.bounds
    if bounds is None or max(bounds[2:]) < 1.0:
        return _canvas_box(document)
    x, y, width, height = bounds
    side = max(width, height)
    return x + (width - side) / 2, y + (height - side) / 2, side, side
