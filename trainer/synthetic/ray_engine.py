"""Drawing shards over a Ray cluster, or over a local one. Torch-free.

Ray runs the same `spread.draw_shard` as the processes of one machine; a task whose worker dies is
run again elsewhere. Every node needs PoseApp with Ray, and the data at the same path.
"""

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from trainer.errors import DataError
from trainer.synthetic.shards import Packed
from trainer.synthetic.spread import ATTEMPTS, ONE_THREAD, Job, draw_shard

_AHEAD = 2
"""Shards that wait for each core, so that none idles; more would only fill the object store."""

_STORE_BYTES = 512 * 1024**2


@dataclass
class RayEngine:
    """The engine of a cluster.

    Attributes:
        workers: cores of the local cluster, or at most so many of the one at `address`.
        address: "ray://host:port", "host:port" or "auto"; None starts a local cluster.
    """

    workers: int
    address: str | None = None

    def __call__(self, jobs: Iterable[Job], tell: Callable[[int], None]) -> Iterator[Packed]:
        """Draw the jobs; a worker that dies is replaced and its shard drawn again."""
        ray = _imported()
        waiting = list(jobs)[::-1]
        own = not ray.is_initialized()
        if own:
            self._start(ray)
        running: list[Any] = []
        try:
            task = ray.remote(num_cpus=1, max_retries=ATTEMPTS - 1)(draw_shard)
            cores = max(1, min(self.workers, int(ray.cluster_resources().get("CPU", 1))))
            while waiting or running:
                while waiting and len(running) < _AHEAD * cores:
                    running.append(task.remote(waiting.pop()))
                done, running = ray.wait(running, num_returns=1)
                packed: Packed = _result(ray, done[0])
                del done  # else the object store keeps the shard
                tell(sum(count for _, count in packed.splits))
                yield packed
        finally:
            for left in running:
                ray.cancel(left, force=True)
            if own:
                ray.shutdown()

    def _start(self, ray: Any) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        options: dict[str, Any] = {
            "log_to_driver": False,
            "logging_level": logging.ERROR,
            "runtime_env": {"env_vars": ONE_THREAD},
        }
        if self.address:
            options |= {"address": self.address}
        else:
            options |= {
                "address": "local",
                "num_cpus": self.workers,
                "num_gpus": 0,
                "include_dashboard": False,
                "object_store_memory": _STORE_BYTES,
            }
        try:
            ray.init(**options)
        except (ConnectionError, RuntimeError, ValueError, OSError) as exc:
            where = f"the Ray cluster at {self.address}" if self.address else "a local Ray cluster"
            why = (str(exc).strip().splitlines() or [type(exc).__name__])[0].rstrip(".")
            raise DataError(
                f"Cannot reach {where} ({why}): check --ray-address, or use --engine processes."
            ) from exc


def _imported() -> Any:
    try:
        import ray
    except ImportError as exc:
        raise DataError(
            'Ray is not installed: run pip install "poseapp[cluster]", or use --engine processes.'
        ) from exc
    return ray


def _result(ray: Any, reference: Any) -> Packed:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as exc:
        cause = exc.cause if isinstance(exc.cause, Exception) else exc
        if isinstance(cause, DataError):
            raise DataError(str(cause)) from exc
        last = str(exc).strip().splitlines()[-1]
        raise DataError(f"The drawing stopped on a node of the cluster ({last}).") from exc
    except ray.exceptions.RayError as exc:
        raise DataError(
            f"A worker of the cluster died {ATTEMPTS} times on the same shard "
            f"({type(exc).__name__}): if memory ran out, run the same command again with fewer "
            "--workers; the shards that are done stay."
        ) from exc
