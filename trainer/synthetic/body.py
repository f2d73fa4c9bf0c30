"""The shape of a body: a sum of morph targets, weighted by what the sliders say. Torch-free.

A macro target's weight is the product of the factors named in its file name. Details are axes
between two opposite targets, for both sides of the body together where there are two.
"""

from collections.abc import Sequence
from functools import lru_cache

import numba
import numpy as np

from trainer.synthetic.person import Body
from trainer.synthetic.types import Assets

Details = Sequence[tuple[str, float]]

_OPPOSITES = {
    "incr": "decr",
    "up": "down",
    "out": "in",
    "forward": "backward",
    "convex": "concave",
    "uncompress": "compress",
}
_RACES = ("african", "asian", "caucasian")
_AGE_YEARS = (1.0, 3.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0, 25.0, 90.0)
_AGE_MACRO = (0.0, 0.09, 0.106, 0.1375, 0.169, 0.21, 0.30, 0.40, 0.47, 0.5, 0.5, 1.0)
_LOWEST_MACRO, _HIGHEST_MACRO = 0.185, 0.66
_ASIAN_MACRO, _FEMALE_MACRO, _GIRL_MACRO = 0.045, 0.02, 0.09


def age_macro(years: float) -> float:
    """Years as MakeHuman's age: 0 a baby, 0.1875 a child, 0.5 grown up, 1 at 90 years.

    MakeHuman calls 0.1875 ten years and grows people until 25, which makes a child of 6 1.0 m tall
    and a boy of 16 1.5 m; these steps follow the median heights of growth charts.
    """
    return float(np.interp(years, _AGE_YEARS, _AGE_MACRO))


def height_macro(body: Body) -> float:
    """The height slider as MakeHuman's height.

    MakeHuman's own ends are 1.2 and 2.5 m, and upwards twice as steep as downwards. Here one half
    stays one half, and the ends are 23 cm from it for a man. MakeHuman's Asian bodies are 11 cm
    shorter than its others, twice as much as real ones, its women 2 cm too short, and its girls of
    six 6 cm shorter than its boys; this takes the excess back.
    """
    asian = body.asian / max(1e-6, body.african + body.asian + body.caucasian)
    ends = (_LOWEST_MACRO, 0.5, _HIGHEST_MACRO)
    female = float(np.interp(body.age_years, (10.0, 16.0), (_GIRL_MACRO, _FEMALE_MACRO)))
    more = _ASIAN_MACRO * max(0.0, asian) + female * (1.0 - body.gender)
    return float(np.interp(body.height, (0.0, 0.5, 1.0), ends)) + more


def shape(assets: Assets, body: Body, extra: Details = ()) -> np.ndarray:
    """The base mesh of a body, at rest.

    Args:
        extra: more details (a face's), as in `Body.details`. Axes that the assets lack count
            nothing, so that a person of one pack opens with another.

    Returns:
        (V,3) float32 mm; the floor is not at 0, `rig.pose` puts it there.
    """
    names = assets.targets.names
    factors = _factors(body)
    weights: dict[int, float] = {}
    for target, words in _macros(names):
        weight = 1.0
        for word in words:
            weight *= factors[word]
            if weight == 0.0:
                break
        if weight:
            weights[target] = weight
    axes = _axes(names)
    for axis, value in (*body.details, *extra):
        for positive, negative in axes.get(axis, ()):
            target = positive if value > 0 else negative
            if target >= 0 and value:
                weights[target] = weights.get(target, 0.0) + abs(float(value))
    order = sorted(weights)
    return _sum(
        assets.base,
        assets.targets.start,
        assets.targets.index,
        assets.targets.delta,
        np.array(order, np.int64),
        np.array([weights[t] for t in order], np.float32),
    )


def detail_axes(assets: Assets) -> dict[str, tuple[str, ...]]:
    """The axes of details by group: "head", "eyes", "nose", "torso", "armslegs", ...

    An axis goes from -1 to 1, towards the target it is named after; "-incr" is left out. An axis
    without an opposite target does nothing below 0 (see `one_sided`). An axis moves both sides of
    the body alike; "l-" or "r-" before its name's last part moves one side. What makes a body
    lopsided is in the group "asymmetry", and whole body shapes in "bodyshapes".
    """
    groups: dict[str, list[str]] = {}
    axes = _axes(assets.targets.names)
    for axis in axes:
        folder, _, name = axis.partition("/")
        if name.startswith(("l-", "r-")) and f"{folder}/{name[2:]}" in axes:
            continue
        sideways = name.endswith("-trans-out") and len(axes[axis]) == 1
        group = "asymmetry" if folder == "asym" or sideways else folder
        groups.setdefault(group, []).append(axis)
    return {group: tuple(found) for group, found in groups.items()}


def one_sided(assets: Assets, axis: str) -> bool:
    """Whether an axis goes from 0 to 1 only."""
    return all(negative < 0 for _, negative in _axes(assets.targets.names).get(axis, ()))


def height_mm(assets: Assets, base: np.ndarray) -> float:
    """Standing height of a shaped body without shoes and hair.

    Args:
        base: (V,3) mm, of `shape`.
    """
    y = base[assets.body.vertex, 1]
    return float(y.max() - y.min())


def _factors(body: Body) -> dict[str, float]:
    """The weight of each word of a target's name."""
    a = age_macro(body.age_years)
    if a < 0.5:
        young = max(0.0, 3.2 * (a - 0.1875))
        child = max(0.0, min(1.0, 16.0 / 3.0 * a) - young)
        ages = {"baby": max(0.0, 1.0 - 16.0 / 3.0 * a), "child": child, "young": young, "old": 0.0}
    else:
        old = 2.0 * a - 1.0
        ages = {"baby": 0.0, "child": 0.0, "young": 1.0 - old, "old": old}
    gender = min(1.0, max(0.0, body.gender))
    factors = {**ages, "male": gender, "female": 1.0 - gender, "universal": 1.0}
    for name in ("muscle", "weight", "cup", "firmness"):
        factors.update(_three(name, getattr(body, name)))
    factors.update(_three("height", height_macro(body)))
    low, middle, high = _three("", body.proportions).values()
    factors.update(uncommonproportions=low, averageproportions=middle, idealproportions=high)
    shares = np.maximum([getattr(body, race) for race in _RACES], 0.0)
    total = float(shares.sum())
    shares = shares / total if total > 0 else np.full(3, 1.0 / 3.0)
    factors.update({race: float(s) for race, s in zip(_RACES, shares, strict=True)})
    return factors


def _three(name: str, x: float) -> dict[str, float]:
    low, high = max(0.0, 1.0 - 2.0 * x), max(0.0, 2.0 * x - 1.0)
    low, high = min(low, 1.0), min(high, 1.0)
    return {f"min{name}": low, f"average{name}": 1.0 - low - high, f"max{name}": high}


@lru_cache(maxsize=4)
def _macros(names: tuple[str, ...]) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """The macro targets and the words of their names."""
    known = set(_factors(Body()))
    found = []
    for target, name in enumerate(names):
        folder, _, last = name.rpartition("/")
        words = tuple(last.split("-"))
        if folder.startswith("macrodetails") or (folder == "breast" and words[0] == "female"):
            if not known.issuperset(words):
                continue
            found.append((target, words))
    return tuple(found)


@lru_cache(maxsize=4)
def _axes(names: tuple[str, ...]) -> dict[str, tuple[tuple[int, int], ...]]:
    """The detail axes: name -> ((target above 0, target below 0 or -1), ...)."""
    number = {name: target for target, name in enumerate(names)}
    macros = {names[target] for target, _ in _macros(names)}
    one: dict[str, tuple[int, int]] = {}
    for name, target in number.items():
        if name in macros or name.startswith("macrodetails"):
            continue
        stem, _, end = name.rpartition("-")
        if name.startswith("asym/"):
            if end == "l":
                one[stem] = (target, number.get(f"{stem}-r", -1))
            continue
        if end in _OPPOSITES.values() and f"{stem}-{_positive(end)}" in number:
            continue
        opposite = number.get(f"{stem}-{_OPPOSITES[end]}", -1) if end in _OPPOSITES else -1
        one[stem if end == "incr" else name] = (target, opposite)
    both: dict[str, tuple[tuple[int, int], ...]] = {}
    for axis, pair in one.items():
        folder, _, last = axis.partition("/")
        mirrored = one.get(f"{folder}/r-{last[2:]}") if last.startswith("l-") else None
        if mirrored is not None:
            both[f"{folder}/{last[2:]}"] = (pair, mirrored)
        both[axis] = (pair,)
    return both


def _positive(end: str) -> str:
    return next(positive for positive, negative in _OPPOSITES.items() if negative == end)


@numba.njit(cache=True, nogil=True)
def _sum(
    base: np.ndarray,
    start: np.ndarray,
    index: np.ndarray,
    delta: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
) -> np.ndarray:
    out = base.copy()
    for n in range(len(targets)):
        w = weights[n]
        for s in range(start[targets[n]], start[targets[n] + 1]):
            v = index[s]
            out[v, 0] += w * delta[s, 0]
            out[v, 1] += w * delta[s, 1]
            out[v, 2] += w * delta[s, 2]
    return out
