"""Which numbers become 0 and 255: one range for a whole set, that single pixels cannot stretch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ganforge.core.value_range import ValueRange

__all__ = ["Chosen", "Survey", "choose_range", "nominal_range"]

_SAMPLED = 1 << 21  # numbers that percentiles are taken of
_STRAY = 1_000  # at most one in so many values, or one a picture, may be left out of the range …
_FAR = 3.0  # … where it lies so many widths of all others beyond them
_FEW_LEVELS = 0.1  # share of the range that most values should occupy
_DIP = 0.1  # share of a usual range by which resampling and noise leave it


class Survey:
    """The extent of a set's numbers, taken in piece by piece.

    Args:
        n: examples.
        total: numbers in all.
    """

    def __init__(self, n: int, total: int) -> None:
        self.total = total
        self.low, self.high = np.inf, -np.inf
        self._stray = max(-(-total // _STRAY), n if total >= 64 * n else 1)
        self._step = max(1, total // _SAMPLED) | 1  # odd, so that it does not follow the rows of a picture
        self._parts: list[np.ndarray] = []
        self._sorted: np.ndarray | None = None

    def add(self, values: np.ndarray) -> None:
        """More numbers, all finite."""
        if values.size:
            flat = values.reshape(-1)
            self.low, self.high = min(self.low, float(flat.min())), max(self.high, float(flat.max()))
            self._parts.append(flat[:: self._step].astype(np.float64))
            self._sorted = None

    def sorted(self) -> np.ndarray:
        """The sampled numbers in their order."""
        if self._sorted is None:
            self._sorted = np.sort(np.concatenate(self._parts))
        return self._sorted

    def between(self, share: float) -> tuple[float, float]:
        """Where the middle ``share`` of the numbers lies."""
        sample = self.sorted()
        cut = int((1 - share) / 2 * len(sample))
        return float(sample[cut]), float(sample[-1 - cut])

    def without_strays(self) -> tuple[float, float]:
        """Least and greatest number, but for a few that lie far from all the others."""
        sample = self.sorted()
        cut = min(-(-self._stray // self._step), (len(sample) - 1) // 2)
        first, last = float(sample[cut]), float(sample[-1 - cut])
        width = last - first
        low, high = self.low, self.high
        if width <= 0:  # nearly all are one number: then the few others are what the pictures show
            return low, high
        if high > last + _FAR * width:
            high = float(sample[sample <= last + width][-1])
        if low < first - _FAR * width:
            low = float(sample[sample >= first - width][0])
        return low, high

    def without_marks(self) -> tuple[float, float, list[float]]:
        """The extent without a least or greatest number that lies far from all others, and such numbers.

        So is written, as -9999 or the type's greatest number, that nothing was measured there.
        """
        sample = self.sorted()
        low, high = float(sample[0]), float(sample[-1])
        inner = sample[(sample > low) & (sample < high)]
        if not len(inner) or inner[0] == inner[-1]:
            return low, high, []
        first, last = float(inner[0]), float(inner[-1])
        below, above = first - low > _FAR * (last - first), high - last > _FAR * (last - first)
        marks = [*[low] * below, *[high] * above]
        return first if below else low, last if above else high, marks

    def outside(self, low: float, high: float) -> int:
        """About how many numbers lie outside a range."""
        sample = self.sorted()
        found = int((sample < low).sum() + (sample > high).sum()) * self._step
        return max(found, int(self.low < low) + int(self.high > high))

    def levels(self, most: int) -> int:
        """How many different numbers there are, counted up to ``most``."""
        sample = self.sorted()
        return min(most, 1 + int(np.count_nonzero(np.diff(sample))))


def nominal_range(low: float, high: float, *, whole: bool) -> tuple[float, float]:
    """The range that numbers between ``low`` and ``high`` were most likely written in.

    Whole numbers: 0 to the next 2^k − 1, or to ``high`` itself where there are fewer than 64 levels.
    Fractions: 0…1, −1…1 or 0…255 where they fit, else from ``low`` to ``high``. Resampling and noise leave
    the usual ranges by a little, which makes no other range of them.
    """
    if whole:
        top = high if high < 64 else float(2 ** int(high).bit_length() - 1)
        return min(low, 0.0), top
    if low >= -_DIP and high <= 1 + _DIP:
        return 0.0, 1.0
    if low >= -1 - _DIP and high <= 1 + _DIP:
        return -1.0, 1.0
    if low >= -255 * _DIP and 127 < high <= 255 * (1 + _DIP):
        return 0.0, 255.0
    return low, high


@dataclass(frozen=True)
class Chosen:
    """A range, and what is to be said of it; None where all numbers are equal or plain bytes."""

    value_range: ValueRange | None
    notes: list[str] = field(default_factory=list[str])
    warnings: list[str] = field(default_factory=list[str])


def choose_range(
    survey: Survey,
    *,
    whole: bool,
    deep: bool,
    wish: ValueRange | None = None,
    what: str = "more than 8 bits a pixel",
) -> Chosen:
    """One range for a set.

    Args:
        whole: whether they are whole numbers by their type.
        deep: whether they are numbers of more than 8 bits; bytes are left as they are.
        wish: a range that was asked for, or that a run keeps.
        what: the numbers in words.
    """
    notes: list[str] = []
    warnings: list[str] = []
    wish = wish and wish.of(deep=deep)
    if wish is None:
        low, high = nominal_range(*survey.without_strays(), whole=whole) if deep else (0.0, 255.0)
        if low == high:  # all are one number: black, as any range that begins there would have it
            low, high = low, low + 1
        found = ValueRange(low, high, deep)
    else:
        found = wish
    if (found.low, found.high) == (0.0, 255.0) and whole:
        pass
    elif deep:
        words = f"{what}: {found.words()} becomes 0 … 255"
        if survey.levels(257) > 256:
            warnings.append(f"{words}, in 256 steps: finer differences are lost")
        else:
            notes.append(words)
    elif wish is not None:
        notes.append(f"bytes {found.words()} become 0 … 255")
    warnings += _lost(survey, found, whole)
    return Chosen(found if deep or wish is not None else None, notes, warnings)


def _lost(survey: Survey, found: ValueRange, whole: bool) -> list[str]:
    """Warnings of what is cut off, and of a range that is nearly unused."""
    said: list[str] = []
    width = found.high - found.low
    least = 0.0 if whole else width / 510  # half a step, which rounding hides
    outside = survey.outside(found.low - least, found.high + least)
    if outside:
        full = ValueRange(*nominal_range(survey.low, survey.high, whole=whole), found.deep)
        if full.low > survey.low or full.high < survey.high:
            full = ValueRange(survey.low, survey.high, found.deep)
        said.append(
            f"{outside:,} of {survey.total:,} values lie outside {found.words()} (they go from {survey.low:g}"
            f" to {survey.high:g}) and are cut off; {full.option} keeps them"
        )
    if survey.low == survey.high:
        return [f"all values are {survey.low:g}: nothing can be seen in such pictures"]
    first, last, marks = survey.without_marks()
    if marks and last - first < _FEW_LEVELS * width:
        what = " and ".join(f"{mark:g}" for mark in marks)
        spread = ValueRange(first, last, found.deep).option
        said.append(
            f"but for {what}, which may mean that nothing was measured there, all values lie between"
            f" {first:g} and {last:g}, a small part of {found.words()}: samples will show few shades;"
            f" {spread} spreads them"
        )
        return said
    first, last = survey.between(0.99)
    if last - first < _FEW_LEVELS * width:
        for ends in (survey.without_strays(), (first, last)):
            if 0 < ends[1] - ends[0] < _FEW_LEVELS * width:
                said.append(
                    f"nearly all values lie between {first:g} and {last:g}, a small part of {found.words()}:"
                    f" samples will show few shades; {ValueRange(*ends, found.deep).option} spreads them"
                )
                break
    return said
