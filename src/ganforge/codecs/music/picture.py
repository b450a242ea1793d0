"""Music as piano rolls."""

from __future__ import annotations

import numpy as np
from PIL import Image

__all__ = ["piano_roll"]

_WIDE, _HIGH = 4, 3  # pixels of a step and of a pitch
_PAPER, _KEYS, _BARS = (250, 250, 248), (238, 239, 240), (206, 208, 212)
_BLACK = (1, 3, 6, 8, 10)  # pitch classes of the black keys
_VOICES = ((214, 86, 24), (36, 110, 185), (46, 139, 87), (140, 84, 164), (166, 122, 30), (90, 96, 106))


def piano_roll(grid: np.ndarray, low: int, high: int, bar: int) -> Image.Image:
    """Codes ``(V, T)``: a line for each pitch from ``low`` to ``high``, darker where a note begins."""
    pitches, steps = high - low + 3, grid.shape[1]
    canvas = np.empty((pitches * _HIGH, steps * _WIDE, 3), np.uint8)
    canvas[:] = _PAPER
    for line in range(pitches):
        if (high + 1 - line) % 12 in _BLACK:
            canvas[line * _HIGH : (line + 1) * _HIGH] = _KEYS
    canvas[:, :: bar * _WIDE] = _BARS
    for voice in reversed(range(len(grid))):
        colour = np.array(_VOICES[voice % len(_VOICES)])
        for step, code in enumerate(grid[voice].tolist()):
            pitch = code >> 1
            if not pitch:
                continue
            top = (high + 1 - min(max(pitch, low - 1), high + 1)) * _HIGH
            left = step * _WIDE
            canvas[top : top + _HIGH, left : left + _WIDE] = colour
            if code & 1:
                canvas[top : top + _HIGH, left] = colour * 0.55
    return Image.fromarray(canvas)
