"""Texts as pictures of lines."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

__all__ = ["columns"]

_LINE, _GAP, _LETTER = 15, 10, 7
_MOST = 40
_INKS = ((120, 126, 138), (214, 86, 24))


def columns(heads: Sequence[str], texts: Sequence[Sequence[str]]) -> Image.Image:
    """Lists of lines side by side, each under its head."""
    rows = max([1, *(min(len(lines), _MOST) for lines in texts)])
    longest = max([12, *(len(line) for lines in texts for line in lines[:_MOST])])
    wide = longest * _LETTER + _GAP
    sheet = Image.new("RGB", (wide * len(texts) + _GAP, (rows + 2) * _LINE), "white")
    draw = ImageDraw.Draw(sheet)
    for k, (head, lines) in enumerate(zip(heads, texts, strict=True)):
        left, ink = _GAP + k * wide, _INKS[k % len(_INKS)] if len(texts) > 1 else _INKS[1]
        draw.text((left, 3), head, fill=ink)
        for row, line in enumerate(lines[:_MOST]):
            draw.text((left, (row + 1) * _LINE + 5), _printable(line), fill=ink)
    return sheet


def _printable(line: str) -> str:
    """What Pillow's own font has letters for."""
    return line.encode("latin-1", "replace").decode("latin-1")
