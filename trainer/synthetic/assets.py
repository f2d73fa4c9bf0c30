"""What people are made of: the MakeHuman pack read into `types.Assets`. Torch-free.

The pack's unit is 1 dm; everything here is in mm. Textures stay encoded until they are asked for.
"""

import os
import zipfile
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from trainer.errors import DataError
from trainer.paths import DATA_VARIABLE
from trainer.synthetic import landmarks, mannequin
from trainer.synthetic.types import (
    Assets,
    Expressions,
    Piece,
    Rig,
    Surface,
    Targets,
)

FOLDER = "makehuman"
FILES = ("base.npz", "targets.npz", "proxies.npz", "textures.npz", "poses.npz", "expr.npz")
_MM = np.float32(100.0)  # a dm
_DELTA_MM = np.float32(0.1)  # targets are in 1/1000 dm
_KINDS = ("clothes", "hair", "eyes", "eyebrows", "eyelashes", "teeth")


def find(data: Path | str | None = None) -> Path | None:
    """The folder of the pack, or None.

    Args:
        data: the pack's folder or one that holds `makehuman/`; otherwise POSEAPP_DATA, then
            `./data`.
    """
    root = Path(data or os.environ.get(DATA_VARIABLE) or "data").expanduser()
    for folder in (root / FOLDER, root):
        if all((folder / name).is_file() for name in FILES):
            return folder
    return None


def load_or_mannequin(data: Path | str | None = None) -> Assets:
    """The pack where there is one, else the mannequin; `Assets.source` tells which."""
    folder = find(data)
    return load(folder) if folder is not None else mannequin.build()


def load(folder: Path) -> Assets:
    """Read a pack.

    Args:
        folder: holds the pack's files, or `makehuman/` with them.
    """
    inner = folder / FOLDER
    folder = inner if inner.is_dir() else folder
    if not folder.is_dir():
        raise DataError(
            f"There is no MakeHuman pack at {folder}: point --data or {DATA_VARIABLE} to the "
            "folder that holds makehuman/ (the README says how to get or build the pack)."
        )
    base = _read(folder, "base.npz")
    targets = _read(folder, "targets.npz")
    proxies = _read(folder, "proxies.npz")
    textures = _read(folder, "textures.npz")
    poses = _read(folder, "poses.npz")
    faces = _read(folder, "expr.npz")
    try:
        assets = Assets(
            source="makehuman",
            base=base["V"].astype(np.float32) * _MM,
            body=_surface(base, "body_"),
            tights=_surface(base, "tights_") if "tights_tri" in base else None,
            skirt=_surface(base, "skirt_") if "skirt_tri" in base else None,
            rig=_rig(base),
            bone=np.ascontiguousarray(base["w_idx"], np.uint8),
            bone_weight=_normalised(base["w_val"]),
            targets=_targets(targets),
            landmarks={},
            pieces=_pieces(proxies),
            textures={name: np.asarray(a, np.uint8).tobytes() for name, a in textures.items()},
            poses={name: np.ascontiguousarray(a, np.float32) for name, a in poses.items()},
            expressions=_expressions(faces),
        )
        _check(assets, folder)
        assets.landmarks.update(landmarks.makehuman(assets))
    except (KeyError, IndexError, ValueError, TypeError) as exc:
        raise DataError(
            f"The MakeHuman pack at {folder} is damaged or of another kind ({exc}): get it again "
            "or build it anew."
        ) from exc
    return assets


def texture(assets: Assets, name: str) -> np.ndarray:
    """A decoded texture, read-only.

    Returns:
        (h,w,4) uint8, sRGB and opacity; row 0 is the top.
    """
    try:
        encoded = assets.textures[name]
    except KeyError as exc:
        raise DataError(
            f"The {assets.source} assets hold no texture {name}: get the pack again, or choose "
            "something else to wear."
        ) from exc
    return _decoded(encoded, name)


@lru_cache(maxsize=48)
def _decoded(encoded: bytes, name: str) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None or image.dtype != np.uint8:
        raise DataError(f"The texture {name} is damaged: get the MakeHuman pack again.")
    code = {2: cv2.COLOR_GRAY2RGBA, 3: cv2.COLOR_BGR2RGBA, 4: cv2.COLOR_BGRA2RGBA}
    rgba = cv2.cvtColor(image, code[2 if image.ndim == 2 else image.shape[2]])
    rgba.flags.writeable = False
    return rgba


def _read(folder: Path, name: str) -> Mapping[str, np.ndarray]:
    path = folder / name
    if not path.is_file():
        raise DataError(
            f"The MakeHuman pack at {folder} lacks {name}: get the pack again or build it anew."
        )
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as exc:
        raise DataError(f"Cannot read {path}: {exc}. Get the MakeHuman pack again.") from exc


def _surface(arrays: Mapping[str, np.ndarray], prefix: str) -> Surface:
    return Surface(
        vertex=np.ascontiguousarray(arrays[prefix + "vid"], np.int32),
        uv=np.ascontiguousarray(arrays[prefix + "uv"], np.float32),
        triangles=np.ascontiguousarray(arrays[prefix + "tri"], np.int32),
    )


def _normalised(weight: np.ndarray) -> np.ndarray:
    """(k,6) float32 whose rows sum to 1."""
    w = weight.astype(np.float32)
    total: np.ndarray = w.sum(1, keepdims=True)
    if not (total > 0).all():
        raise ValueError("a vertex hangs on no bone")
    return w / total


def _rig(base: Mapping[str, np.ndarray]) -> Rig:
    return Rig(
        names=tuple(str(name) for name in base["bone_names"]),
        parent=base["bone_parent"].astype(np.int32),
        head_index=base["head_idx"].astype(np.int32),
        head_start=base["head_off"].astype(np.int32),
        tail_index=base["tail_idx"].astype(np.int32),
        tail_start=base["tail_off"].astype(np.int32),
    )


def _targets(arrays: Mapping[str, np.ndarray]) -> Targets:
    return Targets(
        names=tuple(str(name) for name in arrays["names"]),
        start=arrays["off"].astype(np.int64),
        index=arrays["idx"].astype(np.int32),
        delta=arrays["d"].astype(np.float32) * _DELTA_MM,
    )


def _expressions(arrays: Mapping[str, np.ndarray]) -> Expressions:
    return Expressions(
        units=tuple(str(name) for name in arrays["units"]),
        bones=arrays["bones"].astype(np.int64),
        rotations=arrays["UR"].astype(np.float32),
        names=tuple(str(name) for name in arrays["names"]),
        weights=arrays["W"].astype(np.float32),
    )


def _pieces(arrays: Mapping[str, np.ndarray]) -> dict[str, Piece]:
    names = sorted(key.rpartition("|")[0] for key in arrays if key.endswith("|refs"))
    return {name: _piece(name, arrays) for name in names}


def _piece(name: str, arrays: Mapping[str, np.ndarray]) -> Piece:
    def of(field: str) -> np.ndarray:
        return arrays[f"{name}|{field}"]

    scale = of("scale").astype(np.float32)
    scale[:, 2] *= _MM
    return Piece(
        name=name,
        kind=_kind(name, str(of("kind"))),
        surface=Surface(
            vertex=of("vid").astype(np.int32),
            uv=of("uv").astype(np.float32),
            triangles=of("tri").astype(np.int32),
        ),
        refs=of("refs").astype(np.int32),
        weight=of("w").astype(np.float32),
        offset=of("off").astype(np.float32) * _MM,
        scale=scale,
        bone=np.ascontiguousarray(of("wi"), np.uint8),
        bone_weight=_normalised(of("wv")),
        hides=of("delete").astype(np.int32),
        component=of("comp").astype(np.int16),
        texture=str(of("tex")),
    )


def _kind(name: str, kind: str) -> str:
    """The pack calls all that is worn clothes; shoes and hats go on differently."""
    if kind not in _KINDS:
        raise ValueError(f"{name} is of the unknown kind {kind}")
    if kind == "clothes" and name.startswith("shoes"):
        return "shoes"
    if kind == "clothes" and name.startswith(("fedora", "hat", "cap")):
        return "hat"
    return kind


def _check(assets: Assets, folder: Path) -> None:
    """Indices within their arrays, lest a damaged pack fails far from here."""
    vertices, bones = len(assets.base), len(assets.rig.names)
    limits = [
        (assets.body.vertex, vertices),
        (assets.body.triangles, len(assets.body.uv)),
        (assets.rig.head_index, vertices),
        (assets.rig.tail_index, vertices),
        (assets.rig.parent, bones),
        (assets.bone, bones),
        (assets.targets.index, vertices),
    ]
    for piece in assets.pieces.values():
        limits += [
            (piece.refs, vertices),
            (piece.bone, bones),
            (piece.hides, vertices),
            (piece.surface.vertex, len(piece.refs)),
            (piece.surface.triangles, len(piece.surface.uv)),
        ]
    if any(index.size and int(index.max()) >= limit for index, limit in limits):
        raise ValueError("an index points past the end of its array")
    if any(rotations.shape != (bones, 3, 3) for rotations in assets.poses.values()):
        raise ValueError("a pose is of another rig")
