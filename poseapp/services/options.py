"""The user's choices about the models, as the settings keep them."""

from __future__ import annotations

from poseapp.services.models import ModelOptions
from poseapp.state.settings import Settings

WEIGHTS_KEY = "models/weights"
DEVICES_KEY = "models/devices"


def from_settings(settings: Settings) -> ModelOptions:
    """What the settings say; entries that are no text are left out."""
    return ModelOptions(
        device=settings.device,
        devices=_texts(settings.get(DEVICES_KEY, {})),
        weights=_texts(settings.get(WEIGHTS_KEY, {})),
        word_vectors=settings.word_vectors,
        people_pack=settings.people_pack,
    )


def choose(settings: Settings, key: str, name: str, value: str) -> None:
    """Keep a choice for one model; "" goes back to the usual.

    Args:
        key: `WEIGHTS_KEY` or `DEVICES_KEY`.
    """
    kept = _texts(settings.get(key, {}))
    kept.pop(name, None)
    settings.put(key, {**kept, name: value} if value else kept)


def _texts(values: object) -> dict[str, str]:
    if not isinstance(values, dict):
        return {}
    return {str(k): v for k, v in values.items() if isinstance(v, str) and v}
