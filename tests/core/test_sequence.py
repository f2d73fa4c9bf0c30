"""The strip of key poses: its time, its order, and motions thinned to key poses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from poseapp.core import kinematics
from poseapp.core.errors import PoseError
from poseapp.core.pose import Pose2D
from poseapp.core.sequence import KeyPose, PoseSequence, Way, flat_ways, frame_at, thinned
from poseapp.core.standing import STANDING

PERSON = Pose2D(STANDING * 100.0 + 300.0)


def raised(angle: float) -> Pose2D:
    return kinematics.rotate_limb(PERSON, 7, angle)


def strip(**changes: object) -> PoseSequence:
    keys = (
        KeyPose(raised(0.0), 0.5, "linear", "a"),
        KeyPose(raised(-1.0), 1.0, "linear", "b"),
        KeyPose(raised(-2.0), 0.25, "linear", "c"),
    )
    return replace(PoseSequence(keys), **changes)


def at(sequence: PoseSequence, time_s: float) -> Pose2D:
    return frame_at(sequence, flat_ways(sequence), time_s).pose


def test_the_last_key_leads_back_to_the_first_only_in_a_loop() -> None:
    once, loop = strip(loop=False), strip()
    assert once.starts == [0.0, 0.5, 1.5] and once.length_s == 1.5
    assert loop.starts == [0.0, 0.5, 1.5, 1.75] and loop.length_s == 1.75
    assert len(once.steps) == 2 and loop.steps[-1][1].id == "a"
    assert np.allclose(at(loop, 1.625).keypoints, raised(-1.0).keypoints, atol=1e-6)
    assert at(once, 99.0) == raised(-2.0) and at(once, -1.0) == raised(0.0)


def test_frames_cover_the_time_and_a_loop_shows_its_first_pose_once() -> None:
    once = strip(loop=False, fps=12).times()
    assert once[0] == 0.0 and once[-1] == pytest.approx(1.5) and len(once) == 19
    loop = strip(fps=12).times()
    assert loop[-1] < 1.75 - 1e-6 and len(loop) == 21
    assert len(PoseSequence((KeyPose(PERSON),)).times()) == 1


def test_each_key_keeps_its_own_easing_and_duration() -> None:
    sequence = strip(loop=False)
    slow = sequence.with_key(replace(sequence.keys[0], easing="in"))
    assert slow.step_at(0.25) == (0, 0.25)
    assert sequence.step_at(0.25) == (0, 0.5)
    assert sequence.step_at(1.0) == (1, 0.5)
    assert np.allclose(at(sequence, 1.0).keypoints, raised(-1.5).keypoints, atol=1e-6)


def test_order_can_be_changed() -> None:
    sequence = strip()
    assert [k.id for k in sequence.moved("a", 2).keys] == ["b", "c", "a"]
    assert [k.id for k in sequence.moved("c", 0).keys] == ["c", "a", "b"]
    assert [k.id for k in sequence.without(["b"]).keys] == ["a", "c"]
    extra = KeyPose(PERSON, id="x")
    assert [k.id for k in sequence.inserted(extra, 1).keys] == ["a", "x", "b", "c"]
    assert sequence.inserted(extra).keys[-1] is extra


def test_an_empty_strip_says_so() -> None:
    with pytest.raises(PoseError, match="no pose on the strip"):
        at(PoseSequence(), 0.0)
    with pytest.raises(PoseError, match="no pose on the strip"):
        PoseSequence().times()
    with pytest.raises(PoseError, match="shows nobody"):
        thinned([], 30.0)


def test_a_motion_becomes_few_keys_that_bring_it_back() -> None:
    angles = np.concatenate([np.linspace(0, -2, 31), np.linspace(-2, 0.5, 41)[1:], [0.5] * 20])
    poses = [raised(float(angle)) for angle in angles]
    keys = thinned(poses, 30.0)
    assert 3 <= len(keys) <= 16
    sequence = PoseSequence(keys, loop=False)
    assert sequence.length_s == pytest.approx((len(poses) - 1) / 30.0)
    gaps = [
        np.abs(at(sequence, frame / 30.0).keypoints - pose.keypoints).max()
        for frame, pose in enumerate(poses)
    ]
    assert max(gaps) < 0.04 * PERSON.bounds[3]  # type: ignore[index]


def test_a_wild_motion_keeps_to_the_number_of_keys() -> None:
    rng = np.random.default_rng(0)
    poses = [raised(float(angle)) for angle in rng.uniform(-2, 2, 300)]
    assert len(thinned(poses, 30.0, most=20)) == 20
    again = [raised(angle) for angle in np.tile([0.0, -0.6, -1.2, -0.6], 50)]
    assert len(thinned(again, 30.0, most=20)) == 20


def test_a_motion_that_rests_has_a_key_at_both_ends() -> None:
    keys = thinned([PERSON] * 50, 25.0)
    assert len(keys) == 2 and keys[0].duration_s == pytest.approx(49 / 25)
    assert len(thinned([PERSON], 25.0)) == 1


def test_a_way_of_several_steps_is_met_at_each_of_them() -> None:
    poses = tuple(raised(angle) for angle in (0.0, -0.2, -1.6, -2.0))
    way = Way(poses)
    for number, pose in enumerate(poses):
        assert np.allclose(way.at(number / 3).pose.keypoints, pose.keypoints, atol=1e-6)
    middle = way.at(0.5)
    assert np.allclose(middle.pose.keypoints, raised(-0.9).keypoints, atol=1e-6)
    assert middle.figure is None and way.pose_at(7.0) == poses[-1]
