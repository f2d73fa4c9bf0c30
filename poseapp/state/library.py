"""The pose library: bundled presets and the poses that the user saved."""

from __future__ import annotations

import json
import logging
import re
import unicodedata
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from poseapp.core.errors import DocumentError, PoseAppError
from poseapp.core.paths import resources_dir
from poseapp.core.pose import Pose2D
from poseapp.formats.files import dump_json, write_bytes

log = logging.getLogger(__name__)

_SCHEMA = 1


@dataclass(frozen=True)
class LibraryPose:
    """One pose of the library.

    Attributes:
        tags: words that a search finds it by, besides its name.
        thumbnails: folder of bundled pictures, one below ``light`` and one below ``dark``; None
            for a user's pose, which is drawn when it is shown.
        path: file of a user's pose; None for a bundled one.
    """

    id: str
    name: str
    pose: Pose2D = field(repr=False)
    tags: tuple[str, ...] = ()
    group: str = "Mine"
    thumbnails: Path | None = None
    path: Path | None = None

    def thumbnail(self, dark: bool) -> Path | None:
        """The bundled picture that suits a theme."""
        if self.thumbnails is None:
            return None
        return self.thumbnails / ("dark" if dark else "light") / f"{self.id}.png"

    @property
    def own(self) -> bool:
        """The user saved it."""
        return self.path is not None


def plain(text: str) -> str:
    """Lower case without accents, to search by."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in parts if not unicodedata.combining(c))


class PoseLibrary:
    """All poses that can be added by name.

    Args:
        own_folder: where the user's poses lie; it is made with the first of them.
        bundled: folder of ``presets.json`` and the thumbnails; None = the app's own.
    """

    def __init__(self, own_folder: Path, bundled: Path | None = None) -> None:
        self._own_folder = own_folder
        self._bundled = bundled if bundled is not None else resources_dir() / "poses"
        self._poses: dict[str, LibraryPose] | None = None

    @property
    def poses(self) -> tuple[LibraryPose, ...]:
        """The user's poses, newest first, then the bundled ones."""
        if self._poses is None:
            own = self._read_own()
            self._poses = {p.id: p for p in (*own, *self._read_bundled())}
        return tuple(self._poses.values())

    def get(self, pose_id: str) -> LibraryPose | None:
        """The pose of that id."""
        return next((pose for pose in self.poses if pose.id == pose_id), None)

    def search(self, text: str) -> list[LibraryPose]:
        """Poses in whose name, tags or group every word of `text` begins a word."""
        words = plain(text).split()
        found = []
        for pose in self.poses:
            have = plain(" ".join((pose.name, pose.group, *pose.tags))).replace("-", " ").split()
            if all(any(h.startswith(word) for h in have) for word in words):
                found.append(pose)
        return found

    def add(self, name: str, pose: Pose2D) -> LibraryPose:
        """Keep a pose; DocumentError when its file cannot be written."""
        pose_id = uuid.uuid4().hex[:12]
        stem = re.sub(r"[^\w-]+", "-", name, flags=re.UNICODE).strip("-")[:40] or "pose"
        path = self._own_folder / f"{stem}-{pose_id}.json"
        content = {
            "schema": _SCHEMA,
            "id": pose_id,
            "name": name,
            "keypoints": [[round(float(v), 3) for v in row] for row in pose.keypoints],
            "visibility": [int(v) for v in pose.visibility],
        }
        try:
            self._own_folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise DocumentError(
                f"Cannot make the folder {self._own_folder}: {exc.strerror or exc}."
            ) from exc
        write_bytes(path, dump_json(content))
        entry = LibraryPose(pose_id, name, pose, path=path)
        self._poses = {pose_id: entry, **{p.id: p for p in self.poses}}
        return entry

    def remove(self, pose_id: str) -> None:
        """Forget one of the user's poses; bundled ones stay."""
        entry = self.get(pose_id)
        if entry is None or entry.path is None:
            return
        try:
            entry.path.unlink(missing_ok=True)
        except OSError as exc:
            raise DocumentError(f"Cannot delete {entry.name}: {exc.strerror or exc}.") from exc
        assert self._poses is not None
        del self._poses[pose_id]

    def _read_own(self) -> list[LibraryPose]:
        found = []
        try:
            paths = sorted(
                self._own_folder.glob("*.json"), key=lambda p: p.stat().st_mtime, reverse=True
            )
        except OSError:
            return []
        for path in paths:
            try:
                value = json.loads(path.read_text("utf-8"))
                found.append(_entry(value, "Mine", path=path))
            except (OSError, ValueError, KeyError, TypeError, PoseAppError) as exc:
                log.warning("Passing over %s in the library: %s", path.name, exc)
        return found

    def _read_bundled(self) -> list[LibraryPose]:
        try:
            value = json.loads((self._bundled / "presets.json").read_text("utf-8"))
            entries = value["poses"]
        except (OSError, ValueError, KeyError) as exc:
            log.warning("No bundled poses: %s", exc)
            return []
        return [_entry(e, e["group"], self._bundled / "thumbnails") for e in entries]


def poses_of(value: Any, name: str) -> tuple[LibraryPose, ...]:
    """The poses of a file like the library's own; none where it is another kind of file.

    Args:
        value: the parsed JSON of the bundled poses, or of one that a user saved.
        name: what to call the file in messages.
    """
    if not isinstance(value, dict) or "schema" not in value:
        return ()
    entries = value.get("poses", [value])
    try:
        return tuple(_entry(e, str(e.get("group", "Mine"))) for e in entries)
    except (AttributeError, KeyError, TypeError, PoseAppError) as exc:
        raise DocumentError(f"{name} is damaged: it does not hold what the library keeps.") from exc


def _entry(
    value: dict[str, Any], group: str, thumbnails: Path | None = None, path: Path | None = None
) -> LibraryPose:
    pose = Pose2D(value["keypoints"], value.get("visibility"))
    tags = tuple(str(tag) for tag in value.get("tags", ()))
    return LibraryPose(str(value["id"]), str(value["name"]), pose, tags, group, thumbnails, path)
