"""A pool of past fakes, so that the discriminator does not forget what it once could tell."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganforge.core.errors import RecipeError
from ganforge.core.rng import Rng

__all__ = ["Pool"]


class Pool(nn.Module):
    """Some of the fakes made so far, for the discriminator's turn.

    Shrivastava et al. 2017, arXiv 1612.07828, section 2.3; in the form of Zhu et al. 2017, section 4. Its
    buffers are all its state. In a round cut into parts every part has its turn, so parts do not add up
    exactly.

    Args:
        size: how many fakes are kept; 0 keeps none, and every fake is returned as it came.
        shape: of one fake. What the discriminator judges together must stay together: stack an input or a
            condition on the fake's channels.

    Raises:
        RecipeError: the size is negative.
    """

    kept: Tensor
    count: Tensor

    def __init__(self, size: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        if size < 0:
            raise RecipeError(f"pool is {size}; it must not be negative")
        self.size = size
        self.register_buffer("kept", torch.zeros(size, *shape))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def exchange(self, fakes: Tensor, rng: Rng) -> Tensor:
        """Fakes ``(N, *shape)`` to as many, some of them older, detached.

        Until the pool is full a fake is kept and returned. Then, with probability ½, one from the pool
        is returned and the new one stays in its place; otherwise the new one is returned and not kept.
        """
        fakes = fakes.detach()
        if not self.size:
            return fakes
        assert fakes.shape[1:] == self.kept.shape[1:]
        swaps = rng.uniform(fakes.shape[0]).to(self.count.device) < 0.5  # (N,)
        places = rng.integers(self.size, fakes.shape[0]).to(self.count.device)  # (N,)
        returned: list[Tensor] = []
        # One by one, since a row may take what an earlier one left. Nothing here waits for the device.
        for fake, swap, place in zip(fakes.split(1), swaps, places, strict=True):
            fills = self.count < self.size
            slot = torch.where(fills, self.count, place).view(1)
            old = self.kept.index_select(0, slot)
            new = fake.to(self.kept)
            self.kept.index_copy_(0, slot, torch.where(fills | swap, new, old))
            returned.append(torch.where(swap & ~fills, old, new))
            self.count += fills
        return torch.cat(returned)
