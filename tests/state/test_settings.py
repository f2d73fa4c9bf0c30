"""Settings keep their types, live where they are told to, and say what changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray
from pytestqt.qtbot import QtBot

from poseapp.state.settings import MAX_RECENT, Settings, recent_titles


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.in_folder(tmp_path / "s")


@pytest.mark.parametrize(
    "value", [False, True, 0, 7, 2.5, "", "text", [], ["one"], ["a", "b"], {"wgan": "cuda"}]
)
def test_values_come_back_in_their_type(settings: Settings, tmp_path: Path, value: object) -> None:
    other = type(value)(value) if not isinstance(value, bool) else not value
    settings.put("part/key", value)
    settings.sync()
    again = Settings.in_folder(tmp_path / "s").get("part/key", other)
    assert again == value
    assert type(again) is type(value)


def test_a_value_of_another_type_gives_the_default(settings: Settings) -> None:
    settings.put("part/key", "no number")
    assert settings.get("part/key", 3) == 3
    assert settings.get("part/key", ["x"]) == ["x"]
    assert settings.get("part/other", {"a": 1}) == {"a": 1}


def test_changed_names_the_key_once(settings: Settings, qtbot: QtBot) -> None:
    with qtbot.waitSignal(settings.changed) as seen:
        settings.theme = "dark"
    assert seen.args == ["look/theme"]
    with qtbot.assertNotEmitted(settings.changed):
        settings.theme = "dark"


def test_nonsense_falls_back(settings: Settings) -> None:
    settings.put("look/theme", "purple")
    settings.put("canvas/backdrop", "clouds")
    settings.put("canvas/joint_radius_px", 900.0)
    assert (settings.theme, settings.backdrop) == ("system", "grid")
    assert settings.joint_radius_px <= 12


def test_recent_files_newest_first_no_twins_none_that_are_gone(
    settings: Settings, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{n}.pose" for n in range(MAX_RECENT + 3)]
    for path in paths:
        path.touch()
        settings.add_recent(path)
    settings.add_recent(paths[5])
    assert settings.recent_files[0] == paths[5]
    assert len(settings.recent_files) == MAX_RECENT
    assert len(set(settings.recent_files)) == MAX_RECENT
    paths[5].unlink()
    assert paths[5] not in settings.recent_files
    settings.clear_recent()
    assert settings.recent_files == []


def test_alike_names_of_recent_files_tell_their_folder() -> None:
    paths = [Path("/one/a.pose"), Path("/two/a.pose"), Path("/two/b.pose")]
    assert recent_titles(paths) == ["a.pose (one)", "a.pose (two)", "b.pose"]


def test_window_state_is_kept_and_forgotten(settings: Settings) -> None:
    assert settings.window_state() is None
    settings.keep_window_state(QByteArray(b"geo"), QByteArray(b"docks"))
    assert settings.window_state() == (QByteArray(b"geo"), QByteArray(b"docks"))
    settings.forget_window_state()
    assert settings.window_state() is None


def test_nothing_leaks_into_another_folder(settings: Settings, tmp_path: Path) -> None:
    settings.limb_lock = True
    settings.sync()
    assert not Settings.in_folder(tmp_path / "other").limb_lock
    assert settings.data_dir == tmp_path / "s" / "data"
