"""From cells to columns: what each column of a table is, and why."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from ganforge.codecs.rows.column import DATES, WAYS, Column, decimals_of, first_words, parse_date
from ganforge.codecs.rows.quantities import quantity
from ganforge.core.errors import DataError, UsageError, nearest
from ganforge.core.names import alike, find_name
from ganforge.data.header import ENDLESS, is_counter
from ganforge.data.numerals import Numerals, is_missing, mark_of
from ganforge.data.precision import day_counts, far_off

__all__ = ["FEWEST", "KINDS", "MOST_ROWS", "Cells", "OddCellError", "Table", "read_columns"]

KINDS = ("number", "whole", "date", "word", "yes-no", "key", "text")
"""What a person may say that a column is; ``date:%d/%m/%Y`` says its format, too."""

MOST_ROWS = 1_000_000  # rows that are kept; of more every second, fourth, … is taken
FEWEST = 50  # rows of a table
_KEYS = 0.95  # share of cells that are different, above which words are keys
_LONG = 3.0  # words a cell on average, above which cells that differ are free text
_ALIKE = 0.98  # share of the cells that must be read alike, for a kind to be taken
_BIG = 1 << 53  # whole numbers that float64 holds
_RARE = 5  # rows for each word on average, below which most of them are too rare to be learned
_SOME = 20  # different words at least, for that to be said
_ZONE = re.compile(r"(?<=\d)(?:Z| ?[-+]\d\d:?\d\d| UTC| GMT)$")
_ANY_ZONE = re.compile(r"(?<=\d)(?:Z| ?[-+]\d\d(?::?\d\d)?| ?(?![AP]M)[A-Z]{2,5}| [A-Z][a-z]+/[A-Z]\w+)$")
_SUMS = frozenset(
    {
        "total",
        "totals",
        "sum",
        "sums",
        "subtotal",
        "grand total",
        "all",
        "overall",
        "summe",
        "gesamt",
        "somme",
    }
    | {"totale", "suma", "totaal", "mean", "average", "avg", "median", "std", "min", "max", "count"}
)  # what a row below the others is called that says something of all of them


class OddCellError(DataError):
    """A cell that is not what the others of its column are.

    Attributes:
        column, cell: where it is for sure.
    """

    def __init__(self, column: str, cell: str, fault: str) -> None:
        super().__init__(f"column {column!r}: {fault}")
        self.column, self.cell, self.fault = column, cell, fault


@dataclass(eq=False)
class Cells:
    """The cells of one column: each different one once, and which stands in each row.

    Attributes:
        taken: what they were taken for, by name, numerals and kind: they are asked by several kinds of data.
    """

    ids: array[int] = field(default_factory=lambda: array("i"))
    places: dict[str, int] = field(default_factory=dict[str, int])
    taken: dict[tuple[str, Numerals, str], tuple[Column, np.ndarray, str]] = field(default_factory=dict)

    def add(self, cell: str) -> None:
        self.ids.append(self.places.setdefault(cell, len(self.places)))

    def thin(self) -> None:
        """Keep every second row."""
        self.ids = self.ids[::2]
        self.taken.clear()

    def numbers(self) -> np.ndarray:
        """Places ``(N,)`` of the rows' cells in :attr:`words`."""
        return np.frombuffer(self.ids, np.int32) if len(self.ids) else np.empty(0, np.int32)

    @property
    def words(self) -> list[str]:
        return list(self.places)


@dataclass(frozen=True, eq=False)
class Table:
    """A table that has been read.

    Attributes:
        columns: all of them, in the file's order.
        values: codes ``(N, K)`` float64 of the columns that are modelled.
        notes, warnings: what was decided, and what a person should look at.
    """

    columns: tuple[Column, ...]
    values: np.ndarray
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def read_columns(
    names: Sequence[str], cells: Sequence[Cells], numerals: Numerals, kinds: Mapping[str, str] | None = None
) -> Table:
    """Find out what each column is.

    Args:
        names: of the columns.
        cells: theirs, in the same order.
        numerals: how the table's numbers are written.
        kinds: names to what a person says that they are, of :data:`KINDS`.

    Raises:
        DataError: too few rows, no column to learn, dates of several formats, or cells that are not what a
            person says.
        UsageError: no such column or kind.
    """
    n = len(cells[0].ids) if cells else 0
    if n < FEWEST:
        raise DataError(f"{n} rows; a table needs at least {FEWEST} to learn from")
    chosen = _chosen_kinds(names, kinds or {})
    columns: list[Column] = []
    codes: list[np.ndarray] = []
    warnings: list[str] = []
    for i, (name, one) in enumerate(zip(names, cells, strict=True)):
        key = (name or f"column {i + 1}", numerals, chosen.get(i, ""))
        if key not in one.taken:
            one.taken[key] = _read(key[0], one, *key[1:])
        column, values, warning = one.taken[key]
        columns.append(column)
        warnings += [warning] if warning else []
        if column.modelled:
            codes.append(values)
    if not codes:
        said = "; ".join(f"{column.name}: {column.kind}, {column.why}" for column in columns[:4])
        raise DataError(f"no column has anything to learn ({said})")
    aside = [f"{c.name} ({c.kind}: {c.why})" for c in columns if not c.modelled and c.kind != "constant"]
    if aside:
        warnings.append(f"left aside: {first_words(aside, 8)}; --column NAME=word takes one in")
    warnings += _last_rows(columns, cells, codes)
    notes = [f"{c.name}: {c.describe()}{' · ' + c.why if c.why else ''}" for c in columns]
    return Table(tuple(columns), np.stack(codes, 1), tuple(notes), tuple(warnings))


def _last_rows(columns: Sequence[Column], cells: Sequence[Cells], codes: Sequence[np.ndarray]) -> list[str]:
    """A warning where the last row is no example but says something of all others: their sums, or a name."""
    modelled = [column for column in columns if column.modelled]
    numbers = [v for column, v in zip(modelled, codes, strict=True) if column.kind in ("number", "whole")]
    sums = [(float(v[-1]), float(v[:-1].sum()), float(np.abs(v[:-1]).max())) for v in numbers]
    summed = bool(sums) and all(
        last > most and math.isclose(last, total, rel_tol=1e-3) for last, total, most in sums
    )
    ends = [one.words[one.ids[-1]] for one in cells]
    named = next((cell for cell in ends if cell.strip(" :.").casefold() in _SUMS), "")
    once = any(cell == named and _stands_once(one) for one, cell in zip(cells, ends, strict=True)) and named
    if not summed and not once:
        return []
    what = "holds the sums of those above" if summed else f"is called {named!r}"
    return [f"the last row {what} and is learned as one of them: take it out of the file"]


def _stands_once(cells: Cells) -> bool:
    """Whether the last row's cell stands in no other row."""
    return int((cells.numbers() == cells.ids[-1]).sum()) == 1


def _chosen_kinds(names: Sequence[str], kinds: Mapping[str, str]) -> dict[int, str]:
    """Columns' numbers to the kinds that a person says. Raises UsageError."""
    found: dict[int, str] = {}
    for name, kind in kinds.items():
        place = find_name(name, names)
        if place is None:
            raise UsageError(
                f"there is no column {name!r}.{nearest(name, names)} Columns: {first_words(names, 12)}"
            )
        if kind.partition(":")[0] not in KINDS:
            raise UsageError(
                f"a column can be {', '.join(KINDS)}, or date:FORMAT as in date:%d/%m/%Y; not {kind!r}."
                f"{nearest(kind, KINDS)}"
            )
        found[place] = kind
    return found


def _read(name: str, cells: Cells, numerals: Numerals, kind: str) -> tuple[Column, np.ndarray, str]:
    """A column, its codes ``(N,)`` and a warning; the codes are empty where it is not modelled."""
    words, ids = cells.words, cells.numbers()
    counts = np.bincount(ids, minlength=len(words))
    gaps = [i for i, word in enumerate(words) if is_missing(word)]
    filled = [i for i in range(len(words)) if i not in set(gaps)] if gaps else list(range(len(words)))
    missing = words[max(gaps, key=lambda i: int(counts[i]))] if gaps else None
    found: list[str] = []
    if len(gaps) > 1:
        shown = first_words([repr(words[i]) for i in gaps])
        found += [f"{name}: what is missing is written in several ways ({shown}); made rows have {missing!r}"]
    if not filled:
        gap = Column(name=name, kind="constant", why="all of it is missing", levels=(missing or "",))
        return gap, np.empty(0), "; ".join(found)
    if len(words) == 1:
        return (
            Column(name=name, kind="constant", why=f"always {words[0]!r}", levels=(words[0],)),
            np.empty(0),
            "",
        )
    context = _Context(name, words, filled, counts, missing, numerals)
    column = context.column_of_kind(kind) if kind else context.found()
    zones = context.zones() if not kind and column.kind in ("word", "key", "text") else []
    if zones:
        shown = first_words([zone.strip() for zone in zones])
        found += [f"{name}: dates of several time zones ({shown}), taken as words: write all in one zone"]
    meant = quantity(name, context.cells) if not kind and column.kind in ("word", "key", "text") else ""
    if meant:
        found += [meant]
    if not column.modelled:
        return column, np.empty(0), "; ".join(found)
    if (
        column.kind == "word"
        and not kind
        and not zones
        and not meant
        and len(filled) > _SOME
        and context.n < _RARE * len(filled)
    ):
        found += [
            f"{name}: {len(filled):,} different words in {context.n:,} rows, most of them too rare to be"
            f" learned; if they are numbers, dates or keys: --column {name}=KIND"
        ]
    if column.kind == "date" and column.why and not kind:
        found += [f"{name}: no date says which number is its month; {column.why}"]
    same = alike(column.levels) if column.kind == "word" and not kind else []
    if same:
        twin = f"{name}: one word in several spellings ({first_words([repr(word) for word in same[0]])})"
        found += [twin + "; if they are one, write them alike"]
    values = context.codes(column, ids)
    if column.kind in ("number", "whole") and not kind:
        numbers = values[~np.isnan(values)]
        found += filter(None, [far_off(numbers, name) or day_counts(numbers, name)])
    if column.ordered and missing is not None:
        least, most = float(np.nanmin(values)), float(np.nanmax(values))
        column = replace(column, gap=math.floor(least - max(1.0, 0.25 * (most - least))))
    return column, np.where(np.isnan(values), column.gap, values), "; ".join(found)


@dataclass(frozen=True, eq=False)
class _Context:
    """A column's different cells, how often each stands there, and which of them are not missing."""

    name: str
    words: list[str]
    filled: list[int]
    counts: np.ndarray
    missing: str | None
    numerals: Numerals

    @property
    def cells(self) -> list[str]:
        return [self.words[i] for i in self.filled]

    @property
    def n(self) -> int:
        """Rows where something stands."""
        return int(self.counts[self.filled].sum())

    def share(self, good: Sequence[bool]) -> float:
        """Share of the rows whose cells are good."""
        return float(self.counts[self.filled][np.array(good, bool)].sum()) / max(self.n, 1)

    def found(self) -> Column:
        """What it is by itself."""
        cells = self.cells
        if len(cells) == 2:
            return self.words_column("yes-no", "two different cells")
        number = self.number()
        if number is not None:
            return self.key_of(number) or number
        dated = self.date(DATES)
        if dated is not None:
            return dated
        share = len(cells) / max(self.n, 1)
        if share > _KEYS and self.n >= 20:
            longest = sum(len(cell.split()) for cell in cells) / len(cells)
            if longest >= _LONG:
                return Column(name=self.name, kind="text", why=_each(share, "text"), missing=self.missing)
            return Column(
                name=self.name, kind="key", why=_each(share, "word"), missing=self.missing, levels=(cells[0],)
            )
        return self.words_column("word", "")

    def column_of_kind(self, kind: str) -> Column:
        """What a person says that it is. Raises DataError where its cells are not that."""
        said = f"--column {self.name}={kind}"
        kind, _, form = kind.partition(":")
        if kind == "key":
            return self.key_of(None) or Column(
                name=self.name, kind="key", why=said, missing=self.missing, levels=(self.cells[0],)
            )
        if kind == "text":
            return Column(name=self.name, kind="text", why=said, missing=self.missing)
        if kind in ("word", "yes-no"):
            return self.words_column("yes-no" if len(self.cells) == 2 else "word", said)
        if kind == "date":
            column = self.date((form,) if form else DATES, sure=True)
        else:
            column = self.number(sure=True)
        if column is None:
            raise DataError(f"column {self.name!r}: its cells are no {kind}s of one form ({said})")
        return replace(column, why=said)

    def words_column(self, kind: str, why: str) -> Column:
        order = sorted(self.filled, key=lambda i: (-int(self.counts[i]), self.words[i]))
        words = tuple(self.words[i] for i in order)
        return Column(
            name=self.name,
            kind="yes-no" if kind == "yes-no" else "word",
            why=why,
            levels=words,
            missing=self.missing,
        )

    def number(self, *, sure: bool = False) -> Column | None:
        """Numbers, if nearly all cells are: each is written again as it stands."""
        cells = self.cells
        numbers = [self.numerals.read(cell) for cell in cells]
        good = [number is not None and math.isfinite(number) for number in numbers]
        share = self.share(good)
        if not share:
            return None
        if share < 1.0:
            odd = [cell for cell, fine in zip(cells, good, strict=True) if not fine]
            if share >= 0.5 and all(ENDLESS.fullmatch(cell.strip()) for cell in odd):
                said = f"{odd[0]!r} is beyond all numbers; leave that cell empty, or take that row out"
                raise OddCellError(self.name, odd[0], said)
            if share >= _ALIKE or sure:
                bad = next(cell for cell, fine in zip(cells, good, strict=True) if not fine)
                raise OddCellError(
                    self.name,
                    bad,
                    f"{bad[:40]!r} is not a number, as {share:.1%} of them are; mend it, or take the cells as"
                    f" words: --column {self.name}=word",
                )
            return None
        if not sure and any(re.match(r"[-+]?0\d", cell) for cell in cells):
            return self.words_column("word", "it has numbers with leading zeros, which are names")
        marks = {mark_of(cell) for cell in cells}
        if len(marks) > 1 or "true" in marks:
            return None
        mark = marks.pop()
        first = cells[0].strip().lstrip("+-−(")
        before, after = self._mark(first, mark)
        base = Column(
            name=self.name,
            kind="number",
            missing=self.missing,
            decimal=self.numerals.decimal,
            thousands=self.numerals.thousands if any(self.numerals.thousands in c for c in cells) else "",
            before=before,
            after=after,
        )
        least, most = decimals_of(cells, self.numerals.decimal)
        whole = most == 0
        values = np.array(numbers, float)
        if whole and np.abs(values).max() >= _BIG:
            why = "its whole numbers are too long to count with"
            if not sure and len(cells) > _KEYS * self.n:
                return Column(name=self.name, kind="key", why=why, missing=self.missing, levels=(cells[0],))
            return self.words_column("word", why)
        column, same = base, -1.0
        for decimals in ((least, most), (-1, -1)) if not whole else ((0, 0),):
            one = replace(base, kind="whole" if whole else "number", decimals=decimals)
            alike = self.share([a == b for a, b in zip(one.cells(values), cells, strict=True)])
            if alike > same:
                column, same = one, alike
        if same < _ALIKE and not sure and not whole:
            column = replace(column, why=f"{1 - same:.0%} of the cells are written in another way")
        return column

    def _mark(self, cell: str, mark: str) -> tuple[str, str]:
        """What stands before and after each number, with the spaces between."""
        if not mark:
            return "", ""
        before, _, after = re.split(r"(\d[\d.,' ]*)", cell, maxsplit=1)
        tail = re.search(r"\s+$", cell[: len(cell) - len(after)])
        return (before, "") if mark in before else ("", (tail[0] if tail else "") + after)

    def key_of(self, number: Column | None) -> Column | None:
        """A key of whole numbers: each another one, and named or counted as keys are."""
        number = self.number() if number is None else number
        if number is None or number.kind != "whole" or len(self.cells) < self.n:
            return None
        values = [int(self.numerals.read(cell) or 0) for cell in self.cells]
        counts = all(b - a == 1 for a, b in pairwise(values))
        if not (counts or is_counter(self.name)) or min(values) < 0:
            return None
        why = "it counts the rows" if counts else "another number in each row"
        return replace(number, kind="key", why=why, last=max(values))

    def date(self, forms: Iterable[str], *, sure: bool = False) -> Column | None:
        """Dates, if all cells are of one format. Raises DataError where they are of several."""
        cells = self.cells
        if not sure and not any(re.search(r"\d", cell) for cell in cells[:50]):
            return None
        zone = _ZONE.search(cells[0])
        after = zone[0] if zone is not None and all(cell.endswith(zone[0]) for cell in cells) else ""
        bodies = [cell.removesuffix(after) for cell in cells]
        few = bodies[:: max(len(bodies) // 50, 1)]
        likely = [form for form in forms if any(parse_date(cell, form) is not None for cell in few)]
        best: tuple[float, str] = (0.0, "")
        for form in likely:
            share = self.share([parse_date(cell, form) is not None for cell in bodies])
            if share == 1.0:
                return self._dated(form, after, bodies)
            best = max(best, (share, form))
        share, form = best
        if share >= 0.5:
            odd = next(cell for cell in bodies if parse_date(cell, form) is None)
            raise OddCellError(
                self.name,
                odd + after,
                f"{share:.0%} of its cells are dates as {form}; {odd[:40]!r} is not; write them alike, or"
                f" take them as words: --column {self.name}=word",
            )
        return None

    def zones(self) -> list[str]:
        """The time zones behind its cells where these are dates of several, else nothing."""
        found = [_ANY_ZONE.search(cell) for cell in self.cells]
        zones = sorted({zone[0] if zone else "" for zone in found})
        if len(zones) < 2 or self.share([zone is not None for zone in found]) < _ALIKE:
            return []
        bodies = [
            cell[: zone.start()] if zone else cell for cell, zone in zip(self.cells, found, strict=True)
        ]
        some = bodies[:: max(len(bodies) // 50, 1)]
        dates = any(all(parse_date(cell, form) is not None for cell in some) for form in DATES)
        return [zone for zone in zones if zone] if dates else []

    def _dated(self, form: str, after: str, bodies: Sequence[str]) -> Column:
        column = Column(name=self.name, kind="date", missing=self.missing, form=form, after=after)
        if "%f" in form:
            digits = max(len(cell.rsplit(".", 1)[1]) for cell in bodies)
            column = replace(column, decimals=(digits, digits))
        values = np.array([column.code(cell + after) for cell in bodies], float)
        ways = [replace(column, bare=bare, short=short) for bare, short in WAYS]
        alike = [sum(a == b + after for a, b in zip(way.cells(values), bodies, strict=True)) for way in ways]
        why = ""
        swapped = form.replace("%d/%m", "%m/%d")
        if "%d/%m" in form and all(parse_date(cell, swapped) for cell in bodies):
            why = f"day before month; if not: --column {self.name}=date:{swapped}"
        return replace(ways[int(np.argmax(alike))], why=why)

    def codes(self, column: Column, ids: np.ndarray) -> np.ndarray:
        """Codes ``(N,)`` of the rows' cells."""
        table = np.full(len(self.words), np.nan)
        if column.ordered:
            for i in self.filled:
                code = column.code(self.words[i])
                assert code is not None
                table[i] = code
        else:
            places = {word: k for k, word in enumerate(column.levels)}
            for i in self.filled:
                table[i] = places[self.words[i]]
        return table[ids]


def _each(share: float, what: str) -> str:
    return f"another {what} in each row" if share == 1.0 else f"{share:.0%} of its cells are different"
