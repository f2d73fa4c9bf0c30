"""The main window: docks, menus and toolbars around the canvas, and the wires between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, QTimer, Slot
from PySide6.QtGui import QCloseEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QSizePolicy,
    QToolBar,
    QWidget,
)

from poseapp.core.errors import PoseAppError
from poseapp.core.pose import Pose2D
from poseapp.services.engine import Engine
from poseapp.state import recovery
from poseapp.state.library import PoseLibrary
from poseapp.state.session import Session
from poseapp.state.settings import Settings
from poseapp.ui.actions import ActionSet
from poseapp.ui.canvas.menu import CanvasMenu
from poseapp.ui.canvas.view import BONE_RADIUS_PX, CanvasView
from poseapp.ui.detecting import DetectionController
from poseapp.ui.detection_bar import FOOT_PX, DetectionBar
from poseapp.ui.docking import Docking
from poseapp.ui.editing import EditController
from poseapp.ui.files import FileController
from poseapp.ui.overlays import EmptyHint, InfoBar
from poseapp.ui.panels.caption import CaptionPanel
from poseapp.ui.panels.heatmaps import HeatmapsPanel
from poseapp.ui.panels.inspector import InspectorPanel
from poseapp.ui.panels.library import LibraryPanel
from poseapp.ui.panels.models import ModelsPanel
from poseapp.ui.panels.people import PeoplePanel
from poseapp.ui.panels.reference import ReferencePanel
from poseapp.ui.panels.sequence import SequencePanel
from poseapp.ui.panels.transfer import TransferPanel
from poseapp.ui.playing import ShownMoment
from poseapp.ui.posing import PoseController
from poseapp.ui.reference import ReferenceController
from poseapp.ui.sequencing import SequenceController
from poseapp.ui.status import StatusBar
from poseapp.ui.theme import Theme
from poseapp.ui.transferring import TransferController
from poseapp.ui.viewing import ViewController
from poseapp.ui.viewport.widget import ViewportPanel

DEFAULT_SIZE = QSize(1400, 900)
_STATE_VERSION = 3
_TOOLBAR = (
    "new", "open", "save", "export", "", "undo", "redo", "", "add", "create_person", "photo",
    "detect", "", "mirror", "turn", "symmetrise_left", "reset_limb", "duplicate", "delete_person",
)  # fmt: skip
_TOOLBAR_END = ("zoom_out", "fit", "zoom_in", "", "settings", "shortcuts")
_TOOLBOX = (
    "tool_select", "tool_move", "tool_rotate", "tool_scale", "tool_add", "tool_detect", "",
    "limb_lock",
)  # fmt: skip


class MainWindow(QMainWindow):
    """Everything that the user sees."""

    def __init__(self, session: Session, engine: Engine, settings: Settings) -> None:
        super().__init__()
        self.session = session
        self.engine = engine
        self.settings = settings
        self.setObjectName("main")
        self.theme = Theme(settings, self)
        self.theme.apply()
        self.library = PoseLibrary(settings.data_dir / "poses")
        self.autosave = recovery.Autosave(session, settings, self)
        self._shown = False

        self.canvas = CanvasView(session, settings, self.theme)
        self.files = FileController(session, settings, self)
        self.posing = PoseController(session, settings, self)
        self.editing = EditController(session, self.posing, self.library, self)
        self.reference = ReferenceController(session, engine, settings, self)
        self.detecting = DetectionController(session, engine, settings, self)
        self.sequencing = SequenceController(session, engine, settings, self)
        self.transferring = TransferController(session, engine, settings, self)
        self.viewing = ViewController(self, self.canvas)
        self.actions_by_id = ActionSet(
            self,
            self.canvas,
            {
                "file": self.files,
                "edit": self.editing,
                "pose": self.posing,
                "reference": self.reference,
                "detect": self.detecting,
                "sequence": self.sequencing,
                "transfer": self.transferring,
                "view": self.viewing,
            },
        )
        self._make_centre()
        self._make_docks()
        self._make_bars()
        self._wire()
        self._update_title()
        self._update_actions()
        self._update_checks()
        self._restore_state()

    # -- building ----------------------------------------------------------------------------
    def _make_centre(self) -> None:
        self.infobar = InfoBar(self.canvas, self.theme)
        self.hint = EmptyHint(self.canvas, self.theme)
        self.detection_bar = DetectionBar(self.canvas, self.theme, self.detecting)
        toolbox = QToolBar("Tools")
        toolbox.setObjectName("toolbox")
        toolbox.setOrientation(Qt.Orientation.Vertical)
        toolbox.setIconSize(QSize(20, 20))
        self._fill(toolbox, _TOOLBOX)
        centre = QWidget()
        row = QHBoxLayout(centre)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(toolbox)
        row.addWidget(self.canvas, 1)
        self.setCentralWidget(centre)

    def _fill(self, bar: QToolBar, ids: Sequence[str]) -> None:
        for action_id in ids:
            if action_id:
                bar.addAction(self.actions_by_id[action_id])
            else:
                bar.addSeparator()

    def _make_docks(self) -> None:
        session, engine, settings = self.session, self.engine, self.settings
        self.caption_panel = CaptionPanel(session, engine, settings)
        self.library_panel = LibraryPanel(self.library)
        self.viewport_panel = ViewportPanel(session, engine, settings)
        self.people_panel = PeoplePanel(session, self.actions_by_id)
        self.inspector_panel = InspectorPanel(session, self.actions_by_id)
        self.heatmaps_panel = HeatmapsPanel(session, settings)
        self.heatmaps_panel.follow(self.detecting)
        self.models_panel = ModelsPanel(engine, settings)
        self.reference_panel = ReferencePanel(session, settings, self.actions_by_id)
        self.sequence_panel = SequencePanel(session, self.sequencing, self.actions_by_id)
        self.transfer_panel = TransferPanel(session, self.transferring, self.actions_by_id)
        self._docking = Docking(
            self,
            (
                ("caption", "Caption", self.caption_panel),
                ("library", "Library", self.library_panel),
                ("viewport", "3D", self.viewport_panel),
                ("people", "People", self.people_panel),
                ("inspector", "Inspector", self.inspector_panel),
                ("heatmaps", "Heatmaps", self.heatmaps_panel),
                ("models", "Models", self.models_panel),
                ("reference", "Reference", self.reference_panel),
                ("sequence", "Sequence", self.sequence_panel),
                ("transfer", "Transfer", self.transfer_panel),
            ),
        )
        self.docks = self._docking.docks

    def arrange(self) -> None:
        """The arrangement that the first run shows."""
        self._docking.arrange()

    def _make_bars(self) -> None:
        actions = self.actions_by_id
        actions.fill(self.menuBar())
        actions.submenu("recent").aboutToShow.connect(self._fill_recent)
        file_menu = actions.submenu("&File")
        file_menu.insertMenu(actions["photo"], self.viewport_panel.export_menu)
        panels = actions.submenu("panels")
        for number, dock in enumerate(self.docks.values(), 1):
            toggle = dock.toggleViewAction()
            toggle.setShortcut(QKeySequence(f"Alt+{number % 10}"))
            toggle.setStatusTip(f"Show or hide the panel {dock.windowTitle()}")
            panels.addAction(toggle)
            self.addAction(toggle)
        bar = QToolBar("Main")
        bar.setObjectName("main-toolbar")
        bar.setMovable(False)
        bar.setIconSize(QSize(20, 20))
        self._fill(bar, _TOOLBAR)
        spacer = QWidget()
        spacer.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        bar.addWidget(spacer)
        self._fill(bar, _TOOLBAR_END)
        self.addToolBar(bar)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.status = StatusBar(self.engine, self.theme)
        self.setStatusBar(self.status)

    def _wire(self) -> None:
        session, canvas = self.session, self.canvas
        self.files.said.connect(self._on_said)
        self.editing.said.connect(self._on_said)
        self.posing.said.connect(self._on_said)
        self.reference.said.connect(self._on_said)
        self.detecting.said.connect(self._on_said)
        self.detecting.changed.connect(self._on_proposals_changed)
        self.sequencing.said.connect(self._on_said)
        self.sequencing.changed.connect(self._update_actions)
        self.sequencing.motion_opened.connect(self._on_motion_opened)
        self.files.takes_motion = self.sequencing.take_motion
        player = self.sequencing.player
        self.docks["viewport"].visibilityChanged.connect(player.set_solid)
        self._moment = ShownMoment(player, session, canvas, self.viewport_panel)
        self.transferring.follow(player)
        self.sequence_panel.pose_dropped.connect(self._on_pose_for_strip)
        self.transferring.said.connect(self._on_said)
        self.docks["transfer"].visibilityChanged.connect(self.transferring.set_seen)
        self.transfer_panel.models_wanted.connect(self._on_models_wanted)
        self.caption_panel.pose_used.connect(self._on_pose_used)
        self.detecting.reference_wanted.connect(self.reference.take)
        self.detecting.box_wanted.connect(self.viewing.tool_detect)
        self.files.takes_many = self.detecting.take_many
        self.files.photo_arrived.connect(self.detecting.arrived)
        self.editing.photo_pasted.connect(self.detecting.arrived)
        self.library_panel.said.connect(self._on_said)
        self.viewport_panel.said.connect(self._on_said)
        self.docks["inspector"].visibilityChanged.connect(self.inspector_panel.set_seen)
        self.docks["heatmaps"].visibilityChanged.connect(self.heatmaps_panel.set_seen)
        self.docks["viewport"].visibilityChanged.connect(self.viewport_panel.set_seen)
        self.editing.library_changed.connect(self.library_panel.reload)
        self.library_panel.add_requested.connect(self.editing.add_library_pose)
        self.library_panel.replace_requested.connect(self.editing.replace_with_library_pose)
        self.caption_panel.sample_picked.connect(self.heatmaps_panel.show_sampled)
        self.caption_panel.save_requested.connect(self._on_save_requested)

        canvas.cursor_moved.connect(self.status.show_position)
        canvas.cursor_left.connect(self.status.clear_position)
        canvas.zoom_changed.connect(self.status.show_zoom)
        canvas.tool_changed.connect(self._on_tool_changed)
        canvas.hint_requested.connect(self._on_hint)
        canvas.menu_requested.connect(self._on_menu)
        canvas.files_dropped.connect(self.files.drop)
        canvas.pose_dropped.connect(self._on_pose_dropped)
        canvas.person_placed.connect(self.editing.place_person)
        canvas.box_spanned.connect(self.detecting.find_in)
        self.status.fit_requested.connect(canvas.fit)
        self.status.show_zoom(canvas.scale_factor)

        self.hint.add_requested.connect(self.editing.add_person)
        self.hint.library_requested.connect(self.viewing.show_library)
        self.hint.photo_requested.connect(self.files.open_photo)
        self.hint.caption_requested.connect(self._on_caption_requested)

        stack = session.undo_stack
        stack.cleanChanged.connect(self._update_title)
        stack.canUndoChanged.connect(self._update_actions)
        stack.canRedoChanged.connect(self._update_actions)
        stack.undoTextChanged.connect(self._on_undo_text)
        stack.redoTextChanged.connect(self._on_redo_text)
        session.path_changed.connect(self._update_title)
        session.people_changed.connect(self._update_actions)
        session.selection_changed.connect(self._update_actions)
        session.photo_changed.connect(self._update_actions)
        session.reference_changed.connect(self._on_reference_changed)
        session.pose_changed.connect(self._update_actions)
        session.document_replaced.connect(self._update_title)
        session.document_replaced.connect(self._forget_error)
        self.settings.changed.connect(self._update_checks)
        self.theme.changed.connect(self._on_proposals_changed)

    # -- start and end -----------------------------------------------------------------------
    def _restore_state(self) -> None:
        self.resize(DEFAULT_SIZE)
        self.arrange()
        kept = self.settings.window_state()
        if kept is not None:
            geometry, state = kept
            self.restoreGeometry(geometry)
            self.restoreState(state, _STATE_VERSION)
        self._docking.update_titles()

    def start(self, files: Sequence[Path] = ()) -> None:
        """Once the window is shown: wake the models, open files, offer what a crash left."""
        QTimer.singleShot(0, self.engine.start)
        if files:
            QTimer.singleShot(0, lambda: self.files.drop(list(files)))
        QTimer.singleShot(0, self.offer_recovery)

    @Slot()
    def offer_recovery(self) -> None:
        """Say so when an earlier window did not close properly."""
        found = recovery.leftovers(self.settings)
        if not found:
            return
        what = found[0].title if len(found) == 1 else f"{len(found)} documents"
        self.infobar.say(
            "warning",
            f"PoseApp did not close properly. Unsaved work on {what} can be restored.",
            "Restore…",
            self._show_recovery,
        )

    def _show_recovery(self) -> None:
        from poseapp.ui.dialogs.recovery import RecoveryDialog

        dialog = RecoveryDialog(recovery.leftovers(self.settings), self)
        dialog.exec()
        entry = dialog.chosen
        for unwanted in dialog.discarded:
            recovery.forget(unwanted)
        dialog.deleteLater()
        if entry is not None and self.files.may_leave():
            self.restore(entry)

    def restore(self, entry: recovery.Leftover) -> None:
        """Take over what a crash left behind."""
        try:
            document = recovery.restore(entry)
        except PoseAppError as exc:
            self.say("error", str(exc))
            return
        self.files.open_recovered(document, entry.project)
        self.autosave.write(wait=True)  # from here on this window keeps it safe
        recovery.forget(entry)
        self.say("success", f"{entry.title} is restored. Save it to keep it.")

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._shown:
            self._shown = True
            self._update_hint()
            self.canvas.fit()
            self.canvas.setFocus()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not (self.transferring.may_leave() and self.files.may_leave()):
            event.ignore()
            return
        self.reference.close()
        self.detecting.close()
        self.sequencing.close()
        self.engine.shutdown()
        self.settings.keep_window_state(self.saveGeometry(), self.saveState(_STATE_VERSION))
        self.settings.sync()
        self.autosave.shutdown()
        self.viewport_panel.close_view()
        self.session.shutdown()
        super().closeEvent(event)

    # -- messages ----------------------------------------------------------------------------
    def say(
        self, level: str, text: str, button: str = "", then: Callable[[], object] | None = None
    ) -> None:
        """One sentence in the message bar."""
        self.infobar.say(level, text, button, then)

    @Slot(str, str)
    def _on_said(self, level: str, text: str) -> None:
        if level == "saved":  # as expected: no bar over the canvas
            self.status.showMessage(text, 4000)
            self._forget_error()
        else:
            self.say(level, text)

    @Slot()
    def _forget_error(self) -> None:
        """An error that another document or a later success has left behind."""
        if self.infobar.level == "error":
            self.infobar.hide()

    @Slot(str)
    def _on_hint(self, text: str) -> None:
        self.status.showMessage(text, 8000)

    # -- following the state -----------------------------------------------------------------
    @Slot()
    def _update_title(self) -> None:
        self.setWindowTitle(f"{self.files.title()}[*] – PoseApp")
        self.setWindowModified(self.session.is_modified)
        path = self.session.path
        self.setWindowFilePath(str(path) if path is not None else "")

    @Slot()
    def _update_actions(self) -> None:
        self.actions_by_id.enable(
            self.editing.available()
            | self.reference.available()
            | self.detecting.available()
            | self.sequencing.available()
            | self.transferring.available()
        )
        self._update_hint()

    @Slot()
    def _on_proposals_changed(self) -> None:
        detecting, canvas = self.detecting, self.canvas
        sure = [p.confidence for p in detecting.proposals]
        canvas.keep_foot_free(0 if detecting.state == "idle" else FOOT_PX)
        canvas.proposals.show(detecting.poses(), sure, canvas.look, canvas.scale_factor)
        self._update_actions()

    @Slot()
    def _on_pose_used(self) -> None:
        """A pose of the gallery is on the canvas: with a reference person, here they are in it."""
        reference = self.session.document.reference
        if reference is not None and reference.pose.present.any():
            self.show_panel("transfer")

    @Slot()
    def _on_models_wanted(self) -> None:
        self.show_panel("models")

    @Slot()
    def _on_motion_opened(self) -> None:
        self.show_panel("sequence")

    @Slot()
    def _on_reference_changed(self) -> None:
        self._update_actions()
        if self.session.document.reference is not None and self._shown:
            self.show_panel("reference")

    def _update_hint(self) -> None:
        document = self.session.document
        wanted = not document.people and document.photo is None and not document.sequence.keys
        if wanted == self.hint.isHidden():
            self.hint.setVisible(wanted)
            if wanted:
                self.hint.place()

    @Slot(str)
    def _on_undo_text(self, text: str) -> None:
        self.actions_by_id["undo"].setText(f"&Undo {text.lower()}" if text else "&Undo")

    @Slot(str)
    def _on_redo_text(self, text: str) -> None:
        self.actions_by_id["redo"].setText(f"&Redo {text.lower()}" if text else "&Redo")

    @Slot()
    def _update_checks(self) -> None:
        actions, settings = self.actions_by_id, self.settings
        actions[f"tool_{self.canvas.tool}"].setChecked(True)
        actions["limb_lock"].setChecked(settings.limb_lock)
        actions["show_names"].setChecked(settings.show_names)
        actions[f"backdrop_{settings.backdrop}"].setChecked(True)
        actions[f"theme_{settings.theme}"].setChecked(True)

    @Slot(str)
    def _on_tool_changed(self, name: str) -> None:
        self.actions_by_id[f"tool_{name}"].setChecked(True)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange and hasattr(self, "actions_by_id"):
            self.actions_by_id["full_screen"].setChecked(self.isFullScreen())

    # -- panels ------------------------------------------------------------------------------
    def show_panel(self, name: str) -> None:
        """Bring a panel to the front."""
        self._docking.show_panel(name)

    @Slot()
    def _on_caption_requested(self) -> None:
        self.show_panel("caption")
        self.caption_panel.focus_caption()

    @Slot(object, str)
    def _on_save_requested(self, pose: Pose2D, name: str) -> None:
        self.editing.keep_pose(pose, name)

    @Slot(str, float, float)
    def _on_pose_dropped(self, pose_id: str, x: float, y: float) -> None:
        if not self.caption_panel.drop_on_canvas(pose_id, x, y):
            self.editing.drop_library_pose(pose_id, x, y)

    @Slot(str, int)
    def _on_pose_for_strip(self, pose_id: str, place: int) -> None:
        """A pose of the gallery or the library becomes a key pose."""
        pose = self.caption_panel.dragged_pose(pose_id) or self.editing.library_pose(pose_id)
        if pose is not None:
            self.sequencing.insert(pose, place)

    # -- menus -------------------------------------------------------------------------------
    @Slot()
    def _fill_recent(self) -> None:
        self.files.fill_recent(self.actions_by_id.submenu("recent"))

    @Slot(QPoint)
    def _on_menu(self, at: QPoint) -> None:
        menu = self.canvas_menu(at)
        menu.exec(at)
        menu.deleteLater()

    def canvas_menu(self, at: QPoint) -> QMenu:
        """The menu of a place on the canvas (global position)."""
        menu = CanvasMenu(self.session, self.canvas, self.actions_by_id, at, self)
        radius = BONE_RADIUS_PX / self.canvas.scale_factor
        self.detecting.head_menu(menu, menu.place, radius)
        return menu
