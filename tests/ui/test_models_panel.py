"""Cards of the models, files and devices of the user's choice, word vectors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from poseapp.core.errors import WeightsError
from poseapp.services import options, weights
from poseapp.state.settings import Settings
from poseapp.ui.panels.model_card import quality_text, size_text
from poseapp.ui.panels.models import ModelsPanel
from tests.helpers import tiny_models
from tests.helpers.stub_engine import StubEngine


@pytest.fixture
def engine(qapp) -> StubEngine:
    return StubEngine()


@pytest.fixture
def settings(qapp, tmp_path: Path) -> Settings:
    return Settings.in_folder(tmp_path / "settings")


@pytest.fixture
def panel(qtbot, engine: StubEngine, settings: Settings) -> ModelsPanel:
    panel = ModelsPanel(engine, settings)
    qtbot.addWidget(panel)
    panel.resize(360, 800)
    panel.show()
    return panel


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.write_flow(tmp_path_factory.mktemp("own") / "mine.safetensors")


def status(engine: StubEngine, loaded: dict[str, str] | None = None, **changes) -> None:
    cards = [
        replace(weights.card(name), status="ready", problem="", **changes.get(name, {}))
        for name in weights.application_models()
    ]
    number = next(n for n, task, _ in reversed(engine.submitted) if task == "model_status")
    devices = [("cpu", "CPU"), ("cuda:0", "A GPU")]
    result = {"cards": cards, "loaded": loaded or {}, "devices": devices}
    engine.task_succeeded.emit(number, result)


def test_asks_when_it_is_first_seen(panel, engine) -> None:
    assert [task for _, task, _ in engine.submitted] == ["model_status"]


def test_shows_what_is_loaded_and_where(panel, engine) -> None:
    status(engine, {"keypoint_flow": "cuda:0"}, keypoint_flow={"licence": "CC BY 4.0"})
    card = panel.cards["keypoint_flow"]
    assert card.status == "loaded"
    assert card._pill.text() == "Loaded on GPU:0"
    assert card._facts["Licence"][1].text() == "CC BY 4.0"
    assert card.load_button.text() == "Unload"
    assert [card.device_box.itemText(i) for i in range(card.device_box.count())] == [
        "Automatic", "CPU", "A GPU",
    ]  # fmt: skip
    assert panel.cards["vae_gan_lifter"].status == "ready"


def test_load_and_unload(panel, engine) -> None:
    status(engine)
    card = panel.cards["keypoint_flow"]
    card.load_button.click()
    number, task, kwargs = engine.last
    assert (task, kwargs["name"]) == ("load_model", "keypoint_flow")
    assert not card.load_button.isEnabled()
    engine.task_succeeded.emit(number, {"keypoint_flow": "cpu"})
    status(engine, {"keypoint_flow": "cpu"})
    assert card.load_button.isEnabled()
    card.load_button.click()
    assert engine.last[1] == "unload_model"


def test_failed_load_says_why(panel, engine) -> None:
    status(engine)
    panel.cards["keypoint_flow"].load_button.click()
    engine.task_failed.emit(engine.last[0], WeightsError("The file is damaged: install again."))
    assert panel.notice.text == "The file is damaged: install again."
    assert engine.last[1] == "model_status"
    status(engine)  # its header and size look right, and yet it could not be loaded
    card = panel.cards["keypoint_flow"]
    assert card.status == "damaged" and "install again" in card.card.problem
    panel._load("keypoint_flow")
    engine.task_succeeded.emit(engine.last[0], {"keypoint_flow": "cpu"})
    status(engine, {"keypoint_flow": "cpu"})
    assert card.status == "loaded"


def test_another_weights_file_and_back(panel, engine, settings, flow: Path) -> None:
    panel.choose_file("keypoint_flow", flow)
    assert engine.options.weights == {"keypoint_flow": str(flow)}
    assert engine.last[1] == "load_model"
    panel._on_reset("keypoint_flow")
    assert engine.options.weights == {}
    assert options.from_settings(settings).weights == {}


def test_a_wrong_file_is_refused(panel, engine, flow: Path, tmp_path: Path) -> None:
    panel.choose_file("vae_gan_lifter", flow)
    assert "keypoint_flow" in panel.notice.text
    text = tmp_path / "text.safetensors"
    text.write_text("hello")
    panel.choose_file("keypoint_flow", text)
    assert "text.safetensors" in panel.notice.text
    assert engine.options.weights == {}


def test_device_by_hand(panel, engine, settings) -> None:
    status(engine, {"keypoint_flow": "cpu"})
    card = panel.cards["keypoint_flow"]
    card.device_box.setCurrentIndex(2)
    assert engine.options.devices == {"keypoint_flow": "cuda:0"}
    assert engine.last[1] == "load_model"  # it was loaded: it moves
    card.device_box.setCurrentIndex(0)
    assert engine.options.devices == {}


def test_word_vectors_are_used_once_they_could_be_read(panel, engine, settings, tmp_path) -> None:
    path = tmp_path / "own.vec"
    path.write_text("1 2\na 0 0\n")
    panel.choose_words(path)
    assert settings.word_vectors == ""
    engine.task_failed.emit(engine.last[0], WeightsError("own.vec has 2 dimensions."))
    assert settings.word_vectors == ""
    assert panel.notice.text == "own.vec has 2 dimensions."
    panel.choose_words(path)
    engine.task_succeeded.emit(engine.last[0], "own.vec (300 dimensions)")
    assert settings.word_vectors == str(path)
    assert engine.options.word_vectors == str(path)
    panel._words_reset.click()
    assert engine.options.word_vectors == ""


def test_state_of_the_process(panel, engine) -> None:
    engine.device = "cpu"
    engine.state_changed.emit("ready")
    assert panel._state.text() == "Ready · CPU"
    engine.state_changed.emit("stopped")
    assert panel.restart_button.text() == "Start"
    panel.restart_button.click()
    assert engine.restarts == 1


def test_settings_that_are_damaged_are_left_out(settings) -> None:
    settings.put(options.WEIGHTS_KEY, {"keypoint_flow": 3, "caption_wgan": "own.safetensors"})
    assert options.from_settings(settings).weights == {"caption_wgan": "own.safetensors"}


def test_figures_are_written_in_words() -> None:
    text = quality_text({"relevance": 0.41234, "zv_mm": 48.31, "samples": 5000})
    assert text == "finds its caption among 32: 41 % · P-MPJPE 48.3 mm"
    assert quality_text({"mpjpe_mm": 48.312}) == "mpjpe mm 48.3"
    assert size_text(13_706_470) == "13.7 MB"
