"""Poses as SVG: one group a person, one line a bone and one circle a joint, each with its id."""

from __future__ import annotations

import base64
import re
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from poseapp.core import kinematics
from poseapp.core.document import Document, Person, Photo
from poseapp.core.palette import (
    CONTROLNET_JOINTS,
    CONTROLNET_LIMBS,
    JOINT_COLOURS,
    LIMBS,
    SIDE_COLOURS,
)
from poseapp.core.pose import Pose2D, Visibility
from poseapp.core.skeleton import COCO_17, OPENPOSE_18, convert
from poseapp.formats.values import tidy

STYLES = ("poseapp", "controlnet")
_MIME = {b"\xff\xd8\xff": "image/jpeg", b"\x89PN": "image/png", b"RIF": "image/webp"}


def dump(
    document: Document,
    *,
    style: str = "poseapp",
    background: str | None = None,
    photo: bool = False,
    **_: Any,
) -> bytes:
    """An SVG file of the visible people.

    Args:
        style: "poseapp" (COCO-17 bones) or "controlnet" (OpenPose-18 bones and colours on black).
        background: a CSS colour; None is transparent, or black for "controlnet".
        photo: embed the document's photo below the people.
    """
    if style not in STYLES:
        raise ValueError(f"No SVG style is called {style!r}")
    width, height = document.size
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="-0.5 -0.5 {width} {height}">',
        "<title>Poses</title>",
    ]
    background = "#000000" if background is None and style == "controlnet" else background
    if background is not None:
        lines.append(
            f'<rect id="background" x="-0.5" y="-0.5" width="{width}" height="{height}"'
            f" fill={quoteattr(background)}/>"
        )
    if photo and document.photo is not None:
        lines.append(_image(document.photo, document))
    for number, person in enumerate(p for p in document.people if p.visible):
        lines += _group(person, f"person-{number + 1}", style)
    return ("\n".join([*lines, "</svg>"]) + "\n").encode("utf-8", "xmlcharrefreplace")


def _image(photo: Photo, document: Document) -> str:
    data, (width, height) = photo.data, document.size
    mime = _MIME.get(data[:3], "image/png")
    return (
        f'<image id="photo" x="-0.5" y="-0.5" width="{width}" height="{height}"'
        f' preserveAspectRatio="none" opacity="{tidy(document.photo_opacity)}"'
        f' href="data:{mime};base64,{base64.b64encode(data).decode()}"/>'
    )


def _group(person: Person, group: str, style: str) -> list[str]:
    title = re.sub(r"[^\x20-\uD7FF\uE000-\uFFFD]", "", person.name)
    lines = [f'<g id="{group}" stroke-linecap="round">', f"<title>{escape(title)}</title>"]
    draw = _coco if style == "poseapp" else _controlnet
    return [*lines, *draw(person.pose, group), "</g>"]


def _hex(colour: Any) -> str:
    red, green, blue = (int(v) for v in colour)
    return f"#{red:02x}{green:02x}{blue:02x}"


def _coco(pose: Pose2D, group: str) -> list[str]:
    unit = kinematics.torso_size(pose)
    width = tidy(np.clip(unit * 0.075, 2.0, 40.0), 2)
    radius = tidy(np.clip(unit * 0.05, 2.0, 30.0), 2)
    lines = []
    for a, b in COCO_17.bones:
        if not pose.present[[a, b]].all():
            continue
        sides = {COCO_17.side(a), COCO_17.side(b)} - {"middle"}
        # A bone between the sides has the middle's colour.
        colour = SIDE_COLOURS[sides.pop() if len(sides) == 1 else "middle"]
        hidden = (pose.visibility[[a, b]] == Visibility.HIDDEN).any()
        lines.append(
            _line(
                f"{group}-{COCO_17.joints[a]}-{COCO_17.joints[b]}",
                pose.keypoints[a],
                pose.keypoints[b],
                f'stroke="{_hex(colour)}" stroke-width="{width}"'
                + (' stroke-dasharray="4 4"' if hidden else ""),
            )
        )
    for joint in np.flatnonzero(pose.present):
        faint = ' opacity="0.5"' if pose.visibility[joint] == Visibility.HIDDEN else ""
        lines.append(
            _circle(
                f"{group}-{COCO_17.joints[joint]}",
                pose.keypoints[joint],
                radius,
                f'fill="{_hex(JOINT_COLOURS[joint])}"{faint}',
            )
        )
    return lines


def _controlnet(pose: Pose2D, group: str) -> list[str]:
    points, sure = convert(pose.keypoints, pose.present.astype(float), COCO_17, OPENPOSE_18)
    lines = []
    for (a, b), colour in zip(LIMBS, CONTROLNET_LIMBS, strict=True):
        if sure[a] and sure[b]:
            name = f"{group}-{OPENPOSE_18.joints[a]}-{OPENPOSE_18.joints[b]}"
            middle, (dx, dy) = (points[a] + points[b]) / 2.0, points[b] - points[a]
            turn = tidy(np.degrees(np.arctan2(dy, dx)), 2)
            x, y = (tidy(v, 2) for v in middle)
            lines.append(
                f'<ellipse id="{name}" cx="{x}" cy="{y}" rx="{tidy(np.hypot(dx, dy) / 2, 2)}"'
                f' ry="4" transform="rotate({turn} {x} {y})" fill="{_hex(colour)}"/>'
            )
    for joint in np.flatnonzero(sure):
        name = f"{group}-{OPENPOSE_18.joints[joint]}"
        lines.append(_circle(name, points[joint], 4, f'fill="{_hex(CONTROLNET_JOINTS[joint])}"'))
    return lines


def _line(name: str, start: np.ndarray, end: np.ndarray, rest: str) -> str:
    (x1, y1), (x2, y2) = ([tidy(v, 2) for v in point] for point in (start, end))
    return f'<line id="{name}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" {rest}/>'


def _circle(name: str, centre: np.ndarray, radius: float, rest: str) -> str:
    x, y = (tidy(v, 2) for v in centre)
    return f'<circle id="{name}" cx="{x}" cy="{y}" r="{radius}" {rest}/>'
