"""One column as a network sees it: which level, and for numbers also the place in their distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ganforge.core.columns import WIDE
from ganforge.core.fields import flag, listed, mapping, only, real, whole

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Block", "fit_block"]

SPIKE = 0.02  # share of the rows from which a number is a level of its own, among many
_MOST_LEVELS = 128  # different codes up to which each is a level
_FEW_LEVELS = 16  # different codes up to which each is a level however few rows there are
_ROWS_OF_LEVEL = 8
_BINS = 50  # levels for the codes that are no spikes, where there are more
_MOST_STEPS = 4_096  # different numbers up to which each is kept; of more, quantiles
_EDGE = 1 / 256
_MANY = 10_000_000


@dataclass(frozen=True)
class Block:
    """The numbers of one column in model units.

    The first are one-hot over the levels: runs of neighbouring codes, and missing. Where codes are ordered,
    or a level has several, the place u in the distribution follows, with mean 0 and deviation 1. A code x
    lies anywhere in [F(x⁻), F(x)] (a dithered distribution function), so it comes back exactly as F⁻¹(u).

    Attributes:
        values: codes, growing; where ``smooth``, some quantiles, and codes between two are possible.
        ends: F at each.
        first: for each level, which of the values it begins with.
        gaps: share of the rows in which nothing stands; then the last level is *missing*.
        ordered: whether codes can be compared.
        smooth: whether there are too many different codes to keep.
    """

    values: tuple[float, ...]
    ends: tuple[float, ...]
    first: tuple[int, ...]
    gaps: float = 0.0
    ordered: bool = True
    smooth: bool = False

    @property
    def levels(self) -> int:
        """How many one-hot numbers there are."""
        return len(self.first) + bool(self.gaps)

    @property
    def placed(self) -> bool:
        """Whether the place in the distribution is there, too."""
        return self.ordered or len(self.first) < len(self.values)

    @property
    def scores(self) -> int:
        """How many ``core.columns`` scores the column has: one, or of words one for each level."""
        return 1 if self.ordered else self.levels

    @property
    def width(self) -> int:
        return self.levels + self.placed

    @property
    def bounds(self) -> list[tuple[float, float]]:
        """Where each level begins and ends in the distribution; missing has no extent, in the middle."""
        return self._bounds

    @cached_property
    def _bounds(self) -> list[tuple[float, float]]:
        starts = [0.0 if i == 0 else self.ends[i if self.smooth else i - 1] for i in self.first]
        found = list(zip(starts, [*starts[1:], 1.0], strict=True))
        return [*found, (0.5, 0.5)] if self.gaps else found

    @cached_property
    def shares(self) -> list[float]:
        """Of the rows, for each level."""
        filled = [(1.0 - self.gaps) * (high - low) for low, high in self.bounds[: len(self.first)]]
        return [*filled, self.gaps] if self.gaps else filled

    def encode(self, x: Tensor, u: Tensor) -> Tensor:
        """Codes ``(N,)`` float64, dithered by ``u`` ``(N,)`` in [0, 1), to model units ``(N, width)``."""
        import torch

        values, ends = x.new_tensor(self.values), x.new_tensor(self.ends)
        gone, x = x.isnan(), x.nan_to_num(nan=self.values[0]).contiguous()
        low = torch.searchsorted(values, x).clamp(max=len(values) - 1)
        if self.smooth:
            high = (torch.searchsorted(values, x, right=True) - 1).clamp(min=0)
            spike = ends[low] + u.to(x) * (ends[high] - ends[low])
            after = low.clamp(min=1)
            share = (x - values[after - 1]) / (values[after] - values[after - 1]).clamp_min(1e-300)
            between = ends[after - 1] + share.clamp(0.0, 1.0) * (ends[after] - ends[after - 1])
            place = torch.where(high >= low, spike, between)
            starts = x.new_tensor([bounds[0] for bounds in self.bounds[: len(self.first)]])
            level = torch.searchsorted(starts, place.contiguous(), right=True) - 1
        else:
            before = torch.where(low > 0, ends[(low - 1).clamp(min=0)], torch.zeros_like(x))
            # Not at the very ends, which float32 could round into the neighbour.
            place = before + (_EDGE + (1.0 - 2.0 * _EDGE) * u.to(x)) * (ends[low] - before)
            level = torch.searchsorted(torch.tensor(self.first, device=x.device), low, right=True) - 1
        level = torch.where(gone, len(self.first), level.clamp(min=0)) if self.gaps else level.clamp(min=0)
        hot = torch.nn.functional.one_hot(level, self.levels).float()
        if not self.placed:
            return hot
        place = torch.where(gone, 0.5, place)
        return torch.cat([hot, ((place - 0.5) * WIDE).float()[:, None]], 1)

    def place(self, hot: Tensor, chance: Tensor) -> Tensor:
        """The last number of chosen levels ``(N, levels)``: within it by ``chance`` ``(N, 1)``, 0…1."""
        low = hot.new_tensor([bounds[0] for bounds in self.bounds])
        wide = hot.new_tensor([bounds[1] - bounds[0] for bounds in self.bounds])
        return ((hot * low).sum(1, keepdim=True) + (hot * wide).sum(1, keepdim=True) * chance - 0.5) * WIDE

    def decode(self, x: Tensor) -> Tensor:
        """Model units ``(N, width)`` to codes ``(N,)`` float64."""
        import torch

        x = x.double()
        level = x[:, : self.levels].argmax(1)
        values, first = x.new_tensor(self.values), torch.tensor(self.first, device=x.device)
        known = level.clamp(max=len(self.first) - 1)
        if not self.placed:
            codes = values[first[known]]
        else:
            last = torch.cat([first[1:] - 1, first.new_tensor([len(self.values) - 1])])
            ends = x.new_tensor(self.ends)
            place = (x[:, -1] / WIDE + 0.5).clamp(0.0, 1.0)
            if self.smooth:
                # Within the level: from the quantile it begins with to that of the next one.
                last = (last + 1).clamp(max=len(self.values) - 1)
                place = torch.minimum(torch.maximum(place, ends[first[known]]), ends[last[known]])
                after = _searched(ends, place).clamp(1, len(values) - 1)
                share = (place - ends[after - 1]) / (ends[after] - ends[after - 1]).clamp_min(1e-12)
                codes = values[after - 1] + share.clamp(0.0, 1.0) * (values[after] - values[after - 1])
            else:
                at = _searched(ends, place, right=True)
                codes = values[torch.minimum(torch.maximum(at, first[known]), last[known])]
        return torch.where(level == len(self.first), math.nan, codes) if self.gaps else codes

    def to_json(self) -> dict[str, Any]:
        return {
            "values": list(self.values),
            "ends": list(self.ends),
            "first": list(self.first),
            "gaps": self.gaps,
            "ordered": self.ordered,
            "smooth": self.smooth,
        }

    @classmethod
    def from_json(cls, fields: Any, where: str = "block") -> Block:
        """The inverse of :meth:`to_json`, on plain data of unknown origin. Raises ValueError, TypeError."""
        fields = mapping(fields, where)
        only(fields, ["values", "ends", "first", "gaps", "ordered", "smooth"], where)

        def numbers(name: str) -> tuple[float, ...]:
            return tuple(real(x, f"{where}.{name}") for x in listed(fields[name], f"{where}.{name}", _MANY))

        values, ends = numbers("values"), numbers("ends")
        first = tuple(
            whole(i, f"{where}.first", 0, len(values) - 1) for i in listed(fields["first"], where, _MANY)
        )
        parts = (values, ends, first)
        if len(values) != len(ends) or first[:1] != (0,) or any(list(p) != sorted(p) for p in parts):
            raise ValueError(f"{where} is no distribution")
        gaps = real(fields["gaps"], f"{where}.gaps", 0.0, 1.0)
        return cls(values, ends, first, gaps, flag(fields["ordered"], where), flag(fields["smooth"], where))


def _searched(ends: Tensor, place: Tensor, *, right: bool = False) -> Tensor:
    """``torch.searchsorted``, in an exported graph as a count: ONNX has no such operation."""
    import torch

    if torch.compiler.is_compiling():
        below = ends <= place[:, None] if right else ends < place[:, None]
        return below.sum(1)
    return torch.searchsorted(ends, place.contiguous(), right=right)


def fit_block(codes: np.ndarray, *, ordered: bool) -> Block:
    """The block of a column with the codes ``(N,)``; those of words are places by their frequency."""
    gone = np.isnan(codes)
    gaps = float(gone.mean())
    values, counts = np.unique(codes[~gone], return_counts=True)
    if not len(values):
        return Block((0.0,), (1.0,), (0,), gaps, ordered)
    first = _runs(counts, ordered)
    if not ordered or len(values) <= _MOST_STEPS:
        ends = np.cumsum(counts) / counts.sum()
        ends[-1] = 1.0
        return Block(tuple(values.tolist()), tuple(ends.tolist()), tuple(first), gaps, ordered)
    return _smooth(np.sort(codes[~gone]), gaps)


def _smooth(codes: np.ndarray, gaps: float) -> Block:
    """A block of sorted numbers that are too many to keep: quantiles, with both ends of each spike."""
    n = len(codes)
    marks = np.linspace(0.0, 1.0, _MOST_STEPS)
    values, ends = np.quantile(codes, marks), marks.copy()
    kept = np.append(True, values[1:] != values[:-1]) | np.append(values[1:] != values[:-1], True)
    values, ends = values[kept], ends[kept]
    # A number that stands at several marks begins and ends where it really does.
    again = np.append(values[1:] == values[:-1], False)
    low, high = np.searchsorted(codes, values, "left") / n, np.searchsorted(codes, values, "right") / n
    ends = np.where(again, low, np.where(np.append(False, again[:-1]), high, ends))
    ends[0], ends[-1] = 0.0, 1.0
    spikes = np.flatnonzero(again & (high - low >= SPIKE))
    starts = {0, *spikes.tolist(), *(i + 1 for i in spikes.tolist() if i + 2 < len(values))}
    for mark in np.linspace(0.0, 1.0, _BINS, endpoint=False):
        i = int(np.searchsorted(ends, mark, "right")) - 1
        if not any(k <= i <= k + 1 for k in spikes.tolist()) and i + 1 < len(values):
            starts.add(max(i, 0))
    return Block(
        tuple(values.tolist()),
        tuple(np.maximum.accumulate(ends).tolist()),
        tuple(sorted(starts)),
        gaps,
        True,
        True,
    )


def _runs(counts: np.ndarray, ordered: bool) -> list[int]:
    """Where each level begins: every code its own, or only spikes where there are many, and runs between.

    Levels of a few rows each would be learnt by heart: of few rows there are few.
    """
    n, rows = len(counts), int(counts.sum())
    shares = counts / rows
    if n <= _FEW_LEVELS or (n <= _MOST_LEVELS and (not ordered or rows >= _ROWS_OF_LEVEL * n)):
        return list(range(n))
    if not ordered:
        return list(range(_MOST_LEVELS))  # the last level has all rarer words
    own = shares >= SPIKE
    least = (1.0 - shares[own].sum()) / min(_BINS, max(round(rows**0.5), 4))
    first: list[int] = []
    mass, spike = 0.0, True
    for i, share in enumerate(shares.tolist()):
        if own[i] or spike or mass >= least:
            first.append(i)
            mass = 0.0
        mass += share
        spike = bool(own[i])
    return first
