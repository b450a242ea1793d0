"""How a table's file is written, so that made rows are written alike."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

from ganforge.codecs.rows.column import Column
from ganforge.core.fields import listed, mapping, only, text
from ganforge.data.sheet import Sheet

__all__ = ["Layout", "layout_of", "styled"]

_SAMPLE = 2_000  # lines that the style is found from
_ENCODINGS = ("utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32")


@dataclass(frozen=True)
class Layout:
    """The style of a file.

    Attributes:
        separator: between cells; empty where there is one column.
        head: the lines with the names, as they stand in the file.
        end: of a line.
        encoding: Python's name of it.
    """

    separator: str = ","
    head: tuple[str, ...] = ()
    end: str = "\n"
    encoding: str = "utf-8"

    def lines(self, columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> Iterator[str]:
        """The file's lines with their ends: its head, and rows of ``cells``, a list for each column."""
        for line in self.head:
            yield line + self.end
        written = [
            [column.prefix + self._quoted(cell, column.quoted) for cell in one]
            for column, one in zip(columns, cells, strict=True)
        ]
        for row in zip(*written, strict=True):
            yield self.separator.join(row) + self.end

    def _quoted(self, cell: str, always: bool) -> str:
        needs = always or '"' in cell or "\n" in cell or "\r" in cell
        if needs or (self.separator and self.separator in cell):
            return '"' + cell.replace('"', '""') + '"'
        return cell

    def file(self, columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> bytes:
        """The whole file."""
        return "".join(self.lines(columns, cells)).encode(self.encoding, "replace")

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "head": list(self.head)}

    @classmethod
    def from_json(cls, fields: Any, where: str = "layout") -> Layout:
        """The inverse of :meth:`to_json`, on plain data of unknown origin. Raises ValueError, TypeError."""
        fields = mapping(fields, where)
        only(fields, ["separator", "head", "end", "encoding"], where)
        encoding = text(fields["encoding"], f"{where}.encoding")
        if encoding not in _ENCODINGS:
            raise ValueError(f"{where}.encoding is {encoding!r}; it can be {', '.join(_ENCODINGS)}")
        head = listed(fields["head"], f"{where}.head", 10)
        return cls(
            text(fields["separator"], f"{where}.separator", 1),
            tuple(text(line, f"{where}.head", 10_000_000) for line in head),
            text(fields["end"], f"{where}.end", 2),
            encoding,
        )


def layout_of(sheet: Sheet, names_rows: int) -> Layout:
    """The style of an opened table, of whose first lines ``names_rows`` hold names."""
    lines = list(islice(sheet.text.lines(), sheet.start))
    head = tuple(lines[len(lines) - names_rows :]) if names_rows else ()
    carriage = b"\r\x00\n" if sheet.text.encoding.startswith("utf-16") else b"\r\n"
    end = "\r\n" if carriage in sheet.text.content[: 1 << 20] else "\n"
    return Layout(sheet.separator, head, end, sheet.text.encoding)


def styled(columns: Sequence[Column], sheet: Sheet) -> tuple[Column, ...]:
    """Columns with the spaces and quotes that stand around most of their cells."""
    if not sheet.separator:
        return tuple(columns)
    lines = list(islice(sheet.text.lines(), sheet.start, sheet.start + _SAMPLE))
    found: list[list[str]] = []
    for line in lines:
        # A line is taken apart as it stands; one with a separator inside of quotes says nothing of style.
        cells = line.split(sheet.separator)
        if len(cells) == sheet.width and len(next(csv.reader([line], delimiter=sheet.separator))) == len(
            cells
        ):
            found.append(cells)
    if not found:
        return tuple(columns)
    styled_columns: list[Column] = []
    for i, column in enumerate(columns):
        cells = [row[i] for row in found]
        spaces = [re.match(r" *", cell)[0] for cell in cells]  # pyright: ignore[reportOptionalSubscript]
        prefix = max(set(spaces), key=spaces.count)
        quoted = sum(cell.strip().startswith('"') for cell in cells)
        filled = sum(bool(cell.strip()) for cell in cells)
        styled_columns.append(
            replace(column, prefix=prefix, quoted=column.kind != "constant" and 0 < quoted >= 0.9 * filled)
        )
    return tuple(styled_columns)
