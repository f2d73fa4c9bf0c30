"""One life of the models' process, seen from the window: two threads that only move messages."""

from __future__ import annotations

import contextlib
import multiprocessing
import queue
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from poseapp.services import frames, worker
from poseapp.services.models import ModelOptions

_START_TIMEOUT_S = 60.0
_JOIN_S = 0.4

Event = tuple[Any, ...]


class ModelProcess:
    """Spawns the process in the background and passes its messages on.

    `on_event` is called from a thread, with what the process sends and at last, once, with
    ("died", exit code or None, True when it had been ready). A process is never started twice.
    """

    def __init__(
        self,
        registry: str,
        options: ModelOptions,
        on_event: Callable[[Event], None],
        delay_s: float,
    ) -> None:
        self._registry = registry
        self._options = options
        self._on_event = on_event
        self._delay_s = delay_s
        self._outbox: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._process: Any = None
        # Spawning takes some milliseconds and a full pipe blocks: neither may hold up the window.
        self._reader = threading.Thread(target=self._read, name="models-reader", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int | None:
        """Process id once it runs."""
        return None if self._process is None else self._process.pid

    def send(self, message: Event) -> None:
        """Queue a message; returns at once."""
        self._outbox.put(message)

    def stop(self) -> None:
        """End the process, by force if it does not answer; returns within a second."""
        self._stopping.set()
        self._outbox.put(("stop",))
        self._outbox.put(None)
        self._reader.join(_JOIN_S / 2)
        if self._reader.is_alive():
            self._kill()  # it holds nothing that could be lost
            self._reader.join(_JOIN_S)

    def abandon(self) -> None:
        """End the process without waiting for it."""
        self._stopping.set()
        self._outbox.put(None)
        self._kill()

    def _kill(self) -> None:
        process = self._process
        if process is not None:
            with contextlib.suppress(OSError):
                process.kill()

    def _read(self) -> None:
        if self._stopping.wait(self._delay_s):
            return
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(
            target=worker.main,
            args=(there, self._registry, self._options),
            name="poseapp-models",
            daemon=True,
        )
        try:
            process.start()
        except OSError as exc:
            self._tell(("died", str(exc), False))
            return
        finally:
            there.close()
        self._process = process
        ready = False
        writer = threading.Thread(
            target=self._write, args=(here,), name="models-writer", daemon=True
        )
        writer.start()
        try:
            if not self._stopping.is_set() and here.poll(_START_TIMEOUT_S):
                while not self._stopping.is_set():
                    message = frames.receive(here)
                    ready = ready or message[0] == "ready"
                    self._tell(message)
        except (EOFError, OSError):
            pass
        self._outbox.put(None)
        process.join(_JOIN_S / 4)
        if process.is_alive():
            process.kill()
            process.join(_JOIN_S)
        writer.join(_JOIN_S)
        with contextlib.suppress(OSError):
            here.close()
        self._tell(("died", process.exitcode, ready))

    def _write(self, connection: Connection) -> None:
        while (message := self._outbox.get()) is not None:
            try:
                frames.send(connection, message)
            except OSError:
                return  # the reader sees the end too, and tells
            except Exception as exc:  # arguments that cannot travel concern one task only
                sentence = f"The request could not be sent to the models ({exc})."
                self._tell(("failed", message[1], "TaskError", sentence))

    def _tell(self, event: Event) -> None:
        # The receiver may be a deleted Qt object when the application closes.
        with contextlib.suppress(RuntimeError):
            self._on_event(event)
