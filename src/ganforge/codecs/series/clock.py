"""The grid of times: a code of a time column to its place on the grid, and back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ganforge.core.fields import choice, mapping, only, real

__all__ = ["Clock", "find_clock"]

_GRIDS = ("plain", "weekdays", "months", "month ends")
_NEAR = 1e-4  # of a step, within which a time lies on the grid


@dataclass(frozen=True)
class Clock:
    """How times follow one another.

    Attributes:
        grid: plain (equal steps), weekdays (Monday to Friday), months or month ends (by the calendar).
        step: of a plain grid in units of the codes (days, seconds, or the numbers themselves); else how many
            weekdays or months.
    """

    grid: str = "plain"
    step: float = 1.0

    def places(self, codes: np.ndarray) -> np.ndarray:
        """Codes to places in steps; neighbours on the grid are 1 apart."""
        if self.grid == "plain":
            return codes / self.step
        days = np.floor(codes).astype("int64").astype("datetime64[D]")
        if self.grid == "weekdays":
            return np.busday_count(np.datetime64("1970-01-01"), days) / self.step
        return days.astype("datetime64[M]").astype("int64") / self.step

    def codes(self, first: np.ndarray, steps: np.ndarray) -> np.ndarray:
        """Codes of the times ``steps`` after the codes ``first``, which broadcast."""
        if self.grid == "plain":
            return first + steps * self.step
        days = np.floor(first).astype("int64").astype("datetime64[D]")
        on = np.round(steps * self.step).astype("int64")
        if self.grid == "weekdays":
            return np.busday_offset(days, on, roll="forward").astype("int64").astype(float)
        months = days.astype("datetime64[M]") + on
        if self.grid == "months":
            return (
                (months.astype("datetime64[D]") + (days - days.astype("datetime64[M]")))
                .astype("int64")
                .astype(float)
            )
        return ((months + 1).astype("datetime64[D]") - 1).astype("int64").astype(float)

    def describe(self, *, seconds: bool, dates: bool) -> str:
        """One step for a person: ``1 hour``."""
        if self.grid != "plain":
            return f"{self.step:g} {self.grid if self.step > 1 else self.grid[:-1]}"
        if not dates:
            return f"{self.step:g}"
        length = self.step if seconds else self.step * 86_400
        for name, unit in (("day", 86_400.0), ("hour", 3_600.0), ("minute", 60.0)):
            if length >= unit and length % unit == 0:
                return f"{length / unit:g} {name}" + ("s" if length > unit else "")
        return f"{length:g} s"

    def cycle(self, *, seconds: bool, dates: bool) -> int:
        """Steps of the shortest natural cycle that has several: a day of hours, a week of days, a year."""
        if self.grid in ("months", "month ends"):
            return max(int(12 / self.step), 1)
        if self.grid == "weekdays":
            return 5
        if not dates:
            return 1
        length = self.step if seconds else self.step * 86_400
        for whole in (3_600.0, 86_400.0, 7 * 86_400.0):
            if 4 <= whole / length <= 256 and whole % length == 0:
                return int(whole / length)
        return 1

    def periods(self, *, seconds: bool, dates: bool) -> list[float]:
        """Days, weeks and years in units of the codes, as far as they last several steps."""
        if not dates or self.grid != "plain":
            return []
        day = 86_400.0 if seconds else 1.0
        return [period for period in (day, 7 * day, 365.25 * day) if 2 <= period / self.step <= 10_000]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Any, where: str) -> Clock:
        """The inverse of :meth:`to_json`, on plain data of unknown origin. Raises ValueError, TypeError."""
        fields = mapping(fields, where)
        only(fields, ["grid", "step"], where)
        step = real(fields["step"], f"{where}.step", 1e-9)
        return cls(choice(fields["grid"], f"{where}.grid", _GRIDS), step)


def find_clock(codes: np.ndarray, follows: np.ndarray, *, days: bool) -> tuple[Clock, float]:
    """The grid that most times lie on, and the share of the steps that are one of its own.

    Args:
        codes: of the times ``(N,)``, each series in order, one after another.
        follows: ``(N − 1,)``, whether the next one is of the same series.
        days: whether codes are days since 1970.
    """

    def share(clock: Clock) -> float:
        steps = np.diff(clock.places(codes))[follows]
        return float((np.abs(steps - 1.0) < _NEAR).mean()) if len(steps) else 0.0

    gaps = np.diff(codes)[follows]
    gaps = gaps[gaps > 0]
    if not len(gaps):
        return Clock(), 0.0
    rounded = np.round(gaps, 5) if gaps.min() > 1e-3 else gaps
    values, counts = np.unique(rounded, return_counts=True)
    usual = float(values[counts.argmax()])
    if counts.max() < 0.5 * len(gaps):  # no step is usual: the one in the middle
        usual = float(np.median(gaps))
    # Times in seconds since 1970 are known to a quarter of a microsecond: the mean of many steps is not.
    near = gaps[np.abs(gaps - usual) < 0.01 * usual]
    usual = float(f"{near.mean():.7g}") if len(near) else usual
    clocks = [Clock("plain", usual)]
    if days:
        dates = np.floor(codes).astype("int64").astype("datetime64[D]")
        if usual == 1 and ((codes + 3) % 7 < 5).all():  # 1970-01-01 was a Thursday
            clocks.append(Clock("weekdays"))
        if usual >= 28:
            months = np.diff(dates.astype("datetime64[M]").astype("int64"))[follows]
            each = float(max(np.median(months), 1))
            day = (dates - dates.astype("datetime64[M]")).astype("int64")
            ends = ((dates + 1).astype("datetime64[M]") - dates.astype("datetime64[M]")).astype("int64") == 1
            if (day == day[0]).all() and day[0] < 28:
                clocks.append(Clock("months", each))
            if ends.all():
                clocks.append(Clock("month ends", each))
    found = max(clocks, key=share)
    return found, share(found)
