"""The lifter as paper 3 writes it: points head, cyclic beta, weights 1, .001, .001 (chapter 4)."""

from dataclasses import replace
from typing import ClassVar

from torch import Tensor

from trainer.layers import lift_geometry as geometry
from trainer.losses import lifter as losses
from trainer.models.vae_gan_lifter import PAPER
from trainer.recipes.lifter import novel_view
from trainer.recipes.lifter_common import AdversarialLifterRecipe, LifterSettings

_CLIP_GENERATOR, _CLIP_DISCRIMINATOR = 2.0, 1.0
_WARM_UP = 10 / 400  # epochs without a KLD term, of all epochs
_HELD = 10 / 40  # epochs at full beta, of a cycle

_CHAPTER_4 = LifterSettings(
    net=PAPER,
    steps=469_000,  # 400 epochs of 300,000 poses
    lr=2e-4,
    beta1=0.9,
    decay_from=1.0,
    reconstruction=1.0,
    adversarial=0.001,
    kld=0.001,
    cycle=0.0,
    prior=0.0,
    label_low=0.7,
    label_high=1.2,
    beta_cycles=10,
    masked=0.0,
    noise=0.0,
    bone_spread=0.0,
    girdle_spread=0.0,
)


class PaperLifterRecipe(AdversarialLifterRecipe):
    """Reconstruction, latent prior and discriminator, in turns."""

    name = "lifter_paper"
    presets: ClassVar[dict[str, LifterSettings]] = {
        "small": replace(_CHAPTER_4, net=replace(PAPER, hidden=256), steps=8_000),
        "full": _CHAPTER_4,
    }

    def step(self, step: int) -> dict[str, Tensor | float]:
        """The discriminator first, then the VAE on the same batch (section 2.3)."""
        config = self.config
        self.set_rate(step, self.generator_optimiser)
        self.set_rate(step, self.discriminator_optimiser, config.discriminator_rate)
        view, _ = self.draw()
        lifted = self.generator(view, None, self.latent_noise())
        novel, _ = novel_view(lifted)
        fake = self.lifter.normalise(geometry.project(novel))

        loss = losses.discriminator_loss(
            self.discriminator(view),
            self.discriminator(fake.detach()),
            config.label_low,
            config.label_high,
        )
        self.discriminator_optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        self.fabric.clip_gradients(
            self.discriminator, self.discriminator_optimiser, max_norm=_CLIP_DISCRIMINATOR
        )
        self.discriminator_optimiser.step()

        self.discriminator.requires_grad_(False)
        reconstruction = (lifted.image - view).abs().mean()
        kld = losses.latent_prior(lifted.mean, lifted.log_variance)
        adversarial = losses.generator_loss(
            self.discriminator(fake), config.label_low, config.label_high
        )
        total = (
            config.reconstruction * reconstruction
            + self.beta(step) * kld
            + config.adversarial * adversarial
        )
        self.generator_optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(total)
        self.fabric.clip_gradients(
            self.generator, self.generator_optimiser, max_norm=_CLIP_GENERATOR
        )
        self.generator_optimiser.step()
        self.discriminator.requires_grad_(True)
        self.ema.update(self.generator)
        return {
            "reconstruction": reconstruction.detach(),
            "kld": kld.detach(),
            "adversarial": adversarial.detach(),
            "discriminator": loss.detach(),
        }

    def beta(self, step: int) -> float:
        """Weight of the latent prior at `step`."""
        if step < _WARM_UP * self.total_steps:
            return 0.0
        cycle = self.total_steps // max(self.config.beta_cycles, 1)
        return losses.beta_at(step, cycle, int(_HELD * cycle), self.config.kld)
