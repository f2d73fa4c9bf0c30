"""The 3D panel: the lifted figures on their ground, the ways to look at them, and their exports."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QEvent, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from poseapp.core.camera import Camera
from poseapp.core.pose import Pose3D
from poseapp.services.engine import Engine
from poseapp.services.options import WEIGHTS_KEY
from poseapp.services.tasks import MAX_HYPOTHESES
from poseapp.state.commands import SetPose
from poseapp.state.session import Session
from poseapp.state.settings import Settings
from poseapp.ui.icons import icon
from poseapp.ui.viewport import placing
from poseapp.ui.viewport.export import ExportMenu
from poseapp.ui.viewport.hand import Hand
from poseapp.ui.viewport.link import LiftLink, refusal
from poseapp.ui.viewport.navigation import Navigation
from poseapp.ui.viewport.themes import DARK, LIGHT, Theme
from poseapp.ui.viewport.views import GLView, PictureView, platform_has_gl

_EMPTY = "Pick or draw a pose:\nit stands up here."
_LIFTING = "Standing the pose up …"
_NO_GL = "OpenGL is not available on this screen, so the 3D view is drawn in a plainer way."
_VIEWS = (
    ("reset", "home", "Reset view", "Back to the first view, all figures in sight (Home)"),
    ("front", "front", "Front view", "Look from where the canvas looks (1)"),
    ("side", "side", "Side view", "Look from the left of the picture's figure (3)"),
    ("top", "top", "Top view", "Look from above (7)"),
)
_COUNT_KEY = "viewport/hypotheses"
_GHOSTS_KEY = "viewport/ghosts"
_DEFAULT_COUNT = 5


class ViewportPanel(QWidget):
    """Shows the people of a session in 3D and follows every drag.

    Args:
        engine: lifts the poses.
        settings: remembers the number of hypotheses and whether ghosts are shown.
    """

    said = Signal(str, str)
    """Level (success, error) and one sentence for the message bar."""

    def __init__(
        self, session: Session, engine: Engine, settings: Settings, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self.navigation = Navigation()
        self.link = LiftLink(session, engine, self)
        self.link.set_active(False)  # until it is seen
        self._sentences: dict[str, str] = {}
        self._error = ""
        self._fitted_for: frozenset[str] = frozenset()
        self._placed: dict[str, np.ndarray] = {}
        self._moment: Pose3D | None = None
        self.setAccessibleName("3D view")

        self.overlay = QLabel(_EMPTY)
        self.overlay.setObjectName("hint")
        self.overlay.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.overlay.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.notice = QLabel()
        self.notice.setObjectName("hint")
        self.notice.setWordWrap(True)
        self.notice.hide()
        self._notice_gl = ""

        self._stage = QVBoxLayout()
        self._stage.setContentsMargins(0, 0, 0, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        layout.addLayout(self._view_row())
        layout.addLayout(self._stage, 1)
        layout.addWidget(self.notice)
        layout.addLayout(self._use_row())

        self.view: GLView | PictureView
        if platform_has_gl():
            self.view = GLView(self._on_gl_failed)
        else:
            self.view = PictureView()
            self._notice_gl = _NO_GL
        self._adopt_view()

        self.link.lifted.connect(self._on_lifted)
        self.link.refused.connect(self._on_refused)
        self.link.forgotten.connect(self._on_forgotten)
        self.link.failed.connect(self._on_failed)
        session.selection_changed.connect(self._on_changed)
        session.people_changed.connect(self._on_changed)
        session.document_replaced.connect(self._on_document_replaced)
        settings.changed.connect(self._on_setting_changed)
        self._count.valueChanged.connect(self._on_count)
        self._ghosts.toggled.connect(self._on_ghosts)
        self._count.setValue(settings.get(_COUNT_KEY, _DEFAULT_COUNT))
        self._ghosts.setChecked(settings.get(_GHOSTS_KEY, True))
        self._on_count(self._count.value())
        self._on_ghosts(self._ghosts.isChecked())
        self._show()

    # -- parts -----------------------------------------------------------------------------
    def _view_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(2)
        self.view_buttons: dict[str, QToolButton] = {}
        for icon_name, view, name, tip in _VIEWS:
            button = QToolButton()
            button.setIcon(icon(icon_name))
            button.setAutoRaise(True)
            button.setAccessibleName(name)
            button.setToolTip(tip)
            button.clicked.connect(self._on_home if view == "home" else self._on_view)
            button.setProperty("view", view)
            self.view_buttons[view] = button
            row.addWidget(button)
        row.addStretch(1)
        label = QLabel("Figures")
        self._count = QSpinBox()
        self._count.setRange(1, MAX_HYPOTHESES)
        self._count.setAccessibleName("Number of 3D figures")
        self._count.setToolTip(
            "How many 3D figures a pose gets: the likeliest one, and others that look alike"
            " on the canvas but differ in depth"
        )
        label.setBuddy(self._count)
        self._ghosts = QToolButton()
        self._ghosts.setIcon(icon("eye"))
        self._ghosts.setAutoRaise(True)
        self._ghosts.setCheckable(True)
        self._ghosts.setAccessibleName("Show the other figures")
        self._ghosts.setToolTip("Show the other figures as ghosts behind the likeliest one")
        row.addWidget(label)
        row.addSpacing(4)
        row.addWidget(self._count)
        row.addWidget(self._ghosts)
        return row

    def _use_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.use_button = QPushButton("Use this view")
        self.use_button.setIcon(icon("camera"))
        self.use_button.setToolTip("Make what you see here the pose on the canvas (can be undone)")
        self.use_button.clicked.connect(self.use_this_view)
        self.use_button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.export_button = QToolButton()
        self.export_button.setIcon(icon("export"))
        self.export_button.setText("Export")
        self.export_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.export_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.export_button.setAccessibleName("Export the 3D figures")
        self.export_button.setToolTip("Save the figures as 3D JSON, BVH, a turntable or a picture")
        self.export_menu = ExportMenu(self, self._settings)
        self.export_button.setMenu(self.export_menu)
        row.addWidget(self.use_button, 1)
        row.addWidget(self.export_button)
        return row

    def _adopt_view(self) -> None:
        self._stage.addWidget(self.view.widget)
        self.view.widget.setAccessibleName("3D figures")
        self.view.widget.setToolTip("")
        self.overlay.setParent(self.view.widget)
        self.overlay.show()
        self._hand = Hand(self.view.widget, self.navigation, self._on_camera, self._on_fit)
        self._wear_theme()
        self.view.look_from(self.navigation.camera)
        self._place_overlay()

    # -- what others may ask -----------------------------------------------------------------
    def people(self) -> list[tuple[str, str, tuple[Pose3D, ...]]]:
        """(id, name, figures) of everybody who stands here, in the document's order."""
        return [
            (person.id, person.name, self.link.figures(person.id))
            for person in self._session.document.people
            if person.visible and self.link.figures(person.id)
        ]

    def world_figures(self) -> list[np.ndarray]:
        """(H, 17, 3) mm, world space, for each of `people`."""
        return [self._placed[person_id] for person_id, _, _ in self.people()]

    def shown(self) -> np.ndarray:
        """(N, 17, 3) mm, world space: everybody's likeliest figure."""
        return np.concatenate([np.zeros((0, 17, 3)), *(f[:1] for f in self._placed.values())])

    def active_id(self) -> str | None:
        """The person that "Use this view" and single exports go to."""
        active = self._session.active_person
        if active is not None and active.id in self._placed:
            return active.id
        return None

    @property
    def theme(self) -> Theme:
        """Light or dark, as the window is."""
        return DARK if self.palette().window().color().lightness() < 128 else LIGHT

    @Slot()
    def use_this_view(self) -> None:
        """Make the active person's pose on the canvas what the camera sees of its figure."""
        person_id = self.active_id()
        if person_id is None or not self.link.is_current(person_id):
            return
        person = self._session.document.person(person_id)
        if person.locked:
            self._error = f"{person.name} is locked: unlock it in the People panel first."
            self._say()
            return
        camera = self.navigation.camera
        figures = self._placed[person_id]
        lifted = placing.Lifted(person.pose, self.link.figures(person_id))
        pose = placing.pose_seen_from(lifted, figures[0], camera)
        # The new pose's figures are known: the same ones, turned towards the canvas.
        self.link.prime(person_id, pose, placing.turned_to(figures, camera))
        self._session.undo_stack.push(SetPose(self._session, person_id, pose, text="Use 3D view"))
        if len(self._placed) == 1:  # the room turned with the figure, so the picture stays
            self.navigation.jump(placing.camera_after_turn(camera, figures[0, 0]))
        else:
            self.navigation.goal = replace(camera, azimuth=0.0)
        self._show()
        self._on_camera()
        self._hand.glide()

    def show_moment(self, figure: Pose3D | None) -> None:
        """Show a figure that is played in place of the people; None shows them again."""
        ended = figure is None and self._moment is not None
        self._moment = figure
        if figure is not None:
            self.overlay.hide()
            self.view.show_figures(placing.stand([figure]), np.zeros((0, 17, 3)))
        elif ended:
            self._show()

    def fit(self, glide: bool = True) -> None:
        """Bring all figures into sight."""
        size = self.view.widget.size()
        aspect = max(size.width(), 1) / max(size.height(), 1)
        self.navigation.fit(self.shown(), aspect)
        if glide:
            self._hand.glide()
        else:
            self.navigation.jump()
            self._on_camera()

    @Slot(bool)
    def set_seen(self, seen: bool) -> None:
        """The panel is in front, or behind another tab, where Qt still calls it visible.

        Behind, people are lifted only once the hand rests, for what is exported from the menu.
        """
        self.link.set_hasty(seen)

    def close_view(self) -> None:
        """Stop asking and drawing; called when the window closes."""
        self.link.set_active(False)
        self.view.close()

    # -- showing -----------------------------------------------------------------------------
    def _show(self) -> None:
        """Put everybody in place, in the view and in the buttons."""
        people = self.people()
        lifted = []
        for person_id, _, figures in people:
            pose = self.link.lifted_pose(person_id)
            assert pose is not None
            lifted.append(placing.Lifted(pose, figures))
        placed = placing.arrange(lifted)
        self._placed = {person[0]: figures for person, figures in zip(people, placed, strict=True)}
        active = self.active_id()
        # The active person comes first: the plain view draws one figure whole.
        order = sorted(self._placed, key=lambda person_id: person_id != active)
        empty = np.zeros((0, 17, 3))
        joints = np.concatenate([empty, *(self._placed[i][:1] for i in order)])
        ghosts = np.concatenate([empty, *(self._placed[i][1:] for i in order)])
        if self._moment is None:
            self.view.show_figures(joints, ghosts)
        standing = frozenset(self._placed)
        if standing != self._fitted_for:
            if standing and not (self._fitted_for and self.navigation.by_hand):
                self.fit(glide=bool(self._fitted_for))
            self._fitted_for = standing
        self.use_button.setEnabled(active is not None)
        self.export_button.setEnabled(bool(self._placed))
        there = (p.pose for p in self._session.document.people if p.visible)
        self.export_menu.menuAction().setEnabled(any(refusal(pose) is None for pose in there))
        self._say()

    def _say(self) -> None:
        """Sentences: within the view while it is empty, below it while it shows somebody."""
        there = self._session.document.people
        active = self._session.active_person
        sentence = self._sentences.get(active.id, "") if active is not None else ""
        if self._placed:
            overlay, notice = "", self._error or sentence
        else:
            others = (self._sentences[p.id] for p in there if p.id in self._sentences)
            waiting = _LIFTING if any(p.visible for p in there) else _EMPTY
            overlay, notice = self._error or sentence or next(others, waiting), ""
        self.overlay.setText(overlay)
        self.overlay.setVisible(bool(overlay) and self._moment is None)
        self._place_overlay()
        self.notice.setText(notice or self._notice_gl)
        self.notice.setVisible(bool(notice or self._notice_gl))

    def _place_overlay(self) -> None:
        self.overlay.setWordWrap("\n" not in self.overlay.text())
        self.overlay.setGeometry(self.view.widget.rect().adjusted(24, 24, -24, -24))

    def _wear_theme(self) -> None:
        self.view.set_theme(self.theme)
        ink = "#98a2b3" if self.theme is DARK else "#667085"
        self.overlay.setStyleSheet(f"background: transparent; color: {ink};")

    # -- slots -------------------------------------------------------------------------------
    @Slot(str, object)
    def _on_lifted(self, person_id: str, figures: object) -> None:
        self._sentences.pop(person_id, None)
        self._error = ""
        self._show()

    @Slot(str, str)
    def _on_refused(self, person_id: str, sentence: str) -> None:
        self._sentences[person_id] = sentence
        self._show()

    @Slot(str)
    def _on_forgotten(self, person_id: str) -> None:
        self._sentences.pop(person_id, None)
        self._show()

    @Slot(object)
    def _on_failed(self, error: object) -> None:
        self._error = str(error)
        self._say()

    @Slot()
    def _on_changed(self) -> None:
        self._show()

    @Slot()
    def _on_document_replaced(self) -> None:
        self._sentences.clear()
        self._error = ""
        self._fitted_for = frozenset()
        self.navigation.by_hand = False
        self._show()

    @Slot(str)
    def _on_setting_changed(self, key: str) -> None:
        if key == WEIGHTS_KEY:  # the engine hears of it first, later in this turn of the event loop
            QTimer.singleShot(0, self.link.refresh)

    @Slot(int)
    def _on_count(self, count: int) -> None:
        self._settings.put(_COUNT_KEY, count)
        self.link.set_hypotheses(count)

    @Slot(bool)
    def _on_ghosts(self, shown: bool) -> None:
        self._settings.put(_GHOSTS_KEY, shown)
        self._ghosts.setIcon(icon("eye" if shown else "eye-off"))
        self.view.show_ghosts(shown)

    @Slot()
    def _on_view(self) -> None:
        self.navigation.turn_to(str(self.sender().property("view")))
        self._hand.glide()

    @Slot()
    def _on_home(self) -> None:
        self._on_fit()
        self.navigation.turn_to("home")
        self._hand.glide()

    @Slot()
    def _on_fit(self) -> None:
        self.fit()

    @Slot()
    def _on_camera(self) -> None:
        self.view.look_from(self.navigation.camera)

    @Slot()
    def _on_gl_failed(self) -> None:
        """Drawing with OpenGL is impossible after all: go on without."""
        broken = self.view
        if isinstance(broken, PictureView):
            return
        self.view = PictureView()
        self.overlay.setParent(None)
        self._stage.removeWidget(broken.widget)
        broken.widget.hide()
        broken.widget.deleteLater()
        self._notice_gl = _NO_GL
        self._adopt_view()
        self.view.show_ghosts(self._ghosts.isChecked())
        self._show()
        self.show_moment(self._moment)

    # -- Qt ----------------------------------------------------------------------------------
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.link.set_active(True)
        self._show()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.link.set_active(False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_overlay()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange) and hasattr(
            self, "_hand"
        ):
            self._wear_theme()

    def picture(self, camera: Camera, size: tuple[int, int]) -> np.ndarray | None:
        """(H, W, 3) uint8 RGB of the figures as they stand, seen from a camera."""
        picture = self.view.picture(camera, size)
        if picture is None:  # it has just turned out that OpenGL cannot
            self._on_gl_failed()
            picture = self.view.picture(camera, size)
        return picture

    def catch_up(self) -> bool:
        """Wait until everybody stands as on the canvas: behind another tab that may be later."""
        done = self.link.catch_up()
        self._show()
        return done
