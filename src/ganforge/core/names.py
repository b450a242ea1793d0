"""When two names mean the same to a person: spelling by NFC, without case, in the letters that were meant."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

__all__ = ["alike", "find_name", "folded", "restored"]

_LOST = re.compile("[\udc80-\udcff]")  # bytes of a file's name that are no UTF-8, as Python keeps them
_SHOWN = re.compile(r"\\udc([89a-f][0-9a-f])")  # the same, as they are printed
_MISREAD = ("cp437", "cp1252")  # what UTF-8 is taken for: by zip archives without a mark, and by Windows


def folded(name: str) -> str:
    """``name`` in one spelling: composed (NFC), without case, with single spaces.

    macOS keeps ``é`` as two characters, and Windows does not tell ``IMG`` from ``img``.
    """
    name = unicodedata.normalize("NFC", restored(name))
    return unicodedata.normalize("NFC", " ".join(name.split()).casefold())


def restored(name: str) -> str:
    """Letters that were read in another encoding than they were written in, as they were meant."""
    if name.isascii() and "\\udc" not in name:
        return name
    name = _SHOWN.sub(lambda found: chr(0xDC00 + int(found[1], 16)), name)
    if _LOST.search(name):
        try:
            return name.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
        except UnicodeError:  # also halves of a character, as damaged json has them
            return name.encode("utf-8", "replace").decode()
    for encoding in _MISREAD:
        try:
            return name.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return name


def find_name(word: str, names: Sequence[str]) -> int | None:
    """The index of ``word`` among ``names``: as it is, else in one spelling, if that is one of them."""
    if word in names:
        return names.index(word)
    wanted = folded(word)
    found = [i for i, name in enumerate(names) if folded(name) == wanted]
    return found[0] if len(found) == 1 else None


def alike(names: Sequence[str]) -> list[list[str]]:
    """Those of ``names`` that are one in another spelling: ``Cat`` and ``cat``."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(folded(name), []).append(name)
    return [same for same in found.values() if len(same) > 1]
