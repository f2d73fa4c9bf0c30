"""Caption to canvas with the real models' process, and what the user reads when it is killed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from poseapp.services.engine import Engine
from poseapp.services.models import ModelOptions
from poseapp.state.session import Session
from poseapp.state.settings import Settings
from poseapp.ui.panels.caption import CaptionPanel
from poseapp.ui.panels.models import ModelsPanel
from tests.helpers import tiny_models

WAIT_MS = 60_000


@pytest.fixture
def settings(tmp_path: Path, qapp) -> Settings:
    settings = Settings.in_folder(tmp_path / "settings")
    flow = tiny_models.write_flow(tmp_path / "flow.safetensors", width=512, blocks=5)
    settings.put("models/weights", {"keypoint_flow": str(flow)})
    settings.put("models/device", "cpu")
    return settings


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    engine = Engine(options=ModelOptions())
    yield engine
    engine.shutdown()


@pytest.fixture
def session(qapp) -> Iterator[Session]:
    session = Session()
    yield session
    session.shutdown()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_caption_kill_and_again(qtbot, session, engine, settings) -> None:
    models = ModelsPanel(engine, settings)  # hands the choice of weights to the engine
    panel = CaptionPanel(session, engine, settings)
    for widget in (models, panel):
        qtbot.addWidget(widget)
        widget.show()
    panel.form.count_box.setValue(96)
    panel.generate("a man is playing tennis")
    samples = panel.gallery.gallery.samples
    qtbot.waitUntil(lambda: len(samples()) > 0, timeout=WAIT_MS)
    os.kill(engine.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: "try once more" in panel.notice.text, timeout=WAIT_MS)
    assert "\n" not in panel.notice.text
    assert 0 < len(samples()) < 96  # what had come stays usable

    panel.form.count_box.setValue(6)
    panel.form.generate()
    qtbot.waitUntil(lambda: len(samples()) == 6, timeout=WAIT_MS)
    assert panel.notice.text == ""
    panel.put_on_canvas(samples()[0])
    assert len(session.document.people) == 1
    qtbot.waitUntil(lambda: models.cards["keypoint_flow"].status == "loaded", timeout=WAIT_MS)
    assert models.cards["caption_wgan"].status in ("missing", "ready")
