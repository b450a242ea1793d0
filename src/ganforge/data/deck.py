"""Dealing: real examples as batches, in an order that is a pure function of the position."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ganforge.core.batch import Batch
from ganforge.core.draw import key, permutation
from ganforge.core.space import Space
from ganforge.data.dataset import Examples

__all__ = ["Deck"]

_ON_DEVICE = 1 << 30  # bytes up to which all examples stay on the device


class Deck:
    """Deals examples for ever: epoch e is ``permutation(n, seed=seed, epoch=e)``, epochs follow one another.

    Args:
        examples: in declared units.
        space: theirs; it brings them to model units, on ``device``.
        seed: of the order and of the mirroring.
        device: where batches are wanted.
        mirror: show each picture mirrored left to right in half of the epochs.
    """

    def __init__(
        self,
        examples: Examples,
        space: Space,
        *,
        seed: int,
        device: torch.device | str = "cpu",
        mirror: bool = False,
    ) -> None:
        assert examples.n > 0
        assert not mirror or space.kind == "pictures"
        self.n = examples.n
        self._space = space
        self._seed = seed
        self._device = torch.device(device)
        self._mirror = mirror
        self._far = examples.values if examples.values.nbytes > _ON_DEVICE else None
        self._ready = space.kind == "points" and self._far is None  # kept in model units
        self._near = torch.empty(0)
        if self._far is None:
            # A copy: torch must not be given memory that is mapped read-only.
            self._near = torch.from_numpy(np.array(examples.values)).to(self._device)
            if self._ready:
                self._near = space.to_model(self._near)
        self._labels: Tensor | None = None
        self._one_hot = torch.eye(len(space.classes), device=self._device)
        if examples.labels is not None:
            self._labels = torch.from_numpy(np.array(examples.labels, np.int64)).to(self._device)
        self._epochs: dict[int, tuple[Tensor, Tensor | None]] = {}

    def deal(self, position: int, n: int) -> Batch:
        """Examples ``position … position + n − 1`` of the endless sequence, n of them, in model units."""
        epoch, start = divmod(position, self.n)
        if start + n <= self.n:
            order, flips = self._epoch(epoch)
            which = order[start : start + n]
            flip = None if flips is None else flips[start : start + n]
        else:
            which, flip = self._across(epoch, start, n)
        real = self._near.index_select(0, which) if self._far is None else self._gather(self._far, which)
        if flip is not None:
            real = torch.where(flip.view(-1, 1, 1, 1), real.flip(-1), real)
        if not self._ready:
            real = self._space.to_model(real)
        if self._labels is None:
            return Batch(real)
        labels = self._labels.index_select(0, which.to(self._device))
        return Batch(real, None, self._one_hot.index_select(0, labels))

    def _across(self, epoch: int, start: int, n: int) -> tuple[Tensor, Tensor | None]:
        """Order and mirroring of a batch that reaches into the next epoch or beyond."""
        orders: list[Tensor] = []
        flips: list[Tensor] = []
        while n > 0:
            order, flip = self._epoch(epoch)
            orders.append(order[start : start + n])
            if flip is not None:
                flips.append(flip[start : start + n])
            n -= len(orders[-1])
            epoch, start = epoch + 1, 0
        return torch.cat(orders), torch.cat(flips) if flips else None

    def _epoch(self, epoch: int) -> tuple[Tensor, Tensor | None]:
        """The order of one epoch ``(n,)``, and which of its deals are mirrored; the last two are kept."""
        kept = self._epochs.get(epoch)
        if kept is None:
            order = torch.from_numpy(permutation(self.n, seed=self._seed, epoch=epoch))
            flips = None
            if self._mirror:
                rng = np.random.Generator(np.random.Philox(key=key(self._seed, epoch, 1)))
                flips = torch.from_numpy(rng.random(self.n) < 0.5).to(self._device)
            # The order of examples in a file stays with the file's side of the bus.
            kept = (order if self._far is not None else order.to(self._device), flips)
            while len(self._epochs) >= 2:
                del self._epochs[min(self._epochs)]
            self._epochs[epoch] = kept
        return kept

    def _gather(self, far: np.ndarray, which: Tensor) -> Tensor:
        """Rows of a memory map, read in the order in which they lie."""
        index = which.numpy()
        forward = np.argsort(index, kind="stable")
        rows = np.empty((len(index), *far.shape[1:]), far.dtype)
        rows[forward] = far[index[forward]]
        return torch.from_numpy(rows).to(self._device)
