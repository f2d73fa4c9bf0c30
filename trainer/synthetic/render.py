"""Renders figures before a backdrop, with labels, on one core of a processor. Torch-free.

One visibility buffer for all figures, shaded afterwards: triangles smaller than a sample, most of
them in a small picture, cost a look at their corners and no more. `resolve` says what a pixel is
told to show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainer.errors import DataError
from trainer.synthetic import raster, resolve, shading, shadow
from trainer.synthetic.packing import Packed, pack
from trainer.synthetic.resolve import OBJECTS
from trainer.synthetic.types import Backdrop, Camera, Figure, Frame, Light

_BAND = 1_500_000  # samples in memory at once
MARGIN = 0.25  # of the picture: how far beyond it shadows are looked after


@dataclass(frozen=True)
class _Placed:
    """A figure that can be in the picture, with its arrays for the kernels."""

    number: int
    first_id: int
    mesh: Packed
    positions: np.ndarray
    points: raster.Points
    shares: np.ndarray


def render(
    figures: Sequence[Figure],
    camera: Camera,
    light: Light,
    backdrop: Backdrop,
    *,
    supersample: int = 2,
) -> Frame:
    """Take a picture.

    Args:
        figures: people and objects in any order; what is nearer hides what is behind.
        backdrop: of the camera's size.
        supersample: samples along each side of a pixel, 1 to 8.
    """
    width, height = camera.size
    check(figures, camera, backdrop, supersample)
    view = view_of(camera, supersample)
    lamp = shading.lamp(light)
    axes = shadow.light_axes(lamp.direction)
    floor = np.ascontiguousarray(backdrop.floor, np.float32)
    behind = np.ascontiguousarray(backdrop.image, np.float32)
    with_floor = bool(floor.any())
    people = max((f.number for f in figures if f.number < OBJECTS), default=0)

    placed: list[_Placed] = []
    box = np.stack([np.full(6, np.inf), np.full(6, -np.inf)], 1)
    first_id = 0
    for figure in figures:
        mesh = pack(figure.mesh)
        positions = np.ascontiguousarray(figure.positions, np.float32)
        margin = 8.0 if with_floor else MARGIN
        points, own, seen = raster.project(positions, mesh, view, axes, margin)
        if seen:
            shares = np.full((len(positions), 2), np.nan, np.float32)
            placed.append(_Placed(figure.number, first_id, mesh, positions, points, shares))
            box[:, 0] = np.minimum(box[:, 0], own[:, 0])
            box[:, 1] = np.maximum(box[:, 1], own[:, 1])
        first_id += len(mesh.triangles)
    if not np.isfinite(box).all():
        box = np.zeros((6, 2))
    blockers = shadow.prepare(
        box, axes, lamp.softness, pixel_mm(box, camera), with_floor and bool(placed)
    )
    for one in placed:
        shadow.block(one.positions, one.points, one.mesh, blockers)
    shadow.finish(blockers)

    frame = Frame(
        image=np.zeros((height, width, 3), np.uint8),
        cover=np.zeros((people, height, width), np.float32),
        number=np.zeros((height, width), np.uint8),
        part=np.zeros((height, width), np.uint8),
        cloth=np.zeros((height, width), np.uint8),
        depth=np.full((height, width), np.inf, np.float32),
    )
    linear, curve = shading.linear_of_srgb(), shading.tone_curve()
    band = max(1, _BAND // (width * supersample * supersample))
    for first in range(0, height, band):
        rows = min(band, height - first)
        top = first * supersample
        samples = raster.empty(rows * supersample, width * supersample)
        lit = np.zeros((rows, width, 3), np.float32)
        for one in placed:
            raster.visibility(one.points, one.mesh, view, one.first_id, top, samples)
        for one in placed:
            shading.shade(
                one.positions,
                one.points,
                one.mesh,
                view,
                lamp,
                blockers,
                one.shares,
                linear,
                one.number,
                one.first_id,
                supersample,
                top,
                samples,
                lit,
            )
        unseen = np.empty((rows, width), np.int32)
        resolve.label(
            samples,
            supersample,
            first,
            frame.cover,
            frame.number,
            frame.part,
            frame.cloth,
            frame.depth,
            unseen,
        )
        resolve.resolve(
            lit,
            unseen,
            behind,
            floor,
            view,
            lamp,
            blockers,
            curve,
            supersample,
            first,
            frame.image,
        )
    return frame


def view_of(camera: Camera, supersample: int) -> raster.View:
    """The camera in samples."""
    return raster.View(
        rotation=np.ascontiguousarray(camera.rotation, np.float64),
        translation=np.ascontiguousarray(camera.translation, np.float64).reshape(3),
        focal=float(camera.focal_px) * supersample,
        centre_x=(float(camera.centre_px[0]) + 0.5) * supersample - 0.5,
        centre_y=(float(camera.centre_px[1]) + 0.5) * supersample - 0.5,
        width=int(camera.size[0]) * supersample,
        height=int(camera.size[1]) * supersample,
        shift=raster.shift(supersample),
    )


def pixel_mm(box: np.ndarray, camera: Camera) -> float:
    """How large a pixel is, in mm, at the middle of a box as `raster.project` gives it."""
    depth = camera.rotation[2] @ box[3:].mean(1) + camera.translation[2]
    return float(max(depth, 0.0) / camera.focal_px)


def check(figures: Sequence[Figure], camera: Camera, backdrop: Backdrop, supersample: int) -> None:
    """Refuse what the kernels would misread.

    Raises:
        DataError: an array does not fit; the sentence names it.
    """
    width, height = camera.size
    if backdrop.image.shape != (height, width, 3) or backdrop.floor.shape != (height, width):
        raise DataError(
            f"The backdrop is {backdrop.image.shape[1]}x{backdrop.image.shape[0]} px, the camera's "
            f"picture {width}x{height} px: paint it for this camera"
        )
    if not 1 <= supersample <= 8:
        raise DataError(f"Choose 1 to 8 samples along a pixel's side, not {supersample}")
    for figure in figures:
        if not 1 <= figure.number <= 255:
            raise DataError(f"A figure's number is 1 to 255, not {figure.number}")
        triangles = figure.mesh.triangles
        if len(triangles) and int(triangles.max()) >= len(figure.positions):
            raise DataError(
                f"Figure {figure.number} has {len(figure.positions)} positions, but its triangles "
                f"ask for number {int(triangles.max())}"
            )
