"""What can be worn: each item's cloth, cut and fabric. Torch-free.

The pack's suits are taken apart into components, so that tops and bottoms mix into new outfits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from trainer.synthetic import shells
from trainer.synthetic.garments import Key
from trainer.synthetic.hems import Cut
from trainer.synthetic.person import Wear
from trainer.synthetic.types import Assets, Cloth, Piece

SLOTS = ("top", "bottom", "skirt", "suit", "legwear", "shoes", "hat", "bag")
BAGS = ("Backpack", "Shoulder bag", "Handbag", "Tote bag")
PROCEDURAL_HATS = ("Beanie", "Cap")
TIGHTS, SKIRT = "tights", "skirt"
_FULL = 2.6  # beyond the ankle or the wrist: nothing is cut off


@dataclass(frozen=True)
class Item:
    """Something that can be worn.

    Attributes:
        source: a piece's name, "tights" or "skirt" for a helper surface, "" for a procedural one.
        components: of the piece; all where empty.
        socks: components that are socks.
        gender: of the body that it was made for, 0 or 1.
        cuts: where its cloth ends.
        margin_mm: how far from the skin it stays.
        flare: how much wider a skirt is at its hem.
        fabric: of `fabrics.WEAVES`.
        shade: how the source's texture is used: "keep" its light and dark, "soft" without what was
            printed on it, "none", or "tint" its colours.
        sewn: "placket" of buttons in front, "waistband", or nothing but seams.
        roles: median colours of the texture's charts, and which colour these charts get:
            "colour", "second" or "own".
        with_: names of further items that come with it.
        worn: which looks it suits, of "casual", "sport", "smart", "formal", "work".
        women, men: how often, against the others of its slot.
        grown: for grown-ups only.
        warm: -1 for heat to 1 for cold.
        outer: never goes into a skirt or trousers.
        budget: of triangles, 0 for all.
        rise: by how many layers it lies above others of its slot.
        loose: drapes off the body, so what is below stays visible from below.
    """

    name: str
    slot: str
    source: str
    components: tuple[int, ...] = ()
    socks: tuple[int, ...] = ()
    gender: float = 1.0
    cuts: tuple[Cut, ...] = ()
    margin_mm: float = 5.0
    flare: float = 0.0
    fabric: str = "cotton"
    shade: str = "soft"
    sewn: str = ""
    roles: tuple[tuple[tuple[int, int, int], str], ...] = ()
    with_: tuple[str, ...] = ()
    worn: tuple[str, ...] = ("casual",)
    women: float = 1.0
    men: float = 1.0
    grown: bool = False
    warm: float = 0.0
    outer: bool = False
    loose: bool = False
    gloss: float = 0.05
    budget: int = 0
    rise: int = 0

    @property
    def cloth(self) -> Cloth:
        """Its class in clothing maps."""
        return _CLOTH[self.slot]

    @property
    def layer(self) -> int:
        """Its layer in a mesh."""
        return _LAYER[self.slot] + self.rise


_CLOTH = {
    "top": Cloth.TOP,
    "bottom": Cloth.BOTTOM,
    "skirt": Cloth.SKIRT,
    "suit": Cloth.SUIT,
    "legwear": Cloth.LEGWEAR,
    "shoes": Cloth.SHOES,
    "hat": Cloth.HAT,
    "bag": Cloth.BAG,
}
_LAYER = {
    "legwear": 2,
    "bottom": 3,
    "skirt": 3,
    "suit": 4,
    "top": 4,
    "shoes": 5,
    "hat": 7,
    "bag": 7,
}

_LONG_LEGS = (Cut("leg", 1.05, _FULL),)
_TIGHTS_WAIST = Cut("waist", 0.34)
_HOSE_TOP = Cut("waist", 0.16)  # below that of any skirt, with a blouse in it
_BLAZER_ROLES = (((40, 40, 40), "colour"), ((215, 215, 215), "own"), ((90, 85, 110), "second"))
_FIELD_ROLES = (((70, 76, 66), "colour"), ((50, 22, 32), "second"))
_OVERALL_ROLES = (((110, 140, 215), "colour"), ((250, 250, 250), "second"), ((25, 28, 40), "own"),
                  ((165, 165, 165), "own"))  # fmt: skip

_MAKEHUMAN = (
    Item("T-shirt", "top", "male_casualsuit06", (0,), margin_mm=7.0, shade="none", women=0.5,
         men=3.0, warm=-0.3),
    Item("Crew-neck T-shirt", "top", "male_casualsuit04", (0,), margin_mm=7.0, shade="none",
         women=0.3, men=2.0, warm=-0.3, worn=("casual", "sport")),
    Item("Fitted T-shirt", "top", "female_casualsuit01", (0,), gender=0.0, margin_mm=7.0,
         shade="none", women=3.0, men=0.0, warm=-0.3, worn=("casual", "sport")),
    Item("Plain T-shirt", "top", "female_casualsuit02", (2,), gender=0.0, margin_mm=7.0,
         shade="none", women=2.0, men=0.0, warm=-0.3),
    Item("Sweatshirt", "top", "male_casualsuit02", (1,), outer=True, cuts=(Cut("sleeve", 0.6,
         _FULL),),
         margin_mm=8.0, shade="none", fabric="knit", women=1.0, men=2.0, warm=0.5,
         worn=("casual", "sport")),
    Item("Shirt", "top", "male_casualsuit03", (0,), cuts=(Cut("sleeve", 0.5, _FULL),),
         margin_mm=7.0, shade="none", sewn="placket", women=0.2, men=2.5, worn=("casual", "smart")),
    Item("Blouse", "top", "female_elegantsuit01", (1,), gender=0.0, margin_mm=7.0,
         shade="none", sewn="placket", cuts=(Cut("sleeve", 0.45, _FULL),), women=2.0, men=0.0,
         worn=("casual", "smart")),
    Item("Field jacket", "top", "male_casualsuit05", (0, 1, 2), margin_mm=9.0, outer=True,
         roles=_FIELD_ROLES,
         fabric="canvas", women=0.3, men=1.6, warm=0.9, budget=4200),
    Item("Blazer", "top", "male_elegantsuit01", (1,), margin_mm=8.0, outer=True,
         roles=_BLAZER_ROLES,
         fabric="wool", shade="soft", women=0.0, men=2.0, worn=("smart", "formal"), grown=True,
         warm=0.3, budget=5200),
    Item("Tank top", "top", TIGHTS, gender=0.0, margin_mm=5.0, fabric="jersey", shade="none",
         cuts=(Cut("hem", 0.12), Cut("armhole", 0.3), Cut("neck", 0.35)), women=1.0, men=0.25,
         warm=-0.9, worn=("casual", "sport")),
    Item("Long-sleeved top", "top", TIGHTS, gender=0.0, margin_mm=5.0, fabric="jersey",
         shade="none", cuts=(Cut("hem", 0.12), Cut("neck", 0.1), Cut("sleeve", 0.5, 1.98)),
         women=1.4, men=0.2, warm=0.2, worn=("casual", "sport", "smart")),
    Item("Turtleneck", "top", TIGHTS, gender=0.0, margin_mm=6.0, fabric="knit", shade="none",
         cuts=(Cut("hem", 0.12), Cut("sleeve", 1.5, 1.98)), women=0.9, men=0.4, warm=0.7,
         worn=("casual", "smart")),
    Item("Layered top", "top", "female_sportsuit01", (0,), gender=0.0, margin_mm=9.0, outer=True,
         shade="none", with_=("Undershirt",), women=0.3, men=0.0, worn=("casual", "sport")),
    Item("Jeans", "bottom", "male_casualsuit02", (0,), cuts=_LONG_LEGS, fabric="denim",
         shade="keep", women=0.3, men=3.0, worn=("casual",)),
    Item("Slim jeans", "bottom", "female_casualsuit01", (1,), gender=0.0, cuts=_LONG_LEGS,
         fabric="denim", shade="keep", women=3.0, men=0.2, worn=("casual", "smart")),
    Item("Chinos", "bottom", "male_casualsuit03", (1,), cuts=_LONG_LEGS, fabric="canvas",
         shade="none", sewn="waistband", women=0.1, men=2.0, worn=("casual", "smart")),
    Item("Slim trousers", "bottom", "female_casualsuit01", (1,), gender=0.0, cuts=_LONG_LEGS,
         fabric="canvas", shade="none", sewn="waistband", women=2.0, men=0.0, worn=("casual",
         "smart", "formal")),
    Item("Suit trousers", "bottom", "male_elegantsuit01", (0,), fabric="wool", shade="none",
         sewn="waistband",
         women=0.0, men=1.5, worn=("smart", "formal"), grown=True, budget=2400),
    Item("Track trousers", "bottom", "female_sportsuit01", (1,), gender=0.0, cuts=_LONG_LEGS,
         fabric="jersey", shade="track", women=1.0, men=0.4, worn=("sport",)),
    Item("Shorts", "bottom", "female_casualsuit02", (0, 1), gender=0.0, fabric="canvas",
         shade="none", sewn="waistband", women=1.2, men=0.0, warm=-0.9, worn=("casual",)),
    Item("Bermudas", "bottom", "male_casualsuit04", (1,), cuts=(Cut("leg", 0.5, 1.1),),
         fabric="canvas", shade="none", sewn="waistband", women=0.3, men=1.6, warm=-0.9,
         worn=("casual", "sport")),
    Item("Leggings", "bottom", TIGHTS, gender=0.0, margin_mm=6.0, fabric="jersey", shade="none",
         cuts=(_TIGHTS_WAIST, Cut("leg", 0.8, 1.97)), women=1.5, men=0.0,
         worn=("casual", "sport")),
    Item("Cycling shorts", "bottom", TIGHTS, gender=0.0, margin_mm=6.0, fabric="jersey",
         shade="none", cuts=(_TIGHTS_WAIST, Cut("leg", 0.35, 0.9)), women=0.4, men=0.3,
         warm=-0.6, worn=("sport",)),
    Item("Pencil skirt", "skirt", "female_elegantsuit01", (0,), gender=0.0, margin_mm=6.0,
         fabric="wool", shade="none", sewn="waistband", women=1.2, men=0.0, loose=True,
         worn=("smart", "formal")),
    Item("Straight skirt", "skirt", SKIRT, gender=0.0, margin_mm=6.0, fabric="canvas",
         shade="none", sewn="waistband", cuts=(Cut("leg", 0.45, 1.85),), women=1.0, men=0.0,
         loose=True,
         worn=("casual", "smart")),
    Item("A-line skirt", "skirt", SKIRT, gender=0.0, margin_mm=6.0, flare=0.28, shade="none",
         cuts=(Cut("leg", 0.45, 1.85),), women=1.4, men=0.0, loose=True,
         worn=("casual", "smart"), warm=-0.2),
    Item("Dungarees", "suit", "male_worksuit01", margin_mm=6.0, roles=_OVERALL_ROLES,
         fabric="denim", shade="keep", women=0.5, men=0.5, worn=("casual", "work"), budget=4200),
    Item("Coverall", "suit", "male_casualsuit01", margin_mm=6.0, fabric="canvas", shade="none",
         women=0.1, men=0.4, worn=("work",), grown=True, budget=5200),
    Item("Summer dress", "suit", TIGHTS, gender=0.0, margin_mm=5.0, shade="none",
         cuts=(Cut("hem", 0.3), Cut("armhole", 0.35), Cut("neck", 0.5)),
         with_=("Flared dress skirt",), women=1.2, men=0.0, warm=-0.7, loose=True,
         worn=("casual", "smart")),
    Item("Dress", "suit", "female_casualsuit02", (2,), gender=0.0, margin_mm=6.0, shade="none",
         cuts=(Cut("hem", 0.3),), with_=("Dress skirt",), women=1.2, men=0.0, loose=True,
         worn=("casual", "smart", "formal")),
    Item("Long-sleeved dress", "suit", TIGHTS, gender=0.0, margin_mm=6.0, fabric="knit",
         shade="none", cuts=(Cut("hem", 0.3), Cut("neck", 0.1), Cut("sleeve", 1.0, 1.98)),
         with_=("Dress skirt",), women=0.8, men=0.0, warm=0.4, loose=True,
         worn=("casual", "smart", "formal")),
    Item("Tights", "legwear", TIGHTS, gender=0.0, margin_mm=2.0, fabric="jersey", shade="none",
         cuts=(_HOSE_TOP,), women=1.0, men=0.0, warm=0.3, worn=("casual", "smart", "formal")),
    Item("Knee socks", "legwear", TIGHTS, gender=0.0, margin_mm=4.5, fabric="knit", shade="none",
         cuts=(Cut("shin", 1.75, 1.08),), women=0.3, men=0.1, worn=("casual", "sport")),
    Item("Leather shoes", "shoes", "shoes01", (0, 1), (2, 3), fabric="leather", shade="keep",
         worn=("casual", "smart"), women=0.6, men=1.4, gloss=0.3, budget=2400),
    Item("Walking shoes", "shoes", "shoes02", (0, 1), (2, 3), fabric="leather", shade="keep",
         worn=("casual", "work"), women=0.8, men=1.2, gloss=0.15, budget=2400),
    Item("Dress shoes", "shoes", "shoes03", (1, 2, 3, 4, 5, 7, 8, 9, 10, 11), (0, 6),
         fabric="leather", shade="keep", worn=("smart", "formal"), women=0.5, men=1.5, gloss=0.5,
         budget=2600),
    Item("Lace-up shoes", "shoes", "shoes04", (0, 1), (2, 3), fabric="leather", shade="keep",
         worn=("casual", "smart", "formal", "work"), women=1.0, men=1.2, gloss=0.35, budget=2400),
    Item("Running shoes", "shoes", "shoes05", (0, 1), (2, 3), fabric="leather", shade="tint",
         worn=("casual", "sport"), women=1.4, men=1.4, gloss=0.1, budget=2400),
    Item("Trainers", "shoes", "shoes06", (0, 1), (2, 3), fabric="leather", shade="tint",
         worn=("casual", "sport"), women=1.6, men=1.6, gloss=0.1, budget=2400),
    Item("Fedora", "hat", "fedora", fabric="wool", shade="none", grown=True, men=1.0, women=0.4),
    Item("Cocked fedora", "hat", "fedora_cocked", fabric="wool", shade="none", grown=True,
         men=0.5, women=0.4),
)  # fmt: skip

# Parts of the items above, which nobody chooses by themselves.
_PARTS = (
    Item("Undershirt", "top", TIGHTS, gender=0.0, margin_mm=5.0, fabric="jersey", shade="none",
         cuts=(Cut("hem", 0.12), Cut("armhole", 0.2), Cut("neck", 0.35))),
    Item("Dress skirt", "suit", SKIRT, gender=0.0, margin_mm=7.0, shade="none", loose=True,
         rise=1, flare=0.08, cuts=(Cut("leg", 0.5, 1.8),)),
    Item("Flared dress skirt", "suit", SKIRT, gender=0.0, margin_mm=7.0, shade="none",
         loose=True, rise=1,
         flare=0.3, cuts=(Cut("leg", 0.5, 1.85),)),
)  # fmt: skip

_WORDS = (
    ("top", ("shirt", "top", "blouse", "jacket", "sweater", "coat")),
    ("bottom", ("trousers", "pants", "jeans", "shorts", "leggings")),
    ("skirt", ("skirt",)),
    ("suit", ("suit", "dress", "overall")),
    ("legwear", ("socks", "tights", "stocking")),
)


def items(assets: Assets) -> dict[str, tuple[str, ...]]:
    """The items of each slot, in the order of a menu."""
    out: dict[str, list[str]] = {slot: [] for slot in SLOTS}
    for item in catalogue(assets).values():
        if item not in _PARTS:
            out[item.slot].append(item.name)
    return {slot: tuple(names) for slot, names in out.items()}


def item(assets: Assets, name: str) -> Item | None:
    """An item by its name; None for one that these assets do not have."""
    return catalogue(assets).get(name)


def catalogue(assets: Assets) -> dict[str, Item]:
    """All items, also those that come with others only, by name."""
    return _catalogue(Key(assets))


@lru_cache(maxsize=4)
def _catalogue(key: Key) -> dict[str, Item]:
    assets = key.assets
    found = [i for i in (*_MAKEHUMAN, *_PARTS) if _available(assets, i)]
    known = {i.source for i in found}
    for name, piece in assets.pieces.items():
        if name not in known:
            found += _unnamed(piece)
    found += [Item(name, "hat", "", fabric="knit", shade="none") for name in PROCEDURAL_HATS]
    found += [Item(name, "bag", "", fabric="canvas", shade="none") for name in BAGS]
    return {i.name: i for i in found}


def _available(assets: Assets, candidate: Item) -> bool:
    if candidate.source == TIGHTS:
        return assets.tights is not None
    if candidate.source == SKIRT:
        return assets.skirt is not None
    piece = assets.pieces.get(candidate.source)
    if piece is None:
        return False
    return set(candidate.components) <= set(np.unique(piece.component).tolist())


def _unnamed(piece: Piece) -> list[Item]:
    """An item for a piece that is in no table: the mannequin's, or one a user added."""
    title = piece.name.replace("_", " ").capitalize()
    if piece.kind in ("shoes", "hat"):
        return [Item(title, piece.kind, piece.name, shade="keep", gender=0.5)]
    if piece.kind != "clothes":
        return []
    for slot, words in _WORDS:
        if any(word in piece.name.lower() for word in words):
            cuts = _LONG_LEGS if slot == "bottom" else ()
            return [
                Item(title, slot, piece.name, shade="keep", gender=0.5, cuts=cuts,
                     men=0.0 if slot == "skirt" else 1.0, loose=slot == "skirt")
            ]  # fmt: skip
    return []


def cuttable(assets: Assets) -> tuple[str, ...]:
    """The items whose length can be chosen."""
    every = catalogue(assets)
    return tuple(
        i.name
        for i in every.values()
        if any(c.long is not None for n in (i.name, *i.with_) if n in every for c in every[n].cuts)
        and i not in _PARTS
    )


def hair_styles(assets: Assets) -> tuple[str, ...]:
    """The hair pieces, and what grows as shells."""
    found = [name for name, piece in assets.pieces.items() if piece.kind == "hair"]
    if shells.available(assets):
        # The pack's afro has lost its texture; the shells look better.
        found = [name for name in found if not name.startswith("afro")] + list(shells.NAMES)
    return tuple(found)


def eye_colours(assets: Assets) -> tuple[str, ...]:
    """The colours of eyes: textures called "<colour>_eye"."""
    return tuple(
        sorted(name.removesuffix("_eye") for name in assets.textures if name.endswith("_eye"))
    )


def eyebrows(assets: Assets) -> tuple[str, ...]:
    """The pieces for eyebrows."""
    return tuple(name for name, piece in assets.pieces.items() if piece.kind == "eyebrows")


def merged(drawn: Sequence[Wear], kept: Sequence[Wear], slots: set[str]) -> tuple[Wear, ...]:
    """An outfit that keeps some slots of another and still goes together.

    Args:
        drawn: the new outfit; kept: the one whose `slots` stay, empty ones too.
    """
    stay = [wear for wear in kept if wear.slot in slots]
    out = [wear for wear in drawn if wear.slot not in slots]
    held = {wear.slot for wear in stay}
    clash = {
        "suit": {"top", "bottom", "skirt"},
        "top": {"suit"},
        "bottom": {"suit", "skirt"},
        "skirt": {"suit", "bottom"},
    }
    for slot in held:
        out = [wear for wear in out if wear.slot not in clash.get(slot, set())]
    # What a one-piece gave way to may now be missing: the old outfit fills in.
    have = {wear.slot for wear in out} | held
    if not have & {"suit", "bottom", "skirt"}:
        out += [w for w in kept if w.slot in ("bottom", "skirt") and w.slot not in slots]
    if not have & {"suit", "top"}:
        out += [w for w in kept if w.slot == "top" and w.slot not in slots]
    order = {slot: n for n, slot in enumerate(SLOTS)}
    return tuple(sorted([*out, *stay], key=lambda wear: order.get(wear.slot, 99)))
