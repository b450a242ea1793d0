"""From a table's file to series: which column names them, which is the time, and what each step holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from ganforge.codecs.rows.column import Column, first_words
from ganforge.codecs.rows.layout import Layout, layout_of, styled
from ganforge.codecs.rows.reader import kinds_of, names_rows, read_cells, taking
from ganforge.codecs.rows.reading import Table, read_columns
from ganforge.codecs.series.clock import Clock, find_clock
from ganforge.core.errors import DataError, nearest
from ganforge.core.names import find_name
from ganforge.core.recipe import TableFormat
from ganforge.data.raw import Raw
from ganforge.data.sheet import Sheet
from ganforge.data.tables import chosen_columns, sheet_of
from ganforge.data.text import about

__all__ = ["MOST_LEVELS", "Axes", "find_axes", "read_series"]

MOST_LEVELS = 32  # words of a column that changes within series
MOST_STEPS = 512  # of one series; longer ones are cut into windows
_MOST_ROWS = 4_000_000
_FEWEST_SERIES = 20
_WINDOWS = 200  # windows that few long series are cut into, if they are long enough
_SHORTEST = 4  # steps
_TIMES = {
    *("time", "t", "step", "steps", "date", "datetime", "timestamp", "tick", "second", "seconds", "minute"),
    *("hour", "day", "week", "month", "year", "period", "frame", "visit", "when", "ts", "ds"),
}
_REGULAR = 0.8  # share of the steps that are alike, from which a table is taken for series by itself
_USUAL = 5  # steps of a series at least, on average, for the same
_LONG = 240  # rows of a table without entities, for the same


@dataclass(frozen=True)
class Axes:
    """Which columns name the series and their times, and why.

    Attributes:
        entity: a column's place; None where all rows are one series.
        time: another's.
        why: the reason, for a person.
    """

    entity: int | None
    time: int
    why: str


def _codes(table: Table) -> list[np.ndarray | None]:
    """Each column's codes ``(N,)``; None where it has none."""
    found: list[np.ndarray | None] = []
    place = 0
    for column in table.columns:
        found.append(table.values[:, place] if column.modelled else None)
        place += column.modelled
    return found


def find_axes(table: Table) -> Axes | None:
    """The entity and the time that make a table regular series; None where it is none."""
    codes = _codes(table)
    n = len(table.values)
    times = [
        i
        for i, column in enumerate(table.columns)
        if codes[i] is not None
        and ((column.kind == "date" and "%Y" in column.form) or (column.ordered and _named(column.name)))
    ]
    best: tuple[tuple[float, ...], Axes] | None = None
    for time in times:
        at = _filled(table.columns[time], codes[time])
        if at is None:
            continue
        for i, column in enumerate(table.columns):
            own = codes[i]
            if i == time or own is None or column.kind == "number":
                continue
            count = len(np.unique(own))
            if not 2 <= count <= n / _USUAL:
                continue
            order = np.lexsort((at, own))
            follows = own[order][1:] == own[order][:-1]
            if (np.diff(at[order])[follows] <= 0).any():
                continue
            clock, regular = find_clock(at[order], follows, days=_is_days(table.columns[time]))
            if regular < _REGULAR:
                continue
            together = float((own[1:] != own[:-1]).sum() + 1 == count)
            said = clock.describe(
                seconds=table.columns[time].by_seconds, dates=table.columns[time].kind == "date"
            )
            why = f"within each {column.name}, {table.columns[time].name} goes on by {said}"
            rank = (together, round(regular, 3), float(table.columns[time].kind == "date"), float(count))
            if best is None or rank > best[0]:
                best = (rank, Axes(i, time, why))
        column = table.columns[time]
        if best is None and column.kind == "date" and n >= _LONG and (np.diff(np.sort(at)) > 0).all():
            clock, regular = find_clock(np.sort(at), np.ones(n - 1, bool), days=_is_days(column))
            if regular >= _REGULAR:
                said = clock.describe(seconds=column.by_seconds, dates=True)
                return Axes(None, time, f"each row has another {column.name}, {said} apart")
    return None if best is None else best[1]


def _named(name: str) -> bool:
    return name.strip().lower() in _TIMES or any(
        part in ("time", "date", "timestamp", "step")
        for part in name.strip().lower().replace("-", "_").split("_")
    )


def _is_days(column: Column) -> bool:
    return column.kind == "date" and not column.by_seconds


def _filled(column: Column, codes: np.ndarray | None) -> np.ndarray | None:
    return codes if codes is not None and column.ordered and not column.gone(codes).any() else None


# --- files ---


def _may_be(sheet: Sheet, wish: TableFormat) -> bool:
    """Whether it is worth looking at all of it: something is called a time, or looks like a date."""
    if wish.entity or wish.time:
        return True
    if not sheet.columns or sheet.width < 2:
        return False
    if any(_named(name) for name in sheet.columns):
        return True
    rows = [row for _, row in islice(sheet.rows(), 20)]
    return any(
        sum(char.isdigit() for char in cell) >= 6
        and any(sign in cell for sign in "-/.:")
        and not sheet.numeric[i]
        for row in rows[:1]
        for i, cell in enumerate(row[: sheet.width])
    )


def read_series(path: Path, wish: TableFormat, *, sure: bool) -> Raw | None:
    """A table as series; None where it is none and nobody said so.

    Args:
        sure: whether a person says that these are series.

    Raises:
        DataError: it cannot be read, a column is not there, two rows of a series have one time, or there are
            too few series.
    """
    try:
        sheet = sheet_of(path, wish)
        if not sheet.columns:
            raise DataError("it has no line of names; write one, or say that there is one: --header 1")
        if not sure and not _may_be(sheet, wish):
            return None
        table, layout, warnings = _table(sheet, wish)
        axes = _axes(table, wish)
        if axes is None:
            raise DataError(
                "no column was found that orders the rows of each series by time; name them: --entity NAME"
                " --time NAME"
            )
        return _raw(table, layout, axes, sheet, warnings)
    except DataError as error:
        if not sure:  # whoever reads it as rows says why it cannot be read
            return None
        raise DataError(about(path, error)) from None


def _table(sheet: Sheet, wish: TableFormat) -> tuple[Table, Layout, tuple[str, ...]]:
    names = [name or f"column {i + 1}" for i, name in enumerate(sheet.columns)]
    cells = read_cells(sheet, _MOST_ROWS)
    kinds = kinds_of(wish.kinds)
    for title, kind in ((wish.entity, "word"), (wish.time, "")):
        place = None if not title else find_name(title, names)
        if title and place is None:
            raise DataError(
                f"there is no column {title!r}.{nearest(title, names)} Columns: {first_words(names, 12)}"
            )
        if place is not None and kind and names[place] not in kinds:
            kinds[names[place]] = kind
    table = read_columns(names, cells, sheet.numerals, kinds)
    if wish.time:
        column = table.columns[names.index(find_place(wish.time, names))]
        if column.kind == "key":  # it only counts the rows, and that is asked for
            table = read_columns(names, cells, sheet.numerals, {**kinds, column.name: "whole"})
    table = replace(table, columns=styled(table.columns, sheet))
    layout = layout_of(sheet, names_rows(sheet))
    which = chosen_columns(sheet.columns, sheet.width, wish)
    if which is not None:
        table, layout = taking(table, layout, which)
    return table, layout, sheet.warnings


def find_place(name: str, names: Sequence[str]) -> str:
    """A column's own name."""
    place = find_name(name, names)
    assert place is not None
    return names[place]


def _axes(table: Table, wish: TableFormat) -> Axes | None:
    names = [column.name for column in table.columns]
    if not wish.entity and not wish.time:
        return find_axes(table)
    axes: list[int | None] = []
    for name in (wish.entity, wish.time):
        place = find_name(name, names) if name else None
        if name and place is None:
            raise DataError(
                f"there is no column {name!r}.{nearest(name, names)} Columns: {first_words(names, 12)}"
            )
        axes.append(place)
    entity, time = axes
    if time is None:
        others = find_axes(table)
        dated = [i for i, c in enumerate(table.columns) if c.kind == "date" or (c.ordered and _named(c.name))]
        time = others.time if others is not None and others.entity == entity else dated[0] if dated else None
        if time is None:
            raise DataError("no column was found that is the time of each row; name it: --time NAME")
    if entity is not None and not table.columns[entity].modelled:
        column = table.columns[entity]
        raise DataError(
            f"column {column.name!r} is {column.describe()} ({column.why}); series need a column that names"
            " them, the same in all rows of one"
        )
    column = table.columns[time]
    if not column.modelled or not column.ordered:
        raise DataError(
            f"column {column.name!r} is {column.describe()}; a time is a number or a date:"
            f" --column {column.name}=date:FORMAT"
        )
    return Axes(entity, time, "as asked for")


# --- rows to series ---


def _raw(table: Table, layout: Layout, axes: Axes, sheet: Sheet, warnings: Sequence[str]) -> Raw:
    codes = _codes(table)
    time = table.columns[axes.time]
    at = _filled(time, codes[axes.time])
    if at is None:
        raise DataError(f"column {time.name!r}, the time, has empty cells; fill them, or drop those rows")
    n = len(at)
    entity = np.zeros(n) if axes.entity is None else codes[axes.entity]
    assert entity is not None
    if axes.entity is not None and table.columns[axes.entity].gone(entity).any():
        raise DataError(f"column {table.columns[axes.entity].name!r} has empty cells; name each row's series")
    changes = np.flatnonzero(entity[1:] != entity[:-1]) + 1
    _, first, inverse = np.unique(entity, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))[inverse]  # by first appearance
    by_time = len(changes) + 1 > len(first)
    order = np.lexsort((at, rank))
    at, rank = at[order], rank[order]
    follows = rank[1:] == rank[:-1]
    twice = np.flatnonzero((np.diff(at) == 0) & follows)
    if len(twice):
        row = int(order[twice[0]])
        whom = "" if axes.entity is None else f" of {_cell(table, codes, axes.entity, row)}"
        raise DataError(
            f"two rows{whom} have the {time.name} {_cell(table, codes, axes.time, row)}; a series has one row"
            " for each time: another --entity or --time, or join the columns that name a series into one"
        )
    clock, _ = find_clock(at, follows, days=_is_days(time))
    said = clock.describe(seconds=time.by_seconds, dates=time.kind == "date")
    bounds = np.append(np.flatnonzero(np.append(True, ~follows)), n)
    constants, tracks, aside = _roles(table, codes, axes, order, follows)
    if not tracks:
        raise DataError("no column changes within the series, so there is nothing to learn in them")
    columns = [table.columns[i] for i in tracks]
    values = np.stack([_of(codes, i)[order] for i in tracks], 1)
    parts, resampled = _gridded(at, values, bounds, clock, columns)
    cut, window = _cut(parts, clock, time)
    if len(cut) < _FEWEST_SERIES:
        raise DataError(
            f"{len(cut)} series of up to {window} steps; a GAN needs at least {_FEWEST_SERIES} to learn from"
        )
    rows = _stacked(cut, window, [_of(codes, i)[order] for i in constants], bounds)
    lengths = rows[:, 1, 0]
    where = "one series" if axes.entity is None else f"{len(bounds) - 1:,} series"
    notes = [
        f"series: {where}, named by {table.columns[axes.entity].name}"
        if axes.entity is not None
        else f"series: {where}",
        f"time: {time.name}, a step is {said} ({axes.why})",
    ]
    spread = f"{int(lengths.min())} to {int(lengths.max())}" if lengths.min() < lengths.max() else f"{window}"
    if len(cut) != len(bounds) - 1 or any(part[1] for part in cut):
        notes.append(f"cut into {len(cut):,} windows of {spread} steps, each a series of its own")
    else:
        notes.append(f"steps: {spread} a series")
    if constants:
        names = first_words([table.columns[i].name for i in constants], 12)
        notes.append(f"attributes, the same through a series: {names}")
    notes.append(f"features, anew at each step: {first_words([c.name for c in columns], 16)}")
    noted = list(table.warnings) + list(warnings)
    if resampled:
        noted.append(
            f"{resampled:.1%} of the steps are not {said} after the one before: series are resampled to that"
            " grid, numbers in between by a straight line"
        )
    if aside:
        noted.append(f"left aside: {first_words(aside, 8)}")
    made_of = [axes.time, *([] if axes.entity is None else [axes.entity]), *constants, *tracks]
    return Raw(
        kind="series",
        form="table",
        values=rows,
        shape=rows.shape[1:],
        modes={"cells": len(rows)},
        found=(f"table: {sheet.words}", *notes, *(table.notes[i] for i in sorted(made_of))),
        warnings=tuple(noted),
        about={
            "columns": [column.to_json() for column in table.columns],
            "layout": layout.to_json(),
            "entity": axes.entity,
            "time": axes.time,
            "constants": constants,
            "tracks": tracks,
            "clock": clock.to_json(),
            "by_time": bool(by_time),
            "last": _last(table, codes, axes),
        },
    )


def _of(codes: Sequence[np.ndarray | None], i: int) -> np.ndarray:
    found = codes[i]
    assert found is not None
    return found


def _cell(table: Table, codes: Sequence[np.ndarray | None], i: int, row: int) -> str:
    return table.columns[i].cells(_of(codes, i)[[row]])[0]


def _last(table: Table, codes: Sequence[np.ndarray | None], axes: Axes) -> float:
    """The largest code of an entity that is a number or a date."""
    if axes.entity is None or not table.columns[axes.entity].ordered:
        return 0.0
    return float(_of(codes, axes.entity).max())


def _roles(
    table: Table, codes: Sequence[np.ndarray | None], axes: Axes, order: np.ndarray, follows: np.ndarray
) -> tuple[list[int], list[int], list[str]]:
    """Columns that are the same through each series, those that are not, and what is left aside."""
    constants, tracks, aside = list[int](), list[int](), list[str]()
    for i, column in enumerate(table.columns):
        own = codes[i]
        if own is None or i in (axes.entity, axes.time):
            continue
        if (np.diff(own[order])[follows] == 0).all():
            constants.append(i)
        elif column.kind == "date":
            aside.append(f"{column.name} (a date that changes within a series and is not its time)")
        elif not column.ordered and len(column.levels) > MOST_LEVELS:
            aside.append(f"{column.name} ({len(column.levels):,} words that change within a series)")
        else:
            tracks.append(i)
    return constants, tracks, aside


def _gridded(
    at: np.ndarray, values: np.ndarray, bounds: np.ndarray, clock: Clock, columns: Sequence[Column]
) -> tuple[list[tuple[float, np.ndarray]], float]:
    """Each series as its first time and its codes ``(F, T)`` on the grid, and the share of odd steps."""
    places = clock.places(at)
    found: list[tuple[float, np.ndarray]] = []
    odd = steps = 0
    for low, high in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        own = places[low:high] - places[low]
        there = values[low:high]
        whole = np.round(own)
        steps += high - low - 1
        if len(own) and (np.abs(own - np.arange(len(own))) < 1e-4).all():
            found.append((float(at[low]), there.T.copy()))
            continue
        odd += int((np.abs(np.diff(own) - 1.0) > 1e-4).sum())
        grid = np.arange(int(whole[-1]) + 1)
        if len(grid) > 50 * (high - low) + 1_000:
            raise DataError(
                f"the times of a series span {len(grid):,} steps and have {high - low:,} rows; the step is"
                " not regular enough to resample"
            )
        found.append(
            (
                float(at[low]),
                np.stack([_resampled(grid, own, x, c) for x, c in zip(there.T, columns, strict=True)]),
            )
        )
    return found, odd / max(steps, 1)


def _resampled(grid: np.ndarray, own: np.ndarray, x: np.ndarray, column: Column) -> np.ndarray:
    """Codes on the grid: numbers by a straight line, words and gaps as the nearest row has them."""
    after = np.searchsorted(own, grid).clip(0, len(own) - 1)
    before = (after - 1).clip(0)
    near = np.where(np.abs(own[before] - grid) < np.abs(own[after] - grid), before, after)
    if not column.ordered:
        return x[near]
    gone = column.gone(x)
    if gone.all():
        return np.full(len(grid), column.gap)
    line = column.grid(np.interp(grid, own[~gone], x[~gone]))
    exact = np.abs(own[near] - grid) < 1e-4
    line = np.where(exact, x[near], line)
    return np.where(gone[near], column.gap, line)


def _cut(
    series: Sequence[tuple[float, np.ndarray]], clock: Clock, time: Column
) -> tuple[list[tuple[int, int, np.ndarray, float]], int]:
    """Windows: the series' number, first step, codes and first time; and how long the longest is."""
    lengths = np.array([x.shape[1] for _, x in series])
    total, longest = int(lengths.sum()), int(lengths.max())
    window = longest
    if (len(series) < _FEWEST_SERIES * 2 and longest > 48) or longest > MOST_STEPS:
        cycle = clock.cycle(seconds=time.by_seconds, dates=time.kind == "date")
        wish = min(max(total // _WINDOWS, 24), MOST_STEPS // 2)
        window = min(max(wish // cycle * cycle, cycle if cycle >= 8 else 24 // cycle * cycle), longest)
    found: list[tuple[int, int, np.ndarray, float]] = []
    for k, (first, x) in enumerate(series):
        skip = 0
        if window < longest:  # windows begin with the cycle: at midnight, on a Monday
            skip = _phase(first, clock, time)
            skip = skip if x.shape[1] >= window + skip else 0
        for start in range(skip, x.shape[1], window):
            part = x[:, start : start + window]
            whole = part.shape[1] == window
            if (window < longest and not whole) or part.shape[1] < _SHORTEST:
                continue
            found.append((k, start, part, float(clock.codes(np.array(first), np.array(float(start))))))
    return found, window


def _phase(first: float, clock: Clock, time: Column) -> int:
    """How many steps to the next beginning of a cycle."""
    if time.kind != "date" or clock.grid != "plain":
        return 0
    length = clock.step if time.by_seconds else clock.step * 86_400
    seconds = first if time.by_seconds else first * 86_400
    if length < 86_400 and 86_400 % length == 0:
        return int((-seconds % 86_400) / length)
    if length == 86_400:
        return int((-(seconds / 86_400 + 3)) % 7)  # 1970-01-01 was a Thursday; a week begins on Monday
    return 0


def _stacked(
    cut: Sequence[tuple[int, int, np.ndarray, float]],
    window: int,
    constants: Sequence[np.ndarray],
    bounds: np.ndarray,
) -> np.ndarray:
    """``(N, 2 + A + F, T)``: first time, length and attributes at every step, then codes, 0 after the end."""
    features = cut[0][2].shape[0]
    rows = np.zeros((len(cut), 2 + len(constants) + features, window))
    for i, (k, _, part, first) in enumerate(cut):
        rows[i, 0], rows[i, 1] = first, part.shape[1]
        for a, own in enumerate(constants):
            rows[i, 2 + a] = own[bounds[k]]
        rows[i, 2 + len(constants) :, : part.shape[1]] = part
    return rows
