"""A garment's texture: which charts it has, and where on the body each texel lies. Torch-free.

Patterns are painted as on cloth before it is sewn: each chart of a texture gets coordinates in mm,
across and down, so that stripes run level on every panel and meet at the sides.
"""

from dataclasses import dataclass

import cv2
import numba
import numpy as np


@dataclass(frozen=True)
class Atlas:
    """The texture of a garment.

    Attributes:
        chart: (h,w) int16, the chart of each texel; texels between charts have the nearest one's.
        inside: (h,w) bool, texels that belong to a chart.
        across, down: (h,w) float32 mm on the reference body.
        charts: how many there are.
    """

    chart: np.ndarray
    inside: np.ndarray
    across: np.ndarray
    down: np.ndarray
    charts: int


def window(uv: np.ndarray, margin: float) -> np.ndarray:
    """The part of a texture that is used: (4,) u0, v0, u1, v1."""
    flat = uv.reshape(-1, 2)
    low, high = flat.min(0) - margin, flat.max(0) + margin
    return np.concatenate([np.maximum(low, 0.0), np.minimum(high, 1.0)])


def rewindow(uv: np.ndarray, box: np.ndarray) -> np.ndarray:
    """uv of a texture as uv of its window."""
    return ((uv - box[:2]) / np.maximum(box[2:] - box[:2], 1e-9)).astype(np.float32)


def bake(
    uv: np.ndarray,
    points: np.ndarray,
    down: np.ndarray,
    across: np.ndarray,
    size: tuple[int, int],
) -> Atlas:
    """Find the charts of a mesh and lay coordinates over them.

    Args:
        uv: (m,3,2), in a texture of `size`.
        points: (m,3,3) mm, the corners on the reference body.
        down, across: (m,3) mm, what the coordinates should be close to.
        size: (width, height) px.
    """
    width, height = size
    texel = uv * np.array([width, -height]) + np.array([-0.5, height - 0.5])
    label = _charts(texel)
    count = int(label.max()) + 1
    chart = np.full((height, width), -1, np.int32)
    corners = np.round(texel * 16).astype(np.int32)
    for number in range(count):
        # Triangle by triangle: a polygon of many contours would be filled by the even-odd rule.
        for triangle in corners[label == number]:
            cv2.fillConvexPoly(chart, triangle, int(number), shift=4)
    inside = chart >= 0
    chart = _filled(chart, inside)
    rows, columns = np.indices((height, width), np.float32)
    s, t = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    for number in range(count):
        mine = label == number
        a, b = _layout(texel[mine], points[mine], down[mine], across[mine])
        here = chart == number
        s[here] = a[0] * columns[here] + a[1] * rows[here] + a[2]
        t[here] = b[0] * columns[here] + b[1] * rows[here] + b[2]
    return Atlas(chart.astype(np.int16), inside, s, t, count)


def _charts(texel: np.ndarray) -> np.ndarray:
    """(m,) the chart of each triangle: triangles that share a corner of the texture."""
    key = np.round(texel * 8).astype(np.int64)
    _, corner = np.unique(key.reshape(-1, 2), axis=0, return_inverse=True)
    corner = corner.reshape(-1, 3)
    label = np.arange(int(corner.max()) + 1)
    while True:
        lowest = label[corner].min(1)
        new = label.copy()
        np.minimum.at(new, corner.ravel(), np.repeat(lowest, 3))
        new = new[new]
        if (new == label).all():
            break
        label = new
    return np.unique(label[corner[:, 0]], return_inverse=True)[1].reshape(-1)


def _filled(chart: np.ndarray, inside: np.ndarray) -> np.ndarray:
    rows, columns = nearest_inside(inside)
    return chart[rows, columns]


def nearest_inside(inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The row and column of the nearest texel inside, for every texel."""
    outside = np.where(inside, 0, 255).astype(np.uint8)
    _, label = cv2.distanceTransformWithLabels(
        outside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    at_row, at_column = np.nonzero(inside)
    row_of = np.zeros(int(label.max()) + 1, np.int64)
    column_of = np.zeros(int(label.max()) + 1, np.int64)
    own = label[at_row, at_column]
    row_of[own], column_of[own] = at_row, at_column
    return row_of[label], column_of[label]


def _layout(
    texel: np.ndarray, points: np.ndarray, down: np.ndarray, across: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How across and down depend on column and row: two (3,), a similarity."""
    flat = texel.reshape(-1, 2)
    design = np.concatenate([flat, np.ones((len(flat), 1))], 1)
    slope = np.linalg.lstsq(design, down.reshape(-1), rcond=None)[0][:2]
    length = float(np.linalg.norm(slope))
    way = slope / length if length > 1e-6 else np.array([0.0, 1.0])
    e1, e2 = texel[:, 1] - texel[:, 0], texel[:, 2] - texel[:, 0]
    flat_area = np.abs(e1[:, 0] * e2[:, 1] - e1[:, 1] * e2[:, 0]).sum()
    p1, p2 = points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]
    area = np.linalg.norm(np.cross(p1, p2), axis=1).sum()
    scale = float(np.sqrt(area / max(flat_area, 1e-9)))
    side = np.array([-way[1], way[0]])
    if np.dot(flat @ side - (flat @ side).mean(), across.reshape(-1)) < 0:
        side = -side
    rows = []
    for direction, target in ((side, across), (way, down)):
        values = scale * (flat @ direction)
        rows.append(np.append(scale * direction, float(target.mean() - values.mean())))
    return rows[0], rows[1]


def spread(
    uv: np.ndarray, values: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Values of a mesh's corners laid out in its texture.

    Args:
        uv: (m,3,2); values: (m,3,d).
        size: (width, height) px.

    Returns:
        (h,w,d) float32, and (h,w) bool, where a triangle lies.
    """
    width, height = size
    texel = uv * np.array([width, -height]) + np.array([-0.5, height - 0.5])
    return _spread(
        np.ascontiguousarray(texel, np.float32),
        np.ascontiguousarray(values, np.float32),
        width,
        height,
    )


@numba.njit(cache=True, nogil=True)
def _spread(
    texel: np.ndarray, values: np.ndarray, width: int, height: int
) -> tuple[np.ndarray, np.ndarray]:
    depth = values.shape[2]
    out = np.zeros((height, width, depth), np.float32)
    inside = np.zeros((height, width), np.bool_)
    for t in range(len(texel)):
        ax, ay = texel[t, 0]
        bx, by = texel[t, 1]
        cx, cy = texel[t, 2]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0.0:
            continue
        for y in range(
            max(0, int(np.ceil(min(ay, by, cy)))), min(height - 1, int(max(ay, by, cy))) + 1
        ):
            for x in range(
                max(0, int(np.ceil(min(ax, bx, cx)))), min(width - 1, int(max(ax, bx, cx))) + 1
            ):
                u = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
                v = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
                if u < -0.01 or v < -0.01 or u + v > 1.01:
                    continue
                inside[y, x] = True
                for c in range(depth):
                    out[y, x, c] = (
                        (1.0 - u - v) * values[t, 0, c] + u * values[t, 1, c] + v * values[t, 2, c]
                    )
    return out, inside
