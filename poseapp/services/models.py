"""The predictors and studios that are in memory, and the user's choices of weights and devices.

Lives in the models' process and in the command line; loading imports torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from poseapp.core.errors import PoseAppError, TaskError, WeightsError
from poseapp.services import weights


@dataclass(frozen=True)
class ModelOptions:
    """What the user chose about the models. All of it is plain text, so it fits in the settings.

    Attributes:
        device: "auto", "cpu", "cuda", ... for models without a choice of their own.
        devices: device by model name.
        weights: path of a weights file by model name, instead of the shipped one.
        word_vectors: path of a `.bin`, `.vec` or compact table instead of the shipped one.
        people_pack: folder of the assets that people are made of, where `data` has none.
        pose_onnx: path of an ONNX pose model for photos, instead of our own.
        detector_onnx: path of an ONNX detector of people, instead of our own.
        onnx_answers: by path, what an ONNX file does not tell, as the user answered it.
    """

    device: str = "auto"
    devices: dict[str, str] = field(default_factory=dict)
    weights: dict[str, str] = field(default_factory=dict)
    word_vectors: str = ""
    people_pack: str = ""
    pose_onnx: str = ""
    detector_onnx: str = ""
    onnx_answers: dict[str, dict[str, str]] = field(default_factory=dict)


@contextmanager
def trainer_errors() -> Iterator[None]:
    """Turn the trainer's errors into the application's, word for word."""
    from trainer.errors import ArtifactError, TrainerError

    try:
        yield
    except ArtifactError as exc:
        raise WeightsError(str(exc)) from exc
    except TrainerError as exc:
        raise TaskError(str(exc)) from exc


class ModelCache:
    """Loads each model when it is first asked for, and again when its options changed."""

    def __init__(self, options: ModelOptions | None = None) -> None:
        self._options = options or ModelOptions()
        self._loaded: dict[str, tuple[tuple[str, str, str], Any]] = {}
        self._studios: dict[Path | None, Any] = {}

    @property
    def options(self) -> ModelOptions:
        """The user's choices."""
        return self._options

    def configure(self, options: ModelOptions) -> None:
        """Take over new choices; models that they concern are loaded anew on next use."""
        self._options = options
        for name in [n for n, (key, _) in self._loaded.items() if key != self._key(n)]:
            if not name.startswith("onnx "):  # these look for themselves
                del self._loaded[name]

    def get(self, name: str) -> Any:
        """The predictor called `name`.

        Raises:
            WeightsError: its weights are missing, damaged or of another model.
        """
        key = self._key(name)
        held = self._loaded.get(name)
        if held is not None and held[0] == key:
            return held[1]
        self._loaded.pop(name, None)
        device, chosen, words = key
        with trainer_errors():
            from trainer import api

            path = weights.path_of(name, chosen)
            weights.check(name, path, weights.manifest_row(name, path), verify=bool(chosen))
            try:
                predictor = api.load(
                    name,
                    device=device,
                    weights=Path(chosen) if chosen else None,
                    word_vectors=Path(words) if words else None,
                )
            except (OSError, RuntimeError, MemoryError) as exc:
                raise self._load_error(name, exc) from exc
        self._loaded[name] = (key, predictor)
        return predictor

    def photo_model(self, kind: str) -> Any:
        """What finds people ("detector") or their joints ("pose") in a photo.

        Raises:
            WeightsError: its file is missing or damaged.
            TaskError: an ONNX file is no such model, or leaves questions open.
        """
        from poseapp.services import estimators

        chosen = estimators.chosen(self._options, kind)
        if chosen is None:
            raise TaskError(estimators.NO_ESTIMATOR)
        if chosen.own:
            return self.get(estimators.OWN[kind])
        return self._onnx(kind, chosen.path)

    def _onnx(self, kind: str, path: Path) -> Any:
        answers = self._options.onnx_answers.get(str(path))
        key = (self._options.device, str(path), repr(answers))
        held = self._loaded.get(f"onnx {kind}")
        if held is not None and held[0] == key:
            return held[1]
        if not path.is_file():
            raise WeightsError(
                f"The model {path.name} is missing: choose another one in the Models panel."
            )
        with trainer_errors():
            module = onnx_module(kind)
            predictor = module.Predictor(path, _resolved(key[0]), answers)
        self._loaded[f"onnx {kind}"] = (key, predictor)
        return predictor

    def studio(self, mannequin: bool = False) -> Any:
        """The studio that takes pictures of people, opened when it is first asked for.

        Args:
            mannequin: the one with the built-in mannequin, also where there is a pack.
        Raises:
            TaskError: the pack is damaged.
        """
        with trainer_errors():
            from trainer.synthetic import assets, studio
            from trainer.synthetic import mannequin as built_in

            folder = None if mannequin else self._pack(assets.find)
            held = self._studios.get(folder)
            if held is None:
                held = studio.Studio(assets.load(folder) if folder else built_in.build())
                self._studios[folder] = held
        return held

    def _pack(self, find: Callable[..., Path | None]) -> Path | None:
        """The pack of the data folder first, then the one that the user built or chose."""
        chosen = self._options.people_pack
        return find() or (find(chosen) if chosen else None)

    def forget_studios(self) -> None:
        """Open the studios anew when they are next asked for."""
        self._studios.clear()

    def unload(self, name: str) -> None:
        """Forget a predictor; nothing happens when it is not loaded."""
        if self._loaded.pop(name, None) is None:
            return
        import gc
        import sys

        gc.collect()
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available():
            torch.cuda.empty_cache()

    def loaded(self) -> dict[str, str]:
        """Device by name of the models in memory."""
        return {
            name: str(getattr(predictor, "device", None) or _resolved(key[0]))
            for name, (key, predictor) in self._loaded.items()
        }

    def _key(self, name: str) -> tuple[str, str, str]:
        options = self._options
        device = options.devices.get(name) or options.device
        words = options.word_vectors if name in dict(weights.caption_models()) else ""
        return device, options.weights.get(name, ""), words

    def _load_error(self, name: str, cause: BaseException) -> PoseAppError:
        from trainer import catalog

        entry = catalog.entry(name)
        file = weights.path_of(name, self._options.weights.get(name, "")).name
        reason = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
        return WeightsError(
            f"{entry.title} cannot be loaded from {file} ({reason}): "
            "reset it in the Models panel or install the weights again."
        )


def onnx_module(kind: str) -> Any:
    """The trainer's module for ONNX files of a kind, "pose" or "detector".

    Raises:
        TaskError: the library that runs them is not installed.
    """
    import importlib
    from importlib.util import find_spec

    if find_spec("onnxruntime") is None:
        raise TaskError(
            "ONNX models need a library that is not installed: run `pip install onnxruntime`."
        )
    return importlib.import_module(f"trainer.predictors.onnx_{kind}")


def _resolved(device: str) -> str:
    from trainer import api

    return api.resolve_device(device)
