"""What kinds of data have in common whose examples are tokens, one after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from ganforge.core.sequential import Sequential

if TYPE_CHECKING:
    from torch import Tensor

    from ganforge.core.space import Space

__all__ = ["Tokens"]


class Tokens(Sequential):
    """Examples ``(C, T)`` in model units of states alone: at every step one of each group, and no numbers."""

    dims = 1
    small = True
    headline = "sliced_wasserstein"
    recipe = "tokens"

    @property
    def dtype(self) -> Literal["uint8"]:
        return "uint8"

    @property
    def table(self) -> Space | None:
        return None

    @property
    def numbers(self) -> tuple[int, ...]:
        return ()

    def alive(self, lasting: Tensor) -> Tensor:
        return lasting.new_ones(lasting.shape[0], 1, self.space.shape[1])

    def stepped(self, x: Tensor, alive: Tensor) -> Tensor:
        return x * alive  # a network that writes step by step has chosen already

    def settled(self, x: Tensor) -> Tensor:
        return x

    def finish(self, x: Tensor, z: Tensor, hold: Callable[[Tensor], Tensor]) -> Tensor:
        """Of each group the likeliest state, with the gradient of the softmax or the logistic function."""
        del z, hold
        import torch

        parts: list[Tensor] = []
        for group in self.choices:
            own = x[:, group[0] : group[-1] + 1]
            soft = torch.softmax(own, 1) if len(group) > 1 else torch.sigmoid(own)
            best = own == own.amax(1, keepdim=True) if len(group) > 1 else own > 0
            parts.append(best.to(soft) + (soft - soft.detach()))
        return self.settled(torch.cat(parts, 1))
