"""Fields of a call from a browser, checked: every fault is one line that names the field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from ganforge.core.errors import UsageError, nearest

__all__ = ["listed", "mapping", "number", "only", "truth", "whole", "word"]


def only(fields: dict[str, Any], known: Sequence[str]) -> None:
    """Raises UsageError for a field that is not known."""
    for name in fields:
        if name not in known:
            listing = ", ".join(known) or "none"
            raise UsageError(
                f"there is no field {name[:50]!r} here; there is {listing}.{nearest(name[:50], known)}"
            )


def whole(fields: dict[str, Any], name: str, default: int | None, low: int, high: int) -> int:
    """A whole number from ``low`` to ``high``; a default of None demands it."""
    value = fields.get(name, default)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise UsageError(f"{name} must be a whole number from {low:,} to {high:,}")
    return value


def number(fields: dict[str, Any], name: str, default: float | None, low: float, high: float) -> float:
    """A number from ``low`` to ``high``, which are finite."""
    value = fields.get(name, default)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not low <= value <= high:
        raise UsageError(f"{name} must be a number from {low:g} to {high:g}")
    return float(value)


def word(fields: dict[str, Any], name: str, choices: Sequence[str], default: str | None = None) -> str:
    """One of ``choices``."""
    value = fields.get(name, default)
    if value not in choices:
        hint = nearest(str(value)[:50], choices)
        raise UsageError(f"{name} is {str(value)[:50]!r}; it can be {', '.join(choices)}.{hint}")
    return cast(str, value)


def truth(fields: dict[str, Any], name: str, default: bool = False) -> bool:
    value = fields.get(name, default)
    if not isinstance(value, bool):
        raise UsageError(f"{name} must be true or false")
    return value


def mapping(fields: dict[str, Any], name: str, default: dict[str, Any] | None = None) -> dict[str, Any]:
    value = fields.get(name, default)
    if not isinstance(value, dict):
        raise UsageError(f"{name} must be an object")
    return cast(dict[str, Any], value)


def listed(fields: dict[str, Any], name: str, most: int, least: int = 0) -> list[Any]:
    value = fields.get(name)
    if not isinstance(value, list) or not least <= len(cast(list[Any], value)) <= most:
        raise UsageError(f"{name} must be a list of {least:,} to {most:,}")
    return cast(list[Any], value)
