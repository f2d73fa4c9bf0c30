"""Configs to JSON and back."""

from dataclasses import dataclass, field

import pytest

from trainer import config as configs
from trainer.errors import TrainerError


@dataclass(frozen=True)
class Inner:
    width: int = 4
    rates: tuple[float, ...] = (0.5,)


@dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner = field(default_factory=Inner)
    limit: float | None = None
    fast: bool = False


def test_round_trip_restores_nested_configs_and_tuples() -> None:
    config = Outer("a", Inner(8, (1.0, 2.5)), 3.0, True)
    assert configs.from_dict(Outer, configs.to_dict(config)) == config


@pytest.mark.parametrize(
    ("d", "word"),
    [
        ({"name": "a", "width": 3}, "width"),
        ({"name": "a", "inner": {"depth": 3}}, "depth"),
        ({}, "name"),
        ({"name": 3}, "name"),
        ({"name": "a", "fast": 1}, "fast"),
        ({"name": "a", "inner": {"rates": 0.5}}, "rates"),
    ],
)
def test_wrong_settings_are_named(d: dict, word: str) -> None:
    with pytest.raises(TrainerError, match=word):
        configs.from_dict(Outer, d)


def test_overrides_reach_nested_settings_and_keep_the_original() -> None:
    config = Outer("a")
    changed = configs.override(config, ["inner.width=16", "name=b", "inner.rates=[1, 2]"])
    assert changed == Outer("b", Inner(16, (1.0, 2.0)))
    assert config == Outer("a")
    with pytest.raises(TrainerError, match="depth"):
        configs.override(config, ["inner.depth=2"])
    with pytest.raises(TrainerError, match="key=value"):
        configs.override(config, ["name"])
