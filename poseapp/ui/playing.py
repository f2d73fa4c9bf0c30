"""Plays the strip of key poses: a clock, what lies between the keys, and the moment in hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal, Slot

from poseapp.core.document import PERSON_COLOURS
from poseapp.core.sequence import LATENT, Frame, PoseSequence, Way, flat_ways, frame_at
from poseapp.services.engine import Engine
from poseapp.state.session import Session

if TYPE_CHECKING:
    from poseapp.ui.canvas.view import CanvasView
    from poseapp.ui.viewport.widget import ViewportPanel

_END_S = 1e-6


class Player(QObject):
    """Shows moments of the session's sequence; the document does not change by it.

    What the lifter adds (figures in 3D, the way through the latent space) is asked for when it is
    wanted; until it comes, and where it fails, angles turn evenly.
    """

    moment_changed = Signal()
    """Another moment is shown, or none any more."""
    playing_changed = Signal(bool)
    failed = Signal(str)
    """A sentence: the lifter cannot help."""

    def __init__(self, session: Session, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._engine = engine
        self._ways: tuple[Way, ...] = ()
        self._lifted = False
        self._solid = False
        self._task: int | None = None
        self._asked: PoseSequence | None = None
        self._hopeless: PoseSequence | None = None
        self._time_s = 0.0
        self._began_s = 0.0
        self._shown: Frame | None = None
        self._clock = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._on_tick)
        session.sequence_changed.connect(self._on_sequence_changed)
        session.pose_changed.connect(self._on_edited)
        session.people_changed.connect(self._on_edited)
        session.document_replaced.connect(self.stop)
        engine.task_succeeded.connect(self._on_task_succeeded)
        engine.task_failed.connect(self._on_task_failed)
        engine.task_cancelled.connect(self._on_task_cancelled)

    @property
    def sequence(self) -> PoseSequence:
        """The strip of the document."""
        return self._session.document.sequence

    @property
    def moment(self) -> Frame | None:
        """What is shown, None while the canvas is as the document has it."""
        return self._shown

    @property
    def time_s(self) -> float:
        """Where in the sequence the moment is."""
        return self._time_s

    @property
    def playing(self) -> bool:
        """The clock runs."""
        return self._timer.isActive()

    def set_solid(self, solid: bool) -> None:
        """Whether figures in 3D are wanted: an unseen view needs none."""
        if solid != self._solid:
            self._solid = solid
            if self._shown is not None:
                self._prepare()
                self._show()

    # -- playing -----------------------------------------------------------------------------
    def play(self) -> None:
        """Go on from the moment in hand; from the start where that is the end."""
        sequence = self.sequence
        if not sequence.fits:
            return
        if self._time_s >= sequence.length_s - _END_S:
            self._time_s = 0.0
        self._prepare()
        self._began_s = self._time_s
        self._clock.start()
        self._timer.start(max(1, round(1000 / sequence.fps)))
        self._show()
        self.playing_changed.emit(True)

    def pause(self) -> None:
        """Stay at the moment in hand."""
        if self.playing:
            self._timer.stop()
            self.playing_changed.emit(False)

    def seek(self, time_s: float) -> None:
        """Show another moment."""
        sequence = self.sequence
        if not sequence.keys:
            return
        self._time_s = min(max(time_s, 0.0), sequence.length_s)
        self._began_s = self._time_s
        self._clock.restart()
        self._prepare()
        self._show()

    @Slot()
    def stop(self) -> None:
        """Show no moment; the canvas is as the document has it."""
        self.pause()
        if self._shown is not None:
            self._shown = None
            self.moment_changed.emit()

    @Slot()
    def _on_tick(self) -> None:
        sequence = self.sequence
        length = sequence.length_s
        now = self._began_s + self._clock.elapsed() / 1000.0
        over = now >= length
        if over and sequence.loop and length > 0:
            now %= length
        self._time_s = min(now, length)
        self._show()
        if over and not sequence.loop:
            self.pause()

    def _show(self) -> None:
        sequence = self.sequence
        if not sequence.keys:
            self.stop()
            return
        self._shown = frame_at(sequence, self._ways, self._time_s, self._solid)
        self.moment_changed.emit()

    # -- what lies between -------------------------------------------------------------------
    def _prepare(self) -> None:
        """Have ways for the sequence as it is; the lifter's come later."""
        sequence = self.sequence
        if self._asked is not sequence:
            self._asked, self._lifted = sequence, False
            self._ways = flat_ways(sequence)
            self._task = None
        wanted = sequence.fits and (sequence.between == LATENT or self._solid)
        if wanted and not self._lifted and self._task is None and self._hopeless is not sequence:
            self._task = self._engine.submit("sequence_ways", lane="ways", sequence=sequence)

    @Slot()
    def _on_sequence_changed(self) -> None:
        self._time_s = min(self._time_s, self.sequence.length_s)
        if self._shown is None:
            return
        if not self.sequence.fits:
            self.stop()
            return
        if self.playing:
            self._timer.setInterval(max(1, round(1000 / self.sequence.fps)))
        self._prepare()
        self._show()

    @Slot()
    def _on_edited(self) -> None:
        if self._shown is not None:
            self.stop()  # whoever edits wants to see what they do

    @Slot(int, object)
    def _on_task_succeeded(self, task: int, ways: object) -> None:
        if task != self._task or not isinstance(ways, tuple):
            return
        self._task, self._lifted = None, True
        self._ways = ways
        if self._shown is not None:
            self._show()

    @Slot(int, object)
    def _on_task_failed(self, task: int, error: object) -> None:
        if task == self._task:
            self._task, self._hopeless = None, self._asked
            self.failed.emit(str(error))

    @Slot(int)
    def _on_task_cancelled(self, task: int) -> None:
        if task == self._task:
            self._task = None


class ShownMoment(QObject):
    """Puts a player's moment on the canvas and into the 3D view, and takes it away again."""

    def __init__(
        self, player: Player, session: Session, canvas: CanvasView, viewport: ViewportPanel
    ) -> None:
        super().__init__(player)
        self._player = player
        self._session = session
        self._canvas = canvas
        self._viewport = viewport
        player.moment_changed.connect(self._on_moment_changed)

    @Slot()
    def _on_moment_changed(self) -> None:
        moment, canvas = self._player.moment, self._canvas
        self._viewport.show_moment(None if moment is None else moment.figure)
        if moment is None:
            canvas.moment.clear()
            return
        person = self._session.active_person
        colour = PERSON_COLOURS[0] if person is None else person.colour
        who = None if person is None else person.id
        canvas.moment.show(moment.pose, colour, who, canvas.look, canvas.scale_factor)
