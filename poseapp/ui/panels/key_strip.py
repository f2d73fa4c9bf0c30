"""The row of key poses: small skeletons with their durations, to choose, drag and delete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QByteArray,
    QEvent,
    QMimeData,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QGuiApplication,
    QKeyEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPalette,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from poseapp.core.pose import Pose2D
from poseapp.core.sequence import KeyPose
from poseapp.ui.panels import thumbnails
from poseapp.ui.panels.gallery import POSE_MIME

Index = QModelIndex | QPersistentModelIndex

KEY_ROLE = Qt.ItemDataRole.UserRole
_KEY_MIME = "application/x-poseapp-key"
_GAP, _FOOT = 8, 17
_LEAST_SIDE, _MOST_SIDE = 40, 132
_RADIUS = 7.0


def pose_id_of(data: QMimeData) -> str:
    """The id of a dragged pose of the library or the gallery."""
    return bytes(data.data(POSE_MIME).data()).decode("utf-8", "replace")


class KeyModel(QAbstractListModel):
    """The key poses of a strip."""

    dropped = Signal(str, int)
    """Key id, the place where it was dropped."""
    pose_dropped = Signal(str, int)
    """Id of a pose of the library or the gallery, the place where it was dropped."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._keys: tuple[KeyPose, ...] = ()

    def show_keys(self, keys: tuple[KeyPose, ...]) -> None:
        """Take other rows; those of the same keys stay chosen."""
        if [key.id for key in keys] == [key.id for key in self._keys]:
            self._keys = keys
            if keys:
                self.dataChanged.emit(self.index(0), self.index(len(keys) - 1))
            return
        self.beginResetModel()
        self._keys = keys
        self.endResetModel()

    def key(self, row: int) -> KeyPose:
        """The key of a row."""
        return self._keys[row]

    def row_of(self, key_id: str | None) -> int:
        """Where a key is; -1 when it is not here."""
        return next((n for n, key in enumerate(self._keys) if key.id == key_id), -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self._keys)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._keys):
            return None
        key = self._keys[index.row()]
        if role == KEY_ROLE:
            return key
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"Key pose {index.row() + 1}, {key.duration_s:.2f} seconds"
        if role == Qt.ItemDataRole.ToolTipRole:
            return (
                f"Key pose {index.row() + 1}: double click to take it to the canvas; drag to change"
                " the order"
            )
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.ItemIsDropEnabled
        on = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return on | Qt.ItemFlag.ItemIsDragEnabled

    def supportedDropActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction | Qt.DropAction.CopyAction

    def supportedDragActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:
        return [_KEY_MIME, POSE_MIME]

    def mimeData(self, indexes: Any) -> QMimeData:
        mime = QMimeData()
        if indexes:
            mime.setData(_KEY_MIME, QByteArray(self._keys[indexes[0].row()].id.encode()))
        return mime

    def dropMimeData(
        self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: Index
    ) -> bool:
        place = row if row >= 0 else parent.row() if parent.isValid() else len(self._keys)
        if data.hasFormat(POSE_MIME):
            self.pose_dropped.emit(pose_id_of(data), place)
            return False
        key_id = bytes(data.data(_KEY_MIME).data()).decode("utf-8", "replace")
        at = self.row_of(key_id)
        if at < 0:
            return False
        if place > at:
            place -= 1  # it leaves its own place first
        if place != at:
            self.dropped.emit(key_id, place)
        return False  # the document moved it, not the view


class _KeyDelegate(QStyledItemDelegate):
    """Draws one card and its duration."""

    def __init__(self, view: KeyStrip) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        side = self._view.side
        return QSize(side + _GAP, side + _FOOT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        key = index.data(KEY_ROLE)
        if key is None:
            return
        palette = QGuiApplication.palette()
        card = QRectF(self._view.card_rect(option.rect))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        path = QPainterPath()
        path.addRoundedRect(card, _RADIUS, _RADIUS)
        painter.fillPath(path, thumbnails.card_colour())
        painter.setClipPath(path)
        painter.drawPixmap(card.toRect(), self._view.pixmap_of(key.pose))
        painter.setClipping(False)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        edge = palette.color(QPalette.ColorRole.Highlight if selected else QPalette.ColorRole.Mid)
        if hovered and not selected:
            edge = palette.color(QPalette.ColorRole.Highlight)
            edge.setAlpha(150)
        width = 2.0 if selected else 1.0
        painter.setPen(QPen(edge, width))
        inset = width / 2
        painter.drawRoundedRect(
            card.adjusted(inset, inset, -inset, -inset), _RADIUS - inset, _RADIUS - inset
        )
        muted = palette.color(QPalette.ColorRole.PlaceholderText)
        painter.setPen(muted)
        font = painter.font()
        font.setPointSizeF(max(font.pointSizeF() * 0.82, 6.0))
        painter.setFont(font)
        corner = card.adjusted(6, 3, -6, 0)
        painter.drawText(corner, Qt.AlignmentFlag.AlignTop, str(index.row() + 1))
        foot = QRectF(card.left(), card.bottom() + 1, card.width(), _FOOT - 2)
        count = index.model().rowCount()
        leads = index.row() + 1 < count or (self._view.loops and count > 1)
        text = f"{key.duration_s:.2f} s" if leads else "end" if count > 1 else ""
        painter.drawText(foot, Qt.AlignmentFlag.AlignCenter, text)
        painter.restore()


class KeyStrip(QListView):
    """One row of cards that scrolls sideways."""

    taken = Signal(str)
    """A key was double-clicked, or Enter was pressed on it: it goes to the canvas."""
    moved = Signal(str, int)
    """Key id, its new place."""
    pose_dropped = Signal(str, int)
    """Id of a pose of the library or the gallery, its place."""
    delete_requested = Signal()
    play_requested = Signal()
    menu_requested = Signal(QPoint)
    chosen = Signal()
    """Another key is current, or others are chosen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.side = 76
        self.loops = False
        self._pixmaps: dict[int, tuple[Pose2D, QPixmap]] = {}
        self._head: tuple[int, float] | None = None
        self._rows = KeyModel(self)
        self._rows.dropped.connect(self.moved)
        self._rows.pose_dropped.connect(self.pose_dropped)
        self.setModel(self._rows)
        self.setItemDelegate(_KeyDelegate(self))
        self.setAccessibleName("Key poses")
        self.setObjectName("cards")
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragDrop)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setDropIndicatorShown(True)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)
        self.doubleClicked.connect(self._on_double_clicked)
        self.selectionModel().selectionChanged.connect(self.chosen)
        self.selectionModel().currentChanged.connect(self.chosen)

    # -- keys --------------------------------------------------------------------------------
    @property
    def keys(self) -> KeyModel:
        """The rows."""
        return self._rows

    def show_keys(self, keys: tuple[KeyPose, ...], loops: bool) -> None:
        """Show a strip; the current key stays current."""
        chosen, current = self.chosen_ids(), self.current_id()
        self.loops = loops
        self._pixmaps = {
            mark: held
            for mark, held in self._pixmaps.items()
            if any(held[0] is key.pose for key in keys)
        }
        self._rows.show_keys(keys)
        if current is not None and self.current_id() != current:
            self.choose(current, chosen)
        self.viewport().update()

    def current_id(self) -> str | None:
        """The key with the keyboard's focus."""
        key = self.currentIndex().data(KEY_ROLE) if self.currentIndex().isValid() else None
        return None if key is None else key.id

    def chosen_ids(self) -> list[str]:
        """The chosen keys in their order."""
        rows = sorted(index.row() for index in self.selectedIndexes())
        return [self._rows.key(row).id for row in rows if row < self._rows.rowCount()]

    def choose(self, key_id: str, others: Sequence[str] = ()) -> None:
        """Make a key the current one."""
        row = self._rows.row_of(key_id)
        if row < 0:
            return
        self.setCurrentIndex(self._rows.index(row))
        for other in others:
            at = self._rows.row_of(other)
            if at >= 0:
                flag = self.selectionModel().SelectionFlag.Select
                self.selectionModel().select(self._rows.index(at), flag)

    # -- the moment --------------------------------------------------------------------------
    def show_head(self, head: tuple[int, float] | None) -> None:
        """Mark the moment that is played: number of the step, and how much of it has passed."""
        if head == self._head:
            return
        before = self._head_x()
        self._head = head
        if head is not None and not self.viewport().rect().contains(self._head_x(), 4):
            self.scrollTo(self._rows.index(head[0]))
        for x in (before, self._head_x()):  # the cards are as they were
            self.viewport().update(QRect(x - 7, 0, 14, self.side + 2))

    def _head_x(self) -> int:
        if self._head is None or not self._rows.rowCount():
            return -1
        number, share = self._head
        rect = self.card_rect(self.visualRect(self._rows.index(number)))
        return round(rect.center().x() + share * (self.side + _GAP))

    # -- drawing -----------------------------------------------------------------------------
    def card_rect(self, cell: QRect) -> QRect:
        """The card inside a cell of the row."""
        return QRect(cell.left() + _GAP // 2, cell.top(), self.side, self.side)

    def pixmap_of(self, pose: Pose2D) -> QPixmap:
        """The picture of a key."""
        held = self._pixmaps.get(id(pose))
        if held is not None and held[0] is pose:
            return held[1]
        from poseapp.core import draw  # OpenCV: not needed for the first window

        ratio = self.devicePixelRatioF()
        colour = thumbnails.card_colour()
        ground = (colour.red(), colour.green(), colour.blue())
        picture = draw.thumbnail(pose, max(16, round(self.side * ratio)), ground)
        made = QPixmap.fromImage(thumbnails.to_image(picture))
        made.setDevicePixelRatio(ratio)
        self._pixmaps[id(pose)] = (pose, made)
        return made

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        x = self._head_x()
        if x < 0:
            return
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        accent = QGuiApplication.palette().color(QPalette.ColorRole.Highlight)
        painter.setPen(QPen(accent, 2.0))
        painter.drawLine(QPointF(x, 2), QPointF(x, self.side))
        painter.setBrush(accent)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawPolygon(QPolygonF([QPointF(x - 5, 0), QPointF(x + 5, 0), QPointF(x, 7)]))
        painter.end()

    def _fit(self) -> None:
        bar = self.horizontalScrollBar().sizeHint().height()
        side = min(max(self.height() - _FOOT - bar - 2, _LEAST_SIDE), _MOST_SIDE)
        if side != self.side:
            self.side = side
            self._pixmaps.clear()
            self.scheduleDelayedItemsLayout()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_pixmaps"):
            self._pixmaps.clear()
            self.viewport().update()

    # -- hands -------------------------------------------------------------------------------
    @Slot(QModelIndex)
    def _on_double_clicked(self, index: QModelIndex) -> None:
        key = index.data(KEY_ROLE)
        if key is not None:
            self.taken.emit(key.id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, current = event.key(), self.current_id()
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and current is not None:
            self.taken.emit(current)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.delete_requested.emit()
        elif key == Qt.Key.Key_Space:
            self.play_requested.emit()
        elif (
            key in steps
            and event.modifiers() & Qt.KeyboardModifier.ControlModifier
            and current is not None
        ):
            place = self.currentIndex().row() + steps[Qt.Key(key)]
            if 0 <= place < self._rows.rowCount():
                self.moved.emit(current, place)
        elif key == Qt.Key.Key_Menu and current is not None:
            centre = self.visualRect(self.currentIndex()).center()
            self.menu_requested.emit(self.viewport().mapToGlobal(centre))
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self.indexAt(event.pos()).isValid():
            self.menu_requested.emit(event.globalPos())
