"""How much arithmetic a network does, counted while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

__all__ = ["Operations"]

_Count = Callable[[Tensor, Tensor, Tensor], int]
_CONVOLUTIONS = (F.conv1d, F.conv2d, F.conv3d)
_TRANSPOSED = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)
_PRODUCTS = (torch.matmul, Tensor.matmul, Tensor.__matmul__, torch.mm, Tensor.mm, torch.bmm, Tensor.bmm)

# Two for each weight, of the second argument, that meets each number.
_COUNTED: dict[Any, _Count] = {
    F.linear: lambda x, w, y: 2 * y.numel() * w.shape[1],
    **dict.fromkeys(_PRODUCTS, lambda x, w, y: 2 * y.numel() * x.shape[-1]),
    # Weights are (out, in / groups, *kernel), and of transposed ones (in, out / groups, *kernel).
    **dict.fromkeys(_CONVOLUTIONS, lambda x, w, y: 2 * y.numel() * w[0].numel()),
    **dict.fromkeys(_TRANSPOSED, lambda x, w, y: 2 * x.numel() * w[0].numel()),
}


class Operations(TorchFunctionMode):
    """Counts the additions and multiplications of the layers and products that are called within it.

    As ``torch.utils.flop_counter`` does, which takes a second to be loaded the first time. What is called
    by other names (recorded rounds, attention as one function) is not seen.

    Attributes:
        total: so far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        found = func(*args, **named)
        if isinstance(found, Tensor) and func in _COUNTED:
            first, second = args if len(args) == 2 else (*args, *named.values())[:2]
            self.total += _COUNTED[func](first, second, found)
        return found
