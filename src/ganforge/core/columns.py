"""Kinds of data whose examples are columns: what networks and games ask of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ganforge.core.codec import Codec

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["WIDE", "ColumnBlock", "Columnar", "normal_score"]

WIDE = math.sqrt(12.0)  # of a uniform variable, by its deviation


class ColumnBlock(Protocol):
    """The numbers of one column in model units: one-hot levels, and for some a place after them."""

    @property
    def levels(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def placed(self) -> bool: ...
    @property
    def scores(self) -> int: ...
    @property
    def ordered(self) -> bool: ...
    @property
    def gaps(self) -> float: ...
    @property
    def bounds(self) -> list[tuple[float, float]]: ...


class Columnar(Codec):
    """Examples ``(W,)`` in model units are blocks side by side, of which any can be given."""

    @property
    def slices(self) -> Sequence[tuple[ColumnBlock, slice]]:
        """Each block and its numbers."""
        raise NotImplementedError

    @property
    def chances(self) -> int:
        """How many latents choose levels, and places within them."""
        raise NotImplementedError

    @property
    def log_shares(self) -> list[float]:
        """Logits of levels that are as frequent as in the training part, of all blocks side by side."""
        raise NotImplementedError

    @property
    def correlations(self) -> Sequence[Sequence[float]]:
        """Of the :meth:`scores` in the training part, ``(D, D)``; empty where these are too many."""
        return ()

    def chosen(self, logits: Tensor, z: Tensor, which: Sequence[int] | None = None) -> Tensor:
        """Logits of levels ``(N, levels)`` to examples ``(N, W)``, with the last latents as chance.

        ``which`` are the blocks that are wanted; the others are 0.
        """
        raise NotImplementedError

    def scores(self, x: Tensor, which: Sequence[int] | None = None) -> list[Tensor]:
        """Of some blocks of ``x`` ``(N, W)``, ``(N, scores)`` each, with deviations of about 1.

        A number has one, the normal score of its place in its distribution, and 0 where it is missing; a word
        has one for each level.
        """
        import torch

        shares = x.new_tensor(self.log_shares).exp().split([block.levels for block, _ in self.slices])
        found: list[Tensor] = []
        for b in range(len(self.slices)) if which is None else which:
            block, channels = self.slices[b]
            own, share = x[:, channels], shares[b]
            if block.ordered:
                score = normal_score(own[:, -1:] / WIDE + 0.5)
                gone = own[:, block.levels - 1 : block.levels]
                found.append(score * (1.0 - gone) if block.gaps else score)
            else:
                off = own[:, : block.levels] - share
                found.append(off / torch.sqrt(share * (1.0 - share)).clamp_min(1e-3))
        return found

    def spread(self, mask: Tensor) -> Tensor:
        """A mask of blocks ``(N, B)`` as one of numbers ``(N, W)``."""
        import torch

        widths = [block.width for block, _ in self.slices]
        return mask[:, torch.from_numpy(np.repeat(np.arange(len(widths)), widths)).to(mask.device)]


# fmt: off
_MIDDLE = (2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503,
           -0.00417768164, 0.246640727, 1.50140941)
_TAIL = (-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613,
         0.00943887047, 1.00167406, 2.83297682)
# fmt: on


def normal_score(place: Tensor) -> Tensor:
    """The inverse of the normal distribution function, not farther than about 5 from 0.

    By Giles's polynomials for the inverse error function (2010, 'Approximating the erfinv function', single
    precision): ONNX has no such operation.
    """
    import torch

    x = 2.0 * place.clamp(1e-6, 1.0 - 1e-6) - 1.0
    w = -torch.log((1.0 - x) * (1.0 + x))
    powers = torch.arange(len(_MIDDLE) - 1, -1, -1, device=x.device)
    # As sums of powers: a graph that is exported has a sixth of the operations of Horner's scheme.
    middle, tail = (
        (t[..., None] ** powers * t.new_tensor(factors)).sum(-1)
        for t, factors in ((w - 2.5, _MIDDLE), (torch.sqrt(w.clamp_min(5.0)) - 3.0, _TAIL))
    )
    return math.sqrt(2.0) * torch.where(w < 5.0, middle, tail) * x
