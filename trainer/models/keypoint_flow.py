"""Caption to pose by conditional flow matching in keypoint space.

A pose is 17 x (x, y, visibility bit); the network predicts the velocity that carries Gaussian noise
at time 0 to a pose at time 1, along straight paths (Lipman et al. 2023). The condition is the
sentence vector of paper 1, section 2.3; without it the same network models all poses, which gives
the guidance strength.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

JOINTS = 17
POSE_DIM = 3 * JOINTS
TEXT_DIM = 300
AUGMENT_DIM = 4  # rotation, log scale, shift x, shift y; zero means an untouched pose


@dataclass(frozen=True)
class KeypointFlowConfig:
    """The numbers that fix the weights' shapes, and the scaling of the pose vector.

    Attributes:
        centre_px, spread_px: heatmap px p becomes (p - centre) / spread.
        visible_bit: a visible joint's third number; a missing one's is its negative.
    """

    width: int = 512
    hidden: int = 1024
    blocks: int = 5
    time_dim: int = 128
    domains: int = 5
    centre_px: float = 32.0
    spread_px: float = 14.0
    visible_bit: float = 0.6


class KeypointFlow(nn.Module):
    """Velocity field v(x, t | text, domain, augmentation)."""

    text_mean: Tensor
    text_scale: Tensor
    frequencies: Tensor

    def __init__(self, config: KeypointFlowConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        # Sentence vectors of one domain share a direction: what differs between captions is
        # small beside it, so the mean goes and the rest is scaled to unit deviation.
        self.register_buffer("text_mean", torch.zeros(TEXT_DIM))
        self.register_buffer("text_scale", torch.ones(TEXT_DIM))
        frequencies = torch.exp(torch.linspace(0.0, math.log(200.0), config.time_dim // 2))
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.time = nn.Sequential(
            nn.Linear(config.time_dim, width), nn.SiLU(), nn.Linear(width, width)
        )
        self.text = nn.Sequential(nn.Linear(TEXT_DIM, width), nn.SiLU(), nn.Linear(width, width))
        self.no_text = nn.Parameter(torch.zeros(width))
        self.domain = nn.Embedding(config.domains, width)
        self.augment = nn.Linear(AUGMENT_DIM, width, bias=False)
        # One modulation for all blocks, plus a learned offset a block: a fraction of the
        # parameters of one modulation a block.
        self.modulation = nn.Linear(width, 3 * width)
        self.offsets = nn.Parameter(torch.zeros(config.blocks, 3 * width))
        self.inlet = nn.Linear(POSE_DIM, width)
        self.blocks = nn.ModuleList(_Block(width, config.hidden) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(width)
        self.outlet = nn.Linear(width, POSE_DIM)
        nn.init.normal_(self.no_text, std=0.02)
        nn.init.normal_(self.domain.weight, std=0.02)

    def condition(self, text: Tensor, has_text: Tensor, domain: Tensor, augment: Tensor) -> Tensor:
        """The part of the condition that does not depend on time.

        Args:
            text: (B, 300) raw sentence vectors (times 30).
            has_text: (B,) bool; False replaces the text by "no text".
            domain: (B,) long.
            augment: (B, 4).
        Returns:
            (B, width).
        """
        scaled = (text - self.text_mean) / self.text_scale
        encoded = torch.where(has_text[:, None], self.text(scaled), self.no_text)
        return encoded + self.domain(domain) + self.augment(augment)

    def forward(self, x: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        """Velocity of pose vectors.

        Args:
            x: (B, 51) pose vectors on their way from noise to pose.
            time: (B,) 0 noise ... 1 pose.
            condition: (B, width) from `condition`.
        Returns:
            (B, 51).
        """
        phase = time[:, None] * self.frequencies  # (B, time_dim / 2)
        clock = self.time(torch.cat([phase.sin(), phase.cos()], -1))
        shared = self.modulation(nn.functional.silu(clock + condition))  # (B, 3 * width)
        h = self.inlet(x)
        for i, block in enumerate(self.blocks):
            h = block(h, shared + self.offsets[i])
        return self.outlet(self.norm(h))

    def to_vector(self, keypoints: Tensor, present: Tensor) -> Tensor:
        """Poses in heatmap px (B, 17, 2) and presence (B, 17) as pose vectors (B, 51)."""
        c = self.config
        scaled = (keypoints - c.centre_px) / c.spread_px * present[..., None]
        bit = (present.to(scaled.dtype) * 2 - 1) * c.visible_bit
        return torch.cat([scaled, bit[..., None]], -1).flatten(1)

    def from_vector(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Pose vectors as heatmap px (B, 17, 2) and confidence (B, 17), 0.5 the threshold."""
        c = self.config
        pose = x.unflatten(1, (JOINTS, 3))
        confidence = (0.5 + 0.5 * pose[..., 2] / c.visible_bit).clamp(0, 1)
        return pose[..., :2] * c.spread_px + c.centre_px, confidence


class _Block(nn.Module):
    """Pre-norm residual MLP, modulated."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.expand = nn.Linear(width, hidden)
        self.contract = nn.Linear(hidden, width)
        nn.init.zeros_(self.contract.bias)
        with torch.no_grad():
            self.contract.weight.mul_(0.2)  # blocks begin near the identity

    def forward(self, h: Tensor, modulation: Tensor) -> Tensor:
        scale, shift, gate = modulation.chunk(3, -1)
        inner = self.norm(h) * (1 + scale) + shift
        return h + (1 + gate) * self.contract(nn.functional.silu(self.expand(inner)))


@torch.no_grad()
def integrate(
    model: KeypointFlow,
    noise: Tensor,
    text: Tensor,
    domain: int,
    guidance: float,
    steps: int,
    interval: tuple[float, float] = (0.0, 1.0),
) -> Tensor:
    """Follow the velocity from noise to poses by Heun's method.

    Args:
        noise: (B, 51) standard normal.
        text: (B, 300) raw sentence vectors.
        domain: which source's poses to imitate.
        guidance: 1 is the model's own conditional distribution, 0 ignores the caption, above 1
            exaggerates what the caption changes.
        steps: Heun steps of two evaluations each; the last is one Euler step.
        interval: times between which guidance acts; outside it is 1.
    Returns:
        (B, 51) pose vectors.
    """
    count, device = len(noise), noise.device
    domains = torch.full((count,), domain, dtype=torch.long, device=device)
    plain = torch.zeros(count, AUGMENT_DIM, device=device)
    yes = torch.ones(count, dtype=torch.bool, device=device)
    with_text = model.condition(text, yes, domains, plain)
    without = model.condition(text, ~yes, domains, plain)
    both = torch.cat([with_text, without])

    def velocity(x: Tensor, t: float) -> Tensor:
        strength = guidance if interval[0] <= t <= interval[1] else 1.0
        if strength == 1.0:
            return model(x, torch.full((count,), t, device=device), with_text)
        time = torch.full((2 * count,), t, device=device)
        v, v_plain = model(torch.cat([x, x]), time, both).chunk(2)
        return v_plain + strength * (v - v_plain)

    times = torch.linspace(0.0, 1.0, steps + 1).tolist()
    x = noise
    for i in range(steps):
        t, dt = times[i], times[i + 1] - times[i]
        v = velocity(x, t)
        if i < steps - 1:
            v = (v + velocity(x + dt * v, times[i + 1])) / 2
        x = x + dt * v
    return x
