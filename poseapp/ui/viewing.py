"""The Tools, View and Help menus: what changes the window and not the document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from poseapp.ui.canvas.view import CanvasView

if TYPE_CHECKING:
    from poseapp.ui.main_window import MainWindow

_ZOOM_STEP = 1.25


class ViewController(QObject):
    """Slots of actions that leave the document alone."""

    def __init__(self, window: MainWindow, canvas: CanvasView) -> None:
        super().__init__(window)
        self._window = window
        self._canvas = canvas
        self._settings = window.settings

    # -- tools -------------------------------------------------------------------------------
    @Slot()
    def tool_select(self) -> None:
        """Take the select tool."""
        self._canvas.set_tool("select")

    @Slot()
    def tool_move(self) -> None:
        """Take the move tool."""
        self._canvas.set_tool("move")

    @Slot()
    def tool_rotate(self) -> None:
        """Take the rotate tool."""
        self._canvas.set_tool("rotate")

    @Slot()
    def tool_scale(self) -> None:
        """Take the scale tool."""
        self._canvas.set_tool("scale")

    @Slot()
    def tool_add(self) -> None:
        """Take the add tool."""
        self._canvas.set_tool("add")

    @Slot()
    def tool_detect(self) -> None:
        """Take the tool that finds a person in a box of the photo."""
        self._canvas.set_tool("detect")

    @Slot(bool)
    def limb_lock(self, on: bool) -> None:
        """Keep bone lengths while dragging."""
        self._settings.limb_lock = on

    # -- zoom --------------------------------------------------------------------------------
    @Slot()
    def zoom_in(self) -> None:
        """Closer."""
        self._canvas.zoom(_ZOOM_STEP)

    @Slot()
    def zoom_out(self) -> None:
        """Farther."""
        self._canvas.zoom(1.0 / _ZOOM_STEP)

    @Slot()
    def zoom_100(self) -> None:
        """One screen pixel for each canvas pixel."""
        self._canvas.set_zoom(1.0)

    @Slot()
    def fit(self) -> None:
        """The whole canvas."""
        self._canvas.fit()

    @Slot()
    def fit_person(self) -> None:
        """The active person."""
        self._canvas.fit_selection()

    # -- look --------------------------------------------------------------------------------
    @Slot()
    def backdrop_plain(self) -> None:
        """A plain page."""
        self._settings.backdrop = "plain"

    @Slot()
    def backdrop_grid(self) -> None:
        """A page with a grid."""
        self._settings.backdrop = "grid"

    @Slot()
    def backdrop_checker(self) -> None:
        """A checkered page."""
        self._settings.backdrop = "checker"

    @Slot(bool)
    def show_names(self, on: bool) -> None:
        """Names beside people."""
        self._settings.show_names = on

    @Slot()
    def theme_system(self) -> None:
        """Light or dark as the system has it."""
        self._settings.theme = "system"

    @Slot()
    def theme_light(self) -> None:
        """Always light."""
        self._settings.theme = "light"

    @Slot()
    def theme_dark(self) -> None:
        """Always dark."""
        self._settings.theme = "dark"

    @Slot(bool)
    def full_screen(self, on: bool) -> None:
        """Fill the screen, or not."""
        if on:
            self._window.showFullScreen()
        else:
            self._window.showNormal()

    @Slot()
    def reset_layout(self) -> None:
        """Panels back where they were at first."""
        self._window.arrange()

    @Slot()
    def show_library(self) -> None:
        """Bring the library to the front, ready to search."""
        self._window.show_panel("library")
        self._window.library_panel.focus_search()

    @Slot()
    def quit(self) -> None:
        """Close the window."""
        self._window.close()

    # -- dialogs -----------------------------------------------------------------------------
    @Slot()
    def settings(self) -> None:
        """The settings dialog."""
        from poseapp.ui.dialogs.settings import SettingsDialog

        dialog = SettingsDialog(self._settings, self._window)
        dialog.exec()
        dialog.deleteLater()

    @Slot()
    def shortcuts(self) -> None:
        """The shortcuts dialog."""
        from poseapp.ui.dialogs.shortcuts import ShortcutsDialog

        dialog = ShortcutsDialog(self._window)
        dialog.exec()
        dialog.deleteLater()

    @Slot()
    def about(self) -> None:
        """The about dialog."""
        from poseapp.ui.dialogs.about import AboutDialog

        dialog = AboutDialog(self._window)
        dialog.exec()
        dialog.deleteLater()
