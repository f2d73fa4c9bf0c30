"""Make the pose library: presets.json, one thumbnail a pose, and a sheet to look them over.

    python tools/make_presets.py --data DATA [--sheet sheet.png]

DATA holds ``mocap/poses3d.npz`` (CMU motion capture) and ``coco/person_keypoints.npz`` (COCO
2017); the README says where both come from. Poses are frames of real motion seen from a chosen
side, people of real photographs, and a few stances drawn by hand.
"""

from __future__ import annotations

import argparse
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from poseapp.core import draw, kinematics
from poseapp.core.camera import Camera, view_to_pose2d
from poseapp.core.paths import resources_dir
from poseapp.core.pose import Pose2D
from poseapp.core.standing import STANDING

SIDE_PX = 512.0
THUMBNAIL_PX = 160
GROUNDS = {"light": (255, 255, 255), "dark": (23, 25, 29)}
"""What lists are drawn on in the two themes, RGB."""


@dataclass(frozen=True)
class Preset:
    """One pose and where it comes from.

    Attributes:
        source: "drawn", "coco:ROW" of the keypoint table, or "clip:FRAME" of the motion capture.
        azimuth: degrees from the figure's front to the camera.
        flip: show the mirror image.
    """

    id: str
    name: str
    group: str
    tags: str
    source: str
    azimuth: float = 30.0
    elevation: float = 6.0
    flip: bool = False


_P = Preset
BASICS, DAILY, LOW, MOVE, SPORT, FIGHT, DANCE, ACRO = (
    "Basics", "Everyday", "Sitting and low", "Movement", "Sport", "Fighting", "Dance", "Acrobatics",
)  # fmt: skip

PRESETS: tuple[Preset, ...] = (
    _P("standing", "Standing", BASICS, "neutral front idle", "drawn"),
    _P("t-pose", "T-pose", BASICS, "arms out rig neutral", "drawn"),
    _P("a-pose", "A-pose", BASICS, "arms down rig neutral", "drawn"),
    _P("hands-on-hips", "Hands on hips", BASICS, "akimbo power standing", "drawn"),
    _P("arms-raised", "Arms raised", BASICS, "cheer victory up y", "drawn"),
    _P("waving", "Waving", DAILY, "hello greeting hand", "drawn"),
    _P("walking", "Walking", DAILY, "stroll step", "02_01:53", 55),
    _P("striding", "Striding", DAILY, "walk long step", "08_07:30", 60),
    _P("standing-side", "Standing, three-quarter", BASICS, "neutral idle relaxed", "01_03:0", 35),
    _P("reaching-up", "Reaching up", DAILY, "grab high shelf stretch", "13_10:29", 30),
    _P("picking-up", "Picking up", DAILY, "bend scoop floor lift", "02_06:33", 50),
    _P("pointing", "Pointing", DAILY, "direct show arm", "13_26:143", 15),
    _P("calling", "On the phone", DAILY, "call talk telephone", "coco:103181"),
    _P("laughing", "Laughing", DAILY, "joy lean", "13_14:322", 20),
    _P("climbing-stairs", "Climbing", DAILY, "ladder step up", "13_34:143", 50),
    _P("sitting-stool", "Sitting on a stool", LOW, "seat chair", "13_01:149", 50),
    _P("sitting-chair", "Sitting back", LOW, "chair bench rest", "coco:9355"),
    _P("sitting-front", "Sitting, front", LOW, "chair bench", "coco:143303"),
    _P("sitting-crossed", "Legs crossed", LOW, "sit chair phone", "coco:134335"),
    _P("sitting-floor", "Sitting on the floor", LOW, "ground rest", "140_03:69", 40),
    _P("squatting", "Squatting", LOW, "crouch low", "ct_jumpingjacks:814", 10),
    _P("crouching", "Crouching", LOW, "low sneak", "139_16:57", 60),
    _P("getting-up", "Getting up", LOW, "kneel knee rise", "140_01:42", 70),
    _P("crawling", "On all fours", LOW, "crawl hands knees", "140_01:33", 70),
    _P("lying-front", "Lying face down", LOW, "ground prone sleep", "139_16:7", 60, 10.0),
    _P("lying-side", "Lying on the side", LOW, "ground rest sleep", "140_03:11", 40),
    _P("running", "Running", MOVE, "sprint run fast", "09_01:14", 50),
    _P("jogging", "Jogging", MOVE, "run easy", "127_25:56", 60),
    _P("sprint-start", "Sprint start", MOVE, "run low race", "127_30:24", 60),
    _P("leaping", "Leaping", MOVE, "jump stride grand", "49_05:16", 60),
    _P("hurdling", "Jumping over", MOVE, "hurdle jump obstacle", "127_25:18", 60),
    _P("jump-ready", "Ready to jump", MOVE, "crouch swing arms", "02_04:14", 40),
    _P("jumping-jack", "Jumping jack", MOVE, "exercise star fitness", "ct_jumpingjacks:370", 10),
    _P("hanging", "Hanging from a bar", MOVE, "swing pull up gym", "43_02:17", 60),
    _P("diving", "Diving roll", MOVE, "jump dive forward", "127_23:13", 70),
    _P("tennis-serve", "Tennis serve", SPORT, "racket ball overhead smash", "coco:54406"),
    _P("tennis-forehand", "Tennis forehand", SPORT, "racket swing", "coco:131557"),
    _P("tennis-reach", "Tennis reach", SPORT, "racket lunge", "coco:71900"),
    _P("baseball-swing", "Baseball swing", SPORT, "bat hit", "coco:64712"),
    _P("throwing", "Throwing", SPORT, "pitch ball baseball", "coco:112002"),
    _P("golf", "Golf swing", SPORT, "club drive", "coco:12958"),
    _P("football-kick", "Football kick", SPORT, "soccer ball shoot", "10_01:52", 50),
    _P("sliding-tackle", "Sliding tackle", SPORT, "soccer football", "coco:117052"),
    _P("basketball-dribble", "Basketball dribble", SPORT, "ball bounce", "06_14:0", 40),
    _P("basketball-shot", "Basketball shot", SPORT, "ball throw hoop", "06_14:53", 40),
    _P("surfing", "Surfing", SPORT, "wave board balance", "coco:1995"),
    _P("skiing", "Skiing", SPORT, "snow slope winter", "coco:112450"),
    _P("skateboarding", "Skateboarding", SPORT, "board trick", "coco:105073"),
    _P("snowboarding", "Snowboarding", SPORT, "board winter snow", "coco:100177"),
    _P("frisbee", "Frisbee leap", SPORT, "catch jump throw", "coco:28271"),
    _P("boxing", "Boxing guard", FIGHT, "punch fight stance", "02_05:53", 30),
    _P("punch", "Lunge punch", FIGHT, "karate strike", "135_09:118", 50),
    _P("front-kick", "Front kick", FIGHT, "karate leg", "135_04:110", 50),
    _P("jump-kick", "Jump kick", FIGHT, "flying martial", "90_05:45", 40),
    _P("fencing", "Fencing lunge", FIGHT, "sword reach", "02_09:117", 30),
    _P("arabesque", "Arabesque", DANCE, "ballet leg", "05_16:85", 40),
    _P("ballet-leap", "Ballet leap", DANCE, "jete jump", "05_14:113", 20),
    _P("pirouette", "Pirouette", DANCE, "ballet turn spin", "gs_pirouette:50", 20),
    _P("charleston", "Charleston", DANCE, "swing twenties", "gs_charleston1:19", 30),
    _P("salsa", "Salsa", DANCE, "latin lambada", "60_01:242", 20),
    _P("indian-dance", "Indian dance", DANCE, "bharatanatyam", "94_06:85", 10),
    _P("wide-plie", "Wide plié", DANCE, "arms out ballet", "94_06:0", 10),
    _P("tree", "Tree pose", ACRO, "yoga balance one leg vrksasana", "drawn"),
    _P("warrior", "Warrior", ACRO, "yoga lunge virabhadrasana", "drawn"),
    _P("handstand", "Handstand", ACRO, "upside down balance", "85_05:130", 20),
    _P("split-handstand", "Split handstand", ACRO, "upside down legs", "85_05:157", 20),
    _P("cartwheel", "Cartwheel", ACRO, "wheel gymnastics", "49_06:48", 0),
    _P("backbend", "Back handspring", ACRO, "flip bridge", "88_06:13", 40),
)  # fmt: skip


def drawn(name: str) -> Pose2D:
    """The stances drawn by hand; units of the trunk, see `poseapp.core.standing`."""
    points = STANDING.copy()
    moves: dict[str, dict[int, tuple[float, float]]] = {
        "standing": {},
        "t-pose": {7: (0.96, 0.03), 8: (-0.96, 0.03), 9: (1.46, 0.03), 10: (-1.46, 0.03)},
        "a-pose": {7: (0.76, 0.45), 8: (-0.76, 0.45), 9: (1.10, 0.82), 10: (-1.10, 0.82),
                   13: (0.36, 1.80), 14: (-0.36, 1.80), 15: (0.48, 2.58), 16: (-0.48, 2.58)},
        "hands-on-hips": {7: (0.76, 0.47), 8: (-0.76, 0.47), 9: (0.30, 0.80), 10: (-0.30, 0.80),
                          13: (0.34, 1.80), 14: (-0.34, 1.80), 15: (0.44, 2.59), 16: (-0.44, 2.59)},
        "arms-raised": {5: (0.35, -0.03), 6: (-0.35, -0.03), 7: (0.62, -0.53), 8: (-0.62, -0.53),
                        9: (0.74, -1.03), 10: (-0.74, -1.03), 13: (0.33, 1.80), 14: (-0.33, 1.80),
                        15: (0.42, 2.59), 16: (-0.42, 2.59)},
        "waving": {8: (-0.82, -0.20), 10: (-0.86, -0.72), 7: (0.50, 0.56), 9: (0.55, 1.05)},
        "tree": {7: (0.44, -0.54), 8: (-0.44, -0.54), 9: (0.06, -1.02), 10: (-0.06, -1.02),
                 13: (0.10, 1.80), 15: (0.08, 2.60), 11: (0.20, 1.0), 12: (-0.22, 0.99),
                 14: (-0.86, 1.44), 16: (-0.06, 1.66)},
        "warrior": {5: (0.34, 0.0), 6: (-0.34, 0.0), 7: (0.92, 0.02), 8: (-0.92, 0.02),
                    9: (1.42, 0.0), 10: (-1.42, 0.0), 11: (0.20, 1.0), 12: (-0.20, 1.0),
                    13: (1.0, 1.22), 15: (1.02, 2.06), 14: (-0.86, 1.56), 16: (-1.52, 2.08)},
    }  # fmt: skip
    for joint, place in moves[name].items():
        points[joint] = place
    return Pose2D(points)


def seen(joints: np.ndarray, preset: Preset) -> Pose2D:
    """A frame of motion capture, (17, 3) mm, from its own front turned by the preset's angle."""
    ground = [joints[0, 0], joints[:, 1].min(), joints[0, 2]]
    standing = joints - np.asarray(ground)
    to_left = joints[4] - joints[1]
    front = math.atan2(-to_left[2], to_left[0])
    camera = Camera(
        azimuth=front + math.radians(preset.azimuth),
        elevation=math.radians(preset.elevation),
        distance=9000.0,
        fov=math.radians(18.0),
    )
    return view_to_pose2d(standing, camera, (1000, 1000))


def normalised(pose: Pose2D) -> Pose2D:
    """The longer side `SIDE_PX`, from (0, 0)."""
    bounds = pose.bounds
    assert bounds is not None
    x, y, width, height = bounds
    points = (pose.keypoints - (x, y)) * (SIDE_PX / max(width, height))
    return pose.with_keypoints(np.where(pose.present[:, None], points, 0.0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("POSEAPP_DATA", "data")))
    parser.add_argument("--sheet", type=Path, help="write all thumbnails on one picture")
    options = parser.parse_args()
    mocap = np.load(options.data / "mocap" / "poses3d.npz")
    coco = np.load(options.data / "coco" / "person_keypoints.npz")["keypoints"]
    clips, poses = list(mocap["clip_ids"]), mocap["poses"]
    folder = resources_dir() / "poses"
    thumbnails = folder / "thumbnails"
    entries, pictures = [], []
    for preset in PRESETS:
        if preset.source == "drawn":
            pose = drawn(preset.id)
        elif preset.source.startswith("coco:"):
            row = coco[int(preset.source[5:])].astype(float)
            pose = Pose2D(row[:, :2], row[:, 2].astype(np.uint8))
        else:
            clip, frame = preset.source.split(":")
            rows = np.flatnonzero(mocap["clip"] == clips.index(clip))
            pose = seen(poses[rows[int(frame)]].astype(float) / 10.0, preset)
        pose = normalised(kinematics.mirror(pose) if preset.flip else pose)
        for tone, ground in GROUNDS.items():
            picture = draw.thumbnail(pose, THUMBNAIL_PX, ground)
            file = thumbnails / tone / f"{preset.id}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(file), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        entries.append(
            {
                "id": preset.id,
                "name": preset.name,
                "group": preset.group,
                "tags": preset.tags.split(),
                "source": {"drawn": "drawn", "coco": "COCO 2017"}.get(
                    preset.source.split(":")[0], "CMU motion capture"
                ),
                "keypoints": [[round(float(v), 1) for v in p] for p in pose.keypoints],
                "visibility": [int(v) for v in pose.visibility],
            }
        )
        pictures.append(_captioned(draw.thumbnail(pose, 150, (255, 255, 255)), preset.name))
    value = {
        "schema": 1,
        "sources": {
            "CMU motion capture": "mocap.cs.cmu.edu, free for all uses; the database was created"
            " with funding from NSF EIA-0196217",
            "COCO 2017": "COCO keypoint annotations, cocodataset.org, CC BY 4.0",
            "drawn": "PoseApp, Apache-2.0",
        },
        "poses": entries,
    }
    lines = json.dumps(value, ensure_ascii=False, indent=1)
    (folder / "presets.json").write_text(_compact(lines) + "\n", "utf-8")
    if options.sheet:
        columns = 12
        while len(pictures) % columns:
            pictures.append(np.full_like(pictures[0], 255))
        strips = [np.hstack(pictures[i : i + columns]) for i in range(0, len(pictures), columns)]
        cv2.imwrite(str(options.sheet), cv2.cvtColor(np.vstack(strips), cv2.COLOR_RGB2BGR))


def _compact(text: str) -> str:
    """One pose a line: numbers of a list go side by side."""
    value = json.loads(text)
    poses = ",\n".join("  " + json.dumps(p, ensure_ascii=False) for p in value.pop("poses"))
    head = json.dumps(value, ensure_ascii=False, indent=1)[:-2]
    return f'{head},\n "poses": [\n{poses}\n ]\n}}'


def _captioned(picture: np.ndarray, name: str) -> np.ndarray:
    out = np.full((picture.shape[0] + 18, picture.shape[1], 3), 255, np.uint8)
    out[: picture.shape[0]] = picture
    cv2.putText(
        out, name, (4, out.shape[0] - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (60, 60, 60), 1,
        cv2.LINE_AA,
    )  # fmt: skip
    return out


if __name__ == "__main__":
    main()
