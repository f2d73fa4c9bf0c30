"""The pose library: many good presets, a search that forgives, the user's own poses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage

from poseapp.core.errors import DocumentError
from poseapp.core.kinematics import torso_size
from poseapp.core.pose import Pose2D, Visibility
from poseapp.core.standing import standing
from poseapp.state.library import PoseLibrary


@pytest.fixture
def library(tmp_path: Path) -> PoseLibrary:
    return PoseLibrary(tmp_path / "own")


def test_there_are_many_presets_each_whole_and_with_pictures(library: PoseLibrary) -> None:
    poses = library.poses
    assert len(poses) >= 30
    assert len({p.id for p in poses}) == len({p.name for p in poses}) == len(poses)
    for entry in poses:
        assert entry.pose.present.sum() >= 15, entry.id
        assert torso_size(entry.pose) > 60, entry.id
        for dark in (False, True):
            picture = QImage(str(entry.thumbnail(dark)))
            assert not picture.isNull(), entry.id
            assert (picture.pixelColor(1, 1).lightness() < 60) is dark, entry.id


@pytest.mark.parametrize(
    ("words", "found"),
    [("tennis serve", "tennis-serve"), ("RACK", "tennis-forehand"), ("plie", "wide-plie"),
     ("three quarter", "standing-side"), ("soccer", "football-kick"), ("", "standing")],
)  # fmt: skip
def test_search_looks_at_names_tags_and_kinds(library: PoseLibrary, words: str, found: str) -> None:
    assert found in [p.id for p in library.search(words)]
    assert library.search("no such pose") == []


def test_own_poses_come_first_and_survive(library: PoseLibrary, tmp_path: Path) -> None:
    pose = standing((100, 100), 200).with_visibility(9, Visibility.HIDDEN)
    pose = pose.with_visibility(3, Visibility.ABSENT)
    library.add("Ärger / 1", pose)
    again = PoseLibrary(tmp_path / "own")
    first = again.poses[0]
    assert (first.name, first.own, first.group) == ("Ärger / 1", True, "Mine")
    assert np.array_equal(first.pose.visibility, pose.visibility)
    assert np.allclose(first.pose.keypoints, pose.keypoints, atol=1e-3)
    assert [p.id for p in again.search("arger")] == [first.id]
    again.remove(first.id)
    assert not PoseLibrary(tmp_path / "own").poses[0].own
    assert not list((tmp_path / "own").iterdir())


def test_presets_cannot_be_removed_and_damaged_files_are_passed_over(
    library: PoseLibrary, tmp_path: Path
) -> None:
    count = len(library.poses)
    library.remove("standing")
    assert len(library.poses) == count
    (tmp_path / "own").mkdir()
    for name, text in (("a", "{"), ("b", '{"id": 1}'), ("c", '{"id":1,"name":2,"keypoints":[]}')):
        (tmp_path / "own" / f"{name}.json").write_text(text)
    assert len(PoseLibrary(tmp_path / "own").poses) == count


def test_a_folder_that_cannot_be_made_gives_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("in the way")
    with pytest.raises(DocumentError, match=r"folder .*\.$"):
        PoseLibrary(tmp_path / "own").add("x", Pose2D(np.ones((17, 2))))
