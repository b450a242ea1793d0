"""Which columns of a table of facts become a condition, and of which kind."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ganforge.data.facts import Cell
from ganforge.data.header import is_counter
from ganforge.data.numerals import is_missing

__all__ = ["FLAGS", "Described", "Kind", "Wanted", "is_number", "look", "pick"]

Wanted = Literal["auto", "class", "labels", "numbers", "text", "names"]
Kind = Literal["class", "labels", "numbers", "text"]
Described = list[tuple[str, list[Cell], int]]
"""Picture, its cells, and the row's number in the file."""

_Sort = Literal["flag", "number", "class", "tags", "text", "part", "other", "nothing"]

_CAPTION = re.compile(r"captions?|texts?|descriptions?|prompts?|sentences?|comments?")
_TITLE = re.compile(r"(?:names?|titles?|keywords?)(?:\W.*)?")
_CLASS = re.compile(r"(?:class(?:es)?|labels?|categor(?:y|ies)|species|breeds?)(?:[_ ](?:id|name|no|nr))?")
_TARGET = re.compile(r"targets?|y")
_PART = re.compile(r"split|part(?:ition)?|subset|fold|set|usage|phase|stage")
_PARTS = re.compile(r"(?:train|test|val|dev|public ?test|private ?test)\w*", re.IGNORECASE)
_OTHER = re.compile(  # dates, addresses and names of other files
    r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}.*|\d{4}-\d\d|\d{1,2}:\d\d.*|https?://.*|\S+\.(?:png|jpe?g|npy|txt|json|xml|tiff?)"
)
FLAGS = {"yes": 1.0, "no": 0.0, "true": 1.0, "false": 0.0, "y": 1.0, "n": 0.0, "t": 1.0, "f": 0.0}
"""Words that say whether something holds."""

_NUMERIC = 0.9  # share of a column's cells that are numbers, above which the others are mistakes
_EACH = 3  # examples of a class on average, from which words are classes
_CLASSES = 1_000  # at most, where a column is not called one of classes
_TAGS = 200  # different ones at most
_WORDS, _LETTERS = 3, 40  # of a class's name, at most in the middle of all
_MANY_FLAGS = 3  # from which on they say more than one column of classes


class _About(NamedTuple):
    """What a column is called: as classes are, as texts are, as names are."""

    named: bool
    caption: bool
    title: bool


@dataclass(frozen=True)
class Seen:
    """What a column holds.

    Attributes:
        sort: flag (0 or 1), number, class (few different words), tags (several of few words each), text,
            part (train, test), other (dates, addresses), nothing (empty, or the same in every row).
        named: whether the column is called one of classes.
        caption, title: whether it is called one of texts, or of names.
        fault: a cell that is not like the others, in words; it matters only where the column is taken.
    """

    sort: _Sort
    named: bool = False
    caption: bool = False
    title: bool = False
    fault: str = ""


def look(columns: Sequence[str], described: Described, which: Iterable[int], unit: str) -> dict[int, Seen]:
    """What each of some columns holds; ``unit`` is what rows are counted in."""
    lower = {column.lower() for column in columns}
    found: dict[int, Seen] = {}
    for i in which:
        word = columns[i].lower().strip()
        # A column y beside one of x is a coordinate.
        target = _TARGET.fullmatch(word) is not None and not (word == "y" and "x" in lower)
        found[i] = _sort(columns[i], [(row[i], n) for _, row, n in described], target, unit)
    return found


def _sort(column: str, cells: Sequence[tuple[Cell, int]], target: bool, unit: str) -> Seen:
    word = column.lower().strip()
    named = _CLASS.fullmatch(word) is not None
    about = _About(named or target, _CAPTION.fullmatch(word) is not None, _TITLE.fullmatch(word) is not None)
    filled = [(cell, n) for cell, n in cells if cell]
    if not filled:
        return Seen("nothing")
    if about.caption:
        return Seen("text", *about)
    if any(isinstance(cell, tuple) for cell, _ in filled):
        return Seen("tags" if _are_tags([cell for cell, _ in filled]) else "text", *about)
    there = [(str(cell), n) for cell, n in filled if not is_missing(str(cell))]
    wrong = [(cell, n) for cell, n in there if not is_number(cell)]
    if there and len(wrong) <= (1 - _NUMERIC) * len(there):
        return _numbers(column, there, wrong, named, target, unit)
    words = [str(cell) for cell, _ in filled]
    kinds = Counter(words)
    folded = {word.lower() for word in kinds}
    if len(folded) == 2 and folded <= FLAGS.keys():
        return Seen("flag")
    if _PART.fullmatch(word) and all(_PARTS.fullmatch(kind) for kind in kinds):
        return Seen("part")
    if (
        len(kinds) == 1
        and not (about.named or about.title)
        and len(words) > 1
        and len(words[0].split()) <= _WORDS
    ):
        return Seen("nothing")
    if sum(_OTHER.fullmatch(kind) is not None for kind in kinds) > _NUMERIC * len(kinds):
        return Seen("other")
    return Seen("class" if _are_classes(kinds, named or target) else "text", *about)


def _numbers(
    column: str,
    cells: Sequence[tuple[str, int]],
    wrong: Sequence[tuple[str, int]],
    named: bool,
    target: bool,
    unit: str,
) -> Seen:
    """A column of numbers: flags, classes by number, or measurements."""
    if wrong:
        cell, n = wrong[0]
        fault = f"column {column!r}, {unit} {n}: {cell[:40]!r} is not a number like the others"
        return Seen("class" if named else "number", named=named, fault=fault)
    values = [float(cell) for cell, _ in cells]
    if is_counter(column) and len(set(values)) == len(values) and all(map(_is_whole, values)):
        return Seen("other")
    broken = [(cell, n) for cell, n in cells if not _is_whole(float(cell))]
    if named and len(broken) <= (1 - _NUMERIC) * len(cells):
        fault = (
            f"column {column!r}, {unit} {broken[0][1]}: class {broken[0][0]} is not a whole number"
            if broken
            else ""
        )
        return Seen("class", named=True, fault=fault)
    if target and not broken and _EACH * len(set(values)) <= len(cells):
        return Seen("class", named=True)
    return Seen("flag" if set(values) <= {0.0, 1.0} or set(values) <= {-1.0, 1.0} else "number")


def _is_whole(value: float) -> bool:
    return math.isclose(value, round(value), abs_tol=1e-9)


def is_number(cell: Cell) -> bool:
    """Whether a cell is a number as Python writes it, and not beyond measure."""
    try:
        return isinstance(cell, str) and abs(float(cell)) < 1e30
    except ValueError:
        return False


def _are_classes(kinds: Counter[str], named: bool) -> bool:
    """Whether words are the names of classes: few different ones, short, each more than once."""
    n = sum(kinds.values())
    if named:
        return len(kinds) < n or n < _EACH
    if not 2 <= len(kinds) <= _CLASSES or _EACH * len(kinds) > n:
        return False
    lengths = sorted((len(kind.split()), len(kind)) for kind in kinds)
    words, letters = lengths[len(lengths) // 2]
    return words <= _WORDS and letters <= _LETTERS


def _are_tags(cells: Sequence[Cell]) -> bool:
    """Whether lists of words say which of a few things hold: ["Grass", "Poison"]."""
    counts = Counter(tag for cell in cells for tag in ((cell,) if isinstance(cell, str) else cell))
    if not 2 <= len(counts) <= _TAGS or _EACH * len(counts) > sum(counts.values()):
        return False
    return max(len(tag.split()) for tag in counts) <= _WORDS


def pick(seen: Mapping[int, Seen], wanted: Wanted, captions: bool) -> tuple[Kind, list[int]] | None:
    """The kind of condition that a table gives, and the columns that it comes from; None where it gives none.

    With nothing asked for, classes and tags go before free text: words that every picture has for itself
    teach little.

    Args:
        captions: whether the file is there to hold captions.
    """

    def of(*sorts: _Sort) -> list[int]:
        return [i for i, column in seen.items() if column.sort in sorts]

    flags, numbers, tags = of("flag"), of("flag", "number"), of("tags")
    said = [i for i in of("text") if seen[i].caption]
    titles = [i for i in of("text", "tags") if seen[i].title]
    texts = said or titles or (of("text") if len(of("text")) == 1 else [])
    named = [i for i in of("class") if seen[i].named]
    classes = (named or of("class"))[:1]
    labels = flags or tags[:1]
    match wanted:
        case "class":
            return ("class", classes) if classes else None
        case "labels":
            return ("labels", labels) if labels else None
        case "numbers":
            return ("numbers", numbers) if numbers else None
        case "text" | "names":
            texts = texts or of("text") or of("class", "tags")[:1]
            return ("text", texts) if texts else None
        case "auto":
            pass
    if captions or said:
        texts = texts or of("text") or of("class", "tags")[:1]
        if texts:
            return "text", texts
    if named:
        return "class", classes
    if len(flags) >= _MANY_FLAGS and len(flags) == len(numbers):
        return "labels", flags
    if classes:
        return "class", classes
    if tags and titles != tags:
        return "labels", tags[:1]
    if texts:
        return "text", texts
    if flags and len(flags) == len(numbers):
        return "labels", flags
    if numbers:
        return "numbers", numbers
    return ("text", of("text")) if of("text") else None
