"""Dealing: real examples as batches, in an order that is a pure function of the position."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from torch import Tensor

from ganforge.core.batch import Batch
from ganforge.core.rng import Rng, key, permutation
from ganforge.core.space import Space
from ganforge.data.dataset import Examples
from ganforge.data.degrade import Chance, degradation, is_degradation

__all__ = ["Loader"]

_ON_DEVICE = 1 << 30  # bytes up to which all examples stay on the device
_IN_MEMORY = 1 << 28  # the same of the processor: beyond, the system keeps what it has room for of their file


class _Order:
    """Epoch e is ``permutation(n, seed=seed, epoch=e)``; epochs follow one another for ever."""

    def __init__(
        self, n: int, seed: int, device: torch.device, *, mirror: bool, home: torch.device | None = None
    ) -> None:
        self.n = n
        self._seed = seed
        self._device = device  # of the mirroring
        self._home = home or device  # of the order: with the file, where examples lie in one
        self._mirror = mirror
        self._epochs: dict[int, tuple[Tensor, Tensor | None]] = {}

    def take(self, position: int, n: int) -> tuple[Tensor, Tensor | None]:
        """Which examples lie at ``position … position + n − 1``, and which of them are mirrored."""
        epoch, start = divmod(position, self.n)
        if start + n > self.n:
            return self._across(epoch, start, n)
        order, flips = self._epoch(epoch)
        return order[start : start + n], None if flips is None else flips[start : start + n]

    def _across(self, epoch: int, start: int, n: int) -> tuple[Tensor, Tensor | None]:
        """The same for a batch that reaches into the next epoch or beyond."""
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
        """The order of one epoch ``(n,)``, and which of its examples are mirrored; the last two are kept."""
        kept = self._epochs.get(epoch)
        if kept is None:
            order = torch.from_numpy(permutation(self.n, seed=self._seed, epoch=epoch))
            flips = None
            if self._mirror:
                rng = np.random.Generator(np.random.Philox(key=key(self._seed, epoch, 1)))
                flips = torch.from_numpy(rng.random(self.n) < 0.5).to(self._device)
            kept = (order.to(self._home), flips)
            while len(self._epochs) >= 2:
                del self._epochs[min(self._epochs)]
            self._epochs[epoch] = kept
        return kept


class _Domain:
    """Examples of one space, on the device where they fit, else in their file."""

    def __init__(self, values: np.ndarray, space: Space, device: torch.device) -> None:
        self.n = len(values)
        self._space = space
        self._device = device
        most = _IN_MEMORY if device.type == "cpu" else _ON_DEVICE
        self._far = values if values.nbytes > most else None
        self.home = device if self._far is None else torch.device("cpu")
        # In model units when they reach the device, unless these are larger or change with each batch.
        self._ready = not space.codec.dithers and space.codec.dtype != "uint8"
        self._near = torch.empty(0)
        if self._far is None:
            self._near = self._to_device(_readable(values))

    def fetch(self, which: Tensor, flip: Tensor | None, chance: int | None = None) -> Tensor:
        """Examples by number, mirrored where ``flip`` holds, in model units; ``chance`` seeds the dither."""
        if self._far is None:
            found = self._near.index_select(0, which.to(self._device))
        else:
            found = self._gather(self._far, which)
        if flip is not None:
            found = torch.where(flip.view(-1, 1, 1, 1), found.flip(-1), found)
        if self._ready:
            return found
        if chance is None or not self._space.codec.dithers:
            return self._space.to_model(found)
        u = Rng(chance, device=found.device).uniform(len(found), *found.shape[1:])
        return self._space.codec.encode(found, u)

    def _to_device(self, rows: Tensor) -> Tensor:
        """Rows on the device; points in model units, since not every device has float64."""
        return (self._space.to_model(rows) if self._ready else rows).to(self._device)

    def _gather(self, far: np.ndarray, which: Tensor) -> Tensor:
        """Rows of a memory map, read in the order in which they lie."""
        index = which.cpu().numpy()  # waits for the device only where a smaller domain keeps the order there
        forward = np.argsort(index, kind="stable")
        rows = np.empty((len(index), *far.shape[1:]), far.dtype)
        rows[forward] = far[index[forward]]
        return self._to_device(torch.from_numpy(rows))


def _readable(values: np.ndarray) -> Tensor:
    """The same memory, of a map that must not be written, too: whoever gets it selects rows, which copies."""
    if values.flags.writeable or not values.size:
        return torch.from_numpy(values)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not writable", category=UserWarning)
        return torch.from_numpy(values)


class Loader:
    """Deals examples for ever: epoch e is ``permutation(n, seed=seed, epoch=e)``, epochs follow one another.

    Inputs of a translation come with their pairs, mirrored alike; those of an unpaired domain come in an
    order and with a mirroring of their own. All is a function of the seed and the position.

    Args:
        examples: in declared units.
        space: theirs; it brings them to model units, on ``device``.
        seed: of the order and of the mirroring.
        device: where batches are wanted.
        mirror: show each picture mirrored left to right in half of the epochs.
        source: as the examples were loaded with; a degradation is made when a batch is.
        paired: whether inputs belong to the examples row by row; else they are a domain of their own.
    """

    def __init__(
        self,
        examples: Examples,
        space: Space,
        *,
        seed: int,
        device: torch.device | str = "cpu",
        mirror: bool = False,
        source: str = "",
        paired: bool = True,
    ) -> None:
        assert examples.n > 0
        assert not mirror or space.codec.mirrors
        self.n = examples.n
        self._space = space
        self._seed = seed
        self._device = torch.device(device)
        self._reals = _Domain(examples.values, space, self._device)
        self._order = _Order(self.n, seed, self._device, mirror=mirror, home=self._reals.home)
        self._labels: Tensor | None = None
        self._one_hot = torch.eye(len(space.classes), device=self._device)
        if examples.labels is not None:
            self._labels = torch.from_numpy(np.array(examples.labels, np.int64)).to(self._device)
        self._rows: Tensor | None = None
        if examples.rows is not None:
            assert space.condition is not None
            self._rows = torch.from_numpy(np.array(examples.rows)).to(self._device)
        self._sources: _Domain | None = None
        self._degrade = None
        if examples.sources is not None:
            assert space.source is not None
            self._sources = _Domain(examples.sources, space.source, self._device)
            assert not paired or self._sources.n == self.n
        elif is_degradation(source):
            self._sources, self._degrade = self._reals, degradation(source, space)
        self._own_order: _Order | None = None
        if self._sources is not None and not paired:
            assert self._sources.n > 0
            self._own_order = _Order(
                self._sources.n, key(seed, 2), self._device, mirror=mirror, home=self._sources.home
            )

    def batch_at(self, position: int, n: int) -> Batch:
        """Examples ``position … position + n − 1`` of the endless sequence, n of them, in model units."""
        which, flip = self._order.take(position, n)
        real = self._reals.fetch(which, flip, key(self._seed, 4, position))
        if self._sources is None and self._rows is None:  # the common case, kept short
            if self._labels is None:
                return Batch(real)
            return Batch(real, None, self._condition(which))
        source = None
        if self._sources is not None:
            if self._own_order is not None:
                found = self._sources.fetch(*self._own_order.take(position, n))
            else:
                found = real if self._degrade is not None else self._sources.fetch(which, flip)
            source = self._inputs(found, position)
        return Batch(real, source, self._condition(which))

    def at(self, numbers: np.ndarray) -> Batch:
        """Examples by their number, never mirrored: for looking at, and for scores.

        Inputs are those of the same number, of an unpaired domain too (from its beginning again where it is
        the shorter one). An example's degradation depends on the seed and on its number.
        """
        which = torch.from_numpy(np.array(numbers, np.int64)).to(self._device)
        real = self._reals.fetch(which, None)
        source = None
        if self._sources is not None:
            found = self._sources.fetch(which % self._sources.n, None)
            if self._degrade is None or not len(found):
                source = self._inputs(found, 0)
            else:
                pieces = [self._inputs(found[i : i + 1], int(number)) for i, number in enumerate(numbers)]
                source = torch.cat(pieces)
        return Batch(real, source, self._condition(which))

    def _inputs(self, found: Tensor, position: int) -> Tensor:
        """Inputs as they are, or degraded."""
        if self._degrade is None:
            return found
        return self._degrade.apply(found, Chance(key(self._seed, 3), position, device=self._device))

    def _condition(self, which: Tensor) -> Tensor | None:
        which = which.to(self._device)
        if self._rows is not None:
            assert self._space.condition is not None
            return self._space.condition.vectors(self._rows.index_select(0, which))
        if self._labels is None:
            return None
        return self._one_hot.index_select(0, self._labels.index_select(0, which))
