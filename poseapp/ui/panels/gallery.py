"""The grid of sampled poses: pictures that appear as the samples are made."""

from __future__ import annotations

import math
import time
import uuid
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
    QTimer,
    Signal,
    Slot,
)
from PySide6.QtGui import (
    QColor,
    QDrag,
    QGuiApplication,
    QKeyEvent,
    QPainter,
    QPainterPath,
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

from poseapp.services.samples import Sample
from poseapp.ui.panels import thumbnails

POSE_MIME = "application/x-poseapp-pose"
"""The canvas takes drops of this: an id, which the owner of the pose knows."""

SAMPLE = Qt.ItemDataRole.UserRole
STARRED = Qt.ItemDataRole.UserRole + 1

_GAP = 6
_RADIUS = 7.0
_SLICE_S = 0.008
_SLICE_EVERY_MS = 12
_GOLD = QColor("#ffc83d")

Index = QModelIndex | QPersistentModelIndex


class GalleryModel(QAbstractListModel):
    """Samples in the order of their request, starred ones of earlier requests first."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._rows: list[Sample | None] = []
        self._before: list[Sample] = []
        self._kept = 0
        self._stars: set[int] = set()
        self._dragged: Sample | None = None
        self._drag_id = ""

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        sample = self._rows[index.row()] if index.isValid() else None
        if role == SAMPLE:
            return sample
        if role == STARRED:
            return sample is not None and id(sample) in self._stars
        if sample is None:
            return None
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            joints = int((sample.confidence > 0).sum())
            return f"{sample.title}, {joints} of 17 joints"
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid() or self._rows[index.row()] is None:
            return Qt.ItemFlag.NoItemFlags
        on = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return on | Qt.ItemFlag.ItemIsDragEnabled

    def mimeTypes(self) -> list[str]:
        return [POSE_MIME]

    def mimeData(self, indexes: Any) -> QMimeData:
        mime = QMimeData()
        self._dragged = self.data(indexes[0], SAMPLE) if indexes else None
        if self._dragged is not None:
            self._drag_id = f"sample:{uuid.uuid4().hex}"
            mime.setData(POSE_MIME, QByteArray(self._drag_id.encode()))
        return mime

    def dragged(self, drag_id: str) -> Sample | None:
        """The sample of the drag with this id."""
        return self._dragged if drag_id == self._drag_id else None

    def is_starred(self, sample: Sample) -> bool:
        """The sample has a star."""
        return id(sample) in self._stars

    def expect(self, count: int) -> None:
        """Make room for `count` samples to come; starred ones stay, the others go."""
        self.beginResetModel()
        self._before = self.samples()
        kept = [s for s in self._rows if s is not None and id(s) in self._stars]
        self._stars = {id(s) for s in kept}
        self._kept = len(kept)
        self._rows = [*kept, *[None] * count]
        self.endResetModel()

    def fill(self, samples: list[Sample]) -> None:
        """Put samples in their places."""
        for sample in samples:
            row = self._kept + sample.index
            if row < len(self._rows):
                self._rows[row] = sample
                self.dataChanged.emit(self.index(row), self.index(row))

    def drop_missing(self) -> None:
        """Take away the places of samples that will not come; if none came, show those before."""
        came = any(s is not None for s in self._rows[self._kept :])
        self.beginResetModel()
        self._rows = list(self.samples() if came else self._before)
        self.endResetModel()

    def toggle_star(self, index: Index) -> None:
        """Star a sample, or take its star away."""
        sample = self.data(index, SAMPLE)
        if sample is not None:
            self._stars ^= {id(sample)}
            self.dataChanged.emit(index, index)

    def samples(self) -> list[Sample]:
        """Those that have arrived."""
        return [s for s in self._rows if s is not None]


class _CardDelegate(QStyledItemDelegate):
    """Draws one card from pixmaps that were made beforehand."""

    def __init__(self, view: GalleryView) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return self._view.gridSize()

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        card = QRectF(self._view.card_rect(option.rect))
        palette = QGuiApplication.palette()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        path = QPainterPath()
        path.addRoundedRect(card, _RADIUS, _RADIUS)
        painter.fillPath(path, thumbnails.card_colour())
        sample = index.data(SAMPLE)
        made = self._view.pixmap_of(sample)
        if made is not None:
            painter.setClipPath(path)
            painter.drawPixmap(card.toRect(), made)
            painter.setClipping(False)
        state = option.state
        selected = bool(state & QStyle.StateFlag.State_Selected)
        hovered = bool(state & QStyle.StateFlag.State_MouseOver) and sample is not None
        accent = palette.color(QPalette.ColorRole.Highlight)
        edge = accent if selected or hovered else palette.color(QPalette.ColorRole.Mid)
        if hovered and not selected:
            edge.setAlpha(150)
        elif not selected:
            edge.setAlpha(150 if sample is not None else 70)
        width = 2.0 if selected else 1.0
        painter.setPen(QPen(edge, width))
        inset = width / 2
        painter.drawRoundedRect(
            card.adjusted(inset, inset, -inset, -inset), _RADIUS - inset, _RADIUS - inset
        )
        if index.data(STARRED):
            painter.setPen(QPen(QColor(0, 0, 0, 120), 1.0))
            painter.setBrush(_GOLD)
            painter.drawPolygon(_star(card.topRight() + QPointF(-13, 13), 8.0))
        painter.restore()


def _star(centre: QPointF, radius: float) -> QPolygonF:
    corners = []
    for corner in range(10):
        angle = math.pi * (corner / 5 - 0.5)
        reach = radius if corner % 2 == 0 else 0.45 * radius
        corners.append(centre + QPointF(reach * math.cos(angle), reach * math.sin(angle)))
    return QPolygonF(corners)


class GalleryView(QListView):
    """A wrapping grid of cards, or a single row that scrolls sideways (a strip).

    Args:
        single_row: lay the cards out as one row.
    """

    sample_activated = Signal(object)
    """A sample was double-clicked, or Enter was pressed on it."""
    sample_selected = Signal(object)
    menu_requested = Signal(object, QPoint)
    """Sample, global position."""

    def __init__(self, parent: QWidget | None = None, single_row: bool = False) -> None:
        super().__init__(parent)
        self._single_row = single_row
        self._view = "skeleton"
        self._side = 96
        self._pixmaps: dict[int, tuple[Sample, QPixmap]] = {}
        self._wanted: list[Sample] = []
        self._gallery = GalleryModel(self)
        self.setModel(self._gallery)
        self.setItemDelegate(_CardDelegate(self))
        self.setObjectName("poseGallery")
        self.setStyleSheet("QListView#poseGallery { border: none; }")
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setWrapping(not single_row)
        self.setMouseTracking(True)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        off, on = Qt.ScrollBarPolicy.ScrollBarAlwaysOff, Qt.ScrollBarPolicy.ScrollBarAsNeeded
        self.setVerticalScrollBarPolicy(off if single_row else on)
        self.setHorizontalScrollBarPolicy(on if single_row else off)
        self.viewport().setAutoFillBackground(False)
        # A picture takes a millisecond or two: drawn in slices, so that a drag goes on meanwhile,
        # and shown a slice at a time: beside a 3D view each repaint is one of the whole window.
        self._drawing = QTimer(self)
        self._drawing.setInterval(_SLICE_EVERY_MS)
        self._drawing.timeout.connect(self._on_draw)
        self._gallery.dataChanged.connect(self._on_data_changed)
        self._gallery.modelReset.connect(self._on_reset)
        self.doubleClicked.connect(self._on_activated)
        self.selectionModel().currentChanged.connect(self._on_current_changed)
        self._fit()

    @property
    def gallery(self) -> GalleryModel:
        """The samples shown."""
        return self._gallery

    @property
    def is_drawing(self) -> bool:
        """Some pictures are not made yet."""
        return bool(self._wanted)

    def show_view(self, view: str) -> None:
        """Draw skeletons or heatmaps."""
        if view != self._view:
            self._view = view
            self._redraw()

    def current_sample(self) -> Sample | None:
        """The sample with the keyboard's focus, None when there is none."""
        return self.currentIndex().data(SAMPLE) if self.currentIndex().isValid() else None

    def selected_samples(self) -> list[Sample]:
        """The selected samples in their order."""
        indexes = sorted(self.selectedIndexes(), key=lambda i: i.row())
        return [i.data(SAMPLE) for i in indexes if i.data(SAMPLE) is not None]

    def index_of(self, sample: Sample) -> QModelIndex:
        """Where a sample is shown; invalid when it is not."""
        for row in range(self._gallery.rowCount()):
            index = self._gallery.index(row)
            if index.data(SAMPLE) is sample:
                return index
        return QModelIndex()

    def card_rect(self, cell: QRect) -> QRect:
        """The card inside a cell of the grid."""
        return QRect(cell.left() + _GAP // 2, cell.top() + _GAP // 2, self._side, self._side)

    def pixmap_of(self, sample: Sample | None) -> QPixmap | None:
        """The picture of a sample, None until it is made."""
        held = self._pixmaps.get(id(sample)) if sample is not None else None
        return held[1] if held else None

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_drawing"):
            self._redraw()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._on_activated(self.currentIndex())
        elif event.key() == Qt.Key.Key_Asterisk:
            self._gallery.toggle_star(self.currentIndex())
        elif event.key() == Qt.Key.Key_Menu and self.current_sample() is not None:
            centre = self.visualRect(self.currentIndex()).center()
            self.menu_requested.emit(self.current_sample(), self.viewport().mapToGlobal(centre))
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: Any) -> None:
        sample = self.indexAt(event.pos()).data(SAMPLE)
        if sample is not None:
            self.menu_requested.emit(sample, event.globalPos())

    def startDrag(self, actions: Qt.DropAction) -> None:
        sample = self.current_sample()
        if sample is None:
            return
        drag = QDrag(self)
        drag.setMimeData(self._gallery.mimeData([self.currentIndex()]))
        made = self.pixmap_of(sample)
        if made is not None:
            drag.setPixmap(made)
            drag.setHotSpot(QPoint(self._side // 2, self._side // 2))
        drag.exec(Qt.DropAction.CopyAction)

    def _fit(self) -> None:
        """Choose the card size so that whole columns fill the width."""
        if self._single_row:
            side = max(48, self.viewport().height() - _GAP)
        else:
            width = max(120, self.viewport().width() - 1)
            columns = max(2, round(width / 108))
            side = width // columns - _GAP
        if side != self._side:
            self._side = side
            self._redraw()
        self.setGridSize(QSize(side + _GAP, side + _GAP))
        self.setIconSize(QSize(side, side))

    def _redraw(self) -> None:
        self._pixmaps.clear()
        self._wanted = self._gallery.samples()
        if self._wanted:
            self._drawing.start()

    @Slot()
    def _on_reset(self) -> None:
        shown = {id(s) for s in self._gallery.samples()}
        self._pixmaps = {key: held for key, held in self._pixmaps.items() if key in shown}
        self._wanted = [s for s in self._gallery.samples() if id(s) not in self._pixmaps]
        if self._wanted:  # those of before come back when a request brings nothing
            self._drawing.start()

    @Slot(QModelIndex, QModelIndex)
    def _on_data_changed(self, first: QModelIndex, last: QModelIndex) -> None:
        for row in range(first.row(), last.row() + 1):
            sample = self._gallery.index(row).data(SAMPLE)
            if sample is not None and id(sample) not in self._pixmaps:
                self._wanted.append(sample)
                self._drawing.start()

    @Slot()
    def _on_draw(self) -> None:
        colour = thumbnails.card_colour()
        until = time.perf_counter() + _SLICE_S
        while self._wanted and time.perf_counter() < until:
            sample = self._wanted.pop(0)
            made = thumbnails.pixmap(
                sample, self._view, self._side, self.devicePixelRatioF(), colour
            )
            self._pixmaps[id(sample)] = (sample, made)
        self.viewport().update()
        if not self._wanted:
            self._drawing.stop()

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        sample = index.data(SAMPLE) if index.isValid() else None
        if sample is not None:
            self.sample_activated.emit(sample)

    @Slot(QModelIndex, QModelIndex)
    def _on_current_changed(self, current: QModelIndex, previous: QModelIndex) -> None:
        sample = current.data(SAMPLE) if current.isValid() else None
        if sample is not None:
            self.sample_selected.emit(sample)
