"""Crops for the pose estimator: one subject from anywhere, often cut off or covered. Torch-free.

Sixteen pictures that follow each other show the same person, in another pose, place and light each.
Who else is in a picture comes of the same eight identities, which are of one split.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from trainer.synthetic import backgrounds, degrade, lights, objects, samples
from trainer.synthetic import camera as cameras
from trainer.synthetic.samples import Sample, SetPlan, Shot, Stand
from trainer.synthetic.types import Camera, Mesh

if TYPE_CHECKING:
    from trainer.synthetic.studio import Picture, Studio

_TOGETHER: Final = 8
_TRUNCATED: Final = 0.3
_COMPANY: Final = 0.3
_OBJECTS: Final = 0.2
_FAULTS: Final = {"": 0.35, "phone": 0.56, "surveillance": 0.09}
_STEADY_MM: Final = 110.0  # some are caught in a jump or a fall
_APART_MM: Final = 60.0
_LEAST_SEEN: Final = 4  # keypoints; with fewer, what is in front is taken away


def _draw(studio: "Studio", seed: int, index: int) -> Sample:
    taken = samples.shot("crops256", seed, index, CROPS256.per_identity, _TOGETHER)
    person = samples.person_of(studio, taken)
    subject = samples.stand(studio, person, taken.split, taken.stream("pose"), steady_mm=_STEADY_MM)
    points = subject.points
    eye = cameras.person_crop(taken.stream("camera"), points, CROPS256.size, truncated=_TRUNCATED)
    kind = samples.place(person, taken.stream("kind"))
    light = lights.sample(taken.stream("light"), kind, camera=eye)
    company = _company(studio, taken, subject, eye, kind)
    things = [] if company else _things(taken, subject, eye, kind)

    def take(beside: list[Stand], covering: list[tuple[Mesh, np.ndarray]]) -> "Picture":
        return studio.picture(
            [(who.person, who.posed) for who in (subject, *beside)],
            eye,
            light,
            background=taken.stream("background"),
            kind=kind,
            objects=[*covering, *(thing for who in (subject, *beside) for thing in who.things)],
        )

    picture = take(company, things)
    if (company or things) and int((picture.keypoints[:, 2] == 2).sum()) < _LEAST_SEEN:
        company, things = [], []
        picture = take(company, things)
    fault = samples.one_of(_FAULTS, taken.stream("fault"))
    if fault:
        poor = getattr(degrade, fault)(picture.image, taken.stream("degrade"))
        picture = replace(picture, image=poor)
    described = samples.describe(
        taken, picture, subject, light, background=kind, objects=len(things), degraded=fault
    )
    return samples.files(picture, described)


CROPS256: Final = SetPlan((256, 256), 16, _draw)


def _company(studio: "Studio", taken: Shot, subject: Stand, eye: Camera, kind: str) -> list[Stand]:
    """Other people, before or behind the subject as the camera sees it, or close beside."""
    rng = taken.stream("company")
    if rng.random() >= _COMPANY:
        return []
    first = taken.identity // _TOGETHER * _TOGETHER
    others = [i for i in range(first, first + _TOGETHER) if i != taken.identity]
    count = int(rng.choice([1, 2, 3], p=[0.65, 0.25, 0.1]))
    towards = cameras.eye(eye)[[0, 2]]
    distance = float(np.hypot(*towards))
    towards = towards / max(distance, 1.0)
    aside = np.array([towards[1], -towards[0]])
    company: list[Stand] = []
    for identity in rng.choice(others, count, replace=False):
        ahead = (
            rng.uniform(0.35, 0.45 * distance / 1000)
            if rng.random() < 0.4
            else -rng.uniform(0.4, 1.1)
        )
        place = towards * ahead * 1000 + aside * rng.choice([-1, 1]) * rng.uniform(150, 900)
        person = samples.person_of(studio, taken, int(identity))
        if kind not in samples.places(person):
            continue
        other = samples.stand(
            studio,
            person,
            taken.split,
            rng,
            turn_rad=float(rng.uniform(-np.pi, np.pi)),
            at_mm=(float(place[0]), float(place[1])),
        )
        if all(apart(other, known) for known in (subject, *company)):
            company.append(other)
    return company


def apart(one: Stand, other: Stand) -> bool:
    """Whether two people do not stand in each other."""
    a, b = (who.points[:: max(len(who.points) // 400, 1)] for who in (one, other))
    a = a[((a > b.min(0) - _APART_MM) & (a < b.max(0) + _APART_MM)).all(1)]
    if not len(a):
        return True
    gap = ((a[:, None] - b[None]) ** 2).sum(2)
    return bool(gap.min() > _APART_MM**2)


def _things(taken: Shot, subject: Stand, eye: Camera, kind: str) -> list[tuple[Mesh, np.ndarray]]:
    """An object between the camera and the subject."""
    rng = taken.stream("objects")
    if rng.random() >= _OBJECTS:
        return []
    return [objects.sample(rng, eye, subject.points, outdoors=kind in backgrounds.OUTDOORS)]
