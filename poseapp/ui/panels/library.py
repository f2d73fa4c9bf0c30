"""The Library panel: presets and the user's own poses, to search, add and drag."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QByteArray,
    QMimeData,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QGuiApplication, QPainter, QPalette, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QMenu,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from poseapp.core.errors import PoseAppError
from poseapp.state.library import LibraryPose, PoseLibrary
from poseapp.ui.canvas.view import POSE_MIME
from poseapp.ui.icons import icon
from poseapp.ui.panels.thumbnails import to_image

Index = QModelIndex | QPersistentModelIndex

POSE_ROLE = Qt.ItemDataRole.UserRole
_PICTURE_PX = 76
_CELL = QSize(92, 106)
_ALL = "All poses"


class LibraryModel(QAbstractListModel):
    """Poses that a search found; pictures are loaded when they are seen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[LibraryPose] = []
        self._pictures: dict[tuple[str, bool], QPixmap] = {}

    def show_poses(self, poses: list[LibraryPose]) -> None:
        """Take other rows."""
        self.beginResetModel()
        self._rows = poses
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        pose = self._rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return pose.name
        if role == Qt.ItemDataRole.DecorationRole:
            return self._picture(pose)
        if role == POSE_ROLE:
            return pose
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{pose.name}: double click to add, drag onto the canvas"
        return None

    def _picture(self, pose: LibraryPose) -> QPixmap:
        ground = QGuiApplication.palette().color(QPalette.ColorRole.Base)
        dark = ground.lightness() < 128
        key = pose.id, dark
        if key not in self._pictures:
            picture, file = QPixmap(), pose.thumbnail(dark)
            if file is not None:
                picture = QPixmap(str(file))
            if picture.isNull():
                from poseapp.core import draw  # OpenCV: only for poses without a picture

                behind = (ground.red(), ground.green(), ground.blue())
                picture = QPixmap.fromImage(to_image(draw.thumbnail(pose.pose, 160, behind)))
            self._pictures[key] = picture
        return self._pictures[key]

    def flags(self, index: Index) -> Qt.ItemFlag:
        flag = Qt.ItemFlag
        if not index.isValid():
            return flag.NoItemFlags
        return flag.ItemIsEnabled | flag.ItemIsSelectable | flag.ItemIsDragEnabled

    def mimeTypes(self) -> list[str]:
        return [POSE_MIME]

    def mimeData(self, indexes: Any) -> QMimeData:
        mime = QMimeData()
        for index in indexes:
            mime.setData(POSE_MIME, QByteArray(self._rows[index.row()].id.encode()))
        return mime

    def supportedDragActions(self) -> Qt.DropAction:
        return Qt.DropAction.CopyAction


class _CardDelegate(QStyledItemDelegate):
    """A card with the picture above the name."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cell = _CELL

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return self.cell

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        palette = option.palette
        card = option.rect.adjusted(3, 3, -3, -3)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        over = bool(option.state & QStyle.StateFlag.State_MouseOver)
        painter.setPen(palette.color(QPalette.ColorRole.Mid))
        painter.setBrush(palette.color(QPalette.ColorRole.Base))
        accent = palette.color(QPalette.ColorRole.Highlight)
        if chosen or over:
            painter.setPen(accent)
        painter.drawRoundedRect(card, 7, 7)
        picture = index.data(Qt.ItemDataRole.DecorationRole)
        box = QRect(0, 0, _PICTURE_PX, _PICTURE_PX)
        box.moveCenter(QPoint(card.center().x(), card.top() + 4 + _PICTURE_PX // 2))
        painter.drawPixmap(box, picture)
        if chosen:
            accent.setAlphaF(0.14)
            painter.setBrush(accent)
            painter.drawRoundedRect(card, 7, 7)
        name = QRect(card.left() + 4, box.bottom() - 1, card.width() - 8, 20)
        font = option.font
        font.setPointSizeF(max(7.0, font.pointSizeF() - 1.0))
        painter.setFont(font)
        painter.setPen(palette.color(QPalette.ColorRole.Text))
        metrics = painter.fontMetrics()
        text = metrics.elidedText(
            str(index.data(Qt.ItemDataRole.DisplayRole)),
            Qt.TextElideMode.ElideRight,
            name.width(),
        )
        painter.drawText(name, Qt.AlignmentFlag.AlignCenter, text)
        painter.restore()


class _CardView(QListView):
    """As many columns of cards as fit, as wide as the room allows."""

    def __init__(self) -> None:
        super().__init__()
        self._cards = _CardDelegate(self)
        self.setItemDelegate(self._cards)

    def resizeEvent(self, event: QResizeEvent) -> None:
        room = self.viewport().width() - 1
        columns = max(1, room // _CELL.width())
        cell = QSize(room // columns, _CELL.height())
        if cell != self._cards.cell:
            self._cards.cell = cell
            self.setGridSize(cell)
        super().resizeEvent(event)


class LibraryPanel(QWidget):
    """Search and use poses."""

    add_requested = Signal(str)
    """A pose id: add it as a new person."""
    replace_requested = Signal(str)
    """A pose id: the active person takes it."""
    said = Signal(str, str)

    def __init__(self, library: PoseLibrary, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self.setAccessibleName("Pose library")
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search poses")
        self.search.setAccessibleName("Search poses")
        self.search.setClearButtonEnabled(True)
        self.search.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.search.textChanged.connect(self.refresh)
        self.group = QComboBox()
        self.group.setAccessibleName("Kind of poses")
        self.group.setToolTip("Kind of poses")
        self.group.currentIndexChanged.connect(self.refresh)

        self.model = LibraryModel(self)
        self.view = _CardView()
        self.view.setObjectName("cards")
        self.view.viewport().setAutoFillBackground(False)
        self.view.setAccessibleName("Poses")
        self.view.setModel(self.model)
        self.view.setViewMode(QListView.ViewMode.IconMode)
        self.view.setResizeMode(QListView.ResizeMode.Adjust)
        self.view.setMovement(QListView.Movement.Static)
        self.view.setUniformItemSizes(True)
        self.view.setDragEnabled(True)
        self.view.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.view.setMouseTracking(True)
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.customContextMenuRequested.connect(self._on_menu)
        self.view.activated.connect(self._on_activated)

        self._empty = QLabel()
        self._empty.setObjectName("hint")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        host = QWidget()
        self._stack = QStackedLayout(host)
        self._stack.addWidget(self.view)
        self._stack.addWidget(self._empty)
        self._note = QLabel("Double click to add, or drag onto the canvas.")
        self._note.setObjectName("hint")
        self._note.setWordWrap(True)

        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.search, 1)
        row.addWidget(self.group)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 8)
        column.setSpacing(6)
        column.addLayout(row)
        column.addWidget(host, 1)
        column.addWidget(self._note)
        self.reload()

    @Slot()
    def reload(self) -> None:
        """The library has other poses now."""
        kept = self.group.currentText()
        groups = list(dict.fromkeys(pose.group for pose in self._library.poses))
        self.group.blockSignals(True)
        self.group.clear()
        self.group.addItems([_ALL, *groups])
        self.group.setCurrentText(kept if kept in groups else _ALL)
        self.group.blockSignals(False)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Show what search and kind ask for."""
        found = self._library.search(self.search.text())
        group = self.group.currentText()
        if group != _ALL:
            found = [pose for pose in found if pose.group == group]
        self.model.show_poses(found)
        self._stack.setCurrentIndex(0 if found else 1)
        words = self.search.text().strip()
        self._empty.setText(
            f"No pose matches “{words}”.\nDescribe it under Caption instead."
            if words
            else "No poses of this kind."
        )

    def chosen(self) -> LibraryPose | None:
        """The pose under the cursor."""
        pose = self.view.currentIndex().data(POSE_ROLE)
        return pose if isinstance(pose, LibraryPose) else None

    @Slot()
    def focus_search(self) -> None:
        """Ready to type."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        pose = index.data(POSE_ROLE)
        if pose is not None:
            self.add_requested.emit(pose.id)

    @Slot(QPoint)
    def _on_menu(self, at: QPoint) -> None:
        pose = self.view.indexAt(at).data(POSE_ROLE)
        if pose is None:
            return
        menu = QMenu(self)
        add = menu.addAction(icon("add-person"), "Add as a new person")
        take = menu.addAction(icon("person"), "Give it to the active person")
        delete = None
        if pose.own:
            menu.addSeparator()
            delete = menu.addAction(icon("delete"), "Delete from the library")
        picked = menu.exec(self.view.viewport().mapToGlobal(at))
        menu.deleteLater()
        if picked is add:
            self.add_requested.emit(pose.id)
        elif picked is take:
            self.replace_requested.emit(pose.id)
        elif picked is not None and picked is delete:
            self.delete(pose.id)

    def delete(self, pose_id: str) -> None:
        """Forget one of the user's poses."""
        try:
            self._library.remove(pose_id)
        except PoseAppError as exc:
            self.said.emit("error", str(exc))
        self.reload()
