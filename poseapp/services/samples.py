"""A request for poses and the poses that came of it, for the window and the command line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from poseapp.core.heatmap import THRESHOLD, place
from poseapp.core.pose import Pose2D


@dataclass(frozen=True, eq=False)
class CaptionRequest:
    """The arguments of `tasks.caption_to_poses`; see there."""

    model: str
    captions: tuple[str, ...]
    count: int = 24
    seed: int = 0
    guidance: float | None = None
    noise_scale: float = 1.0
    variation: tuple[np.ndarray, float] | None = None
    blend: str | None = None
    noises: np.ndarray | None = None

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of the task."""
        return {**vars(self), "captions": list(self.captions)}

    @property
    def title(self) -> str:
        """What was asked for, in one line."""
        if self.blend is not None and len(set(self.captions)) > 1:
            return f"{self.captions[0]} → {self.captions[-1]}"
        if self.blend is not None:
            return f"{self.captions[0]}: from one pose to the other"
        return f"Like one of: {self.captions[0]}" if self.variation else self.captions[0]


@dataclass(frozen=True, eq=False)
class Sample:
    """One sampled pose.

    Attributes:
        keypoints: (17, 2) float32, heatmap px.
        confidence: (17,) float32, 0 = absent.
        heatmaps: (17, 64, 64) float16.
        noise: (D,) float32, before scaling.
        index: place in the request it came from.
    """

    keypoints: np.ndarray
    confidence: np.ndarray
    heatmaps: np.ndarray
    noise: np.ndarray
    index: int
    request: CaptionRequest

    @property
    def caption(self) -> str:
        """The caption it was made for; along a strip, the nearer one."""
        captions = self.request.captions
        return captions[-1] if 2 * self.index >= self.request.count - 1 else captions[0]

    @property
    def title(self) -> str:
        """Which pose of which request."""
        return f"Pose {self.index + 1} of “{self.request.title}”, seed {self.request.seed}"

    def placed(
        self, box: tuple[float, float, float, float], threshold: float = THRESHOLD
    ) -> Pose2D:
        """The pose in a box (x, y, width, height) px of the canvas.

        Args:
            threshold: joints less certain than this are absent.
        """
        sure = np.where(self.confidence >= threshold, self.confidence, 0.0)
        return place(self.keypoints, sure if (sure > 0).any() else self.confidence, box)

    def like(self, count: int, seed: int, amount: float) -> CaptionRequest:
        """A request for poses around this one."""
        return replace(
            self.request,
            captions=(self.caption,),
            count=count,
            seed=seed,
            variation=(self.noise, amount),
            blend=None,
            noises=None,
        )

    def towards(self, other: Sample, steps: int) -> CaptionRequest:
        """A request for the poses between this one and another."""
        return replace(
            self.request,
            captions=(self.caption, other.caption),
            count=steps,
            variation=None,
            blend="both" if self.caption != other.caption else "noises",
            noises=np.stack([self.noise, other.noise]),
        )


def from_part(part: dict[str, Any], request: CaptionRequest) -> list[Sample]:
    """The samples of a partial result ("start" is the place of the first), or of a whole one."""
    start = part.get("start", 0)
    rows = zip(part["keypoints"], part["confidence"], part["heatmaps"], part["noise"], strict=True)
    return [Sample(*row, index=start + i, request=request) for i, row in enumerate(rows)]
