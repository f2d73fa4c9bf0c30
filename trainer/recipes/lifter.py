"""The lifter that ships: a VAE-GAN trained on 2D projections alone (paper 3, with a new head).

What differs from the paper's form, and why, is in `docs/results/lift.md`.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor

from trainer.data.views import random_masks
from trainer.layers import lift_geometry as geometry
from trainer.losses import lifter as losses
from trainer.models.vae_gan_lifter import WHOLE, Lifted, LifterConfig
from trainer.recipes.lifter_common import AdversarialLifterRecipe, LifterSettings

_CLIP_GENERATOR, _CLIP_DISCRIMINATOR = 2.0, 1.0  # chapter 4


class VaeGanLifterRecipe(AdversarialLifterRecipe):
    """Generator and discriminator take turns; the generator also re-lifts its own novel views."""

    name = "vae_gan_lifter"
    presets: ClassVar[dict[str, LifterSettings]] = {
        "small": LifterSettings(net=LifterConfig(hidden=512), steps=22_000),
        "full": LifterSettings(net=LifterConfig(hidden=768), batch=1024),
    }

    @property
    def whole_share(self) -> float:
        """Whole bodies train in two batches, one without masked views and one with."""
        return self.config.masked / 2

    def export(self) -> tuple[str, dict[str, Tensor], dict[str, Any], dict[str, Any]]:
        """The smoothed generator with statistics for half bodies, and a second set for whole."""
        name, tensors, config, extra = super().export()
        of_half = self.statistics(self.config.masked)
        whole = {f"{WHOLE}.{k}": tensors[k] for k in of_half}
        return name, tensors | of_half | whole, config, extra

    def step(self, step: int) -> dict[str, Tensor | float]:
        """One update of the discriminator, then one of the generator."""
        self.set_rate(step, self.generator_optimiser)
        self.set_rate(step, self.discriminator_optimiser, self.config.discriminator_rate)
        view, _ = self.draw()
        real, _ = self.draw()
        lifted = self.generator(view, None, self.latent_noise())
        novel, elevation = novel_view(lifted)
        image = geometry.project(novel)
        scalars = self._discriminator_step(real, self.lifter.normalise(image).detach())
        scalars |= self._generator_step(lifted, novel, image, elevation)
        self.ema.update(self.generator)
        return scalars

    def _discriminator_step(self, real: Tensor, fake: Tensor) -> dict[str, Tensor | float]:
        config = self.config
        of_real, of_fake = self.discriminator(torch.cat([real, fake])).chunk(2)
        loss = losses.discriminator_loss(of_real, of_fake, config.label_low, config.label_high)
        self.discriminator_optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        self.fabric.clip_gradients(
            self.discriminator, self.discriminator_optimiser, max_norm=_CLIP_DISCRIMINATOR
        )
        self.discriminator_optimiser.step()
        return {"discriminator": loss.detach()}

    def _generator_step(
        self, lifted: Lifted, novel: Tensor, image: Tensor, elevation: Tensor
    ) -> dict[str, Tensor | float]:
        config = self.config
        self.discriminator.requires_grad_(False)
        logits = self.discriminator(self.lifter.normalise(image))
        adversarial = losses.generator_loss(logits, config.label_low, config.label_high)
        kld = losses.latent_prior(lifted.mean, lifted.log_variance)
        prior = losses.facing_prior(lifted.points)
        cycle, filled, tilt = self._relift(novel, image, elevation)
        loss = (
            config.adversarial * adversarial
            + config.kld * kld
            + config.prior * prior
            + config.cycle * (cycle + filled + tilt)
        )
        self.generator_optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        self.fabric.clip_gradients(
            self.generator, self.generator_optimiser, max_norm=_CLIP_GENERATOR
        )
        self.generator_optimiser.step()
        self.discriminator.requires_grad_(True)
        return {
            "adversarial": adversarial.detach(),
            "kld": kld.detach(),
            "prior": prior.detach(),
            "cycle": cycle.detach(),
            "filled": filled.detach(),
            "elevation": tilt.detach(),
        }

    def _relift(
        self, novel: Tensor, image: Tensor, elevation: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Lift the novel views, some with joints hidden, and compare with what they show."""
        mask = random_masks(len(image), image.device)
        whole = torch.arange(len(image), device=image.device) >= self.config.masked * len(image)
        mask = torch.where(whole[:, None], torch.ones_like(mask), mask)
        # Half bodies must learn from whole ones, not pull these towards what half can tell.
        shown = torch.where(whole[:, None, None], image, image.detach())
        novel = torch.where(whole[:, None, None], novel, novel.detach())
        view, centre, scale = geometry.normalise(shown, mask, self.lifter.spread)
        again = self.generator(view, mask, None)
        cycle = (again.points - novel / scale).abs().mean()
        filled = (again.image - (shown - centre) / scale).abs().mean()
        return cycle, filled, (again.elevation - elevation).abs().mean()


def novel_view(lifted: Lifted) -> tuple[Tensor, Tensor]:
    """Turn lifts to a random view: level by the predicted elevation, turn, tilt anew.

    Returns:
        (B,17,3) camera space of the new view, and (B,) rad its elevation.
    """
    count, device = len(lifted.points), lifted.points.device
    azimuth = (torch.rand(count, device=device) * 2 - 1) * torch.pi
    elevation = (torch.rand(count, device=device) * 2 - 1) * geometry.MAX_ELEVATION
    level = geometry.tilt(lifted.points, -lifted.elevation)
    return geometry.tilt(geometry.turn(level, azimuth), elevation), elevation
