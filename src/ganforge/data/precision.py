"""Columns of numbers: in which precision they are kept, and which of them players could not tell apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from ganforge.core.errors import DataError
from ganforge.core.space import FINE

__all__ = ["as_points", "constant_columns", "day_counts", "far_off", "offset_and_scale"]

_LARGEST = 3e38  # of float32
_SMALLEST = 1e-30  # below which float32 runs out of digits
_EXACT = 2.0**53  # up to which float64 holds every whole number
_COUNTED = 1 << 23  # numbers that are looked through for lost ones
_FEW = 0.01  # share of a column's distinct values that float32 may merge: chance does, in a million rows
_LOST = 0.1  # share above which a column is refused
_CODES = re.compile(r"-?9{2,}")  # what many programs write where nothing was measured
_REPEATED = 3  # times
_DATED = re.compile(
    r"(?:^|[^A-Za-z])(?:[Dd]ate|DATE|[Dd]atum|[Ff]echa|[Dd]ob|DOB|[Dd]ay|DAY)s?(?![a-z])"
    r"|[a-z](?:Date|Datum|Day)(?![a-z])|(?:order|birth|ship|due|start|end|invoice)date"
)  # what a column of dates is called; an update and a candidate are none
_FIRST, _LAST = 20_000, 60_000  # days since 1899-12-30: 1954 to 2064


def offset_and_scale(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of the columns of ``(N, D)``, ``(D,)`` float64 each; 1 where all are equal."""
    mean = values.mean(axis=0, dtype=np.float64)
    deviation = values.std(axis=0, dtype=np.float64)
    alike = values.min(axis=0) == values.max(axis=0)
    return mean, np.where(alike | (deviation == 0), 1.0, deviation)


def as_points(
    values: np.ndarray,
    source: object,
    columns: Sequence[str] = (),
    distinct: Callable[[int], int] | None = None,
) -> np.ndarray:
    """Rows ``(N, D)`` of finite numbers as they are kept: float32 where that loses nothing, else float64.

    Players always read float32, once mean and deviation are taken out (``Space.to_model``): a column is
    refused where that, or float64 itself, merges values that differ in the file.

    Args:
        values: whole numbers of 64 bits, or fractions.
        distinct: how many different values a column of the file has; asked only where float64 may not hold
            them.

    Raises:
        DataError: a column would lose more than a tenth of its distinct values, or has numbers beyond ±3e38.
    """
    points = values.astype(np.float64)
    if not (np.abs(points) < _LARGEST).all():
        raise DataError(f"{source} has numbers beyond ±3e38; rescale them")
    mean, scale = offset_and_scale(points)
    fine = bool((np.abs(mean) > FINE * scale).any())
    rows = max(2, min(len(points), _COUNTED // max(1, points.shape[1])))
    for i in range(points.shape[1]):
        column = points[:rows, i]
        own = values[:rows, i]
        known = _distinct(column)
        if np.abs(column).max() > _EXACT:
            known = max(known, _distinct(own) if distinct is None else distinct(i))
        if known < 3 and not fine and np.abs(column).max() < 2**24:
            continue
        seen = _distinct(((column - mean[i]) / scale[i]).astype(np.float32))
        if seen < (1 - _LOST) * known:
            name = repr(columns[i]) if columns else str(i + 1)
            raise DataError(
                f"{source}, column {name}: {known:,} different values would become {seen:,}, since they lie"
                f" so close together for their size (from {column.min():.12g} to {column.max():.12g});"
                f" {_advice(column)}"
            )
        fine = fine or _distinct(column.astype(np.float32)) < (1 - _FEW) * known
    return points if fine else points.astype(np.float32)


def far_off(values: np.ndarray, name: object) -> str:
    """A warning where some of ``(N,)`` are −999 or the like, which often says that nothing was measured."""
    if len(values) < _REPEATED:
        return ""
    for code in {float(values.min()), float(values.max())}:
        others = values[values != code]
        times = len(values) - len(others)
        if not _CODES.fullmatch(f"{code:.0f}") or times < _REPEATED or len(others) < _REPEATED:
            continue
        least, most = float(others.min()), float(others.max())
        if min(abs(code - least), abs(code - most)) > most - least:
            return (
                f"{name}: {code:.0f} stands in {times:,} rows, far from all others ({least:.6g} … {most:.6g})"
                "; if it says that nothing was measured, leave those cells empty, or those rows out"
            )
    return ""


def constant_columns(points: np.ndarray, columns: Sequence[str] = ()) -> list[str]:
    """A warning where columns of ``(N, D)`` hold one number alone."""
    alike = np.flatnonzero((points == points[0]).all(axis=0))
    if not len(alike):
        return []
    if len(alike) == points.shape[1]:
        return [f"all {len(points):,} rows are equal: there is nothing to learn"]
    said = [f"{columns[i] if columns else i + 1} ({points[0, i]:.6g})" for i in alike[:6]]
    more = f" and {len(alike) - 6:,} more" if len(alike) > 6 else ""
    return [f"nothing can be learned of columns that never change: {', '.join(said)}{more}"]


def _distinct(column: np.ndarray) -> int:
    """How many different numbers; no fast way in numpy beats sorting."""
    return 1 + int(np.count_nonzero(np.diff(np.sort(column))))


def _advice(column: np.ndarray) -> str:
    """What to do about a column that loses values."""
    if np.abs(column).max() < _SMALLEST:
        return "multiply them, so that they are near 1"
    first, last = np.quantile(column, [0.02, 0.98])
    if last - first < 1e-3 * (column.max() - column.min()):
        return "a few lie far from all the others: leave those rows out, or take logarithms"
    return "subtract the smallest one before you save them, or leave the column out if it only numbers rows"


def day_counts(values: np.ndarray, name: str) -> str:
    """A warning of whole numbers that are a spreadsheet's days, by the column's name; empty for others.

    Args:
        values: the column's numbers ``(N,)``, without gaps.
    """
    if not _DATED.search(name) or not values.size or values.min() < _FIRST or values.max() > _LAST:
        return ""
    return (
        f"{name}: {values.min():.0f} … {values.max():.0f} look like a spreadsheet's days since 1900, and are"
        " taken as numbers: export the column as dates, such as 2024-05-31"
    )
