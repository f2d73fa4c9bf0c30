"""Weights files: safetensors whose header carries the model's name, config and constants.

Reading the header needs no torch.
"""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.errors import ArtifactError

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
_MAX_HEADER_BYTES = 16 * 2**20


def read_header(path: Path) -> dict[str, Any]:
    """Read and check the header of a weights file, without torch.

    Returns:
        {"format": 1, "model": str, "config": dict, "extra": dict}
    """
    metadata = _raw_header(Path(path)).get("__metadata__", {})
    try:
        header = {
            "format": int(metadata["format"]),
            "model": str(metadata["model"]),
            "config": json.loads(metadata["config"]),
            "extra": json.loads(metadata["extra"]),
        }
    except (KeyError, ValueError, TypeError) as exc:
        raise ArtifactError(
            f"{Path(path).name} was not written by this trainer: choose a file made by "
            "`python -m trainer export`."
        ) from exc
    if header["format"] != FORMAT:
        raise ArtifactError(
            f"{Path(path).name} has format {header['format']}, this version reads {FORMAT}: "
            "install a newer version or export the weights again."
        )
    return header


def save(
    path: Path,
    tensors: dict[str, "Tensor"],
    model: str,
    config: dict[str, Any],
    extra: dict[str, Any] | None = None,
    half: bool = True,
) -> None:
    """Write a weights file beside `path`, then replace it.

    Args:
        tensors: floating tensors are stored as fp16 when `half`, others as they are.
        model: name of the model that may load it.
        config: the model's config as plain JSON values.
        extra: constants and provenance as plain JSON values.
    """
    import torch
    from safetensors.torch import save_file

    path = Path(path)
    stored = {}
    for name, tensor in tensors.items():
        tensor = tensor.detach().to("cpu").contiguous().clone()
        if half and tensor.dtype in (torch.float32, torch.float64, torch.bfloat16):
            if tensor.numel() and not torch.isfinite(tensor).all():
                raise ArtifactError(
                    f"{name} holds values that are not finite: the run has diverged."
                )
            tensor = tensor.clamp(-65504, 65504).to(torch.float16)
        stored[name] = tensor
    metadata = {
        "format": str(FORMAT),
        "model": model,
        "config": json.dumps(config),
        "extra": json.dumps(extra or {}),
        "digest": _digest(stored),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        save_file(stored, part, metadata=metadata)
        part.replace(path)
    except OSError as exc:
        part.unlink(missing_ok=True)
        raise ArtifactError(f"Cannot write {path.name}: {exc}.") from exc


def load_tensors(path: Path) -> dict[str, "Tensor"]:
    """All tensors of a weights file; fp16 becomes fp32. The content is checked by its digest."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = Path(path)
    read_header(path)
    try:
        stored = load_file(path)
    except (SafetensorError, OSError, ValueError) as exc:
        raise ArtifactError(f"Cannot read {path.name}: {exc}. Install the weights again.") from exc
    if _raw_header(path)["__metadata__"].get("digest") != _digest(stored):
        raise ArtifactError(
            f"{path.name} is damaged (its content does not match its checksum): "
            "install the weights again."
        )
    return {k: v.float() if v.dtype == torch.float16 else v for k, v in stored.items()}


def sha256(path: Path) -> str:
    """SHA-256 of a whole file, in hex."""
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise ArtifactError(f"Cannot read {Path(path).name}: {exc}.") from exc


def _raw_header(path: Path) -> dict[str, Any]:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or not 2 <= length <= min(_MAX_HEADER_BYTES, size - 8):
                raise ArtifactError(
                    f"{path.name} is not a weights file, or only part of one: install it again."
                )
            raw = json.loads(file.read(length))
    except FileNotFoundError as exc:
        raise ArtifactError(
            f"The weights file {path.name} is missing from {path.parent}: install the weights "
            "again, or train and export them with `python -m trainer`."
        ) from exc
    except OSError as exc:
        raise ArtifactError(f"Cannot read {path.name}: {exc}.") from exc
    except ValueError as exc:
        raise ArtifactError(
            f"{path.name} is not a weights file: its header is unreadable."
        ) from exc
    if not isinstance(raw, dict):
        raise ArtifactError(f"{path.name} is not a weights file: its header is unreadable.")
    try:
        end = max((v["data_offsets"][1] for k, v in raw.items() if k != "__metadata__"), default=0)
    except (KeyError, TypeError, IndexError) as exc:
        raise ArtifactError(
            f"{path.name} is not a weights file: its header is unreadable."
        ) from exc
    if size != 8 + length + end:
        raise ArtifactError(
            f"{path.name} holds {size} bytes where {8 + length + end} belong: install it again."
        )
    return raw


def _digest(tensors: dict[str, "Tensor"]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()
