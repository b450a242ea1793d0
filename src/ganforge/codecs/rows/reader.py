"""From a table's file to codes: every column is read, with its reason."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from ganforge.codecs.rows.column import Column
from ganforge.codecs.rows.layout import Layout, layout_of, styled
from ganforge.codecs.rows.reading import FEWEST, MOST_ROWS, Cells, OddCellError, Table, read_columns
from ganforge.core.errors import DataError
from ganforge.core.recipe import FOUND, TableFormat
from ganforge.data.numerals import find_numerals, is_missing
from ganforge.data.raw import Raw
from ganforge.data.sheet import Sheet, open_sheet
from ganforge.data.tables import chosen_columns, content, sheet_of
from ganforge.data.text import about, read_text

__all__ = ["Frame", "cells_of", "is_mixed", "kinds_of", "read_frame", "read_rows"]
__all__ += ["names_rows", "read_cells", "taking", "wants_rows", "write_frame"]

_SAMPLE = 2_000  # rows that are looked at
_CODE = re.compile(r"0\d+")
_whole: WeakKeyDictionary[Sheet, list[Cells]] = WeakKeyDictionary()  # what was read of each
_GAP = 2  # lines of names, above which a person is told


def kinds_of(said: str) -> dict[str, str]:
    """``age=whole,when=date:%d/%m/%Y`` as a mapping. Raises DataError."""
    found: dict[str, str] = {}
    for word in (word.strip() for row in csv.reader([said]) for word in row if word.strip()):
        name, equals, kind = word.rpartition("=")
        if not equals or not name:
            raise DataError(f"--column is NAME=KIND, as in age=whole; not {word!r}")
        found[name.strip()] = kind.strip()
    return found


def is_mixed(sheet: Sheet) -> bool:
    """Whether a table has words beside its numbers, or nothing but words, under names."""
    named = [not number for i, number in enumerate(sheet.numeric) if not (i == 0 and sheet.numbered)]
    return bool(sheet.columns) and any(named)


def wants_rows(path: Path, wish: TableFormat) -> bool:
    """Whether a file is to be read as rows where nobody says so: it has more than numbers.

    A table of numbers alone stays points, as does one of too few rows: its words are left aside there.
    """
    if wish.kinds:
        return True
    try:
        sheet = sheet_of(path, wish)
        if (
            chosen_columns(sheet.columns, sheet.width, wish) is not None
            or not sheet.columns
            or sheet.width < 2
        ):
            return False
        few = list(islice((row for _, row in sheet.rows()), _SAMPLE))
    except DataError:
        return False  # whoever reads it as points says why it cannot be read
    if len(few) < FEWEST or any(len(row) != sheet.width for row in few):
        return False
    cells = (
        cell
        for row in few
        for i, cell in enumerate(row)
        if sheet.numeric[i] and not (i == 0 and sheet.numbered)
    )
    # A number with a leading zero is a name, as of a place or an account.
    return is_mixed(sheet) or any(is_missing(cell) or _CODE.fullmatch(cell.strip()) for cell in cells)


def read_rows(path: Path, wish: TableFormat = FOUND) -> Raw:
    """Read a table with all that its columns hold.

    Raises:
        DataError: rows differ in length, there are too few, two lines of names, or a column is not what it
            was said to be; the file is named.
    """
    try:
        sheet = sheet_of(path, wish)
        if not sheet.columns:
            raise DataError("it has no line of names; write one, or say that there is one: --header 1")
        which = chosen_columns(sheet.columns, sheet.width, wish)
        names = [name or f"column {i + 1}" for i, name in enumerate(sheet.columns)]
        kinds = kinds_of(wish.kinds)
        cells, skipped = _cells(sheet)
        table = _read(sheet, names, cells, kinds)
        layout = layout_of(sheet, names_rows(sheet))
        table = replace(table, columns=styled(table.columns, sheet))
    except DataError as error:
        raise DataError(about(path, error)) from None
    if which is not None:
        table, layout = taking(table, layout, which)
    notes = (f"table: {sheet.words}", *table.notes)
    warnings = (*sheet.warnings, *skipped, *table.warnings)
    return _raw(table, layout, notes, warnings)


def _read(sheet: Sheet, names: Sequence[str], cells: Sequence[Cells], kinds: Mapping[str, str]) -> Table:
    """All columns. DataError names the line of a cell that is not what the others of its column are."""
    try:
        return read_columns(names, cells, sheet.numerals, kinds)
    except OddCellError as error:
        i = list(names).index(error.column)
        line = next((line for line, row in sheet.rows() if i < len(row) and row[i] == error.cell), 0)
        if not line:
            raise
        raise DataError(f"column {error.column!r}, line {line}: {error.fault}") from None


def names_rows(sheet: Sheet) -> int:
    """How many lines hold the names. Raises DataError for two or more: one of them would be lost."""
    lines = list(islice(sheet.text.lines(), sheet.start + 1))
    rows = [row for row in csv.reader(lines[: sheet.start], delimiter=sheet.separator or "\x1f") if any(row)]
    full = [row for row in rows if len(row) == sheet.width and sum(map(bool, row)) > 1]
    if len(full) >= _GAP:
        raise DataError(
            f"{len(full)} lines of names stand above the data ({', '.join(full[1][:3])}, …); leave one"
        )
    return 1


def _whole_rows(sheet: Sheet) -> Iterator[list[str]]:
    """The rows' cells. Raises DataError for one of another length."""
    for line, row in sheet.rows():
        if len(row) != sheet.width:
            raise DataError(
                f"line {line}: {len(row)} cells where {sheet.width} are expected; mend that line"
                f" ({sheet.parted})"
            )
        yield row


def read_cells(sheet: Sheet, most: int) -> list[Cells]:
    """The cells of all columns, of all rows. Raises DataError, also where there are more than ``most``."""
    columns = [Cells() for _ in range(sheet.width)]
    for row in _whole_rows(sheet):
        for column, cell in zip(columns, row, strict=True):
            column.add(cell)
        if len(columns[0].ids) > most:
            raise DataError(f"more than {most:,} rows; give a part of them")
    _whole[sheet] = columns
    return columns


def _cells(sheet: Sheet) -> tuple[list[Cells], list[str]]:
    """The cells of all columns, and warnings. Raises DataError."""
    whole = _whole.get(sheet)
    if whole is not None and len(whole[0].ids) <= MOST_ROWS:
        return whole, []
    columns = [Cells() for _ in range(sheet.width)]
    stride, count = 1, 0
    for row in _whole_rows(sheet):
        if count % stride == 0:
            for column, cell in zip(columns, row, strict=True):
                column.add(cell)
        count += 1
        if len(columns[0].ids) > 2 * MOST_ROWS:
            stride *= 2
            for column in columns:
                column.thin()
    if len(columns[0].ids) > MOST_ROWS:
        stride *= 2
        for column in columns:
            column.thin()
    said = [] if stride == 1 else [f"of {count:,} rows one in {stride} is taken: {len(columns[0].ids):,}"]
    return columns, said


def taking(table: Table, layout: Layout, which: Sequence[int]) -> tuple[Table, Layout]:
    """Some of the columns, in that order."""
    order = [i for i, column in enumerate(table.columns) if column.modelled]
    columns = [table.columns[i] for i in which]
    places = [order.index(i) for i in which if table.columns[i].modelled]
    if not places:
        raise DataError("none of the columns that are asked for has anything to learn")
    head = layout.separator.join(
        f'"{column.name}"' if layout.separator in column.name else column.name for column in columns
    )
    others = [column.name for i, column in enumerate(table.columns) if i not in which]
    warnings = (*table.warnings, f"not used: {', '.join(others[:8])}: --columns asks for others")
    table = Table(
        tuple(columns),
        table.values[:, places],
        tuple(table.notes[i] for i in which),
        warnings if others else table.warnings,
    )
    return table, replace(layout, head=(head,))


def cells_of(path: Path, columns: Sequence[Column]) -> dict[str, list[str | None]]:
    """The cells of a table that has these columns, by their names; None where something is missing.

    Raises DataError: it cannot be read, a column is not there, or rows differ in length.
    """
    try:
        sheet = open_sheet(read_text(content(path)), FOUND)
        rows = [row for _, row in sheet.rows()]
        names = [name or f"column {i + 1}" for i, name in enumerate(sheet.columns)]
        lacking = [column.name for column in columns if column.name not in names]
        if lacking:
            raise DataError(f"there is no column {lacking[0]!r}; it needs those of the training data")
        if not rows or any(len(row) != sheet.width for row in rows):
            raise DataError("it has no rows, or rows that differ in length")
    except DataError as error:
        raise DataError(about(path, error)) from None
    return {
        column.name: [None if is_missing(row[i]) else row[i] for row in rows]
        for column in columns
        for i in [names.index(column.name)]
    }


def read_frame(columns: Mapping[str, Iterable[Any]], kinds: Mapping[str, str] | None = None) -> Raw:
    """Columns of values by name (numbers, words, dates, None or NaN) as a table.

    Raises DataError and UsageError as :func:`read_rows` does.
    """
    cells: list[Cells] = []
    for values in columns.values():
        one = Cells()
        for value in values:
            one.add(_cell(value))
        cells.append(one)
    lengths = {len(one.ids) for one in cells}
    if len(lengths) > 1:
        raise DataError(f"columns of {min(lengths)} to {max(lengths)} values; they must be of one length")
    few = [one.words[:2_000] for one in cells]
    table = read_columns(list(columns), cells, find_numerals(few, ",", "."), kinds)
    head = Layout()._quoted  # pyright: ignore[reportPrivateUsage]
    layout = Layout(head=(",".join(head(name, False) for name in columns),))
    return _raw(table, layout, table.notes, table.warnings)


@runtime_checkable
class Frame(Protocol):
    """A dataframe, as pandas and polars have it."""

    @property
    def columns(self) -> Iterable[str]: ...
    def __getitem__(self, name: str) -> Iterable[Any]: ...


def write_frame(frame: Mapping[str, Iterable[Any]] | Frame, path: Path) -> None:
    """Columns of values, or a dataframe, as a csv file. Raises DataError where they differ in length."""
    names = list(frame) if isinstance(frame, Mapping) else [str(name) for name in frame.columns]
    columns = [[_cell(value) for value in frame[name]] for name in names]
    if len({len(column) for column in columns}) != 1:
        raise DataError("the columns differ in length, or there are none")
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(names)
        rows.writerows(zip(*columns, strict=True))


def _cell(value: Any) -> str:
    """A value as a cell: what is no number equal to itself is missing."""
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return f"{value:.1f}"
    said = str(value)
    return "" if said in ("NaT", "<NA>") else said


def _raw(table: Table, layout: Layout, notes: Sequence[str], warnings: Sequence[str]) -> Raw:
    return Raw(
        kind="rows",
        form="table",
        values=table.values,
        shape=table.values.shape[1:],
        modes={"cells": len(table.values)},
        found=tuple(notes),
        warnings=tuple(warnings),
        about={"columns": [column.to_json() for column in table.columns], "layout": layout.to_json()},
    )
