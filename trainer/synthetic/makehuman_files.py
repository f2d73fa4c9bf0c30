"""MakeHuman's own files read into arrays: meshes, targets, clothes, rigs, weights.

The formats are described in MakeHuman's documentation (makehumancommunity.org, "File formats and
extensions"). Lengths stay in MakeHuman's unit, 1 dm. Torch-free.
"""

import itertools
import posixpath
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trainer.errors import DataError
from trainer.synthetic.makehuman_tree import Tree


def _rows(text: str) -> list[list[str]]:
    """The words of each line that is neither empty nor a comment."""
    return [line.split() for line in text.splitlines() if line.strip() and line.lstrip()[0] != "#"]


@dataclass
class Obj:
    """A Wavefront mesh.

    Attributes:
        vertices: (V,3) float32; uv: (T,2) float32.
        faces: by group, a list of faces; a face is a list of (vertex, uv or -1).
    """

    vertices: np.ndarray
    uv: np.ndarray
    faces: dict[str, list[list[tuple[int, int]]]] = field(default_factory=dict)

    def surface(self, *groups: str) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Textured triangles of some groups, of all where none is named.

        Returns:
            vertex (n,) int32, uv (n,2) float32 and triangles (m,3) int32 into these; polygons are
            fans from their first corner; corners are numbered as they come. None without faces.
        """
        number: dict[tuple[int, int], int] = {}
        triangles: list[tuple[int, int, int]] = []
        for group in groups or tuple(self.faces):
            for face in self.faces.get(group, []):
                corner = [number.setdefault(pair, len(number)) for pair in face]
                triangles += [(corner[0], b, c) for b, c in itertools.pairwise(corner[1:])]
        if not triangles:
            return None
        pairs = np.array(list(number), np.int64)
        uv = np.zeros((len(pairs), 2), np.float32)
        known = pairs[:, 1] >= 0
        uv[known] = self.uv[pairs[known, 1]]
        return pairs[:, 0].astype(np.int32), uv, np.array(triangles, np.int32)


def read_obj(tree: Tree, name: str) -> Obj:
    """Read a Wavefront mesh with its groups."""
    vertices: list[list[str]] = []
    uv: list[list[str]] = []
    faces: dict[str, list[list[tuple[int, int]]]] = {}
    group = ""
    try:
        for words in _rows(tree.text(name)):
            key = words[0]
            if key == "v":
                vertices.append(words[1:4])
            elif key == "vt":
                uv.append(words[1:3])
            elif key == "g":
                group = " ".join(words[1:])
            elif key == "f":
                corners = [_corner(word, len(vertices), len(uv)) for word in words[1:]]
                faces.setdefault(group, []).append(corners)
        mesh = Obj(
            np.array(vertices, np.float32).reshape(-1, 3),
            np.array(uv, np.float32).reshape(-1, 2),
            faces,
        )
        used = [c for listed in faces.values() for face in listed for c in face]
        limits = np.array(used or [(0, -1)]).max(0)
        if len(mesh.vertices) <= limits[0] or len(mesh.uv) <= limits[1]:
            raise ValueError("a face names a vertex that is not there")
    except (ValueError, IndexError) as exc:
        raise DataError(f"{name} is not a mesh that can be read: {exc}.") from exc
    return mesh


def _corner(word: str, vertices: int, uv: int) -> tuple[int, int]:
    """Numbers from 0 of "v", "v/vt", "v/vt/vn" or "v//vn"; negative ones count from the end."""
    parts = word.split("/")
    v = int(parts[0])
    t = int(parts[1]) if len(parts) > 1 and parts[1] else 0
    corner = (v - 1 if v > 0 else vertices + v, t - 1 if t >= 0 else uv + t)
    if corner[0] < 0 or corner[1] < -1:
        raise ValueError(f"no corner {word}")
    return corner


def read_target(text: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """A morph target: vertices (s,) int64 in order, and how far they move, (s,3) float64 dm."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    try:
        values = np.array(" ".join(lines).split(), float).reshape(-1, 4)
    except ValueError as exc:
        raise DataError(f"{name} is not a target: its lines must hold a vertex and x y z.") from exc
    order = np.argsort(values[:, 0], kind="stable")
    return values[order, 0].astype(np.int64), values[order, 1:]


@dataclass
class Clothes:
    """An .mhclo file: how a mesh follows the body. Names are relative to the tree.

    Attributes:
        refs: (k,3) int32; weight, offset: (k,3) float32, dm.
        scale: (3,3) float32, two vertices and the length in dm for x, y, z; NaN length where the
            file gives none.
        delete: (h,) int32, sorted.
        mesh, material: files, "" where none is named.
        depth: drawing order, higher is further out.
    """

    name: str
    refs: np.ndarray
    weight: np.ndarray
    offset: np.ndarray
    scale: np.ndarray
    delete: np.ndarray
    mesh: str
    material: str
    depth: int


def read_clothes(tree: Tree, name: str) -> Clothes:
    """Read an .mhclo file."""
    folder = posixpath.dirname(name)
    stem = posixpath.splitext(posixpath.basename(name))[0]
    mesh, material, depth = f"{stem}.obj", "", 50
    scale = np.full((3, 3), np.nan, np.float32)
    lines: list[tuple[float, ...]] = []
    deleted: list[str] = []
    section = ""
    try:
        for words in _rows(tree.text(name)):
            key = words[0]
            if not (key[0].isdigit() or key[0] in "-."):
                section = key if key in ("verts", "delete_verts", "weights") else ""
                if key == "obj_file":
                    mesh = " ".join(words[1:])
                elif key == "material":
                    material = " ".join(words[1:])
                elif key == "z_depth":
                    depth = int(words[1])
                elif key in ("x_scale", "y_scale", "z_scale"):
                    scale["xyz".index(key[0])] = [float(w) for w in words[1:4]]
                elif key == "delete_verts":
                    deleted += words[1:]
            elif section == "verts":
                lines.append(_followed(words))
            elif section == "delete_verts":
                deleted += words
        if not lines:
            raise ValueError("it has no verts")
        table = np.array(lines)
        delete = np.array(sorted(_ranges(deleted)), np.int32)
    except (ValueError, IndexError) as exc:
        raise DataError(f"{name} is not clothing that can be read: {exc}.") from exc
    return Clothes(
        stem,
        table[:, :3].astype(np.int32),
        table[:, 3:6].astype(np.float32),
        table[:, 6:].astype(np.float32),
        scale,
        delete,
        posixpath.normpath(posixpath.join(folder, mesh)),
        posixpath.normpath(posixpath.join(folder, material)) if material else "",
        depth,
    )


def _followed(words: list[str]) -> tuple[float, ...]:
    """Three vertices, their weights and the offset; one number alone is an exact copy."""
    values = [float(w) for w in words]
    if len(values) == 1:
        return (values[0], 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    if len(values) == 6:
        values += [0.0, 0.0, 0.0]
    if len(values) != 9:
        raise ValueError(f"a vertex has {len(values)} numbers")
    return tuple(values)


def _ranges(words: list[str]) -> set[int]:
    """Numbers of "3 - 5 9 12-14"."""
    text = " ".join(words).replace(" - ", "-")
    found: set[int] = set()
    for word in text.split():
        first, _, last = word.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def read_material(tree: Tree, name: str) -> str:
    """The diffuse texture that an .mhmat names, relative to the tree; "" for none."""
    for words in _rows(tree.text(name)):
        if words[0] == "diffuseTexture" and len(words) > 1:
            return posixpath.normpath(posixpath.join(posixpath.dirname(name), " ".join(words[1:])))
    return ""


@dataclass
class Skeleton:
    """Bones, parents first and children by name: heads and tails as lists of base vertices."""

    names: list[str]
    parent: list[int]
    heads: list[list[int]]
    tails: list[list[int]]
    weights: str


def read_skeleton(tree: Tree, name: str, base: Obj) -> Skeleton:
    """Read an .mhskel; a joint that it does not list is the cube of that name in the mesh."""
    raw = tree.json(name)
    try:
        bones: dict[str, dict[str, Any]] = raw["bones"]
        joints: dict[str, list[int]] = raw.get("joints") or {}
        children: dict[str | None, list[str]] = {}
        for bone in sorted(bones):
            children.setdefault(bones[bone].get("parent") or None, []).append(bone)
        order: list[str] = []
        waiting = children.get(None, [])[::-1]
        while waiting:
            bone = waiting.pop()
            order.append(bone)
            waiting += children.get(bone, [])[::-1]
        if len(order) != len(bones) or not order:
            raise ValueError("some bones do not hang on a root")
        number = {bone: i for i, bone in enumerate(order)}
        parent = [number.get(bones[b].get("parent") or "", -1) for b in order]
        ends = [[_joint(bones[b][end], joints, base) for b in order] for end in ("head", "tail")]
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise DataError(f"{name} is not a rig that can be read: {exc}.") from exc
    return Skeleton(order, parent, ends[0], ends[1], str(raw.get("weights_file") or ""))


def _joint(name: str, joints: dict[str, list[int]], base: Obj) -> list[int]:
    if name in joints:
        vertices = [int(v) for v in joints[name]]
    else:
        cube = base.faces.get(name) or base.faces.get(f"joint-{name}") or []
        vertices = sorted({v for face in cube for v, _ in face})
    if not vertices or max(vertices) >= len(base.vertices):
        raise ValueError(f"joint {name} has no vertices in the base mesh")
    return vertices


def read_weights(tree: Tree, name: str, bones: list[str], vertices: int) -> np.ndarray:
    """(V,B) float32, the skin weights of an .mhw: rows that sum to 1, or to 0 without a bone."""
    table = tree.json(name).get("weights")
    if not isinstance(table, dict):
        raise DataError(f"{name} holds no weights.")
    number = {bone: i for i, bone in enumerate(bones)}
    dense = np.zeros((vertices, len(bones)), np.float64)
    try:
        for bone, pairs in table.items():
            if bone in number and pairs:
                rows = np.array(pairs, float)
                dense[rows[:, 0].astype(int), number[bone]] += rows[:, 1]
    except (ValueError, IndexError) as exc:
        raise DataError(f"{name} does not fit the base mesh: {exc}.") from exc
    total = dense.sum(1, keepdims=True)
    return (dense / np.where(total > 0, total, 1)).astype(np.float32)


def strongest(dense: np.ndarray, most: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """The greatest weights of each row of (k,B), made to sum to 1.

    Returns:
        (k,most) uint8 bones, greatest weight first, and (k,most) float16. What no bone holds goes
        with the root.
    """
    dense = dense.astype(np.float64)
    dense[dense.sum(1) <= 0, 0] = 1.0
    wide = max(most - dense.shape[1], 0)
    order = np.argsort(-dense, axis=1, kind="stable")[:, :most]
    value = np.take_along_axis(dense, order, 1)
    value /= value.sum(1, keepdims=True)
    order = np.where(value > 0, order, 0)
    order, value = np.pad(order, ((0, 0), (0, wide))), np.pad(value, ((0, 0), (0, wide)))
    return order.astype(np.uint8), value.astype(np.float16)
