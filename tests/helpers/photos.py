"""Photos, models for photos in a catalogue of their own, and answers of their tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from poseapp.core.standing import standing
from tests.helpers import tiny_models
from trainer import catalog, paths


def photo_file(path: Path, width: int = 160, height: int = 240) -> Path:
    """A picture with a few shapes."""
    picture = np.full((height, width, 3), 90, np.uint8)
    cv2.circle(picture, (width // 2, height // 4), width // 8, (60, 120, 200), -1)
    cv2.rectangle(
        picture, (width // 3, height // 3), (2 * width // 3, height - 9), (160, 80, 40), -1
    )
    assert cv2.imwrite(str(path), picture)
    return path


def list_models(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Put estimator and finder into the catalogue, with their weights in an empty folder."""
    folder.mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(paths, "weights_dir", lambda: folder)
    for name, task, title in (
        ("attention_hourglass", "estimate", "Attention hourglass"),
        ("person_finder", "find", "Person finder"),
    ):
        module = f"trainer.predictors.{name}:Predictor"
        row = catalog.Entry(name, task, title, "", module, f"{name}.safetensors", "4")
        monkeypatch.setitem(catalog.CATALOG, name, row)


def install(
    monkeypatch: pytest.MonkeyPatch, folder: Path, finder: bool = True, score: float = 0.0
) -> None:
    """Untrained models, as if they had been installed."""
    list_models(monkeypatch, folder)
    tiny_models.write_estimator(folder / "attention_hourglass.safetensors")
    if finder:
        tiny_models.write_finder(folder / "person_finder.safetensors", score)


def detected(
    boxes: list[tuple[float, float, float, float]],
    size: tuple[int, int] = (160, 240),
    note: str = "",
    sure: float = 0.9,
) -> dict[str, Any]:
    """What `detect_people` answers: a standing person in each box, the left wrist in doubt."""
    keypoints, confidence = [], []
    for x, y, width, height in boxes:
        pose = standing((x + width / 2, y + height / 2), 0.9 * height)
        keypoints.append(pose.keypoints)
        known = np.full(17, sure)
        known[9] = 0.2
        confidence.append(known)
    count = len(boxes)
    maps = np.zeros((count, 17, 16, 16), np.float16)
    maps[:, np.arange(17), np.arange(17) % 16, 8] = 0.9
    to_photo = [[[w / 16, 0, x], [0, h / 16, y]] for x, y, w, h in boxes]
    return {
        "size": size,
        "boxes": np.array(boxes, np.float32).reshape(-1, 4),
        "scores": np.full(count, 0.8, np.float32),
        "keypoints": np.array(keypoints, np.float32).reshape(-1, 17, 2),
        "confidence": np.array(confidence, np.float32).reshape(-1, 17),
        "seen": np.ones((count, 17), np.float32),
        "heatmaps": maps,
        "to_photo": np.array(to_photo, np.float32).reshape(-1, 2, 3),
        "estimator": "Tiny",
        "finder": "",
        "note": note,
    }
