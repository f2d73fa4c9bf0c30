"""Pictures of sampled poses for the gallery, drawn a few at a time."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPalette, QPixmap

from poseapp.services.samples import Sample

VIEWS = ("skeleton", "heatmap")


def to_image(pixels: np.ndarray) -> QImage:
    """A QImage that owns its pixels, from (H, W, 3) RGB or (H, W, 4) RGBA uint8."""
    pixels = np.ascontiguousarray(pixels)
    height, width, channels = pixels.shape
    form = QImage.Format.Format_RGB888 if channels == 3 else QImage.Format.Format_RGBA8888
    return QImage(pixels.data, width, height, pixels.strides[0], form).copy()


def card_colour() -> QColor:
    """The background of a gallery card, in light and dark."""
    # Of the application: the view's own palette is transparent, and stylesheets turn that to black.
    return QGuiApplication.palette().color(QPalette.ColorRole.Base)


def picture(sample: Sample, view: str, side_px: int, background: QColor) -> QImage:
    """A square picture of a sample.

    Args:
        view: one of `VIEWS`.
        side_px: physical px.
    """
    from poseapp.core import draw  # OpenCV: not needed for the first window

    if view == "heatmap":
        return to_image(draw.heatmap_composite(sample.heatmaps, (side_px, side_px), 0.1))
    colour = (background.red(), background.green(), background.blue())
    return to_image(draw.thumbnail(sample.keypoints, side_px, colour, confidence=sample.confidence))


def pixmap(sample: Sample, view: str, side: int, ratio: float, background: QColor) -> QPixmap:
    """A square pixmap of a sample, crisp on a screen with `ratio` physical px a point."""
    made = QPixmap.fromImage(picture(sample, view, max(16, round(side * ratio)), background))
    made.setDevicePixelRatio(ratio)
    return made
