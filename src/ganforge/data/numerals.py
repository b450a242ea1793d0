"""How numbers are written in a table: decimal sign, thousands, and marks such as %."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ganforge.core.errors import DataError

__all__ = ["Numerals", "find_numerals", "is_missing", "looks_like_number", "mark_of"]

_MISSING = frozenset(
    {"", "na", "n/a", "n.a.", "#n/a", "nan", "null", "none", "nil", "-", "--", "?", ".", "missing", "#null!"}
    | {
        "#div/0!",
        "#value!",
        "#ref!",
        "#num!",
        "#name?",
        "<na>",
        "nat",
        "-nan",
        "1.#ind",
        "-1.#ind",
        "1.#qnan",
    }
)  # what stands where nothing was measured

_SPACES = " \u00a0\u202f\u2009"  # plain, unbroken, narrow, thin
_PLAIN = re.compile(r"[-+]?\d+(?:\.\d+)?", re.ASCII)
_MARKS = re.compile(r"^(?P<sign>[-+−–]?)\s*(?P<before>[$€£¥₹₽%]?)\s*(?P<body>.*?)\s*(?P<after>[$€£¥₹₽%]?)$")
_TRUTH = {"true": 1.0, "false": 0.0}
_LOOSE = re.compile(rf"[\d.,'’{_SPACES}]*\d[\d.,'’{_SPACES}]*(?:[eEdD][-+]?\d+)?")


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is nothing."""
    return cell.strip().lower() in _MISSING


@lru_cache(1 << 16)
def looks_like_number(cell: str) -> bool:
    """Whether a cell may be a number, whichever sign is decimal; what is missing is none."""
    if re.fullmatch(r"[-+]?\d+(?:[eE][-+]?\d+)?", cell) or cell.strip().lower() in _TRUTH:
        return True
    return any(_signs(cell)) or re.fullmatch(r"\d+(?:[eEdD][-+]?\d+)?", _bare(cell)) is not None


def mark_of(cell: str) -> str:
    """The currency or % that stands beside a number; ``true`` for a truth; empty where there is neither."""
    if _PLAIN.fullmatch(cell):
        return ""
    cell = cell.strip()
    if cell.lower() in _TRUTH:
        return "true"
    found = _MARKS.match(_unbracketed(cell))
    return (found["before"] or found["after"]) if found else ""


def _unbracketed(cell: str) -> str:
    """A number as books write it below zero, without its brackets."""
    return cell[1:-1] if cell.startswith("(") and cell.endswith(")") else cell


def _bare(cell: str) -> str:
    """A number without brackets, sign and marks."""
    cell = _unbracketed(cell.strip())
    found = _MARKS.match(cell)
    return found["body"] if found else cell


@dataclass(frozen=True)
class Numerals:
    """How the numbers of a table are written.

    Attributes:
        decimal: ``.`` or ``,``.
        thousands: what stands between thousands, or empty.
        warning: where one could read them otherwise: what was taken, and how to say otherwise.
    """

    decimal: str = "."
    thousands: str = ""
    warning: str = ""

    @property
    def plain(self) -> bool:
        """Whether they are written as Python writes them."""
        return self.decimal == "." and not self.thousands

    def read(self, cell: str) -> float | None:
        """A cell's number, or None where it is none: also 45 % (45), € 1.234,50, (12) in books, TRUE (1)."""
        if self.decimal == "." and _PLAIN.fullmatch(cell):  # most cells of most tables
            return float(cell)
        cell = cell.strip()
        if (truth := _TRUTH.get(cell.lower())) is not None:
            return truth
        bare = _unbracketed(cell)
        negative = bare != cell
        found = _MARKS.match(bare)
        if found is None or not _pattern(self.decimal, self.thousands).fullmatch(found["body"]):
            return None
        if negative and found["sign"]:
            return None
        digits = found["body"]
        if self.thousands:
            digits = re.sub(_class(self.thousands), "", digits)
        digits = digits.replace(self.decimal, ".").replace("d", "e").replace("D", "e")
        return (-1.0 if negative or found["sign"] in ("-", "−", "–") else 1.0) * float(digits)

    def words(self) -> str:
        """``decimal comma, thousands '.'``; empty where they are plain."""
        said = ["decimal comma"] if self.decimal == "," else []
        if self.thousands:
            said.append(f"thousands {self.thousands!r}" if self.thousands.strip() else "thousands in spaces")
        return ", ".join(said)


def _class(thousands: str) -> str:
    """The signs that stand between thousands: spaces of any kind, or either apostrophe."""
    if thousands == " ":
        return f"[{_SPACES}]"
    return "['’]" if thousands == "'" else re.escape(thousands)


@lru_cache
def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    whole = r"\d+"
    if thousands:
        whole = rf"(?:\d{{1,3}}(?:{_class(thousands)}\d{{3}})+|\d+)"
    point = re.escape(decimal)
    return re.compile(rf"(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eEdD][-+]?\d+)?", re.ASCII)


def find_numerals(columns: Sequence[Sequence[str]], separator: str, point: str) -> Numerals:
    """How the numbers in some columns of cells are written.

    ``5,12`` has a decimal comma for certain, and ``1,234,567`` has none. Where the whole table has nothing
    so clear, ``1,234`` has thousands if its column also has numbers without a sign (950, 1,050), or if commas
    separate the columns; else a decimal comma, and that is said.

    Args:
        separator: of the columns.
        point: the decimal sign, where a person said it; else empty.

    Raises:
        DataError: only a person can tell.
    """
    sure: Counter[str] = Counter()  # signs: decimal for certain
    groups: dict[str, str] = {}  # sign to a number whose thousands it parts for certain
    either: dict[str, tuple[str, bool]] = {}  # sign to a number that may be both, and whether wholes are near
    for cells in columns:
        whole, open_ones = False, dict[str, str]()
        for cell in cells:
            decimal, thousands, unsure = _signs(cell)
            sure[decimal] += bool(decimal)
            if thousands:
                groups.setdefault(thousands, cell)
            if unsure:
                open_ones.setdefault(unsure, cell)
            whole = whole or (not decimal and not thousands and not unsure and _bare(cell).isdecimal())
        either |= {sign: (cell, whole) for sign, cell in open_ones.items()}
    spaced = next((sign for sign in (" ", "'") if sign in groups), "")
    comma, dot = sure[","] + ("." in groups), sure["."] + ("," in groups)
    if point or comma or dot:
        decimal = point or ("," if comma > dot else ".")
        group = "," if decimal == "." else "."
        return Numerals(decimal, group if group in groups or group in either else spaced)
    if len(either) == 2:
        (one, _), (other, _) = either.values()
        raise DataError(
            f"{one!r} and {other!r} can be read in two ways: say which sign is decimal,"
            " --decimal point or --decimal comma"
        )
    if "," in either:
        cell, whole = either[","]
        return _warned(cell, "." if separator == "," or whole else ",", spaced)
    if "." in either and either["."][1] and separator in (";", "\t"):
        return _warned(either["."][0], ",", spaced)
    return Numerals(".", spaced)


def _warned(cell: str, decimal: str, spaced: str) -> Numerals:
    """Numerals where ``cell`` decides, with a warning that it can be read in another way."""
    both = {sign: Numerals(sign, "," if sign == "." else ".") for sign in (".", ",")}
    read, other = both[decimal].read(cell), both["," if decimal == "." else "."].read(cell)
    option = "comma" if decimal == "." else "point"
    warning = f"{cell.strip()!r} is read as {read:.12g}; if it is {other:.12g}: --decimal {option}"
    group = both[decimal].thousands
    return Numerals(decimal, group if group in cell else spaced, warning)


@lru_cache(1 << 16)  # a table is looked at several times before it is read
def _signs(cell: str) -> tuple[str, str, str]:
    """A number's decimal sign, the sign between its thousands, and one that may be either; or empty."""
    body = _bare(cell)
    if not _LOOSE.fullmatch(body):
        return "", "", ""
    body = re.split("[eEdD]", body)[0].strip()
    spaced = re.search(f"['’{_SPACES}]", body)
    thousands = ("'" if spaced[0] in "'’" else " ") if spaced else ""
    if spaced and not re.fullmatch(rf"\d{{1,3}}(?:{_class(thousands)}\d{{3}})+(?:[.,]\d*)?", body):
        return "", "", ""
    body = re.sub(f"['’{_SPACES}]", "", body)
    if "," in body and "." in body:
        decimal = max(",.", key=body.rfind)
        return decimal, "," if decimal == "." else ".", ""
    sign = next((sign for sign in ",." if sign in body), "")
    if not sign:
        return "", thousands, ""
    grouped = re.fullmatch(rf"[1-9]\d{{0,2}}(?:{re.escape(sign)}\d{{3}})+", body) is not None
    if body.count(sign) > 1:
        return "", sign if grouped else "", ""
    return ("", thousands, sign) if grouped and not thousands else (sign, thousands, "")
