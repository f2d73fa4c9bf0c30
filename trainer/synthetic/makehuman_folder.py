"""The asset pack built from MakeHuman's own `data` folder. Torch-free.

The pack is six archives of plain arrays (`trainer.synthetic.assets.FILES`), small and quick to
read; what is in them is described in the data guide. Lengths are in MakeHuman's unit, 1 dm.
"""

import posixpath
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from trainer.errors import DataError
from trainer.synthetic import makehuman_files as files
from trainer.synthetic import makehuman_motion as motions
from trainer.synthetic.makehuman_files import Obj, Skeleton
from trainer.synthetic.makehuman_pictures import Pictures
from trainer.synthetic.makehuman_tree import BASE_MESH, Tree

# The folders of targets that shape people, in the pack's order; others (genitals, measuring aids)
# are left out.
TARGETS = (
    "macrodetails", "macrodetails/height", "macrodetails/proportions", "head", "forehead",
    "eyebrows", "eyes", "nose", "mouth", "ears", "chin", "cheek", "neck", "torso", "hip",
    "stomach", "buttocks", "armslegs", "breast", "asym", "bodyshapes",
)  # fmt: skip
# Folders of pieces: the pack's kind, the longest side of a texture in px, what lacks without.
_PIECES = {
    "clothes": ("clothes", 512, "people can wear only tights and skirts"),
    "hair": ("hair", 512, "people stay bald"),
    "eyes": ("eyes", 256, "people have no eyes"),
    "eyebrows": ("eyebrows", 256, "people have no eyebrows"),
    "eyelashes": ("eyelashes", 256, "people have no eyelashes"),
    "teeth": ("teeth", 256, "open mouths are empty"),
}
_SKIN_PX, _EYE_PX = 1024, 256
_IMAGES = (".png", ".jpg", ".jpeg")
_MOVES = 1e-4  # a rotation matrix that differs less from the identity does not move a bone
Progress = Callable[[str, float], None]


@dataclass
class Report:
    """What was built.

    Attributes:
        counts: of vertices, bones, targets, pieces, textures, poses, expressions.
        missing: a sentence for each thing that was not there or could not be used.
    """

    counts: dict[str, int] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def build_pack(source: Path, out: Path, progress: Progress | None = None) -> Report:
    """Build the pack.

    Args:
        source: MakeHuman's `data` folder, a folder that holds it, or a zip of either; files may be
            gzipped.
        out: folder for the six archives. It changes only when all of them are complete.
        progress: told what is read now and the share that is done.
    """
    say = progress or (lambda what, share: None)
    tree = Tree(Path(source).expanduser())
    try:
        report = Report()
        say("base mesh", 0.0)
        base = files.read_obj(tree, BASE_MESH)
        skeleton, weights = _skin(tree, base)
        archives = {"base.npz": _base(base, skeleton, weights)}
        say("targets", 0.05)
        archives["targets.npz"] = _targets(tree, len(base.vertices), say)
        textures = Pictures(tree, report.missing)
        archives["proxies.npz"] = _proxies(tree, base, weights, textures, report, say)
        say("skins", 0.75)
        _loose_textures(tree, textures, report)
        archives["textures.npz"] = textures.encoded
        say("poses", 0.85)
        archives["poses.npz"] = _poses(tree, skeleton, report)
        archives["expr.npz"] = _expressions(tree, skeleton, report)
    finally:
        tree.close()
    report.counts = {
        "vertices": len(base.vertices),
        "bones": len(skeleton.names),
        "targets": len(archives["targets.npz"]["names"]),
        "pieces": sum(key.endswith("|refs") for key in archives["proxies.npz"]),
        "textures": len(textures.encoded),
        "poses": len(archives["poses.npz"]),
        "expressions": len(archives["expr.npz"]["names"]),
    }
    say("writing", 0.9)
    _write(out.expanduser(), archives)
    say("done", 1.0)
    return report


def _skin(tree: Tree, base: Obj) -> tuple[Skeleton, np.ndarray]:
    """The rig and (V,B) skin weights."""
    rig = "rigs/default.mhskel"
    if rig not in tree:
        raise DataError(
            f"{tree.source} lacks {rig}, the default rig: take the data folder of MakeHuman 1.1 "
            "or newer (makehumancommunity.org)."
        )
    skeleton = files.read_skeleton(tree, rig, base)
    if len(skeleton.names) > 256:
        raise DataError(f"{rig} has {len(skeleton.names)} bones; at most 256 fit into the pack.")
    named = [f"rigs/{n}" for n in (skeleton.weights, "default_weights.mhw") if n]
    found = [n for n in named if n in tree]
    if not found:
        raise DataError(
            f"{tree.source} lacks {named[0]}, the skin weights of the default rig: take the "
            "complete data folder of MakeHuman (makehumancommunity.org)."
        )
    return skeleton, files.read_weights(tree, found[0], skeleton.names, len(base.vertices))


def _base(base: Obj, skeleton: Skeleton, weights: np.ndarray) -> dict[str, np.ndarray]:
    bone, weight = files.strongest(weights)
    out = {"V": base.vertices}
    for name, group in (("body", "body"), ("tights", "helper-tights"), ("skirt", "helper-skirt")):
        surface = base.surface(group)
        if surface is not None:
            out |= dict(zip((f"{name}_vid", f"{name}_uv", f"{name}_tri"), surface, strict=True))
    if "body_tri" not in out:
        raise DataError(f"{BASE_MESH} has no group called body: it is not MakeHuman's.")
    for name, ends in (("head", skeleton.heads), ("tail", skeleton.tails)):
        out[f"{name}_idx"] = np.concatenate(ends).astype(np.int32)
        out[f"{name}_off"] = np.cumsum([0, *(len(e) for e in ends)]).astype(np.int32)
    return out | {
        "bone_names": np.array(skeleton.names),
        "bone_parent": np.array(skeleton.parent, np.int32),
        "w_idx": bone,
        "w_val": weight,
    }


def _targets(tree: Tree, vertices: int, say: Progress) -> dict[str, np.ndarray]:
    """Names, and vertices and thousandths of a dm of all targets, one after the other."""
    found = {n.removeprefix("targets/").removesuffix(".target"): n
             for n in tree.names("targets", ".target")}  # fmt: skip
    compiled = _compiled(tree) if not found else {}
    available = sorted(found or compiled)
    names = [n for group in TARGETS for n in available if posixpath.dirname(n) == group]
    if not any(n.startswith("macrodetails/") for n in names):
        raise DataError(
            f"{tree.source} lacks the targets of macrodetails, which make a person of the base "
            "mesh: MakeHuman's sources get them with download_assets_git.py; an installed "
            "MakeHuman has them in data/targets.npz."
        )
    index: list[np.ndarray] = []
    delta: list[np.ndarray] = []
    for done, name in enumerate(names):
        if done % 50 == 0:
            say(f"target {name}", 0.05 + 0.45 * done / len(names))
        if found:
            moved, by = files.read_target(tree.text(found[name]), found[name])
            by = np.rint(by * 1000)
        else:
            moved, by = compiled[name]
        if moved.size and (moved.min() < 0 or moved.max() >= vertices or np.abs(by).max() > 32767):
            raise DataError(f"The target {name} does not fit the base mesh.")
        index.append(moved.astype(np.uint16 if vertices <= 65536 else np.int32))
        delta.append(by.astype(np.int16))
    return {
        "names": np.array(names),
        "off": np.cumsum([0, *(len(i) for i in index)]).astype(np.int64),
        "idx": np.concatenate(index),
        "d": np.concatenate(delta).reshape(-1, 3),
    }


def _compiled(tree: Tree) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Targets of the archive that an installed MakeHuman has, by name, in thousandths of a dm."""
    archive = "targets.npz"
    if archive not in tree:
        return {}
    out: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    with tempfile.TemporaryFile() as file:
        file.write(tree.read(archive))
        file.seek(0)
        try:
            with np.load(file, allow_pickle=False) as held:
                for key in held.files:
                    name = key.replace("\\", "/").removeprefix("targets/")
                    if name.endswith(".index") and posixpath.dirname(name) in TARGETS:
                        vector = held[key.removesuffix(".index") + ".vector"]
                        out[name.removesuffix(".index")] = (held[key].astype(np.int64), vector)
        except (OSError, ValueError, KeyError) as exc:
            raise DataError(f"{archive} in {tree.source} cannot be read: {exc}.") from exc
    return out


def _proxies(
    tree: Tree,
    base: Obj,
    weights: np.ndarray,
    textures: Pictures,
    report: Report,
    say: Progress,
) -> dict[str, np.ndarray]:
    """All pieces under "name|field"."""
    out: dict[str, np.ndarray] = {}
    for step, (folder, (kind, longest_px, without)) in enumerate(_PIECES.items()):
        say(folder, 0.5 + 0.25 * step / len(_PIECES))
        names = tree.names(folder, ".mhclo")
        if not names:
            report.missing.append(f"There is nothing in {folder}/: {without}.")
        for name in names:
            try:
                piece = _piece(tree, name, base, weights)
            except DataError as exc:  # one broken piece is no reason to do without the others
                report.missing.append(f"{exc}")
                continue
            clothes, fields = piece
            if f"{clothes.name}|refs" in out:
                report.missing.append(f"{name} is left out: there is another {clothes.name}.")
                continue
            fields["kind"] = np.array(kind)
            picture = (
                files.read_material(tree, clothes.material) if clothes.material in tree else ""
            )
            fields["tex"] = np.array(textures.add(picture, longest_px))
            out |= {f"{clothes.name}|{key}": value for key, value in fields.items()}
    return out


def _piece(
    tree: Tree, name: str, base: Obj, weights: np.ndarray
) -> tuple[files.Clothes, dict[str, np.ndarray]]:
    clothes = files.read_clothes(tree, name)
    surface = files.read_obj(tree, clothes.mesh).surface()
    count, limit = len(clothes.refs), len(base.vertices)
    if surface is None or surface[0].max() >= count:
        raise DataError(f"{name} is left out: its mesh does not fit its list of vertices.")
    held = (clothes.refs, clothes.delete, clothes.scale[:, :2][np.isfinite(clothes.scale[:, :2])])
    if any(a.size and (a.min() < 0 or a.max() >= limit) for a in held):
        raise DataError(f"{name} is left out: it is made for another base mesh.")
    scale = clothes.scale.copy()
    for axis in np.flatnonzero(~np.isfinite(scale[:, 2]) | (scale[:, 2] == 0)):
        # no scale given: as large as the body is
        along = base.vertices[:, axis]
        ends = int(along.argmin()), int(along.argmax())
        scale[axis] = (*ends, along[ends[1]] - along[ends[0]])
    # bone weights of what a vertex follows, through the shares that pull it
    share = np.maximum(clothes.weight, 0)
    pulled = sum(share[:, k, None] * weights[clothes.refs[:, k]] for k in range(3))
    bone, weight = files.strongest(np.asarray(pulled))
    vertex, uv, triangles = surface
    return clothes, {
        "name": np.array(clothes.name),
        "vid": vertex,
        "uv": uv,
        "tri": triangles,
        "refs": clothes.refs,
        "w": clothes.weight,
        "off": clothes.offset,
        "scale": scale.astype(np.float32),
        "wi": bone,
        "wv": weight,
        "delete": clothes.delete,
        "comp": _components(count, vertex[triangles]),
        "z": np.array(clothes.depth),
    }


def _components(count: int, triangles: np.ndarray) -> np.ndarray:
    """(count,) int16: which connected part each vertex is in, numbered by first vertices."""
    label = np.arange(count)
    while True:
        lowest = np.repeat(label[triangles].min(1), 3)
        joined = label.copy()
        np.minimum.at(joined, triangles.ravel(), lowest)
        joined = joined[joined]
        if np.array_equal(joined, label):
            break
        label = joined
    return np.unique(label, return_inverse=True)[1].astype(np.int16)


def _loose_textures(tree: Tree, textures: Pictures, report: Report) -> None:
    """Skins, and the eyes' other colours."""
    skins = [files.read_material(tree, name) for name in tree.names("skins", ".mhmat")]
    for path in dict.fromkeys(p for p in skins if p):
        stem = posixpath.basename(path)
        textures.add(path, _SKIN_PX, "" if stem.startswith("skin") else "skin_")
    if not any(name.startswith("skin") for name in textures.encoded):
        report.missing.append("There is nothing in skins/: all people have one plain skin.")
    for path in tree.names("eyes/materials", *_IMAGES):
        if posixpath.splitext(path)[0].endswith("_eye"):
            textures.add(path, _EYE_PX)


def _poses(tree: Tree, skeleton: Skeleton, report: Report) -> dict[str, np.ndarray]:
    """(B,3,3) float32 of the first frame of each file, by name."""
    out: dict[str, np.ndarray] = {}
    number = {bone: i for i, bone in enumerate(skeleton.names)}
    for name in tree.names("poses", ".bvh"):
        try:
            motion = motions.read_bvh(tree, name)
        except DataError as exc:
            report.missing.append(f"{exc}")
            continue
        known = [joint for joint in motion.rotations if joint in number]
        if 2 * len(known) < len(motion.rotations) or not motion.frames:
            report.missing.append(f"{name} is left out: it is made for another rig.")
            continue
        pose = np.repeat(np.eye(3, dtype=np.float32)[None], len(number), 0)
        for joint in known:
            pose[number[joint]] = motion.rotations[joint][0]
        out[posixpath.splitext(posixpath.basename(name))[0]] = pose
    if not out:
        report.missing.append("There is nothing in poses/: the pack has no poses of its own.")
    return out


def _expressions(tree: Tree, skeleton: Skeleton, report: Report) -> dict[str, np.ndarray]:
    """Rotations of the bones of the face for each unit, and mixtures of units."""
    units: list[str] = []
    bones = np.zeros(0, np.int64)
    turned = np.zeros((0, 0, 3, 3), np.float32)
    motion_file, list_file = "poseunits/face-poseunits.bvh", "poseunits/face-poseunits.json"
    if motion_file in tree and list_file in tree:
        units = [str(u) for u in tree.json(list_file).get("framemapping", [])]
        motion = motions.read_bvh(tree, motion_file)
        if motion.frames < len(units):
            raise DataError(f"{motion_file} has fewer frames than {list_file} names.")
        moving = [
            i
            for i, bone in enumerate(skeleton.names)
            if bone in motion.rotations
            and np.abs(motion.rotations[bone][: len(units)] - np.eye(3)).max() > _MOVES
        ]
        bones = np.array(moving, np.int64)
        turned = np.zeros((len(units), len(moving), 3, 3), np.float32)
        for column, i in enumerate(moving):
            turned[:, column] = motion.rotations[skeleton.names[i]][: len(units)]
    else:
        report.missing.append(f"There is no {motion_file}: faces keep one expression.")
    names: list[str] = []
    weights: list[list[float]] = []
    for name in tree.names("expressions", ".mhpose") if units else []:
        mixture = tree.json(name).get("unit_poses")
        if isinstance(mixture, dict):
            names.append(posixpath.splitext(posixpath.basename(name))[0])
            weights.append([float(mixture.get(unit, 0.0)) for unit in units])
    return {
        "units": np.array(units, str),
        "bones": bones,
        "UR": turned,
        "names": np.array(names, str),
        "W": np.array(weights, np.float32).reshape(len(names), len(units)),
    }


def _write(out: Path, archives: dict[str, dict[str, np.ndarray]]) -> None:
    """Write all archives beside the folder, then put them into it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        for name, arrays in archives.items():
            with (folder / name).open("wb") as file:
                np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
        out.mkdir(exist_ok=True)
        for name in archives:
            (folder / name).replace(out / name)
    except OSError as exc:
        raise DataError(f"Cannot write the pack to {out}: {exc}.") from exc
    finally:
        shutil.rmtree(folder, ignore_errors=True)
