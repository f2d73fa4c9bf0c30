"""The renderers: what is seen, where, how much of it, and how both kinds agree."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from trainer.errors import DataError
from trainer.synthetic import mannequin, packing
from trainer.synthetic.chunks import Chunk, merge, rigid
from trainer.synthetic.packing import pack
from trainer.synthetic.render import render
from trainer.synthetic.render_torch import render as render_torch
from trainer.synthetic.types import (
    Assets,
    Backdrop,
    Camera,
    Cloth,
    Figure,
    Frame,
    Light,
    Material,
    Mesh,
    Part,
)

SUN = Light(
    direction=np.array([0.5, 0.7, 0.5]) / np.linalg.norm([0.5, 0.7, 0.5]),
    key=np.array([0.9, 0.85, 0.8], np.float32),
    sky=np.array([0.35, 0.4, 0.45], np.float32),
    ground=np.array([0.2, 0.18, 0.15], np.float32),
    softness=0.2,
)


def camera_at(
    eye: tuple[float, float, float],
    at: tuple[float, float, float],
    focal_px: float,
    size: tuple[int, int],
) -> Camera:
    z = np.subtract(at, eye) / np.linalg.norm(np.subtract(at, eye))
    x = np.cross(z, [0.0, 1.0, 0.0])
    x /= np.linalg.norm(x)
    rotation = np.stack([x, np.cross(z, x), z])
    centre = ((size[0] - 1) / 2, (size[1] - 1) / 2)
    return Camera(rotation, -rotation @ np.array(eye), focal_px, centre, size)


def plain(camera: Camera, value: float = 0.3, floor: float = 0.0) -> Backdrop:
    width, height = camera.size
    return Backdrop(
        np.full((height, width, 3), value, np.float32), np.full((height, width), floor, np.float32)
    )


def squares(
    *centres: tuple[float, float, float],
    half: float = 100.0,
    colour: tuple[int, int, int] = (200, 80, 40),
    cutout: bool = False,
    alpha: int = 255,
    layer: int = 3,
    part: Part = Part.TORSO,
    cloth: Cloth = Cloth.TOP,
) -> tuple[Mesh, np.ndarray]:
    """Squares that face +z, at world positions, of one mesh."""
    corner = half * np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float32)
    positions = np.concatenate([corner + np.float32(c) for c in centres]).astype(np.float32)
    quad = np.array([[0, 1, 2], [0, 2, 3]])
    triangles = np.concatenate([quad + 4 * k for k in range(len(centres))]).astype(np.int32)
    uv = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)[triangles % 4]
    count = len(triangles)
    texture = np.empty((8, 8, 4), np.uint8)
    texture[:] = (*colour, alpha)
    mesh = Mesh(
        triangles,
        uv,
        np.zeros(count, np.int32),
        np.full(count, part, np.uint8),
        np.full(count, cloth, np.uint8),
        np.full(count, layer, np.uint8),
        (Material(texture, cutout=cutout, gloss=0.0),),
    )
    return mesh, positions


FRONT = camera_at((0, 1000, 2000), (0, 1000, 0), 200.0, (64, 64))  # 0.1 px a mm at z = 0


@pytest.fixture(scope="module")
def person() -> tuple[Mesh, np.ndarray]:
    """The mannequin's skin, standing, with its parts told by height."""
    assets = mannequin.build()
    return standing(assets)


def standing(assets: Assets) -> tuple[Mesh, np.ndarray]:
    body = assets.body
    triangles = body.vertex[body.triangles].astype(np.int32)
    positions = assets.base.astype(np.float32).copy()
    positions[:, 1] -= positions[np.unique(triangles), 1].min()
    height = positions[triangles, 1].mean(1) / positions[np.unique(triangles), 1].max()
    part = np.select(
        [height > 0.85, height > 0.5, height > 0.28],
        [Part.FACE, Part.TORSO, Part.UPPER_LEG_L],
        Part.LOWER_LEG_L,
    )
    random = np.random.default_rng(3)
    texture = np.full((64, 64, 4), 255, np.uint8)
    texture[..., :3] = random.integers(90, 220, (64, 64, 3))
    mesh = Mesh(
        triangles,
        body.uv[body.triangles].astype(np.float32),
        np.zeros(len(triangles), np.int32),
        part.astype(np.uint8),
        np.full(len(triangles), Cloth.SKIN, np.uint8),
        np.zeros(len(triangles), np.uint8),
        (Material(texture, gloss=0.3),),
    )
    return mesh, positions


def agree(one: Frame, other: Frame) -> None:
    """The pictures differ by 2/255 at most in the mean; 98 % of the labels are the same."""
    difference = np.abs(one.image.astype(int) - other.image.astype(int))
    assert difference.mean() <= 2.0
    assert np.mean(one.part == other.part) >= 0.98
    assert np.mean(one.cloth == other.cloth) >= 0.98
    assert np.mean(one.number == other.number) >= 0.98
    assert np.abs(one.cover - other.cover).mean() < 0.01
    both = np.isfinite(one.depth) & np.isfinite(other.depth)
    assert np.median(np.abs(one.depth[both] - other.depth[both])) < 0.01


def test_a_square_lies_where_the_camera_projects_it() -> None:
    mesh, positions = squares((0, 1000, 0))
    frame = render([Figure(mesh, positions, 1)], FRONT, SUN, plain(FRONT))
    seen = frame.number == 1
    rows, columns = np.nonzero(seen)
    # 200 mm at 0.1 px a mm around the centre 31.5: pixel centres 21.5 ... 41.5
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (22, 41, 22, 41)
    assert seen.sum() == 400
    np.testing.assert_allclose(frame.depth[seen], 2000.0, atol=0.01)
    assert np.isinf(frame.depth[~seen]).all()
    assert (frame.part[seen] == Part.TORSO).all() and not frame.part[~seen].any()
    assert (frame.cloth[seen] == Cloth.TOP).all() and not frame.cloth[~seen].any()


def test_cover_is_the_share_of_samples() -> None:
    mesh, positions = squares((2.5, 1000, 0))  # a quarter of a pixel to the right
    frame = render([Figure(mesh, positions, 1)], FRONT, SUN, plain(FRONT), supersample=4)
    row = frame.cover[0, 32]
    assert row[30] == 1.0
    assert frame.cover[0].sum() == pytest.approx(400.0, rel=0.02)
    assert row[42] == pytest.approx(0.25) and row[22] == pytest.approx(0.75)


def test_edges_have_as_many_steps_as_samples() -> None:
    """An upright edge that moves by quarters of a pixel covers quarters with two samples a side."""
    for axis, row, column in ((0, 32, 42), (1, 21, 32)):
        shares = []
        for quarter in range(5):
            centre = [0.0, 1000.0, 0.0]
            centre[axis] += 2.5 * quarter
            mesh, positions = squares((centre[0], centre[1], centre[2]))
            frame = render([Figure(mesh, positions, 1)], FRONT, SUN, plain(FRONT))
            shares.append(float(frame.cover[0, row, column]))
        np.testing.assert_allclose(shares, [0.0, 0.25, 0.5, 0.75, 1.0])


def test_parts_end_where_their_weights_are_equal() -> None:
    """The border of two parts crosses triangles; hair and what has no weights keep theirs."""
    mesh, positions = squares((0, 1000, 0))
    weights = np.zeros((4, 16), np.uint8)
    weights[[0, 3], Part.UPPER_ARM_R], weights[[0, 3], Part.TORSO] = 205, 50
    weights[[1, 2], Part.UPPER_ARM_R], weights[[1, 2], Part.TORSO] = 100, 155
    # equal at 155 of 210 of the way, 73.8 % of 20 pixels from 21.5 on
    parted = replace(mesh, part_weights=weights)
    for draw in (render, render_torch):
        frame = draw([Figure(parted, positions, 1)], FRONT, SUN, plain(FRONT))
        expected = np.where(np.arange(22, 42) < 36.3, Part.UPPER_ARM_R, Part.TORSO)
        np.testing.assert_array_equal(frame.part[22:42, 22:42], np.tile(expected, (20, 1)))
        hair = replace(parted, part=np.full(2, Part.HAIR, np.uint8))
        unknown = replace(parted, part_weights=weights * np.uint8([[1], [1], [0], [0]]))
        for one, part in ((hair, Part.HAIR), (unknown, Part.TORSO)):
            frame = draw([Figure(one, positions, 1)], FRONT, SUN, plain(FRONT))
            assert set(np.unique(frame.part)) == {0, part}


def test_weights_of_parts_come_from_the_bones_where_they_tell() -> None:
    """A dressed person has them on skin and cloth, not on hair, hats and bags."""
    base = np.zeros((2, 3), np.float32)
    bone, weight = rigid(2, 0)
    bone[:, 1], weight[:, 0], weight[:, 1] = 1, 0.75, 0.25
    mesh, points = squares((0, 0, 0))
    pieces = [
        Chunk(
            points,
            *rigid(4, 1),
            mesh.triangles,
            mesh.uv,
            mesh.materials[0],
            mesh.part,
            np.full(2, cloth, np.uint8),
            3,
        )
        for cloth in (Cloth.TOP, Cloth.HAIR, Cloth.HAT, Cloth.BAG)
    ]
    bones = (np.zeros((2, 3)), np.ones((2, 3)))
    of_bones = np.array([Part.TORSO, Part.UPPER_ARM_L], np.uint8)
    table = merge(base, bone, weight, bones, pieces, of_bones).mesh.part_weights
    assert table is not None and table.shape == (18, 16)
    assert tuple(table[0, [Part.TORSO, Part.UPPER_ARM_L]]) == (191, 64)
    assert (table[2:6, Part.UPPER_ARM_L] == 255).all() and not table[6:].any()


def test_what_is_nearer_hides_what_is_behind() -> None:
    far, at_far = squares((0, 1000, -300))
    near, at_near = squares((0, 1000, 0), half=50.0)
    thing, at_thing = squares((60, 1000, 200), half=30.0)
    figures = [
        Figure(near, at_near, 2),
        Figure(far, at_far, 1),
        Figure(thing, at_thing, 200),
    ]
    frame = render(figures, FRONT, SUN, plain(FRONT))
    assert frame.cover.shape == (2, 64, 64)
    assert frame.number[32, 30] == 2
    assert frame.number[32, 24] == 1
    assert frame.number[32, 38] == 200
    assert frame.part[32, 38] == 0 and frame.cloth[32, 38] == 0
    assert frame.cover.sum(0).max() <= 1.0 + 1e-6
    assert frame.cover[0, 32, 30] == 0.0 and frame.cover[1, 32, 38] == 0.0


def test_the_higher_layer_wins_within_three_millimetres() -> None:
    skin = squares((0, 1000, 2), layer=0, cloth=Cloth.SKIN)
    shirt = squares((0, 1000, 0), layer=4)
    lower_shirt = squares((0, 1000, -6), layer=4)

    def joined(a: tuple[Mesh, np.ndarray], b: tuple[Mesh, np.ndarray]) -> Figure:
        (m, p), (n, q) = a, b
        mesh = Mesh(
            np.concatenate([m.triangles, n.triangles + len(p)]),
            np.concatenate([m.uv, n.uv]),
            np.concatenate([m.material, n.material + 1]),
            np.concatenate([m.part, n.part]),
            np.concatenate([m.cloth, n.cloth]),
            np.concatenate([m.layer, n.layer]),
            m.materials + n.materials,
        )
        return Figure(mesh, np.concatenate([p, q]), 1)

    for pair in ((skin, shirt), (shirt, skin)):
        frame = render([joined(*pair)], FRONT, SUN, plain(FRONT))
        assert (frame.cloth[frame.number == 1] == Cloth.TOP).all()
    for pair in ((skin, lower_shirt), (lower_shirt, skin)):
        frame = render([joined(*pair)], FRONT, SUN, plain(FRONT))
        assert frame.cloth[32, 32] == Cloth.SKIN


def test_cut_out_texture_lets_through_its_share() -> None:
    shares = []
    for alpha in (0, 90, 180, 255):
        mesh, positions = squares((0, 1000, 0), cutout=True, alpha=alpha)
        fine = np.repeat(np.repeat(mesh.materials[0].texture, 64, 0), 64, 1)
        mesh = replace(mesh, materials=(Material(fine, cutout=True),))
        frame = render([Figure(mesh, positions, 1)], FRONT, SUN, plain(FRONT), supersample=4)
        shares.append(float(frame.cover[0, 24:40, 24:40].mean()))
    np.testing.assert_allclose(shares, [0.0, 90 / 255, 180 / 255, 1.0], atol=0.04)


def test_strands_cover_as_much_from_afar() -> None:
    """A tenth of a texture is opaque, in thin strands; so is a tenth of what is seen."""
    mesh, positions = squares((0, 1000, 0), half=400.0, cutout=True)
    texture = np.zeros((640, 640, 4), np.uint8)
    texture[:, ::10] = (60, 40, 20, 255)
    mesh = replace(mesh, materials=(Material(texture, cutout=True),))
    for distance in (530.0, 2000.0, 8000.0):
        camera = camera_at((0, 1000, distance), (0, 1000, 0), 200.0, (64, 64))
        for draw in (render, render_torch):
            frame = draw([Figure(mesh, positions, 1)], camera, SUN, plain(camera))
            inside = slice(24, 40)
            share = float(frame.cover[0, inside, inside].mean())
            assert share == pytest.approx(0.1, abs=0.03), (distance, draw.__module__)


def test_two_sided_materials_are_seen_from_behind() -> None:
    mesh, positions = squares((0, 1000, 0))
    back = camera_at((0, 1000, -2000), (0, 1000, 0), 200.0, (64, 64))
    assert render([Figure(mesh, positions, 1)], back, SUN, plain(back)).cover.sum() > 300
    single = replace(mesh, materials=(Material(mesh.materials[0].texture, two_sided=False),))
    assert render([Figure(single, positions, 1)], back, SUN, plain(back)).cover.sum() == 0
    assert render([Figure(single, positions, 1)], FRONT, SUN, plain(FRONT)).cover.sum() > 300


def test_figures_around_and_behind_the_camera_do_no_harm(
    person: tuple[Mesh, np.ndarray],
) -> None:
    mesh, positions = person
    inside = camera_at((0, 900, 30), (0, 900, -500), 100.0, (48, 48))
    beside = positions + np.float32([50_000, 0, 0])
    frame = render(
        [Figure(mesh, positions, 1), Figure(mesh, beside, 2)], inside, SUN, plain(inside, 0.3, 1.0)
    )
    assert frame.cover[1].sum() == 0.0
    assert np.isfinite(frame.cover).all()
    near = frame.depth[np.isfinite(frame.depth)]
    assert (near >= 50.0).all()


def test_light_and_shadow_fall_where_they_should(person: tuple[Mesh, np.ndarray]) -> None:
    mesh, positions = person
    camera = camera_at((0, 1800, 4200), (0, 500, 0), 320.0, (160, 160))
    empty = render([], camera, SUN, plain(camera, 0.3, 1.0)).image.astype(float)
    frame = render([Figure(mesh, positions, 1)], camera, SUN, plain(camera, 0.3, 1.0))
    change = frame.image.astype(float).mean(2) - empty.mean(2)
    floor = frame.cover[0] == 0.0
    assert change[floor].min() < -40  # a shadow
    assert change[floor].max() <= 1.0  # and no light
    _, columns = np.nonzero(floor & (change < -30))
    assert columns.mean() < 79.5  # the light comes from the right
    # contact: the floor beside the feet is darker than a stride away, under a light without key
    dull = replace(SUN, key=np.zeros(3, np.float32))
    soft = render([Figure(mesh, positions, 1)], camera, dull, plain(camera, 0.3, 1.0))
    feet = np.argwhere(soft.number == 1)[:, 0].max()
    below = soft.image[feet + 2, 60:100].astype(float).mean(1)
    assert below.min() < empty[0, 0].mean() - 8
    assert soft.image[feet + 2, 2].mean() == pytest.approx(empty[0, 0].mean(), abs=3)
    # no floor, no shadow
    wall = render([Figure(mesh, positions, 1)], camera, SUN, plain(camera))
    np.testing.assert_array_equal(wall.image[wall.cover[0] == 0], np.uint8(empty[0, 0, 0]))


def test_the_lit_side_is_brighter(person: tuple[Mesh, np.ndarray]) -> None:
    mesh, positions = person
    camera = camera_at((0, 1000, 4000), (0, 900, 0), 230.0, (128, 128))
    left = replace(SUN, direction=np.array([-0.9, 0.3, 0.3]))
    right = replace(SUN, direction=np.array([0.9, 0.3, 0.3]))
    torso = np.zeros((128, 128), bool)
    torso[:, 64:] = True
    a = render([Figure(mesh, positions, 1)], camera, left, plain(camera))
    b = render([Figure(mesh, positions, 1)], camera, right, plain(camera))
    right_half = torso & (a.number == 1)
    assert b.image[right_half].mean() > a.image[right_half].mean() + 10


def test_the_same_call_gives_the_same_bytes(person: tuple[Mesh, np.ndarray]) -> None:
    mesh, positions = person
    camera = camera_at((500, 1400, 3600), (0, 850, 0), 230.0, (64, 128))
    frames = [
        render([Figure(mesh, positions, 1)], camera, SUN, plain(camera, 0.3, 1.0)) for _ in range(2)
    ]
    for name in ("image", "cover", "number", "part", "cloth", "depth"):
        np.testing.assert_array_equal(getattr(frames[0], name), getattr(frames[1], name))


def test_bands_do_not_show(
    person: tuple[Mesh, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh, positions = person
    camera = camera_at((500, 1400, 3600), (0, 850, 0), 230.0, (64, 128))
    call = ([Figure(mesh, positions, 1)], camera, SUN, plain(camera, 0.3, 1.0))
    whole = render(*call, supersample=3)
    monkeypatch.setattr("trainer.synthetic.render._BAND", 64 * 9 * 7)
    banded = render(*call, supersample=3)
    np.testing.assert_array_equal(whole.image, banded.image)
    np.testing.assert_array_equal(whole.part, banded.part)
    np.testing.assert_array_equal(whole.cover, banded.cover)


@pytest.mark.parametrize("supersample", [1, 2, 3])
def test_labels_are_told_by_the_majority_of_samples(supersample: int) -> None:
    """A person over the left half of a pixel column has it from one half on, an equal on."""
    mesh, positions = squares((0, 1000, 0))
    frame = render([Figure(mesh, positions, 1)], FRONT, SUN, plain(FRONT), supersample=supersample)
    np.testing.assert_array_equal(frame.number == 1, frame.cover[0] >= 0.5)


def test_torch_draws_the_same_picture(person: tuple[Mesh, np.ndarray]) -> None:
    mesh, positions = person
    camera = camera_at((900, 1500, 3300), (0, 850, 0), 230.0, (96, 128))
    hair, at_hair = squares(
        (0, 1500, 150), (60, 1520, 160), cutout=True, alpha=120, layer=6, cloth=Cloth.HAIR
    )
    thing, at_thing = squares((150, 700, 500), half=150.0)
    figures = [
        Figure(mesh, positions, 1),
        Figure(mesh, positions + np.float32([300, 0, -700]), 2),
        Figure(hair, at_hair, 3),
        Figure(thing, at_thing, 201),
    ]
    for supersample in (1, 2, 3):
        backdrop = plain(camera, 0.3, 0.8)
        one = render(figures, camera, SUN, backdrop, supersample=supersample)
        other = render_torch(figures, camera, SUN, backdrop, supersample=supersample)
        assert set(np.unique(one.number)) == {0, 1, 2, 3, 201}
        agree(one, other)


def test_torch_draws_an_empty_scene() -> None:
    one, other = (r([], FRONT, SUN, plain(FRONT, 0.3, 1.0)) for r in (render, render_torch))
    np.testing.assert_array_equal(one.image, other.image)
    assert one.cover.shape == other.cover.shape == (0, 64, 64)


@pytest.mark.data
def test_torch_draws_the_same_person_of_the_pack(data_root: Path) -> None:
    from trainer.synthetic import assets as packs

    mesh, positions = standing(packs.load(data_root))
    camera = camera_at((700, 1400, 3300), (0, 850, 0), 230.0, (64, 128))
    call = ([Figure(mesh, positions, 1)], camera, SUN, plain(camera, 0.3, 1.0))
    agree(render(*call), render_torch(*call))


def test_halvings_keep_colours_apart_from_what_is_cut_out() -> None:
    texture = np.zeros((16, 16, 4), np.uint8)
    texture[..., 1] = 255  # green where nothing is seen
    texture[4:12, 4:12] = (200, 40, 20, 255)
    mesh, _ = squares((0, 0, 0))
    packed = pack(replace(mesh, materials=(Material(texture, cutout=True),)))
    texels = packed.texels.view(np.uint8).reshape(-1, 4)
    assert packed.level_count[0] == 5
    last = texels[packed.levels[0, 4, 0]]
    np.testing.assert_allclose(last, (200, 40, 20, 64), atol=2)
    opaque = pack(replace(mesh, materials=(Material(texture),)))
    mean = opaque.texels.view(np.uint8).reshape(-1, 4)[opaque.levels[0, 4, 0], :3]
    np.testing.assert_allclose(mean, (50, 201, 5), atol=2)


def test_the_rim_of_what_is_cut_out_has_its_colour() -> None:
    """Half-opaque texels darkened by the background are seen in the colour of the opaque ones."""
    texture = np.zeros((64, 64, 4), np.uint8)
    texture[16:48] = (200, 160, 120, 255)
    texture[[15, 48]] = (60, 50, 40, 120)
    mesh, _ = squares((0, 0, 0))
    packed = pack(replace(mesh, materials=(Material(texture, cutout=True),)))
    texels = packed.texels.view(np.uint8).reshape(-1, 4)
    for level in range(3):
        first, width, height = packed.levels[0, level]
        shown = texels[first : first + width * height]
        shown = shown[shown[:, 3] > 0].astype(int)
        assert len(shown) and (shown[:, :3] > (120, 100, 70)).all(), level
    np.testing.assert_array_equal(texels[15 * 64, 3], 120)


def test_a_mesh_is_packed_once() -> None:
    mesh, _ = squares((0, 0, 0))
    assert pack(mesh) is pack(mesh)
    assert packing.Identity(mesh) != packing.Identity(replace(mesh))


def test_misfits_are_refused() -> None:
    mesh, positions = squares((0, 1000, 0))
    small = camera_at((0, 1000, 2000), (0, 1000, 0), 200.0, (32, 32))
    with pytest.raises(DataError, match="paint it for this camera"):
        render([], FRONT, SUN, plain(small))
    with pytest.raises(DataError, match="positions"):
        render([Figure(mesh, positions[:3], 1)], FRONT, SUN, plain(FRONT))
    with pytest.raises(DataError, match="number"):
        render([Figure(mesh, positions, 0)], FRONT, SUN, plain(FRONT))
    with pytest.raises(DataError, match="samples"):
        render([], FRONT, SUN, plain(FRONT), supersample=0)
