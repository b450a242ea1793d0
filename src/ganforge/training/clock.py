"""Time: how much training there is to be, and when to tick and to save."""

from __future__ import annotations

import time
from dataclasses import dataclass

__all__ = ["Alarm", "Budget", "Plan"]


@dataclass(frozen=True)
class Budget:
    """How long to train: until ``kimg`` thousand examples, or for ``minutes`` of training. Exactly one."""

    kimg: float | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        assert (self.kimg is None) != (self.minutes is None)


class Plan:
    """The number of examples at which schedules end.

    With a budget in examples it is fixed, and training is a function of the seed alone. With a budget
    in minutes it follows the measured speed, so that the cosines end when the time does.

    Args:
        budget: how long to train.
        nimg: examples seen already (after a resume).
        seconds: seconds trained already.
        total_nimg: the former plan, after a resume; 0 for none.
    """

    def __init__(self, budget: Budget, *, nimg: int = 0, seconds: float = 0.0, total_nimg: int = 0) -> None:
        self.budget = budget
        self.total_nimg = total_nimg
        self._seconds_before = seconds
        self._started = time.perf_counter()
        self._first = (nimg, seconds)
        if budget.kimg is not None:
            self.total_nimg = max(1, round(budget.kimg * 1000))

    @property
    def seconds(self) -> float:
        """Seconds trained, those before a resume included."""
        return self._seconds_before + time.perf_counter() - self._started

    def back_to(self, nimg: int) -> None:
        """Training goes on from an earlier moment: speed is measured from here."""
        self._first = (nimg, self.seconds)

    def follow(self, nimg: int) -> None:
        """Correct the total by the speed so far, where the budget is in minutes."""
        if self.budget.minutes is None:
            return
        first_nimg, first_seconds = self._first
        seconds = self.seconds
        if nimg > first_nimg:
            speed = (nimg - first_nimg) / (seconds - first_seconds)
            left = max(self.budget.minutes * 60 - seconds, 0.0)
            self.total_nimg = nimg + max(1, round(speed * left))

    def progress(self, nimg: int) -> float:
        """Share of the budget that is done at ``nimg``, 0…1."""
        return min(nimg / self.total_nimg, 1.0) if self.total_nimg else 0.0

    def done(self, nimg: int) -> bool:
        if self.budget.minutes is not None:
            return self.seconds >= self.budget.minutes * 60
        return nimg >= self.total_nimg

    def seconds_left(self, nimg: int) -> float | None:
        """The honest estimate, None before anything has been measured."""
        seconds = self.seconds
        if self.budget.minutes is not None:
            return max(self.budget.minutes * 60 - seconds, 0.0)
        first_nimg, first_seconds = self._first
        if nimg == first_nimg:
            return None
        return max(self.total_nimg - nimg, 0) * (seconds - first_seconds) / (nimg - first_nimg)


class Alarm:
    """Rings at growing intervals: soon at first, at most every ``longest`` seconds.

    The interval is ``share`` of the time since the start, and at least ``cost_factor`` times what
    answering the alarm last cost, so that watching stays cheap.
    """

    def __init__(self, *, first: float, longest: float, share: float, cost_factor: float = 25.0) -> None:
        self.first = first
        self.longest = longest
        self.share = share
        self.cost_factor = cost_factor
        self._started = self._last = time.perf_counter()
        self._cost = 0.0

    def rings(self) -> bool:
        now = time.perf_counter()
        interval = min(max(self.first, self.share * (now - self._started)), self.longest)
        return now - self._last >= max(interval, self.cost_factor * self._cost)

    def answered(self, cost: float | None = None) -> None:
        """Say that the alarm has been answered, at a cost in seconds; None where something else did it."""
        self._cost = self._cost if cost is None else cost
        self._last = time.perf_counter()
