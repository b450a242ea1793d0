"""Attributes that can be read off any example without a label: ink, slant, size, loudness."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ganforge.core.space import Space

__all__ = ["Measure", "attribute_names", "measured"]

Measure = Callable[[Tensor], Mapping[str, Tensor]]
"""Samples ``(N, *space.shape)`` in declared units to named numbers ``(N,)``."""

_PICTURES = ("light", "contrast", "slant", "wide", "tall", "left", "top")
_COLOURS = ("red", "green", "blue")


def attribute_names(space: Space) -> tuple[str, ...]:
    """The names of what :func:`measured` gives for examples of ``space``."""
    if space.kind == "points":
        return space.columns or tuple(f"x{i}" for i in range(space.channels))
    if space.kind == "sound":
        return ("loud", "bright")
    if space.kind == "shapes":
        return ("full",)
    return _PICTURES + (_COLOURS if space.channels >= 3 else ())


def measured(x: Tensor, space: Space) -> dict[str, Tensor]:
    """Every attribute that ``x (N, *space.shape)``, in declared units, has: ``(N,)`` each.

    Pictures: ``light`` (mean), ``contrast`` (deviation), ``slant`` (how far the bright parts lean to the
    right, going up), ``wide`` and ``tall`` (their spread in pixels), ``left`` and ``top`` (where their middle
    lies); with colour also ``red``, ``green`` and ``blue`` (above the mean of the three). Points: each
    coordinate. Sound: ``loud`` (deviation) and ``bright`` (power of the differences over the power).
    Shapes: ``full`` (mean).
    """
    x = x.float()
    flat = x.flatten(1)
    if space.kind == "points":
        values = list(x.unbind(1))
    elif space.kind == "sound":
        power = x.square().flatten(1).mean(1).clamp_min(1e-9)
        values = [flat.std(1), x.diff(dim=2).square().flatten(1).mean(1) / power]
    elif space.kind == "shapes":
        values = [flat.mean(1)]
    else:
        values = [flat.mean(1), flat.std(1), *_moments(x)]
        if space.channels >= 3:
            colours = x[:, :3].flatten(2).mean(2)  # (N, 3)
            values += list((colours - colours.mean(1, keepdim=True)).unbind(1))
    return dict(zip(attribute_names(space), values, strict=True))


def _moments(x: Tensor) -> list[Tensor]:
    """Slant, width, height, and how far left and up the bright parts of pictures ``(N, C, H, W)`` are."""
    ink = x.mean(1)  # (N, H, W)
    ink = ink - ink.amin((1, 2), keepdim=True)
    total = ink.sum((1, 2)).clamp_min(1e-6)
    rows = torch.arange(ink.shape[1]).float().reshape(1, -1, 1)
    columns = torch.arange(ink.shape[2]).float().reshape(1, 1, -1)
    row, column = (ink * rows).sum((1, 2)) / total, (ink * columns).sum((1, 2)) / total
    down, across = rows - row.reshape(-1, 1, 1), columns - column.reshape(-1, 1, 1)
    tall = (ink * down.square()).sum((1, 2)) / total
    wide = (ink * across.square()).sum((1, 2)) / total
    lean = -(ink * down * across).sum((1, 2)) / total / tall.clamp_min(1e-6)
    return [lean, wide.sqrt(), tall.sqrt(), -column, -row]
