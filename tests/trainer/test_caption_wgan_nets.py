"""The nets of paper 1 against its tables 1-4, layer by layer."""

import pytest
import torch
from torch import nn

from trainer.models.caption_wgan import (
    CaptionWganConfig,
    Critic,
    Generator,
    from_heatmap,
    to_heatmap,
    transfer_weights,
    widen,
)

# input, (input channels, output channels, kernel, stride, padding), batch norm, activation, output
TABLE_1 = [
    ((128, 1, 1), (128, 512, 4, 1, 0), True, nn.ReLU, (512, 4, 4)),
    ((512, 4, 4), (512, 256, 4, 2, 1), True, nn.ReLU, (256, 8, 8)),
    ((256, 8, 8), (256, 128, 4, 2, 1), True, nn.ReLU, (128, 16, 16)),
    ((128, 16, 16), (128, 64, 4, 2, 1), True, nn.ReLU, (64, 32, 32)),
    ((64, 32, 32), (64, 17, 4, 2, 1), False, nn.Tanh, (17, 64, 64)),
]
TABLE_3 = [((256, 1, 1), (256, 512, 4, 1, 0), True, nn.ReLU, (512, 4, 4)), *TABLE_1[1:]]
TABLE_2 = [
    ((17, 64, 64), (17, 64, 4, 2, 1), True, nn.LeakyReLU, (64, 32, 32)),
    ((64, 32, 32), (64, 128, 4, 2, 1), True, nn.LeakyReLU, (128, 16, 16)),
    ((128, 16, 16), (128, 256, 4, 2, 1), True, nn.LeakyReLU, (256, 8, 8)),
    ((256, 8, 8), (256, 512, 4, 2, 1), True, nn.LeakyReLU, (512, 4, 4)),
    ((512, 4, 4), (512, 512, 1, 1, 0), True, nn.LeakyReLU, (512, 4, 4)),
    ((512, 4, 4), (512, 1, 4, 1, 0), False, None, (1, 1, 1)),
]
TABLE_4 = [
    *[(i, c, False, a, o) for i, c, _, a, o in TABLE_2[:4]],
    ((640, 4, 4), (640, 512, 1, 1, 0), False, nn.LeakyReLU, (512, 4, 4)),
    ((512, 4, 4), (512, 1, 4, 1, 0), False, None, (1, 1, 1)),
]
PLAIN = CaptionWganConfig(conditional=False)
WITH_NORM = CaptionWganConfig(conditional=False, critic_batch_norm=True)
TEXT = CaptionWganConfig()
TINY = CaptionWganConfig(map_size=16, width_divisor=32)


def blocks(net: nn.Module) -> list[list[nn.Module]]:
    """The layers of a net, one list a convolution with what follows it."""
    found: list[list[nn.Module]] = []
    for name, module in net.named_modules():
        if name.startswith("text") or list(module.children()):
            continue
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            found.append([])
        found[-1].append(module)
    return found


@pytest.mark.parametrize(
    ("net", "table"),
    [
        (Generator(PLAIN), TABLE_1),
        (Critic(WITH_NORM), TABLE_2),
        (Generator(TEXT), TABLE_3),
        (Critic(TEXT), TABLE_4),
    ],
    ids=["table 1", "table 2", "table 3", "table 4"],
)
def test_layers_are_those_of_the_table(net: nn.Module, table: list) -> None:
    layers = blocks(net)
    assert len(layers) == len(table)
    for layer, (before, numbers, norm, activation, after) in zip(layers, table, strict=True):
        convolution = layer[0]
        assert (
            convolution.in_channels,
            convolution.out_channels,
            convolution.kernel_size[0],
            convolution.stride[0],
            convolution.padding[0],
        ) == numbers
        assert any(isinstance(m, nn.BatchNorm2d) for m in layer) is norm
        assert [type(m) for m in layer[1 + norm :]] == ([activation] if activation else [])
        for module in layer:
            if isinstance(module, nn.LeakyReLU):
                assert module.negative_slope == 0.2
        assert convolution(torch.zeros(1, *before)).shape[1:] == after


@pytest.mark.parametrize(
    ("net", "table"),
    [
        (Generator(PLAIN), TABLE_1),
        (Critic(WITH_NORM), TABLE_2),
        (Generator(TEXT), TABLE_3),
        (Critic(TEXT), TABLE_4),
    ],
    ids=["table 1", "table 2", "table 3", "table 4"],
)
def test_parameters_are_those_of_the_table(net: nn.Module, table: list) -> None:
    expected = 0
    for _, (before, after, kernel, *_), norm, _, _ in table:
        expected += before * after * kernel * kernel
        expected += 2 * after if norm else after  # scale and shift, or a bias
    if net.text is not None:
        expected += 300 * 128 + 128
    assert sum(p.numel() for p in net.parameters()) == expected


def test_caption_goes_through_one_linear_layer_and_leaky_relu() -> None:
    for net in (Generator(TEXT), Critic(TEXT)):
        linear, activation = net.text
        assert (linear.in_features, linear.out_features) == (300, 128)
        assert isinstance(activation, nn.LeakyReLU) and activation.negative_slope == 0.2


def test_initial_weights_follow_section_4_1() -> None:
    torch.manual_seed(0)
    generator = Generator(PLAIN)
    assert generator.layers[3].weight.std().item() == pytest.approx(0.02, rel=0.02)
    assert generator.layers[1].weight.mean().item() == pytest.approx(1.0, abs=0.005)
    assert generator.layers[1].weight.std().item() == pytest.approx(0.02, rel=0.2)
    assert not generator.layers[1].bias.any()


def test_sigmoid_only_where_the_algorithm_wants_it() -> None:
    torch.manual_seed(0)
    maps = torch.randn(4, 17, 16, 16)
    tiny = {"map_size": 16, "width_divisor": 32, "conditional": False}
    scores = Critic(CaptionWganConfig(**tiny))(maps * 1e4)
    assert ((scores < 0) | (scores > 1)).any()
    probability = Critic(CaptionWganConfig(**tiny, critic_sigmoid=True, critic_batch_norm=True))(
        maps
    )
    assert ((probability > 0) & (probability < 1)).all()


@pytest.mark.parametrize("size", [16, 32, 64])
def test_every_parameter_gets_a_gradient(size: int) -> None:
    torch.manual_seed(0)
    config = CaptionWganConfig(map_size=size, width_divisor=16)
    generator, critic = Generator(config), Critic(config)
    maps = generator(torch.randn(4, 128), torch.randn(4, 300))
    assert maps.shape == (4, 17, size, size)
    score = critic(maps, torch.randn(4, 300))
    assert score.shape == (4,) and score.dtype == torch.float32
    score.sum().backward()
    for net in (generator, critic):
        for name, parameter in net.named_parameters():
            assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_one_map_with_two_captions_is_judged_as_two_maps() -> None:
    torch.manual_seed(0)
    critic = Critic(TINY)
    maps, text = torch.randn(3, 17, 16, 16), torch.randn(6, 300)
    shared = critic(maps, text, torch.tensor([0, 1, 2, 0, 1, 2]))
    torch.testing.assert_close(shared, critic(torch.cat([maps, maps]), text))


def test_transfer_copies_what_both_nets_have() -> None:
    torch.manual_seed(0)
    small = {"map_size": 16, "width_divisor": 32}
    plain = CaptionWganConfig(**small, conditional=False)
    source, target = Generator(plain), Generator(CaptionWganConfig(**small))
    fresh = target.layers[0].weight.detach().clone()
    filled = transfer_weights(target, source.state_dict())
    assert set(filled) == set(source.state_dict())
    torch.testing.assert_close(target.layers[0].weight[:128], source.layers[0].weight)
    torch.testing.assert_close(target.layers[0].weight[128:], fresh[128:])
    torch.testing.assert_close(target.layers[3].weight, source.layers[3].weight)

    critic, conditional = Critic(plain), Critic(CaptionWganConfig(**small))
    transfer_weights(conditional, critic.state_dict())
    # With the caption's weights at zero, the conditional critic judges as the other one does.
    width = critic.head[0].in_channels
    with torch.no_grad():
        conditional.head[0].weight[:, width:] = 0.0
    maps = torch.randn(2, 17, 16, 16)
    torch.testing.assert_close(conditional(maps, torch.randn(2, 300)), critic(maps))


def test_transfer_refuses_another_size() -> None:
    source = Generator(CaptionWganConfig(map_size=16, width_divisor=16, conditional=False))
    with pytest.raises(ValueError, match="does not fit"):
        transfer_weights(Generator(TINY), source.state_dict())


def test_widening_keeps_what_the_net_computes() -> None:
    torch.manual_seed(0)
    config = CaptionWganConfig(map_size=16, width_divisor=32, conditional=False)
    noise, maps = torch.randn(8, 128), torch.randn(8, 17, 16, 16)
    for net, given in ((Generator(config).eval(), noise), (Critic(config), maps)):
        wide = widen(net, 2).eval()
        assert wide.config.width_divisor == 16
        assert sum(p.numel() for p in wide.parameters()) > 1.8 * sum(
            p.numel() for p in net.parameters()
        )
        with torch.no_grad():
            before, after = net(given).flatten(), wide(given).flatten()
        assert torch.corrcoef(torch.stack([before, after]))[0, 1] > 0.98
        # The copies differ a little, or they would stay copies for ever.
        first = next(p for p in wide.parameters() if p.dim() == 4)
        one, other = first.chunk(2, dim=1 if isinstance(net, Generator) else 0)
        assert 0.0 < (one - other).abs().mean() < 0.2 * one.abs().mean()


def test_widening_refuses_what_it_cannot_do() -> None:
    for config, factor in ((TINY, 2), (CaptionWganConfig(conditional=False, map_size=16), 2)):
        with pytest.raises(ValueError, match="widen"):
            widen(Generator(config), factor)


def test_heatmap_scaling_is_its_own_inverse() -> None:
    values = torch.tensor([0.0, 0.2, 1.0])
    torch.testing.assert_close(from_heatmap(values), torch.tensor([-1.0, -0.6, 1.0]))
    torch.testing.assert_close(to_heatmap(from_heatmap(values)), values)
