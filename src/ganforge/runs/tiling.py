"""Pictures too large to be translated whole: cut into tiles that overlap, and blended where they do.

A tile's weight goes from 0 to 1 over the middle half of an overlap, along a squared sine; in the outer
quarter, where a network sees the tile's edge and not what lies beyond, it is 0. All weights are 1 in sum.
Where a network sees less far than that quarter, the result is that of the whole picture.

With instance or group normalisation a network sees as far as its tile goes: a channel's mean and deviation,
and with them brightness and colour, differ from tile to tile. :func:`as_of` takes those statistics from the
whole picture, reduced to one tile's size (thumbnail instance normalisation: Chen et al. 2022,
arXiv 2103.11784).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise, product

import torch
from torch import Tensor, nn

__all__ = ["Axis", "as_of", "plan", "tiled"]


@dataclass(frozen=True)
class Axis:
    """How one side is cut.

    Attributes:
        starts: where tiles begin, ascending.
        tile: how long each is.
    """

    starts: tuple[int, ...]
    tile: int

    def weights(self, scale: int = 1) -> list[Tensor]:
        """Of each tile, ``(scale · tile,)`` in 0…1; at every place of the side they are 1 in sum."""
        found = [torch.ones(scale * self.tile) for _ in self.starts]
        for i, (former, start) in enumerate(pairwise(self.starts)):
            shared = scale * (former + self.tile - start)
            place = (torch.arange(shared) + 0.5) / shared
            rise = torch.sin((2 * place - 0.5).clamp(0, 1) * (math.pi / 2)).square()
            found[i + 1][:shared] = rise
            found[i][-shared:] = 1 - rise
        return found


def plan(side: int, *, largest: int, overlap: int, grid: int) -> Axis:
    """Equal tiles of at most ``largest`` for ``side``, neighbours sharing ``overlap`` or a little more.

    All are multiples of ``grid``, and so are the starts, since a network halves what it sees in such steps.
    """
    assert side % grid == largest % grid == overlap % grid == 0
    assert 4 * overlap <= largest
    assert 16 * grid <= largest, "no place may lie in three tiles"
    if side <= largest:
        return Axis((0,), side)
    count = math.ceil((side - overlap) / (largest - overlap))
    tile = min(largest, math.ceil((side + (count - 1) * overlap) / (count * grid)) * grid)
    steps = (side - tile) // grid
    return Axis(tuple(i * steps // (count - 1) * grid for i in range(count)), tile)


def tiled(
    make: Callable[[Tensor], Tensor], x: Tensor, axes: Sequence[Axis], *, scale: int, channels: int
) -> Tensor:
    """``make`` of ``x (1, C, *sides)``, tile by tile: ``(1, channels, *scale · sides)`` float32."""
    whole = torch.zeros(1, channels, *(scale * side for side in x.shape[2:]))
    weights = [axis.weights(scale) for axis in axes]
    for numbers in product(*(range(len(axis.starts)) for axis in axes)):
        here, there = [slice(None)] * 2, [slice(None)] * 2
        weight = torch.ones(())
        for axis, number, mine in zip(axes, numbers, weights, strict=True):
            start = axis.starts[number]
            here.append(slice(start, start + axis.tile))
            there.append(slice(scale * start, scale * (start + axis.tile)))
            weight = weight[..., None] * mine[number]
        whole[tuple(there)] += weight * make(x[tuple(here)])
    return whole


@contextmanager
def as_of(network: nn.Module, look: Callable[[], object]) -> Generator[None]:
    """Within it, group and instance normalisations use the statistics that they meet during ``look()``.

    For inputs of one row, and for one thread at a time.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, nn.GroupNorm)]
    met: dict[nn.Module, tuple[Tensor, Tensor]] = {}  # mean and deviation, (channels,) each

    def note(layer: nn.Module, given: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, nn.GroupNorm)
        groups = given[0].reshape(layer.num_groups, -1)
        each = layer.num_channels // layer.num_groups
        deviation = (groups.var(1, correction=0) + layer.eps).sqrt()
        met[layer] = groups.mean(1).repeat_interleave(each), deviation.repeat_interleave(each)

    def use(layer: nn.Module, given: tuple[Tensor, ...], _: Tensor) -> Tensor:
        assert isinstance(layer, nn.GroupNorm)
        x, (mean, deviation) = given[0], met[layer]
        scale = layer.weight / deviation
        shape = (1, -1, *(1 for _ in x.shape[2:]))
        return x * scale.view(shape) + (layer.bias - mean * scale).view(shape)

    handles = [layer.register_forward_pre_hook(note) for layer in layers]
    try:
        if layers:
            look()
    finally:
        for handle in handles:
            handle.remove()
    handles = [layer.register_forward_hook(use) for layer in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
