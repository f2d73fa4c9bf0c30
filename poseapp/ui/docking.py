"""The docks around the canvas: their titles, their first arrangement, and bringing one forward."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QSize, Qt, QTimer, Slot
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabBar, QTabWidget, QWidget

_LEFT_PX, _RIGHT_PX, _FOOT_PX = 330, 356, 168
_VIEWPORT_SHARE = 0.55


class _NoTitle(QWidget):
    """The title bar of a tabbed dock: a little air."""

    def sizeHint(self) -> QSize:
        return QSize(0, 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 4)


class Docking(QObject):
    """Makes the docks of a window and keeps their titles right.

    Args:
        panels: (name, title, panel) of each dock.
    """

    def __init__(self, window: QMainWindow, panels: Sequence[tuple[str, str, QWidget]]) -> None:
        super().__init__(window)
        self._window = window
        self.docks: dict[str, QDockWidget] = {}
        window.setDockNestingEnabled(True)
        window.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        # What is at the foot belongs to the canvas: the panels beside keep their whole height.
        area, corner = Qt.DockWidgetArea, Qt.Corner
        window.setCorner(corner.BottomLeftCorner, area.LeftDockWidgetArea)
        window.setCorner(corner.BottomRightCorner, area.RightDockWidgetArea)
        self._titles = QTimer(self)
        self._titles.setSingleShot(True)
        self._titles.timeout.connect(self.update_titles)
        for name, title, panel in panels:
            self._add(name, title, panel)

    def _add(self, name: str, title: str, panel: QWidget) -> None:
        dock = QDockWidget(title, self._window)
        dock.setObjectName(f"dock-{name}")
        dock.setWidget(panel)
        feature = QDockWidget.DockWidgetFeature
        dock.setFeatures(
            feature.DockWidgetClosable | feature.DockWidgetMovable | feature.DockWidgetFloatable
        )
        dock.dockLocationChanged.connect(self._titles_later)
        dock.topLevelChanged.connect(self._titles_later)
        dock.visibilityChanged.connect(self._titles_later)
        self.docks[name] = dock

    @Slot()
    def _titles_later(self) -> None:
        self._titles.start(0)  # while Qt is still moving a dock its neighbours are not known

    @Slot()
    def update_titles(self) -> None:
        """A tab says a dock's name already: no title under it."""
        direct = Qt.FindChildOption.FindDirectChildrenOnly
        for bar in self._window.findChildren(QTabBar, options=direct):
            bar.setAccessibleName("Panels")
        for dock in self.docks.values():
            beside = [d for d in self._window.tabifiedDockWidgets(dock) if not d.isHidden()]
            bare = bool(beside) and not dock.isFloating()
            if bare == (dock.titleBarWidget() is None):
                old = dock.titleBarWidget()
                dock.setTitleBarWidget(_NoTitle(dock) if bare else None)  # type: ignore[arg-type]
                if old is not None:
                    old.deleteLater()

    def arrange(self) -> None:
        """The arrangement that the first run shows."""
        area = Qt.DockWidgetArea
        window, docks = self._window, self.docks
        for dock in docks.values():
            dock.setFloating(False)
            window.removeDockWidget(dock)
        window.addDockWidget(area.LeftDockWidgetArea, docks["caption"])
        for name in ("library", "reference"):
            window.tabifyDockWidget(docks["caption"], docks[name])
        window.addDockWidget(area.RightDockWidgetArea, docks["viewport"])
        window.splitDockWidget(docks["viewport"], docks["people"], Qt.Orientation.Vertical)
        for name in ("inspector", "heatmaps", "models"):
            window.tabifyDockWidget(docks["people"], docks[name])
        window.tabifyDockWidget(docks["viewport"], docks["transfer"])
        window.addDockWidget(area.BottomDockWidgetArea, docks["sequence"])
        for dock in docks.values():
            dock.show()
        docks["caption"].raise_()
        docks["viewport"].raise_()
        docks["people"].raise_()
        window.resizeDocks(
            [docks["caption"], docks["viewport"]], [_LEFT_PX, _RIGHT_PX], Qt.Orientation.Horizontal
        )
        high = max(window.height() - 110, 400)
        share = round(high * _VIEWPORT_SHARE)
        vertical = Qt.Orientation.Vertical
        window.resizeDocks([docks["viewport"], docks["people"]], [share, high - share], vertical)
        window.resizeDocks([docks["sequence"]], [_FOOT_PX], vertical)

    def show_panel(self, name: str) -> None:
        """Bring a panel to the front."""
        self.docks[name].show()
        self.docks[name].raise_()
