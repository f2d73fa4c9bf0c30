"""The colours of the 3D view, by day and by night."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Theme:
    """Colours of the view, RGB 0-1 as they appear on the screen."""

    top: tuple[float, float, float]
    bottom: tuple[float, float, float]
    line: tuple[float, float, float]
    floor: tuple[float, float, float]
    shadow: tuple[float, float, float]
    shadow_strength: float
    neutral: tuple[float, float, float]
    ghost_tint: tuple[float, float, float]
    ghost_alpha: float
    sky: tuple[float, float, float]
    earth: tuple[float, float, float]


DARK = Theme(
    top=(0.105, 0.120, 0.150),
    bottom=(0.155, 0.172, 0.205),
    line=(0.40, 0.45, 0.54),
    floor=(0.185, 0.205, 0.245),
    shadow=(0.02, 0.025, 0.04),
    shadow_strength=0.72,
    neutral=(0.80, 0.83, 0.88),
    ghost_tint=(0.80, 0.88, 1.0),
    ghost_alpha=0.34,
    sky=(0.36, 0.40, 0.48),
    earth=(0.13, 0.12, 0.13),
)
LIGHT = Theme(
    top=(0.965, 0.972, 0.985),
    bottom=(0.865, 0.885, 0.915),
    line=(0.62, 0.66, 0.72),
    floor=(0.915, 0.928, 0.948),
    shadow=(0.20, 0.24, 0.32),
    shadow_strength=0.62,
    neutral=(0.66, 0.70, 0.76),
    ghost_tint=(0.40, 0.48, 0.62),
    ghost_alpha=0.34,
    sky=(0.46, 0.48, 0.52),
    earth=(0.22, 0.21, 0.21),
)
