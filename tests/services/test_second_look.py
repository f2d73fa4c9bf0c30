"""Half a person in a box: looked at again, taken once, and only where that is better."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from poseapp.core.standing import STANDING
from poseapp.services.second_look import with_feet

HEIGHT = 900


@dataclass(frozen=True)
class Seen:
    keypoints: np.ndarray
    confidence: np.ndarray


def person(x: float, feet: bool, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """(17, 2) px of somebody 600 px high, and (17,) how sure each joint is."""
    size = np.ptp(STANDING[:, 1])
    points = (STANDING - STANDING.min(0)) * 600.0 / size + [x, 100.0 + shift]
    sure = np.full(17, 0.9)
    if not feet:
        sure[11:] = 0.1
    return points, sure


def seen(*people: tuple[np.ndarray, np.ndarray]) -> Seen:
    return Seen(np.array([p for p, _ in people]), np.array([c for _, c in people]))


def box(x: float, height: float) -> list[float]:
    return [x - 20.0, 90.0, 260.0, height]


class Estimator:
    """Gives what it was told to give, and keeps what it was asked."""

    def __init__(self, *people: tuple[np.ndarray, np.ndarray]) -> None:
        self.people, self.boxes = people, np.zeros((0, 4))

    def __call__(self, boxes: np.ndarray) -> Seen:
        self.boxes = boxes
        return seen(*self.people)


def test_somebody_whose_box_ends_at_the_waist_gets_legs() -> None:
    boxes, scores = np.array([box(300, 320), box(600, 640)]), np.array([0.6, 0.7])
    found = seen(person(300, feet=False), person(600, feet=True))
    look = Estimator(person(300, feet=True, shift=4.0))
    boxes, scores, found = with_feet(look, boxes, scores, found, HEIGHT)
    assert look.boxes.shape == (1, 4)  # who has feet is not looked at again
    assert look.boxes[0].tolist() == pytest.approx([280, 90, 260, 2.1 * 320])
    assert found.confidence[:, 15].tolist() == [0.9, 0.9]
    assert boxes[0, 3] == pytest.approx(2.1 * 320) and boxes[1, 3] == 640


@pytest.mark.parametrize(
    "second",
    [person(300, feet=False), person(300, feet=True, shift=90.0)],
    ids=["still no legs", "somebody else"],
)
def test_the_first_look_stays_where_the_second_is_no_better(
    second: tuple[np.ndarray, np.ndarray],
) -> None:
    boxes, scores = np.array([box(300, 320)]), np.array([0.6])
    first = seen(person(300, feet=False))
    out = with_feet(Estimator(second), boxes, scores, first, HEIGHT)
    assert out[2] is first and np.array_equal(out[0], boxes)


@pytest.mark.parametrize(("scores", "left"), [((0.7, 0.4), 0.7), ((0.3, 0.4), 0.4)])
def test_somebody_found_twice_is_one_person(scores: tuple[float, float], left: float) -> None:
    boxes = np.array([box(300, 640), box(300, 320)])
    found = seen(person(300, feet=True), person(300, feet=False))
    look = Estimator(person(300, feet=True, shift=2.0))
    boxes, kept, found = with_feet(look, boxes, np.array(scores), found, HEIGHT)
    assert kept.tolist() == [left] and len(boxes) == len(found.keypoints) == 1


def test_a_portrait_and_no_people_are_left_alone() -> None:
    look = Estimator()
    portrait = seen(person(300, feet=False))
    boxes = np.array([[280.0, 90.0, 260.0, HEIGHT - 90.0]])  # down to the photo's edge
    assert with_feet(look, boxes, np.ones(1), portrait, HEIGHT)[2] is portrait
    nobody = Seen(np.zeros((0, 17, 2)), np.zeros((0, 17)))
    assert with_feet(look, np.zeros((0, 4)), np.zeros(0), nobody, HEIGHT)[2] is nobody
    assert len(look.boxes) == 0
