"""Which rows on top of a table hold the columns' names, also where the names are numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ganforge.data.numerals import Numerals, is_missing, looks_like_number

__all__ = ["ENDLESS", "Head", "column_names", "count_names", "is_counter", "numeric_columns"]

Cells = Sequence[str]

ENDLESS = re.compile(r"[-+]?inf(?:inity)?", re.IGNORECASE)  # a number beyond all bounds is no name
_MOST = 3  # rows of names that are found
_NUMERIC = 0.5  # share of a column's filled cells that look like numbers, above which it holds numbers
_ALIKE = 0.05  # share of the rows that count up as the first does, above which it is one of them


_COUNTER = re.compile(
    r"(?:.*[\W_])?(?:id|idx|index|no\.?|nr\.?|row\w*|record|unnamed: 0|#)|.*[a-z]I[dD]"
)  # what a column is called that numbers rows


def is_counter(name: str) -> bool:
    """Whether a column is called as one is that numbers rows."""
    return _COUNTER.fullmatch(name) is not None or _COUNTER.fullmatch(name.lower()) is not None


@dataclass(frozen=True)
class Head:
    """Rows of names.

    Attributes:
        rows: how many.
        sure: whether that is certain; it is not where no column holds numbers.
        warning: where the names are numbers: what was taken, and how to say otherwise.
    """

    rows: int
    sure: bool = True
    warning: str = ""


def numeric_columns(rows: Sequence[Cells], width: int) -> tuple[bool, ...]:
    """Whether each column holds numbers, by rows of which the first few may be names."""
    body = rows[_MOST + 1 :] if len(rows) > 4 * _MOST else rows[1:] or rows
    found: list[bool] = []
    for i in range(width):
        filled = [row[i] for row in body if i < len(row) and not is_missing(row[i])]
        filled = filled or [row[i] for row in rows if i < len(row) and not is_missing(row[i])]
        found.append(sum(map(looks_like_number, filled)) >= _NUMERIC * len(filled) > 0)
    return tuple(found)


def count_names(rows: Sequence[Cells], numeric: Sequence[bool], numerals: Numerals) -> Head:
    """How many of the first rows hold names.

    A row of names has words, or nothing, over most columns of numbers. Numbers are names in what pandas
    writes (0, 1, 2, …; nothing over the index), and where they count up by equal steps over numbers of
    another kind: years, wavelengths.
    """
    which = [i for i, number in enumerate(numeric) if number]
    if not which:
        return Head(1, sure=False)
    count = 0
    while count < min(_MOST, len(rows) - 1) and _is_words(rows[count], which):
        count += 1
    if count:
        return Head(count)
    if len(rows) > 1 and _are_names(rows, which, numerals):
        numbers = [cell for cell in rows[0] if looks_like_number(cell)]
        if not numbers:
            return Head(1)
        names = ", ".join(numbers[:4])
        return Head(1, True, f"the first row ({names}, …) is read as names; if it is data: --header 0")
    return Head(0)


def _is_words(row: Cells, which: Sequence[int]) -> bool:
    cells = [row[i] if i < len(row) else "" for i in which]
    words = [
        cell
        for cell in cells
        if not is_missing(cell) and not looks_like_number(cell) and not ENDLESS.fullmatch(cell.strip())
    ]
    empty = sum(is_missing(cell) for cell in cells)
    return bool(words) and len(words) + empty > len(cells) / 2


def _are_names(rows: Sequence[Cells], which: Sequence[int], numerals: Numerals) -> bool:
    """Whether the numbers of the first row are names of columns."""
    first = rows[0]
    if not first[0].strip() and sum(not row[0].strip() for row in rows[1:]) == 0:
        return True  # nothing stands over the index alone
    which = [i for i in which if i < len(first) and first[i].strip()]
    head = [numerals.read(first[i]) for i in which]
    if not head or any(number is None for number in head):
        return False
    numbers = [number for number in head if number is not None]
    body = [[numerals.read(row[i]) if i < len(row) else None for i in which] for row in rows[1:]]
    fractions = [sum(not row[i].strip().isdecimal() for i in which if i < len(row)) for row in rows[1:]]
    others = sum(fractions) >= 0.95 * len(which) * len(fractions)  # of another kind: 0.51 under 2019
    bare = all(first[i].strip().isdecimal() for i in which)
    if len(numbers) == 1:
        words = any(first[i].strip() for i in range(len(first)) if i not in which)
        return bare and others and (numbers == [0] or words)
    alike = sum(_counts(row, by=1) for row in body) > _ALIKE * len(body)
    if bare and numbers == list(range(len(numbers))):
        return others or not alike
    if not _counts(numbers):
        return False
    if len(numbers) == 2:
        return bare and others and _counts(numbers, by=1)
    if bare and (others or _counts(numbers, by=1)):
        return others or not alike
    return all(_far(numbers[k], [row[k] for row in body]) for k in range(len(numbers)))


def _counts(row: Sequence[float | None], by: float | None = None) -> bool:
    """Whether numbers go on by equal steps, or by the step that is given."""
    if any(number is None for number in row):
        return False
    numbers = [number for number in row if number is not None]
    steps = [b - a for a, b in pairwise(numbers)]
    step = steps[0] if by is None else by
    return step != 0 and max(abs(one - step) for one in steps) <= 1e-6 * abs(step)


def _far(number: float, column: Sequence[float | None]) -> bool:
    """Whether a number lies further outside a column than the column is wide."""
    values = [value for value in column if value is not None]
    if len(values) < 2:
        return False
    low, high = min(values), max(values)
    return not low - (high - low) <= number <= high + (high - low)


def column_names(rows: Sequence[Cells], width: int) -> tuple[tuple[str, ...], list[str]]:
    """One name a column out of its rows of names, each once, and warnings.

    A name that stands over several columns is written once by spreadsheets: it holds for those to its right.
    A column without a name is called after its number; the first one keeps the empty name.
    """
    parts: list[list[str]] = [[] for _ in range(width)]
    for k, row in enumerate(rows):
        last = ""
        for i in range(width):
            word = " ".join((row[i] if i < len(row) else "").split()).strip("-")
            below = any(i < len(later) and later[i].strip("- ") for later in rows[k + 1 :])
            last = word or (last if below and i else "")
            if last and last not in parts[i]:
                parts[i].append(last)
    names: list[str] = []
    warnings: list[str] = []
    for i, words in enumerate(parts):
        name = " ".join(words) or (f"column {i + 1}" if i else "")
        again = sum(former == name or former.startswith(f"{name} (") for former in names)
        if again and name in names:
            warnings.append(f"several columns are called {name!r}: the next is '{name} ({again + 1})' here")
            name = f"{name} ({again + 1})"
        names.append(name)
    return tuple(names), warnings
