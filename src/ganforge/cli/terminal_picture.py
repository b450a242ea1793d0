"""A picture in the terminal: by a protocol for pictures where there is one, else of coloured half-blocks."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Literal, TypeAlias

from PIL import Image

__all__ = ["Way", "crop_to_cells", "draw", "way_of"]

Way: TypeAlias = Literal["kitty", "iterm", "sixel", "blocks"]

_KITTY_CHUNK = 4096  # bytes of base64 in one command, at most
_SIXEL_COLOURS = 64
_ITERM = {"iTerm.app", "WezTerm", "mintty"}
_SIXEL = ("foot", "mlterm", "yaft", "sixel")
_CELLS = 80, 20  # columns and lines that half-blocks take, at most
_SIDE = 18  # pixels of a sample's side in half-blocks; with fewer nobody sees what it is
_PIXELS = 640, 320  # of a picture that a protocol shows, at most
_LARGE_SIDE = 80  # of a sample in it


def way_of(environment: Mapping[str, str], *, truecolor: bool) -> Way | None:
    """How the terminal of this environment shows a picture; None where it cannot, or should not.

    A terminal is known by the variables that it sets. Nothing is asked of it, since the answer would come as
    typed text. Inside tmux and screen the protocols do not get through.
    """
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if environment.get("NO_COLOR") or term in ("", "dumb"):
        return None
    if not environment.get("TMUX") and not term.startswith(("screen", "tmux")):
        if "kitty" in term or environment.get("KITTY_WINDOW_ID") or program == "ghostty":
            return "kitty"
        if program in _ITERM or environment.get("LC_TERMINAL") == "iTerm2":
            return "iterm"
        if any(name in term for name in _SIXEL):
            return "sixel"
    return "blocks" if truecolor else None


def crop_to_cells(
    sheet: Image.Image, cell: tuple[int, int] | None, most: tuple[int, int], side: int
) -> Image.Image:
    """The first samples of a sheet, as many as ``most`` pixels show well; all of it where it has no cells.

    Args:
        sheet: samples side by side.
        cell: width and height of a sample's place, the gap included; None for one picture, as of points.
        most: width and height of the place there is.
        side: pixels of a sample's longer side that are enough.
    """
    width, height = most
    if cell is not None:
        scale = min(side / max(cell), 1.0)
        columns = max(int(width / (cell[0] * scale)), 1)
        rows = max(int(height / (cell[1] * scale)), 1)
        right, low = columns * cell[0] - 1, rows * cell[1] - 1  # without the gap after the last ones
        sheet = sheet.crop((0, 0, min(right, sheet.width), min(low, sheet.height)))
    shrunk = min(width / sheet.width, height / sheet.height, 1.0)
    size = max(round(sheet.width * shrunk), 1), max(round(sheet.height * shrunk), 1)
    return _on_paper(sheet).resize(size, Image.Resampling.LANCZOS if shrunk < 1 else Image.Resampling.NEAREST)


def _on_paper(image: Image.Image) -> Image.Image:
    """RGB, with white where it is transparent."""
    if image.mode in ("RGBA", "LA", "P"):
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def draw(sheet: Image.Image, cell: tuple[int, int] | None, way: Way, columns: int) -> str:
    """The text that shows the first samples of a sheet on a terminal of so many columns."""
    if way == "blocks":
        return _blocks(crop_to_cells(sheet, cell, (min(_CELLS[0], columns - 1), 2 * _CELLS[1]), _SIDE))
    image = crop_to_cells(sheet, cell, _PIXELS, _LARGE_SIDE)
    return {"kitty": _kitty, "iterm": _iterm, "sixel": _sixel}[way](image)


def _blocks(image: Image.Image) -> str:
    """Two pixels a character: ``▀`` in the colour of the upper one, on that of the lower one."""
    pixels = image.load()
    assert pixels is not None
    lines: list[str] = []
    for y in range(0, image.height, 2):
        line = ""
        for x in range(image.width):
            upper = _colour(pixels[x, y])
            # What is missing under an odd last row stays the terminal's own background.
            lower = "49" if y + 1 >= image.height else f"48;2;{_colour(pixels[x, y + 1])}"
            line += f"\x1b[38;2;{upper};{lower}m▀"
        lines.append(line + "\x1b[0m")
    return "\n".join(lines)


def _colour(pixel: object) -> str:
    assert isinstance(pixel, tuple)
    return ";".join(str(value) for value in pixel)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _kitty(image: Image.Image) -> str:
    """kitty's graphics protocol: a PNG in pieces, shown at once, without an answer (q=2)."""
    data = base64.standard_b64encode(_png(image)).decode()
    pieces = [data[i : i + _KITTY_CHUNK] for i in range(0, len(data), _KITTY_CHUNK)]
    commands = [f"m={int(i < len(pieces) - 1)};{piece}" for i, piece in enumerate(pieces)]
    commands[0] = "a=T,f=100,q=2," + commands[0]
    return "".join(f"\x1b_G{command}\x1b\\" for command in commands)


def _iterm(image: Image.Image) -> str:
    """iTerm2's inline images: OSC 1337."""
    data = _png(image)
    head = f"inline=1;size={len(data)};width={image.width}px;height={image.height}px"
    return f"\x1b]1337;File={head}:{base64.standard_b64encode(data).decode()}\a"


def _sixel(image: Image.Image) -> str:
    """DEC's sixels: six rows of pixels at a time, and of each colour which of the six have it."""
    few = image.quantize(_SIXEL_COLOURS)
    palette = few.getpalette() or []
    width, height = few.size
    numbers = few.tobytes()
    used = sorted(set(numbers))
    colours = "".join(
        f"#{n};2;" + ";".join(str(round(value * 100 / 255)) for value in palette[3 * n : 3 * n + 3])
        for n in used
    )
    bands = "-".join(
        "$".join(_band(numbers[y * width : min(y + 6, height) * width], width)) for y in range(0, height, 6)
    )
    return f'\x1bPq"1;1;{width};{height}{colours}{bands}\x1b\\'


def _band(numbers: bytes, width: int) -> Iterator[str]:
    """Each colour of at most six rows, its sixels run by run: ``!12~`` is twelve full ones."""
    rows = [numbers[i : i + width] for i in range(0, len(numbers), width)]
    for colour in sorted(set(numbers)):
        sixels = [sum((row[x] == colour) << bit for bit, row in enumerate(rows)) for x in range(width)]
        runs = [(chr(63 + value), len(list(same))) for value, same in groupby(sixels)]
        yield f"#{colour}" + "".join(f"!{n}{sign}" if n > 3 else sign * n for sign, n in runs)
