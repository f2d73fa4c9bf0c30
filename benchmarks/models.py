"""Sampling, lifting and finding people through the engine, as the window asks for them."""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np
from PySide6.QtCore import QCoreApplication, QEventLoop

from benchmarks.report import Row
from poseapp.core.paths import resources_dir, weights_dir
from poseapp.services.engine import Engine

CAPTION = "a man is playing tennis"
REPEATS = 7


class Asker:
    """Submits tasks and waits for them, measuring."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._done: dict[int, tuple[float, Any]] = {}
        self._first: dict[int, float] = {}
        engine.task_succeeded.connect(self._on_succeeded)
        engine.task_failed.connect(self._on_failed)
        engine.task_partial.connect(self._on_partial)

    def _on_succeeded(self, task: int, result: object) -> None:
        self._done[task] = (time.perf_counter(), result)

    def _on_failed(self, task: int, error: object) -> None:
        self._done[task] = (time.perf_counter(), error)

    def _on_partial(self, task: int, result: object) -> None:
        self._first.setdefault(task, time.perf_counter())

    def ask(self, name: str, timeout_s: float = 120, **kwargs: Any) -> tuple[float, float, Any]:
        """Run one task.

        Returns:
            Seconds to the result, seconds to its first part, the result.
        """
        begin = time.perf_counter()
        task = self._engine.submit(name, **kwargs)
        while task not in self._done:
            if time.perf_counter() - begin > timeout_s:
                raise RuntimeError(f"{name} did not end within {timeout_s:.0f} s")
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 50)
        end, result = self._done[task]
        if isinstance(result, Exception):
            raise result
        return end - begin, self._first.get(task, end) - begin, result


def measure() -> list[Row]:
    """24 samples of each caption model, and lifts of one pose and of a thousand, all warm."""
    app = QCoreApplication.instance() or QCoreApplication([])
    engine = Engine()
    try:
        begin = time.perf_counter()
        asker = Asker(engine)
        sample: dict[str, Any] = {"captions": [CAPTION], "count": 24, "seed": 7}
        _, _, drawn = asker.ask("caption_to_poses", model="keypoint_flow", **sample)
        cold = time.perf_counter() - begin
        rows = [Row("first 24 samples, the models' process started for them", cold, "s")]
        for model, target in (("keypoint_flow", 0.5), ("caption_wgan", None)):
            if not (weights_dir() / f"{model}.safetensors").exists():
                continue
            asker.ask("caption_to_poses", model=model, **sample)
            runs = [asker.ask("caption_to_poses", model=model, **sample) for _ in range(REPEATS)]
            rows.append(
                Row(f"24 samples, {model}", statistics.median(r[0] for r in runs), "s", target)
            )
            first = statistics.median(r[1] for r in runs)
            rows.append(Row("- its first poses shown after", first, "s"))
        rows.append(Row("lift of one pose", _lift(asker, drawn, 1, 50), "ms", 5.0))
        rows.append(Row("lift of 1,000 poses", _lift(asker, drawn, 1000, 5), "ms"))
        if (weights_dir() / "attention_hourglass.safetensors").exists():
            rows += _photos(asker)
        return rows
    finally:
        engine.shutdown()
        app.processEvents()


def group_photo(across: int = 4, down: int = 2) -> bytes:
    """A photograph of the ready-made people side by side, as the bytes of a JPEG."""
    import cv2

    files = sorted((resources_dir() / "people").glob("*.jpg"))[: across * down]
    pictures = [cv2.resize(cv2.imread(str(file)), (320, 480)) for file in files]
    lines = [np.hstack(pictures[row * across : (row + 1) * across]) for row in range(down)]
    return bytes(cv2.imencode(".jpg", np.vstack(lines))[1])


def _photos(asker: Asker) -> list[Row]:
    """Warm: one person within a box, mirrored crop included, and a photo of eight."""
    group = group_photo()
    one = {"photo": group, "boxes": np.array([[0, 0, 320, 480]], np.float32)}

    def median_ms(**kwargs: Any) -> float:
        times = [asker.ask("detect_people", **kwargs)[0] for _ in range(REPEATS + 1)]
        return 1000 * statistics.median(times[1:])

    each = (median_ms(photo=group, boxes=_cells(8)) - median_ms(**one)) / 7
    found = asker.ask("detect_people", photo=group)[2]
    return [
        Row("pose of one person in a photo, box given", median_ms(**one), "ms", 80.0),
        Row("- each person more", each, "ms"),
        Row(f"photo of eight people, {len(found['boxes'])} found", median_ms(photo=group), "ms"),
    ]


def _cells(count: int) -> np.ndarray:
    """Boxes of `group_photo`, (count, 4) px."""
    number = np.arange(count)
    size = np.ones(count)
    boxes = np.stack([number % 4 * 320, number // 4 * 480, 320 * size, 480 * size], axis=1)
    return boxes.astype(np.float32)


def _lift(asker: Asker, drawn: dict[str, np.ndarray], count: int, repeats: int) -> float:
    """Median time of a warm lift of `count` of the drawn poses, ms."""
    pick = np.arange(count) % len(drawn["keypoints"])
    keypoints, confidence = drawn["keypoints"][pick], drawn["confidence"][pick]
    times = [
        asker.ask("lift_to_3d", keypoints=keypoints, confidence=confidence)[0]
        for _ in range(repeats + 1)
    ]
    return 1000 * statistics.median(times[1:])
