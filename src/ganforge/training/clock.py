"""Time: how much training there is to be, and when to tick and to save."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

__all__ = ["Alarm", "Budget", "Plan"]


@dataclass(frozen=True)
class Budget:
    """How long to train: exactly one of the three.

    Attributes:
        kimg: thousand examples.
        minutes: by the clock on the wall.
        core_minutes: of processor time, of all threads together: what else the machine does costs nothing.
    """

    kimg: float | None = None
    minutes: float | None = None
    core_minutes: float | None = None

    def __post_init__(self) -> None:
        assert [self.kimg, self.minutes, self.core_minutes].count(None) == 2

    @property
    def seconds(self) -> float | None:
        """Seconds of its own clock, or None of a budget in examples."""
        minutes = self.core_minutes if self.minutes is None else self.minutes
        return None if minutes is None else 60 * minutes

    def now(self) -> float:
        """Its own clock, in seconds from any moment."""
        return time.perf_counter() if self.core_minutes is None else time.process_time()

    def words(self) -> str:
        if self.kimg is not None:
            return f"{self.kimg:g} kimg"
        return (
            f"{self.minutes:g} minutes" if self.minutes is not None else f"{self.core_minutes:g} core minutes"
        )

    def to_json(self) -> dict[str, float | None]:
        return asdict(self)


class Plan:
    """How far a training is, and when it ends.

    With a budget in examples progress is a function of the examples shown, and training of the seed alone.
    With a budget in time it follows the clock, so that the cosines end when the time does.

    Args:
        budget: how long to train.
        nimg: examples seen already (after a resume).
        seconds: seconds of the budget that are spent already: trained before a resume, or preparing.
        total_nimg: the former plan, after a resume; 0 for none.
        most_nimg: examples after which a budget in time ends at the latest; 0 for none.

    Attributes:
        total_nimg: the number of examples at the end: fixed, or as the speed says.
        costs: until which share of the budget an example costs how much beside others, in order, to 1: what
            grows is cheaper at first.
        closing: seconds that looking at the result and writing it down will take, of a budget in time.
    """

    def __init__(
        self,
        budget: Budget,
        *,
        nimg: int = 0,
        seconds: float = 0.0,
        total_nimg: int = 0,
        most_nimg: int = 0,
    ) -> None:
        self.budget = budget
        self._most = most_nimg if budget.seconds is not None else 0
        self.total_nimg = total_nimg
        self.closing = 0.0
        self.costs: Sequence[tuple[float, float]] = ((1.0, 1.0),)
        self._seconds_before = seconds
        self._started = budget.now()
        self._first = (nimg, seconds)
        if budget.kimg is not None:
            self.total_nimg = max(1, round(budget.kimg * 1000))

    @property
    def seconds(self) -> float:
        """Seconds of the budget's clock so far, those before a resume included."""
        return self._seconds_before + self.budget.now() - self._started

    def back_to(self, nimg: int) -> None:
        """Training goes on from an earlier moment: speed is measured from here."""
        self._first = (nimg, self.seconds)

    def follow(self, nimg: int) -> None:
        """Correct the total by the speed since the last time, where the budget is in time."""
        if self.budget.seconds is None:
            return
        first_nimg, first_seconds = self._first
        seconds = self.seconds
        if nimg > first_nimg:
            # In a share of the time as many examples are shown as one costs little.
            end = max(self.budget.seconds - self.closing, seconds)
            passed = self._over(first_seconds / end, seconds / end, lambda cost: 1 / cost)
            left = self._over(seconds / end, 1.0, lambda cost: 1 / cost)
            self.total_nimg = nimg + max(1, round((nimg - first_nimg) * left / passed))
            if self._most:
                self.total_nimg = min(self.total_nimg, self._most)

    def _over(self, start: float, end: float, worth: Callable[[float], float]) -> float:
        """What a share of the budget is worth, each part of it by what an example costs then."""
        total, before = 0.0, 0.0
        for until, cost in self.costs:
            total += max(min(end, until) - max(start, before), 0.0) * worth(cost)
            before = until
        return total

    def _left(self, seconds: float) -> float:
        assert self.budget.seconds is not None
        return max(self.budget.seconds - self.closing - seconds, 0.0)

    def progress(self, nimg: int) -> float:
        """Share of the budget that is done at ``nimg``, 0…1."""
        if self.budget.seconds is not None:
            end = max(self.budget.seconds - self.closing, 1e-9)
            shown = nimg / self._most if self._most else 0.0
            return min(max(self.seconds / end, shown), 1.0) if nimg else 0.0
        return min(nimg / self.total_nimg, 1.0) if self.total_nimg else 0.0

    def done(self, nimg: int) -> bool:
        if self.budget.seconds is not None:
            return self._left(self.seconds) == 0.0 or 0 < self._most <= nimg
        return nimg >= self.total_nimg

    def seconds_left(self, nimg: int) -> float | None:
        """The honest estimate, None before anything has been measured."""
        seconds = self.seconds
        if self.budget.seconds is not None:
            left = self._left(seconds)
            first_nimg, first_seconds = self._first
            if self._most and nimg > first_nimg:
                pace = (seconds - first_seconds) / (nimg - first_nimg)
                left = min(left, pace * max(self._most - nimg, 0))
            return left
        first_nimg, first_seconds = self._first
        if nimg == first_nimg:
            return None
        if nimg >= self.total_nimg:
            return 0.0
        passed = self._over(first_nimg / self.total_nimg, nimg / self.total_nimg, float)
        return (seconds - first_seconds) * self._over(nimg / self.total_nimg, 1.0, float) / passed


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

    def acknowledge(self, cost: float | None = None) -> None:
        """Say that the alarm has been answered, at a cost in seconds; None where something else did it."""
        self._cost = self._cost if cost is None else cost
        self._last = time.perf_counter()
