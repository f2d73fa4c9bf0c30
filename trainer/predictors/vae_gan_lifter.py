"""Lifting of 2D poses with trained weights: what the application calls."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from trainer import artifact
from trainer import config as configs
from trainer import noise as noises
from trainer.data import coco_to_mocap, mocap
from trainer.errors import ArtifactError, TrainerError
from trainer.layers import lift_geometry as geometry
from trainer.models.vae_gan_lifter import WHOLE, Lifter, LifterConfig

MODEL = "vae_gan_lifter"
MAX_HYPOTHESES = 10
HYPOTHESIS_SPREAD = 2.0
"""Deviations are scaled for hypotheses (section 2.4.3); 2 measured best on validation subjects."""

_ADULT_BONES_MM = (  # mean lengths in the training data, pelvis first
    (0, 86, 423, 420, 86, 422, 421, 224, 280, 144, 109, 190, 286, 270, 191, 290, 270)
)
_CHUNK = 4096  # poses a forward pass: bounds the memory of a long video


@dataclass(frozen=True)
class LiftResult:
    """Lifts, and the camera that projects them back.

    A joint's image point is `root_px + points[..., :2] * d / (d + points[..., 2]) / mm_per_px`
    with d = `camera_distance_mm`; for given joints it is the input exactly.

    Attributes:
        points: (N,H,17,3) float32, mm, camera space, root-relative, mocap order.
        elevation: (N,) float32, rad; how far the camera looks down on the figure.
        root_px: (N,2) float32, px, image point of the pelvis (estimated where the hips are absent).
        mm_per_px: (N,) float32, at the pelvis's depth.
        camera_distance_mm: (N,) float32.
    """

    points: np.ndarray
    elevation: np.ndarray
    root_px: np.ndarray
    mm_per_px: np.ndarray
    camera_distance_mm: np.ndarray


class Predictor:
    """A lifter held ready; calls are independent of each other and of the batch they come in."""

    def __init__(self, weights: Path, device: str = "cpu") -> None:
        header = artifact.read_header(Path(weights))
        if header["model"] != MODEL:
            raise ArtifactError(
                f"{Path(weights).name} holds a {header['model']} model: choose a lifter's weights."
            )
        config = configs.from_dict(LifterConfig, header["config"])
        tensors = artifact.load_tensors(Path(weights))
        ours = {k: v for k, v in tensors.items() if not k.startswith(f"{WHOLE}.")}
        of_whole = {k.removeprefix(f"{WHOLE}."): v for k, v in tensors.items() if k not in ours}
        lifter, whole = Lifter(config), Lifter(config)
        try:
            lifter.load_state_dict(ours, strict=True)
            whole.load_state_dict(ours | of_whole, strict=True)
        except RuntimeError as exc:
            raise ArtifactError(
                f"{Path(weights).name} does not fit its own config: install the weights again."
            ) from exc
        self.config = config
        self.device = torch.device(device)
        self.lifter = lifter.eval().requires_grad_(False).to(self.device)
        self.whole_lifter = whole.eval().requires_grad_(False).to(self.device)
        self.latent_dim = config.latent
        self._mirrored = torch.tensor(mocap.MIRRORED, device=self.device)
        self._parents = torch.tensor(mocap.PARENTS, device=self.device).clamp_min(0)
        self._adult = float(sum(_ADULT_BONES_MM))

    def lift(
        self,
        keypoints: np.ndarray,
        confidence: np.ndarray,
        *,
        hypotheses: int = 1,
        seed: int = 0,
        return_elevation: bool = False,
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Lift COCO-17 poses.

        Args:
            keypoints: (N,17,2) px, image space (y down), any scale.
            confidence: (N,17), 0 = absent.
            hypotheses: 1-10; the first is the zero-variance one, the others are drawn.
            seed: of the draws.
            return_elevation: also return the camera's elevation, to stand the figure upright.
        Returns:
            (N,H,17,3) float32, mm, camera space (x right, y down, z away), pelvis at the origin,
            mocap joint order; and, if asked for, (N,) float32 rad.
        """
        result = self.lift_full(keypoints, confidence, hypotheses=hypotheses, seed=seed)
        return (result.points, result.elevation) if return_elevation else result.points

    def lift_full(
        self,
        keypoints: np.ndarray,
        confidence: np.ndarray,
        *,
        hypotheses: int = 1,
        seed: int = 0,
    ) -> LiftResult:
        """As `lift`, with the camera that projects the lifts back onto the picture."""
        points, mask = _checked(keypoints, confidence)
        points, mask = coco_to_mocap.to_mocap(points, mask)
        return self.lift_points(points, mask, hypotheses=hypotheses, seed=seed)

    def lift_points(
        self,
        points: np.ndarray,
        mask: np.ndarray | None = None,
        *,
        hypotheses: int = 1,
        seed: int = 0,
    ) -> LiftResult:
        """As `lift_full`, of image points in mocap joint order.

        Args:
            points: (N,17,2) px, image space.
            mask: (N,17), 0 = absent; None for all present.
        """
        if not 1 <= hypotheses <= MAX_HYPOTHESES:
            raise TrainerError(f"Ask for 1 to {MAX_HYPOTHESES} hypotheses, not {hypotheses}.")
        if mask is None:
            mask = np.ones(points.shape[:2], bool)
        if self.config.head == "points" and not np.all(mask):
            raise TrainerError("The paper's form of the lifter needs all 17 mocap joints.")
        spherical = [self._draw(seed, h) for h in range(1, hypotheses)]
        parts = []
        with torch.inference_mode():
            for start in range(0, max(len(points), 1), _CHUNK):
                rows = slice(start, start + _CHUNK)
                image = torch.from_numpy(np.ascontiguousarray(points[rows], np.float32))
                shown = torch.from_numpy(np.ascontiguousarray(mask[rows], np.float32))
                parts.append(self._lift_kinds(image, shown, spherical))
        columns = [torch.cat(column).cpu().numpy() for column in zip(*parts, strict=True)]
        return LiftResult(*columns)

    def encode(self, keypoints: np.ndarray, confidence: np.ndarray) -> np.ndarray:
        """Latent means of COCO-17 poses, (N, latent_dim) float32; arguments as for `lift`."""
        points, mask = coco_to_mocap.to_mocap(*_checked(keypoints, confidence))
        with torch.inference_mode():
            shown = torch.from_numpy(mask.astype(np.float32)).to(self.device)
            image = self.lifter.normalise(torch.from_numpy(points).to(self.device), shown)
            return self.lifter.encode(image, shown)[0].cpu().numpy()

    def lift_between(
        self,
        keypoints: np.ndarray,
        confidence: np.ndarray,
        shares: np.ndarray,
        ends: np.ndarray,
        ends_confidence: np.ndarray,
    ) -> LiftResult:
        """Lift poses on the way from one pose to another, with depths of the latent space's way.

        The latents go along the great circle between those of the two ends, which stays among
        poses that the decoder knows (paper 3, section 3.3: spherical latent space); in the image
        the joints are where the poses say.

        Args:
            keypoints: (N,17,2) px, COCO-17; confidence: (N,17), 0 = absent.
            shares: (N,) how far each is on its way: 0 is lifted as the first end is, 1 as the
                other.
            ends: (2,17,2) px; ends_confidence: (2,17).
        """
        if self.config.head == "points":
            raise TrainerError("The paper's form of the lifter needs joints that COCO has not.")
        points, mask = coco_to_mocap.to_mocap(*_checked(keypoints, confidence))
        two, there = coco_to_mocap.to_mocap(*_checked(ends, ends_confidence))
        if len(two) != 2 or np.shape(shares) != (len(points),):
            raise TrainerError("Give two ends, and for each pose how far it is on the way.")
        whole = bool(mask.all() and there.all())
        lifter = self._net(whole)
        with torch.inference_mode():
            image = torch.from_numpy(np.concatenate([points, two])).to(self.device)
            shown = torch.from_numpy(np.concatenate([mask, there]).astype(np.float32))
            shown = shown.to(self.device)
            views, seen = self._both_sides(image[-2:], shown[-2:], lifter)[:2]
            latents = lifter.encode(views, seen)[0].unflatten(0, (2, 2))  # (side, end, latent)
            share = torch.from_numpy(np.asarray(shares, np.float32)).to(self.device)[:, None]
            way = torch.cat([_great_circle(side[:1], side[1:], share) for side in latents])
            columns = self._lift(lifter, image[:-2], shown[:-2], [], way)
        return LiftResult(*(column.cpu().numpy() for column in columns))

    def _draw(self, seed: int, index: int) -> Tensor:
        # On the sphere that holds nearly all of a normal distribution (paper 3, section 3.3).
        draw = noises.draw(seed, index, self.latent_dim)
        draw *= HYPOTHESIS_SPREAD * np.sqrt(self.latent_dim) / np.linalg.norm(draw)
        return torch.from_numpy(draw).to(self.device)

    def _lift_kinds(self, image: Tensor, mask: Tensor, draws: list[Tensor]) -> tuple[Tensor, ...]:
        image, mask = image.to(self.device), mask.to(self.device)
        whole = (mask > 0).all(1)
        if whole.all() or not whole.any():
            return self._lift(self._net(bool(whole.all())), image, mask, draws)
        both = [
            self._lift(self._net(k), image[whole == k], mask[whole == k], draws)
            for k in (False, True)
        ]
        order = torch.argsort(torch.argsort(whole.long(), stable=True))
        return tuple(torch.cat(column)[order] for column in zip(*both, strict=True))

    def _net(self, whole: bool) -> Lifter:
        return self.whole_lifter if whole else self.lifter

    def _both_sides(
        self, image: Tensor, mask: Tensor, lifter: Lifter
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Normalised poses and mirrored poses, (2N,17,2) with mask, and the centre and scale."""
        if self.config.head == "points":
            view, centre, scale = geometry.normalise_by_head(image, 0, 10)
        else:
            view, centre, scale = geometry.normalise(image, mask, lifter.spread)
        flip = view.new_tensor([-1.0, 1.0])
        both = torch.cat([view, view[:, self._mirrored] * flip])
        return both, torch.cat([mask, mask[:, self._mirrored]]), centre, scale

    def _lift(
        self,
        lifter: Lifter,
        image: Tensor,
        mask: Tensor,
        draws: list[Tensor],
        latents: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        """`latents`: (2N, latent) of poses and mirrored poses, instead of their own."""
        count = len(image)
        # The mirrored pose is lifted too: what the two lifts disagree on is the net's error.
        both, shown, centre, scale = self._both_sides(image, mask, lifter)
        flip = both.new_tensor([-1.0, 1.0])
        mean, log_variance = lifter.encode(both, shown)
        if latents is not None:
            mean = latents
        deviation = (0.5 * log_variance).exp()
        points, filled, angle = lifter.decode(mean, both, shown)
        depth, filled = self._unmirrored(points[..., 2], filled, count)
        base_depth, base_image = depth.mean(0), filled.mean(0)
        lifts = [self._raise(base_image, base_depth, points)]
        # Deviations of the pose and of its mirror image take turns; one pass decodes them all.
        sides = [slice(h % 2 * count, (h % 2 + 1) * count) for h in range(len(draws))]
        if draws:
            z = [mean[s] + deviation[s] * draw for s, draw in zip(sides, draws, strict=True)]
            moved, moved_image, _ = lifter.decode(
                torch.cat(z),
                torch.cat([both[s] for s in sides]),
                torch.cat([shown[s] for s in sides]),
            )
        for h in range(len(draws)):
            rows, side = slice(h * count, (h + 1) * count), h % 2
            point, image_h = moved[rows], moved_image[rows]
            if side:
                point = point[:, self._mirrored] * flip.new_tensor([-1.0, 1.0, 1.0])
                image_h = image_h[:, self._mirrored] * flip
            image_h = base_image + image_h - filled[side]
            # One root for all, or given joints would project elsewhere in each hypothesis.
            image_h = torch.cat([base_image[:, :1], image_h[:, 1:]], dim=1)
            lifts.append(self._raise(image_h, base_depth + point[..., 2] - depth[side], point))
        hypotheses = torch.stack(lifts, dim=1)  # (N, H, 17, 3)
        first = hypotheses[:, 0]
        bones = (first - first[:, self._parents]).norm(dim=-1).sum(-1)  # (N,)
        unit_mm = self._adult / bones.clamp_min(1e-6)
        root_px = centre[:, 0] + base_image[:, 0] * scale[:, 0]
        return (
            hypotheses * unit_mm[:, None, None, None],
            angle.unflatten(0, (2, count)).mean(0),
            root_px,
            unit_mm / scale[:, 0, 0],
            unit_mm * geometry.CAMERA_DISTANCE,
        )

    def _unmirrored(self, depth: Tensor, image: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """(2N,17) and (2N,17,2) of poses and mirrored poses to (2,N,...) of the poses twice."""
        flip = image.new_tensor([-1.0, 1.0])
        depth = torch.stack([depth[:count], depth[count:, self._mirrored]])
        image = torch.stack([image[:count], image[count:, self._mirrored] * flip])
        return depth, image

    def _raise(self, image: Tensor, depth: Tensor, points: Tensor) -> Tensor:
        if self.config.head == "points":  # the paper's net gives x and y itself
            return points[: len(image)]
        return geometry.unproject(image - image[:, :1], depth)


def _great_circle(one: Tensor, other: Tensor, share: Tensor) -> Tensor:
    """Between (1,D) and (1,D) for shares (N,1): angle and length change evenly."""
    lengths = one.norm(dim=1, keepdim=True), other.norm(dim=1, keepdim=True)
    a, b = one / lengths[0].clamp_min(1e-6), other / lengths[1].clamp_min(1e-6)
    angle = (a * b).sum(1, keepdim=True).clamp(-1.0, 1.0).acos()
    if float(angle) < 1e-3 or float(angle) > torch.pi - 1e-3:  # no way, or no one way
        return (1.0 - share) * one + share * other
    on_sphere = ((1.0 - share) * angle).sin() * a + (share * angle).sin() * b
    return on_sphere / angle.sin() * ((1.0 - share) * lengths[0] + share * lengths[1])


def _checked(keypoints: np.ndarray, confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    keypoints = np.asarray(keypoints, np.float32)
    confidence = np.asarray(confidence, np.float32)
    if keypoints.ndim != 3 or keypoints.shape[1:] != (17, 2):
        raise TrainerError(f"Lifting takes (N, 17, 2) COCO keypoints, not {keypoints.shape}.")
    if confidence.shape != keypoints.shape[:2]:
        raise TrainerError(f"Lifting takes (N, 17) confidences, not {confidence.shape}.")
    return keypoints, confidence
