"""Project files (.pose): a zip of `document.json` and the bytes of its photos as they came.

Schema 2 is written. Schema 1 is read: there a person's keypoints were one flat list of x, y and
visibility, confidence did not exist, and the canvas was `width` and `height`.

A zip from elsewhere may be a bomb, so the table of contents is checked before anything is unpacked,
and what is unpacked is counted.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from poseapp.core.document import PERSON_COLOURS, Document, Person, Photo, ReferencePerson
from poseapp.core.errors import FormatError, PoseAppError
from poseapp.core.pose import Pose2D
from poseapp.core.sequence import PoseSequence
from poseapp.core.skeleton import COCO_17
from poseapp.formats import sequence_json, values
from poseapp.formats.files import dump_json, parse_json, read_bytes, write_bytes

SCHEMA = 2
_NAME = "document.json"
_MAX_BYTES = 320 * 2**20
_MAX_JSON_BYTES = 64 * 2**20
_MAX_PHOTO_BYTES = 256 * 2**20
_MAX_ENTRIES = 32
_MAX_CONTENTS_BYTES = 64 * 1024
_MAX_RATIO = 200  # of honest JSON it is below 50
_FREE_RATIO_BYTES = 2**20
_MAX_EXTRA_NODES = 200_000
_EPOCH = (1980, 1, 1, 0, 0, 0)
_ZIP_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    KeyError,
    IndexError,
    OverflowError,
    MemoryError,
)


def recognises(data: bytes) -> bool:
    """The bytes start a zip; whether it is a project shows when it is loaded."""
    return data[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def save(document: Document, path: Path) -> None:
    """Write a project beside and replace; DocumentError leaves the old file whole."""
    write_bytes(Path(path), dump(document))


def load(path: Path) -> Document:
    """Open a project of this or an older schema."""
    path = Path(path)
    return loads(read_bytes(path, _MAX_BYTES), path.name)


def dump(document: Document) -> bytes:
    """The bytes of a project file; the same document always gives the same bytes."""
    photo, reference = document.photo, document.reference
    content: dict[str, Any] = {
        **_kept_unknown(document.extra),
        "format": "poseapp-project",
        "schema": SCHEMA,
        "size": list(document.size),
        "photo": None,
        "photo_opacity": document.photo_opacity,
        "people": [_person_out(person) for person in document.people],
        "extra": {k: v for k, v in document.extra.items() if k != "pose" and _is_light(v)},
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        if photo is not None:
            # Encoded pictures do not shrink any further, so they are stored.
            archive.writestr(_entry("photo", zipfile.ZIP_STORED), photo.data)
            content["photo"] = _photo_out(photo, "photo")
        if reference is not None:
            archive.writestr(_entry("reference", zipfile.ZIP_STORED), reference.photo.data)
            content["reference"] = _reference_out(reference)
        if document.sequence != PoseSequence():
            content["sequence"] = sequence_json.dump(document.sequence, _pose_out)
        archive.writestr(_entry(_NAME, zipfile.ZIP_DEFLATED), dump_json(content))
    return buffer.getvalue()


def _entry(name: str, compression: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = compression
    entry.external_attr = 0o644 << 16
    return entry


def _photo_out(photo: Photo, file: str) -> dict[str, Any]:
    return {"file": file, "name": photo.name, "size": list(photo.size)}


def _pose_out(pose: Pose2D) -> dict[str, Any]:
    return {
        "keypoints": pose.keypoints.tolist(),
        "visibility": pose.visibility.tolist(),
        "confidence": pose.confidence.tolist(),
    }


def _reference_out(reference: ReferencePerson) -> dict[str, Any]:
    return {
        "photo": _photo_out(reference.photo, "reference"),
        "name": reference.name,
        **_pose_out(reference.pose),
        "person": reference.person,
        "created": reference.created,
    }


def _person_out(person: Person) -> dict[str, Any]:
    return {
        **_kept_unknown(person.extra),
        "id": person.id,
        "name": person.name,
        "colour": person.colour,
        "visible": person.visible,
        "locked": person.locked,
        **_pose_out(person.pose),
        "extra": {k: v for k, v in person.extra.items() if k != "pose"},
    }


def _kept_unknown(extra: dict[str, Any]) -> dict[str, Any]:
    unknown = extra.get("pose")
    return unknown if isinstance(unknown, dict) else {}


def _is_light(value: Any) -> bool:
    """Not the thousands of images of a whole data set: an autosave cannot carry them along."""
    count, waiting = 0, [value]
    while waiting and count <= _MAX_EXTRA_NODES:
        node = waiting.pop()
        inside = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        count += 1 + len(inside)
        waiting.extend(v for v in inside if isinstance(v, dict | list))
    return count <= _MAX_EXTRA_NODES


def loads(data: bytes, name: str) -> Document:
    """The document in the bytes of a project file."""
    try:
        return _loads(data, name)
    except PoseAppError:
        raise
    except _ZIP_FAULTS as exc:
        raise FormatError(
            f"{name} is damaged or no project of PoseApp: open a copy or the recovered document."
        ) from exc


def _loads(data: bytes, name: str) -> Document:
    _check_contents(data, name)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        if len(archive.infolist()) > _MAX_ENTRIES:
            raise FormatError(f"{name} holds too many files to be a project of PoseApp.")
        if _NAME not in entries:
            raise FormatError(f"{name} is a zip file, but no project of PoseApp.")
        body = _unpack(archive, entries[_NAME], _MAX_JSON_BYTES, name)
        content = values.mapping(parse_json(body, name), "a project", name)
        schema = content.get("schema", content.get("version"))
        if isinstance(schema, bool) or not isinstance(schema, int) or schema < 1:
            raise FormatError(f"{name} does not say which schema it has: it is no whole project.")
        if schema > SCHEMA:
            raise FormatError(
                f"{name} was saved by a newer PoseApp (schema {schema}): update PoseApp to open it."
            )
        if schema == 1:
            content = _from_schema_1(content, name)
        photo = content.get("photo")
        picture = None
        if photo is not None:
            photo = values.mapping(photo, "the photo", name)
            file = photo.get("file")
            if not isinstance(file, str) or file not in entries:
                raise FormatError(f"{name} is damaged: its photo is missing.")
            picture = _unpack(archive, entries[file], _MAX_PHOTO_BYTES, name)
        reference = _reference(content.get("reference"), archive, entries, name)
    sequence = sequence_json.load(content.get("sequence"), name, _pose_in)
    return replace(_document(content, picture, name), reference=reference, sequence=sequence)


def _reference(
    stored: Any, archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], name: str
) -> ReferencePerson | None:
    if stored is None:
        return None
    stored = values.mapping(stored, "the reference person", name)
    photo = values.mapping(stored.get("photo"), "the photo of the reference person", name)
    file = photo.get("file")
    if not isinstance(file, str) or file not in entries:
        return None  # a PoseApp that knows no reference person saved it and left the photo out
    data = _unpack(archive, entries[file], _MAX_PHOTO_BYTES, name)
    known: dict[str, Any] = {}
    for key, kind in (("name", str), ("person", dict), ("created", bool)):
        if isinstance(stored.get(key), kind):
            known[key] = stored[key]
    return ReferencePerson(_photo(photo, data, name), _pose_in(stored, name), **known)


def _check_contents(data: bytes, name: str) -> None:
    """Refuse a table of contents that alone would fill the memory."""
    end = data.rfind(b"PK\x05\x06", max(0, len(data) - 66_000))
    if end < 0:
        raise FormatError(f"{name} is cut short or no project of PoseApp: open a copy.")
    count, length = struct.unpack_from("<HI", data, end + 10)
    zip64 = data.find(b"PK\x06\x07", max(0, end - 64), end) >= 0
    if count > _MAX_ENTRIES or length > _MAX_CONTENTS_BYTES or zip64:
        raise FormatError(f"{name} holds too many files to be a project of PoseApp.")


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int, name: str) -> bytes:
    bomb = FormatError(
        f"{name} would unpack to more than {limit // 2**20} MB: it is no honest project file."
    )
    if entry.file_size > limit:
        raise bomb
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise FormatError(f"{name} is packed in a way that PoseApp does not read.")
    if entry.file_size > max(_FREE_RATIO_BYTES, _MAX_RATIO * entry.compress_size):
        raise bomb
    with archive.open(entry) as file:
        data = file.read(entry.file_size + 1)  # a size that lies unpacks no more than it says
    if len(data) != entry.file_size:
        raise FormatError(f"{name} is cut short: open a copy or the recovered document.")
    return data


def _from_schema_1(content: dict[str, Any], name: str) -> dict[str, Any]:
    people = []
    for number, person in enumerate(values.mappings(content.get("people"), "people", name)):
        flat = values.numbers(person.get("keypoints"), "keypoints", name)
        if len(flat) != 3 * len(COCO_17):
            raise FormatError(f"{name}: a person must have 17 keypoints.")
        rows = flat.reshape(-1, 3)
        people.append(
            {
                "name": f"Person {number + 1}",
                "colour": PERSON_COLOURS[number % len(PERSON_COLOURS)],
                **{k: v for k, v in person.items() if k != "keypoints"},
                "keypoints": rows[:, :2].tolist(),
                "visibility": rows[:, 2].tolist(),
            }
        )
    photo = content.get("photo")
    if isinstance(photo, str):
        photo = {"file": photo, "name": photo}
    return {
        "size": [content.get("width"), content.get("height")],
        "photo": photo,
        "people": people,
        "photo_opacity": content.get("photo_opacity", 0.6),
    }


_DOCUMENT_KEYS = frozenset(
    (
        "format",
        "schema",
        "version",
        "size",
        "photo",
        "photo_opacity",
        "people",
        "extra",
        "reference",
        "sequence",
    )
)
_PERSON_KEYS = frozenset(
    ("id", "name", "colour", "visible", "locked", "keypoints", "visibility", "confidence", "extra")
)


def _document(content: dict[str, Any], picture: bytes | None, name: str) -> Document:
    size = content.get("size")
    canvas = (
        values.canvas_size(size[0], size[1], name)
        if isinstance(size, list) and len(size) == 2
        else None
    )
    if canvas is None:
        raise FormatError(f"{name} does not say how large its canvas is.")
    people: list[Person] = []
    for person in values.mappings(content.get("people"), "people", name):
        people.append(_person_in(person, {p.id for p in people}, name))
    opacity = values.number(content.get("photo_opacity", 0.6), "photo_opacity", name)
    return Document(
        canvas,
        tuple(people),
        None if picture is None else _photo(content["photo"], picture, name),
        float(np.clip(opacity, 0.0, 1.0)),
        _extra(content, _DOCUMENT_KEYS),
    )


def _photo(stored: dict[str, Any], data: bytes, name: str) -> Photo:
    size = stored.get("size")
    known = (
        values.canvas_size(size[0], size[1], name)
        if isinstance(size, list) and len(size) == 2
        else None
    )
    title = stored.get("name")
    title = title if isinstance(title, str) and title else "photo"
    if known is None:
        from poseapp.core.photo import load_photo  # OpenCV: only an old project needs it

        return load_photo(data, title)[0]
    return Photo(data, title, known)


def _extra(stored: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    extra = stored.get("extra")
    kept = dict(extra) if isinstance(extra, dict) else {}
    unknown = {k: v for k, v in stored.items() if k not in known}
    return {**kept, "pose": unknown} if unknown else kept


def _pose_in(stored: dict[str, Any], name: str) -> Pose2D:
    try:
        visibility = stored.get("visibility")
        if visibility is not None and any(v not in (0, 1, 2) for v in visibility):
            raise FormatError(f"{name}: the visibility of a joint must be 0, 1 or 2.")
        return Pose2D(
            _plain(stored.get("keypoints"), name),
            visibility,
            _plain(stored.get("confidence"), name),
        )
    except FormatError:
        raise
    except (PoseAppError, TypeError, ValueError) as exc:
        raise FormatError(f"{name} is damaged: a person's pose is not 17 keypoints.") from exc


def _person_in(stored: dict[str, Any], used: set[str], name: str) -> Person:
    pose = _pose_in(stored, name)
    known: dict[str, Any] = {}
    for key, kind in (("name", str), ("colour", str), ("visible", bool), ("locked", bool)):
        if isinstance(stored.get(key), kind):
            known[key] = stored[key]
    own_id = stored.get("id")
    if isinstance(own_id, str) and own_id and own_id not in used:
        known["id"] = own_id
    return Person(pose, extra=_extra(stored, _PERSON_KEYS), **known)


def _plain(value: Any, name: str) -> Any:
    """Nested lists of numbers within a million; texts that look like numbers are refused."""
    if value is None:
        return None
    if not isinstance(value, list):
        raise FormatError(f"{name} is damaged: a person's pose is not a list.")
    for row in value:
        values.numbers(row if isinstance(row, list) else [row], "keypoints", name)
    return value
