"""Tables of numbers: .csv and .tsv, gzipped or not. Each row is a point."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from itertools import islice
from pathlib import Path

import numpy as np

from ganforge.core.errors import DataError
from ganforge.data.precision import as_points
from ganforge.data.raw import Raw

__all__ = ["read_table"]

_MAX_BYTES = 4 << 30
_MAX_RATIO = 200
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def read_table(path: Path) -> Raw:
    """Read a table; a first row that is no row of numbers names the columns.

    Raises:
        DataError: a cell is empty or no number (its column and row are named), rows differ in length,
            or the table has fewer than two rows.
    """
    text = _text(path)
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=first.count) if any(mark in first for mark in ",;\t") else ","
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        head = [cell.strip() for cell in next((row for row in rows if any(row)), [])]
    except csv.Error as error:
        raise DataError(f"{path} cannot be read as a table ({error}); save it as plain csv") from None
    if not head:
        raise DataError(f"{path} is empty; a table needs at least 2 rows of numbers")
    named = not all(_is_number(cell) for cell in head)
    skip = 1 if named else 0
    columns = tuple(head) if named else ()
    if not _after_lines(text, skip).strip():
        raise DataError(f"{path} has 0 row(s) of numbers; a GAN needs many, at least 2")
    try:
        # numpy's own reader is the fast path; it names neither column nor row when it fails.
        values = np.loadtxt(
            io.StringIO(_after_lines(text, skip)),
            np.float64,
            comments=None,
            delimiter=delimiter,
            quotechar='"',
            ndmin=2,
        )
    except ValueError as error:
        raise DataError(_fault(path, text, delimiter, columns, len(head), skip, str(error))) from None
    if len(values) < 2:
        raise DataError(f"{path} has {len(values)} row(s) of numbers; a GAN needs many, at least 2")
    if values.shape[1] != len(head) or not (np.abs(values) < 3e38).all():
        raise DataError(_fault(path, text, delimiter, columns, len(head), skip, "rows differ in length"))

    def distinct(column: int) -> int:
        cells = (
            row[column] for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(row)
        )
        return len({_exact(cell) for cell in islice(cells, skip, None)})

    points = as_points(values, path, columns, distinct)
    return Raw(
        kind="points",
        form="table",
        values=points,
        shape=points.shape[1:],
        columns=columns,
        modes={"float64": len(points)},
    )


def _text(path: Path) -> str:
    """The whole file. DataError where it is no text, or unpacks beyond measure."""
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        limit = min(_MAX_BYTES, max(64 << 20, _MAX_RATIO * path.stat().st_size)) if packed else _MAX_BYTES
        with gzip.open(path) if packed else open(path, "rb") as file:
            content = file.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error})") from None
    if len(content) > limit:
        raise DataError(f"{path} is larger than {limit >> 20} MiB unpacked; give a part of it")
    try:
        text = content.decode("utf-8-sig")
        odd = _CONTROLS.search(text)
        if odd is not None:  # which numpy would take for a space between numbers
            line = text.count("\n", 0, odd.start()) + 1
            raise DataError(f"{path}, line {line}: it has the control character {odd[0]!r}; mend that line")
        return text
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text ({error.reason}); save it as csv in UTF-8") from None


def _after_lines(text: str, skip: int) -> str:
    """``text`` without its first ``skip`` lines that are not blank."""
    start = 0
    while skip:
        end = text.find("\n", start)
        if end < 0:
            return ""
        skip -= bool(text[start:end].strip())
        start = end + 1
    return text[start:]


def _exact(cell: str) -> int | float:
    """A cell's number; whole ones have all their digits."""
    try:
        return int(cell)
    except ValueError:
        return float(cell)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _fault(
    path: Path, text: str, delimiter: str, columns: tuple[str, ...], width: int, skip: int, error: str
) -> str:
    """The first fault in words; rows are counted from 1, with the header."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in islice(rows, skip, None):
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != width:
                return (
                    f"{path}, row {rows.line_num}: {len(row)} cells where {width} are expected; mend that row"
                )
            for i, cell in enumerate(row):
                column = f"column {columns[i]!r}" if columns else f"column {i + 1}"
                if not cell.strip():
                    return (
                        f"{path}, {column}, row {rows.line_num}: the cell is empty; fill it or drop the row"
                    )
                if not _is_number(cell):
                    return (
                        f"{path}, {column}, row {rows.line_num}: {cell.strip()!r} is not a number;"
                        " keep columns of numbers only"
                    )
                if not abs(float(cell)) < 3e38:
                    return (
                        f"{path}, {column}, row {rows.line_num}: {cell.strip()} is not finite; drop that row"
                    )
    except csv.Error as fault:  # a quote without its end, a cell of more than 128 KiB
        return f"{path}, row {rows.line_num}: {fault}; look for a quote without its end, or for a long text"
    return f"{path} cannot be read as a table of numbers ({error})"
