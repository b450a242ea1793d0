"""What always holds between the columns of a table, and how often made rows break it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Any

import numpy as np

from ganforge.codecs.rows.column import Column
from ganforge.core.fields import choice, listed, whole

__all__ = ["Rule", "find_rules", "narrow"]

_MOST_COLUMNS = 60  # columns whose pairs are looked at
_MOST_LEVELS = 300  # different codes of a column that decides another
_FEWEST = 100  # rows that must show a rule
_SUMS = 24  # columns of numbers whose triples are looked at


@dataclass(frozen=True)
class Rule:
    """A rule between columns, by their places among those that are modelled.

    Attributes:
        sort: ``decides`` (the first decides the second), ``equal``, ``at most`` (the first is at most the
            second), or ``sum`` (the first two add up to the third).
        columns: their places.
    """

    sort: str
    columns: tuple[int, ...]

    def words(self, names: Sequence[str]) -> str:
        """For a person: ``start ≤ end``."""
        a, b, *c = (names[i] for i in self.columns)
        return {
            "decides": f"{a} decides {b}",
            "equal": f"{a} = {b}",
            "at most": f"{a} ≤ {b}",
            "sum": f"{a} + {b} = {c[0] if c else ''}",
        }[self.sort]

    def broken(self, made: np.ndarray, real: np.ndarray) -> np.ndarray:
        """Which rows ``(N,)`` of ``made`` ``(N, K)`` break it, by what ``real`` rows say of what decides."""
        columns = [made[:, i] for i in self.columns]
        known = ~np.isnan(np.stack(columns)).any(0)
        if self.sort == "decides":
            return ~_decided(real[:, self.columns[0]], real[:, self.columns[1]], *columns)
        if self.sort == "equal":
            return known & (columns[0] != columns[1])
        if self.sort == "at most":
            return known & (columns[0] > columns[1])
        return known & ~_adds_up(*columns)

    def to_json(self) -> list[Any]:
        return [self.sort, *self.columns]

    @classmethod
    def from_json(cls, fields: Any, where: str = "rule") -> Rule:
        """The inverse of :meth:`to_json`, on plain data of unknown origin. Raises ValueError, TypeError."""
        sort, *columns = listed(fields, where, 4)
        sort = choice(sort, where, ("decides", "equal", "at most", "sum"))
        found = cls(sort, tuple(whole(i, where, 0, 100_000) for i in columns))
        if len(found.columns) != (3 if sort == "sum" else 2):
            raise ValueError(f"{where} has {len(found.columns)} columns")
        return found


def narrow(rules: Sequence[Rule], low: np.ndarray, high: np.ndarray) -> Rule | None:
    """Bring ends of codes, ``(K,)`` or ``(N, K)``, together in place: what is at most another ends with it.

    Returns the first rule by which nothing can lie between the ends of a column, if there is one.
    """
    orders = [rule for rule in rules if rule.sort == "at most"]
    changed = True
    while changed:
        changed = False
        for rule in orders:
            a, b = rule.columns
            last, first = np.minimum(high[..., a], high[..., b]), np.maximum(low[..., a], low[..., b])
            changed |= bool((last < high[..., a]).any() or (first > low[..., b]).any())
            high[..., a], low[..., b] = last, first
    ends = [(rule, list(rule.columns)) for rule in orders]
    return next((rule for rule, which in ends if (low > high)[..., which].any()), None)


def _filled(codes: np.ndarray) -> np.ndarray:
    """Missing as a number of its own."""
    return np.where(np.isnan(codes), -1.7e308, codes)


def _decided(real_a: np.ndarray, real_b: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Whether each ``b`` is what the real rows have beside ``a``."""
    real_a, real_b, a, b = map(_filled, (real_a, real_b, a, b))
    causes, first = np.unique(real_a, return_index=True)
    place = np.searchsorted(causes, a).clip(max=len(causes) - 1)
    return (causes[place] != a) | (real_b[first][place] == b)


def _adds_up(a: np.ndarray, b: np.ndarray, total: np.ndarray) -> np.ndarray:
    return np.abs(a + b - total) <= 1e-6 * np.maximum(np.abs(total), 1e-3)


def find_rules(columns: Sequence[Column], values: np.ndarray) -> list[Rule]:
    """The rules that all rows ``(N, K)`` of the modelled ``columns`` keep; one that follows is not listed."""
    n = len(values)
    which = list(range(len(columns)))[:_MOST_COLUMNS]
    if n < _FEWEST:
        return []
    codes = [_filled(values[:, i]) for i in which]
    counts = [len(np.unique(one)) for one in codes]
    rules: list[Rule] = []
    seen: set[tuple[int, int]] = set()
    for a, b in combinations(which, 2):
        if (values[:, a] == values[:, b]).all() and columns[a].ordered and columns[b].ordered:
            rules.append(Rule("equal", (a, b)))
            seen |= {(a, b), (b, a)}
    for a, b in permutations(which, 2):
        if (b, a) in seen or (a, b) in seen:
            continue
        # A column of one code a few rows says nothing by deciding another.
        if counts[b] > 1 and counts[a] <= min(_MOST_LEVELS, n // 20) and counts[a] >= counts[b]:
            pairs = (
                len(np.unique(np.stack([codes[a], codes[b]], 1), axis=0)) if _may(codes[a], codes[b]) else 0
            )
            if pairs == counts[a]:
                rules.append(Rule("decides", (a, b)))
                seen.add((a, b))
                if counts[a] == counts[b]:
                    seen.add((b, a))
    numbers = [i for i in which if columns[i].ordered]
    for a, b in permutations(numbers, 2):
        alike = (columns[a].kind == "date") == (columns[b].kind == "date")
        if (
            (a, b) in seen
            or not alike
            or (columns[a].kind == "date" and columns[a].by_seconds != columns[b].by_seconds)
        ):
            continue
        x, y = values[:, a], values[:, b]
        both = ~np.isnan(x) & ~np.isnan(y)
        if both.sum() >= _FEWEST and (x[both] <= y[both]).all() and _overlap(x[both], y[both]):
            rules.append(Rule("at most", (a, b)))
    sums = [i for i in numbers if columns[i].kind != "date" and counts[i] > 10][:_SUMS]
    few = values[np.linspace(0, n - 1, min(n, 50)).astype(int)]
    for a, b in combinations(sums, 2):
        for c in sums:
            if c in (a, b) or not _adds_up(few[:, a], few[:, b], few[:, c]).all():
                continue
            if _adds_up(values[:, a], values[:, b], values[:, c]).all():
                rules.append(Rule("sum", (a, b, c)))
    return rules


def _may(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether the first rows do not show already that ``a`` decides nothing."""
    few = np.stack([a[:2_000], b[:2_000]], 1)
    return len(np.unique(few, axis=0)) == len(np.unique(few[:, 0]))


def _overlap(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether an order is no matter of course: some numbers of ``x`` are above some of ``y``."""
    return float(np.quantile(x, 0.9)) > float(np.quantile(y, 0.1)) and float(x.max()) > float(y.min())


def rules_from_json(fields: Any, where: str) -> tuple[Rule, ...]:
    """Rules of plain data of unknown origin. Raises ValueError, TypeError."""
    return tuple(Rule.from_json(rule, where) for rule in listed(fields, where, 100_000))
