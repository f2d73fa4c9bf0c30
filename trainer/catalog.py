"""The models there are: names, tasks, classes and weights files. Torch-free."""

from dataclasses import dataclass

from trainer.errors import TrainerError


@dataclass(frozen=True)
class Entry:
    """One model of the catalogue.

    Attributes:
        model: "module:Class" of the network.
        predictor: "module:Class" built by `trainer.api.load` (empty: not for the application).
        weights: file name inside the weights folder.
        paper: number of the paper and section it comes from.
    """

    name: str
    task: str
    title: str
    model: str
    predictor: str
    weights: str
    paper: str


_ENTRIES = (
    Entry(
        name="keypoint_flow",
        task="caption_to_pose",
        title="Keypoint flow",
        model="trainer.models.keypoint_flow:KeypointFlow",
        predictor="trainer.predictors.keypoint_flow:Predictor",
        weights="keypoint_flow.safetensors",
        paper="1, section 2.3 (text) and 4.4.2 (measures); flow matching in keypoint space",
    ),
    Entry(
        name="caption_wgan",
        task="caption_to_pose",
        title="Caption WGAN-LP",
        model="trainer.models.caption_wgan:Generator",
        predictor="trainer.predictors.caption_wgan:Predictor",
        weights="caption_wgan.safetensors",
        paper="1, sections 3.3-3.4",
    ),
    Entry(
        name="vae_gan_lifter",
        task="lift",
        title="VAE-GAN lifter",
        model="trainer.models.vae_gan_lifter:Lifter",
        predictor="trainer.predictors.vae_gan_lifter:Predictor",
        weights="vae_gan_lifter.safetensors",
        paper="3, chapter 3 and appendix A",
    ),
    Entry(
        name="attention_hourglass",
        task="estimate",
        title="Attention hourglass",
        model="trainer.models.attention_hourglass:AttentionHourglass",
        predictor="trainer.predictors.attention_hourglass:Predictor",
        weights="attention_hourglass.safetensors",
        paper="4, human pose estimation with self-attention GANs",
    ),
    Entry(
        name="person_finder",
        task="find",
        title="Person finder",
        model="trainer.models.person_finder:PersonFinder",
        predictor="trainer.predictors.person_finder:Predictor",
        weights="person_finder.safetensors",
        paper="4 takes boxes as given; Objects as Points (CenterNet) and TTFNet",
    ),
    Entry(
        name="deformable_gan",
        task="transfer",
        title="Deformable GAN",
        model="trainer.models.deformable_gan:DeformableGan",
        predictor="trainer.predictors.deformable_gan:Predictor",
        weights="deformable_gan.safetensors",
        paper="2, section 3; 5, section 3",
    ),
    Entry(
        name="pose_caption_encoder",
        task="relevance",
        title="Pose-caption encoder (for measuring only)",
        model="trainer.models.pose_caption_encoder:PoseCaptionEncoder",
        predictor="",
        weights="pose_caption_encoder.safetensors",
        paper="1, section 4.4 (relevance)",
    ),
)

CATALOG: dict[str, Entry] = {entry.name: entry for entry in _ENTRIES}


def entry(name: str) -> Entry:
    """The entry called `name`; TrainerError that lists the known names otherwise."""
    try:
        return CATALOG[name]
    except KeyError:
        raise TrainerError(
            f"There is no model called {name}; known are {', '.join(CATALOG)}."
        ) from None
