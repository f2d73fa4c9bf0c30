"""Resume checkpoints: written beside and replaced, so that a kill never leaves half a file."""

from pathlib import Path
from typing import Any

from lightning_fabric import Fabric

from trainer.engine.rng import GlobalRandomState
from trainer.errors import TrainerError

FILE_NAME = "checkpoint.pt"


class Counter:
    """Numbers of the loop itself, as an object with a state_dict."""

    def __init__(self) -> None:
        self.step = 0
        self.seconds = 0.0

    def state_dict(self) -> dict[str, Any]:
        return {"step": self.step, "seconds": self.seconds}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.step, self.seconds = int(state["step"]), float(state["seconds"])


def save(fabric: Fabric, folder: Path, recipe_state: dict[str, Any], counter: Counter) -> None:
    """Write nets, optimisers, EMA, step and every random state."""
    path = folder / FILE_NAME
    part = path.with_name(path.name + ".part")
    fabric.save(part, _everything(recipe_state, counter))
    fabric.barrier()
    if fabric.is_global_zero:
        part.replace(path)


def load(fabric: Fabric, folder: Path, recipe_state: dict[str, Any], counter: Counter) -> None:
    """Restore in place what `save` wrote."""
    path = folder / FILE_NAME
    if not path.exists():
        raise TrainerError(f"There is nothing to resume in {folder}: start without --resume.")
    try:
        fabric.load(path, _everything(recipe_state, counter), weights_only=True)
    except Exception as exc:  # torch, pickle and zip each raise their own kinds
        raise TrainerError(
            f"Cannot resume from {path}: {str(exc).splitlines()[0] if str(exc) else exc!r}. "
            "Was it written with other settings? Start without --resume."
        ) from exc


def _everything(recipe_state: dict[str, Any], counter: Counter) -> dict[str, Any]:
    for key, value in recipe_state.items():
        # Fabric restores objects in place; a bare value would be saved and never come back.
        if not (hasattr(value, "state_dict") and hasattr(value, "load_state_dict")):
            raise TrainerError(
                f"The recipe's state '{key}' has no state_dict and could not be resumed."
            )
    return {
        **{f"recipe.{k}": v for k, v in recipe_state.items()},
        "loop": counter,
        "random": GlobalRandomState(),
    }
