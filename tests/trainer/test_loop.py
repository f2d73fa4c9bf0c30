"""The training loop: exact resume, budget, abort, a killed process, exports that stay the best."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from trainer import artifact, manifest
from trainer.cli_export import export
from trainer.engine import checkpoint, loop
from trainer.engine.ema import Ema
from trainer.engine.rng import NumpyStream, TorchStream
from trainer.errors import TrainerError
from trainer.recipes import registry


@dataclass(frozen=True)
class TinyConfig:
    width: int = 8
    steps: int = 20


class TinyRecipe:
    """Fits a linear map; draws from every random stream there is."""

    name = "tiny"
    presets: ClassVar[dict[str, TinyConfig]] = {"small": TinyConfig()}
    score: ClassVar[tuple[str, str]] = ("error", "min")
    licence: ClassVar[str] = "CC0"
    data_sources: ClassVar[str] = "random numbers"
    samples_per_step = 16

    def __init__(self, config: TinyConfig, data: Path) -> None:
        self.config, self.total_steps = config, config.steps

    def build(self, fabric: Any) -> None:
        self.fabric = fabric
        model = torch.nn.Sequential(
            torch.nn.Linear(4, self.config.width),
            torch.nn.Dropout(0.1),
            torch.nn.Linear(self.config.width, 2),
        )
        self.ema = Ema(model, 0.9)
        self.model, self.optimiser = fabric.setup(model, torch.optim.Adam(model.parameters(), 0.02))
        self.numpy, self.torch = NumpyStream(3), TorchStream(4)

    def step(self, step: int) -> dict[str, Any]:
        x = torch.randn(16, 4, generator=self.torch.generator)
        x = x + 0.1 * torch.from_numpy(self.numpy.generator.standard_normal((16, 4))).float()
        loss = (self.model(x) - x[:, :2]).square().mean()
        self.optimiser.zero_grad()
        self.fabric.backward(loss)
        self.optimiser.step()
        self.ema.update(self.model)
        return {"loss": loss.detach()}

    def state(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "optimiser": self.optimiser,
            "ema": self.ema,
            "numpy": self.numpy,
            "torch": self.torch,
        }

    def export(self) -> tuple[str, dict[str, torch.Tensor], dict[str, Any], dict[str, Any]]:
        return "tiny", self.ema.tensors(), {"width": self.config.width}, {}

    def validate(self) -> dict[str, float]:
        x = torch.randn(64, 4)  # from the global stream: training must not notice
        return {"error": float((self.ema.module(x) - x[:, :2]).square().mean())}


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.RECIPES, "tiny", registry.Row("tiny:TinyRecipe", "a tiny one"))
    monkeypatch.setitem(sys.modules, "tiny", sys.modules[__name__])
    monkeypatch.setattr(loop, "VALIDATE_EVERY_S", 0.0)  # as often as can be


def _fit(out: Path, **options: Any) -> Any:
    return loop.fit("tiny", TinyConfig(), out, out, preset="small", device="cpu", **options)


def _weights(out: Path) -> dict[str, torch.Tensor]:
    return torch.load(out / checkpoint.FILE_NAME, weights_only=True)["recipe.model"]


def test_resumed_run_equals_the_uninterrupted_one_bit_for_bit(tmp_path: Path) -> None:
    assert _fit(tmp_path / "one", seed=5).status == "done"
    calls = iter(range(100))
    report = _fit(tmp_path / "two", seed=5, abort_fn=lambda: next(calls) == 10)
    assert (report.status, report.step) == ("stopped", 10)
    torch.rand(17)  # whatever happened in between
    assert _fit(tmp_path / "two", seed=99, resume=True).step == 20
    first, second = _weights(tmp_path / "one"), _weights(tmp_path / "two")
    assert all(torch.equal(first[k], second[k]) for k in first)
    ema_a, ema_b = (artifact.load_tensors(tmp_path / n / loop.WEIGHTS_FILE) for n in ("one", "two"))
    assert all(torch.equal(ema_a[k], ema_b[k]) for k in ema_a)
    assert not torch.equal(first["0.weight"], ema_a["0.weight"])


def test_budget_ends_a_run_and_reports_are_written(tmp_path: Path) -> None:
    reports = []
    report = _fit(
        tmp_path,
        budget_s=1.0,
        steps=10**7,
        log_every=5,
        progress_fn=lambda r: reports.append(r.step),
    )
    assert report.status == "budget"
    assert 0 < report.step < 10**7
    assert reports[-1] == report.step
    written = json.loads((tmp_path / "progress.json").read_text())
    assert (written["status"], written["step"]) == ("budget", report.step)
    assert written["samples_per_s"] > 0
    assert set(written["figures"]) == {"error"}
    assert any((tmp_path / "curves").rglob("events.out.tfevents*"))


def test_a_run_is_not_overwritten_by_accident(tmp_path: Path) -> None:
    _fit(tmp_path, steps=1)
    with pytest.raises(TrainerError, match="--resume"):
        _fit(tmp_path, steps=1)
    with pytest.raises(TrainerError, match="without --resume"):
        _fit(tmp_path / "other", resume=True)


def test_a_damaged_checkpoint_gives_one_sentence(tmp_path: Path) -> None:
    _fit(tmp_path, steps=1)
    path = tmp_path / checkpoint.FILE_NAME
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(TrainerError, match="Cannot resume"):
        _fit(tmp_path, steps=2, resume=True)


def test_state_without_state_dict_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TinyRecipe, "state", lambda self: {"best": 3.0})
    with pytest.raises(TrainerError, match="best"):
        _fit(tmp_path, steps=1)


def test_export_keeps_the_better_model(tmp_path: Path) -> None:
    run, out = tmp_path / "run", tmp_path / "weights"
    _fit(run, steps=2)

    def measured(error: float) -> Path:
        path = tmp_path / "table.json"
        path.write_text(json.dumps({"metrics": {"error": error}}))
        return path

    path = export(run, out, measured(0.5))
    row = manifest.find("tiny", out)
    assert row is not None
    assert row["sha256"] == artifact.sha256(path)
    assert (row["steps"], row["licence"], row["metrics"]) == (2, "CC0", {"error": 0.5})
    with pytest.raises(TrainerError, match="better"):
        export(run, out, measured(0.6))
    export(run, out, measured(0.6), force=True)
    export(run, out, measured(0.4))
    assert manifest.find("tiny", out)["metrics"] == {"error": 0.4}
    with pytest.raises(TrainerError, match="not a run folder"):
        export(out, out)


_CHILD = """
import sys
from pathlib import Path
sys.path[:0] = [{root!r}, {tests!r}]
import test_loop, trainer.engine.loop as loop
from trainer.recipes import registry
registry.RECIPES["tiny"] = registry.Row("test_loop:TinyRecipe", "")
loop.CHECKPOINT_EVERY_S = 0.0
out = Path({out!r})
loop.fit("tiny", test_loop.TinyConfig(), out, out, preset="small", device="cpu", steps=10**7,
         progress_fn=lambda r: (out / "alive").touch(), log_every=1)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_process_leaves_a_run_that_resumes(tmp_path: Path, number: int) -> None:
    out = tmp_path / "run"
    code = _CHILD.format(
        root=str(Path(__file__).parents[2]), tests=str(Path(__file__).parent), out=str(out)
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    try:
        deadline = time.monotonic() + 120
        while not (out / checkpoint.FILE_NAME).exists() or not (out / "alive").exists():
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        child.send_signal(number)
        code_of_exit = child.wait(60)
    finally:
        child.kill()
    assert (code_of_exit == 0) == (number == signal.SIGTERM)
    state = json.loads((out / "run.json").read_text())
    assert state["steps"] == 10**7
    saved = torch.load(out / checkpoint.FILE_NAME, weights_only=True)["loop"]["step"]
    report = _fit(out, resume=True, steps=saved + 3)
    assert (report.status, report.step) == ("done", saved + 3)


_TWO = """
import sys
sys.path[:0] = [{root!r}, {tests!r}]
from pathlib import Path
import test_loop, trainer.engine.loop as loop
from trainer.recipes import registry

registry.RECIPES["tiny"] = registry.Row("test_loop:TinyRecipe", "")
loop.CHECKPOINT_EVERY_S = 0.05  # often enough for the processes to disagree, if they could
loop.VALIDATE_EVERY_S = 0.07
out = Path({out!r})
loop.fit("tiny", test_loop.TinyConfig(), out, out, preset="small", device="cpu", devices=2,
         steps=400, budget_s=60.0)
"""


def test_two_processes_save_and_stop_together(tmp_path: Path) -> None:
    out = tmp_path / "run"
    script = tmp_path / "two.py"
    script.write_text(
        _TWO.format(
            root=str(Path(__file__).parents[2]), tests=str(Path(__file__).parent), out=str(out)
        )
    )
    subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"),
            str(script),
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=True,
        timeout=120,
    )
    report = json.loads((out / "progress.json").read_text())
    assert (report["status"], report["step"]) == ("done", 400)


def test_ema_follows_with_warm_up() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(model.weight)
    ema = Ema(model, 0.5)
    torch.nn.init.ones_(model.weight)
    ema.update(model)
    first = float(ema.module.weight)
    assert first == pytest.approx(1 - 2 / 11)
    for _ in range(20):
        ema.update(model)
    assert float(ema.module.weight) == pytest.approx(1.0, abs=1e-3)
    copy = Ema(replace_weight(model, 7.0), 0.5)
    copy.load_state_dict(ema.state_dict())
    assert copy.updates == 21
    assert torch.equal(copy.module.weight, ema.module.weight)


def replace_weight(model: torch.nn.Linear, value: float) -> torch.nn.Linear:
    """A new layer of one weight."""
    other = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(other.weight, value)
    return other


def test_config_is_stored_with_the_steps_that_were_asked_for(tmp_path: Path) -> None:
    _fit(tmp_path, steps=3)
    run = json.loads((tmp_path / loop.RUN_FILE).read_text())
    assert run["config"] == {"width": 8, "steps": 3}
    assert replace(TinyConfig(), steps=3) == TinyConfig(**run["config"])


def test_command_line_fits_a_schedule_into_the_budget_and_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trainer import cli, cli_fit

    monkeypatch.setattr(cli_fit, "_PROBE_S", 0.5)
    monkeypatch.setattr(loop, "VALIDATE_EVERY_S", 60.0)
    out = tmp_path / "run"
    common = ["--data", str(tmp_path), "--out", str(out), "--device", "cpu"]
    options = ["--budget", "2s", "--stretch", "--set", "steps=100000000", "--set", "width=6"]
    assert cli.main(["fit", "tiny", *options, *common]) == 0
    run = json.loads((out / loop.RUN_FILE).read_text())
    assert run["config"]["width"] == 6
    assert 10 < run["steps"] < 10**6
    done = json.loads((out / "progress.json").read_text())["step"]
    assert done > 0.2 * run["steps"]
    assert cli.main(["fit", "tiny", "--resume", *common]) == 0
    report = json.loads((out / "progress.json").read_text())
    assert (report["status"], report["step"]) == ("done", run["steps"])
