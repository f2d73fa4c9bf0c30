"""A moment of a sequence on the canvas: one skeleton over the people, who fade meanwhile."""

from __future__ import annotations

import pyqtgraph as pg

from poseapp.core.document import Person
from poseapp.core.pose import Pose2D
from poseapp.ui.canvas.figure import Look
from poseapp.ui.canvas.items import PersonItem
from poseapp.ui.canvas.layer import PeopleLayer

_Z = 600  # above the people and proposals, below the gizmo and the labels
_FADED = 0.22


class MomentLayer:
    """Shows what the document does not hold: a pose on the way from key to key."""

    def __init__(self, box: pg.ViewBox, people: PeopleLayer) -> None:
        self._box = box
        self._people = people
        self._item: PersonItem | None = None
        self._faded: str | None = None
        self._look: Look | None = None

    @property
    def pose(self) -> Pose2D | None:
        """What is shown; None for nothing."""
        return None if self._item is None else self._item.person.pose

    def show(
        self, pose: Pose2D, colour: str, instead_of: str | None, look: Look, scale: float
    ) -> None:
        """Show a pose.

        Args:
            pose: px of the canvas.
            instead_of: id of the person who fades meanwhile.
            scale: screen px per canvas px.
        """
        person = Person(pose, colour=colour, id="moment")
        if self._item is None:
            self._item = PersonItem(person, look, scale)
            self._item.setZValue(_Z)
            self._box.addItem(self._item, ignoreBounds=True)
        else:
            if look != self._look:
                self._item.set_look(look)
            self._item.set_scale(scale)
            self._item.show_person(person, False)
        self._look = look
        if instead_of != self._faded:
            self._fade(1.0)
            self._faded = instead_of
        self._fade(_FADED)
        self._people.gizmo.setOpacity(0.0)  # its box is around the person as they are

    def set_scale(self, scale: float) -> None:
        """Screen px per canvas px."""
        if self._item is not None:
            self._item.set_scale(scale)

    def clear(self) -> None:
        """Show nothing, and the people as they are."""
        if self._item is not None:
            self._box.removeItem(self._item)
            self._item = None
        self._fade(1.0)
        self._faded = None
        self._people.gizmo.setOpacity(1.0)

    def _fade(self, opacity: float) -> None:
        item = self._people.items.get(self._faded) if self._faded is not None else None
        if item is not None:
            item.setOpacity(opacity)
