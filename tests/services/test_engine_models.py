"""The models' process with real tasks: sampling, a kill in the middle of it, no torch outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from poseapp.core.errors import TaskError, WeightsError
from poseapp.services.models import ModelOptions
from poseapp.services.samples import CaptionRequest
from tests.helpers import tiny_models
from tests.helpers.photos import photo_file

ROOT = Path(__file__).resolve().parents[2]
WAIT_MS = 60_000
TASKS = "poseapp.services.tasks:TASKS"


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> ModelOptions:
    folder = tmp_path_factory.mktemp("weights")
    # wide enough for 96 poses to take a while
    flow = tiny_models.write_flow(folder / "keypoint_flow.safetensors", width=512, blocks=5)
    lifter = tiny_models.write_lifter(folder / "vae_gan_lifter.safetensors")
    return ModelOptions(
        device="cpu", weights={"keypoint_flow": str(flow), "vae_gan_lifter": str(lifter)}
    )


def ask(engine, count: int = 4) -> int:
    request = CaptionRequest("keypoint_flow", ("a man is playing tennis",), count=count, seed=7)
    return engine.submit("caption_to_poses", lane="caption", **request.arguments())


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_while_sampling(qtbot, make_engine, record_of, options: ModelOptions) -> None:
    engine = make_engine(TASKS, options=options)
    record = record_of(engine)
    number = ask(engine, 96)
    qtbot.waitUntil(lambda: bool(record.of(number, "partial")), timeout=WAIT_MS)
    os.kill(engine.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: record.ended(number), timeout=WAIT_MS)
    kind, _, error = record.of(number)[-1]
    assert kind == "failed"
    assert isinstance(error, TaskError)
    assert str(error).count(".") == 1  # one sentence
    again = ask(engine)
    qtbot.waitUntil(lambda: record.ended(again), timeout=WAIT_MS)
    assert record.of(again)[-1][0] == "succeeded"


def test_a_lift_comes_through_while_sampling(
    qtbot, make_engine, record_of, options: ModelOptions
) -> None:
    engine = make_engine(TASKS, options=options)
    record = record_of(engine)
    number = ask(engine, 96)
    qtbot.waitUntil(lambda: bool(record.of(number, "partial")), timeout=WAIT_MS)
    pose = np.random.default_rng(0).uniform(0, 500, (1, 17, 2))
    lift = engine.submit("lift_to_3d", lane="lift", keypoints=pose, confidence=np.ones((1, 17)))
    qtbot.waitUntil(lambda: record.ended(lift), timeout=WAIT_MS)
    assert record.of(lift)[-1][0] == "succeeded"
    assert not record.ended(number)
    qtbot.waitUntil(lambda: engine.device == "cpu", timeout=WAIT_MS)  # told after the answer
    engine.cancel(number)


def test_missing_weights_cross_as_weights_error(
    qtbot, make_engine, record_of, tmp_path: Path
) -> None:
    gone = {"keypoint_flow": str(tmp_path / "gone.safetensors")}
    engine = make_engine(TASKS, options=ModelOptions(weights=gone))
    record = record_of(engine)
    number = ask(engine)
    qtbot.waitUntil(lambda: record.ended(number), timeout=WAIT_MS)
    error = record.of(number)[-1][2]
    assert isinstance(error, WeightsError)
    assert "gone.safetensors" in str(error)


def test_sampling_leaves_torch_out_of_this_process(options: ModelOptions, tmp_path: Path) -> None:
    """A fresh process, because other tests import torch into this one."""
    script = tmp_path / "window.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import sys, time
            from PySide6.QtCore import QCoreApplication, QTimer
            from poseapp.services.engine import Engine
            from poseapp.services.models import ModelOptions
            from poseapp.services.samples import CaptionRequest

            def main():
                app = QCoreApplication([])
                engine = Engine(options={options!r})
                beats = [time.perf_counter()]
                timer = QTimer()
                timer.timeout.connect(lambda: beats.append(time.perf_counter()))
                timer.start(2)
                ended = []
                engine.task_succeeded.connect(lambda n, r: n == ended[0] and app.exit(0))
                engine.task_failed.connect(lambda n, e: print(e) or app.exit(1))
                request = CaptionRequest("keypoint_flow", ("a man is surfing",), count=96)
                ended.append(engine.submit("caption_to_poses", **request.arguments()))
                code = app.exec()
                engine.shutdown()
                gaps = sorted(b - a for a, b in zip(beats, beats[1:]))
                print("torch" in sys.modules, len(gaps), gaps[int(len(gaps) * 0.99)])
                return code

            if __name__ == "__main__":
                sys.exit(main())
            """
        ),
        "utf-8",
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True, text=True, env=environment, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    has_torch, beats, worst = done.stdout.split()[-3:]
    assert has_torch == "False"
    assert int(beats) > 20
    # the worst hundredth may be other programs' doing
    assert float(worst) < 0.05


def test_a_photo_goes_to_the_process_and_its_people_come_back(
    qtbot, make_engine, record_of, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    model = tiny_models.write_onnx_pose(tmp_path / "vitpose-tiny.onnx")
    photo = np.frombuffer(photo_file(tmp_path / "a.png").read_bytes(), np.uint8)
    engine = make_engine(TASKS, options=ModelOptions(device="cpu", pose_onnx=str(model)))
    record = record_of(engine)
    boxes = np.array([[10, 10, 90, 200], [60, 40, 80, 190]], np.float32)
    number = engine.submit("detect_people", lane="detect", photo=photo, boxes=boxes)
    qtbot.waitUntil(lambda: record.ended(number), timeout=WAIT_MS)
    kind, _, result = record.of(number)[-1]
    assert kind == "succeeded" and result["keypoints"].shape == (2, 17, 2)
    assert result["heatmaps"].dtype == np.float16 and result["size"] == (160, 240)
    first = engine.submit("detect_people", lane="detect", photo=photo, whole=True)
    second = engine.submit("detect_people", lane="detect", photo=photo, whole=True)
    qtbot.waitUntil(lambda: record.ended(second), timeout=WAIT_MS)
    assert record.of(first)[-1][0] == "cancelled"
    bad = engine.submit("detect_people", lane="detect", photo=photo[:100], name="cut.png")
    qtbot.waitUntil(lambda: record.ended(bad), timeout=WAIT_MS)
    assert "cut.png is cut short" in str(record.of(bad)[-1][2])
