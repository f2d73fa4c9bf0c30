"""Networks of the VAE-GAN lifter (paper 3, chapter 2 and appendix A)."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from trainer.layers import lift_geometry as geometry

JOINTS = 17
ROOT, HEAD = 0, 10
POINT_SCALE = 1.3  # section 2.1.3: legs are longer than the unit from pelvis to head
MAX_PREDICTED_ELEVATION = 0.6

WHOLE = "whole"
"""Prefix of the batch norm statistics for whole bodies in a weights file. Whole and half bodies
look different to a net; each lift takes the statistics of its own kind."""


@dataclass(frozen=True)
class LifterConfig:
    """Numbers that fix the weights' shapes, and which of the two heads the decoder has.

    Attributes:
        head: "points" is the paper's (16 joints in, x, y and z out); "depth" takes x and y of
            given joints from the input, predicts depth and the camera's elevation, fills in absent
            joints, and knows which are given.
        norm: "batch" is the paper's; "layer" treats every pose by itself and trained far slower.
        discriminator_hidden: width of the discriminator, 0 for the same as the others.
    """

    head: str = "depth"
    hidden: int = 1024
    latent: int = 51
    encoder_blocks: int = 1
    decoder_blocks: int = 1
    discriminator_blocks: int = 2
    dropout: float = 0.0
    discriminator_dropout: float = 0.0
    discriminator_slope: float = 0.2
    norm: str = "batch"
    discriminator_hidden: int = 0
    depth_range: float = 1.5  # one view in a hundred is deeper than 1.3

    @property
    def inputs(self) -> int:
        return 2 * (JOINTS - 1) if self.head == "points" else 3 * JOINTS

    @property
    def outputs(self) -> int:
        if self.head == "points":
            return 3 * (JOINTS - 1)
        return (JOINTS - 1) + 2 * JOINTS + 1  # depths, points to fill in, elevation


PAPER = LifterConfig(
    head="points",
    dropout=0.2,
    discriminator_dropout=0.5,
    discriminator_slope=0.01,
)


class ResidualBlock(nn.Module):
    """Figure 2.1.1: two linear layers around which the input is added."""

    def __init__(self, config: LifterConfig) -> None:
        super().__init__()
        hidden = config.hidden
        self.layers = nn.Sequential(
            *_layer(hidden, config, bias=False), *_layer(hidden, config, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


def _layer(inputs: int, config: LifterConfig, bias: bool = True) -> list[nn.Module]:
    hidden = config.hidden
    norm = nn.BatchNorm1d(hidden) if config.norm == "batch" else nn.LayerNorm(hidden)
    layers = [nn.Linear(inputs, hidden, bias=bias), norm, nn.Mish()]
    return [*layers, nn.Dropout(config.dropout)] if config.dropout else layers


class Encoder(nn.Module):
    """Appendix A.1: a 2D pose to the mean and log-variance of its latent."""

    def __init__(self, config: LifterConfig) -> None:
        super().__init__()
        hidden = config.hidden
        self.lift_in = nn.Sequential(*_layer(config.inputs, config))
        self.blocks = nn.Sequential(*(ResidualBlock(config) for _ in range(config.encoder_blocks)))
        self.mean = nn.Linear(hidden, config.latent)
        self.log_variance = nn.Linear(hidden, config.latent)
        _initialise(self)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        with _full_precision(x):
            x = self.lift_in(x.float())  # (B, hidden)
        x = self.blocks(x)
        with _full_precision(x):
            x = x.float()
            return self.mean(x), self.log_variance(x).clamp(-12.0, 6.0)


class Decoder(nn.Module):
    """Appendix A.2: a latent to the raw outputs, before any tanh."""

    def __init__(self, config: LifterConfig) -> None:
        super().__init__()
        hidden = config.hidden
        self.lift_in = nn.Sequential(*_layer(config.latent, config))
        self.blocks = nn.Sequential(*(ResidualBlock(config) for _ in range(config.decoder_blocks)))
        self.out = nn.Linear(hidden, config.outputs)
        _initialise(self)
        with torch.no_grad():  # start near the flat pose
            self.out.weight.mul_(0.2)

    def forward(self, z: Tensor) -> Tensor:
        with _full_precision(z):
            x = self.lift_in(z.float())
        x = self.blocks(x)
        with _full_precision(x):
            return self.out(x.float())


class _PlainBlock(nn.Module):
    def __init__(self, hidden: int, slope: float, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [nn.Linear(hidden, hidden), nn.LeakyReLU(slope)]
            layers += [nn.Dropout(dropout)] if dropout else []
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class Discriminator(nn.Module):
    """Appendix A.3: a normalised 2D pose to the logit of being real (the loss has the sigmoid)."""

    def __init__(self, config: LifterConfig) -> None:
        super().__init__()
        hidden = config.discriminator_hidden or config.hidden
        slope = config.discriminator_slope
        self.lift_in = nn.Sequential(nn.Linear(2 * (JOINTS - 1), hidden), nn.LeakyReLU(slope))
        self.blocks = nn.Sequential(
            *(
                _PlainBlock(hidden, slope, config.discriminator_dropout)
                for _ in range(config.discriminator_blocks)
            )
        )
        self.out = nn.Linear(hidden, 1)
        _initialise(self, slope)

    def forward(self, points: Tensor) -> Tensor:
        """(B,17,2) normalised image points, root first, to (B,)."""
        with _full_precision(points):
            x = self.lift_in(points[:, 1:].flatten(1).float())
        x = self.blocks(x)
        with _full_precision(x):
            return self.out(x.float()).squeeze(-1)


class Lifted(NamedTuple):  # Fabric converts the precision of tuples, not of frozen dataclasses
    """What a lift gives, in the input's normalised space.

    Attributes:
        points: (B,17,3) camera space, root at the origin.
        image: (B,17,2) every joint's image point: the given ones, the others filled in.
        elevation: (B,) rad, the camera's.
        mean, log_variance: (B, latent).
    """

    points: Tensor
    image: Tensor
    elevation: Tensor
    mean: Tensor
    log_variance: Tensor


class Lifter(nn.Module):
    """Encoder, decoder and geometry: the generator, and all that ships."""

    def __init__(self, config: LifterConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        # Statistics of the training views, needed to normalise any input alike.
        self.register_buffer("spread", torch.ones(JOINTS, JOINTS) - torch.eye(JOINTS))

    def normalise(self, points: Tensor, mask: Tensor | None = None) -> Tensor:
        """Image points of any place and scale to the network's input space, (B,17,2)."""
        if self.config.head == "points":
            return geometry.normalise_by_head(points, ROOT, HEAD)[0]
        if mask is None:
            mask = torch.ones_like(points[..., 0])
        return geometry.normalise(points, mask, self.spread)[0]

    def encode(self, points: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Normalised (B,17,2) points and (B,17) mask (None: all there) to mean and log-variance."""
        if self.config.head == "points":
            return self.encoder(points[:, 1:].flatten(1))
        if mask is None:
            mask = torch.ones_like(points[..., 0])
        masked = points * mask.unsqueeze(-1)
        return self.encoder(torch.cat([masked.flatten(1), mask], dim=1))

    def decode(
        self, z: Tensor, points: Tensor, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Latents and the normalised input to points, image points and elevation (see `Lifted`)."""
        raw = self.decoder(z)
        root = torch.zeros_like(raw[:, :1])
        if self.config.head == "points":
            free = POINT_SCALE * torch.tanh(raw).unflatten(1, (JOINTS - 1, 3))
            free = torch.cat([torch.zeros_like(free[:, :1]), free], dim=1)  # (B, 17, 3)
            return free, geometry.project(free), root.squeeze(1)
        depths, filled, elevation = raw.split([JOINTS - 1, 2 * JOINTS, 1], dim=1)
        depths = torch.cat([root, self.config.depth_range * torch.tanh(depths)], dim=1)  # (B, 17)
        image = filled.unflatten(1, (JOINTS, 2))
        image = points if mask is None else torch.where(mask.unsqueeze(-1) > 0, points, image)
        lifted = geometry.unproject(image - image[:, :1], depths)
        angle = MAX_PREDICTED_ELEVATION * torch.tanh(elevation.squeeze(1) / 2)
        return lifted, image, angle

    def forward(
        self, points: Tensor, mask: Tensor | None = None, noise: Tensor | None = None
    ) -> Lifted:
        """Lift normalised image points; `noise` is (B, latent) standard normal, or None."""
        mean, log_variance = self.encode(points, mask)
        z = mean if noise is None else mean + (0.5 * log_variance).exp() * noise
        return Lifted(*self.decode(z, points, mask), mean, log_variance)


def _full_precision(x: Tensor) -> torch.autocast:
    # Under bf16 autocast coordinates would be rounded to 3 mm; the narrow layers cost nothing.
    return torch.autocast(x.device.type, enabled=False)


def _initialise(module: nn.Module, slope: float = 0.01) -> None:
    # Section 3.3: Kaiming with the leaky slope, for all layers.
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, a=slope, nonlinearity="leaky_relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
