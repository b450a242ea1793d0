"""Pictures in shards: tables of Parquet and folders of `datasets` (Hugging Face), and tars of WebDataset.

A folder of shards is listed as if its pictures lay in one folder; what else a row says becomes a file
`metadata.csv` beside them, which is read as any other.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from ganforge.core.errors import DataError
from ganforge.data.files import MAX_FILE, Entry, Listing, UnreadableError, printable
from ganforge.data.tars import list_tar

__all__ = ["holds_pictures", "list_shards", "of_tars", "shards_in"]

_TABLES = (".parquet", ".arrow")
_TARS = (".tar",)
_BESIDE = ("readme.md", "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")
_SPLIT = re.compile(r"(?:.*/)?(train|test|validation|valid|val|dev)(?:[-_./].*)?", re.IGNORECASE)
_KEPT = 2  # groups of rows in memory: pictures are read in their order
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"GIF8", b"BM", b"II*\0", b"MM\0*")
_FACTS = "metadata.csv"


def shards_in(path: Path) -> list[Path]:
    """The shards of a folder that holds nothing else, those for training where there are several parts."""
    if not path.is_dir():
        return [path] if path.suffix.lower() in _TABLES else []
    shards: list[Path] = []
    kinds: set[str] = set()
    for where, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if name.startswith(".") or name.lower() in _BESIDE:
                continue
            kinds.add(os.path.splitext(name)[1].lower())
            if len(kinds) > 1 or not kinds <= {*_TABLES, *_TARS}:
                return []  # at the first of another kind: there may be millions
            shards.append(Path(where, name))
    return [file for file in sorted(shards) if _part(path, file) in ("", "train")] or sorted(shards)


def _part(path: Path, file: Path) -> str:
    found = _SPLIT.fullmatch(file.relative_to(path).as_posix())
    return found[1].lower() if found else ""


def _left(path: Path, shards: Sequence[Path]) -> list[str]:
    """Parts of a folder that are not read."""
    if not path.is_dir():
        return []
    every = {_part(path, file) for suffix in (*_TABLES, *_TARS) for file in path.rglob(f"*{suffix}")}
    return sorted(every - {_part(path, file) for file in shards} - {""})


@dataclass(frozen=True, eq=False)
class _Shard:
    """One table of rows.

    Attributes:
        groups: where each group of rows begins, and behind the last.
        read: pictures of a group as bytes, or None where there is none.
        facts: what rows say beside the picture, by column.
    """

    path: Path
    groups: list[int]
    read: Callable[[int], list[bytes | None]]
    facts: Callable[[], dict[str, list[str]]]


def holds_pictures(path: Path) -> bool:
    """Whether a table, or a folder of tables or tars, holds pictures in shards."""
    shards = shards_in(path)
    if not shards:
        return False
    if shards[0].suffix.lower() in _TARS:
        return True
    return _open(shards[0]) is not None


def list_shards(path: Path) -> Listing:
    """The pictures of all shards, in their order.

    Raises:
        DataError: pyarrow is missing, a shard is damaged, or has no pictures.
    """
    shards = shards_in(path)
    assert shards
    listing = of_tars(shards) if shards[0].suffix.lower() in _TARS else _of_tables(path, shards)
    left = _left(path, shards)
    warnings = (f"not read: the part {', '.join(left)}; name its folder or file to read it",) if left else ()
    return Listing(listing.entries, listing.skipped, listing.open, listing.notes, warnings)


def of_tars(shards: Sequence[Path]) -> Listing:
    """Tars as WebDataset writes them: ``key.jpg``, ``key.txt``, and a class as a number in ``key.cls``."""
    entries: list[Entry] = []
    places: dict[str, tuple[Listing, Entry]] = {}
    skipped: list[Any] = []
    classes: dict[str, str] = {}
    for shard in shards:
        one = list_tar(shard)
        skipped += one.skipped
        for entry in one.entries:
            name = f"{shard.stem}-{entry.name.replace('/', '-')}"
            if name.endswith(".cls") and entry.size < 256:
                with one.open(entry) as file:
                    classes[name.removesuffix(".cls")] = file.read().decode("utf-8", "replace").strip()
                continue
            entries.append(Entry(name, entry.size, entry.stamp))
            places[name] = one, entry
    pictures = {entry.name.partition(".")[0]: entry.name for entry in entries}
    rows = [(pictures[key], name) for key, name in classes.items() if key in pictures]
    facts = _csv(["file", "class"], rows) if rows else b""

    def open_entry(entry: Entry) -> BinaryIO:
        if entry.name == _FACTS:
            return io.BytesIO(facts)
        listing, own = places[entry.name]
        return listing.open(own)

    stamp = max(entry.stamp for entry in entries) if entries else 0
    more = [Entry(_FACTS, len(facts), stamp)] if facts else []
    notes = (f"tars of samples: {len(shards):,}",)
    return Listing(sorted([*entries, *more]), skipped, open_entry, notes)


def _csv(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()


def _of_tables(path: Path, shards: Sequence[Path]) -> Listing:
    """Rows as files: row 5 of ``train-0.parquet`` is ``train-0-00000005.png``, whatever its format."""
    opened: list[_Shard] = []
    for shard in shards:
        found = _open(shard)
        if found is None:
            raise DataError(f"{printable(shard.name)} of {path} has no column of pictures, as others have")
        opened.append(found)
    entries: list[Entry] = []
    places: dict[str, tuple[int, int, int]] = {}
    columns: dict[str, list[str]] = {}
    for number, shard in enumerate(opened):
        state = shard.path.stat()
        for group, (first, end) in enumerate(zip(shard.groups, shard.groups[1:], strict=False)):
            for row in range(first, end):
                name = f"{shard.path.stem}-{row:08d}.png"
                places[name] = number, group, row - first
                entries.append(Entry(name, 0, state.st_mtime_ns ^ state.st_size))
        for name, values in shard.facts().items():
            columns.setdefault(name, []).extend(values)
    n = len(entries)
    columns = {name: values for name, values in columns.items() if len(values) == n and any(values)}
    facts = _csv(["file", *columns], list(zip((e.name for e in entries), *columns.values(), strict=True)))
    one_at_a_time = threading.Lock()
    kept: OrderedDict[tuple[int, int], list[bytes | None]] = OrderedDict()

    def open_entry(entry: Entry) -> BinaryIO:
        if entry.name == _FACTS:
            return io.BytesIO(facts)
        number, group, row = places[entry.name]
        with one_at_a_time:
            if (number, group) not in kept:
                kept[number, group] = opened[number].read(group)
                while len(kept) > _KEPT:
                    kept.popitem(last=False)
            content = kept[number, group][row]
        if content is None:
            raise UnreadableError("the row holds no picture")
        if len(content) > MAX_FILE:
            raise UnreadableError(f"larger than {MAX_FILE >> 20} MiB")
        return io.BytesIO(content)

    if columns:
        entries.append(Entry(_FACTS, len(facts), max(entry.stamp for entry in entries)))
    kinds = "Parquet" if shards[0].suffix.lower() == ".parquet" else "Arrow"
    notes = (f"rows of tables of {kinds}: {len(shards):,}",)
    return Listing(sorted(entries), [], open_entry, notes)


def _open(path: Path) -> _Shard | None:
    """A table of rows with a picture each; None where it has none. DataError where it cannot be opened."""
    state = path.stat()
    return _opened(path, (state.st_size, state.st_mtime_ns))


@lru_cache(maxsize=64)
def _opened(path: Path, _stamp: tuple[int, int]) -> _Shard | None:
    try:
        arrow: Any = import_module("pyarrow")
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError as error:
        raise DataError(
            f"{path.suffix} needs pyarrow, which is missing: pip install 'ganforge[parquet]'"
        ) from error
    try:
        if path.suffix.lower() == ".parquet":
            file = parquet.ParquetFile(path)
            schema, count = file.schema_arrow, file.metadata.num_row_groups
            starts = [0]
            for group in range(count):
                starts.append(starts[-1] + file.metadata.row_group(group).num_rows)

            def rows(group: int | None, columns: list[str]) -> Any:
                return file.read(columns) if group is None else file.read_row_group(group, columns)
        else:
            table = arrow.ipc.open_stream(arrow.memory_map(str(path))).read_all()
            schema, starts = table.schema, [0, table.num_rows]

            def rows(group: int | None, columns: list[str]) -> Any:
                return table.select(columns)

        picture = _picture_column(arrow, schema, lambda name: rows(0, [name]))
    except DataError:
        raise
    except Exception as error:  # of a damaged file: nearly anything
        words = " ".join(str(error).split())[:200]
        raise DataError(f"{path}: it cannot be read ({words}); fetch it again") from None
    if picture is None or starts[-1] == 0:
        return None

    def read(group: int) -> list[bytes | None]:
        found = rows(group, [picture])[picture].to_pylist()
        return [value.get("bytes") if isinstance(value, dict) else value for value in found]

    def facts() -> dict[str, list[str]]:
        others = [field.name for field in schema if field.name != picture and _is_plain(arrow, field.type)]
        names = _class_names(schema)
        found: dict[str, list[str]] = {}
        table = rows(None, others)
        for column in others:
            values = table[column].to_pylist()
            own = names.get(column)
            if own is not None:  # −1 stands for none
                values = [own[v] if isinstance(v, int) and 0 <= v < len(own) else None for v in values]
            found[column] = ["" if value is None else str(value) for value in values]
        return found

    return _Shard(path, starts, read, facts)


def _is_plain(arrow: Any, kind: Any) -> bool:
    types = arrow.types
    return any(
        check(kind) for check in (types.is_integer, types.is_floating, types.is_string, types.is_large_string)
    ) or bool(types.is_boolean(kind))


def _picture_column(arrow: Any, schema: Any, rows: Callable[[str], Any]) -> str | None:
    """The column of pictures: ``datasets``' struct of bytes and path, or bytes that begin as a picture."""
    for field in schema:
        kind = field.type
        inside = (
            {kind.field(i).name for i in range(kind.num_fields)} if arrow.types.is_struct(kind) else set()
        )
        binary = arrow.types.is_binary(kind) or arrow.types.is_large_binary(kind)
        if "bytes" not in inside and not binary:
            continue
        first = next((value.as_py() for value in rows(field.name)[field.name].slice(0, 1)), None)
        content = first.get("bytes") if isinstance(first, dict) else first
        if isinstance(content, bytes) and content.startswith(_PICTURES):
            return str(field.name)
    return None


def _class_names(schema: Any) -> dict[str, list[str]]:
    """Names of classes by column, which ``datasets`` writes beside the table."""
    try:
        metadata = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = metadata.get("info", {}).get("features", {})
        return {
            name: [str(one) for one in feature["names"]]
            for name, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (ValueError, AttributeError, KeyError, TypeError):
        return {}
