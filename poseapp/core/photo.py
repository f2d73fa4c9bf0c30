"""Reference photos: read safely, turned as their EXIF says, kept as they came."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from poseapp.core.document import MAX_CANVAS_PX, Photo
from poseapp.core.errors import PhotoError
from poseapp.core.photo_header import is_progressive, read_header

MAX_PREVIEW_PX = 4096
MAX_FILE_BYTES = 256 * 2**20
_MAX_PIXELS = 100_000_000
_MAX_WHOLE_PIXELS = 210_000_000  # of a JPEG whose reduced copy needs all of it in memory
_MAX_JPEG_PIXELS = 800_000_000  # the others are read line by line at a half to an eighth
_REDUCED = {
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}

PHOTO_EXTENSIONS = (
    ".jpg",
    ".jpeg",
    ".png",
    ".webp",
    ".bmp",
    ".gif",
    ".tif",
    ".tiff",
    ".heic",
    ".heif",
)


def load_photo(source: str | Path | bytes, name: str | None = None) -> tuple[Photo, np.ndarray]:
    """Read a picture and a preview of it to draw.

    EXIF rotation is obeyed; 16-bit, grey and CMYK pictures become 8-bit RGB; what is transparent
    becomes white; of an animation the first frame counts. A JPEG of more than 16,384 px a side
    counts as one of half, a quarter or an eighth of its size.

    Args:
        source: a file, or the bytes of one.
        name: what to call it in messages; the file's name if None.
    Returns:
        The photo with its bytes as they came, and (h, w, 3) uint8 RGB of at most 4096 px a side.
    Raises:
        PhotoError: unreadable, empty, cut short, damaged, too large or not a picture.
    """
    if isinstance(source, bytes):
        data, name = source, name or "The picture"
    else:
        data, name = read_photo(source, name), name or Path(source).name
    size, picture = _opened(data, name)
    longest = max(picture.shape[:2])
    if longest > MAX_PREVIEW_PX:
        shrink = MAX_PREVIEW_PX / longest
        small = tuple(max(1, round(v * shrink)) for v in size_of(picture))
        picture = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
    return Photo(data, name, size), picture


def full_picture(data: bytes, name: str = "The picture") -> tuple[tuple[int, int], np.ndarray]:
    """A picture for results that are to be as large as the photo.

    Returns:
        (width, height) px that the photo counts as, and (h, w, 3) uint8 RGB of that size; of a
        JPEG of 8,192 px a side or more a half or less.
    Raises:
        PhotoError: as for `load_photo`.
    """
    return _opened(data, name)


def _opened(data: bytes, name: str) -> tuple[tuple[int, int], np.ndarray]:
    if not data:
        raise PhotoError(f"{name} is empty: choose another picture.")
    if len(data) > MAX_FILE_BYTES:
        raise _too_heavy(name, len(data))
    kind, stored = read_header(data, name)
    _check_size(data, kind, stored, name)
    picture = _decode(data, kind, stored, name)
    # The header of a HEIC file counts what is cut away around the picture, too.
    stored = size_of(picture) if kind == "heif" else _reduced(stored)
    turned = (picture.shape[1] > picture.shape[0]) != (stored[0] > stored[1])
    size = stored[::-1] if turned and stored[0] != stored[1] else stored
    return size, picture


def _reduced(size: tuple[int, int]) -> tuple[int, int]:
    """A size halved until a canvas can have it."""
    while max(size) > MAX_CANVAS_PX:
        size = ((size[0] + 1) // 2, (size[1] + 1) // 2)
    return size


def full_size(photo: Photo) -> tuple[int, int]:
    """(width, height) px of the file itself, EXIF rotation obeyed; larger than a canvas maybe."""
    kind, stored = read_header(photo.data, photo.name)
    if kind != "jpeg":  # the only kind that is taken at a fraction of its size
        return photo.size
    turned = _reduced(stored) != photo.size
    return stored[::-1] if turned else stored


def header_size(data: bytes, name: str) -> tuple[int, int]:
    """(width, height) px as stored, without decoding; (0, 0) where the header is none."""
    try:
        return read_header(data, name)[1]
    except PhotoError:
        return 0, 0


def fraction(data: bytes, name: str) -> float:
    """By how much a file is taken smaller than it is: 1, or 1/2, 1/4, 1/8 for very wide JPEGs."""
    kind, stored = read_header(data, name)
    return max(_reduced(stored)) / max(stored) if kind == "jpeg" else 1.0


def photo_preview(photo: Photo) -> np.ndarray:
    """(h, w, 3) uint8 RGB of at most 4096 px a side, of a photo that was loaded before."""
    return load_photo(photo.data, photo.name)[1]


def size_of(picture: np.ndarray) -> tuple[int, int]:
    """(width, height) px."""
    return picture.shape[1], picture.shape[0]


def read_photo(source: str | Path, name: str | None = None) -> bytes:
    """The bytes of a file that may be a photo; PhotoError when it cannot be read."""
    path = Path(source)
    name = name or path.name
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise _too_heavy(name, path.stat().st_size)
        return path.read_bytes()
    except FileNotFoundError as exc:
        raise PhotoError(f"There is no picture {name}: it was moved or deleted.") from exc
    except IsADirectoryError as exc:
        raise PhotoError(f"{name} is a folder: choose a picture.") from exc
    except OSError as exc:
        raise PhotoError(f"Cannot read {name}: {exc.strerror or exc}.") from exc


def _too_heavy(name: str, length: int) -> PhotoError:
    return PhotoError(
        f"{name} is {length / 2**20:,.0f} MB: PoseApp reads pictures of up to"
        f" {MAX_FILE_BYTES // 2**20} MB, so make a smaller copy first."
    )


def _check_size(data: bytes, kind: str, size: tuple[int, int], name: str) -> None:
    width, height = size
    limit = _MAX_PIXELS
    if kind == "jpeg":
        limit = _MAX_WHOLE_PIXELS if is_progressive(data) else _MAX_JPEG_PIXELS
    if kind != "jpeg" and max(size) > MAX_CANVAS_PX:
        raise PhotoError(
            f"{name} is {width:,} x {height:,} px: PoseApp takes photos of up to"
            f" {MAX_CANVAS_PX:,} px a side, and larger ones as JPEG, so make a smaller copy first."
        )
    if width * height > limit:
        raise PhotoError(
            f"{name} is {width:,} x {height:,} px: PoseApp takes photos of up to"
            f" {limit // 1_000_000} megapixels, so make a smaller copy first."
        )


def _decode(data: bytes, kind: str, stored: tuple[int, int], name: str) -> np.ndarray:
    if kind == "heif":
        from poseapp.core.photo_heif import decode  # an extra of few installations

        return decode(data, name)
    flag = cv2.IMREAD_COLOR
    if kind == "jpeg":
        for denominator in (2, 4, 8):
            if max(stored) // denominator >= MAX_PREVIEW_PX:
                flag = _REDUCED[denominator]
    encoded = np.frombuffer(data, np.uint8)
    try:
        picture = cv2.imdecode(encoded, flag)
        alpha = _alpha(encoded) if kind in ("png", "webp", "gif", "tiff") else None
    except (cv2.error, MemoryError) as exc:
        raise PhotoError(f"{name} is damaged: it cannot be shown.") from exc
    if picture is None or picture.ndim != 3 or not picture.size:
        raise PhotoError(f"{name} is damaged: it cannot be shown.")
    if alpha is not None and alpha.shape == picture.shape[:2]:
        cover = alpha[..., None].astype(np.uint16)
        mixed = picture.astype(np.uint16) * cover + 255 * (255 - cover)
        picture = ((mixed + 127) // 255).astype(np.uint8)
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def _alpha(encoded: np.ndarray) -> np.ndarray | None:
    """(h, w) uint8 opacity, None for an opaque picture."""
    full = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)
    if full is None or full.ndim != 3 or full.shape[2] != 4:
        return None
    alpha = full[..., 3]
    if alpha.dtype == np.uint16:
        alpha = (alpha >> 8).astype(np.uint8)
    return None if alpha.dtype != np.uint8 or alpha.min() == 255 else alpha
