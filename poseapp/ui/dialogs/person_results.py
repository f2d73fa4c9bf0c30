"""What becomes of a picture of a person: a reference person, or a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QFileDialog, QWidget

from poseapp.core.document import Photo, ReferencePerson
from poseapp.core.person_values import title
from poseapp.core.pose import Pose2D
from poseapp.state.settings import Settings


def reference_of(made: dict[str, Any]) -> ReferencePerson:
    """What the task `create_person` gave, as a reference person."""
    from poseapp.formats.png import encode_png  # OpenCV: not needed for the first window

    name = title(made["person"])
    height, width = made["image"].shape[:2]
    photo = Photo(encode_png(made["image"]), f"{name}.png", (width, height))
    pose = Pose2D(made["keypoints"], made["visibility"])
    return ReferencePerson(photo, pose, name, made["person"], created=True)


def ask_file(parent: QWidget, settings: Settings, photo: Photo) -> Path | None:
    """Ask where a picture goes; None when it goes nowhere."""
    start = settings.last_folder / photo.name
    name, _ = QFileDialog.getSaveFileName(
        parent, "Save picture", str(start), "Pictures (*.png *.jpg)"
    )
    if not name:
        return None
    path = Path(name)
    return path if path.suffix else path.with_suffix(start.suffix or ".png")


def save_photo(photo: Photo, path: Path, settings: Settings) -> None:
    """Write a photo as its bytes came, or in the format that the name asks for.

    Raises:
        DocumentError: one sentence on what is in the way.
    """
    from poseapp.core.photo import photo_preview  # OpenCV: not needed for the first window
    from poseapp.formats.files import write_bytes
    from poseapp.formats.png import save_picture

    if Path(photo.name).suffix.lower() == path.suffix.lower():
        write_bytes(path, photo.data)
    else:
        save_picture(photo_preview(photo), path)
    settings.last_folder = path.absolute().parent
