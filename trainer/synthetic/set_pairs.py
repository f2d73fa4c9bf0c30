"""Several pictures of each person in the same clothes, whole from head to foot. Torch-free.

pairs128, as re-identification sets have them: a place has six cameras that keep their wall, floor,
light and faults; a person walks past them, and a detector's box is cut out. pairs256, as fashion
photographs: one to three looks of a background, calm cameras, the front more often than the back.
parts and people: single figures, everywhere and from all sides.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from trainer.synthetic import camera as cameras
from trainer.synthetic import degrade, lights, samples
from trainer.synthetic.person import Person
from trainer.synthetic.samples import Sample, SetPlan, Shot, Stand
from trainer.synthetic.streams import stream
from trainer.synthetic.types import Camera

if TYPE_CHECKING:
    from trainer.synthetic.studio import Studio

PLACES: Final = 64
CAMERAS: Final = 6
_PICTURES: Final = 16  # of an identity; Market-1501 has 17 in its training split

# A campus: what stands behind people who are filmed from a pole or under a ceiling.
_PLACE_KINDS: Final = {
    "street": 0.36,
    "brick": 0.14,
    "field": 0.14,
    "plaster": 0.12,
    "tiles": 0.08,
    "corridor": 0.10,
    "panels": 0.06,
}
_FASHION_KINDS: Final = {
    "studio": 0.5,
    "plaster": 0.16,
    "room": 0.08,
    "street": 0.1,
    "brick": 0.08,
    "panels": 0.05,
    "beach": 0.03,
}
# How people stand in each: sources of poses, "" for the bank's mixture.
_PASSERS_BY: Final = {"walking": 0.55, "standing": 0.15, "": 0.3}
_MODELS: Final = {"walking": 0.15, "standing": 0.35, "": 0.5}


@dataclass(frozen=True)
class _Look:
    """How a picture of the set is taken.

    Attributes:
        camera_id: within the place, -1 where cameras have no names.
        place: number of the place, -1 likewise.
        background: the stream that paints it, by its names.
    """

    kind: str
    background: tuple[str | int, ...]
    camera_id: int = -1
    place: int = -1


def _draw_pairs128(studio: "Studio", seed: int, index: int) -> Sample:
    taken = samples.shot("pairs128", seed, index, _PICTURES)
    person = samples.person_of(studio, taken, shod=True)
    rng = taken.stream("pose")
    subject = samples.stand(studio, person, taken.split, rng, sources=_PASSERS_BY, upright=0.8)
    look = _surveillance_look(taken)
    yaw = float(taken.stream("yaw").uniform(-np.pi, np.pi))
    eye = cameras.surveillance(taken.stream("camera"), subject.points, PAIRS128.size, yaw_rad=yaw)
    return _take(studio, taken, subject, eye, look, poor=True)


def _draw_pairs256(studio: "Studio", seed: int, index: int) -> Sample:
    taken = samples.shot("pairs256", seed, index, _PICTURES)
    person = samples.person_of(studio, taken)
    rng = taken.stream("pose")
    subject = samples.stand(studio, person, taken.split, rng, sources=_MODELS, upright=0.6)
    of_identity = taken.identity_stream("places")
    count = int(of_identity.integers(1, 4))
    fitting = {k: w for k, w in _FASHION_KINDS.items() if k in samples.places(person)}
    places = [samples.one_of(fitting, of_identity) for _ in range(count)]
    which = int(taken.stream("place").integers(len(places)))
    names = (taken.set, "identity", taken.identity, "background", which)
    eye = cameras.full_body(
        taken.stream("camera"), subject.points, PAIRS256.size, yaw_rad=_side(taken)
    )
    return _take(studio, taken, subject, eye, _Look(places[which], names))


def _draw_parts(studio: "Studio", seed: int, index: int) -> Sample:
    taken = samples.shot("parts", seed, index, PARTS.per_identity)
    person = samples.person_of(studio, taken)
    subject = samples.stand(studio, person, taken.split, taken.stream("pose"))
    yaw = float(taken.stream("yaw").uniform(-np.pi, np.pi))
    rng = taken.stream("camera")
    points = subject.points
    if rng.random() < 0.7:
        eye = cameras.full_body(rng, points, PARTS.size, yaw_rad=yaw)
    else:
        eye = cameras.person_crop(rng, points, PARTS.size)
    return _take(studio, taken, subject, eye, _anywhere(taken, person))


def _draw_people(studio: "Studio", seed: int, index: int) -> Sample:
    taken = samples.shot("people", seed, index, PEOPLE.per_identity)
    person = samples.person_of(studio, taken)
    subject = samples.stand(studio, person, taken.split, taken.stream("pose"))
    eye = cameras.full_body(
        taken.stream("camera"), subject.points, PEOPLE.size, yaw_rad=_side(taken)
    )
    return _take(studio, taken, subject, eye, _anywhere(taken, person))


PAIRS128: Final = SetPlan((64, 128), _PICTURES, _draw_pairs128)
PAIRS256: Final = SetPlan((128, 256), _PICTURES, _draw_pairs256)
PARTS: Final = SetPlan((128, 256), 4, _draw_parts)
PEOPLE: Final = SetPlan((256, 512), 1, _draw_people)


def _take(
    studio: "Studio",
    taken: Shot,
    subject: Stand,
    eye: Camera,
    look: _Look,
    *,
    poor: bool = False,
) -> Sample:
    """Light the scene, take the picture, describe it."""
    if look.place < 0:
        light = lights.sample(taken.stream("light"), look.kind, camera=eye)
    else:  # the same lamp or sky at a camera, a little stronger or weaker
        fixed = stream(taken.seed, taken.set, "light", look.place, look.camera_id)
        light = lights.sample(fixed, look.kind, camera=eye)
        gain = np.float32(np.exp(taken.stream("light").normal(0.0, 0.12)))
        light = replace(light, key=light.key * gain, sky=light.sky * gain)
    picture = studio.picture(
        [(subject.person, subject.posed)],
        eye,
        light,
        background=stream(taken.seed, *look.background),
        kind=look.kind,
        objects=subject.things,
    )
    degraded = None
    if poor:
        degraded = degrade.surveillance(picture.image, taken.stream("degrade"))
    described = samples.describe(
        taken,
        picture,
        subject,
        light,
        background=look.kind,
        camera_id=look.camera_id,
        place=look.place,
        degraded="surveillance" if poor else "",
    )
    return samples.files(picture, described, degraded)


def _surveillance_look(taken: Shot) -> _Look:
    """The camera of a picture: an identity meets all of its place's, two or three times each."""
    place = int(taken.identity_stream("place").integers(PLACES))
    order = taken.identity_stream("cameras").permutation(CAMERAS)
    camera_id = int(order[taken.index % _PICTURES % CAMERAS])
    kind = samples.one_of(_PLACE_KINDS, stream(taken.seed, taken.set, "kind", place, camera_id))
    names = (taken.set, "background", place, camera_id)
    return _Look(kind, names, camera_id, place)


def _anywhere(taken: Shot, person: Person) -> _Look:
    kind = samples.place(person, taken.stream("kind"))
    return _Look(kind, (taken.set, "picture", taken.index, "background"))


def _side(taken: Shot) -> float:
    """From where a photographer sees someone: mostly the front, a fifth the back, radians."""
    rng = taken.stream("yaw")
    if rng.random() < 0.2:
        return float(np.pi + rng.normal(0.0, 0.5))
    return float(rng.normal(0.0, 0.75))
