"""A drawing that needs no assets: what the tests of shards draw in their workers."""

import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from trainer.synthetic import streams


def maker(
    pause_s: float = 0.0, trace: str = "", deadly: int = -1, faulty: int = -1, times: int = 1
) -> Callable[[int, int], Mapping[str, bytes]]:
    """A draw function.

    Args:
        pause_s: time that each sample takes.
        trace: a folder that gets a file named after each process that draws, and one for each
            death.
        deadly: the process dies of SIGKILL at this sample, the first `times` times.
        faulty: drawing this sample raises.
    """

    if trace:
        Path(trace, f"process-{os.getpid()}").touch()

    def draw(seed: int, index: int) -> Mapping[str, bytes]:
        time.sleep(pause_s)
        if index == deadly:
            deaths = len(list(Path(trace).glob("death-*")))
            if deaths < times:
                Path(trace, f"death-{deaths}").touch()
                os.kill(os.getpid(), signal.SIGKILL)
        if index == faulty:
            raise ValueError("no such hat")
        rng = streams.stream(seed, "test", index)
        split = ("train", "train", "validation", "test")[index // 8 % 4]
        labels = {"index": index, "split": split, "identity": index // 8}
        return {
            "jpg": rng.bytes(int(rng.integers(40, 900))),
            "mask.png": rng.bytes(int(rng.integers(0, 90))),
            "json": json.dumps(labels).encode(),
        }

    return draw


def memory_mb(process: int) -> float:
    """The memory that a process holds."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def noise(size: tuple[int, int], seed: int) -> np.ndarray:
    """(h, w, 3) uint8, smooth enough to survive JPEG."""
    import cv2

    rng = np.random.default_rng(seed)
    return cv2.resize(
        rng.integers(0, 255, (4, 4, 3), np.uint8), size, interpolation=cv2.INTER_CUBIC
    )
