"""The people on the canvas: items that follow the session, with gizmo, names and highlight."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QObject, QPointF, Slot
from PySide6.QtGui import QColor, QPolygonF

from poseapp.core.pose import Visibility
from poseapp.core.skeleton import COCO_17
from poseapp.state.session import Session
from poseapp.state.settings import Settings
from poseapp.ui.canvas.figure import Look
from poseapp.ui.canvas.items import Z_PERSON, GizmoItem, LabelItem, PersonItem
from poseapp.ui.theme import Theme

_NAME_GAP_PX = 22.0


def joint_title(joint: int) -> str:
    """A joint's name as a person reads it."""
    return COCO_17.joints[joint].replace("_", " ")


class PeopleLayer(QObject):
    """Mirrors the session's people into items of a view box."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        theme: Theme,
        box: pg.ViewBox,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._theme = theme
        self._box = box
        self._scale = 1.0
        self._look = Look(theme.colours, settings.bone_width_px, settings.joint_radius_px)
        self.items: dict[str, PersonItem] = {}
        self._names: dict[str, LabelItem] = {}
        self.gizmo = GizmoItem()
        self.label = LabelItem()
        self._gizmo_wanted = True
        self._gizmo_with_joints = False
        self._hover: tuple[str, int] | None = None
        for item in (self.gizmo, self.label):
            box.addItem(item, ignoreBounds=True)
        session.people_changed.connect(self.refresh)
        session.pose_changed.connect(self._on_pose_changed)
        session.selection_changed.connect(self._on_selection_changed)

    # -- what the canvas decides -------------------------------------------------------------
    def set_look(self, look: Look) -> None:
        """Other sizes or another theme."""
        self._look = look
        for item in self.items.values():
            item.set_look(look)
        self._update_gizmo()
        self._place_names()

    def set_scale(self, scale: float) -> None:
        """Screen px per canvas px."""
        self._scale = scale
        self.gizmo.set_scale(scale)
        for item in self.items.values():
            item.set_scale(scale)
        self._update_gizmo()
        self._place_names()

    def set_gizmo_rule(self, wanted: bool, with_joints: bool) -> None:
        """Whether the tool in hand uses the gizmo, and also while joints are chosen."""
        self._gizmo_wanted, self._gizmo_with_joints = wanted, with_joints
        self._update_gizmo()

    def torso(self, person_id: str) -> QPolygonF | None:
        """The torso of a person in canvas px; None where a corner of it is absent."""
        item = self.items.get(person_id)
        return None if item is None else item.figure.torso

    # -- highlight ---------------------------------------------------------------------------
    @property
    def hovered(self) -> tuple[str, int] | None:
        """(person id, joint) under the mouse."""
        return self._hover

    def set_hover(self, hover: tuple[str, int] | None, note: str = "") -> None:
        """Highlight a joint and say its name, or `note`."""
        changed = hover != self._hover
        self._hover = hover
        if changed:
            self._update_marks()
        if hover is None or hover[0] not in self.items:
            self.label.setVisible(False)
            return
        pose = self.items[hover[0]].person.pose
        if not pose.present[hover[1]]:
            self.label.setVisible(False)
            return
        colours = self._theme.colours
        x, y = map(float, pose.keypoints[hover[1]])
        text = note or joint_title(hover[1])
        if pose.visibility[hover[1]] == Visibility.HIDDEN and not note:
            text += " (hidden)"
        if pose.doubtful[hover[1]] and not note:
            text += f" · {round(100 * pose.confidence[hover[1]])} % sure: check"
        self.label.show_text(
            text, QPointF(x, y), QColor(colours.tooltip), QColor(colours.tooltip_text)
        )

    # -- following the session ---------------------------------------------------------------
    @Slot()
    def refresh(self) -> None:
        """Bring items in line with the people of the session."""
        people = self._session.document.people
        ids = {person.id for person in people}
        for gone in [key for key in self.items if key not in ids]:
            for item in (self.items.pop(gone), self._names.pop(gone)):
                self._box.removeItem(item)
        for person in people:
            if person.id not in self.items:
                item = PersonItem(person, self._look, self._scale)
                name = LabelItem(above=False)
                self.items[person.id], self._names[person.id] = item, name
                self._box.addItem(item, ignoreBounds=True)
                self._box.addItem(name, ignoreBounds=True)
        if self._hover is not None and self._hover[0] not in ids:
            self.set_hover(None)
        self._update_people()

    def _update_people(self) -> None:
        selected = self._session.selection.person
        for place, person in enumerate(self._session.document.people):
            item = self.items.get(person.id)
            if item is not None:
                item.setZValue(Z_PERSON + place)
                item.show_person(person, selected is not None and person.id != selected)
        self._update_marks()
        self._update_gizmo()
        self._place_names()

    @Slot(str)
    def _on_pose_changed(self, person_id: str) -> None:
        item = self.items.get(person_id)
        if item is None:
            return
        selected = self._session.selection.person
        person = self._session.document.person(person_id)
        item.show_person(person, selected is not None and person_id != selected)
        if selected == person_id:
            self._update_gizmo()
        self._place_name(person_id)
        if self._hover is not None and self._hover[0] == person_id:
            self.set_hover(self._hover)

    @Slot()
    def _on_selection_changed(self) -> None:
        self._update_people()

    def _update_marks(self) -> None:
        chosen = self._session.selection
        for key, item in self.items.items():
            joints = chosen.joints if key == chosen.person else frozenset()
            hovered = self._hover[1] if self._hover is not None and self._hover[0] == key else None
            item.set_marks(joints, hovered)

    def _update_gizmo(self) -> None:
        chosen = self._session.selection
        shown = None
        wanted = self._gizmo_wanted and (not chosen.joints or self._gizmo_with_joints)
        if chosen.person is not None and wanted:
            person = self._session.document.person(chosen.person)
            if person.visible and not person.locked:
                shown = person.pose.bounds
        if shown is None:
            self.gizmo.setVisible(False)
        else:
            self.gizmo.show_box(shown, self._theme.colours)

    def _place_names(self) -> None:
        # The selection may change before the people who left are gone from here.
        for person in self._session.document.people:
            if person.id in self._names:
                self._place_name(person.id)

    def _place_name(self, key: str) -> None:
        """Names stand under people as soon as there are two to tell apart."""
        label = self._names[key]
        document = self._session.document
        person = document.person(key)
        bounds = person.pose.bounds
        told = len(document.people) > 1 and self._settings.show_names
        if not told or not person.visible or bounds is None:
            label.setVisible(False)
            return
        x, y, width, height = bounds
        chosen = self._session.selection.person
        ground = QColor(person.colour)
        ink = QColor("#ffffff" if _is_dark(ground) else "#14161a")
        if chosen in (None, key):
            ground.setAlphaF(0.9)
        else:  # a pale ground over a page of either theme: the page's ink reads best on it
            ground.setAlphaF(0.3)
            ink = QColor(self._theme.colours.text)
        at = QPointF(x + width / 2, y + height + _NAME_GAP_PX / self._scale)
        label.show_text(person.name, at, ground, ink)


def _is_dark(ink: QColor) -> bool:
    return 0.299 * ink.red() + 0.587 * ink.green() + 0.114 * ink.blue() < 150
