"""The body's mesh: closed towards the outside, of one layout, and where the joints are."""

from __future__ import annotations

import numpy as np
import pytest

from poseapp.core import rig
from poseapp.core.skeleton import MOCAP_17
from poseapp.ui.viewport import figure

_LENGTHS_MM = (0, 86, 419, 425, 86, 418, 424, 224, 285, 147, 109, 194, 286, 269, 194, 290, 269)


def _bodies(count: int, size: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(1)
    bodies = np.zeros((count, 17, 3))
    for joint, parent in enumerate(MOCAP_17.parents):
        if parent >= 0:
            way = rig.rest_directions()[joint] + 0.4 * rng.normal(size=(count, 3))
            way /= np.linalg.norm(way, axis=1, keepdims=True)
            bodies[:, joint] = bodies[:, parent] + _LENGTHS_MM[joint] * size * way
    return bodies


@pytest.mark.parametrize("detail", [figure.FINE, figure.COARSE])
@pytest.mark.parametrize("balls", [True, False])
def test_triangles_face_outwards(detail: figure.Detail, balls: bool) -> None:
    bodies = _bodies(2)
    mesh = figure.build(bodies, detail, balls)
    count = figure.vertices_per_figure(detail, balls)
    assert mesh.positions.shape == mesh.normals.shape == (2 * count, 3)
    corners = figure.triangles(2, detail, balls)
    assert corners.max() == 2 * count - 1
    a, b, c = (mesh.positions[corners[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    outwards = (across * mesh.normals[corners].mean(1)).sum(1)
    wide = np.linalg.norm(across, axis=1) > 1.0  # the rest have no area
    assert wide.mean() > 0.6
    assert (outwards[wide] > 0).all()
    assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1.0, atol=1e-3)


def test_every_joint_is_inside_the_body_and_nothing_is_far_from_it() -> None:
    (body,) = _bodies(1)
    mesh = figure.build(body[None])
    apart = np.linalg.norm(mesh.positions[:, None] - body[None], axis=2)
    assert apart.min(0).max() < 100.0
    low, high = body.min(0) - 160.0, body.max(0) + 160.0
    assert (mesh.positions > low).all() and (mesh.positions < high).all()


def test_a_child_is_thinner_than_an_adult() -> None:
    adult, child = figure.build(_bodies(1)), figure.build(_bodies(1, 0.5))
    assert np.allclose(child.positions, adult.positions / 2.0, atol=1.0)


def test_colours_go_from_joint_to_joint() -> None:
    palette = np.zeros((34, 3))
    palette[MOCAP_17.index("L_Knee"), 0] = 1.0
    colours = figure.paint(palette, 2, figure.FINE, balls=True)
    count = figure.vertices_per_figure(figure.FINE, True)
    assert colours.shape == (2 * count, 3)
    assert np.array_equal(colours[:count], colours[count:])
    shin = colours[colours[:, 0] > 0, 0]
    assert shin.max() == 1.0 and ((shin > 0.1) & (shin < 0.9)).any()


def test_degenerate_joints_give_finite_meshes() -> None:
    mesh = figure.build(np.zeros((1, 17, 3)))
    assert np.isfinite(mesh.positions).all() and np.isfinite(mesh.normals).all()
