"""The moments of a game that one can go back to, and the branches that begin there; of bounded memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from ganforge.core.errors import UsageError
from ganforge.core.recipe import Recipe
from ganforge.studio.game import Game

__all__ = ["Moment", "Timeline"]

_FIRST = 16  # rounds between two moments, before any was left out
_SECONDS = 0.3  # between two moments at least
_CURVE = 2_000  # points of a branch's curve

State = dict[str, dict[str, Tensor]]


@dataclass(frozen=True)
class Moment:
    """A game as it stood.

    Attributes:
        id: its number; parent: that of the moment before it, or None.
        round: as the players' rounds count; alone, altered: see :class:`~ganforge.studio.game.Game`.
        settings, recipe: what was played then.
        state: every tensor of the players and their optimisers.
    """

    id: int
    parent: int | None
    branch: int
    nimg: int
    round: int
    alone: int
    altered: int
    refused: int
    numbers: dict[str, float | None]
    settings: Any
    recipe: Recipe
    state: State
    noted: dict[str, list[float]]

    @property
    def bytes(self) -> int:
        return sum(x.numel() * x.element_size() for part in self.state.values() for x in part.values())

    def to_json(self) -> dict[str, Any]:
        names = ("id", "parent", "branch", "nimg", "numbers")
        return {**{name: getattr(self, name) for name in names}, "round": self.round - self.alone}


@dataclass
class _Branch:
    """Attributes:
    parent: the branch that it grew from, and at which nimg; None for the first.
    curve: numbers by nimg; examined: log lines of its examinations.
    """

    parent: tuple[int, int] | None
    curve: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    examined: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


class Timeline:
    """Moments of one game, at equal distances, which double where there is no more room.

    Args:
        most: moments; most_bytes: of all of them.

    Attributes:
        moments: by their numbers, oldest first.
        branch: the number of the present branch.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self.moments: dict[int, Moment] = {}
        self.branch = 0
        self._most, self._most_bytes = most, most_bytes
        self._branches = {0: _Branch(None)}
        self._every = _FIRST
        self._kept_at = 0.0
        self._last: int | None = None
        self._next = 0
        self._bytes = 0

    def due(self, rounds: int) -> bool:
        """Whether a moment should be kept: neither too many a second nor too many in all."""
        return rounds % self._every == 0 and time.monotonic() - self._kept_at >= _SECONDS

    def keep(self, game: Game, settings: Any, numbers: dict[str, float | None]) -> tuple[Moment, list[int]]:
        """Keep the present moment; gives it, and the numbers of those that had to go."""
        self._kept_at = time.monotonic()
        rounds = game.rounds
        state = {
            part: {name: value.detach().clone() for name, value in tensors.items()}
            for part, tensors in rounds.tensors().items()
        }
        moment = Moment(
            self._next,
            self._last,
            self.branch,
            rounds.nimg,
            rounds.rounds,
            game.alone,
            game.altered,
            rounds.referee.refused,
            numbers,
            settings,
            game.recipe,
            state,
            rounds.statistics.state(),
        )
        self._next += 1
        self._last = moment.id
        self.moments[moment.id] = moment
        self._bytes += moment.bytes
        return moment, self._make_room()

    def _make_room(self) -> list[int]:
        """Leave out every second moment, but for the first and the newest, until the rest fits."""
        gone: list[int] = []
        while len(self.moments) > 2 and (len(self.moments) > self._most or self._bytes > self._most_bytes):
            names = list(self.moments)
            thinned = names[1:-1:2]
            for name in thinned:
                self._bytes -= self.moments.pop(name).bytes
            gone += thinned
            self._every *= 2
        return gone

    def find(self, name: int) -> Moment:
        """Raises UsageError where it is not there (any more)."""
        if name not in self.moments:
            raise UsageError(
                f"there is no moment {name}; it was left out to make room: choose one that is shown"
            )
        return self.moments[name]

    def go_to(self, moment: Moment, before: int) -> None:
        """What is played from now on grows from ``moment``: a branch of its own.

        Args:
            before: examples shown when the game was left; where that is the moment's own, nothing branches.
        """
        self._last = moment.id
        newest = max(one.nimg for one in self.moments.values() if one.branch == moment.branch)
        if moment.branch == self.branch and before == moment.nimg == newest:
            return
        self.branch = max(self._branches) + 1
        self._branches[self.branch] = _Branch((moment.branch, moment.nimg))

    def _line(self) -> Iterator[tuple[_Branch, float]]:
        """The present branch and those that it grew from, each with the nimg up to which it counts."""
        number: int | None = self.branch
        until = float("inf")
        while number is not None:
            branch = self._branches[number]
            yield branch, until
            number, fork = branch.parent if branch.parent is not None else (None, 0)
            until = min(until, fork)

    def note(self, point: dict[str, Any]) -> None:
        """Add to the curve; where it grows long, every second point goes."""
        curve = self._branches[self.branch].curve
        curve.append(point)
        if len(curve) > _CURVE:
            del curve[1:-1:2]

    def examined(self, line: dict[str, Any]) -> None:
        self._branches[self.branch].examined.append(line)

    @property
    def curve(self) -> list[dict[str, Any]]:
        """Oldest first."""
        parts = [[p for p in branch.curve if p["nimg"] <= until] for branch, until in self._line()]
        return [point for part in reversed(parts) for point in part]

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Log lines of the examinations up to now, oldest first."""
        parts = [[p for p in branch.examined if p["nimg"] <= until] for branch, until in self._line()]
        return [line for part in reversed(parts) for line in part]
