"""Arithmetic on whole lists of tensors, one kernel each.

torch keeps these functions under private names, though its own optimisers and its documentation of
fused optimisers use them; they are named here once, with their types.
"""

# pyright: reportPrivateUsage=false, reportPrivateImportUsage=false, reportArgumentType=false, reportCallIssue=false
from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["add_", "clamp_", "lerp_", "norm"]


def add_(to: Sequence[Tensor], what: Sequence[Tensor]) -> None:
    torch._foreach_add_(to, what)


def lerp_(start: Sequence[Tensor], end: Sequence[Tensor], weight: float) -> None:
    """``start += weight · (end − start)``."""
    torch._foreach_lerp_(start, end, weight)


def clamp_(values: Sequence[Tensor], low: float, high: float) -> None:
    torch._foreach_clamp_min_(values, low)
    torch._foreach_clamp_max_(values, high)


def norm(values: Sequence[Tensor]) -> Tensor:
    """The Euclidean norm of all of them together, ``()``."""
    return torch.linalg.vector_norm(torch.stack(list(torch._foreach_norm(values))))
