"""The People panel: who is on the canvas, front to back, and the photo behind them."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QByteArray,
    QEvent,
    QMimeData,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    QTimer,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPalette, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QListView,
    QSlider,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from poseapp.core.document import Person
from poseapp.state.commands import EditPerson, ReorderPerson, SetPhotoOpacity
from poseapp.state.session import Session
from poseapp.ui.actions import ActionSet
from poseapp.ui.icons import icon

Index = QModelIndex | QPersistentModelIndex

_ROW_MIME = "application/x-poseapp-row"
_ROW_PX = 34
_ICON_PX = 18
PERSON_ROLE = Qt.ItemDataRole.UserRole


class PeopleModel(QAbstractListModel):
    """The people of a session, the one in front at the top."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._rows: tuple[Person, ...] = ()
        session.people_changed.connect(self.refresh)
        session.document_replaced.connect(self.refresh)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Take over the people of the session."""
        rows = tuple(reversed(self._session.document.people))
        if [p.id for p in rows] != [p.id for p in self._rows]:
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()
        elif rows:
            self._rows = rows
            self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        person = self._rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return person.name
        if role == PERSON_ROLE:
            return person
        if role == Qt.ItemDataRole.AccessibleTextRole:
            state = ", hidden" * (not person.visible) + ", locked" * person.locked
            return person.name + state
        if role == Qt.ItemDataRole.ToolTipRole:
            return "Double click to rename; drag to change the order"
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        person = self.data(index, PERSON_ROLE)
        name = str(value).strip()
        if role != Qt.ItemDataRole.EditRole or person is None or not name or name == person.name:
            return False
        self._session.undo_stack.push(
            EditPerson(self._session, person.id, "Rename person", name=name)
        )
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.ItemIsDropEnabled
        flag = Qt.ItemFlag
        return (
            flag.ItemIsEnabled
            | flag.ItemIsSelectable
            | flag.ItemIsEditable
            | flag.ItemIsDragEnabled
        )

    # -- reordering --------------------------------------------------------------------------
    def supportedDropActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:
        return [_ROW_MIME]

    def mimeData(self, indexes: Any) -> QMimeData:
        mime = QMimeData()
        for index in indexes:
            mime.setData(_ROW_MIME, QByteArray(self._rows[index.row()].id.encode()))
        return mime

    def dropMimeData(
        self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: Index
    ) -> bool:
        if not data.hasFormat(_ROW_MIME):
            return False
        person_id = bytes(data.data(_ROW_MIME).data()).decode()
        if row < 0:
            row = parent.row() if parent.isValid() else len(self._rows)
        old = next((i for i, p in enumerate(self._rows) if p.id == person_id), None)
        if old is None:
            return False
        new = row - 1 if row > old else row
        if new != old:
            place = len(self._rows) - 1 - new
            # Not while the view still handles the drop: the step resets this model.
            QTimer.singleShot(0, self, lambda: self._reorder(person_id, place))
        return False  # the view must not remove the row itself

    def _reorder(self, person_id: str, place: int) -> None:
        if person_id in {p.id for p in self._session.document.people}:
            self._session.undo_stack.push(ReorderPerson(self._session, person_id, place))

    def row_of(self, person_id: str | None) -> int:
        """Row of a person, -1 for nobody."""
        return next((i for i, p in enumerate(self._rows) if p.id == person_id), -1)


class _RowDelegate(QStyledItemDelegate):
    """Swatch, name, lock and eye."""

    clicked = Signal(object, str)
    """(Person, "colour", "locked" or "visible")."""

    @staticmethod
    def parts(rect: QRect) -> dict[str, QRect]:
        """Where the parts of a row lie."""
        top = rect.top() + (rect.height() - _ICON_PX) // 2
        right = rect.right() - 8 - _ICON_PX
        return {
            "colour": QRect(rect.left() + 10, top + 1, 16, 16),
            "visible": QRect(right, top, _ICON_PX, _ICON_PX),
            "locked": QRect(right - _ICON_PX - 10, top, _ICON_PX, _ICON_PX),
        }

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(120, _ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        person = index.data(PERSON_ROLE)
        if person is None:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        rect = option.rect.adjusted(3, 2, -3, -2)
        palette = option.palette
        if chosen or option.state & QStyle.StateFlag.State_MouseOver:
            ground = palette.color(QPalette.ColorRole.Highlight)
            ground.setAlphaF(0.22 if chosen else 0.08)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ground)
            painter.drawRoundedRect(rect, 6, 6)
        if option.state & QStyle.StateFlag.State_HasFocus and chosen:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Highlight), 1))
            painter.drawRoundedRect(rect, 6, 6)
        parts = self.parts(option.rect)
        painter.setPen(QPen(QColor(0, 0, 0, 40), 1))
        painter.setBrush(QColor(person.colour))
        painter.drawEllipse(parts["colour"])
        ink = palette.color(QPalette.ColorRole.Text)
        if not person.visible:
            ink.setAlphaF(0.5)
        painter.setPen(ink)
        name = QRect(option.rect)
        name.setLeft(parts["colour"].right() + 10)
        name.setRight(parts["locked"].left() - 8)
        text = option.fontMetrics.elidedText(person.name, Qt.TextElideMode.ElideRight, name.width())
        painter.drawText(name, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
        painter.setOpacity(1.0 if person.locked else 0.35)
        icon("lock" if person.locked else "unlock").paint(painter, parts["locked"])
        painter.setOpacity(0.9 if person.visible else 0.5)
        icon("eye" if person.visible else "eye-off").paint(painter, parts["visible"])
        painter.restore()

    def updateEditorGeometry(
        self, editor: QWidget, option: QStyleOptionViewItem, index: Index
    ) -> None:
        parts = self.parts(option.rect)
        box = option.rect.adjusted(0, 4, 0, -4)
        box.setLeft(parts["colour"].right() + 6)
        box.setRight(parts["locked"].left() - 6)
        editor.setGeometry(box)

    def editorEvent(
        self,
        event: QEvent,
        model: QAbstractItemModel,
        option: QStyleOptionViewItem,
        index: Index,
    ) -> bool:
        presses = (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick)
        if event.type() in (*presses, QEvent.Type.MouseButtonRelease) and isinstance(
            event, QMouseEvent
        ):
            for part, rect in self.parts(option.rect).items():
                if rect.adjusted(-4, -6, 4, 6).contains(event.position().toPoint()):
                    if event.type() != QEvent.Type.MouseButtonRelease:
                        self.clicked.emit(index.data(PERSON_ROLE), part)
                    return True
        return super().editorEvent(event, model, option, index)


class PeopleView(QListView):
    """List of people; rows are dragged into another order."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("People, the one in front at the top")
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setDropIndicatorShown(True)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
        )


class PeoplePanel(QWidget):
    """Who is on the canvas."""

    def __init__(self, session: Session, actions: ActionSet, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._actions = actions
        self._slide: object | None = None
        self._follows = False
        self.setAccessibleName("People")

        self.model = PeopleModel(session, self)
        self.view = PeopleView()
        self.view.setModel(self.model)
        delegate = _RowDelegate(self.view)
        delegate.clicked.connect(self._on_part_clicked)
        self.view.setItemDelegate(delegate)
        self.view.addAction(actions["delete"])
        self.view.selectionModel().selectionChanged.connect(self._on_row_chosen)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        for name in ("rename", "duplicate", "hide", "lock", "colour", "raise", "lower"):
            self.view.addAction(actions[name])

        self._empty = QLabel("Nobody is on the canvas yet.\nAdd a person, or describe a pose.")
        self._empty.setObjectName("hint")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        stack_host = QWidget()
        self._stack = QStackedLayout(stack_host)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self.view)

        buttons = QHBoxLayout()
        buttons.setSpacing(2)
        for name in ("add", "duplicate", "raise", "lower"):
            buttons.addWidget(self._button(name))
        buttons.addStretch()
        buttons.addWidget(self._button("delete_person"))

        self._photo_name = QLabel()
        self._photo_name.setObjectName("hint")
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setAccessibleName("Opacity of the photo")
        self.opacity.setToolTip("Opacity of the photo")
        self.opacity.sliderPressed.connect(self._on_slide_started)
        self.opacity.sliderReleased.connect(self._on_slide_ended)
        self.opacity.valueChanged.connect(self._on_opacity)
        photo_title = QLabel("Photo")
        photo_title.setObjectName("section")
        photo_row = QHBoxLayout()
        photo_row.setSpacing(2)
        photo_row.addWidget(photo_title)
        photo_row.addSpacing(6)
        photo_row.addWidget(self._photo_name, 1)
        photo_row.addWidget(self._button("photo"))
        self._remove = self._button("photo_remove")
        photo_row.addWidget(self._remove)

        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 8)
        column.setSpacing(6)
        column.addWidget(stack_host, 1)
        column.addLayout(buttons)
        column.addLayout(photo_row)
        column.addWidget(self.opacity)

        session.people_changed.connect(self._on_people_changed)
        session.selection_changed.connect(self._on_selection_changed)
        session.document_replaced.connect(self._on_people_changed)
        session.photo_changed.connect(self._on_photo_changed)
        self._on_people_changed()
        self._on_photo_changed()

    def _button(self, action: str) -> QToolButton:
        button = QToolButton()
        button.setDefaultAction(self._actions[action])
        button.setAutoRaise(True)
        button.setIconSize(QSize(18, 18))
        button.setAccessibleName(self._actions[action].text().replace("&", ""))
        return button

    @Slot()
    def _on_people_changed(self) -> None:
        self._stack.setCurrentIndex(1 if self._session.document.people else 0)
        self._on_selection_changed()

    @Slot()
    def _on_selection_changed(self) -> None:
        self._follows = True
        row = self.model.row_of(self._session.selection.person)
        index = self.model.index(row) if row >= 0 else QModelIndex()
        if row >= 0:
            self.view.setCurrentIndex(index)
        else:
            self.view.clearSelection()
            self.view.setCurrentIndex(QModelIndex())
        self._follows = False

    @Slot()
    def _on_row_chosen(self) -> None:
        if self._follows:
            return
        rows = self.view.selectionModel().selectedIndexes()
        person = rows[0].data(PERSON_ROLE) if rows else None
        if person is not None and person.id != self._session.selection.person:
            self._session.select(person.id)

    @Slot(object, str)
    def _on_part_clicked(self, person: Person, part: str) -> None:
        session = self._session
        if part == "colour":
            session.select(person.id)
            self._actions["colour"].trigger()
            return
        value = not getattr(person, part)
        text = {
            ("visible", True): "Show person",
            ("visible", False): "Hide person",
            ("locked", True): "Lock person",
            ("locked", False): "Unlock person",
        }[part, value]
        session.undo_stack.push(EditPerson(session, person.id, text, **{part: value}))

    # -- photo -------------------------------------------------------------------------------
    @Slot()
    def _on_photo_changed(self) -> None:
        document = self._session.document
        there = document.photo is not None
        self.opacity.setVisible(there)
        self._remove.setVisible(there)
        name = document.photo.name if document.photo is not None else "None"
        self._photo_name.setText(
            self._photo_name.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, 150)
        )
        self._photo_name.setToolTip(name if there else "")
        value = round(document.photo_opacity * 100)
        if value != self.opacity.value():
            self.opacity.blockSignals(True)
            self.opacity.setValue(value)
            self.opacity.blockSignals(False)

    @Slot()
    def _on_slide_started(self) -> None:
        self._slide = object()

    @Slot()
    def _on_slide_ended(self) -> None:
        self._slide = None

    @Slot(int)
    def _on_opacity(self, value: int) -> None:
        session = self._session
        if round(session.document.photo_opacity * 100) != value:
            session.undo_stack.push(SetPhotoOpacity(session, value / 100.0, self._slide))
