"""A document's photo as a pixmap, decoded once per photo."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path

import numpy as np
from PySide6.QtGui import QImage, QPixmap

from poseapp.core.document import Photo
from poseapp.core.errors import PhotoError

log = logging.getLogger(__name__)


def pixmap_of_array(picture: np.ndarray) -> QPixmap:
    """(H, W, 3) uint8 RGB -> pixmap."""
    picture = np.ascontiguousarray(picture)
    height, width = picture.shape[:2]
    image = QImage(picture.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image)  # copies, so the array may go


@lru_cache(maxsize=4)
def _decoded(data: bytes, name: str) -> tuple[Photo, QPixmap]:
    from poseapp.core.photo import load_photo  # OpenCV: not needed for the first window

    photo, preview = load_photo(data, name)
    return photo, pixmap_of_array(preview)


def open_photo(path: Path) -> Photo:
    """Read a photo, and keep what is shown of it: the canvas need not decode it again.

    Raises:
        PhotoError: it cannot be read.
    """
    from poseapp.core.photo import read_photo

    return _decoded(read_photo(path), path.name)[0]


def pixmap_of(photo: Photo) -> QPixmap:
    """The photo at up to 4096 px; null when its bytes cannot be read."""
    try:
        return _decoded(photo.data, photo.name)[1]
    except PhotoError as exc:
        log.warning("Cannot show the photo %s: %s", photo.name, exc)
        return QPixmap()
