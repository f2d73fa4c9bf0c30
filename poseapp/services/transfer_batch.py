"""Many people in many poses: which pictures are done, where they go, where to go on. No Qt.

After each picture a line is kept in a journal beside the pictures, so that a batch that was stopped
goes on where it was.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from poseapp.core import transfer
from poseapp.core.document import ReferencePerson
from poseapp.core.errors import DocumentError, PoseAppError
from poseapp.formats import registry
from poseapp.formats.files import write_bytes
from poseapp.formats.photo_poses import load_over
from poseapp.services import reference_input
from poseapp.services.batch import complain, make_folder
from poseapp.services.local import LocalEngine
from poseapp.services.transfer_tasks import check_ending

JOURNAL = ".poseapp-transfer.part"
_FORMAT = "poseapp-transfer"


@dataclass(frozen=True)
class Job:
    """One picture to be made: a person in a pose."""

    person: Path
    pose: Path
    out: Path


def jobs_of(people: Sequence[Path], poses: Sequence[Path], out: Path) -> list[Job]:
    """Every person in every pose; none of the pictures takes the place of a photo or pose.

    Args:
        out: a file for one picture, or a folder.
    Raises:
        DocumentError: several pictures, and `out` is no folder, or it cannot be made; or it is one
            of the photos and poses, or ends in another way than pictures do.
    """
    count = len(people) * len(poses)
    originals = {path.resolve() for path in (*people, *poses)}
    if out.suffix and not out.is_dir():
        if count > 1:
            raise DocumentError(f"{count} pictures cannot all become {out.name}: name a folder.")
        if out.resolve() in originals:
            raise DocumentError(
                f"{out.name} is what the picture is made from and would be lost: choose another"
                " name for the picture."
            )
        check_ending(out)
        if not out.absolute().parent.is_dir():
            raise DocumentError(
                f"Cannot save {out.name}: there is no folder {out.absolute().parent}, so choose"
                " another one."
            )
        return [Job(people[0], poses[0], out)]
    make_folder(out)
    jobs, taken = [], set()
    for person in people:
        for pose in poses:
            name = pose.stem if len(people) == 1 else person.stem
            if len(people) > 1 and len(poses) > 1:
                name = f"{person.stem}-{pose.stem}"
            target, number = out / f"{name}.png", 2
            while target in taken or target.resolve() in originals:
                target, number = out / f"{name}-{number}.png", number + 1
            taken.add(target)
            jobs.append(Job(person, pose, target))
    return jobs


@dataclass
class TransferBatch:
    """The state of a batch.

    Args:
        by: weights and options that pictures depend on; a journal of others is not gone on with.
        resume: go on where an earlier batch of the same folder stopped.
        in_place: the canvas of a pose is the photo: the pose stays where it is.
        person_pose: keypoints of the one person; None takes those beside each photo, or looks.
        say: is told what is to be known of a file, once.
    """

    jobs: Sequence[Job]
    engine: LocalEngine
    by: str = ""
    resume: bool = False
    in_place: bool = False
    person_pose: Path | None = None
    say: Callable[[str], None] = complain
    failed: dict[Path, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_out = {job.out: job for job in self.jobs}
        self._people: dict[Path, ReferencePerson | PoseAppError] = {}
        self._done: dict[str, list[Any]] = {}
        self._journal = self.jobs[0].out.absolute().parent / JOURNAL
        self._keeps = len(self.jobs) > 1
        self._begun = False
        self._crowds: set[Path] = set()
        folder = self._journal.parent
        if self._keeps and not os.access(folder, os.W_OK):  # said before anything is rendered
            raise DocumentError(f"The folder {folder} is read-only: choose another one.")
        self._done = self._read()
        done = self.done
        self.resumed = done if self.resume else 0
        self.left_over = done if self._keeps and not self.resume else 0
        """Pictures of an earlier run that `resume` would have kept."""
        if not self.resume:
            self._done = {}

    def waiting(self) -> list[Path]:
        """Pictures that are neither done nor failed; people one after the other."""
        return [j.out for j in self.jobs if j.out not in self.failed and not self._is_done(j)]

    @property
    def done(self) -> int:
        """How many pictures there are."""
        return sum(self._is_done(job) for job in self.jobs)

    def _is_done(self, job: Job) -> bool:
        return self._done.get(_key(job)) == self._stamps(job) and job.out.is_file()

    def arguments(self, out: Path) -> dict[str, Any]:
        """What the task `transfer_file` needs for a picture.

        Raises:
            PoseAppError: the person or the pose cannot be used.
        """
        job = self._by_out[out]
        who = self._person(job.person)
        size = who.photo.size
        document = load_over(job.pose, size) if self.in_place else registry.load(job.pose)
        there = [p.pose for p in document.people if p.visible and p.pose.present.any()]
        if not there:
            raise DocumentError(f"There is no person in {job.pose.name}.")
        if len(there) > 1 and job.pose not in self._crowds:
            self._crowds.add(job.pose)
            self.say(f"{job.pose.name} holds {len(there)} people; the first is taken.")
        problem = transfer.problem(who, there[0])
        if problem:
            raise DocumentError(_said(problem, job))
        (placed,) = transfer.placed([there[0]], who, size if self.in_place else None)
        return {
            "photo": who.photo.data,
            "name": who.photo.name,
            "keypoints": transfer.as_array(who.pose),
            "target": transfer.as_array(placed),
            "suffix": out.suffix,
        }

    def _person(self, path: Path) -> ReferencePerson:
        if path not in self._people:
            try:
                self._people[path] = reference_input.read(path, self.person_pose, self.engine)
            except PoseAppError as exc:
                self._people[path] = exc
        found = self._people[path]
        if isinstance(found, PoseAppError):
            raise type(found)(str(found)) from found
        return found

    def add(self, out: Path, made: dict[str, Any]) -> None:
        """Write a picture.

        Raises:
            DocumentError: it cannot be written.
        """
        if self._keeps and not self._begun:
            self._begin()
        write_bytes(out, bytes(np.asarray(made["data"], np.uint8)))
        job = self._by_out[out]
        self._done[_key(job)] = self._stamps(job)
        if self._keeps:
            try:
                with self._journal.open("ab") as file:
                    file.write(json.dumps([_key(job), self._stamps(job)]).encode() + b"\n")
            except OSError as exc:
                reason = exc.strerror or exc
                raise DocumentError(f"Cannot write {self._journal.name}: {reason}.") from exc

    def _begin(self) -> None:
        """The journal of an earlier run stays until there is something to put in its place."""
        lines = [[_FORMAT, self.by], *([key, stamp] for key, stamp in self._done.items())]
        write_bytes(self._journal, b"".join(json.dumps(x).encode() + b"\n" for x in lines))
        self._begun = True

    def fail(self, out: Path, problem: str) -> None:
        """Remember why a picture could not be made; a resumed batch tries it again."""
        self.failed[out] = problem

    def finish(self) -> None:
        """The journal goes when nothing is left to do."""
        if self._keeps and not self.waiting() and not self.failed:
            self._journal.unlink(missing_ok=True)

    def _stamps(self, job: Job) -> list[Any]:
        """Other files of the same names, or other keypoints, make another picture."""
        keypoints = reference_input.keypoint_file(job.person, self.person_pose)
        stamps: list[Any] = []
        for path in (job.person, job.pose, keypoints):
            if path is None:
                continue
            try:
                stat = path.stat()
            except OSError:
                return []
            stamps.append([stat.st_size, stat.st_mtime_ns])
        return stamps if keypoints is None else [*stamps, str(keypoints.absolute())]

    def _read(self) -> dict[str, list[Any]]:
        try:
            lines = self._journal.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return {}
        rows: dict[str, list[Any]] = {}
        for number, line in enumerate(lines):
            try:
                value = json.loads(line)
            except ValueError:
                continue  # cut off when the batch was stopped
            if number == 0:
                if value != [_FORMAT, self.by]:
                    return {}
            elif isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
                rows[value[0]] = value[1]
        return rows


def _said(problem: str, job: Job) -> str:
    """A sentence of the window, for files."""
    if problem == transfer.NO_REFERENCE_POSE:
        return (
            f"The pose of {job.person.name} has too few joints: put a keypoint file of the same"
            " name beside it, or give one with --person-pose."
        )
    return f"{job.pose.name} has fewer than {transfer.FEWEST_JOINTS} joints: give a whole pose."


def _key(job: Job) -> str:
    return f"{job.person.absolute()} | {job.pose.absolute()} | {job.out.name}"
