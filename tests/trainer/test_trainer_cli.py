"""The trainer's command line: durations, mistakes in one sentence, tables."""

import argparse
import json
from pathlib import Path

import pytest

from trainer import api, catalog, cli, manifest
from trainer.errors import ArtifactError, TrainerError
from trainer.evaluation.table import Table
from trainer.recipes import registry


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("9m", 540), ("1.5h", 5400), ("1h30m", 5400)]
)
def test_durations(text: str, seconds: float) -> None:
    assert cli.parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "9 m", "9x", "-3m", "1h30"])
def test_wrong_durations(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="duration"):
        cli.parse_duration(text)


def test_mistakes_end_with_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path)]
    assert cli.main(["fit", "keypoint_flow", "--preset", "huge", *data]) == 1
    assert "huge" in capsys.readouterr().err
    assert cli.main(["fit", "keypoint_flow", "--set", "net.depth=3", *data]) == 1
    assert "net.depth" in capsys.readouterr().err
    assert cli.main(["fit", "keypoint_flow", "--data", str(tmp_path / "none")]) == 1
    assert "POSEAPP_DATA" in capsys.readouterr().err
    assert cli.main(["export", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "not a run folder" in error
    assert "Traceback" not in error


def test_data_lists_its_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["data"]) == 0
    assert "words" in capsys.readouterr().out


def test_every_recipe_has_both_presets_and_what_an_export_needs() -> None:
    for name in registry.RECIPES:
        recipe = registry.get(name)
        assert recipe.name == name
        assert set(recipe.presets) >= {"small", "full"}
        assert recipe.licence
        assert recipe.data_sources
        assert recipe.score[1] in ("min", "max")
    with pytest.raises(TrainerError, match="keypoint_flow"):
        registry.get("none")


def test_load_refuses_tampered_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from trainer import artifact, paths

    monkeypatch.setattr(paths, "weights_dir", lambda: tmp_path)
    with pytest.raises(ArtifactError, match="missing"):
        api.load("keypoint_flow")
    path = tmp_path / catalog.CATALOG["keypoint_flow"].weights
    artifact.save(path, {"a": torch.zeros(2)}, "keypoint_flow", {})
    manifest.update({"name": "keypoint_flow", "file": path.name, "sha256": "0" * 64}, tmp_path)
    with pytest.raises(ArtifactError, match="checksum"):
        api.load("keypoint_flow")
    with pytest.raises(TrainerError, match="known are"):
        api.load("nonsense")
    with pytest.raises(TrainerError, match="not a device"):
        api.resolve_device("toaster")


def test_tables_as_markdown_and_json(tmp_path: Path) -> None:
    table = Table("Caption to pose", ["model", "1-NN %", "ratio"], notes=["Lower is better."])
    table.add(**{"model": "ours", "1-NN %": 56.04, "ratio": 1.0567})
    table.add(**{"model": "paper", "1-NN %": 60.3})
    table.metrics["nn_accuracy"] = 0.5604
    lines = table.markdown().splitlines()
    assert lines[0] == "### Caption to pose"
    assert lines[4:6] == ["| ours | 56.0 | 1.06 |", "| paper | 60.3 | - |"]
    assert lines[-1] == "- Lower is better."
    table.write(tmp_path / "sub" / "t.json")
    stored = json.loads((tmp_path / "sub" / "t.json").read_text())
    assert stored["rows"][0]["ratio"] == 1.0567
    assert stored["metrics"] == {"nn_accuracy": 0.5604}


def test_only_captions_have_a_validation_split(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["evaluate", "vae_gan_lifter", "--split", "val", "--data", str(tmp_path)]) != 0
    assert "validation images" in capsys.readouterr().err
