"""The supervised VAE on the same data (paper 3, section 3.1): the bound, never shipped."""

from typing import ClassVar

from torch import Tensor

from trainer.losses import lifter as losses
from trainer.models.vae_gan_lifter import LifterConfig
from trainer.recipes.lifter_common import LifterRecipe, LifterSettings

_CLIP = 2.0


class SupervisedLifterRecipe(LifterRecipe):
    """Regression to the true 3D pose by the same network."""

    name = "lifter_supervised"
    presets: ClassVar[dict[str, LifterSettings]] = {
        "small": LifterSettings(
            net=LifterConfig(hidden=512), steps=12_000, reconstruction=1.0, kld=1e-3
        ),
        "full": LifterSettings(
            net=LifterConfig(hidden=768), batch=1024, reconstruction=1.0, kld=1e-3
        ),
    }

    def step(self, step: int) -> dict[str, Tensor | float]:
        """One update of encoder and decoder."""
        self.set_rate(step, self.generator_optimiser)
        view, target = self.draw()
        lifted = self.generator(view, None, self.latent_noise())
        error = (lifted.points - target).norm(dim=-1).mean()
        kld = losses.latent_prior(lifted.mean, lifted.log_variance)
        loss = self.config.reconstruction * error + self.config.kld * kld
        self.generator_optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        self.fabric.clip_gradients(self.generator, self.generator_optimiser, max_norm=_CLIP)
        self.generator_optimiser.step()
        self.ema.update(self.generator)
        return {"error": error.detach(), "kld": kld.detach()}
