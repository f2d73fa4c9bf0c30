"""Weights files: round trip, and one clear sentence for every kind of damage."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from trainer import artifact, manifest
from trainer.errors import ArtifactError


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "net.safetensors"
    tensors = {"a": torch.linspace(-2, 2, 600).view(20, 30), "n": torch.tensor([3, 4])}
    artifact.save(path, tensors, "net", {"width": 30}, {"mean": [0.5]})
    return path


def test_round_trip(weights: Path) -> None:
    header = artifact.read_header(weights)
    assert header == {
        "format": 1,
        "model": "net",
        "config": {"width": 30},
        "extra": {"mean": [0.5]},
    }
    tensors = artifact.load_tensors(weights)
    assert tensors["a"].dtype == torch.float32
    assert tensors["n"].tolist() == [3, 4]
    torch.testing.assert_close(
        tensors["a"], torch.linspace(-2, 2, 600).view(20, 30), atol=1e-3, rtol=0
    )
    assert not list(weights.parent.glob("*.part"))


def test_header_is_read_without_torch(weights: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from trainer import artifact, catalog, config, errors, manifest, noise, paths\n"
        "from trainer.recipes import registry\n"
        f"assert artifact.read_header(Path({str(weights)!r}))['model'] == 'net'\n"
        "assert 'torch' not in sys.modules\n"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


def test_truncated_file(weights: Path) -> None:
    content = weights.read_bytes()
    for length in (0, 4, 30, len(content) - 1):
        weights.write_bytes(content[:length])
        with pytest.raises(ArtifactError, match="net"):
            artifact.read_header(weights)


def test_tampered_tensor(weights: Path) -> None:
    content = bytearray(weights.read_bytes())
    content[-5] ^= 1
    weights.write_bytes(bytes(content))
    artifact.read_header(weights)
    with pytest.raises(ArtifactError, match="checksum"):
        artifact.load_tensors(weights)


def test_foreign_and_missing_files(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    foreign = tmp_path / "foreign.safetensors"
    save_file({"a": torch.zeros(3)}, foreign)
    with pytest.raises(ArtifactError, match="not written by this trainer"):
        artifact.read_header(foreign)
    foreign.write_text("hello, this is a long text and no weights file at all")
    with pytest.raises(ArtifactError, match="not a weights file"):
        artifact.read_header(foreign)
    with pytest.raises(ArtifactError, match="missing"):
        artifact.read_header(tmp_path / "none.safetensors")


def test_diverged_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="diverged"):
        artifact.save(tmp_path / "x.safetensors", {"a": torch.tensor([float("nan")])}, "x", {})


def test_manifest_replaces_a_row_and_refuses_nonsense(tmp_path: Path) -> None:
    manifest.update({"name": "b", "file": "b"}, tmp_path)
    manifest.update({"name": "a", "file": "a"}, tmp_path)
    manifest.update({"name": "b", "file": "new"}, tmp_path)
    assert [r["file"] for r in manifest.read(tmp_path)["models"]] == ["a", "new"]
    assert manifest.find("c", tmp_path) is None
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(ArtifactError, match="manifest"):
        manifest.read(tmp_path)
