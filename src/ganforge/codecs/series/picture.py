"""Series as lines: real in grey above made in orange, and how values depend on earlier ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from ganforge.codecs.rows.column import Column

__all__ = ["beside", "one_series"]

_WIDE, _HIGH, _GAP, _TITLE = 260, 110, 14, 14
_ACROSS = 4  # features that are drawn side by side
_MOST = 8
_LINES = 12
_REAL, _MADE, _INK, _PAPER = (120, 126, 138), (214, 86, 24), (60, 64, 72), (225, 228, 232)


def beside(columns: Sequence[Column], made: np.ndarray, real: np.ndarray) -> Image.Image:
    """For each feature of series ``(N, F, T)`` some real lines over some made ones, on one scale.

    The third panel has the mean over series of each one's autocorrelation, real and made.
    """
    shown = min(len(columns), _MOST)
    across = min(_ACROSS, shown)
    down = -(-shown // across)
    tall = _TITLE + 3 * (_HIGH + 4) + _GAP
    sheet = Image.new("RGB", (across * (_WIDE + _GAP) + _GAP, down * tall + _GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for f in range(shown):
        left, top = _GAP + (f % across) * (_WIDE + _GAP), _GAP + (f // across) * tall
        draw.text((left, top), columns[f].name[:30], fill=_INK)
        top += _TITLE
        known = real if len(real) else made
        ends = _ends(known[:, f])
        for x, colour, name in ((real, _REAL, "real"), (made, _MADE, "made")):
            _frame(draw, left, top, name, colour)
            for line in x[:_LINES, f]:
                _line(draw, left, top, line, ends, colour)
            top += _HIGH + 4
        _frame(draw, left, top, "autocorrelation", _INK)
        for x, colour in ((real, _REAL), (made, _MADE)):
            if len(x):
                _line(draw, left, top, _autocorrelation(x[:, f]), (-1.0, 1.0), colour, 2)
    return sheet


def one_series(columns: Sequence[Column], values: np.ndarray) -> Image.Image:
    """One series ``(F, T)``: a line for each feature, each on its own scale."""
    shown = min(len(columns), _ACROSS)
    sheet = Image.new("RGB", (_WIDE + 8, shown * (_HIGH // 2 + 4) + 4), "white")
    draw = ImageDraw.Draw(sheet)
    for f in range(shown):
        top = 4 + f * (_HIGH // 2 + 4)
        draw.text((6, top), columns[f].name[:30], fill=_INK)
        _line(draw, 4, top, values[f], _ends(values[f]), _MADE, high=_HIGH // 2)
    return sheet


def _ends(x: np.ndarray) -> tuple[float, float]:
    known = x[np.isfinite(x)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    pad = 0.05 * (high - low) or 1.0
    return low - pad, high + pad


def _frame(draw: ImageDraw.ImageDraw, left: int, top: int, name: str, colour: tuple[int, int, int]) -> None:
    draw.rectangle((left, top, left + _WIDE, top + _HIGH), outline=_PAPER)
    draw.text((left + _WIDE - 4 - draw.textlength(name), top + 2), name, fill=colour)


def _line(
    draw: ImageDraw.ImageDraw,
    left: int,
    top: int,
    line: np.ndarray,
    ends: tuple[float, float],
    colour: tuple[int, int, int],
    width: int = 1,
    high: int = _HIGH,
) -> None:
    """One line from edge to edge, broken where nothing is."""
    wide = _WIDE / max(len(line) - 1, 1)
    run: list[tuple[float, float]] = []
    for t, value in enumerate([*line.tolist(), float("nan")]):
        if np.isfinite(value):
            place = min(max((value - ends[0]) / (ends[1] - ends[0]), 0.0), 1.0)
            run.append((left + t * wide, top + high - 1 - place * (high - 2)))
            continue
        if len(run) > 1:
            draw.line(run, fill=colour, width=width)
        elif run:
            draw.point(run, fill=colour)
        run = []


def _autocorrelation(x: np.ndarray) -> np.ndarray:
    """Of series ``(N, T)`` at lags 0, 1, …: the mean of each one's own."""
    there = ~np.isnan(x)
    count = np.maximum(there.sum(1, keepdims=True), 1)
    own = np.where(there, x - np.where(there, x, 0.0).sum(1, keepdims=True) / count, 0.0)
    power = (own**2).sum(1) / count[:, 0]
    lags = max(int(np.median(there.sum(1))) // 2, 1)
    found = np.full(lags + 1, np.nan)
    for lag in range(lags + 1):
        both = (there[:, lag:] & there[:, : x.shape[1] - lag]).sum(1)
        product = (own[:, lag:] * own[:, : x.shape[1] - lag]).sum(1)
        able = (both > 1) & (power > 0)
        if able.any():
            found[lag] = float((product[able] / both[able] / power[able]).mean())
    return found
