"""When a frame is due, and when a round is: the clocks of one game."""

from __future__ import annotations

import math
import time
from dataclasses import replace

from ganforge.studio.view import Wanted

__all__ = ["Frames", "Speed"]

_AHEAD = 2  # frames that may be on their way
_SHARE = 0.045  # of the time, that making frames may take …
_LONGEST = 0.35  # … unless they would come at longer intervals than this, in seconds
_INSIDE = 0.4  # seconds between two frames that show the networks' units, while the game is played


class Frames:
    """Frames for one browser: no more a second than it wants, and no more than it draws.

    Attributes:
        wanted: what it wants to see.
        rate: frames a second; 0 is nobody.
        due: whether something has changed that should be seen at once.
        sent: the number of the last one.
    """

    def __init__(self) -> None:
        self.wanted = Wanted(())
        self.rate = 0.0
        self.due = False
        self.sent = 0
        self._drawn = 0
        self._next = 0.0  # when one is due while the game is played
        self._cost = 0.0  # seconds that one takes to make, lately
        self._round = -1  # that was shown last
        self._inside = -math.inf  # when the networks' units were shown last

    def acknowledge(self, number: int) -> None:
        """The browser has drawn it."""
        self._drawn = max(self._drawn, number)

    def come_back(self) -> None:
        """A browser has come back, or looks anew: what was on its way to it counts as drawn."""
        self._drawn = self.sent
        self.due = True

    @property
    def free(self) -> bool:
        """Whether one may be sent: a slow browser has not drawn the last ones yet."""
        return self.rate > 0 and self.sent - self._drawn < _AHEAD

    def ready(self, playing: bool, rounds: int) -> bool:
        """Whether one should be made now."""
        if not self.free:
            return False
        return self.due or (playing and rounds != self._round and time.monotonic() >= self._next)

    def now(self, playing: bool) -> Wanted:
        """What the next frame shows: the networks' units now and then while the game is played."""
        moment = time.monotonic()
        if playing and moment - self._inside < _INSIDE:
            return replace(self.wanted, networks=False)
        self._inside = moment
        return self.wanted

    def until(self, playing: bool) -> float:
        """The moment at which the next one will be due, if anything is played."""
        return self._next if playing and self.free else math.inf

    def count(self, rounds: int, cost: float, company: int) -> int:
        """One is sent: its number.

        The next is due in step with the clock, and not so soon that showing would take more than its share
        of the time. Where a round was long, or the game was examined, one frame is caught up with; after a
        pause none is.

        Args:
            cost: processor seconds that it took to make.
            company: games that are played by turns in this process.
        """
        self._cost = cost if not self._cost else 0.8 * self._cost + 0.2 * cost
        now, interval = time.monotonic(), max(1 / self.rate, min(company * self._cost / _SHARE, _LONGEST))
        paused = now - self._next > 3 * interval
        self._next = now + interval if paused else max(self._next + interval, now)
        self.due = False
        self._round = rounds
        self.sent += 1
        return self.sent


class Speed:
    """Rounds a second: as many as go, or as many as were asked for.

    Attributes:
        wanted: rounds a second; None is as fast as it goes.
        measured: over the last second.
    """

    def __init__(self) -> None:
        self.wanted: float | None = None
        self.measured = 0.0
        self._since = (0.0, 0)  # when this stretch of play began, and at which rounds
        self._seen = (0.0, 0)

    def begin(self, rounds: int) -> None:
        self._since = self._seen = time.monotonic(), rounds

    def wait(self, rounds: int) -> float:
        """Seconds until the next round is due."""
        if self.wanted is None:
            return 0.0
        began, at = self._since
        late = time.monotonic() - began - (rounds - at + 1) / self.wanted
        if late > 1.0:  # it is as fast as it goes, and does not catch up
            self._since = time.monotonic() - 1 / self.wanted, rounds
        return max(-late, 0.0)

    def measure(self, rounds: int) -> float:
        then, at = self._seen
        now = time.monotonic()
        if now - then >= 1.0:
            self.measured = max(rounds - at, 0) / (now - then)
            self._seen = now, rounds
        return round_to(self.measured)


def round_to(value: float) -> float:
    return float(f"{value:.4g}")
