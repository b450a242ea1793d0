"""What pictures say of themselves: captions, labels, numbers or classes beside them, or their own names."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from ganforge.core.errors import DataError
from ganforge.data.facts import Cell, Table, fact_files, read_facts
from ganforge.data.files import UnreadableError, list_files, printable
from ganforge.data.raw import Raw, Said, Skipped, name_classes
from ganforge.data.readers import Source, has_names, names_of
from ganforge.data.words import caption

__all__ = ["Beside", "Wanted", "attach", "beside", "words_of_name"]

Wanted = Literal["auto", "class", "labels", "numbers", "text", "names"]
_Kind = Literal["class", "labels", "numbers", "text"]
_Sort = Literal["flag", "number", "text", "nothing"]
_Told = list[tuple[str, list[Cell], int]]  # picture, its cells, and the row's number in the file

_CAPTION_WORDS = frozenset(
    {"caption", "captions", "text", "texts", "description", "prompt", "title", "sentence", "name", "keywords"}
)
_CLASS_WORDS = frozenset({"class", "classes", "label", "category", "species", "breed", "target", "y"})
_LONGEST = 2_000  # characters of a caption that are read
_MANY = 64  # captions of a picture that are read
_LEFT_OUT = 0.05  # share without a caption that is worth a warning
_HALF = 0.5  # share of the pictures that a file must speak of to be taken unasked
_NUMERIC = 0.9  # share of a column's cells that are numbers, above which the others are mistakes


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
        notes: what was decided.
    """

    file: str
    kind: _Kind | None
    columns: tuple[str, ...] = ()
    rows: Mapping[str, tuple[float, ...]] | None = None
    texts: Mapping[str, tuple[str, ...]] | None = None
    classes: Mapping[str, str] | None = None
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()

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


def beside(source: Source, wanted: Wanted, only: Collection[str] | None) -> Beside | None:
    """What is said of the pictures of a folder or zip, before they are read; None where nothing is.

    Args:
        only: the pictures that come into question; None is all.

    Raises:
        DataError: captions.json, or a file that was asked for, cannot be used.
    """
    if source.path is None or not has_names(source.path):
        return None
    names = [name for name in names_of(source.path) if only is None or name in only]
    if wanted == "names":
        texts = {name: (words,) for name in names if (words := words_of_name(name))}
        return _checked(Beside("the files' names", "text", texts=texts), names, wanted)
    return _from_files(source.path, names, wanted)


def _from_files(path: Path, names: list[str], wanted: Wanted) -> Beside | None:
    """The first file that speaks of the pictures in the way that is wanted."""
    listing = list_files(path)
    for file in listing.skipped:
        if file.name.rpartition("/")[2].lower() == "captions.json":
            raise DataError(
                f"{file.name} of {path} cannot be used: {file.reason}; save it anew, or remove it"
            )
    notes: list[str] = []
    for entry in fact_files(listing):
        file = printable(entry.name)
        ours = wanted not in ("auto", "class") or file.rpartition("/")[2].lower() == "captions.json"
        try:
            table = read_facts(listing, entry)
        except (UnreadableError, OSError) as error:
            if ours:
                raise DataError(f"{file} of {path} cannot be used: {error}; mend or remove it") from None
            notes.append(f"{file} is left aside: {error}")
            continue
        try:
            found = _interpret(file, table, names, wanted, ours)
        except UnreadableError as error:  # it speaks of our pictures: not to be passed over
            raise DataError(f"{file} of {path}: {error}; mend or remove that file") from None
        if found is None:
            continue
        return _checked(replace(found, notes=(*notes, *found.notes)), names, wanted)
    return Beside("", None, notes=tuple(notes)) if notes else None


def _checked(found: Beside, names: list[str], wanted: Wanted) -> Beside:
    """With the pictures listed of which nothing is said; a file that speaks of few is not taken unasked."""
    told = found.names or set()
    if wanted in ("auto", "class") and len(told) < _HALF * len(names):
        few = f"{found.file} speaks of {len(told):,} of {len(names):,} pictures only, and is left aside"
        return Beside("", None, notes=(*found.notes, few))
    if len(told) < 2:
        raise DataError(
            f"{found.file} says something of {len(told)} of {len(names):,} pictures; its names of files must"
            " be those of the pictures"
        )
    what = {"text": "caption", "class": "class"}.get(found.kind or "", "row")
    left = [Skipped(name, f"no {what} in {found.file}", bad=False) for name in names if name not in told]
    return replace(found, skipped=(*found.skipped, *left))


# --- a table to what it says ---


def _finder(names: Sequence[str]) -> Callable[[Cell], str | None]:
    """A function from what a file calls a picture to the picture's name."""
    folders = [os.path.dirname(name) for name in names]
    shared = os.path.commonpath(folders) if names else ""
    skip = len(shared) + 1 if shared else 0
    known: dict[str, str | None] = {}
    for key in (os.path.basename, lambda name: name[skip:], lambda name: name):  # the last is the surest
        forms: dict[str, str | None] = {}
        for name in names:
            whole = key(name)
            for form in {whole, os.path.splitext(whole)[0]}:
                # What could be two pictures is neither.
                forms[form] = name if forms.get(form, name) == name else None
        known.update(forms)

    def find(cell: Cell) -> str | None:
        word = str(cell).replace("\\", "/").removeprefix("./").strip()
        return known.get(word) or known.get(os.path.splitext(word)[0])

    return find


def _interpret(file: str, table: Table, names: Sequence[str], wanted: Wanted, ours: bool) -> Beside | None:
    """What a table says of the pictures; None where it does not say what is wanted.

    Raises:
        UnreadableError: it speaks of the pictures, but not clearly.
    """
    find = _finder(names)
    columns, rows, numbers = table.columns, table.rows, table.numbers
    looked = [*rows[:200], columns] if not table.named else rows[:200]
    hits = [sum(find(row[i]) is not None for row in looked) for i in range(len(columns))]
    which = 0 if table.named else max(range(len(columns)), key=lambda i: hits[i])
    if not hits[which]:
        if ours and table.named:
            raise UnreadableError("it names none of the pictures")
        return None
    if not table.named and find(columns[which]) is not None:  # the first row is none of names
        first: list[Cell] = [*columns]
        rows, numbers = [first, *rows], [1, *numbers]
        columns = [f"column {i + 1}" for i in range(len(columns))]
    told: _Told = [(name, row, n) for row, n in zip(rows, numbers, strict=True) if (name := find(row[which]))]
    looked_at = [i for i in range(len(columns)) if i != which]
    if wanted == "class":  # a mistake in another column is no matter
        looked_at = [i for i in looked_at if columns[i].lower() in _CLASS_WORDS]
    sorts: dict[int, _Sort] = {i: _sort(columns[i], [(row[i], n) for _, row, n in told]) for i in looked_at}
    picked = _pick(columns, sorts, wanted)
    if picked is None:
        if ours and wanted == "auto":
            raise UnreadableError("it says nothing of the pictures that can be read")
        return None
    kind, chosen = picked
    aside = [columns[i] for i in sorts if i not in chosen]
    notes = (f"of {file}, {_few(aside)} left aside",) if aside else ()
    if kind == "text":
        return Beside(file, kind, texts=_captions(told, chosen), notes=notes)
    values = _values(file, columns, told, chosen)
    if kind == "class":
        _check_class(file, columns[chosen[0]], told, chosen[0])
        return Beside(file, kind, classes={n: v[0] for n, v in values.items()}, notes=notes)
    rows_of = {name: tuple(float(cell) for cell in cells) for name, cells in values.items()}
    if kind == "labels":
        rows_of = {name: tuple(float(x > 0) for x in row) for name, row in rows_of.items()}
    return Beside(file, kind, columns=tuple(columns[i] for i in chosen), rows=rows_of, notes=notes)


def _sort(column: str, cells: Sequence[tuple[Cell, int]]) -> _Sort:
    """What a column holds. UnreadableError where it holds numbers, but for a few."""
    filled = [(cell, n) for cell, n in cells if cell]
    if not filled:
        return "nothing"
    if column.lower() in _CAPTION_WORDS:
        return "text"
    wrong = [(cell, n) for cell, n in filled if not _is_number(cell)]
    if len(wrong) > (1 - _NUMERIC) * len(filled):
        return "text"
    if wrong:
        cell, n = wrong[0]
        raise UnreadableError(
            f"column {column!r}, row {n}: {str(cell)[:40]!r} is not a number like the others"
        )
    values = {float(cell) for cell, _ in filled if isinstance(cell, str)}
    return "flag" if values <= {0.0, 1.0} or values <= {-1.0, 1.0} else "number"


def _is_number(cell: Cell) -> bool:
    try:
        return isinstance(cell, str) and abs(float(cell)) < 1e30
    except ValueError:
        return False


def _pick(
    columns: Sequence[str], sorts: Mapping[int, _Sort], wanted: Wanted
) -> tuple[_Kind, list[int]] | None:
    """The kind of condition that a table gives, and the columns that it comes from."""
    flags = [i for i, sort in sorts.items() if sort == "flag"]
    numbers = [i for i, sort in sorts.items() if sort in ("flag", "number")]
    texts = [i for i, sort in sorts.items() if sort == "text"]
    said = [i for i in texts if columns[i].lower() in _CAPTION_WORDS]
    classes = [i for i in sorts if columns[i].lower() in _CLASS_WORDS and sorts[i] != "nothing"]
    if wanted == "class":
        return ("class", classes[:1]) if classes else None
    if wanted == "labels":
        return ("labels", flags) if flags else None
    if wanted == "numbers":
        return ("numbers", numbers) if numbers else None
    captions = said or (texts if len(texts) == 1 else [])
    if wanted == "text":
        return ("text", captions) if captions else None
    if said:
        return "text", said
    if classes:
        return "class", classes[:1]
    if captions:
        return "text", captions
    if flags and len(flags) == len(numbers):
        return "labels", flags
    return ("numbers", numbers) if numbers else None


def _captions(told: _Told, chosen: Sequence[int]) -> dict[str, tuple[str, ...]]:
    """Picture to its captions, from all of its rows."""
    found: dict[str, list[str]] = {}
    for name, row, _ in told:
        for i in chosen:
            cell = row[i]
            texts = [cell] if isinstance(cell, str) else list(cell)
            found.setdefault(name, []).extend(text[:_LONGEST] for text in texts if text)
    return {name: tuple(texts[:_MANY]) for name, texts in found.items() if texts}


def _values(
    file: str, columns: Sequence[str], told: _Told, chosen: Sequence[int]
) -> dict[str, tuple[str, ...]]:
    """Picture to its cells; rows with an empty one are left out."""
    found: dict[str, tuple[str, ...]] = {}
    for name, row, n in told:
        cells = tuple(str(row[i]) for i in chosen)
        if not all(row[i] for i in chosen):
            continue
        if found.setdefault(name, cells) != cells:
            raise UnreadableError(
                f"row {n}: a second row for {name} says something else ({columns[chosen[0]]}, …)"
            )
    return found


def _check_class(file: str, column: str, told: _Told, which: int) -> None:
    """Classes by number are whole ones. UnreadableError where one is not."""
    cells = [(row[which], n) for _, row, n in told if row[which]]
    if not all(_is_number(cell) for cell, _ in cells):
        return
    for cell, n in cells:
        if not math.isclose(float(str(cell)), round(float(str(cell))), abs_tol=1e-9):
            raise UnreadableError(f"column {column!r}, row {n}: class {cell} is not a whole number")


def _few(names: Sequence[str], shown: int = 6) -> str:
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")


# --- to the examples ---


def attach(raw: Raw, found: Beside | None, wanted: Wanted) -> Raw:
    """Examples with what is said of them, and lines about it.

    Raises:
        DataError: what was asked for is not there.
    """
    if found is not None:
        raw = replace(raw, notes=(*raw.notes, *found.notes))
        if found.kind is not None:
            raw = _with(raw, found)
    if wanted == "class":
        raw = replace(raw, said=None)
    elif wanted == "names" and (raw.said is None or not raw.names):
        raise DataError("condition=names reads file names as captions, and these examples are no files")
    elif wanted in ("labels", "numbers", "text") and (raw.said is None or raw.said.kind != wanted):
        raise DataError(_WANTING[wanted])
    if wanted == "class" and raw.labels is None:
        raise DataError(_WANTING["class"])
    return raw if raw.said is None else replace(raw, found=(*raw.found, *_lines(raw.said, found)))


_WANTING = {
    "class": "there are no classes: put pictures into a subfolder for each, or a csv with columns file and"
    " class beside them; conditional=false trains without",
    "labels": "there are no labels: put a csv beside the pictures, with a column of their files and columns"
    " of 0 and 1",
    "numbers": "there are no numbers: put a csv beside the pictures, with a column of their files and"
    " columns of numbers",
    "text": "there are no captions: put captions.json (file to caption), or a csv with columns file and"
    " caption, beside the pictures; condition=names takes the files' names",
}


def _with(raw: Raw, found: Beside) -> Raw:
    """The same with what a file says."""
    left = len(found.skipped)
    warnings: tuple[str, ...] = ()
    if left > _LEFT_OUT * (left + raw.n):
        reason = found.skipped[0].reason
        warnings = (f"{left:,} of {left + raw.n:,} pictures are left out: {reason}",)
    raw = replace(raw, skipped=(*raw.skipped, *found.skipped), warnings=(*raw.warnings, *warnings))
    names = list(raw.names)
    if found.classes is not None:
        kinds = [found.classes[name] for name in names]
        whole = all(_is_number(kind) for kind in kinds)
        values = np.array([round(float(kind)) for kind in kinds] if whole else kinds)
        labels, classes = name_classes(values)
        notes = [note for note in raw.notes if "subfolders" not in note]
        notes.append(f"{len(classes)} classes from {found.file}")
        return replace(raw, labels=labels, classes=classes, notes=tuple(notes))
    if found.texts is not None:
        return replace(raw, said=Said(kind="text", texts=[found.texts[name] for name in names]))
    assert found.rows is not None
    assert found.kind == "labels" or found.kind == "numbers"
    rows = np.array([found.rows[name] for name in names], np.float32)
    return replace(raw, said=Said(kind=found.kind, names=found.columns, rows=rows))


def _lines(said: Said, found: Beside | None) -> list[str]:
    """What was found, for a report."""
    where = f" from {found.file}" if found is not None and found.file else ""
    if said.kind == "text":
        several = sum(len(texts) > 1 for texts in said.texts)
        more = f", {several:,} of them with several" if several else ""
        lines = [f"condition: captions for {len(said.texts):,} examples{where}{more}"]
        third = max(1, len(said.texts) // 3)
        return lines + [f"caption: {caption(texts)}" for texts in said.texts[third // 2 :: third][:3]]
    assert said.rows is not None
    if said.kind == "labels":
        counts = said.rows.sum(axis=0)
        each = [f"{name} {int(n):,}" for name, n in zip(said.names, counts, strict=True)]
    else:
        low, high = said.rows.min(axis=0), said.rows.max(axis=0)
        each = [f"{name} {a:g} … {b:g}" for name, a, b in zip(said.names, low, high, strict=True)]
    return [f"condition: {len(said.names)} {said.kind}{where}: {_few(each)}"]
