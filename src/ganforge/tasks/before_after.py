"""The sheet of a translation: inputs, results, and the truth where it is known, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from ganforge.codecs import plots
from ganforge.tasks.translation_direction import BeforeAfter

__all__ = ["picture_of", "sheet_of"]

_CELL = 256  # pixels a side of one picture


def picture_of(sample: np.ndarray) -> Image.Image:
    """``(C, H, W)`` uint8 of up to 4 channels."""
    return plots.flat(sample)


def sheet_of(results: Sequence[BeforeAfter]) -> np.ndarray:
    """Inputs, results and truths in rows, ``(3, H, W)`` uint8."""
    rows = [[one.source, one.output, *([] if one.truth is None else [one.truth])] for one in results]
    cells = [[_cell(sample) for sample in row] for row in rows]
    width = max(cell.width for row in cells for cell in row)
    height = max(cell.height for row in cells for cell in row)
    placed: list[Image.Image] = []
    for cell in (cell for row in cells for cell in row):
        paper = Image.new("RGB", (width, height), (255, 255, 255))
        paper.paste(cell, ((width - cell.width) // 2, (height - cell.height) // 2))
        placed.append(paper)
    columns = len(cells[0]) * max(1, round(math.sqrt(len(placed)) / len(cells[0])))
    return np.asarray(plots.grid(placed, columns=columns)).transpose(2, 0, 1)


def _cell(sample: np.ndarray) -> Image.Image:
    """At most 256 pixels a side over white; small ones by whole pixels larger."""
    pixels = sample[-3:] if len(sample) > 4 else sample
    image = picture_of(pixels)
    if image.mode == "RGBA":
        paper = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(paper, image)
    image = image.convert("RGB")
    factor = _CELL / max(image.size)
    sides = [max(1, round(side * (int(factor) if factor >= 1 else factor))) for side in image.size]
    how = Image.Resampling.NEAREST if factor >= 1 else Image.Resampling.LANCZOS
    return image.resize((sides[0], sides[1]), how)
