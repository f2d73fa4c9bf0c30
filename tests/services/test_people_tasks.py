"""The tasks that create people, in this process, with a studio that draws nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from poseapp.core.errors import TaskCancelled, TaskError
from poseapp.core.standing import standing
from poseapp.services.local import LocalEngine
from poseapp.services.models import ModelCache, ModelOptions
from poseapp.services.people_tasks import TOO_FEW_JOINTS
from tests.helpers import tiny_models
from trainer.errors import DataError
from trainer.synthetic import person as people
from trainer.synthetic.person import Body, Person


class Studio:
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        self.assets = SimpleNamespace(source="makehuman")
        self.asked: list[dict[str, Any]] = []
        self.drawn: list[Person] = []
        self.rolled: list[tuple[int, Person | None, tuple[str, ...]]] = []

    def options(self) -> dict[str, Any]:
        return {"items": {"top": ("T-shirt",)}, "backgrounds": ("studio",)}

    def character(self, person: Person) -> None:
        if person.body.age_years > 200:
            raise DataError("Nobody is that old: choose 3 to 90 years.")

    def random_person(self, seed: int, keep: Person | None, locked: tuple[str, ...]) -> Person:
        self.rolled.append((seed, keep, locked))
        return replace(keep or Person(), seed=seed, body=Body(age_years=float(np.float64(20.5))))

    def draw_person(self, person: Person, **asked: Any) -> Any:
        self.asked.append(asked)
        self.drawn.append(person)
        width, height = asked["size"]
        return SimpleNamespace(
            image=np.zeros((height, width, 3), np.uint8),
            mask=np.zeros((height, width), np.uint8),
            keypoints=np.concatenate([np.ones((17, 2)), np.full((17, 1), 2)], 1),
        )


@pytest.fixture
def studio(monkeypatch: pytest.MonkeyPatch) -> Studio:
    made = Studio()
    monkeypatch.setattr(ModelCache, "studio", lambda self, mannequin=False: made)
    return made


@pytest.fixture(scope="module")
def lifter(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("weights")
    return str(tiny_models.write_lifter(folder / "vae_gan_lifter.safetensors"))


@pytest.fixture
def engine(lifter: str) -> LocalEngine:
    return LocalEngine(ModelOptions(device="cpu", weights={"vae_gan_lifter": lifter}))


def test_a_seed_draws_and_what_is_locked_is_passed_on(engine: LocalEngine, studio: Studio) -> None:
    made = engine.run("create_person", seed=5, size=(64, 128))
    assert made["image"].shape == (128, 64, 3) and made["visibility"].tolist() == [2] * 17
    assert made["person"]["seed"] == 5 and not made["posed"]
    engine.run("create_person", person=made["person"], seed=6, locked=("hair",), size=(64, 128))
    seed, keep, locked = studio.rolled[-1]
    assert seed == 6 and keep == people.from_dict(made["person"]) and locked == ("hair",)


def test_values_are_taken_as_they_are(engine: LocalEngine, studio: Studio) -> None:
    person = people.to_dict(Person(seed=3, body=Body(age_years=61.0)))
    made = engine.run("create_person", person=person, size=(64, 128), turn_deg=90.0)
    assert made["person"] == person and not studio.rolled
    assert studio.asked[-1]["turn_rad"] == pytest.approx(np.pi / 2)


def test_the_pose_is_lifted(engine: LocalEngine, studio: Studio) -> None:
    pose = standing((64, 128), 150)
    made = engine.run(
        "create_person",
        seed=1,
        keypoints=pose.keypoints,
        confidence=pose.confidence,
        size=(128, 256),
    )
    asked = studio.asked[-1]
    assert made["posed"] and not made["note"]
    assert asked["joints"].shape == (17, 3) and np.isfinite(asked["joints"]).all()
    np.testing.assert_array_equal(asked["keypoints"], pose.keypoints)


def test_too_few_joints_stand_and_say_so(engine: LocalEngine, studio: Studio) -> None:
    points, sure = np.full((17, 2), 9.0), np.array([1.0] * 5 + [0.0] * 12)
    made = engine.run("create_person", seed=1, keypoints=points, confidence=sure, size=(64, 128))
    assert made["note"] == TOO_FEW_JOINTS and not made["posed"]
    assert studio.asked[-1]["joints"] is None and studio.asked[-1]["keypoints"] is None


def test_without_the_lifter_the_person_stands(studio: Studio, tmp_path: Path) -> None:
    missing = {"vae_gan_lifter": str(tmp_path / "gone.safetensors")}
    engine = LocalEngine(ModelOptions(device="cpu", weights=missing))
    pose = standing((64, 128), 150)
    made = engine.run(
        "create_person", seed=1, keypoints=pose.keypoints, confidence=pose.confidence, size=(64, 96)
    )
    assert "gone.safetensors" in made["note"] and not made["posed"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"size": (64, 9000)}, "px a side"),
        ({"supersample": 9}, "samples a pixel"),
        ({"keypoints": np.zeros((3, 2)), "confidence": np.ones(3)}, "17 COCO keypoints"),
        ({"person": {"body": {"weight": "much"}}, "seed": None}, "weight"),
        ({"person": people.to_dict(Person(body=Body(age_years=300.0))), "seed": None}, "years"),
    ],
)
def test_what_cannot_be_drawn_is_said(
    engine: LocalEngine, studio: Studio, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(TaskError, match=words):
        engine.run("create_person", **{"seed": 1, "size": (64, 128), **changes})


def test_options_name_the_source(engine: LocalEngine, studio: Studio) -> None:
    options = engine.run("person_options")
    assert options["source"] == "makehuman" and options["items"] == {"top": ("T-shirt",)}


def test_a_folder_that_is_no_makehuman_says_what_is_missing(
    engine: LocalEngine, tmp_path: Path
) -> None:
    with pytest.raises(TaskError):
        engine.run("build_people_pack", source=str(tmp_path), out=str(tmp_path / "out"))
    assert not (tmp_path / "out" / "base.npz").exists()


def test_building_tells_how_far_it_is_and_can_be_stopped(
    engine: LocalEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(source: Path, out: Path, progress: Any) -> None:
        for share in (0.0, 0.5, 1.0):
            progress("targets", share)

    monkeypatch.setattr("trainer.synthetic.makehuman_folder.build_pack", build)
    said: list[tuple[float, float, str]] = []

    def listen(done: float, total: float, text: str) -> None:
        said.append((done, total, text))
        if done == 0.5:
            raise TaskCancelled("Cancelled.")

    with pytest.raises(TaskCancelled):
        engine.run(
            "build_people_pack",
            on_progress=listen,
            source=str(tmp_path),
            out=str(tmp_path / "out"),
        )
    assert said[-1] == (0.5, 1.0, "Reading: targets")


@pytest.mark.data
def test_a_pack_is_taken_as_it_is(
    engine: LocalEngine, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (data_root / "makehuman" / "base.npz").is_file():
        pytest.skip("no pack of MakeHuman assets in the data folder")
    made = engine.run(
        "build_people_pack", source=str(data_root / "makehuman"), out=str(tmp_path / "out")
    )
    assert made == {"folder": str(data_root / "makehuman"), "built": False, "missing": []}
    assert not (tmp_path / "out").exists()
    monkeypatch.delenv("POSEAPP_DATA")
    monkeypatch.chdir(tmp_path)
    cache = ModelCache(ModelOptions(people_pack=made["folder"]))
    assert cache.studio().assets.source == "makehuman"
    assert cache.studio() is cache.studio()
    assert cache.studio(mannequin=True).assets.source == "mannequin"
