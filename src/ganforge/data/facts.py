"""Files of facts about pictures, read with limits: json, json lines, csv and tsv, each to one table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ganforge.data.files import Entry, Listing, UnreadableError

__all__ = ["SUFFIXES", "Cell", "Table", "fact_files", "read_facts"]

SUFFIXES = (".json", ".jsonl", ".csv", ".tsv")
MAX_BYTES = 64 << 20  # of one file
MAX_NESTED = 2_000_000  # lists and mappings in a json file, which take far more memory than text
MAX_QUOTES = 16_000_000
MAX_COMMAS = 8_000_000
MAX_COLUMNS = 4_096
MAX_FILES = 8  # that are looked into
_FILE_WORDS = frozenset({"file", "file_name", "filename", "path", "image", "image_id", "img", "url", "id"})

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
    """

    columns: list[str]
    rows: list[list[Cell]]
    numbers: list[int]
    named: bool = False


def fact_files(listing: Listing) -> list[Entry]:
    """Files that may hold facts, those called captions, metadata or labels first; at most eight."""
    found = [entry for entry in listing.entries if entry.name.lower().endswith(SUFFIXES)]

    def rank(entry: Entry) -> tuple[int, int, str]:
        stem = entry.name.rpartition("/")[2].partition(".")[0].lower()
        known = ("captions", "metadata", "labels", "attributes", "dataset")
        return (known.index(stem) if stem in known else len(known), entry.name.count("/"), entry.name)

    return sorted(found, key=rank)[:MAX_FILES]


def read_facts(listing: Listing, entry: Entry) -> Table:
    """One file as a table.

    Raises:
        UnreadableError: it is too large, damaged, or not of a form that speaks of files.
    """
    if entry.size > MAX_BYTES:
        raise UnreadableError(f"it has {entry.size >> 20:,} MiB, and at most {MAX_BYTES >> 20} are read")
    with listing.open(entry) as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise UnreadableError(f"it is larger than {MAX_BYTES >> 20} MiB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableError("it is not UTF-8 text") from None
    name = entry.name.lower()
    if name.endswith((".csv", ".tsv")):
        return _from_csv(text)
    limits = ((b"[{", MAX_NESTED), (b'"', MAX_QUOTES), (b",", MAX_COMMAS))
    if any(sum(content.count(mark) for mark in marks) > limit for marks, limit in limits):
        raise UnreadableError("it has more values than are read; split it, or save it as csv")
    if name.endswith(".jsonl"):
        return _records([_parse(line) for line in text.splitlines() if line.strip()])
    return _from_json(_parse(text))


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise UnreadableError("it is nested too deeply") from None
    except ValueError as error:  # also numbers of thousands of digits
        raise UnreadableError(f"it is not valid json ({error})") from None


def _from_csv(text: str) -> Table:
    first = next((line for line in text.splitlines() if line.strip()), "")
    # Captions have commas of their own, and hardly ever a tab.
    delimiter = "\t" if "\t" in first else max(",;", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    rows: list[list[Cell]] = []
    numbers: list[int] = []
    try:
        head = [cell.strip() for cell in next((row for row in reader if any(row)), [])]
        if not 2 <= len(head) <= MAX_COLUMNS:
            raise UnreadableError("a table needs a column of files and one more")
        for row in reader:
            if any(row):
                cells: list[Cell] = [cell.strip() for cell in row[: len(head)]]
                rows.append(cells + [""] * (len(head) - len(cells)))
                numbers.append(reader.line_num)
    except csv.Error as error:
        raise UnreadableError(f"it cannot be read as a table ({error})") from None
    return Table(head, rows, numbers)


def _from_json(value: Any) -> Table:
    if isinstance(value, list):
        return _records(value)
    if not isinstance(value, dict):
        raise UnreadableError("it is neither a mapping of files nor a list of records")
    if isinstance(value.get("images"), list) and isinstance(value.get("annotations"), list):
        return _coco(value["images"], value["annotations"])
    pairs = value.get("labels")
    if isinstance(pairs, list) and pairs and all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        return _mapping([(pair[0], pair[1]) for pair in pairs], "class")
    return _mapping(list(value.items()), "class")


def _mapping(items: list[tuple[Any, Any]], single: str) -> Table:
    """File → a text, several texts, a number, or a mapping of those."""
    if not items:
        raise UnreadableError("it is empty")
    plain = [value for _, value in items if isinstance(value, dict)]
    if plain and all(_is_number(number) for record in plain for number in record.values()):
        return _records([{"file": name, **value} for name, value in items if isinstance(value, dict)])
    if all(_is_number(value) for _, value in items):
        rows: list[list[Cell]] = [[str(name), _cell(value)] for name, value in items]
        return Table(["file", single], rows, list(range(1, len(rows) + 1)), named=True)
    rows = [[str(name), tuple(_texts(value))] for name, value in items]
    return Table(["file", "caption"], rows, list(range(1, len(rows) + 1)), named=True)


def _records(records: list[Any]) -> Table:
    """A list of mappings with equal keys."""
    if not records or not all(isinstance(record, dict) for record in records):
        raise UnreadableError("it is no list of records")
    columns = list(dict.fromkeys(str(key) for record in records for key in record))
    if len(columns) > MAX_COLUMNS:
        raise UnreadableError(f"it has {len(columns):,} columns, more than {MAX_COLUMNS:,}")
    rows = [[_cell(record.get(column, "")) for column in columns] for record in records]
    return Table(columns, rows, list(range(1, len(rows) + 1)), named="file" in columns[:1])


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
        raise UnreadableError("its annotations are no captions")
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
            if isinstance(item, (str, list)) and str(key).lower() not in _FILE_WORDS:
                yield from _texts(item)
