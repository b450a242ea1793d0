"""The size that pictures of any sizes are brought to, and what of them is lost on the way."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from ganforge.core.errors import DataError
from ganforge.data.pixels import Fit

__all__ = ["LARGEST_SIDE", "choose_size", "lost_by_shape"]

LARGEST_SIDE = 256  # of a size that we choose
_ALIKE = 0.15  # difference of two shapes that counts as none, and share of a picture that may be lost


def choose_size(sizes: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], str]:
    """The size ``(width, height)`` to train at, and the reason in words. DataError below 8 pixels."""
    alike = len(set(sizes)) == 1
    if alike and max(sizes[0]) <= LARGEST_SIDE:
        width, height = sizes[0]
        if min(width, height) < 8:
            raise DataError(f"the pictures are {width}×{height}; give --size 8 or more, to enlarge them")
        return (width, height), f"all pictures are {width}×{height}"
    wide, high = median(width for width, _ in sizes), median(height for _, height in sizes)
    aspect = wide / high
    near = sum(abs(width / height / aspect - 1) < _ALIKE for width, height in sizes)
    why = "the median size"
    if near < 0.8 * len(sizes):
        # Portraits among landscapes have no common shape: the square loses least.
        wide = high = median(min(size) for size in sizes)
        why = "a square, since their shapes differ"
    scale = min(1.0, LARGEST_SIDE / max(wide, high))
    width, height = (max(8, round(side * scale / 8) * 8) for side in (wide, high))
    if alike:
        words = f"all pictures are {sizes[0][0]}×{sizes[0][1]}: brought to {width}×{height}"
    else:
        words = f"sizes differ: brought to {width}×{height}, {why}"
    if scale < 1:
        words += f", since sides above {LARGEST_SIDE} pixels take far longer to learn; --size overrides"
    return (width, height), words


def lost_by_shape(
    sizes: Sequence[tuple[int, int]], size: tuple[int, int], how: Fit
) -> tuple[list[str], list[str]]:
    """Notes and warnings on pictures whose shape is far from that of ``size``."""
    shape = size[0] / size[1]
    shares = [1 - min(width / height / shape, shape * height / width) for width, height in sizes]
    far = [share for share in shares if share > _ALIKE]
    if not far:
        return [], []
    mean, most = sum(far) / len(far), max(far)
    many = f"shapes differ: {len(far):,} of {len(sizes):,} pictures are far from that of {size[0]}×{size[1]}"
    if how == "pad":
        return [f"{many} and are filled up: {mean:.0%} of the result on average"], []
    return [], [
        f"{many} and lose {mean:.0%} of their area at the edges on average, {most:.0%} at most;"
        " --fit pad keeps them whole"
    ]
