"""The sizes in which examples with sides are made and judged, from coarse to fine."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["first_level", "grids", "levels_of", "side_halvings"]

_FIRST = 16  # the shortest side of the first picture that is trained, at least: coarser ones cost no less


def side_halvings(side: int) -> int:
    """How often a side is halved until it is 4 to 7; 0 if it is shorter."""
    return max(0, (side // 4).bit_length() - 1)


def grids(spatial: Sequence[int]) -> list[tuple[int, ...]]:
    """From the coarsest to ``spatial``: each side is halved, rounded up, on its own until it is 4 to 7."""
    counts = [side_halvings(side) for side in spatial]
    return [
        tuple(-(-side // 2 ** min(level, count)) for side, count in zip(spatial, counts, strict=True))
        for level in range(max(counts), -1, -1)
    ]


def levels_of(spatial: Sequence[int], patch: int) -> list[tuple[int, ...]]:
    """The sides of the picture of each level, coarsest first; the last are ``spatial``."""
    sides = grids([-(-side // patch) for side in spatial])
    return [*sides, tuple(spatial)] if patch > 1 else sides


def first_level(sides: Sequence[tuple[int, ...]]) -> int:
    """The level at which growth begins: the first whose sides are 16 or more, or all that there are."""
    return next(level for level, own in enumerate(sides) if min(own) >= min(_FIRST, *sides[-1]))
