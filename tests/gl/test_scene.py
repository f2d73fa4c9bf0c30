"""The 3D scene drawn without a window, looked at by single pixels and measured by the clock."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator

import numpy as np
import pytest
from vispy import gloo

from poseapp.core import rig
from poseapp.core.camera import FRONT, SIDE, Camera, project
from poseapp.core.skeleton import MOCAP_17
from poseapp.ui.viewport.offscreen import GLUnavailableError, Offscreen, turntable_frames
from poseapp.ui.viewport.scene import Scene, shadow_map
from poseapp.ui.viewport.themes import DARK, LIGHT

pytestmark = pytest.mark.gl

SIZE = (400, 400)
_NONE = np.zeros((0, 17, 3))
_MEAN_MM = np.array(
    [0, 86, 419, 425, 86, 418, 424, 224, 285, 147, 109, 194, 286, 269, 194, 290, 269.0]
)


@pytest.fixture(scope="module")
def offscreen() -> Iterator[Offscreen]:
    try:
        context = Offscreen()
    except GLUnavailableError as exc:
        pytest.skip(str(exc))
    yield context
    context.close()


@pytest.fixture
def scene(offscreen: Offscreen) -> Scene:
    offscreen.make_current()
    return Scene(DARK)


def standing() -> np.ndarray:
    """(17, 3) mm: an adult with arms and legs apart, facing the viewer, on the ground."""
    joints = np.zeros((17, 3))
    for joint, parent in enumerate(MOCAP_17.parents):
        if parent >= 0:
            joints[joint] = joints[parent] + _MEAN_MM[joint] * rig.rest_directions()[joint]
    joints[:, 1] -= joints[:, 1].min() - 36
    return joints


def at(picture: np.ndarray, place: np.ndarray) -> np.ndarray:
    x, y = np.rint(place).astype(int)
    return picture[y, x].astype(int)


def middle(joints: np.ndarray, name: str) -> np.ndarray:
    """(3,) mm, the middle of the bone that ends at a joint."""
    joint = MOCAP_17.index(name)
    return joints[[joint, MOCAP_17.parents[joint]]].mean(0)


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_left_is_blue_right_is_orange_where_the_camera_says(
    offscreen: Offscreen, scene: Scene, theme: object
) -> None:
    joints = standing()
    scene.set_theme(theme)
    scene.set_figures(joints[None], _NONE)
    camera = FRONT.fitted(joints)
    picture = offscreen.render(scene, camera, SIZE)
    for name in ("L_Knee", "L_Ankle", "L_Elbow", "L_Wrist"):
        red, _, blue = at(picture, project(middle(joints, name), camera, SIZE))
        assert blue > red + 60, name
    for name in ("R_Knee", "R_Ankle", "R_Elbow", "R_Wrist"):
        red, _, blue = at(picture, project(middle(joints, name), camera, SIZE))
        assert red > blue + 60, name
    red, green, blue = at(picture, project(middle(joints, "Neck"), camera, SIZE))
    assert max(red, green, blue) - min(red, green, blue) < 60


def test_the_near_side_hides_the_far_one(offscreen: Offscreen, scene: Scene) -> None:
    joints = standing()
    scene.set_figures(joints[None], _NONE)
    for camera, near in (
        (SIDE.fitted(joints), "L"),
        (SIDE.orbited(math.pi, 0).fitted(joints), "R"),
    ):
        picture = offscreen.render(scene, camera, SIZE)
        red, _, blue = at(picture, project(middle(joints, f"{near}_Knee"), camera, SIZE))
        assert (blue > red) == (near == "L")


def test_the_shadow_is_below_the_feet(offscreen: Offscreen, scene: Scene) -> None:
    joints = standing() + np.array([130.0, 0.0, 130.0])  # off the ground's lines
    camera = Camera(elevation=0.7).fitted(joints)
    scene.set_figures(_NONE, _NONE)
    bare = offscreen.render(scene, camera, SIZE).astype(int)
    scene.set_figures(joints[None], _NONE)
    shaded = offscreen.render(scene, camera, SIZE).astype(int)
    beside = project(np.array([130.0 + 86, 0.0, 130.0 + 75]), camera, SIZE)
    far = project(np.array([130.0, 0.0, 130.0 + 900]), camera, SIZE)
    assert at(shaded, beside).sum() < at(bare, beside).sum() - 20
    assert abs(at(shaded, far) - at(bare, far)).max() < 12


def test_a_higher_figure_casts_a_fainter_shadow() -> None:
    low, high = standing(), standing() + np.array([0.0, 900.0, 0.0])
    corner = np.array([-900.0, -900.0])
    assert (
        shadow_map(high[None], corner, 1800.0).max() < shadow_map(low[None], corner, 1800.0).max()
    )


def test_ghosts_shine_through_and_stand_behind(offscreen: Offscreen, scene: Scene) -> None:
    joints = standing()
    camera = FRONT.fitted(joints)
    ghost = joints + np.array([0.0, 0.0, 600.0])  # nearer to the camera than the sure figure
    ghost[13] += (0.0, 300.0, 0.0)  # its left wrist is raised
    scene.set_figures(joints[None], _NONE)
    alone = offscreen.render(scene, camera, SIZE).astype(int)
    scene.set_figures(joints[None], ghost[None])
    together = offscreen.render(scene, camera, SIZE).astype(int)
    scene.show_ghosts = False
    hidden = offscreen.render(scene, camera, SIZE).astype(int)
    assert np.array_equal(alone, hidden)
    raised = project(ghost[[12, 13]].mean(0), camera, SIZE)
    change = np.abs(at(together, raised) - at(alone, raised)).max()
    assert 4 < change < 120
    covered = project(middle(joints, "Neck"), camera, SIZE)
    assert np.array_equal(at(together, covered), at(alone, covered))


def test_several_people_and_none(offscreen: Offscreen, scene: Scene) -> None:
    people = np.stack([standing() + np.array([x, 0.0, 0.0]) for x in (-1200.0, 0.0, 1200.0)])
    camera = FRONT.fitted(people.reshape(-1, 3))
    for count in (3, 1, 0, 2):
        scene.set_figures(people[:count], _NONE)
        picture = offscreen.render(scene, camera, SIZE)
        for number, person in enumerate(people):
            red, _, blue = at(picture, project(middle(person, "L_Knee"), camera, SIZE))
            assert (blue > red + 60) == (number < count)


def test_the_picture_is_smooth_at_the_edges(offscreen: Offscreen, scene: Scene) -> None:
    """A slanted limb has pixels between its colour and the background's."""
    scene.set_figures(standing()[None], _NONE)
    camera = Camera(azimuth=0.4, elevation=0.2).fitted(standing())
    picture = offscreen.render(scene, camera, (160, 160)).astype(int)
    blue = picture[..., 2] - picture[..., 0]
    assert ((blue > 40) & (blue < 90)).sum() > 40


def test_poses_of_any_kind_can_be_drawn(offscreen: Offscreen, scene: Scene) -> None:
    flat = np.zeros((17, 3))
    huge = standing() * 30.0
    upside_down = standing() * np.array([1.0, -1.0, 1.0])
    for joints in (flat, huge, upside_down):
        scene.set_figures(joints[None], joints[None])
        assert offscreen.render(scene, Camera().fitted(joints), (64, 64)).std() > 0


def test_a_turntable_goes_round_once(offscreen: Offscreen) -> None:
    frames = list(turntable_frames(standing(), size=(96, 96), frames=4))
    assert [frame.shape for frame in frames] == [(96, 96, 3)] * 4
    over = [frame[..., 2].astype(int) - frame[..., 0] for frame in frames]
    blue = [np.nonzero(difference > 60)[1].mean() for difference in over]
    orange = [np.nonzero(difference < -60)[1].mean() for difference in over]
    assert blue[0] > orange[0]  # the left side is at the right of the picture,
    assert blue[2] < orange[2]  # and at the left when seen from behind


def test_without_opengl_a_turntable_is_drawn_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Offscreen) -> None:
        raise GLUnavailableError("No OpenGL.")

    monkeypatch.setattr(Offscreen, "__init__", refuse)
    people = np.stack([standing(), standing() + np.array([900.0, 0.0, 0.0])])
    frames = list(turntable_frames(people, [standing()], size=(96, 96), frames=3, theme=LIGHT))
    assert [frame.shape for frame in frames] == [(96, 96, 3)] * 3
    assert frames[0][0, 0].min() > 200


def test_a_frame_is_fast_in_software(offscreen: Offscreen, scene: Scene) -> None:
    """A drag moves the figure and draws it anew: 15 ms at most on one slow core."""
    joints = standing()
    camera = FRONT.fitted(joints)
    colour = gloo.Texture2D((SIZE[1], SIZE[0], 4), format="rgba")
    target = gloo.FrameBuffer(colour, gloo.RenderBuffer(SIZE[::-1], "depth"))
    updates, frames = [], []
    with target:
        for step in range(60):
            start = time.perf_counter()
            scene.set_figures(joints[None] + 0.5 * step, _NONE)
            updates.append(time.perf_counter() - start)
            scene.draw(camera, SIZE)
            gloo.finish()
            frames.append(time.perf_counter() - start)
    # The quickest tenth: other work on the machine is not the scene's.
    update = statistics.quantiles(updates[10:], n=10)[0] * 1e3
    frame = statistics.quantiles(frames[10:], n=10)[0] * 1e3
    print(f"3D scene at 400 x 400: update {update:.2f} ms, update and draw {frame:.2f} ms")
    assert update < 4.0
    assert frame < 15.0
