"""The tasks in this process, with untrained small models of the real classes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poseapp.core.errors import TaskCancelled, TaskError, WeightsError
from poseapp.services import weights
from poseapp.services.local import LocalEngine
from poseapp.services.models import ModelCache, ModelOptions
from poseapp.services.samples import CaptionRequest, from_part
from tests.helpers import tiny_models
from trainer import artifact
from trainer.predictors.keypoint_flow import Predictor

CAPTION = "a man is playing tennis"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("weights")
    return {
        "keypoint_flow": str(tiny_models.write_flow(folder / "keypoint_flow.safetensors")),
        "vae_gan_lifter": str(tiny_models.write_lifter(folder / "vae_gan_lifter.safetensors")),
    }


@pytest.fixture
def engine(files: dict[str, str]) -> LocalEngine:
    return LocalEngine(ModelOptions(device="cpu", weights=files))


def sample(engine: LocalEngine, *captions: str, **changes: Any) -> dict[str, Any]:
    request = CaptionRequest("keypoint_flow", captions or (CAPTION,), **{"count": 4, **changes})
    return engine.run("caption_to_poses", **request.arguments())


def test_same_seed_same_poses_whatever_the_count(engine: LocalEngine) -> None:
    few, many = sample(engine, seed=5, count=3), sample(engine, seed=5, count=20)
    np.testing.assert_allclose(few["keypoints"], many["keypoints"][:3], atol=1e-3)
    other = sample(engine, seed=6, count=3)
    assert not np.allclose(few["keypoints"], other["keypoints"], atol=1.0)


def test_shapes_and_types(engine: LocalEngine) -> None:
    result = sample(engine, count=5)
    assert result["keypoints"].shape == (5, 17, 2)
    assert result["confidence"].shape == (5, 17)
    assert result["heatmaps"].shape == (5, 17, 64, 64)
    assert result["heatmaps"].dtype == np.float16
    assert result["noise"].shape == (5, Predictor.noise_dim)
    assert result["default_guidance"] == 1.5
    assert result["unknown_words"] == []


def test_parts_make_up_the_result(engine: LocalEngine) -> None:
    parts: list[dict[str, Any]] = []
    request = CaptionRequest("keypoint_flow", (CAPTION,), count=30, seed=2)
    result = engine.run("caption_to_poses", on_partial=parts.append, **request.arguments())
    assert parts[0]["start"] == 0
    assert len(parts[0]["keypoints"]) <= 8  # something is seen soon
    assert len(parts) > 1
    samples = [s for part in parts for s in from_part(part, request)]
    assert [s.index for s in samples] == list(range(30))
    np.testing.assert_array_equal(np.stack([s.keypoints for s in samples]), result["keypoints"])


def test_no_variation_is_the_pose_itself(engine: LocalEngine) -> None:
    first = sample(engine, seed=5)
    again = sample(engine, seed=99, variation=(first["noise"][2], 0.0))
    np.testing.assert_allclose(again["keypoints"], first["keypoints"][[2] * 4], atol=1e-3)


def test_strip_between_captions_begins_and_ends_with_them(engine: LocalEngine) -> None:
    strip = sample(engine, CAPTION, "a woman is surfing", seed=5, blend="captions", count=5)
    start = sample(engine, CAPTION, seed=5, count=1)
    end = sample(engine, "a woman is surfing", seed=5, count=1)
    np.testing.assert_allclose(strip["keypoints"][0], start["keypoints"][0], atol=1e-3)
    np.testing.assert_allclose(strip["keypoints"][-1], end["keypoints"][0], atol=1e-3)


def test_strip_between_two_samples(engine: LocalEngine) -> None:
    request = CaptionRequest("keypoint_flow", (CAPTION,), count=4, seed=5)
    samples = from_part(sample(engine, seed=5), request)
    strip = samples[1].towards(samples[3], 6)
    result = engine.run("caption_to_poses", **strip.arguments())
    np.testing.assert_allclose(result["keypoints"][0], samples[1].keypoints, atol=1e-3)
    np.testing.assert_allclose(result["keypoints"][-1], samples[3].keypoints, atol=1e-3)


def test_unknown_words_are_named(engine: LocalEngine) -> None:
    assert sample(engine, "a man zqxwv surfing")["unknown_words"] == ["zqxwv"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"count": 0}, "1 to 96"),
        ({"count": 97}, "1 to 96"),
        ({"noise_scale": -1.0}, "noise scale"),
        ({"variation": (np.zeros(51), 2.0)}, "variation"),
        ({"variation": (np.zeros(7), 0.5)}, "another model"),
        ({"blend": "colours"}, "strip"),
    ],
)
def test_requests_that_make_no_sense(engine: LocalEngine, changes: dict, word: str) -> None:
    with pytest.raises(TaskError, match=word):
        sample(engine, **changes)


def test_progress_can_cancel(engine: LocalEngine) -> None:
    def stop(done: float, total: float, text: str) -> None:
        if done > 0:
            raise TaskCancelled("Cancelled.")

    request = CaptionRequest("keypoint_flow", (CAPTION,), count=96)
    with pytest.raises(TaskCancelled):
        engine.run("caption_to_poses", on_progress=stop, **request.arguments())


def test_lift(engine: LocalEngine) -> None:
    poses = np.random.default_rng(0).uniform(0, 400, (3, 17, 2))
    sure = np.ones((3, 17))
    result = engine.run("lift_to_3d", keypoints=poses, confidence=sure, hypotheses=4)
    assert result["joints"].shape == (3, 4, 17, 3)
    assert result["elevation"].shape == (3,)
    np.testing.assert_allclose(result["joints"][:, :, 0], 0.0, atol=1e-3)  # the pelvis
    alone = engine.run("lift_to_3d", keypoints=poses[1:2], confidence=sure[1:2], hypotheses=4)
    np.testing.assert_allclose(alone["joints"][0], result["joints"][1], rtol=1e-3, atol=0.5)
    none = engine.run("lift_to_3d", keypoints=poses[:0], confidence=sure[:0])
    assert none["joints"].shape == (0, 1, 17, 3)


def test_other_skeletons_are_refused(engine: LocalEngine) -> None:
    with pytest.raises(TaskError, match="17 joints"):
        engine.run("lift_to_3d", keypoints=np.zeros((1, 18, 2)), confidence=np.ones((1, 18)))


def test_missing_weights(tmp_path: Path) -> None:
    gone = {"keypoint_flow": str(tmp_path / "gone.safetensors")}
    with pytest.raises(WeightsError, match=r"gone\.safetensors is missing.*install"):
        sample(LocalEngine(ModelOptions(weights=gone)))


def test_truncated_weights(tmp_path: Path, files: dict[str, str]) -> None:
    short = tmp_path / "short.safetensors"
    short.write_bytes(Path(files["keypoint_flow"]).read_bytes()[:-100])
    with pytest.raises(WeightsError, match=r"short\.safetensors is damaged"):
        sample(LocalEngine(ModelOptions(weights={"keypoint_flow": str(short)})))


def test_weights_of_another_model(files: dict[str, str]) -> None:
    wrong = {"keypoint_flow": files["vae_gan_lifter"]}
    with pytest.raises(WeightsError, match="holds weights of vae_gan_lifter"):
        sample(LocalEngine(ModelOptions(weights=wrong)))


@pytest.fixture
def shipped(tmp_path: Path, files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A weights folder with a manifest, in the place of the shipped one."""
    folder = tmp_path / "weights"
    folder.mkdir()
    path = folder / "keypoint_flow.safetensors"
    shutil.copyfile(files["keypoint_flow"], path)
    row = {
        "name": "keypoint_flow",
        "file": path.name,
        "sha256": artifact.sha256(path),
        "bytes": path.stat().st_size,
        "licence": "CC BY 4.0",
        "data": "COCO",
        "metrics": {"relevance": 0.41},
    }
    (folder / "manifest.json").write_text(json.dumps({"format": 1, "models": [row]}), "utf-8")
    monkeypatch.setattr("trainer.paths.weights_dir", lambda: folder)
    return path


def test_tampered_weights(shipped: Path) -> None:
    assert weights.card("keypoint_flow", verify=True).status == "ready"
    data = bytearray(shipped.read_bytes())
    data[-1] ^= 1
    shipped.write_bytes(data)
    card = weights.card("keypoint_flow", verify=True)
    assert card.status == "damaged"
    assert "keypoint_flow.safetensors" in card.problem
    with pytest.raises(WeightsError, match=r"keypoint_flow\.safetensors.*install"):
        sample(LocalEngine())


def test_cards_say_what_the_manifest_says(shipped: Path) -> None:
    status = LocalEngine().run("model_status")
    cards = {card.name: card for card in status["cards"]}
    assert cards["keypoint_flow"].licence == "CC BY 4.0"
    assert cards["keypoint_flow"].metrics == {"relevance": 0.41}
    assert cards["vae_gan_lifter"].status == "missing"
    assert ("cpu", "CPU") in status["devices"]
    assert weights.default_caption_model() == "keypoint_flow"


@pytest.mark.parametrize(
    ("flow", "wgan", "chosen"),
    [
        ({"one_nn": 54.0}, {"one_nn": 84.0}, "keypoint_flow"),
        ({"one_nn": 54.0}, {"one_nn": 52.0}, "caption_wgan"),
        ({}, {"one_nn": 84.0}, "caption_wgan"),
        ({}, {}, "keypoint_flow"),
        ({}, None, "keypoint_flow"),
        (None, {}, "caption_wgan"),
    ],
)
def test_the_better_caption_model_is_the_default(
    tmp_path: Path, monkeypatch, flow: dict | None, wgan: dict | None, chosen: str
) -> None:
    rows = []
    for name, metrics in (("keypoint_flow", flow), ("caption_wgan", wgan)):
        if metrics is not None:
            (tmp_path / f"{name}.safetensors").touch()
            rows.append({"name": name, "file": f"{name}.safetensors", "metrics": metrics})
    (tmp_path / "manifest.json").write_text(json.dumps({"format": 1, "models": rows}), "utf-8")
    monkeypatch.setattr("trainer.paths.weights_dir", lambda: tmp_path)
    assert weights.default_caption_model() == chosen


def test_load_and_unload(engine: LocalEngine) -> None:
    assert engine.run("load_model", name="keypoint_flow") == {"keypoint_flow": "cpu"}
    assert set(engine.run("warm_up")) == {"keypoint_flow", "vae_gan_lifter"}
    assert set(engine.run("unload_model", name="keypoint_flow")) == {"vae_gan_lifter"}


def test_only_models_with_changed_options_are_loaded_anew(files: dict[str, str]) -> None:
    cache = ModelCache(ModelOptions(device="cpu", weights=files))
    flow, lifter = cache.get("keypoint_flow"), cache.get("vae_gan_lifter")
    assert cache.get("keypoint_flow") is flow
    words = str(Path(files["keypoint_flow"]).with_name("words.vec"))
    cache.configure(ModelOptions(device="cpu", weights=files, word_vectors=words))
    assert cache.get("vae_gan_lifter") is lifter
    assert cache.get("keypoint_flow") is not flow


def test_word_vectors_are_checked_before_they_are_used(engine: LocalEngine, tmp_path: Path) -> None:
    good, flat, bad = (tmp_path / f"{name}.vec" for name in ("good", "flat", "bad"))
    good.write_text("1 300\nman " + " ".join(["0.1"] * 300) + "\n", "utf-8")
    flat.write_text("1 2\nman 0.1 0.2\n", "utf-8")
    bad.write_text("no vectors", "utf-8")
    assert "300" in engine.run("check_word_vectors", path=str(good))
    with pytest.raises(WeightsError, match="2 dimensions"):
        engine.run("check_word_vectors", path=str(flat))
    with pytest.raises(WeightsError, match=r"bad\.vec"):
        engine.run("check_word_vectors", path=str(bad))
