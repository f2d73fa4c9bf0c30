"""Light and dark: palettes, stylesheet and canvas colours, as the system has it or forced."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from string import Template

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from poseapp.core.paths import resources_dir
from poseapp.state.settings import Settings


@dataclass(frozen=True)
class Colours:
    """Every colour of one theme, as #rrggbb."""

    window: str
    panel: str
    base: str
    alternate: str
    text: str
    muted: str
    button: str
    border: str
    hover: str
    pressed: str
    accent: str
    accent_text: str
    accent_soft: str
    link: str
    surround: str
    """Around the canvas page."""
    page: str
    page_line: str
    page_check: str
    page_border: str
    halo: str
    """Soft outline of a skeleton, near the page's own colour."""
    joint_rim: str
    warning: str
    error: str
    success: str
    tooltip: str
    tooltip_text: str


LIGHT = Colours(
    window="#f3f4f6", panel="#f3f4f6", base="#ffffff", alternate="#f7f8fa", text="#1d2330",
    muted="#667085", button="#fdfdfe", border="#d3d8e0", hover="#e6e9ef", pressed="#d9dee7",
    accent="#2f6fed", accent_text="#ffffff", accent_soft="#dfe9ff", link="#1f5fd8",
    surround="#e3e6eb", page="#ffffff", page_line="#eef0f4", page_check="#f3f4f7",
    page_border="#c9cfd8", halo="#ffffff", joint_rim="#ffffff", warning="#b45f06",
    error="#c4314b", success="#1a8754", tooltip="#2a303c", tooltip_text="#f5f7fa",
)  # fmt: skip

DARK = Colours(
    window="#1f2227", panel="#1f2227", base="#17191d", alternate="#1c1f24", text="#e3e7ee",
    muted="#98a2b3", button="#2d3138", border="#3a3f48", hover="#31363e", pressed="#3a404a",
    accent="#4c8dff", accent_text="#ffffff", accent_soft="#25385c", link="#7fb0ff",
    surround="#131518", page="#24282e", page_line="#2b3037", page_check="#292e35",
    page_border="#3d434d", halo="#14161a", joint_rim="#f4f6fa", warning="#f0b354",
    error="#ff7a8a", success="#5bd08f", tooltip="#3a404a", tooltip_text="#f5f7fa",
)  # fmt: skip


def palette_of(colours: Colours) -> QPalette:
    """The Qt palette of a theme."""
    palette = QPalette()
    role = QPalette.ColorRole
    for which, colour in (
        (role.Window, colours.window),
        (role.WindowText, colours.text),
        (role.Base, colours.base),
        (role.AlternateBase, colours.alternate),
        (role.Text, colours.text),
        (role.Button, colours.button),
        (role.ButtonText, colours.text),
        (role.BrightText, colours.error),
        (role.Highlight, colours.accent),
        (role.HighlightedText, colours.accent_text),
        (role.Accent, colours.accent),
        (role.Link, colours.link),
        (role.LinkVisited, colours.link),
        (role.ToolTipBase, colours.tooltip),
        (role.ToolTipText, colours.tooltip_text),
        (role.PlaceholderText, colours.muted),
        (role.Mid, colours.border),
        (role.Midlight, colours.hover),
        (role.Dark, colours.border),
        (role.Light, colours.base),
    ):
        palette.setColor(which, QColor(colour))
    faded = QColor(colours.muted)
    faded.setAlpha(150)
    disabled = QPalette.ColorGroup.Disabled
    for which in (role.WindowText, role.Text, role.ButtonText, role.PlaceholderText):
        palette.setColor(disabled, which, faded)
    palette.setColor(disabled, role.Highlight, QColor(colours.border))
    return palette


class Theme(QObject):
    """Keeps the application in the theme that the settings ask for."""

    changed = Signal()

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._dark: bool | None = None
        # Windows and macOS keep their own style; elsewhere Fusion draws in our colours.
        self._native = sys.platform in ("win32", "darwin")
        settings.changed.connect(self._on_setting_changed)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_scheme_changed)

    @property
    def dark(self) -> bool:
        """The dark theme is in force."""
        return bool(self._dark)

    @property
    def colours(self) -> Colours:
        """The colours in force."""
        return DARK if self._dark else LIGHT

    def apply(self) -> None:
        """Bring the application in line with the settings and the system."""
        hints = QGuiApplication.styleHints()
        wanted = {
            "system": Qt.ColorScheme.Unknown,
            "light": Qt.ColorScheme.Light,
            "dark": Qt.ColorScheme.Dark,
        }[self._settings.theme]
        hints.setColorScheme(wanted)
        if self._settings.theme == "system":
            dark = hints.colorScheme() == Qt.ColorScheme.Dark
        else:
            dark = self._settings.theme == "dark"
        if dark == self._dark:
            return
        self._dark = dark
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        if not self._native:
            if app.style().name() != "fusion":
                app.setStyle("Fusion")
            app.setPalette(palette_of(self.colours))
        app.setStyleSheet(stylesheet(self.colours, self._native))
        self.changed.emit()

    @Slot(str)
    def _on_setting_changed(self, key: str) -> None:
        if key == "look/theme":
            self.apply()

    @Slot()
    def _on_scheme_changed(self) -> None:
        self.apply()


def stylesheet(colours: Colours, native: bool) -> str:
    """The bundled stylesheets with a theme's colours filled in.

    Args:
        native: a style of the system's own draws the controls.
    """
    folder = resources_dir() / "style"
    names = ("app.qss",) if native else ("fusion.qss", "app.qss")
    text = "\n".join((folder / name).read_text("utf-8") for name in names)
    tone = "dark" if colours is DARK else "light"
    return Template(text).substitute(asdict(colours), folder=folder.as_posix(), tone=tone)
