"""A discriminator beside the best one, as a picture: curves in one dimension, maps in two."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ganforge.metrics.arrays import Array
from ganforge.metrics.optimal import Optimal

__all__ = ["draw"]

_PAPER = (255, 255, 255)
_INK = (60, 64, 72)
_FAINT = (225, 228, 232)
_REAL = (110, 118, 130)
_FAKE = (214, 86, 24)
_BEST = (18, 130, 110)
_CALIBRATED = (70, 70, 190)
_Colour = tuple[int, int, int]
_Point = tuple[float, float]


def draw(found: Optimal) -> Image.Image:
    """p_data, p_g, the calibrated D and D*: one set of axes in 1-D, four maps in 2-D."""
    return _curves(found) if len(found.axes) == 1 else _maps(found)


def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def _headline(found: Optimal) -> str:
    return f"D is {found.distance:.3f} from D* on average; a random guess is {found.guess:.3f}"


def _curves(found: Optimal) -> Image.Image:
    """Densities filled below, on a scale of their own; the two discriminators from 0 to 1 above them."""
    width, height, left, top, bottom = 800, 480, 46, 66, 34
    image = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(image, "RGBA")
    x = found.axes[0]
    inner, tall = width - 2 * left, height - top - bottom
    floor = height - bottom

    def across(value: float) -> float:
        return left + inner * (value - x[0]) / (x[-1] - x[0])

    def path(values: Array, scale: float = 1.0, start: int = 0, stop: int | None = None) -> list[_Point]:
        some = zip(x[start:stop], values[start:stop], strict=True)
        return [(across(float(at)), floor - tall * float(value) / scale) for at, value in some]

    for share in (0.0, 0.5, 1.0):
        y = floor - tall * share
        pen.line((left, y, width - left, y), fill=_FAINT)
        pen.text((left - 8, y), f"{share:g}".lstrip("0") or "0", fill=_INK, font=_font(13), anchor="rm")
    most = 1.15 * float(max(found.real.max(), found.generated.max()))
    for values, colour in ((found.real, _REAL), (found.generated, _FAKE)):
        outline = path(values, most)
        pen.polygon([(left, floor), *outline, (width - left, floor)], fill=(*colour, 50))
        pen.line(outline, fill=colour, width=1, joint="curve")
    # Where there is neither data nor sample nobody can say what D* is, and D is drawn thin.
    pen.line(path(found.calibrated), fill=(178, 178, 224), width=1, joint="curve")
    for values, colour, thick in ((found.best, _BEST, 3), (found.calibrated, _CALIBRATED, 2)):
        for start, stop in _stretches(found.known):
            if stop - start > 1:
                pen.line(path(values, start=start, stop=stop), fill=colour, width=thick, joint="curve")
    for value in _ticks(float(x[0]), float(x[-1])):
        pen.line((across(value), floor, across(value), floor + 4), fill=_INK)
        pen.text((across(value), floor + 6), f"{value:g}", fill=_INK, font=_font(13), anchor="ma")
    pen.line((left, floor, width - left, floor), fill=_INK)
    _legend(
        pen,
        left,
        36,
        [("p data", _REAL), ("p generated", _FAKE), ("D*, the best", _BEST), ("D, calibrated", _CALIBRATED)],
    )
    pen.text((left, 10), _headline(found), fill=_INK, font=_font(16))
    return image


def _maps(found: Optimal) -> Image.Image:
    """Two densities, each to its own peak, and two discriminators: orange says fake, teal says real."""
    side, gap, top, below = 330, 22, 44, 62
    width, height = 2 * side + 3 * gap, top + 2 * (side + 26) + below
    image = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(image)
    pen.text((gap, 14), _headline(found), fill=_INK, font=_font(16))
    panels = [
        (f"p data, peak {found.real.max():.3g}", _density(found.real, _REAL)),
        (f"p generated, peak {found.generated.max():.3g}", _density(found.generated, _FAKE)),
        ("D, calibrated", _opinion(found.calibrated, found.known)),
        ("D*, the best", _opinion(found.best, found.known)),
    ]
    for at, (title, colours) in enumerate(panels):
        x, y = gap + (at % 2) * (side + gap), top + (at // 2) * (side + 26)
        pen.text((x, y), title, fill=_INK, font=_font(14))
        # Arrays have x first; a picture has its rows from the top.
        panel = Image.fromarray(np.ascontiguousarray(colours.transpose(1, 0, 2)[::-1]))
        image.paste(panel.resize((side, side), Image.Resampling.BILINEAR), (x, y + 20))
        pen.rectangle((x, y + 20, x + side, y + 20 + side), outline=_FAINT)
    y = height - below + 22
    bar = _opinion(np.linspace(0, 1, 200)[:, None], np.ones((200, 1), bool)).transpose(1, 0, 2)
    image.paste(Image.fromarray(np.ascontiguousarray(bar)).resize((200, 12)), (gap + 66, y))
    pen.text((gap, y - 3), "fake 0", fill=_INK, font=_font(13))
    pen.text((gap + 274, y - 3), "1 real;  pale: neither data nor samples there", fill=_INK, font=_font(13))
    span = "   ".join(
        f"{name} {axis[0]:.3g} to {axis[-1]:.3g}" for name, axis in zip("xy", found.axes, strict=True)
    )
    pen.text((gap, y + 18), span, fill=_INK, font=_font(13))
    return image


def _density(values: Array, colour: _Colour) -> NDArray[np.uint8]:
    """``(G, G)`` to colours ``(G, G, 3)``; the root, so that thin parts show."""
    share = np.sqrt(np.clip(values / max(float(values.max()), 1e-300), 0, 1))[..., None]
    return (255 + share * (np.array(colour) - 255)).astype(np.uint8)


def _opinion(values: Array, known: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """0 is orange, ½ is white-grey, 1 is teal; pale where there is nothing to have an opinion on."""
    middle = np.array((236.0, 236.0, 236.0))
    share = np.clip(2 * values - 1, -1, 1)[..., None]
    end = np.where(share < 0, np.array(_FAKE, dtype=float), np.array(_BEST, dtype=float))
    colours = middle + np.abs(share) * (end - middle)
    return np.where(known[..., None], colours, 255 - 0.25 * (255 - colours)).astype(np.uint8)


def _stretches(known: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where ``known (G,)`` is True in a row: first index and one past the last."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from ``low`` to ``high``, four to nine of them."""
    step = 10.0 ** math.floor(math.log10((high - low) / 4))
    step = next(step * times for times in (1, 2, 5, 10) if (high - low) / (step * times) <= 9)
    return [at * step for at in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _legend(pen: ImageDraw.ImageDraw, x: int, y: int, entries: list[tuple[str, _Colour]]) -> None:
    at = float(x)
    for words, colour in entries:
        pen.rectangle((at, y + 2, at + 12, y + 14), fill=colour)
        pen.text((at + 18, y), words, fill=_INK, font=_font(14))
        at += 18 + pen.textlength(words, font=_font(14)) + 22
