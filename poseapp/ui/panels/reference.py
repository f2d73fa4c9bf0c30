"""The Reference panel: whom the poses are for, and what to do with the picture."""

from __future__ import annotations

import html

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from poseapp.state.session import Session
from poseapp.state.settings import Settings
from poseapp.ui.actions import ActionSet
from poseapp.ui.icons import icon
from poseapp.ui.panels.caption_form import tool_button
from poseapp.ui.panels.emblem import Emblem
from poseapp.ui.panels.picture_view import PictureView
from poseapp.ui.photos import pixmap_of

_SKELETON_KEY = "reference/skeleton"


class ReferencePanel(QWidget):
    """The reference person of the document."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        actions: ActionSet,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._actions = actions
        self.setAccessibleName("Reference person")
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._make_empty())
        self._stack.addWidget(self._make_card())
        session.reference_changed.connect(self.refresh)
        self.skeleton.setChecked(settings.get(_SKELETON_KEY, False))
        self.refresh()

    # -- construction ------------------------------------------------------------------------
    def _choose_button(self) -> QToolButton:
        button = QToolButton()
        button.setText("Choose…")
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        button.setProperty("toolButtonStyle", 2)  # drawn like a button with a frame
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setIcon(icon("open"))
        button.setIconSize(QSize(16, 16))
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setToolTip("Take a ready-made person, a picture, or what is on the canvas")
        button.setAccessibleName("Choose the reference person")
        menu = QMenu(button)
        for name in ("reference_ready", "reference_file", "reference_canvas"):
            menu.addAction(self._actions[name])
        button.setMenu(menu)
        return button

    def _create_button(self, main: bool) -> QPushButton:
        button = QPushButton("Create…")
        button.setIcon(icon("create-person", "#ffffff") if main else icon("create-person"))
        if main:
            button.setObjectName("primary")
        button.setToolTip(self._actions["create_person"].toolTip())
        button.setAccessibleName("Create a person")
        button.clicked.connect(self._actions["create_person"].trigger)
        return button

    def _tool(self, action: str) -> QToolButton:
        button = QToolButton()
        button.setDefaultAction(self._actions[action])
        button.setAutoRaise(True)
        button.setIconSize(QSize(18, 18))
        button.setAccessibleName(self._actions[action].text().replace("&", "").rstrip("…"))
        return button

    def _make_empty(self) -> QWidget:
        page = QWidget()
        picture = Emblem("reference", 44)
        head = QLabel("No reference person")
        head.setObjectName("section")
        head.setAlignment(Qt.AlignmentFlag.AlignCenter)
        text = QLabel(
            "The reference person is whom your poses are for: somebody you create, a ready-made"
            " person, or a photo of your own. The project keeps them."
        )
        text.setObjectName("hint")
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        text.setWordWrap(True)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        row.addWidget(self._create_button(True))
        row.addWidget(self._choose_button())
        row.addStretch(1)
        column = QVBoxLayout(page)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        column.addStretch(2)
        column.addWidget(picture)
        column.addWidget(head)
        column.addWidget(text)
        column.addSpacing(6)
        column.addLayout(row)
        column.addStretch(3)
        return page

    def _make_card(self) -> QWidget:
        page = QWidget()
        self.picture = PictureView("Picture of the reference person")
        self.name = QLabel()
        self.name.setObjectName("hint")
        self.name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.skeleton = tool_button("bone", "Show the skeleton", True)
        self.skeleton.setIconSize(QSize(18, 18))
        self.skeleton.toggled.connect(self._on_skeleton)
        self.put_button = QPushButton("Put on canvas")
        self.put_button.setObjectName("primary")
        self.put_button.setToolTip(self._actions["reference_put"].toolTip())
        self.put_button.clicked.connect(self._actions["reference_put"].trigger)
        first = QHBoxLayout()
        first.setSpacing(2)
        first.addWidget(self.name, 1)
        first.addWidget(self.skeleton)
        first.addWidget(self._tool("reference_change"))
        first.addWidget(self._tool("reference_save"))
        first.addWidget(self._tool("reference_remove"))
        second = QHBoxLayout()
        second.setSpacing(6)
        second.addWidget(self.put_button, 1)
        second.addWidget(self._create_button(False))
        second.addWidget(self._choose_button())
        column = QVBoxLayout(page)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(8)
        column.addWidget(self.picture, 1)
        column.addLayout(first)
        column.addLayout(second)
        return page

    # -- following the session ---------------------------------------------------------------
    @Slot()
    def refresh(self) -> None:
        """Show the reference person of the document."""
        reference = self._session.document.reference
        self._stack.setCurrentIndex(0 if reference is None else 1)
        if reference is None:
            self.picture.show_picture(QPixmap(), None)
            return
        pixmap = pixmap_of(reference.photo)
        pose = reference.pose if reference.pose.present.any() else None
        shrink = pixmap.width() / reference.photo.size[0] if not pixmap.isNull() else 1.0
        if pose is not None and shrink != 1.0:
            pose = pose.with_keypoints(pose.keypoints * shrink)
        self.picture.show_text("The picture cannot be shown.")
        self.picture.show_picture(pixmap, pose)
        width, height = reference.photo.size
        kind = "Created" if reference.created else "Photo"
        no_pose = "" if pose is not None else ", no pose yet"
        about = f"{kind}, {width} × {height} px{no_pose}"
        self.name.setText(f"<b>{html.escape(reference.name)}</b><br>{about}")
        self.skeleton.setEnabled(pose is not None)

    @Slot(bool)
    def _on_skeleton(self, on: bool) -> None:
        self.picture.set_skeleton(on)
        self._settings.put(_SKELETON_KEY, on)
