"""Kinds of data whose examples are columns: what networks and games ask of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from ganforge.core.codec import Codec

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ColumnBlock", "Columnar"]


class ColumnBlock(Protocol):
    """The numbers of one column in model units: one-hot levels, and for some a place after them."""

    @property
    def levels(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def placed(self) -> bool: ...


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

    def chosen(self, logits: Tensor, z: Tensor, which: Sequence[int] | None = None) -> Tensor:
        """Logits of levels ``(N, levels)`` to examples ``(N, W)``, with the last latents as chance.

        ``which`` are the blocks that are wanted; the others are 0.
        """
        raise NotImplementedError

    def spread(self, mask: Tensor) -> Tensor:
        """A mask of blocks ``(N, B)`` as one of numbers ``(N, W)``."""
        import torch

        parts = [mask[:, b : b + 1].expand(-1, block.width) for b, (block, _) in enumerate(self.slices)]
        return torch.cat(parts, 1)
