"""The sheet docs/samples_transfer_photos.jpg: ready-made people in new poses, as a user gets them.

    python tools/transfer_photos.py [--photos resources/people] [--out docs/…jpg]

Each picture goes the whole way: its person is found, the pose is estimated, the person is cut out,
and put into a pose of the library. A row: the photo with the pose that was found, the pose that is
wanted, the photo's own parts moved, and the same with what the generator adds. Photos of your own
serve as well, one person in each.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from poseapp.core import transfer  # noqa: E402
from poseapp.core.detection import proposals  # noqa: E402
from poseapp.core.document import Photo, ReferencePerson  # noqa: E402
from poseapp.core.draw import draw_people  # noqa: E402
from poseapp.core.errors import PoseAppError  # noqa: E402
from poseapp.core.pose import Pose2D  # noqa: E402
from poseapp.services.local import LocalEngine  # noqa: E402
from poseapp.state.library import PoseLibrary  # noqa: E402

COUNT = 12
ACROSS = 3
POSES = (
    *("Walking", "Waving", "Running", "Tennis forehand", "Arms raised", "Salsa"),
    *("Football kick", "Throwing", "Warrior", "Pointing", "Sitting, front", "Hands on hips"),
)
HEIGHT = 400
QUALITY = 88


def main() -> int:
    """Draw the sheet; 1 when nobody was found in any photo."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photos", type=Path, default=ROOT / "resources" / "people")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "samples_transfer_photos.jpg")
    options = parser.parse_args()
    files = sorted(p for p in options.photos.iterdir() if p.suffix.lower() in (".jpg", ".png"))
    engine = LocalEngine()
    rows: list[np.ndarray] = []
    for file in files:
        if len(rows) == COUNT:
            break
        try:
            rows.append(row(engine, file, POSES[len(rows) % len(POSES)]))
        except PoseAppError as problem:
            print(f"{file.name}: {problem}", file=sys.stderr)
    if not rows:
        print(f"There is no photo with a person in {options.photos}.", file=sys.stderr)
        return 1
    rows += [np.full_like(rows[0], 255)] * (-len(rows) % ACROSS)
    lines = [np.hstack(rows[i : i + ACROSS]) for i in range(0, len(rows), ACROSS)]
    sheet = cv2.cvtColor(np.vstack(lines), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(options.out), sheet, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return 0


def row(engine: LocalEngine, file: Path, wanted: str) -> np.ndarray:
    """(HEIGHT, w, 3) uint8 RGB, four pictures of one person."""
    data = file.read_bytes()
    found = engine.run("detect_people", photo=data, name=file.name)
    people = sorted(proposals(found), key=lambda p: float(p.box[2] * p.box[3]))
    if not people:
        raise PoseAppError("nobody was found")
    pose = people[-1].pose
    size = int(found["size"][0]), int(found["size"][1])
    reference = ReferencePerson(Photo(data, file.name, size), pose)
    target = transfer.placed([library_pose(wanted)], reference)[0]
    points, aim = transfer.as_array(pose), transfer.as_array(target)
    moved = [
        engine.run(
            "render_person",
            photo=data,
            name=file.name,
            keypoints=points,
            target=aim,
            longest=2 * HEIGHT,
            generator=generator,
        )["picture"]
        for generator in (False, True)
    ]
    photo = cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), 1), cv2.COLOR_BGR2RGB)
    shown = [drawn(photo, pose), drawn(np.full_like(photo, 70), target), *moved]
    width = round(HEIGHT * size[0] / size[1])
    tiles = [cv2.resize(one, (width, HEIGHT), interpolation=cv2.INTER_AREA) for one in shown]
    return cv2.copyMakeBorder(np.hstack(tiles), 4, 4, 4, 4, cv2.BORDER_CONSTANT, value=(255,) * 3)


def drawn(picture: np.ndarray, pose: Pose2D) -> np.ndarray:
    """A skeleton over a picture."""
    height, width = picture.shape[:2]
    return draw_people([pose], (width, height), background=picture)


def library_pose(name: str) -> Pose2D:
    """A pose of the application's own library."""
    return next(p.pose for p in PoseLibrary(ROOT / "no poses of a user").poses if p.name == name)


if __name__ == "__main__":
    raise SystemExit(main())
