"""The user's choices about the models, as the settings keep them."""

from __future__ import annotations

from poseapp.services.models import ModelOptions
from poseapp.state.settings import Settings

WEIGHTS_KEY = "models/weights"
DEVICES_KEY = "models/devices"
ONNX_KEY = "models/onnx"
ANSWERS_KEY = "models/onnx_answers"


def from_settings(settings: Settings) -> ModelOptions:
    """What the settings say; entries that are no text are left out."""
    onnx = _texts(settings.get(ONNX_KEY, {}))
    answers = settings.get(ANSWERS_KEY, {})
    return ModelOptions(
        device=settings.device,
        devices=_texts(settings.get(DEVICES_KEY, {})),
        weights=_texts(settings.get(WEIGHTS_KEY, {})),
        word_vectors=settings.word_vectors,
        people_pack=settings.people_pack,
        pose_onnx=onnx.get("pose", ""),
        detector_onnx=onnx.get("detector", ""),
        onnx_answers={str(k): _texts(v) for k, v in answers.items() if _texts(v)},
    )


def choose(settings: Settings, key: str, name: str, value: str) -> None:
    """Keep a choice for one model; "" goes back to the usual.

    Args:
        key: `WEIGHTS_KEY`, `DEVICES_KEY`, or `ONNX_KEY` with "pose" or "detector" as the name.
    """
    kept = _texts(settings.get(key, {}))
    kept.pop(name, None)
    settings.put(key, {**kept, name: value} if value else kept)


def keep_answers(settings: Settings, file: str, answers: dict[str, str]) -> None:
    """Keep what the user said about an ONNX file, so that it is asked once."""
    kept = settings.get(ANSWERS_KEY, {})
    settings.put(ANSWERS_KEY, {**kept, file: answers})


def _texts(values: object) -> dict[str, str]:
    if not isinstance(values, dict):
        return {}
    return {str(k): v for k, v in values.items() if isinstance(v, str) and v}
