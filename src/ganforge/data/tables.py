"""Tables of numbers: .csv and .tsv, gzipped or not, and .parquet. Each row is a point.

``readers`` decides what a table holds. Where it has words, dates or gaps, ``codecs.rows.reader`` makes
numbers of it, and of rows that follow each other in time ``codecs.series.reader``; ``numerals`` reads cells.
"""

from __future__ import annotations

import codecs
import gzip
import io
import math
import shlex
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ganforge.core.errors import DataError, nearest
from ganforge.core.names import find_name
from ganforge.core.recipe import FOUND, TableFormat
from ganforge.data.files import names_in
from ganforge.data.header import is_counter
from ganforge.data.numerals import Numerals, is_missing, mark_of
from ganforge.data.once import Once
from ganforge.data.precision import as_points, constant_columns, day_counts, far_off
from ganforge.data.raw import Raw
from ganforge.data.sheet import Row, Sheet, open_sheet
from ganforge.data.text import about, read_text

__all__ = ["SHEETS", "TABLES", "chosen_columns", "content", "read_table", "sheet_of", "tables_in"]

TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")

_MAX_BYTES = 4 << 30
_MAX_RATIO = 200
_CHUNK = 10_000  # rows that are made numbers at a time
_LARGEST = 3e38  # of float32
_SMALL = 8  # a side of pictures in a row of pixels, as of scikit-learn's digits
_COUNTED = 10  # rows, from which on 0, 1, 2, … in a column are the rows' numbers and no chance


def read_table(path: Path, wish: TableFormat = FOUND) -> Raw:
    """Read a table: its columns of numbers, without one that only numbers the rows.

    What is not used is named in a warning; how the table was read is said.

    Raises:
        DataError: a cell is empty or no number (its column and line are named), rows differ in length,
            a column that is asked for is not there, or the table has fewer than two rows.
    """
    try:
        sheet = sheet_of(path, wish)
        chosen = chosen_columns(sheet.columns, sheet.width, wish)
        numbers = _Numbers(sheet, chosen)
        numbers.read()
    except DataError as error:
        raise DataError(about(path, error)) from None
    which, warnings = _used(numbers, chosen=chosen is not None)
    columns = tuple(sheet.columns[i] or f"column {i + 1}" for i in which) if sheet.columns else ()
    values = np.stack([numbers.values(i) for i in which], axis=1)
    points = as_points(values, path, columns, lambda k: numbers.distinct(which[k]))
    return Raw(
        kind="points",
        form="table",
        values=points,
        shape=points.shape[1:],
        columns=columns,
        modes={"float64": len(points)},
        found=(f"table: {', '.join((sheet.words, *numbers.marks(which)))}",),
        warnings=(
            *sheet.warnings,
            *warnings,
            *constant_columns(points, columns),
            *filter(
                None,
                (far_off(points[:, i], columns[i] if columns else i + 1) for i in range(points.shape[1])),
            ),
            *filter(None, (day_counts(points[:, i], name) for i, name in enumerate(columns))),
            *_perhaps_pixels(points, columns),
        ),
    )


def _perhaps_pixels(points: np.ndarray, columns: Sequence[str]) -> list[str]:
    """A warning where all columns, or all but the first or last, may be the pixels of a picture."""
    width = points.shape[1]
    for first, last in ((0, width), (1, width), (0, width - 1)):
        side = math.isqrt(last - first)
        if side < _SMALL or side * side != last - first:
            continue
        pixels = points[:, first:last]
        if pixels.min() >= 0 and 15 <= pixels.max() <= 255 and (pixels == np.rint(pixels)).all():
            left = next((i for i in range(width) if not first <= i < last), None)
            name = "" if left is None else columns[left] if columns else f"column {left + 1}"
            beside = f", labels={name!r} beside them" if name else ""
            return [
                f"{side * side:,} columns of 0 … {pixels.max():g} may be the pixels of pictures, and points"
                f" know no neighbours: numpy.savez(path, images=… of shape (N, {side}, {side}){beside})"
            ]
    return []


def chosen_columns(names: Sequence[str], width: int, wish: TableFormat) -> list[int] | None:
    """The columns that are asked for, in that order; None where nobody asked.

    Raises DataError for one that is not there.
    """
    which: list[int] = []
    names = [name or f"column {i + 1}" for i, name in enumerate(names)]
    for word in wish.wanted():
        found = find_name(word, names)
        if found is None and word.isdecimal() and 1 <= int(word) <= width:
            found = int(word) - 1
        if found is None:
            known = ", ".join(name for name in names[:12] if name) or f"{width} without names"
            raise DataError(f"there is no column {word!r}.{nearest(word, names)} Columns: {known}")
        which.append(found)
    if len(set(which)) < len(which):
        raise DataError(f"a column is asked for twice: --columns {wish.columns}")
    return which or None


SHEETS = Once("sheets")  # taken apart: each kind of data that is asked for looks at the same file


def sheet_of(path: Path, wish: TableFormat) -> Sheet:
    """A table's file, taken apart. Raises DataError as :func:`content` and ``open_sheet`` do."""
    return SHEETS((path, wish), lambda: open_sheet(read_text(content(path)), wish))


def content(path: Path) -> bytes:
    """The whole file, unpacked, parquet as csv; of a folder all tables, one after another.

    Raises DataError where it cannot be, is beyond measure, or tables have other names of columns.
    """
    if path.is_dir():
        return _joined(tables_in(path))
    if path.suffix.lower() == ".parquet":
        return _of_parquet(path)
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        limit = min(_MAX_BYTES, max(64 << 20, _MAX_RATIO * path.stat().st_size)) if packed else _MAX_BYTES
        with gzip.open(path) if packed else open(path, "rb") as file:
            content = file.read(limit + 1)
    except PermissionError:
        raise  # loading says what to do
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"it cannot be read ({error})") from None
    if len(content) > limit:
        raise DataError(f"it is larger than {limit >> 20} MiB unpacked; give a part of it")
    return content


def tables_in(path: Path) -> list[Path]:
    """The tables of a folder that has nothing else, in order."""
    if not path.is_dir():
        return []
    names = [name for name in names_in(path) if not name.startswith(".")]
    if not all(name.lower().endswith(TABLES) for name in names):
        return []
    files = [path / name for name in names]
    return files if all(file.is_file() for file in files) else []


def _joined(files: Sequence[Path]) -> bytes:
    """Tables of one line of names as one table."""
    head, parts = b"", list[bytes]()
    for file in files:
        own, end, rest = content(file).removeprefix(codecs.BOM_UTF8).partition(b"\n")
        if parts and own.strip() != head.strip():
            names = [line.decode(errors="replace").strip()[:80] for line in (own, head)]
            raise DataError(
                f"{file.name} begins with {names[0]!r} and {files[0].name} with {names[1]!r}; tables of one"
                " folder need one line of names"
            )
        head = own
        parts += [rest if parts else own + end + rest, b"" if rest.endswith(b"\n") else b"\n"]
    return b"".join(parts)


def _of_parquet(path: Path) -> bytes:
    """A parquet file's table as csv in UTF-8. Raises DataError."""
    try:
        arrow: Any = import_module("pyarrow")
        options: Any = import_module("pyarrow.csv").WriteOptions(quoting_style="needed")
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError as error:
        raise DataError("parquet needs pyarrow, which is missing: pip install 'ganforge[parquet]'") from error
    out = io.BytesIO()
    try:
        rows = parquet.ParquetFile(path)
        with arrow.csv.CSVWriter(out, rows.schema_arrow, write_options=options) as writer:
            for batch in rows.iter_batches():
                writer.write(batch)
                if out.tell() > _MAX_BYTES:
                    raise DataError(f"it is larger than {_MAX_BYTES >> 20} MiB as csv; give a part of it")
    except (arrow.ArrowException, OSError) as error:
        raise DataError(f"it cannot be read ({str(error).splitlines()[0]})") from None
    return out.getvalue()


@dataclass(eq=False)
class _Column:
    """A column on its way: pieces of numbers, the mark beside them, what is missing and where first."""

    parts: list[np.ndarray] = field(default_factory=list[np.ndarray])
    mark: str | None = None
    missing: int = 0
    gap: tuple[int, str] = (0, "")


class _Numbers:
    """The columns of numbers of a sheet.

    Args:
        sheet: the table.
        asked: columns that are wanted, numbers or not; None takes all that hold numbers.

    Attributes:
        which: the columns.
        n: rows read.
        others: further columns that are not empty, each with one of its cells.
    """

    def __init__(self, sheet: Sheet, chosen: Sequence[int] | None) -> None:
        self.sheet = sheet
        self.which = (
            [i for i, number in enumerate(sheet.numeric) if number] if chosen is None else list(chosen)
        )
        self.n = 0
        self.others: dict[int, str] = {}
        self._columns = {i: _Column() for i in self.which}
        self._gaps = 0  # rows with an empty cell

    def values(self, i: int) -> np.ndarray:
        """``(N,)`` float64."""
        return np.concatenate(self._columns[i].parts)

    def distinct(self, i: int) -> int:
        """How many different numbers a column has in the file; whole ones count with all their digits."""
        numerals = self.sheet.numerals
        cells = (row[i] for _, row in self.sheet.rows())
        return len({int(cell) if cell.isdecimal() else numerals.read(cell) for cell in cells})

    def read(self) -> None:
        """All rows. DataError names the first fault."""
        rows = self.sheet.rows()
        while chunk := list(islice(rows, _CHUNK)):
            for line, row in chunk:
                if len(row) != self.sheet.width:
                    raise DataError(
                        f"line {line}: {len(row)} cells where {self.sheet.width} are expected; mend that line"
                        f" ({self.sheet.parted})"
                    )
            self.n += len(chunk)
            gaps = np.zeros(len(chunk), bool)
            for i in range(self.sheet.width):
                cells = [row[i] for _, row in chunk]
                if i in self._columns:
                    gaps |= self._take(i, cells, chunk)
                elif i not in self.others and any(cells):
                    self.others[i] = next(filter(None, cells))
            self._gaps += int(gaps.sum())
        self._check()

    def _take(self, i: int, cells: list[str], chunk: Sequence[Row]) -> np.ndarray:
        """Append a piece of a column; which of its cells are missing, ``(n,)``."""
        column = self._columns[i]
        gaps = np.zeros(len(cells), bool)
        if not column.mark and (values := _quickly(cells, self.sheet.numerals)) is not None:
            column.mark = ""
            column.parts.append(values)
            return gaps
        values = np.full(len(cells), np.nan)
        for k, (cell, (line, _)) in enumerate(zip(cells, chunk, strict=True)):
            if is_missing(cell):
                gaps[k] = True
                column.gap = column.gap if column.missing else (line, cell)
                column.missing += 1
            else:
                values[k] = self._number(i, cell, line)
        column.parts.append(values)
        return gaps

    def _number(self, i: int, cell: str, line: int) -> float:
        """One cell that is not missing. DataError."""
        column, numerals = self._columns[i], self.sheet.numerals
        where = f"{self.sheet.name(i)}, line {line}"
        number = numerals.read(cell)
        if number is None:
            sign = "point" if numerals.decimal == "." else "comma"
            more = f", the decimal sign is the {sign}: --decimal" if "," in cell or "." in cell else ""
            raise DataError(
                f"{where}: {short(cell)} is not a number; mend it, or leave the column out: --columns"
                f" {self.without(i)} ({self.sheet.parted}{more})"
            )
        if not abs(number) < _LARGEST:
            raise DataError(f"{where}: {short(cell)} is not finite; drop that row")
        mark = mark_of(cell)
        column.mark = mark if column.mark is None else column.mark
        if column.mark != mark:
            raise DataError(
                f"{where}: {short(cell)} is not written as the cells above it; write the whole column alike"
            )
        return number

    def _check(self) -> None:
        """DataError where there is no column of numbers, too few rows, or an empty cell."""
        sheet = self.sheet
        if self.n < 2:
            rows = "1 row" if self.n == 1 else f"{self.n} rows"
            empty = sum(1 for _ in sheet.text.lines()) - sheet.start - self.n
            gone = f", and {empty:,} lines that hold nothing" if empty > 1 else ""
            raise DataError(f"{rows} of data{gone}; a GAN needs many, at least 2 ({sheet.parted})")
        if not self.which:
            others = self.examples_of(self.others)
            raise DataError(f"no column holds numbers, as it is read: {others} ({sheet.parted})")
        for i, column in self._columns.items():
            if column.missing:
                line, cell = column.gap
                what = f"{cell!r} says that a number is missing" if cell else "the cell is empty"
                raise DataError(
                    f"{sheet.name(i)}, line {line}: {what}; so it is in {self._gaps:,} of {self.n:,} rows."
                    f" Fill them, drop those rows, or leave the column out: --columns {self.without(i)}"
                )

    def marks(self, which: Iterable[int]) -> list[str]:
        """Columns whose numbers bear a mark, in words."""
        marks = {i: self._columns[i].mark for i in which}
        words = {"true": "as 1 for TRUE and 0 for FALSE"}
        return [f"{self.sheet.name(i)} {words.get(mark, f'in {mark}')}" for i, mark in marks.items() if mark]

    def without(self, i: int | None = None) -> str:
        """All columns, or all but one, as ``--columns`` takes them."""
        rest = [k for k in self.which if k != i]
        names = [
            (self.sheet.columns[k] or f"column {k + 1}") if self.sheet.columns else str(k + 1) for k in rest
        ]
        if len(names) > 8 or not names:
            return "NAMES"
        return shlex.quote(FOUND.taking(names).columns)

    def examples_of(self, which: Iterable[int]) -> str:
        """Some of the other columns, each with one of its cells."""
        said = [f"{self.sheet.name(i)} ({short(self.others[i])})" for i in which]
        return ", ".join(said[:8]) + (f" and {len(said) - 8} more" if len(said) > 8 else "")


def _quickly(cells: list[str], numerals: Numerals) -> np.ndarray | None:
    """Numbers that numpy can read at once, all finite; None where one must look at each."""
    if numerals.thousands:
        return None
    if numerals.decimal == ",":
        text = "\n".join(cells)
        if "." in text:
            return None
        cells = text.replace(",", ".").split("\n")
    try:
        values = np.array(cells, np.float64)
    except ValueError:
        return None
    return values if (np.abs(values) < _LARGEST).all() else None


def short(cell: str) -> str:
    """A cell for a message."""
    return repr(cell if len(cell) <= 40 else cell[:39] + "…")


def _used(numbers: _Numbers, *, chosen: bool) -> tuple[list[int], list[str]]:
    """The columns that become coordinates, and warnings of the others."""
    sheet, which = numbers.sheet, list(numbers.which)
    warnings: list[str] = []
    for i in [] if chosen else numbers.which:
        if len(which) == 1:
            break
        name = sheet.columns[i] if sheet.columns else None
        said = "the first column, which has no name," if name == "" else sheet.name(i)
        steps = np.diff(numbers.values(i))
        counts = bool(numbers.n >= _COUNTED and (steps == 1).all() and numbers.values(i)[0] in (0, 1))
        if _is_index(name, i, numbers.values(i), counts):
            which.remove(i)
            warnings.append(f"{said} numbers the rows and is not used; --columns {numbers.without()} has it")
        elif counts:
            warnings.append(f"{said} only counts the rows; --columns {numbers.without(i)} leaves it out")
    if chosen:
        others = [
            sheet.name(i)
            for i in range(sheet.width)
            if i not in which and (sheet.numeric[i] or i in numbers.others)
        ]
        if others:
            shown = ", ".join(others[:8]) + (f" and {len(others) - 8} more" if len(others) > 8 else "")
            warnings.append(f"not used: {shown}: --columns asks for others")
        return which, warnings
    if numbers.others:
        others = numbers.examples_of(numbers.others)
        warnings.append(f"not used, since they hold no numbers: {others}; --what rows reads all")
    empty = [i for i in range(sheet.width) if i not in numbers.which and i not in numbers.others]
    named = [
        sheet.name(i) for i in empty if sheet.columns and sheet.columns[i] not in ("", f"column {i + 1}")
    ]
    if named:
        warnings.append(f"not used, since they are empty: {', '.join(named[:8])}")
    return which, warnings


def _is_index(name: str | None, i: int, values: np.ndarray, counts: bool) -> bool:
    """Whether a column numbers the rows: by its name, or by having none."""
    whole = (values == np.floor(values)).all()
    each = len(np.unique(values)) == len(values)
    if name is None:
        return i == 0 and counts
    if name == "":  # over the rows' numbers, or over times at equal distances
        return bool(each and (whole or np.ptp(np.diff(values)) <= 1e-6 * abs(values[1] - values[0])))
    return bool(
        is_counter(name)
        and whole
        and each
        and (counts or name.lower().endswith(("id", "index", "unnamed: 0")))
    )
