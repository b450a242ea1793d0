"""Options of what is declared, each written once: for the command line, its help and Python alike."""

from __future__ import annotations

import re
from typing import Any

import tyro

from ganforge.core.errors import UsageError

__all__ = ["box", "listed", "option", "seeds"]


def option(metavar: str | None = None, *, name: str | None = None, short: str | None = None) -> Any:
    """What an option is called on the help page; its words end without 'default: None'."""
    aliases = None if short is None else (short,)
    return tyro.conf.arg(metavar=metavar, name=name, aliases=aliases, help_behavior_hint=_hint)


def _hint(default: str) -> str:
    return "" if default in ("None", "False", "") else f"(default: {default})"


def listed(text: str) -> list[str]:
    """``a,b`` to its words."""
    return [word.strip() for word in text.split(",") if word.strip()]


def seeds(text: str) -> list[int]:
    """``0-15`` or ``3,7,20-23`` to numbers. Raises UsageError."""
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part)
        if match is None:
            raise UsageError(f"--seeds takes numbers and ranges, as in 0-15 or 3,7,20-23, not {text!r}")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last - first >= 100_000:
            raise UsageError(f"--seeds {part.strip()}: a range goes up, and by fewer than 100,000")
        found += range(first, last + 1)
    return found


def box(text: str, name: str) -> tuple[int, int, int, int]:
    """``left,top,right,bottom`` in pixels. Raises UsageError."""
    try:
        left, top, right, bottom = (int(number) for number in text.split(","))
        assert left < right
        assert top < bottom
    except (ValueError, AssertionError):
        raise UsageError(
            f"{name} takes left,top,right,bottom in pixels, as in 0,14,28,28, not {text!r}"
        ) from None
    return max(left, 0), max(top, 0), right, bottom
