"""Keeps a 3D figure beside each 2D pose: asks the lifter, one request at a time, newest first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEventLoop, QObject, QTimer, Signal, Slot

from poseapp.core.errors import PoseAppError
from poseapp.core.pose import Pose2D, Pose3D
from poseapp.core.skeleton import COCO_17
from poseapp.services.engine import Engine
from poseapp.state.session import Session

REST_MS = 150
CATCH_UP_MS = 8000
MIN_BODY_JOINTS = 4
_BODY = np.array([not name.endswith(("nose", "eye", "ear")) for name in COCO_17.joints])


@dataclass(frozen=True)
class _Known:
    pose: Pose2D
    figures: tuple[Pose3D, ...]
    asked: int


def refusal(pose: Pose2D) -> str | None:
    """Why a pose cannot be lifted, as a sentence; None when it can."""
    body = int((pose.present & _BODY).sum())
    if body >= MIN_BODY_JOINTS:
        return None
    return (
        f"A 3D figure needs {MIN_BODY_JOINTS} joints of the body or more, and this pose has"
        f" {body}: right-click joints to bring them back."
    )


class LiftLink(QObject):
    """Lifts the visible people of a session whenever their poses change.

    While a pose keeps changing it asks for the zero-variance figure alone; once it has rested for
    `REST_MS`, for the other hypotheses too. Never more than one request is under way, and the
    next one takes the poses as they are then.
    """

    lifted = Signal(str, object)
    """Person id, list of Pose3D: the zero-variance figure first, the other hypotheses after it."""
    refused = Signal(str, str)
    """Person id, a sentence: this pose cannot be lifted."""
    forgotten = Signal(str)
    """Person id: gone or hidden."""
    failed = Signal(object)
    """PoseAppError of the lifter."""

    def __init__(self, session: Session, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._engine = engine
        self._hypotheses = 1
        self._active = True
        self._hasty = True
        self._known: dict[str, _Known] = {}
        self._refused: dict[str, Pose2D] = {}
        self._task: int | None = None
        self._asked: list[tuple[str, Pose2D]] = []
        self._asked_hypotheses = 1
        self._resting = True
        self._failed_for: dict[str, Pose2D] = {}
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._on_rest)
        session.pose_changed.connect(self._on_pose_changed)
        session.people_changed.connect(self._on_people_changed)
        session.document_replaced.connect(self._on_document_replaced)
        engine.task_succeeded.connect(self._on_task_succeeded)
        engine.task_failed.connect(self._on_task_failed)
        engine.task_cancelled.connect(self._on_task_cancelled)
        engine.state_changed.connect(self._on_engine_state)

    @property
    def hypotheses(self) -> int:
        """How many figures a resting pose gets, the zero-variance one included."""
        return self._hypotheses

    def set_hypotheses(self, count: int) -> None:
        """Change how many figures a resting pose gets."""
        self._hypotheses = max(1, count)
        self._failed_for.clear()
        self._send()

    def set_active(self, active: bool) -> None:
        """Stop or go on asking: an unseen view needs no figures."""
        self._active = active
        if active:
            self._forget_gone()
            self._failed_for.clear()
            self._send()

    def set_hasty(self, hasty: bool) -> None:
        """Follow a pose while it keeps changing, or wait until it has rested."""
        self._hasty = hasty
        self._send()

    def catch_up(self, longest_ms: int = CATCH_UP_MS) -> bool:
        """Wait for the figures of the poses as they are now, all hypotheses included.

        Returns:
            Whether all of them are there that can be.
        """
        active, hasty = self._active, self._hasty
        self._active = self._hasty = self._resting = True
        self._rest.stop()
        self._forget_gone()
        self._send()
        loop = QEventLoop()
        timer = QTimer()
        timer.setSingleShot(True)
        timer.timeout.connect(loop.quit)
        engine = self._engine
        ends = (engine.task_succeeded, engine.task_failed, engine.task_cancelled)

        def look(*_: object) -> None:
            if self._task is None:  # what the link itself heard before, as it was connected first
                loop.quit()

        for end in ends:
            end.connect(look)
        if self._task is not None:
            timer.start(longest_ms)
            loop.exec(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
        for end in ends:
            end.disconnect(look)
        self._active, self._hasty = active, hasty
        return all(self.is_current(i) or refusal(p) for i, p in self._visible().items())

    def figures(self, person_id: str) -> tuple[Pose3D, ...]:
        """The newest figures of a person; empty before the first ones."""
        known = self._known.get(person_id)
        return known.figures if known else ()

    def lifted_pose(self, person_id: str) -> Pose2D | None:
        """The 2D pose that `figures` belongs to."""
        known = self._known.get(person_id)
        return known.pose if known else None

    def is_current(self, person_id: str) -> bool:
        """The figures belong to the pose as it is now."""
        known = self._known.get(person_id)
        return known is not None and known.pose is self._session.document.person(person_id).pose

    def prime(self, person_id: str, pose: Pose2D, figures: tuple[Pose3D, ...]) -> None:
        """Say what figures belong to a pose that was made from them; it is not lifted again."""
        self._known[person_id] = _Known(pose, figures, max(self._hypotheses, len(figures)))

    def refresh(self) -> None:
        """Lift everybody anew, say with other weights."""
        self._known = {i: _Known(k.pose, k.figures, 0) for i, k in self._known.items()}
        self._asked_hypotheses = 0  # what is under way is of the old weights
        self._failed_for.clear()
        self._send()

    def _visible(self) -> dict[str, Pose2D]:
        return {p.id: p.pose for p in self._session.document.people if p.visible}

    def _forget_gone(self) -> None:
        there = self._visible()
        for person_id in [i for i in (*self._known, *self._refused) if i not in there]:
            self._known.pop(person_id, None)
            self._refused.pop(person_id, None)
            self.forgotten.emit(person_id)

    def _send(self) -> None:
        """Ask for what is missing, unless a request is under way already."""
        if self._task is not None or not self._active or not (self._hasty or self._resting):
            return
        wanted = self._hypotheses if self._resting else 1
        missing = []
        for person_id, pose in self._visible().items():
            known = self._known.get(person_id)
            if known is not None and known.pose is pose and known.asked >= wanted:
                continue
            if self._failed_for.get(person_id) is pose:
                continue
            sentence = refusal(pose)
            if sentence is None:
                self._refused.pop(person_id, None)
                missing.append((person_id, pose))
            elif self._refused.get(person_id) is not pose:
                self._refused[person_id] = pose
                self._known.pop(person_id, None)
                self.refused.emit(person_id, sentence)
        if not missing:
            return
        self._asked, self._asked_hypotheses = missing, wanted
        self._task = self._engine.submit(
            "lift_to_3d",
            lane="lift",
            keypoints=np.stack([pose.keypoints for _, pose in missing]),
            confidence=np.stack([pose.confidence for _, pose in missing]),
            hypotheses=wanted,
        )

    @Slot(str)
    def _on_pose_changed(self, person_id: str) -> None:
        self._resting = False
        self._rest.start()
        self._send()

    @Slot()
    def _on_rest(self) -> None:
        self._resting = True
        self._send()

    @Slot()
    def _on_people_changed(self) -> None:
        self._forget_gone()
        self._send()

    @Slot()
    def _on_document_replaced(self) -> None:
        self._failed_for.clear()
        self._forget_gone()
        self._send()

    @Slot(int, object)
    def _on_task_succeeded(self, task: int, result: object) -> None:
        if task != self._task or not isinstance(result, dict):
            return
        asked, self._task = self._asked, None
        there = self._visible()
        rows = zip(asked, result["joints"], result["elevation"], strict=True)
        for (person_id, pose), joints, elevation in rows:
            if person_id not in there:
                continue
            known = self._known.get(person_id)
            if known is not None and known.pose is there[person_id] and known.pose is not pose:
                continue  # primed for the pose as it is now, while this one was under way
            try:
                figures = tuple(Pose3D(figure, float(elevation)) for figure in joints)
            except PoseAppError as exc:
                self._failed_for[person_id] = pose
                self.failed.emit(exc)
                continue
            self._known[person_id] = _Known(pose, figures, self._asked_hypotheses)
            self.lifted.emit(person_id, list(figures))
        self._send()

    @Slot(int, object)
    def _on_task_failed(self, task: int, error: object) -> None:
        if task != self._task:
            return
        self._task = None
        self._failed_for.update(dict(self._asked))  # the same pose would fail the same way
        self.failed.emit(error)
        self._send()

    @Slot(int)
    def _on_task_cancelled(self, task: int) -> None:
        if task == self._task:
            self._task = None
            self._send()

    @Slot(str)
    def _on_engine_state(self, state: str) -> None:
        if state == "restarting":
            self._failed_for.clear()
        elif state == "ready" and self._task is None:
            self._send()
