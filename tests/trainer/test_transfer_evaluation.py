"""The table and the sheet of person transfer, on drawn people with made-up weights."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from tests.trainer import onnx_graphs, pair_people
from trainer import artifact, cli, paths
from trainer import config as configs
from trainer.data.person_pairs import PersonPairs, synthetic_pairs
from trainer.errors import TrainerError
from trainer.evaluation import transfer, transfer_sheet
from trainer.evaluation.transfer import Row
from trainer.evaluation.transfer_judges import InceptionJudge, Judges, PoseJudge, judges
from trainer.layers.vgg import LAYERS
from trainer.metrics import pck
from trainer.metrics.inception import inception_score
from trainer.models.attention_hourglass import AttentionHourglass, AttentionHourglassConfig
from trainer.models.deformable_gan import DeformableGan, DeformableGanConfig

SIZE = (64, 32)
NOBODY = Judges(None, None, None)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a small set, and layers of VGG's shapes."""
    folder = tmp_path_factory.mktemp("data")
    pair_people.write_set(folder / "pairs128", people=8, size=SIZE)
    shapes = ((64, 3), (64, 64), (128, 64), (128, 128), (256, 128))
    generator = torch.Generator().manual_seed(0)
    tensors = {}
    for name, (out, into) in zip(LAYERS, shapes, strict=True):
        tensors[f"{name}.weight"] = torch.randn(out, into, 3, 3, generator=generator) / (3 * into)
        tensors[f"{name}.bias"] = torch.zeros(out)
    from safetensors.torch import save_file

    (folder / "vgg").mkdir()
    save_file(tensors, folder / "vgg" / "vgg19_normalised_to_conv3_1.safetensors")
    return folder


@pytest.fixture(scope="module")
def people(data: Path) -> PersonPairs:
    return synthetic_pairs(data / "pairs128", "test", SIZE)


def _weights(path: Path, row: str, size: tuple[int, int] = SIZE, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    config = DeformableGanConfig(size=size, widths=(4, 8, 12, 16), sigma=3.0)
    net = DeformableGan(config).state_dict()
    artifact.save(path, net, "deformable_gan", configs.to_dict(config), extra={"row": row})
    return path


@pytest.fixture
def estimator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    torch.manual_seed(0)
    config = AttentionHourglassConfig(input_px=64, stacks=1, features=16, growth=16, depth=2)
    path = tmp_path / "shipped" / "attention_hourglass.safetensors"
    path.parent.mkdir()
    state = AttentionHourglass(config).state_dict()
    artifact.save(path, state, "attention_hourglass", configs.to_dict(config))
    monkeypatch.setattr(paths, "weights_dir", lambda: path.parent)
    return path


def test_better_pictures_get_better_figures(people: PersonPairs) -> None:
    fixed = people.fixed_pairs(12)
    rows = [
        Row("photo", lambda batch: batch.source),
        Row("blurred", lambda b: np.stack([cv2.GaussianBlur(p, (0, 0), 1.0) for p in b.target])),
    ]
    table = transfer.compare(rows, people, NOBODY, 12)
    photo, blurred, truth = table.rows
    assert truth["method"] == "the true picture"
    for column in ("SSIM", "mask-SSIM"):
        assert photo[column] < blurred[column] < truth[column]
        assert truth[column] == pytest.approx(1.0)
    for column in ("L1", "L1, person"):
        assert photo[column] > blurred[column] > truth[column] == 0.0
    assert "PCKh@0.5 %" in table.columns
    assert photo["PCKh@0.5 %"] is photo["VGG"] is None
    assert "Inception score" not in table.columns
    again, _ = transfer.measure(rows[0].render, people, fixed, NOBODY)
    assert again["SSIM"] == photo["SSIM"]


def test_a_method_that_gives_other_sizes_is_refused(people: PersonPairs) -> None:
    with pytest.raises(TrainerError, match="set's size"):
        transfer.measure(lambda b: b.target[:, ::2], people, people.fixed_pairs(2), NOBODY)


def test_pckh_counts_seen_joints_within_half_a_head() -> None:
    labels = np.stack([pair_people.person(i, 0, (128, 64))["keypoints"] for i in range(3)])
    labels[:, 3, 2] = 1.0  # hidden
    found = labels[..., :2].copy()
    assert transfer.pckh(found, labels) == 1.0
    found[:, 3] += 500.0
    assert transfer.pckh(found, labels) == 1.0
    head = pck.HEAD_OF_TORSO * pck.torso_px(labels[..., :2], labels[..., 2] > 0)
    found[0, 0] += [0.49 * head[0], 0.0]
    assert transfer.pckh(found, labels) == 1.0
    found[0, 0] += [0.02 * head[0], 0.0]
    counted = int((labels[..., 2] > 1).sum())
    assert transfer.pckh(found, labels) == pytest.approx(1 - 1 / counted)
    places = labels[..., :2] + 50.0
    assert transfer.pckh(found, labels, places) < 0.1
    assert transfer.pckh(places, labels, places) == 1.0


def test_the_inception_score_is_exp_of_the_mean_divergence() -> None:
    sure = np.repeat(np.eye(5), 4, axis=0)[np.random.default_rng(0).permutation(20)]
    assert inception_score(sure, splits=1) == pytest.approx(5.0, rel=1e-6)
    assert inception_score(np.full((20, 5), 0.2), splits=4) == pytest.approx(1.0)
    soft = np.array([[0.9, 0.1], [0.3, 0.7]])
    mean = soft.mean(0)
    expected = np.exp((soft * np.log(soft / mean)).sum(1).mean())
    assert inception_score(soft, splits=1) == pytest.approx(expected)
    with pytest.raises(ValueError, match="10 parts"):
        inception_score(sure[:9])


def test_a_user_s_classifier_may_give_logits_and_take_one_picture(tmp_path: Path) -> None:
    logits = np.array([[3.0, 1.0, -2.0]], np.float32)
    path = onnx_graphs.constant(tmp_path / "inception.onnx", {"scores": logits}, [1, 3, 32, 32])
    pictures = np.zeros((3, 16, 8, 3), np.uint8)
    found = InceptionJudge(path).probabilities(pictures)
    expected = np.exp(logits[0]) / np.exp(logits[0]).sum()
    assert found == pytest.approx(np.tile(expected, (3, 1)), abs=1e-6)


def test_people_are_looked_at_together_as_they_are_alone(estimator: Path) -> None:
    judge = PoseJudge(estimator)
    pictures = np.stack([pair_people.person(i, 1, SIZE)["image"] for i in range(4)])
    together = judge.points(pictures)
    alone = np.concatenate([judge.points(picture[None]) for picture in pictures])
    assert together.shape == (4, 17, 2)
    assert np.abs(together - alone).max() < 0.3
    assert np.abs(together[0] - together[1]).max() > 0.3


def test_the_command_measures_several_files_side_by_side(
    data: Path,
    estimator: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transfer, "FAST_PAIRS", 12)
    one = _weights(tmp_path / "a.safetensors", "deformable")
    two = _weights(tmp_path / "b.safetensors", "", seed=1)
    inception = onnx_graphs.constant(
        tmp_path / "i.onnx", {"p": np.full((1, 4), 0.25, np.float32)}, [1, 3, 32, 32]
    )
    out = tmp_path / "table.json"
    command = ["evaluate", "deformable_gan", "--data", str(data), "--fast", "--device", "cpu"]
    command += ["--weights", str(one), str(two), "--json", str(out), "--inception", str(inception)]
    assert cli.main(command) == 0
    assert "| deformable GAN (DGAN) |" in capsys.readouterr().out
    table = json.loads(out.read_text("utf-8"))
    names = ["the photo as it is", "deformable GAN (DGAN)", "b", "the true picture"]
    assert [row["method"] for row in table["rows"]] == names
    assert "12 pairs of pairs128, 2 people, 32x64 px" in table["title"]
    last, truth = table["rows"][2:]
    assert table["metrics"]["ssim"] == last["SSIM"]
    assert table["metrics"]["pckh"] == last["PCKh@0.5 %"]
    assert last["Inception score"] == pytest.approx(1.0)
    assert truth["PCKh, estimated %"] == 100.0
    assert truth["VGG"] == 0.0
    assert 0 < last["VGG"] < 10
    assert all(set(row) == set(table["columns"]) for row in table["rows"])


def test_what_is_missing_is_said_in_the_notes(
    data: Path, estimator: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimator.unlink()
    monkeypatch.setenv(paths.DATA_VARIABLE, str(tmp_path))
    said = " ".join(judges(tmp_path).missing)
    assert "No VGG distance: put vgg/" in said
    assert "there is no attention_hourglass.safetensors" in said
    assert "--inception" in said
    assert judges(data).vgg is not None


def test_rows_are_found_among_the_baselines(estimator: Path, tmp_path: Path) -> None:
    folder = estimator.parent / "baselines"
    folder.mkdir()
    for row in ("sn_rh", "unet"):
        _weights(folder / f"transfer_{row}.safetensors", row)
    listed = transfer.weight_files("deformable_gan")
    assert [title for title, _ in listed] == ["U-Net", "NN + SN + RH", "ours"]
    assert listed[-1][1] == estimator.parent / "deformable_gan.safetensors"
    (tmp_path / "x").mkdir()
    same = [_weights(tmp_path / f / "n.safetensors", "unet") for f in ("x", "shipped")]
    titles = [title for title, _ in transfer.weight_files("deformable_gan", same)]
    assert titles == ["U-Net, x/n", "U-Net, shipped/n"]


def test_weights_of_two_sizes_do_not_share_a_table(data: Path, tmp_path: Path) -> None:
    one = _weights(tmp_path / "a.safetensors", "unet")
    two = _weights(tmp_path / "b.safetensors", "sn", (32, 16))
    with pytest.raises(TrainerError, match="16x32 and 32x64 px"):
        transfer.evaluate("deformable_gan", data, [one, two])


def test_other_models_are_measured_one_at_a_time(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two = [str(tmp_path / name) for name in ("a", "b")]
    base = ["evaluate", "vae_gan_lifter", "--data", str(data)]
    assert cli.main([*base, "--weights", *two]) == 1
    assert "one file at a time" in capsys.readouterr().err
    assert cli.main([*base, "--inception", two[0]]) == 1
    assert "Inception score" in capsys.readouterr().err


def test_the_sheet_has_a_column_for_each_file(
    data: Path, tmp_path: Path, people: PersonPairs, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = [str(_weights(tmp_path / f"{row}.safetensors", row)) for row in ("unet", "sn")]
    out = tmp_path / "sheets" / "people.png"
    command = ["data", "transfer-sheet", "--data", str(data), "--weights", *weights]
    assert cli.main([*command, "-o", str(out), "--count", "3", "--device", "cpu"]) == 0
    drawn = cv2.imread(str(out))
    assert drawn is not None
    drawn = drawn[..., ::-1]
    truth = people.of(people.fixed_pairs(3)).target[0]
    large = cv2.resize(truth, (128, 256), interpolation=cv2.INTER_CUBIC)
    left = 16 + 2 * (128 + 6)  # photo, pose, truth
    column = drawn[:, left : left + 128].astype(int)
    offsets = [np.abs(column[y : y + 256] - large).max() for y in range(20, 60)]
    assert min(offsets) == 0
    assert drawn.shape[1] > 5 * 128
    assert cli.main([*command, "-o", str(tmp_path / "no.tiff-"), "--count", "0"]) == 1
    assert "at least one pair" in capsys.readouterr().err
    assert cli.main([*command, "--skip", "100000"]) == 1
    assert "--skip fewer" in capsys.readouterr().err


def test_a_predictor_s_pictures_reach_the_table(people: PersonPairs, tmp_path: Path) -> None:
    rows, size = transfer.open_rows([("net", _weights(tmp_path / "n.safetensors", "unet"))])
    assert size == SIZE
    batch = people.of(people.fixed_pairs(3))
    found = rows[0].render(batch)
    assert found.shape == batch.target.shape
    assert found.dtype == np.uint8
    assert transfer_sheet.draw_sheet(rows, people, people.fixed_pairs(2)).shape[2] == 3
