"""Others' detectors in ONNX files: each layout leads to the same people."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from tests.trainer import onnx_graphs as graphs
from trainer.errors import TrainerError
from trainer.predictors import onnx_detector, onnx_files
from trainer.predictors.onnx_detector import Predictor

PHOTO = np.zeros((300, 600, 3), np.uint8)
# Two people and a dog on the photo; the photo is 320 x 160 on a square of 320.
PEOPLE = np.array([[30, 60, 90, 210], [400, 15, 60, 240]], np.float32)
DOG = np.array([[200, 100, 80, 50]], np.float32)
SIZE = [1, 3, 320, 320]


def on_canvas(boxes: np.ndarray, centred: bool) -> np.ndarray:
    scale = 320 / 600
    return boxes * scale + np.array([0, 80.0 if centred else 0.0, 0, 0], np.float32)


def middles(boxes: np.ndarray) -> np.ndarray:
    return np.concatenate([boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:]], axis=1)


def corners(boxes: np.ndarray) -> np.ndarray:
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def all_boxes(centred: bool) -> np.ndarray:
    """The people, the first once more and worse, the dog."""
    again = PEOPLE[:1] + np.array([4, 4, 0, 0], np.float32)
    return on_canvas(np.concatenate([PEOPLE, again, DOG]), centred)


SCORES = np.array([0.9, 0.8, 0.6, 0.95])
CLASSES = np.array([0, 0, 0, 16])


def table(rows: int, objectness: bool) -> np.ndarray:
    out = np.zeros((rows, 85 if objectness else 84), np.float32)
    out[:4, :4] = middles(all_boxes(centred=True))
    if objectness:
        out[:4, 4] = SCORES
        out[np.arange(4), 5 + CLASSES] = 1.0
    else:
        out[np.arange(4), 4 + CLASSES] = SCORES
    return out


def yolo8() -> dict[str, np.ndarray]:
    return {"output0": table(2100, False).T[None].copy()}


def yolo8_transposed() -> dict[str, np.ndarray]:
    return {"output0": table(2100, False)[None]}


def yolo5() -> dict[str, np.ndarray]:
    return {"output0": table(6300, True)[None]}


def yolo10() -> dict[str, np.ndarray]:
    rows = np.zeros((1, 300, 6), np.float32)
    rows[0, :4, :4], rows[0, :4, 4] = corners(all_boxes(True)), SCORES
    rows[0, :4, 5] = CLASSES
    return {"output0": rows}


def yolox() -> dict[str, np.ndarray]:
    out = np.zeros((1, 2100, 85), np.float32)
    for box, score, kind in zip(middles(all_boxes(False)), SCORES, CLASSES, strict=True):
        column, row = (box[:2] // 8).astype(int)
        at = row * 40 + column + (1 if score == 0.6 else 0)
        cell = np.array([column + (1 if score == 0.6 else 0), row])
        out[0, at, :2], out[0, at, 2:4] = box[:2] / 8 - cell, np.log(box[2:] / 8)
        out[0, at, 4], out[0, at, 5 + kind] = score, 1.0
    return {"output": out}


def rtmdet() -> dict[str, np.ndarray]:
    boxes = np.concatenate([corners(all_boxes(False)), SCORES[:, None]], axis=1)
    return {"dets": boxes[None].astype(np.float32), "labels": CLASSES[None]}


def rtdetr() -> dict[str, np.ndarray]:
    return {
        "labels": CLASSES[None],
        "boxes": (corners(all_boxes(False)) / 320)[None].astype(np.float32),
        "scores": SCORES[None].astype(np.float32),
    }


def torchvision() -> dict[str, np.ndarray]:
    kinds = CLASSES + 1
    boxes = corners(all_boxes(False)).astype(np.float32)
    return {"boxes": boxes, "labels": kinds, "scores": SCORES.astype(np.float32)}


LAYOUTS: list[tuple[str, dict[str, np.ndarray], str]] = [
    ("yolov8n.onnx", yolo8(), "centres"),
    ("plain8t.onnx", yolo8_transposed(), "centres"),
    ("yolov5s.onnx", yolo5(), "anchors"),
    ("yolov10n.onnx", yolo10(), "rows"),
    ("some_x.onnx", yolox(), "grid"),
    ("rtmdet_tiny.onnx", rtmdet(), "boxes_with_scores"),
    ("rtdetr_r18.onnx", rtdetr(), "boxes_and_scores"),
    ("fasterrcnn.onnx", torchvision(), "boxes_and_scores"),
]


@pytest.mark.parametrize(("name", "outputs", "layout"), LAYOUTS, ids=[n for n, _, _ in LAYOUTS])
def test_people_come_out_in_px_of_the_photo(
    tmp_path: Path, name: str, outputs: dict[str, np.ndarray], layout: str
) -> None:
    shape: list[Any] = SIZE[1:] if name == "fasterrcnn.onnx" else SIZE
    predictor = Predictor(graphs.constant(tmp_path / name, outputs, shape))
    assert predictor.spec.layout == layout
    boxes, scores = predictor.find(PHOTO)
    assert boxes == pytest.approx(PEOPLE, abs=0.1)
    assert scores == pytest.approx([0.9, 0.8])
    fewer, _ = predictor.find(PHOTO, least_score=0.85)
    assert len(fewer) == 1


def test_conventions_of_families(tmp_path: Path) -> None:
    def spec(name: str, outputs: dict[str, np.ndarray]) -> onnx_detector.DetectorSpec:
        return Predictor(graphs.constant(tmp_path / name, outputs, SIZE)).spec

    x = spec("x.onnx", yolox())
    assert (x.std, x.colours, x.centred) == ((1.0, 1.0, 1.0), "bgr", False)
    rtm = spec("rtmdet.onnx", rtmdet())
    assert (rtm.mean, rtm.colours) == (onnx_files.IMAGENET_MEAN, "bgr")
    eight = spec("y.onnx", yolo8())
    assert (eight.std, eight.colours, eight.centred) == ((255.0,) * 3, "rgb", True)


def test_ultralytics_names_tell_the_class(tmp_path: Path) -> None:
    out = np.zeros((1, 6, 2100), np.float32)
    out[0, :4, 0], out[0, 5, 0] = middles(all_boxes(True))[0], 0.7
    names = {"names": "{0: 'cat', 1: 'person'}", "imgsz": "[320, 320]"}
    path = graphs.constant(tmp_path / "m.onnx", {"o": out}, ["n", 3, "h", "w"], metadata=names)
    boxes, scores = Predictor(path).find(PHOTO)
    assert boxes == pytest.approx(PEOPLE[:1], abs=0.1)
    assert scores == pytest.approx([0.7])
    cats = {"names": "{0: 'cat', 1: 'dog'}"}
    path = graphs.constant(tmp_path / "c.onnx", {"o": out}, SIZE, metadata=cats)
    with pytest.raises(TrainerError, match="knows no people"):
        Predictor(path)


def test_a_pose_detector_of_people_alone_has_one_class(tmp_path: Path) -> None:
    out = np.zeros((1, 56, 2100), np.float32)
    out[0, :4, :4], out[0, 4, :2] = middles(all_boxes(True)).T, [0.9, 0.8]
    boxes, _ = Predictor(graphs.constant(tmp_path / "p.onnx", {"o": out}, SIZE)).find(PHOTO)
    assert boxes == pytest.approx(PEOPLE, abs=0.1)


def test_a_second_input_for_the_size_is_filled(tmp_path: Path) -> None:
    outputs = rtdetr()
    node = graphs.helper.make_node
    shares = (corners(all_boxes(False)) / 320)[None].astype(np.float32)
    path = graphs.save(
        tmp_path / "rtdetr.onnx",
        {"images": ("float32", ["n", 3, 320, 320]), "orig_target_sizes": ("int64", ["n", 2])},
        [
            ("labels", "int64", [1, 4]),
            ("boxes", "float32", [1, 4, 4]),
            ("scores", "float32", [1, 4]),
        ],
        [
            node("Identity", ["l"], ["labels"]),
            node("Identity", ["s"], ["scores"]),
            node("Cast", ["orig_target_sizes"], ["sizes"], to=1),
            node("Concat", ["sizes", "sizes"], ["twice"], axis=1),
            node("Mul", ["b", "twice"], ["boxes"]),
        ],
        {"l": outputs["labels"], "s": outputs["scores"], "b": shares},
    )
    boxes, _ = Predictor(path).find(PHOTO)
    assert boxes == pytest.approx(PEOPLE, abs=0.1)


def test_what_is_not_told_is_asked(tmp_path: Path) -> None:
    path = graphs.constant(tmp_path / "mine.onnx", torchvision(), SIZE)
    assert [q.key for q in onnx_detector.questions(path)] == ["person"]
    with pytest.raises(onnx_files.Unanswered, match="class of people"):
        Predictor(path)
    onnx_files.write_answers(path, {"person": "1"})
    assert len(Predictor(path).find(PHOTO)[0]) == 2
    path = graphs.constant(tmp_path / "dets.onnx", rtmdet(), SIZE)
    assert [q.key for q in onnx_detector.questions(path)] == ["normalisation", "colours"]


def test_nobody_is_an_answer(tmp_path: Path) -> None:
    nothing = {k: v[:, :0] for k, v in rtmdet().items()}
    path = graphs.constant(tmp_path / "rtmdet.onnx", nothing, SIZE)
    boxes, scores = Predictor(path).find(PHOTO)
    assert boxes.shape == (0, 4)
    assert scores.shape == (0,)
    wide = np.zeros((20, 40_000, 3), np.uint8)
    assert len(Predictor(path).find(wide)[0]) == 0


def test_what_is_no_detector_gets_one_clear_sentence(tmp_path: Path) -> None:
    heat = graphs.constant(tmp_path / "h.onnx", {"o": np.zeros((1, 17, 16, 12), np.float32)})
    with pytest.raises(TrainerError, match="no layout of boxes"):
        Predictor(heat)
    broken = tmp_path / "b.onnx"
    broken.write_bytes(b"\x08\x07broken")
    with pytest.raises(TrainerError, match="cannot be opened"):
        Predictor(broken)
    path = graphs.constant(tmp_path / "y.onnx", yolo8(), SIZE)
    with pytest.raises(TrainerError, match="no class 99"):
        Predictor(path, answers={"person": 99})
    with pytest.raises(TrainerError, match="RGB picture"):
        Predictor(path).find(np.zeros((5, 5), np.uint8))
    nan = {"output0": np.full((1, 84, 2100), np.nan, np.float32)}
    predictor = Predictor(graphs.constant(tmp_path / "n.onnx", nan, SIZE))
    with pytest.raises(TrainerError, match="no numbers"):
        predictor.find(PHOTO)
