"""The one table of actions: menus, toolbars, shortcuts and the shortcuts dialog come from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from poseapp.ui.icons import icon


@dataclass(frozen=True)
class ActionSpec:
    """One action.

    Attributes:
        id: how the code names it.
        text: menu text with its mnemonic.
        menu: menu path, such as "Edit/Nudge"; the order of the table is the order of the menus.
        slot: "controller.method".
        keys: shortcuts, the first is shown.
        needs: what must be there for it to be enabled: person, joints, absent, photo, undo, redo,
            reference, created, proposals, doubtful, sequence, motion, moment, transfer.
        scope: "window", or "canvas" where the keys belong to lists and fields elsewhere.
        group: checkable actions of one group exclude each other.
        rule: a separator goes before it.
    """

    id: str
    text: str
    menu: str
    slot: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    tip: str = ""
    needs: str = ""
    scope: str = "window"
    checkable: bool = False
    group: str = ""
    rule: bool = False

    @property
    def title(self) -> str:
        """The text without mnemonic and dots."""
        return self.text.replace("&&", "\0").replace("&", "").replace("\0", "&").rstrip("…")


_A = ActionSpec

ACTIONS: tuple[ActionSpec, ...] = (
    # File
    _A("new", "&New", "&File", "file.new", ("Ctrl+N",), "new", "Start with an empty canvas"),
    _A("open", "&Open…", "&File", "file.open", ("Ctrl+O",), "open",
       "Open a project or a keypoint file"),
    _A("recent", "Open &recent", "&File", ""),
    _A("import", "&Add people from file…", "&File", "file.add_people", ("Ctrl+I",), "import",
       "Put the people of a keypoint file on this canvas"),
    _A("open_motion", "Open &motion…", "&File", "sequence.open_motion", ("Ctrl+M",), "film",
       "Put a BVH motion or a file of several poses on the strip of key poses"),
    _A("open_motion_folder", "Open motion folder…", "&File", "sequence.open_motion_folder", (), "",
       "Put a folder with a pose file for each frame on the strip of key poses"),
    _A("save", "&Save", "&File", "file.save", ("Ctrl+S",), "save", "Save the project", rule=True),
    _A("save_as", "Save &as…", "&File", "file.save_as", ("Ctrl+Shift+S",), "",
       "Save the project under another name"),
    _A("export", "&Export…", "&File", "file.export", ("Ctrl+E",), "export",
       "Write keypoints, a picture or a 3D file"),
    _A("photo", "Set &photo…", "&File", "file.open_photo", ("Ctrl+Shift+O",), "photo",
       "Trace over a photo", rule=True),
    _A("photo_remove", "Remove p&hoto", "&File", "file.remove_photo", (), "close",
       "Take the photo away", "photo"),
    _A("detect", "&Find people in the photo", "&File", "detect.find", ("Ctrl+Shift+F",), "detect",
       "Look for people in the photo and their poses", "photo"),
    _A("detect_accept", "Acc&ept the people found", "&File", "detect.accept", ("Ctrl+Shift+A",),
       "check", "Put the people found on the canvas", "proposals"),
    _A("detect_many", "Find people in &many photos…", "&File", "detect.many", (), "people",
       "Look for people in a list or a folder of photos, and write their poses"),
    _A("canvas_size", "&Canvas size…", "&File", "file.canvas_size", (), "",
       "Change width and height of the canvas"),
    _A("settings", "Se&ttings…", "&File", "view.settings", ("Ctrl+,",), "settings",
       "Theme, canvas, autosave and word vectors", rule=True),
    _A("quit", "&Quit", "&File", "view.quit", ("Ctrl+Q",), "", "Close PoseApp"),
    # Edit
    _A("undo", "&Undo", "&Edit", "edit.undo", ("Ctrl+Z",), "undo", "Undo the last edit", "undo"),
    _A("redo", "&Redo", "&Edit", "edit.redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo",
       "Redo what was undone", "redo"),
    _A("cut", "Cu&t", "&Edit", "edit.cut", ("Ctrl+X",), "cut",
       "Copy the person as JSON and delete it", "person", rule=True),
    _A("copy", "&Copy", "&Edit", "edit.copy", ("Ctrl+C",), "copy",
       "Copy the person as COCO keypoint JSON", "person"),
    _A("copy_all", "Copy &all people", "&Edit", "edit.copy_all", ("Ctrl+Shift+C",), "",
       "Copy everyone as COCO keypoint JSON", "people"),
    _A("paste", "&Paste", "&Edit", "edit.paste", ("Ctrl+V",), "paste",
       "Paste people from JSON, or a photo"),
    _A("delete", "&Delete", "&Edit", "edit.delete", ("Del", "Backspace"), "delete",
       "Make the chosen joints absent, or delete the chosen person", "person", scope="canvas"),
    _A("select_all", "Select all &joints", "&Edit", "edit.select_all", ("Ctrl+A",), "",
       "Choose every joint of the person", "person", scope="canvas", rule=True),
    _A("select_none", "Select &nothing", "&Edit", "edit.select_none", ("Esc",), "",
       "Choose nobody", scope="canvas"),
    _A("select_next", "Next pe&rson", "&Edit", "edit.select_next", ("]",), "",
       "Choose the next person", "people", scope="canvas"),
    _A("select_previous", "Pre&vious person", "&Edit", "edit.select_previous", ("[",), "",
       "Choose the previous person", "people", scope="canvas"),
    _A("joint_next", "Ne&xt joint", "&Edit", "edit.joint_next", (".",), "",
       "Choose the next joint", "person", scope="canvas"),
    _A("joint_previous", "Previ&ous joint", "&Edit", "edit.joint_previous", (",",), "",
       "Choose the previous joint", "person", scope="canvas"),
    _A("nudge_left", "&Left", "&Edit/Nud&ge", "pose.nudge_left", ("Left",), "",
       "Move by 1 px", "person", scope="canvas"),
    _A("nudge_right", "&Right", "&Edit/Nud&ge", "pose.nudge_right", ("Right",), "",
       "Move by 1 px", "person", scope="canvas"),
    _A("nudge_up", "&Up", "&Edit/Nud&ge", "pose.nudge_up", ("Up",), "",
       "Move by 1 px", "person", scope="canvas"),
    _A("nudge_down", "&Down", "&Edit/Nud&ge", "pose.nudge_down", ("Down",), "",
       "Move by 1 px", "person", scope="canvas"),
    _A("nudge_left_far", "Left by 10", "&Edit/Nud&ge", "pose.nudge_left_far", ("Shift+Left",), "",
       "Move by 10 px", "person", scope="canvas", rule=True),
    _A("nudge_right_far", "Right by 10", "&Edit/Nud&ge", "pose.nudge_right_far",
       ("Shift+Right",), "", "Move by 10 px", "person", scope="canvas"),
    _A("nudge_up_far", "Up by 10", "&Edit/Nud&ge", "pose.nudge_up_far", ("Shift+Up",), "",
       "Move by 10 px", "person", scope="canvas"),
    _A("nudge_down_far", "Down by 10", "&Edit/Nud&ge", "pose.nudge_down_far", ("Shift+Down",), "",
       "Move by 10 px", "person", scope="canvas"),
    # Tools
    _A("tool_select", "&Select and drag joints", "&Tools", "view.tool_select", ("V",), "select",
       "Drag joints; drag a bone to move the person", checkable=True, group="tool"),
    _A("tool_move", "&Move person", "&Tools", "view.tool_move", ("G",), "move",
       "Drag a whole person", checkable=True, group="tool"),
    _A("tool_rotate", "&Rotate limb", "&Tools", "view.tool_rotate", ("R",), "rotate",
       "Turn a limb about its parent, or a whole person", checkable=True, group="tool"),
    _A("tool_scale", "S&cale person", "&Tools", "view.tool_scale", ("S",), "scale",
       "Make a person larger or smaller", checkable=True, group="tool"),
    _A("tool_add", "&Add person", "&Tools", "view.tool_add", ("A",), "add-person",
       "Click or drag a box to add a person", checkable=True, group="tool"),
    _A("tool_detect", "Find a person in a &box", "&Tools", "view.tool_detect", ("D",),
       "detect-box", "Drag a box around somebody in the photo to find their pose", checkable=True,
       group="tool"),
    _A("limb_lock", "&Limb lock", "&Tools", "view.limb_lock", ("L",), "limb-lock",
       "Dragging keeps bone lengths and takes the limb along; Alt does the opposite for one drag",
       checkable=True, rule=True),
    # Person
    _A("add", "&Add standing person", "&Person", "edit.add_person", ("Ctrl+Shift+N",),
       "add-person", "Add a standing person in the middle of the canvas"),
    _A("add_preset", "Add from &library", "&Person", "view.show_library", ("Ctrl+L",), "library",
       "Search the pose library"),
    _A("duplicate", "&Duplicate", "&Person", "edit.duplicate", ("Ctrl+D",), "duplicate",
       "Add a copy beside the person", "person"),
    _A("delete_person", "De&lete person", "&Person", "edit.delete_person", ("Ctrl+Del",), "delete",
       "Take the person off the canvas", "person"),
    _A("raise", "Bring &forward", "&Person", "edit.bring_forward", ("Ctrl+]",), "up",
       "Draw the person in front of the next one", "person", rule=True),
    _A("lower", "Send &backward", "&Person", "edit.send_backward", ("Ctrl+[",), "down",
       "Draw the person behind the previous one", "person"),
    _A("hide", "&Hide or show", "&Person", "edit.toggle_visible", ("Ctrl+H",), "eye",
       "Hide the person, or show it again", "person", rule=True),
    _A("lock", "Loc&k or unlock", "&Person", "edit.toggle_locked", ("Ctrl+K",), "lock",
       "Keep the mouse from changing the person", "person"),
    _A("rename", "&Rename…", "&Person", "edit.rename", ("F2",), "", "Change the name", "person"),
    _A("colour", "&Colour…", "&Person", "edit.choose_colour", (), "", "Change the colour",
       "person"),
    _A("centre", "C&entre on canvas", "&Person", "edit.centre", ("Ctrl+Shift+M",), "fit",
       "Fit the person into the canvas", "person", rule=True),
    _A("save_pose", "&Save to library…", "&Person", "edit.save_to_library", ("Ctrl+B",), "star",
       "Keep this pose in your library", "person"),
    _A("create_person", "C&reate a person…", "&Person", "reference.create", ("Ctrl+Shift+P",),
       "create-person", "Create a person to pose, without a photo", rule=True),
    _A("reference_ready", "&Ready-made person…", "&Person/Re&ference person",
       "reference.choose_ready", (), "people", "Take one of the ready-made people"),
    _A("reference_file", "Picture from &file…", "&Person/Re&ference person",
       "reference.choose_file", (), "photo",
       "Take a picture of a person, with the keypoint file of the same name beside it"),
    _A("reference_canvas", "Photo and pose of the &canvas", "&Person/Re&ference person",
       "reference.take_canvas", (), "person",
       "Take the photo on the canvas and the active person's pose", "photo"),
    _A("reference_put", "&Put on canvas", "&Person/Re&ference person", "reference.put_on_canvas",
       (), "import", "The picture becomes the background, its pose a person on the canvas",
       "reference", rule=True),
    _A("reference_change", "C&hange…", "&Person/Re&ference person", "reference.change", (),
       "settings", "Open the created person in the dialog again", "created"),
    _A("reference_save", "&Save picture…", "&Person/Re&ference person", "reference.save_picture",
       (), "download", "Save the picture of the reference person", "reference"),
    _A("reference_remove", "Re&move", "&Person/Re&ference person", "reference.remove", (),
       "delete", "Do without a reference person", "reference"),
    _A("transfer_save", "Save picture in the new p&ose…", "&Person/Re&ference person",
       "transfer.save", ("Ctrl+Shift+T",), "transfer",
       "Save the reference person in the pose on the canvas, as large as the photo", "transfer",
       rule=True),
    # Pose
    _A("mirror", "&Mirror left-right", "P&ose", "pose.mirror", ("M",), "mirror",
       "Flip the pose; left stays left in name", "person"),
    _A("turn", "&Turn around", "P&ose", "pose.turn_around", ("T",), "turn",
       "Swap the names of left and right: seen from behind", "person"),
    _A("symmetrise_left", "Symmetrise from the &left", "P&ose", "pose.symmetrise_left",
       ("Ctrl+Alt+L",), "symmetrise", "Copy the left pose to the right side", "person"),
    _A("symmetrise_right", "Symmetrise from the &right", "P&ose", "pose.symmetrise_right",
       ("Ctrl+Alt+R",), "symmetrise-right", "Copy the right pose to the left side", "person"),
    _A("reset_limb", "Re&set limb", "P&ose", "pose.reset_limb", ("Ctrl+R",), "reset",
       "Give the limb of the chosen joint standard proportions", "joints"),
    _A("visible", "Make &visible", "P&ose", "pose.make_visible", ("1",), "eye",
       "The chosen joints are seen", "joints", scope="canvas", rule=True),
    _A("hidden", "Make &hidden", "P&ose", "pose.make_hidden", ("2",), "eye-off",
       "The chosen joints are covered by something", "joints", scope="canvas"),
    _A("absent", "Make &absent", "P&ose", "pose.make_absent", ("3",), "close",
       "The chosen joints are not there", "joints", scope="canvas"),
    _A("confirm", "Joints are ri&ght", "P&ose", "pose.confirm", ("4",), "check",
       "Take the question marks off: of the chosen joints, or of all", "doubtful", scope="canvas"),
    _A("restore", "&Bring back absent joints", "P&ose", "pose.restore_absent", ("Ctrl+Shift+R",),
       "restore", "Put absent joints where a standing person has them", "absent"),
    # Sequence
    _A("seq_add", "&Add this pose", "Se&quence", "sequence.add", ("K",), "plus",
       "Make the pose on the canvas a key pose of the sequence", "person", scope="canvas"),
    _A("seq_play", "&Play or pause", "Se&quence", "sequence.toggle", ("P",), "play",
       "Show the sequence on the canvas and in 3D", "motion", scope="canvas"),
    _A("seq_stop", "&Stop showing it", "Se&quence", "sequence.stop", (), "stop",
       "Back to the canvas as it is", "moment"),
    _A("seq_take", "&Take this moment to the canvas", "Se&quence", "sequence.take_moment",
       (), "person", "The active person takes the pose of the moment shown", "moment"),
    _A("seq_render", "&Render sequence…", "Se&quence", "sequence.render", ("Ctrl+Shift+E",),
       "film", "Write the frames as a GIF, a film, pictures, BVH or keypoints", "sequence",
       rule=True),
    _A("seq_clear", "&Clear the strip", "Se&quence", "sequence.clear", (), "delete",
       "Take all key poses off the strip", "sequence"),
    # View
    _A("zoom_in", "Zoom &in", "&View", "view.zoom_in", ("Ctrl++", "Ctrl+="), "zoom-in", ""),
    _A("zoom_out", "Zoom &out", "&View", "view.zoom_out", ("Ctrl+-",), "zoom-out", ""),
    _A("zoom_100", "Zoom to &100 %", "&View", "view.zoom_100", ("Ctrl+1",), "",
       "One screen pixel for each canvas pixel"),
    _A("fit", "&Fit canvas", "&View", "view.fit", ("Ctrl+0", "F"), "fit", "Show the whole canvas"),
    _A("fit_person", "Fit &person", "&View", "view.fit_person", ("Shift+F",), "",
       "Zoom to the active person", "people"),
    _A("backdrop_plain", "&Plain", "&View/&Backdrop", "view.backdrop_plain", (), "", "",
       checkable=True, group="backdrop"),
    _A("backdrop_grid", "&Grid", "&View/&Backdrop", "view.backdrop_grid", (), "", "",
       checkable=True, group="backdrop"),
    _A("backdrop_checker", "&Checker", "&View/&Backdrop", "view.backdrop_checker", (), "", "",
       checkable=True, group="backdrop"),
    _A("show_names", "&Names of people", "&View", "view.show_names", ("Ctrl+Shift+L",), "labels",
       "", checkable=True),
    _A("theme_system", "As the &system", "&View/&Theme", "view.theme_system", (), "", "",
       checkable=True, group="theme", rule=True),
    _A("theme_light", "&Light", "&View/&Theme", "view.theme_light", (), "", "",
       checkable=True, group="theme"),
    _A("theme_dark", "&Dark", "&View/&Theme", "view.theme_dark", (), "", "",
       checkable=True, group="theme"),
    _A("panels", "&Panels", "&View", "", rule=True),
    _A("reset_layout", "&Reset arrangement", "&View", "view.reset_layout", (), "",
       "Put all panels back where they were at first"),
    _A("full_screen", "F&ull screen", "&View", "view.full_screen", ("F11",), "", "",
       checkable=True),
    # Help
    _A("shortcuts", "&Keyboard shortcuts", "&Help", "view.shortcuts", ("F1", "?"), "keyboard",
       "Every shortcut and mouse gesture"),
    _A("about", "&About PoseApp", "&Help", "view.about", (), "info", "Version, licences, data"),
)  # fmt: skip

SUBMENUS = ("recent", "panels")
"""Entries of the table that are menus which the window fills."""

MOUSE: tuple[tuple[str, str], ...] = (
    ("Drag a joint", "Move it"),
    ("Alt + drag a joint", "Move it with limb lock turned over"),
    ("Shift + drag", "Keep to one direction; snap a rotation to 15°"),
    ("Drag a bone or the torso", "Move the person"),
    ("Drag a corner of the box", "Scale the person; Shift keeps its middle"),
    ("Drag the knob above the box", "Rotate the person"),
    ("Drag on nothing", "Choose joints by a box"),
    ("Shift or Ctrl + click a joint", "Add it to the choice, or take it away"),
    ("Right click a joint", "Visible, hidden, absent in turn"),
    ("Right click elsewhere", "Menu"),
    ("Wheel", "Zoom at the mouse"),
    ("Middle button, or Space + drag", "Move the canvas"),
    ("Esc during a drag", "Break it off"),
    ("Double click a key pose", "Take it to the canvas"),
    ("Drag a key pose", "Change the order of the sequence"),
)
"""What the mouse does, for the shortcuts dialog."""


class ActionSet(QObject):
    """The QActions of the table, wired to the controllers."""

    def __init__(self, window: QWidget, canvas: QWidget, controllers: Mapping[str, object]) -> None:
        super().__init__(window)
        self._actions: dict[str, QAction] = {}
        self._groups: dict[str, QActionGroup] = {}
        self._menus: dict[str, QMenu] = {}
        for spec in ACTIONS:
            if spec.id in SUBMENUS:
                continue
            action = QAction(spec.text, self)
            action.setObjectName(spec.id)
            if spec.icon:
                action.setIcon(icon(spec.icon))
            action.setShortcuts([QKeySequence(key) for key in spec.keys])
            tip = spec.tip or spec.title
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            action.setToolTip(f"{tip} ({keys})" if keys else tip)
            action.setStatusTip(tip)
            action.setCheckable(spec.checkable)
            if spec.group:
                group = self._groups.setdefault(spec.group, QActionGroup(self))
                group.addAction(action)
            if spec.id == "quit":
                action.setMenuRole(QAction.MenuRole.QuitRole)
            elif spec.id == "about":
                action.setMenuRole(QAction.MenuRole.AboutRole)
            elif spec.id == "settings":
                action.setMenuRole(QAction.MenuRole.PreferencesRole)
            else:
                action.setMenuRole(QAction.MenuRole.NoRole)
            if spec.scope == "canvas":
                action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
                canvas.addAction(action)
            else:
                window.addAction(action)
            controller, _, method = spec.slot.partition(".")
            action.triggered.connect(getattr(controllers[controller], method))
            self._actions[spec.id] = action

    def __getitem__(self, action_id: str) -> QAction:
        return self._actions[action_id]

    def fill(self, bar: QMenuBar) -> None:
        """Make the menus in the order of the table."""
        for spec in ACTIONS:
            menu = self._menu(bar, spec.menu)
            if spec.rule:
                top = self._menus[spec.menu.split("/")[0]] if "/" in spec.menu else menu
                if spec.menu.count("/") and not menu.isEmpty():
                    menu.addSeparator()
                elif "/" not in spec.menu:
                    top.addSeparator()
            if spec.id in SUBMENUS:
                self._menus[spec.id] = menu.addMenu(spec.text)
            else:
                menu.addAction(self._actions[spec.id])

    def _menu(self, bar: QMenuBar, path: str) -> QMenu:
        if path not in self._menus:
            above, _, title = path.rpartition("/")
            parent = self._menu(bar, above) if above else bar
            self._menus[path] = parent.addMenu(title)
        return self._menus[path]

    def submenu(self, name: str) -> QMenu:
        """One of `SUBMENUS`, or a menu by its path."""
        return self._menus[name]

    def enable(self, there: set[str]) -> None:
        """Enable what needs nothing or something that is there."""
        for spec in ACTIONS:
            if spec.needs and spec.id in self._actions:
                self._actions[spec.id].setEnabled(spec.needs in there)
