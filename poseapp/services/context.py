"""What a task gets to talk to whoever asked for it, and how a task is declared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from poseapp.services.models import ModelCache


class TaskContext:
    """Progress, partial results and models for one run of a task.

    This one reports to nobody; the models' process and the command line have their own.
    """

    def __init__(self, models: ModelCache) -> None:
        self.models = models

    def progress(self, done: float, total: float, text: str = "") -> None:
        """Say how far the task is; raises TaskCancelled when nobody wants it any more."""

    def partial(self, value: object) -> None:
        """Hand over a part of the result as soon as it is made."""


@dataclass(frozen=True)
class Task:
    """A function that runs in the models' process.

    Attributes:
        function: called as `function(ctx, **kwargs)`; NumPy in, NumPy out, no Qt.
        urgent: may run in between, while a longer task is under way.
        repeatable: safe and cheap to run once more when the process died under it.
    """

    function: Callable[..., Any]
    urgent: bool = False
    repeatable: bool = False

    def __call__(self, ctx: TaskContext, **kwargs: Any) -> Any:
        """Run it."""
        return self.function(ctx, **kwargs)
