"""One column of a table: what its cells are, and how they are written."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from dataclasses import fields as dataclass_fields
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast, get_args

import numpy as np

from ganforge.core.fields import choice, flag, listed, mapping, only, real, text, whole
from ganforge.data.numerals import Numerals

__all__ = ["DATES", "WAYS", "Column", "Kind", "parse_date"]

Kind = Literal["number", "whole", "date", "yes-no", "word", "constant", "key", "text"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = (
    "%Y-%m-%d|%Y/%m/%d|%Y.%m.%d|%d.%m.%Y|%d/%m/%Y|%m/%d/%Y|%d-%m-%Y|%m-%d-%Y|%d.%m.%y|%d/%m/%y|%m/%d/%y"
    "|%d-%b-%Y|%d-%b-%y|%Y-%m|%d %b %Y|%d %B %Y|%b %d, %Y|%B %d, %Y"
)
_TIMES = "| %H:%M| %H:%M:%S|T%H:%M|T%H:%M:%S| %H:%M:%S.%f|T%H:%M:%S.%f| %I:%M %p| %I:%M:%S %p"
DATES = (*(day + time for day in _DAYS.split("|") for time in _TIMES.split("|")), "%H:%M", "%H:%M:%S")
"""Formats of dates that are looked for, in this order; a zone, the same in all cells, may follow each."""

WAYS = ((False, False), (True, False), (True, True), (False, True))
"""Whether dates are ``bare`` and hours ``short``, likeliest first."""

_MANY = 10_000_000


@dataclass(frozen=True, kw_only=True)
class Column:
    """How the cells of a column are read and written.

    A cell's *code* is a float64: a number itself, the day or second of a date since 1970, the place of a word
    in ``levels``; where it is missing, ``gap``, which lies below all others.

    Attributes:
        name: as the table's head has it.
        kind: number, whole (numbers), date, yes-no (two words), word; or what no network sees: constant, key
            (another cell in each row), text.
        why: the reason, for a person.
        levels: words, the most frequent first; of a constant, its cell; of a key, one of them.
        missing: the cell that says that there is nothing; None where there always is something.
        decimal, thousands, before, after: signs of numbers, and what stands beside each; ``after`` is also a
            date's zone, such as Z.
        decimals: how many digits stand after the decimal sign, at least and at most; −1 where numbers are
            written as Python does.
        form: of a date, as ``strftime`` takes it.
        bare: of a date, whether days, months and hours up to 12 have no leading zero.
        short: whether hours up to 24 have none.
        prefix: spaces before each cell.
        quoted: whether each cell stands in double quotes.
        last: of a key of whole numbers, the largest.
        gap: the code of what is missing.
    """

    name: str
    kind: Kind
    why: str = ""
    levels: tuple[str, ...] = ()
    missing: str | None = None
    decimal: str = "."
    thousands: str = ""
    before: str = ""
    after: str = ""
    decimals: tuple[int, int] = (0, 0)
    form: str = ""
    bare: bool = False
    short: bool = False
    prefix: str = ""
    quoted: bool = False
    last: int = 0
    gap: float = -1.0

    @property
    def modelled(self) -> bool:
        """Whether a network makes it."""
        return self.kind not in ("constant", "key", "text")

    @property
    def ordered(self) -> bool:
        """Whether its codes can be compared: numbers and dates."""
        return self.kind in ("number", "whole", "date")

    @property
    def by_seconds(self) -> bool:
        """Whether a date counts seconds; else days."""
        return "%H" in self.form or "%I" in self.form

    # -- cells to codes ----------------------------------------------------------------------------------

    def code(self, cell: str) -> float | None:
        """The code of a cell that is not missing; None where it is none of this column."""
        if self.kind == "date":
            body = cell.removesuffix(self.after) if self.after else cell
            moment = parse_date(body, self.form)
            return None if moment is None else self._count(moment)
        if self.ordered:
            return Numerals(self.decimal, self.thousands).read(cell)
        found = self._places().get(cell)
        return None if found is None else float(found)

    def _places(self) -> dict[str, int]:
        return {word: i for i, word in enumerate(self.levels)}

    def _count(self, moment: datetime) -> float:
        """Seconds, or days, since 1970."""
        since = moment - _EPOCH
        return since.total_seconds() if self.by_seconds else float(since.days)

    # -- codes to cells ----------------------------------------------------------------------------------

    def cells(self, codes: np.ndarray) -> list[str]:
        """Codes ``(N,)`` as they stand in a file, without prefix and quotes."""
        distinct, places = np.unique(codes, return_inverse=True)
        written = [
            (self.missing or "") if code == self.gap and self.missing is not None else self._cell(code)
            for code in distinct.tolist()
        ]
        return [written[i] for i in places.tolist()]

    def _cell(self, code: float) -> str:
        if self.kind == "date":
            return self._date(code)
        if self.ordered:
            return self._number(code)
        return self.levels[int(code)]

    def _number(self, x: float) -> str:
        least, most = self.decimals
        if most < 0:
            body = repr(abs(x))
        else:
            body = f"{abs(x):,.{most}f}" if self.thousands else f"{abs(x):.{most}f}"
            if "." in body:
                whole_part, digits = body.split(".")
                digits = digits[:least] + digits[least:].rstrip("0")
                body = f"{whole_part}.{digits}" if digits else whole_part
        if self.thousands or self.decimal != ".":
            body = body.translate({ord(","): self.thousands, ord("."): self.decimal})
        sign = "-" if x < 0 or (x == 0 and math.copysign(1, x) < 0) else ""
        return f"{sign}{self.before}{body}{self.after}"

    def _date(self, code: float) -> str:
        step = timedelta(seconds=code) if self.by_seconds else timedelta(days=code)
        moment = _EPOCH + step
        said = moment.strftime(_without_zeros(self.form, moment, bare=self.bare, short=self.short))
        if "%f" in self.form:
            said = said[: len(said) - 6 + max(self.decimals[1], 1)]
        return said + self.after

    # -- as values of a program ----------------------------------------------------------------------------

    def values(self, codes: np.ndarray) -> np.ndarray:
        """Codes ``(N,)`` as int64, float64, datetime64 or words; None and NaN where nothing is."""
        gone = self.gone(codes)
        if self.kind == "date" and "%Y" in self.form:
            unit = ("ms", 1e3) if self.by_seconds else ("D", 1.0)
            times = (
                (np.where(gone, 0, codes) * unit[1]).round().astype("int64").astype(f"datetime64[{unit[0]}]")
            )
            times[gone] = np.datetime64("NaT")
            return times
        if self.kind == "whole" and not gone.any():
            return codes.round().astype(np.int64)
        if self.kind in ("number", "whole"):
            return np.where(gone, np.nan, codes)
        cells = np.array(self.cells(codes), object)
        cells[gone] = None
        return cells

    def gone(self, codes: np.ndarray) -> np.ndarray:
        """Which of the codes ``(N,)`` say that something is missing."""
        return codes == self.gap if self.missing is not None else np.zeros(codes.shape, bool)

    def grid(self, codes: np.ndarray) -> np.ndarray:
        """Numbers rounded as the column's cells are."""
        if self.kind == "number":
            return codes if self.decimals[1] < 0 else codes.round(self.decimals[1])
        return codes.round() if "%f" not in self.form else codes

    def describe(self) -> str:
        """For a person: ``number with 2 decimals, '?' where missing``."""
        words = {
            "number": "number",
            "whole": "whole number",
            "date": f"date as {self.form}{self.after}",
            "yes-no": f"yes/no ({' / '.join(self.levels)})",
            "word": f"word, {len(self.levels):,} different",
            "constant": "constant",
            "key": "key",
            "text": "free text",
        }
        said = words[self.kind]
        least, most = self.decimals
        if self.kind == "number" and most >= 0:
            digits = f"{most} decimal{'' if most == 1 else 's'}"
            said += f" with {digits}" if least == most else f" with up to {digits}"
        if self.missing is not None:
            said += f", {self.missing!r} where missing" if self.missing else ", empty where missing"
        return said

    def to_json(self) -> dict[str, Any]:
        found = {name: value for name, value in asdict(self).items() if value not in ((), "", None, False)}
        # A marker may be empty, and lists are what JSON gives back.
        found |= {} if self.missing is None else {"missing": self.missing}
        return found | {"levels": list(self.levels), "decimals": list(self.decimals), "gap": self.gap}

    @classmethod
    def from_json(cls, fields: Any, where: str = "column") -> Column:
        """The inverse of :meth:`to_json`, on plain data of unknown origin. Raises ValueError, TypeError."""
        fields = mapping(fields, where)
        only(fields, [field.name for field in dataclass_fields(cls)], where)
        found: dict[str, Any] = {"kind": cast(Kind, choice(fields["kind"], f"{where}.kind", get_args(Kind)))}
        for name in ("name", "why", "missing", "decimal", "thousands", "before", "after", "form", "prefix"):
            if name in fields:
                found[name] = text(fields[name], f"{where}.{name}", 100_000)
        for name in ("bare", "short", "quoted"):
            found[name] = flag(fields.get(name, False), f"{where}.{name}")
        levels = listed(fields.get("levels", []), f"{where}.levels", _MANY)
        found["levels"] = tuple(text(word, f"{where}.levels", 100_000) for word in levels)
        pair = listed(fields.get("decimals", [0, 0]), f"{where}.decimals", 2)
        least, most = (whole(number, f"{where}.decimals", -1, 30) for number in pair)
        found |= {
            "decimals": (least, most),
            "last": whole(fields.get("last", 0), f"{where}.last", 0, 1 << 62),
        }
        found["gap"] = real(fields.get("gap", -1.0), f"{where}.gap")
        return cls(**found)


def parse_date(cell: str, form: str) -> datetime | None:
    """A cell's moment by ``form``, if it is written so, with or without leading zeros; else None."""
    try:
        moment = datetime.strptime(cell, form).replace(tzinfo=UTC)
    except ValueError:
        return None
    if "%f" in form:
        said = moment.strftime(form)
        return moment if said.startswith(cell) or said.rstrip("0") == cell else None
    ways = (moment.strftime(_without_zeros(form, moment, bare=bare, short=short)) for bare, short in WAYS)
    return moment if cell in ways else None


def _without_zeros(form: str, moment: datetime, *, bare: bool, short: bool) -> str:
    """01/05/2020 07:30 as 1/5/2020 07:30, or as 1/5/2020 7:30; a year of two digits keeps both: 1/5/05."""
    numbers = {"%d": moment.day, "%m": moment.month, "%I": int(moment.strftime("%I"))} if bare else {}
    if short:
        numbers["%H"] = moment.hour
    for sign, number in numbers.items():
        form = form.replace(sign, str(number))
    return form


def decimals_of(cells: Iterable[str], decimal: str) -> tuple[int, int]:
    """The fewest and the most digits after the decimal sign; (−1, −1) where there are exponents."""
    counts: set[int] = set()
    exponent, behind = re.compile(r"[\deE][eEdD][-+]?\d"), re.compile(rf"{re.escape(decimal)}(\d*)[^\d]*$")
    for cell in cells:
        _, point, digits = cell.rpartition(decimal)
        if digits.lstrip("+-").isdecimal():  # most cells: whatever stands before is no exponent
            counts.add(len(digits) if point else 0)
            continue
        if exponent.search(cell):
            return -1, -1
        digits = behind.search(cell)
        counts.add(len(digits[1]) if digits else 0)
    return (min(counts), max(counts)) if counts else (0, 0)


def first_words(words: Sequence[str], most: int = 5) -> str:
    """Some words, for a person."""
    return ", ".join(words[:most]) + (", …" if len(words) > most else "")
