"""Results as pictures: rows with names, heat maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor

from ganforge.core.space import Space

__all__ = ["Cell", "Row", "bars", "heat", "sheet"]

Cell = Tensor | Image.Image | None
Row = tuple[str, Sequence[Cell]]

_INK, _GREY, _ORANGE = (40, 44, 52), (150, 156, 166), (214, 86, 24)
_LETTER = 6  # pixels of width; Pillow's own small font
_LINE = 14
_SMALLEST = 56  # pixels a side: smaller examples are enlarged by whole pixels


def sheet(
    rows: Sequence[Row],
    space: Space,
    *,
    columns: Sequence[str] = (),
    notes: Sequence[Sequence[str]] = (),
) -> Image.Image:
    """Named rows of examples ``space.shape`` in declared units (or finished pictures; None is a gap).

    Args:
        rows: a name and its examples, each.
        columns: words over the columns.
        notes: words under each example, row by row.
    """
    made = [[_picture(cell, space) for cell in cells] for _, cells in rows]
    some = [cell for cells in made for cell in cells if cell is not None]
    assert some, "a sheet of nothing"
    width, height = max(one.width for one in some), max(one.height for one in some)
    factor = max(1, -(-_SMALLEST // max(width, height)))
    width, height = width * factor, height * factor
    longest = max((len(word) for row in [columns, *notes] for word in row), default=0)
    width = max(width, _LETTER * longest + 4 if longest else 0)
    names = max(len(name) for name, _ in rows)
    margin = _LETTER * names + 10 if names else 0
    top, gap = _LINE if columns else 0, 3
    below = [_LINE if i < len(notes) and notes[i] else 0 for i in range(len(rows))]
    sides = (
        margin + max(len(cells) for cells in made) * (width + gap) - gap,
        top + len(rows) * (height + gap) + sum(below) - gap,
    )
    page = Image.new("RGB", sides, "white")
    draw = ImageDraw.Draw(page)
    for j, words in enumerate(columns):
        draw.text((margin + j * (width + gap), 0), words, fill=_INK)
    for i, ((name, _), cells) in enumerate(zip(rows, made, strict=True)):
        y = top + i * (height + gap) + sum(below[:i])
        draw.text((2, y + height // 2 - _LINE // 2), name, fill=_INK)
        for j, cell in enumerate(cells):
            if cell is None:
                continue
            x = margin + j * (width + gap)
            scale = max(1, min(height // cell.height, factor if cell.width * factor <= width else 1))
            big = cell.resize((cell.width * scale, cell.height * scale), Image.Resampling.NEAREST)
            if big.mode == "RGBA":
                page.paste(big, (x, y), big)
            else:
                page.paste(big.convert("RGB"), (x, y))
            if below[i] and j < len(notes[i]):
                draw.text((x, y + height), notes[i][j], fill=_INK)
    return page


def _picture(cell: Cell, space: Space) -> Image.Image | None:
    return space.codec.picture(cell.numpy()) if isinstance(cell, Tensor) else cell


def heat(change: Tensor, *, largest: float | None = None) -> Image.Image:
    """Signed numbers ``(C, *spatial)`` as colours: red is up, blue is down, white is 0.

    Channels are averaged; of shapes the largest along the depth is shown, of sound a strip.

    Args:
        largest: what full colour means; the map's own largest by default.
    """
    flat = change.float().mean(0)
    if flat.dim() == 3:
        depth = flat.abs().argmax(0, keepdim=True)
        flat = flat.gather(0, depth)[0]
    if flat.dim() < 2:
        flat = flat.reshape(1, -1).expand(16, -1)
    top = largest if largest is not None else float(flat.abs().max())
    value = np.clip(flat.numpy() / max(top, 1e-20), -1.0, 1.0)
    fade = 1.0 - np.abs(value)
    red, blue = np.where(value > 0, 1.0, fade), np.where(value < 0, 1.0, fade)
    colours = np.stack([red, fade, blue], axis=-1)
    return Image.fromarray(np.rint(colours * 255).astype(np.uint8))


def bars(values: Mapping[str, float]) -> Image.Image:
    """Shares 0…1 as bars with their names; the first is the one that matters."""
    left, length = _LETTER * max(len(name) for name in values) + 20, 260
    image = Image.new("RGB", (left + length + 60, 26 * len(values) + 8), "white")
    draw = ImageDraw.Draw(image)
    for i, (name, value) in enumerate(values.items()):
        y, end = 4 + 26 * i, left + length * value
        draw.text((4, y + 5), name, fill=_INK)
        draw.rectangle((left, y + 2, end, y + 20), fill=_GREY if i else _ORANGE)
        draw.text((end + 6, y + 5), f"{100 * value:.1f} %", fill=_INK)
    return image
