"""Players of rows: fully connected, and able to go on from any columns that are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganforge.core.columns import Columnar
from ganforge.core.declared import DiscriminatorTraits, GeneratorTraits
from ganforge.core.errors import RecipeError
from ganforge.core.rng import Rng
from ganforge.core.space import Space
from ganforge.networks.copula import Copula, Expected

__all__ = ["ColumnsDiscriminator", "ColumnsGenerator", "Foreseen"]

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


@dataclass(frozen=True)
class Foreseen:
    """What a generator foretells of the columns that are not given.

    Attributes:
        logits: of the levels, ``(N, levels)``.
        own: what is not the copula's in them, of the columns asked for.
        expected: by the copula, where there is one.
    """

    logits: Tensor
    own: Tensor
    expected: Expected | None


class ColumnsGenerator(_OfRows, nn.Module, GeneratorTraits):
    """A latent, and the columns that are given, to whole rows.

    It writes a row in several passes: in each it makes all columns that are not there yet and keeps the next
    few, so that every column knows those before it. The last latents are the chance of the levels
    (``codecs.rows``), the others go through the network.

    Args:
        passes: at most; of a copula as many as there are columns, words first.
        copula: above 0 a Gaussian copula foretells each column, and the network what is added to its logits;
            the weight of the mean square of that, which keeps few rows from being learnt by heart.
    """

    judged_every = 1
    name = "columns"
    words = "fully connected layers that write a row a few columns at a time, from any that are given"
    dims = (0,)
    usual_rate = 1e-3

    def __init__(
        self,
        *,
        space: Space,
        latent: int,
        condition: int = 0,
        width: int,
        depth: int,
        passes: int = _PASSES,
        copula: float = 0.0,
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
        if copula and not codec.correlations:
            raise RecipeError("these columns have too many words for a copula: --set generator.copula=0")
        if condition:
            raise RecipeError("rows are asked for by any of their columns: leave conditional out")
        levels = [block.levels for block, _ in codec.slices]
        self.blocks = blocks = len(levels)
        self.copula = Copula(codec) if copula else None
        self.nearness = copula
        known = 0 if self.copula is None else 2 * self.copula.size
        self.trunk = _Trunk(self.free + space.size + blocks + known, width, depth)
        self.output = nn.Linear(width, sum(levels))
        with torch.no_grad():  # at the start every column is as frequent as it is, and knows at most a copula
            self.output.weight.mul_(0.1 if self.copula is None else 0.01)
            self.output.bias.copy_(torch.tensor(codec.log_shares) * (self.copula is None))
        groups = np.array_split(np.arange(blocks), min(passes, blocks))
        self.groups = [group.tolist() for group in groups]
        if self.copula is not None:
            self.groups = [[b] for b in self.copula.words_first]
        self._levels = np.cumsum([0, *levels]).tolist()

    def masks(self, rng: Rng, n: int) -> Tensor:
        """Which columns of ``n`` rows are given, ``(n, B)``: a share of them that is any for each row."""
        return (rng.uniform(n, self.blocks) < rng.uniform(n, 1)).float()

    def logits(self, z: Tensor, given: Tensor, mask: Tensor) -> Foreseen:
        """What is foretold of the columns that are not given.

        Args:
            z: latents ``(N, L)``.
            given: rows ``(N, W)`` in model units, of which only the columns in the mask are looked at.
            mask: ``(N, B)``, 1 for each column that is given.
        """
        return self._foreseen(z, given, mask, self._expected(given, mask), range(self.blocks))

    @torch.no_grad()
    def _expected(self, given: Tensor, mask: Tensor) -> Expected | None:
        return None if self.copula is None else self.copula.given(given, mask)

    def _foreseen(
        self, z: Tensor, given: Tensor, mask: Tensor, expected: Expected | None, which: Sequence[int]
    ) -> Foreseen:
        """The same of a run of neighbouring columns; the logits of others are 0."""
        parts = [z[:, : self.free], given * self.codec.spread(mask), mask]
        if expected is not None:
            parts += [expected.mean, expected.covariance.diagonal(dim1=1, dim2=2)]
        h = self.trunk(torch.cat(parts, 1))
        levels = slice(self._levels[which[0]], self._levels[which[-1] + 1])
        own = F.linear(h, self.output.weight[levels], self.output.bias[levels]).float()
        found = own
        if self.copula is not None and expected is not None:
            found = own + self.copula.logits(expected, levels)
        return Foreseen(F.pad(found, (levels.start, self._levels[-1] - levels.stop)), own, expected)

    def _chosen(self, found: Foreseen, z: Tensor, which: Sequence[int]) -> Tensor:
        """Rows ``(N, W)`` as they are foretold; columns that are not asked for are 0."""
        row = self.codec.chosen(found.logits, z, which)
        if self.copula is None or found.expected is None:
            return row
        return self.copula.placed(row, z, found.expected, which)

    def fill(self, found: Foreseen, z: Tensor, given: Tensor, mask: Tensor) -> Tensor:
        """Rows ``(N, W)``: what is given, and the rest as it is foretold, all at once."""
        kept, n = self.codec.spread(mask), len(z)
        expected = None if found.expected is None else Expected(*(x[:n] for x in found.expected))
        few = Foreseen(found.logits[:n], found.own[:n], expected)
        return given * kept + self._chosen(few, z, range(self.blocks)) * (1.0 - kept)

    def likelihood(self, found: Foreseen, real: Tensor, mask: Tensor) -> Tensor:
        """Minus the mean log likelihood of what is not given of ``real`` ``(N, W)``, ``(N,)``.

        With a copula the weighted square of what the network adds to it is in it, too.
        """
        losses: list[Tensor] = []
        for b, (block, channels) in enumerate(self.codec.slices):
            low, high = self._levels[b], self._levels[b + 1]
            level = real[:, channels][:, : block.levels].argmax(1)
            losses.append(F.cross_entropy(found.logits[:, low:high], level, reduction="none"))
        hidden = 1.0 - mask
        loss = (torch.stack(losses, 1) * hidden).sum(1) / hidden.sum(1).clamp_min(1.0)
        return loss + self.nearness * found.own.square().sum(1) / self.blocks if self.nearness else loss

    def complete(self, z: Tensor, given: Tensor, mask: Tensor) -> Tensor:
        """Rows ``(N, W)`` with the columns of ``given`` that are in the mask ``(N, B)`` as they are."""
        return self._completed(z, given, mask, self._expected(given, mask))

    def _completed(self, z: Tensor, given: Tensor, mask: Tensor, expected: Expected | None) -> Tensor:
        row = given * self.codec.spread(mask)
        for group in self.groups:
            found = self._foreseen(z, row, mask, expected, group)
            here = torch.zeros_like(mask)
            here[:, group] = 1.0
            new = here * (1.0 - mask)
            row = row + self._chosen(found, z, group) * self.codec.spread(new)
            mask = mask + new
            if self.copula is not None and expected is not None:
                expected = self.copula.more(expected, row, new, group)
        return row

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        del condition
        nothing = z.new_zeros(z.shape[0], self.codec.space.size)
        expected = None if self.copula is None else self.copula.nothing(z.shape[0])
        return self._completed(z, nothing, z.new_zeros(z.shape[0], self.blocks), expected)


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
