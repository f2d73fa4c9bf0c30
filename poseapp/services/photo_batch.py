"""Many photos in, their people out: which are done, what is written, where to go on. No Qt.

After each photo a line is kept in a journal beside the results, so that a batch that was stopped
goes on where it was. The window and the command line work through the same `PhotoBatch`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from poseapp.core.detection import DETECTION_KEY, proposals
from poseapp.core.document import MAX_CANVAS_PX, Document, Person
from poseapp.core.errors import DocumentError
from poseapp.core.photo import PHOTO_EXTENSIONS
from poseapp.core.pose import Pose2D
from poseapp.formats import coco, openpose, values
from poseapp.formats.files import dump_json, write_bytes
from poseapp.services.batch import make_folder

JOURNAL_SUFFIX = ".part"
_FOLDER_JOURNAL = ".poseapp-detect" + JOURNAL_SUFFIX
_FORMAT = "poseapp-detect"


@dataclass(frozen=True)
class Outputs:
    """Where results go; at least one of these.

    Attributes:
        coco: one COCO keypoint file of all photos.
        openpose: folder of an OpenPose file for each photo.
        overlay: folder of a picture for each photo, with the poses drawn over it.
    """

    coco: Path | None = None
    openpose: Path | None = None
    overlay: Path | None = None

    @property
    def journal(self) -> Path:
        """Where a batch keeps what is done."""
        if self.coco is not None:
            return self.coco.with_name(self.coco.name + JOURNAL_SUFFIX)
        folder = self.openpose or self.overlay
        if folder is None:
            raise DocumentError("Say where the poses go: a COCO file or a folder.")
        return folder / _FOLDER_JOURNAL


def photos_in(folder: Path) -> list[Path]:
    """The photos of a folder, by name."""
    return sorted(
        p for p in folder.iterdir() if p.suffix.lower() in PHOTO_EXTENSIONS and p.is_file()
    )


@dataclass
class PhotoBatch:
    """The state of a batch.

    Args:
        photos: in the order of the COCO file's images.
        by: models and options that results depend on; a journal of others is not gone on with.
        resume: go on where an earlier batch of the same outputs stopped.
    """

    photos: Sequence[Path]
    outputs: Outputs
    by: str = ""
    resume: bool = False
    failed: dict[Path, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.photos = list(dict.fromkeys(Path(p) for p in self.photos))
        self._names = _names(self.photos)
        self._rows: dict[str, dict[str, Any]] = {}
        journal = self.outputs.journal
        for folder in (self.outputs.openpose, self.outputs.overlay, journal.parent):
            if folder is not None:
                make_folder(folder)
        if self.resume:
            self._rows = self._read(journal)
        self.resumed = len(self.photos) - len(self.waiting())
        self._begin(journal)

    # -- what is done ------------------------------------------------------------------------
    def waiting(self) -> list[Path]:
        """Photos that are neither done nor failed."""
        return [p for p in self.photos if p not in self.failed and not self._is_done(p)]

    @property
    def done(self) -> int:
        """How many photos have results."""
        return sum(self._is_done(p) for p in self.photos)

    @property
    def people(self) -> int:
        """How many people were found in all."""
        return sum(len(row["people"]) for row in self._rows.values())

    def _is_done(self, path: Path) -> bool:
        row = self._rows.get(_key(path))
        return row is not None and row["stamp"] == _stamp(path) and self._outputs_there(path, row)

    def _outputs_there(self, path: Path, row: dict[str, Any]) -> bool:
        return all(file.is_file() for file in self.targets(path).values())

    def targets(self, path: Path) -> dict[str, Path]:
        """Files of one photo: "openpose" and "overlay", as far as they are wanted."""
        name, outputs = self._names[path], self.outputs
        files = {}
        if outputs.openpose is not None:
            files["openpose"] = outputs.openpose / f"{name}_keypoints.json"
        if outputs.overlay is not None:
            files["overlay"] = outputs.overlay / f"{name}_pose.jpg"
        return files

    # -- results -----------------------------------------------------------------------------
    def add(self, path: Path, found: dict[str, Any]) -> int:
        """Write what `detect_file` found in a photo; returns how many people that is.

        Raises:
            DocumentError: it cannot be written.
        """
        people = proposals(_with_maps(found))
        poses = [p.pose for p in people]
        size = (int(found["size"][0]), int(found["size"][1]))
        document = _document(poses, size)
        for kind, file in self.targets(path).items():
            write_bytes(file, openpose.dump(document) if kind == "openpose" else found["overlay"])
        entries = json.loads(coco.dump(document))["annotations"]
        for entry, person in zip(entries, people, strict=True):
            box = [values.tidy(float(v)) for v in person.box]
            entry |= {"bbox": box, "area": values.tidy(box[2] * box[3])}
            entry |= {"score": values.tidy(person.confidence, 6), DETECTION_KEY: person.model}
        row = {"photo": _key(path), "stamp": _stamp(path), "size": size, "people": entries}
        self._rows[_key(path)] = row
        self._append(row)
        return len(people)

    def fail(self, path: Path, problem: str) -> None:
        """Remember why a photo could not be used; a resumed batch tries it again."""
        self.failed[path] = problem

    def finish(self) -> None:
        """Write the COCO file of all that is done; the journal goes when nothing is left to do.

        Raises:
            DocumentError: it cannot be written.
        """
        if self.outputs.coco is not None:
            write_bytes(self.outputs.coco, self._coco())
        if not self.waiting() and not self.failed:
            self.outputs.journal.unlink(missing_ok=True)

    def _coco(self) -> bytes:
        value = json.loads(coco.dump(Document()))
        template = value["images"][0]
        value["images"], value["annotations"] = [], []
        common = _common(self.photos)
        for number, path in enumerate(self.photos, 1):
            row = self._rows.get(_key(path))
            if row is None or not self._is_done(path):
                continue
            width, height = row["size"]
            name = path.absolute().relative_to(common).as_posix()
            image = {"id": number, "file_name": name, "width": width, "height": height}
            value["images"].append({**template, **image})
            for entry in row["people"]:
                place = len(value["annotations"]) + 1
                value["annotations"].append({**entry, "id": place, "image_id": number})
        value["info"]["description"] = f"Keypoints found with PoseApp ({self.by})"
        return dump_json(value)

    # -- the journal -------------------------------------------------------------------------
    def _read(self, journal: Path) -> dict[str, dict[str, Any]]:
        try:
            lines = journal.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return {}
        rows: dict[str, dict[str, Any]] = {}
        for number, line in enumerate(lines):
            try:
                row = json.loads(line)
            except ValueError:
                continue  # cut off when the batch was stopped
            if number == 0:
                if row != self._head():
                    return {}
            elif isinstance(row, dict) and {"photo", "stamp", "size", "people"} <= set(row):
                rows[str(row["photo"])] = row
        return rows

    def _begin(self, journal: Path) -> None:
        """Written anew, so that a line that was cut off does not spoil the next one."""
        lines = [self._head(), *self._rows.values()]
        write_bytes(journal, b"".join(json.dumps(line).encode() + b"\n" for line in lines))

    def _head(self) -> dict[str, Any]:
        return {"format": _FORMAT, "version": 1, "by": self.by}

    def _append(self, row: dict[str, Any]) -> None:
        journal = self.outputs.journal
        try:
            with journal.open("ab") as file:
                file.write(json.dumps(row).encode() + b"\n")
        except OSError as exc:
            raise DocumentError(f"Cannot write {journal.name}: {exc.strerror or exc}.") from exc


def _with_maps(found: dict[str, Any]) -> dict[str, Any]:
    """What `proposals` reads; a batch keeps no heatmaps."""
    count = len(found["boxes"])
    nothing = {"heatmaps": np.zeros((count, 17, 1, 1)), "to_photo": np.zeros((count, 2, 3))}
    return {**found, **nothing}


def _document(poses: Sequence[Pose2D], size: tuple[int, int]) -> Document:
    canvas = (min(size[0], MAX_CANVAS_PX), min(size[1], MAX_CANVAS_PX))
    return Document(canvas, tuple(Person(pose) for pose in poses))


def _key(path: Path) -> str:
    return str(path.absolute())


def _stamp(path: Path) -> list[int]:
    """Another file of the same name is another photo."""
    try:
        stat = path.stat()
    except OSError:
        return []
    return [stat.st_size, stat.st_mtime_ns]


def _names(photos: Sequence[Path]) -> dict[Path, str]:
    names: dict[Path, str] = {}
    taken: set[str] = set()
    for path in photos:
        name, number = path.stem, 2
        while name.lower() in taken:
            name, number = f"{path.stem}-{number}", number + 1
        taken.add(name.lower())
        names[path] = name
    return names


def _common(photos: Sequence[Path]) -> Path:
    return Path(os.path.commonpath([path.absolute().parent for path in photos]))
