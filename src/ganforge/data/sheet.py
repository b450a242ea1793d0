"""Tables of text, whoever wrote them: encoding, separator, numerals and names are found and reported."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from ganforge.core.errors import DataError
from ganforge.core.recipe import TableFormat
from ganforge.data.header import column_names, count_names, numeric_columns
from ganforge.data.numerals import Numerals, find_numerals, is_missing, looks_like_number
from ganforge.data.text import Text

__all__ = ["Row", "Sheet", "open_sheet"]

Row = tuple[int, list[str]]
"""The number of a row's last line, as an editor shows it, and the row's cells."""

_SAMPLE = 2_000  # rows that all is found from
_SIGNS = (",", ";", "\t", "|")  # that part columns; spaces where none of these does
_REMARK = re.compile(r"\s*(?:#|%|//|!)")
_ABOVE = 40  # lines above a table at most
_SURE = 0.8  # share of the rows that a sign parts alike, for it to be the separator without doubt
_NAMES = {"\t": "tabs", " ": "spaces"}


@dataclass(frozen=True, eq=False)
class Sheet:
    """A table of text, taken apart.

    Attributes:
        text: the whole file.
        separator: what parts the columns; empty where there is one column.
        numerals: how its numbers are written.
        columns: the columns' names, each once; empty where there is no row of names.
        sure: whether the rows of names are names for certain; they are not where no column holds numbers.
        first: the row of names as it stands there, where that is not sure.
        numbered: whether the first column has no name, as programs write the numbers of rows.
        width: how many cells a row has.
        start: lines up to the first row of data.
        numeric: whether each column holds numbers.
        said: how it was read, for a report.
        warnings: what was not used, or could be read in another way.
    """

    text: Text
    separator: str
    numerals: Numerals
    columns: tuple[str, ...]
    sure: bool
    first: list[str]
    numbered: bool
    width: int
    start: int
    numeric: tuple[bool, ...]
    words: str
    warnings: tuple[str, ...]

    @property
    def parted(self) -> str:
        """The separator for the end of an error, and how to say another one."""
        if not self.separator:
            return "it is read as one column; --separator names the sign that parts more"
        return f"columns are parted by {_name_of(self.separator)}; --separator names another sign"

    def name(self, i: int) -> str:
        """``column 'age'`` or ``column 3``."""
        return f"column {self.columns[i]!r}" if self.columns and self.columns[i] else f"column {i + 1}"

    def rows(self) -> Iterator[Row]:
        """The rows of data, without remarks between them; a faulty one is shorter or longer than ``width``.

        Raises DataError.
        """
        for line, cells in _rows(self.text, self.separator, self.start):
            if self.width < len(cells) and not any(cells[self.width :]):
                cells = cells[: self.width]  # its line ends in separators
            if self.numeric[0] and _is_remark(cells):
                continue
            yield line, cells


def _is_remark(cells: Sequence[str]) -> bool:
    """Whether a row of numbers is none: ``# pause``, but not ``#N/A``."""
    return cells[0].startswith("#") and not is_missing(cells[0])


def _name_of(separator: str) -> str:
    return _NAMES.get(separator, repr(separator))


def open_sheet(text: Text, wish: TableFormat) -> Sheet:
    """Find out how a table is written.

    Raises:
        DataError: it is empty, or its columns cannot be told apart. The file's name is the caller's to add.
    """
    lines = list(islice(text.lines(), _SAMPLE))
    declared = re.fullmatch(r'\s*"?sep=(.)"?[;,\s]*', lines[0]) if lines else None
    first = 1 if declared else 0  # Excel's own way to say it
    if not any(line.strip() for line in lines[first:]):
        raise DataError("it is empty")
    if re.match(r'\s*(?:\[?\s*\{\s*["}]|\[\s*\[)', "".join(lines[:3])):
        raise DataError("it is JSON, not a table; save its rows as csv")
    separator = wish.sign or (declared[1] if declared else "")
    separator = separator or _separator([line for line in lines[first:] if line.strip()])
    rows = list(islice(_rows(text, separator, first), _SAMPLE))
    if not rows:
        raise DataError("it is empty")
    top, width = _table(rows, separator)
    above, rows = rows[:top], rows[top:]
    cells = [row for _, row in rows]
    numeric = numeric_columns(cells, width)
    sample = [[row[i] for row in cells[1:] or cells if i < len(row)] for i in range(width) if numeric[i]]
    numerals = find_numerals(sample, separator, wish.point)
    if len(cells[0]) == width - 1 and _numbers_rows(rows[1:]):  # R writes no name over the rows' numbers
        cells[0] = ["", *cells[0]]
    head = count_names(cells, numeric, numerals)
    count, sure = (head.rows, head.sure) if wish.header is None else (min(wish.header, len(cells)), True)
    for line, row in [(rows[k][0], cells[k]) for k in range(count)]:
        if len(row) < width or any(row[width:]):
            parted = f"columns are parted by {_name_of(separator)}; --separator names another sign"
            raise DataError(f"line {line}: {len(row)} names over {width} columns; mend that line ({parted})")
    names, warnings = column_names(cells[:count], width)
    remark = _names_in(above[-1][1], separator, width) if above and not count else []
    if remark:  # numpy writes names as a remark
        names, warnings = column_names([remark], width)
    start = rows[count - 1][0] if count else above[-1][0] if above else first
    where = f"lines {rows[0][0]} to {start}" if count > 1 else f"line {start}"
    said = [
        f"columns parted by {_name_of(separator)}" if separator else "one column",
        numerals.words(),
        text.words,
    ]
    said.append(f"names in {where}" if count or remark else "no row of names")
    warnings += [text.warning, numerals.warning, head.warning if wish.header is None else ""]
    warnings += [f"line {line} is above the table, and not read: {_short(row)}" for line, row in _odd(above)]
    remarks = [(line, row) for line, row in rows[count:] if numeric[0] and _is_remark(row)]
    if remarks:
        line, row = remarks[0]
        warnings.append(
            f"{len(remarks):,} of the first {len(rows):,} rows begin with # and are not read, as remarks"
            f" (line {line}: {_short(row)})"
        )
    return Sheet(
        text,
        separator,
        numerals,
        names if count or remark else (),
        sure,
        [] if sure or not count else cells[0],
        bool(count) and not names[0],
        width,
        start,
        numeric,
        ", ".join(words for words in said if words),
        tuple(words for words in warnings if words),
    )


def _rows(text: Text, separator: str, skip: int) -> Iterator[Row]:
    """Rows that are not blank, of all lines but the first ``skip``. Raises DataError."""
    quotes = 0

    def feed() -> Iterator[str]:
        nonlocal quotes
        for line in islice(text.lines(), skip, None):
            quotes += line.count('"')
            yield (re.sub(r"[ \t]+", " ", line.strip()) if separator == " " else line) + "\n"

    # One column is read as if a sign parted it that no text has.
    reader = csv.reader(feed(), delimiter=separator or "\x1f", skipinitialspace=True)
    last = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(f"line {skip + reader.line_num} cannot be read as a row ({error})") from None
        if quotes % 2 and any("\n" in cell for cell in cells):
            raise DataError(
                f"line {skip + last + 1}: a double quote is opened and not closed; mend that line"
            )
        quotes, last = 0, reader.line_num
        cells = [cell.strip() for cell in cells]
        if any(cells):
            yield skip + last, cells


# --- what parts the columns ---


def _separator(lines: Sequence[str]) -> str:
    """The sign that parts the lines into as many columns each; empty where there is one column.

    Raises:
        DataError: there are several columns, and commas may be decimal or part them.
    """
    table = [line for line in lines if not _REMARK.match(line)] or list(lines)
    best, sure = "", 0.0
    ranked: list[tuple[float, int, str]] = []
    for sign in (*_SIGNS, " "):
        if sign == " " and sure >= _SURE:
            break
        share, numbers, width, named = _parting(table, sign)
        if width < 2 or (sign == " " and (share < _SURE or numbers < 0.3)):
            continue
        first = min((line.find(sign) for line in table[:50] if sign in line), default=0)
        # Decimal commas part rows alike, too, but not the row of names.
        ranked.append((share * (1 + numbers) * (1.5 if named else 1.0), -first, sign))
        sure = max(sure, share)
    if ranked:
        best = max(ranked)[2]
    return _with_decimal_commas(table) if best == "," else best


def _parting(lines: Sequence[str], sign: str) -> tuple[float, float, int, bool]:
    """Share of the lines that ``sign`` parts alike, share of the cells that may be numbers, the width, and
    whether the first line has as many cells."""
    if not any(sign in line for line in lines):
        return 0.0, 0.0, 1, False
    text = Text("\n".join(lines).encode("utf-8", "replace"), "utf-8")
    try:
        rows = [row for _, row in _rows(text, sign, 0)]
    except DataError:  # a quote that is not closed: reading says so
        rows = [line.split(sign) for line in lines]
    if not rows:  # nothing but separators
        return 0.0, 0.0, 1, False
    width = _width(rows)
    body = rows[1:] or rows
    fit = sum(len(row) == width or (len(row) > width and not any(row[width:])) for row in rows) / len(rows)
    if fit < _SURE and len(rows[0]) > 1:  # text with the sign in it, not in quotes
        width = len(rows[0])
        fit = 0.9 * sum(len(row) >= width for row in rows) / len(rows)
    cells = [cell for row in body for cell in row]
    numbers = sum(looks_like_number(cell) or is_missing(cell) for cell in cells) / max(1, len(cells))
    return fit, numbers, width, len(rows[0]) == width


def _width(rows: Sequence[Sequence[str]]) -> int:
    """How many cells most rows have; empty ones at the end of every row do not count."""
    body = rows[1:] or rows
    width = Counter(len(row) for row in body).most_common(1)[0][0]
    while width > 1 and all(len(row) < width or not row[width - 1] for row in rows):
        width -= 1
    return width


def _with_decimal_commas(lines: Sequence[str]) -> str:
    """The comma, or nothing where it is decimal in a single column: 5,126 over 5,026.

    No whole number begins with 0, so a second part that does is a fraction.
    """
    rows = [row for _, row in _rows(Text("\n".join(lines).encode("utf-8", "replace"), "utf-8"), ",", 0)]
    words = not all(re.fullmatch(r"-?\d+", cell) for cell in rows[0])
    head = rows[0] if words or len(rows[0]) < len(rows[-1]) else []
    body = rows[1:] if head else rows
    width = len(body[0]) if body else 0
    if width < 2 or width % 2 or not all(len(row) == width for row in body):
        return ","
    if not all(
        re.fullmatch(r"-?\d+" if i % 2 == 0 else r"\d+", cell) for row in body for i, cell in enumerate(row)
    ):
        return ","
    fractions = [row[i] for row in body for i in range(1, width, 2)]
    padded = any(len(cell) > 1 and cell.startswith("0") for cell in fractions)
    whole = any(
        len(row[i].lstrip("-")) > 1 and row[i].lstrip("-")[0] == "0"
        for row in body
        for i in range(0, width, 2)
    )
    if len(head) == width or (not head and whole):
        return ","
    if len(head) == width // 2 or padded:
        if width == 2:
            return ""
        raise DataError(
            f"commas part its columns and are decimal, as in {','.join(body[0])}: save it with semicolons"
            " between the columns, or say --separator comma"
        )
    alike = len({len(cell) for cell in fractions}) == 1
    long = len(fractions[0]) > 1 or any(len(row[0]) > 1 for row in body)  # 1,2 over 3,4 is a table
    if width == 2 and alike and long:
        raise DataError(
            f"{','.join(body[0])} may be one number with a decimal comma, or two numbers: say which,"
            " --decimal comma or --separator comma"
        )
    return ","


# --- what stands above the table ---


def _table(rows: Sequence[Row], separator: str) -> tuple[int, int]:
    """How many rows stand above the table, and how wide it is. Raises DataError."""
    plain = [row for _, row in rows if not _REMARK.match(row[0])]
    if len(plain) < len(rows) / 2:  # then # is no mark of remarks
        plain = [row for _, row in rows]
    width = _width(plain)
    fit = sum(len(row) == width or (len(row) > width and not any(row[width:])) for row in plain)
    if (
        fit < _SURE * len(plain)
        and len(plain[0]) > 1
        and sum(len(row) >= len(plain[0]) for row in plain) > fit
    ):
        width = len(plain[0])
    if _is_text(plain, width):
        width = len(plain[0])
    top = 0
    remarks = len(plain) < len(rows)
    while top < min(_ABOVE, len(rows) - 1) and _is_above(rows[top][1], rows[top + 1 :], width, remarks):
        top += 1
    return top, width


def _is_text(rows: Sequence[Sequence[str]], width: int) -> bool:
    """Whether the last column that has a name is text, with the separator in it: file,caption over a,b, c."""
    names = rows[0]
    if not 2 <= len(names) < width or any(looks_like_number(name) or not name for name in names):
        return False
    rest = [cell for row in rows[1:] for cell in row[len(names) - 1 :]]
    return sum(looks_like_number(cell) for cell in rest) < 0.5 * len(rest)


def _is_above(row: Sequence[str], below: Sequence[Row], width: int, remarks: bool) -> bool:
    """Whether a row is no part of the table under it: a remark, a title, a line about the file."""
    if remarks and _REMARK.match(row[0]):
        return True
    filled = [cell for cell in row if cell]
    if width == 1 or len(row) > width:
        return False
    if len(row) == width - 1 and _numbers_rows(below):
        return False
    if len(row) == width - 1 > 1 and not _are_names(below[0][1], width):
        return False
    if len(row) < width:
        return len(filled) == 1 or not all(looks_like_number(cell) for cell in filled)
    return len(filled) == 1 and width > 2 and not looks_like_number(filled[0]) and bool(row[0])


def _are_names(row: Sequence[str], width: int) -> bool:
    return len(row) == width and any(row) and not any(map(looks_like_number, row))


def _numbers_rows(rows: Sequence[Row]) -> bool:
    """Whether the first cells are names or numbers of rows: words, each another one, or 1, 2, 3, …"""
    first = [row[0] for _, row in rows]
    if len(first) < 2 or len(set(first)) < len(first):
        return False
    if all(cell.isdecimal() for cell in first):
        return [int(cell) - int(first[0]) for cell in first] == list(range(len(first)))
    return not any(looks_like_number(cell) for cell in first)


def _names_in(row: Sequence[str], separator: str, width: int) -> list[str]:
    """The columns' names in a remark right above a table without names: ``# a,b,c``."""
    if not _REMARK.match(row[0]):
        return []
    names = [_REMARK.sub("", row[0]).strip(), *row[1:]]
    if separator == " " and not names[0]:
        names = names[1:]
    return names if len(names) == width and not any(looks_like_number(name) for name in names) else []


def _odd(above: Sequence[Row]) -> list[Row]:
    """Rows above a table that are no remarks; what lies there and is not used is named."""
    return [(line, row) for line, row in above if not _REMARK.match(row[0])]


def _short(row: Sequence[str]) -> str:
    words = " ".join(" ".join(cell for cell in row if cell).split())
    return repr(words if len(words) <= 60 else words[:59] + "…")
