"""A person in a new pose: the deformable GAN and what the papers made of it.

One config whose switches give each row of the tables:

- U-Net (paper 2's baseline): one stream that sees the photo and both poses.
- Deformable GAN: one stream for the photo with its pose, one for the target pose; the photo's
  features reach the decoder through limb-wise affine warps (paper 2, section 3.1).
- Stacked (paper 2, section 3.2): pictures of a quarter, half and full size from the decoder's last
  three levels l_i and the pose's code h_b, a discriminator each; "gate" is the paper's attention
  module, of which it says only that it keeps the pose.
- Paper 5: spectral normalisation in decoder and discriminator, self-attention after the last two
  layers of both, with a gamma that starts at 0.
- Beyond the papers: part masks beside the Gaussians; a learnt warp (`LimbFlow`) in place of the
  rigid one; a look back at the whole photo; the person's mask; pixels copied from the warped photo,
  so that patterns and faces survive.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.layers.adversarial_blocks import Attention, Gate, InstanceNorm, spectral
from trainer.layers.limb_flow import LimbFlow, resized_places
from trainer.layers.limb_warps import PARTS, LimbWarps, limb_warps, rectangle_masks, sample
from trainer.layers.picture_blocks import SLOPE, Encoder, Head, Up
from trainer.layers.pose_maps import gaussian_maps

KEYPOINTS = 17
_CODE = 16  # channels of the pose's code that the stacked generators see
_FLOW_WIDTH = 24
_ATTENTIONS = ("", "self", "gate")


@dataclass(frozen=True)
class DeformableGanConfig:
    """What fixes the weights' shapes and what the net computes.

    Attributes:
        size: height, width of the pictures, px; both divide by 2**(len(widths) - 1).
        widths: channels at full size and after each halving.
        streams: 1 or 2.
        deformable: warp the photo's features limb by limb; else they stay where they are.
        overlaps: parts that a pixel can show (`LimbWarps.plan`).
        scales: 1, or 3 for the stacked form.
        attention: "" none, "self" paper 5's, "gate" paper 2's.
        attended: places of a map beyond which attention pools it.
        spectral_norm: in the decoder.
        sigma: of the joints' Gaussians, px.
        dropout: in the decoder's first two levels.
        blocks: residual blocks at each decoder level of a quarter of the size or less.
        parts, flow, memory, mask_head, copy: what goes beyond the papers, in the order of the
            module's text.
    """

    size: tuple[int, int] = (128, 64)
    widths: tuple[int, ...] = (16, 32, 64, 128, 192)
    streams: int = 2
    deformable: bool = True
    overlaps: int = 2
    scales: int = 1
    attention: str = ""
    attended: int = 512
    spectral_norm: bool = False
    sigma: float = 6.0
    dropout: float = 0.0
    blocks: int = 0
    parts: bool = False
    flow: bool = False
    memory: bool = False
    mask_head: bool = False
    copy: bool = False


@dataclass
class Source:
    """What is known once the photo is: a new pose costs only the rest.

    Attributes:
        features: of the photo's stream, fine to coarse; empty with one stream.
        picture: (B,4,H,W), colours in [-1,1] and mask in [0,1].
        keypoints: (B,17,3).
    """

    features: list[Tensor]
    picture: Tensor
    keypoints: Tensor


@dataclass
class Generated:
    """What the generator makes of it.

    Attributes:
        images: (B,3,h,w) in [-1,1], coarse to fine.
        mask: (B,1,H,W) logits of the person, or None.
        copied: (B,1,H,W) in [0,1], share of the pixel that is the warped photo's, or None.
        warped: (B,4,H,W), the warped photo and its mask, or None.
    """

    images: list[Tensor]
    mask: Tensor | None
    copied: Tensor | None
    warped: Tensor | None


class DeformableGan(nn.Module):
    """The generator."""

    def __init__(self, config: DeformableGanConfig) -> None:
        super().__init__()
        c = self.config = config
        _check(c)
        pose = KEYPOINTS + (len(PARTS) if c.parts else 0)
        photo = 4 if c.mask_head else 3
        whole = photo + pose * (1 if c.streams == 2 else 2)
        self.encoder = Encoder(whole, c.widths)
        self.pose_encoder = Encoder(pose, c.widths) if c.streams == 2 else None
        joined = [w * c.streams for w in c.widths]
        merged = [w * (c.streams + 1) for w in c.widths]
        deepest = len(c.widths) - 2
        self.up = nn.ModuleList(
            Up(
                joined[i + 1] if i == deepest else merged[i + 1],
                c.widths[i],
                blocks=c.blocks if i >= 2 else 0,
                dropout=c.dropout if i >= deepest - 1 else 0.0,
                spectral_norm=c.spectral_norm,
            )
            for i in range(deepest + 1)
        )
        self.flow = LimbFlow(pose, _FLOW_WIDTH) if c.flow else None
        self.attention = nn.ModuleList()
        if c.attention == "self":
            for i in (0, 1):
                self.attention.append(
                    Attention(c.widths[i], c.widths[i], c.attended, c.spectral_norm)
                )
        self.memory = Attention(c.widths[-2], c.widths[-2], c.attended) if c.memory else None
        coded = c.scales == 3 or c.attention == "gate"
        self.code = nn.Conv2d(c.widths[-1], _CODE, 1) if coded else None
        self.gates = nn.ModuleList(
            Gate(merged[i], _CODE) for i in range(c.scales if c.attention == "gate" else 0)
        )
        extra = 4 if c.copy else 0
        self.heads = nn.ModuleList(
            Head(
                merged[i] + (_CODE if c.scales == 3 else 0) + (extra if i == 0 else 0),
                c.widths[i],
                3 + (int(c.mask_head) + int(c.copy) if i == 0 else 0),
                hidden=c.scales == 3,
                spectral_norm=c.spectral_norm,
            )
            for i in range(c.scales)
        )

    def forward(
        self, image: Tensor, keypoints: Tensor, target: Tensor, mask: Tensor | None = None
    ) -> Generated:
        """Show the person of a photo in another pose.

        Args:
            image: (B,3,H,W) in [-1,1], RGB.
            keypoints, target: (B,17,3) px and visibility, the photo's and those that are wanted.
            mask: (B,1,H,W) in [0,1], the person in the photo; None draws it from the limbs.
        """
        return self.render(self.encode(image, keypoints, mask), target)

    def encode(self, image: Tensor, keypoints: Tensor, mask: Tensor | None = None) -> Source:
        """The photo's part of the work; arguments as for `forward`."""
        warps = limb_warps(keypoints, keypoints, self.config.size)
        if mask is None:
            mask = warps.source_masks(*self.config.size).amax(1, keepdim=True)
        picture = torch.cat([image, mask.to(image.dtype)], 1)
        features: list[Tensor] = []
        if self.config.streams == 2:
            shown = picture if self.config.mask_head else image
            features = self.encoder(torch.cat([shown, self.pose_maps(keypoints, warps)], 1))
        return Source(features, picture, keypoints)

    def render(self, source: Source, target: Tensor) -> Generated:
        """The rest: the person of `source` in the pose (B,17,3) `target`."""
        c = self.config
        warps = limb_warps(source.keypoints, target, c.size)
        maps = self.pose_maps(target, warps)
        if self.pose_encoder is None:
            before = limb_warps(source.keypoints, source.keypoints, c.size)
            shown = source.picture if c.mask_head else source.picture[:, :3]
            inputs = [shown, self.pose_maps(source.keypoints, before), maps]
            skips = pose = self.encoder(torch.cat(inputs, 1))
            places = near = None
        else:
            pose = self.pose_encoder(maps)
            places, near = self._places(source, warps, maps)
            brought = [self._bring(f, warps, places) for f in source.features[:-1]]
            brought.append(source.features[-1])
            skips = [torch.cat(pair, 1) for pair in zip(brought, pose, strict=True)]
        warped = None
        if c.copy and near is not None:
            warped = self._bring(source.picture, warps, places)
            near = functional.interpolate(near, c.size, mode="bilinear")
            warped = torch.cat([warped[:, :3], warped[:, 3:] * near.to(warped.dtype)], 1)
        return self._decode(skips, pose[-1], source, warped)

    def pose_maps(self, keypoints: Tensor, warps: LimbWarps) -> Tensor:
        """(B,17 or 27,H,W): Gaussians, and the rectangles of the target of `warps`."""
        size = self.config.size
        maps = gaussian_maps(keypoints, size, *size, self.config.sigma)
        if self.config.parts:
            # Drawn whether or not the source has the part: the pose is the target's.
            there = warps.target_there[..., None, None]
            maps = torch.cat([maps, rectangle_masks(warps.target, *size) * there], 1)
        return maps.contiguous(memory_format=torch.channels_last)

    def _places(
        self, source: Source, warps: LimbWarps, maps: Tensor
    ) -> tuple[Tensor | None, Tensor | None]:
        if self.flow is None:
            return None, None
        half = functional.avg_pool2d(maps, 2), functional.avg_pool2d(source.picture, 2)
        places, near = self.flow(warps, *half)
        return places, near

    def _bring(self, features: Tensor, warps: LimbWarps, places: Tensor | None) -> Tensor:
        """A level of the photo's features as the target has them."""
        height, width = features.shape[-2:]
        if places is not None:
            found = sample(features, resized_places(places, height, width))
        elif self.config.deformable:
            found = warps.plan(height, width, self.config.overlaps).warp(features)
        else:
            return features
        return found.contiguous(memory_format=torch.channels_last)

    def _decode(
        self,
        skips: list[Tensor],
        pose: Tensor,
        source: Source,
        warped: Tensor | None,
    ) -> Generated:
        c = self.config
        code = self.code(pose) if self.code is not None else None
        x = skips[-1]
        images: list[Tensor] = []
        mask = copied = None
        for i in range(len(self.up) - 1, -1, -1):
            x = self.up[i](x)
            if i < len(self.attention):
                x = self.attention[i](x)
            if self.memory is not None and i == len(self.up) - 1:
                looked_at = source.features[i] if source.features else skips[i]
                x = self.memory(x, looked_at)
            x = torch.cat([x, skips[i]], 1)
            if code is not None and i < len(self.gates):
                x = self.gates[i](x, code)
            if i >= c.scales:
                continue
            seen = [x]
            if c.scales == 3 and code is not None:
                seen.append(functional.interpolate(code, x.shape[-2:], mode="nearest"))
            if i == 0 and warped is not None:
                seen.append(warped.to(x.dtype))
            out = self.heads[i](torch.cat(seen, 1)).float()
            image = out[:, :3].tanh()
            if i == 0 and c.mask_head:
                mask = out[:, 3:4]
            if i == 0 and warped is not None:
                copied = out[:, -1:].sigmoid() * warped[:, 3:].float().clamp(0.0, 1.0)
                image = image + copied * (warped[:, :3].float() - image)
            images.append(image)
        return Generated(images, mask, copied, warped)


def _check(c: DeformableGanConfig) -> None:
    if c.scales not in (1, 3) or c.streams not in (1, 2) or c.attention not in _ATTENTIONS:
        raise ValueError("A deformable GAN has 1 or 3 scales, 1 or 2 streams, known attention.")
    if c.streams == 1 and (c.deformable or c.flow):
        raise ValueError("With one stream there is nothing to warp: set deformable=false.")
    if c.copy and not (c.flow and c.mask_head):
        raise ValueError("Pixels are copied along the learnt warp: set flow and mask_head.")
    by = 2 ** (len(c.widths) - 1)
    if c.size[0] % by or c.size[1] % by:
        raise ValueError(f"A picture of {c.size[0]}x{c.size[1]} cannot be halved to 1/{by}.")


@dataclass(frozen=True)
class DiscriminatorConfig:
    """The discriminator; `attention` and `spectral_norm` as for the generator.

    Attributes:
        widths: channels after each halving.
    """

    widths: tuple[int, ...] = (32, 64, 128, 128)
    scales: int = 1
    attention: str = ""
    attended: int = 512
    spectral_norm: bool = False


class Discriminator(nn.Module):
    """Patch discriminators, one a scale, that see the source, both poses and the candidate."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        self.scales = nn.ModuleList(
            _Patches(config, config.widths[: len(config.widths) - i])
            for i in range(config.scales - 1, -1, -1)
        )

    def conditions(self, source: Tensor, maps: Tensor, target_maps: Tensor) -> list[Tensor]:
        """What goes with every candidate; true and generated ones share it.

        Args:
            source: (B,3,H,W); maps, target_maps: (B,17,H,W).
        Returns:
            Features for each scale, coarse to fine.
        """
        x = torch.cat([source, maps, target_maps], 1)
        found = []
        for i, scale in enumerate(reversed(self.scales)):
            x = functional.avg_pool2d(x, 2) if i else x
            found.append(scale.condition(x))
        return found[::-1]

    def forward(self, images: list[Tensor], conditions: list[Tensor]) -> list[Tensor]:
        """Judge.

        Args:
            images: (B,3,h,w) for each scale, coarse to fine.
        Returns:
            For each scale (B,1,h',w') logits that patches are true.
        """
        triples = zip(self.scales, images, conditions, strict=True)
        return [scale(image, condition) for scale, image, condition in triples]


class _Patches(nn.Module):
    def __init__(self, config: DiscriminatorConfig, widths: tuple[int, ...]) -> None:
        super().__init__()
        sn = config.spectral_norm
        first = widths[0]
        # One convolution in two: what goes with true and generated pictures is computed once.
        self.of_image = spectral(nn.Conv2d(3, first, 4, stride=2, padding=1), sn)
        self.of_condition = spectral(
            nn.Conv2d(3 + 2 * KEYPOINTS, first, 4, stride=2, padding=1), sn
        )
        self.down = nn.ModuleList(
            nn.Sequential(
                spectral(nn.Conv2d(a, b, 4, stride=2, padding=1), sn),
                nn.Identity() if sn else InstanceNorm(b),
            )
            for a, b in pairwise(widths)
        )
        attended = widths[1:][-2:] if config.attention == "self" else ()
        self.attention = nn.ModuleList(Attention(w, w, config.attended, sn) for w in attended)
        self.last = spectral(nn.Conv2d(widths[-1], 1, 3, padding=1), sn)

    def condition(self, x: Tensor) -> Tensor:
        found: Tensor = self.of_condition(x)
        return found

    def forward(self, image: Tensor, condition: Tensor) -> Tensor:
        x = functional.leaky_relu(self.of_image(image) + condition, SLOPE)
        since = len(self.down) - len(self.attention)
        for i, down in enumerate(self.down):
            x = functional.leaky_relu(down(x), SLOPE)
            if i >= since:
                x = self.attention[i - since](x)
        found: Tensor = self.last(x)
        return found
