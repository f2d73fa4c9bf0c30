"""Tasks that the engine's tests run in the spawned process."""

from __future__ import annotations

import os
import time

import numpy as np

from poseapp.core.errors import WeightsError
from poseapp.services.context import Task, TaskContext


def count(ctx: TaskContext, steps: int, pause_s: float = 0.01) -> int:
    for step in range(steps):
        ctx.progress(step, steps, "Counting")
        ctx.partial(step)
        time.sleep(pause_s)
    return steps


def double(ctx: TaskContext, values: np.ndarray) -> np.ndarray:
    ctx.progress(0, 1)
    return values * 2


def fail(ctx: TaskContext, kind: str) -> None:
    if kind == "weights":
        raise WeightsError("some.safetensors is missing: install the weights again.")
    if kind == "memory":
        raise MemoryError
    raise ZeroDivisionError("by nought")


def die(ctx: TaskContext) -> None:
    os._exit(3)


def die_once(ctx: TaskContext, marker: str) -> str:
    if not os.path.exists(marker):  # noqa: PTH110
        with open(marker, "w", encoding="utf-8"):  # noqa: PTH123
            pass
        os._exit(3)
    return "survived"


def environment(ctx: TaskContext, name: str) -> str | None:
    return os.environ.get(name)


TASKS = {
    "count": Task(count),
    "double": Task(double),
    "urgent_double": Task(double, urgent=True, repeatable=True),
    "fail": Task(fail),
    "die": Task(die),
    "die_once": Task(die_once, repeatable=True),
    "environment": Task(environment),
}
