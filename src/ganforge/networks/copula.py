"""What a column is likely to be beside any others by a Gaussian copula: where few rows begin."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ganforge.core.columns import WIDE, Columnar, normal_score

__all__ = ["Copula", "Expected"]

_OWN = 0.002  # share of a column's own distribution that is mixed in: nothing is impossible
_NOISE = 1e-5  # variance of a score that is given, so that no column that others decide divides by 0
_LEAST_MASS = 1e-5  # mass of a level from which its places are told apart
_FAR = 1e3  # normal score of the ends


class Expected(NamedTuple):
    """The normal distribution of the scores beside what is given: ``(N, D)`` and ``(N, D, D)``."""

    mean: Tensor
    covariance: Tensor

    def of(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Means and deviations of some scores."""
        return self.mean[:, scores], self.covariance[:, scores, scores].clamp_min(_NOISE).sqrt()


class Copula(nn.Module):
    """The scores of all columns as one normal distribution, with the correlations of the training part.

    The mean of a word's score is its chance, as linear regression has it.

    Args:
        codec: what ``scores`` and ``correlations`` are.
    """

    correlations: Tensor
    shares: Tensor
    weights: Tensor
    least: Tensor
    edges: Tensor
    ends: Tensor
    score: Tensor
    words: Tensor

    def __init__(self, codec: Columnar) -> None:
        super().__init__()
        self.codec = codec
        blocks = [block for block, _ in codec.slices]
        stops = [0, *accumulate(block.scores for block in blocks)]
        self.places = [range(a, b) for a, b in pairwise(stops)]
        self.size = stops[-1]
        self.words_first = sorted(range(len(blocks)), key=lambda b: blocks[b].ordered)
        filled = [
            (1.0 - _OWN) * (1.0 - block.gaps * block.ordered) * (not (gone and block.ordered))
            for block in blocks
            for gone in [False] * (block.levels - bool(block.gaps)) + [True] * bool(block.gaps)
        ]
        shares = torch.tensor(codec.log_shares).exp()
        weights = torch.tensor(filled)
        edges = torch.tensor([ends for block in blocks for ends in block.bounds], dtype=torch.float64).T
        found = {
            "correlations": torch.tensor(codec.correlations),
            "shares": shares,
            "weights": weights,
            "least": torch.where(weights > 0, _OWN * shares, shares).clamp_min(1e-9),
            "edges": edges.float(),
            "ends": torch.special.ndtri(edges).clamp(-_FAR, _FAR).float(),
            "score": torch.tensor(
                [
                    place[0] if block.ordered else place[k]
                    for block, place in zip(blocks, self.places, strict=True)
                    for k in range(block.levels)
                ]
            ),
            "words": torch.tensor([not block.ordered for block in blocks for _ in range(block.levels)]),
        }
        for name, tensor in found.items():  # of each level, but the first; all follow from the codec
            self.register_buffer(name, tensor, persistent=False)
        stops = [0, *accumulate(block.levels for block in blocks)]
        self.levels = [slice(a, b) for a, b in pairwise(stops)]

    def nothing(self, n: int) -> Expected:
        """Before anything is given."""
        return Expected(self.correlations.new_zeros(n, self.size), self.correlations.expand(n, -1, -1))

    def given(self, row: Tensor, mask: Tensor) -> Expected:
        """Beside what the mask ``(N, B)`` says is given of ``row`` ``(N, W)``."""
        scores, known = self._scores(row, mask, range(len(self.places)))
        seen = self.correlations * known[:, None, :]  # (N, D, D)
        system = known[:, :, None] * seen + torch.diag_embed(1.0 - known + _NOISE)
        gain = torch.linalg.solve(system, seen.transpose(1, 2)).transpose(1, 2)
        return Expected((gain @ scores[:, :, None])[:, :, 0], self.correlations - gain @ seen.transpose(1, 2))

    def more(self, before: Expected, row: Tensor, mask: Tensor, which: Sequence[int]) -> Expected:
        """``before`` beside some more blocks, one score at a time (Kalman 1960), as a graph can have it."""
        mean, covariance = before
        scores, known = self._scores(row, mask, which)
        for k, d in enumerate(d for b in which for d in self.places[b]):
            column, there, at = covariance.select(2, d), known.narrow(1, k, 1), mean.narrow(1, d, 1)
            gain = column * (there / (column.narrow(1, d, 1) + _NOISE))
            mean = mean + gain * (scores.narrow(1, k, 1) - at)
            covariance = covariance - gain[:, :, None] * column[:, None, :]
        return Expected(mean, covariance)

    def _scores(self, row: Tensor, mask: Tensor, which: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Of some blocks, and whether they are given, ``(N, scores)`` both."""
        known: list[Tensor] = []
        for b in which:
            block, channels = self.codec.slices[b]
            there = mask[:, b : b + 1]
            if block.ordered and block.gaps:
                there = there * (1.0 - row[:, channels][:, block.levels - 1 : block.levels])
            known.append(there.expand(-1, len(self.places[b])))
        there = torch.cat(known, 1)
        return torch.cat(self.codec.scores(row, which), 1) * there, there

    def _reached(self, expected: Expected, levels: slice) -> tuple[Tensor, Tensor]:
        """The distribution function at both ends of each level, ``(N, levels)``."""
        mean, spread = expected.of(self.score[levels])
        low, high = (_normal((end - mean) / spread) for end in self.ends[:, levels])
        return low, high

    def logits(self, expected: Expected, levels: slice) -> Tensor:
        """Of some levels, ``(N, levels)``; a number is missing as often as it is."""
        low, high = self._reached(expected, levels)
        share = self.shares[levels]
        chance = share + expected.mean[:, self.score[levels]] * torch.sqrt(share * (1.0 - share))
        mass = torch.where(self.words[levels], chance.clamp_min(0.0), high - low)
        return (mass * self.weights[levels] + self.least[levels]).log()

    def placed(self, row: Tensor, z: Tensor, expected: Expected, which: Sequence[int]) -> Tensor:
        """``row`` ``(N, W)`` with numbers of some blocks where they are likely to be in their levels."""
        chances = z[:, z.shape[1] - self.codec.chances :]
        parts = list(row.split([block.width for block, _ in self.codec.slices], 1))
        for b in which:
            block, channels = self.codec.slices[b]
            if not block.ordered:
                continue
            hot, levels = parts[b][:, : block.levels], self.levels[b]
            low, high = ((hot * end).sum(1, keepdim=True) for end in self._reached(expected, levels))
            first, last = ((hot * edge).sum(1, keepdim=True) for edge in self.edges[:, levels])
            mean, spread = expected.of(self.score[levels][:1])
            chance = _normal(chances[:, channels.stop - 1 : channels.stop])
            place = _normal(mean + spread * normal_score(low + (high - low) * chance))
            place = (torch.minimum(torch.maximum(place, first), last) - 0.5) * WIDE
            anywhere = parts[b][:, block.levels :]
            # The gradient is that of a place which is anywhere within its level.
            moved = torch.where(high - low > _LEAST_MASS, place - anywhere, 0.0).detach()
            parts[b] = torch.cat([hot, anywhere + moved], 1)
        return torch.cat(parts, 1)


def _normal(x: Tensor) -> Tensor:
    """The normal distribution function."""
    return 0.5 + 0.5 * torch.erf(x / math.sqrt(2.0))
