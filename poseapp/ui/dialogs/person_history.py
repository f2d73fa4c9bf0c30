"""The people that the dice gave, in order, each as drawn and as changed by hand since."""

from __future__ import annotations

from dataclasses import dataclass

from poseapp.core.person_values import Values

_MOST = 100


@dataclass
class Past:
    """One of them."""

    seed: int
    drawn: Values
    now: Values


class History:
    """Where in the row of people one is."""

    def __init__(self) -> None:
        self._row: list[Past] = []
        self._place = -1

    @property
    def current(self) -> Past | None:
        """Who is shown; None before the first."""
        return self._row[self._place] if self._place >= 0 else None

    @property
    def can_go_back(self) -> bool:
        """There is somebody before."""
        return self._place > 0

    @property
    def can_go_forward(self) -> bool:
        """There is somebody after."""
        return self._place + 1 < len(self._row)

    def remember(self, seed: int, person: Values) -> None:
        """Go on with somebody new; whoever came after is forgotten."""
        del self._row[self._place + 1 :]
        self._row.append(Past(seed, person, person))
        del self._row[:-_MOST]
        self._place = len(self._row) - 1

    def step(self, by: int) -> Past | None:
        """Go to a neighbour; None where there is none."""
        if not 0 <= self._place + by < len(self._row):
            return None
        self._place += by
        return self.current

    def clear(self) -> None:
        """Forget everybody."""
        self._row, self._place = [], -1
