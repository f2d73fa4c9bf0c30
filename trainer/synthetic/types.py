"""The arrays that the modules of the studio hand to each other. Torch-free.

World space: mm, right-handed, y up, the floor at y = 0; a figure at rest faces +z and has its own
left at +x. Camera space: mm, x right, y down, z away. Image space: px, pixel centres at integers.
"""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np


class Part(IntEnum):
    """The 16 classes of a part map."""

    BACKGROUND = 0
    HAIR = 1
    FACE = 2  # the head's and neck's skin
    TORSO = 3
    UPPER_ARM_L = 4
    UPPER_ARM_R = 5
    LOWER_ARM_L = 6
    LOWER_ARM_R = 7
    HAND_L = 8
    HAND_R = 9
    UPPER_LEG_L = 10
    UPPER_LEG_R = 11
    LOWER_LEG_L = 12
    LOWER_LEG_R = 13
    FOOT_L = 14
    FOOT_R = 15


class Cloth(IntEnum):
    """The classes of a clothing map."""

    BACKGROUND = 0
    SKIN = 1
    HAIR = 2
    TOP = 3
    BOTTOM = 4
    SKIRT = 5
    SUIT = 6  # one piece over torso and legs
    SHOES = 7
    HAT = 8
    BAG = 9
    LEGWEAR = 10  # tights, leggings, socks
    UNDERWEAR = 11


@dataclass(frozen=True)
class Surface:
    """A textured surface over the vertices of some mesh.

    Attributes:
        vertex: (n,) int32, the position that each textured vertex has.
        uv: (n,2) float32 in [0,1], v upwards.
        triangles: (m,3) int32 into `vertex` and `uv`, counter-clockwise from outside.
    """

    vertex: np.ndarray
    uv: np.ndarray
    triangles: np.ndarray


@dataclass(frozen=True)
class Rig:
    """Bones. The head and tail of a bone are means of base vertices of the morphed mesh.

    Attributes:
        names: B names, MakeHuman's ("upperarm01.L", "head", ...); parents come first.
        parent: (B,) int32, -1 for the root.
        head_index, head_start: base vertices of bone b's head are
            `head_index[head_start[b]:head_start[b + 1]]`; `tail_*` likewise.
    """

    names: tuple[str, ...]
    parent: np.ndarray
    head_index: np.ndarray
    head_start: np.ndarray
    tail_index: np.ndarray
    tail_start: np.ndarray


@dataclass(frozen=True)
class Piece:
    """Something worn: clothes, shoes, a hat, hair, eyes, brows, lashes, teeth.

    Vertex i lies at sum_k weight[i,k] * base[refs[i,k]] + offset[i] * size, where size per axis
    is |base[v1] - base[v2]| / length with (v1, v2, length) = `scale[axis]`, in mm.

    Attributes:
        kind: "clothes", "shoes", "hat", "hair", "eyes", "eyebrows", "eyelashes" or "teeth".
        refs: (k,3) int32; weight: (k,3) float32; offset: (k,3) float32 mm.
        scale: (3,3) float32: v1, v2, length in mm for x, y, z.
        bone, bone_weight: (k,6) skin weights, uint8 and float32.
        hides: (h,) int32 base vertices; a body face is hidden if all its vertices are in it.
        component: (k,) int16, the connected component of each vertex.
        texture: name in `Assets.textures`, "" for none.
    """

    name: str
    kind: str
    surface: Surface
    refs: np.ndarray
    weight: np.ndarray
    offset: np.ndarray
    scale: np.ndarray
    bone: np.ndarray
    bone_weight: np.ndarray
    hides: np.ndarray
    component: np.ndarray
    texture: str


@dataclass(frozen=True)
class Targets:
    """Morph targets: target t moves vertex `index[s]` by `delta[s]` for s in start[t]:start[t+1].

    Attributes:
        names: e.g. "macrodetails/african-female-young".
        start: (t+1,) int64; index: (s,) int32; delta: (s,3) float32 mm.
    """

    names: tuple[str, ...]
    start: np.ndarray
    index: np.ndarray
    delta: np.ndarray


@dataclass(frozen=True)
class Expressions:
    """Faces: rotations of some bones for each face unit, and named mixtures of units.

    Attributes:
        units: U names; bones: (b,) int64 bone numbers; rotations: (U,b,3,3) float32.
        names: E names; weights: (E,U) float32.
    """

    units: tuple[str, ...]
    bones: np.ndarray
    rotations: np.ndarray
    names: tuple[str, ...]
    weights: np.ndarray


@dataclass(frozen=True)
class Assets:
    """All that people are made of: the MakeHuman pack, or the procedural mannequin.

    Attributes:
        source: "makehuman" or "mannequin".
        base: (V,3) float32 mm, before any target; includes helper vertices for clothes.
        body: the skin; tights, skirt: helper surfaces close to the body, None where there are none.
        bone, bone_weight: (V,6) skin weights of the base, uint8 and float32.
        landmarks: base vertices whose mean is a named point: the 17 COCO keypoint names.
        pieces: by name.
        textures: encoded JPEG or PNG bytes by name.
        poses: (B,3,3) float32 rotations by name.
    """

    source: str
    base: np.ndarray
    body: Surface
    tights: Surface | None
    skirt: Surface | None
    rig: Rig
    bone: np.ndarray
    bone_weight: np.ndarray
    targets: Targets
    landmarks: dict[str, np.ndarray]
    pieces: dict[str, Piece]
    textures: dict[str, bytes] = field(repr=False)
    poses: dict[str, np.ndarray] = field(repr=False)
    expressions: Expressions | None = None


@dataclass(frozen=True)
class Material:
    """What a triangle is painted with.

    Attributes:
        texture: (h,w,4) uint8 sRGB and opacity; row 0 is the top (v = 1); repeats outside [0,1].
        cutout: opacity below one half lets through what is behind (hair, lashes, lace).
        two_sided: seen from behind too.
        gloss: 0 matt to 1 polished.
    """

    texture: np.ndarray
    cutout: bool = False
    two_sided: bool = True
    gloss: float = 0.1


@dataclass(frozen=True)
class Mesh:
    """A figure or an object as the renderer takes it; positions come with each frame.

    Attributes:
        triangles: (T,3) int32 into the positions.
        uv: (T,3,2) float32, v upwards.
        material: (T,) int32 into `materials`.
        part, cloth: (T,) uint8 of `Part` and `Cloth`.
        layer: (T,) uint8; of two surfaces closer than 3 mm the higher layer is seen (skin 0, under-
            wear 1, legwear 2, bottom 3, top 4, shoes 5, hair 6, the rest 7).
        part_weights: (N,16) uint8, how much of each position each `Part` has, rows of zeros where
            that is not known. A triangle whose corners have different parts is parted between
            them where their weights are equal; `part` is for all the others, and for all of hair
            and backdrop.
    """

    triangles: np.ndarray
    uv: np.ndarray
    material: np.ndarray
    part: np.ndarray
    cloth: np.ndarray
    layer: np.ndarray
    materials: tuple[Material, ...]
    part_weights: np.ndarray | None = None


@dataclass(frozen=True)
class Hung:
    """Vertices that hang from a point of the body (a bag from a hand), and do not turn with it.

    Attributes:
        vertices: slice of the character's positions.
        bone: the bone that carries them.
        anchor: (3,) mm at rest, the point that they hang from.
        clear_of: bones (such as a thigh) that they must not cut into.
        clearance_mm: how far from these bones' axes the anchor stays.
    """

    vertices: slice
    bone: int
    anchor: np.ndarray
    clear_of: tuple[int, ...] = ()
    clearance_mm: float = 0.0


@dataclass(frozen=True)
class Drape:
    """Vertices of a skirt, which falls around the legs.

    Attributes:
        vertices: slice of the character's positions.
        edges: (e,2) int32 from the slice's start; lengths: (e,) float32 mm.
        free: (k,) float32, 0 held by the body to 1 falling.
        bone, ends, radius: (c,) int64, (c,2,3) and (c,2) float32 mm at rest, the legs as tapered
            capsules.
    """

    vertices: slice
    edges: np.ndarray
    lengths: np.ndarray
    free: np.ndarray
    bone: np.ndarray
    ends: np.ndarray
    radius: np.ndarray


@dataclass(frozen=True)
class Character:
    """A dressed person at rest.

    Attributes:
        rest: (N,3) float32 mm; the first V are the morphed base.
        bone, bone_weight: (N,6) skin weights, int32 and float32.
        heads, tails: (B,3) float32 mm, bones at rest.
        mesh: what is drawn.
        hung: bags; drapes: skirts.
    """

    rest: np.ndarray
    bone: np.ndarray
    bone_weight: np.ndarray
    heads: np.ndarray
    tails: np.ndarray
    mesh: Mesh
    hung: tuple[Hung, ...] = ()
    drapes: tuple[Drape, ...] = ()


@dataclass(frozen=True)
class Posed:
    """A character in a pose, in the world.

    Attributes:
        positions: (N,3) float32 mm.
        bones: (B,4,4) float32, each bone's transform of rest points.
    """

    positions: np.ndarray
    bones: np.ndarray


@dataclass(frozen=True)
class Camera:
    """A pinhole camera: x_px = focal_px * X / Z + centre_px.

    Attributes:
        rotation: (3,3) world to camera; translation: (3,) mm, camera = rotation @ world + it.
        size: (width, height) px.
    """

    rotation: np.ndarray
    translation: np.ndarray
    focal_px: float
    centre_px: tuple[float, float]
    size: tuple[int, int]


@dataclass(frozen=True)
class Light:
    """One soft key light and a hemisphere; linear RGB.

    Attributes:
        direction: (3,) unit, world, from the scene towards the light.
        key, sky, ground: (3,) linear RGB.
        softness: 0 hard shadows to 1 overcast.
    """

    direction: np.ndarray
    key: np.ndarray
    sky: np.ndarray
    ground: np.ndarray
    softness: float = 0.5


@dataclass(frozen=True)
class Backdrop:
    """What is behind the people.

    Attributes:
        image: (h,w,3) float32 linear RGB, lit already, of the camera's size.
        floor: (h,w) float32 0-1, how much a pixel is ground at y = 0 that can catch a shadow.
    """

    image: np.ndarray
    floor: np.ndarray


@dataclass(frozen=True)
class Figure:
    """A mesh in place. Number 1 and up are people, 200 and up objects in front."""

    mesh: Mesh
    positions: np.ndarray
    number: int


@dataclass(frozen=True)
class Frame:
    """A rendered picture with what stands at each pixel's centre.

    Attributes:
        image: (h,w,3) uint8 sRGB.
        cover: (k,h,w) float32 0-1, how much of a pixel each person (1 ... k) fills, seen or hidden
            parts of it apart: only what is seen counts.
        number: (h,w) uint8, the `Figure.number` seen, 0 for the backdrop.
        part, cloth: (h,w) uint8 of the person seen; 0 elsewhere.
        depth: (h,w) float32 mm along the camera's axis, inf for the backdrop.
    """

    image: np.ndarray
    cover: np.ndarray
    number: np.ndarray
    part: np.ndarray
    cloth: np.ndarray
    depth: np.ndarray
