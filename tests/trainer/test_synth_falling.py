"""Skirts fall around legs in a pose, and hair goes under the rims of hats."""

from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest

from trainer.synthetic import falling, mannequin, outfit, rig, rims, sampling, wardrobe
from trainer.synthetic.person import Body, Person, Wear
from trainer.synthetic.types import Assets, Drape

_AROUND, _ROWS = 24, 14


@pytest.fixture(scope="module")
def doll() -> Assets:
    return mannequin.build()


def _tube() -> tuple[np.ndarray, Drape]:
    """A skirt 520 mm long around one leg that stands in it, held at the top."""
    angle, height = np.meshgrid(
        np.linspace(0, 2 * np.pi, _AROUND, endpoint=False), np.linspace(900, 380, _ROWS)
    )
    points = np.stack([140 * np.cos(angle), height, 140 * np.sin(angle)], -1)
    number = np.arange(_AROUND * _ROWS).reshape(_ROWS, _AROUND)
    around = np.stack([number, np.roll(number, -1, 1)], -1).reshape(-1, 2)
    down = np.stack([number[:-1], number[1:]], -1).reshape(-1, 2)
    edges = np.concatenate([around, down]).astype(np.int32)
    flat = points.reshape(-1, 3).astype(np.float32)
    lengths = np.linalg.norm(flat[edges[:, 0]] - flat[edges[:, 1]], axis=1).astype(np.float32)
    free = np.repeat(np.clip(np.arange(_ROWS) / 3.0, 0, 1), _AROUND).astype(np.float32)
    leg = np.array([[[0, 900, 0], [0, 100, 0]]], np.float32)
    radius = np.array([[70, 60]], np.float32)
    return flat, Drape(slice(0, len(flat)), edges, lengths, free, np.array([0]), leg, radius)


def _inside(points: np.ndarray, drape: Drape, bones: np.ndarray) -> np.ndarray:
    """How deep points lie in the leg, mm."""
    a, b = (bones[0, :3, :3] @ end + bones[0, :3, 3] for end in drape.ends[0])
    t = np.clip((points - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
    reach = drape.radius[0, 0] + t * (drape.radius[0, 1] - drape.radius[0, 0])
    return reach - np.linalg.norm(points - a - t[:, None] * (b - a), axis=1)


def test_a_leg_that_swings_does_not_come_through_its_skirt() -> None:
    flat, drape = _tube()
    bones = np.tile(np.eye(4, dtype=np.float32), (1, 1, 1))
    turn = np.radians(14)
    bones[0, :3, :3] = [
        [1, 0, 0], [0, np.cos(turn), -np.sin(turn)], [0, np.sin(turn), np.cos(turn)],
    ]  # fmt: skip
    bones[0, :3, 3] = np.array([0, 900, 0]) - bones[0, :3, :3] @ [0, 900, 0]
    held = drape.free == 0
    loose = drape.free == 1
    assert _inside(flat, drape, bones)[loose].max() > 15
    after = flat.copy()
    falling.settle(after, drape, bones, True)
    assert _inside(after, drape, bones)[loose].max() < 4
    assert np.array_equal(after[held], flat[held])
    long = np.linalg.norm(after[drape.edges[:, 0]] - after[drape.edges[:, 1]], axis=1)
    assert np.median(long / drape.lengths) == pytest.approx(1.0, abs=0.2)
    assert (long / drape.lengths).max() < 1.7
    again = flat.copy()
    falling.settle(again, drape, bones, True)
    assert np.array_equal(after, again)


def test_a_skirt_at_rest_stays_and_the_floor_stops_it() -> None:
    flat, drape = _tube()
    bones = np.tile(np.eye(4, dtype=np.float32), (1, 1, 1))
    after = flat.copy()
    falling.settle(after, drape, bones, True)
    assert np.linalg.norm((after - flat)[:, [0, 2]], axis=1).max() < 25
    assert -110 < (after - flat)[:, 1].min() < 0
    low = flat - np.array([0, 375, 0], np.float32)
    moved = replace(drape, ends=drape.ends - np.array([0, 375, 0], np.float32))
    falling.settle(low, moved, bones, True)
    assert low[:, 1].min() > -20


def test_dressed_skirts_hang_and_nothing_else_does(doll: Assets) -> None:
    known = wardrobe.items(doll)
    body = Body(gender=0.1)
    for slot in ("skirt", "bottom"):
        for name in known[slot]:
            character = outfit.dress(doll, Person(1, body, outfit=(Wear(slot, name),)))
            assert len(character.drapes) == (slot == "skirt")
            for drape in character.drapes:
                points = character.rest[drape.vertices]
                assert len(points) == len(drape.free)
                assert drape.edges.max() < len(points)
                long = np.linalg.norm(points[drape.edges[:, 0]] - points[drape.edges[:, 1]], axis=1)
                assert long == pytest.approx(drape.lengths, abs=0.01)
                still = np.tile(np.eye(3), (len(doll.rig.names), 1, 1))
                posed = rig.pose(character, doll.rig, still)
                assert np.isfinite(posed.positions).all()
    assert known["skirt"]


def test_a_rim_holds_hair_in() -> None:
    up, forward = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])
    around = np.linspace(0, 2 * np.pi, 41)
    radius = 80 + 15 * np.cos(around) ** 2  # longer than it is wide
    rim = rims.Rim(np.zeros(3), up, forward, radius)
    side = np.array([1.0, 0.0, 0.0])
    hair = np.array([130 * side, 130 * forward, 130 * side - 60 * up, 60 * side, 130 * side + up])
    pressed = rim.press(hair.astype(np.float32))
    assert pressed[0] == pytest.approx(80 * side, abs=0.5)
    assert pressed[1] == pytest.approx(95 * forward, abs=0.5)
    assert 80 < pressed[2][0] < 130 and pressed[2][1] == pytest.approx(-60)
    assert pressed[3] == pytest.approx(hair[3])
    assert pressed[4][0] < pressed[0][0]
    assert rim.above(hair) == pytest.approx([0, 0, -60, 0, 1])


def test_a_hat_goes_down_to_its_rim_around_the_head() -> None:
    angle, row = np.meshgrid(np.linspace(0, 2 * np.pi, 48), np.linspace(0, 1, 12))
    radius = np.where(row == 0, 130.0, 70.0 * np.sqrt(1 - 0.6 * row**2))
    hat = np.stack([radius * np.cos(angle), 90 * row + 60, radius * np.sin(angle)], -1)
    top = np.array([[0.0, 150.0, 0.0]])
    hat = np.concatenate([hat.reshape(-1, 3), top])
    ways = np.random.default_rng(1).normal(size=(400, 3))
    skull = 85 * ways / np.linalg.norm(ways, axis=1, keepdims=True)
    up, forward = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])
    rim = rims.Rim(np.zeros(3), up, forward, np.full(41, 85.0))
    worn = rims.seat(hat, rim, skull)
    brim = worn[:48]
    assert np.abs(brim[:, 1]).max() < 3
    assert worn[-1, 1] > skull[:, 1].max()
    low = worn[48:144]
    assert np.linalg.norm(low[:, [0, 2]], axis=1).min() > 80


def test_drawn_people_are_plain_values(doll: Assets) -> None:
    def plain(value: object) -> None:
        if is_dataclass(value):
            for field in fields(value):
                plain(getattr(value, field.name))
        elif isinstance(value, tuple):
            for each in value:
                plain(each)
        else:
            assert type(value) in (int, float, str)

    for seed in range(60):
        plain(sampling.person(seed, doll))
