"""Caption to pose heatmaps by an adversarial network: the nets of paper 1, section 3.3.

Tables 1 and 2 (unconditional generator and discriminator) and 3 and 4 (conditional generator and
critic). A heatmap inside the nets is scaled to [-1, 1]; `to_heatmap` brings it to [0, 1].

Convolutions that batch normalisation follows have no bias (it would cancel), the others have one.
A map smaller than 64 px leaves out the layers next to the map, and `width_divisor` divides the
hidden channels; both serve the `small` preset, 64 and 1 are the paper's nets.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

JOINTS = 17
JUDGE_PREFIX = "judge."  # of the judge's tensors in a weights file
_SLOPE = 0.2  # of every leaky ReLU
_INIT_STD = 0.02
_WIDENING_NOISE = 0.05  # of a weight's deviation


@dataclass(frozen=True)
class CaptionWganConfig:
    """The numbers that fix the shapes of both nets.

    Attributes:
        map_size: height and width of a heatmap, px: 16, 32 or 64.
        width_divisor: divides the hidden channels of the paper.
        conditional: tables 3 and 4 when true, 1 and 2 otherwise.
        critic_batch_norm: batch normalisation in layers 1-5 of the critic (algorithms 1, 2).
        critic_sigmoid: sigmoid on the critic's output (algorithm 1).
        widest: hidden channels next to the 4x4 map, before the division.
        judge_width: hidden units of the judge that picks among candidates (not in the paper).
    """

    map_size: int = 64
    width_divisor: int = 1
    conditional: bool = True
    critic_batch_norm: bool = False
    critic_sigmoid: bool = False
    noise_dim: int = 128
    text_dim: int = 300
    text_features: int = 128
    widest: int = 512
    judge_width: int = 256

    def __post_init__(self) -> None:
        if self.map_size not in (16, 32, 64):
            raise ValueError(f"map_size must be 16, 32 or 64, not {self.map_size}")

    @property
    def channels(self) -> list[int]:
        """Hidden channels of the generator from the 4x4 map outwards; the critic's reversed."""
        stages = self.map_size.bit_length() - 3  # doublings from 4 px to the map
        return [self.widest // 2**i // self.width_divisor for i in range(stages)]


def to_heatmap(maps: Tensor) -> Tensor:
    """(...) from the nets' [-1, 1] to heatmap values in [0, 1]."""
    return (maps + 1.0) / 2.0


def from_heatmap(heatmaps: Tensor) -> Tensor:
    """(...) from heatmap values in [0, 1] to the nets' [-1, 1]."""
    return heatmaps * 2.0 - 1.0


def init_weights(module: nn.Module) -> None:
    """Section 4.1: convolutions N(0, .02), batch normalisation N(1, .02), biases 0."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, _INIT_STD)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, _INIT_STD)
        nn.init.zeros_(module.bias)


class TextCompression(nn.Sequential):
    """Sentence vector -> the features both nets take (section 3.3.2)."""

    def __init__(self, config: CaptionWganConfig) -> None:
        super().__init__(nn.Linear(config.text_dim, config.text_features), nn.LeakyReLU(_SLOPE))


class Generator(nn.Module):
    """Tables 1 and 3: noise (and a caption) -> heatmaps in [-1, 1]."""

    def __init__(self, config: CaptionWganConfig) -> None:
        super().__init__()
        self.config = config
        self.text = TextCompression(config) if config.conditional else None
        before = config.noise_dim + (config.text_features if config.conditional else 0)
        layers: list[nn.Module] = []
        for index, after in enumerate(config.channels):
            stride, padding = (1, 0) if index == 0 else (2, 1)
            layers += [
                nn.ConvTranspose2d(before, after, 4, stride, padding, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(inplace=True),
            ]
            before = after
        layers += [nn.ConvTranspose2d(before, JOINTS, 4, 2, 1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        self.apply(init_weights)

    def forward(self, noise: Tensor, text: Tensor | None = None) -> Tensor:
        """Draw heatmaps.

        Args:
            noise: (B, noise_dim) standard normal.
            text: (B, text_dim) normalised sentence vectors; None for an unconditional net.
        Returns:
            (B, 17, S, S) in [-1, 1].
        """
        if self.text is not None:
            if text is None:
                raise ValueError("a conditional generator needs a caption")
            noise = torch.cat([noise, self.text(text)], dim=1)
        return self.layers(noise[:, :, None, None])


class Critic(nn.Module):
    """Tables 2 and 4: heatmaps in [-1, 1] (and a caption) -> one score."""

    def __init__(self, config: CaptionWganConfig) -> None:
        super().__init__()
        self.config = config
        layers: list[nn.Module] = []
        before = JOINTS
        for after in reversed(config.channels):
            layers += self._block(nn.Conv2d(before, after, 4, 2, 1, bias=self._bias), after)
            before = after
        self.layers = nn.Sequential(*layers)
        self.text = TextCompression(config) if config.conditional else None
        joined = before + (config.text_features if config.conditional else 0)
        self.head = nn.Sequential(
            *self._block(nn.Conv2d(joined, before, 1, 1, 0, bias=self._bias), before),
            nn.Conv2d(before, 1, 4, 1, 0),
        )
        self.apply(init_weights)

    @property
    def _bias(self) -> bool:
        return not self.config.critic_batch_norm

    def _block(self, convolution: nn.Module, channels: int) -> list[nn.Module]:
        norm = [nn.BatchNorm2d(channels)] if self.config.critic_batch_norm else []
        return [convolution, *norm, nn.LeakyReLU(_SLOPE)]

    def score(self, features: Tensor, text: Tensor | None = None) -> Tensor:
        """The layers that see the caption: (B, C, 4, 4) and (B, text_dim) -> (B,)."""
        if self.text is not None:
            if text is None:
                raise ValueError("a conditional critic needs a caption")
            compressed = self.text(text)[:, :, None, None].expand(-1, -1, *features.shape[2:])
            features = torch.cat([features, compressed], dim=1)  # (B, C + text_features, 4, 4)
        out = self.head(features).flatten().float()  # (B,); losses are taken in fp32
        return torch.sigmoid(out) if self.config.critic_sigmoid else out

    def forward(
        self, maps: Tensor, text: Tensor | None = None, rows: Tensor | None = None
    ) -> Tensor:
        """Judge heatmaps.

        Args:
            maps: (B, 17, S, S) in [-1, 1].
            text: (R, text_dim) captions; R = B unless `rows` is given.
            rows: (R,) int, the map each caption is judged with, so that a map with a matching and a
                mismatching caption passes the layers before the caption once.
        Returns:
            (R,) float32 scores, or probabilities with a sigmoid.
        """
        features = self.layers(maps)  # (B, C, 4, 4)
        return self.score(features if rows is None else features[rows], text)

    def input_gradients(
        self, maps: Tensor, text: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Gradients of the score with respect to its inputs, as a pass one can differentiate.

        A net of convolutions and leaky ReLUs is linear where it stands, so its gradient is the
        product of its transposed layers with the slopes fixed. Writing that product down costs half
        of what autograd's gradient of a gradient does, and gives the same numbers.

        Args:
            maps: (B, 17, S, S) in [-1, 1].
            text: (B, text_dim), or None for an unconditional critic.
        Returns:
            (B, 17, S, S) and (B, text_dim) or None; only the weights carry gradients.
        """
        if self.config.critic_batch_norm or self.config.critic_sigmoid:
            raise ValueError("a gradient penalty takes a critic without batch norm and sigmoid")
        convolutions = [layer for layer in self.layers if isinstance(layer, nn.Conv2d)]
        mix, last = self.head[0], self.head[2]
        slopes: list[Tensor] = []
        text_slope = None
        with torch.no_grad():
            x = maps
            for convolution in convolutions:
                x = convolution(x)
                slopes.append(_slope(x))
                x = x * slopes[-1]
            if self.text is not None and text is not None:
                compressed = self.text[0](text)  # (B, text_features)
                text_slope = _slope(compressed)
                compressed = (compressed * text_slope)[:, :, None, None]
                x = torch.cat([x, compressed.expand(-1, -1, *x.shape[2:])], dim=1)
            mix_slope = _slope(mix(x))
        gradient = functional.conv_transpose2d(last.weight * mix_slope, mix.weight)
        features = slopes[-1].shape[1]
        text_gradient = None
        if text_slope is not None and self.text is not None:
            at_text = gradient[:, features:].sum(dim=(2, 3)) * text_slope  # (B, text_features)
            text_gradient = at_text @ self.text[0].weight  # (B, text_dim)
        gradient = gradient[:, :features]
        for slope, convolution in zip(reversed(slopes), reversed(convolutions), strict=True):
            gradient = functional.conv_transpose2d(
                gradient * slope, convolution.weight, stride=2, padding=1
            )
        return gradient, text_gradient


def _slope(x: Tensor) -> Tensor:
    """Derivative of the leaky ReLU at its input."""
    return torch.where(x > 0, 1.0, _SLOPE)


class Judge(nn.Module):
    """How much likelier is a pose among real ones than among generated ones, given the caption?

    Not in the paper: discriminator rejection sampling (Azadi et al. 2019) with a classifier of
    decoded keypoints. Its logit is the logarithm of the ratio of both densities, by which a
    predictor picks one of several candidates.
    """

    def __init__(self, config: CaptionWganConfig) -> None:
        super().__init__()
        width = config.judge_width
        self.pose = nn.Sequential(
            nn.Linear(JOINTS * 3, width),
            nn.LayerNorm(width),
            nn.GELU(),
            nn.Dropout(0.1),
            nn.Linear(width, width),
            nn.LayerNorm(width),
            nn.GELU(),
            nn.Dropout(0.1),
        )
        self.text = nn.Sequential(
            nn.Dropout(0.3),
            nn.Linear(config.text_dim, width),
            nn.LayerNorm(width),
            nn.GELU(),
            nn.Dropout(0.3),
        )
        self.real = nn.Linear(width, 1)
        self.pose_key = nn.Linear(width, width // 4)
        self.text_key = nn.Linear(width, width // 4)

    def forward(self, keypoints: Tensor, present: Tensor, text: Tensor) -> Tensor:
        """Judge poses.

        Args:
            keypoints: (B, 17, 2) px of the 64-pixel heatmap.
            present: (B, 17) bool.
            text: (B, text_dim) normalised sentence vectors.
        Returns:
            (B,) log ratio of densities, real over generated.
        """
        there = present.to(keypoints.dtype)[..., None]  # (B, 17, 1)
        placed = (keypoints - 32.0) / 16.0 * there
        pose = self.pose(torch.cat([placed, there * 2.0 - 1.0], dim=-1).flatten(1))  # (B, width)
        keys = self.pose_key(pose) * self.text_key(self.text(text))  # (B, width / 4)
        return self.real(pose).squeeze(1) + keys.sum(dim=1) / keys.shape[1] ** 0.5


def transfer_weights(target: nn.Module, source: dict[str, Tensor]) -> list[str]:
    """Section 4.3: start a conditional net from the trained unconditional one.

    Weights that exist in both are copied. Where the caption's features widen the input of a layer,
    the part that sees noise or image features is copied, the part that sees the caption keeps its
    fresh values.

    Args:
        target: the conditional net, changed in place.
        source: state of the unconditional net of the same sizes.
    Returns:
        Names of the tensors that were filled, wholly or in part.
    """
    filled = []
    with torch.no_grad():
        for name, tensor in target.state_dict().items():
            if name not in source:
                continue
            trained = source[name].to(tensor.device, tensor.dtype)
            if trained.shape == tensor.shape:
                tensor.copy_(trained)
            elif all(
                small <= large for small, large in zip(trained.shape, tensor.shape, strict=True)
            ):
                tensor[tuple(slice(0, size) for size in trained.shape)] = trained
            else:
                raise ValueError(
                    f"{name}: {tuple(trained.shape)} does not fit {tuple(tensor.shape)}"
                )
            filled.append(name)
    return filled


def widen(net: Generator | Critic, factor: int) -> Generator | Critic:
    """A net `factor` times as wide that computes nearly the same (Net2Net, Chen et al. 2016).

    Hidden channels are repeated and what they feed is divided by their number. A little noise lets
    the copies part company.

    Args:
        net: an unconditional net, whose input no caption widens.
        factor: divides its `width_divisor`.
    """
    if net.config.conditional or net.config.width_divisor % factor:
        raise ValueError(f"cannot widen {net.config} by {factor}")
    wide = type(net)(replace(net.config, width_divisor=net.config.width_divisor // factor))
    into = 0 if isinstance(net, Generator) else 1  # the input dimension of a convolution's weight
    narrow = net.state_dict()
    with torch.no_grad():
        for name, target in wide.state_dict().items():
            ratios = [t // s for t, s in zip(target.shape, narrow[name].shape, strict=True)]
            tensor = narrow[name].repeat(ratios) if ratios else narrow[name]
            if tensor.dim() == 4:
                tensor = tensor / ratios[into]
                tensor = tensor + _WIDENING_NOISE * tensor.std() * torch.randn_like(tensor)
            target.copy_(tensor)
    return wide
