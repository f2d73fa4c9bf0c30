"""Backgrounds, lights, things in front of people, and what cameras do to pictures."""

import numpy as np
import pytest

from trainer.synthetic import backgrounds, degrade, lights, objects, surfaces
from trainer.synthetic.furniture import PRINTS
from trainer.synthetic.object_shapes import STANDING
from trainer.synthetic.streams import stream
from trainer.synthetic.types import Backdrop, Camera, Light

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def _camera(
    size: tuple[int, int] = (64, 128), *, far: float = 4000, eye: float = 1500, azimuth: float = 0.3
) -> Camera:
    """Looks at a point 0.9 m above the world's origin, a standing person filling the height."""
    at = np.array([far * np.sin(azimuth), eye, far * np.cos(azimuth)])
    ahead = np.array([0.0, 900.0, 0.0]) - at
    ahead /= np.linalg.norm(ahead)
    right = np.cross(ahead, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(ahead, right), ahead])
    width, height = size
    centre = ((width - 1) / 2, (height - 1) / 2)
    return Camera(rotation, -rotation @ at, height / 2000 * far, centre, size)


def _paint(kind: str, seed: int = 0, camera: Camera | None = None) -> Backdrop:
    camera = camera or _camera()
    light = lights.sample(stream(seed, "light"), kind, camera=camera)
    return backgrounds.paint(stream(seed, "background"), camera, light, kind)


def _pixel(camera: Camera, point: tuple[float, float, float]) -> tuple[int, int]:
    x, y, z = camera.rotation @ np.array(point) + camera.translation
    column = x / z * camera.focal_px + camera.centre_px[0]
    row = y / z * camera.focal_px + camera.centre_px[1]
    return round(float(row)), round(float(column))


@pytest.mark.parametrize("kind", backgrounds.KINDS)
def test_every_kind_is_a_calm_exposed_picture_with_ground_under_the_feet(kind: str) -> None:
    camera = _camera((96, 128))
    for seed in range(4):
        drop = _paint(kind, seed, camera)
        assert drop.image.shape == (128, 96, 3) and drop.image.dtype == np.float32
        assert drop.floor.shape == (128, 96) and drop.floor.dtype == np.float32
        assert np.isfinite(drop.image).all() and drop.image.min() >= 0
        brightness = float((drop.image @ _LUMINANCE).mean())
        assert 0.015 < brightness < 1.1
        row, column = _pixel(camera, (0, 0, 0))
        assert drop.floor[row, column] > 0.9, seed  # feet stand on it
        assert drop.floor.min() >= 0 and drop.floor.max() <= 1
        # calm: hardly a pixel as colourful as a signal
        high, low = drop.image.max(-1), drop.image.min(-1)
        vivid = (high - low) > 0.85 * np.maximum(high, 0.15)
        assert vivid.mean() < 0.25


def test_same_stream_same_bytes_and_another_seed_another_picture() -> None:
    first, again, other = _paint("room", 3), _paint("room", 3), _paint("room", 4)
    assert first.image.tobytes() == again.image.tobytes()
    assert first.floor.tobytes() == again.floor.tobytes()
    assert np.abs(first.image - other.image).mean() > 0.01


@pytest.mark.parametrize("kind", ["brick", "plaster", "tiles", "studio", "room"])
def test_walls_leave_people_their_room(kind: str) -> None:
    camera = _camera((64, 128), eye=3500)  # from above, so that the ground behind them shows
    for seed in range(6):
        drop = _paint(kind, seed, camera)
        for x in (-300.0, 0.0, 300.0):
            row, column = _pixel(camera, (x, 0, -0.8 * 1200))
            if 0 <= row < 128 and 0 <= column < 64:
                assert drop.floor[row, column] > 0.5


def test_the_horizon_of_the_sea_follows_the_pitch() -> None:
    """No ground above the line where a level ray meets the sky."""
    for eye in (600.0, 1600.0, 3000.0):
        camera = _camera((64, 128), eye=eye)
        drop = _paint("beach", 1, camera)
        away = np.array([-np.sin(0.3), 0.0, -np.cos(0.3)])
        level = camera.rotation @ away
        horizon = level[1] / level[2] * camera.focal_px + camera.centre_px[1]
        rows = np.arange(128)
        above = rows < horizon - 1.5
        assert not (drop.floor[above] > 0).any()
        assert (drop.floor[rows > 110] > 0.9).all()


@pytest.mark.parametrize("eye", [-400.0, 5.0, 8000.0])
def test_odd_cameras_still_get_a_picture(eye: float) -> None:
    for kind in backgrounds.KINDS:
        drop = _paint(kind, 2, _camera((48, 64), eye=eye, far=2500))
        assert np.isfinite(drop.image).all()
        assert drop.image.mean() > 0.01


def test_a_camera_that_looks_straight_down_or_away_from_the_people_works() -> None:
    down = Camera(
        np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]]),
        np.array([0.0, 0.0, 4000.0]),
        120.0,
        (31.5, 31.5),
        (64, 64),
    )
    assert _paint("plaster", 0, down).floor[32, 32] > 0.9
    camera = _camera()
    turned = np.diag([-1.0, 1.0, -1.0]) @ camera.rotation
    away = Camera(
        turned, np.diag([-1.0, 1.0, -1.0]) @ camera.translation, 256.0, (31.5, 63.5), (64, 128)
    )
    assert np.isfinite(_paint("room", 0, away).image).all()


def test_what_is_not_given_goes_with_the_light_and_unknown_kinds_are_refused() -> None:
    camera = _camera((16, 32))
    sun = lights.sample(stream(0), "sun")
    assert lights.outdoors(sun)
    assert not lights.outdoors(lights.sample(stream(0), "lamp_warm"))
    assert backgrounds.paint(stream(0), camera, sun).image.shape == (32, 16, 3)
    with pytest.raises(ValueError, match="swamp"):
        backgrounds.paint(stream(0), camera, sun, "swamp")
    with pytest.raises(ValueError, match="swamp"):
        lights.sample(stream(0), "swamp")


@pytest.mark.parametrize("kind", lights.KINDS + backgrounds.KINDS)
def test_lights_come_from_above_and_expose_grey_alike(kind: str) -> None:
    camera = _camera()
    for seed in range(10):
        light = lights.sample(stream(seed, "light"), kind, camera=camera)
        assert isinstance(light, Light)
        assert np.linalg.norm(light.direction) == pytest.approx(1, abs=1e-5)
        assert light.direction[1] > 0.15
        # not behind the people as the camera sees them
        assert float(light.direction @ camera.rotation[2]) < 0.35
        # a grey ball's front: half towards the light, half towards the camera
        normal = light.direction - camera.rotation[2]
        grey = 0.2 * lights.irradiance(light, normal / np.linalg.norm(normal)) @ _LUMINANCE
        assert 0.1 < grey < 0.36
        warmth = light.key[0] / light.key[2]
        assert 0.7 < warmth < 3.0


def test_maps_repeat_without_a_seam_and_levels_keep_the_mean() -> None:
    maps = surfaces.atlas()
    for name in ("brick", "grass", "plaster", "planks", "gravel"):
        level = surfaces.texels(maps, name, 512)[..., 1].astype(float)
        inner = np.abs(np.diff(level, axis=1)).mean()
        seam = np.abs(level[:, 0] - level[:, -1]).mean()
        assert seam < 2.5 * inner + 2, name
        small = surfaces.texels(maps, name, len(level) // 32)[..., 1]
        assert small.shape == (len(level) // 32,) * 2
        assert small.mean() == pytest.approx(level.mean(), abs=1.5)


def _person() -> np.ndarray:
    rng = stream(0, "person")
    return rng.uniform([-230, 0, -130], [230, 1720, 130], (300, 3))


def _inside(positions: np.ndarray, camera: Camera) -> np.ndarray:
    seen = positions @ camera.rotation.T + camera.translation
    at = seen[:, :2] / seen[:, 2:] * camera.focal_px + np.asarray(camera.centre_px)
    return np.asarray(((at >= 0) & (at < camera.size)).all(1))


@pytest.mark.parametrize("kind", objects.KINDS)
def test_objects_stand_between_and_hide_a_part(kind: str) -> None:
    camera, points = _camera((128, 128)), _person()
    hidden = []
    for seed in range(4):
        mesh, positions = objects.sample(stream(seed, kind), camera, points, kind)
        assert positions.dtype == np.float32 and positions.shape[1] == 3
        assert mesh.triangles.max() < len(positions) and mesh.uv.shape == (
            len(mesh.triangles),
            3,
            2,
        )
        assert mesh.material.max() < len(mesh.materials)
        assert not mesh.part.any() and not mesh.cloth.any()
        assert np.isfinite(positions).all()
        share = objects.covered(mesh, positions, camera, points)
        hidden.append(share)
        depth = positions @ camera.rotation[2] + camera.translation[2]
        person = points @ camera.rotation[2] + camera.translation[2]
        assert np.median(depth) < np.median(person)  # in front
        if kind == "leaves":  # twigs come from outside of the picture
            assert not _inside(positions, camera).all()
        else:
            assert positions[:, 1].min() == pytest.approx(0, abs=90)  # on the floor
    assert 0.05 < np.mean(hidden) < 0.5
    again = objects.sample(stream(3, kind), camera, points, kind)
    assert again[1].tobytes() == positions.tobytes()


def test_objects_go_with_the_place() -> None:
    """Indoors nothing reaches in from trees, and outdoors nothing but heavy things stands about."""
    camera, points = _camera((128, 128)), _person()
    for outdoors, fitting in ((True, 2), (False, 3)):
        allowed = [row[fitting] for row in STANDING.values()]
        assert any(allowed) and not all(allowed)
        names = set()
        for seed in range(40):
            drawn = objects._drawn(stream(seed), outdoors)
            names.add(drawn)
            assert drawn == "leaves" or STANDING[drawn][fitting], drawn
        assert ("leaves" in names) == outdoors
    mesh, positions = objects.sample(stream(1), camera, points, outdoors=True)
    assert len(positions) and len(mesh.triangles)


def test_prints_differ_and_hang_on_walls() -> None:
    maps = surfaces.atlas()
    seen = [surfaces.texels(maps, name, 32).astype(float) for name in PRINTS]
    for i, one in enumerate(seen):
        for other in seen[:i]:
            assert np.abs(one - other)[..., :3].mean() > 8


def test_closed_objects_turn_their_triangles_outwards() -> None:
    """The signed volume of a box or a tube is positive: the right side of a face is outside."""
    camera, points = _camera(), _person()
    for kind in ("boxes", "pillar", "chair"):
        mesh, positions = objects.sample(stream(1), camera, points, kind)
        a, b, c = np.moveaxis(positions[mesh.triangles].astype(float) - positions.mean(0), 1, 0)
        assert float(np.einsum("ij,ij->", a, np.cross(b, c))) > 0, kind


def test_a_surveillance_crop_is_worse_than_a_phones_picture() -> None:
    rng = stream(0)
    image = (255 * rng.random((8, 4, 3))).astype(np.uint8).repeat(16, 0).repeat(16, 1)
    before = image.copy()
    harm = {"surveillance": [], "phone": []}
    for seed in range(12):
        for name, make in (("surveillance", degrade.surveillance), ("phone", degrade.phone)):
            out = make(image, stream(seed, name))
            assert out.shape == image.shape and out.dtype == np.uint8
            assert out.flags.c_contiguous
            edges = np.abs(np.diff(out.astype(float), axis=1))[:, 15::16].mean()
            harm[name].append(edges)
            assert make(image, stream(seed, name)).tobytes() == out.tobytes()
    assert (image == before).all()
    assert np.mean(harm["surveillance"]) < 0.85 * np.mean(harm["phone"])
