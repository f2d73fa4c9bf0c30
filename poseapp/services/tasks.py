"""What the models can do for the application: NumPy in, NumPy out, no Qt.

These functions run in the models' process, and directly in the command line.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from poseapp.core.errors import PoseAppError, TaskError, WeightsError
from poseapp.core.standing import STANDING
from poseapp.services import captions as caption_text
from poseapp.services import noise as noises_of
from poseapp.services import weights
from poseapp.services.context import Task, TaskContext
from poseapp.services.models import trainer_errors
from poseapp.services.people_tasks import PEOPLE_TASKS
from poseapp.services.photo_tasks import PHOTO_TASKS
from poseapp.services.sequence_tasks import SEQUENCE_TASKS
from poseapp.services.transfer_tasks import TRANSFER_TASKS

MAX_COUNT = 96
MAX_HYPOTHESES = 10
_FIRST_CHUNK = 2
_CHUNK_S = 0.2
_MAX_CHUNK = 16
_LIFT_CHUNK = 256


def caption_to_poses(
    ctx: TaskContext,
    model: str,
    captions: Sequence[str],
    count: int = 24,
    seed: int = 0,
    guidance: float | None = None,
    noise_scale: float = 1.0,
    variation: tuple[np.ndarray, float] | None = None,
    blend: str | None = None,
    noises: np.ndarray | None = None,
) -> dict[str, Any]:
    """Sample poses for a caption; the same arguments give the same poses.

    Args:
        model: name of a caption model.
        captions: one caption, or two between which a strip goes.
        count: 1 to 96 poses.
        seed: which noise; pose i of a seed does not depend on `count`.
        guidance: how strictly the caption is followed; None takes the model's own choice.
        noise_scale: spread of the noise; below 1 poses come nearer to the typical one.
        variation: ((D,) noise of a pose, amount 0-1): poses around that one.
        blend: a strip of `count` steps that blends "captions", "noises" or "both".
        noises: (1 or 2, D) noise at the ends of a strip; drawn from the seed when None.
    Returns:
        keypoints (N, 17, 2) float32 heatmap px, confidence (N, 17) float32 with 0 = absent,
        heatmaps (N, 17, 64, 64) float16, noise (N, D) float32 before scaling, unknown_words list,
        default_guidance float.
        Parts of it, with "start" = index of their first pose, come as partial results.
    Raises:
        TaskError: the caption cannot be read, or a number is out of range.
        WeightsError: the model's weights are missing or damaged.
    """
    texts = [caption_text.checked(text) for text in captions]
    _check_request(texts, count, noise_scale, variation, blend)
    ctx.progress(0, count, "Loading the model")
    predictor = ctx.models.get(model)
    with trainer_errors():
        vectors = np.stack([predictor.encode(text) for text in texts]).astype(np.float32)
    noise = noises_of.plan(predictor.noise_dim, count, seed, variation, blend, noises)
    text_vectors = noises_of.lerp(vectors[0], vectors[-1], count)
    if blend not in ("captions", "both"):
        text_vectors = np.repeat(vectors[:1], count, axis=0)
    parts: list[dict[str, Any]] = []
    for rows in _chunks(count, getattr(predictor, "batch_rows", 1)):
        ctx.progress(rows.start, count, "Sampling")
        with trainer_errors():
            samples = predictor.sample(
                text_vectors[rows],
                np.ascontiguousarray(noise[rows] * np.float32(noise_scale)),
                guidance=guidance,
            )
        part = {
            "start": rows.start,
            "keypoints": np.asarray(samples.keypoints, np.float32),
            "confidence": np.asarray(samples.confidence, np.float32),
            "heatmaps": np.asarray(samples.heatmaps, np.float16),
            "noise": noise[rows],
        }
        parts.append(part)
        ctx.partial(part)
    ctx.progress(count, count)
    arrays = ("keypoints", "confidence", "heatmaps", "noise")
    result: dict[str, Any] = {key: np.concatenate([p[key] for p in parts]) for key in arrays}
    result["unknown_words"] = _unknown_words(predictor, texts)
    result["default_guidance"] = float(predictor.default_guidance)
    return result


def _check_request(
    texts: list[str],
    count: int,
    noise_scale: float,
    variation: tuple[np.ndarray, float] | None,
    blend: str | None,
) -> None:
    if not 1 <= count <= MAX_COUNT:
        raise TaskError(f"Ask for 1 to {MAX_COUNT} poses, not {count}.")
    if len(texts) not in (1, 2):
        raise TaskError("Give one caption, or two for a strip between them.")
    if blend not in (None, "captions", "noises", "both"):
        raise TaskError(f"A strip can blend captions, noises or both, not {blend}.")
    if not 0.0 <= noise_scale <= 3.0:
        raise TaskError(f"The noise scale goes from 0 to 3, not {noise_scale}.")
    if variation is not None and not 0.0 <= variation[1] <= 1.0:
        raise TaskError(f"The amount of a variation goes from 0 to 1, not {variation[1]}.")


def _chunks(count: int, batch: int) -> Iterator[slice]:
    """Small slices first, so that something is seen at once; then as many as fit a short while.

    Args:
        batch: rows that the model computes in any case; a slice is a multiple of it.
    """
    start, size, began = 0, max(_FIRST_CHUNK, batch), time.perf_counter()
    while start < count:
        stop = min(count, start + size)
        yield slice(start, stop)
        each_s = max((time.perf_counter() - began) / size, 1e-6)
        fitting = int(np.clip(_CHUNK_S / each_s, _FIRST_CHUNK, min(_MAX_CHUNK, 2 * size)))
        size = max(batch, fitting - fitting % batch)
        start, began = stop, time.perf_counter()


def _unknown_words(predictor: Any, texts: list[str]) -> list[str]:
    from trainer.text.tokens import tokens

    seen: dict[str, None] = {}
    for text in texts:
        known = set(predictor.words_known(text))
        seen.update(dict.fromkeys(w for w in tokens(text) if w not in known))
    return list(seen)


def lift_to_3d(
    ctx: TaskContext,
    keypoints: np.ndarray,
    confidence: np.ndarray,
    hypotheses: int = 1,
    seed: int = 0,
    model: str = "vae_gan_lifter",
) -> dict[str, Any]:
    """Lift 2D poses.

    Args:
        keypoints: (N, 17, 2) float COCO-17, image px, y down.
        confidence: (N, 17) float, 0 = absent.
        hypotheses: how many 3D poses for each; the first one is the zero-variance one.
        seed: noise of the other hypotheses.
    Returns:
        joints (N, H, 17, 3) float32 mm, camera space, MOCAP-17, pelvis at 0, and elevation (N,)
        float32 rad.
    Raises:
        TaskError: a pose has too few joints to lift.
        WeightsError: the lifter's weights are missing or damaged.
    """
    points = np.asarray(keypoints, np.float32)
    present = np.asarray(confidence, np.float32)
    if points.ndim != 3 or points.shape[1:] != (17, 2) or present.shape != points.shape[:2]:
        raise TaskError("A lift takes COCO poses of 17 joints with their confidence.")
    if not 1 <= hypotheses <= MAX_HYPOTHESES:
        raise TaskError(f"Ask for 1 to {MAX_HYPOTHESES} hypotheses, not {hypotheses}.")
    predictor = ctx.models.get(model)
    joints, elevation = [], []
    for start in range(0, len(points), _LIFT_CHUNK):
        if start:  # a pose or two are done before anybody could read of them
            ctx.progress(start, len(points), "Lifting")
        rows = slice(start, start + _LIFT_CHUNK)
        with trainer_errors():
            lifted, looks_down = predictor.lift(
                points[rows],
                present[rows],
                hypotheses=hypotheses,
                seed=seed,
                return_elevation=True,
            )
        joints.append(np.asarray(lifted, np.float32))
        elevation.append(np.asarray(looks_down, np.float32))
    if not joints:
        return {
            "joints": np.zeros((0, hypotheses, 17, 3), np.float32),
            "elevation": np.zeros(0, np.float32),
        }
    return {"joints": np.concatenate(joints), "elevation": np.concatenate(elevation)}


def warm_up(ctx: TaskContext, models: Sequence[str] | None = None) -> dict[str, str]:
    """Load the models that are wanted first and run each once; missing ones are left out.

    Returns:
        Device by name of the loaded models.
    """
    names = (
        list(models) if models is not None else [weights.default_caption_model(), "vae_gan_lifter"]
    )
    for done, name in enumerate(names):
        ctx.progress(done, len(names), "Loading the models")
        try:
            predictor = ctx.models.get(name)
            ctx.progress(done + 0.5, len(names), "Loading the models")
            _run_once(name, predictor)
        except PoseAppError:
            continue  # whoever asks for this model is told
    return ctx.models.loaded()


def _run_once(name: str, predictor: Any) -> None:
    from trainer import catalog

    task = catalog.entry(name).task
    with trainer_errors():
        if task == "estimate":
            predictor.estimate(np.zeros((64, 64, 3), np.uint8), np.array([[0.0, 0.0, 64.0, 64.0]]))
        elif task == "find":
            predictor.find(np.zeros((64, 64, 3), np.uint8))
        elif task == "transfer":
            height, width = predictor.size
            person = np.column_stack([STANDING, np.full(17, 2.0)]) * [height / 4, height / 4, 1.0]
            person[:, :2] += (width / 2, height / 3)
            source = predictor.encode(np.zeros((height, width, 3), np.uint8), person)
            predictor.render(source, person)
        elif task == "caption_to_pose":
            noise = noises_of.plan(predictor.noise_dim, _FIRST_CHUNK, 0, None, None, None)
            vector = predictor.encode("a man is standing")
            predictor.sample(np.repeat(vector[None], _FIRST_CHUNK, axis=0), noise)
        else:
            pose = np.random.default_rng(0).uniform(0, 64, (1, 17, 2)).astype(np.float32)
            predictor.lift(pose, np.ones((1, 17), np.float32))


def model_status(ctx: TaskContext) -> dict[str, Any]:
    """The card of each model, its file checked against the manifest, and what is in memory.

    Returns:
        cards: list of `weights.ModelCard`; loaded: device by name; devices: what can be chosen.
    """
    cards = []
    names = weights.application_models()
    for done, name in enumerate(names):
        ctx.progress(done, len(names), "Checking the weights")
        cards.append(weights.card(name, ctx.models.options.weights.get(name, ""), verify=True))
    return {"cards": cards, "loaded": ctx.models.loaded(), "devices": _devices()}


def _devices() -> list[tuple[str, str]]:
    import torch

    found = [("cpu", "CPU")]
    for index in range(torch.cuda.device_count()):
        found.append((f"cuda:{index}", torch.cuda.get_device_name(index)))
    if torch.backends.mps.is_available():
        found.append(("mps", "Apple GPU"))
    return found


def load_model(
    ctx: TaskContext, name: str, weights: str | None = None, device: str | None = None
) -> dict[str, str]:
    """Load a model now.

    Args:
        weights: path of a weights file; None keeps the user's choice or the shipped file.
        device: "auto", "cpu", "cuda:0", ...; None keeps the user's choice.
    Returns:
        Device by name of the loaded models.
    """
    from dataclasses import replace

    options = ctx.models.options
    if weights is not None:
        options = replace(options, weights={**options.weights, name: str(weights)})
    if device is not None:
        options = replace(options, devices={**options.devices, name: device})
    ctx.models.configure(options)
    ctx.progress(0, 1, "Loading the model")
    _run_once(name, ctx.models.get(name))
    return ctx.models.loaded()


def unload_model(ctx: TaskContext, name: str) -> dict[str, str]:
    """Take a model out of memory; returns device by name of the ones that stay."""
    ctx.models.unload(name)
    return ctx.models.loaded()


def check_word_vectors(ctx: TaskContext, path: str) -> str:
    """Open a file of word vectors; returns its name and dimensions in a few words.

    Raises:
        WeightsError: it cannot be read, or has another number of dimensions than the models need.
    """
    ctx.progress(0, 1, "Reading the word vectors")
    with trainer_errors():
        from trainer.text import vectors

        source = vectors.load(Path(path))
    if source.dim != vectors.DIM:
        raise WeightsError(
            f"{Path(path).name} has {source.dim} dimensions and the models need {vectors.DIM}: "
            "choose another file."
        )
    return f"{Path(path).name} ({source.dim} dimensions)"


TASKS: dict[str, Task] = {
    "caption_to_poses": Task(caption_to_poses),
    "lift_to_3d": Task(lift_to_3d, urgent=True, repeatable=True),
    "warm_up": Task(warm_up),
    "model_status": Task(model_status, repeatable=True),
    "load_model": Task(load_model),
    "unload_model": Task(unload_model, repeatable=True),
    "check_word_vectors": Task(check_word_vectors),
    **PEOPLE_TASKS,
    **PHOTO_TASKS,
    **SEQUENCE_TASKS,
    **TRANSFER_TASKS,
}
