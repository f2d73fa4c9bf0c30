"""The hourglass, its judge, its losses and its decoding."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from trainer.data import person_crops
from trainer.layers.heatmap_decoding import decode
from trainer.losses import heatmaps as losses
from trainer.models.attention_hourglass import (
    KEYPOINTS,
    MAPS,
    STRIDE,
    AttentionHourglass,
    AttentionHourglassConfig,
    HeatmapJudge,
    JudgeConfig,
    SelfAttentionResidual,
)
from trainer.predictors.attention_hourglass import _in_the_first_frame
from trainer.recipes.attention_hourglass import stacked

TINY = AttentionHourglassConfig(input_px=64, stacks=2, features=16, depth=2)


@pytest.mark.parametrize("attention", ["", "A", "B"])
def test_shapes_and_gradients(attention: str) -> None:
    torch.manual_seed(0)
    net = AttentionHourglass(
        AttentionHourglassConfig(input_px=64, stacks=2, features=16, depth=2, attention=attention)
    )
    stacks, presence = net(torch.randn(2, 3, 64, 64))
    assert [tuple(m.shape) for m in stacks] == [(2, MAPS, 16, 16)] * 2
    assert presence.shape == (2, KEYPOINTS, 2)
    for module in net.modules():  # gamma starts at 0, where attention learns nothing yet
        if isinstance(module, SelfAttentionResidual):
            torch.nn.init.constant_(module.gamma, 0.5)
    stacks, presence = net(torch.randn(2, 3, 64, 64))
    (sum(m.square().mean() for m in stacks) + presence.square().mean()).backward()
    without = [n for n, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    # A key's bias moves every score of a row alike, which the softmax takes out again.
    assert [n for n in without if not n.endswith("key.bias")] == []


def test_attention_reaches_across_the_picture() -> None:
    torch.manual_seed(0)
    plain, attended = (SelfAttentionResidual(16, "B", 16) for _ in range(2))
    torch.nn.init.constant_(attended.gamma, 1.0)
    for net, reaches in ((plain, False), (attended, True)):
        net.eval()
        x = torch.randn(1, 16, 16, 16)
        moved = x.clone()
        moved[:, :, 0, 0] += 3.0
        difference = (net(moved) - net(x)).abs()[0, :, 15, 15].max()
        assert bool(difference > 1e-6) == reaches


def test_forms_of_attention_differ_in_what_they_attend_to() -> None:
    torch.manual_seed(0)
    a, b = SelfAttentionResidual(16, "A", 16), SelfAttentionResidual(16, "B", 16)
    b.load_state_dict(a.state_dict())
    for net in (a, b):
        torch.nn.init.constant_(net.gamma, 1.0)
        net.eval()
    x = torch.randn(1, 16, 8, 8)
    assert not torch.allclose(a(x), b(x))
    with pytest.raises(ValueError, match="form A or B"):
        SelfAttentionResidual(16, "C", 16)


def test_judge_reconstructs_heatmaps_of_a_quarter_of_the_photo() -> None:
    judge = HeatmapJudge(JudgeConfig(features=16, depth=2))
    out = judge(torch.randn(2, 3, 64, 64), torch.rand(2, KEYPOINTS, 16, 16))
    assert out.shape == (2, KEYPOINTS, 16, 16)


def test_targets_are_distributions_around_the_joint() -> None:
    points = torch.tensor([[[5.0, 9.0], [40.0, -7.0]]])
    targets = losses.gaussian_targets(points, 16, 1.0)
    assert torch.allclose(targets.sum((2, 3)), torch.ones(1, 2))
    assert targets[0, 0].argmax() == 9 * 16 + 5
    assert targets[0, 1].argmax() == 15  # the nearest pixel of a place outside


@pytest.mark.parametrize("x", [4.0, 4.3, 4.5, 4.9, 7.25])
def test_decoding_finds_places_between_pixels(x: float) -> None:
    targets = losses.gaussian_targets(torch.tensor([[[x, 8.6]]]), 16, 1.0)
    places, share = decode(targets.clamp_min(1e-12).log())
    assert abs(float(places[0, 0, 0]) - x) < 0.03
    assert abs(float(places[0, 0, 1]) - 8.6) < 0.03
    assert float(share) > 0.9


def test_decoding_keeps_to_the_higher_of_two_peaks() -> None:
    targets = losses.gaussian_targets(torch.tensor([[[3.2, 4.0], [12.0, 11.0]]]), 16, 1.0)
    mixed = 0.6 * targets[:, :1] + 0.4 * targets[:, 1:]
    places, share = decode(mixed.clamp_min(1e-12).log())
    assert torch.allclose(places[0, 0], torch.tensor([3.2, 4.0]), atol=0.05)
    assert 0.5 < float(share) < 0.65


def test_place_loss_is_zero_at_the_target_and_grows_with_distance() -> None:
    targets = losses.gaussian_targets(torch.tensor([[[5.0, 9.0]]]), 16, 1.0)
    at = [
        float(
            losses.place_loss(
                losses.gaussian_targets(torch.tensor([[[x, 9.0]]]), 16, 1.0).clamp_min(1e-9).log(),
                targets,
            )
        )
        for x in (5.0, 6.0, 8.0)
    ]
    assert abs(at[0]) < 1e-3
    assert at[0] < at[1] < at[2]


def test_noisy_people_with_exchanged_names_count_as_exchanged() -> None:
    loss = torch.tensor([[6.0, 6.0], [6.0, 6.0], [1.0, 1.0]])
    other = torch.tensor([[0.5, 0.5], [0.5, 0.5], [5.0, 5.0]])
    weight = torch.ones(3, 2)
    noisy = torch.tensor([True, False, True])
    plain = losses.robust_mean(loss, weight, noisy, None, limit=100.0)
    swapped = losses.robust_mean(loss, weight, noisy, other, limit=100.0)
    assert math.isclose(float(plain), (12 + 12 + 2) / 6, rel_tol=1e-6)
    assert math.isclose(float(swapped), (1 + 12 + 2) / 6, rel_tol=1e-6)
    damped = losses.robust_mean(loss, weight, noisy, None, limit=3.0)
    assert math.isclose(float(damped), (6 + 12 + 2) / 6, rel_tol=1e-6)


def test_presence_is_taught_only_where_labels_tell() -> None:
    logits = torch.zeros(1, KEYPOINTS, 2, requires_grad=True)
    states = torch.full((1, KEYPOINTS), -1.0)
    states[0, 0], states[0, 1], states[0, 2], states[0, 3] = 2.0, 1.0, 0.0, 0.5
    losses.presence_loss(logits, states).backward()
    grad = logits.grad
    assert grad is not None
    signs = torch.sign(grad[0, :5])
    assert signs.tolist() == [[-1, -1], [-1, 1], [1, 0], [0, 1], [0, 0]]


def test_a_stack_that_is_added_finds_what_the_others_found() -> None:
    torch.manual_seed(0)
    small = AttentionHourglassConfig(input_px=64, stacks=1, features=16, growth=8, depth=2)
    one = AttentionHourglass(small).eval()
    two = AttentionHourglass(replace(small, stacks=2)).eval()
    two.load_state_dict(stacked(one.state_dict(), two.state_dict(), 1))
    image = torch.rand(2, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        alone, presence = one(image)
        both, presence_of_two = two(image)
    assert torch.allclose(both[0], alone[0], atol=1e-5)
    assert torch.allclose(both[1], alone[0], atol=1e-5)
    assert torch.allclose(presence, presence_of_two, atol=1e-5)


def test_growing_channels_and_a_light_stem_keep_the_shapes() -> None:
    config = AttentionHourglassConfig(
        input_px=64, stacks=2, features=16, growth=24, depth=3, light_stem=True
    )
    maps, presence = AttentionHourglass(config)(torch.zeros(1, 3, 64, 64))
    assert [tuple(m.shape) for m in maps] == [(1, 19, 16, 16)] * 2
    assert presence.shape == (1, 17, 2)


@pytest.mark.parametrize(("zoom", "turn_deg"), [(1.5, 0.0), (1.0, 90.0), (1.2, -15.0)])
def test_maps_of_another_view_fall_where_the_first_one_sees_them(
    zoom: float, turn_deg: float
) -> None:
    box = np.array([10.0, 20.0, 60.0, 50.0])
    first = person_crops.placement(box, 128)
    other = person_crops.placement(box, 128, zoom=zoom, turn_deg=turn_deg)
    joint = np.array([48.0, 38.0, 1.0])  # px of the photograph

    def maps(matrix: np.ndarray, sigma: float) -> torch.Tensor:
        at = (matrix @ joint - (STRIDE - 1) / 2) / STRIDE
        return losses.gaussian_targets(torch.from_numpy(at).float().reshape(1, 1, 2), 32, sigma)

    alone = _in_the_first_frame(maps(first, 1.0)[None], [(1.0, 0.0)])
    assert torch.allclose(alone, maps(first, 1.0))
    views = [(1.0, 0.0), (zoom, turn_deg)]
    both = _in_the_first_frame(torch.stack([maps(first, 1.0), maps(other, zoom)]), views)
    assert float((both - alone).abs().max()) < 0.02
    assert float(both.sum()) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("form", ["A", "B"])
def test_attention_in_bf16_learns_what_attention_in_32_bits_learns(form: str) -> None:
    # A residual stream grows; a softmax over products of such features has a gradient that all
    # but cancels, and in bf16 its rounding drowned the rest.
    torch.manual_seed(0)
    module = SelfAttentionResidual(64, form, 16)
    with torch.no_grad():
        module.gamma.fill_(0.5)
        module.query.weight.mul_(2.0)
        module.key.weight.mul_(2.0)
    x = 10.0 * torch.randn(2, 64, 16, 16) + 20.0 * torch.randn(1, 64, 1, 1)
    direction = 1e-4 * torch.randn_like(x)
    gradients = []
    for rounded in (False, True):
        fed = x.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=rounded):
            out = module(fed)
        (out.float() * direction).sum().backward()
        gradients.append(fed.grad)
    exact, found = gradients
    assert exact is not None and found is not None
    assert torch.nn.functional.cosine_similarity(exact.flatten(), found.flatten(), 0) > 0.99
