"""The canvas: shows the session's people on the page and passes the mouse to the tool in hand.

It holds no pose: items mirror the session, and every change goes through an undo step.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QGraphicsView, QWidget

from poseapp.core import picking
from poseapp.core.pose import Pose2D
from poseapp.state.session import Session
from poseapp.state.settings import Settings
from poseapp.ui.canvas.figure import Look
from poseapp.ui.canvas.items import (
    BandItem,
    GizmoItem,
    PageItem,
    PersonItem,
    PhotoItem,
    PivotItem,
)
from poseapp.ui.canvas.layer import PeopleLayer
from poseapp.ui.canvas.moment import MomentLayer
from poseapp.ui.canvas.proposals import ProposalLayer
from poseapp.ui.canvas.tools import TOOLS, Pointer, Tool
from poseapp.ui.theme import Theme

POSE_MIME = "application/x-poseapp-pose"
PICK_RADIUS_PX = 12.0
BONE_RADIUS_PX = 7.0
_MIN_SCALE, _MAX_SCALE = 0.02, 64.0


class CanvasView(pg.GraphicsView):
    """The central canvas."""

    cursor_moved = Signal(float, float)
    cursor_left = Signal()
    zoom_changed = Signal(float)
    tool_changed = Signal(str)
    menu_requested = Signal(QPoint)
    """Right click on no joint: the global position of the menu."""
    files_dropped = Signal(object)
    """list[Path] of files dropped on the canvas."""
    pose_dropped = Signal(str, float, float)
    """A library pose, by id, dropped at (x, y) canvas px."""
    person_placed = Signal(object)
    """QRectF in canvas px that a new person should fill."""
    box_spanned = Signal(object)
    """QRectF in canvas px around somebody in the photo."""
    hint_requested = Signal(str)
    """What the tool in hand does, for the status bar."""

    def __init__(
        self, session: Session, settings: Settings, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent, useOpenGL=False)
        self.session = session
        self.settings = settings
        self.theme = theme
        self.setObjectName("canvas")
        self.setAccessibleName("Canvas")
        self.setAccessibleDescription("The people of the document; drag joints to pose them.")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFrameShape(self.Shape.NoFrame)
        self.setAcceptDrops(True)
        self.setMouseTracking(True)
        self.viewport().setMouseTracking(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.setMinimumSize(240, 200)

        self._box = pg.ViewBox(
            invertY=True, lockAspect=True, enableMenu=False, enableMouse=False, defaultPadding=0
        )
        self._box.disableAutoRange()
        self.setCentralItem(self._box)
        self._page = PageItem()
        self._photo = PhotoItem()
        self.band = BandItem()
        self.pivot = PivotItem()
        for item in (self._page, self._photo, self.band, self.pivot):
            self._box.addItem(item, ignoreBounds=True)
        self.people = PeopleLayer(session, settings, theme, self._box, self)
        self.proposals = ProposalLayer(self._box)
        self.moment = MomentLayer(self._box, self.people)

        self._scale = 1.0
        self._fitted = True
        self._foot_px = 0
        self._panning: QPointF | None = None
        self._space = False
        self._tools: dict[str, Tool] = {name: make(self) for name, make in TOOLS.items()}
        self._tool = self._tools["select"]
        self._box.sigTransformChanged.connect(self._on_transform_changed)

        session.document_replaced.connect(self._on_document_replaced)
        session.photo_changed.connect(self._on_photo_changed)
        session.canvas_changed.connect(self._on_canvas_changed)
        settings.changed.connect(self._on_setting_changed)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()
        self._on_photo_changed()
        self.people.refresh()

    def close(self) -> bool:
        """Close as any widget does: pyqtgraph's own way tears the scene out of live items."""
        return QGraphicsView.close(self)

    # -- geometry ----------------------------------------------------------------------------
    @property
    def scale_factor(self) -> float:
        """Screen px per canvas px."""
        return self._scale

    @property
    def look(self) -> Look:
        """Sizes and colours in force."""
        return Look(self.theme.colours, self.settings.bone_width_px, self.settings.joint_radius_px)

    def to_canvas(self, at: QPointF) -> np.ndarray:
        """Viewport position -> (2,) canvas px."""
        # Not mapToScene, which takes whole px: the fraction counts on fine screens.
        scene = self.viewportTransform().inverted()[0].map(at)
        point = self._box.mapSceneToView(scene)
        return np.array([point.x(), point.y()])

    def to_screen(self, at: np.ndarray | tuple[float, float]) -> QPoint:
        """(2,) canvas px -> viewport position."""
        scene = self._box.mapViewToScene(QPointF(float(at[0]), float(at[1])))
        return self.mapFromScene(scene)

    def fit(self) -> None:
        """Show the whole page."""
        page = self._page.page
        around = max(page.width(), page.height()) * 0.04
        shown = page.adjusted(-around, -around, around, around)
        room = max(self.height() - self._foot_px, 100)
        per_px = max(shown.height() / room, shown.width() / max(self.width(), 1))
        shown.setBottom(shown.bottom() + self._foot_px * per_px)
        self._set_view(shown)
        self._fitted = True

    def keep_foot_free(self, height_px: int) -> None:
        """Leave room at the foot for something that floats there, where the page is fitted."""
        if height_px != self._foot_px:
            self._foot_px = height_px
            if self._fitted:
                self.fit()

    def fit_selection(self) -> None:
        """Show the active person."""
        person = self.session.active_person
        bounds = person.pose.bounds if person is not None else None
        if bounds is None:
            self.fit()
            return
        x, y, width, height = bounds
        pad = max(width, height, 20.0) * 0.2
        self._set_view(QRectF(x, y, width, height).adjusted(-pad, -pad, pad, pad))
        self._fitted = False

    def _set_view(self, rect: QRectF) -> None:
        self._box.setRange(rect, padding=0, disableAutoRange=True)
        self._box.updateMatrix()  # now: the next event may come before the next paint

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom by a factor about a viewport position (the middle if None)."""
        wanted = min(max(self._scale * factor, _MIN_SCALE), _MAX_SCALE)
        factor = wanted / self._scale
        if at is None:
            at = QPointF(self.viewport().rect().center())
        centre = self.to_canvas(at)
        self._box.scaleBy((1.0 / factor, 1.0 / factor), center=(centre[0], centre[1]))
        self._box.updateMatrix()
        self._fitted = False

    def set_zoom(self, scale: float) -> None:
        """Screen px per canvas px, about the middle."""
        self.zoom(scale / self._scale)

    def pan(self, by: QPointF) -> None:
        """Move the page by screen px."""
        self._box.translateBy(x=-by.x() / self._scale, y=-by.y() / self._scale)
        self._box.updateMatrix()
        self._fitted = False

    @Slot()
    def _on_transform_changed(self, *_: object) -> None:
        width = self._box.viewPixelSize()[0]
        if not width or not np.isfinite(width):
            return
        scale = 1.0 / width
        if abs(scale - self._scale) < 1e-9:
            return
        self._scale = scale
        self._page.set_scale(scale)
        self.people.set_scale(scale)
        self.proposals.set_scale(scale)
        self.moment.set_scale(scale)
        self.zoom_changed.emit(scale)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        if event is not None and hasattr(self, "_fitted") and self._fitted:
            self.fit()

    # -- tools -------------------------------------------------------------------------------
    @property
    def tool(self) -> str:
        """Name of the tool in hand."""
        return self._tool.name

    def set_tool(self, name: str) -> None:
        """Take another tool in hand."""
        if name == self._tool.name:
            return
        self._tool.cancel()
        self.set_hover(None)
        self._tool = self._tools[name]
        self.people.set_gizmo_rule(self._tool.wants_gizmo, name != "select")
        self._update_cursor()
        self.tool_changed.emit(name)
        self.hint_requested.emit(self._tool.hint)

    def _pointer(self, event: QMouseEvent) -> Pointer:
        return Pointer(
            self.to_canvas(event.position()), event.position(), event.modifiers(), event.button()
        )

    def _update_cursor(self, shape: Qt.CursorShape | None = None) -> None:
        if self._panning is not None:
            shape = Qt.CursorShape.ClosedHandCursor
        elif self._space:
            shape = Qt.CursorShape.OpenHandCursor
        self.viewport().setCursor(shape if shape is not None else self._tool.cursor)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        middle = event.button() == Qt.MouseButton.MiddleButton
        if middle or (self._space and event.button() == Qt.MouseButton.LeftButton):
            self._panning = event.position()
            self._update_cursor()
            return
        pointer = self._pointer(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self._tool.press(pointer)
        elif event.button() == Qt.MouseButton.RightButton and (
            self._tool.dragging or not self._tools["select"].right_click(pointer)
        ):
            if self._tool.dragging:
                self._tool.cancel()
            else:
                self.menu_requested.emit(event.globalPosition().toPoint())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        event.accept()
        if self._panning is not None:
            self.pan(event.position() - self._panning)
            self._panning = event.position()
            return
        pointer = self._pointer(event)
        self.cursor_moved.emit(float(pointer.at[0]), float(pointer.at[1]))
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._tool.move(pointer)
        elif not event.buttons():
            self._update_cursor(self._tool.hover(pointer))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()
        if self._panning is not None:
            self._panning = None
            self._update_cursor()
            return
        if event.button() == Qt.MouseButton.LeftButton:
            pointer = self._pointer(event)
            self._tool.release(pointer)
            self._update_cursor(self._tool.hover(pointer))

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.accept()
        pixels, angle = event.pixelDelta(), event.angleDelta()
        device = event.device()
        touchpad = device is not None and device.type() == device.DeviceType.TouchPad
        if touchpad and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.pan(QPointF(pixels if not pixels.isNull() else angle / 4))
            return
        turned = angle.y() or angle.x()
        if turned:
            self.zoom(1.0015**turned, event.position())

    def event(self, event: QEvent) -> bool:
        if (
            isinstance(event, QNativeGestureEvent)
            and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture
        ):
            self.zoom(1.0 + event.value(), event.position())
            return True
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and event.key() == Qt.Key.Key_Escape
            and self._tool.dragging
        ):
            event.accept()  # it breaks the drag off, before any shortcut
            return True
        return super().event(event)

    def leaveEvent(self, event: QEvent) -> None:
        if not self._tool.dragging:
            self.set_hover(None)
        self.cursor_left.emit()
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = True
            self._update_cursor()
            event.accept()
        elif event.key() == Qt.Key.Key_Escape and self._tool.dragging:
            self._tool.cancel()
            event.accept()
        else:
            event.ignore()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = False
            self._update_cursor()
            event.accept()
        else:
            event.ignore()

    @property
    def dragging(self) -> bool:
        """The mouse is in the middle of a gesture."""
        return self._tool.dragging

    # -- picking -----------------------------------------------------------------------------
    def _pickable(self) -> list[Pose2D | None]:
        return [
            person.pose if person.visible and not person.locked else None
            for person in self.session.document.people
        ]

    def joint_at(self, at: np.ndarray) -> tuple[str, int] | None:
        """(person id, joint) within the screen radius of a place in canvas px."""
        hit = picking.nearest_joint(self._pickable(), at, PICK_RADIUS_PX / self._scale)
        return None if hit is None else (self.session.document.people[hit.person].id, hit.joint)

    def body_at(self, at: np.ndarray) -> str | None:
        """The person whose bone lies within the screen radius, or whose torso is hit."""
        hit = picking.nearest_bone(self._pickable(), at, BONE_RADIUS_PX / self._scale)
        if hit is not None:
            return self.session.document.people[hit.person].id
        point = QPointF(float(at[0]), float(at[1]))
        for person in reversed(self.session.document.people):
            torso = self.people.torso(person.id)
            if not person.visible or person.locked or torso is None:
                continue
            if torso.containsPoint(point, Qt.FillRule.OddEvenFill):
                return person.id
        return None

    def locked_at(self, at: np.ndarray) -> str | None:
        """Name of a locked person whose joint or bone lies within the screen radius."""
        poses = [p.pose if p.visible and p.locked else None for p in self.session.document.people]
        hit = picking.nearest_bone(poses, at, PICK_RADIUS_PX / self._scale)
        return None if hit is None else self.session.document.people[hit.person].name

    def set_hover(self, hover: tuple[str, int] | None, note: str = "") -> None:
        """Highlight a joint and say its name, or `note`."""
        self.people.set_hover(hover, note)

    # -- session -> items --------------------------------------------------------------------
    @Slot()
    def _on_document_replaced(self) -> None:
        self._tool.cancel()
        self._fitted = True
        self._on_canvas_changed()
        self.fit()

    def _show_page(self) -> None:
        document = self.session.document
        # A pattern would show through a faded photo.
        backdrop = self.settings.backdrop if document.photo is None else "plain"
        self._page.show_page(document.size, self.theme.colours, backdrop)

    @Slot()
    def _on_photo_changed(self) -> None:
        self._show_page()
        document = self.session.document
        pixmap = QPixmap()
        if document.photo is not None:
            pixmap = self._load_photo()
        self._photo.show_photo(pixmap, self._page.page, document.photo_opacity)

    def _load_photo(self) -> QPixmap:
        from poseapp.ui.photos import pixmap_of  # OpenCV: not needed for the first window

        photo = self.session.document.photo
        assert photo is not None
        return pixmap_of(photo)

    @Slot()
    def _on_canvas_changed(self) -> None:
        self._show_page()
        self._on_photo_changed()
        if self._fitted:
            self.fit()

    @Slot()
    def _on_theme_changed(self) -> None:
        self.setBackground(QColor(self.theme.colours.surround))
        self._show_page()
        self.people.set_look(self.look)

    @Slot(str)
    def _on_setting_changed(self, key: str) -> None:
        if key.startswith("canvas/"):
            self._on_theme_changed()

    def person_item(self, person_id: str) -> PersonItem:
        """The item of a person."""
        return self.people.items[person_id]

    @property
    def gizmo(self) -> GizmoItem:
        """The box around the chosen person."""
        return self.people.gizmo

    @property
    def hovered(self) -> tuple[str, int] | None:
        """(person id, joint) under the mouse."""
        return self.people.hovered

    # -- drops -------------------------------------------------------------------------------
    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self.dragMoveEvent(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        data = event.mimeData()
        if data.hasFormat(POSE_MIME) or any(url.isLocalFile() for url in data.urls()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
        else:
            event.ignore()

    def dropEvent(self, event: QDropEvent) -> None:
        data = event.mimeData()
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        if data.hasFormat(POSE_MIME):
            at = self.to_canvas(event.position())
            pose_id = bytes(data.data(POSE_MIME).data()).decode("utf-8", "replace")
            self.pose_dropped.emit(pose_id, float(at[0]), float(at[1]))
            return
        paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
        if paths:
            self.files_dropped.emit(paths)
