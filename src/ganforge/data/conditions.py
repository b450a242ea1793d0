"""What pictures say of themselves: captions, labels, numbers or classes beside them, or their own names."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ganforge.core.errors import DataError
from ganforge.core.recipe import FOUND, TableFormat
from ganforge.data.facts import (
    MAX_FILES,
    Table,
    caption_files,
    fact_files,
    is_captions,
    is_known,
    names_files,
    read_captions,
    read_facts,
)
from ganforge.data.files import Entry, Listing, UnreadableError, list_files, printable
from ganforge.data.matching import Matched, match
from ganforge.data.numerals import is_missing
from ganforge.data.picking import FLAGS, Described, Kind, Wanted, is_number, look, pick
from ganforge.data.raw import Raw, Skipped, Stated, name_classes
from ganforge.data.readers import Source, has_names, names_of
from ganforge.data.tables import chosen_columns
from ganforge.data.words import caption

__all__ = ["Beside", "Wanted", "attach", "beside", "words_of_name"]

_LONGEST = 2_000  # characters of a caption that are read
_MANY = 64  # captions of a picture that are read
_LOST = 0.05  # share of the pictures of which nothing is said, above which a person is asked
_KEPT = 0.9  # share of a column's distinct numbers that float32 must tell apart
_HALF = 0.5  # share of the pictures that a file must speak of to be taken unasked
_TRIED = 16  # columns that may name the pictures
_UNLIKE = 0.1  # share of a column's cells that are different ones, where it may name the pictures
_SAMPLE = 500  # of its cells
_CAPTIONS = "the .txt beside each file"
_SHOWN = 3  # damaged texts that are named


@dataclass(frozen=True, eq=False)
class Beside:
    """What a file says, by the pictures' names.

    Attributes:
        file: its name, for people.
        kind: class, labels, numbers or text; None where no file could be used.
        columns: of labels and numbers, their names.
        rows: picture to its labels or numbers.
        texts: picture to its captions.
        classes: picture to its class.
        skipped: pictures of which nothing is said.
        found: how the file was read.
        warnings: what was not used, lost, or found only by looking away from something.
    """

    file: str
    kind: Kind | None
    columns: tuple[str, ...] = ()
    rows: Mapping[str, tuple[float, ...]] | None = None
    texts: Mapping[str, tuple[str, ...]] | None = None
    classes: Mapping[str, str] | None = None
    skipped: tuple[Skipped, ...] = ()
    found: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def names(self) -> set[str] | None:
        """Pictures of which something is said; None where nothing is used."""
        found = self.rows or self.texts or self.classes
        return set(found) if found is not None else None


def words_of_name(name: str) -> str:
    """A caption from a file's name: ``gui/skills/AirMagic_2.png`` becomes ``air magic``."""
    stem = os.path.splitext(os.path.basename(name))[0]
    parted = re.sub(r"([a-z])([A-Z])", r"\1 \2", stem)
    return " ".join(re.findall(r"[^\W\d_]+", parted)).lower()


def beside(
    source: Source, wanted: Wanted, only: Collection[str] | None, wish: TableFormat = FOUND
) -> Beside | None:
    """What is said of the pictures of a folder or zip, before they are read; None where nothing is.

    Args:
        only: the pictures that come into question; None is all.
        wish: how csv files are read.

    Raises:
        DataError: captions.json, or a file that was asked for, cannot be used; or a file that nobody asked
            for says nothing of more than 5 % of the pictures.
    """
    if source.path is None or not has_names(source.path):
        return None
    names = [name for name in names_of(source.path) if only is None or name in only]
    if wanted == "names":
        texts = {name: (words,) for name in names if (words := words_of_name(name))}
        return _checked(Beside("the files' names", "text", texts=texts), names, wanted)
    return _from_files(source.path, names, wanted, wish)


def _from_files(path: Path, names: list[str], wanted: Wanted, wish: TableFormat) -> Beside | None:
    """The first file that speaks of the pictures in the way that is wanted."""
    listing = list_files(path)
    for file in listing.skipped:
        if is_captions(file.name):
            raise DataError(
                f"{file.name} of {path} cannot be used: {file.reason}; save it anew, or remove it"
            )
    warnings: list[str] = []
    silent: list[str] = []  # files that name no picture, or say nothing that is wanted
    entries = fact_files(listing)
    captions = caption_files(listing, names)
    texts = [f"{len(captions):,} .txt of the pictures' names"] if captions else []
    for k, entry in enumerate(entries[:MAX_FILES]):
        file = printable(entry.name)
        ours = wanted not in ("auto", "class") or is_captions(file)
        table: Table | None = None
        try:
            table = read_facts(listing, entry, wish)
            found = _interpret(file, table, names, wanted, ours, wish)
        except (UnreadableError, OSError) as error:
            if ours or (table is None and is_known(file)):
                raise DataError(f"{file} of {path} cannot be used: {error}; mend or remove it") from None
            warnings.append(f"{file} is not used: {error}")
            continue
        except DataError as error:  # it speaks of our pictures: not to be passed over
            raise DataError(f"{file} of {path}: {error}; mend or remove that file") from None
        if found is None:
            silent.append(file)
            continue
        if found.kind is None:
            warnings += found.warnings
            continue
        silent += [*(printable(other.name) for other in entries[k + 1 :]), *texts]
        warnings += _silent(silent, found.file)
        return _checked(replace(found, warnings=(*found.warnings, *warnings)), names, wanted)
    warnings += _silent([*silent, *(printable(entry.name) for entry in entries[MAX_FILES:])], "")
    if wish.columns:
        said = f": {'; '.join(warnings)}" if warnings else ""
        raise DataError(f"no file in {path} names its pictures and has --columns {wish.columns}{said}")
    if captions and wanted in ("auto", "text"):
        said = _captions_beside(listing, captions)
        said = replace(said, warnings=(*said.warnings, *warnings))
        if said.texts:
            return _checked(said, names, wanted)
        warnings = [f"not used: {texts[0]}: there are no words in them", *said.warnings]
    elif captions:
        warnings += [f"not used: {texts[0]}: --condition {wanted} asks for no captions"]
    return Beside("", None, warnings=tuple(warnings)) if warnings else None


def _captions_beside(listing: Listing, files: Mapping[str, Entry]) -> Beside:
    """The captions of a text beside each picture; one that is damaged or says nothing costs its caption."""
    texts: dict[str, tuple[str, ...]] = {}
    warnings: list[str] = []
    for name, entry in files.items():
        try:
            lines = read_captions(listing, entry)
        except (UnreadableError, OSError) as error:
            warnings.append(f"{printable(entry.name)} is not used: {error}")
            continue
        if lines:
            texts[name] = tuple(" ".join(line[:_LONGEST].split()) for line in lines[:_MANY])
    if len(warnings) > _SHOWN:
        warnings[_SHOWN:] = [f"and {len(warnings) - _SHOWN:,} more such texts"]
    return Beside(_CAPTIONS, "text", texts=texts, warnings=tuple(warnings))


def _silent(files: Sequence[str], used: str) -> list[str]:
    """A warning of files that are not used."""
    if not files:
        return []
    if used:
        return [f"not used: {_few(files)}: what pictures say is read from {used} alone"]
    needed = "a table needs a column of the files' names, and one more"
    return [f"not used: {_few(files)}: no picture is named there; {needed}"]


def _checked(found: Beside, names: list[str], wanted: Wanted) -> Beside:
    """With the pictures listed of which nothing is said; a file that speaks of few is not taken unasked.

    Raises:
        DataError: it speaks of fewer than two, or not of more than 5 %, and nobody asked for it.
    """
    named = found.names or set()
    what = {"text": "caption", "class": "class"}.get(found.kind or "", "row without gaps")
    option = f"--condition {found.kind}"
    if wanted == "auto" and len(named) < _HALF * len(names):
        few = f"{found.file} speaks of {len(named):,} of {len(names):,} pictures only, and is not used"
        return Beside("", None, warnings=(f"{few}; to train on those alone: {option}", *found.warnings))
    if len(named) < 2:
        raise DataError(
            f"{found.file} says something of {len(named)} of {len(names):,} pictures; its names of files must"
            " be those of the pictures"
        )
    left = [name for name in names if name not in named]
    if wanted == "auto" and len(left) > _LOST * len(names):
        raise DataError(
            f"{len(left):,} of {len(names):,} pictures have no {what} in {found.file} ({_few(left, 3)}): add"
            f" it, move these pictures away, or train on the other {len(named):,} alone: {option}"
        )
    skipped = [Skipped(name, f"no {what} in {found.file}", bad=False) for name in left]
    return replace(found, skipped=(*found.skipped, *skipped))


# --- a table to what it says ---


def _which(table: Table, names: Sequence[str]) -> tuple[int, Matched] | None:
    """The column that names the pictures, and how; None where there is none."""
    best: tuple[int, Matched] | None = None
    order = sorted(range(len(table.columns)), key=lambda i: not names_files(table.columns[i]))
    tried = 0
    for i in [0] if table.named else order:
        cells = list(dict.fromkeys(str(row[i]) for row in table.rows if row[i]))
        sample = [str(row[i]) for row in table.rows[:_SAMPLE] if row[i]]
        called = table.named or names_files(table.columns[i]) or table.columns[i] == f"column {i + 1}"
        if not sample or len(set(sample)) < _UNLIKE * len(sample) or tried >= _TRIED:
            continue
        if not called and all(cell.isdecimal() for cell in sample):
            continue  # any whole numbers may be those of files
        tried += 1
        found = match(names, cells)
        if table.first is not None:  # perhaps the names of the columns are none
            whole = match(names, [str(table.first[1][i]), *cells])
            found = whole if len(whole.pairs) > len(found.pairs) else found
        if best is None or (len(found.pairs), not found.how) > (len(best[1].pairs), not best[1].how):
            best = i, found
        if len(found.pairs) == len(names) and not found.how:
            break
    return best if best is not None and best[1].pairs else None


def _interpret(
    file: str, table: Table, names: Sequence[str], wanted: Wanted, ours: bool, wish: TableFormat
) -> Beside | None:
    """What a table says of the pictures; None where it does not say what is wanted.

    Raises:
        UnreadableError: it is there to speak of them, and does not.
        DataError: it speaks of the pictures, but not clearly.
    """
    found = _which(table, names)
    if found is None:
        if ours and table.named:
            raise UnreadableError("it names none of the pictures")
        return None
    which, matched = found
    columns, rows, numbers, how = table.columns, table.rows, table.numbers, table.words
    picture = {cell: name for name, cell in matched.pairs}
    if table.first is not None and str(table.first[1][which]) in picture:  # the first row is none of names
        rows, numbers = [table.first[1], *rows], [table.first[0], *numbers]
        columns = [f"column {i + 1}" for i in range(len(columns))]
        how = how.replace(f"names in line {table.first[0]}", "no row of names")
    facts: Described = [
        (picture[str(row[which])], row, n)
        for row, n in zip(rows, numbers, strict=True)
        if str(row[which]) in picture
    ]
    try:
        kept = chosen_columns(columns, len(columns), wish)
    except DataError as error:
        return Beside(file, None, warnings=(f"{file} is not used: {error}",))
    looked_at = [i for i in range(len(columns)) if i != which and columns[i]] if kept is None else kept
    seen = look(columns, facts, looked_at, table.unit)
    picked = pick(seen, wanted, is_captions(file))
    if picked is None:
        if ours and wanted == "auto":
            raise UnreadableError("it says nothing of the pictures that can be read")
        nothing = f"{file} is not used: it names the pictures, but says nothing that can be asked for"
        aside = [columns[i] for i in seen]
        return Beside(file, None, warnings=(f"{nothing} ({_few(aside)})" if aside else nothing,))
    kind, chosen = picked
    if kind != "text":
        for i in chosen:
            if seen[i].fault:
                raise DataError(seen[i].fault)
    aside = [columns[i] for i in seen if i not in chosen]
    said = Beside(
        file,
        kind,
        columns=tuple(columns[i] for i in chosen),
        found=(f"{file}: {how}",) if how else (),
        warnings=(
            *(f"{file}: {words}" for words in table.warnings),
            *_warnings(file, columns[which], aside, matched),
        ),
    )
    return _with_values(said, facts, chosen, table.unit, tags=seen[chosen[0]].sort == "tags")


def _warnings(file: str, column: str, aside: Sequence[str], matched: Matched) -> list[str]:
    """What is not used of a table, and how its names were understood."""
    said: list[str] = []
    if matched.how:
        said.append(f"{file}: {matched.how} (column {column!r})")
    if matched.others:
        said.append(
            f"{file}: {len(matched.others):,} of its names are of no picture here: not used"
            f" ({_few(matched.others, 3)})"
        )
    if aside:
        said.append(f"{file}: not used: {_few(aside)}; --columns and --condition choose others")
    return said


def _with_values(said: Beside, facts: Described, chosen: Sequence[int], unit: str, *, tags: bool) -> Beside:
    """What the chosen columns say of each picture. DataError."""
    if said.kind == "text":
        return replace(said, texts=_captions(facts, chosen))
    if said.kind == "labels" and tags:
        return _tagged(said, facts, chosen[0])
    values = _values(said, facts, chosen, unit)
    if said.kind == "class":
        return replace(said, classes={n: v[0] for n, v in values.items()})
    rows = {name: tuple(_number(cell) for cell in cells) for name, cells in values.items()}
    if said.kind == "labels":
        rows = {name: tuple(float(x > 0) for x in row) for name, row in rows.items()}
    return replace(said, rows=rows)


def _number(cell: str) -> float:
    return float(cell) if is_number(cell) else FLAGS[cell.lower()]


def _tagged(said: Beside, facts: Described, which: int) -> Beside:
    """Lists of words as labels, one for each word."""
    tags = {name: {row[which]} if isinstance(row[which], str) else set(row[which]) for name, row, _ in facts}
    known = sorted({str(tag) for found in tags.values() for tag in found if tag})
    rows = {name: tuple(float(tag in found) for tag in known) for name, found in tags.items()}
    return replace(said, columns=tuple(known), rows=rows)


def _captions(facts: Described, chosen: Sequence[int]) -> dict[str, tuple[str, ...]]:
    """Picture to its captions, from all of its rows."""
    found: dict[str, list[str]] = {}
    for name, row, _ in facts:
        for i in chosen:
            cell = row[i]
            texts = [cell] if isinstance(cell, str) else list(cell)
            found.setdefault(name, []).extend(" ".join(text[:_LONGEST].split()) for text in texts if text)
    return {name: tuple(texts[:_MANY]) for name, texts in found.items() if texts}


def _values(said: Beside, facts: Described, chosen: Sequence[int], unit: str) -> dict[str, tuple[str, ...]]:
    """Picture to its cells; rows with an empty one are left out. DataError where two rows differ."""
    found: dict[str, tuple[str, ...]] = {}
    numeric = sum(is_number(row[chosen[0]]) for _, row, _ in facts) > _HALF * len(facts)
    for name, row, n in facts:
        cells = tuple(str(row[i]) for i in chosen)
        if not all(cells) or ((numeric or len(cells) > 1) and any(map(is_missing, cells))):
            continue
        if found.setdefault(name, cells) != cells:
            raise DataError(
                f"{unit} {n}: a second {'row' if unit == 'line' else unit} for {name} says something else"
                f" ({said.columns[0]}, …)"
            )
    return found


def _few(names: Sequence[str], shown: int = 6) -> str:
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")


# --- to the examples ---


def attach(raw: Raw, found: Beside | None, wanted: Wanted) -> Raw:
    """Examples with what is said of them, and lines about it.

    Raises:
        DataError: what was asked for is not there.
    """
    if found is not None:
        raw = replace(raw, warnings=(*raw.warnings, *found.warnings), found=(*raw.found, *found.found))
        if found.kind is not None:
            raw = _with(raw, found)
    if wanted == "class":
        raw = replace(raw, stated=None)
    elif wanted == "names" and (raw.stated is None or not raw.names):
        raise DataError("condition=names reads file names as captions, and these examples are no files")
    elif wanted in ("labels", "numbers", "text") and (raw.stated is None or raw.stated.kind != wanted):
        raise DataError(_WANTING[wanted])
    if wanted == "class" and raw.labels is None:
        raise DataError(_WANTING["class"])
    return raw if raw.stated is None else replace(raw, found=(*raw.found, *_lines(raw.stated, found)))


_WANTING = {
    "class": "there are no classes: put pictures into a subfolder for each, or a csv with columns file and"
    " class beside them; conditional=false trains without",
    "labels": "there are no labels: put a csv beside the pictures, with a column of their files and columns"
    " of 0 and 1",
    "numbers": "there are no numbers: put a csv beside the pictures, with a column of their files and"
    " columns of numbers",
    "text": "there are no captions: put captions.json (file to caption), or a csv with columns file and"
    " caption, beside the pictures, or a .txt of each picture's name; condition=names takes the files' names",
}


def _with(raw: Raw, found: Beside) -> Raw:
    """The same with what a file says."""
    left = len(found.skipped)
    warnings: list[str] = []
    if left:
        warnings.append(f"{left:,} of {left + raw.n:,} pictures are left out: {found.skipped[0].reason}")
    if found.classes is not None and raw.labels is not None:
        warnings.append(f"the subfolders are not the classes: {found.file} says them")
    raw = replace(raw, skipped=(*raw.skipped, *found.skipped), warnings=(*raw.warnings, *warnings))
    names = list(raw.names)
    if found.classes is not None:
        kinds = [found.classes[name] for name in names]
        whole = all(is_number(kind) for kind in kinds)
        values = np.array([round(float(kind)) for kind in kinds] if whole else kinds)
        labels, classes = name_classes(values)
        notes = [note for note in raw.notes if "subfolders" not in note]
        notes.append(f"{len(classes)} classes from {found.file}")
        return replace(raw, labels=labels, classes=classes, notes=tuple(notes))
    if found.texts is not None:
        return replace(raw, stated=Stated(kind="text", texts=[found.texts[name] for name in names]))
    assert found.rows is not None
    assert found.kind == "labels" or found.kind == "numbers"
    exact = np.array([found.rows[name] for name in names], np.float64)
    rows = exact.astype(np.float32)
    for i, column in enumerate(found.columns):
        if len(np.unique(rows[:, i])) < _KEPT * len(np.unique(exact[:, i])):
            low, high = exact[:, i].min(), exact[:, i].max()
            raise DataError(
                f"{found.file}: the numbers of column {column!r}, {low:.12g} to {high:.12g}, differ by too"
                " little for their size; write them from another zero, or leave the column out with --columns"
            )
    return replace(raw, stated=Stated(kind=found.kind, names=found.columns, rows=rows))


def _lines(stated: Stated, found: Beside | None) -> list[str]:
    """What was found, for a report."""
    where = f" from {found.file}" if found is not None and found.file else ""
    if stated.kind == "text":
        several = sum(len(texts) > 1 for texts in stated.texts)
        more = f", {several:,} of them with several" if several else ""
        lines = [f"condition: captions for {len(stated.texts):,} examples{where}{more}"]
        third = max(1, len(stated.texts) // 3)
        return lines + [f"caption: {caption(texts)}" for texts in stated.texts[third // 2 :: third][:3]]
    assert stated.rows is not None
    if stated.kind == "labels":
        counts = stated.rows.sum(axis=0)
        each = [f"{name} {int(n):,}" for name, n in zip(stated.names, counts, strict=True)]
    else:
        low, high = stated.rows.min(axis=0), stated.rows.max(axis=0)
        each = [f"{name} {a:g} … {b:g}" for name, a, b in zip(stated.names, low, high, strict=True)]
    count = f"1 {stated.kind[:-1]}" if len(stated.names) == 1 else f"{len(stated.names)} {stated.kind}"
    return [f"condition: {count}{where}: {_few(each)}"]
