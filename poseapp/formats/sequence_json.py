"""The strip of key poses in a project file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from poseapp.core.motion import EASINGS
from poseapp.core.pose import Pose2D
from poseapp.core.sequence import (
    BETWEENS,
    FRAME_RATES,
    LONGEST_S,
    MOST_KEYS,
    SHORTEST_S,
    STEP_S,
    KeyPose,
    PoseSequence,
)
from poseapp.formats import values


def dump(sequence: PoseSequence, pose_out: Callable[[Pose2D], dict[str, Any]]) -> dict[str, Any]:
    """The strip as JSON; `pose_out` writes a pose."""
    return {
        "fps": sequence.fps,
        "loop": sequence.loop,
        "between": sequence.between,
        "keys": [
            {
                "id": key.id,
                "duration_s": key.duration_s,
                "easing": key.easing,
                **pose_out(key.pose),
            }
            for key in sequence.keys
        ],
    }


def load(stored: Any, name: str, pose_in: Callable[[dict[str, Any], str], Pose2D]) -> PoseSequence:
    """The strip of a file; what is missing, or unknown to this version, is as in a new one."""
    fresh = PoseSequence()
    if stored is None:
        return fresh
    stored = values.mapping(stored, "the sequence", name)
    keys: list[KeyPose] = []
    for entry in values.mappings(stored.get("keys"), "keys of the sequence", name)[:MOST_KEYS]:
        known: dict[str, Any] = {}
        own_id = entry.get("id")
        if isinstance(own_id, str) and own_id and own_id not in {key.id for key in keys}:
            known["id"] = own_id
        if entry.get("easing") in tuple(EASINGS):
            known["easing"] = entry["easing"]
        duration = values.number(entry.get("duration_s", STEP_S), "duration_s", name)
        known["duration_s"] = float(np.clip(duration, SHORTEST_S, LONGEST_S))
        keys.append(KeyPose(pose_in(entry, name), **known))
    fps, loop, between = (stored.get(word) for word in ("fps", "loop", "between"))
    return PoseSequence(
        tuple(keys),
        fps if isinstance(fps, int) and fps in FRAME_RATES else fresh.fps,
        loop if isinstance(loop, bool) else fresh.loop,
        between if between in BETWEENS else fresh.between,
    )
