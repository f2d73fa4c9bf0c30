"""An engine whose process runs the test tasks, shut down after each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Slot

from poseapp.services.engine import Engine


class Record(QObject):
    """All that an engine said, in order."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.events: list[tuple] = []
        self.states: list[str] = []
        engine.task_progress.connect(self._on_progress)
        engine.task_partial.connect(self._on_partial)
        engine.task_succeeded.connect(self._on_succeeded)
        engine.task_failed.connect(self._on_failed)
        engine.task_cancelled.connect(self._on_cancelled)
        engine.state_changed.connect(self._on_state)

    def of(self, number: int, *kinds: str) -> list[tuple]:
        return [e for e in self.events if e[1] == number and (not kinds or e[0] in kinds)]

    def ended(self, number: int) -> bool:
        return bool(self.of(number, "succeeded", "failed", "cancelled"))

    @Slot(int, float, str)
    def _on_progress(self, number: int, share: float, text: str) -> None:
        self.events.append(("progress", number, share, text))

    @Slot(int, object)
    def _on_partial(self, number: int, value: object) -> None:
        self.events.append(("partial", number, value))

    @Slot(int, object)
    def _on_succeeded(self, number: int, value: object) -> None:
        self.events.append(("succeeded", number, value))

    @Slot(int, object)
    def _on_failed(self, number: int, error: object) -> None:
        self.events.append(("failed", number, error))

    @Slot(int)
    def _on_cancelled(self, number: int) -> None:
        self.events.append(("cancelled", number))

    @Slot(str)
    def _on_state(self, state: str) -> None:
        self.states.append(state)


@pytest.fixture
def make_engine(qapp, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Engine]]:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    engines: list[Engine] = []

    def make(registry: str = "engine_tasks:TASKS", **options) -> Engine:
        engine = Engine(registry=registry, **options)
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        engine.shutdown()
        engine.deleteLater()


@pytest.fixture
def engine(make_engine) -> Engine:
    return make_engine()


@pytest.fixture
def record(engine: Engine) -> Record:
    return Record(engine)


@pytest.fixture
def record_of() -> Callable[[Engine], Record]:
    return Record
