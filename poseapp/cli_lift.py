"""`poseapp lift`: 2D poses of files to BVH, 3D joints or a turntable."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from poseapp.core.document import Document
from poseapp.core.errors import DocumentError, PoseAppError
from poseapp.core.pose import Pose2D, Pose3D
from poseapp.formats import pose3d_json, registry, turntable
from poseapp.services import batch
from poseapp.services.local import LocalEngine
from poseapp.services.models import ModelOptions
from poseapp.ui.viewport.placing import stand

_LIFTER = "vae_gan_lifter"
_SUFFIXES = (".bvh", ".json", ".gif", ".mp4")


def run(args: argparse.Namespace) -> int:
    """Do what the options say; returns the exit code."""
    suffix = f".{args.to}" if args.to else args.out.suffix.lower()
    inputs = batch.expand(args.inputs)
    several = len(inputs) > 1 and not args.motion
    if suffix not in _SUFFIXES:
        if suffix or not (several or args.out.is_dir()):
            raise PoseAppError(f"Let -o end in {', '.join(_SUFFIXES)}, or name the format by --to.")
        suffix = ".bvh"
    chosen = {_LIFTER: args.weights} if args.weights else {}
    lifter = _Lifter(LocalEngine(ModelOptions(device=args.device, weights=chosen)), args)
    if args.motion:
        lifter.motion(inputs, args.out, suffix)
        return 0

    def work(source: Path, target: Path) -> None:
        lifter.write(registry.load(source), source.name, target, suffix)

    jobs = batch.targets(inputs, args.out, suffix)
    return 1 if batch.run(jobs, work, "Lifting", args.debug) else 0


class _Lifter:
    def __init__(self, engine: LocalEngine, args: argparse.Namespace) -> None:
        self._engine = engine
        self._hypotheses = args.hypotheses
        self._seed = args.seed
        self._fps = args.fps

    def lift(self, poses: list[Pose2D]) -> list[list[Pose3D]]:
        """Hypotheses of each pose."""
        result = self._engine.run(
            "lift_to_3d",
            keypoints=np.stack([p.keypoints for p in poses]),
            confidence=np.stack([p.confidence for p in poses]),
            hypotheses=self._hypotheses,
            seed=self._seed,
        )
        pairs = zip(result["joints"], result["elevation"], strict=True)
        return [[Pose3D(joints, float(angle)) for joints in rows] for rows, angle in pairs]

    def write(self, document: Document, name: str, target: Path, suffix: str) -> None:
        """One file for each person; all of them in one file for JSON."""
        people = [p for p in document.people if p.visible and p.pose.present.any()]
        if not people:
            raise DocumentError(f"There is no person in {name}.")
        lifted = self.lift([p.pose for p in people])
        if suffix == ".json":
            names = [
                p.name if len(rows) == 1 else f"{p.name}, hypothesis {number + 1}"
                for p, rows in zip(people, lifted, strict=True)
                for number in range(len(rows))
            ]
            pose3d_json.save([pose for rows in lifted for pose in rows], target, names=names)
            return
        for number, rows in enumerate(lifted, 1):
            path = target if number == 1 else target.with_stem(f"{target.stem}-{number}")
            if suffix == ".bvh":
                registry.save_3d(rows[:1], path, "bvh", fps=self._fps)
            else:
                from poseapp.ui.viewport import offscreen  # OpenGL: for pictures alone

                figures = stand(rows)
                frames = offscreen.turntable_frames(figures[0], ghosts=figures[1:])
                turntable.save(frames, path)

    def motion(self, inputs: list[Path], target: Path, suffix: str) -> None:
        """The first person of each file is a frame of one motion."""
        if suffix not in (".bvh", ".json"):
            raise PoseAppError("A motion is written as .bvh or .json.")
        poses = []
        for path in inputs:
            people = registry.load(path).people
            if not people:
                raise DocumentError(f"There is no person in {path.name}.")
            poses.append(people[0].pose)
        frames = [rows[0] for rows in self.lift(poses)]
        name = "bvh" if suffix == ".bvh" else "pose3d"
        registry.save_3d(frames, target, name, fps=self._fps)
