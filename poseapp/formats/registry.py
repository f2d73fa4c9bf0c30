"""All file formats in one table: tell them apart by content, load and save them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from poseapp.core.document import Document
from poseapp.core.errors import DocumentError, FormatError
from poseapp.core.pose import Pose3D
from poseapp.formats import coco, coco_results, controlnet, openpose, project, svg
from poseapp.formats.files import parse_json, read_bytes, write_bytes

_log = logging.getLogger(__name__)
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\x00", b"MM\x00*", b"RIFF")


@dataclass(frozen=True)
class Format:
    """What the open and save dialogs know of a format.

    Attributes:
        name: what the command line and `save` call it.
        extensions: with the dot, the usual one first.
        kind: "project", "keypoints", "picture" or "3d".
    """

    name: str
    title: str
    extensions: tuple[str, ...]
    kind: str
    can_load: bool = True
    can_save: bool = True

    @property
    def filter(self) -> str:
        """The entry of a file dialog: "Title (*.a *.b)"."""
        return f"{self.title} ({' '.join('*' + e for e in self.extensions)})"


_JSON = (".json",)
_PHOTOS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".heic", ".heif")

FORMATS: dict[str, Format] = {
    entry.name: entry
    for entry in (
        Format("pose", "PoseApp project", (".pose",), "project"),
        Format("coco", "COCO keypoints", _JSON, "keypoints"),
        Format("coco_results", "COCO keypoint results", _JSON, "keypoints"),
        Format("openpose", "OpenPose JSON", _JSON, "keypoints"),
        Format("openpose25", "OpenPose JSON, BODY_25", _JSON, "keypoints"),
        Format("controlnet", "ControlNet pose JSON", _JSON, "keypoints"),
        Format("png", "Picture", (".png",), "picture", can_load=False),
        Format("controlnet_png", "ControlNet picture", (".png",), "picture", can_load=False),
        Format("openpose_png", "OpenPose picture", (".png",), "picture", can_load=False),
        Format("svg", "SVG drawing", (".svg",), "picture", can_load=False),
        Format("photo", "Photo", _PHOTOS, "picture", can_save=False),
        Format("bvh", "BVH motion", (".bvh",), "3d", can_load=False),
        Format("pose3d", "3D pose JSON", _JSON, "3d", can_load=False),
    )
}

_BY_EXTENSION = {".pose": "pose", ".json": "coco", ".png": "png", ".svg": "svg"}


def sniff(source: str | Path | bytes, name: str = "The file") -> Format:
    """Tell a format by its content; the name does not count.

    Raises:
        DocumentError: unreadable, or nothing that PoseApp knows.
    """
    data, name = _bytes(source, name)
    return _sniff(data, name)[0]


def _bytes(source: str | Path | bytes, name: str) -> tuple[bytes, str]:
    if isinstance(source, bytes):
        return source, name
    path = Path(source)
    return read_bytes(path), path.name


def _sniff(data: bytes, name: str) -> tuple[Format, Any]:
    """The format, and the parsed value of a JSON file."""
    if not data.strip():
        raise FormatError(f"{name} is empty.")
    if project.recognises(data):
        return FORMATS["pose"], None
    if data.startswith(_PICTURES) or data[4:8] == b"ftyp":
        return FORMATS["photo"], None
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"HIERARCHY"):
        return FORMATS["bvh"], None
    if start[:5].lower() in (b"<?xml", b"<svg ") and b"<svg" in data[:4096]:
        return FORMATS["svg"], None
    if start[:1] not in (b"{", b"[") and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        raise FormatError(f"{name} is no file that PoseApp opens: choose a pose, JSON or photo.")
    value = parse_json(data, name)
    if isinstance(value, dict) and str(value.get("format", "")).startswith("poseapp-3d"):
        return FORMATS["pose3d"], value
    if coco.recognises(value):
        return FORMATS["coco"], value
    if coco_results.recognises(value):
        return FORMATS["coco_results"], value
    if controlnet.recognises(value):
        return FORMATS["controlnet"], value
    if openpose.recognises(value):
        return FORMATS["openpose"], value
    raise FormatError(
        f"{name} is JSON, but holds no poses: PoseApp reads COCO, OpenPose and ControlNet files."
    )


def load(path: str | Path, **options: Any) -> Document:
    """Open a file of any format that can be opened; a photo becomes a document's background.

    Args:
        options: `image` for COCO, `frame` for ControlNet: which one of several.
    """
    data, name = _bytes(path, "")
    return loads(data, name, **options)


def loads(data: bytes, name: str = "The text", **options: Any) -> Document:
    """Open the bytes of a file, or pasted text."""
    kind, value = _sniff(data, name)
    if kind.name == "pose":
        return project.loads(data, name)
    if kind.name == "photo":
        from poseapp.core.photo import load_photo  # OpenCV: not needed for the first window

        photo, _ = load_photo(data, name)
        return Document(photo.size, photo=photo)
    if kind.name in ("coco", "coco_results"):
        module = coco if kind.name == "coco" else coco_results
        return module.load(value, name, image=options.get("image"))
    if kind.name == "controlnet":
        return controlnet.load(value, name, frame=options.get("frame", 0))
    if kind.name == "openpose":
        return openpose.load(value, name)
    raise FormatError(f"{name} is {_article(kind.title)}: PoseApp writes these, but opens none.")


def _article(title: str) -> str:
    return f"a{'n' if title[0] in 'AEIO' or title.startswith('SVG') else ''} {title}"


def format_for(path: str | Path, document: Document | None = None) -> Format:
    """The format that an extension stands for; .json is what the document was opened from."""
    suffix = Path(path).suffix.lower()
    name = _BY_EXTENSION.get(suffix)
    if name is None:
        known = ", ".join(_BY_EXTENSION)
        raise FormatError(f"{Path(path).name}: name the format, or end the name in {known}.")
    if suffix == ".json" and document is not None:
        for key in ("controlnet", "openpose"):
            if key in document.extra:
                name = key
    return FORMATS[name]


def save(document: Document, path: str | Path, format: str | None = None, **options: Any) -> None:
    """Write a document beside and replace; a fault leaves the old file whole.

    Args:
        format: a name of `FORMATS`; by the extension if None.
        options: what the format's `dump` takes.
    """
    chosen = format_for(path, document).name if format is None else format
    write_bytes(Path(path), dumps(document, chosen, **options))


def dumps(document: Document, format: str, **options: Any) -> bytes:
    """The bytes of a file; arguments as for `save`."""
    entry = FORMATS.get(format)
    if entry is None or not entry.can_save or entry.kind == "3d":
        known = ", ".join(f.name for f in FORMATS.values() if f.can_save and f.kind != "3d")
        raise FormatError(f"Documents cannot be saved as {format}: use one of {known}.")
    dump = _dumper(format)
    try:
        return dump(document, **options)
    except (TypeError, KeyError, AttributeError, IndexError, ValueError) as exc:
        bare = _without_extra(document)
        if bare == document:
            raise
        # What was kept of a damaged file must not keep the user from saving the poses.
        _log.warning("Saving as %s without the keys of the opened file: %s", format, exc)
        return dump(bare, **options)


def _dumper(format: str) -> Callable[..., bytes]:
    if format == "openpose25":
        return lambda document, **options: openpose.dump(document, **{**options, "body25": True})
    if format.endswith("png"):
        from poseapp.formats import png  # OpenCV: not needed for the first window

        style = format.removesuffix("_png") if format != "png" else None

        def picture(document: Document, **options: Any) -> bytes:
            return png.dump(document, **(options if style is None else {**options, "style": style}))

        return picture
    return {
        "pose": lambda document, **_: project.dump(document),
        "coco": coco.dump,
        "coco_results": coco_results.dump,
        "openpose": openpose.dump,
        "controlnet": controlnet.dump,
        "svg": svg.dump,
    }[format]


def _without_extra(document: Document) -> Document:
    people = tuple(replace(person, extra={}) for person in document.people)
    return replace(document, people=people, extra={})


def save_3d(
    poses3d: Sequence[Pose3D], path: str | Path, format: str | None = None, fps: float = 30.0
) -> None:
    """Write 3D poses, the frames of a motion or one pose.

    Args:
        format: "bvh" or "pose3d"; by the extension if None.
    """
    from poseapp.formats import bvh, pose3d_json

    path = Path(path)
    if format is None:
        format = "bvh" if path.suffix.lower() == ".bvh" else "pose3d"
    if format not in ("bvh", "pose3d"):
        raise FormatError(f"3D poses cannot be saved as {format}: use bvh or pose3d.")
    if not poses3d:
        raise DocumentError("There is no 3D pose to save: wait for the lift, or add a person.")
    if format == "bvh":
        bvh.save(poses3d, path, fps=fps)
    else:
        pose3d_json.save(poses3d, path, fps=fps if len(poses3d) > 1 else None)
