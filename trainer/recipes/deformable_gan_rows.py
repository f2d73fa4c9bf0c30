"""Settings of the deformable GAN's training, and the rows of the tables."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from trainer.errors import TrainerError
from trainer.models.deformable_gan import DeformableGanConfig, DiscriminatorConfig


@dataclass(frozen=True)
class LossWeights:
    """What counts how much in the generator's loss; 0 leaves a term out.

    Attributes:
        l1: absolute difference, pictures in [-1,1]; the coarser scales half as much each.
        nearest: nearest-neighbour loss on VGG's conv1_2. With its filters scaled to a mean of 1
            and a mean over channels, 50 is about the 1/50 of the papers' sum over channels.
        perceptual: VGG features up to conv3_1.
        person: how many times as much as the background the person counts in L1.
        mask: the predicted mask; brought: pixels that the learnt warp brings, against the truth.
    """

    adversarial: float = 1.0
    l1: float = 100.0
    nearest: float = 0.0
    perceptual: float = 0.0
    person: float = 1.0
    mask: float = 0.0
    brought: float = 0.0


@dataclass(frozen=True)
class DeformableGanSettings:
    """Nets and schedule.

    Attributes:
        row: a row of the tables ("unet", "deformable", "stacked", "nearest", "sn", "rh", "sa",
            "sn_rh", "sa_sn_rh", "ours"), whose switches replace those given here; "" for none.
        pairs: folders of people in several poses, separated by commas; "" looks into the data
            folder.
        relativistic: the relativistic average hinge in place of the cross entropy.
        composite: the discriminator sees the generated person over the true background.
        neighbours: side of the nearest-neighbour loss's square, px; every `neighbour_stride`-th
            place is compared.
        window: height and width of the part of the picture that the losses on VGG's features see,
            px; it lies elsewhere at each step.
        gradient_penalty: weight of R1 on true pictures, every `penalty_every` steps.
        drawn_masks: share of photos whose mask is drawn from the limbs, as for photos without one.
        constant: share of the steps before the learning rates fall to zero in a straight line.
        judge_rate: the discriminator's learning rate, in those of the generator.
    """

    row: str = ""
    net: DeformableGanConfig = field(default_factory=DeformableGanConfig)
    judge: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    weights: LossWeights = field(default_factory=LossWeights)
    pairs: str = ""
    steps: int = 20_000
    batch: int = 8
    learning_rate: float = 5e-4
    judge_rate: float = 0.4
    warm_up: int = 100
    constant: float = 0.5
    relativistic: bool = False
    composite: bool = False
    neighbours: int = 5
    neighbour_stride: int = 2
    window: tuple[int, int] = (64, 48)
    gradient_penalty: float = 0.0
    penalty_every: int = 16
    drawn_masks: float = 0.0
    ema: float = 0.999


def of_row(settings: DeformableGanSettings) -> DeformableGanSettings:
    """The settings with their row's switches."""
    if not settings.row:
        return settings
    if settings.row not in ROWS:
        raise TrainerError(f"There is no row {settings.row}; known are {', '.join(ROWS)}.")
    return ROWS[settings.row](settings)


def _unet(s: DeformableGanSettings) -> DeformableGanSettings:
    return replace(s, net=replace(s.net, streams=1, deformable=False))


def _deformable(s: DeformableGanSettings) -> DeformableGanSettings:
    return s


def _stacked(s: DeformableGanSettings) -> DeformableGanSettings:
    net = replace(s.net, scales=3, attention="gate")
    return replace(s, net=net, judge=replace(s.judge, scales=3))


def _paper5(*, sn: bool = False, rh: bool = False, sa: bool = False) -> "_Row":
    """Paper 5, table 2: the deformable GAN with the nearest-neighbour loss and its additions."""

    def row(s: DeformableGanSettings) -> DeformableGanSettings:
        attention = "self" if sa else ""
        return replace(
            s,
            net=replace(s.net, spectral_norm=sn, attention=attention),
            judge=replace(s.judge, spectral_norm=sn, attention=attention),
            weights=replace(s.weights, l1=0.0, nearest=50.0),
            relativistic=rh,
        )

    return row


def _ours(s: DeformableGanSettings) -> DeformableGanSettings:
    net = replace(
        s.net,
        scales=3,
        blocks=1,
        parts=True,
        flow=True,
        memory=True,
        mask_head=True,
        copy=True,
    )
    weights = LossWeights(
        adversarial=1.0, l1=30.0, perceptual=10.0, person=4.0, mask=5.0, brought=10.0
    )
    return replace(
        s,
        net=net,
        judge=replace(s.judge, spectral_norm=True),
        weights=weights,
        relativistic=True,
        composite=True,
        gradient_penalty=1.0,
        drawn_masks=0.25,
    )


_Row = Callable[[DeformableGanSettings], DeformableGanSettings]

ROWS: Final[dict[str, _Row]] = {
    "unet": _unet,
    "deformable": _deformable,
    "stacked": _stacked,
    "nearest": _paper5(),
    "sn": _paper5(sn=True),
    "rh": _paper5(rh=True),
    "sa": _paper5(sa=True),
    "sn_rh": _paper5(sn=True, rh=True),
    "sa_sn_rh": _paper5(sn=True, rh=True, sa=True),
    "ours": _ours,
}
