"""A document's photo as a pixmap, decoded once per photo."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtGui import QImage, QPixmap

from poseapp.core.document import Photo
from poseapp.core.errors import PhotoError

_Answer = TypeVar("_Answer")
_LARGE_PX = 2_000_000  # from here on decoding takes long enough to be felt
_LOOK_MS = 8

log = logging.getLogger(__name__)


def pixmap_of_array(picture: np.ndarray) -> QPixmap:
    """(H, W, 3) uint8 RGB -> pixmap."""
    picture = np.ascontiguousarray(picture)
    height, width = picture.shape[:2]
    image = QImage(picture.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image)  # copies, so the array may go


@lru_cache(maxsize=1)
def _read(data: bytes, name: str) -> tuple[Photo, np.ndarray]:
    from poseapp.core.photo import load_photo  # OpenCV: not needed for the first window

    return load_photo(data, name)


@lru_cache(maxsize=4)
def _decoded(data: bytes, name: str) -> tuple[Photo, QPixmap]:
    photo, preview = _read(data, name)
    return photo, pixmap_of_array(preview)


def _beside_the_window(work: Callable[[], _Answer]) -> _Answer:
    """Do some work in a thread while the window goes on painting; clicks and keys wait."""
    loop = QEventLoop()
    with ThreadPoolExecutor(1, "photo") as pool:
        future = pool.submit(work)
        timer = QTimer()
        timer.setInterval(_LOOK_MS)
        timer.timeout.connect(lambda: loop.quit() if future.done() else None)
        timer.start()
        loop.exec(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
        timer.stop()
    return future.result()


def open_photo(path: Path) -> Photo:
    """Read a photo, and keep what is shown of it: the canvas need not decode it again.

    Raises:
        PhotoError: it cannot be read.
    """
    from poseapp.core.photo import header_size, read_photo

    data = read_photo(path)
    size = header_size(data, path.name)
    if size[0] * size[1] >= _LARGE_PX:
        _beside_the_window(lambda: _read(data, path.name))
    return _decoded(data, path.name)[0]


def pixmap_of(photo: Photo) -> QPixmap:
    """The photo at up to 4096 px; null when its bytes cannot be read."""
    try:
        return _decoded(photo.data, photo.name)[1]
    except PhotoError as exc:
        log.warning("Cannot show the photo %s: %s", photo.name, exc)
        return QPixmap()
