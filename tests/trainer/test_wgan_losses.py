"""Adversarial losses and gradient penalties against closed forms."""

import math

import pytest
import torch

from trainer.losses import adversarial, penalties
from trainer.models.caption_wgan import CaptionWganConfig, Critic

TINY = CaptionWganConfig(map_size=16, width_divisor=32)


def test_penalties_of_a_linear_critic_are_known() -> None:
    weight = torch.tensor([3.0, 0.0, 4.0])  # |gradient| = 5 everywhere
    (gradient,) = penalties.input_gradients(lambda x: x @ weight, torch.randn(6, 3))
    assert penalties.gradient_norms(gradient).tolist() == pytest.approx([5.0] * 6)
    assert penalties.two_sided_penalty(gradient).item() == pytest.approx(16.0)
    assert penalties.one_sided_penalty(gradient).item() == pytest.approx(16.0)


def test_a_flat_critic_is_penalised_from_one_side_only() -> None:
    weight = torch.tensor([0.3, 0.4])
    (gradient,) = penalties.input_gradients(lambda x: x @ weight, torch.randn(6, 2))
    assert penalties.two_sided_penalty(gradient).item() == pytest.approx(0.25)
    assert penalties.one_sided_penalty(gradient).item() == 0.0


def test_zero_gradient_has_a_finite_penalty_gradient() -> None:
    weight = torch.zeros(3, requires_grad=True)
    (gradient,) = penalties.input_gradients(lambda x: x @ weight, torch.randn(4, 3))
    penalties.two_sided_penalty(gradient).backward()
    assert torch.isfinite(weight.grad).all()


@pytest.mark.parametrize("conditional", [True, False])
def test_written_out_gradients_are_those_of_autograd(conditional: bool) -> None:
    torch.manual_seed(0)
    config = CaptionWganConfig(map_size=16, width_divisor=32, conditional=conditional)
    critic = Critic(config)
    maps, text = torch.randn(5, 17, 16, 16), torch.randn(5, 300)
    inputs = (maps, text) if conditional else (maps,)
    by_autograd = penalties.input_gradients(critic, *inputs)
    written_out = [g for g in critic.input_gradients(*inputs) if g is not None]
    assert len(written_out) == len(by_autograd)
    for ours, theirs in zip(written_out, by_autograd, strict=True):
        torch.testing.assert_close(ours, theirs)
    names = [n for n, _ in critic.named_parameters()]
    weights = [p for _, p in critic.named_parameters()]
    first = torch.autograd.grad(
        sum(penalties.two_sided_penalty(g) for g in by_autograd),
        weights,
        allow_unused=True,
    )
    second = torch.autograd.grad(
        sum(penalties.two_sided_penalty(g) for g in written_out), weights, allow_unused=True
    )
    for name, ours, theirs in zip(names, second, first, strict=True):
        if name.endswith("bias"):  # the slope of a leaky ReLU does not move with the bias
            assert ours is None or not ours.any()
            continue
        assert theirs.abs().sum() > 0, name
        torch.testing.assert_close(ours, theirs)


def test_penalty_refuses_a_critic_with_batch_norm() -> None:
    critic = Critic(CaptionWganConfig(map_size=16, width_divisor=32, critic_batch_norm=True))
    with pytest.raises(ValueError, match="batch norm"):
        critic.input_gradients(torch.zeros(1, 17, 16, 16), torch.zeros(1, 300))


def test_interpolation_ends_at_real_and_fake() -> None:
    real, fake = torch.ones(3, 2, 2), torch.zeros(3, 2, 2)
    mixed = penalties.interpolate(real, fake, torch.tensor([1.0, 0.0, 0.25]))
    assert mixed[:, 0, 0].tolist() == [1.0, 0.0, 0.25]


def test_clamping_limits_every_weight() -> None:
    critic = Critic(TINY)
    with torch.no_grad():
        critic.head[2].weight.fill_(3.0)
    penalties.clamp_weights(critic, 0.01)
    assert max(p.abs().max().item() for p in critic.parameters()) <= 0.01


def test_losses_have_the_values_of_their_formulas() -> None:
    real, fake, wrong = torch.tensor([2.0, 4.0]), torch.tensor([1.0]), torch.tensor([0.5])
    assert adversarial.wasserstein_critic_loss(real, fake).item() == pytest.approx(1.0 - 3.0)
    # D(G, h) + alpha D(x, h') - (1 + alpha) D(x, h)
    assert adversarial.matching_critic_loss(real, fake, wrong, 1.0).item() == pytest.approx(-4.5)
    assert adversarial.matching_critic_loss(real, fake, wrong, 2.0).item() == pytest.approx(-7.0)
    assert adversarial.wasserstein_generator_loss(fake, real).item() == pytest.approx(-4.0)
    sure, unsure = torch.tensor([0.9]), torch.tensor([0.25])
    assert adversarial.gan_discriminator_loss(sure, unsure).item() == pytest.approx(
        -(math.log(0.9) + math.log(0.75))
    )
    assert adversarial.gan_generator_loss(unsure).item() == pytest.approx(-math.log(0.25))
    assert math.isfinite(adversarial.gan_discriminator_loss(1 - sure.round(), sure.round()).item())
