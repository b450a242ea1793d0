"""Weights as they are stored: in full, as bfloat16, or as bytes with a scale for each channel.

Storing is all that changes: a generator made of them computes in float32 again. So a file is a half or a
quarter as large, runs wherever the full one does and as fast, and loses what the rounding loses, which is
measured and printed. Whole numbers inside the arithmetic would be faster on some processors, but the
transposed convolutions that most generators are made of have no such kernels on a CPU.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

__all__ = ["PRECISIONS", "SCALE", "Precision", "quantised", "restored", "rounds", "stored"]

Precision = Literal["float32", "bfloat16", "int8"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
SCALE = "::scale"  # a name ending in it belongs to the bytes of the name before it

_LEAST = 256  # numbers; a smaller tensor stays in full


def rounds(weight: Tensor) -> bool:
    """Whether a tensor is worth rounding: matrices and filters are; biases and statistics are not."""
    return weight.dtype == torch.float32 and weight.ndim >= 2 and weight.numel() >= _LEAST


def quantised(weight: Tensor) -> tuple[Tensor, Tensor]:
    """``weight`` as int8 of the same shape, and a float32 scale that broadcasts: ``bytes · scale ≈ weight``.

    Symmetric, −127…127, one scale a channel (Krishnamoorthi 2018, section 3). Which of the first two axes
    counts the channels depends on the operation; the one that loses less is taken.
    """
    best: tuple[float, Tensor, Tensor] | None = None
    for axis in (0, 1):
        others = [other for other in range(weight.ndim) if other != axis]
        scale = (weight.abs().amax(others, keepdim=True) / 127.0).clamp_min(1e-12)
        whole = (weight / scale).round_().clamp_(-127, 127)
        lost = float((whole * scale - weight).square_().sum())
        if best is None or lost < best[0]:
            best = (lost, whole.to(torch.int8), scale)
    assert best is not None
    return best[1], best[2]


def stored(weights: dict[str, Tensor], precision: Precision) -> dict[str, Tensor]:
    """Named weights as they go into a file."""
    if precision == "float32":
        return dict(weights)
    kept: dict[str, Tensor] = {}
    for name, weight in weights.items():
        if not rounds(weight):
            kept[name] = weight
        elif precision == "bfloat16":
            kept[name] = weight.to(torch.bfloat16)
        else:
            kept[name], kept[name + SCALE] = quantised(weight)
    return kept


def restored(kept: dict[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of :func:`stored`, in float32; counters, whole numbers of 64 bits, stay what they are.

    Raises KeyError where the scale of an int8 weight is missing.
    """
    weights: dict[str, Tensor] = {}
    for name, value in kept.items():
        if name.endswith(SCALE):
            continue
        if value.dtype == torch.int8:
            weights[name] = value.float() * kept[name + SCALE]
        else:
            weights[name] = value.float() if value.dtype == torch.bfloat16 else value
    return weights
