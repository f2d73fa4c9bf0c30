"""Drawing people: who they are, and clothes that go together. Torch-free.

Body, face, skin, hair and outfit have streams of their own: what is fixed leaves the rest of the
same seed as it was, but hair and outfit are drawn for the body and skin that the person has.
"""

from typing import Any

import numpy as np

from trainer.synthetic import body as bodies
from trainer.synthetic import outfits, wardrobe
from trainer.synthetic.person import Body, Face, Hair, Person, Skin
from trainer.synthetic.streams import stream
from trainer.synthetic.types import Assets

# Share of people, ages from, to.
_AGES = ((0.09, 5.0, 12.0), (0.11, 12.0, 18.0), (0.42, 18.0, 38.0), (0.26, 38.0, 60.0),
         (0.12, 60.0, 82.0))  # fmt: skip
_HAIR = {
    "black": ("#15120f", "#1b1614", "#211a17"),
    "dark": ("#2b1d14", "#33231a", "#3b2a20"),
    "brown": ("#4a3323", "#5a3e2a", "#684a33", "#6b4a2c"),
    "blond": ("#84664a", "#9c7a56", "#b08e68", "#c0a27e"),
    "red": ("#6e3219", "#84401f", "#5b2a17"),
}
_CHILD_YEARS = 13.0
_FACES = ("head", "forehead", "eyebrows", "eyes", "nose", "mouth", "ears", "chin", "cheek")
_SHAPES = ("torso", "hip", "stomach", "buttocks")
# Axes that leave the range of ordinary faces, or move the head about.
_STRANGE = ("shape-", "pointed", "trans-", "nubian", "angle-", "wing", "age", "rot-", "scale-depth",
            "square", "triangle", "diamond", "rectangular", "invertedtriangular", "hump",
            "push", "greek", "pregnant", "flap", "jaw-drop", "double")  # fmt: skip


def person(seed: int, assets: Assets, **fixed: Any) -> Person:
    """The person of a seed.

    Args:
        seed: 0 or more.
        fixed: of `Person`'s fields body, face, skin, hair, outfit: what is not drawn; and of
            `Body`'s and `Skin`'s fields by their names, e.g. age_years=70.0, tone=0.8.
    """
    groups = {name: fixed.pop(name, None) for name in ("body", "face", "skin", "hair", "outfit")}
    known = {*Body.__dataclass_fields__, *Skin.__dataclass_fields__}
    unknown = sorted(set(fixed) - known)
    if unknown:
        raise TypeError(f"a person has no {', '.join(unknown)}")
    a_body = groups["body"] or _body(stream(seed, "body"), assets, fixed)
    a_skin = groups["skin"] or _skin(stream(seed, "skin"), a_body, fixed)
    a_hair = groups["hair"] or _hair(stream(seed, "hair"), assets, a_body, a_skin)
    a_face = groups["face"] or _face(stream(seed, "face"), assets, a_body, a_skin)
    clothes = groups["outfit"]
    if clothes is None:
        clothes = outfits.draw(stream(seed, "outfit"), assets, a_body)
    return Person(seed, a_body, a_face, a_skin, a_hair, tuple(clothes))


def _body(rng: np.random.Generator, assets: Assets, fixed: dict[str, Any]) -> Body:
    shares = np.array([share for share, _, _ in _AGES])
    _, low, high = _AGES[int(rng.choice(len(_AGES), p=shares / shares.sum()))]
    age = float(rng.uniform(low, high))
    woman = rng.random() < 0.5
    gender = float(rng.beta(1.2, 10.0) if woman else 1.0 - rng.beta(1.2, 10.0))
    races = np.full(3, 0.04)
    races[int(rng.choice(3, p=[0.25, 0.27, 0.48]))] += 1.0
    if rng.random() < 0.15:
        races[int(rng.integers(3))] += rng.uniform(0.3, 1.0)
    races /= races.sum()

    def about(mean: float, sigma: float, low: float, high: float) -> float:
        return float(np.clip(rng.normal(mean, sigma), low, high))

    values: dict[str, Any] = {
        "age_years": round(age, 1),
        "gender": gender,
        "muscle": about(0.5 if woman else 0.58, 0.14, 0.15, 0.92),
        "weight": about(0.52, 0.17, 0.12, 0.97),
        "height": about(0.5, 0.15, 0.1, 0.9),
        "proportions": about(0.62, 0.16, 0.2, 1.0),
        "cup": about(0.5, 0.16, 0.15, 0.85),
        "firmness": about(0.62, 0.14, 0.3, 1.0),
        "african": float(races[0]),
        "asian": float(races[1]),
        "caucasian": float(races[2]),
        "details": _details(rng, assets, _SHAPES, 3, 0.35),
    }
    values.update({k: v for k, v in fixed.items() if k in Body.__dataclass_fields__})
    values = {k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()}
    return Body(**values)


def _details(
    rng: np.random.Generator, assets: Assets, groups: tuple[str, ...], each: int, sigma: float
) -> tuple[tuple[str, float], ...]:
    axes = bodies.detail_axes(assets)
    found = []
    for group in groups:
        names = [n for n in axes.get(group, ()) if not any(word in n for word in _STRANGE)]
        if not names:
            continue
        for n in rng.choice(len(names), min(each, len(names)), replace=False):
            value = float(np.clip(rng.normal(0.0, sigma), -0.8, 0.8))
            if bodies.one_sided(assets, names[n]):
                value = abs(value)
            found.append((names[n], round(value, 3)))
    return tuple(found)


def _skin(rng: np.random.Generator, body: Body, fixed: dict[str, Any]) -> Skin:
    shares = np.array([body.african, body.asian, body.caucasian])
    shares = shares / max(float(shares.sum()), 1e-6)
    middle = float(shares @ np.array([0.78, 0.34, 0.2]))
    # Within each group tones spread far, and further towards the dark for Asia.
    tone = middle + rng.normal(0.0, 0.09) + (rng.gamma(1.0, 0.1) * float(shares[1]))
    values = {
        "tone": float(np.clip(tone, 0.02, 0.98)),
        "warmth": float(np.clip(rng.normal(0.1 + 0.25 * shares[1], 0.35), -1.0, 1.0)),
        "blemish": float(np.clip(rng.normal(0.45, 0.18), 0.0, 1.0)),
    }
    values.update({k: v for k, v in fixed.items() if k in values})
    return Skin(**{k: round(float(v), 4) for k, v in values.items()})


def _hair(rng: np.random.Generator, assets: Assets, body: Body, skin: Skin) -> Hair:
    """Style by gender and age, colour by origin, grey by age."""
    draws = [float(d) for d in rng.random(6)]
    styles = _styles(assets, body)
    names = list(styles)
    style = ""
    if names:
        shares = np.array([styles[name] for name in names])
        style = names[int(np.searchsorted(np.cumsum(shares / shares.sum()), draws[0]))]
    bald = np.interp(body.age_years, [20, 35, 60, 80], [0.03, 0.10, 0.24, 0.34])
    if body.gender > 0.6 and body.age_years > 18 and draws[1] < bald:
        style = ""
    light = body.caucasian / max(1e-6, body.african + body.asian + body.caucasian)
    light *= float(np.clip((0.5 - skin.tone) / 0.2, 0.0, 1.0))
    tones = ("black", "dark", "brown", "blond", "red")
    shares = np.array([0.72, 0.25, 0.03, 0.0, 0.0]) * (1 - light)
    shares = shares + light * np.array([0.08, 0.25, 0.38, 0.24, 0.05])
    tone = tones[int(np.searchsorted(np.cumsum(shares / shares.sum()), draws[2] * 0.999))]
    colour = _HAIR[tone][int(draws[3] * len(_HAIR[tone]))]
    # Grey begins at an age that differs: 5 % of people at 35, half at 60, most at 75.
    start = 42.0 + 26.0 * (draws[4] - 0.25)
    grey = float(np.clip((body.age_years - start) / 30.0, 0.0, 1.0))
    if body.gender < 0.5 and draws[5] < np.interp(body.age_years, [55.0, 75.0], [0.45, 0.12]):
        grey *= 0.15  # dyed
    return Hair(style, colour, round(grey, 3), round(float(rng.uniform(0.2, 0.9)), 3))


# How often each style of the pack is worn: by women, by men.
_STYLES = {
    "buzz cut": (0.02, 1.3),
    "short afro": (0.3, 1.2),
    "afro": (0.8, 0.5),
    "bob01": (1.0, 0.0),
    "bob02": (1.2, 0.0),
    "braid01": (0.6, 0.0),
    "long01": (2.0, 0.08),
    "ponytail01": (2.0, 0.06),
    "short01": (0.15, 2.2),
    "short02": (0.25, 2.4),
    "short03": (0.5, 1.5),
    "short04": (0.2, 1.8),
}


def _styles(assets: Assets, body: Body) -> dict[str, float]:
    """The styles' shares for a body; 0 is left out."""
    out = {}
    male = float(np.clip(body.gender, 0.0, 1.0))
    male = float(np.clip((male - 0.3) / 0.4, 0.0, 1.0))
    african = body.african / max(1e-6, body.african + body.asian + body.caucasian)
    for name in wardrobe.hair_styles(assets):
        women, men = _STYLES.get(name, (1.0, 1.0))
        share = women * (1.0 - male) + men * male
        if name in ("short afro", "afro"):
            share *= 5.0 * max(0.0, african - 0.4)
        elif african > 0.6 and name in ("short02", "short03", "short04", "bob02", "long01"):
            share *= 0.2
        if body.age_years > 58 and name in ("long01", "ponytail01", "braid01"):
            share *= 0.25
        if share > 0.0:
            out[name] = share
    return out


def _face(rng: np.random.Generator, assets: Assets, body: Body, skin: Skin) -> Face:
    details = _details(rng, assets, _FACES, 3, 0.27)
    draws = [float(d) for d in rng.random(4)]
    expression = ""
    if assets.expressions is not None and draws[0] < _MOVED:
        names = assets.expressions.names
        friendly = tuple(name for name in names if name.startswith(_FRIENDLY))
        if friendly and draws[0] < 0.5 * _MOVED:
            names = friendly
        expression = names[int(draws[1] * len(names))]
    colours = wardrobe.eye_colours(assets)
    light = body.caucasian / max(1e-6, body.african + body.asian + body.caucasian)
    light *= float(np.clip((0.55 - skin.tone) / 0.25, 0.0, 1.0))
    dark = [c for c in colours if "brown" in c] or list(colours)
    bright = [c for c in colours if c not in ("ice", "deepblue", *dark)] or dark
    pool = bright if draws[2] < 0.55 * light else dark
    if pool is dark and light < 0.5 and "brown" in dark:
        pool = ["brown"]
    eyes = pool[int(draws[3] * len(pool))] if pool else "brown"
    return Face(
        details,
        expression,
        round(float(rng.uniform(0.35, 0.9)), 3),
        eyes,
        _brows(rng, assets, body),
    )


_MOVED = 0.28  # of faces show a named expression, half of them a friendly one
_FRIENDLY = ("smile", "laugh", "attention")
# The pack's others frown.
_BROWS_WOMEN = ("eyebrow001", "eyebrow004", "eyebrow006", "eyebrow008", "eyebrow010")
_BROWS_MEN = ("eyebrow001", "eyebrow004", "eyebrow008", "eyebrow009", "eyebrow010")


def _brows(rng: np.random.Generator, assets: Assets, body: Body) -> str:
    known = wardrobe.eyebrows(assets)
    fitting = _BROWS_WOMEN if body.gender < 0.5 or body.age_years < _CHILD_YEARS else _BROWS_MEN
    pool = [name for name in known if name in fitting] or list(known)
    return pool[int(rng.random() * len(pool))] if pool else ""
