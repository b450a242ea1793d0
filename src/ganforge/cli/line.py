"""The line that moves while a training runs: how far it is, how good, how well, and how long it takes."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.text import Text

if TYPE_CHECKING:
    from ganforge.health.finding import Finding
    from ganforge.health.history import Examined
    from ganforge.training.loop import Tick, Trainer

__all__ = ["Line", "duration", "way"]

_BAR, _SHORT_BAR, _WIDE = 20, 8, 110  # characters, and columns from which there is room for the longer bar
_NOW = 2.0  # seconds, within which an examination was just made
_COLOURS = {"good": "green", "notice": "dim", "warning": "yellow", "failure": "red"}
_NEARLY_0 = 1e-6  # of the distance before training: a best possible distance below counts as this
_FAR = 1.5  # times the best possible distance: what begins nearer has no way that could be told from noise


def duration(seconds: float | None) -> str:
    """``42 s``, ``7 m``, ``3 h 20 m``; a question mark where nobody knows."""
    if seconds is None:
        return "?"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} m" if minutes < 90 else f"{minutes // 60} h {minutes % 60} m"


def way(before: float, now: float, best: float) -> float:
    """How far samples are on the way from noise to real data, 0…1: on a scale of logarithms.

    A distance falls by factors: to halve it costs about the same whether it is large or small. On a linear
    scale nine tenths of the way were behind a run that has only found the mean colour.

    Args:
        before: the distance to real data before training.
        now: at the last examination.
        best: what real examples have to other real ones. It is estimated, and may be 0 or less.
    """
    end = max(best, _NEARLY_0 * before)
    if not before > end:
        return 1.0
    return min(max(math.log(before / max(now, end)) / math.log(before / end), 0.0), 1.0)


def _share(before: float, now: float, best: float) -> float | None:
    """The way, where the distance before training is known and far from the best one."""
    far = math.isfinite(before) and math.isfinite(now) and before > _FAR * best
    return way(before, now, best) if far else None


@dataclass(frozen=True)
class _Seen:
    """A tick, and when it came."""

    tick: Tick
    at: float


class Line:
    """What is said of a training at any moment, from the ticks that came so far.

    Args:
        trainer: whose ticks they are; its log tells of the distance before training.
        verbose: with the expert's numbers.
    """

    def __init__(self, trainer: Trainer, *, verbose: bool = False) -> None:
        self._trainer = trainer
        self._verbose = verbose
        self._began = time.perf_counter()
        self._first: _Seen | None = None
        self._last: _Seen | None = None
        self._examined: float | None = None
        self._looked: dict[str, Any] = {}
        self._before: Examined | None = None

    @property
    def elapsed(self) -> float:
        """Seconds since the watching began."""
        return time.perf_counter() - self._began

    def follow(self, tick: Tick) -> None:
        """Note the newest tick."""
        now = time.perf_counter()
        self._last = _Seen(tick, now)
        self._first = self._first or self._last
        if "examination" in tick.record:
            self._examined = now
            self._looked = tick.record["examination"]

    def to_json(self) -> dict[str, Any]:
        """The newest tick as plain data; None is what nobody knows yet."""
        assert self._last is not None
        tick = self._last.tick
        score = tick.score or (None, None)
        margin = tick.record.get("margin")
        return {
            "nimg": tick.nimg,
            "total_nimg": tick.total_nimg,
            "progress": self._progress(tick),
            "seconds": round(tick.seconds, 3),
            "seconds_left": self._left(),
            "way": self._way(tick),
            "sides": self._looked.get("sides"),
            "distance": score[0],
            "best_possible": score[1],
            "examined_seconds_ago": self._age(),
            "health": _health(tick.findings)[0].removeprefix("● ") if tick.score else None,
            "discriminator_right": None if margin is None else margin["positive"],
            "picture": str(tick.picture),
        }

    def text(self, *, columns: int | None = None) -> Text:
        """The line as it is now; with a bar where it moves, on a terminal of so many columns."""
        if self._last is None:
            return Text("the first rounds …")
        tick = self._last.tick
        progress = self._progress(tick)
        line = Text()
        if columns is not None:
            whole = _BAR if columns >= _WIDE else _SHORT_BAR
            done = round(whole * progress)
            line.append("━" * done, "green").append("─" * (whole - done), "dim").append(" ")
        what = self._trainer.run.space.codec.counted
        about = "" if self._trainer.budget.kimg is not None else "about "
        if tick.nimg:
            whole = max(tick.total_nimg, tick.nimg)  # the last batch is a whole one
            line.append(f"{tick.nimg:,} of {about}{whole:,} {what} · {100 * progress:.0f} %")
        else:
            line.append("before training")
        share, age = self._way(tick), self._age_words()
        if share is not None and tick.nimg:
            line.append(f" · {100 * share:.0f} % of the way{self._coarse()}")
        if tick.score is not None:
            line.append(" · ").append(*_health(tick.findings)).append(age)
        line.append(f" · ETA {duration(self._left())}")
        if self._verbose and tick.score is not None:
            value, best = tick.score
            line.append(f" · distance {short(value)} (best possible {short(max(best, 0.0))}){age}")
        if self._verbose:
            _numbers(line, tick.record)
        return line

    def _coarse(self) -> str:
        """At which sides the last examination judged, where they are not yet the whole ones."""
        sides = self._looked.get("sides")
        return "" if sides is None else f", at {'×'.join(str(side) for side in reversed(sides))} so far"

    def _age_words(self) -> str:
        """How old the last examination is, where it was not made just now."""
        age = self._age()
        return f", {duration(age)} ago" if age is not None and age >= _NOW else ""

    def _age(self) -> float | None:
        return None if self._examined is None else round(time.perf_counter() - self._examined, 1)

    @staticmethod
    def _progress(tick: Tick) -> float:
        return (
            min(tick.nimg / tick.total_nimg, 1.0)
            if "progress" not in tick.record
            else tick.record["progress"]
        )

    def _way(self, tick: Tick) -> float | None:
        """The share of the way, where the distance before training is known and far from the best one.

        Of examples that grow it is the mean over all sizes, those that are still to come at 0: a distance
        of one size says nothing of another, and a share of one size alone falls where the next one begins.
        """
        if tick.score is None:
            return None
        from ganforge.health.history import Examined

        if self._before is None:
            examined = (line for line in self._trainer.run.log() if "examination" in line)
            self._before = Examined.of(next(examined, {"nimg": -1, "examination": {}}))
        before, seen = self._before, Examined(tick.nimg, self._looked)
        if before.nimg or before.headline != seen.headline:
            return None
        if not before.levels or not seen.levels:
            return _share(before.score(before.headline), *tick.score)
        both = zip(before.levels, seen.levels, strict=False)  # later sizes were seen before training alone
        shares = [_share(then["value"], now["value"], now["floor"]) for then, now in both]
        known = [share for share in shares if share is not None]
        to_come = len(before.levels) - len(seen.levels)
        return sum(known) / (len(known) + to_come) if known else None

    def _left(self) -> float | None:
        """Seconds by the clock on the wall, whatever clock the budget has."""
        if self._last is None or self._first is None or self._last.tick.seconds_left is None:
            return None
        spent = self._last.tick.seconds - self._first.tick.seconds
        wall = self._last.at - self._first.at
        pace = wall / spent if min(wall, spent) > 1.0 else 1.0
        since = time.perf_counter() - self._last.at
        return round(max(self._last.tick.seconds_left * pace - since, 0.0), 1)


def _numbers(line: Text, record: dict[str, Any]) -> None:
    """What an expert asks for: how often the discriminator is right, and how large gradients are."""
    if "margin" in record:
        right = 100 * record["margin"]["positive"]
        line.append(f" · discriminator right {right:.0f} % (50 % = cannot tell)")
    if "generator_gradient" in record:
        sizes = [short(record[f"{name}_gradient"]["mean"]) for name in ("generator", "discriminator")]
        line.append(f" · |grad| G {sizes[0]} D {sizes[1]}")


def _health(findings: Sequence[Finding]) -> tuple[str, str]:
    """The verdict and its colour."""
    from ganforge.health.diagnosis import verdict_of

    verdict = verdict_of(findings)
    return f"● {verdict.words}", _COLOURS[verdict.severity]


def short(value: float) -> str:
    """Two digits that count, and no nought before the point: ``.41``, ``1.2``."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    words = f"{value:.2g}"
    return words.replace("0.", ".", 1) if abs(value) < 1 else words
