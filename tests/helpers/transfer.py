"""A reference person that is drawn, the generator in a catalogue, and answers of its tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poseapp.core import kinematics
from poseapp.core.document import Photo, ReferencePerson
from poseapp.core.pose import Pose2D
from poseapp.core.transfer import as_pose
from poseapp.formats.png import encode_png
from poseapp.services.context import TaskContext
from poseapp.services.models import ModelCache, ModelOptions
from poseapp.services.transfer_tasks import prepare_person
from tests.helpers import drawn_person, tiny_models
from trainer import catalog, paths

NAME = "deformable_gan"


def reference(name: str = "Ann") -> ReferencePerson:
    """Somebody in a photo of 240 x 280 px, arms away from the trunk."""
    person = drawn_person.draw()
    photo = Photo(encode_png(person.photo), f"{name}.png", (240, 280))
    return ReferencePerson(photo, as_pose(person.keypoints), name)


def raised(pose: Pose2D, turn_rad: float = 1.2) -> Pose2D:
    """The pose with its left arm elsewhere."""
    return kinematics.rotate_limb(pose, 7, -turn_rad)


def list_generator(monkeypatch: pytest.MonkeyPatch, folder: Path, there: bool = True) -> None:
    """Put the generator into the catalogue, its weights into an empty folder or not."""
    folder.mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(paths, "weights_dir", lambda: folder)
    module = "trainer.predictors.deformable_gan:Predictor"
    row = catalog.Entry(NAME, "transfer", "Deformable GAN", "", module, f"{NAME}.safetensors", "2")
    monkeypatch.setitem(catalog.CATALOG, NAME, row)
    if there:
        tiny_models.write_transfer(folder / f"{NAME}.safetensors")


def answer(task: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    """What a task of the transfer answers, without a generator."""
    if task == "prepare_person":
        return prepare_person(TaskContext(ModelCache(ModelOptions())), **kwargs)
    height, width = 280, 240
    result: dict[str, Any] = {
        "picture": np.full((height, width, 3), 40, np.uint8),
        "generated": kwargs["generator"],
    }
    if kwargs["generator"]:
        scales = tuple(np.full((h, h // 2, 3), 200, np.uint8) for h in (16, 32, 64))
        result |= {
            "scales": scales,
            "parts": np.full((10, 64, 32), 128, np.uint8),
            "part_names": tuple("abcdefghij"),
            "attention": np.full((16, 8), 0.5, np.float32),
            "cover": np.full((64, 32), 255, np.uint8),
        }
    return result
