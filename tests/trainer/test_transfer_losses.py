"""Losses of person transfer."""

import math

import pytest
import torch

from trainer.losses import transfer as losses


def test_relativistic_hinge_is_the_papers_formula() -> None:
    real, fake = torch.tensor([0.5, 2.0]), torch.tensor([-0.25, 0.75])
    # Means 1.25 and 0.25: real - 0.25 = (0.25, 1.75); fake - 1.25 = (-1.5, -0.5).
    assert float(losses.discriminator_loss(real, fake, True)) == pytest.approx(
        (0.75 + 0) / 2 + (0 + 0.5) / 2
    )
    assert float(losses.generator_loss(real, fake, True)) == pytest.approx(
        (2.5 + 1.5) / 2 + (1.25 + 2.75) / 2
    )


def test_cross_entropy_of_an_undecided_discriminator() -> None:
    zero = torch.zeros(3, 1, 2, 2)
    assert float(losses.discriminator_loss(zero, zero, False)) == pytest.approx(2 * math.log(2))
    assert float(losses.generator_loss(zero, zero, False)) == pytest.approx(math.log(2))
    fooled = losses.generator_loss(zero, zero + 5, False)
    assert float(fooled) < 0.01


@pytest.mark.parametrize("relativistic", [False, True])
def test_losses_push_the_two_sides_against_each_other(relativistic: bool) -> None:
    real, fake = torch.zeros(4, requires_grad=True), torch.zeros(4, requires_grad=True)
    up, down = torch.autograd.grad(
        losses.discriminator_loss(real, fake, relativistic), (real, fake)
    )
    assert bool((up < 0).all()) and bool((down > 0).all())
    (of_fake,) = torch.autograd.grad(losses.generator_loss(real, fake, relativistic), fake)
    assert bool((of_fake < 0).all())


def test_nearest_neighbour_forgives_a_shift_that_l1_punishes() -> None:
    torch.manual_seed(0)
    truth = torch.randn(2, 4, 12, 10)
    shifted = truth.roll((1, -2), (2, 3))
    loss = losses.nearest_neighbour(shifted, truth, 5)
    assert float(loss) < 0.5 * float(losses.weighted_l1(shifted, truth))
    far = truth.roll((1, -5), (2, 3))
    assert float(losses.nearest_neighbour(far, truth, 5)) > 3 * float(loss)
    # Away from the rim the true neighbour is found exactly.
    middle = losses.nearest_neighbour(shifted, truth, 5, stride=12, offset=(6, 5))
    assert float(middle) == pytest.approx(0, abs=1e-6)


def test_nearest_neighbour_agrees_with_the_direct_formula() -> None:
    torch.manual_seed(0)
    found, truth = torch.randn(1, 3, 6, 5, requires_grad=True), torch.randn(1, 3, 6, 5)
    total, count = torch.zeros(()), 0
    for y in range(1, 6, 2):
        for x in range(0, 5, 2):
            near = [
                (found[0, :, y, x] - truth[0, :, v, u]).abs().sum()
                for v in range(max(0, y - 1), min(6, y + 2))
                for u in range(max(0, x - 1), min(5, x + 2))
            ]
            total, count = total + torch.stack(near).min(), count + 3
    loss = losses.nearest_neighbour(found, truth, 3, stride=2, offset=(1, 0))
    assert float(loss.detach()) == pytest.approx(float((total / count).detach()), rel=1e-5)
    (wanted,) = torch.autograd.grad(total / count, found)
    (gradient,) = torch.autograd.grad(loss, found)
    assert torch.allclose(gradient, wanted, atol=1e-6)


def test_weights_decide_which_pixels_count() -> None:
    truth, found = torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    found[..., :2] = 1.0
    weight = torch.ones(1, 1, 4, 4)
    assert float(losses.weighted_l1(found, truth, weight)) == pytest.approx(0.5)
    weight[..., 2:] = 0
    assert float(losses.weighted_l1(found, truth, weight)) == pytest.approx(1.0)
    assert float(losses.weighted_l1(found, truth)) == pytest.approx(0.5)


def test_mask_loss_is_least_for_the_true_mask() -> None:
    truth = torch.zeros(1, 1, 8, 8)
    truth[..., 2:6, 3:5] = 1
    right, wrong = (truth * 2 - 1) * 8, (truth.roll(2, 3) * 2 - 1) * 8
    assert float(losses.mask_loss(right, truth)) < 0.01
    assert float(losses.mask_loss(wrong, truth)) > 1.0
