"""Players of rows: fully connected, and able to go on from any columns that are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganforge.core.columns import Columnar
from ganforge.core.declared import DiscriminatorTraits, GeneratorTraits
from ganforge.core.draw import Draw
from ganforge.core.errors import RecipeError
from ganforge.core.space import Space

__all__ = ["ColumnsDiscriminator", "ColumnsGenerator"]

_PASSES = 16  # times at most that the network looks at what is there


class _Trunk(nn.Module):
    """``(N, inputs)`` → ``(N, width)`` through ``depth`` residual layers."""

    def __init__(self, inputs: int, width: int, depth: int) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, width)
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        h = F.leaky_relu(self.first(x), 0.1)
        for layer in self.layers:
            h = h + F.leaky_relu(layer(h), 0.1)
        return h


def _codec(space: Space) -> Columnar:
    return cast(Columnar, space.codec)


class _OfRows:
    """What both players say of themselves."""

    @classmethod
    def allows(cls, space: Space) -> bool:
        return isinstance(space.codec, Columnar)


class ColumnsGenerator(_OfRows, nn.Module, GeneratorTraits):
    """A latent, and the columns that are given, to whole rows.

    It writes a row in several passes: in each it makes all columns that are not there yet and keeps the next
    few, so that every column knows those before it. The last latents are the chance of the levels
    (``codecs.rows``), the others go through the network.
    """

    judged_every = 1
    name = "columns"
    words = "fully connected layers that write a row a few columns at a time, from any that are given"
    dims = (0,)
    usual_rate = 1e-3

    def __init__(
        self, *, space: Space, latent: int, condition: int = 0, width: int, depth: int, passes: int = _PASSES
    ) -> None:
        super().__init__()
        codec = _codec(space)
        self.codec = codec
        self.free = latent - codec.chances
        if self.free < 1:
            raise RecipeError(
                f"latent is {latent}; these rows need more than {codec.chances:,} numbers of chance:"
                f" --set latent={codec.chances + 32}"
            )
        if passes < 1:
            raise RecipeError(f"generator.passes is {passes}; it must be at least 1")
        if condition:
            raise RecipeError("rows are asked for by any of their columns: leave conditional out")
        levels = [block.levels for block, _ in codec.slices]
        self.blocks = blocks = len(levels)
        self.trunk = _Trunk(self.free + space.size + blocks, width, depth)
        self.output = nn.Linear(width, sum(levels))
        with torch.no_grad():  # at the start every column is as frequent as it is, and knows no other
            self.output.weight.mul_(0.1)
            self.output.bias.copy_(torch.tensor(codec.log_shares))
        groups = np.array_split(np.arange(blocks), min(passes, blocks))
        self.groups = [group.tolist() for group in groups]
        self._levels = np.cumsum([0, *levels]).tolist()

    def masks(self, draw: Draw, n: int) -> Tensor:
        """Which columns of ``n`` rows are given, ``(n, B)``: a share of them that is any for each row."""
        return (draw.uniform(n, self.blocks) < draw.uniform(n, 1)).float()

    def logits(self, z: Tensor, given: Tensor, mask: Tensor, which: Sequence[int] | None = None) -> Tensor:
        """Of the levels, ``(N, levels)``.

        Args:
            z: latents ``(N, L)``.
            given: rows ``(N, W)`` in model units, of which only the columns in the mask are looked at.
            mask: ``(N, B)``, 1 for each column that is given.
            which: the columns whose logits are wanted, a run of neighbours; the others are 0.
        """
        h = self.trunk(torch.cat([z[:, : self.free], given * self.codec.spread(mask), mask], 1))
        if which is None:
            return self.output(h).float()
        low, high = self._levels[which[0]], self._levels[which[-1] + 1]
        some = F.linear(h, self.output.weight[low:high], self.output.bias[low:high]).float()
        return F.pad(some, (low, self._levels[-1] - high))

    def made(self, logits: Tensor, z: Tensor, given: Tensor, mask: Tensor) -> Tensor:
        """Rows ``(N, W)``: what is given, and the rest as the first logits have it, all at once."""
        kept = self.codec.spread(mask)
        return given * kept + self.codec.chosen(logits[: len(z)], z) * (1.0 - kept)

    def likelihood(self, logits: Tensor, real: Tensor, mask: Tensor) -> Tensor:
        """Minus the mean log likelihood of what is not given of ``real`` ``(N, W)``, ``(N,)``."""
        found: list[Tensor] = []
        for b, (block, channels) in enumerate(self.codec.slices):
            low, high = self._levels[b], self._levels[b + 1]
            level = real[:, channels][:, : block.levels].argmax(1)
            found.append(F.cross_entropy(logits[:, low:high], level, reduction="none"))
        hidden = 1.0 - mask
        return (torch.stack(found, 1) * hidden).sum(1) / hidden.sum(1).clamp_min(1.0)

    def complete(self, z: Tensor, given: Tensor, mask: Tensor) -> Tensor:
        """Rows ``(N, W)`` with the columns of ``given`` that are in the mask ``(N, B)`` as they are."""
        row = given * self.codec.spread(mask)
        for group in self.groups:
            logits = self.logits(z, row, mask, group)
            here = torch.zeros_like(mask)
            here[:, group] = 1.0
            new = here * (1.0 - mask)
            row = row + self.codec.chosen(logits, z, group) * self.codec.spread(new)
            mask = mask + new
        return row

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        del condition
        nothing = z.new_zeros(z.shape[0], self.codec.space.size)
        return self.complete(z, nothing, z.new_zeros(z.shape[0], self.blocks))


class ColumnsDiscriminator(_OfRows, nn.Module, DiscriminatorTraits):
    """Whole rows, and which of their columns were given, to logits."""

    name = "columns"
    words = "fully connected layers that judge whole rows and know which columns were given"
    dims = (0,)
    usual_rate = 1e-3
    examples_are_independent = True

    def __init__(self, *, space: Space, condition: int = 0, width: int, depth: int) -> None:
        super().__init__()
        assert not condition
        self.blocks = len(_codec(space).slices)
        self.trunk = _Trunk(space.size + self.blocks, width, depth)
        self.output = nn.Linear(width, 1)

    def features(self, x: Tensor) -> tuple[Tensor, ...]:
        return (self.trunk(self._beside(x, None)),)

    def _beside(self, x: Tensor, mask: Tensor | None) -> Tensor:
        return torch.cat([x, x.new_zeros(x.shape[0], self.blocks) if mask is None else mask], 1)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """``condition`` is the mask ``(N, B)`` of the columns that were given; None is none of them."""
        return self.output(self.trunk(self._beside(x, condition)))[:, 0].float()
