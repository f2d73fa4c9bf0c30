"""Others' pose models in ONNX files: understood, asked about, and used."""

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from tests.trainer import onnx_graphs as graphs
from trainer.data.photos import JOINTS
from trainer.errors import TrainerError
from trainer.predictors import onnx_decoding, onnx_files, onnx_joints, onnx_pose
from trainer.predictors.onnx_pose import Predictor

UNIT = {"normalisation": "0..1", "colours": "rgb"}
NOSE, LEFT_WRIST, LEFT_ANKLE = 0, 9, 15
# the nose is red, the left wrist green, everything else blue
CHANNELS = [0 if j == NOSE else 1 if j == LEFT_WRIST else 2 for j in range(17)]
SPOTS = {0: (150.0, 60.0), 1: (196.0, 130.0), 2: (131.0, 205.0)}
BOX = np.array([[100, 40, 120, 180]], np.float32)


def photo_with_spots() -> np.ndarray:
    """Black with a soft red, green and blue spot."""
    photo = np.zeros((300, 320, 3), np.float32)
    y, x = np.mgrid[:300, :320]
    for channel, (cx, cy) in SPOTS.items():
        photo[..., channel] = 255 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 50.0)
    return photo.astype(np.uint8)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("kind", ["nchw", "nhwc", "half", "open"])
def test_joints_are_found_between_the_pixels(tmp_path: Path, kind: str, flip: bool) -> None:
    shape = {"nhwc": [1, 128, 96, 3], "open": ["n", 3, "h", "w"]}.get(kind, [1, 3, 128, 96])
    path = graphs.colour_pose(
        tmp_path / "m.onnx",
        CHANNELS,
        shape,
        dtype="float16" if kind == "half" else "float32",
        channels_last=kind == "nhwc",
        gain=4.0,
    )
    answers = UNIT | ({"size": "96x128"} if kind == "open" else {})
    predictor = Predictor(path, answers=answers)
    boxes = np.concatenate([BOX, BOX + np.array([6, -4, 10, 10])])
    result = predictor.estimate(photo_with_spots(), boxes, flip=flip)
    assert result.keypoints.shape == (2, 17, 2)
    for person in range(2):
        for joint, channel in ((NOSE, 0), (LEFT_WRIST, 1), (LEFT_ANKLE, 2)):
            if flip and joint == LEFT_WRIST:
                continue  # a mirrored green spot is a right wrist's, which is blue
            error = np.linalg.norm(result.keypoints[person, joint] - SPOTS[channel])
            assert error < 0.8, (joint, error)  # a pixel of a map is 7 px of the photo
    assert (result.confidence[:, NOSE] > 0.3).all()
    peak = divmod(int(result.heatmaps[0, NOSE].argmax()), result.heatmaps.shape[-1])
    at = result.to_photo[0] @ np.array([peak[1], peak[0], 1.0])
    assert np.linalg.norm(at - SPOTS[0]) < 6
    assert np.isnan(result.auxiliary[:, 1]).all()  # COCO has no top of the head


def test_the_picture_is_brought_to_what_the_model_wants(tmp_path: Path) -> None:
    photo = np.full((80, 60, 3), (200, 100, 50), np.uint8)
    box = np.array([[15, 20, 30, 40]], np.float32)
    white = np.zeros((17, 3, 17, 17), np.float32)
    white[:, 0, 8, 8] = 1.0  # every map is the first channel
    for number, (answers, value) in enumerate(
        [
            ({"normalisation": "0..255", "colours": "rgb"}, 200.0),
            ({"normalisation": "0..255", "colours": "bgr"}, 50.0),
            ({"normalisation": "0..1", "colours": "rgb"}, 200 / 255),
            ({"normalisation": "-1..1", "colours": "rgb"}, (200 - 127.5) / 127.5),
            ({"normalisation": "imagenet", "colours": "rgb"}, (200 - 123.675) / 58.395),
            ({"normalisation": "imagenet", "colours": "bgr"}, (50 - 103.53) / 57.375),
            ({"normalisation": {"mean": [0.1] * 3, "std": [0.5] * 3}, "colours": "rgb"}, 1.3686),
        ]
    ):
        path = graphs.save(
            tmp_path / f"m{number}.onnx",
            {"input": ("float32", [1, 3, 64, 48])},
            [("heatmaps", "float32", [1, 17, 16, 12])],
            [graphs.helper.make_node("Conv", ["input", "w"], ["heatmaps"], **_STEPS)],
            {"w": white},
        )
        predictor = Predictor(path, answers=answers)
        maps = predictor._look(np.full((1, 64, 48, 3), (200, 100, 50), np.uint8))[0]
        assert maps[0, 0, 8, 6] == pytest.approx(value, abs=1e-3)
        assert predictor.estimate(photo, box).keypoints.shape == (1, 17, 2)


_STEPS = {"strides": [4, 4], "pads": [8, 8, 8, 8]}


def simcc(bins: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Distributions whose peaks lie in some bins: (K,2) -> (1,K,2 width), (1,K,2 height)."""
    x = np.exp(-((np.arange(2 * width) - bins[:, :1]) ** 2) / 72.0)
    y = np.exp(-((np.arange(2 * height) - bins[:, 1:]) ** 2) / 72.0)
    return (0.8 * x[None]).astype(np.float32), (0.8 * y[None]).astype(np.float32)


@pytest.mark.parametrize("crossed", [False, True])
def test_simcc_is_halved_and_led_back_to_the_photo(tmp_path: Path, crossed: bool) -> None:
    rng = np.random.default_rng(0)
    bins = np.stack([rng.integers(4, 90, 26), rng.integers(4, 120, 26)], axis=1)
    x, y = simcc(bins, 48, 64)
    outputs = {"simcc_y": y, "simcc_x": x} if crossed else {"simcc_x": x, "simcc_y": y}
    predictor = Predictor(graphs.constant(tmp_path / "rtmpose-26.onnx", outputs))
    assert predictor.spec.mean == onnx_files.IMAGENET_MEAN  # by its family
    box = np.array([[30.0, 10.0, 60.0, 100.0]], np.float32)
    result = predictor.estimate(np.zeros((200, 200, 3), np.uint8), box, flip=False)
    # The box is higher than the crop's shape asks for: 1.25 * 100 px are 64 px of the crop.
    expected = (bins / 2 - [24, 32]) * (125 / 64) + [60, 60]
    assert result.keypoints[0] == pytest.approx(expected[:17], abs=0.02)
    assert result.auxiliary[0] == pytest.approx(expected[[18, 17]], abs=0.02)
    assert result.confidence[0] == pytest.approx(np.full(17, 0.8), abs=1e-3)
    peak = divmod(int(result.heatmaps[0, 3].argmax()), result.heatmaps.shape[-1])
    at = result.to_photo[0] @ np.array([peak[1], peak[0], 1.0])
    assert np.abs(at - result.keypoints[0, 3]).max() < 8  # 4 px of the crop


def test_probabilities_of_simcc_are_summed_around_the_peak() -> None:
    x, y = simcc(np.array([[40.0, 60.0]]), 48, 64)
    points, sure = onnx_decoding.simcc_peaks(x / x.sum(), y / y.sum())
    assert points[0, 0].tolist() == [40, 60]
    assert 0.6 < sure[0, 0] <= 1.0  # the peak itself is below 0.1


@pytest.mark.parametrize(("x", "y"), [(10.0, 12.0), (10.3, 11.6), (9.5, 12.45)])
def test_heatmaps_are_read_between_the_pixels_and_logits_too(x: float, y: float) -> None:
    grid = np.mgrid[:32, :24]
    one = np.exp(-((grid[1] - x) ** 2 + (grid[0] - y) ** 2) / 8.0).astype(np.float32)
    points, sure = onnx_decoding.heatmap_peaks(one[None, None])
    assert points[0, 0] == pytest.approx([x, y], abs=0.05)
    assert sure[0, 0] > 0.9
    logits = (12 * one - 8).astype(np.float32)
    points, sure = onnx_decoding.heatmap_peaks(logits[None, None])
    assert points[0, 0] == pytest.approx([x, y], abs=0.25)
    assert 0.9 < sure[0, 0] < 1.0
    nothing = onnx_decoding.heatmap_peaks(np.zeros((1, 1, 8, 8), np.float32))
    assert nothing[1][0, 0] == 0


def test_what_a_file_does_not_tell_is_asked_once(tmp_path: Path) -> None:
    path = graphs.colour_pose(tmp_path / "mine.onnx", [0] * 19, ["n", 3, "h", "w"])
    (size,) = onnx_pose.questions(path)
    assert (size.key, "192x256" in size.choices) == ("size", True)
    with pytest.raises(onnx_files.Unanswered, match="width x height"):
        Predictor(path)
    onnx_files.write_answers(path, {"size": "48x64"})
    rest = onnx_pose.questions(path)
    assert [q.key for q in rest] == ["joints", "normalisation", "colours"]
    assert "coco17" in rest[0].choices  # the first 17 of 19
    assert "halpe26" not in rest[0].choices
    onnx_files.write_answers(path, {q.key: q.choices[0] for q in rest})
    assert onnx_pose.questions(path) == ()
    assert Predictor(path).spec.size == (48, 64)
    assert sorted(onnx_files.read_answers(path)) == ["colours", "joints", "normalisation", "size"]


@pytest.mark.parametrize(
    ("name", "size", "family"),
    [
        ("rtmpose-m_coco-256x192.onnx", (192, 256), True),
        ("vitpose-b.onnx", None, True),
        ("own_384x288.onnx", (288, 384), False),
    ],
)
def test_names_of_families_tell(
    tmp_path: Path, name: str, size: tuple[int, int] | None, family: bool
) -> None:
    path = graphs.colour_pose(tmp_path / name, [0] * 17, ["n", 3, "h", "w"])
    asked = [q.key for q in onnx_pose.questions(path)]
    expected = ([] if size else ["size"]) + ([] if family else ["normalisation", "colours"])
    assert asked == expected
    if size and family:
        assert Predictor(path).spec.size == size


def test_metadata_and_bytes_need_no_question(tmp_path: Path) -> None:
    told = {"mean": "[0.5, 0.5, 0.5]", "std": "0.25,0.25,0.25", "size": "48x64", "joints": "h36m17"}
    path = graphs.colour_pose(tmp_path / "m.onnx", [0] * 17, ["n", 3, "h", "w"], metadata=told)
    spec = Predictor(path).spec
    assert spec.mean == (127.5,) * 3
    assert spec.std == (63.75,) * 3
    assert spec.joints == onnx_joints.ORDERS["h36m17"].rows
    raw = graphs.colour_pose(tmp_path / "raw.onnx", [0] * 17, [1, 3, 64, 48], dtype="uint8")
    assert onnx_pose.questions(raw) == ()


@pytest.mark.parametrize("name", sorted(onnx_joints.ORDERS))
def test_orders_name_each_joint_once_and_keep_sides(name: str) -> None:
    order = onnx_joints.ORDERS[name]
    used = [r for r in order.rows if r >= 0]
    assert len(order.rows) == len(JOINTS)
    assert len(set(used)) == len(used)
    assert max(used) < order.count
    known = [r >= 0 for r in order.rows]
    assert known[1] == known[2]
    assert all(known[5:17])


def test_mpii_joints_come_out_as_coco_and_the_rest_is_not_there(tmp_path: Path) -> None:
    maps = np.zeros((1, 16, 16, 12), np.float32)
    for joint in range(16):
        maps[0, joint, 4 + joint // 4, 3 + joint % 4] = 1.0
    predictor = Predictor(graphs.constant(tmp_path / "m.onnx", {"out": maps}), answers=UNIT)
    box = np.array([[0, 0, 38.4, 51.2]], np.float32)  # one px of the photo is one of the crop
    result = predictor.estimate(np.zeros((60, 60, 3), np.uint8), box, flip=False)
    right_ankle, head_top = result.keypoints[0, 16], result.auxiliary[0, 1]
    assert right_ankle == pytest.approx([12 - 4.8, 16 - 6.4], abs=0.2)
    assert head_top == pytest.approx([16 - 4.8, 24 - 6.4], abs=0.2)
    assert (result.confidence[0, :5] == 0).all()
    assert result.keypoints[0, 0] == pytest.approx([19.2, 25.6])
    assert (result.confidence[0, 5:] > 0.9).all()


def test_wide_photos_and_boxes_beyond_the_rim_are_cut(tmp_path: Path) -> None:
    path = graphs.colour_pose(tmp_path / "m.onnx", CHANNELS, [1, 3, 128, 96], gain=4.0)
    predictor = Predictor(path, answers=UNIT)
    wide = np.zeros((300, 40_000, 3), np.uint8)
    wide[:, 39_000:39_320] = photo_with_spots()
    result = predictor.estimate(wide, BOX + np.array([39_000, 0, 0, 0]), flip=False)
    assert np.linalg.norm(result.keypoints[0, NOSE] - [39_150, 60]) < 0.8
    beyond = predictor.estimate(photo_with_spots(), np.array([[-500, -500, 100, 100.0]]))
    assert np.isfinite(beyond.keypoints).all()
    large = cv2.resize(photo_with_spots(), None, fx=8, fy=8)
    result = predictor.estimate(large, BOX * 8, flip=False)
    assert np.linalg.norm(result.keypoints[0, NOSE] - 8 * np.array(SPOTS[0])) < 10
    none = predictor.estimate(wide, np.zeros((0, 4)))
    assert none.keypoints.shape == (0, 17, 2)


def test_what_is_no_pose_model_gets_one_clear_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no protobuf at all")
    with pytest.raises(TrainerError, match="cannot be opened as an ONNX model"):
        Predictor(broken)
    with pytest.raises(TrainerError, match="There is no model file"):
        Predictor(tmp_path / "nowhere.onnx")
    detector = graphs.constant(tmp_path / "d.onnx", {"o": np.zeros((1, 84, 8400), np.float32)})
    with pytest.raises(TrainerError, match="neither heatmaps nor SimCC"):
        Predictor(detector, answers=UNIT)
    hand = graphs.constant(tmp_path / "h.onnx", {"o": np.zeros((1, 21, 16, 12), np.float32)})
    with pytest.raises(TrainerError, match="of a hand"):
        Predictor(hand, answers=UNIT)
    text = graphs.constant(tmp_path / "t.onnx", {"o": np.zeros((1, 2), np.float32)}, [1, 128])
    with pytest.raises(TrainerError, match="takes no colour picture"):
        Predictor(text)
    both = {
        "heat": np.zeros((1, 19, 16, 12), np.float32),
        "o": np.zeros((1, 38, 16, 12), np.float32),
    }
    crowd = graphs.constant(tmp_path / "c.onnx", both)
    with pytest.raises(TrainerError, match="all people of a picture at once"):
        Predictor(crowd, answers=UNIT)
    nan = np.full((1, 17, 16, 12), np.nan, np.float32)
    predictor = Predictor(graphs.constant(tmp_path / "n.onnx", {"o": nan}), answers=UNIT)
    with pytest.raises(TrainerError, match="no numbers"):
        predictor.estimate(np.zeros((9, 9, 3), np.uint8), np.ones((1, 4)))
    with pytest.raises(TrainerError, match="RGB picture"):
        predictor.estimate(np.zeros((9, 9), np.uint8), np.ones((1, 4)))
    with pytest.raises(TrainerError, match="width and a height"):
        predictor.estimate(np.zeros((9, 9, 3), np.uint8), np.zeros((1, 4)))


def test_answers_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = graphs.colour_pose(tmp_path / "m.onnx", [0] * 17, ["n", 3, "h", "w"])
    good = {**UNIT, "size": "48x64"}
    for wrong, sentence in (
        ({"size": "large"}, "no size"),
        ({"normalisation": "some"}, "no normalisation"),
        ({"colours": "cmyk"}, "no order of colours"),
        ({"joints": "halpe26"}, "17 joints"),
        ({"joints": [0] * 5}, "for each of COCO's 17"),
        ({"joints": [99] * 17}, "numbered from 0"),
        ({"normalisation": {"mean": [1, 2]}}, "three means"),
    ):
        with pytest.raises(TrainerError, match=sentence):
            Predictor(path, answers={**good, **wrong})
    onnx_files.answers_file(path).write_text("[1")
    with pytest.raises(TrainerError, match="Delete it"):
        Predictor(path)
