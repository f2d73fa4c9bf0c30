"""The window's side of the models' process: start it, keep it alive, hand it tasks.

Everything here runs on the GUI thread and returns at once. The process's messages come in through a
queued signal, so that no lock is needed.
"""

from __future__ import annotations

import importlib
import itertools
import logging
import time
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from poseapp.core import errors
from poseapp.core.errors import PoseAppError, TaskError
from poseapp.services.context import Task
from poseapp.services.models import ModelOptions
from poseapp.services.process import Event, ModelProcess

TASKS = "poseapp.services.tasks:TASKS"

_BACKOFF_S = (0.0, 0.2, 1.0, 3.0)
_MAX_EARLY_DEATHS = len(_BACKOFF_S)
_STABLE_AFTER_S = 20.0
_WARM_UP = "warm_up"

log = logging.getLogger(__name__)


@dataclass
class _Request:
    number: int
    name: str
    kwargs: dict[str, Any] = field(repr=False)
    lane: str | None
    task: Task
    sent: bool = False
    cancelled: bool = False
    repeated: bool = False


class Engine(QObject):
    """One process that holds the models: newest request of a lane wins, a dead process comes back.

    Every submitted task ends with exactly one of succeeded, failed or cancelled.

    Args:
        registry: "module:NAME" of the dict of tasks.
        options: the user's choices of weights and devices.
    """

    task_progress = Signal(int, float, str)
    task_partial = Signal(int, object)
    task_succeeded = Signal(int, object)
    task_failed = Signal(int, object)
    """Task number, PoseAppError."""
    task_cancelled = Signal(int)
    state_changed = Signal(str)
    """starting, ready, busy, restarting or stopped."""
    device_changed = Signal(str)
    """Device(s) of the loaded models, such as "cpu"; empty while none is loaded."""

    _arrived = Signal(int, object)

    def __init__(
        self,
        parent: QObject | None = None,
        *,
        registry: str = TASKS,
        options: ModelOptions | None = None,
    ) -> None:
        super().__init__(parent)
        self._registry = registry
        module, _, name = registry.partition(":")
        self._tasks: dict[str, Task] = getattr(importlib.import_module(module), name)
        self._options = options or ModelOptions()
        self._process: ModelProcess | None = None
        self._life = 0
        self._ready = False
        self._ready_at = 0.0
        self._early_deaths = 0
        self._closed = False
        self._state = "stopped"
        self._device = ""
        self._numbers = itertools.count(1)
        self._requests: dict[int, _Request] = {}
        self._arrived.connect(self._on_arrived, Qt.ConnectionType.QueuedConnection)

    @property
    def state(self) -> str:
        """starting, ready, busy, restarting or stopped."""
        return self._state

    @property
    def device(self) -> str:
        """Device(s) of the loaded models; empty while none is loaded."""
        return self._device

    @property
    def options(self) -> ModelOptions:
        """The user's choices of weights and devices."""
        return self._options

    @property
    def pid(self) -> int | None:
        """Id of the models' process, once it runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Spawn the process in the background; nothing happens when it runs already."""
        if self._process is None and not self._closed:
            self._early_deaths = 0
            self._spawn(0.0, "starting")

    def restart(self) -> None:
        """End the process, with whatever it is doing, and start a new one."""
        if self._closed:
            return
        for request in list(self._requests.values()):
            if request.sent:
                self._finish_failed(request, TaskError("The models were restarted: try again."))
        self._drop_process()
        self._early_deaths = 0
        self._spawn(0.0, "restarting")

    def shutdown(self) -> None:
        """End the process for good, within a second. Nothing is reported afterwards."""
        self._closed = True
        self._life += 1
        self._requests.clear()
        process, self._process = self._process, None
        if process is not None:
            process.stop()
        self._set_state("stopped")

    def configure(self, options: ModelOptions) -> None:
        """Take over the user's choices of weights and devices; kept over restarts."""
        if options == self._options:
            return
        self._options = options
        if self._process is not None:
            self._process.send(("configure", options))

    def submit(self, task: str, *, lane: str | None = None, **kwargs: Any) -> int:
        """Ask for a task.

        Args:
            task: a key of the tasks' registry.
            lane: a newer task of the same lane cancels the older ones.
            kwargs: the task's arguments; do not change arrays afterwards.
        Returns:
            The number that comes with every signal about this task.
        """
        request = _Request(next(self._numbers), task, kwargs, lane, self._tasks[task])
        if self._closed:
            return request.number
        if lane is not None:
            for older in [r for r in self._requests.values() if r.lane == lane]:
                self.cancel(older.number)
        self._requests[request.number] = request
        self.start()
        self._send_next()
        return request.number

    def cancel(self, number: int) -> None:
        """Stop a task, also in the middle of it; nothing happens when it has ended already."""
        request = self._requests.get(number)
        if request is None or request.cancelled:
            return
        if request.sent and self._process is not None:
            request.cancelled = True  # its place is taken until the process lets go
            self._process.send(("cancel", number))
        else:
            del self._requests[number]
        self.task_cancelled.emit(number)

    def _spawn(self, delay_s: float, state: str) -> None:
        self._life += 1
        self._ready = False
        life = self._life
        self._set_state(state)
        self._process = ModelProcess(
            self._registry, self._options, lambda event: self._arrived.emit(life, event), delay_s
        )

    def _drop_process(self) -> None:
        self._life += 1
        process, self._process = self._process, None
        self._ready = False
        if process is not None:
            process.abandon()
        self._requests = {n: r for n, r in self._requests.items() if not r.sent}
        self._set_device("")

    def _send_next(self) -> None:
        """Keep one long task in the process, and let urgent ones through beside it."""
        if not self._ready or self._process is None:
            return
        long_running = any(r.sent and not r.task.urgent for r in self._requests.values())
        urgent_running = any(r.sent and r.task.urgent for r in self._requests.values())
        for request in list(self._requests.values()):
            taken = urgent_running if request.task.urgent else long_running
            if request.sent or taken:
                continue
            request.sent = True
            self._process.send(("task", request.number, request.name, request.kwargs))
            if request.task.urgent:
                urgent_running = True
            else:
                long_running = True
        self._set_state("busy" if long_running else "ready")

    @Slot(int, object)
    def _on_arrived(self, life: int, event: Event) -> None:
        if life != self._life:
            return  # a process that was given up
        kind = event[0]
        if kind == "ready":
            self._ready = True
            self._ready_at = time.monotonic()
            if _WARM_UP in self._tasks and not self._early_deaths:
                self.submit(_WARM_UP, lane=_WARM_UP)
            self._send_next()
        elif kind == "died":
            self._on_died(event[1], event[2])
        elif kind == "device":
            self._set_device(event[1])
        else:
            self._on_task_event(kind, *event[1:])

    def _on_task_event(self, kind: str, number: int, *values: Any) -> None:
        request = self._requests.get(number)
        if request is None:
            return
        if kind in ("progress", "partial"):
            request.repeated = True  # what has been shown once must not come twice
            if not request.cancelled:
                signal = self.task_progress if kind == "progress" else self.task_partial
                signal.emit(number, *values)
            return
        del self._requests[number]
        self._send_next()
        if request.cancelled:
            return
        if kind == "done":
            self.task_succeeded.emit(number, values[0])
        elif kind == "cancelled":
            self.task_cancelled.emit(number)
        else:
            self.task_failed.emit(number, _rebuilt(*values))

    def _on_died(self, code: int | str | None, was_ready: bool) -> None:
        lived_s = time.monotonic() - self._ready_at if was_ready else 0.0
        self._early_deaths = 0 if lived_s > _STABLE_AFTER_S else self._early_deaths + 1
        log.warning("the models' process ended (%s)", code)
        under_way = [r for r in self._requests.values() if r.sent]
        self._process = None
        self._ready = False
        self._set_device("")
        hopeless = self._early_deaths >= _MAX_EARLY_DEATHS
        if not hopeless:
            self._spawn(_BACKOFF_S[self._early_deaths], "restarting")
        for request in under_way:
            if request.cancelled:
                del self._requests[request.number]
            elif request.task.repeatable and not request.repeated and not hopeless:
                request.sent, request.repeated = False, True
            else:
                self._finish_failed(request, TaskError(_death_sentence(code, hopeless)))
        if hopeless:
            self._set_state("stopped")
            for request in list(self._requests.values()):
                self._finish_failed(request, TaskError(_death_sentence(code, True)))

    def _finish_failed(self, request: _Request, error: PoseAppError) -> None:
        self._requests.pop(request.number, None)
        if not request.cancelled:
            self.task_failed.emit(request.number, error)

    def _set_state(self, state: str) -> None:
        if state != self._state:
            self._state = state
            self.state_changed.emit(state)

    def _set_device(self, device: str) -> None:
        if device != self._device:
            self._device = device
            self.device_changed.emit(device)


def _rebuilt(class_name: str, sentence: str) -> PoseAppError:
    kind = getattr(errors, class_name, TaskError)
    if not (isinstance(kind, type) and issubclass(kind, PoseAppError)):
        kind = TaskError
    return kind(sentence)


def _death_sentence(code: int | str | None, hopeless: bool) -> str:
    how = f"signal {-code}" if isinstance(code, int) and code < 0 else f"code {code}"
    if hopeless:
        return (
            f"The models' process does not stay alive ({how}): "
            "restart it in the Models panel, or reset the weights there."
        )
    return f"The models' process ended unexpectedly ({how}) and was started again: try once more."
