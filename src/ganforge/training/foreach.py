"""Arithmetic on whole lists of tensors, one kernel each.

torch keeps these functions under private names, though its own optimisers and its documentation of
fused optimisers use them; they are named here once, with their types.
"""

# pyright: reportPrivateUsage=false, reportPrivateImportUsage=false, reportArgumentType=false, reportCallIssue=false
from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch._utils import _flatten_dense_tensors

__all__ = ["adam_", "add_", "clamp_", "flat", "lerp_", "mul_", "norm", "rmsprop_", "sgd_", "wide"]

_NO_FLOAT64 = ("mps",)
_FEW = 1 << 16  # numbers that are sooner copied than visited one tensor after the other


def add_(to: Sequence[Tensor], what: Sequence[Tensor]) -> None:
    torch._foreach_add_(to, what)


def lerp_(start: Sequence[Tensor], end: Sequence[Tensor], weight: float) -> None:
    """``start += weight · (end − start)``."""
    torch._foreach_lerp_(start, end, weight)


def mul_(values: Sequence[Tensor], factor: float) -> None:
    torch._foreach_mul_(values, factor)


def clamp_(values: Sequence[Tensor], low: float, high: float) -> None:
    torch._foreach_clamp_min_(values, low)
    torch._foreach_clamp_max_(values, high)


def flat(values: Sequence[Tensor]) -> Tensor:
    """All numbers of all of them in one copy, ``(numbers,)``."""
    return _flatten_dense_tensors(values)


def wide(values: Tensor) -> Tensor:
    """The same in float64; on the processor, where their device has no such numbers."""
    return (values.cpu() if values.device.type in _NO_FLOAT64 else values).double()


def norm(values: Sequence[Tensor]) -> Tensor:
    """The Euclidean norm of all of them together, ``()``."""
    if sum(value.numel() for value in values) <= _FEW:
        return torch.linalg.vector_norm(flat(values))
    return torch.linalg.vector_norm(torch.stack(list(torch._foreach_norm(values))))


def adam_(
    parameters: Sequence[Tensor],
    gradients: Sequence[Tensor],
    averages: Sequence[Tensor],
    squares: Sequence[Tensor],
    step: Tensor,
    rate: float,
    beta1: float,
    beta2: float,
    skip: Tensor | None = None,
) -> None:
    """Adam's move (Kingma & Ba 2015, algorithm 1) number ``step`` ``()``, counted from 1.

    Where ``skip`` ``()`` is 1 the kernel changes nothing, which it finds out on its device.
    """
    torch._fused_adam_(
        parameters,
        gradients,
        averages,
        squares,
        [],
        [step] * len(parameters),
        lr=rate,
        beta1=beta1,
        beta2=beta2,
        weight_decay=0.0,
        eps=1e-8,
        amsgrad=False,
        maximize=False,
        found_inf=skip,
    )


def sgd_(
    parameters: Sequence[Tensor],
    gradients: Sequence[Tensor],
    velocities: Sequence[Tensor],
    rate: float,
    momentum: float,
    skip: Tensor | None = None,
) -> None:
    """``v ← momentum · v + g``, then ``p ← p − rate · v``; ``skip`` as of :func:`adam_`."""
    torch._fused_sgd_(
        parameters,
        gradients,
        velocities if momentum else [],  # which the kernel insists on
        weight_decay=0.0,
        momentum=momentum,
        lr=rate,
        dampening=0.0,
        nesterov=False,
        maximize=False,
        is_first_step=False,
        found_inf=skip,
    )


def rmsprop_(
    parameters: Sequence[Tensor],
    gradients: Sequence[Tensor],
    squares: Sequence[Tensor],
    rate: float,
    decay: float,
) -> None:
    """``s ← decay · s + (1 − decay) · g²``, then ``p ← p − rate · g / (√s + 1e-8)``."""
    torch._foreach_mul_(squares, decay)
    torch._foreach_addcmul_(squares, gradients, gradients, 1.0 - decay)
    deviations = torch._foreach_sqrt(squares)
    torch._foreach_add_(deviations, 1e-8)
    torch._foreach_addcdiv_(parameters, gradients, deviations, -rate)
