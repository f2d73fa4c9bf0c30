"""The same tasks in the caller's own process, for the command line and scripts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from poseapp.services.context import TaskContext
from poseapp.services.models import ModelCache, ModelOptions
from poseapp.services.tasks import TASKS

ProgressFn = Callable[[float, float, str], None]


class LocalEngine:
    """Runs tasks one after the other and keeps the models in between."""

    def __init__(self, options: ModelOptions | None = None) -> None:
        self._models = ModelCache(options)

    def run(
        self,
        task: str,
        *,
        on_progress: ProgressFn | None = None,
        on_partial: Callable[[Any], None] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Run a task and return its result; PoseAppError says what went wrong."""
        return TASKS[task](_LocalContext(self._models, on_progress, on_partial), **kwargs)


class _LocalContext(TaskContext):
    def __init__(
        self,
        models: ModelCache,
        on_progress: ProgressFn | None,
        on_partial: Callable[[Any], None] | None,
    ) -> None:
        super().__init__(models)
        self._on_progress = on_progress
        self._on_partial = on_partial

    def progress(self, done: float, total: float, text: str = "") -> None:
        if self._on_progress is not None:
            self._on_progress(done, total, text)

    def partial(self, value: object) -> None:
        if self._on_partial is not None:
            self._on_partial(value)
