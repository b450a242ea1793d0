"""Files of facts about pictures, read with limits: json, json lines, csv and tsv, each to one table."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from ganforge.core.errors import DataError
from ganforge.core.recipe import FOUND, TableFormat
from ganforge.data.files import Entry, Listing, UnreadableError, printable
from ganforge.data.sheet import Sheet, open_sheet
from ganforge.data.text import read_text

__all__ = ["CAPTIONS", "SUFFIXES", "Cell", "Table", "caption_files", "fact_files", "is_captions", "is_known"]
__all__ += ["names_files", "read_captions", "read_facts"]

SUFFIXES = (".json", ".jsonl", ".csv", ".tsv")
MAX_BYTES = 64 << 20  # of one file
CAPTIONS = (".txt", ".caption")
_MAX_CAPTIONS = 1 << 20  # bytes of one file beside a picture
MAX_NESTED = 2_000_000  # lists and mappings in a json file, which take far more memory than text
MAX_QUOTES = 16_000_000
MAX_COMMAS = 8_000_000
MAX_COLUMNS = 4_096
MAX_FILES = 8  # that are looked into
_FILE = re.compile(
    r"|#|.*(?:file|path|image|img|photo|picture|pic|frame|sample|url|uri).*"
    r"|(?:.*[\W_])?(?:id|idx|index|no\.?|nr\.?|num|number|key|uid|uuid|name|item)|.*[a-z]I[dD]"
)
_KNOWN = ("captions", "metadata", "labels", "attributes", "dataset")

Cell = str | tuple[str, ...]
"""One value: as text, or several captions."""


@dataclass(frozen=True, eq=False)
class Table:
    """Facts as rows.

    Attributes:
        columns: names; the first may be that of the files.
        rows: ``len(columns)`` cells each; empty where nothing is said.
        numbers: the row's number in the file, as an editor shows it.
        named: whether the first column names the files for certain.
        unit: what ``numbers`` count: line or record.
        first: the row that the names are from, where they may be facts themselves, and its number.
        said: how the file was read; empty where there is one way only.
        warnings: what was not used, or could be read in another way.
    """

    columns: list[str]
    rows: list[list[Cell]]
    numbers: list[int]
    named: bool = False
    unit: str = "record"
    first: tuple[int, list[Cell]] | None = None
    words: str = ""
    warnings: tuple[str, ...] = ()


def is_captions(name: str) -> bool:
    """Whether a file is there to hold captions: ``captions.json``."""
    return name.rpartition("/")[2].lower() == "captions.json"


def is_known(name: str) -> bool:
    """Whether a file is called as those are that speak of pictures: labels.csv, metadata.jsonl, …"""
    return _stem(name) in _KNOWN


def names_files(column: str) -> bool:
    """Whether a column is called as one is that says which picture a row is of."""
    return _FILE.fullmatch(column.strip()) is not None or _FILE.fullmatch(column.strip().lower()) is not None


def fact_files(listing: Listing) -> list[Entry]:
    """Files that may hold facts, those called captions, metadata or labels first."""
    found = [entry for entry in listing.entries if entry.name.lower().endswith(SUFFIXES)]

    def rank(entry: Entry) -> tuple[int, int, str]:
        stem = _stem(entry.name)
        known = _KNOWN.index(stem) if stem in _KNOWN else len(_KNOWN)
        return (known, entry.name.count("/"), entry.name)

    return sorted(found, key=rank)


def caption_files(listing: Listing, names: Collection[str]) -> dict[str, Entry]:
    """Example to the text that lies beside it under its name: ``a/b.png`` and ``a/b.txt``."""
    stems = {os.path.splitext(name)[0]: name for name in names} | {name: name for name in names}
    found: dict[str, Entry] = {}
    for entry in listing.entries:
        stem, suffix = os.path.splitext(printable(entry.name))
        if suffix.lower() in CAPTIONS and stem in stems and printable(entry.name) not in names:
            found.setdefault(stems[stem], entry)
    return found


def read_captions(listing: Listing, entry: Entry) -> tuple[str, ...]:
    """The lines of a text, one caption each; none of a file without words, as of boxes in numbers.

    Raises:
        UnreadableError: it is too large, or no text.
    """
    if entry.size > _MAX_CAPTIONS:
        raise UnreadableError(f"it has {entry.size:,} bytes, and at most {_MAX_CAPTIONS:,} are read")
    with listing.open(entry) as file:
        content = file.read(_MAX_CAPTIONS)
    try:
        lines = [line.strip() for line in read_text(content).lines()]
    except DataError as error:
        raise UnreadableError(str(error)) from None
    return tuple(line for line in lines if any(letter.isalpha() for letter in line))


def _stem(name: str) -> str:
    return name.rpartition("/")[2].partition(".")[0].lower()


def read_facts(listing: Listing, entry: Entry, wish: TableFormat = FOUND) -> Table:
    """One file as a table.

    Args:
        wish: how csv files are read.

    Raises:
        UnreadableError: it is too large, damaged, or not of a form that speaks of files.
    """
    if entry.size > MAX_BYTES:
        raise UnreadableError(f"it has {entry.size >> 20:,} MiB, and at most {MAX_BYTES >> 20} are read")
    with listing.open(entry) as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise UnreadableError(f"it is larger than {MAX_BYTES >> 20} MiB")
    name = entry.name.lower()
    try:
        text = read_text(content)
        if name.endswith((".csv", ".tsv")):
            return _from_sheet(open_sheet(text, wish))
    except DataError as error:
        raise UnreadableError(str(error)) from None
    whole = text.whole()
    limits = (("[{", MAX_NESTED), ('"', MAX_QUOTES), (",", MAX_COMMAS))
    if any(sum(whole.count(mark) for mark in marks) > limit for marks, limit in limits):
        raise UnreadableError("it has more values than are read; split it, or save it as csv")
    if name.endswith(".jsonl"):
        return _records([_parse(line) for line in whole.split("\n") if line.strip()])
    return _from_json(_parse(whole), _stem(name))


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise UnreadableError("it is nested too deeply") from None
    except ValueError as error:  # also numbers of thousands of digits
        raise UnreadableError(f"it is not valid json ({error})") from None


def _from_sheet(sheet: Sheet) -> Table:
    """Rows of a csv file, their numbers written plainly. DataError, UnreadableError."""
    width = sheet.width
    if not 2 <= width <= MAX_COLUMNS:
        raise UnreadableError(
            f"it has {width:,} column(s), and a table needs one of files and one more, up to {MAX_COLUMNS:,}"
            f" ({sheet.parted})"
        )
    rows: list[list[Cell]] = []
    numbers: list[int] = []
    long: list[int] = []
    for line, row in sheet.rows():
        if len(row) > width:  # text with the separator in it, not in quotes
            long.append(line)
            row = [*row[: width - 1], (sheet.separator or " ").join(row[width - 1 :])]
        row += [""] * (width - len(row))
        rows.append([_plain(cell, sheet) if sheet.numeric[i] else cell for i, cell in enumerate(row)])
        numbers.append(line)
    warnings = list(sheet.warnings)
    if long:
        warnings.append(
            f"{len(long):,} rows have more than {width} cells (line {long[0]}): the rest is taken as part of"
            f" the last one; put texts with {sheet.separator!r} in double quotes"
        )
    columns = list(sheet.columns) or [f"column {i + 1}" for i in range(width)]
    cells: list[Cell] = [*sheet.first]
    first = (sheet.start, cells) if cells else None
    return Table(columns, rows, numbers, False, "line", first, sheet.words, tuple(warnings))


def _plain(cell: str, sheet: Sheet) -> str:
    """A number as Python writes it; digits alone, which may be a file's name, and what is none stay."""
    if cell.isdecimal():
        return cell
    number = sheet.numerals.read(cell)
    return cell if number is None else f"{number:.17g}"


def _from_json(value: Any, stem: str) -> Table:
    if isinstance(value, list):
        return _records(value)
    if not isinstance(value, dict):
        raise UnreadableError("it is neither a mapping of files nor a list of records")
    if isinstance(value.get("images"), list) and isinstance(value.get("annotations"), list):
        return _coco(value["images"], value["annotations"])
    pairs = value.get("labels")  # as StyleGAN's dataset.json has them
    if isinstance(pairs, list) and pairs and all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        return _mapping([(pair[0], pair[1]) for pair in pairs], "class")
    if isinstance(pairs, dict) and len(value) == 1:
        return _mapping(list(pairs.items()), "class")
    return _mapping(list(value.items()), stem)


def _mapping(items: list[tuple[Any, Any]], stem: str) -> Table:
    """File → a text, several texts, a number, a vector of numbers, or a mapping of those.

    ``stem`` says what they are: captions are texts, whatever they are made of.
    """
    if not items:
        raise UnreadableError("it is empty")
    values = [value for _, value in items]
    numbers = list(range(1, len(items) + 1))
    single = {"captions": "caption", "class": "class", "labels": "class", "classes": "class"}.get(
        stem, "value"
    )
    if all(_is_number(value) for value in values):
        if single == "class" and not all(isinstance(value, int) or value.is_integer() for value in values):
            single = "value"
        return Table(
            ["file", single], [[str(name), _cell(value)] for name, value in items], numbers, named=True
        )
    if all(isinstance(value, list) and value and all(map(_is_number, value)) for value in values):
        return _vectors(items)
    records = [{"file": name, **value} for name, value in items if isinstance(value, dict)]
    flat = all(_is_number(number) for record in records for name, number in record.items() if name != "file")
    if records and (flat or (len(records) == len(items) and stem != "captions")):
        return _records(records)
    rows: list[list[Cell]] = [[str(name), _one(tuple(_texts(value)))] for name, value in items]
    return Table(["file", single], rows, numbers, named=True)


def _one(texts: tuple[str, ...]) -> Cell:
    return texts[0] if len(texts) == 1 else texts


def _vectors(items: list[tuple[Any, Any]]) -> Table:
    """File → a vector: the class that is 1 where all else is 0, or a column for each number."""
    widths = {len(value) for _, value in items}
    if len(widths) > 1 or max(widths) > MAX_COLUMNS - 1:
        raise UnreadableError(
            f"its vectors have {min(widths):,} to {max(widths):,} numbers; they must be alike"
        )
    width, numbers = widths.pop(), list(range(1, len(items) + 1))
    rows: list[list[Cell]]
    if width > 1 and all(sorted(value) == [0] * (width - 1) + [1] for _, value in items):
        rows = [[str(name), str(list(value).index(1))] for name, value in items]
        return Table(["file", "class"], rows, numbers, named=True)
    rows = [[str(name), *map(_cell, value)] for name, value in items]
    return Table(["file", *map(str, range(width))], rows, numbers, named=True)


def _records(records: list[Any]) -> Table:
    """A list of mappings with equal keys; a mapping within one becomes columns ``name.key``."""
    if not records or not all(isinstance(record, dict) for record in records):
        raise UnreadableError("it is no list of records")
    flat = [dict(_flat(record)) for record in records]
    columns = list(dict.fromkeys(key for record in flat for key in record))
    if len(columns) > MAX_COLUMNS:
        raise UnreadableError(f"it has {len(columns):,} columns, more than {MAX_COLUMNS:,}")
    rows = [[_cell(record.get(column, "")) for column in columns] for record in flat]
    return Table(columns, rows, list(range(1, len(rows) + 1)), named="file" in columns[:1])


def _flat(record: dict[Any, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in record.items():
        if isinstance(value, dict) and above.count(".") < 3:
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _coco(images: list[Any], annotations: list[Any]) -> Table:
    """Captions as COCO keeps them (Chen et al. 2015): files in one list, captions by number in another."""
    names = {str(i.get("id")): str(i.get("file_name")) for i in images if isinstance(i, dict)}
    rows: list[list[Cell]] = []
    for found in annotations:
        if isinstance(found, dict) and isinstance(found.get("caption"), str):
            name = names.get(str(found.get("image_id")))
            if name is not None:
                rows.append([name, found["caption"]])
    if not rows:
        said = "its annotations are no captions; for classes: a csv with columns file and class beside them"
        raise UnreadableError(said)
    return Table(["file", "caption"], rows, list(range(1, len(rows) + 1)), named=True)


def _is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float))


def _cell(value: Any) -> Cell:
    """A json value as text; lists and mappings of texts as several; what is neither says nothing."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return value.strip()
    return tuple(_texts(value))


def _texts(value: Any) -> Iterator[str]:
    """The texts of a text, a list of texts, or a mapping of either, such as a name and keywords."""
    if isinstance(value, str):
        if value.strip():
            yield value.strip()
    elif isinstance(value, list):
        yield from (item.strip() for item in value if isinstance(item, str) and item.strip())
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, (str, list)) and (str(key).lower() == "name" or not names_files(str(key))):
                yield from _texts(item)
