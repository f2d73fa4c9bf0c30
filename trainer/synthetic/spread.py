"""Drawing shards in several processes. Torch-free.

A worker draws whole shards in its memory and sends their bytes; only the process that was started
writes. So a worker can die at any moment, on this machine or on another, and its shard is drawn
again by the next. `ray_engine.py` does the same over a cluster.
"""

import importlib
import logging
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

from trainer.errors import DataError, TrainerError
from trainer.synthetic import shards
from trainer.synthetic.shards import Packed, Plan, SetFolder

Draw = Callable[[int, int], Mapping[str, bytes]]
"""Draws the sample of (seed, index): files by ending, in order."""

ATTEMPTS = 3
"""How often a shard is begun before a run gives up, should workers die on it."""

ONE_THREAD = {
    f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMBA", "VECLIB")
}
"""Processes share the cores; threads within each would only get in their way."""

_REPORT_S = 0.25
_END_S = 2.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Drawing:
    """What draws samples, as names, so that it can travel to other processes and machines.

    Attributes:
        maker: "module:function", called once a process with `arguments`; hands back a `Draw`.
    """

    maker: str
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Job:
    """One shard to draw."""

    drawing: Drawing
    number: int
    seed: int
    first: int
    count: int


class Engine(Protocol):
    """Draws jobs somewhere and hands back the shards as they are done, in any order.

    `tell` is called with the number of samples drawn since the last call.
    """

    def __call__(self, jobs: Iterable[Job], tell: Callable[[int], None]) -> Iterator[Packed]:
        """Draw; closing the iterator stops the work."""
        ...


def fill(
    folder: SetFolder, drawing: Drawing, engine: Engine, tell: Callable[[int], None] | None = None
) -> int:
    """Draw what a folder misses; returns how many samples that was."""
    before = folder.done()
    jobs = jobs_of(folder.plan, folder.missing(), drawing)
    done = engine(jobs, tell or (lambda _: None))
    try:
        for packed in done:
            folder.add(packed)
    finally:
        close = getattr(done, "close", None)
        if close:
            close()
    return folder.done() - before


def jobs_of(plan: Plan, numbers: Iterable[int], drawing: Drawing) -> list[Job]:
    """The jobs that draw some shards of a plan."""
    spans = ((number, plan.span(number)) for number in numbers)
    return [Job(drawing, number, plan.seed, span.start, len(span)) for number, span in spans]


def draw_shard(job: Job, tell: Callable[[int], None] | None = None) -> Packed:
    """Draw one shard: what every engine runs. The same job gives the same bytes anywhere."""
    draw = _made(job.drawing)

    def samples() -> Iterator[tuple[int, Mapping[str, bytes]]]:
        for index in range(job.first, job.first + job.count):
            try:
                yield index, draw(job.seed, index)
            except (TrainerError, MemoryError):
                raise
            except Exception as exc:
                raise DataError(
                    f"Picture {index} of seed {job.seed} cannot be drawn ({_said(exc)})."
                ) from exc
            if tell:
                tell(1)

    return shards.pack(job.number, samples())


@lru_cache(maxsize=1)
def _made(drawing: Drawing) -> Draw:
    """Opened once a process: the assets take a second to load."""
    module, _, function = drawing.maker.partition(":")
    return getattr(importlib.import_module(module), function)(*drawing.arguments)


# -- processes on this machine --


@dataclass
class Processes:
    """The engine of one machine: as many processes as `workers`."""

    workers: int

    def __call__(self, jobs: Iterable[Job], tell: Callable[[int], None]) -> Iterator[Packed]:
        """Draw the jobs; a worker that dies is replaced and its shard drawn again."""
        waiting = deque(_Attempt(job) for job in jobs)
        team: dict[Any, _Worker] = {}
        try:
            for _ in range(min(self.workers, len(waiting))):
                _add_worker(team, waiting.popleft())
            while team:
                for connection in wait(list(team)):
                    yield from _heard(team, connection, waiting, tell)
        finally:
            for worker in team.values():
                worker.process.kill()  # it writes nothing, so nothing can be cut in half
            for connection, worker in team.items():
                worker.process.join(_END_S)
                connection.close()


@dataclass
class _Attempt:
    job: Job
    begun: int = 0
    drawn: int = 0


@dataclass
class _Worker:
    process: BaseProcess
    attempt: _Attempt = field(repr=False)


def _heard(
    team: dict[Any, _Worker],
    connection: Any,
    waiting: deque[_Attempt],
    tell: Callable[[int], None],
) -> Iterator[Packed]:
    """Take one message of a worker, or its death."""
    worker = team[connection]
    attempt = worker.attempt
    try:
        kind, value = connection.recv()
    except (EOFError, OSError):
        _replace_worker(team, connection)
        tell(-attempt.drawn)
        return
    if kind == "drawn":
        attempt.drawn += value
        tell(value)
    elif kind == "failed":
        sentence, trace = value
        raise DataError(sentence) from _FarError(trace)
    else:
        if waiting:
            _send(connection, worker, waiting.popleft())
        else:
            del team[connection]
            connection.close()  # tells it to end
            worker.process.join(_END_S)
        tell(attempt.job.count - attempt.drawn)
        yield value


def _add_worker(team: dict[Any, _Worker], attempt: _Attempt) -> None:
    here, there = _context().Pipe()
    process = _context().Process(target=_work, args=(there,), daemon=True)
    with _quiet_interrupts(), _environment(ONE_THREAD):
        process.start()
    there.close()
    team[here] = _Worker(process, attempt)
    _send(here, team[here], attempt)


def _replace_worker(team: dict[Any, _Worker], connection: Any) -> None:
    worker = team.pop(connection)
    connection.close()
    worker.process.join(_END_S)
    attempt, code = worker.attempt, worker.process.exitcode
    how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
    if attempt.begun >= ATTEMPTS:
        raise DataError(
            f"A worker died {attempt.begun} times while it drew shard {attempt.job.number} (the "
            f"last time with {how}): if memory ran out, run the same command again with fewer "
            "--workers; the shards that are done stay."
        )
    _log.warning("A worker died (%s): shard %d is drawn again.", how, attempt.job.number)
    _add_worker(team, attempt)


def _send(connection: Any, worker: _Worker, attempt: _Attempt) -> None:
    worker.attempt = attempt
    attempt.begun += 1
    attempt.drawn = 0
    try:
        connection.send(attempt.job)
    except OSError:
        _log.debug("the worker is gone; reading from it will tell")


def _work(connection: Any) -> None:
    """What a worker process does, until the other end of the pipe is closed or dead."""
    try:
        while True:
            job = connection.recv()
            try:
                packed = draw_shard(job, _Teller(connection))
            except OSError as exc:
                if isinstance(exc, (BrokenPipeError, ConnectionError)):
                    return
                connection.send(("failed", (f"The drawing stopped: {exc}.", _trace())))
            except TrainerError as exc:
                connection.send(("failed", (str(exc), _trace())))
            except MemoryError:
                connection.send(("failed", (_NO_MEMORY, _trace())))
            except Exception as exc:
                sentence = f"The drawing cannot begin ({_said(exc)})."
                connection.send(("failed", (sentence, _trace())))
            else:
                connection.send(("done", packed))
    except (EOFError, OSError):
        return


class _Teller:
    """Sends how many samples were drawn, a few times a second."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._unsaid = 0
        self._said_at = time.monotonic()

    def __call__(self, count: int) -> None:
        self._unsaid += count
        now = time.monotonic()
        if now - self._said_at >= _REPORT_S:
            self._connection.send(("drawn", self._unsaid))
            self._unsaid, self._said_at = 0, now


class _FarError(Exception):
    """The traceback of another process."""


_NO_MEMORY = (
    "The memory ran out: run the same command again with fewer --workers; the shards that are done "
    "stay."
)


def _said(exc: Exception) -> str:
    """An error of any library in one line."""
    text = " ".join(str(exc).split())
    return f"{type(exc).__name__}: {text[:200]}".removesuffix(": ").rstrip(".")


def _trace() -> str:
    import traceback

    return traceback.format_exc()


def _context() -> Any:
    return multiprocessing.get_context("spawn")  # a fork would copy locks that others hold


@contextmanager
def _quiet_interrupts() -> Iterator[None]:
    """Processes begun in here never see Ctrl+C: the one that was started ends them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # else starting it would take the mask off again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Environment variables that a child must find before it imports anything."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
