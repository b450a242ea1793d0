"""Plain data that anybody may have written, read without trust; and numbers as people read them."""

from __future__ import annotations

import json
import math
from typing import Any

__all__ = ["counted", "duration", "entries", "kimg", "mapping", "number", "short", "spaced", "words"]

_LONGEST = 400  # characters of a single value


def mapping(value: Any) -> dict[str, Any]:
    """``value`` where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def entries(value: Any) -> list[Any]:
    """``value`` as a list where it is one, else an empty one."""
    return list(value) if isinstance(value, list | tuple) else []


def number(value: Any) -> float:
    """``value`` where it is a finite number, else NaN."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        found = float(value)
    except OverflowError:
        return math.nan
    return found if math.isfinite(found) else math.nan


def words(value: Any) -> str:
    """Any plain value in one line; long ones are cut."""
    if isinstance(value, str):
        line = " ".join(value.split())
    elif isinstance(value, bool) or value is None:
        line = {True: "yes", False: "no", None: "none"}[value]
    elif isinstance(value, int | float):
        line = short(float(value)) if math.isfinite(number(value)) else "not finite"
    elif isinstance(value, dict):
        line = ", ".join(f"{name} {words(item)}" for name, item in list(value.items())[:20])
    elif isinstance(value, list | tuple):
        line = ", ".join(words(item) for item in value[:20])
    else:
        line = json.dumps(value, default=repr)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def spaced(name: Any) -> str:
    """A name of code in words: ``mode-collapse`` is ``mode collapse``."""
    return words(name).replace("_", " ").replace("-", " ")


def short(value: float) -> str:
    """Three digits that count, and no nought before the point: ``.0814``, ``4,560``; ``–`` for NaN."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    sign, size = ("−" if value < 0 else ""), abs(value)
    if size == 0:
        return "0"
    if size >= 1e5 or size < 1e-4:
        digits, _, power = f"{size:.2e}".partition("e")
        return f"{sign}{digits.rstrip('0').rstrip('.')}e{int(power)}".replace("e-", "e−")
    if size >= 100:
        return f"{sign}{size:,.0f}"
    shown = f"{size:.3g}"
    return sign + (shown[1:] if shown.startswith("0.") else shown)


def kimg(nimg: float) -> str:
    """Examples shown, in thousands: ``3.6 kimg``, ``1,240 kimg``."""
    if math.isnan(nimg):
        return "? kimg"
    thousands = nimg / 1000
    return f"{thousands:,.1f} kimg" if 0 < thousands < 1000 else f"{thousands:,.0f} kimg"


def duration(seconds: float) -> str:
    """``42 s``, ``7 min``, ``3 h 20 min``; a question mark where nobody knows."""
    if math.isnan(seconds):
        return "?"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60:,} h {minutes % 60} min"


def counted(n: float, noun: str, plural: str = "") -> str:
    """``1 picture``, ``1,617 pictures``; ``? pictures`` where nobody counted."""
    many = plural or f"{noun}s"
    return f"? {many}" if math.isnan(n) else f"{n:,.0f} {noun if n == 1 else many}"
