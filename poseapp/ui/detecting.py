"""People found in the photo: asked for, shown as proposals, accepted as one undo step or dropped.

Proposals are no part of the document: what is discarded leaves no trace. What an older photo was
asked for never arrives: a change of photo cancels it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QRectF, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from poseapp.core import detection, picking
from poseapp.core.detection import Proposal
from poseapp.core.document import Person, Photo, ReferencePerson
from poseapp.core.pose import Pose2D
from poseapp.services import estimators
from poseapp.services.engine import Engine
from poseapp.state.commands import AddPeople
from poseapp.state.session import Session
from poseapp.state.settings import Settings

if TYPE_CHECKING:
    from poseapp.ui.dialogs.detect_many import DetectManyDialog

LANE = "detect"
_LEAST_BOX_PX = 3.0


class DetectionController(QObject):
    """What can be done about the people of a photo."""

    said = Signal(str, str)
    """(level, sentence) for the message bar."""
    changed = Signal()
    """Other proposals, another state, or none."""
    progressed = Signal(float, str)
    """Share 0-1 and what is being done."""
    reference_wanted = Signal(object)
    """A `ReferencePerson` that was found in the photo."""
    box_wanted = Signal()
    """The user wants to span a box."""

    def __init__(
        self, session: Session, engine: Engine, settings: Settings, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session = session
        self._engine = engine
        self._settings = settings
        self._window = window
        self.dialog: DetectManyDialog | None = None
        self._photo: Photo | None = None
        self._task: int | None = None
        self._adds = False
        self._proposals: list[Proposal] = []
        self._kept: dict[str, Proposal] = {}
        self._state = "idle"
        self._note = ""
        engine.task_progress.connect(self._on_progress)
        engine.task_succeeded.connect(self._on_succeeded)
        engine.task_failed.connect(self._on_failed)
        engine.task_cancelled.connect(self._on_cancelled)
        session.photo_changed.connect(self._on_photo_changed)
        session.canvas_changed.connect(self._on_canvas_changed)
        session.document_replaced.connect(self._on_document_replaced)

    # -- what there is -----------------------------------------------------------------------
    @property
    def state(self) -> str:
        """idle, working, found or nobody."""
        return self._state

    @property
    def note(self) -> str:
        """What is to be said along with the result; "" is nothing."""
        return self._note

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """Who was found and is not accepted yet, in px of the photo."""
        return tuple(self._proposals)

    def poses(self) -> list[Pose2D]:
        """The poses of the proposals, in px of the canvas as it is now."""
        return [self._on_canvas(p) for p in self._proposals]

    def doubtful(self) -> int:
        """How many joints of the proposals should be looked at."""
        return sum(int(p.pose.doubtful.sum()) for p in self._proposals)

    def available(self) -> set[str]:
        """What is there for actions that need something."""
        return {"proposals"} if self._proposals else set()

    def estimate_of(self, person_id: str | None) -> Proposal | None:
        """What a person of the canvas was found as; the surest proposal for nobody."""
        if person_id in self._kept:
            return self._kept[person_id] if self._photo_is(self._session.document.photo) else None
        if person_id is None and self._proposals:
            return max(self._proposals, key=lambda p: p.confidence)
        return None

    def to_canvas(self, proposal: Proposal) -> np.ndarray:
        """(2, 3) from the px of its heatmaps to px of the canvas."""
        photo, document = self._session.document.photo, self._session.document
        before = photo.size if photo is not None else document.size
        return detection.scaled_affine(proposal.to_photo, before, document.size)

    def _on_canvas(self, proposal: Proposal) -> Pose2D:
        assert self._photo is not None
        return detection.scaled(proposal.pose, self._photo.size, self._session.document.size)

    def _photo_is(self, photo: Photo | None) -> bool:
        return photo is not None and photo is self._photo

    # -- asking ------------------------------------------------------------------------------
    @Slot()
    def arrived(self) -> None:
        """A photo was opened, dropped or pasted: look for people if the user wants that."""
        document = self._session.document
        if document.photo is None or not self._settings.detect_photos:
            return
        if estimators.can_detect(self._engine.options):
            self._ask(None)

    @Slot()
    def find(self) -> None:
        """Look for people in the photo."""
        if self._may_ask():
            self._ask(None)

    @Slot(object)
    def find_in(self, box: QRectF) -> None:
        """Look at one person, in a box of the canvas."""
        box = box.normalized()
        if not self._may_ask():
            return
        document = self._session.document
        assert document.photo is not None
        factor = np.array(document.photo.size, float) / np.array(document.size, float)
        low = (np.array([box.left(), box.top()]) + 0.5) * factor
        high = (np.array([box.right(), box.bottom()]) + 0.5) * factor
        size = np.array(document.photo.size, float)
        low, high = np.clip(low, 0, size), np.clip(high, 0, size)
        if (high - low < _LEAST_BOX_PX).any():
            self.said.emit("info", "Drag a box around one whole person in the photo.")
            return
        self._ask(np.concatenate([low, high - low]))

    def _may_ask(self) -> bool:
        if self._session.document.photo is None:
            self.said.emit("info", "There is no photo on the canvas: open or drop one first.")
            return False
        if not estimators.can_detect(self._engine.options):
            self.said.emit("warning", estimators.NO_ESTIMATOR)
            return False
        return True

    def _ask(self, box: np.ndarray | None) -> None:
        photo = self._session.document.photo
        assert photo is not None
        if box is None or not self._photo_is(photo):
            self._proposals = []
        if not self._photo_is(photo):
            self._kept = {}
        self._photo, self._adds, self._note = photo, box is not None, ""
        self._task = None  # an older request is cancelled by the next one: that is no news
        self._state = "working"
        self._task = self._engine.submit(
            "detect_people",
            lane=LANE,
            photo=np.frombuffer(photo.data, np.uint8),  # travels beside the message, uncopied
            name=photo.name,
            boxes=None if box is None else box[None].astype(np.float32),
        )
        self.changed.emit()

    # -- answers -----------------------------------------------------------------------------
    @Slot(int, float, str)
    def _on_progress(self, task: int, share: float, text: str) -> None:
        if task == self._task:
            self.progressed.emit(share, text)

    @Slot(int, object)
    def _on_succeeded(self, task: int, result: object) -> None:
        if task != self._task or not isinstance(result, dict):
            return
        self._task = None
        found = detection.proposals(result)
        self._note = str(result["note"])
        nobody = "Nobody was found in the box." if self._adds else "Nobody was found."
        self._note = self._note or ("" if found else nobody)
        self._proposals = detection.merged(self._proposals, found) if self._adds else found
        self._state = "found" if self._proposals else "nobody"
        self.changed.emit()

    @Slot(int, object)
    def _on_failed(self, task: int, error: object) -> None:
        if task == self._task:
            self._task = None
            self._rest()
            self.said.emit("error", str(error))

    @Slot(int)
    def _on_cancelled(self, task: int) -> None:
        if task == self._task:
            self._task = None
            self._rest()

    def _rest(self) -> None:
        """Nothing is asked for, or not any more."""
        self._state = "found" if self._proposals else "idle"
        if self._task is not None:
            self._state = "working"
        self.changed.emit()

    # -- deciding ----------------------------------------------------------------------------
    @Slot()
    def cancel(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._engine.cancel(self._task)

    def proposal_at(self, place: np.ndarray, radius: float) -> int | None:
        """Which proposal has a bone within `radius` px of a place of the canvas, or its box."""
        poses = self.poses()
        hit = picking.nearest_bone(list(poses), place, radius)
        if hit is not None:
            return hit.person
        for number, pose in enumerate(poses):
            x, y, width, height = pose.bounds or (0.0, 0.0, 0.0, 0.0)
            if x <= place[0] <= x + width and y <= place[1] <= y + height:
                return number
        return None

    def head_menu(self, menu: QMenu, place: np.ndarray, radius: float) -> None:
        """Put what can be done with the proposal at a place on top of the canvas's menu."""
        found = self.proposal_at(place, radius)
        if found is None:
            return
        first = menu.actions()[0]
        for text, then in (
            ("Accept this person", self.accept_one),
            ("Leave this person out", self.leave_out),
        ):
            action = QAction(text, menu)
            action.triggered.connect(partial(then, found))
            menu.insertAction(first, action)
        menu.insertSeparator(first)

    def accept_one(self, number: int) -> None:
        """Put one of the people found on the canvas; the others stay proposals."""
        self._accept([self._proposals[number]])

    def leave_out(self, number: int) -> None:
        """Forget one of the people found."""
        del self._proposals[number]
        self._rest()

    @Slot()
    def accept(self) -> None:
        """Put everybody who was found on the canvas, as one step."""
        self._accept(self._proposals)

    def _accept(self, chosen: list[Proposal]) -> None:
        if not chosen:
            return
        document = self._session.document
        # Whoever stands lower in the picture is nearer, and in front.
        order = sorted(chosen, key=lambda p: float(p.box[1] + p.box[3]))
        people: list[Person] = []
        for proposal in order:
            so_far = replace(document, people=(*document.people, *people))
            name = _free_name({p.name for p in so_far.people})
            pose = self._on_canvas(proposal)
            person = Person(pose, name, so_far.next_colour(), extra=proposal.extra)
            people.append(person)
            self._kept[person.id] = proposal
        self._proposals = [p for p in self._proposals if p not in chosen]
        self._note = ""
        noun = "person" if len(people) == 1 else "people"
        self._session.undo_stack.push(AddPeople(self._session, people, f"Add {noun} of the photo"))
        self._session.select(people[0].id if len(people) == 1 else None)
        self._rest()

    @Slot()
    def discard(self) -> None:
        """Forget who was found."""
        self.cancel()
        self._proposals, self._note, self._state = [], "", "idle"
        self.changed.emit()

    @Slot()
    def use_as_reference(self) -> None:
        """Make the photo and the surest person in it the reference person."""
        if self._photo is None or not self._proposals:
            return
        best = max(self._proposals, key=lambda p: p.confidence * float(p.box[2] * p.box[3]))
        name = self._photo.name.rpartition(".")[0] or self._photo.name
        self.reference_wanted.emit(ReferencePerson(self._photo, best.pose, name))

    # -- many photos -------------------------------------------------------------------------
    @Slot()
    def many(self) -> None:
        """Open the dialog for many photos."""
        self.present([])

    def present(self, photos: list[Path]) -> None:
        """Open the dialog for many photos, with some to add to its list."""
        if self.dialog is None:
            from poseapp.ui.dialogs.detect_many import DetectManyDialog

            self.dialog = DetectManyDialog(self._engine, self._settings, self._window)
        if photos and not self.dialog.running:
            self.dialog.add(photos)
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()

    def take_many(self, photos: list[Path]) -> bool:
        """Several photos were dropped: with a model they go to the dialog."""
        if not estimators.can_detect(self._engine.options):
            return False
        self.present(photos)
        return True

    def close(self) -> None:
        """Close the dialog along with the window."""
        if self.dialog is not None:
            self.dialog.close()

    # -- following the session ---------------------------------------------------------------
    @Slot()
    def _on_photo_changed(self) -> None:
        if self._photo is not None and not self._photo_is(self._session.document.photo):
            self.discard()

    @Slot()
    def _on_canvas_changed(self) -> None:
        if self._proposals:
            self.changed.emit()

    @Slot()
    def _on_document_replaced(self) -> None:
        self.discard()
        self._photo, self._kept = None, {}


def _free_name(taken: set[str]) -> str:
    number = len(taken) + 1
    while f"Person {number}" in taken:
        number += 1
    return f"Person {number}"
