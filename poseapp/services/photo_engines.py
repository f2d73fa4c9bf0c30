"""Photos of a batch, one after the other here, in several processes, or over a Ray cluster.

Whoever runs a batch writes its results; workers hand back what they found, so that one of them can
die at any moment and the batch goes on with `--resume`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from pathlib import Path
from typing import Any

from poseapp.core.errors import PoseAppError, TaskError
from poseapp.services.local import LocalEngine
from poseapp.services.models import ModelOptions

ENGINES = ("here", "processes", "ray")

Outcome = tuple[Path, dict[str, Any] | str]
"""A photo with what was found in it, or why it could not be used."""

Each = Callable[[Path], dict[str, Any]]
"""Further arguments of one item, made when its turn comes; PoseAppError where it cannot be used."""

_AHEAD = 2  # photos that wait for each worker
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run(
    photos: Sequence[Path],
    request: Mapping[str, Any],
    options: ModelOptions,
    engine: str = "here",
    workers: int = 0,
    address: str | None = None,
    task: str = "detect_file",
    each: Each | None = None,
) -> Iterator[Outcome]:
    """Work through photos; outcomes come as they are ready.

    Args:
        request: arguments of the task.
        workers: processes, or cores of a local Ray cluster; 0 = as many as the machine has.
        address: of a Ray cluster; None starts a local one.
        task: what is done with each photo.
        each: further arguments of one; None gives the task the photo's path, or its bytes where
            others do not see that path.
    Raises:
        TaskError: the engine itself cannot go on.
    """
    count = workers or os.cpu_count() or 1
    if engine == "processes":
        prepared = _prepared(photos, dict(request), each, False)
        return _in_processes(prepared, task, options, min(count, max(len(photos), 1)))
    if engine == "ray":
        prepared = _prepared(photos, dict(request), each, True)
        return _over_ray(prepared, task, options, count, address)
    local = LocalEngine(options)
    return (
        (path, found if isinstance(found, str) else _outcome(local, task, path, found))
        for path, found in _prepared(photos, dict(request), each, False)
    )


def _prepared(
    photos: Sequence[Path], request: dict[str, Any], each: Each | None, travels: bool
) -> Iterator[Outcome]:
    """Arguments for each photo, or why there are none."""
    for path in photos:
        try:
            if each is not None:
                yield path, {**request, **each(path)}
                continue
            data = None
            if travels:
                from poseapp.core.photo import read_photo

                data = read_photo(path)
            yield path, {**request, "path": str(path), "data": data}
        except PoseAppError as error:
            yield path, _named(str(error), path)


def _outcome(
    engine: LocalEngine, task: str, path: Path, arguments: dict[str, Any]
) -> dict[str, Any] | str:
    """What was found, or one sentence: a bad photo must not stop the others."""
    try:
        return dict(engine.run(task, **arguments))
    except PoseAppError as exc:
        return _named(str(exc), path)
    except MemoryError:
        return f"{path.name}: there is not enough memory for this photo."
    except Exception as exc:
        reason = " ".join(str(exc).split())[:200] or type(exc).__name__
        return f"{path.name}: this could not be done ({reason})."


def _named(sentence: str, path: Path) -> str:
    return sentence if path.name in sentence else f"{path.name}: {sentence}"


@lru_cache(maxsize=1)
def _engine(options: str) -> LocalEngine:
    """The models of a worker, loaded once."""
    import json

    return LocalEngine(ModelOptions(**json.loads(options)))


def _work(task: str, path: str, arguments: dict[str, Any], options: str) -> Any:
    return _outcome(_engine(options), task, Path(path), arguments)


def _as_text(options: ModelOptions) -> str:
    import dataclasses
    import json

    return json.dumps(dataclasses.asdict(options), sort_keys=True)


# -- processes of this machine ---------------------------------------------------------------


def _in_processes(
    prepared: Iterator[Outcome], task: str, options: ModelOptions, workers: int
) -> Iterator[Outcome]:
    import multiprocessing

    text = _as_text(options)
    more = True
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))  # processes share the cores
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))
    running: dict[Future[Any], Path] = {}
    try:
        while more or running:
            while more and len(running) < _AHEAD * workers:
                path, found = next(prepared, (None, ""))
                if path is None:
                    more = False
                elif isinstance(found, str):
                    yield path, found
                else:
                    running[pool.submit(_work, task, str(path), found, text)] = path
            if not running:
                continue
            ready, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in ready:
                path = running.pop(future)
                try:
                    outcome = future.result()
                except BrokenProcessPool as exc:
                    raise TaskError(
                        "A worker died, maybe because memory ran out: run the same command with"
                        " --resume and fewer --workers; what is done stays."
                    ) from exc
                yield path, outcome
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


# -- a cluster -------------------------------------------------------------------------------


def _over_ray(
    prepared: Iterator[Outcome],
    name: str,
    options: ModelOptions,
    workers: int,
    address: str | None,
) -> Iterator[Outcome]:
    """Photos travel to the nodes as bytes: only PoseApp and the weights must be there."""
    try:
        import ray
    except ImportError as exc:
        raise TaskError(
            'Ray is not installed: run `pip install "poseapp[cluster]"`, or use --engine processes.'
        ) from exc
    text = _as_text(options)
    more = True
    own = not ray.is_initialized()
    if own:
        _start(ray, workers, address)
    running: dict[Any, Path] = {}
    try:
        task = ray.remote(num_cpus=1, max_retries=2)(_work)
        cores = max(1, min(workers, int(ray.cluster_resources().get("CPU", 1))))
        while more or running:
            while more and len(running) < _AHEAD * cores:
                path, found = next(prepared, (None, ""))
                if path is None:
                    more = False
                elif isinstance(found, str):
                    yield path, found
                else:
                    running[task.remote(name, str(path), found, text)] = path
            if not running:
                continue
            ready, _ = ray.wait(list(running), num_returns=1)
            path = running.pop(ready[0])
            yield path, _fetched(ray, ready[0], path)
    finally:
        for left in running:
            ray.cancel(left, force=True)
        if own:
            ray.shutdown()


def _start(ray: Any, workers: int, address: str | None) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    settings: dict[str, Any] = {
        "log_to_driver": False,
        "logging_level": logging.ERROR,
        "runtime_env": {"env_vars": dict.fromkeys(_ONE_THREAD, "1")},
        "address": address or "local",
    }
    if address is None:
        settings |= {"num_cpus": workers, "num_gpus": 0, "include_dashboard": False}
        settings["object_store_memory"] = 512 * 2**20
    try:
        ray.init(**settings)
    except (ConnectionError, RuntimeError, ValueError, OSError) as exc:
        reason = " ".join(str(exc).split())[:200]
        raise TaskError(f"The Ray cluster cannot be reached ({reason}): check --address.") from exc


def _fetched(ray: Any, reference: Any, path: Path) -> dict[str, Any] | str:
    try:
        outcome: dict[str, Any] | str = ray.get(reference)
    except ray.exceptions.RayError as exc:
        reason = " ".join(str(exc).split())[:200]
        return f"{path.name}: the worker failed ({reason})."
    return outcome
