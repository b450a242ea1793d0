"""The columns of a table beside each other: real in grey, made in orange."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from ganforge.codecs.rows.column import Column

__all__ = ["beside"]

_WIDE, _HIGH, _GAP = 220, 150, 14
_ACROSS = 4
_MOST = 24  # columns that are drawn
_BARS = 10  # words that are drawn
_REAL, _MADE, _INK = (150, 156, 166), (214, 86, 24), (60, 64, 72)


def beside(columns: Sequence[Column], made: np.ndarray, real: np.ndarray) -> Image.Image:
    """A panel for each column of codes ``(N, K)``: the shares of words, or the density of numbers."""
    shown = list(columns)[:_MOST]
    across = min(_ACROSS, len(shown))
    down = -(-len(shown) // across)
    sheet = Image.new("RGB", (across * (_WIDE + _GAP) + _GAP, down * (_HIGH + _GAP) + _GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for i, column in enumerate(shown):
        left = _GAP + (i % across) * (_WIDE + _GAP)
        top = _GAP + (i // across) * (_HIGH + _GAP)
        _panel(draw, left, top, column, made[:, i], real[:, i])
    return sheet


def _panel(
    draw: ImageDraw.ImageDraw, left: int, top: int, column: Column, made: np.ndarray, real: np.ndarray
) -> None:
    draw.text((left, top), column.name[:34], fill=_INK)
    parts = (real, made)
    known = real if len(real) else made
    if column.ordered:
        filled = known[~column.gone(known)]
        ends = (float(filled.min()), float(filled.max())) if len(filled) else (0.0, 1.0)
        edges = np.linspace(ends[0], ends[1] if ends[1] > ends[0] else ends[0] + 1.0, 25)
        shares = [np.histogram(x[~column.gone(x)], edges)[0] / max(len(x), 1) for x in parts]
        low, high = column.cells(column.grid(np.array(ends)))
        words = f"{low[:14]} … {high[:14]}"
    else:
        codes, counts = np.unique(known, return_counts=True)
        codes = codes[np.argsort(-counts)][:_BARS]
        shares = [np.array([(x == code).mean() if len(x) else 0.0 for code in codes]) for x in parts]
        words = ", ".join(column.cells(codes))[:34]
    floor, wide = top + _HIGH - 16, _WIDE / max(len(shares[0]), 1)
    high_share = max(float(np.max(share, initial=0.0)) for share in shares) or 1.0
    for share, colour, offset in ((shares[0], _REAL, 0.05), (shares[1], _MADE, 0.5)):
        for k, value in enumerate(share.tolist()):
            x = left + (k + offset) * wide
            height = (_HIGH - 36) * value / high_share
            draw.rectangle((x, floor - height, x + max(wide * 0.42, 1), floor), fill=colour)
    draw.line((left, floor, left + _WIDE, floor), fill=_INK)
    draw.text((left, floor + 3), words, fill=_INK)
