"""Pictures of a person while their values change: small ones at once, a good one when they rest.

One small picture is under way at a time, so that a slider in motion shows every picture that there
was time for; a good one gives way to whatever comes after it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from poseapp.core.errors import PoseAppError
from poseapp.core.framing import STANDING_SHAPE, can_stand_in, framed, sized
from poseapp.core.person_values import Values
from poseapp.core.pose import Pose2D
from poseapp.services.engine import Engine

LANE = "person"
QUICK_PX, FULL_PX = 512, 1024
_QUICK_SAMPLES, _FULL_SAMPLES = 2, 3
_REST_MS = 350


@dataclass(frozen=True)
class Wanted:
    """What a picture is to show.

    Attributes:
        person: None lets the seed alone decide.
        seed: draws another person, of which what is locked stays; None takes `person` as it is.
        pose: canvas px; None stands.
        turn_deg: of a standing person.
    """

    person: Values | None = field(default=None, repr=False)
    seed: int | None = 0
    locked: tuple[str, ...] = ()
    pose: Pose2D | None = field(default=None, repr=False)
    background: str = ""
    scene_seed: int = 0
    turn_deg: float = 0.0
    mannequin: bool = False

    def arguments(self, full: bool) -> dict[str, Any]:
        """Arguments of the task `create_person`."""
        longest = FULL_PX if full else QUICK_PX
        arguments: dict[str, Any] = {
            "person": self.person,
            "seed": self.seed,
            "locked": self.locked,
            "background": self.background or None,
            "scene_seed": self.scene_seed,
            "turn_deg": self.turn_deg,
            "supersample": _FULL_SAMPLES if full else _QUICK_SAMPLES,
            "mannequin": self.mannequin,
        }
        if self.pose is None or not can_stand_in(self.pose):
            return {**arguments, "size": sized(STANDING_SHAPE, longest)}
        frame = framed(self.pose, longest)
        return {
            **arguments,
            "size": frame.size,
            "keypoints": frame.pose.keypoints,
            "confidence": frame.pose.confidence,
        }


class PersonPreview(QObject):
    """Asks the engine for pictures and says when they come."""

    pictured = Signal(object, bool)
    """(what the task gave, it is the good picture of what is wanted)."""
    drawn = Signal(object)
    """Values of the person that a seed drew."""
    failed = Signal(str)
    busy_changed = Signal(bool)

    def __init__(self, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._wanted: Wanted | None = None
        self._under_way: tuple[int, Wanted, bool] | None = None
        self._good: dict[str, Any] | None = None
        self._shown: Wanted | None = None
        self._hurry = False
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self._go_on)
        engine.task_succeeded.connect(self._on_succeeded)
        engine.task_failed.connect(self._on_failed)
        engine.task_cancelled.connect(self._on_cancelled)

    @property
    def good(self) -> dict[str, Any] | None:
        """The good picture of what is wanted; None while there is none yet."""
        return self._good

    @property
    def busy(self) -> bool:
        """A picture is being made, or will be in a moment."""
        return self._under_way is not None or self._rest.isActive()

    def want(self, wanted: Wanted) -> None:
        """Show something else from now on."""
        if wanted == self._wanted:
            return
        self._wanted = wanted
        self._good = None
        self._rest.start()
        if self._under_way is None or self._under_way[2]:
            self._submit(full=False)
        self.busy_changed.emit(True)

    def hurry(self) -> None:
        """Make the good picture now, without a small one first."""
        if self._wanted is None or self._good is not None:
            return
        self._hurry = True
        if self._under_way is None:
            self._go_on()

    def stop(self) -> None:
        """Nobody looks any more."""
        self._rest.stop()
        self._wanted = self._shown = None
        if self._under_way is not None:
            number, self._under_way = self._under_way[0], None
            self._engine.cancel(number)
        self.busy_changed.emit(False)

    def _submit(self, full: bool) -> None:
        assert self._wanted is not None
        wanted = self._wanted
        self._under_way = None  # the lane cancels what runs, which says so before this returns
        number = self._engine.submit("create_person", lane=LANE, **wanted.arguments(full))
        self._under_way = number, wanted, full

    @Slot()
    def _go_on(self) -> None:
        """What is to be done once nothing is under way: a newer small picture, or the good one."""
        if self._wanted is None or self._under_way is not None:
            return
        if self._shown != self._wanted and not self._hurry:
            self._submit(full=False)
        elif self._good is None and (self._hurry or not self._rest.isActive()):
            self._submit(full=True)
        if not self.busy:
            self.busy_changed.emit(False)

    @Slot(int, object)
    def _on_succeeded(self, number: int, result: dict[str, Any]) -> None:
        if self._under_way is None or number != self._under_way[0]:
            return
        _, wanted, full = self._under_way
        self._under_way = None
        if self._wanted is wanted:
            if wanted.seed is not None:  # from here on it is this person, whatever the seed draws
                self._wanted = replace(wanted, person=result["person"], seed=None, locked=())
            self._shown = self._wanted
            if full:
                self._good, self._hurry = result, False
            if wanted.seed is not None:
                self.drawn.emit(result["person"])
        self.pictured.emit(result, full and self._good is result)
        self._go_on()

    @Slot(int, object)
    def _on_failed(self, number: int, error: PoseAppError) -> None:
        if self._under_way is None or number != self._under_way[0]:
            return
        _, wanted, _ = self._under_way
        self._under_way = None
        self._hurry = False
        if wanted is self._wanted:  # the same once more would fail once more
            self._rest.stop()
            self._wanted = None
            self.busy_changed.emit(False)
        self.failed.emit(str(error))
        self._go_on()

    @Slot(int)
    def _on_cancelled(self, number: int) -> None:
        if self._under_way is not None and number == self._under_way[0]:
            self._under_way = None
