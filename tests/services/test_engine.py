"""The models' process as the window sees it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QObject, QTimer, Slot

from poseapp.core.errors import TaskError, WeightsError
from poseapp.services.engine import Engine

WAIT_MS = 20_000


def test_result_comes_back(qtbot, engine: Engine, record) -> None:
    values = np.arange(300_000, dtype=np.float32)  # large enough to travel beside the pickle
    number = engine.submit("double", values=values)
    qtbot.waitUntil(lambda: record.ended(number), timeout=WAIT_MS)
    kind, _, result = record.of(number)[-1]
    assert kind == "succeeded"
    np.testing.assert_array_equal(result, values * 2)
    assert record.states[0] == "starting"
    qtbot.waitUntil(lambda: engine.state == "ready", timeout=WAIT_MS)


def test_partials_come_in_order_before_the_result(qtbot, engine: Engine, record) -> None:
    number = engine.submit("count", steps=5)
    qtbot.waitUntil(lambda: record.ended(number), timeout=WAIT_MS)
    assert [e[2] for e in record.of(number, "partial")] == [0, 1, 2, 3, 4]
    assert record.events[-1] == ("succeeded", number, 5)
    assert record.of(number, "progress")


def test_newest_of_a_lane_wins(qtbot, engine: Engine, record) -> None:
    numbers = [engine.submit("count", lane="caption", steps=30) for _ in range(3)]
    other = engine.submit("double", values=np.ones(3))
    last = numbers[-1]
    qtbot.waitUntil(lambda: record.ended(last) and record.ended(other), timeout=WAIT_MS)
    assert [record.of(n)[-1][0] for n in numbers] == ["cancelled", "cancelled", "succeeded"]
    assert not record.of(numbers[1], "partial")


def test_cancel_in_the_middle(qtbot, engine: Engine, record) -> None:
    number = engine.submit("count", steps=10_000)
    qtbot.waitUntil(lambda: len(record.of(number, "partial")) > 3, timeout=WAIT_MS)
    engine.cancel(number)
    assert record.of(number)[-1] == ("cancelled", number)
    following = engine.submit("double", values=np.ones(3))
    qtbot.waitUntil(lambda: record.ended(following), timeout=WAIT_MS)
    assert record.of(number)[-1] == ("cancelled", number)  # nothing of it came after the cancel
    assert len(record.of(number, "cancelled")) == 1


def test_urgent_task_runs_inside_a_long_one(qtbot, engine: Engine, record) -> None:
    long = engine.submit("count", steps=200)
    qtbot.waitUntil(lambda: bool(record.of(long, "partial")), timeout=WAIT_MS)
    urgent = engine.submit("urgent_double", lane="lift", values=np.ones(3))
    qtbot.waitUntil(lambda: record.ended(urgent), timeout=WAIT_MS)
    assert record.of(urgent)[-1][0] == "succeeded"
    assert not record.ended(long)
    assert engine.state == "busy"


@pytest.mark.parametrize(
    ("kind", "error", "word"),
    [("weights", WeightsError, "some.safetensors"), ("memory", TaskError, "memory"),
     ("other", TaskError, "by nought")],
)  # fmt: skip
def test_errors_cross_as_one_sentence(
    qtbot, engine: Engine, record, kind: str, error: type, word: str
) -> None:
    number = engine.submit("fail", kind=kind)
    qtbot.waitUntil(lambda: record.ended(number), timeout=WAIT_MS)
    raised = record.of(number)[-1][2]
    assert type(raised) is error
    assert word in str(raised)
    assert "\n" not in str(raised)
    assert engine.state in ("ready", "busy")


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_in_the_middle_restarts(qtbot, engine: Engine, record) -> None:
    number = engine.submit("count", steps=10_000)
    qtbot.waitUntil(lambda: len(record.of(number, "partial")) > 3, timeout=WAIT_MS)
    first = engine.pid
    os.kill(first, signal.SIGKILL)
    qtbot.waitUntil(lambda: record.ended(number), timeout=WAIT_MS)
    kind, _, error = record.of(number)[-1]
    assert kind == "failed"
    assert isinstance(error, TaskError)
    assert "signal 9" in str(error)
    assert "try once more" in str(error)
    following = engine.submit("double", values=np.ones(3))
    qtbot.waitUntil(lambda: record.ended(following), timeout=WAIT_MS)
    assert record.of(following)[-1][0] == "succeeded"
    assert "restarting" in record.states
    assert engine.pid != first


def test_repeatable_task_is_run_once_more(qtbot, engine: Engine, record, tmp_path: Path) -> None:
    number = engine.submit("die_once", marker=str(tmp_path / "died"))
    qtbot.waitUntil(lambda: record.ended(number), timeout=WAIT_MS)
    assert record.of(number)[-1] == ("succeeded", number, "survived")


def test_waiting_task_survives_the_death_of_another(qtbot, engine: Engine, record) -> None:
    deadly, waiting = engine.submit("die"), engine.submit("double", values=np.ones(3))
    qtbot.waitUntil(lambda: record.ended(waiting), timeout=WAIT_MS)
    assert record.of(deadly)[-1][0] == "failed"
    assert record.of(waiting)[-1][0] == "succeeded"


def test_gives_up_when_it_cannot_start(qtbot, make_engine, record_of, monkeypatch) -> None:
    engine = make_engine()
    record = record_of(engine)
    monkeypatch.setattr(engine, "_registry", "engine_tasks:NOT_THERE")
    monkeypatch.setattr("poseapp.services.engine._BACKOFF_S", (0.0, 0.0, 0.0, 0.0))
    number = engine.submit("double", values=np.ones(3))
    qtbot.waitUntil(lambda: record.ended(number), timeout=60_000)
    assert "does not stay alive" in str(record.of(number)[-1][2])
    assert engine.state == "stopped"
    monkeypatch.setattr(engine, "_registry", "engine_tasks:TASKS")
    again = engine.submit("double", values=np.ones(3))  # asking again tries again
    qtbot.waitUntil(lambda: record.ended(again), timeout=WAIT_MS)
    assert record.of(again)[-1][0] == "succeeded"


def test_arguments_that_cannot_travel_fail_alone(qtbot, engine: Engine, record) -> None:
    number = engine.submit("double", values=lambda: None)
    following = engine.submit("double", values=np.ones(3))
    qtbot.waitUntil(lambda: record.ended(number) and record.ended(following), timeout=WAIT_MS)
    assert record.of(number)[-1][0] == "failed"
    assert record.of(following)[-1][0] == "succeeded"


def test_restart_by_hand(qtbot, engine: Engine, record) -> None:
    number = engine.submit("count", steps=10_000)
    qtbot.waitUntil(lambda: bool(record.of(number, "partial")), timeout=WAIT_MS)
    engine.restart()
    assert record.of(number)[-1][0] == "failed"
    following = engine.submit("double", values=np.ones(3))
    qtbot.waitUntil(lambda: record.ended(following), timeout=WAIT_MS)
    assert record.of(following)[-1][0] == "succeeded"


@pytest.mark.parametrize("when", ["at once", "idle", "busy"])
def test_shutdown_is_quick_and_leaves_no_process(qtbot, make_engine, record_of, when: str) -> None:
    engine = make_engine()
    record = record_of(engine)
    if when == "at once":
        engine.start()
    else:
        number = engine.submit("count", steps=1 if when == "idle" else 10_000)
        qtbot.waitUntil(lambda: bool(record.of(number, "partial")), timeout=WAIT_MS)
    process = engine._process
    began = time.perf_counter()
    engine.shutdown()
    assert time.perf_counter() - began < 1.0
    if process.pid is not None:
        process._reader.join(5)
        assert not process._process.is_alive()
    assert engine.submit("double", values=np.ones(1)) > 0  # harmless afterwards
    engine.shutdown()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_no_process_outlives_a_killed_window(tmp_path: Path) -> None:
    script = tmp_path / "window.py"
    script.write_text(
        "import sys\n"
        "from PySide6.QtCore import QCoreApplication\n"
        "from poseapp.services.engine import Engine\n"
        "def main():\n"
        "    app = QCoreApplication([])\n"
        "    engine = Engine(registry='engine_tasks:TASKS')\n"
        "    engine.task_partial.connect(lambda n, p: p == 3 and print(engine.pid, flush=True))\n"
        "    engine.submit('count', steps=100_000)\n"
        "    app.exec()\n"
        "if __name__ == '__main__':\n"
        "    main()\n",
        "utf-8",
    )
    here = Path(__file__).resolve()
    paths = os.pathsep.join([str(here.parents[2]), str(here.parent)])
    window = subprocess.Popen(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        text=True,
    )
    child = int(window.stdout.readline())
    assert _runs(child)
    window.kill()
    window.wait()
    until = time.monotonic() + 10
    while _runs(child) and time.monotonic() < until:
        time.sleep(0.02)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def test_environment_is_set_before_torch(qtbot, engine: Engine, record, monkeypatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    number = engine.submit("environment", name="OMP_WAIT_POLICY")
    qtbot.waitUntil(lambda: record.ended(number), timeout=WAIT_MS)
    assert record.of(number)[-1][2] == "PASSIVE"


class _Pulse(QObject):
    """Measures how long the event loop is away."""

    def __init__(self) -> None:
        super().__init__()
        self.gaps: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer(self)
        self._timer.setInterval(2)
        self._timer.timeout.connect(self._on_beat)
        self._timer.start()

    @Slot()
    def _on_beat(self) -> None:
        now = time.perf_counter()
        self.gaps.append(now - self._last)
        self._last = now


def test_window_is_not_held_up(qtbot, engine: Engine, record) -> None:
    pulse = _Pulse()
    values = np.zeros((96, 17, 64, 64), np.float16)  # as large as a full gallery
    number = engine.submit("double", values=values)  # includes the start of the process
    qtbot.waitUntil(lambda: record.ended(number), timeout=WAIT_MS)
    counting = engine.submit("count", steps=50)
    qtbot.waitUntil(lambda: record.ended(counting), timeout=WAIT_MS)
    gaps = np.sort(pulse.gaps)
    # Other programs may take the processor away now and then: the worst few gaps are not ours.
    assert gaps[int(len(gaps) * 0.99)] < 0.05
