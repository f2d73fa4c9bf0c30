"""Pictures of a document as PNG, and any picture as PNG or JPEG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from poseapp.core import draw
from poseapp.core.document import Document
from poseapp.core.errors import DocumentError, FormatError
from poseapp.core.photo import photo_preview
from poseapp.formats.files import write_bytes

_MAX_PIXELS = 50_000_000


def dump(
    document: Document,
    *,
    style: str = "poseapp",
    background: str | tuple[int, int, int] | None = None,
    xinsir: bool = False,
    **_: Any,
) -> bytes:
    """A PNG of the visible people, of the canvas' size.

    Args:
        style: one of `draw.STYLES`.
        background: "#RRGGBB", RGB, "photo" for the document's faded photo, or None: transparent
            for "poseapp", black for the others.
        xinsir: wider limbs on large canvases, for "controlnet".
    """
    if style not in draw.STYLES:
        raise FormatError(f"No picture style is called {style}: use {', '.join(draw.STYLES)}.")
    width, height = document.size
    if width * height > _MAX_PIXELS:
        raise DocumentError(
            f"A picture of {width:,} x {height:,} px is too large: make the canvas smaller, up to"
            f" {_MAX_PIXELS // 1_000_000} megapixels."
        )
    under: Any = background
    if background == "photo":
        under = faded_photo(document)
    elif isinstance(background, str):
        under = draw.parse_colour(background)
    return encode_png(draw.draw_document(document, style, under, xinsir))


def faded_photo(document: Document) -> np.ndarray | None:
    """(H, W, 3) uint8 RGB of the photo over black at its opacity; None without a photo."""
    if document.photo is None:
        return None
    photo = cv2.resize(photo_preview(document.photo), document.size, interpolation=cv2.INTER_AREA)
    return cv2.convertScaleAbs(photo, alpha=document.photo_opacity)


def encode_png(picture: np.ndarray) -> bytes:
    """(H, W, 3) RGB or (H, W, 4) RGBA uint8 as PNG."""
    order = cv2.COLOR_RGBA2BGRA if picture.shape[2] == 4 else cv2.COLOR_RGB2BGR
    done, data = cv2.imencode(".png", cv2.cvtColor(picture, order))
    if not done:
        raise DocumentError("The picture cannot be written as PNG.")
    return data.tobytes()


def save_picture(picture: np.ndarray, path: str | Path) -> None:
    """Write an RGB or RGBA picture, beside and replaced: JPEG by its ending, else PNG."""
    path = Path(path)
    jpeg = path.suffix.lower() in (".jpg", ".jpeg")
    write_bytes(path, encode_jpeg(picture) if jpeg else encode_png(picture))


def encode_jpeg(picture: np.ndarray, quality: int = 95) -> bytes:
    """(H, W, 3) RGB uint8 as JPEG; quality 1 to 100."""
    bgr = cv2.cvtColor(picture[..., :3], cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise DocumentError("The picture cannot be written as JPEG.")
    return data.tobytes()
