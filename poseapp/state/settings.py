"""Typed facade over QSettings: the only file that touches it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QByteArray, QObject, QSettings, QStandardPaths, Signal

THEMES: Final = ("system", "light", "dark")
BACKDROPS: Final = ("plain", "grid", "checker")
MAX_RECENT: Final = 10


class Settings(QObject):
    """What the user chose, kept between runs.

    Panels keep their own small values through `get` and `put` under a prefix of their own, say
    ``caption/seed``; what several parts share has a property here.

    Args:
        store: where to keep them; None = the user's own settings.
        data_dir: where user poses and recovery files go; None = the system's place for them.
    """

    changed = Signal(str)
    """The key of a value that is now another."""

    def __init__(
        self,
        store: QSettings | None = None,
        data_dir: Path | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._store = store if store is not None else QSettings("PoseApp", "PoseApp")
        self._data_dir = data_dir

    @classmethod
    def in_folder(cls, folder: Path) -> Settings:
        """Settings that live in a folder alone and leave the user's own untouched."""
        store = QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat)
        return cls(store, folder / "data")

    # -- any value ---------------------------------------------------------------------------
    def get(self, key: str, default: Any) -> Any:
        """The value of `key` in the type of `default` (bool, int, float, str, list or dict)."""
        if isinstance(default, list | dict):  # as JSON: QSettings turns ["a"] into "a"
            text: Any = self._store.value(key, "", type=str)
            try:
                value = json.loads(text) if text else default
            except ValueError:
                return default
            return value if isinstance(value, type(default)) else default
        if not self._store.contains(key):
            return default
        text = self._store.value(key, "", type=str)
        if isinstance(default, bool):
            return {"true": True, "false": False}.get(text.lower(), default)
        try:
            return type(default)(text)
        except ValueError:  # a value of another type was stored
            return default

    def put(self, key: str, value: Any) -> None:
        """Keep a value; `changed` follows when it is another one."""
        stored = json.dumps(value) if isinstance(value, list | dict) else value
        if self._store.contains(key) and self.get(key, value) == value:
            return
        self._store.setValue(key, stored)
        self.changed.emit(key)

    def sync(self) -> None:
        """Write to disk now."""
        self._store.sync()

    # -- places ------------------------------------------------------------------------------
    @property
    def data_dir(self) -> Path:
        """Folder of the user's own poses and recovery files; it may not exist yet."""
        if self._data_dir is not None:
            return self._data_dir
        where = QStandardPaths.StandardLocation.GenericDataLocation
        return Path(QStandardPaths.writableLocation(where)) / "PoseApp"

    @property
    def last_folder(self) -> Path:
        """Folder that the file dialogs open in."""
        kept = self.get("files/last_folder", "")
        if kept and Path(kept).is_dir():
            return Path(kept)
        where = QStandardPaths.StandardLocation.DocumentsLocation
        return Path(QStandardPaths.writableLocation(where) or Path.home())

    @last_folder.setter
    def last_folder(self, folder: Path) -> None:
        self.put("files/last_folder", str(folder))

    @property
    def recent_files(self) -> list[Path]:
        """Files opened or saved of late, newest first, those that still exist."""
        kept = [Path(name) for name in self.get("files/recent", []) if isinstance(name, str)]
        return [path for path in kept if path.is_file()]

    def add_recent(self, path: Path) -> None:
        """Put a file at the head of the recent ones."""
        path = path.absolute()
        names = [str(path)] + [str(p) for p in self.recent_files if p != path]
        self.put("files/recent", names[:MAX_RECENT])

    def clear_recent(self) -> None:
        """Forget the recent files."""
        self.put("files/recent", [])

    # -- look --------------------------------------------------------------------------------
    @property
    def theme(self) -> str:
        """One of `THEMES`."""
        value = self.get("look/theme", "system")
        return value if value in THEMES else "system"

    @theme.setter
    def theme(self, value: str) -> None:
        self.put("look/theme", value)

    @property
    def backdrop(self) -> str:
        """How the canvas page looks without a photo: one of `BACKDROPS`."""
        value = self.get("canvas/backdrop", "grid")
        return value if value in BACKDROPS else "grid"

    @backdrop.setter
    def backdrop(self, value: str) -> None:
        self.put("canvas/backdrop", value)

    @property
    def joint_radius_px(self) -> float:
        """Radius of a joint's dot on screen."""
        return float(min(max(self.get("canvas/joint_radius_px", 5.0), 2.0), 12.0))

    @joint_radius_px.setter
    def joint_radius_px(self, value: float) -> None:
        self.put("canvas/joint_radius_px", float(value))

    @property
    def bone_width_px(self) -> float:
        """Width of a thigh on screen; the other bones follow."""
        return float(min(max(self.get("canvas/bone_width_px", 9.0), 2.0), 24.0))

    @bone_width_px.setter
    def bone_width_px(self, value: float) -> None:
        self.put("canvas/bone_width_px", float(value))

    @property
    def show_names(self) -> bool:
        """People's names beside them on the canvas."""
        return self.get("canvas/show_names", True)

    @show_names.setter
    def show_names(self, value: bool) -> None:
        self.put("canvas/show_names", bool(value))

    # -- editing -----------------------------------------------------------------------------
    @property
    def limb_lock(self) -> bool:
        """A drag keeps bone lengths and takes the rest of the limb along."""
        return self.get("edit/limb_lock", False)

    @limb_lock.setter
    def limb_lock(self, value: bool) -> None:
        self.put("edit/limb_lock", bool(value))

    @property
    def canvas_size(self) -> tuple[int, int]:
        """(width, height) px of a new document."""
        return self.get("canvas/new_width", 768), self.get("canvas/new_height", 768)

    @canvas_size.setter
    def canvas_size(self, size: tuple[int, int]) -> None:
        self.put("canvas/new_width", int(size[0]))
        self.put("canvas/new_height", int(size[1]))

    @property
    def autosave_s(self) -> int:
        """Seconds between a change and its copy in the recovery file; 0 = off."""
        return max(0, self.get("files/autosave_s", 5))

    @autosave_s.setter
    def autosave_s(self, value: int) -> None:
        self.put("files/autosave_s", int(value))

    # -- models ------------------------------------------------------------------------------
    @property
    def word_vectors(self) -> str:
        """A fastText .bin or .vec file used in place of the bundled table; "" = the bundled one."""
        return self.get("models/word_vectors", "")

    @word_vectors.setter
    def word_vectors(self, value: str) -> None:
        self.put("models/word_vectors", value)

    @property
    def detect_photos(self) -> bool:
        """Look for people in a photo as soon as it is opened."""
        return self.get("photos/detect", True)

    @detect_photos.setter
    def detect_photos(self, value: bool) -> None:
        self.put("photos/detect", bool(value))

    @property
    def people_pack(self) -> str:
        """Folder of the assets that people are made of; "" = none was built or chosen."""
        return self.get("people/pack", "")

    @people_pack.setter
    def people_pack(self, value: str) -> None:
        self.put("people/pack", value)

    @property
    def device(self) -> str:
        """auto, cpu, cuda or mps."""
        return self.get("models/device", "auto")

    @device.setter
    def device(self, value: str) -> None:
        self.put("models/device", value)

    # -- window ------------------------------------------------------------------------------
    def window_state(self) -> tuple[QByteArray, QByteArray] | None:
        """(geometry, dock state) of the last run, None on the first."""
        geometry: Any = self._store.value("window/geometry", QByteArray(), type=QByteArray)
        state: Any = self._store.value("window/state", QByteArray(), type=QByteArray)
        return None if geometry.isEmpty() else (geometry, state)

    def keep_window_state(self, geometry: QByteArray, state: QByteArray) -> None:
        """Remember where the window and its docks are."""
        self._store.setValue("window/geometry", geometry)
        self._store.setValue("window/state", state)

    def forget_window_state(self) -> None:
        """Let the next window take the default arrangement."""
        self._store.remove("window")


def recent_titles(paths: Sequence[Path]) -> list[str]:
    """Menu titles of recent files: the name, with its folder where two names are alike."""
    names = [path.name for path in paths]
    return [
        name if names.count(name) == 1 else f"{name} ({path.parent.name})"
        for name, path in zip(names, paths, strict=True)
    ]
