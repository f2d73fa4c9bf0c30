"""The Inspector: exact numbers of the active person and of each joint."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractTableModel,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QSize,
    Qt,
    Slot,
)
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from poseapp.core import kinematics, standing
from poseapp.core.document import Person
from poseapp.core.palette import JOINT_COLOURS
from poseapp.core.pose import Pose2D, Visibility
from poseapp.core.skeleton import COCO_17
from poseapp.state.commands import SetPose
from poseapp.state.session import Session
from poseapp.ui.actions import ActionSet

Index = QModelIndex | QPersistentModelIndex

_HEADERS = ("Joint", "x", "y", "State", "Conf.")
_TIPS = (
    "Joint of the COCO skeleton",
    "px from the left",
    "px from the top",
    "Visible, hidden behind something, or absent",
    "Confidence, 0 to 1",
)
_JOINT, _X, _Y, _STATE, _CONFIDENCE = range(5)
_STATES = ("absent", "hidden", "visible")
_CHECK_INK = "#d07a12"  # reads on the grounds of both themes
_CHECK_TIP = (
    "Found with little certainty: check it. The mark goes when you move the joint, or with"
    " Pose > Joints are right (4)."
)
_REACH_PX = 100_000.0


def _dot(joint: int) -> QPixmap:
    pixmap = QPixmap(20, 20)
    pixmap.setDevicePixelRatio(2.0)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(*(int(v) for v in JOINT_COLOURS[joint])))
    painter.drawEllipse(1, 1, 8, 8)
    painter.end()
    return pixmap


class JointModel(QAbstractTableModel):
    """The 17 joints of the active person."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._person: Person | None = None
        self._dots: list[QPixmap] = []

    @property
    def person(self) -> Person | None:
        """Whose joints these are."""
        return self._person

    def show_person(self, person: Person | None) -> None:
        """Take another person, or another pose of the same."""
        if (person is None) != (self._person is None):
            self.beginResetModel()
            self._person = person
            self.endResetModel()
            return
        self._person = person
        if person is not None:
            self.dataChanged.emit(self.index(0, 0), self.index(16, 4))

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() or self._person is None else len(COCO_17)

    def columnCount(self, parent: Index = QModelIndex()) -> int:
        return len(_HEADERS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _HEADERS[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return _TIPS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            right = section in (_X, _Y, _CONFIDENCE)
            side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if self._person is None or not index.isValid():
            return None
        joint, column, pose = index.row(), index.column(), self._person.pose
        present = bool(pose.present[joint])
        if role == Qt.ItemDataRole.DisplayRole:
            if column == _JOINT:
                mark = " ?" if pose.doubtful[joint] else ""
                return COCO_17.joints[joint].replace("_", " ") + mark
            if column == _STATE:
                return _STATES[int(pose.visibility[joint])]
            if not present:
                return "–"
            if column == _CONFIDENCE:
                return f"{pose.confidence[joint]:.2f}"
            return f"{pose.keypoints[joint, column - _X]:.1f}"
        if role == Qt.ItemDataRole.ToolTipRole and pose.doubtful[joint]:
            return _CHECK_TIP
        if role == Qt.ItemDataRole.ForegroundRole and pose.doubtful[joint]:
            return QColor(_CHECK_INK) if column in (_JOINT, _CONFIDENCE) else None
        if role == Qt.ItemDataRole.EditRole:
            if column == _STATE:
                return int(pose.visibility[joint])
            if column == _CONFIDENCE:
                return float(pose.confidence[joint])
            return float(pose.keypoints[joint, column - _X])
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (_X, _Y, _CONFIDENCE):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.DecorationRole and column == _JOINT:
            if not self._dots:
                self._dots = [_dot(j) for j in range(len(COCO_17))]
            return self._dots[joint]
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        person = self._person
        if person is None or index.column() == _JOINT or person.locked:
            return flags
        if index.column() == _STATE or person.pose.present[index.row()]:
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        person = self._person
        if person is None or role != Qt.ItemDataRole.EditRole:
            return False
        joint, column, pose = index.row(), index.column(), person.pose
        name = COCO_17.joints[joint].replace("_", " ")
        if column == _STATE:
            state = Visibility(int(value))
            after = pose if state == Visibility.ABSENT else standing.restored(pose, joint)
            after = after.with_visibility(joint, state)
            text = f"Make {name} {state.name.lower()}"
        elif column == _CONFIDENCE:
            sure = pose.confidence.copy()
            sure[joint] = min(max(float(value), 0.0), 1.0)
            after = Pose2D(pose.keypoints, pose.visibility, sure)
            text = f"Confidence of {name}"
        else:
            points = pose.keypoints.copy()
            points[joint, column - _X] = float(value)
            after = pose.with_keypoints(points)
            text = f"Move {name}"
        if after == pose:
            return False
        self._session.undo_stack.push(SetPose(self._session, person.id, after, text))
        return True


class _CellDelegate(QStyledItemDelegate):
    """Spin boxes and the choice of states."""

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        if index.column() == _STATE:
            combo = QComboBox(parent)
            combo.addItems(_STATES)
            combo.activated.connect(lambda: self.commitData.emit(combo))
            combo.setAccessibleName("State of the joint")
            return combo
        spin = QDoubleSpinBox(parent)
        spin.setFrame(False)
        spin.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        if index.column() == _CONFIDENCE:
            spin.setRange(0.0, 1.0)
            spin.setSingleStep(0.05)
            spin.setDecimals(2)
        else:
            spin.setRange(-_REACH_PX, _REACH_PX)
            spin.setDecimals(1)
        spin.setAccessibleName(_TIPS[index.column()])
        return spin

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        value = index.data(Qt.ItemDataRole.EditRole)
        if isinstance(editor, QComboBox):
            editor.setCurrentIndex(int(value))
        elif isinstance(editor, QDoubleSpinBox):
            editor.setValue(float(value))

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        if isinstance(editor, QComboBox):
            model.setData(index, editor.currentIndex())
        elif isinstance(editor, QDoubleSpinBox):
            editor.interpretText()
            shown = index.data(Qt.ItemDataRole.EditRole)
            # The box rounds: an untouched value must not become another.
            if abs(editor.value() - float(shown)) > 0.5 * 10.0 ** -editor.decimals():
                model.setData(index, editor.value())


class InspectorPanel(QWidget):
    """Numbers of the active person: its box, and its joints in a table."""

    def __init__(self, session: Session, actions: ActionSet, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._actions = actions
        self._follows = False
        self._stale = True
        self._seen = True
        self.setAccessibleName("Inspector")

        self._title = QLabel()
        self._title.setObjectName("section")
        self._boxes: dict[str, QDoubleSpinBox] = {}
        grid = QGridLayout()
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(4)
        for place, (key, label, tip) in enumerate(
            (
                ("x", "x", "Left edge of the person, px"),
                ("y", "y", "Top edge of the person, px"),
                ("width", "w", "Width of the person, px"),
                ("height", "h", "Height of the person, px"),
            )
        ):
            spin = QDoubleSpinBox()
            spin.setDecimals(1)
            spin.setKeyboardTracking(False)
            spin.setRange(-_REACH_PX if place < 2 else 1.0, _REACH_PX)
            spin.setAccessibleName(tip)
            spin.setToolTip(tip)
            spin.setMinimumWidth(72)
            spin.valueChanged.connect(self._on_box_edited)
            caption = QLabel(label)
            caption.setObjectName("hint")
            caption.setBuddy(spin)
            grid.addWidget(caption, place // 2, 2 * (place % 2))
            grid.addWidget(spin, place // 2, 2 * (place % 2) + 1)
            grid.setColumnStretch(2 * (place % 2) + 1, 1)
            self._boxes[key] = spin
        self._keep = QCheckBox("Keep proportions")
        self._keep.setChecked(True)
        self._keep.setToolTip("Width and height change together")

        tools = QHBoxLayout()
        tools.setSpacing(2)
        for name in (
            "mirror",
            "turn",
            "symmetrise_left",
            "symmetrise_right",
            "reset_limb",
            "confirm",
            "restore",
            "centre",
        ):
            button = QToolButton()
            button.setDefaultAction(actions[name])
            button.setIconSize(QSize(18, 18))
            button.setAutoRaise(True)
            button.setAccessibleName(actions[name].text().replace("&", ""))
            tools.addWidget(button)
        tools.addStretch()

        self.model = JointModel(session, self)
        self.table = QTableView()
        self.table.setModel(self.model)
        self.table.setItemDelegate(_CellDelegate(self.table))
        self.table.setAccessibleName("Joints")
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setAlternatingRowColors(True)
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.setIconSize(QSize(10, 10))
        self.table.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
            | QAbstractItemView.EditTrigger.AnyKeyPressed
        )
        self.table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(23)
        self.table.verticalHeader().setMinimumSectionSize(18)
        header = self.table.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(40)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        for column, width in ((_X, 50), (_Y, 50), (_STATE, 54), (_CONFIDENCE, 42)):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            self.table.setColumnWidth(column, width)
        self.table.selectionModel().selectionChanged.connect(self._on_rows_chosen)

        self._empty = QLabel("Choose a person to see and edit its numbers.")
        self._empty.setObjectName("hint")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self._body = QWidget()
        body = QVBoxLayout(self._body)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(6)
        top = QHBoxLayout()
        top.addWidget(self._title, 1)
        top.addWidget(self._keep)
        body.addLayout(top)
        body.addLayout(grid)
        body.addLayout(tools)
        body.addWidget(self.table, 1)
        around = QVBoxLayout(self)
        around.setContentsMargins(8, 6, 8, 8)
        around.addWidget(self._empty, 1)
        around.addWidget(self._body, 1)

        session.pose_changed.connect(self._on_pose_changed)
        session.people_changed.connect(self._on_changed)
        session.selection_changed.connect(self._on_changed)
        session.document_replaced.connect(self._on_changed)
        self.refresh()

    @Slot(bool)
    def set_seen(self, seen: bool) -> None:
        """The panel is in front, or behind another tab, where Qt still calls it visible."""
        self._seen = seen
        if seen and self._stale:
            self.refresh()

    @Slot(str)
    def _on_pose_changed(self, person_id: str) -> None:
        shown = self.model.person
        if shown is None or shown.id == person_id:
            self._on_changed()

    @Slot()
    def _on_changed(self) -> None:
        if self._seen:
            self.refresh()
        else:
            self._stale = True  # a drag should not pay for what nobody sees

    def refresh(self) -> None:
        """Show the active person as it is now."""
        self._stale = False
        person = self._session.active_person
        self._empty.setVisible(person is None)
        self._body.setVisible(person is not None)
        self._follows = True
        self.model.show_person(person)
        if person is not None:
            self._title.setText(person.name)
            bounds = person.pose.bounds or (0.0, 0.0, 1.0, 1.0)
            for spin, value in zip(self._boxes.values(), bounds, strict=True):
                spin.blockSignals(True)
                spin.setValue(value)
                spin.setEnabled(not person.locked and person.pose.bounds is not None)
                spin.blockSignals(False)
            chosen = self._session.selection
            self._choose_rows(chosen.joints if chosen.person == person.id else frozenset())
        self._follows = False

    def _choose_rows(self, joints: frozenset[int]) -> None:
        model = self.table.selectionModel()
        if {i.row() for i in model.selectedRows()} == set(joints):
            return
        selection = QItemSelection()
        for joint in joints:
            selection.select(self.model.index(joint, 0), self.model.index(joint, 4))
        model.select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        if len(joints) == 1:
            self.table.scrollTo(self.model.index(next(iter(joints)), 0))

    @Slot()
    def _on_rows_chosen(self) -> None:
        person = self.model.person
        if self._follows or person is None:
            return
        rows = {index.row() for index in self.table.selectionModel().selectedRows()}
        self._session.select(person.id, rows)

    @Slot()
    def _on_box_edited(self) -> None:
        person = self.model.person
        if person is None or person.pose.bounds is None:
            return
        x, y, width, height = person.pose.bounds
        goal = {key: spin.value() for key, spin in self._boxes.items()}
        wide = goal["width"] / width if width > 1e-6 else 1.0
        high = goal["height"] / height if height > 1e-6 else 1.0
        if abs(wide - 1.0) * width < 0.051:
            wide = 1.0
        if abs(high - 1.0) * height < 0.051:
            high = 1.0
        if self._keep.isChecked() and (wide != 1.0 or high != 1.0):
            wide = high = wide if wide != 1.0 else high
        pose = kinematics.scale(person.pose, (wide, high), (x, y))
        delta = np.array([goal["x"] - x, goal["y"] - y])
        delta[np.abs(delta) < 0.051] = 0.0
        pose = kinematics.translate(pose, delta)
        if pose != person.pose:
            scaled = wide != 1.0 or high != 1.0
            text = "Scale person" if scaled else "Move person"
            self._session.undo_stack.push(SetPose(self._session, person.id, pose, text))
