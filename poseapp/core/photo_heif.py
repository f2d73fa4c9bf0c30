"""HEIC photos, as phones take them: read where `pillow-heif` is installed."""

from __future__ import annotations

import io

import numpy as np

from poseapp.core.errors import PhotoError


def decode(data: bytes, name: str) -> np.ndarray:
    """(h, w, 3) uint8 RGB of a HEIC file, turned as it says; PhotoError when that cannot be."""
    try:
        import pillow_heif  # type: ignore[import-not-found,import-untyped]
    except ImportError as exc:
        raise PhotoError(
            f"{name} is a HEIC photo, which needs an extra: `pip install pillow-heif`, or save it"
            " as JPEG."
        ) from exc
    try:
        found = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
        picture: np.ndarray = np.asarray(found)
    except Exception as exc:  # the library raises what libheif and its codecs raise
        raise PhotoError(f"{name} is damaged: it cannot be shown.") from exc
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    if picture.ndim != 3 or picture.shape[2] < 3 or picture.dtype != np.uint8:
        raise PhotoError(f"{name} is a kind of HEIC that PoseApp does not read: save it as JPEG.")
    if picture.shape[2] == 4:
        cover = picture[..., 3:].astype(np.uint16)
        mixed = picture[..., :3].astype(np.uint16) * cover + 255 * (255 - cover)
        picture = ((mixed + 127) // 255).astype(np.uint8)
    return np.ascontiguousarray(picture[..., :3])
