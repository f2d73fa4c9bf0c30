"""Outfits that go together: by occasion and season, in the colours people wear. Torch-free."""

from dataclasses import dataclass

import numpy as np

from trainer.synthetic import wardrobe
from trainer.synthetic.person import Body, Wear
from trainer.synthetic.types import Assets
from trainer.synthetic.wardrobe import Item

_GROWN_YEARS = 15.0
_OCCASIONS = {"casual": 0.55, "sport": 0.15, "smart": 0.18, "formal": 0.07, "work": 0.05}

# Colours of cloth, by how they are used.
NEUTRAL = ("#f1efe9", "#e4e0d6", "#c9c4b8", "#a3a19c", "#7f8285", "#55585c", "#37393d", "#1f2023",
           "#2a3550", "#1f2a44", "#51452f", "#6b5b45", "#8d7b62", "#c2b08f")  # fmt: skip
MUTED = ("#4a5a3f", "#5d6b4c", "#6f2f34", "#7d3b3f", "#2f4f5a", "#3f6a74", "#7b8ea3", "#4d6a94",
         "#b08a3e", "#c49a3f", "#8a3a2c", "#7a5168", "#9b7f92", "#556f5e")  # fmt: skip
PASTEL = ("#e8c9c4", "#f0dfc0", "#cfdde0", "#c8d6bf", "#d8cde2", "#f2d7a8", "#bcd0e6")
BRIGHT = ("#b3262e", "#1f5fa8", "#1d7a52", "#d98a1c", "#e3c32f", "#7a2f86", "#d2527f", "#0f8a93")
DENIM = ("#26324a", "#2f4266", "#3d5680", "#5a77a3", "#7d97b8", "#22252b", "#4a4d52", "#8e959c")
SUITS = ("#1d2026", "#23262d", "#20283c", "#2b344c", "#3a3d42", "#55585c", "#4c443b", "#6a6152")
TROUSERS = ("#b5a27f", "#9a8a6c", "#5d5a4a", "#4a5040", "#3a3f49", "#26282d", "#1f2430", "#6d665c",
            "#7d7f80", "#41372f")  # fmt: skip
LEATHER = ("#1c1a19", "#2a211c", "#4a2f1f", "#6b4226", "#8a5a33", "#3b2f2a")
SHOES = ("#f0efec", "#e6e4e0", "#2a2b2e", "#1d1d1f", "#6e7276", "#27406b", "#7a2a30", "#3f4d3c",
         "#b5a58c")  # fmt: skip
SOCKS = ("#ececea", "#d5d3cd", "#2a2b2e", "#3a4150", "#6d6f73")
HOSE = ("#1e1d20", "#2c2628", "#4a3a34", "#2a3148", "#6f5a4b")

_CAMOUFLAGE = (("#5d6148", "#33372a"), ("#8d8062", "#5a4c38"), ("#6c7078", "#3c4048"))
_ANIMAL = (("#d9c3a0", "#2a211a"), ("#efece6", "#1e1d1d"), ("#b9936a", "#3a281a"))

# Below a short top: nothing that could be taken for skin.
_BENEATH = ("#f4f3f0", "#1f2023", "#2a3550", "#6f7478", "#3f5146", "#6b2a36")


@dataclass(frozen=True)
class _Plan:
    """What an outfit is for."""

    occasion: str
    warmth: float
    male: float
    grown: bool


def draw(rng: np.random.Generator, assets: Assets, body: Body) -> tuple[Wear, ...]:
    """An outfit for a body."""
    known = wardrobe.catalogue(assets)
    slots = {
        slot: [known[name] for name in names] for slot, names in wardrobe.items(assets).items()
    }
    male = float(np.clip((body.gender - 0.3) / 0.4, 0.0, 1.0))
    grown = body.age_years >= _GROWN_YEARS
    shares = np.array(list(_OCCASIONS.values()))
    if not grown:
        shares *= [1.0, 1.0, 0.2, 0.0, 0.0]
    elif body.age_years > 60:
        shares *= [1.0, 0.25, 1.5, 1.0, 0.5]
    occasion = list(_OCCASIONS)[int(rng.choice(len(shares), p=shares / shares.sum()))]
    plan = _Plan(occasion, float(rng.normal(0.1, 0.45)), male, grown)
    out: list[Wear] = []
    one_piece = _choose(rng, slots["suit"], plan)
    chance = 0.20 if male < 0.5 else (0.04 if plan.occasion != "work" else 0.4)
    lower: Item | None = None
    if one_piece is not None and rng.random() < chance:
        out.append(_wear(rng, one_piece, plan))
        lower = one_piece
    else:
        skirt = _choose(rng, slots["skirt"], plan)
        lower = _choose(rng, slots["bottom"], plan)
        fits = {"casual": 0.25, "smart": 0.4, "formal": 0.5}.get(plan.occasion, 0.0)
        if skirt is not None and male < 0.5 and rng.random() < fits:
            lower = skirt
        top = _choose(rng, slots["top"], plan, lower)
        if lower is not None and top is not None and top.name == "Blazer":
            lower = _matching(slots["bottom"], lower, ("Suit trousers", "Chinos", "Jeans"), rng)
        below = None
        if lower is not None:
            below = _wear(rng, lower, plan)
            out.append(below)
        if top is not None:
            out.append(_wear(rng, top, plan, below))
    bare = lower is None or (lower.slot in ("skirt", "suit") and lower.loose)
    hose = [i for i in slots["legwear"] if i.name == "Tights"]
    if hose and bare and grown and male < 0.5 and rng.random() < 0.3 + 0.4 * plan.warmth:
        out.append(Wear("legwear", hose[0].name, _pick(rng, HOSE)))
    shoes = _choose(rng, slots["shoes"], plan)
    if shoes is not None:
        out.append(_wear(rng, shoes, plan))
    for slot, share in (("hat", 0.10), ("bag", 0.15)):
        chosen = _choose(rng, slots[slot], plan)
        if chosen is not None and rng.random() < share:
            out.append(_wear(rng, chosen, plan))
    order = {slot: n for n, slot in enumerate(wardrobe.SLOTS)}
    return tuple(sorted(out, key=lambda wear: order[wear.slot]))


def _choose(
    rng: np.random.Generator, pool: list[Item], plan: _Plan, lower: Item | None = None
) -> Item | None:
    """An item for a plan, or None where nothing suits."""
    draw = rng.random()
    shares = []
    for item in pool:
        share = item.women * (1.0 - plan.male) + item.men * plan.male
        if item.grown and not plan.grown:
            share = 0.0
        if item.slot not in ("hat", "bag") and plan.occasion not in item.worn:
            share *= 0.03 if item.slot in ("shoes", "bottom", "top") else 0.0
        share *= float(np.exp(-1.2 * max(0.0, abs(item.warm - plan.warmth) - 0.25)))
        if lower is not None and item.slot == "top":
            if "formal" in item.worn and not {"smart", "formal"} & set(lower.worn):
                share *= 0.0  # no jacket and tie with shorts
            if item.warm > 0.4 and lower.warm < -0.5:
                share *= 0.05
        shares.append(share)
    total = float(np.sum(shares))
    if total <= 0.0:
        return None
    return pool[int(np.searchsorted(np.cumsum(shares) / total, draw))]


def _matching(
    pool: list[Item], chosen: Item, allowed: tuple[str, ...], rng: np.random.Generator
) -> Item:
    """The chosen item, or one of the allowed ones instead."""
    if chosen.name in allowed:
        return chosen
    others = [item for item in pool if item.name in allowed]
    return others[int(rng.integers(len(others)))] if others else chosen


def _pick(rng: np.random.Generator, colours: tuple[str, ...]) -> str:
    return colours[int(rng.integers(len(colours)))]


def _wear(rng: np.random.Generator, item: Item, plan: _Plan, below: Wear | None = None) -> Wear:
    """Colours, pattern and length for an item."""
    pattern, scale, length = "plain", 1.0, 1.0
    second = _pick(rng, NEUTRAL)
    draws = [float(d) for d in rng.random(5)]
    if item.slot == "shoes":
        leather = item.shade == "keep"
        colour = _pick(rng, LEATHER if leather else SHOES)
        second = _pick(rng, SOCKS) if leather else _pick(rng, ("#f2f1ee", "#e9e7e2", "#d9d9d6"))
    elif item.slot == "hat":
        colour = _pick(rng, NEUTRAL[3:] + MUTED)
    elif item.slot == "bag":
        colour = _pick(rng, LEATHER + NEUTRAL[4:] + MUTED)
    elif item.fabric == "denim":
        colour, second = _pick(rng, DENIM), _pick(rng, NEUTRAL[:6])
    elif item.name in ("Blazer", "Suit trousers"):
        colour = _pick(rng, SUITS)
        second = _pick(rng, ("#6f2f34", "#2a3550", "#3f6a74", "#7f8285", "#4a5a3f"))
        pattern = "pinstripes" if draws[0] < 0.12 else "plain"
    elif item.slot in ("bottom", "skirt"):
        pool = TROUSERS if item.slot == "bottom" and draws[1] < 0.8 else NEUTRAL[4:] + MUTED
        colour = _pick(rng, pool)
        if item.name in ("Leggings", "Cycling shorts"):  # in beige they would look like skin
            colour = _pick(rng, ("#1f2023", "#26282d", "#2a3550", "#37393d", "#4a5040", "#5b2f3a"))
        pattern = _pattern(rng, draws[3], 0.35 if item.slot == "skirt" else 0.08, item)
    else:
        groups, shares = (NEUTRAL, MUTED, PASTEL, BRIGHT), np.array([0.46, 0.30, 0.15, 0.09])
        if not plan.grown or plan.occasion == "sport":
            shares = np.array([0.32, 0.22, 0.14, 0.32])
        if plan.male > 0.5:
            shares = shares * [1.0, 1.0, 0.4, 0.9]
        colour = _pick(rng, groups[int(rng.choice(4, p=shares / shares.sum()))])
        pattern = _pattern(rng, draws[3], 0.38, item)
    if item.name == "Layered top":
        second = _pick(rng, _BENEATH)
    colour = _jittered(rng, colour)
    if below is not None and below.pattern != "plain" and pattern not in ("plain", "melange"):
        pattern = "plain"  # one pattern at a time
    if pattern == "camouflage":
        colour, second = _CAMOUFLAGE[int(rng.integers(len(_CAMOUFLAGE)))]
    elif pattern in ("zebra", "leopard"):
        colour, second = _ANIMAL[int(rng.integers(len(_ANIMAL)))]
    elif pattern != "plain":
        second = _against(rng, colour)
    if below is not None and item.name == "Blazer" and below.item == "Suit trousers":
        colour, pattern = below.colour, below.pattern  # a suit is of one cloth
    if item.cuts or item.with_:
        length = _length(draws[4], item, plan)
    scale = round(float(np.exp(rng.normal(0.0, 0.3))), 3)
    return Wear(item.slot, item.name, colour, second, pattern, min(2.0, max(0.5, scale)), length)


def _length(draw: float, item: Item, plan: _Plan) -> float:
    """How long: mostly as sewn, shorter in the heat."""
    if item.slot in ("skirt", "suit", "legwear"):
        return round(0.15 + 0.8 * draw, 3)
    if item.name in ("Bermudas", "Cycling shorts"):
        return round(draw, 3)
    hot = plan.warmth < -0.1
    if item.slot == "top":
        return round(0.1 + 0.4 * draw, 3) if hot and draw < 0.7 else 1.0
    return round(0.3 + 0.6 * draw, 3) if hot and draw < 0.3 else 1.0


def _pattern(rng: np.random.Generator, draw: float, share: float, item: Item) -> str:
    if draw > share:
        return "plain"
    names: dict[str, float] = {
        "stripes": 0.18, "breton": 0.16, "checks": 0.16, "gingham": 0.08, "pinstripes": 0.08,
        "dots": 0.08, "print": 0.09, "melange": 0.16, "band": 0.06, "argyle": 0.02,
        "camouflage": 0.04, "zebra": 0.012, "leopard": 0.015, "two-tone": 0.06,
    }  # fmt: skip
    if item.slot in ("bottom", "skirt"):
        for name in ("band", "breton", "two-tone", "argyle"):
            names.pop(name)
    if item.slot == "bottom":
        for name in ("stripes", "gingham", "dots", "print", "zebra", "leopard"):
            names.pop(name)
    if item.fabric == "knit":
        names["argyle"] = 0.1
    if item.women < 0.2:
        for name in ("print", "zebra", "leopard"):
            names[name] = 0.15 * names.get(name, 0.0)
    shares = np.array(list(names.values()))
    return list(names)[int(rng.choice(len(shares), p=shares / shares.sum()))]


def _jittered(rng: np.random.Generator, colour: str) -> str:
    """A colour a little off: no two pieces of cloth are dyed alike."""
    value = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)], float)
    value = value * float(np.exp(rng.normal(0.0, 0.07))) + rng.normal(0.0, 4.0, 3)
    r, g, b = np.clip(np.round(value), 0, 255).astype(int)
    return f"#{r:02x}{g:02x}{b:02x}"


def _against(rng: np.random.Generator, colour: str) -> str:
    """A colour that a pattern in it can be seen in, without glare."""
    value = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)], float)
    bright = float(value @ np.array([0.3, 0.59, 0.11]))
    pool = [c for c in (*NEUTRAL, *MUTED) if 45.0 < abs(_brightness(c) - bright) < 170.0]
    return pool[int(rng.integers(len(pool)))] if pool else NEUTRAL[0]


def _brightness(colour: str) -> float:
    return float(np.dot([int(colour[k : k + 2], 16) for k in (1, 3, 5)], [0.3, 0.59, 0.11]))
