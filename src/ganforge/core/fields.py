"""Plain data of unknown origin, read field by field: each has a type and a range, or is refused by name.

Every function gives the value back, and raises ValueError or TypeError with a line that names ``where``.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any, cast

from ganforge.core.errors import nearest

__all__ = ["STRANGE", "choice", "flag", "leaves", "listed", "mapping", "only", "real", "text", "whole"]

MANY = 10_000  # items of a list: classes, columns, numbers of a condition

STRANGE = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    RecursionError,
    IndexError,
)
"""What building something from plain data that nobody has checked can raise."""


def only(fields: dict[str, Any], known: Collection[str], where: str) -> None:
    """No field but the ``known`` ones."""
    for name in fields:
        if name not in known:
            raise ValueError(f"{where} has an unknown field {name[:50]!r}.{nearest(name, known)}")


def mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{where} must be a mapping")
    return cast(dict[str, Any], value)


def listed(value: Any, where: str, most: int = MANY) -> list[Any]:
    if not isinstance(value, list) or len(cast(list[Any], value)) > most:
        raise TypeError(f"{where} must be a list of at most {most:,}")
    return cast(list[Any], value)


def whole(value: Any, where: str, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{where} must be a whole number from {least} to {most:,}")
    return value


def real(value: Any, where: str, least: float = -math.inf, most: float = math.inf) -> float:
    """A finite number within the range."""
    known = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not known or not math.isfinite(value) or not least <= value <= most:
        limits = "" if math.isinf(least) and math.isinf(most) else f" from {least:g} to {most:g}"
        raise ValueError(f"{where} must be a number{limits}")
    return float(value)


def text(value: Any, where: str, longest: int = 200) -> str:
    if not isinstance(value, str) or len(value) > longest:
        raise TypeError(f"{where} must be text of at most {longest:,} characters")
    return value


def flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{where} must be true or false")
    return value


def choice(value: Any, where: str, choices: Collection[str]) -> str:
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{where} can be {', '.join(choices)}")
    return value


def leaves(value: Any, name: str = "") -> dict[str, Any]:
    """Nested plain data as dotted names; what a list holds goes by its ``name``, where it has one."""
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, (list, tuple)):
        items = [
            (str(item.get("name", i)) if isinstance(item, dict) else str(i), item)
            for i, item in enumerate(value)
        ]
    else:
        return {name: value}
    return {k: v for key, item in items for k, v in leaves(item, f"{name}.{key}".lstrip(".")).items()}
