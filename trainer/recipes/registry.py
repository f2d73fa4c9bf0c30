"""Recipes by name. Torch-free: a recipe's module is imported only when it is asked for."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from trainer.errors import TrainerError

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from torch import Tensor


class Recipe(Protocol):
    """What `trainer.engine.loop.fit` runs.

    Optional: `precision` (Fabric's name, "32-true" by default) and `data_wait_s` (seconds spent
    waiting for data so far). A config with a field `steps` lets `--steps` shorten its schedule.
    """

    name: str  # of the recipe, and of its weights file and manifest row
    presets: ClassVar[dict[str, Any]]  # "small", "full": frozen dataclasses
    score: ClassVar[tuple[str, Literal["min", "max"]]]  # the manifest metric that ranks exports
    licence: ClassVar[str]  # of the weights
    data_sources: ClassVar[str]  # what they were trained on
    total_steps: int
    samples_per_step: int

    def __init__(self, config: Any, data: Path) -> None: ...

    def build(self, fabric: "Fabric") -> None:
        """Make nets, optimisers, EMA and data; the seeds are set already."""

    def step(self, step: int) -> "dict[str, Tensor | float]":
        """Do one full update; returns detached scalars."""

    def state(self) -> dict[str, Any]:
        """Everything a resume needs, each with state_dict and load_state_dict."""

    def export(self) -> "tuple[str, dict[str, Tensor], dict[str, Any], dict[str, Any]]":
        """(model name, EMA tensors, model config, constants and provenance)."""

    def validate(self) -> dict[str, float]:
        """Quick figures on a split cut from the training data; at most ten seconds."""


@dataclass(frozen=True)
class Row:
    """One recipe: "module:Class" and a short title."""

    target: str
    title: str


RECIPES: dict[str, Row] = {
    "keypoint_flow": Row(
        "trainer.recipes.keypoint_flow:KeypointFlowRecipe",
        "flow matching of keypoints from captions",
    ),
    "pose_gan": Row("trainer.recipes.caption_gan:PoseGan", "poses by a GAN (algorithm 1)"),
    "pose_wgan": Row("trainer.recipes.caption_gan:PoseWgan", "poses by a WGAN (algorithm 2)"),
    "pose_wgan_gp": Row(
        "trainer.recipes.caption_gan:PoseWganGp", "poses by a WGAN with gradient penalty (alg. 3)"
    ),
    "caption_wgan": Row(
        "trainer.recipes.caption_gan_conditional:CaptionWgan",
        "heatmaps from captions by a WGAN-LP (algorithm 5)",
    ),
    "pose_caption_encoder": Row(
        "trainer.recipes.pose_caption_encoder:PoseCaptionEncoderRecipe",
        "contrastive encoder that measures relevance",
    ),
    "pose_caption_encoder_half": Row(
        "trainer.recipes.pose_caption_encoder:HalfEncoderRecipe",
        "the same on half of the pairs, to measure the nearest-caption baseline fairly",
    ),
    "attention_hourglass": Row(
        "trainer.recipes.attention_hourglass:AttentionHourglassRecipe",
        "joints in photographs by a stacked hourglass with self-attention",
    ),
    "deformable_gan": Row(
        "trainer.recipes.deformable_gan:DeformableGanRecipe",
        "a person in a new pose by a deformable GAN, in each row of the tables",
    ),
    "person_finder": Row(
        "trainer.recipes.person_finder:PersonFinderRecipe", "people in pictures as boxes"
    ),
    "vae_gan_lifter": Row(
        "trainer.recipes.lifter:VaeGanLifterRecipe",
        "2D to 3D without 3D supervision, the form that ships",
    ),
    "lifter_paper": Row(
        "trainer.recipes.lifter_paper:PaperLifterRecipe",
        "2D to 3D as paper 3 writes it",
    ),
    "lifter_supervised": Row(
        "trainer.recipes.lifter_supervised:SupervisedLifterRecipe",
        "2D to 3D with 3D supervision, the upper bound",
    ),
}


def get(name: str) -> Any:
    """The recipe class called `name`."""
    if name not in RECIPES:
        raise TrainerError(f"There is no recipe called {name}; known are {', '.join(RECIPES)}.")
    module, _, attribute = RECIPES[name].target.partition(":")
    return getattr(importlib.import_module(module), attribute)


def preset(name: str, preset_name: str) -> Any:
    """A recipe's preset config."""
    presets = get(name).presets
    if preset_name not in presets:
        raise TrainerError(
            f"{name} has no preset called {preset_name}; known are {', '.join(presets)}."
        )
    return presets[preset_name]
