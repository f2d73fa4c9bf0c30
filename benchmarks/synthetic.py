"""How fast people are rendered: the renderer alone, pictures with labels, and samples of sets.

A figure is the time per picture of all processes together; the targets are 120 pictures a second
at 64x128 and 60 at 256x256 from two processes. A *picture* is a known person in a new pose, place,
light and view, with all labels. A *sample* is also encoded and, in crops256, in company and behind
things; every sixteenth dresses somebody new.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import statistics
import time
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier

from benchmarks.report import Row
from trainer.synthetic import backgrounds, lights
from trainer.synthetic import camera as cameras
from trainer.synthetic.render import render
from trainer.synthetic.sets import SETS
from trainer.synthetic.spread import ONE_THREAD
from trainer.synthetic.streams import stream
from trainer.synthetic.studio import Studio, open_studio
from trainer.synthetic.types import Figure

PEOPLE = 4
REPEATS = 12
# the set of each size, the pictures and samples drawn while measuring, and the target in ms
SAMPLES = (("pairs128", 320, 1000 / 120), ("crops256", 192, 1000 / 60))
PICTURES = "pictures of "  # instead of the set's samples
DRESSED_BEFORE = 60  # people: a set of thousands has fitted every garment soon after its start


def measure() -> list[Row]:
    """The renderer on one core, then both sets by one process and by two."""
    os.environ.update(ONE_THREAD)
    begin = time.perf_counter()
    studio = open_studio()
    source = studio.assets.source
    rows = [
        Row(f"render {w}x{h}, {source}, one process", _render_ms(studio, (w, h)), "ms")
        for w, h in ((64, 128), (256, 256))
    ]
    rows.append(
        Row("open the studio, compile, dress four people", time.perf_counter() - begin, "s")
    )
    for name, count, target in SAMPLES:
        width, height = SETS[name].size
        title = f"{name} sample {width}x{height} with labels, {source}"
        rows.append(Row(f"{title}, one process", _samples_ms(name, count, 1), "ms"))
        rows.append(Row(f"{title}, two processes", _samples_ms(name, count, 2), "ms"))
        title = f"picture {width}x{height} with labels, {source}, two processes"
        rows.append(Row(title, _samples_ms(PICTURES + name, count, 2), "ms", target))
    return rows


def _render_ms(studio: Studio, size: tuple[int, int]) -> float:
    """Median time of `render` for some people whose meshes are known to it."""
    taken = []
    for seed in range(PEOPLE):
        rng = stream(seed, "benchmark")
        person = studio.random_person(seed)
        posed = studio.pose(person, studio.bank.sample(rng))
        character = studio.character(person)
        camera = cameras.full_body(rng, cameras.drawn(character, posed), size)
        kind = backgrounds.KINDS[seed % len(backgrounds.KINDS)]
        light = lights.sample(rng, kind)
        backdrop = backgrounds.paint(rng, camera, light, kind)
        figures = [Figure(character.mesh, posed.positions, 1)]
        render(figures, camera, light, backdrop)
        for _ in range(REPEATS):
            begin = time.perf_counter()
            render(figures, camera, light, backdrop)
            taken.append(time.perf_counter() - begin)
    return 1000.0 * statistics.median(taken)


def _samples_ms(name: str, count: int, processes: int) -> float:
    """Time per sample of a set when so many processes draw it."""
    context = multiprocessing.get_context("spawn")
    ready: Barrier = context.Barrier(processes)
    ends: Queue[tuple[float, float]] = context.Queue()
    share = count // processes
    workers = [
        context.Process(target=_draw, args=(name, 1600 * (k + 1), share, ready, ends), daemon=True)
        for k in range(processes)
    ]
    for worker in workers:
        worker.start()
    times: list[tuple[float, float]] = []
    while len(times) < processes:
        try:
            times.append(ends.get(timeout=1.0))
        except queue.Empty:
            if any(worker.exitcode for worker in workers):
                ready.abort()  # or the others would wait for it
                raise RuntimeError(f"A process that draws {name} ended early") from None
    for worker in workers:
        worker.join()
    began, ended = zip(*times, strict=True)
    return 1000.0 * (max(ended) - min(began)) / (share * processes)


def _draw(
    name: str, first: int, count: int, ready: Barrier, ends: Queue[tuple[float, float]]
) -> None:
    """Draw samples in a process of its own and tell when this began and ended."""
    studio = open_studio()
    if name.startswith(PICTURES):
        size = SETS[name.removeprefix(PICTURES)].size
        for index in range(2 * PEOPLE):
            _picture(studio, index, size)
        ready.wait(timeout=300)
        begin = time.time()
        for index in range(first, first + count):
            _picture(studio, index, size)
        ends.put((begin, time.time()))
        return
    draw = SETS[name].draw
    for seed in range(DRESSED_BEFORE):
        studio.character(studio.random_person(seed))
    for index in range(SETS[name].per_identity):
        draw(studio, 1, index)
    ready.wait(timeout=300)
    begin = time.time()
    for index in range(first, first + count):  # whole identities, new ones
        draw(studio, 1, index)
    ends.put((begin, time.time()))


def _picture(studio: Studio, index: int, size: tuple[int, int]) -> None:
    """One of a few people in a new pose, place and light, from a new side, and all labels."""
    rng = stream(index, "benchmark")
    person = studio.random_person(index % PEOPLE)
    posed = studio.pose(person, studio.bank.sample(rng), turn_rad=float(rng.uniform(-3.1, 3.1)))
    camera = cameras.full_body(rng, cameras.drawn(studio.character(person), posed), size)
    kind = str(rng.choice(backgrounds.KINDS))
    light = lights.sample(rng, kind, camera=camera)
    studio.picture([(person, posed)], camera, light, background=rng, kind=kind)
