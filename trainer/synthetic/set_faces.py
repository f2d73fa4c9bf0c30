"""Heads and shoulders: a person at four ages, four pictures of each age. Torch-free.

Bones of the face, skin tone, eyes, hair style and clothes stay; skin, features and the share of
grey hairs grow older.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from trainer.synthetic import camera as cameras
from trainer.synthetic import faces, lights, limits, rig, samples, sampling
from trainer.synthetic.person import Face, Person
from trainer.synthetic.samples import Sample, SetPlan, Shot

if TYPE_CHECKING:
    from trainer.synthetic.studio import Studio

_AGES: Final = ((16.0, 27.0), (29.0, 42.0), (45.0, 58.0), (62.0, 85.0))
_GROWN: Final = 1  # the age whose hair and clothes the others have
_VIEWS: Final = 4
_CALM: Final = 0.35  # of the pictures have no expression but a calm face or a slight smile
_FRIENDLY: Final = 2.0  # how much oftener people smile or laugh than they do anything else


def _draw(studio: "Studio", seed: int, index: int) -> Sample:
    taken = samples.shot("faces", seed, index, FACES.per_identity)
    person = _at_age(studio, taken)
    character, skeleton = studio.character(person), studio.assets.rig
    rng = taken.stream("pose")
    subject = samples.stand(studio, person, taken.split, rng, sources={"standing": 1.0})
    moved = limits.perturb(
        rng, subject.posing.rotations, skeleton, character.heads, float(rng.uniform(0.2, 0.8))
    )
    face = _expression(studio, taken, person.face)
    rotations = faces.with_face(moved, studio.assets, face)
    subject = samples.reposed(studio, subject, rig.pose(character, skeleton, rotations))
    rng = taken.stream("camera")
    eye = cameras.portrait(rng, subject.points, FACES.size)
    kind = samples.place(person, taken.stream("kind"))
    light = lights.sample(taken.stream("light"), kind, camera=eye)
    picture = studio.picture(
        [(person, subject.posed)], eye, light, background=taken.stream("background"), kind=kind
    )
    described = samples.describe(
        taken,
        picture,
        subject,
        light,
        background=kind,
        age_group=_age_group(taken),
        expression={"name": face.expression, "strength": round(face.strength, 3)},
    )
    return samples.files(picture, described)


def _at_age(studio: "Studio", taken: Shot) -> Person:
    """The identity at the age of a picture, with a mouth that can open.

    All pictures of an age share one value, so that the person is built once for them.
    """
    group = _age_group(taken)
    seed = samples.person_seed(taken.set, taken.seed, taken.identity)
    ages = taken.identity_stream("ages").uniform(*np.transpose(_AGES)).round(1)
    base = sampling.person(seed, studio.assets, age_years=float(ages[_GROWN]))
    older = sampling.person(seed, studio.assets, age_years=float(ages[group]))
    return replace(
        base,
        body=replace(base.body, age_years=float(ages[group])),
        hair=replace(base.hair, grey=older.hair.grey),
        face=replace(base.face, expression=_open_mouthed(studio), strength=1.0),
    )


def _age_group(taken: Shot) -> int:
    return taken.index // _VIEWS % len(_AGES)


def _expression(studio: "Studio", taken: Shot, face: Face) -> Face:
    """The expression of one picture."""
    expressions = studio.assets.expressions
    rng = taken.stream("expression")
    if expressions is None or rng.random() < _CALM:
        return replace(face, expression="", strength=float(rng.uniform(0.3, 1.0)))
    friendly = [
        _FRIENDLY if name.startswith(("smile", "laugh")) else 1.0 for name in expressions.names
    ]
    shares = np.array(friendly)
    return replace(
        face,
        expression=str(rng.choice(expressions.names, p=shares / shares.sum())),
        strength=float(rng.uniform(0.35, 1.0)),
    )


def _open_mouthed(studio: "Studio") -> str:
    """The expression that turns the jaw most, so that a person dressed for it has teeth."""
    expressions = studio.assets.expressions
    if expressions is None:
        return ""
    jaw = studio.assets.rig.names.index("jaw")
    column = int(np.flatnonzero(expressions.bones == jaw)[0])
    turns = [np.trace(faces.expression(expressions, n)[column]) for n in expressions.names]
    return expressions.names[int(np.argmin(turns))]


FACES: Final = SetPlan((128, 128), len(_AGES) * _VIEWS, _draw)
