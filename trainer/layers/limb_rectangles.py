"""The parts of a body as rectangles around its bones: head, torso and eight limbs."""

from typing import Final

import torch
from torch import Tensor

PARTS: Final = (
    "head",
    "torso",
    "left_upper_arm",
    "left_forearm",
    "right_upper_arm",
    "right_forearm",
    "left_thigh",
    "left_shin",
    "right_thigh",
    "right_shin",
)
_BONES: Final = ((5, 7), (7, 9), (6, 8), (8, 10), (11, 13), (13, 15), (12, 14), (14, 16))
OTHER_SIDE: Final = (0, 1, 4, 5, 2, 3, 8, 9, 6, 7)
# Of a bone's own length: how far its rectangle goes on beyond its ends. A hand hangs below a wrist
# and a foot below an ankle.
_BEFORE: Final = 0.1
_BEYOND: Final = (0.1, 0.5, 0.1, 0.5, 0.1, 0.25, 0.1, 0.3)
# Of the torso's length: half the width of the rectangles.
_HALF_WIDTH: Final = (0.19, 0.16, 0.19, 0.16, 0.23, 0.18, 0.23, 0.18)
_LEAST_TORSO: Final = 0.26  # half of a torso's width that is seen from the side
_HEAD: Final = (0.28, 0.34)  # half width and half height
_FACE: Final = (0, 1, 2, 3, 4)


def rectangles(keypoints: Tensor) -> tuple[Tensor, Tensor]:
    """Rectangles around the parts of a body.

    Args:
        keypoints: (B,17,3) px and visibility; joints of visibility 0 are missing.
    Returns:
        (B,10,4,2) float32 px, corners in an order that follows the body (a torso seen from behind
        runs the other way round), and (B,10) bool: the part's joints are there.
    """
    points, there = keypoints[..., :2].float(), keypoints[..., 2] > 0
    shoulders, has_shoulders = _mean(points, there, (5, 6))
    hips, has_hips = _mean(points, there, (11, 12))
    length = _torso_length(points, there, (shoulders - hips).norm(dim=-1), has_shoulders & has_hips)
    head, has_head = _head(points, there, shoulders, has_shoulders, length)
    torso = _torso(points, there, shoulders, hips, length)
    index = torch.tensor(_BONES, device=points.device)
    start, end = points[:, index[:, 0]], points[:, index[:, 1]]  # (B,8,2)
    bone = end - start
    norm = bone.norm(dim=-1, keepdim=True)
    # A bone that points at the camera has no direction in the picture: take it as hanging down.
    down = torch.tensor([0.0, 1.0], device=points.device).expand_as(bone)
    along = torch.where(norm > 0.5, bone / norm.clamp_min(1e-6), down)
    beyond = points.new_tensor(_BEYOND)[:, None]
    half = points.new_tensor(_HALF_WIDTH)[:, None] * length[:, None, None]  # (B,8,1)
    least = half * 0.5
    first = start - along * torch.maximum(norm * _BEFORE, least)
    last = end + along * torch.maximum(norm * beyond, least)
    limbs = _box(first, last, half)
    has_limbs = there[:, index[:, 0]] & there[:, index[:, 1]]
    corners = torch.cat([head[:, None], torso[:, None], limbs], 1)
    return corners, torch.cat(
        [has_head[:, None], (has_shoulders & has_hips)[:, None], has_limbs], 1
    )


def _box(first: Tensor, last: Tensor, half_width: Tensor) -> Tensor:
    """(...,4,2) corners of the rectangle between two ends; `half_width` (...,1) may be negative."""
    along = last - first
    along = along / along.norm(dim=-1, keepdim=True).clamp_min(1e-6)
    side = torch.stack([-along[..., 1], along[..., 0]], -1) * half_width
    return torch.stack([first + side, last + side, last - side, first - side], -2)


def _mean(points: Tensor, there: Tensor, joints: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """(B,2) mean of the joints that are there, and (B,) bool whether one is."""
    weight = there[:, list(joints)].float()
    count = weight.sum(-1)
    total = (points[:, list(joints)] * weight[..., None]).sum(1)
    return total / count.clamp_min(1.0)[:, None], count > 0


def _torso_length(points: Tensor, there: Tensor, seen: Tensor, known: Tensor) -> Tensor:
    """(B,) px; a torso that is foreshortened or missing is guessed from what else there is."""
    far = torch.where(there[..., None], points, points.new_tensor(-1e6)).amax(1)
    near = torch.where(there[..., None], points, points.new_tensor(1e6)).amin(1)
    extent = (far - near).clamp_min(0.0).amax(-1)
    thighs = [
        (points[:, a] - points[:, b]).norm(dim=-1) * (there[:, a] & there[:, b])
        for a, b in ((11, 13), (12, 14))
    ]
    across = (points[:, 5] - points[:, 6]).norm(dim=-1) * (there[:, 5] & there[:, 6])
    guess = torch.stack([0.2 * extent, *thighs, 1.2 * across], -1).amax(-1)
    guess = torch.minimum(guess, 0.5 * extent)
    return torch.maximum(torch.where(known, seen, guess), guess * 0.9).clamp_min(2.0)


def _torso(
    points: Tensor, there: Tensor, shoulders: Tensor, hips: Tensor, length: Tensor
) -> Tensor:
    """(B,4,2): along the spine, as wide as the shoulders are seen, sides as on the body."""
    along = hips - shoulders
    along = along / along.norm(dim=-1, keepdim=True).clamp_min(1e-6)
    side = torch.stack([-along[:, 1], along[:, 0]], -1)
    across = [
        ((points[:, a] - points[:, b]) * side).sum(-1) * (there[:, a] & there[:, b])
        for a, b in ((5, 6), (11, 12))
    ]
    wide = across[0] + 0.5 * across[1]
    sign = torch.where(wide < 0, -1.0, 1.0)
    half = torch.maximum(across[0].abs() * 0.5 + 0.06 * length, _LEAST_TORSO * length)
    ends = (shoulders - along * 0.12 * length[:, None], hips + along * 0.16 * length[:, None])
    return _box(*ends, (sign * half)[:, None])


def _head(
    points: Tensor, there: Tensor, shoulders: Tensor, has_shoulders: Tensor, length: Tensor
) -> tuple[Tensor, Tensor]:
    """(B,4,2) and (B,) bool: upright on the neck, mirrored where the face looks the other way."""
    middle, has_head = _mean(points, there, _FACE)
    up = middle - shoulders
    norm = up.norm(dim=-1, keepdim=True)
    straight = points.new_tensor([0.0, -1.0]).expand_as(up)
    leaning = has_shoulders[:, None] & (norm > 0.2 * length[:, None])
    up = torch.where(leaning, up / norm.clamp_min(1e-6), straight)
    side = torch.stack([up[:, 1], -up[:, 0]], -1)
    ears, has_ears = _mean(points, there, (3, 4))
    profile = ((points[:, 0] - ears) * side).sum(-1) * (there[:, 0] & has_ears)
    lateral = ((points[:, 3] - points[:, 4]) * side).sum(-1) * (there[:, 3] & there[:, 4])
    eyes = ((points[:, 1] - points[:, 2]) * side).sum(-1) * (there[:, 1] & there[:, 2])
    turned = torch.where(profile.abs() > (lateral + eyes).abs(), profile, lateral + eyes)
    sign = torch.where(turned < 0, -1.0, 1.0)
    half_width, half_height = (h * length[:, None] for h in _HEAD)
    # The face's joints lie low in the head, which has a crown and hair.
    centre = middle + up * 0.05 * length[:, None]
    corners = _box(centre + up * half_height, centre - up * half_height, sign[:, None] * half_width)
    return corners, has_head
