"""Frozen dataclasses to JSON and back; an unknown key is an error. Torch-free."""

import dataclasses
import json
import types
import typing
from typing import Any, TypeVar

from trainer.errors import TrainerError

ConfigT = TypeVar("ConfigT")


def to_dict(cfg: Any) -> dict[str, Any]:
    """A config as plain JSON values (nested configs become nested dicts, tuples become lists)."""
    return {f.name: _plain(getattr(cfg, f.name)) for f in dataclasses.fields(cfg)}


def from_dict(cls: type[ConfigT], d: dict[str, Any]) -> ConfigT:
    """Rebuild a config written by `to_dict`.

    Raises:
        TrainerError: for a key the class does not have, or one without default that is missing.
    """
    if not isinstance(d, dict):
        raise TrainerError(f"The settings of {cls.__name__} must be a mapping, not {d!r}.")
    hints = typing.get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(d) - set(fields))
    if unknown:
        raise TrainerError(f"{cls.__name__} has no setting called {', '.join(unknown)}.")
    values = {
        name: _typed(hints[name], value, f"{cls.__name__}.{name}") for name, value in d.items()
    }
    try:
        return cls(**values)
    except TypeError as exc:
        raise TrainerError(f"The settings of {cls.__name__} are incomplete: {exc}.") from exc


def override(cfg: ConfigT, assignments: list[str]) -> ConfigT:
    """Apply `key=value` strings (dots reach into nested configs; values are JSON or bare text)."""
    d = to_dict(cfg)
    for text in assignments:
        key, sep, raw = text.partition("=")
        if not sep:
            raise TrainerError(f"Write settings as key=value; '{text}' has no '='.")
        try:
            value = json.loads(raw)
        except ValueError:
            value = raw
        *path, last = key.split(".")
        target = d
        for part in path:
            if not isinstance(target.get(part), dict):
                raise TrainerError(f"There is no group of settings called {part}.")
            target = target[part]
        if last not in target:
            raise TrainerError(f"There is no setting called {key}; known are {', '.join(target)}.")
        target[last] = value
    return from_dict(type(cfg), d)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_dict(value)
    if isinstance(value, (tuple, list)):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return value


def _typed(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        cls = typing.cast(type, hint)
        return value if isinstance(value, cls) else from_dict(cls, value)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        return _typed(next(a for a in args if a is not type(None)), value, where)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise TrainerError(f"{where} must be a list, not {value!r}.")
        kinds = [args[0]] * len(value) if len(args) == 2 and args[1] is Ellipsis else list(args)
        if len(kinds) != len(value):
            raise TrainerError(f"{where} must hold {len(kinds)} values, not {len(value)}.")
        return tuple(_typed(k, v, where) for k, v in zip(kinds, value, strict=True))
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint in (int, float, str, bool) and type(value) is not hint:
        raise TrainerError(f"{where} must be {hint.__name__}, not {value!r}.")
    return value
