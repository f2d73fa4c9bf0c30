"""The reference person in the pose on the canvas: moved at once, rendered when the hand rests.

While a joint is dragged the photo's own parts are moved here, in some milliseconds a frame. What
takes longer, making a photo ready and the generator, happens in the models' process: the newest
pose wins, and what an older one was asked for never arrives. Nothing of it changes the document.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from poseapp.core import transfer
from poseapp.core.document import ReferencePerson
from poseapp.core.errors import PoseAppError, WeightsError
from poseapp.core.pose import Pose2D
from poseapp.services.engine import Engine
from poseapp.services.transfer_tasks import NO_GENERATOR, PREVIEW_PX, can_generate, check_ending
from poseapp.state.session import Session
from poseapp.state.settings import Settings
from poseapp.ui.ahead import Ahead
from poseapp.ui.playing import Player

PREPARE_LANE, RENDER_LANE, SAVE_LANE = "transfer-photo", "transfer", "transfer-save"
REST_MS = 150
_LOOK_MS = 40  # a window that opens shows each tab for a moment
_SLOW_MS, _FAST_MS = 22.0, 8.0
_SHRINKS = (1.0, 0.5)


class TransferController(QObject):
    """Shows the reference person in a pose, for whoever looks."""

    said = Signal(str, str)
    """(level, sentence) for the message bar."""
    changed = Signal()
    """Another state, problem or note."""
    warped = Signal(object)
    """(h, w, 3) uint8: the photo's parts moved; comes with each move of the hand."""
    rendered = Signal(object)
    """What the task `render_person` gave for the pose that is shown."""
    progressed = Signal(float, str)
    """Share 0-1 and what is being done."""

    def __init__(
        self, session: Session, engine: Engine, settings: Settings, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session = session
        self._engine = engine
        self._settings = settings
        self._window = window
        self._seen = False
        self._moment: Pose2D | None = None
        self._player: Player | None = None
        self._problem = transfer.NO_REFERENCE
        self._failure = ""
        self._weights_failure = ""
        self._wanted: ReferencePerson | None = None
        self._stage: dict[str, Any] | None = None
        self._target: np.ndarray | None = None
        self._result: dict[str, Any] | None = None
        self._tasks: dict[str, int] = {}
        self._asked_at = 0.0
        self.render_ms = 0.0
        self.warp_ms = 0.0
        self._shrink = 0
        self._small: dict[int, np.ndarray] = {}
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._update)
        self._ahead = Ahead(self._update, self)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._ask_picture)
        engine.task_progress.connect(self._on_progress)
        engine.task_succeeded.connect(self._on_succeeded)
        engine.task_failed.connect(self._on_failed)
        engine.task_cancelled.connect(self._on_cancelled)
        for signal in (
            session.reference_changed,
            session.people_changed,
            session.selection_changed,
            session.photo_changed,
            session.canvas_changed,
            session.document_replaced,
        ):
            signal.connect(self.refresh)
        session.pose_changed.connect(self._on_pose_changed)
        settings.changed.connect(self._on_setting_changed)

    # -- what there is -----------------------------------------------------------------------
    @property
    def reference(self) -> ReferencePerson | None:
        """The reference person of the document."""
        return self._session.document.reference

    @property
    def problem(self) -> str:
        """Why nobody can be shown, or ""; one of the sentences of `core.transfer`."""
        return self._problem

    @property
    def failure(self) -> str:
        """Why the photo could not be made ready, or ""."""
        return self._failure

    @property
    def note(self) -> str:
        """What is to be known of the picture shown, or ""."""
        if self._problem or self._failure or self._stage is None:
            return ""
        words = [self._stage["note"], self._weights_failure]
        if not self._weights_failure and not can_generate(self._engine.options):
            words.append(NO_GENERATOR)
        return " ".join(word for word in words if word)

    @property
    def working(self) -> bool:
        """Something is asked for that will change the picture."""
        return bool(self._tasks) or self._rest.isActive()

    @property
    def saving(self) -> bool:
        """A picture is on its way to a file."""
        return SAVE_LANE in self._tasks

    @property
    def stage(self) -> dict[str, Any] | None:
        """What the task `prepare_person` gave of the reference person in force."""
        return self._stage

    @property
    def result(self) -> dict[str, Any] | None:
        """What the task `render_person` gave for the pose shown; None while it is moving."""
        return self._result

    def available(self) -> set[str]:
        """What is there for actions that need something."""
        return {"transfer"} if not transfer.problem(self.reference, self._pose()) else set()

    def _pose(self) -> Pose2D | None:
        if self._moment is not None:
            return self._moment
        person = self._session.active_person
        return None if person is None else person.pose

    # -- following ---------------------------------------------------------------------------
    @Slot(bool)
    def set_seen(self, seen: bool) -> None:
        """Somebody looks, or not any more: then nothing is done."""
        if seen == self._seen:
            return
        self._seen = seen
        if seen:
            self._soon.start(_LOOK_MS)
        else:
            self._soon.stop()
            self._rest.stop()
            self._cancel(RENDER_LANE)  # a photo that is being made ready is wanted again soon
            self._target = None

    def show_moment(self, pose: Pose2D | None) -> None:
        """Show a pose that is not in the document, as of a sequence that is played."""
        if pose is None and self._moment is not None:
            self._target = None  # the same pose at rest is one for the generator
        self._moment = pose
        self.refresh()

    def follow(self, player: Player) -> None:
        """Show the moments of a sequence that is played."""
        self._player = player
        player.moment_changed.connect(self._on_moment_changed)

    @Slot()
    def _on_moment_changed(self) -> None:
        moment = self._player.moment if self._player is not None else None
        self.show_moment(None if moment is None else moment.pose)

    @Slot()
    def refresh(self) -> None:
        """Something may have changed: look at it before the window is painted again."""
        if self._seen and not self._soon.isActive():
            self._ahead.ask()

    @Slot(str)
    def _on_pose_changed(self, _: str) -> None:
        self.refresh()

    @Slot(str)
    def _on_setting_changed(self, key: str) -> None:
        if key.startswith("models/"):
            QTimer.singleShot(0, self._on_models_chosen)  # once the engine knows it, too

    @Slot()
    def _on_models_chosen(self) -> None:
        self._weights_failure = ""
        self._target = None
        self.refresh()
        self.changed.emit()

    @Slot()
    def again(self) -> None:
        """Try once more what failed."""
        self._failure = self._weights_failure = ""
        self._wanted = self._target = None
        self.refresh()

    @Slot()
    def _update(self) -> None:
        """Bring what is shown in line with the document."""
        if not self._seen:
            return
        reference, pose = self.reference, self._pose()
        problem = transfer.problem(reference, pose)
        if problem != self._problem:
            self._problem = problem
            self.changed.emit()
        if reference is None or transfer.problem(reference, reference.pose):
            self._cancel(PREPARE_LANE, RENDER_LANE)
            self._stage, self._wanted, self._failure = None, None, ""
            return
        if not self._is_wanted(reference):
            self._ask_photo(reference)
        if problem or self._stage is None or pose is None:
            self._rest.stop()
            self._cancel(RENDER_LANE)
            self._target = None
            return
        target = self._target_of(reference, pose)
        if self._target is not None and np.array_equal(target, self._target):
            return
        self._target, self._result = target, None
        self._cancel(RENDER_LANE)
        self._warp(target)
        self._rest.start()

    def _is_wanted(self, reference: ReferencePerson) -> bool:
        wanted = self._wanted
        return (
            wanted is not None
            and wanted.photo is reference.photo
            and (wanted.pose is reference.pose or wanted.pose == reference.pose)
        )

    def _target_of(self, reference: ReferencePerson, pose: Pose2D) -> np.ndarray:
        """(17, 3) px of the photo and visibility."""
        document = self._session.document
        over = transfer.same_picture(document.photo, reference.photo)
        # A moment stands where the film would show it: on the way that the key poses go.
        way = [key.pose for key in document.sequence.keys] if self._moment is not None else []
        placed = transfer.placed([*way, pose], reference, document.size if over else None)
        return transfer.as_array(placed[-1])

    # -- moving live -------------------------------------------------------------------------
    def _warp(self, target: np.ndarray) -> None:
        """Move the photo's parts now; at half the size where this machine is slow."""
        from poseapp.core.compose import unmoved
        from poseapp.core.detection import scaled

        assert self._stage is not None
        began = time.perf_counter()
        stage = self._stage
        height, width = stage["photo"].shape[:2]
        pose = scaled(transfer.as_pose(target), stage["size"], (width, height))
        points = transfer.as_array(pose)
        if unmoved(stage["keypoints"], points):
            self.warped.emit(stage["photo"])
            return
        factor = _SHRINKS[self._shrink]
        matrix = None
        if factor != 1.0:
            offset = (factor - 1.0) / 2.0
            matrix = np.array([[factor, 0.0, offset], [0.0, factor, offset]])
        try:
            picture = stage["warper"].over(self._plate(), points, matrix)
        except PoseAppError as exc:
            self._problem = str(exc)
            self.changed.emit()
            return
        self.warped.emit(picture)
        self._watch(1000.0 * (time.perf_counter() - began))

    def _plate(self) -> np.ndarray:
        assert self._stage is not None
        plate: np.ndarray = self._stage["plate"]
        if self._shrink == 0:
            return plate
        if self._shrink not in self._small:
            import cv2

            factor = _SHRINKS[self._shrink]
            size = (round(plate.shape[1] * factor), round(plate.shape[0] * factor))
            self._small[self._shrink] = cv2.resize(plate, size, interpolation=cv2.INTER_AREA)
        return self._small[self._shrink]

    def _watch(self, took_ms: float) -> None:
        self.warp_ms = took_ms if not self.warp_ms else 0.75 * self.warp_ms + 0.25 * took_ms
        if self.warp_ms > _SLOW_MS and self._shrink + 1 < len(_SHRINKS):
            self._shrink, self.warp_ms = self._shrink + 1, 0.0
        elif 0.0 < self.warp_ms < _FAST_MS and self._shrink:
            self._shrink, self.warp_ms = self._shrink - 1, 0.0

    # -- asking ------------------------------------------------------------------------------
    def _request(self, reference: ReferencePerson) -> dict[str, Any]:
        return {
            "photo": np.frombuffer(reference.photo.data, np.uint8),  # travels uncopied
            "name": reference.photo.name,
            "keypoints": transfer.as_array(reference.pose),
        }

    def _ask(self, lane: str, task: str, **arguments: Any) -> None:
        self._cancel(lane)
        self._tasks[lane] = self._engine.submit(task, lane=lane, **arguments)
        self.changed.emit()

    def _ask_photo(self, reference: ReferencePerson) -> None:
        self._wanted, self._stage, self._failure = reference, None, ""
        self._small = {}
        self._result = None
        self._cancel(RENDER_LANE)
        request = self._request(reference)
        self._ask(PREPARE_LANE, "prepare_person", **request, longest=PREVIEW_PX)

    @Slot()
    def _ask_picture(self) -> None:
        """The hand rests."""
        if self._wanted is None or self._target is None or self._moment is not None:
            return
        self._asked_at = time.perf_counter()
        request = self._request(self._wanted)
        self._ask(
            RENDER_LANE, "render_person", **request, target=self._target, longest=PREVIEW_PX,
            generator=self._generates(),
        )  # fmt: skip

    def _generates(self) -> bool:
        return not self._weights_failure and can_generate(self._engine.options)

    def _cancel(self, *lanes: str) -> None:
        for lane in lanes:
            number = self._tasks.pop(lane, None)
            if number is not None:
                self._engine.cancel(number)
                self.changed.emit()

    def _lane_of(self, number: int) -> str:
        return next((lane for lane, task in self._tasks.items() if task == number), "")

    @Slot(int, float, str)
    def _on_progress(self, number: int, share: float, text: str) -> None:
        if self._lane_of(number) in (PREPARE_LANE, SAVE_LANE):
            self.progressed.emit(share, text)

    @Slot(int, object)
    def _on_succeeded(self, number: int, result: object) -> None:
        lane = self._lane_of(number)
        if not lane or not isinstance(result, dict):
            return
        del self._tasks[lane]
        if lane == PREPARE_LANE:
            self._stage, self._target = result, None
            self.refresh()
        elif lane == RENDER_LANE:
            self._result = result
            self.render_ms = 1000.0 * (time.perf_counter() - self._asked_at)
            self.rendered.emit(result)
        else:
            width, height = result["size"]
            name = Path(result["path"]).name
            self.said.emit("success", f"Saved {name}, {width:,} × {height:,} px.")
        self.changed.emit()

    @Slot(int, object)
    def _on_failed(self, number: int, error: object) -> None:
        lane = self._lane_of(number)
        if not lane:
            return
        del self._tasks[lane]
        if lane == PREPARE_LANE:
            self._failure = str(error)
        elif lane == SAVE_LANE:
            self.said.emit("error", str(error))
        elif isinstance(error, WeightsError):  # the next pose would only fail the same way
            self._weights_failure = str(error)
            self._ask_picture()
        else:
            self.said.emit("error", str(error))
        self.changed.emit()

    @Slot(int)
    def _on_cancelled(self, number: int) -> None:
        lane = self._lane_of(number)
        if not lane:
            return
        del self._tasks[lane]
        if lane == PREPARE_LANE:  # by somebody else: ask anew when it is looked at again
            self._wanted = None
        self.changed.emit()

    # -- saving ------------------------------------------------------------------------------
    @Slot()
    def save(self) -> None:
        """Ask where the picture goes."""
        problem = transfer.problem(self.reference, self._pose())
        if problem or self.reference is None:
            self.said.emit("info", problem)
            return
        start = self._settings.last_folder / f"{self.reference.name} in a new pose.png"
        name, _ = QFileDialog.getSaveFileName(
            self._window, "Save picture", str(start), "Pictures (*.png *.jpg)"
        )
        if not name:
            return
        path = Path(name) if Path(name).suffix else Path(name).with_suffix(".png")
        try:
            check_ending(path)
        except PoseAppError as exc:
            self.said.emit("error", str(exc))
            return
        self.save_to(path)

    def save_to(self, path: Path) -> bool:
        """Write the picture of the pose as it is now, as large as the photo."""
        if self.saving:
            self.said.emit("info", "A picture is being saved: wait for it, or stop it first.")
            return False
        reference, pose = self.reference, self._pose()
        problem = transfer.problem(reference, pose)
        if problem or reference is None or pose is None:
            self.said.emit("info", problem)
            return False
        self._settings.last_folder = path.absolute().parent
        target = self._target_of(reference, pose)
        request = {**self._request(reference), "target": target, "path": str(path)}
        self._ask(SAVE_LANE, "save_person", **request, generator=self._generates())
        return True

    def may_leave(self) -> bool:
        """Ask what becomes of a picture that is being saved; False = stay."""
        return not self.saving or self.ask_leaving()

    def ask_leaving(self) -> bool:
        """Close without the picture?"""
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("A picture is being saved")
        box.setText("A picture is being saved. Close without it?")
        box.setStandardButtons(QMessageBox.StandardButton.Close | QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(QMessageBox.StandardButton.Cancel)
        return bool(box.exec() == QMessageBox.StandardButton.Close)

    @Slot()
    def stop_saving(self) -> None:
        """Do not save after all."""
        self._cancel(SAVE_LANE)
