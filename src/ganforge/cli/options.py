"""What verbs share: parsing into a dataclass, and printing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

import tyro

from ganforge.core.errors import UsageError

__all__ = ["changes", "parse", "seeds", "size"]

Options = TypeVar("Options")


def parse(kind: type[Options], verb: str, arguments: Sequence[str]) -> Options:
    """Arguments to a dataclass. A misspelt option ends the program with the nearest one and exit code 2."""
    return tyro.cli(
        kind,
        prog=f"gan {verb}",
        args=list(arguments),
        config=(tyro.conf.FlagCreatePairsOff, tyro.conf.OmitArgPrefixes),
    )


def changes(pairs: Sequence[str]) -> dict[str, str]:
    """``KEY=VALUE`` texts to a mapping. Raises UsageError."""
    found: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"--set takes KEY=VALUE, as in --set batch=32, not {pair!r}")
        found[key.strip()] = value.strip()
    return found


def size(text: str | None) -> int | tuple[int, int] | None:
    """``64`` or ``64x48`` (width × height, as a person says it) to a side or ``(width, height)``."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+)(?:[x×](\d+))?", text.strip().lower())
    if match is None:
        raise UsageError(f"--size takes a side or WIDTHxHEIGHT in pixels, as in 64 or 96x64, not {text!r}")
    return int(match[1]) if match[2] is None else (int(match[1]), int(match[2]))


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
