"""Random camera views of motion-capture poses: the 2D poses that the lifter is trained on."""

import numpy as np
import torch
from torch import Tensor

from trainer.data import mocap
from trainer.layers import lift_geometry as geometry

_JOINTS = len(mocap.JOINTS)
_PAIRS = (1, 4), (2, 5), (3, 6), (11, 14), (12, 15), (13, 16)  # bones that share a length
_GIRDLES = (1, 4, 11, 14)


class ViewSampler:
    """Draws batches of views with torch's global generator, so that a resumed run goes on exactly.

    Args:
        poses: (N,17,3) float32, mm, Y up.
        weights: (N,) how often each pose is drawn.
        bone_spread: standard deviation of the random bone lengths, relative.
        girdle_spread: the same for the widths of hips and shoulders, where bodies and labels
            differ most.
        noise: largest standard deviation of the joint noise, in units; each view draws its own.
    """

    def __init__(
        self,
        poses: np.ndarray,
        weights: np.ndarray,
        bone_spread: float,
        girdle_spread: float,
        noise: float,
        device: torch.device | str = "cpu",
    ) -> None:
        self.poses = torch.from_numpy(poses / mocap.UNIT_MM).float().to(device)
        self._cumulative = torch.from_numpy(np.cumsum(weights, dtype=np.float64)).to(device)
        self.noise = noise
        parents = torch.tensor(mocap.PARENTS).clamp_min(0)
        chain = torch.zeros(_JOINTS, _JOINTS)  # [joint, bone]: the bones from the root to a joint
        for joint in range(1, _JOINTS):
            chain[joint] = chain[int(parents[joint])]
            chain[joint, joint] = 1.0
        self._parents, self._chain = parents.to(device), chain.to(device)
        spread = torch.full((_JOINTS,), bone_spread)
        spread[list(_GIRDLES)] = girdle_spread
        self._spread = spread.to(device)
        same = torch.arange(_JOINTS)
        for right, left in _PAIRS:
            same[left] = right
        self._same = same.to(device)
        self._mirrored = torch.tensor(mocap.MIRRORED, device=device)

    def figures(self, count: int) -> Tensor:
        """(B,17,3) random bodies in world space (Y up): bone lengths vary, half are mirrored."""
        device = self.poses.device
        draws = torch.rand(count, dtype=torch.float64, device=device) * self._cumulative[-1]
        rows = torch.searchsorted(self._cumulative, draws).clamp_max(len(self.poses) - 1)
        poses = self.poses[rows]
        bones = poses - poses[:, self._parents]
        factor = 1.0 + self._spread * torch.randn(count, _JOINTS, device=device)
        bones = bones * factor.clamp(0.6, 1.5)[:, self._same].unsqueeze(-1)
        poses = self._chain @ bones  # (B, 17, 3)
        flipped = poses[:, self._mirrored] * poses.new_tensor([-1.0, 1.0, 1.0])
        return torch.where(torch.rand(count, 1, 1, device=device) < 0.5, flipped, poses)

    def views(self, count: int) -> tuple[Tensor, Tensor]:
        """Random views: (B,17,2) image points with noise, and (B,17,3) the figures in camera space.

        The second is for measuring and for the supervised bound only.
        """
        figures = self.figures(count)
        points = random_camera(figures)
        image = geometry.project(points)
        noise = self.noise * torch.rand(count, 1, 1, device=image.device)
        return image + noise * torch.randn_like(image), points


def random_camera(poses: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """World (Y up) to camera space: azimuth all round, elevation within 20 degrees.

    Args:
        poses: (B,17,3), root-relative.
    """
    count, device = len(poses), poses.device
    azimuth = (torch.rand(count, generator=generator, device=device) * 2 - 1) * torch.pi
    elevation = torch.rand(count, generator=generator, device=device) * 2 - 1
    level = poses * poses.new_tensor([1.0, -1.0, -1.0])
    return geometry.tilt(geometry.turn(level, azimuth), elevation * geometry.MAX_ELEVATION)


def random_masks(count: int, device: torch.device | str) -> Tensor:
    """Which joints a picture might show: (B,17) float, 1 = present.

    Most lack neck, torso and top of the head as COCO labels do; on top of it half bodies, single
    limbs cut off, no face, or single joints lost.
    """
    mask = torch.ones(count, _JOINTS, device=device)

    def hide(joints: list[int], chance: float, within: Tensor | None = None) -> None:
        rows = torch.rand(count, device=device) < chance
        if within is not None:
            rows &= within
        mask[rows.nonzero(), torch.tensor(joints, device=device)] = 0.0

    hide([7, 8], 0.85)  # torso, neck
    hide([10], 0.5)  # top of the head
    kind = torch.rand(count, device=device)
    legs = (kind > 0.35) & (kind < 0.6)
    hide([3, 6], 1.0, legs)  # feet out of the picture
    hide([2, 5], 0.6, legs)
    hide([0, 1, 4], 0.35, legs & (mask[:, 2] == 0))
    arms = (kind >= 0.6) & (kind < 0.75)
    for elbow, wrist in ((12, 13), (15, 16)):
        hide([wrist], 0.7, arms)
        hide([elbow], 0.6, arms & (mask[:, wrist] == 0))
    upper = (kind >= 0.75) & (kind < 0.8)
    hide([8, 9, 10, 11, 12, 13, 14, 15, 16], 1.0, upper)
    hide([9, 10], 0.15)  # seen from behind
    lost = (kind >= 0.8)[:, None] & (torch.rand(count, _JOINTS, device=device) < 0.25)
    mask[lost] = 0.0
    mask[:, 0] *= mask[:, 1] * mask[:, 4]  # the root is the middle of the hips
    # Fewer than four joints say nothing about a pose.
    poor = (mask.sum(-1) < 4)[:, None]
    return torch.where(poor, torch.ones_like(mask), mask)
