"""The models' process: takes tasks from a pipe, runs them one after the other, sends results back.

Only this module and the tasks it calls may import torch; the window's process never does.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import signal
import threading
import time
from collections import deque
from multiprocessing.connection import Connection
from typing import Any

from poseapp.core.errors import PoseAppError, TaskCancelled
from poseapp.services import frames
from poseapp.services.context import Task, TaskContext
from poseapp.services.models import ModelCache, ModelOptions

_PROGRESS_EVERY_S = 0.03
_NICENESS = 10

log = logging.getLogger(__name__)


def main(connection: Connection, registry: str, options: ModelOptions) -> None:
    """Entry of the spawned process.

    Args:
        registry: "module:NAME" of the dict of tasks.
    """
    # Read by the OpenMP runtime when torch is imported. With other processes busy, spinning
    # threads made one forward pass 25 times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # These nets are small: more threads gain little, and the window needs a core of its own.
    os.environ.setdefault("OMP_NUM_THREADS", str(min(4, max(1, (os.cpu_count() or 2) // 2))))
    os.environ.setdefault("OPENCV_FOR_THREADS_NUM", os.environ["OMP_NUM_THREADS"])
    # Where both want a core, the window comes first: a frame may not wait for a heatmap.
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    # Ctrl+C in a terminal reaches the whole group; the window decides when this process ends.
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.WARNING)
    module, _, name = registry.partition(":")
    tasks: dict[str, Task] = getattr(importlib.import_module(module), name)
    _Worker(connection, tasks, ModelCache(options)).run()


class _Worker:
    def __init__(self, connection: Connection, tasks: dict[str, Task], models: ModelCache) -> None:
        self._connection = connection
        self._tasks = tasks
        self._models = models
        self._device = ""
        self._inbox: deque[tuple[Any, ...]] = deque()
        self._arrived = threading.Condition()
        self._cancelled: set[int] = set()

    def run(self) -> None:
        threading.Thread(target=self._receive, name="inbox", daemon=True).start()
        self.send(("ready",))
        while True:
            with self._arrived:
                while not self._inbox:
                    self._arrived.wait()
                message = self._inbox.popleft()
            if message[0] == "configure":
                self._models.configure(message[1])
            else:
                self._run_task(message)

    def send(self, message: tuple[Any, ...]) -> None:
        try:
            frames.send(self._connection, message)
        except OSError:
            os._exit(0)  # the window is gone: there is nobody to work for

    def is_cancelled(self, task: int) -> bool:
        return task in self._cancelled

    def run_urgent(self) -> None:
        """Run the short tasks that wait, in the middle of a long one."""
        while True:
            with self._arrived:
                urgent = next(
                    (m for m in self._inbox if m[0] == "task" and self._is_urgent(m[2])), None
                )
                if urgent is None:
                    return
                self._inbox.remove(urgent)
            self._run_task(urgent, nested=True)

    def _is_urgent(self, name: str) -> bool:
        task = self._tasks.get(name)
        return task is not None and task.urgent

    def _receive(self) -> None:
        while True:
            try:
                message = frames.receive(self._connection)
            except (EOFError, OSError):
                os._exit(0)
            if message[0] == "stop":
                os._exit(0)
            if message[0] == "cancel":
                self._cancelled.add(message[1])
                continue
            with self._arrived:
                self._inbox.append(message)
                self._arrived.notify()

    def _run_task(self, message: tuple[Any, ...], nested: bool = False) -> None:
        _, number, name, kwargs = message
        ctx = _WorkerContext(self, number, nested)
        try:
            ctx.check()
            result = self._tasks[name](ctx, **kwargs)
        except TaskCancelled:
            self.send(("cancelled", number))
        except PoseAppError as exc:
            self.send(("failed", number, type(exc).__name__, str(exc)))
        except MemoryError:
            sentence = "There is not enough memory: ask for fewer poses or unload a model."
            self.send(("failed", number, "TaskError", sentence))
        except Exception as exc:  # whatever a model does, the process lives on
            log.exception("task %s failed", name)
            reason = " ".join(str(exc).split())[:200] or type(exc).__name__
            if "out of memory" in reason:
                reason = "There is not enough memory: ask for fewer poses or unload a model."
            else:
                reason = f"The models could not do this ({reason}): try again or restart them."
            self.send(("failed", number, "TaskError", reason))
        else:
            self.send(("done", number, result))
        finally:
            self._cancelled.discard(number)
        self._report_device()

    def _report_device(self) -> None:
        devices = sorted(set(self._models.loaded().values()))
        device = ", ".join(devices)
        if device != self._device:
            self._device = device
            self.send(("device", device))


class _WorkerContext(TaskContext):
    def __init__(self, worker: _Worker, task: int, nested: bool) -> None:
        super().__init__(worker._models)
        self._worker = worker
        self._task = task
        self._nested = nested
        self._sent = 0.0

    def check(self) -> None:
        if self._worker.is_cancelled(self._task):
            raise TaskCancelled("Cancelled.")

    def progress(self, done: float, total: float, text: str = "") -> None:
        self.check()
        now = time.monotonic()
        if now - self._sent >= _PROGRESS_EVERY_S or done >= total:
            self._sent = now
            share = min(max(done / total, 0.0), 1.0) if total else 0.0
            self._worker.send(("progress", self._task, share, text))
        if not self._nested:
            self._worker.run_urgent()
            self.check()

    def partial(self, value: object) -> None:
        self.check()
        self._worker.send(("partial", self._task, value))
