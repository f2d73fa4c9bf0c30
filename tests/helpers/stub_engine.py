"""An engine that answers when the test says so, with poses that the test made."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from poseapp.core.heatmap import encode
from poseapp.services.models import ModelOptions


class StubEngine(QObject):
    """The engine's signals and calls without a process."""

    task_progress = Signal(int, float, str)
    task_partial = Signal(int, object)
    task_succeeded = Signal(int, object)
    task_failed = Signal(int, object)
    task_cancelled = Signal(int)
    state_changed = Signal(str)
    device_changed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.submitted: list[tuple[int, str, dict[str, Any]]] = []
        self.options = ModelOptions()
        self.state = "ready"
        self.device = ""
        self.restarts = 0
        self._lanes: dict[str, int | None] = {}

    def submit(self, task: str, *, lane: str | None = None, **kwargs: Any) -> int:
        number = len(self.submitted) + 1
        if lane is not None and self._lanes.get(lane) is not None:
            self.task_cancelled.emit(self._lanes[lane])  # the newest wins, as in the real one
        self._lanes[lane or ""] = number
        self.submitted.append((number, task, kwargs))
        return number

    def cancel(self, number: int) -> None:
        self.task_cancelled.emit(number)

    def configure(self, options: ModelOptions) -> None:
        self.options = options

    def restart(self) -> None:
        self.restarts += 1

    @property
    def last(self) -> tuple[int, str, dict[str, Any]]:
        return self.submitted[-1]

    def answer(self, unknown_words: tuple[str, ...] = (), parts: int = 2) -> None:
        """Give the last request its poses, in parts and as a whole."""
        number, _, kwargs = self.last
        self._lanes.clear()
        result = made_up_poses(kwargs["count"], kwargs["seed"])
        rows = np.array_split(np.arange(kwargs["count"]), min(parts, kwargs["count"]))
        for part in rows:
            chunk = {key: value[part] for key, value in result.items()}
            self.task_partial.emit(number, {**chunk, "start": int(part[0])})
        whole = {**result, "unknown_words": list(unknown_words), "default_guidance": 1.7}
        self.task_succeeded.emit(number, whole)


def made_up_poses(count: int, seed: int) -> dict[str, np.ndarray]:
    """Random points in the place of poses."""
    random = np.random.default_rng(seed)
    points = random.uniform(6, 58, (count, 17, 2)).astype(np.float32)
    sure = np.ones((count, 17), np.float32)
    return {
        "keypoints": points,
        "confidence": sure,
        "heatmaps": encode(points, sure).astype(np.float16),
        "noise": random.standard_normal((count, 51)).astype(np.float32),
    }
