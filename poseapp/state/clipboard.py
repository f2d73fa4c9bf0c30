"""People on the clipboard: COCO keypoint JSON that other programs read, and any pose JSON back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMimeData
from PySide6.QtGui import QImage

from poseapp.core.document import Document, Person, Photo
from poseapp.core.errors import FormatError
from poseapp.formats import registry

JSON_MIME = "application/json"
_OWN = "poseapp"
_NAME = "The clipboard"


def to_text(people: Sequence[Person], size: tuple[int, int]) -> str:
    """COCO annotation JSON of some people; their names and colours ride along."""
    shown = tuple(replace(p, visible=True, extra={}) for p in people)
    value = json.loads(registry.dumps(Document(size, shown), "coco"))
    value[_OWN] = {"people": [{"name": p.name, "colour": p.colour} for p in people]}
    return json.dumps(value, ensure_ascii=False, indent=1)


def to_mime(people: Sequence[Person], size: tuple[int, int]) -> QMimeData:
    """The same for the clipboard, as text and as JSON."""
    text = to_text(people, size)
    mime = QMimeData()
    mime.setText(text)
    mime.setData(JSON_MIME, QByteArray(text.encode()))
    return mime


def people_from(mime: QMimeData) -> list[Person]:
    """The people in pasted JSON of any known format.

    Raises:
        FormatError: there are none.
    """
    data = bytes(mime.data(JSON_MIME).data()) if mime.hasFormat(JSON_MIME) else b""
    if not data and mime.hasText():
        data = mime.text().encode("utf-8", "replace")
    if not data.strip():
        raise FormatError("There is no pose on the clipboard: copy a person or pose JSON first.")
    if data.lstrip()[:1] not in (b"{", b"["):
        raise FormatError("The clipboard holds text that is no pose JSON: copy a person first.")
    people = list(registry.loads(data, _NAME).people)
    if not people:
        raise FormatError("The JSON on the clipboard holds no people.")
    return _with_own_keys(people, data)


def _with_own_keys(people: list[Person], data: bytes) -> list[Person]:
    value = json.loads(data)
    own = value.get(_OWN) if isinstance(value, dict) else None
    rows = own.get("people") if isinstance(own, dict) else None
    if not isinstance(rows, list) or len(rows) != len(people):
        return people
    named = []
    for person, row in zip(people, rows, strict=True):
        known = row if isinstance(row, dict) else {}
        name, colour = known.get("name"), known.get("colour")
        if isinstance(name, str) and name:
            person = replace(person, name=name)
        if isinstance(colour, str) and len(colour) == 7 and colour.startswith("#"):
            person = replace(person, colour=colour)
        named.append(person)
    return named


def photo_from(mime: QMimeData) -> Photo:
    """The picture on the clipboard as a photo."""
    from poseapp.core.photo import load_photo  # OpenCV: not needed for the first window

    image = QImage(mime.imageData())
    if image.isNull():
        raise FormatError("The picture on the clipboard cannot be read.")
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]  # the stubs want bytes, Qt a str
    photo, _ = load_photo(bytes(data.data()), "Pasted picture.png")
    return photo
