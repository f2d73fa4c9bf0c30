"""The reference person of the command line: a picture, and the pose that somebody has in it."""

from __future__ import annotations

from pathlib import Path

from poseapp.core.detection import proposals
from poseapp.core.document import ReferencePerson
from poseapp.core.errors import DocumentError
from poseapp.core.pose import Pose2D
from poseapp.formats.photo_poses import load_over
from poseapp.services.local import LocalEngine


def read(path: Path, keypoints: Path | None, engine: LocalEngine) -> ReferencePerson:
    """A picture of a person, with the pose of a keypoint file, else as the estimator finds it.

    Args:
        keypoints: None takes the .json file of the same name beside the picture, if there is one.
        engine: looks for the person where no file says.
    Raises:
        DocumentError: the picture or the file cannot be read, or nobody is in them.
        TaskError, WeightsError: the estimator cannot help.
    """
    from poseapp.core.photo import load_photo

    photo, _ = load_photo(path)
    keypoints = keypoint_file(path, keypoints)
    if keypoints is not None:
        people = load_over(keypoints, photo.size).people
        if not people:
            raise DocumentError(f"There is no person in {keypoints.name}.")
        pose = people[0].pose
    else:
        pose = _found(path, photo.data, engine)
    return ReferencePerson(photo, pose, path.stem)


def keypoint_file(path: Path, given: Path | None) -> Path | None:
    """The keypoint file of a picture: the one given, else that of its name beside it, if any."""
    beside = path.with_suffix(".json")
    return beside if given is None and beside.is_file() and beside != path else given


def _found(path: Path, data: bytes, engine: LocalEngine) -> Pose2D:
    found = engine.run("detect_people", photo=data, name=path.name)
    people = proposals(found)
    if not people:
        raise DocumentError(
            f"Nobody was found in {path.name}: put a keypoint file of the same name beside it."
        )
    return max(people, key=lambda person: person.confidence).pose
