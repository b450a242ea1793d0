"""Files of short texts, a line each."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ganforge.codecs.text.codec import MOST_LETTERS
from ganforge.core.errors import DataError
from ganforge.data.files import Entry, Listing, UnreadableError, is_archive, printable
from ganforge.data.folders import at_least, counter, form_of, read_each
from ganforge.data.kinds import what_to_do, without_pictures
from ganforge.data.layouts import classes_from_folders
from ganforge.data.raw import Progress, Raw, name_classes

__all__ = ["read_texts"]

_FEWEST = 20  # lines, below which they are notes and no data
_LONGEST = 64  # characters of a text
_FIT = 0.99  # share of the texts that shall fit
_SIDE = 4  # lengths are multiples of it
_SHORTEST = 8
_RARE = 5  # times that a character must stand, or texts with it are left out
_MOST_BYTES = 64 << 20
_MOST_CLASSES = 100
_POWER = re.compile(r"(?<=\d)[eE](?=[+-]?\d)|\b(?:nan|inf)\b")  # letters in numbers
_LABELLED = 0.99  # share of the lines with a label and a tab, from which these are classes


def read_texts(
    path: Path,
    listing: Listing,
    *,
    size: tuple[int, int] | None,
    scratch: Path | None,
    progress: Progress | None = None,
    only: Collection[str] | None = None,
    **others: Any,
) -> Raw:
    """Every line of every file that is not empty.

    Args:
        path: of the file, folder or archive, for messages; ``listing``: its files.
        size: must be None: how long texts are is found.
        scratch: not needed: texts are small.
        only: names of the files to read; None reads all.
        others: wishes that only pictures have.

    Raises:
        DataError: nothing can be read, most lines are too long, or a wish makes no sense of texts.
    """
    del scratch
    if size is not None or any(others.get(name) is not None for name in ("channels", "value_range")):
        raise DataError("texts have no size, channels or range to choose: leave that option out")
    entries = [entry for entry in listing.entries if only is None or printable(entry.name) in only]
    skipped = list(listing.skipped)
    done = counter(progress, len(entries))
    read = read_each(entries, partial(_lines, listing), done=done, skipped=skipped)
    lines = [line for _, found in read for line in found]
    names = [entry.name for entry, found in read for _ in found]
    at_least(path, len(lines), skipped, "text")
    numbers = sum(not any(letter.isalpha() for letter in _POWER.sub("", line)) for line in lines)
    if len(lines) < _FEWEST or 2 * numbers > len(lines):  # notes, or a table
        if path.is_file() and not is_archive(path):
            raise DataError(f"{path} {what_to_do(path) or 'is no table'}; short texts stand in a line each")
        raise DataError(without_pictures(path, [entry.name for entry in entries]))
    tabs = _labelled(lines)
    words = [line.partition("\t")[2] if tabs else line.replace("\t", " ") for line in lines]
    words = [" ".join(word.split()) for word in words]
    kept, letters, steps, warnings = _kept(path, words)
    warnings += [] if tabs else _perhaps_a_table(lines)
    if tabs:
        labels, classes = name_classes(np.array([lines[i].partition("\t")[0].strip() for i in kept]))
        about = [f"{len(classes)} classes from what stands before a tab"]
    else:
        labels, classes, about, warned = classes_from_folders([names[i] for i in kept], one="text")
        warnings += [one for one in warned if len(entries) > 1]
    places = {letter: 1 + i for i, letter in enumerate(letters)}
    values = np.zeros((len(kept), 1, steps), np.uint8)
    for row, i in zip(values[:, 0], kept, strict=True):
        row[: len(words[i])] = [places[letter] for letter in words[i]]
    long = np.array([len(words[i]) for i in kept])
    said = f"{long.min()} to {long.max()} characters, half of them up to {np.median(long):.0f}"
    return Raw(
        kind="texts",
        form=form_of(path, "texts", "text file"),
        values=values,
        shape=values.shape[1:],
        labels=labels,
        classes=classes,
        found=(f"lengths: {said}", f"characters: {len(letters)} different ones, {''.join(letters)!r}"),
        about={"letters": letters},
        names=[printable(words[i]) for i in kept],
        modes={"lines": len(kept)},
        skipped=tuple(skipped),
        notes=tuple(about),
        warnings=tuple(warnings),
    )


def _lines(listing: Listing, entry: Entry) -> list[str]:
    if not entry.size:
        raise UnreadableError("empty (0 bytes)")
    if entry.size > _MOST_BYTES:
        raise UnreadableError(f"{entry.size:,} bytes; a file of texts has at most {_MOST_BYTES:,}")
    with listing.open(entry) as file:
        content = file.read()
    if b"\0" in content[:4096] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableError("not a text")
    try:
        text = content.decode("utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    found = [line.strip() for line in unicodedata.normalize("NFC", text).splitlines()]
    found = [line for line in found if line]
    if not found:
        raise UnreadableError("without a line that is not empty")
    return found


def _labelled(lines: Sequence[str]) -> bool:
    """Whether lines are ``label<TAB>text``."""
    with_tab = [line.partition("\t")[0] for line in lines if line.count("\t") == 1]
    labels = len(set(with_tab))
    return len(with_tab) >= _LABELLED * len(lines) and 2 <= labels <= min(_MOST_CLASSES, len(lines) / 2)


def _perhaps_a_table(lines: Sequence[str]) -> list[str]:
    """A warning where nearly all lines have one number of the signs that part the columns of tables."""
    for sign, least in (("|", 1), (";", 1), ("\t", 1), (",", 2)):
        times, many = Counter(line.count(sign) for line in lines).most_common(1)[0]
        if times >= least and many >= _LABELLED * len(lines):
            each = f"{times} {sign!r}"
            return [f"nearly each line has {each}, and is read as a text; if this is a table, call it .csv"]
    return []


def _kept(path: Path, words: Sequence[str]) -> tuple[list[int], str, int, list[str]]:
    """Which texts are learnt, their characters, how many steps the longest has, and warnings.

    Raises DataError where most are too long: a page of prose is no short text.
    """
    warnings: list[str] = []
    long = np.array([len(word) for word in words])
    if np.median(long) > _LONGEST:
        raise DataError(
            f"{path}: half of the lines have more than {_LONGEST} characters; only short texts are learnt,"
            " such as names: write one on each line"
        )
    steps = int(np.quantile(long, _FIT, method="higher"))
    steps = min(_LONGEST, max(_SHORTEST, -(-steps // _SIDE) * _SIDE))
    counts = Counter(letter for word in words if len(word) <= steps for letter in word)
    rare = _RARE if len(words) >= 1_000 else 1
    letters = [letter for letter, n in counts.most_common(MOST_LETTERS) if n >= rare]
    known = set(letters)
    short = [i for i, word in enumerate(words) if word and len(word) <= steps]
    kept = [i for i in short if known.issuperset(words[i])]
    if len(short) < len(words):
        warnings.append(f"{len(words) - len(short):,} lines of more than {steps} characters are left out")
    if len(kept) < len(short):
        warnings.append(f"{len(short) - len(kept):,} lines with rare characters are left out")
    if not kept:
        raise DataError(f"{path} has no line of up to {steps} characters")
    return kept, "".join(sorted(letters)), steps, warnings
