"""Kind and size of a picture, read from its first bytes, before anything is decoded."""

from __future__ import annotations

import struct

from poseapp.core.errors import PhotoError

_JPEG_SIZE_MARKERS = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})


def read_header(data: bytes, name: str) -> tuple[str, tuple[int, int]]:
    """("jpeg" | "png" | "webp" | "gif" | "bmp" | "tiff" | "heif", (width, height) px as stored).

    Raises:
        PhotoError: another kind of file, or one that ends within its header or picture.
    """
    kind = _kind(data)
    if kind is None:
        raise PhotoError(
            f"{name} is not a picture that PoseApp reads: use JPEG, PNG, WebP, HEIC, GIF, BMP"
            " or TIFF."
        )
    try:
        size, whole = _READERS[kind](data)
    except (struct.error, IndexError, ValueError, KeyError, TypeError):
        size, whole = (0, 0), False
    if not whole:
        raise PhotoError(f"{name} is cut short: copy or download it again.")
    if size[0] < 1 or size[1] < 1:
        raise PhotoError(f"{name} is damaged: it says that it has no pixels.")
    return kind, size


def _kind(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS:
        return "heif"
    starts = {
        b"\xff\xd8\xff": "jpeg",
        b"\x89PNG\r\n\x1a\n": "png",
        b"GIF87a": "gif",
        b"GIF89a": "gif",
        b"BM": "bmp",
        b"II*\x00": "tiff",
        b"MM\x00*": "tiff",
    }
    return next((kind for start, kind in starts.items() if data.startswith(start)), None)


_Found = tuple[tuple[int, int], bool]


def _jpeg(data: bytes) -> _Found:
    place, size = 2, (0, 0)
    while True:
        while data[place] != 0xFF:
            place += 1
        while data[place] == 0xFF:
            place += 1
        marker = data[place]
        place += 1
        if marker in _STANDALONE:
            continue
        (length,) = struct.unpack_from(">H", data, place)
        if marker in _JPEG_SIZE_MARKERS:
            height, width = struct.unpack_from(">HH", data, place + 3)
            size = (width, height)
        if marker == 0xDA:  # the picture itself; a thumbnail's end marker lies before it
            return size, data.rfind(b"\xff\xd9") > place
        place += max(length, 2)


def is_progressive(data: bytes) -> bool:
    """Whether a JPEG comes in several passes over the whole picture."""
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker in _JPEG_SIZE_MARKERS:
            return marker not in (0xC0, 0xC1)
        (length,) = struct.unpack_from(">H", data, place + 2)
        place += 2 + length if marker not in _STANDALONE and marker != 0xFF else 1
    return True  # not understood: the careful answer


def _heif(data: bytes) -> _Found:
    """The largest picture of the file: tiles and thumbnails have sizes of their own."""
    sizes, place = [], data.find(b"ispe")
    while 0 <= place < 1 << 20:
        sizes.append(struct.unpack_from(">II", data, place + 8))
        place = data.find(b"ispe", place + 4)
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    return (width, height), True


def _png(data: bytes) -> _Found:
    width, height = struct.unpack_from(">II", data, 16)
    return (width, height), b"IEND" in data[-4096:] or b"IEND\xaeB`\x82" in data


def _webp(data: bytes) -> _Found:
    (length,) = struct.unpack_from("<I", data, 4)
    whole = len(data) >= length + 8
    chunk = data[12:16]
    if chunk == b"VP8X":
        width, height = (int.from_bytes(data[i : i + 3], "little") + 1 for i in (24, 27))
        if len(data) < 30:
            raise ValueError
    elif chunk == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif chunk == b"VP8 ":
        width, height = (v & 0x3FFF for v in struct.unpack_from("<HH", data, 26))
    else:
        raise ValueError
    return (width, height), whole


def _gif(data: bytes) -> _Found:
    return struct.unpack_from("<HH", data, 6), b"\x3b" in data[-64:]


def _bmp(data: bytes) -> _Found:
    length, _, offset, header = struct.unpack_from("<IIII", data, 2)
    if header == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        packed = 0
    else:
        width, height, _, bits, packed = struct.unpack_from("<iiHHI", data, 18)
    size = (abs(width), abs(height))
    # Many writers leave the length field 0, so plain pixels are counted.
    expected = length if packed else offset + (size[0] * bits + 31) // 32 * 4 * size[1]
    return size, len(data) >= expected


def _tiff(data: bytes) -> _Found:
    order = "<" if data[:2] == b"II" else ">"
    (place,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, place)
    found: dict[int, int] = {}
    for number in range(min(count, 512)):
        at = place + 2 + number * 12
        tag, kind = struct.unpack_from(order + "HH", data, at)
        found[tag] = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, at + 8)[0]
    return (found[256], found[257]), True


_READERS = {
    "jpeg": _jpeg,
    "png": _png,
    "webp": _webp,
    "gif": _gif,
    "bmp": _bmp,
    "tiff": _tiff,
    "heif": _heif,
}
